package io.millrace.mysql.row;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.expression.RowExpression;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Upstream;
import io.millrace.mysql.upstream.MySqlUpstreamFactory;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.testkit.servers.DbServer;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Conditions of event filters against the server itself: random expressions, evaluated by us on the
 * rows of the binlog and by {@code SELECT (expression) FROM t}, must be true, false and NULL for
 * the same rows.
 */
final class RowExpressionIT {
    private static final int EXPRESSIONS = 1500;
    private static final int ROWS = 40;
    private static final long SEED = Long.getLong("seed", 20261121);

    private static final String COLUMNS =
            "id INT PRIMARY KEY, i INT, u BIGINT UNSIGNED, n DECIMAL(12,3), f DOUBLE, y YEAR,"
                    + " s VARCHAR(40), b VARCHAR(40) COLLATE utf8mb4_bin,"
                    + " l VARCHAR(40) CHARACTER SET latin1, r VARBINARY(20),"
                    + " e ENUM('red','Green','blue'), o SET('a','b','c'),"
                    + " d DATE, t DATETIME(3), z TIMESTAMP NULL, h TIME, k BIT(10)";

    private static RowBatch decode(BinlogEvents.Rows event, TableSchema schema) {
        BufferPool pool = new BufferPool();
        byte[] buffer = pool.take(event.body().length);
        System.arraycopy(event.body(), 0, buffer, 0, event.body().length);
        return new BinlogRowDecoder(pool, ZoneOffset.UTC)
                .decode(buffer, 0, event.body().length, event.type(), event.map(), schema, 1, 0);
    }

    /** Random expressions; what servers do not agree about, or find errors in, is left out. */
    private static final class Generator {
        private final Random random;

        Generator(long seed) {
            random = new Random(seed);
        }

        private String one(String... choices) {
            return choices[random.nextInt(choices.length)];
        }

        String condition(int depth) {
            if (depth > 0) {
                switch (random.nextInt(9)) {
                    case 0 -> {
                        return condition(depth - 1) + one(" AND ", " && ") + condition(depth - 1);
                    }
                    case 1 -> {
                        return condition(depth - 1) + one(" OR ", " || ") + condition(depth - 1);
                    }
                    case 2 -> {
                        return "NOT " + condition(depth - 1);
                    }
                    case 3 -> {
                        return "(" + condition(depth - 1) + ") XOR (" + condition(depth - 1) + ")";
                    }
                    case 4 -> {
                        return "!(" + condition(depth - 1) + ")";
                    }
                    case 5 -> {
                        return "(" + condition(depth - 1) + ")" + is();
                    }
                    case 6 -> {
                        return "CASE WHEN "
                                + condition(depth - 1)
                                + " THEN "
                                + condition(0)
                                + " ELSE "
                                + condition(0)
                                + " END";
                    }
                    default -> {}
                }
            }
            return switch (random.nextInt(12)) {
                case 0 -> number(2) + operator() + number(2);
                case 1 -> one("y" + operator() + "2024", number(2) + operator() + number(2));
                case 2, 3 -> text(2) + operator() + text(1);
                case 4 -> date() + operator() + dateLiteral();
                case 5 -> number(1) + not() + "IN (" + number(0) + ", " + number(0) + ", NULL)";
                case 6 -> number(1) + not() + "BETWEEN " + number(0) + " AND " + number(1);
                case 7 -> text(1) + not() + "LIKE " + like();
                case 8 -> one("s", "b", "l") + not() + "REGEXP " + regex();
                case 9 -> one("(IFNULL(s, " + literal() + ") = 'apple')", number(1), date()) + is();
                case 10 -> one("i", "n", "f", "e", "o", "k", "u") + operator() + mixed();
                default -> text(0) + not() + "IN (" + literal() + ", " + literal() + ")";
            };
        }

        private String not() {
            return one(" ", " ", " NOT ");
        }

        private String is() {
            return one(
                    " IS NULL",
                    " IS NOT NULL",
                    " IS TRUE",
                    " IS NOT TRUE",
                    " IS FALSE",
                    " IS NOT FALSE");
        }

        private String operator() {
            return one(" = ", " <=> ", " <> ", " != ", " < ", " <= ", " > ", " >= ");
        }

        private String number(int depth) {
            if (depth > 0 && random.nextInt(3) > 0) {
                String a = number(depth - 1);
                return switch (random.nextInt(14)) {
                    case 0 -> "(" + a + " + " + number(depth - 1) + ")";
                    case 1 -> "(" + a + " - " + number(depth - 1) + ")";
                    case 2 -> a + " * " + number(0);
                    case 3 -> "(" + a + " DIV " + one("3", "i", "7") + ")";
                    case 4 -> "(" + a + one(" % ", " MOD ") + one("3", "i", "10") + ")";
                    case 5 -> "-" + a;
                    case 6 -> "ABS(" + a + ")";
                    case 7 -> one("FLOOR(", "CEIL(", "SIGN(") + a + ")";
                    case 8 -> "ROUND(n, " + random.nextInt(4) + ")";
                    case 9 -> one("LENGTH(", "CHAR_LENGTH(") + text(1) + ")";
                    case 10 -> one("YEAR(", "MONTH(", "DAY(", "DAYOFWEEK(") + date() + ")";
                    case 11 -> "IF(" + condition(0) + ", " + a + ", " + number(0) + ")";
                    case 12 -> "COALESCE(" + a + ", " + number(0) + ")";
                    default -> "(i " + one("&", "|", "^") + " 6)";
                };
            }
            return one(
                    "i", "i", "u", "n", "f", "id", "(y + 0)", "k", "0", "1", "2.5", "-3", "7",
                    "100", "1e1", "0.001");
        }

