package io.millrace.mysql.identity;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * A stable number of the server behind a connection, the same for every client, host name and
 * restart; what tells an upstream from a downstream. MySQL has a UUID in its data directory
 * ({@code @@server_uuid}); MariaDB has none, so server id, host name, data directory and port are
 * taken together.
 */
public final class ServerIdentity {
    private ServerIdentity() {}

    /** Runs a query; each row is the list of its columns. */
    @FunctionalInterface
    public interface Queries<E extends Exception> {
        List<List<String>> rows(String sql) throws E;
    }

    /** The server's number, never 0. */
    public static long clusterId(Connection connection) throws SQLException {
        return clusterId(sql -> rows(connection, sql));
    }

    /** The server's number over any kind of connection, never 0. */
    public static <E extends Exception> long clusterId(Queries<E> queries) throws E {
        return hash(identityText(queries));
    }

    private static List<List<String>> rows(Connection connection, String sql) throws SQLException {
        List<List<String>> all = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                all.add(List.of(rows.getString(1), String.valueOf(rows.getString(2))));
            }
        }
        return all;
    }

    private static <E extends Exception> String identityText(Queries<E> queries) throws E {
        List<List<String>> uuids =
                queries.rows("SHOW GLOBAL VARIABLES WHERE Variable_name = 'server_uuid'");
        if (!uuids.isEmpty() && !uuids.getFirst().get(1).isEmpty()) {
            return uuids.getFirst().get(1).toLowerCase(java.util.Locale.ROOT);
        }
        StringBuilder text = new StringBuilder();
        // The server answers in alphabetical order of the names.
        for (List<String> row :
                queries.rows(
                        "SHOW GLOBAL VARIABLES WHERE Variable_name IN"
                                + " ('server_id', 'hostname', 'datadir', 'port')")) {
            text.append(row.get(0)).append('=').append(row.get(1)).append(';');
        }
        return text.toString();
    }

    /** FNV-1a with a finisher; must never change, the number is shown to users. */
    static long hash(String text) {
        long hash = 0xCBF2_9CE4_8422_2325L;
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xFF)) * 0x100_0000_01B3L;
        }
        hash = (hash ^ (hash >>> 33)) * 0xFF51_AFD7_ED55_8CCDL;
        hash ^= hash >>> 33;
        return hash == 0 ? 1 : hash;
    }
}
