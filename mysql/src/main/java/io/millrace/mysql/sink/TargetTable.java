package io.millrace.mysql.sink;

import io.millrace.core.model.TableName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a table looks like in the target, as far as writing rows needs it.
 *
 * @param name quoted by the writer, never here
 * @param columns by lower-case name, in the target's order
 * @param uniqueKeys primary and unique keys
 * @param plain a base table without triggers and without system versioning: writing a row does
 *     nothing but that
 */
record TargetTable(
        TableName name,
        Map<String, TargetColumn> columns,
        List<TargetKey> uniqueKeys,
        boolean plain) {

    /**
     * One column.
     *
     * @param name in the target's spelling
     * @param dataType lower-case type name without length
     * @param columnType the whole type
     * @param charset empty when it is not text
     * @param collation empty when it is not text
     * @param generated computed by the target, so never written
     */
    record TargetColumn(
            String name,
            String dataType,
            String columnType,
            String charset,
            String collation,
            boolean generated) {}

    /**
     * One unique key.
     *
     * @param parts lower-case column names; null for an expression, and for the bounds of a period
     *     that may not overlap, which makes rows collide whose bounds differ
     * @param prefixes characters (bytes of binary columns) of each part that count, 0 for all
     */
    record TargetKey(List<@Nullable String> parts, List<Integer> prefixes) {}

    private static final Pattern PERIOD_KEY =
            Pattern.compile(
                    "^ *(?:PRIMARY KEY|UNIQUE KEY `(?<name>(?:[^`]|``)+)`) \\(.*WITHOUT OVERLAPS\\)",
                    Pattern.MULTILINE);

    @Nullable TargetColumn column(String columnName) {
        return columns.get(columnName.toLowerCase(Locale.ROOT));
    }

    /** Whether exactly these columns, whole, are a unique key. */
    boolean hasUniqueKeyOn(List<String> columnNames) {
        for (TargetKey key : uniqueKeys) {
            if (key.prefixes().stream().allMatch(p -> p == 0)
                    && key.parts().size() == columnNames.size()
                    && columnNames.stream()
                            .allMatch(c -> key.parts().contains(c.toLowerCase(Locale.ROOT)))) {
                return true;
            }
        }
        return false;
    }

    /** Asks the target; empty when there is no such table. */
    static Optional<TargetTable> load(TargetSession session, TableName name) throws SQLException {
        String where =
                " WHERE TABLE_SCHEMA="
                        + SqlText.literal(name.schema())
                        + " AND TABLE_NAME="
                        + SqlText.literal(name.table());
        Map<String, TargetColumn> columns = new LinkedHashMap<>();
        List<TargetKey> keys = new ArrayList<>();
        try (Statement statement = session.connection().createStatement()) {
            try (ResultSet rows =
                    statement.executeQuery(
                            "SELECT COLUMN_NAME, DATA_TYPE, COLLATION_NAME, EXTRA, COLUMN_TYPE,"
                                    + " CHARACTER_SET_NAME FROM"
                                    + " information_schema.COLUMNS"
                                    + where
                                    + " ORDER BY ORDINAL_POSITION")) {
                while (rows.next()) {
                    String column = rows.getString(1);
                    String collation = rows.getString(3);
                    String charset = rows.getString(6);
                    String extra = String.valueOf(rows.getString(4)).toUpperCase(Locale.ROOT);
                    columns.put(
                            column.toLowerCase(Locale.ROOT),
                            new TargetColumn(
                                    column,
                                    rows.getString(2).toLowerCase(Locale.ROOT),
                                    rows.getString(5),
                                    charset == null ? "" : charset,
                                    collation == null ? "" : collation,
                                    extra.contains("VIRTUAL GENERATED")
                                            || extra.contains("STORED GENERATED")
                                            || extra.contains("PERSISTENT")));
                }
            }
            if (columns.isEmpty()) {
                return Optional.empty();
            }
            Map<String, List<@Nullable String>> parts = new LinkedHashMap<>();
            Map<String, List<Integer>> prefixes = new LinkedHashMap<>();
            try (ResultSet rows =
                    statement.executeQuery(
                            "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM"
                                    + " information_schema.STATISTICS"
                                    + where
                                    + " AND NON_UNIQUE=0 ORDER BY INDEX_NAME, SEQ_IN_INDEX")) {
                while (rows.next()) {
                    String index = rows.getString(1);
                    String part = rows.getString(2);
                    parts.computeIfAbsent(index, k -> new ArrayList<>())
                            .add(part == null ? null : part.toLowerCase(Locale.ROOT));
                    prefixes.computeIfAbsent(index, k -> new ArrayList<>()).add(rows.getInt(3));
                }
            }
            if (session.isMariaDb() && parts.values().stream().anyMatch(p -> p.size() > 2)) {
                for (String index : periodKeys(statement, name)) {
                    List<@Nullable String> all = parts.getOrDefault(index, List.of());
                    for (int i = Math.max(0, all.size() - 2); i < all.size(); i++) {
                        all.set(i, null);
                    }
                }
            }
            for (Map.Entry<String, List<@Nullable String>> entry : parts.entrySet()) {
                keys.add(
                        new TargetKey(
                                entry.getValue(),
                                prefixes.getOrDefault(entry.getKey(), List.of())));
            }
        }
        return Optional.of(new TargetTable(name, columns, keys, isPlain(session, name)));
    }

    /** MariaDB's keys {@code (…, p WITHOUT OVERLAPS)}, whose last parts are the period's bounds. */
    private static List<String> periodKeys(Statement statement, TableName name)
            throws SQLException {
        List<String> keys = new ArrayList<>();
        try (ResultSet row = statement.executeQuery("SHOW CREATE TABLE " + SqlText.quoted(name))) {
            String text = row.next() ? row.getString(2) : "";
            Matcher key = PERIOD_KEY.matcher(text);
            while (key.find()) {
                String index = key.group("name");
                keys.add(index == null ? "PRIMARY" : index.replace("``", "`"));
            }
        }
        return keys;
    }

    /** Whether the table's engine has transactions; true where the server does not tell. */
    static boolean isTransactional(TargetSession session, TableName name) throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT e.TRANSACTIONS FROM information_schema.TABLES t JOIN"
                                        + " information_schema.ENGINES e ON e.ENGINE=t.ENGINE WHERE"
                                        + " t.TABLE_SCHEMA="
                                        + SqlText.literal(name.schema())
                                        + " AND t.TABLE_NAME="
                                        + SqlText.literal(name.table()))) {
            return !row.next() || !"NO".equalsIgnoreCase(row.getString(1));
        }
    }

    private static boolean isPlain(TargetSession session, TableName name) throws SQLException {
        String schema = SqlText.literal(name.schema());
        String table = SqlText.literal(name.table());
        try (Statement statement = session.connection().createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE"
                                        + " TABLE_SCHEMA="
                                        + schema
                                        + " AND TABLE_NAME="
                                        + table
                                        + " AND TABLE_TYPE='BASE TABLE') = 1 AND NOT EXISTS (SELECT"
                                        + " 1 FROM information_schema.TRIGGERS WHERE"
                                        + " EVENT_OBJECT_SCHEMA="
                                        + schema
                                        + " AND EVENT_OBJECT_TABLE="
                                        + table
                                        + ")")) {
            return row.next() && row.getBoolean(1);
        }
    }
}
