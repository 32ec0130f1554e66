package io.millrace.codec.debezium;

import static io.millrace.codec.Tables.column;
import static io.millrace.codec.Tables.elements;
import static io.millrace.codec.Tables.table;
import static io.millrace.codec.Tables.typed;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.codec.Allocations;
import io.millrace.codec.EncoderContext;
import io.millrace.codec.Message;
import io.millrace.codec.Protocols;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.Tables;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestPosition;
import io.millrace.testkit.rows.TestRowBatch;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;
import org.junit.jupiter.api.Test;

/** Reads what the encoder writes with Kafka Connect's own JsonConverter. */
class DebeziumEncoderTest {
    private static final long TSO = 439749918821711874L;
    private static final Clock CLOCK =
            Clock.fixed(Instant.ofEpochMilli(1677512813000L), ZoneOffset.UTC);
    private static final EncoderContext CONTEXT =
            new EncoderContext(CLOCK, "test-cluster", "default");
    private static final String SOURCE =
            "{\"payload\":{\"source\":{\"version\":\"2.4.0.Final\",\"connector\":\"TiCDC\","
                    + "\"name\":\"test-cluster\",\"ts_ms\":1677512812888,\"snapshot\":\"false\","
                    + "\"db\":\"test\",\"table\":\"t1\",\"server_id\":0,\"gtid\":null,"
                    + "\"file\":\"\",\"pos\":0,\"row\":0,\"thread\":0,\"query\":null,"
                    + "\"commit_ts\":439749918821711874,\"cluster_id\":\"test-cluster\"},"
                    + "\"ts_ms\":1677512813000,";

    private final DebeziumDecoder decoder = new DebeziumDecoder();

    private static JsonConverter converter(boolean key, boolean schemas) {
        JsonConverter converter = new JsonConverter();
        converter.configure(Map.of("schemas.enable", schemas), key);
        return converter;
    }

    private static RowEncoder encoder(String options) {
        SinkSpec spec = SinkSpec.of("kafka://h/t?protocol=debezium" + options);
        return Protocols.of(spec).encoder(spec, CONTEXT);
    }

    private static Message encode(String options, RowBatch batch) {
        return encode(encoder(options), batch);
    }

    private static Message encode(RowEncoder encoder, RowBatch batch) {
        Message message = new Message();
        encoder.begin(batch.schema(), batch.commitTso(), "t");
        RowView rows = batch.rows();
        rows.next();
        encoder.append(rows, batch.op(), message);
        encoder.finish(message);
        return message;
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static Struct struct(boolean key, byte[] bytes) {
        SchemaAndValue read = converter(key, true).toConnectData("t", bytes);
        Struct value = (Struct) read.value();
        assertThat(value.schema()).isEqualTo(read.schema());
        value.validate();
        return value;
    }

    private static Struct value(Message message) {
        return struct(false, message.valueBytes());
    }

    private static Column notNull(Column column) {
        return new Column(
                column.name(),
                column.kind(),
                column.typeText(),
                column.unsigned(),
                false,
                column.length(),
                column.scale(),
                column.charset(),
                column.collation(),
                column.elements(),
                column.generated(),
                column.invisible(),
                column.defaultValue());
    }

    @Test
    void rowsWithoutSchemaAreThoseOfTheFactSheet() {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                elements("e", ColumnKind.ENUM, "x", "y")),
                        0);
        String options = "&debezium-disable-schema=true";

        Message insert = encode(options, TestRowBatch.insert(schema, TSO, 0, true, row(1, 1)));
        Message update =
                encode(options, TestRowBatch.update(schema, TSO, 0, true, row(1, 1), row(2, null)));
        Message delete = encode(options, TestRowBatch.delete(schema, TSO, 0, true, row(1, 2)));
        Message withoutOld =
                encode(
                        options + "&debezium-output-old-value=false",
                        TestRowBatch.update(schema, TSO, 0, true, row(1, 1), row(2, 2)));

