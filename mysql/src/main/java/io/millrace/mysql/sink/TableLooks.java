package io.millrace.mysql.sink;

import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What tables look like in the target, as {@code SHOW CREATE TABLE} tells, without their names and
 * without what rows change.
 *
 * @param definitions of the tables that are there, by name
 */
record TableLooks(Map<TableName, String> definitions) {
    private static final int NO_SUCH_TABLE = 1146;
    private static final int HASH_BYTES = 16;

    TableLooks {
        definitions = Map.copyOf(definitions);
    }

    static TableLooks read(TargetSession session, List<TableName> names) throws SQLException {
        Map<TableName, String> out = new HashMap<>();
        for (TableName name : names) {
            try (Statement statement = session.connection().createStatement();
                    ResultSet row =
                            statement.executeQuery("SHOW CREATE TABLE " + SqlText.quoted(name))) {
                row.next();
                out.put(name, withoutName(row.getString(2), name));
            } catch (SQLException e) {
                if (SqlErrors.isConnectionLoss(e)) {
                    throw e;
                }
                // A view whose tables are gone is there, and so is one that may not be shown.
                if (e.getErrorCode() != NO_SUCH_TABLE
                        && e.getErrorCode() != SqlErrors.UNKNOWN_DATABASE
                        && exists(session, name)) {
                    out.put(name, "");
                }
            }
        }
        return new TableLooks(out);
    }

    private static boolean exists(TargetSession session, TableName name) throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA="
                                        + SqlText.literal(name.schema())
                                        + " AND TABLE_NAME="
                                        + SqlText.literal(name.table()))) {
            return row.next();
        }
    }

    private static String withoutName(String definition, TableName name) {
        return definition
                .replace(SqlText.quoted(name), "``")
                .replace(SqlText.quoted(name.table()), "``")
                // Foreign keys are named by their table unless the statement said otherwise.
                .replace("`" + name.table().replace("`", "``") + "_ibfk_", "`_ibfk_")
                .replaceAll(" AUTO_INCREMENT=\\d+", "");
    }

    boolean has(TableName name) {
        return definitions.containsKey(name);
    }

    /** What renames, one after the other, make of this; as it is if one cannot be done. */
    TableLooks renamed(List<SchemaChange.Change> renames) {
        Map<TableName, String> out = new HashMap<>(definitions);
        for (SchemaChange.Change rename : renames) {
            String definition = out.remove(rename.name());
            if (definition != null && rename.newName().isPresent()) {
                out.put(rename.newName().get(), definition);
            }
        }
        return new TableLooks(out);
    }

    /** Thirty-two hexadecimal digits, equal for equal definitions. */
    String hash() {
        TreeMap<String, String> sorted = new TreeMap<>();
        definitions.forEach((name, text) -> sorted.put(SqlText.quoted(name), text));
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(sorted.toString().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, HASH_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
