package io.millrace.codec.avro;

import static io.millrace.codec.Tables.table;
import static io.millrace.codec.Tables.withDefault;
import static io.millrace.testkit.rows.TestRowBatch.ABSENT;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.codec.Allocations;
import io.millrace.codec.Message;
import io.millrace.codec.avro.registry.SchemaRegistry;
import io.millrace.codec.decode.DecodedEvent;
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
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is written is read by Apache Avro, which shares no code with the encoder. */
class AvroEncoderTest {
    private static final long TSO = 439749918821711874L;

    private final MemoryRegistry registry = new MemoryRegistry();

    @Test
    void theSchemaIsThatOfTheFactSheet() {
        TableSchema schema =
                table(
                        List.of(
                                column("id", ColumnKind.INT, "int", false, false),
                                column("name", ColumnKind.VARCHAR, "varchar(32)", false, true)),
                        0);
        encode(AvroConfig.DEFAULTS, TestRowBatch.insert(schema, TSO, 0, true, row(1, "Bob")));

        assertThat(registry.entries)
                .containsExactly(
                        new MemoryRegistry.Entry(
                                "shop_orders-key",
                                "{\"type\":\"record\",\"name\":\"t1\",\"namespace\":\"default.test\","
                                        + "\"fields\":[{\"name\":\"id\",\"type\":{\"type\":\"int\","
                                        + "\"connect.parameters\":{\"tidb_type\":\"INT\"}}}]}"),
                        new MemoryRegistry.Entry(
                                "shop_orders-value",
                                "{\"type\":\"record\",\"name\":\"t1\",\"namespace\":\"default.test\","
                                        + "\"fields\":[{\"name\":\"id\",\"type\":{\"type\":\"int\","
                                        + "\"connect.parameters\":{\"tidb_type\":\"INT\"}}},"
                                        + "{\"name\":\"name\",\"type\":[\"null\",{\"type\":\"string\","
                                        + "\"connect.parameters\":{\"tidb_type\":\"TEXT\"}}],"
                                        + "\"default\":null}]}"));
    }

    @Test
    void keyAndValueAreRecordsBehindTheHeader() {
        TableSchema schema = table(List.of(notNull("id", ColumnKind.INT)), 0);
        Message message =
                encode(AvroConfig.DEFAULTS, TestRowBatch.insert(schema, TSO, 0, true, row(-3)))
                        .getFirst();

        assertThat(message.isKeyed()).isTrue();
        assertThat(message.rows()).isEqualTo(1);
        // -3 is 5 in zigzag.
        assertThat(message.keyBytes()).containsExactly(0, 0, 0, 0, 1, 5);
        assertThat(message.valueBytes()).containsExactly(0, 0, 0, 0, 2, 5);
    }

    @Test
    void aDeleteIsAKeyWithoutAValue() {
        TableSchema schema =
                table(List.of(notNull("id", ColumnKind.INT), of("v", ColumnKind.INT)), 0);
        Message message =
                encode(AvroConfig.DEFAULTS, TestRowBatch.delete(schema, TSO, 0, true, row(7, 1)))
                        .getFirst();

        assertThat(message.isTombstone()).isTrue();
        assertThat(read(message.keyBytes()).get("id")).isEqualTo(7);
    }

    @Test
    void withoutAHandleKeyThereIsNoKey() {
        TableSchema schema = table(List.of(of("v", ColumnKind.INT)));
        Message message =
                encode(AvroConfig.DEFAULTS, TestRowBatch.insert(schema, TSO, 0, true, row(1)))
                        .getFirst();

        assertThat(message.isKeyed()).isFalse();
        assertThat(registry.entries).hasSize(1);
    }