        private String text(int depth) {
            if (depth > 0 && random.nextBoolean()) {
                String a = text(depth - 1);
                return switch (random.nextInt(10)) {
                    case 0 -> one("UPPER(", "LOWER(") + one("s", "b", "l") + ")";
                    case 1 -> "CONCAT(" + one("s", "b") + ", " + literal() + ")";
                    case 2 -> one("LEFT(", "RIGHT(") + a + ", " + random.nextInt(4) + ")";
                    case 3 -> "SUBSTRING(" + a + ", " + (random.nextInt(5) - 2) + ", 2)";
                    case 4 -> one("TRIM(", "LTRIM(", "RTRIM(") + a + ")";
                    case 5 -> "REPLACE(" + one("s", "b", "l") + ", 'a', 'xy')";
                    case 6 -> "IFNULL(s, e)";
                    case 7 -> "NULLIF(s, " + literal() + ")";
                    case 8 -> "TRIM(LEADING 'a' FROM " + one("s", "b") + ")";
                    default -> "SUBSTRING_INDEX(" + one("s", "b") + ", 'a', 1)";
                };
            }
            return one("s", "s", "b", "l", "e", "o", "r");
        }

        private String literal() {
            return one(
                    "'apple'",
                    "'Apple'",
                    "'apple '",
                    "''",
                    "'b'",
                    "'\u00e4pfel'",
                    "'Äpfel'",
                    "'a,b'",
                    "'red'",
                    "'12'",
                    "'it''s'",
                    "\"x\\ty\"",
                    "'a%'",
                    "'Green'",
                    "'z'");
        }

        private String like() {
            return one(
                    "'a%'",
                    "'A%'",
                    "'%e'",
                    "'_pple'",
                    "'%'",
                    "'a\\\\%'",
                    "'a|%' ESCAPE '|'",
                    "'%p_l%'",
                    "''",
                    "'Ä%'",
                    "'%b%'");
        }

        private String regex() {
            return one("'^a'", "'e$'", "'p+l'", "'^[A-C]'", "'^$'", "'x|apple'", "'[0-9]+'");
        }

        private String date() {
            return one(
                    "d",
                    "t",
                    "z",
                    "DATE(t)",
                    "d + INTERVAL 1 DAY",
                    "DATE_SUB(t, INTERVAL 2 MONTH)");
        }

        private String dateLiteral() {
            return one(
                    "'2024-02-29'",
                    "'2024-02-29 12:30:00'",
                    "'2025-1-5'",
                    "DATE'2024-12-31'",
                    "TIMESTAMP'2024-02-29 12:30:00.5'",
                    "d",
                    "t");
        }

        private String mixed() {
            return one(
                    "'12'", "'12abc'", "'1.5'", "'abc'", "'0'", "12", "2", "' 7'", "'-3'", "1.5e0");
        }
    }

    private static String row(int id, Random random) {
        String[] texts = {
            "'apple'",
            "'Apple'",
            "'apple  '",
            "''",
            "'b'",
            "'\u00e4pfel'",
            "'12abc'",
            "'a,b'",
            "'x\\ty'",
            "'it''s'",
            "'a%'",
            "NULL",
            "'12'",
            "' 7'"
        };
        String[] dates = {"'2024-02-29'", "'2025-01-05'", "'2024-12-31'", "NULL", "'1999-12-31'"};
        String[] times = {
            "'2024-02-29 12:30:00'",
            "'2024-02-29 12:30:00.500'",
            "'2025-01-05 00:00:00'",
            "'1999-12-31 23:59:59.999'",
            "NULL"
        };
        List<String> cells =
                List.of(
                        Integer.toString(id),
                        one(random, "NULL", "0", "1", "-3", "12", "7", "2147483647"),
                        one(random, "NULL", "0", "1", "12", "9223372036854775807"),
                        one(random, "NULL", "0", "2.5", "-3", "12", "999.995", "0.001"),
                        one(random, "NULL", "0", "2.5", "-3", "12", "0.1", "1e10"),
                        one(random, "NULL", "2024", "1999", "2025"),
                        one(random, texts),
                        one(random, texts),
                        one(random, texts),
                        one(random, "NULL", "'apple'", "x'00ff'", "'b'", "''"),
                        one(random, "NULL", "'red'", "'Green'", "'blue'"),
                        one(random, "NULL", "''", "'a'", "'a,b'", "'c'"),
                        one(random, dates),
                        one(random, times),
                        one(random, "NULL", "'2024-02-29 12:30:00'", "'2025-01-05 00:00:00'"),
                        one(random, "NULL", "'12:30:00'", "'-01:00:00'"),
                        one(random, "NULL", "b'0'", "b'110'", "b'1111111111'"));
        return "(" + String.join(",", cells) + ")";
    }

