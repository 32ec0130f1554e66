package io.millrace.mysql.identity;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * A stable number of the server behind a connection, the same for every client, host name and
 * restart; what tells an upstream from a downstream. MySQL has a UUID in its data directory
 * ({@code @@server_uuid}); MariaDB has none, so server id, host name, data directory and port are
 * taken together.
 */
public final class ServerIdentity {
    private ServerIdentity() {}

    /** The server's number, never 0. */
    public static long clusterId(Connection connection) throws SQLException {
        return hash(identityText(connection));
    }

    private static String identityText(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            try (ResultSet rows =
                    statement.executeQuery(
                            "SHOW GLOBAL VARIABLES WHERE Variable_name = 'server_uuid'")) {
                if (rows.next()) {
                    String uuid = rows.getString(2);
                    if (uuid != null && !uuid.isEmpty()) {
                        return uuid.toLowerCase(java.util.Locale.ROOT);
                    }
                }
            }
            StringBuilder text = new StringBuilder();
            try (ResultSet rows =
                    statement.executeQuery(
                            "SHOW GLOBAL VARIABLES WHERE Variable_name IN"
                                    + " ('server_id', 'hostname', 'datadir', 'port')")) {
                // The server answers in alphabetical order of the names.
                while (rows.next()) {
                    text.append(rows.getString(1))
                            .append('=')
                            .append(rows.getString(2))
                            .append(';');
                }
            }
            return text.toString();
        }
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
