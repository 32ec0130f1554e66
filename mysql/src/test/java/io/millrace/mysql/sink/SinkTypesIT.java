package io.millrace.mysql.sink;

import static io.millrace.testkit.rows.TestRowBatch.delete;
import static io.millrace.testkit.rows.TestRowBatch.insert;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static io.millrace.testkit.rows.TestRowBatch.update;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.servers.DbServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Values of every type, and which texts a collation takes for equal, on real servers. */
final class SinkTypesIT {
    private static Column column(
            String name, ColumnKind kind, boolean unsigned, String charset, List<String> elements) {
        return new Column(
                name,
                kind,
                "",
                unsigned,
                true,
                0,
                0,
                charset,
                "",
                elements,
                Column.Generated.NONE,
                false,
                Optional.empty());
    }

    private static Column plain(String name, ColumnKind kind) {
        return column(name, kind, false, "utf8mb4", List.of());
    }

    @ParameterizedTest
    @EnumSource(DbServer.Flavor.class)
    void everyTypeArrivesAsItWas(DbServer.Flavor flavour) throws Exception {
        List<String> colours = List.of("red", "it's", "a\\b");
        List<Column> columns =
                List.of(
                        plain("k", ColumnKind.INT),
                        column("ub", ColumnKind.BIGINT, true, "", List.of()),
                        plain("bit64", ColumnKind.BIT),
                        column("e", ColumnKind.ENUM, false, "utf8mb4", colours),
                        column("s", ColumnKind.SET, false, "utf8mb4", colours),
                        plain("f", ColumnKind.FLOAT),
                        plain("db", ColumnKind.DOUBLE),
                        plain("dc", ColumnKind.DECIMAL),
                        plain("y", ColumnKind.YEAR),
                        plain("d", ColumnKind.DATE),
                        plain("t", ColumnKind.TIME),
                        plain("dt", ColumnKind.DATETIME),
                        plain("ts", ColumnKind.TIMESTAMP),
                        column("l1", ColumnKind.VARCHAR, false, "latin1", List.of()),
                        plain("x", ColumnKind.LONGTEXT),
                        plain("j", ColumnKind.JSON),
                        plain("vb", ColumnKind.VARBINARY),
                        plain("bl", ColumnKind.LONGBLOB),
                        plain("g", ColumnKind.GEOMETRY));
        byte[] all = new byte[256];
        for (int i = 0; i < 256; i++) {
            all[i] = (byte) i;
        }
        byte[] point =
                HexFormat.of().parseHex("000000000101000000000000000000f03f0000000000000040");
        Object[] full =
                row(
                        1,
                        -1L,
                        -2L,
                        3,
                        7,
                        3.4028235e38f,
                        -2.2250738585072014e-308,
                        "-12345678901234567890123456789012345.123456789012345678901234567890",
                        1901,
                        "0000-00-00",
                        "-838:59:59.000000",
                        "2024-00-15 00:00:00.000001",
                        "2038-01-19 03:14:07",
                        "é€ \\ ' \" %",
                        "🎉 \n\r\t\u001a\u0000'\\''",
                        "{\"a\": \"q\\\"'\\\\\"}",
                        all,
                        all,
                        point);
        Object[] empty = new Object[full.length];
        empty[0] = 2;
        Object[] odd = empty.clone();
        odd[0] = 3;
        odd[3] = 0;
        odd[4] = 0;
        odd[8] = 0;
        String ddl =
                "CREATE TABLE d.types (k INT PRIMARY KEY, ub BIGINT UNSIGNED, bit64 BIT(64), e"
                        + " ENUM('red','it''s','a\\\\b'), s SET('red','it''s','a\\\\b'), f FLOAT, db"
                        + " DOUBLE, dc DECIMAL(65,30), y YEAR, d DATE, t TIME(6), dt DATETIME(6), ts"
                        + " TIMESTAMP NULL, l1 VARCHAR(50) CHARACTER SET latin1, x LONGTEXT, j JSON,"
                        + " vb VARBINARY(300), bl LONGBLOB, g GEOMETRY) CHARACTER SET utf8mb4";
        try (DbServer server = DbServer.of(flavour).start()) {
            server.execute(
                    "CREATE DATABASE d",
                    ddl,
                    ddl.replace("types", "same").replace("k INT PRIMARY KEY", "k INT"));
            TableSchema keyed = SinkContract.table("types", columns, SinkContract.primary(0));
            TableSchema keyless = SinkContract.table("same", columns);
            String uri =
                    "mysql://root:" + server.rootPassword() + "@127.0.0.1:" + server.port() + "/";
            try (SinkDriver sink = new SinkDriver(uri, "types", SinkContract.CLOCK)) {
                sink.offer(insert(keyed, SinkContract.NEW, 0, false, full, empty, odd));
                sink.offer(insert(keyless, SinkContract.NEW, 1, true, full, empty, odd));
                sink.drain();
                try (Connection c = server.connect();
                        Statement s = c.createStatement()) {
                    s.execute("SET time_zone='+00:00'");
                    try (ResultSet r =
                            s.executeQuery(
                                    "SELECT ub, HEX(bit64), e, s, f = 3.4028234663852886e38, db ="
                                            + " -2.2250738585072014e-308, dc, y, CAST(d AS CHAR), CAST(t"
                                            + " AS CHAR), CAST(dt AS CHAR), CAST(ts AS CHAR), l1, x, j,"
                                            + " HEX(vb), HEX(bl), ST_AsText(g) FROM d.types WHERE k=1")) {
                        r.next();
                        List<@Nullable String> got = new ArrayList<>();
                        for (int i = 1; i <= 18; i++) {
                            got.add(r.getString(i));
                        }
                        String hex = HexFormat.of().withUpperCase().formatHex(all);
                        assertThat(got)
                                .containsExactly(
                                        "18446744073709551615",
                                        "FFFFFFFFFFFFFFFE",
                                        "a\\b",
                                        "red,it's,a\\b",
                                        "1",
                                        "1",
                                        (String) full[7],
                                        "1901",
                                        "0000-00-00",
                                        "-838:59:59.000000",
                                        "2024-00-15 00:00:00.000001",
                                        "2038-01-19 03:14:07",
                                        (String) full[13],
                                        (String) full[14],
                                        (String) full[15],
                                        hex,
                                        hex,
                                        "POINT(1 2)");
                    }
                    try (ResultSet r =
                            s.executeQuery(
                                    "SELECT e+0, s+0, CAST(y AS CHAR) FROM d.types WHERE k=3")) {
                        r.next();
                        assertThat(r.getString(1) + r.getString(2) + r.getString(3))
                                .isEqualTo("000000");
                    }
                }
                Object[] changed = full.clone();
                changed[0] = 9;
                sink.offer(update(keyless, SinkContract.NEW + 1, 0, false, full, changed));
                sink.offer(delete(keyless, SinkContract.NEW + 1, 1, false, changed, empty, odd));
                sink.offer(delete(keyed, SinkContract.NEW + 1, 2, true, full, empty, odd));
                sink.drain();
            }
            assertThat(server.query("SELECT COUNT(*) FROM d.same")).contains("0");
            assertThat(server.query("SELECT COUNT(*) FROM d.types")).contains("0");
        }
    }

