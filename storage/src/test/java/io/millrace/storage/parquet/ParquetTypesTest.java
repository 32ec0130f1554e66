package io.millrace.storage.parquet;

import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestRowBatch;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every column type at its edges into a file and back, and what another reader sees in it. */
@SuppressWarnings("NullAway.Init") // JUnit fills the folder in
final class ParquetTypesTest {
    private static final long TSO = 439749918821711874L;

    @TempDir Path folder;

    /** What a row has, and what is read. */
    private record Value(@Nullable Object written, @Nullable Object read) {}

    /**
     * A type with values.
     *
     * @param parquet the type in the file
     */
    private record Case(Column column, String parquet, List<Value> values) {}

    private static Column column(
            ColumnKind kind, String type, boolean unsigned, int length, int scale) {
        Column plain = Column.of("c", kind);
        return new Column(
                "c",
                kind,
                type,
                unsigned,
                true,
                length,
                scale,
                plain.charset(),
                "",
                List.of(),
                Column.Generated.NONE,
                false,
                Optional.empty());
    }

    private static Column inCharset(String charset) {
        return new Column(
                "c",
                ColumnKind.VARCHAR,
                "varchar(9)",
                false,
                true,
                9,
                0,
                charset,
                "",
                List.of(),
                Column.Generated.NONE,
                false,
                Optional.empty());
    }

    private static Column elements(ColumnKind kind, List<String> elements) {
        return new Column(
                "c",
                kind,
                kind.name(),
                false,
                true,
                0,
                0,
                "utf8mb4",
                "",
                elements,
                Column.Generated.NONE,
                false,
                Optional.empty());
    }

    /** A value that is read as it was written. */
    private static Value same(Object value) {
        return new Value(value, value);
    }

    private static Value read(Object value, Object read) {
        return new Value(value, read);
    }

    private static Case numbers(ColumnKind kind, boolean unsigned, String parquet, long... values) {
        return new Case(
                column(kind, kind.name(), unsigned, 0, 0),
                parquet,
                Arrays.stream(values).mapToObj(value -> read(value, value)).toList());
    }

    private static Case decimals(int length, int scale, String parquet, String... values) {
        boolean text = parquet.contains("STRING");
        return new Case(
                column(ColumnKind.DECIMAL, "decimal", false, length, scale),
                parquet,
                Arrays.stream(values)
                        .map(value -> read(value, text ? value : new BigDecimal(value)))
                        .toList());
    }

    private static Case texts(
            ColumnKind kind, String type, int scale, String parquet, String... v) {
        return new Case(
                column(kind, type, false, 0, scale),
                parquet,
                Arrays.stream(v).map(ParquetTypesTest::same).toList());
    }

