package io.millrace.mysql.sink;

import io.millrace.core.model.TableName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The target's foreign keys that change rows along with the row they refer to. Immutable; read once
 * for all tables, for the servers have no cheap way to ask who refers to one table.
 */
final class ForeignKeys {
    /**
     * What refers to one table.
     *
     * @param onDelete a deleted row takes others along
     * @param onUpdate lower-case names of columns whose change takes others along
     */
    record Cascades(boolean onDelete, Set<String> onUpdate) {
        static final Cascades NONE = new Cascades(false, Set.of());

        boolean none() {
            return !onDelete && onUpdate.isEmpty();
        }
    }

    private static final String IN_SCHEMA =
            "SELECT k.REFERENCED_TABLE_SCHEMA, k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME,"
                    + " r.DELETE_RULE NOT IN ('RESTRICT','NO ACTION') d,"
                    + " r.UPDATE_RULE NOT IN ('RESTRICT','NO ACTION') u"
                    + " FROM information_schema.REFERENTIAL_CONSTRAINTS r"
                    + " JOIN information_schema.KEY_COLUMN_USAGE k"
                    + " ON k.TABLE_SCHEMA=r.CONSTRAINT_SCHEMA AND k.TABLE_NAME=r.TABLE_NAME"
                    + " AND k.CONSTRAINT_NAME=r.CONSTRAINT_NAME"
                    + " WHERE k.REFERENCED_TABLE_NAME IS NOT NULL HAVING d OR u";

    /**
     * InnoDB's own list: bits 0 and 1 of the type stand for actions on delete, 2 and 3 for those on
     * update (MariaDB {@code dict0mem.h}); names are those of files.
     */
    private static final String IN_INNODB =
            "SELECT CONVERT(CONVERT(CAST(SUBSTRING_INDEX(f.REF_NAME,'/',1) AS BINARY) USING"
                    + " filename) USING utf8mb4),"
                    + " CONVERT(CONVERT(CAST(SUBSTRING(f.REF_NAME,LOCATE('/',f.REF_NAME)+1) AS"
                    + " BINARY) USING filename) USING utf8mb4),"
                    + " l.REF_COL_NAME, f.TYPE & 3 <> 0, f.TYPE & 12 <> 0"
                    + " FROM information_schema.INNODB_SYS_FOREIGN f"
                    + " JOIN information_schema.INNODB_SYS_FOREIGN_COLS l ON l.ID=f.ID"
                    + " WHERE f.TYPE & 15";

    private final Map<String, Cascades> byTable;

    private ForeignKeys(Map<String, Cascades> byTable) {
        this.byTable = byTable;
    }

    /** Asks the target for those that the session's user may see. */
    static ForeignKeys load(TargetSession session) throws SQLException {
        if (session.isMariaDb()) {
            try {
                return new ForeignKeys(read(session, IN_INNODB));
            } catch (SQLException e) {
                if (SqlErrors.isConnectionLoss(e)) {
                    throw e;
                }
                // It takes the right PROCESS. The way below opens every table of the server.
            }
        }
        return new ForeignKeys(read(session, IN_SCHEMA));
    }

    private static Map<String, Cascades> read(TargetSession session, String query)
            throws SQLException {
        Map<String, Cascades> found = new HashMap<>();
        try (Statement statement = session.connection().createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            while (rows.next()) {
                String table = key(rows.getString(1), rows.getString(2));
                Cascades known = found.getOrDefault(table, Cascades.NONE);
                Set<String> columns = new HashSet<>(known.onUpdate());
                if (rows.getBoolean(5)) {
                    columns.add(rows.getString(3).toLowerCase(Locale.ROOT));
                }
                found.put(
                        table,
                        new Cascades(known.onDelete() || rows.getBoolean(4), Set.copyOf(columns)));
            }
        }
        return found;
    }

    /** What refers to the table. */
    Cascades of(TableName table) {
        return byTable.getOrDefault(key(table.schema(), table.table()), Cascades.NONE);
    }

    /**
     * Servers differ in whether letter case counts in names. If two tables differ in it alone, each
     * is taken for both, which costs time and nothing else.
     */
    private static String key(String schema, String table) {
        return (schema + '\0' + table).toLowerCase(Locale.ROOT);
    }
}
