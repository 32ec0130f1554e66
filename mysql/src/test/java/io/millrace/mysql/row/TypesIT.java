package io.millrace.mysql.row;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.testkit.servers.DbServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every column type with edge values, against what the servers themselves return: rows are written,
 * read back by SELECT, and compared cell by cell with the decoded binary log, for inserts, updates
 * and deletes, all row images, and both levels of row metadata.
 */
final class TypesIT {
    private static final String ZONE = "+05:30";
    private static final Map<DbServer.Flavor, DbServer> SERVERS = new LinkedHashMap<>();

    /** Added to the key by the update. */
    private static final int SHIFT = 100_000;

    private static DbServer server(DbServer.Flavor flavor) {
        return SERVERS.computeIfAbsent(
                flavor,
                f ->
                        DbServer.of(f)
                                .option("default_time_zone", ZONE)
                                .option("max_connections", "20")
                                .start());
    }

    @AfterAll
    static void stop() {
        SERVERS.values().forEach(DbServer::close);
    }

    /** A table to try: column definitions beside the key, and rows as SQL value lists. */
    record Case(String table, List<String> columns, List<String> rows) {}

    private record Mode(String metadata, String image) {}

    private static final List<Mode> MODES =
            List.of(
                    new Mode("FULL", "FULL"),
                    new Mode("MINIMAL", "FULL"),
                    new Mode("FULL", "MINIMAL"),
                    new Mode("MINIMAL", "NOBLOB"));

    private static void verify(DbServer.Flavor flavor, Case test) throws Exception {
        DbServer server = server(flavor);
        boolean mariaDb = flavor == DbServer.Flavor.MARIADB;
        try (Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            sql.execute("SET NAMES utf8mb4");
            sql.execute("SET sql_mode='ALLOW_INVALID_DATES'");
            sql.execute("CREATE DATABASE IF NOT EXISTS types");
            sql.execute("USE types");
            for (Mode mode : MODES) {
                sql.execute("SET GLOBAL binlog_row_metadata='" + mode.metadata + "'");
                sql.execute("SET binlog_row_image='" + mode.image + "'");
                sql.execute("DROP TABLE IF EXISTS " + test.table);
                sql.execute(
                        "CREATE TABLE "
                                + test.table
                                + " (id INT PRIMARY KEY, "
                                + String.join(", ", test.columns)
                                + ")");
                sql.execute("FLUSH LOGS");
                TableSchema schema = schemaOf(sql, test.table);
                int id = 0;
                for (String row : test.rows) {
                    sql.execute(
                            "INSERT INTO " + test.table + " VALUES (" + ++id + ", " + row + ")");
                }
                Map<Long, List<String>> expected = select(sql, schema);
                sql.execute("UPDATE " + test.table + " SET id = id + " + SHIFT);
                sql.execute("DELETE FROM " + test.table);
                compare(
                        server,
                        mariaDb,
                        schema,
                        expected,
                        mode,
                        flavor + " " + test.table + " " + mode);
            }
        }
    }