    private static List<Case> cases() {
        BigInteger most = BigInteger.TWO.pow(64).subtract(BigInteger.ONE);
        List<Value> unsigned =
                List.of(
                        read(-1L, most),
                        read(Long.MIN_VALUE, BigInteger.TWO.pow(63)),
                        read(0L, BigInteger.ZERO),
                        read(Long.MAX_VALUE, BigInteger.valueOf(Long.MAX_VALUE)));
        String decimal20 = "fixed_len_byte_array(9) c (DECIMAL(20,0))";
        List<Case> cases =
                new ArrayList<>(
                        List.of(
                                numbers(ColumnKind.TINYINT, false, "int32 c", -128, -1, 0, 127),
                                numbers(ColumnKind.TINYINT, true, "int32 c", 0, 128, 255),
                                numbers(ColumnKind.SMALLINT, false, "int32 c", -32768, 32767),
                                numbers(ColumnKind.SMALLINT, true, "int32 c", 65535),
                                numbers(ColumnKind.MEDIUMINT, false, "int32 c", -8388608, 8388607),
                                numbers(ColumnKind.MEDIUMINT, true, "int32 c", 16777215),
                                numbers(
                                        ColumnKind.INT,
                                        false,
                                        "int32 c",
                                        Integer.MIN_VALUE,
                                        0,
                                        Integer.MAX_VALUE),
                                numbers(ColumnKind.INT, true, "int64 c", 0, 4294967295L),
                                numbers(
                                        ColumnKind.BIGINT,
                                        false,
                                        "int64 c",
                                        Long.MIN_VALUE,
                                        -1,
                                        Long.MAX_VALUE),
                                new Case(
                                        column(ColumnKind.BIGINT, "bigint", true, 0, 0),
                                        decimal20,
                                        unsigned),
                                numbers(ColumnKind.YEAR, true, "int32 c", 0, 1901, 2155),
                                new Case(
                                        column(ColumnKind.BIT, "bit(1)", true, 1, 0),
                                        "int64 c",
                                        List.of(same(0L), same(1L))),
                                new Case(
                                        column(ColumnKind.BIT, "bit(63)", true, 63, 0),
                                        "int64 c",
                                        List.of(same(Long.MAX_VALUE))),
                                new Case(
                                        column(ColumnKind.BIT, "bit(64)", true, 64, 0),
                                        decimal20,
                                        unsigned),
                                new Case(
                                        column(ColumnKind.FLOAT, "float", false, 0, 0),
                                        "float c",
                                        List.of(
                                                same(0f),
                                                same(-1.5f),
                                                same(Float.MIN_VALUE),
                                                same(-Float.MAX_VALUE))),
                                new Case(
                                        column(ColumnKind.DOUBLE, "double", false, 0, 0),
                                        "double c",
                                        List.of(
                                                same(0.0),
                                                same(0.1),
                                                same(Double.MIN_VALUE),
                                                same(-Double.MAX_VALUE))),
                                decimals(
                                        9,
                                        2,
                                        "int32 c (DECIMAL(9,2))",
                                        "0.00",
                                        "-0.01",
                                        "9999999.99",
                                        "-9999999.99"),
                                decimals(
                                        18,
                                        0,
                                        "int64 c (DECIMAL(18,0))",
                                        "999999999999999999",
                                        "-999999999999999999",
                                        "0"),
                                decimals(
                                        19,
                                        19,
                                        "fixed_len_byte_array(9) c (DECIMAL(19,19))",
                                        "0.9999999999999999999",
                                        "-0.0000000000000000001"),
                                decimals(
                                        38,
                                        10,
                                        "fixed_len_byte_array(16) c (DECIMAL(38,10))",
                                        "9999999999999999999999999999.9999999999",
                                        "-9999999999999999999999999999.9999999999",
                                        "0.0000000000",
                                        "-1.0000000000"),
                                decimals(
                                        65,
                                        30,
                                        "binary c (STRING)",
                                        "-" + "9".repeat(35) + "." + "9".repeat(30)),
                                texts(
                                        ColumnKind.DATE,
                                        "date",
                                        0,
                                        "int32 c (DATE)",
                                        "1970-01-01",
                                        "1969-12-31",
                                        "2024-02-29",
                                        "0000-01-01",
                                        "0018-05-06",
                                        "9999-12-31",
                                        "0000-00-00",
                                        "2023-02-29",
                                        "2024-00-10"),
                                texts(
                                        ColumnKind.DATETIME,
                                        "datetime",
                                        0,
                                        "int64 c (TIMESTAMP(MICROS,false))",
                                        "1970-01-01 00:00:00",
                                        "1000-01-01 00:00:00",
                                        "9999-12-31 23:59:59",
                                        "0000-00-00 00:00:00",
                                        "2023-02-29 12:00:00"),
                                texts(
                                        ColumnKind.DATETIME,
                                        "datetime(6)",
                                        6,
                                        "int64 c (TIMESTAMP(MICROS,false))",
                                        "1969-12-31 23:59:59.999999",
                                        "9999-12-31 23:59:59.999999",
                                        "2024-02-29 01:02:03.000000",
                                        "0000-00-00 00:00:00.000000"),
                                new Case(
                                        column(ColumnKind.TIMESTAMP, "timestamp(3)", false, 0, 3),
                                        "int64 c (TIMESTAMP(MICROS,true))",
                                        List.of(
                                                read(
                                                        "1970-01-01 00:00:01.000",
                                                        Instant.ofEpochSecond(1)),
                                                read(
                                                        "2038-01-19 03:14:07.999",
                                                        Instant.parse("2038-01-19T03:14:07.999Z")),
                                                same("0000-00-00 00:00:00.000"))),
                                texts(
                                        ColumnKind.TIME,
                                        "time",
                                        0,
                                        "int64 c",
                                        "00:00:00",
                                        "-00:00:01",
                                        "838:59:59",
                                        "-838:59:59",
                                        "23:59:59"),
                                texts(
                                        ColumnKind.TIME,
                                        "time(6)",
                                        6,
                                        "int64 c",
                                        "-00:00:00.000001",
                                        "838:59:59.000000",
                                        "12:34:56.789000"),
                                new Case(
                                        elements(
                                                ColumnKind.ENUM,
                                                List.of("new", "quo\"te", "漢", "")),
                                        "binary c (ENUM)",
                                        List.of(
                                                read(1L, "new"),
                                                read(3L, "漢"),
                                                read(4L, ""),
                                                read(0L, ""))),
                                new Case(
                                        elements(ColumnKind.ENUM, List.of()),
                                        "binary c (ENUM)",
                                        List.of(read(7L, "7"))),
                                new Case(
                                        elements(ColumnKind.SET, List.of("x", "y", "漢")),
                                        "binary c (STRING)",
                                        List.of(read(0L, ""), read(5L, "x,漢"), read(7L, "x,y,漢"))),
                                new Case(
                                        elements(
                                                ColumnKind.SET,
                                                IntStream.range(0, 64)
                                                        .mapToObj(i -> "e" + i)
                                                        .toList()),
                                        "binary c (STRING)",
                                        List.of(read(Long.MIN_VALUE, "e63"))),
                                new Case(
                                        inCharset("latin1"),
                                        "binary c (STRING)",
                                        List.of(same("é\"ÿ"), same(""))),
                                new Case(
                                        inCharset("gbk"),
                                        "binary c (STRING)",
                                        List.of(same("漢\"字"))),
                                texts(
                                        ColumnKind.JSON,
                                        "json",
                                        0,
                                        "binary c (JSON)",
                                        "{\"a\": [1, \"漢\", null]}",
                                        "null",
                                        "\"\""),
                                new Case(
                                        column(ColumnKind.VECTOR, "vector(2)", false, 2, 0),
                                        "binary c (STRING)",
                                        List.of(
                                                read(
                                                        new byte[] {
                                                            0,
                                                            0,
                                                            (byte) 0x80,
                                                            0x3F,
                                                            0,
                                                            0,
                                                            0x20,
                                                            (byte) 0xC1
                                                        },
                                                        "[1,-10]"))),
                                texts(
                                        ColumnKind.UUID,
                                        "uuid",
                                        0,
                                        "binary c (STRING)",
                                        "123e4567-e89b-12d3-a456-426655440000"),
                                texts(
                                        ColumnKind.INET4,
                                        "inet4",
                                        0,
                                        "binary c (STRING)",
                                        "192.168.0.1"),
                                texts(ColumnKind.INET6, "inet6", 0, "binary c (STRING)", "::")));
        for (ColumnKind kind : ColumnKind.values()) {
            if (kind == ColumnKind.GEOMETRY
                    || kind.name().endsWith("BLOB")
                    || kind.name().endsWith("BINARY")) {
                cases.add(
                        new Case(
                                column(kind, kind.name(), false, 0, 0),
                                "binary c",
                                List.of(
                                        same(new byte[0]),
                                        same(new byte[] {0, -1, '\n', (byte) 0x89}))));
            } else if (kind.name().endsWith("TEXT") || kind.name().endsWith("CHAR")) {
                cases.add(
                        new Case(
                                column(kind, kind.name(), false, 0, 0),
                                "binary c (STRING)",
                                List.of(
                                        same(""),
                                        same("漢\0\r\n😀"),
                                        same("long ".repeat(20_000)))));
            }
        }
        return cases;
    }