        assertThat(insert.isKeyed()).isTrue();
        assertThat(text(insert.keyBytes())).isEqualTo("{\"payload\":{\"id\":1}}");
        assertThat(text(insert.valueBytes()))
                .isEqualTo(
                        SOURCE
                                + "\"transaction\":null,\"op\":\"c\",\"before\":null,"
                                + "\"after\":{\"id\":1,\"e\":\"x\"}}}");
        assertThat(text(update.keyBytes())).isEqualTo("{\"payload\":{\"id\":2}}");
        assertThat(text(update.valueBytes()))
                .isEqualTo(
                        SOURCE
                                + "\"transaction\":null,\"op\":\"u\",\"before\":{\"id\":1,"
                                + "\"e\":\"x\"},\"after\":{\"id\":2,\"e\":null}}}");
        assertThat(text(delete.keyBytes())).isEqualTo("{\"payload\":{\"id\":1}}");
        assertThat(text(delete.valueBytes()))
                .isEqualTo(
                        SOURCE
                                + "\"transaction\":null,\"op\":\"d\",\"after\":null,"
                                + "\"before\":{\"id\":1,\"e\":\"y\"}}}");
        assertThat(text(withoutOld.valueBytes()))
                .isEqualTo(
                        SOURCE
                                + "\"transaction\":null,\"op\":\"u\","
                                + "\"after\":{\"id\":2,\"e\":\"y\"}}}");
    }

    @Test
    void schemasAreThoseOfTheFactSheet() {
        TableSchema schema = table(List.of(notNull(Column.of("tiny", ColumnKind.TINYINT))), 0);
        Message message = encode("", TestRowBatch.insert(schema, TSO, 0, true, row(1)));
        String field = "{\"type\":\"int16\",\"optional\":false,\"field\":\"tiny\"}";

        assertThat(text(message.keyBytes()))
                .isEqualTo(
                        "{\"payload\":{\"tiny\":1},\"schema\":{\"type\":\"struct\","
                                + "\"name\":\"test_cluster.test.t1.Key\",\"optional\":false,"
                                + "\"fields\":["
                                + field
                                + "]}}");
        assertThat(text(message.valueBytes()))
                .startsWith(
                        SOURCE
                                + "\"transaction\":null,\"op\":\"c\",\"before\":null,"
                                + "\"after\":{\"tiny\":1}},\"schema\":{\"type\":\"struct\","
                                + "\"optional\":false,\"name\":\"test_cluster.test.t1.Envelope\","
                                + "\"version\":1,\"fields\":[{\"type\":\"struct\","
                                + "\"optional\":true,\"name\":\"test_cluster.test.t1.Value\","
                                + "\"field\":\"before\",\"fields\":["
                                + field
                                + "]},{\"type\":\"struct\",\"optional\":true,"
                                + "\"name\":\"test_cluster.test.t1.Value\",\"field\":\"after\","
                                + "\"fields\":["
                                + field
                                + "]},{\"type\":\"struct\",\"fields\":[{\"type\":\"string\","
                                + "\"optional\":false,\"field\":\"version\"},");
    }

    @Test
    void connectReadsSourceAndEnvelope() {
        TableSchema schema = table(List.of(Column.of("id", ColumnKind.INT)), 0);
        Message message = encode("", TestRowBatch.update(schema, TSO, 0, true, row(1), row(2)));

        Struct key = struct(true, message.keyBytes());
        Struct value = value(message);

        assertThat(key.schema().name()).isEqualTo("test_cluster.test.t1.Key");
        assertThat(key.getInt32("id")).isEqualTo(2);
        assertThat(value.schema().name()).isEqualTo("test_cluster.test.t1.Envelope");
        assertThat(value.schema().version()).isEqualTo(1);
        assertThat(value.schema().fields())
                .extracting(Field::name)
                .containsExactly("before", "after", "source", "op", "ts_ms", "transaction");
        Struct source = value.getStruct("source");
        assertThat(source.schema().name()).isEqualTo("io.debezium.connector.mysql.Source");
        assertThat(source.schema().fields())
                .extracting(Field::name)
                .containsExactly(
                        "version",
                        "connector",
                        "name",
                        "ts_ms",
                        "snapshot",
                        "db",
                        "sequence",
                        "table",
                        "server_id",
                        "gtid",
                        "file",
                        "pos",
                        "row",
                        "thread",
                        "query");
        assertThat(source.getString("version")).isEqualTo("2.4.0.Final");
        assertThat(source.getString("connector")).isEqualTo("TiCDC");
        assertThat(source.getInt64("ts_ms")).isEqualTo(1677512812888L);
        assertThat(source.getString("db")).isEqualTo("test");
        assertThat(source.getString("table")).isEqualTo("t1");
        assertThat(source.getString("snapshot")).isEqualTo("false");
        assertThat(value.getInt64("ts_ms")).isEqualTo(1677512813000L);
        assertThat(value.getString("op")).isEqualTo("u");
        assertThat(value.get("transaction")).isNull();
        assertThat(value.getStruct("before").getInt32("id")).isEqualTo(1);
        assertThat(value.getStruct("after").getInt32("id")).isEqualTo(2);
        assertThat(value.getStruct("after").schema().name())
                .isEqualTo("test_cluster.test.t1.Value");
    }

    private record Case(
            Column column, Object value, Schema.Type type, String semantic, Object expected) {}

    private static Case plain(Column column, Object value, Schema.Type type, Object expected) {
        return new Case(column, value, type, "", expected);
    }

    private static Column decimals(String name, ColumnKind kind, int scale) {
        return column(name, kind, kind.name(), false, 0, scale, List.of());
    }

    private static Column bits(int length) {
        return column("a", ColumnKind.BIT, "bit(" + length + ")", true, length, 0, List.of());
    }

    private static final byte[] ALL_BYTES = new byte[256];

    static {
        for (int i = 0; i < 256; i++) {
            ALL_BYTES[i] = (byte) i;
        }
    }

    private static List<Case> cases() {
        String base64 = java.util.Base64.getEncoder().encodeToString(ALL_BYTES);
        List<Case> out = new ArrayList<>();
        Column tiny = Column.of("a", ColumnKind.TINYINT);
        out.add(plain(tiny, -128, Schema.Type.INT16, (short) -128));
        out.add(plain(tiny, 127, Schema.Type.INT16, (short) 127));
        Column unsignedTiny = typed("a", ColumnKind.TINYINT, "tinyint unsigned", true);
        out.add(plain(unsignedTiny, 255, Schema.Type.INT16, (short) 255));
        Column small = Column.of("a", ColumnKind.SMALLINT);
        out.add(plain(small, -32768, Schema.Type.INT16, (short) -32768));
        Column unsignedSmall = typed("a", ColumnKind.SMALLINT, "smallint unsigned", true);
        out.add(plain(unsignedSmall, 65535, Schema.Type.INT32, 65535));
        Column medium = Column.of("a", ColumnKind.MEDIUMINT);
        out.add(plain(medium, -8388608, Schema.Type.INT32, -8388608));
        Column unsignedMedium = typed("a", ColumnKind.MEDIUMINT, "mediumint unsigned", true);
        out.add(plain(unsignedMedium, 16777215, Schema.Type.INT32, 16777215));
        Column integer = Column.of("a", ColumnKind.INT);
        out.add(plain(integer, Integer.MIN_VALUE, Schema.Type.INT32, Integer.MIN_VALUE));
        out.add(plain(integer, Integer.MAX_VALUE, Schema.Type.INT32, Integer.MAX_VALUE));
        Column unsignedInt = typed("a", ColumnKind.INT, "int unsigned", true);
        out.add(plain(unsignedInt, 4294967295L, Schema.Type.INT64, 4294967295L));
        Column big = Column.of("a", ColumnKind.BIGINT);
        out.add(plain(big, Long.MIN_VALUE, Schema.Type.INT64, Long.MIN_VALUE));
        out.add(plain(big, Long.MAX_VALUE, Schema.Type.INT64, Long.MAX_VALUE));
        Column unsignedBig = typed("a", ColumnKind.BIGINT, "bigint unsigned", true);
        out.add(plain(unsignedBig, -1L, Schema.Type.INT64, -1L));
        out.add(plain(unsignedBig, Long.MIN_VALUE, Schema.Type.INT64, Long.MIN_VALUE));
        Column real = Column.of("a", ColumnKind.FLOAT);
        out.add(plain(real, 3.14f, Schema.Type.FLOAT32, 3.14f));
        out.add(plain(real, Float.MAX_VALUE, Schema.Type.FLOAT32, Float.MAX_VALUE));
        out.add(plain(real, Float.MIN_VALUE, Schema.Type.FLOAT32, Float.MIN_VALUE));
        Column fixedReal = typed("a", ColumnKind.FLOAT, "float(7,3)", false);
        out.add(plain(fixedReal, 1.5f, Schema.Type.FLOAT64, 1.5));
        Column wide = Column.of("a", ColumnKind.DOUBLE);
        out.add(plain(wide, -0.1, Schema.Type.FLOAT64, -0.1));
        out.add(plain(wide, Double.MAX_VALUE, Schema.Type.FLOAT64, Double.MAX_VALUE));
        out.add(plain(wide, Double.MIN_VALUE, Schema.Type.FLOAT64, Double.MIN_VALUE));
        out.add(plain(wide, 1e21, Schema.Type.FLOAT64, 1e21));
        Column decimal = Column.of("a", ColumnKind.DECIMAL);
        for (String number :
                List.of(
                        "-12.30",
                        "0.00",
                        "0.000000000000000000000000000001",
                        "999999999999999",
                        "9999999999999999",
                        "123456789012345.6",
                        "99999999999999999999999999999999999.999999999999999999999999999999")) {
            out.add(plain(decimal, number, Schema.Type.FLOAT64, Double.parseDouble(number)));
        }
        out.add(plain(bits(1), 1, Schema.Type.BOOLEAN, true));
        out.add(plain(bits(1), 0, Schema.Type.BOOLEAN, false));
        out.add(
                new Case(
                        bits(17),
                        0x1_02_03,
                        Schema.Type.BYTES,
                        "io.debezium.data.Bits",
                        ByteBuffer.wrap(new byte[] {3, 2, 1})));
        out.add(
                new Case(
                        bits(64),
                        -2L,
                        Schema.Type.BYTES,
                        "io.debezium.data.Bits",
                        ByteBuffer.wrap(new byte[] {-2, -1, -1, -1, -1, -1, -1, -1})));
        for (ColumnKind kind : List.of(ColumnKind.CHAR, ColumnKind.VARCHAR, ColumnKind.LONGTEXT)) {
            Column text = Column.of("a", kind);
            out.add(plain(text, "", Schema.Type.STRING, ""));
            out.add(
                    plain(
                            text,
                            "é\"\\\n\0漢😀<&>\u2028",
                            Schema.Type.STRING,
                            "é\"\\\n\0漢😀<&>\u2028"));
        }
        for (ColumnKind kind :
                List.of(ColumnKind.BINARY, ColumnKind.VARBINARY, ColumnKind.LONGBLOB)) {
            out.add(plain(Column.of("a", kind), ALL_BYTES, Schema.Type.STRING, base64));
            out.add(plain(Column.of("a", kind), new byte[0], Schema.Type.STRING, ""));
        }
        Column letters = elements("a", ColumnKind.ENUM, "a", "b,\"c");
        out.add(new Case(letters, 2, Schema.Type.STRING, "io.debezium.data.Enum", "b,\"c"));
        out.add(new Case(letters, 0, Schema.Type.STRING, "io.debezium.data.Enum", ""));
        out.add(new Case(letters, 3, Schema.Type.STRING, "io.debezium.data.Enum", ""));
        String[] many = new String[64];
        for (int i = 0; i < many.length; i++) {
            many[i] = "m" + i;
        }
        Column set = elements("a", ColumnKind.SET, many);
        out.add(new Case(set, 5, Schema.Type.STRING, "io.debezium.data.EnumSet", "m0,m2"));
        out.add(new Case(set, 0, Schema.Type.STRING, "io.debezium.data.EnumSet", ""));
        out.add(
                new Case(
                        set,
                        Long.MIN_VALUE + 1,
                        Schema.Type.STRING,
                        "io.debezium.data.EnumSet",
                        "m0,m63"));
        Column date = Column.of("a", ColumnKind.DATE);
        String dateName = "io.debezium.time.Date";
        out.add(new Case(date, "1970-01-02", Schema.Type.INT32, dateName, 1));
        out.add(
                new Case(
                        date,
                        "9999-12-31",
                        Schema.Type.INT32,
                        dateName,
                        (int) LocalDate.of(9999, 12, 31).toEpochDay()));
        out.add(
                new Case(
                        date,
                        "1000-01-01",
                        Schema.Type.INT32,
                        dateName,
                        (int) LocalDate.of(1000, 1, 1).toEpochDay()));
        out.add(new Case(notNull(date), "0000-00-00", Schema.Type.INT32, dateName, 0));
        String millis = "io.debezium.time.Timestamp";
        Column datetime = decimals("a", ColumnKind.DATETIME, 3);
        out.add(
                new Case(
                        datetime,
                        "2024-02-29 01:02:03.456",
                        Schema.Type.INT64,
                        millis,
                        1709168523456L));
        out.add(new Case(datetime, "1969-12-31 23:59:59.999", Schema.Type.INT64, millis, -1L));
        out.add(
                new Case(
                        notNull(datetime),
                        "0000-00-00 00:00:00.000",
                        Schema.Type.INT64,
                        millis,
                        0L));
        out.add(
                new Case(
                        decimals("a", ColumnKind.DATETIME, 6),
                        "9999-12-31 23:59:59.999999",
                        Schema.Type.INT64,
                        "io.debezium.time.MicroTimestamp",
                        253402300799999999L));
        String zoned = "io.debezium.time.ZonedTimestamp";
        out.add(
                new Case(
                        decimals("a", ColumnKind.TIMESTAMP, 2),
                        "2023-02-27 15:46:52.88",
                        Schema.Type.STRING,
                        zoned,
                        "2023-02-27T15:46:52.88Z"));
        out.add(
                new Case(
                        Column.of("a", ColumnKind.TIMESTAMP),
                        "0000-00-00 00:00:00",
                        Schema.Type.STRING,
                        zoned,
                        "1970-01-01T00:00:00Z"));
        out.add(
                new Case(
                        decimals("a", ColumnKind.TIME, 1),
                        "-838:59:59.5",
                        Schema.Type.INT64,
                        "io.debezium.time.MicroTime",
                        -3020399500000L));
        out.add(
                new Case(
                        Column.of("a", ColumnKind.YEAR),
                        2155,
                        Schema.Type.INT32,
                        "io.debezium.time.Year",
                        2155));
        out.add(
                new Case(
                        Column.of("a", ColumnKind.JSON),
                        "{\"a\": [1, \"ä\"]}",
                        Schema.Type.STRING,
                        "io.debezium.data.Json",
                        "{\"a\": [1, \"ä\"]}"));
        out.add(
                new Case(
                        Column.of("a", ColumnKind.VECTOR),
                        new byte[] {0, 0, (byte) 0x80, 0x3F, 0, 0, 0x20, (byte) 0xC1},
                        Schema.Type.STRING,
                        "io.debezium.data.TiDBVectorFloat32",
                        "[1,-10]"));
        out.add(plain(Column.of("a", ColumnKind.INET6), "::1", Schema.Type.STRING, "::1"));
        return out;
    }

    @Test
    void connectReadsEveryTypeWithItsSchema() {
        for (Case each : cases()) {
            TableSchema schema = table(List.of(each.column()), 0);
            Message message =
                    encode("", TestRowBatch.delete(schema, TSO, 0, true, row(each.value())));
            for (Struct row :
                    List.of(struct(true, message.keyBytes()), value(message).getStruct("before"))) {
                Schema column = row.schema().field("a").schema();
                assertThat(column.type()).as("%s", each).isEqualTo(each.type());
                assertThat(column.name())
                        .as("%s", each)
                        .isEqualTo(each.semantic().isEmpty() ? null : each.semantic());
                assertThat(column.isOptional()).isEqualTo(each.column().nullable());
                Object value = row.get("a");
                assertThat(value instanceof byte[] bytes ? ByteBuffer.wrap(bytes) : value)
                        .as("%s", each)
                        .isEqualTo(each.expected());
            }
        }
    }

    @Test
    void connectReadsEveryTypeWithoutSchema() {
        JsonConverter converter = converter(false, false);
        for (Case each : cases()) {
            TableSchema schema = table(List.of(each.column()), 0);
            Message message =
                    encode(
                            "&debezium-disable-schema=true",
                            TestRowBatch.insert(schema, TSO, 0, true, row(each.value())));
            Map<?, ?> root = (Map<?, ?>) converter.toConnectData("t", message.valueBytes()).value();
            assertThat(root).hasSize(1);
            Map<?, ?> payload = member(root, "payload");
            Object value = java.util.Objects.requireNonNull(member(payload, "after").get("a"));
            Object expected = each.expected();
            if (expected instanceof ByteBuffer bytes) {
                expected = java.util.Base64.getEncoder().encodeToString(bytes.array());
            }
            if (expected instanceof Float number) {
                assertThat(((Number) value).floatValue()).as("%s", each).isEqualTo(number);
            } else if (expected instanceof Number number) {
                assertThat(((Number) value).doubleValue())
                        .as("%s", each)
                        .isEqualTo(number.doubleValue());
            } else {
                assertThat(value).as("%s", each).isEqualTo(expected);
            }
        }
    }

    private static Map<?, ?> member(Map<?, ?> object, String name) {
        return (Map<?, ?>) java.util.Objects.requireNonNull(object.get(name));
    }

    @Test
    void nullIsNullForEveryTypeAlsoWhereThereIsADefault() {
        for (ColumnKind kind : ColumnKind.values()) {
            Column plain = Column.of("a", kind);
            Column column =
                    new Column(
                            "a",
                            kind,
                            plain.typeText(),
                            false,
                            true,
                            8,
                            0,
                            plain.charset(),
                            "",
                            List.of(),
                            Column.Generated.NONE,
                            false,
                            Optional.of("'7'"));
            TableSchema schema = table(List.of(column));
            Message message =
                    encode("", TestRowBatch.insert(schema, TSO, 0, true, row((Object) null)));
            Struct after = value(message).getStruct("after");
            assertThat(after.get("a")).as("%s", kind).isNull();
            assertThat(struct(true, message.keyBytes()).schema().fields()).isEmpty();
        }
    }

    @Test
    void datesThatNoCalendarHasAreNullWhereTheyMay() {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("d", ColumnKind.DATE),
                                Column.of("t", ColumnKind.DATETIME)));
        Struct after =
                value(
                                encode(
                                        "",
                                        TestRowBatch.insert(
                                                schema,
                                                TSO,
                                                0,
                                                true,
                                                row("2021-02-31", "0000-00-00 00:00:00"))))
                        .getStruct("after");
        assertThat(after.get("d")).isNull();
        assertThat(after.get("t")).isNull();
    }

    @Test
    void timestampsAreInstantsWhateverTheZoneOfTheJob() {
        TableSchema schema = table(List.of(Column.of("t", ColumnKind.TIMESTAMP)));
        SinkSpec plain = SinkSpec.of("kafka://h/t?protocol=debezium");
        SinkSpec spec =
                new SinkSpec(plain.uri(), Map.of(), List.of(), true, false, "Europe/Berlin");
        assertThat(Protocols.of(spec).timestampZone(spec.timeZone())).isEqualTo("UTC");
        RowEncoder encoder = Protocols.of(spec).encoder(spec, CONTEXT);
        // Both are 02:30 in Berlin.
        for (String utc : List.of("2026-10-25 00:30:00", "2026-10-25 01:30:00")) {
            Message message = encode(encoder, TestRowBatch.insert(schema, TSO, 0, true, row(utc)));
            assertThat(value(message).getStruct("after").getString("t"))
                    .isEqualTo(utc.replace(' ', 'T') + "Z");
        }
    }

    @Test
    void keysAreInColumnOrderAndVirtualColumnsAreLeftOut() {
        Column v = Column.of("v", ColumnKind.INT);
        Column virtual =
                new Column(
                        "v",
                        v.kind(),
                        v.typeText(),
                        false,
                        false,
                        0,
                        0,
                        "binary",
                        "",
                        List.of(),
                        Column.Generated.VIRTUAL,
                        false,
                        Optional.empty());
        TableSchema schema =
                table(
                        List.of(
                                Column.of("a", ColumnKind.INT),
                                virtual,
                                Column.of("b", ColumnKind.INT)),
                        2,
                        0);
        Message message = encode("", TestRowBatch.insert(schema, TSO, 0, true, row(1, 2, 3)));
        assertThat(struct(true, message.keyBytes()).schema().fields())
                .extracting(Field::name)
                .containsExactly("a", "b");
        assertThat(value(message).getStruct("after").schema().fields())
                .extracting(Field::name)
                .containsExactly("a", "b");
    }

    @Test
    void namesOfSchemasHaveSafeCharactersOnly() {
        assertThat(SchemaNames.of("1-a", new TableName("d.ä", "t-1.漢 x")))
                .isEqualTo("_1_a.d___.t-1.____x");
    }

    @Test
    void theExtensionTellsTypesOfTiDb() {
        TableSchema schema =
                table(
                        List.of(
                                typed("u", ColumnKind.INT, "int unsigned", true),
                                Column.of("b", ColumnKind.BLOB)),
                        0);
        Message message =
                encode(
                        "&enable-tidb-extension=true",
                        TestRowBatch.insert(schema, TSO, 0, true, row(1, new byte[] {1, 2})));

        assertThat(text(message.valueBytes()))
                .contains(
                        "{\"tidb_type\":\"INT UNSIGNED\",\"type\":\"int64\",\"optional\":true,"
                                + "\"field\":\"u\"}",
                        "{\"tidb_type\":\"BLOB\",\"type\":\"string\",\"optional\":true,"
                                + "\"field\":\"b\"}");
        DecodedEvent.Row decoded =
                (DecodedEvent.Row)
                        decoder.decode(message.keyBytes(), message.valueBytes()).getFirst();
        assertThat(decoded.after().get("b")).isEqualTo(new byte[] {1, 2});
    }

    @Test
    void watermarksNeedTheExtension() {
        assertThat(encoder("").hasWatermarks()).isFalse();
        RowEncoder encoder = encoder("&enable-tidb-extension=true");
        assertThat(encoder.hasWatermarks()).isTrue();
        Message message = new Message();
        encoder.appendWatermark(TSO, message);

        Struct key = struct(true, message.keyBytes());
        assertThat(key.schema().name()).isEqualTo("test_cluster.watermark.Key");
        assertThat(key.schema().fields()).isEmpty();
        Struct value = value(message);
        assertThat(value.schema().name()).isEqualTo("test_cluster.watermark.Envelope");
        assertThat(value.getString("op")).isEqualTo("m");
        assertThat(text(message.valueBytes()))
                .startsWith(
                        SOURCE.replace("\"test\"", "\"\"").replace("\"t1\"", "\"\"")
                                + "\"transaction\":null,\"op\":\"m\"},\"schema\":");
        assertThat(decoder.decode(message.keyBytes(), message.valueBytes()))
                .containsExactly(new DecodedEvent.Watermark(TSO));
    }

    private static SchemaChange ddl(SchemaChange.Change part) {
        return new SchemaChange(TSO, new TestPosition(TSO, 0), part.query(), "test", List.of(part));
    }

    private static Message ddl(
            String options,
            DdlKind kind,
            TableName name,
            Optional<TableName> newName,
            Optional<TableSchema> after) {
        SchemaChange.Change part =
                new SchemaChange.Change(kind, name, newName, Optional.empty(), after, "DDL \"x\"");
        Message message = new Message();
        RowEncoder encoder = encoder(options);
        assertThat(encoder.appendDdl(ddl(part), part, message)).isTrue();
        assertThat(encoder.ddlToAllPartitions()).isTrue();
        return message;
    }

    @Test
    void ddlDescribesTheTableThatItLeaves() {
        Column id =
                new Column(
                        "id",
                        ColumnKind.INT,
                        "int(10) unsigned",
                        true,
                        false,
                        0,
                        0,
                        "binary",
                        "",
                        List.of(),
                        Column.Generated.NONE,
                        false,
                        Optional.empty());
        Column state =
                new Column(
                        "state",
                        ColumnKind.ENUM,
                        "enum('new','paid')",
                        false,
                        true,
                        0,
                        0,
                        "utf8mb4",
                        "",
                        List.of("new", "paid"),
                        Column.Generated.NONE,
                        false,
                        Optional.of("'new'"));
        Column amount =
                column("amount", ColumnKind.DECIMAL, "decimal(10,2)", false, 10, 2, List.of());
        TableSchema table = table(List.of(id, state, amount), 0);
        Message message =
                ddl("", DdlKind.CREATE_TABLE, table.name(), Optional.empty(), Optional.of(table));

        Struct key = struct(true, message.keyBytes());
        assertThat(key.schema().name()).isEqualTo("io.debezium.connector.mysql.SchemaChangeKey");
        assertThat(key.getString("databaseName")).isEqualTo("test");
        Struct value = value(message);
        assertThat(value.schema().name())
                .isEqualTo("io.debezium.connector.mysql.SchemaChangeValue");
        assertThat(value.getString("databaseName")).isEqualTo("test");
        assertThat(value.get("schemaName")).isNull();
        assertThat(value.getString("ddl")).isEqualTo("DDL \"x\"");
        assertThat(value.getArray("tableChanges")).hasSize(1);
        Struct change = (Struct) value.getArray("tableChanges").getFirst();
        assertThat(change.getString("type")).isEqualTo("CREATE");
        assertThat(change.getString("id")).isEqualTo("\"test\".\"t1\"");
        Struct described = change.getStruct("table");
        assertThat(described.getArray("primaryKeyColumnNames")).isEqualTo(List.of("id"));
        List<Struct> columns = described.getArray("columns");
        assertThat(columns)
                .extracting(
                        c -> c.getString("name"),
                        c -> c.getInt32("jdbcType"),
                        c -> c.getString("typeName"),
                        c -> c.getString("charsetName"),
                        c -> c.getInt32("length"),
                        c -> c.getInt32("scale"),
                        c -> c.getInt32("position"),
                        c -> c.getBoolean("optional"),
                        c -> c.getString("defaultValueExpression"),
                        c -> c.getArray("enumValues"))
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(
                                "id", 4, "INT UNSIGNED", null, null, null, 1, false, null, null),
                        org.assertj.core.groups.Tuple.tuple(
                                "state",
                                1,
                                "ENUM",
                                "utf8mb4",
                                1,
                                null,
                                2,
                                true,
                                "new",
                                List.of("'new'", "'paid'")),
                        org.assertj.core.groups.Tuple.tuple(
                                "amount", 3, "DECIMAL", null, 10, 2, 3, true, null, null));
        assertThat(decoder.decode(message.keyBytes(), message.valueBytes()))
                .containsExactly(new DecodedEvent.Ddl(table.name(), TSO, "CREATE", "DDL \"x\""));
    }

    @Test
    void connectReadsDdlOfEveryKindAndEveryType() {
        List<Column> columns = new ArrayList<>();
        for (Case each : cases()) {
            columns.add(
                    new Column(
                            "c" + columns.size(),
                            each.column().kind(),
                            each.column().typeText(),
                            each.column().unsigned(),
                            true,
                            each.column().length(),
                            each.column().scale(),
                            each.column().charset(),
                            "",
                            each.column().elements(),
                            Column.Generated.NONE,
                            false,
                            Optional.of("b'101'")));
        }
        TableSchema table = table(columns, 0);
        for (DdlKind kind : DdlKind.values()) {
            Message message = ddl("", kind, table.name(), Optional.empty(), Optional.of(table));
            Struct value = value(message);
            assertThat(struct(true, message.keyBytes()).getString("databaseName"))
                    .isEqualTo("test");
            boolean empty =
                    List.of(
                                    DdlKind.CREATE_SCHEMA,
                                    DdlKind.DROP_SCHEMA,
                                    DdlKind.SCHEMA_CHARSET,
                                    DdlKind.TRUNCATE_TABLE)
                            .contains(kind);
            assertThat(value.getArray("tableChanges")).as("%s", kind).hasSize(empty ? 0 : 1);
            if (!empty) {
                Struct change = (Struct) value.getArray("tableChanges").getFirst();
                boolean dropped = kind == DdlKind.DROP_TABLE || kind == DdlKind.DROP_VIEW;
                assertThat(change.getString("type").equals("DROP")).isEqualTo(dropped);
                assertThat(change.get("table") == null).isEqualTo(dropped);
            }
        }
    }

    @Test
    void aRenameNamesBothTables() {
        Message message =
                ddl(
                        "&debezium-disable-schema=true",
                        DdlKind.RENAME_TABLE,
                        new TableName("test", "a"),
                        Optional.of(new TableName("test2", "b")),
                        Optional.empty());
        assertThat(text(message.keyBytes()))
                .isEqualTo("{\"payload\":{\"databaseName\":\"test2\"}}");
        assertThat(text(message.valueBytes()))
                .endsWith(
                        "\"ts_ms\":1677512813000,\"databaseName\":\"test2\",\"schemaName\":null,"
                                + "\"ddl\":\"DDL \\\"x\\\"\",\"tableChanges\":[{\"type\":\"ALTER\","
                                + "\"id\":\"\\\"test\\\".\\\"a\\\",\\\"test2\\\".\\\"b\\\"\","
                                + "\"table\":null}]}}");
    }

    @Test
    void theDecoderReadsRowsWithAndWithoutSchemas() {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.BIGINT),
                                Column.of("f", ColumnKind.FLOAT),
                                Column.of("d", ColumnKind.DOUBLE),
                                bits(17),
                                Column.of("n", ColumnKind.INT)),
                        0);
        RowBatch batch =
                TestRowBatch.update(
                        schema, TSO, 0, true, row(1, 1f, 2, 3, null), row(2, 0.1f, 1e300, 513, 4));
        for (String options : List.of("", "&debezium-disable-schema=true")) {
            Message message = encode(options, batch);
            DecodedEvent.Row row =
                    (DecodedEvent.Row)
                            decoder.decode(message.keyBytes(), message.valueBytes()).getFirst();
            assertThat(row.table()).isEqualTo(schema.name());
            assertThat(row.op()).isEqualTo(RowBatch.UPDATE);
            assertThat(row.commitTso()).isEqualTo(TSO);
            assertThat(row.before()).containsEntry("id", 1L).containsEntry("n", null);
            assertThat(row.after())
                    .containsEntry("id", 2L)
                    .containsEntry("d", 1e300)
                    .containsEntry("f", options.isEmpty() ? (Object) 0.1f : 0.1)
                    .containsEntry("a", options.isEmpty() ? (Object) 513L : "AQIA");
        }
        assertThatThrownBy(() -> decoder.decode(null, "{}".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("commit_ts");
        assertThatThrownBy(() -> decoder.decode(null, "{".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(MillraceException.class);
    }

    @Test
    void optionsAreChecked() {
        for (String option :
                List.of(
                        "debezium-disable-schema",
                        "debezium-output-old-value",
                        "enable-tidb-extension")) {
            SinkSpec spec = SinkSpec.of("kafka://h/t?protocol=debezium&" + option + "=maybe");
            assertThatThrownBy(() -> Protocols.of(spec).validate(spec))
                    .isInstanceOf(MillraceException.class)
                    .hasMessageContaining(option);
        }
    }

    @Test
    void aRowAllocatesNothing() {
        List<Column> columns = new ArrayList<>(Tables.wide().columns());
        columns.add(Column.of("date", ColumnKind.DATE));
        columns.add(Column.of("time", ColumnKind.TIME));
        columns.add(decimals("stamp", ColumnKind.TIMESTAMP, 3));
        columns.add(column("bits", ColumnKind.BIT, "bit(17)", true, 17, 0, List.of()));
        TableSchema schema = table(columns, 0);
        List<Object[]> images = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            images.add(
                    row(
                            (long) i,
                            (1L << 31) + i,
                            i * 1.1e6,
                            i * 0.3f,
                            i + ".25",
                            "name \"" + i + "\" <ä>",
                            "2024-01-01 00:00:00",
                            new byte[] {(byte) i, 0, (byte) 200},
                            "{\"k\": " + i + "}",
                            1 + (i & 1),
                            3,
                            "text\n" + i,
                            new byte[] {(byte) i, 1},
                            "2024-01-01",
                            "-12:34:56",
                            "2024-07-01 00:00:00.123",
                            i));
        }
        RowBatch batch = TestRowBatch.update(schema, TSO, 0, true, images.toArray(Object[][]::new));
        RowEncoder encoder = encoder("");
        Message message = new Message();

        long allocated =
                Allocations.perPass(
                        batch,
                        view -> {
                            message.clear();
                            encoder.begin(schema, TSO, "t");
                            encoder.append(view, RowBatch.UPDATE, message);
                            encoder.finish(message);
                        });

        assertThat(allocated).isZero();
    }
}