    private static void compare(
            DbServer server,
            boolean mariaDb,
            TableSchema schema,
            Map<Long, List<String>> expected,
            Mode mode,
            String what)
            throws Exception {
        // MariaDB keeps an index beside each log.
        Path file =
                server.binlogs().stream()
                        .filter(path -> !path.toString().endsWith(".idx"))
                        .toList()
                        .getLast();
        BufferPool pool = new BufferPool();
        BinlogRowDecoder decoder = new BinlogRowDecoder(pool, ZoneId.of(ZONE));
        Map<Long, Integer> seen = new TreeMap<>();
        for (BinlogEvents.Rows event : BinlogEvents.read(file, 0, "types", mariaDb)) {
            TableMapMetadata metadata = TableMapMetadata.parse(event.map());
            for (int i = 0; i < schema.columns().size(); i++) {
                Column column = schema.column(i);
                if (isNumber(column.kind())) {
                    assertThat(metadata.isUnsigned(i))
                            .as(what + " " + column)
                            .isEqualTo(column.unsigned());
                }
            }
            if (mode.metadata.equals("FULL")) {
                compareColumns(metadata, schema, what);
            }
            byte[] buffer = pool.take(event.body().length);
            System.arraycopy(event.body(), 0, buffer, 0, event.body().length);
            RowBatch batch =
                    decoder.decode(
                            buffer,
                            0,
                            event.body().length,
                            event.type(),
                            event.map(),
                            schema,
                            1,
                            0);
            for (RowView row = batch.rows(); row.next(); ) {
                if (batch.op() != RowBatch.DELETE) {
                    long id = row.longValue(RowView.AFTER, 0);
                    long key = batch.op() == RowBatch.UPDATE ? id - SHIFT : id;
                    compareImage(
                            row,
                            RowView.AFTER,
                            schema,
                            expected.getOrDefault(key, List.of()),
                            what + " op " + batch.op() + " id " + id,
                            batch.op() == RowBatch.INSERT || mode.image.equals("FULL"));
                    seen.merge(key, 1, Integer::sum);
                }
                if (batch.op() != RowBatch.INSERT) {
                    long id = row.longValue(RowView.BEFORE, 0);
                    long key = batch.op() == RowBatch.DELETE ? id - SHIFT : id;
                    compareImage(
                            row,
                            RowView.BEFORE,
                            schema,
                            expected.getOrDefault(key, List.of()),
                            what + " before op " + batch.op() + " id " + id,
                            mode.image.equals("FULL"));
                    seen.merge(key, 1, Integer::sum);
                }
                if (batch.op() == RowBatch.UPDATE) {
                    for (int i = 1; i < schema.columns().size(); i++) {
                        if (row.isPresent(RowView.BEFORE, i) || !row.isPresent(RowView.AFTER, i)) {
                            assertThat(row.isUnchanged(i))
                                    .as(what + " " + schema.column(i))
                                    .isTrue();
                        }
                    }
                    assertThat(row.isUnchanged(0)).isFalse();
                }
            }
            batch.release();
        }
        // Inserted, updated (two images), deleted.
        assertThat(seen.values()).as(what).hasSize(expected.size()).containsOnly(4);
    }

    private static boolean isNumber(ColumnKind kind) {
        return kind.compareTo(ColumnKind.BIGINT) <= 0
                || kind == ColumnKind.DECIMAL
                || kind == ColumnKind.FLOAT
                || kind == ColumnKind.DOUBLE;
    }

    private static void compareImage(
            RowView row,
            int image,
            TableSchema schema,
            List<String> expected,
            String what,
            boolean all) {
        for (int i = 1; i < schema.columns().size(); i++) {
            Column column = schema.column(i);
            if (!row.isPresent(image, i)) {
                assertThat(all).as(what + " column " + column.name() + " is absent").isFalse();
                continue;
            }
            assertThat(CellText.of(row, image, i, column))
                    .as(what + " column " + column.name() + " " + column.typeText())
                    .isEqualTo(expected.get(i));
        }
    }

    /** What the server is asked for, in the form of {@link CellText}. */
    private static String expression(Column column) {
        String name = "`" + column.name() + "`";
        return switch (column.kind()) {
            case BIT, ENUM, SET, YEAR -> "CAST(" + name + " AS UNSIGNED)";
            // CAST drops ZEROFILL, which is only for show.
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT ->
                    "CAST(" + name + (column.unsigned() ? " AS UNSIGNED)" : " AS SIGNED)");
            case FLOAT -> "CAST(" + name + " AS DOUBLE)";
            case DOUBLE -> name;
            default ->
                    switch (column.kind().access()) {
                        case TEXT ->
                                column.kind() == ColumnKind.JSON
                                        ? "CAST(" + name + " AS CHAR)"
                                        : "HEX(CONVERT(" + name + " USING utf8mb4))";
                        case BYTES -> "HEX(" + name + ")";
                        default -> "CAST(" + name + " AS CHAR)";
                    };
        };
    }

    private static Map<Long, List<String>> select(Statement sql, TableSchema schema)
            throws SQLException {
        Map<Long, List<String>> rows = new TreeMap<>();
        List<String> expressions = new ArrayList<>();
        schema.columns().forEach(c -> expressions.add(expression(c)));
        try (ResultSet result =
                sql.executeQuery(
                        "SELECT "
                                + String.join(", ", expressions)
                                + " FROM "
                                + schema.name().table())) {
            while (result.next()) {
                List<String> row = new ArrayList<>();
                for (int i = 0; i < expressions.size(); i++) {
                    String value = result.getString(i + 1);
                    ColumnKind.Access access = schema.column(i).kind().access();
                    if (value == null) {
                        value = "NULL";
                    } else if (access == ColumnKind.Access.FLOAT
                            || access == ColumnKind.Access.DOUBLE) {
                        value = Double.toString(Double.parseDouble(value));
                    }
                    row.add(value);
                }
                rows.put(Long.parseLong(row.getFirst()), row);
            }
        }
        return rows;
    }

