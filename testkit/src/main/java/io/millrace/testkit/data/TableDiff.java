package io.millrace.testkit.data;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Compares all rows of tables on two MySQL or MariaDB servers.
 *
 * <p>Both sides are streamed in the order of the primary key, or of a digest of the whole row where
 * there is none, and compared byte by byte: strings and blobs as the bytes that the column stores,
 * numbers and times as the server's text (time zone UTC). Only JSON is looser, because MySQL stores
 * it parsed and MariaDB as text: white space outside strings does not count. Memory does not depend
 * on the number of rows. The tables must not change meanwhile.
 */
public final class TableDiff {
    private static final int FETCH_ROWS = 1000;
    private static final int DEFAULT_LIMIT = 20;
    private static final int SHOWN_CHARS = 120;
    private static final long RETRY_PAUSE_MS = 250;

    private final Connection left;
    private final Connection right;
    private final int limit;

    /**
     * Compares what {@code left} (the truth) and {@code right} see; reports up to 20 differences.
     */
    public TableDiff(Connection left, Connection right) {
        this(left, right, DEFAULT_LIMIT);
    }

    public TableDiff(Connection left, Connection right, int limit) {
        this.left = left;
        this.right = right;
        this.limit = limit;
    }

    /**
     * A table here and its counterpart there.
     *
     * @param left on the left server
     * @param right on the right server
     */
    public record Pair(Table left, Table right) {}

    /**
     * What was seen of one pair of tables.
     *
     * @param pair the tables
     * @param leftRows rows on the left
     * @param rightRows rows on the right
     * @param leftChecksums per column, a checksum of all its values that does not depend on the
     *     order of the rows
     * @param rightChecksums the same for the right side
     * @param equal whether all rows are the same
     */
    public record TableResult(
            Pair pair,
            long leftRows,
            long rightRows,
            Map<String, Long> leftChecksums,
            Map<String, Long> rightChecksums,
            boolean equal) {}

    /**
     * The outcome.
     *
     * @param tables one result per pair
     * @param differences the first differences, for people
     */
    public record Report(List<TableResult> tables, List<String> differences) {
        public boolean equal() {
            return differences.isEmpty();
        }

        /** Rows on the left side of all tables. */
        public long rows() {
            return tables.stream().mapToLong(TableResult::leftRows).sum();
        }

        @Override
        public String toString() {
            return equal()
                    ? tables.size() + " tables, " + rows() + " rows equal"
                    : "differences (left is the truth):\n  " + String.join("\n  ", differences);
        }
    }