    @Test
    void everyTypeIsReadByAvro() {
        record Case(Column column, Object value, Object read, String type) {}
        List<Case> cases =
                List.of(
                        new Case(of("a", ColumnKind.TINYINT), -128, -128, "INT"),
                        new Case(unsigned("a", ColumnKind.SMALLINT), 65535, 65535, "INT UNSIGNED"),
                        new Case(of("a", ColumnKind.MEDIUMINT), -8388608, -8388608, "INT"),
                        new Case(
                                of("a", ColumnKind.INT),
                                Integer.MIN_VALUE,
                                Integer.MIN_VALUE,
                                "INT"),
                        new Case(
                                unsigned("a", ColumnKind.INT),
                                4294967295L,
                                4294967295L,
                                "INT UNSIGNED"),
                        new Case(
                                of("a", ColumnKind.BIGINT),
                                Long.MIN_VALUE,
                                Long.MIN_VALUE,
                                "BIGINT"),
                        new Case(unsigned("a", ColumnKind.BIGINT), -1L, -1L, "BIGINT UNSIGNED"),
                        new Case(of("a", ColumnKind.YEAR), 2024, 2024, "YEAR"),
                        new Case(of("a", ColumnKind.FLOAT), 3.14f, 3.14f, "FLOAT"),
                        new Case(of("a", ColumnKind.DOUBLE), -1e300, -1e300, "DOUBLE"),
                        new Case(of("a", ColumnKind.BIT), 0, bytes(0), "BIT"),
                        new Case(of("a", ColumnKind.BIT), 0x1FF, bytes(1, 0xFF), "BIT"),
                        new Case(
                                of("a", ColumnKind.BIT),
                                -1L,
                                bytes(255, 255, 255, 255, 255, 255, 255, 255),
                                "BIT"),
                        new Case(decimal("a", 10, 2), "12.30", new BigDecimal("12.30"), "DECIMAL"),
                        new Case(decimal("a", 10, 2), "-0.01", new BigDecimal("-0.01"), "DECIMAL"),
                        new Case(decimal("a", 10, 2), "0.00", new BigDecimal("0.00"), "DECIMAL"),
                        new Case(decimal("a", 10, 0), "128", new BigDecimal("128"), "DECIMAL"),
                        new Case(decimal("a", 10, 0), "-128", new BigDecimal("-128"), "DECIMAL"),
                        new Case(
                                decimal("a", 19, 1),
                                "-999999999999999999.9",
                                new BigDecimal("-999999999999999999.9"),
                                "DECIMAL"),
                        new Case(
                                decimal("a", 65, 30),
                                "99999999999999999999999999999999999.999999999999999999999999999999",
                                new BigDecimal(
                                        "99999999999999999999999999999999999."
                                                + "999999999999999999999999999999"),
                                "DECIMAL"),
                        new Case(of("a", ColumnKind.CHAR), "zürich 🎉", "zürich 🎉", "TEXT"),
                        new Case(of("a", ColumnKind.LONGTEXT), "", "", "TEXT"),
                        new Case(latin1("a"), "zürich", "zürich", "TEXT"),
                        new Case(
                                of("a", ColumnKind.VARBINARY),
                                raw(0, 255, 10),
                                bytes(0, 255, 10),
                                "BLOB"),
                        new Case(of("a", ColumnKind.JSON), "{\"a\": 1}", "{\"a\": 1}", "JSON"),
                        new Case(of("a", ColumnKind.DATE), "0000-00-00", "0000-00-00", "DATE"),
                        new Case(
                                of("a", ColumnKind.DATETIME),
                                "2024-02-29 01:02:03.5",
                                "2024-02-29 01:02:03.5",
                                "DATETIME"),
                        new Case(
                                of("a", ColumnKind.TIMESTAMP),
                                "2024-02-29 01:02:03",
                                "2024-02-29 01:02:03",
                                "TIMESTAMP"),
                        new Case(of("a", ColumnKind.TIME), "-838:59:59", "-838:59:59", "TIME"),
                        new Case(elements("a", ColumnKind.ENUM), 2, "b,c", "ENUM"),
                        new Case(elements("a", ColumnKind.ENUM), 0, "", "ENUM"),
                        new Case(elements("a", ColumnKind.SET), 5, "a,d", "SET"),
                        new Case(elements("a", ColumnKind.SET), 0, "", "SET"),
                        new Case(
                                of("a", ColumnKind.VECTOR),
                                raw(0, 0, 128, 63, 0, 0, 32, 192),
                                "[1,-2.5]",
                                "TiDBVECTORFloat32"));
        for (Case each : cases) {
            registry.entries.clear();
            TableSchema schema = table(List.of(each.column()));
            List<Message> messages =
                    encode(
                            AvroConfig.DEFAULTS,
                            TestRowBatch.insert(
                                    schema, TSO, 0, true, row(each.value()), row((Object) null)));

            assertThat(read(messages.getFirst().valueBytes()).get("a"))
                    .as("%s", each)
                    .isEqualTo(each.read());
            assertThat(read(messages.get(1).valueBytes()).get("a")).as("%s", each).isNull();
            Schema field = schema("shop_orders-value").getField("a").schema().getTypes().get(1);
            assertThat(((Map<?, ?>) field.getObjectProp("connect.parameters")).get("tidb_type"))
                    .as("%s", each)
                    .isEqualTo(each.type());
        }
    }