    private static String one(Random random, String... choices) {
        return choices[random.nextInt(choices.length)];
    }

    @ParameterizedTest
    @EnumSource
    void conditionsAreTrueForTheSameRowsAsInTheServer(DbServer.Flavor flavor) throws Exception {
        try (DbServer server = DbServer.of(flavor).option("default_time_zone", "+00:00").start();
                Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            sql.execute("SET NAMES utf8mb4");
            sql.execute("CREATE DATABASE types CHARACTER SET utf8mb4");
            sql.execute("USE types");
            sql.execute("CREATE TABLE t (" + COLUMNS + ")");
            TableSchema schema = schema(server);
            sql.execute("FLUSH LOGS");
            Random random = new Random(SEED);
            StringBuilder insert = new StringBuilder("INSERT INTO t VALUES ");
            for (int id = 1; id <= ROWS; id++) {
                insert.append(id == 1 ? "" : ",").append(row(id, random));
            }
            sql.execute(insert.toString());
            Path file =
                    server.binlogs().stream()
                            .filter(path -> !path.toString().endsWith(".idx"))
                            .toList()
                            .getLast();
            List<RowBatch> batches = new ArrayList<>();
            for (BinlogEvents.Rows event :
                    BinlogEvents.read(file, 0, "types", flavor == DbServer.Flavor.MARIADB)) {
                batches.add(decode(event, schema));
            }
            Generator generator = new Generator(SEED + flavor.ordinal());
            List<String> differences = new ArrayList<>();
            int compared = 0;
            int mixed = 0;
            for (int i = 0; i < EXPRESSIONS; i++) {
                String expression = generator.condition(2);
                Map<Long, String> theirs;
                try {
                    theirs = ask(sql, expression);
                } catch (SQLException e) {
                    continue; // a number out of range, a text that is no date
                }
                Map<Long, String> ours = evaluate(batches, schema, expression);
                compared++;
                mixed += theirs.containsValue("1") && theirs.containsValue("0") ? 1 : 0;
                if (!ours.equals(theirs)) {
                    differences.add(difference(sql, expression, ours, theirs));
                }
            }
            assertThat(differences).isEmpty();
            assertThat(compared).isGreaterThan(EXPRESSIONS / 2);
            assertThat(mixed).isGreaterThan(EXPRESSIONS / 5);
        }
    }

    private static TableSchema schema(DbServer server) {
        try (Upstream upstream = new MySqlUpstreamFactory().open(URI.create(server.uri()))) {
            return upstream.tables(TableFilter.all()).getFirst();
        }
    }

    private static Map<Long, String> ask(Statement sql, String expression) throws SQLException {
        Map<Long, String> values = new TreeMap<>();
        try (ResultSet rows =
                sql.executeQuery(
                        "SELECT id, ("
                                + expression
                                + ") IS TRUE, ("
                                + expression
                                + ") IS NULL FROM t")) {
            while (rows.next()) {
                values.put(rows.getLong(1), rows.getInt(3) != 0 ? "NULL" : rows.getString(2));
            }
        }
        return values;
    }

    private static Map<Long, String> evaluate(
            List<RowBatch> batches, TableSchema schema, String expression) {
        RowExpression.Zones zones = new RowExpression.Zones(ZoneOffset.UTC, ZoneOffset.UTC);
        var isTrue = RowExpression.parse(expression).bind(schema, zones);
        var isNull = RowExpression.parse("(" + expression + ") IS NULL").bind(schema, zones);
        Map<Long, String> values = new TreeMap<>();
        for (RowBatch batch : batches) {
            for (RowView row = batch.rows(); row.next(); ) {
                values.put(
                        row.longValue(RowView.AFTER, 0),
                        isNull.isTrue(row, RowView.AFTER)
                                ? "NULL"
                                : isTrue.isTrue(row, RowView.AFTER) ? "1" : "0");
            }
        }
        return values;
    }

    private static String difference(
            Statement sql, String expression, Map<Long, String> ours, Map<Long, String> theirs)
            throws SQLException {
        for (Map.Entry<Long, String> entry : theirs.entrySet()) {
            if (!entry.getValue().equals(ours.get(entry.getKey()))) {
                StringBuilder out = new StringBuilder("\n" + expression);
                out.append(" is ").append(entry.getValue());
                out.append(", not ").append(ours.get(entry.getKey())).append(" for");
                try (ResultSet row =
                        sql.executeQuery("SELECT * FROM t WHERE id = " + entry.getKey())) {
                    row.next();
                    for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                        String name = row.getMetaData().getColumnName(i);
                        if (expression.matches("(?s).*\\b" + name + "\\b.*")) {
                            out.append(' ')
                                    .append(name)
                                    .append("='")
                                    .append(row.getString(i) + "'");
                        }
                    }
                }
                return out.toString();
            }
        }
        return expression;
    }
}