    /** Columns as information_schema has them. */
    static TableSchema schemaOf(Statement sql, String table) throws SQLException {
        List<Column> columns = new ArrayList<>();
        try (ResultSet r =
                sql.executeQuery(
                        "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH,"
                                + " NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION, CHARACTER_SET_NAME,"
                                + " COLLATION_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='types' AND"
                                + " TABLE_NAME='"
                                + table
                                + "' ORDER BY ORDINAL_POSITION")) {
            while (r.next()) {
                String type = r.getString(2).toLowerCase(Locale.ROOT);
                ColumnKind kind =
                        switch (type) {
                            case "point",
                                    "linestring",
                                    "polygon",
                                    "multipoint",
                                    "multilinestring",
                                    "multipolygon",
                                    "geometrycollection",
                                    "geomcollection" ->
                                    ColumnKind.GEOMETRY;
                            default -> ColumnKind.valueOf(type.toUpperCase(Locale.ROOT));
                        };
                int length = (int) r.getLong(5);
                int scale = 0;
                if (kind == ColumnKind.DECIMAL) {
                    length = r.getInt(6);
                    scale = r.getInt(7);
                } else if (kind == ColumnKind.BIT) {
                    length = r.getInt(6);
                } else if (r.getObject(8) != null) {
                    scale = r.getInt(8);
                }
                String charset = r.getString(9);
                columns.add(
                        new Column(
                                r.getString(1),
                                kind,
                                r.getString(3),
                                r.getString(3).contains("unsigned"),
                                r.getString(4).equals("YES"),
                                length,
                                scale,
                                charset == null ? "binary" : charset,
                                "",
                                List.of(),
                                Column.Generated.NONE,
                                false,
                                Optional.empty()));
            }
        }
        return new TableSchema(
                1,
                1,
                new TableName("types", table),
                columns,
                List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));
    }

    private static void compareColumns(TableMapMetadata metadata, TableSchema schema, String what) {
        assertThat(metadata.hasNames()).as(what).isTrue();
        assertThat(metadata.key()).as(what).contains(schema.keys().getFirst());
        List<Column> columns = metadata.columns();
        for (int i = 0; i < columns.size(); i++) {
            Column known = schema.column(i);
            Column read = columns.get(i);
            assertThat(read.name()).isEqualTo(known.name());
            assertThat(read.nullable()).as(what + read).isEqualTo(known.nullable());
            switch (known.kind()) {
                case UUID, INET4, INET6 -> assertThat(read.kind()).isEqualTo(ColumnKind.BINARY);
                default -> {
                    assertThat(read.kind()).as(what + read).isEqualTo(known.kind());
                    assertThat(read.unsigned()).as(what + read).isEqualTo(known.unsigned());
                    if (known.kind() != ColumnKind.JSON) {
                        assertThat(read.charset()).as(what + read).isEqualTo(known.charset());
                    }
                    assertThat(read.scale()).as(what + read).isEqualTo(known.scale());
                    switch (known.kind()) {
                        case CHAR, VARCHAR, BINARY, VARBINARY, DECIMAL, BIT ->
                                assertThat(read.length()).as(what + read).isEqualTo(known.length());
                        default -> {}
                    }
                    if (known.kind() == ColumnKind.ENUM || known.kind() == ColumnKind.SET) {
                        assertThat(read.typeText()).as(what).isEqualTo(known.typeText());
                    }
                }
            }
        }
    }

    private static String all(int columns, String value) {
        return String.join(", ", java.util.Collections.nCopies(columns, value));
    }

    @ParameterizedTest
    @EnumSource
    void integers(DbServer.Flavor flavor) throws Exception {
        List<String> columns = new ArrayList<>();
        for (String type : List.of("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT")) {
            columns.add(type.toLowerCase(Locale.ROOT) + "_s " + type);
            columns.add(type.toLowerCase(Locale.ROOT) + "_u " + type + " UNSIGNED");
            columns.add(type.toLowerCase(Locale.ROOT) + "_y YEAR");
        }
        columns.add("z INT(7) UNSIGNED ZEROFILL NOT NULL");
        columns.add("b BOOL");
        verify(
                flavor,
                new Case(
                        "ints",
                        columns,
                        List.of(
                                "-128,0,1901,-32768,0,2155,-8388608,0,0,-2147483648,0,1970,-9223372036854775808,0,2026,0,1",
                                "127,255,2155,32767,65535,1901,8388607,16777215,2000,2147483647,4294967295,2001,9223372036854775807,18446744073709551615,NULL,4294967295,0",
                                "-1,1,0,-1,128,1999,-1,8388608,2026,-1,2147483648,2026,-1,9223372036854775808,0,1,1",
                                all(15, "NULL") + ",0,NULL",
                                "NULL,200,NULL,300,NULL,NULL,NULL,70000,1980,NULL,3000000000,NULL,NULL,1,NULL,0,NULL")));
    }

    @ParameterizedTest
    @EnumSource
    void numbers(DbServer.Flavor flavor) throws Exception {
        List<String> columns = new ArrayList<>();
        List<String> rows = new ArrayList<>();
        int[][] shapes =
                flavor == DbServer.Flavor.MARIADB
                        ? new int[][] {
                            {65, 38}, {65, 30}, {65, 0}, {30, 30}, {10, 2}, {1, 0}, {9, 9}, {18, 9},
                            {38, 10}, {1, 1}, {19, 1}, {20, 18}
                        }
                        : new int[][] {
                            {65, 30}, {65, 0}, {30, 30}, {10, 2}, {1, 0}, {9, 9}, {18, 9}, {38, 10},
                            {1, 1}, {19, 1}, {20, 18}
                        };
        for (int[] shape : shapes) {
            columns.add(
                    "d"
                            + shape[0]
                            + "_"
                            + shape[1]
                            + " DECIMAL("
                            + shape[0]
                            + ","
                            + shape[1]
                            + ")");
        }
        columns.add("du DECIMAL(12,4) UNSIGNED");
        columns.add("f FLOAT");
        columns.add("g DOUBLE");
        columns.add("fu FLOAT UNSIGNED");
        columns.add("gd DOUBLE(10,3)");
        rows.add(all(shapes.length, "0") + ",0,0,0,0,0");
        rows.add(all(shapes.length, "NULL") + ",NULL,NULL,NULL,NULL,NULL");
        // Out of range values are cut to the type's limits.
        String nines = "9".repeat(65) + "." + "9".repeat(30);
        rows.add(
                all(shapes.length, nines)
                        + ","
                        + nines
                        + ",3.402823466e38,1.7976931348623157e308,1e-38,1234567.891");
        rows.add(
                all(shapes.length, "-" + nines)
                        + ",0.0001,-3.402823466e38,-1.7976931348623157e308,1.17549e-38,-0.125");
        rows.add(all(shapes.length, "-0.1") + ",1,1e-45,5e-324,0.1,0");
        rows.add(all(shapes.length, "0.000000001") + ",1,0.3,0.1,7,0");
        Random random = new Random(7);
        for (int i = 0; i < 30; i++) {
            List<String> values = new ArrayList<>();
            for (int[] shape : shapes) {
                StringBuilder digits = new StringBuilder(random.nextBoolean() ? "-" : "");
                int whole = random.nextInt(shape[0] - shape[1] + 1);
                for (int k = 0; k < whole; k++) {
                    digits.append(random.nextInt(10));
                }
                digits.append(whole == 0 ? "0." : ".");
                for (int k = 0; k < shape[1]; k++) {
                    digits.append(random.nextInt(3) == 0 ? random.nextInt(10) : 0);
                }
                values.add(digits.toString());
            }
            values.add(Integer.toString(random.nextInt(100_000_000)));
            values.add(Float.toString(random.nextFloat() * 1000 - 500));
            values.add(Double.toString(random.nextGaussian()));
            values.add(Float.toString(random.nextFloat()));
            values.add("1");
            rows.add(String.join(", ", values));
        }
        verify(flavor, new Case("numbers", columns, rows));
    }

    @ParameterizedTest
    @EnumSource
    void bitsAndElements(DbServer.Flavor flavor) throws Exception {
        List<String> columns = new ArrayList<>();
        int[] widths = {1, 2, 7, 8, 9, 16, 17, 31, 32, 33, 48, 63, 64};
        for (int width : widths) {
            columns.add("b" + width + " BIT(" + width + ")");
        }
        columns.add("e ENUM('a','b','it''s','ä','')");
        List<String> many = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            many.add("'e" + i + "'");
        }
        columns.add("e2 ENUM(" + String.join(",", many) + ")");
        columns.add("ek ENUM('я','ю') CHARACTER SET koi8r");
        int[] sizes = {1, 8, 9, 17, 25, 33, 64};
        for (int size : sizes) {
            columns.add("s" + size + " SET(" + String.join(",", many.subList(0, size)) + ")");
        }
        columns.add("sg SET('中','文') CHARACTER SET gbk");
        List<String> rows = new ArrayList<>();
        rows.add(
                all(widths.length, "b'1'")
                        + ",'b','e299','ю',"
                        + all(sizes.length, "'e0'")
                        + ",'文,中'");
        rows.add(all(widths.length, "0") + ",'','e0','я'," + all(sizes.length, "''") + ",''");
        rows.add(
                all(widths.length, "18446744073709551615")
                        + ",1,300,1,"
                        + all(sizes.length, "18446744073709551615")
                        + ",3");
        rows.add(
                all(widths.length, "NULL")
                        + ",NULL,NULL,NULL,"
                        + all(sizes.length, "NULL")
                        + ",NULL");
        // 'nonsense' becomes the invalid value 0.
        rows.add(
                all(widths.length, "b'10'")
                        + ",'nonsense','e255','x',"
                        + all(sizes.length, "'nonsense'")
                        + ",'中'");
        rows.add(
                "1,2,85,170,341,43690,74565,1,2,8589934591,281474976710655,9223372036854775807,9223372036854775808,'it''s',256,2,1,128,256,65536,16777216,4294967296,9223372036854775808,1");
        verify(flavor, new Case("bits", columns, rows));
    }

    @ParameterizedTest
    @EnumSource
    void datesAndTimes(DbServer.Flavor flavor) throws Exception {
        List<String> columns = new ArrayList<>(List.of("y YEAR", "d DATE"));
        for (int fsp = 0; fsp <= 6; fsp++) {
            columns.add("t" + fsp + " TIME(" + fsp + ")");
        }
        for (int fsp = 0; fsp <= 6; fsp++) {
            columns.add("dt" + fsp + " DATETIME(" + fsp + ")");
        }
        for (int fsp = 0; fsp <= 6; fsp++) {
            columns.add("ts" + fsp + " TIMESTAMP(" + fsp + ") NULL");
        }
        String[][] values = {
            {
                "2026",
                "2026-11-21",
                "12:34:56.789012",
                "2026-11-21 12:34:56.789012",
                "2026-11-21 12:34:56.789012"
            },
            {"0", "0000-00-00", "00:00:00", "0000-00-00 00:00:00", "0000-00-00 00:00:00"},
            {
                "1901",
                "1000-01-01",
                "-838:59:59",
                "1000-01-01 00:00:00",
                "1970-01-02 00:00:00.000001"
            },
            {
                "2155",
                "9999-12-31",
                "838:59:59",
                "9999-12-31 23:59:59.4",
                "2038-01-19 08:44:06.999999"
            },
            {
                "1999",
                "2024-02-31",
                "-00:00:00.000001",
                "2024-02-31 01:02:03.000004",
                "1999-12-31 23:59:59.5"
            },
            {"2000", "2024-00-15", "-00:00:00.5", "2024-00-00 00:00:00", "2000-02-29 00:00:00"},
            {
                "2001",
                "0001-01-01",
                "-01:00:00.99",
                "0001-01-01 00:00:00.1",
                "2001-03-01 05:29:59.05"
            },
            {
                "2002",
                "2023-00-00",
                "100:00:00.100001",
                "2000-02-29 23:59:59.999999",
                "1970-01-01 05:30:01"
            },
            {
                "1970",
                "1970-01-01",
                "-100:59:59.999999",
                "1582-10-10 00:00:00.00001",
                "2012-12-12 12:12:12.121212"
            },
        };
        List<String> rows = new ArrayList<>();
        for (String[] v : values) {
            rows.add(
                    "'"
                            + v[0]
                            + "','"
                            + v[1]
                            + "',"
                            + all(7, "'" + v[2] + "'")
                            + ","
                            + all(7, "'" + v[3] + "'")
                            + ","
                            + all(7, "'" + v[4] + "'"));
        }
        rows.add(all(23, "NULL"));
        verify(flavor, new Case("times", columns, rows));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ON", "OFF"})
    void mariaDbOldAndNewTemporalFormat(String newFormat) throws Exception {
        server(DbServer.Flavor.MARIADB).execute("SET GLOBAL mysql56_temporal_format=" + newFormat);
        try {
            verify(
                    DbServer.Flavor.MARIADB,
                    new Case(
                            "oldtimes",
                            List.of("t TIME", "d DATETIME", "s TIMESTAMP NULL", "dd DATE"),
                            List.of(
                                    "'12:34:56','2026-11-21 12:34:56','2026-11-21 12:34:56','2026-11-21'",
                                    "'-838:59:59','0000-00-00 00:00:00','0000-00-00 00:00:00','0000-00-00'",
                                    "'838:59:59','9999-12-31 23:59:59','2038-01-19 08:44:07','9999-12-31'",
                                    "'-00:00:01','2024-02-31 00:00:00','1970-01-02 00:00:00','1000-01-01'")));
        } finally {
            server(DbServer.Flavor.MARIADB).execute("SET GLOBAL mysql56_temporal_format=ON");
        }
    }

    @ParameterizedTest
    @EnumSource
    void binaryStrings(DbServer.Flavor flavor) throws Exception {
        List<String> columns =
                List.of(
                        "b1 BINARY(1)",
                        "b16 BINARY(16)",
                        "b255 BINARY(255)",
                        "v10 VARBINARY(10)",
                        "v300 VARBINARY(300)",
                        "tb TINYBLOB",
                        "bb BLOB",
                        "mb MEDIUMBLOB",
                        "lb LONGBLOB",
                        "cb CHAR(5) CHARACTER SET binary");
        List<String> rows = new ArrayList<>();
        rows.add(all(10, "''"));
        rows.add(all(10, "NULL"));
        rows.add(all(10, "x'00'"));
        rows.add("x'ff'," + all(9, "x'ff00'"));
        rows.add("x'20'," + all(9, "x'612020'"));
        rows.add("x'01'," + all(9, "x'0001020000'"));
        rows.add(
                "'a',"
                        + "x'0123456789abcdef0123456789abcdef',"
                        + "REPEAT('x',255),REPEAT('y',10),REPEAT('z',300),REPEAT('t',255),REPEAT('u',65535),REPEAT('v',70000),REPEAT('w',1000000),'12345'");
        rows.add(
                "'a',"
                        + "x'0123456789abcdef0123456789abcd00',"
                        + "CONCAT(REPEAT('x',254),x'00'),REPEAT(x'00',10),REPEAT(x'00',300),REPEAT(x'00',255),REPEAT(x'00',65535),x'00',x'00',x'3100000000'");
        verify(flavor, new Case("binaries", columns, rows));
    }

    @ParameterizedTest
    @EnumSource
    void textInEveryCharacterSet(DbServer.Flavor flavor) throws Exception {
        List<String> charsets = new ArrayList<>();
        try (Connection connection = server(flavor).connect();
                Statement sql = connection.createStatement();
                ResultSet result = sql.executeQuery("SHOW CHARACTER SET")) {
            while (result.next()) {
                if (!result.getString(1).equals("binary")) {
                    charsets.add(result.getString(1));
                }
            }
        }
        List<String> columns = new ArrayList<>();
        for (String charset : charsets) {
            columns.add("c_" + charset + " CHAR(12) CHARACTER SET " + charset);
            columns.add("v_" + charset + " VARCHAR(40) CHARACTER SET " + charset);
        }
        for (String charset : charsets) {
            columns.add("t_" + charset + " TEXT CHARACTER SET " + charset);
        }
        int count = columns.size();
        List<String> rows = new ArrayList<>();
        for (String value :
                List.of(
                        "''",
                        "'a'",
                        "'trailing   '",
                        "'   '",
                        "'tab\\tnl\\n\\0'",
                        "'äöüß€Ÿœ'",
                        "'Привет ёЁ'",
                        "'日本語カナｶﾅ～'",
                        "'中文漢字繁體'",
                        "'한국어'",
                        "'ελληνικά'",
                        "'שלום'",
                        "'ไทย'",
                        "'žščřť ąęł'",
                        "'😀𠀀'",
                        "'\\\\~^|[]{}'",
                        "NULL")) {
            rows.add(all(count, value));
        }
        verify(flavor, new Case("texts", columns, rows));
    }

    @ParameterizedTest
    @EnumSource
    void longTexts(DbServer.Flavor flavor) throws Exception {
        verify(
                flavor,
                new Case(
                        "longtexts",
                        List.of(
                                "c63 CHAR(63)",
                                "c64 CHAR(64)",
                                "c255 CHAR(255)",
                                "u255 CHAR(255) CHARACTER SET ucs2",
                                "v63 VARCHAR(63)",
                                "v64 VARCHAR(64)",
                                "v5000 VARCHAR(5000)",
                                "tt TINYTEXT",
                                "t TEXT",
                                "mt MEDIUMTEXT",
                                "lt LONGTEXT",
                                "lu LONGTEXT CHARACTER SET utf16le"),
                        List.of(
                                all(12, "'x'"),
                                all(12, "''"),
                                all(12, "NULL"),
                                "REPEAT('ä',63),REPEAT('😀',64),REPEAT('😀',255),REPEAT('日',255),REPEAT('x',63),REPEAT('😀',64),REPEAT('é',5000),REPEAT('x',255),REPEAT('x',65535),REPEAT('é',70000),REPEAT('日',300000),REPEAT('日',30000)")));
    }

    @ParameterizedTest
    @EnumSource
    void geometries(DbServer.Flavor flavor) throws Exception {
        String srid = flavor == DbServer.Flavor.MYSQL ? " SRID 4326" : "";
        verify(
                flavor,
                new Case(
                        "geometries",
                        List.of(
                                "g GEOMETRY",
                                "p POINT",
                                "l LINESTRING",
                                "po POLYGON",
                                "mp MULTIPOINT",
                                "ml MULTILINESTRING",
                                "mpo MULTIPOLYGON",
                                "gc GEOMETRYCOLLECTION",
                                "s POINT" + srid),
                        List.of(
                                all(9, "NULL"),
                                "ST_GeomFromText('POINT(1.5 -2)'),ST_GeomFromText('POINT(0 0)'),ST_GeomFromText('LINESTRING(0 0,1 1,2 3)'),"
                                        + "ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 0),(1 1,2 1,2 2,1 1))'),ST_GeomFromText('MULTIPOINT(1 1,2 2)'),"
                                        + "ST_GeomFromText('MULTILINESTRING((1 1,2 2),(3 3,4 4))'),ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)))'),"
                                        + "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))'),ST_GeomFromText('POINT(12 34)',4326)")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"FULL"})
    void json(String unused) throws Exception {
        List<String> documents =
                new ArrayList<>(
                        List.of("NULL", "'null'", "'true'", "'false'", "'[]'", "'{}'", "'\"\"'"));
        for (String number :
                List.of(
                        "0",
                        "-1",
                        "32767",
                        "32768",
                        "-32768",
                        "-32769",
                        "65535",
                        "65536",
                        "2147483647",
                        "2147483648",
                        "-2147483649",
                        "4294967296",
                        "9223372036854775807",
                        "18446744073709551615",
                        "18446744073709551616",
                        "1.0",
                        "-0.0",
                        "0.1",
                        "1e20",
                        "1e15",
                        "1e14",
                        "123456789012345.6",
                        "1e16",
                        "1.5e-7",
                        "1e-14",
                        "1e-15",
                        "1.7976931348623157e308",
                        "5e-324",
                        "2e23",
                        "3.14159",
                        "100.0",
                        "1e-5",
                        "0.30000000000000004",
                        "4.35",
                        "9007199254740993.0",
                        "999999999999999.9",
                        "123456789.123456789")) {
            documents.add("'" + number + "'");
        }
        documents.add(
                "'{\"b\": 1, \"a\": [1, 2.50, \"x\", null, true, {\"deep\": {}}], \"ccc\": \"\\\\u0001\\\\n\\\\t\\\\\"\\\\\\\\ä日😀/\"}'");
        documents.add(
                "JSON_OBJECT('d', CAST(1.50 AS DECIMAL(10,2)), 'n', CAST(-123.456 AS DECIMAL(65,30)), 'z', CAST(0 AS DECIMAL(5,5)))");
        documents.add(
                "JSON_ARRAY(CAST('2026-11-21 12:34:56.789' AS DATETIME(3)), CAST('2026-11-21' AS DATE), CAST('-12:34:56.000001' AS TIME(6)), CAST('838:59:59' AS TIME), TIMESTAMP'2026-11-21 01:02:03.5')");
        documents.add("JSON_ARRAY(x'00ff10', b'1010', CAST('abc' AS BINARY))");
        documents.add("JSON_OBJECT('blob', CAST(REPEAT('q', 200) AS BINARY))");
        documents.add("JSON_ARRAY(ST_GeomFromText('POINT(1 2)'))");
        documents.add(
                "CONCAT('[\"', REPEAT('x', 127), '\",\"', REPEAT('y', 128), '\",\"', REPEAT('z', 20000), '\"]')");
        documents.add(
                "CONCAT('[\"', REPEAT('x', 70000), '\", 1, -70000, 3000000000, 1.5, null, {\"k\": ', REPEAT('[', 50), REPEAT(']', 50), '}]')");
        documents.add(
                "CONCAT('{\"', REPEAT('k', 65535), '\": 1, \"a\": 70000, \"b\": -2, \"s\": \"t\"}')");
        documents.add("CONCAT(REPEAT('[', 99), REPEAT(']', 99))");
        documents.add("CONCAT(REPEAT('{\"a\":', 98), '1', REPEAT('}', 98))");
        StringBuilder wide = new StringBuilder("'{");
        for (int i = 0; i < 3000; i++) {
            wide.append(i > 0 ? "," : "").append("\"key").append(i).append("\":").append(i * 37);
        }
        documents.add(wide.append("}'").toString());
        List<String> rows = new ArrayList<>();
        documents.forEach(d -> rows.add(d + ", 'x', " + d));
        verify(
                DbServer.Flavor.MYSQL,
                new Case("jsons", List.of("j JSON", "v VARCHAR(10)", "k JSON"), rows));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ON"})
    void mariaDbTypes(String unused) throws Exception {
        List<String> columns =
                List.of(
                        "u UUID",
                        "i4 INET4",
                        "i6 INET6",
                        "j JSON",
                        "vc VARCHAR(200) COMPRESSED",
                        "vb VARBINARY(3000) COMPRESSED",
                        "tc TEXT COMPRESSED CHARACTER SET latin1",
                        "bc LONGBLOB COMPRESSED",
                        "tt TINYTEXT COMPRESSED");
        List<String> rows = new ArrayList<>();
        rows.add(all(9, "NULL"));
        rows.add("'00000000-0000-0000-0000-000000000000','0.0.0.0','::','{}','','','','',''");
        rows.add(
                "'ffffffff-ffff-ffff-ffff-ffffffffffff','255.255.255.255','ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','[1, \"ä\"]',REPEAT('ä',200),REPEAT(x'00',3000),REPEAT('é',60000),REPEAT('x',1000000),REPEAT('y',255)");
        String[] addresses = {
            "::1",
            "::ffff:1.2.3.4",
            "::1.2.3.4",
            "1::",
            "1:0:2:3:4:5:6:7",
            "fe80::1:0:0:1",
            "1:0:0:2:0:0:0:3",
            "2001:db8::",
            "0:1::",
            "::2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::",
            "::ffff:0:0",
            "::fffe:1.2.3.4",
            "a0:b:c00:d000::"
        };
        Random random = new Random(11);
        for (int i = 0; i < 60; i++) {
            byte[] id = new byte[16];
            random.nextBytes(id);
            if (i % 3 == 0) {
                id[6] = (byte) (id[6] & 0x0F | (i / 3 % 10) << 4);
                id[8] = (byte) (id[8] & 0x3F | 0x80);
            }
            if (i % 7 == 0) {
                id[15] = 0;
                id[14] = 0;
            }
            if (i % 11 == 0) {
                id[8] = 0;
                id[3] = 0;
            }
            String hex = HexFormat.of().formatHex(id);
            String uuid =
                    hex.substring(0, 8)
                            + "-"
                            + hex.substring(8, 12)
                            + "-"
                            + hex.substring(12, 16)
                            + "-"
                            + hex.substring(16, 20)
                            + "-"
                            + hex.substring(20);
            rows.add(
                    "'"
                            + uuid
                            + "','"
                            + (id[0] & 255)
                            + "."
                            + (id[1] & 255)
                            + "."
                            + (id[2] & 255)
                            + ".0','"
                            + addresses[i % addresses.length]
                            + "','\"x\"','short',REPEAT('ab',"
                            + (i * 30)
                            + "),'é',x'"
                            + hex
                            + "','tiny'");
        }
        verify(DbServer.Flavor.MARIADB, new Case("mariatypes", columns, rows));
    }
}