    @Test
    void theTypesTellWhatTheyAllow() {
        TableSchema schema =
                table(
                        List.of(
                                elements("s", ColumnKind.SET),
                                sized("b", ColumnKind.BIT, 9, 0),
                                decimal("d", 12, 3)));
        encode(AvroConfig.DEFAULTS, TestRowBatch.insert(schema, TSO, 0, true, row(1, 1, "1.000")));

        Schema record = schema("shop_orders-value");
        assertThat(parameters(record, "s")).containsEntry("allowed", "a,b\\,c,d");
        assertThat(parameters(record, "b")).containsEntry("length", "9");
        assertThat(record.getField("d").schema().getTypes().get(1).getLogicalType())
                .isEqualTo(org.apache.avro.LogicalTypes.decimal(12, 3));
    }

    @Test
    void handlingModesChooseText() {
        TableSchema schema = table(List.of(decimal("d", 10, 2), unsigned("u", ColumnKind.BIGINT)));
        Message message =
                encode(
                                new AvroConfig(false, true, true, false),
                                TestRowBatch.insert(schema, TSO, 0, true, row("12.30", -1L)))
                        .getFirst();

        GenericRecord record = read(message.valueBytes());
        assertThat(record.get("d")).isEqualTo("12.30");
        assertThat(record.get("u")).isEqualTo("18446744073709551615");
    }

    @Test
    void theExtensionFollowsTheColumns() {
        TableSchema schema =
                table(List.of(notNull("id", ColumnKind.INT), of("v", ColumnKind.INT)), 0);
        AvroConfig config = new AvroConfig(true, false, false, false);
        GenericRecord inserted =
                read(
                        encode(config, TestRowBatch.insert(schema, TSO, 0, true, row(1, 2)))
                                .getFirst()
                                .valueBytes());
        Message message =
                encode(config, TestRowBatch.update(schema, TSO, 0, true, row(1, 2), row(1, 3)))
                        .getFirst();
        GenericRecord updated = read(message.valueBytes());

        assertThat(inserted.get("_tidb_op")).isEqualTo("c");
        assertThat(updated.get("_tidb_op")).isEqualTo("u");
        assertThat(updated.get("v")).isEqualTo(3);
        assertThat(updated.get("_tidb_commit_ts")).isEqualTo(TSO);
        assertThat(updated.get("_tidb_commit_physical_time")).isEqualTo(1677512812888L);
        assertThat(read(message.keyBytes()).getSchema().getFields()).hasSize(1);
    }

