package io.millrace.codec.simple;

import static io.millrace.codec.Tables.withDefault;
import static io.millrace.testkit.rows.TestRowBatch.ABSENT;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.codec.Allocations;
import io.millrace.codec.Compression;
import io.millrace.codec.LargeMessages;
import io.millrace.codec.Message;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.text.DdlType;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.rows.TestPosition;
import io.millrace.testkit.rows.TestRowBatch;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SimpleEncoderTest {
    private static final long TSO = 439749918821711874L;
    private static final Clock CLOCK =
            Clock.fixed(Instant.ofEpochMilli(1677512813000L), ZoneOffset.UTC);
    private static final SimpleConfig AVRO =
            new SimpleConfig(true, false, LargeMessages.NONE, "Asia/Tokyo");
    private static final SimpleConfig JSON =
            new SimpleConfig(false, false, LargeMessages.NONE, "Asia/Tokyo");

    private static final TableSchema ORDERS =
            new TableSchema(
                    12,
                    7,
                    new TableName("shop", "orders"),
                    List.of(
                            column("id", ColumnKind.INT, "int(11)", false, false, 0, 0),
                            column("name", ColumnKind.VARCHAR, "varchar(32)", false, true, 32, 0),
                            column("at", ColumnKind.TIMESTAMP, "timestamp(3)", false, true, 0, 3)),
                    List.of(
                            new TableSchema.Key("PRIMARY", true, List.of(0)),
                            new TableSchema.Key("by_name", false, List.of(1, 0))));

    private static final String TABLE_SCHEMA =
            "{\"schema\":\"shop\",\"table\":\"orders\",\"tableID\":12,\"version\":7,\"columns\":["
                    + "{\"name\":\"id\",\"dataType\":{\"mysqlType\":\"int\",\"charset\":\"binary\","
                    + "\"collate\":\"binary\",\"length\":11},\"nullable\":false,\"default\":null},"
                    + "{\"name\":\"name\",\"dataType\":{\"mysqlType\":\"varchar\","
                    + "\"charset\":\"utf8mb4\",\"collate\":\"utf8mb4_bin\",\"length\":32},"
                    + "\"nullable\":true,\"default\":null},"
                    + "{\"name\":\"at\",\"dataType\":{\"mysqlType\":\"timestamp\","
                    + "\"charset\":\"binary\",\"collate\":\"binary\",\"length\":23,\"decimal\":3},"
                    + "\"nullable\":true,\"default\":null}],\"indexes\":["
                    + "{\"name\":\"primary\",\"unique\":true,\"primary\":true,\"nullable\":false,"
                    + "\"columns\":[\"id\"]},{\"name\":\"by_name\",\"unique\":true,"
                    + "\"primary\":false,\"nullable\":true,\"columns\":[\"name\",\"id\"]}]}";

    @Test
    void rowsByteForByte() {
        Object[] old = row(1, "Bob", "2023-02-27 15:46:53.000");
        Object[] next = row(1, null, "2023-02-27 15:46:54.000");
        String head = "{\"version\":1,\"database\":\"shop\",\"table\":\"orders\",\"tableID\":12,";
        String middle =
                "\"commitTs\":439749918821711874,\"buildTs\":1677512813000,\"schemaVersion\":7,";
        String oldText =
                "{\"id\":\"1\",\"name\":\"Bob\",\"at\":{\"location\":\"Asia/Tokyo\","
                        + "\"value\":\"2023-02-27 15:46:53.000\"}}";
        String newText =
                "{\"id\":\"1\",\"name\":null,\"at\":{\"location\":\"Asia/Tokyo\","
                        + "\"value\":\"2023-02-27 15:46:54.000\"}}";

        assertThat(text(JSON, TestRowBatch.insert(ORDERS, TSO, 0, true, old)))
                .isEqualTo(head + "\"type\":\"INSERT\"," + middle + "\"data\":" + oldText + "}");
        assertThat(text(JSON, TestRowBatch.update(ORDERS, TSO, 0, true, old, next)))
                .isEqualTo(
                        head
                                + "\"type\":\"UPDATE\","
                                + middle
                                + "\"data\":"
                                + newText
                                + ",\"old\":"
                                + oldText
                                + "}");
        assertThat(text(JSON, TestRowBatch.delete(ORDERS, TSO, 0, true, old)))
                .isEqualTo(head + "\"type\":\"DELETE\"," + middle + "\"old\":" + oldText + "}");
        assertThat(
                        text(
                                new SimpleConfig(false, true, LargeMessages.NONE, "UTC"),
                                TestRowBatch.delete(ORDERS, TSO, 0, true, old)))
                .endsWith("\"old\":{\"id\":\"1\"}}");
        assertThat(
                        encode(JSON, TestRowBatch.delete(ORDERS, TSO, 0, true, old))
                                .getFirst()
                                .isKeyed())
                .isFalse();
    }

    @Test
    void watermarkBootstrapAndDdlByteForByte() {
        SimpleEncoder encoder = new SimpleEncoder(JSON, CLOCK);
        Message message = new Message();
        encoder.appendWatermark(TSO, message);
        assertThat(message.value())
                .hasToString(
                        "{\"version\":1,\"type\":\"WATERMARK\",\"commitTs\":439749918821711874,"
                                + "\"buildTs\":1677512813000}");
        message.clear();
        encoder.appendBootstrap(ORDERS, message);
        assertThat(message.value())
                .hasToString(
                        "{\"version\":1,\"type\":\"BOOTSTRAP\",\"commitTs\":0,"
                                + "\"buildTs\":1677512813000,\"tableSchema\":"
                                + TABLE_SCHEMA
                                + "}");
        message.clear();
        SchemaChange change =
                change(DdlKind.RENAME_TABLE, Optional.of(ORDERS), Optional.of(ORDERS));
        assertThat(encoder.appendDdl(change, change.changes().getFirst(), message)).isTrue();
        assertThat(message.value())
                .hasToString(
                        "{\"version\":1,\"type\":\"RENAME\",\"sql\":\"the statement\","
                                + "\"commitTs\":439749918821711874,\"buildTs\":1677512813000,"
                                + "\"tableSchema\":"
                                + TABLE_SCHEMA
                                + ",\"preTableSchema\":"
                                + TABLE_SCHEMA
                                + "}");
        message.clear();
        change = change(DdlKind.CREATE_SCHEMA, Optional.empty(), Optional.empty());
        assertThat(encoder.appendDdl(change, change.changes().getFirst(), message)).isTrue();
        assertThat(message.value().toString())
                .contains("\"type\":\"QUERY\"")
                .doesNotContain("ableSchema");
        assertThat(encoder.hasWatermarks()).isTrue();
        assertThat(encoder.hasBootstraps()).isTrue();
        assertThat(encoder.ddlToAllPartitions()).isTrue();
    }

    @Test
    void columnDescriptionsTellWhatTheTypeNeeds() throws IOException {
        Column decimal =
                column(
                        "d",
                        ColumnKind.DECIMAL,
                        "decimal(10,2) unsigned zerofill",
                        true,
                        false,
                        10,
                        2);
        Column bit =
                withDefault(column("b", ColumnKind.BIT, "bit(4)", false, true, 4, 0), "b'101'");
        Column elements =
                new Column(
                        "e",
                        ColumnKind.ENUM,
                        "enum('x','yz')",
                        false,
                        true,
                        0,
                        0,
                        "utf8mb4",
                        "",
                        List.of("x", "yz"),
                        Column.Generated.NONE,
                        false,
                        Optional.of("'x'"));
        Column now =
                withDefault(
                        column("n", ColumnKind.DATETIME, "datetime", false, true, 0, 0),
                        "CURRENT_TIMESTAMP");
        TableSchema schema = table(List.of(decimal, bit, elements, now));
        JsonNode columns =
                new JsonMapper()
                        .readTree(bootstrap(JSON, schema).valueBytes())
                        .path("tableSchema")
                        .path("columns");

        assertThat(columns.path(0).path("dataType").toString())
                .isEqualTo(
                        "{\"mysqlType\":\"decimal\",\"charset\":\"binary\",\"collate\":\"binary\","
                                + "\"length\":10,\"decimal\":2,\"unsigned\":true,\"zerofill\":true}");
        assertThat(columns.path(1).path("default").isNumber()).isTrue();
        assertThat(columns.path(1).path("default").intValue()).isEqualTo(5);
        assertThat(columns.path(2).path("dataType").path("elements").toString())
                .isEqualTo("[\"x\",\"yz\"]");
        assertThat(columns.path(2).path("default").textValue()).isEqualTo("x");
        assertThat(columns.path(3).path("default").textValue()).isEqualTo("CURRENT_TIMESTAMP");
    }

    private static final List<Column> ALL_COLUMNS =
            List.of(
                    column("id", ColumnKind.BIGINT, "bigint", false, false, 0, 0),
                    column("u", ColumnKind.BIGINT, "bigint unsigned", true, true, 0, 0),
                    column("i", ColumnKind.INT, "int unsigned", true, true, 0, 0),
                    column("f", ColumnKind.FLOAT, "float", false, true, 0, 0),
                    column("d", ColumnKind.DOUBLE, "double", false, true, 0, 0),
                    column("m", ColumnKind.DECIMAL, "decimal(10,2)", false, true, 10, 2),
                    column("t", ColumnKind.TEXT, "text", false, true, 0, 0),
                    column("b", ColumnKind.BLOB, "blob", false, true, 0, 0),
                    column("j", ColumnKind.JSON, "json", false, true, 0, 0),
                    column("s", ColumnKind.SET, "set('a')", false, true, 0, 0),
                    column("y", ColumnKind.YEAR, "year", false, true, 0, 0),
                    column("bit", ColumnKind.BIT, "bit(64)", false, true, 64, 0),
                    column("at", ColumnKind.TIMESTAMP, "timestamp", false, true, 0, 0),
                    column("dt", ColumnKind.DATE, "date", false, true, 0, 0),
                    column("v", ColumnKind.VECTOR, "vector(2)", false, true, 0, 0));

    private static Object[] allValues() {
        return row(
                Long.MIN_VALUE,
                -1L,
                4294967295L,
                1.5e-10f,
                1e21,
                "12.30",
                "ü\"\\\n<",
                new byte[] {0, -1, 10},
                "{\"a\": 1}",
                5,
                2024,
                -1L,
                "2024-02-29 01:02:03",
                "0000-00-00",
                new byte[] {0, 0, -128, 63, 0, 0, 32, -64});
    }

    @Test
    void valuesInJsonAreTexts() throws IOException {
        TableSchema schema = table(ALL_COLUMNS);
        JsonNode data =
                new JsonMapper()
                        .readTree(
                                text(JSON, TestRowBatch.insert(schema, TSO, 0, true, allValues())))
                        .path("data");
        Map<String, String> found = new LinkedHashMap<>();
        data.properties().forEach(each -> found.put(each.getKey(), each.getValue().asText()));

        Map<String, String> expected = new LinkedHashMap<>();
        expected.put("id", "-9223372036854775808");
        expected.put("u", "18446744073709551615");
        expected.put("i", "4294967295");
        expected.put("f", "0.00000000015");
        expected.put("d", "1000000000000000000000");
        expected.put("m", "12.30");
        expected.put("t", "ü\"\\\n<");
        expected.put("b", "AP8K");
        expected.put("j", "{\"a\": 1}");
        expected.put("s", "5");
        expected.put("y", "2024");
        expected.put("bit", "18446744073709551615");
        expected.put("at", "");
        expected.put("dt", "0000-00-00");
        expected.put("v", "[1,-2.5]");
        assertThat(found).isEqualTo(expected);
        assertThat(data.path("at").path("value").asText()).isEqualTo("2024-02-29 01:02:03");
    }

    /** Apache Avro's reader shares no code with the encoder; it also checks the schema. */
    @Test
    void avroReadsEveryMessage() {
        TableSchema schema = table(ALL_COLUMNS);
        Object[] nulls = new Object[ALL_COLUMNS.size()];
        nulls[0] = 1;
        GenericRecord message =
                read(
                        encode(AVRO, TestRowBatch.update(schema, TSO, 0, true, nulls, allValues()))
                                .getFirst());
        assertThat(message.get("type")).hasToString("DML");
        GenericRecord dml = (GenericRecord) message.get("payload");
        assertThat(dml.getSchema().getName()).isEqualTo("DML");
        assertThat(dml.get("type")).hasToString("UPDATE");
        assertThat(dml.get("database")).hasToString("shop");
        assertThat(dml.get("tableID")).isEqualTo(12L);
        assertThat(dml.get("commitTs")).isEqualTo(TSO);
        assertThat(dml.get("buildTs")).isEqualTo(1677512813000L);
        assertThat(dml.get("schemaVersion")).isEqualTo(7L);
        assertThat(dml.get("claimCheckLocation")).isNull();
        assertThat(dml.get("handleKeyOnly")).isNull();
        Map<String, Object> data = strings((Map<?, ?>) dml.get("data"));
        assertThat(data.get("id")).isEqualTo(Long.MIN_VALUE);
        assertThat(data.get("u")).hasToString("{\"value\": -1}");
        assertThat(data.get("i")).isEqualTo(4294967295L);
        assertThat(data.get("f")).isEqualTo(1.5e-10f);
        assertThat(data.get("d")).isEqualTo(1e21);
        assertThat(data.get("m")).hasToString("12.30");
        assertThat(data.get("t")).hasToString("ü\"\\\n<");
        assertThat(data.get("b")).isEqualTo(java.nio.ByteBuffer.wrap(new byte[] {0, -1, 10}));
        assertThat(data.get("s")).isEqualTo(5L);
        assertThat(data.get("bit")).isEqualTo(-1L);
        assertThat(data.get("at"))
                .hasToString("{\"location\": \"Asia/Tokyo\", \"value\": \"2024-02-29 01:02:03\"}");
        assertThat(data.get("v")).hasToString("[1,-2.5]");
        Map<String, Object> old = strings((Map<?, ?>) dml.get("old"));
        assertThat(old).hasSize(ALL_COLUMNS.size()).containsEntry("v", null);

        GenericRecord bootstrap = (GenericRecord) read(bootstrap(AVRO, ORDERS)).get("payload");
        assertThat(
                        bootstrap
                                .get("tableSchema")
                                .toString()
                                .replace("\": ", "\":")
                                .replace(", ", ","))
                .isEqualTo(
                        TABLE_SCHEMA
                                .replace("\"schema\"", "\"database\"")
                                .replace(
                                        "\"length\":11}",
                                        "\"length\":11,\"decimal\":null,\"elements\":null,"
                                                + "\"unsigned\":false,\"zerofill\":false}")
                                .replace(
                                        "\"length\":32}",
                                        "\"length\":32,\"decimal\":null,\"elements\":null,"
                                                + "\"unsigned\":null,\"zerofill\":null}")
                                .replace(
                                        "\"decimal\":3}",
                                        "\"decimal\":3,\"elements\":null,"
                                                + "\"unsigned\":null,\"zerofill\":null}"));

        SimpleEncoder encoder = new SimpleEncoder(AVRO, CLOCK);
        Message watermark = new Message();
        encoder.appendWatermark(TSO, watermark);
        assertThat(read(watermark))
                .hasToString(
                        "{\"type\": \"WATERMARK\", \"payload\": {\"version\": 1, \"commitTs\": "
                                + TSO
                                + ", \"buildTs\": 1677512813000}}");

        for (DdlKind kind : DdlKind.values()) {
            SchemaChange change = change(kind, Optional.of(ORDERS), Optional.empty());
            Message ddl = new Message();
            encoder.appendDdl(change, change.changes().getFirst(), ddl);
            GenericRecord payload = (GenericRecord) read(ddl).get("payload");
            assertThat(payload.get("type")).hasToString(DdlType.of(kind).name());
            assertThat(payload.get("sql")).hasToString("the statement");
            // Of a dropped table both members tell what it was.
            assertThat(payload.get("tableSchema")).isEqualTo(payload.get("preTableSchema"));
        }
    }

    @Test
    void ourDecoderGivesValuesTheirTypesByTheSchemaOfTheRow() {
        TableSchema schema = table(ALL_COLUMNS);
        BigInteger max = new BigInteger("18446744073709551615");
        for (SimpleConfig config : List.of(JSON, AVRO)) {
            SimpleDecoder decoder = new SimpleDecoder(config.avro(), Compression.NONE);
            assertThat(decoder.decode(null, bootstrap(config, schema).valueBytes()).getFirst())
                    .isInstanceOfSatisfying(
                            DecodedEvent.Bootstrap.class,
                            each -> assertThat(each.table()).isEqualTo(schema.name()));
            Message message =
                    encode(config, TestRowBatch.insert(schema, TSO, 0, true, allValues()))
                            .getFirst();
            DecodedEvent.Row row =
                    (DecodedEvent.Row) decoder.decode(null, message.valueBytes()).getFirst();

            assertThat(row.table()).isEqualTo(schema.name());
            assertThat(row.op()).isEqualTo(RowBatch.INSERT);
            assertThat(row.commitTso()).isEqualTo(TSO);
            assertThat(row.before()).isEmpty();
            assertThat(row.after())
                    .as("avro %s", config.avro())
                    .containsEntry("id", Long.MIN_VALUE)
                    .containsEntry("u", max)
                    .containsEntry("f", 1.5e-10f)
                    .containsEntry("d", 1e21)
                    .containsEntry("m", new BigDecimal("12.30"))
                    .containsEntry("b", new byte[] {0, -1, 10})
                    .containsEntry("s", 5L)
                    .containsEntry("bit", max)
                    .containsEntry("at", "2024-02-29 01:02:03")
                    .containsEntry("dt", "0000-00-00")
                    .hasSize(ALL_COLUMNS.size());

            SimpleEncoder encoder = new SimpleEncoder(config, CLOCK);
            Message control = new Message();
            encoder.appendWatermark(TSO, control);
            assertThat(decoder.decode(null, control.valueBytes()))
                    .containsExactly(new DecodedEvent.Watermark(TSO));
            control.clear();
            SchemaChange change = change(DdlKind.DROP_TABLE, Optional.of(schema), Optional.empty());
            encoder.appendDdl(change, change.changes().getFirst(), control);
            assertThat(decoder.decode(null, control.valueBytes()))
                    .containsExactly(
                            new DecodedEvent.Ddl(schema.name(), TSO, "ERASE", "the statement"));
            assertThatThrownBy(() -> decoder.decode(null, new byte[] {'{', '}'}))
                    .isInstanceOf(MillraceException.class);
        }
    }

    @Test
    void aRowThatIsTooLargeHasItsKeyOnly() {
        Object[] cells = row(1, "Bob", "2023-02-27 15:46:53.000");
        for (boolean avro : new boolean[] {false, true}) {
            SimpleConfig config =
                    new SimpleConfig(
                            avro,
                            false,
                            new LargeMessages(
                                    LargeMessages.Handling.HANDLE_KEY_ONLY,
                                    Compression.SNAPPY,
                                    Optional.empty(),
                                    false),
                            "UTC");
            SimpleEncoder encoder = new SimpleEncoder(config, CLOCK);
            SimpleDecoder decoder = new SimpleDecoder(avro, Compression.SNAPPY);
            assertThat(encoder.canShorten()).isTrue();
            RowView view = TestRowBatch.update(ORDERS, TSO, 0, true, cells, cells).rows();
            view.next();
            encoder.begin(ORDERS, TSO, "t");
            Message message = new Message();
            encoder.appendBootstrap(ORDERS, message);
            decoder.decode(null, message.valueBytes());
            message.clear();
            encoder.appendShortened(view, RowBatch.UPDATE, Optional.empty(), message);
            assertThat(decoder.decode(null, message.valueBytes()))
                    .containsExactly(
                            new DecodedEvent.Row(
                                    ORDERS.name(),
                                    RowBatch.UPDATE,
                                    TSO,
                                    Map.of("id", 1L),
                                    Map.of("id", 1L),
                                    true,
                                    Optional.empty()));
            message.clear();
            encoder.appendShortened(view, RowBatch.UPDATE, Optional.of("s3://b/x.json"), message);
            assertThat(decoder.decode(null, message.valueBytes()))
                    .containsExactly(
                            new DecodedEvent.Row(
                                    ORDERS.name(),
                                    RowBatch.UPDATE,
                                    TSO,
                                    Map.of("id", 1L),
                                    Map.of("id", 1L),
                                    true,
                                    Optional.of("s3://b/x.json")));
            assertThat(message.rows()).isEqualTo(1);

            TableSchema keyless =
                    new TableSchema(1, 1, new TableName("a", "b"), ORDERS.columns(), List.of());
            encoder.begin(keyless, TSO, "t");
            assertThatThrownBy(() ->
                            encoder.appendShortened(
                                    view, RowBatch.UPDATE, Optional.empty(), message))
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.MESSAGE_TOO_LARGE))
                    .hasMessageContaining("a.b");
        }
        assertThat(new SimpleEncoder(SimpleConfig.DEFAULTS, CLOCK).canShorten()).isFalse();
    }

    @Test
    void checksumsAreThoseOfTheWholeImages() {
        Object[] old = row(1, "Bob", "2023-02-27 15:46:53.000");
        Object[] next = row(1, null, "2023-02-27 15:46:54.000");
        long oldSum = crc(1L, "Bob", "2023-02-27 06:46:53.000");
        long newSum = crc(1L, "2023-02-27 06:46:54.000");
        SimpleConfig json = new SimpleConfig(false, true, true, LargeMessages.NONE, "Asia/Tokyo");
        SimpleConfig avro = new SimpleConfig(true, true, true, LargeMessages.NONE, "Asia/Tokyo");
        record Case(RowBatch batch, long current, long previous) {}
        for (Case each :
                List.of(
                        new Case(TestRowBatch.insert(ORDERS, TSO, 0, true, old), oldSum, 0),
                        new Case(
                                TestRowBatch.update(ORDERS, TSO, 0, true, old, next),
                                newSum,
                                oldSum),
                        // The message has the handle key alone; the checksum is the row's.
                        new Case(TestRowBatch.delete(ORDERS, TSO, 0, true, old), 0, oldSum))) {
            assertThat(text(json, each.batch()))
                    .contains(
                            ",\"schemaVersion\":7,\"checksum\":{\"version\":0,\"corrupted\":false,"
                                    + "\"current\":"
                                    + each.current()
                                    + ",\"previous\":"
                                    + each.previous()
                                    + "},\"");
            GenericRecord dml =
                    (GenericRecord) read(encode(avro, each.batch()).getFirst()).get("payload");
            GenericRecord checksum = (GenericRecord) dml.get("checksum");
            assertThat(checksum.get("version")).isEqualTo(0);
            assertThat(checksum.get("corrupted")).isEqualTo(false);
            assertThat(checksum.get("current")).isEqualTo(each.current());
            assertThat(checksum.get("previous")).isEqualTo(each.previous());
        }
        assertThat(text(JSON, TestRowBatch.insert(ORDERS, TSO, 0, true, old)))
                .doesNotContain("checksum");
    }

    private static long crc(Object... values) {
        java.nio.ByteBuffer bytes =
                java.nio.ByteBuffer.allocate(256).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        for (Object value : values) {
            if (value instanceof Long number) {
                bytes.putLong(number);
            } else {
                byte[] text = value.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8);
                bytes.putInt(text.length).put(text);
            }
        }
        java.util.zip.CRC32 crc = new java.util.zip.CRC32();
        crc.update(bytes.array(), 0, bytes.position());
        return crc.getValue();
    }

    @Test
    void aMinimalRowImageLeavesColumnsOut() {
        RowBatch update =
                TestRowBatch.update(
                        ORDERS, TSO, 0, true, row(1, ABSENT, ABSENT), row(ABSENT, "Eve", ABSENT));
        assertThat(text(JSON, update))
                .endsWith("\"data\":{\"id\":\"1\",\"name\":\"Eve\"},\"old\":{\"id\":\"1\"}}");
        GenericRecord dml = (GenericRecord) read(encode(AVRO, update).getFirst()).get("payload");
        assertThat(strings((Map<?, ?>) dml.get("data")).keySet())
                .containsExactlyInAnyOrder("id", "name");
        assertThat(strings((Map<?, ?>) dml.get("old")).keySet()).containsExactly("id");
    }

    @Test
    void allocatesNothingPerRow() {
        TableSchema schema = table(ALL_COLUMNS);
        Object[][] rows = new Object[256][];
        java.util.Arrays.setAll(rows, i -> allValues());
        for (SimpleConfig config :
                List.of(
                        JSON,
                        AVRO,
                        new SimpleConfig(false, false, true, LargeMessages.NONE, "UTC"))) {
            for (RowBatch batch :
                    List.of(
                            TestRowBatch.insert(schema, TSO, 0, true, rows),
                            TestRowBatch.update(schema, TSO, 0, true, rows))) {
                SimpleEncoder encoder = new SimpleEncoder(config, CLOCK);
                Message out = new Message();
                encoder.begin(schema, TSO, "t");
                long allocated =
                        Allocations.perPass(
                                batch,
                                view -> {
                                    out.clear();
                                    encoder.append(view, batch.op(), out);
                                });
                assertThat(allocated).as("%s %s", config, batch).isZero();
            }
        }
    }

    private static List<Message> encode(SimpleConfig config, RowBatch batch) {
        SimpleEncoder encoder = new SimpleEncoder(config, CLOCK);
        encoder.begin(batch.schema(), TSO, "topic");
        List<Message> out = new ArrayList<>();
        RowView view = batch.rows();
        while (view.next()) {
            Message message = new Message();
            encoder.append(view, batch.op(), message);
            out.add(message);
        }
        return out;
    }

    private static String text(SimpleConfig config, RowBatch batch) {
        return encode(config, batch).getFirst().value().toString();
    }

    private static Message bootstrap(SimpleConfig config, TableSchema schema) {
        Message message = new Message();
        new SimpleEncoder(config, CLOCK).appendBootstrap(schema, message);
        return message;
    }

    private static GenericRecord read(Message message) {
        Schema schema = new Schema.Parser().parse(SimpleAvro.schema());
        try {
            byte[] bytes = message.valueBytes();
            BinaryDecoder in = DecoderFactory.get().binaryDecoder(bytes, null);
            GenericRecord out = new GenericDatumReader<GenericRecord>(schema).read(null, in);
            assertThat(in.isEnd()).isTrue();
            return out;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Map<String, @Nullable Object> strings(Map<?, ?> map) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        map.forEach((name, value) -> out.put(name.toString(), value));
        return out;
    }

    private static SchemaChange change(
            DdlKind kind, Optional<TableSchema> before, Optional<TableSchema> after) {
        return new SchemaChange(
                TSO,
                new TestPosition(TSO, 0),
                "the statement",
                "shop",
                List.of(
                        new SchemaChange.Change(
                                kind,
                                before.or(() -> after)
                                        .map(TableSchema::name)
                                        .orElse(new TableName("shop", "")),
                                Optional.empty(),
                                before,
                                after,
                                "the statement")));
    }

    private static TableSchema table(List<Column> columns) {
        return new TableSchema(
                12,
                7,
                new TableName("shop", "all"),
                columns,
                List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));
    }

    private static Column column(
            String name,
            ColumnKind kind,
            String type,
            boolean unsigned,
            boolean nullable,
            int length,
            int scale) {
        boolean text = kind.access() == ColumnKind.Access.TEXT && kind != ColumnKind.JSON;
        return new Column(
                name,
                kind,
                type,
                unsigned,
                nullable,
                length,
                scale,
                text ? "utf8mb4" : "binary",
                text ? "utf8mb4_bin" : "",
                kind == ColumnKind.SET ? List.of("a") : List.of(),
                Column.Generated.NONE,
                false,
                Optional.empty());
    }
}