    /** Every character below U+10000, and pairs of letters, by the server's own weights. */
    @ParameterizedTest
    @EnumSource(DbServer.Flavor.class)
    void textsThatACollationEquatesAreFoldedAlike(DbServer.Flavor flavour) throws Exception {
        List<String> collations =
                flavour == DbServer.Flavor.MYSQL
                        ? List.of(
                                "utf8mb4_general_ci",
                                "utf8mb4_unicode_ci",
                                "utf8mb4_unicode_520_ci",
                                "utf8mb4_0900_ai_ci",
                                "utf8mb4_0900_as_ci")
                        : List.of(
                                "utf8mb4_general_ci",
                                "utf8mb4_unicode_ci",
                                "utf8mb4_unicode_520_ci",
                                "utf8mb4_uca1400_ai_ci",
                                "utf8mb4_uca1400_as_ci");
        List<String> texts = new ArrayList<>();
        for (int c = 0x20; c < 0xFFFE; c++) {
            if (!Character.isSurrogate((char) c)) {
                texts.add(String.valueOf((char) c));
            }
        }
        for (char a = 'a'; a <= 'z'; a++) {
            for (char b = 'a'; b <= 'z'; b++) {
                texts.add("" + a + b);
            }
        }
        try (DbServer server = DbServer.of(flavour).start();
                Connection c = server.connect();
                Statement s = c.createStatement()) {
            s.execute("CREATE DATABASE d");
            s.execute("CREATE TABLE d.c (t VARCHAR(4) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)");
            StringBuilder sql = new StringBuilder("INSERT INTO d.c VALUES ");
            for (int i = 0; i < texts.size(); i++) {
                sql.append(i == 0 ? "(" : ",(").append(SqlText.literal(texts.get(i))).append(')');
            }
            s.execute(sql.toString());
            List<String> wrong = new ArrayList<>();
            for (String collation : collations) {
                assertThat(TextFold.rule(collation)).isEqualTo(TextFold.Rule.COMMON);
                Map<String, String> byWeight = new HashMap<>();
                int unknown = 0;
                try (ResultSet r =
                        s.executeQuery(
                                "SELECT t, HEX(WEIGHT_STRING(t COLLATE "
                                        + collation
                                        + ")) FROM d.c")) {
                    while (r.next()) {
                        String text = r.getString(1);
                        String folded = TextFold.fold(text);
                        if (folded == null) {
                            unknown++;
                            continue;
                        }
                        String weight = r.getString(2);
                        String before = byWeight.putIfAbsent(weight, text);
                        if (before != null && !folded.equals(TextFold.fold(before))) {
                            wrong.add(
                                    String.format(
                                            "%s U+%04X %s / U+%04X %s",
                                            collation,
                                            (int) before.charAt(0),
                                            before,
                                            (int) text.charAt(0),
                                            text));
                        }
                    }
                }
                assertThat(unknown).isLessThan(texts.size() * 2 / 3);
            }
            assertThat(String.join("\n", wrong)).isEmpty();
        }
    }
}