    /** Base tables of the given databases in alphabetical order. */
    public static List<Table> tablesOf(Connection connection, String... schemas)
            throws SQLException {
        TreeSet<Table> found = new TreeSet<>();
        String sql =
                "SELECT table_schema, table_name FROM information_schema.tables"
                        + " WHERE table_type = 'BASE TABLE' AND table_schema = ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (String schema : schemas) {
                statement.setString(1, schema);
                try (ResultSet rows = statement.executeQuery()) {
                    while (rows.next()) {
                        found.add(new Table(rows.getString(1), rows.getString(2)));
                    }
                }
            }
        }
        return List.copyOf(found);
    }

    /** Compares databases of the same names: the sets of tables and all their rows. */
    public Report compareSchemas(String... schemas) throws SQLException {
        List<Table> onLeft = tablesOf(left, schemas);
        List<Table> onRight = tablesOf(right, schemas);
        List<String> differences = new ArrayList<>();
        List<Pair> common = new ArrayList<>();
        for (Table table : onLeft) {
            if (onRight.contains(table)) {
                common.add(new Pair(table, table));
            } else {
                differences.add(table + ": missing on the right");
            }
        }
        for (Table table : onRight) {
            if (!onLeft.contains(table)) {
                differences.add(table + ": only on the right");
            }
        }
        Report rows = compare(common);
        differences.addAll(rows.differences());
        return new Report(rows.tables(), List.copyOf(differences));
    }

    /** Compares pairs of tables. */
    public Report compare(List<Pair> pairs) throws SQLException {
        List<TableResult> results = new ArrayList<>();
        List<String> differences = new ArrayList<>();
        String leftZone = utc(left);
        String rightZone = utc(right);
        try {
            for (Pair pair : pairs) {
                results.add(compare(pair, differences));
            }
        } finally {
            zone(left, leftZone);
            zone(right, rightZone);
        }
        return new Report(List.copyOf(results), List.copyOf(differences));
    }

    /**
     * Repeats {@link #compareSchemas} until all is equal or the time is up; the last report tells
     * which.
     */
    public Report awaitEqualSchemas(Duration limitOfWaiting, String... schemas)
            throws SQLException, InterruptedException {
        long deadline = System.nanoTime() + limitOfWaiting.toNanos();
        while (true) {
            Report report = compareSchemas(schemas);
            if (report.equal() || System.nanoTime() > deadline) {
                return report;
            }
            Thread.sleep(RETRY_PAUSE_MS);
        }
    }

    private TableResult compare(Pair pair, List<String> differences) throws SQLException {
        List<Column> leftColumns = columns(left, pair.left());
        List<Column> rightColumns = columns(right, pair.right());
        if (!names(leftColumns).equals(names(rightColumns)) || leftColumns.isEmpty()) {
            differences.add(
                    pair.left()
                            + ": columns "
                            + names(leftColumns)
                            + " on the left, "
                            + names(rightColumns)
                            + " on the right");
            return new TableResult(pair, 0, 0, Map.of(), Map.of(), false);
        }
        boolean[] json = new boolean[leftColumns.size()];
        for (int i = 0; i < json.length; i++) {
            json[i] = leftColumns.get(i).isJson() || rightColumns.get(i).isJson();
        }
        // Both sides must sort alike, so the left side's key decides for both.
        List<Column> key =
                leftColumns.stream()
                        .filter(column -> column.keyPart() > 0)
                        .sorted((a, b) -> Integer.compare(a.keyPart(), b.keyPart()))
                        .toList();
        try (Side l = new Side(left, pair.left(), leftColumns, key, json);
                Side r = new Side(right, pair.right(), rightColumns, key, json)) {
            boolean equal = merge(pair, l, r, differences);
            return new TableResult(pair, l.rows, r.rows, l.checksums(), r.checksums(), equal);
        }
    }

    private boolean merge(Pair pair, Side l, Side r, List<String> differences) throws SQLException {
        boolean equal = true;
        boolean hasLeft = l.next();
        boolean hasRight = r.next();
        while (hasLeft || hasRight) {
            int order = !hasLeft ? 1 : !hasRight ? -1 : l.compareKey(r);
            if (order < 0) {
                equal = false;
                report(differences, pair, "missing on the right: " + l.describe());
                hasLeft = l.next();
            } else if (order > 0) {
                equal = false;
                report(differences, pair, "only on the right: " + r.describe());
                hasRight = r.next();
            } else {
                String difference = l.differenceTo(r);
                if (difference != null) {
                    equal = false;
                    report(differences, pair, difference);
                }
                hasLeft = l.next();
                hasRight = r.next();
            }
        }
        return equal;
    }

    private void report(List<String> differences, Pair pair, String what) {
        if (differences.size() < limit) {
            differences.add(pair.left() + ": " + what);
        } else if (differences.size() == limit) {
            differences.add("… and more");
        }
    }

    private static List<String> names(List<Column> columns) {
        return columns.stream().map(Column::name).toList();
    }

    private static String utc(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT @@session.time_zone")) {
            rows.next();
            String before = rows.getString(1);
            zone(connection, "+00:00");
            return before;
        }
    }

    private static void zone(Connection connection, String zone) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SET time_zone = ?")) {
            statement.setString(1, zone);
            statement.execute();
        }
    }

    private static List<Column> columns(Connection connection, Table table) throws SQLException {
        String sql =
                "SELECT c.column_name, c.data_type, COALESCE(k.ordinal_position, 0)"
                        + " FROM information_schema.columns c LEFT JOIN information_schema.key_column_usage k"
                        + " ON k.table_schema = c.table_schema AND k.table_name = c.table_name"
                        + " AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY'"
                        + " WHERE c.table_schema = ? AND c.table_name = ? ORDER BY c.ordinal_position";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, table.schema());
            statement.setString(2, table.name());
            List<Column> columns = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    columns.add(
                            new Column(
                                    rows.getString(1),
                                    rows.getString(2).toLowerCase(Locale.ROOT),
                                    rows.getInt(3)));
                }
            }
            return columns;
        }
    }

    /**
     * A column as the catalog tells it.
     *
     * @param name name
     * @param type data type in lower case, without length
     * @param keyPart position in the primary key from 1, or 0
     */
    private record Column(String name, String type, int keyPart) {
        boolean isInteger() {
            return switch (type) {
                case "tinyint", "smallint", "mediumint", "int", "bigint", "year" -> true;
                default -> false;
            };
        }

        boolean isJson() {
            return type.equals("json");
        }

        /** An expression for the value as ASCII text that loses nothing. */
        String text() {
            String quoted = Table.quoted(name);
            return switch (type) {
                case "tinyint", "smallint", "mediumint", "int", "bigint", "year", "decimal" ->
                        "CAST(" + quoted + " AS CHAR)";
                case "double", "date", "time", "datetime", "timestamp", "uuid", "inet4", "inet6" ->
                        "CAST(" + quoted + " AS CHAR)";
                // A float as text has six digits; as a double it has all.
                case "float" -> "CAST(CAST(" + quoted + " AS DOUBLE) AS CHAR)";
                case "json" -> "HEX(CAST(" + quoted + " AS CHAR CHARACTER SET utf8mb4))";
                default -> "HEX(" + quoted + ")";
            };
        }

        /** Ordering that does not depend on collations, which differ between the products. */
        String order() {
            return isInteger() ? Table.quoted(name) : "CAST(" + text() + " AS BINARY)";
        }
    }

    /** The stream of one side's rows. */
    private static final class Side implements AutoCloseable {
        private final List<Column> columns;
        private final int[] keyIndexes;
        private final boolean[] keyIsInteger;
        private final boolean[] json;
        private final @Nullable String[] row;
        private final long[] sums;
        private final Statement statement;
        private final ResultSet result;
        private String digest = "";
        private long rows;

        Side(
                Connection connection,
                Table table,
                List<Column> columns,
                List<Column> key,
                boolean[] json)
                throws SQLException {
            this.columns = columns;
            this.json = json;
            this.row = new String[columns.size()];
            this.sums = new long[columns.size()];
            this.keyIndexes =
                    key.stream()
                            .mapToInt(column -> names(columns).indexOf(column.name()))
                            .toArray();
            this.keyIsInteger = new boolean[keyIndexes.length];
            List<String> order = new ArrayList<>();
            for (int i = 0; i < keyIndexes.length; i++) {
                keyIsInteger[i] = key.get(i).isInteger();
                order.add(columns.get(keyIndexes[i]).order());
            }
            StringBuilder sql = new StringBuilder("SELECT ");
            for (Column column : columns) {
                sql.append(column.text()).append(", ");
            }
            if (order.isEmpty()) {
                sql.append(digestExpression(columns, json)).append(" AS millrace_digest");
                order.add("millrace_digest");
            } else {
                sql.append("''");
            }
            sql.append(" FROM ")
                    .append(table.sql())
                    .append(" ORDER BY ")
                    .append(String.join(", ", order));
            this.statement = connection.createStatement();
            statement.setFetchSize(FETCH_ROWS);
            this.result = statement.executeQuery(sql.toString());
        }

        /**
         * JSON is left out of the digest, because its text may differ in white space where the
         * value is equal.
         */
        private static String digestExpression(List<Column> columns, boolean[] json) {
            List<String> parts = new ArrayList<>();
            for (int i = 0; i < json.length; i++) {
                if (!json[i]) {
                    parts.add("COALESCE(" + columns.get(i).text() + ", 'NULL')");
                }
            }
            return parts.isEmpty() ? "''" : "MD5(CONCAT_WS('|', " + String.join(", ", parts) + "))";
        }

        boolean next() throws SQLException {
            if (!result.next()) {
                return false;
            }
            rows++;
            for (int i = 0; i < row.length; i++) {
                String value = result.getString(i + 1);
                if (value != null && json[i]) {
                    value = withoutJsonSpace(value);
                }
                row[i] = value;
                sums[i] += value == null ? 0x9E3779B97F4A7C15L : hash(value);
            }
            digest = result.getString(row.length + 1);
            return true;
        }

        int compareKey(Side other) {
            for (int i = 0; i < keyIndexes.length; i++) {
                String mine = nonNull(row[keyIndexes[i]]);
                String theirs = nonNull(other.row[other.keyIndexes[i]]);
                int order =
                        keyIsInteger[i]
                                ? new BigInteger(mine).compareTo(new BigInteger(theirs))
                                : mine.compareTo(theirs);
                if (order != 0) {
                    return order;
                }
            }
            return keyIndexes.length == 0 ? digest.compareTo(other.digest) : 0;
        }

        private static String nonNull(@Nullable String keyValue) {
            return keyValue == null ? "" : keyValue;
        }

        @Nullable String differenceTo(Side other) {
            if (Arrays.equals(row, other.row)) {
                return null;
            }
            List<String> parts = new ArrayList<>();
            for (int i = 0; i < row.length; i++) {
                if (!java.util.Objects.equals(row[i], other.row[i])) {
                    parts.add(
                            columns.get(i).name()
                                    + " is "
                                    + shown(row[i])
                                    + " on the left, "
                                    + shown(other.row[i])
                                    + " on the right");
                }
            }
            return describe() + ": " + String.join("; ", parts);
        }

        /** The key of the current row, or all its values when there is none. */
        String describe() {
            List<String> parts = new ArrayList<>();
            if (keyIndexes.length > 0) {
                for (int index : keyIndexes) {
                    parts.add(columns.get(index).name() + "=" + shown(row[index]));
                }
            } else {
                for (int i = 0; i < row.length; i++) {
                    parts.add(columns.get(i).name() + "=" + shown(row[i]));
                }
            }
            return "row (" + String.join(", ", parts) + ")";
        }

        Map<String, Long> checksums() {
            Map<String, Long> all = new LinkedHashMap<>();
            for (int i = 0; i < sums.length; i++) {
                all.put(columns.get(i).name(), sums[i]);
            }
            return all;
        }

        @Override
        public void close() throws SQLException {
            result.close();
            statement.close();
        }

        private static String shown(@Nullable String value) {
            if (value == null) {
                return "NULL";
            }
            return value.length() <= SHOWN_CHARS
                    ? value
                    : value.substring(0, SHOWN_CHARS) + "… (" + value.length() + " characters)";
        }

        /** FNV-1a with a final mix, so that the sum over all rows spreads. */
        private static long hash(String value) {
            long hash = 0xcbf29ce484222325L;
            for (int i = 0; i < value.length(); i++) {
                hash = (hash ^ value.charAt(i)) * 0x100000001b3L;
            }
            hash ^= hash >>> 32;
            return hash * 0xd6e8feb86659fd93L;
        }

        /** Takes hexadecimal UTF-8 and gives it back without white space outside JSON strings. */
        private static String withoutJsonSpace(String hex) {
            byte[] text = HexFormat.of().parseHex(hex);
            byte[] kept = new byte[text.length];
            int n = 0;
            boolean inString = false;
            for (int i = 0; i < text.length; i++) {
                byte c = text[i];
                if (inString && c == '\\' && i + 1 < text.length) {
                    kept[n++] = c;
                    kept[n++] = text[++i];
                    continue;
                }
                if (c == '"') {
                    inString = !inString;
                }
                if (inString || (c != ' ' && c != '\n' && c != '\t' && c != '\r')) {
                    kept[n++] = c;
                }
            }
            return new String(kept, 0, n, StandardCharsets.UTF_8);
        }
    }
}
