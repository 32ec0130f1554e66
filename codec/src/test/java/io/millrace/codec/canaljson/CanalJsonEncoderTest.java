package io.millrace.codec.canaljson;

import static io.millrace.codec.Tables.table;
import static io.millrace.codec.Tables.typed;
import static io.millrace.testkit.rows.TestRowBatch.ABSENT;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.codec.Allocations;
import io.millrace.codec.Compression;
import io.millrace.codec.EncoderContext;
import io.millrace.codec.Message;
import io.millrace.codec.Protocols;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.Tables;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.text.DdlType;
import io.millrace.core.bytes.ByteSink;
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
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CanalJsonEncoderTest {
    private static final long TSO = 439749918821711874L;
    private static final Clock CLOCK =
            Clock.fixed(Instant.ofEpochMilli(1677512813000L), ZoneOffset.UTC);

    private final CanalJsonDecoder decoder = new CanalJsonDecoder();

    @Test
    void writesTheUpdateOfTheFactSheetByteForByte() {
        TableSchema schema =
                table(List.of(Column.of("id", ColumnKind.INT), Column.of("e", ColumnKind.ENUM)), 0);
        RowBatch batch = TestRowBatch.update(schema, TSO, 0, true, row(1, 1), row(1, 2));

        assertThat(encode(CanalJsonConfig.withTidbExtension(), batch))
                .containsExactly(
                        "{\"id\":0,\"database\":\"test\",\"table\":\"t1\",\"pkNames\":[\"id\"],"
                                + "\"isDdl\":false,\"type\":\"UPDATE\",\"es\":1677512812888,"
                                + "\"ts\":1677512813000,\"sql\":\"\",\"sqlType\":{\"id\":4,\"e\":4},"
                                + "\"mysqlType\":{\"id\":\"int\",\"e\":\"enum\"},"
                                + "\"old\":[{\"id\":\"1\",\"e\":\"1\"}],"
                                + "\"data\":[{\"id\":\"1\",\"e\":\"2\"}],"
                                + "\"_tidb\":{\"commitTs\":439749918821711874}}");
    }

    @Test
    void insertsAndDeletesHaveNullForOld() {
        TableSchema schema = table(List.of(Column.of("a", ColumnKind.INT)));

        assertThat(
                        encode(
                                CanalJsonConfig.DEFAULTS,
                                TestRowBatch.insert(
                                        schema, TSO, 0, true, row(7), row((Object) null))))
                .containsExactly(
                        "{\"id\":0,\"database\":\"test\",\"table\":\"t1\",\"pkNames\":[],"
                                + "\"isDdl\":false,\"type\":\"INSERT\",\"es\":1677512812888,"
                                + "\"ts\":1677512813000,\"sql\":\"\",\"sqlType\":{\"a\":4},"
                                + "\"mysqlType\":{\"a\":\"int\"},\"old\":null,"
                                + "\"data\":[{\"a\":\"7\"}]}",
                        "{\"id\":0,\"database\":\"test\",\"table\":\"t1\",\"pkNames\":[],"
                                + "\"isDdl\":false,\"type\":\"INSERT\",\"es\":1677512812888,"
                                + "\"ts\":1677512813000,\"sql\":\"\",\"sqlType\":{\"a\":4},"
                                + "\"mysqlType\":{\"a\":\"int\"},\"old\":null,"
                                + "\"data\":[{\"a\":null}]}");
        assertThat(
                        encode(
                                        CanalJsonConfig.DEFAULTS,
                                        TestRowBatch.delete(schema, TSO, 0, true, row(7)))
                                .getFirst())
                .contains("\"type\":\"DELETE\"")
                .endsWith("\"old\":null,\"data\":[{\"a\":\"7\"}]}");
    }

    @Test
    void everyTypeHasItsTextAndItsNumber() {
        record Case(Column column, Object value, String text, int sqlType, String mysqlType) {}
        byte[] allBytes = new byte[256];
        for (int i = 0; i < 256; i++) {
            allBytes[i] = (byte) i;
        }
        List<Case> cases =
                List.of(
                        new Case(Column.of("a", ColumnKind.TINYINT), -128, "-128", -6, "tinyint"),
                        new Case(Column.of("a", ColumnKind.SMALLINT), -5, "-5", 5, "smallint"),
                        new Case(
                                Column.of("a", ColumnKind.MEDIUMINT),
                                8388607,
                                "8388607",
                                4,
                                "mediumint"),
                        new Case(Column.of("a", ColumnKind.INT), -1, "-1", 4, "int"),
                        new Case(
                                Column.of("a", ColumnKind.BIGINT),
                                Long.MIN_VALUE,
                                "-9223372036854775808",
                                -5,
                                "bigint"),
                        new Case(Column.of("a", ColumnKind.FLOAT), 3.14f, "3.14", 7, "float"),
                        new Case(
                                Column.of("a", ColumnKind.DOUBLE),
                                1e21,
                                "1000000000000000000000",
                                8,
                                "double"),
                        new Case(
                                Column.of("a", ColumnKind.DECIMAL), "12.30", "12.30", 3, "decimal"),
                        new Case(
                                Column.of("a", ColumnKind.DATE),
                                "0000-00-00",
                                "0000-00-00",
                                91,
                                "date"),
                        new Case(
                                Column.of("a", ColumnKind.TIME),
                                "-838:59:59.5",
                                "-838:59:59.5",
                                92,
                                "time"),
                        new Case(
                                Column.of("a", ColumnKind.DATETIME),
                                "2024-02-29 01:02:03.456",
                                "2024-02-29 01:02:03.456",
                                93,
                                "datetime"),
                        new Case(
                                Column.of("a", ColumnKind.TIMESTAMP),
                                "2024-02-29 01:02:03",
                                "2024-02-29 01:02:03",
                                93,
                                "timestamp"),
                        new Case(Column.of("a", ColumnKind.YEAR), 2024, "2024", 12, "year"),
                        new Case(Column.of("a", ColumnKind.CHAR), "x<y", "x<y", 1, "char"),
                        new Case(
                                Column.of("a", ColumnKind.VARCHAR),
                                "é\"\n漢",
                                "é\"\n漢",
                                12,
                                "varchar"),
                        new Case(Column.of("a", ColumnKind.LONGTEXT), "t", "t", 2005, "longtext"),
                        new Case(
                                Column.of("a", ColumnKind.VARBINARY),
                                allBytes,
                                new String(allBytes, StandardCharsets.ISO_8859_1),
                                2004,
                                "varbinary"),
                        new Case(
                                Column.of("a", ColumnKind.TINYBLOB),
                                new byte[] {(byte) 0x89, 'P'},
                                "\u0089P",
                                2004,
                                "tinyblob"),
                        new Case(
                                Column.of("a", ColumnKind.BIT),
                                -1L,
                                "18446744073709551615",
                                -7,
                                "bit"),
                        new Case(Column.of("a", ColumnKind.ENUM), 2, "2", 4, "enum"),
                        new Case(Column.of("a", ColumnKind.SET), 5, "5", -7, "set"),
                        new Case(
                                Column.of("a", ColumnKind.JSON),
                                "{\"a\": \"<\"}",
                                "{\"a\": \"<\"}",
                                12,
                                "json"),
                        new Case(
                                Column.of("a", ColumnKind.VECTOR),
                                new byte[] {0, 0, (byte) 0x80, 0x3F, 0, 0, 0x20, (byte) 0xC1},
                                "[1,-10]",
                                12,
                                "vector"),
                        new Case(
                                typed("a", ColumnKind.GEOMETRY, "point", false),
                                new byte[] {1},
                                "\u0001",
                                2004,
                                "point"));
        for (Case each : cases) {
            TableSchema schema = table(List.of(each.column()));
            CanalJsonMessage message =
                    decode(TestRowBatch.insert(schema, TSO, 0, true, row(each.value())));
            assertThat(message.data())
                    .as("%s", each)
                    .contains(Map.of("a", Optional.of(each.text())));
            assertThat(message.sqlTypes()).as("%s", each).isEqualTo(Map.of("a", each.sqlType()));
            assertThat(message.mysqlTypes()).isEqualTo(Map.of("a", each.mysqlType()));
        }
    }

    @Test
    void unsignedTypesArePromotedByValue() {
        TableSchema schema =
                table(
                        List.of(
                                typed("t", ColumnKind.TINYINT, "tinyint unsigned", true),
                                typed("s", ColumnKind.SMALLINT, "smallint unsigned zerofill", true),
                                typed("m", ColumnKind.MEDIUMINT, "mediumint unsigned", true),
                                typed("i", ColumnKind.INT, "int(10) unsigned zerofill", true),
                                typed("b", ColumnKind.BIGINT, "bigint(20) unsigned", true),
                                typed("d", ColumnKind.DECIMAL, "decimal(10,2) unsigned", true)));
        RowBatch batch =
                TestRowBatch.insert(
                        schema,
                        TSO,
                        0,
                        true,
                        row(127, 32767, 16777215, 2147483647L, Long.MAX_VALUE, "1.00"),
                        row(128, 32768, 16777215, 2147483648L, -1L, "1.00"),
                        row(null, null, null, null, null, null));

        List<CanalJsonMessage> messages = decodeAll(CanalJsonConfig.DEFAULTS, batch);

        assertThat(messages.get(0).sqlTypes().values()).containsExactly(-6, 5, 4, 4, -5, 3);
        assertThat(messages.get(1).sqlTypes().values()).containsExactly(5, 4, 4, -5, 3, 3);
        assertThat(messages.get(2).sqlTypes().values()).containsExactly(-6, 5, 4, 4, -5, 3);
        assertThat(messages.get(1).data().orElseThrow())
                .containsEntry("b", Optional.of("18446744073709551615"));
        assertThat(messages.get(0).mysqlTypes().values())
                .containsExactly(
                        "tinyint unsigned",
                        "smallint unsigned zerofill",
                        "mediumint unsigned",
                        "int unsigned zerofill",
                        "bigint unsigned",
                        "decimal unsigned");
    }

    @Test
    void contentCompatibleHasFullTypesAndOnlyUpdatedColumns() {
        TableSchema schema =
                table(
                        List.of(
                                typed("id", ColumnKind.BIGINT, "bigint(20)", false),
                                typed("e", ColumnKind.ENUM, "enum('a','b')", false)),
                        0);
        CanalJsonMessage message =
                decodeAll(
                                new CanalJsonConfig(false, false, false, true),
                                TestRowBatch.update(schema, TSO, 0, true, row(1, 1), row(1, 2)))
                        .getFirst();

        assertThat(message.mysqlTypes())
                .isEqualTo(Map.of("id", "bigint(20)", "e", "enum('a','b')"));
        assertThat(message.old()).contains(Map.of("e", Optional.of("1")));
    }

    @Test
    void onlyUpdatedColumnsAppearInOld() {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                Column.of("v", ColumnKind.VARCHAR)),
                        0);
        List<CanalJsonMessage> messages =
                decodeAll(
                        new CanalJsonConfig(false, true, false, false),
                        TestRowBatch.update(
                                schema,
                                TSO,
                                0,
                                true,
                                row(1, "a"),
                                row(1, null),
                                row(1, "a"),
                                row(1, "a")));

        assertThat(messages.get(0).old()).contains(Map.of("v", Optional.of("a")));
        assertThat(messages.get(0).data())
                .contains(Map.of("id", Optional.of("1"), "v", Optional.empty()));
        assertThat(messages.get(1).old()).contains(Map.of());
    }

    @Test
    void deletesMayHoldOnlyTheHandleKey() {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("v", ColumnKind.VARCHAR),
                                Column.of("id", ColumnKind.INT)),
                        1);
        CanalJsonMessage message =
                decodeAll(
                                new CanalJsonConfig(false, false, true, false),
                                TestRowBatch.delete(schema, TSO, 0, true, row("a", 1)))
                        .getFirst();

        assertThat(message.data()).contains(Map.of("id", Optional.of("1")));
        assertThat(message.sqlTypes()).isEqualTo(Map.of("id", 4));
        assertThat(message.mysqlTypes()).isEqualTo(Map.of("id", "int"));
    }

    @Test
    void leavesOutWhatAMinimalRowImageLeavesOut() {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                Column.of("v", ColumnKind.VARCHAR),
                                Column.of("w", ColumnKind.INT)),
                        0);
        CanalJsonMessage update =
                decode(
                        TestRowBatch.update(
                                schema,
                                TSO,
                                0,
                                true,
                                row(1, ABSENT, ABSENT),
                                row(ABSENT, "b", ABSENT)));

        assertThat(update.old()).contains(Map.of("id", Optional.of("1")));
        assertThat(update.data()).contains(Map.of("id", Optional.of("1"), "v", Optional.of("b")));
        assertThat(update.sqlTypes()).isEqualTo(Map.of("id", 4, "v", 12));
        assertThat(update.mysqlTypes()).isEqualTo(Map.of("id", "int", "v", "varchar"));
    }

    @Test
    void anUpdateWithAMinimalRowImageKeepsItsKeyWhenOnlyChangesAreWanted() {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                Column.of("v", ColumnKind.VARCHAR)),
                        0);
        CanalJsonEncoder encoder =
                new CanalJsonEncoder(new CanalJsonConfig(false, true, false, false), CLOCK);
        encoder.begin(schema, TSO);
        RowView view =
                TestRowBatch.update(schema, TSO, 0, true, row(1, ABSENT), row(ABSENT, "b")).rows();
        view.next();
        ByteSink out = new ByteSink(64);

        encoder.append(view, RowBatch.UPDATE, out);

        assertThat(out.toString()).endsWith("\"old\":[{}],\"data\":[{\"id\":\"1\",\"v\":\"b\"}]}");
    }

    @Test
    void leavesOutVirtualColumnsAndEscapesNames() {
        Column plain = Column.of("a", ColumnKind.INT);
        Column virtual =
                new Column(
                        "v",
                        ColumnKind.INT,
                        "int",
                        false,
                        true,
                        0,
                        0,
                        "binary",
                        "",
                        List.of(),
                        Column.Generated.VIRTUAL,
                        false,
                        Optional.empty());
        Column odd = Column.of("o\"<", ColumnKind.INT);
        TableSchema schema =
                new TableSchema(
                        1, 1, new TableName("d&b", "t\\"), List.of(plain, virtual, odd), List.of());

        String text =
                encode(
                                CanalJsonConfig.DEFAULTS,
                                TestRowBatch.insert(schema, TSO, 0, true, row(1, 2, 3)))
                        .getFirst();

        assertThat(text)
                .contains("\"database\":\"d\\u0026b\",\"table\":\"t\\\\\"")
                .contains("\"sqlType\":{\"a\":4,\"o\\\"\\u003c\":4}")
                .endsWith("\"data\":[{\"a\":\"1\",\"o\\\"\\u003c\":\"3\"}]}");
    }

    @Test
    void aSplitUpdateWithAMinimalRowImageKeepsTheColumnsThatDidNotChange() {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                Column.of("v", ColumnKind.VARCHAR)),
                        0);
        CanalJsonEncoder encoder = new CanalJsonEncoder(CanalJsonConfig.DEFAULTS, CLOCK);
        encoder.begin(schema, TSO);
        RowView view =
                TestRowBatch.update(schema, TSO, 0, true, row(1, "a"), row(2, ABSENT)).rows();
        view.next();
        ByteSink out = new ByteSink(64);

        encoder.append(view, RowBatch.INSERT, out);

        assertThat(out.toString()).endsWith("\"old\":null,\"data\":[{\"id\":\"2\",\"v\":\"a\"}]}");
    }

    @Test
    void largeRowsAreShortenedAndSaySo() {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                Column.of("v", ColumnKind.VARCHAR)),
                        0);
        RowEncoder encoder = encoder("&large-message-handle-option=handle-key-only");
        assertThat(encoder.canShorten()).isTrue();
        RowView view = TestRowBatch.update(schema, TSO, 0, true, row(1, "a"), row(1, "b")).rows();
        view.next();
        encoder.begin(schema, TSO, "t");
        Message out = new Message();
        encoder.appendShortened(view, RowBatch.UPDATE, Optional.empty(), out);
        assertThat(out.rows()).isEqualTo(1);
        assertThat(out.value().toString())
                .contains("\"sqlType\":{\"id\":4},\"mysqlType\":{\"id\":\"int\"}")
                .endsWith(
                        "\"old\":[{\"id\":\"1\"}],\"data\":[{\"id\":\"1\"}],"
                                + "\"_tidb\":{\"commitTs\":439749918821711874,"
                                + "\"onlyHandleKey\":true}}");
        out.clear();
        encoder.appendShortened(view, RowBatch.DELETE, Optional.of("file:///c/1.json"), out);
        assertThat(out.value().toString())
                .endsWith(
                        "\"old\":null,\"data\":[{\"id\":\"1\"}],"
                                + "\"_tidb\":{\"commitTs\":439749918821711874,"
                                + "\"claimCheckLocation\":\"file:///c/1.json\"}}");
        assertThat(new CanalJsonMessageDecoder(Compression.NONE).decode(null, out.valueBytes()))
                .containsExactly(
                        new DecodedEvent.Row(
                                new TableName("test", "t1"),
                                RowBatch.DELETE,
                                TSO,
                                Map.of("id", 1L),
                                Map.of(),
                                false,
                                Optional.of("file:///c/1.json")));
        TableSchema keyless = table(List.of(Column.of("a", ColumnKind.INT)));
        encoder.begin(keyless, TSO, "t");
        RowView other = TestRowBatch.insert(keyless, TSO, 0, true, row(1)).rows();
        other.next();
        assertThatThrownBy(() ->
                        encoder.appendShortened(
                                other, RowBatch.INSERT, Optional.empty(), new Message()))
                .hasMessageContaining("test.t1");
    }

    @Test
    void wholeValuesAreCompressed() {
        TableSchema schema = table(List.of(Column.of("v", ColumnKind.VARCHAR)), 0);
        for (Compression compression : List.of(Compression.SNAPPY, Compression.LZ4)) {
            RowEncoder encoder = encoder("&large-message-handle-compression=" + compression);
            RowView view = TestRowBatch.insert(schema, TSO, 0, true, row("x".repeat(9000))).rows();
            view.next();
            encoder.begin(schema, TSO, "t");
            Message out = new Message();
            encoder.append(view, RowBatch.INSERT, out);
            assertThat(out.size()).isLessThan(2000);
            CanalJsonMessageDecoder reader = new CanalJsonMessageDecoder(compression);
            DecodedEvent.Row read =
                    (DecodedEvent.Row) reader.decode(null, out.valueBytes()).getFirst();
            assertThat(read.after()).containsEntry("v", "x".repeat(9000));
            out.clear();
            encoder.appendWatermark(TSO, out);
            assertThat(reader.decode(null, out.valueBytes()))
                    .containsExactly(new DecodedEvent.Watermark(TSO));
        }
    }

    private static RowEncoder encoder(String parameters) {
        SinkSpec spec =
                SinkSpec.of(
                        "kafka://h/t?protocol=canal-json&enable-tidb-extension=true" + parameters);
        return Protocols.of(spec).encoder(spec, EncoderContext.of(CLOCK));
    }

    @Test
    void convertsTextOfOtherCharacterSets() {
        Column gbk =
                new Column(
                        "a",
                        ColumnKind.VARCHAR,
                        "varchar(10)",
                        false,
                        true,
                        10,
                        0,
                        "gbk",
                        "",
                        List.of(),
                        Column.Generated.NONE,
                        false,
                        Optional.empty());
        assertThat(
                        decode(TestRowBatch.insert(table(List.of(gbk)), TSO, 0, true, row("漢\"字")))
                                .data())
                .contains(Map.of("a", Optional.of("漢\"字")));
    }

    @Test
    void aSplitUpdateIsADeleteOfTheOldAndAnInsertOfTheNewImage() {
        TableSchema schema = table(List.of(Column.of("id", ColumnKind.INT)), 0);
        RowBatch batch = TestRowBatch.update(schema, TSO, 0, true, row(1), row(2));
        CanalJsonEncoder encoder = new CanalJsonEncoder(CanalJsonConfig.DEFAULTS, CLOCK);
        encoder.begin(schema, TSO);
        RowView view = batch.rows();
        view.next();

        ByteSink out = new ByteSink(64);
        encoder.append(view, RowBatch.DELETE, out);
        assertThat(out.toString())
                .contains("\"type\":\"DELETE\"")
                .endsWith("\"old\":null,\"data\":[{\"id\":\"1\"}]}");
        out.clear();
        encoder.append(view, RowBatch.INSERT, out);
        assertThat(out.toString())
                .contains("\"type\":\"INSERT\"")
                .endsWith("\"old\":null,\"data\":[{\"id\":\"2\"}]}");
    }

    @Test
    void writesDdlAndWatermarksByteForByte() {
        SchemaChange.Change part =
                new SchemaChange.Change(
                        DdlKind.RENAME_TABLE,
                        new TableName("test", "t1"),
                        Optional.of(new TableName("test", "t2")),
                        Optional.empty(),
                        Optional.empty(),
                        "RENAME TABLE `test`.`t1` TO `test`.`t2`");
        SchemaChange change =
                new SchemaChange(
                        TSO, new TestPosition(TSO, 0), part.query(), "test", List.of(part));
        ByteSink out = new ByteSink(64);

        new CanalJsonEncoder(CanalJsonConfig.DEFAULTS, CLOCK).appendDdl(change, part, out);
        String plain =
                "{\"id\":0,\"database\":\"test\",\"table\":\"t2\",\"pkNames\":null,\"isDdl\":true,"
                        + "\"type\":\"RENAME\",\"es\":1677512812888,\"ts\":1677512813000,"
                        + "\"sql\":\"RENAME TABLE `test`.`t1` TO `test`.`t2`\",\"sqlType\":null,"
                        + "\"mysqlType\":null,\"data\":null,\"old\":null";
        assertThat(out.toString()).isEqualTo(plain + "}");

        CanalJsonEncoder extended =
                new CanalJsonEncoder(CanalJsonConfig.withTidbExtension(), CLOCK);
        out.clear();
        extended.appendDdl(change, part, out);
        assertThat(out.toString())
                .isEqualTo(plain + ",\"_tidb\":{\"commitTs\":439749918821711874}}");

        out.clear();
        extended.appendWatermark(TSO, out);
        assertThat(out.toString())
                .isEqualTo(
                        "{\"id\":0,\"database\":\"\",\"table\":\"\",\"pkNames\":null,"
                                + "\"isDdl\":false,\"type\":\"TIDB_WATERMARK\","
                                + "\"es\":1677512812888,\"ts\":1677512813000,\"sql\":\"\","
                                + "\"sqlType\":null,\"mysqlType\":null,\"data\":null,\"old\":null,"
                                + "\"_tidb\":{\"watermarkTs\":439749918821711874}}");
        CanalJsonMessage read = decoder.decode(out.toByteArray());
        assertThat(read.watermark()).isTrue();
        assertThat(read.watermarkTso()).contains(TSO);
    }

    @Test
    void ddlKindsHaveCanalsEventTypes() {
        assertThat(DdlType.of(DdlKind.CREATE_TABLE).name()).isEqualTo("CREATE");
        assertThat(DdlType.of(DdlKind.DROP_TABLE).name()).isEqualTo("ERASE");
        assertThat(DdlType.of(DdlKind.TRUNCATE_TABLE).name()).isEqualTo("TRUNCATE");
        assertThat(DdlType.of(DdlKind.ADD_PRIMARY_KEY).name()).isEqualTo("CINDEX");
        assertThat(DdlType.of(DdlKind.DROP_FOREIGN_KEY).name()).isEqualTo("DINDEX");
        assertThat(DdlType.of(DdlKind.MULTI_SCHEMA_CHANGE).name()).isEqualTo("ALTER");
        assertThat(DdlType.of(DdlKind.CREATE_SCHEMA).name()).isEqualTo("QUERY");
        assertThat(DdlType.of(DdlKind.CREATE_VIEW).name()).isEqualTo("QUERY");
    }

    @Test
    void allocatesNothingPerRow() {
        TableSchema schema = Tables.wide();
        List<RowBatch> batches = new ArrayList<>(Tables.wideBatches(schema, TSO));
        Object[] minimal = Tables.wideRow(3);
        minimal[2] = ABSENT;
        batches.add(TestRowBatch.insert(schema, TSO, 0, true, minimal, minimal, minimal));
        CanalJsonEncoder encoder = new CanalJsonEncoder(CanalJsonConfig.withTidbExtension(), CLOCK);
        ByteSink out = new ByteSink(1 << 20);
        for (RowBatch batch : batches) {
            encoder.begin(schema, TSO);
            long allocated =
                    Allocations.perPass(
                            batch,
                            view -> {
                                out.clear();
                                encoder.append(view, batch.op(), out);
                            });
            assertThat(allocated).as("bytes for %d rows of %s", batch.rowCount(), batch).isZero();
        }
    }

    /** A stream that goes through all tables in turn is the worst for a memory of tables. */
    @Test
    void remembersTenThousandTables() {
        List<RowBatch> batches = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            TableSchema schema =
                    new TableSchema(
                            i,
                            1,
                            new TableName("test", "t" + i),
                            List.of(Column.of("id", ColumnKind.INT)),
                            List.of());
            batches.add(TestRowBatch.insert(schema, TSO, 0, true, row(i)));
        }
        CanalJsonEncoder encoder = new CanalJsonEncoder(CanalJsonConfig.DEFAULTS, CLOCK);
        Runnable all = () -> batches.forEach(batch -> encoder.begin(batch.schema(), TSO));
        long first = Allocations.during(all);
        assertThat(Allocations.during(all)).isLessThan(first / 10);
    }

    private CanalJsonMessage decode(RowBatch batch) {
        return decodeAll(CanalJsonConfig.DEFAULTS, batch).getFirst();
    }

    private List<CanalJsonMessage> decodeAll(CanalJsonConfig config, RowBatch batch) {
        return encode(config, batch).stream()
                .map(text -> decoder.decode(text.getBytes(StandardCharsets.UTF_8)))
                .toList();
    }

    private static List<String> encode(CanalJsonConfig config, RowBatch batch) {
        CanalJsonEncoder encoder = new CanalJsonEncoder(config, CLOCK);
        encoder.begin(batch.schema(), batch.commitTso());
        List<String> out = new ArrayList<>();
        ByteSink sink = new ByteSink(16);
        for (RowView view = batch.rows(); view.next(); ) {
            sink.clear();
            encoder.append(view, batch.op(), sink);
            out.add(sink.toString());
        }
        return out;
    }
}
