package io.millrace.codec.csv;

import static io.millrace.testkit.rows.TestRowBatch.ABSENT;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.codec.Allocations;
import io.millrace.codec.Tables;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestRowBatch;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CsvTest {
    private static final long TSO = 439749918821711874L;

    private static CsvConfig config(String... options) {
        Map<String, String> map = new java.util.HashMap<>();
        for (int i = 0; i < options.length; i += 2) {
            map.put(options[i], options[i + 1]);
        }
        return CsvConfig.of(
                new SinkSpec(
                        SinkSpec.parseUri("file:///tmp?protocol=csv"),
                        map,
                        List.of(),
                        true,
                        false,
                        "UTC"));
    }

    private static String encode(CsvConfig config, RowBatch batch) {
        CsvRowEncoder encoder = new CsvRowEncoder(config);
        encoder.begin(batch.schema());
        ByteSink out = new ByteSink(16);
        encoder.appendHeader(batch.schema(), out);
        for (RowView view = batch.rows(); view.next(); ) {
            encoder.append(view, batch.op(), TSO, out);
        }
        return out.toString();
    }

    @Test
    void writesTheLineOfTheFactSheet() {
        TableSchema schema =
                Tables.table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                Column.of("name", ColumnKind.VARCHAR),
                                Column.of("note", ColumnKind.TEXT)),
                        0);
        assertThat(
                        encode(
                                config("csv-include-commit-ts", "true"),
                                TestRowBatch.insert(schema, TSO, 0, true, row(1, "Bob", null))))
                .isEqualTo("\"I\",\"t1\",\"test\",439749918821711874,1,\"Bob\",\\N\r\n");
    }

    @ParameterizedTest
    @CsvSource({
        "1000000, 1e+06",
        "999999, 999999",
        "1234567, 1.234567e+06",
        "0.00001, 1e-05",
        "0.0001, 0.0001",
        "123456.5, 123456.5",
        "-1.5e300, -1.5e+300",
        "0, 0",
        "9007199254740992, 9.007199254740992e+15",
    })
    void floatsHaveGosShape(double value, String text) {
        TableSchema schema = Tables.table(List.of(Column.of("d", ColumnKind.DOUBLE)));
        assertThat(
                        encode(
                                CsvConfig.DEFAULTS,
                                TestRowBatch.insert(schema, TSO, 0, true, row(value))))
                .isEqualTo("\"I\",\"t1\",\"test\"," + text + "\r\n");
    }

    @Test
    void onlyStringsAreQuoted() {
        TableSchema schema =
                Tables.table(
                        List.of(
                                Tables.typed("u", ColumnKind.BIGINT, "bigint unsigned", true),
                                Column.of("b", ColumnKind.BIT),
                                Column.of("y", ColumnKind.YEAR),
                                Column.of("d", ColumnKind.DECIMAL),
                                Column.of("t", ColumnKind.TIMESTAMP),
                                Column.of("j", ColumnKind.JSON),
                                Tables.elements("e", ColumnKind.ENUM, "a", "b\"c"),
                                Tables.elements("s", ColumnKind.SET, "x", "y", "z"),
                                Column.of("bin", ColumnKind.VARBINARY),
                                Column.of("v", ColumnKind.VARCHAR)));
        Object[] values =
                row(
                        -1L,
                        5,
                        2024,
                        "12.30",
                        "2024-02-29 01:02:03",
                        "{\"a\": 1}",
                        2,
                        5,
                        new byte[] {(byte) 0xFF, 0},
                        "");
        assertThat(encode(CsvConfig.DEFAULTS, TestRowBatch.insert(schema, TSO, 0, true, values)))
                .isEqualTo(
                        "\"I\",\"t1\",\"test\",18446744073709551615,5,2024,\"12.30\","
                                + "\"2024-02-29 01:02:03\",\"{\"\"a\"\": 1}\",\"b\"\"c\",\"x,z\","
                                + "\"/wA=\",\"\"\r\n");
        assertThat(
                        encode(
                                config("csv-binary-encoding-method", "hex", "csv-quote", "'"),
                                TestRowBatch.insert(schema, TSO, 0, true, values)))
                .contains("'{\"a\": 1}','b\"c','x,z','ff00',''");
    }

    @Test
    void updatesAreOneLineOrTwo() {
        TableSchema schema =
                Tables.table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                Column.of("v", ColumnKind.VARCHAR)),
                        0);
        RowBatch update = TestRowBatch.update(schema, TSO, 0, true, row(1, "a"), row(1, "b"));
        assertThat(encode(CsvConfig.DEFAULTS, update))
                .isEqualTo("\"U\",\"t1\",\"test\",1,\"b\"\r\n");
        CsvConfig old = config("csv-output-old-value", "true", "csv-output-handle-key", "true");
        assertThat(encode(old, update))
                .isEqualTo(
                        "\"D\",\"t1\",\"test\",true,\"1\",1,\"a\"\r\n"
                                + "\"I\",\"t1\",\"test\",true,\"1\",1,\"b\"\r\n");
        assertThat(encode(old, TestRowBatch.delete(schema, TSO, 0, true, row(1, "a"))))
                .isEqualTo("\"D\",\"t1\",\"test\",false,\"1\",1,\"a\"\r\n");
    }

    @Test
    void handleKeysOfSeveralColumnsAndNone() {
        List<Column> columns =
                List.of(Column.of("id", ColumnKind.INT), Column.of("v", ColumnKind.VARCHAR));
        CsvConfig config = config("csv-output-handle-key", "true");
        assertThat(
                        encode(
                                config,
                                TestRowBatch.insert(
                                        Tables.table(columns, 0, 1), TSO, 0, true, row(1, "a\""))))
                .startsWith("\"I\",\"t1\",\"test\",\"{1, a\"\"}\",1,");
        assertThat(
                        encode(
                                config,
                                TestRowBatch.insert(
                                        Tables.table(columns), TSO, 0, true, row(1, "a"))))
                .startsWith("\"I\",\"t1\",\"test\",\"\",1,");
    }

    @Test
    void theHeaderNamesEveryField() {
        TableSchema schema = Tables.table(List.of(Column.of("id", ColumnKind.INT)), 0);
        CsvConfig config =
                config(
                        "csv-output-field-header", "true",
                        "csv-include-commit-ts", "true",
                        "csv-output-old-value", "true",
                        "csv-output-handle-key", "true",
                        "terminator", "\n");
        String text = encode(config, TestRowBatch.insert(schema, TSO, 0, true, row(1)));
        assertThat(text)
                .isEqualTo(
                        "ticdc-meta$operation,ticdc-meta$table,ticdc-meta$schema,"
                                + "ticdc-meta$commit-ts,ticdc-meta$is-update,ticdc-meta$handle-key,id\n"
                                + "\"I\",\"t1\",\"test\",439749918821711874,false,\"1\",1\n");
        List<DecodedEvent.Row> rows =
                new CsvDecoder(config)
                        .decode(schema, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThat(rows).hasSize(1);
        assertThat(rows.getFirst().commitTso()).isEqualTo(TSO);
        assertThat(rows.getFirst().after()).isEqualTo(Map.of("id", 1L));
    }

    @ParameterizedTest
    @CsvSource({"',', '\"'", "',', ''", "'|', ''", "'~@!', ''", "'~@!', '\"'", "'\t', ''"})
    void everyTextComesBack(String delimiter, String quote) {
        CsvConfig config = config("csv-delimiter", delimiter, "csv-quote", quote);
        List<Column> columns =
                List.of(Column.of("a", ColumnKind.VARCHAR), Column.of("b", ColumnKind.INT));
        TableSchema schema = Tables.table(columns);
        String[] texts = {
            "",
            "plain",
            "a,b|c~@!d~@e\tf",
            "\r\n\r\n",
            "quote \" and ' and \"\"",
            "back\\slash \\n \\\\",
            "\\N",
            "漢字 é 😀",
            "\\",
            "\""
        };
        Object[][] rows = new Object[texts.length + 1][];
        for (int i = 0; i < texts.length; i++) {
            rows[i] = row(texts[i], i);
        }
        rows[texts.length] = row(null, null);
        String file = encode(config, TestRowBatch.insert(schema, TSO, 0, true, rows));
        List<DecodedEvent.Row> read =
                new CsvDecoder(config)
                        .decode(schema, file.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThat(read).hasSize(rows.length);
        for (int i = 0; i < texts.length; i++) {
            assertThat(read.get(i).after())
                    .containsEntry("a", texts[i])
                    .containsEntry("b", (long) i);
        }
        assertThat(read.getLast().after()).containsEntry("a", null).containsEntry("b", null);
    }

    @Test
    void escapesWithBackslashesWithoutAQuote() {
        TableSchema schema = Tables.table(List.of(Column.of("a", ColumnKind.VARCHAR)));
        assertThat(
                        encode(
                                config("csv-delimiter", "||", "csv-quote", ""),
                                TestRowBatch.insert(
                                        schema, TSO, 0, true, row("a||b|c\\d\r\ne\"f"))))
                .isEqualTo("I||t1||test||a\\|\\|b|c\\\\d\\r\\ne\"f\r\n");
    }

    @Test
    void minimalRowImages() {
        TableSchema schema =
                Tables.table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                Column.of("v", ColumnKind.VARCHAR)),
                        0);
        assertThat(
                        encode(
                                CsvConfig.DEFAULTS,
                                TestRowBatch.update(
                                        schema, TSO, 0, true, row(1, ABSENT), row(ABSENT, "b"))))
                .isEqualTo("\"U\",\"t1\",\"test\",1,\"b\"\r\n");
        assertThat(
                        encode(
                                CsvConfig.DEFAULTS,
                                TestRowBatch.delete(schema, TSO, 0, true, row(1, ABSENT))))
                .isEqualTo("\"D\",\"t1\",\"test\",1,\\N\r\n");
    }

    @ParameterizedTest
    @CsvSource({
        "csv-delimiter, '', csv.delimiter",
        "csv-delimiter, abcd, csv.delimiter",
        "csv-delimiter, '\n', csv.delimiter",
        "csv-delimiter, 'a\"', csv.delimiter",
        "csv-quote, ab, csv.quote",
        "csv-quote, '\r', csv.quote",
        "csv-binary-encoding-method, base32, csv.binary_encoding_method",
        "delete-only-output-handle-key-columns, true, delete-only-output-handle-key-columns",
        "csv-include-commit-ts, perhaps, csv-include-commit-ts",
    })
    void refusesBadOptions(String name, String value, String named) {
        assertThatThrownBy(() -> config(name, value))
                .hasMessageContaining(named)
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_INVALID_CONFIG);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "'\"I\",\"t1\",\"test\",1'; has no end",
                "'\"I\",\"t1\",\"te'; has a quote",
                "'\"I\",\"t1\",\"test\",1,2\r\n'; 5 fields instead of 4",
                "'\"X\",\"t1\",\"test\",1\r\n'; unknown operation X",
                "'\"I\",\"t1\",\"test\",x\r\n'; line 1",
            })
    void saysWhatIsWrongWithAFile(String file, String what) {
        TableSchema schema = Tables.table(List.of(Column.of("id", ColumnKind.INT)), 0);
        assertThatThrownBy(() ->
                        new CsvDecoder(CsvConfig.DEFAULTS)
                                .decode(
                                        schema,
                                        file.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
                .hasMessageContaining(what)
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.INVALID_PARAMETER);
    }

    @Test
    void allocatesNothingPerRow() {
        TableSchema schema = Tables.wide();
        for (String quote : new String[] {"\"", ""}) {
            CsvRowEncoder encoder =
                    new CsvRowEncoder(
                            config(
                                    "csv-quote", quote,
                                    "csv-include-commit-ts", "true",
                                    "csv-output-old-value", "true",
                                    "csv-output-handle-key", "true"));
            ByteSink out = new ByteSink(1 << 20);
            for (RowBatch batch : Tables.wideBatches(schema, TSO)) {
                encoder.begin(schema);
                assertThat(
                                Allocations.perPass(
                                        batch,
                                        view -> {
                                            out.clear();
                                            encoder.append(view, batch.op(), TSO, out);
                                        }))
                        .isZero();
            }
        }
    }
}