    @Test
    void aReaderComputesTheChecksumFromTheMessageAlone() {
        List<Column> columns =
                List.of(
                        notNull("id", ColumnKind.BIGINT),
                        unsigned("u", ColumnKind.BIGINT),
                        latin1("text"),
                        decimal("d", 10, 2),
                        of("f", ColumnKind.FLOAT),
                        of("bits", ColumnKind.BIT),
                        of("blob", ColumnKind.BLOB),
                        of("at", ColumnKind.DATETIME),
                        of("none", ColumnKind.INT));
        TableSchema schema = table(columns, 0);
        AvroConfig config = new AvroConfig(true, true, true, true, "UTC", false);
        Object[] old =
                row(-7L, -1L, "zürich", "1.50", 0.1f, 0x1FF, raw(1, 2), "2024-02-29 01:02:03", 5);
        Object[] next = row(-7L, -2L, "", "-1.50", 0.2f, 1, raw(), "2024-02-29 01:02:04", null);

        GenericRecord inserted =
                read(
                        encode(config, TestRowBatch.insert(schema, TSO, 0, true, old))
                                .getFirst()
                                .valueBytes());
        GenericRecord updated =
                read(
                        encode(config, TestRowBatch.update(schema, TSO, 0, true, old, next))
                                .getFirst()
                                .valueBytes());

        for (GenericRecord each : List.of(inserted, updated)) {
            assertThat(each.get("_tidb_row_level_checksum"))
                    .isEqualTo(Long.toString(readersChecksum(each)));
            assertThat(each.get("_tidb_corrupted")).isEqualTo(false);
            assertThat(each.get("_tidb_checksum_version")).isEqualTo(0);
        }
        assertThat(updated.get("_tidb_row_level_checksum"))
                .isNotEqualTo(inserted.get("_tidb_row_level_checksum"));
        assertThat(
                        encode(config, TestRowBatch.delete(schema, TSO, 0, true, old))
                                .getFirst()
                                .isTombstone())
                .isTrue();
        assertThatThrownBy(() ->
                        encode(
                                config,
                                TestRowBatch.insert(
                                        table(List.of(of("a", ColumnKind.INT))),
                                        TSO,
                                        0,
                                        true,
                                        row(ABSENT))))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.UPSTREAM_MISCONFIGURED))
                .hasMessageContaining("checksum");
    }

    /** As the manual tells readers to do it: types from the schema, values from the record. */
    private static long readersChecksum(GenericRecord record) {
        java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
        for (Schema.Field field : record.getSchema().getFields()) {
            Object value = record.get(field.name());
            if (field.name().equals("_tidb_op")) {
                break;
            }
            if (value == null) {
                continue;
            }
            Schema type =
                    field.schema().isUnion()
                            ? field.schema().getTypes().stream()
                                    .filter(each -> each.getType() != Schema.Type.NULL)
                                    .findFirst()
                                    .orElseThrow()
                            : field.schema();
            Map<?, ?> parameters = (Map<?, ?>) type.getObjectProp("connect.parameters");
            switch (String.valueOf(parameters.get("tidb_type"))) {
                case "INT", "INT UNSIGNED", "BIGINT" ->
                        bytes.writeBytes(little(((Number) value).longValue()));
                case "BIGINT UNSIGNED" ->
                        bytes.writeBytes(little(Long.parseUnsignedLong(value.toString())));
                case "FLOAT", "DOUBLE" ->
                        bytes.writeBytes(
                                little(Double.doubleToLongBits(((Number) value).doubleValue())));
                case "BIT" ->
                        bytes.writeBytes(
                                little(
                                        new BigInteger(1, ((ByteBuffer) value).array())
                                                .longValue()));
                case "BLOB" -> withLength(((ByteBuffer) value).array(), bytes);
                default ->
                        withLength(
                                value.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8),
                                bytes);
            }
        }
        java.util.zip.CRC32 crc = new java.util.zip.CRC32();
        crc.update(bytes.toByteArray());
        return crc.getValue();
    }

    private static byte[] little(long value) {
        return ByteBuffer.allocate(8)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
    }

    private static void withLength(byte[] value, java.io.ByteArrayOutputStream out) {
        out.write(little(value.length), 0, 4);
        out.writeBytes(value);
    }

    @Test
    void defaultsAreThoseOfTheColumnAndValid() {
        record Case(Column column, @Nullable Object expected) {}
        List<Case> cases =
                List.of(
                        new Case(withDefault(of("a", ColumnKind.INT), "5"), 5),
                        new Case(withDefault(of("a", ColumnKind.INT), "'-5'"), -5),
                        new Case(withDefault(of("a", ColumnKind.TINYINT), "TRUE"), 1),
                        new Case(withDefault(of("a", ColumnKind.BIGINT), "5"), 5L),
                        new Case(
                                withDefault(
                                        unsigned("a", ColumnKind.BIGINT), "18446744073709551615"),
                                -1L),
                        new Case(withDefault(of("a", ColumnKind.FLOAT), "1.5"), 1.5f),
                        new Case(withDefault(of("a", ColumnKind.DOUBLE), "'2'"), 2.0),
                        new Case(
                                withDefault(of("a", ColumnKind.VARCHAR), "'it''s \\\"x\\\"'"),
                                "it's \"x\""),
                        new Case(withDefault(of("a", ColumnKind.VARCHAR), "_utf8mb4'ü'"), "ü"),
                        new Case(withDefault(elements("a", ColumnKind.ENUM), "'d'"), "d"),
                        new Case(
                                withDefault(of("a", ColumnKind.DATETIME), "'2024-01-01 00:00:00'"),
                                "2024-01-01 00:00:00"),
                        new Case(withDefault(of("a", ColumnKind.BIT), "b'101'"), bytes(5)),
                        new Case(withDefault(of("a", ColumnKind.VARBINARY), "'ab'"), bytes(97, 98)),
                        // No literals, or not of the type: the schema gives null.
                        new Case(
                                withDefault(of("a", ColumnKind.DATETIME), "current_timestamp()"),
                                null),
                        new Case(withDefault(of("a", ColumnKind.INT), "(1 + 1)"), null),
                        new Case(withDefault(of("a", ColumnKind.INT), "'x'"), null),
                        new Case(withDefault(of("a", ColumnKind.INT), "99999999999"), null),
                        new Case(withDefault(decimal("a", 5, 1), "1.5"), null),
                        new Case(withDefault(of("a", ColumnKind.INT), "NULL"), null));
        for (Case each : cases) {
            registry.entries.clear();
            TableSchema schema = table(List.of(each.column()));
            encode(
                    AvroConfig.DEFAULTS,
                    TestRowBatch.insert(schema, TSO, 0, true, row((Object) null)));

            // The parser refuses a default that is not of the first type of a union.
            Schema.Field field = schema("shop_orders-value").getField("a");
            Object found = GenericData.get().getDefaultValue(field);
            assertThat(found instanceof CharSequence text ? text.toString() : found)
                    .as("%s", each)
                    .isEqualTo(each.expected());
            assertThat(field.schema().getTypes().getFirst().getType() == Schema.Type.NULL)
                    .as("%s", each)
                    .isEqualTo(each.expected() == null);
        }
    }

    @Test
    void nullsAndValuesKeepTheirPlacesWhenADefaultTurnsTheUnionRound() {
        TableSchema schema = table(List.of(withDefault(of("a", ColumnKind.INT), "5")));
        List<Message> messages =
                encode(
                        AvroConfig.DEFAULTS,
                        TestRowBatch.insert(schema, TSO, 0, true, row((Object) null), row(6)));

        assertThat(read(messages.get(0).valueBytes()).get("a")).isNull();
        assertThat(read(messages.get(1).valueBytes()).get("a")).isEqualTo(6);
    }

    @Test
    void namesAreMadeToFit() {
        assertThat(AvroNames.sanitise("a-b")).isEqualTo("a_b");
        assertThat(AvroNames.sanitise("1a")).isEqualTo("_1a");
        assertThat(AvroNames.sanitise("größe")).isEqualTo("gr__e");
        assertThat(AvroNames.sanitise("🎉x")).isEqualTo("_x");
        assertThat(AvroNames.sanitise(".x")).isEqualTo("_x");

        TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        new TableName("my-db", "2024 sales"),
                        List.of(of("unit price", ColumnKind.INT)),
                        List.of());
        encode(AvroConfig.DEFAULTS, TestRowBatch.insert(schema, TSO, 0, true, row(1)));
        assertThat(schema("shop_orders-value").getFullName())
                .isEqualTo("default.my_db._2024_sales");

        TableSchema ambiguous =
                table(List.of(of("a-b", ColumnKind.INT), of("a_b", ColumnKind.INT)));
        assertThatThrownBy(() ->
                        encode(
                                AvroConfig.DEFAULTS,
                                TestRowBatch.insert(ambiguous, TSO, 0, true, row(1, 2))))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED_EVENT))
                .hasMessageContaining("a-b")
                .hasMessageContaining("a_b");
    }

    @Test
    void aMinimalRowImageIsCompletedOrRefused() {
        TableSchema schema =
                table(
                        List.of(
                                notNull("id", ColumnKind.INT),
                                of("n", ColumnKind.INT),
                                withDefault(notNull("d", ColumnKind.VARCHAR), "'x'"),
                                withDefault(notNull("m", ColumnKind.DECIMAL), "0.5")),
                        0);
        GenericRecord inserted =
                read(
                        encode(
                                        AvroConfig.DEFAULTS,
                                        TestRowBatch.insert(
                                                schema,
                                                TSO,
                                                0,
                                                true,
                                                row(1, ABSENT, ABSENT, ABSENT)))
                                .getFirst()
                                .valueBytes());
        assertThat(inserted.get("n")).isNull();
        assertThat(inserted.get("d")).isEqualTo("x");

        GenericRecord updated =
                read(
                        encode(
                                        AvroConfig.DEFAULTS,
                                        TestRowBatch.update(
                                                schema,
                                                TSO,
                                                0,
                                                true,
                                                row(1, 2, "y", "3"),
                                                row(ABSENT, 3, ABSENT, ABSENT)))
                                .getFirst()
                                .valueBytes());
        assertThat(updated.get("id")).isEqualTo(1);
        assertThat(updated.get("n")).isEqualTo(3);
        assertThat(updated.get("d")).isEqualTo("y");

        assertThatThrownBy(() ->
                        encode(
                                AvroConfig.DEFAULTS,
                                TestRowBatch.update(
                                        schema,
                                        TSO,
                                        0,
                                        true,
                                        row(1, ABSENT, ABSENT, ABSENT),
                                        row(ABSENT, 3, ABSENT, ABSENT))))
                .hasMessageContaining("binlog_row_image=FULL")
                .hasMessageContaining("column d");
    }

    @Test
    void aNewTableVersionIsANewSchemaAndAnEqualOneIsNot() {
        TableSchema first = table(List.of(notNull("id", ColumnKind.INT)), 0);
        TableSchema same = table(List.of(notNull("id", ColumnKind.INT)), 0);
        TableSchema wider =
                table(List.of(notNull("id", ColumnKind.INT), of("v", ColumnKind.INT)), 0);
        AvroEncoder encoder = new AvroEncoder(AvroConfig.DEFAULTS, registry, "default");
        encoder.begin(first, TSO, "t");
        encoder.begin(same, TSO, "t");
        assertThat(registry.entries).hasSize(2);
        encoder.begin(wider, TSO, "t");
        assertThat(registry.entries).hasSize(3);
        encoder.begin(wider, TSO, "another");
        assertThat(registry.entries).hasSize(5);
    }

    @Test
    void thereAreNoMessagesForDdlAndWatermarksUnlessAskedFor() {
        SchemaChange.Change part =
                new SchemaChange.Change(
                        DdlKind.CREATE_TABLE,
                        new TableName("test", "t"),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        "CREATE TABLE t (a int)");
        SchemaChange change =
                new SchemaChange(
                        TSO, new TestPosition(TSO, 0), part.query(), "test", List.of(part));
        AvroEncoder plain = new AvroEncoder(AvroConfig.DEFAULTS, registry, "default");
        Message message = new Message();
        assertThat(plain.appendDdl(change, part, message)).isFalse();
        assertThat(plain.hasWatermarks()).isFalse();

        AvroEncoder with =
                new AvroEncoder(new AvroConfig(true, false, false, true), registry, "default");
        assertThat(with.hasWatermarks()).isTrue();
        assertThat(with.appendDdl(change, part, message)).isTrue();
        assertThat(message.valueBytes()[0]).isEqualTo((byte) 1);
        AvroDecoder decoder = new AvroDecoder(registry::schema);
        assertThat(decoder.decode(null, message.valueBytes()))
                .containsExactly(
                        new DecodedEvent.Ddl(
                                new TableName("test", "t"), TSO, "3", "CREATE TABLE t (a int)"));
        message.clear();
        with.appendWatermark(TSO, message);
        assertThat(message.valueBytes()).hasSize(9).startsWith(2);
        assertThat(decoder.decode(null, message.valueBytes()))
                .containsExactly(new DecodedEvent.Watermark(TSO));
    }

    @Test
    void ourDecoderAgrees() {
        TableSchema schema =
                table(
                        List.of(
                                notNull("id", ColumnKind.BIGINT),
                                unsigned("u", ColumnKind.BIGINT),
                                of("b", ColumnKind.BIT),
                                decimal("d", 10, 2),
                                of("n", ColumnKind.INT)),
                        0);
        AvroConfig config = new AvroConfig(true, false, false, false);
        AvroDecoder decoder = new AvroDecoder(registry::schema);
        Message insert =
                encode(
                                config,
                                TestRowBatch.insert(
                                        schema, TSO, 0, true, row(1, -1L, -1L, "1.50", null)))
                        .getFirst();
        DecodedEvent.Row row =
                (DecodedEvent.Row)
                        decoder.decode(insert.keyBytes(), insert.valueBytes()).getFirst();
        BigInteger max = new BigInteger("18446744073709551615");
        assertThat(row.table()).isEqualTo(new TableName("test", "t1"));
        assertThat(row.op()).isEqualTo(RowBatch.INSERT);
        assertThat(row.commitTso()).isEqualTo(TSO);
        assertThat(row.after())
                .containsEntry("id", 1L)
                .containsEntry("u", max)
                .containsEntry("b", max)
                .containsEntry("d", new BigDecimal("1.50"))
                .containsEntry("n", null)
                .hasSize(5);
        Message delete =
                encode(
                                config,
                                TestRowBatch.delete(
                                        schema, TSO, 0, true, row(1, -1L, -1L, "1.50", null)))
                        .getFirst();
        row = (DecodedEvent.Row) decoder.decode(delete.keyBytes(), null).getFirst();
        assertThat(row.op()).isEqualTo(RowBatch.DELETE);
        assertThat(row.before()).containsOnly(Map.entry("id", 1L));
        assertThatThrownBy(() -> decoder.decode(null, new byte[] {0, 0, 0, 0, 1}))
                .isInstanceOf(MillraceException.class);
        assertThatThrownBy(() -> decoder.decode(null, new byte[] {9}))
                .isInstanceOf(MillraceException.class);
    }

    @Test
    void allocatesNothingPerRow() {
        List<Column> columns =
                List.of(
                        notNull("id", ColumnKind.BIGINT),
                        of("name", ColumnKind.VARCHAR),
                        decimal("price", 18, 2),
                        of("f", ColumnKind.DOUBLE),
                        of("at", ColumnKind.DATETIME),
                        elements("e", ColumnKind.ENUM),
                        elements("s", ColumnKind.SET),
                        of("b", ColumnKind.BLOB),
                        of("bits", ColumnKind.BIT));
        TableSchema schema = table(columns, 0);
        Object[][] rows = new Object[256][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] =
                    row(
                            (long) i << 40,
                            "name " + i,
                            "-1234567890123456." + (10 + i % 80),
                            i / 7.0,
                            "2024-02-29 01:02:03",
                            1 + i % 3,
                            i % 8,
                            raw(i, 1, 2),
                            i);
        }
        RowBatch batch = TestRowBatch.insert(schema, TSO, 0, true, rows);
        AvroEncoder encoder =
                new AvroEncoder(
                        new AvroConfig(true, false, false, true, "UTC", false),
                        registry,
                        "default");
        Message out = new Message();
        encoder.begin(schema, TSO, "t");
        long allocated =
                Allocations.perPass(
                        batch,
                        view -> {
                            out.clear();
                            encoder.append(view, RowBatch.INSERT, out);
                        });
        assertThat(allocated).isZero();
    }

    /** A registry that answers when it is told to. */
    private static final class SlowRegistry implements SchemaRegistry {
        final MemoryRegistry real = new MemoryRegistry();
        final CountDownLatch asked = new CountDownLatch(1);
        final CountDownLatch answers = new CountDownLatch(1);
        final CountDownLatch interrupted = new CountDownLatch(1);
        volatile @Nullable MillraceException refusal;

        @Override
        public void check() {}

        @Override
        public byte[] register(String subject, String schema) {
            asked.countDown();
            try {
                answers.await();
            } catch (InterruptedException e) {
                interrupted.countDown();
                throw new MillraceException(ErrorCode.SINK_CONNECTION, "interrupted", e);
            }
            MillraceException thrown = refusal;
            if (thrown != null) {
                throw thrown;
            }
            return real.register(subject, schema);
        }

        @Override
        public void close() {}
    }

    private static void awaitPrepared(AvroEncoder encoder, TableSchema schema)
            throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!encoder.prepare(schema, "t")) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(1);
        }
    }

    @Test
    void aSlowRegistryHoldsNobodyUp() throws InterruptedException {
        TableSchema schema = table(List.of(notNull("id", ColumnKind.INT)), 0);
        SlowRegistry slow = new SlowRegistry();
        try (AvroEncoder encoder = new AvroEncoder(AvroConfig.DEFAULTS, slow, "default")) {
            assertThat(encoder.prepare(schema, "t")).isFalse();
            assertThat(slow.asked.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(encoder.prepare(schema, "t")).isFalse();
            slow.answers.countDown();
            awaitPrepared(encoder, schema);
            assertThat(slow.real.entries).hasSize(2);
            assertThat(encoder.prepare(schema, "t")).isTrue();
            encoder.begin(schema, TSO, "t");
            assertThat(slow.real.entries).hasSize(2);
            assertThat(encoder.prepare(schema, "other")).isFalse();
        }
    }

    @Test
    void whatTheRegistrySaysIsSaidByPrepareAndTheNextTryAsksAgain() throws InterruptedException {
        TableSchema schema = table(List.of(notNull("id", ColumnKind.INT)), 0);
        SlowRegistry slow = new SlowRegistry();
        slow.refusal = new MillraceException(ErrorCode.SCHEMA_REGISTRY, "not this one");
        slow.answers.countDown();
        try (AvroEncoder encoder = new AvroEncoder(AvroConfig.DEFAULTS, slow, "default")) {
            assertThatThrownBy(() -> awaitPrepared(encoder, schema))
                    .isInstanceOf(MillraceException.class)
                    .hasMessageContaining("not this one");
            slow.refusal = null;
            awaitPrepared(encoder, schema);
        }
    }

    @Test
    void closingEndsACallThatNobodyAnswers() throws InterruptedException {
        TableSchema schema = table(List.of(notNull("id", ColumnKind.INT)), 0);
        SlowRegistry slow = new SlowRegistry();
        AvroEncoder encoder = new AvroEncoder(AvroConfig.DEFAULTS, slow, "default");
        encoder.prepare(schema, "t");
        assertThat(slow.asked.await(20, TimeUnit.SECONDS)).isTrue();
        encoder.close();
        assertThat(slow.interrupted.await(20, TimeUnit.SECONDS)).isTrue();
    }

    private List<Message> encode(AvroConfig config, RowBatch batch) {
        AvroEncoder encoder = new AvroEncoder(config, registry, "default");
        encoder.begin(batch.schema(), TSO, "shop.orders");
        List<Message> out = new ArrayList<>();
        RowView view = batch.rows();
        while (view.next()) {
            Message message = new Message();
            encoder.append(view, batch.op(), message);
            out.add(message);
        }
        return out;
    }

    private Schema schema(String subject) {
        return new Schema.Parser().parse(registry.latest(subject));
    }

    private GenericRecord read(byte[] bytes) {
        Schema schema =
                new Schema.Parser().parse(registry.schema(ByteBuffer.wrap(bytes).getInt(1)));
        GenericData data = new GenericData();
        data.addLogicalTypeConversion(new Conversions.DecimalConversion());
        addStrings(schema);
        try {
            org.apache.avro.io.BinaryDecoder in =
                    DecoderFactory.get().binaryDecoder(bytes, 5, bytes.length - 5, null);
            GenericRecord out =
                    (GenericRecord) new GenericDatumReader<>(schema, schema, data).read(null, in);
            assertThat(in.isEnd()).isTrue();
            return out;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Asks Avro for java.lang.String rather than its own mutable text. */
    private static void addStrings(Schema record) {
        for (Schema.Field field : record.getFields()) {
            List<Schema> types =
                    field.schema().isUnion() ? field.schema().getTypes() : List.of(field.schema());
            types.stream()
                    .filter(type -> type.getType() == Schema.Type.STRING)
                    .forEach(
                            type -> GenericData.setStringType(type, GenericData.StringType.String));
        }
    }

    private static Map<String, Object> parameters(Schema record, String field) {
        Map<String, Object> out = new HashMap<>();
        Object found =
                record.getField(field)
                        .schema()
                        .getTypes()
                        .get(1)
                        .getObjectProp("connect.parameters");
        ((Map<?, ?>) found).forEach((name, value) -> out.put(name.toString(), value));
        return out;
    }

    private static ByteBuffer bytes(int... values) {
        return ByteBuffer.wrap(raw(values));
    }

    private static byte[] raw(int... values) {
        byte[] out = new byte[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (byte) values[i];
        }
        return out;
    }

    private static Column of(String name, ColumnKind kind) {
        return column(name, kind, "", false, true);
    }

    private static Column notNull(String name, ColumnKind kind) {
        return column(name, kind, "", false, false);
    }

    private static Column unsigned(String name, ColumnKind kind) {
        return column(name, kind, "", true, true);
    }

    private static Column latin1(String name) {
        Column c = of(name, ColumnKind.VARCHAR);
        return rebuilt(c, c.length(), c.scale(), "latin1", c.elements(), c.defaultValue());
    }

    private static Column decimal(String name, int precision, int scale) {
        return sized(name, ColumnKind.DECIMAL, precision, scale);
    }

    private static Column sized(String name, ColumnKind kind, int length, int scale) {
        Column c = of(name, kind);
        return rebuilt(c, length, scale, c.charset(), c.elements(), c.defaultValue());
    }

    private static Column elements(String name, ColumnKind kind) {
        Column c = of(name, kind);
        return rebuilt(c, 0, 0, "utf8mb4", List.of("a", "b,c", "d"), c.defaultValue());
    }

    private static Column column(
            String name, ColumnKind kind, String type, boolean unsigned, boolean nullable) {
        boolean text = kind.access() == ColumnKind.Access.TEXT;
        return new Column(
                name,
                kind,
                type,
                unsigned,
                nullable,
                0,
                0,
                text ? "utf8mb4" : "binary",
                "",
                List.of(),
                Column.Generated.NONE,
                false,
                Optional.empty());
    }

    private static Column rebuilt(
            Column c,
            int length,
            int scale,
            String charset,
            List<String> elements,
            Optional<String> defaultValue) {
        return new Column(
                c.name(),
                c.kind(),
                c.typeText(),
                c.unsigned(),
                c.nullable(),
                length,
                scale,
                charset,
                c.collation(),
                elements,
                c.generated(),
                c.invisible(),
                defaultValue);
    }
}