    private static TableSchema table(Column... columns) {
        List<Column> all = new ArrayList<>();
        all.add(Column.of("id", ColumnKind.INT));
        all.addAll(List.of(columns));
        return new TableSchema(
                1,
                1,
                new TableName("test", "t"),
                all,
                List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));
    }

    private static ParquetConfig config(String options) {
        return ParquetConfig.of(SinkSpec.of("file:///x?protocol=parquet&" + options));
    }

    @Test
    void theMemoryOfDictionariesCounts() {
        Column[] columns = new Column[20];
        Object[] row = new Object[21];
        row[0] = 1;
        for (int i = 0; i < columns.length; i++) {
            columns[i] = Column.of("c" + i, ColumnKind.INT);
            row[i + 1] = i;
        }
        TableSchema schema = table(columns);
        ParquetRowWriter writer = new ParquetRowWriter(schema, config(""), new ByteSink(16));
        append(writer, TestRowBatch.insert(schema, TSO, 0, true, row));
        assertThat(writer.memory()).isGreaterThan(columns.length * 16_384L);
    }

    private static void append(ParquetRowWriter writer, RowBatch batch) {
        writer.begin(batch.commitTso());
        RowView view = batch.rows();
        while (view.next()) {
            writer.append(view, batch.op());
        }
    }

    private Path write(TableSchema schema, String options, RowBatch... batches) throws IOException {
        ByteSink bytes = new ByteSink(16);
        ParquetRowWriter writer = new ParquetRowWriter(schema, config(options), bytes);
        for (RowBatch batch : batches) {
            append(writer, batch);
        }
        writer.finish();
        return Files.write(Files.createTempFile(folder, "t", ".parquet"), bytes.toByteArray());
    }

    private static List<ParquetRowReader.Row> rows(TableSchema schema, Path file)
            throws IOException {
        List<ParquetRowReader.Row> rows = new ArrayList<>();
        try (ParquetRowReader reader = new ParquetRowReader(schema, file)) {
            reader.forEachRemaining(rows::add);
        }
        return rows;
    }

    @Test
    void everyKindHasCases() {
        Set<ColumnKind> kinds = EnumSet.allOf(ColumnKind.class);
        cases().forEach(each -> kinds.remove(each.column().kind()));
        assertThat(kinds).isEmpty();
    }

    @Test
    void everyValueComesBack() throws IOException {
        for (Case each : cases()) {
            for (String options :
                    List.of(
                            "csv-output-old-value=true",
                            "parquet-compression=zstd",
                            "parquet-compression=none")) {
                check(each, options);
            }
        }
    }

    private void check(Case each, String options) throws IOException {
        TableSchema schema = table(each.column());
        boolean withOld = options.contains("old");
        List<RowBatch> batches = new ArrayList<>();
        List<@Nullable Object> expected = new ArrayList<>();
        List<Value> values = new ArrayList<>(each.values());
        values.add(new Value(null, null));
        for (Value value : values) {
            batches.add(TestRowBatch.insert(schema, TSO, 0, true, row(1, value.written())));
            batches.add(
                    TestRowBatch.update(
                            schema,
                            TSO,
                            1,
                            true,
                            row(1, value.written()),
                            row(2, value.written())));
            batches.add(TestRowBatch.delete(schema, TSO, 2, true, row(2, value.written())));
            expected.add(value.read());
        }
        List<ParquetRowReader.Row> rows =
                rows(schema, write(schema, options, batches.toArray(RowBatch[]::new)));
        assertThat(rows).hasSize(3 * expected.size());
        for (int i = 0; i < expected.size(); i++) {
            String what = each.parquet() + " " + each.column().kind() + " " + expected.get(i);
            ParquetRowReader.Row insert = rows.get(3 * i);
            assertThat(insert.op()).isEqualTo(RowBatch.INSERT);
            assertThat(insert.commitTso()).isEqualTo(TSO);
            assertThat(insert.before()).isEmpty();
            assertRow(what, insert.after(), 1, expected.get(i));
            ParquetRowReader.Row update = rows.get(3 * i + 1);
            assertThat(update.op()).isEqualTo(RowBatch.UPDATE);
            assertRow(what, update.after(), 2, expected.get(i));
            if (withOld) {
                assertRow(what + " old", update.before(), 1, expected.get(i));
            } else {
                assertThat(update.before()).isEmpty();
            }
            ParquetRowReader.Row delete = rows.get(3 * i + 2);
            assertThat(delete.op()).isEqualTo(RowBatch.DELETE);
            assertThat(delete.after()).isEmpty();
            assertRow(what, delete.before(), 2, expected.get(i));
        }
    }

    private static void assertRow(
            String what, Map<String, @Nullable Object> row, long id, @Nullable Object expected) {
        assertThat(row.get("id")).as(what).isEqualTo(id);
        assertThat(row).as(what).containsKey("c");
        assertThat(row.get("c")).as(what).isEqualTo(expected);
    }

    @Test
    void columnsHaveTheTypesThatTheDocumentationTells() {
        for (Case each : cases()) {
            assertThat(ParquetColumns.of(table(each.column()), false).type.getType("c").toString())
                    .as("%s", each.column())
                    .isEqualTo("optional " + each.parquet());
        }
    }

    @Test
    void aTableMayHaveColumnsWithTheNamesOfOurs() throws IOException {
        TableSchema schema =
                table(
                        Column.of("_OP", ColumnKind.INT),
                        Column.of("_commit_ts", ColumnKind.INT),
                        Column.of("_old", ColumnKind.DATE),
                        Column.of("_invalid_dates", ColumnKind.INT));
        Path file =
                write(
                        schema,
                        "csv-output-old-value=true",
                        TestRowBatch.update(
                                schema,
                                TSO,
                                0,
                                true,
                                row(1, 2, 3, "0000-00-00", 5),
                                row(6, 7, 8, "2024-00-00", 10)));
        assertThat(rows(schema, file))
                .singleElement()
                .satisfies(only -> {
                    assertThat(only.before())
                            .containsEntry("_OP", 2L)
                            .containsEntry("_old", "0000-00-00");
                    assertThat(only.after())
                            .containsEntry("_commit_ts", 8L)
                            .containsEntry("_old", "2024-00-00")
                            .containsEntry("_invalid_dates", 10L);
                });
    }

    @Test
    void columnsThatARowLacksAreNull() throws IOException {
        TableSchema schema = table(Column.of("c", ColumnKind.INT));
        Path file =
                write(
                        schema,
                        "",
                        TestRowBatch.update(
                                schema, TSO, 0, true, row(1, 5), row(TestRowBatch.ABSENT, 6)),
                        TestRowBatch.delete(schema, TSO, 1, true, row(1, TestRowBatch.ABSENT)));
        List<ParquetRowReader.Row> rows = rows(schema, file);
        assertThat(rows.get(0).after()).as("unchanged").containsEntry("id", 1L);
        assertThat(rows.get(1).before()).containsEntry("id", 1L).containsEntry("c", null);
    }

    @Test
    void manyRowsAndPages() throws IOException {
        TableSchema schema = table(Column.of("c", ColumnKind.VARCHAR));
        RowBatch[] batches = new RowBatch[60];
        for (int i = 0; i < batches.length; i++) {
            Object[][] rows = new Object[1000][];
            for (int j = 0; j < rows.length; j++) {
                rows[j] = row(i * 1000 + j, "text " + (i * 31 + j) % 977);
            }
            batches[i] = TestRowBatch.insert(schema, TSO + i, 0, true, rows);
        }
        List<ParquetRowReader.Row> rows = rows(schema, write(schema, "", batches));
        assertThat(rows).hasSize(60_000);
        for (int i = 0; i < rows.size(); i++) {
            assertThat(rows.get(i).after().get("id")).isEqualTo((long) i);
            assertThat(rows.get(i).after().get("c"))
                    .isEqualTo("text " + (i / 1000 * 31 + i % 1000) % 977);
            assertThat(rows.get(i).commitTso()).isEqualTo(TSO + i / 1000);
        }
    }

    @Test
    void otherFilesAreRefused() throws IOException {
        TableSchema schema = table();
        Path text = Files.writeString(folder.resolve("text"), "no parquet file, but long enough");
        assertThatThrownBy(() -> rows(schema, text)).isInstanceOf(IOException.class);
        Path file = write(schema, "", TestRowBatch.insert(schema, TSO, 0, true, row(1)));
        byte[] bytes = Files.readAllBytes(file);
        Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(bytes, bytes.length - 9));
        assertThatThrownBy(() -> rows(schema, cut)).isInstanceOf(IOException.class);
    }

    @Test
    void aDecimalThatIsNotItsColumnsIsRefused() {
        TableSchema schema = table(column(ColumnKind.DECIMAL, "decimal(9,2)", false, 9, 2));
        assertThatThrownBy(() ->
                        write(schema, "", TestRowBatch.insert(schema, TSO, 0, true, row(1, "1.5"))))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("1.5");
    }

    @Test
    void optionsThatMakeNoSenseAreRefused() {
        for (String bad :
                List.of(
                        "parquet-compression=lzo",
                        "csv-delimiter=%7C",
                        "csv-quote=",
                        "csv-null=NULL",
                        "csv-binary-encoding-method=hex",
                        "csv-output-handle-key=true",
                        "csv-output-field-header=true",
                        "terminator=%0A",
                        "content-compatible=true",
                        "only-output-updated-columns=true",
                        "delete-only-output-handle-key-columns=true",
                        "enable-tidb-extension=true",
                        "output-raw-change-event=true")) {
            assertThatThrownBy(() -> config(bad))
                    .as(bad)
                    .isInstanceOf(MillraceException.class)
                    .hasMessageContaining(bad.substring(0, bad.indexOf('=')));
        }
        config("csv-delimiter=,&csv-null=%5CN&csv-quote=%22&csv-include-commit-ts=true");
        config("output-raw-change-event=true&csv-output-old-value=true");
        assertThatThrownBy(() ->
                        ParquetConfig.refuse(SinkSpec.of("file:///x?parquet-compression=zstd")))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("parquet-compression");
    }

    /** DuckDB has a reader of its own, which shares nothing with Parquet's Java library. */
    @Test
    void anotherReaderSeesTheSame() throws Exception {
        List<Column> columns = new ArrayList<>();
        Map<String, String[]> expected = new LinkedHashMap<>();
        List<Object> values = new ArrayList<>();
        values.add(1);
        for (Object[] each :
                new Object[][] {
                    {
                        "b",
                        column(ColumnKind.BIGINT, "", true, 0, 0),
                        -1L,
                        "18446744073709551615",
                        "DECIMAL(20,0)"
                    },
                    {
                        "u",
                        column(ColumnKind.INT, "", true, 0, 0),
                        4294967295L,
                        "4294967295",
                        "BIGINT"
                    },
                    {
                        "d9",
                        column(ColumnKind.DECIMAL, "", false, 9, 2),
                        "-12.30",
                        "-12.30",
                        "DECIMAL(9,2)"
                    },
                    {
                        "d18",
                        column(ColumnKind.DECIMAL, "", false, 18, 3),
                        "12.345",
                        "12.345",
                        "DECIMAL(18,3)"
                    },
                    {
                        "d38",
                        column(ColumnKind.DECIMAL, "", false, 38, 10),
                        "-1.0000000001",
                        "-1.0000000001",
                        "DECIMAL(38,10)"
                    },
                    {
                        "day",
                        column(ColumnKind.DATE, "", false, 0, 0),
                        "2024-02-29",
                        "2024-02-29",
                        "DATE"
                    },
                    {
                        "dt",
                        column(ColumnKind.DATETIME, "", false, 0, 6),
                        "2024-02-29 01:02:03.000004",
                        "2024-02-29 01:02:03.000004",
                        "TIMESTAMP"
                    },
                    {
                        "ts",
                        column(ColumnKind.TIMESTAMP, "", false, 0, 3),
                        "2024-02-29 01:02:03.004",
                        "2024-02-29 01:02:03.004+00",
                        "TIMESTAMP WITH TIME ZONE"
                    },
                    {
                        "time",
                        column(ColumnKind.TIME, "", false, 0, 0),
                        "-00:00:01",
                        "-1000000",
                        "BIGINT"
                    },
                    {"text", column(ColumnKind.TEXT, "", false, 0, 0), "漢\n", "漢\n", "VARCHAR"},
                    {"f", column(ColumnKind.FLOAT, "", false, 0, 0), 1.5f, "1.5", "FLOAT"},
                    {"e", elements(ColumnKind.ENUM, List.of("a", "b")), 2L, "b", "VARCHAR"},
                    {
                        "blob",
                        column(ColumnKind.BLOB, "", false, 0, 0),
                        new byte[] {0, -1},
                        "\\x00\\xFF",
                        "BLOB"
                    },
                    {
                        "j",
                        column(ColumnKind.JSON, "", false, 0, 0),
                        "{\"a\": 1}",
                        "{\"a\": 1}",
                        "JSON"
                    },
                }) {
            Column plain = (Column) each[1];
            columns.add(
                    new Column(
                            (String) each[0],
                            plain.kind(),
                            "",
                            plain.unsigned(),
                            true,
                            plain.length(),
                            plain.scale(),
                            plain.charset(),
                            "",
                            plain.elements(),
                            Column.Generated.NONE,
                            false,
                            Optional.empty()));
            values.add(each[2]);
            expected.put((String) each[0], new String[] {(String) each[3], (String) each[4]});
        }
        TableSchema schema = table(columns.toArray(Column[]::new));
        Object[] image = values.toArray();
        Object[] other = image.clone();
        other[0] = 2;
        other[6] = "0000-00-00";
        for (String codec : List.of("snappy", "zstd", "none")) {
            Path file =
                    write(
                            schema,
                            "csv-output-old-value=true&parquet-compression=" + codec,
                            TestRowBatch.insert(schema, TSO, 0, true, image),
                            TestRowBatch.update(schema, TSO, 1, true, other, image));
            try (Connection duck = DriverManager.getConnection("jdbc:duckdb:");
                    Statement statement = duck.createStatement()) {
                statement.execute("SET TimeZone='UTC'");
                assertThat(
                                one(
                                        statement,
                                        "SELECT string_agg(_op || _commit_ts, ',' ORDER BY _op)"
                                                + " FROM '"
                                                + file
                                                + "'"))
                        .isEqualTo("I" + TSO + ",U" + TSO);
                for (Map.Entry<String, String[]> each : expected.entrySet()) {
                    String from = " FROM '" + file + "' WHERE _op='I'";
                    assertThat(
                                    one(
                                            statement,
                                            "SELECT CAST(" + each.getKey() + " AS VARCHAR)" + from))
                            .as(each.getKey())
                            .isEqualTo(each.getValue()[0]);
                    assertThat(one(statement, "SELECT typeof(" + each.getKey() + ")" + from))
                            .as(each.getKey())
                            .isEqualTo(each.getValue()[1]);
                }
                assertThat(
                                one(
                                        statement,
                                        "SELECT CAST(_old AS VARCHAR) IS NULL FROM '"
                                                + file
                                                + "' WHERE _op='I'"))
                        .isEqualTo("true");
                assertThat(
                                one(
                                        statement,
                                        "SELECT concat_ws('|', _old.id, _old.day, _old.d9,"
                                                + " _old._invalid_dates, id) FROM '"
                                                + file
                                                + "' WHERE _op='U'"))
                        .isEqualTo("2|-12.30|{\"day\": \"0000-00-00\"}|1");
            }
        }
    }

    private static @Nullable String one(Statement statement, String query) throws SQLException {
        try (ResultSet result = statement.executeQuery(query)) {
            assertThat(result.next()).as(query).isTrue();
            return result.getString(1);
        }
    }
}
