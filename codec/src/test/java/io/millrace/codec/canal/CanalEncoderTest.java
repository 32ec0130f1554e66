package io.millrace.codec.canal;

import static io.millrace.codec.Tables.table;
import static io.millrace.testkit.rows.TestRowBatch.ABSENT;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.alibaba.otter.canal.protocol.CanalEntry;
import com.alibaba.otter.canal.protocol.CanalPacket;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.millrace.codec.Allocations;
import io.millrace.codec.CodecOptions;
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
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Reads what the encoder writes with Canal's own message classes. */
class CanalEncoderTest {
    private static final long TSO = 439749918821711874L;
    private static final CodecOptions DEFAULTS = CodecOptions.of(SinkSpec.of("kafka://h/t"));

    private final CanalDecoder decoder = new CanalDecoder();

    @Test
    void anUpdateHasTheFieldsOfTheFactSheet() throws Exception {
        TableSchema schema =
                table(List.of(Column.of("id", ColumnKind.INT), Column.of("e", ColumnKind.ENUM)), 0);

        CanalEntry.Entry entry =
                entries(
                                encode(
                                        DEFAULTS,
                                        TestRowBatch.update(
                                                schema, TSO, 0, true, row(1, 1), row(1, 2))))
                        .getFirst();

        CanalEntry.Header header = entry.getHeader();
        assertThat(entry.getEntryType()).isEqualTo(CanalEntry.EntryType.ROWDATA);
        assertThat(header.getVersion()).isEqualTo(1);
        assertThat(header.getServerenCode()).isEqualTo("UTF-8");
        assertThat(header.getExecuteTime()).isEqualTo(1677512812888L);
        assertThat(header.getSourceType()).isEqualTo(CanalEntry.Type.MYSQL);
        assertThat(header.getSchemaName()).isEqualTo("test");
        assertThat(header.getTableName()).isEqualTo("t1");
        assertThat(header.getEventType()).isEqualTo(CanalEntry.EventType.UPDATE);
        assertThat(header.getPropsList())
                .extracting(CanalEntry.Pair::getKey, CanalEntry.Pair::getValue)
                .containsExactly(org.assertj.core.groups.Tuple.tuple("rowsCount", "1"));
        CanalEntry.RowChange change = change(entry);
        assertThat(change.getEventType()).isEqualTo(CanalEntry.EventType.UPDATE);
        assertThat(change.getIsDdl()).isFalse();
        assertThat(change.getRowDatasList()).hasSize(1);
        assertThat(change.getRowDatas(0).getBeforeColumnsList())
                .extracting(CanalEncoderTest::describe)
                .containsExactly("id key updated 4 int=1", "e updated 4 enum=1");
        assertThat(change.getRowDatas(0).getAfterColumnsList())
                .extracting(CanalEncoderTest::describe)
                .containsExactly("id key updated 4 int=1", "e updated 4 enum=2");
    }

    @Test
    void insertsHaveTheNewRowAndDeletesTheOldOneThatNothingUpdated() throws Exception {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                Column.of("v", ColumnKind.VARCHAR)),
                        0);

        CanalEntry.RowData insert =
                onlyRow(encode(DEFAULTS, TestRowBatch.insert(schema, TSO, 0, true, row(1, ""))));
        CanalEntry.RowData delete =
                onlyRow(encode(DEFAULTS, TestRowBatch.delete(schema, TSO, 0, true, row(1, null))));

        assertThat(insert.getBeforeColumnsList()).isEmpty();
        assertThat(insert.getAfterColumnsList())
                .extracting(CanalEncoderTest::describe)
                .containsExactly("id key updated 4 int=1", "v updated 12 varchar=");
        assertThat(insert.getAfterColumns(1).getIsNull()).isFalse();
        assertThat(delete.getAfterColumnsList()).isEmpty();
        assertThat(delete.getBeforeColumnsList())
                .extracting(CanalEncoderTest::describe)
                .containsExactly("id key 4 int=1", "v 12 varchar null");
    }

    @Test
    void everyTypeIsReadByCanalAndByTheDecoder() throws Exception {
        record Case(Column column, Object value, String text, int sqlType, Object decoded) {}
        byte[] allBytes = new byte[256];
        for (int i = 0; i < 256; i++) {
            allBytes[i] = (byte) i;
        }
        String allCharacters = new String(allBytes, StandardCharsets.ISO_8859_1);
        List<Case> cases =
                List.of(
                        new Case(Column.of("a", ColumnKind.TINYINT), -128, "-128", -6, -128L),
                        new Case(unsigned("a", ColumnKind.TINYINT), 255, "255", 5, 255L),
                        new Case(Column.of("a", ColumnKind.SMALLINT), -5, "-5", 5, -5L),
                        new Case(unsigned("a", ColumnKind.SMALLINT), 32767, "32767", 5, 32767L),
                        new Case(
                                Column.of("a", ColumnKind.MEDIUMINT),
                                8388607,
                                "8388607",
                                4,
                                8388607L),
                        new Case(Column.of("a", ColumnKind.INT), -1, "-1", 4, -1L),
                        new Case(
                                unsigned("a", ColumnKind.INT),
                                4294967295L,
                                "4294967295",
                                -5,
                                4294967295L),
                        new Case(
                                Column.of("a", ColumnKind.BIGINT),
                                Long.MIN_VALUE,
                                "-9223372036854775808",
                                -5,
                                Long.MIN_VALUE),
                        new Case(
                                unsigned("a", ColumnKind.BIGINT),
                                -1L,
                                "18446744073709551615",
                                3,
                                new BigInteger("18446744073709551615")),
                        new Case(Column.of("a", ColumnKind.FLOAT), 3.14f, "3.14", 7, 3.14f),
                        new Case(
                                Column.of("a", ColumnKind.DOUBLE),
                                1e21,
                                "1000000000000000000000",
                                8,
                                1e21),
                        new Case(
                                Column.of("a", ColumnKind.DECIMAL),
                                "-12.30",
                                "-12.30",
                                3,
                                new BigDecimal("-12.30")),
                        new Case(
                                Column.of("a", ColumnKind.DATE),
                                "0000-00-00",
                                "0000-00-00",
                                91,
                                "0000-00-00"),
                        new Case(
                                Column.of("a", ColumnKind.TIME),
                                "-838:59:59.5",
                                "-838:59:59.5",
                                92,
                                "-838:59:59.5"),
                        new Case(
                                Column.of("a", ColumnKind.DATETIME),
                                "2024-02-29 01:02:03.456",
                                "2024-02-29 01:02:03.456",
                                93,
                                "2024-02-29 01:02:03.456"),
                        new Case(
                                Column.of("a", ColumnKind.TIMESTAMP),
                                "2024-02-29 01:02:03",
                                "2024-02-29 01:02:03",
                                93,
                                "2024-02-29 01:02:03"),
                        new Case(Column.of("a", ColumnKind.YEAR), 2024, "2024", 12, 2024L),
                        new Case(
                                Column.of("a", ColumnKind.VARCHAR),
                                "é\"\n漢😀\0",
                                "é\"\n漢😀\0",
                                12,
                                "é\"\n漢😀\0"),
                        new Case(charset("a", "latin1"), "é€", "é€", 12, "é€"),
                        new Case(
                                Column.of("a", ColumnKind.LONGTEXT),
                                "x".repeat(70_000),
                                "x".repeat(70_000),
                                2005,
                                "x".repeat(70_000)),
                        new Case(
                                Column.of("a", ColumnKind.VARBINARY),
                                allBytes,
                                allCharacters,
                                2004,
                                allBytes),
                        new Case(
                                Column.of("a", ColumnKind.BIT),
                                -1L,
                                "18446744073709551615",
                                -7,
                                new BigInteger("18446744073709551615")),
                        new Case(Column.of("a", ColumnKind.SET), 5, "5", -7, 5L),
                        new Case(
                                Column.of("a", ColumnKind.JSON),
                                "{\"a\": \"<\"}",
                                "{\"a\": \"<\"}",
                                12,
                                "{\"a\": \"<\"}"),
                        new Case(
                                Column.of("a", ColumnKind.VECTOR),
                                new byte[] {0, 0, (byte) 0x80, 0x3F, 0, 0, 0x20, (byte) 0xC1},
                                "[1,-10]",
                                12,
                                "[1,-10]"));
        for (Case each : cases) {
            TableSchema schema = table(List.of(each.column()));
            byte[] message =
                    encode(DEFAULTS, TestRowBatch.insert(schema, TSO, 0, true, row(each.value())));

            CanalEntry.Column column = onlyRow(message).getAfterColumns(0);
            assertThat(column.getValue()).as("%s", each).isEqualTo(each.text());
            assertThat(column.getSqlType()).as("%s", each).isEqualTo(each.sqlType());
            assertThat(column.getIsNull()).isFalse();
            DecodedEvent.Row decoded = (DecodedEvent.Row) decoder.decode(null, message).getFirst();
            assertThat(decoded.after().get("a")).as("%s", each).isEqualTo(each.decoded());
        }
    }

    /** The same bytes as protobuf's own writer, so no reader sees a difference. */
    @Test
    void theBytesAreThoseOfProtobuf() throws Exception {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.BIGINT),
                                unsigned("u", ColumnKind.BIGINT),
                                Column.of("v", ColumnKind.VARCHAR),
                                Column.of("n", ColumnKind.TEXT)),
                        0);
        byte[] message =
                encode(
                        DEFAULTS,
                        TestRowBatch.update(
                                schema,
                                TSO,
                                0,
                                true,
                                row(-1, -1L, "é".repeat(100), null),
                                row(-1, 1L, "", "x".repeat(20_000))));

        CanalPacket.Messages.Builder messages = CanalPacket.Messages.newBuilder();
        for (CanalEntry.Entry entry : entries(message)) {
            CanalEntry.Entry again =
                    entry.toBuilder()
                            .setHeader(entry.getHeader().toBuilder().build())
                            .setStoreValue(change(entry).toByteString())
                            .build();
            messages.addMessages(again.toByteString());
        }
        CanalPacket.Packet packet =
                CanalPacket.Packet.parseFrom(message).toBuilder()
                        .setBody(messages.build().toByteString())
                        .build();

        assertThat(message).isEqualTo(packet.toByteArray());
    }

    @Test
    void severalRowsShareAPacketAndOneCanBeTakenBack() throws Exception {
        TableSchema schema = table(List.of(Column.of("id", ColumnKind.INT)), 0);
        RowBatch batch = TestRowBatch.insert(schema, TSO, 0, true, row(1), row(2), row(3));
        CanalEncoder encoder = new CanalEncoder(DEFAULTS);
        Message message = new Message();
        encoder.begin(schema, TSO, "t");
        RowView rows = batch.rows();
        while (rows.next()) {
            message.mark();
            encoder.append(rows, RowBatch.INSERT, message);
            if (rows.index() == 1) {
                message.rollback();
            }
        }
        int rowsOnly = message.size();
        encoder.finish(message);

        assertThat(encoder.maxRowsPerMessage()).isEqualTo(16);
        assertThat(message.rows()).isEqualTo(2);
        assertThat(message.isKeyed()).isFalse();
        assertThat(message.size() - rowsOnly).isBetween(1, encoder.framingBytes());
        assertThat(entries(message.valueBytes()))
                .extracting(entry -> change(entry).getRowDatas(0).getAfterColumns(0).getValue())
                .containsExactly("1", "3");
        assertThat(decoder.decode(null, message.valueBytes()))
                .extracting(event -> ((DecodedEvent.Row) event).after())
                .containsExactly(Map.of("id", 1L), Map.of("id", 3L));
    }

    @Test
    void aDeleteMayHaveItsKeyOnly() throws Exception {
        CodecOptions options =
                CodecOptions.of(
                        SinkSpec.of("kafka://h/t?delete-only-output-handle-key-columns=true"));
        TableSchema schema =
                table(List.of(Column.of("v", ColumnKind.INT), Column.of("id", ColumnKind.INT)), 1);

        assertThat(
                        onlyRow(
                                        encode(
                                                options,
                                                TestRowBatch.delete(
                                                        schema, TSO, 0, true, row(7, 8))))
                                .getBeforeColumnsList())
                .extracting(CanalEncoderTest::describe)
                .containsExactly("id key 4 int=8");
        assertThat(
                        onlyRow(
                                        encode(
                                                options,
                                                TestRowBatch.insert(
                                                        schema, TSO, 0, true, row(7, 8))))
                                .getAfterColumnsList())
                .hasSize(2);
    }

    @Test
    void theNewRowTakesFromTheOldOneWhatAMinimalImageLeavesOut() throws Exception {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.INT),
                                Column.of("v", ColumnKind.INT),
                                Column.of("w", ColumnKind.INT)),
                        0);
        CanalEntry.RowData data =
                onlyRow(
                        encode(
                                DEFAULTS,
                                TestRowBatch.update(
                                        schema,
                                        TSO,
                                        0,
                                        true,
                                        row(1, ABSENT, ABSENT),
                                        row(ABSENT, 5, ABSENT))));

        assertThat(data.getBeforeColumnsList())
                .extracting(CanalEncoderTest::describe)
                .containsExactly("id key updated 4 int=1");
        assertThat(data.getAfterColumnsList())
                .extracting(CanalEncoderTest::describe)
                .containsExactly("id key updated 4 int=1", "v updated 4 int=5");
    }

    @Test
    void virtualColumnsAreLeftOut() throws Exception {
        Column plain = Column.of("v", ColumnKind.INT);
        Column virtual =
                new Column(
                        plain.name(),
                        plain.kind(),
                        plain.typeText(),
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
        TableSchema schema = table(List.of(virtual, Column.of("id", ColumnKind.INT)), 1);

        assertThat(
                        onlyRow(
                                        encode(
                                                DEFAULTS,
                                                TestRowBatch.insert(
                                                        schema, TSO, 0, true, row(7, 8))))
                                .getAfterColumnsList())
                .extracting(CanalEntry.Column::getName)
                .containsExactly("id");
    }

    @Test
    void ddlHasItsStatementAndGoesToOnePartition() throws Exception {
        CanalEncoder encoder = new CanalEncoder(DEFAULTS);
        SchemaChange.Change part =
                new SchemaChange.Change(
                        DdlKind.RENAME_TABLE,
                        new TableName("test", "t1"),
                        Optional.of(new TableName("test", "t2")),
                        Optional.empty(),
                        Optional.empty(),
                        "RENAME TABLE `test`.`t1` TO `test`.`t2`");
        Message message = new Message();

        assertThat(encoder.appendDdl(ddl(part), part, message)).isTrue();

        CanalEntry.Entry entry = entries(message.valueBytes()).getFirst();
        CanalEntry.RowChange change = change(entry);
        assertThat(entry.getHeader().getEventType()).isEqualTo(CanalEntry.EventType.RENAME);
        assertThat(entry.getHeader().getTableName()).isEqualTo("t2");
        assertThat(entry.getHeader().getPropsList()).isEmpty();
        assertThat(change.getEventType()).isEqualTo(CanalEntry.EventType.RENAME);
        assertThat(change.getIsDdl()).isTrue();
        assertThat(change.getSql()).isEqualTo(part.query());
        assertThat(change.getDdlSchemaName()).isEqualTo("test");
        assertThat(change.getRowDatasList()).isEmpty();
        assertThat(decoder.decode(null, message.valueBytes()))
                .containsExactly(
                        new DecodedEvent.Ddl(
                                new TableName("test", "t2"), 0, "RENAME", part.query()));
        assertThat(encoder.ddlToAllPartitions()).isFalse();
        assertThat(encoder.hasWatermarks()).isFalse();
    }

    @Test
    void everyKindOfDdlHasAnEventTypeOfCanal() throws Exception {
        CanalEncoder encoder = new CanalEncoder(DEFAULTS);
        for (DdlKind kind : DdlKind.values()) {
            SchemaChange.Change part =
                    new SchemaChange.Change(
                            kind,
                            new TableName("test", ""),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            "x");
            Message message = new Message();
            encoder.appendDdl(ddl(part), part, message);
            CanalEntry.EventType type =
                    change(entries(message.valueBytes()).getFirst()).getEventType();
            assertThat(type.getNumber()).as("%s", kind).isGreaterThan(3);
            assertThat(decoder.decode(null, message.valueBytes()))
                    .extracting(event -> ((DecodedEvent.Ddl) event).type())
                    .containsExactly(type.name());
        }
    }

    @Test
    void isFoundByItsName() {
        SinkSpec spec = SinkSpec.of("kafka://h/t?protocol=CANAL&max-batch-size=3");
        assertThat(Protocols.names()).contains("canal");
        try (RowEncoder encoder =
                Protocols.of(spec).encoder(spec, EncoderContext.of(Clock.systemUTC()))) {
            assertThat(encoder.maxRowsPerMessage()).isEqualTo(3);
        }
        SinkSpec wrong = SinkSpec.of("kafka://h/t?protocol=canal&max-batch-size=0");
        assertThatThrownBy(() -> Protocols.of(wrong).validate(wrong))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("max-batch-size");
    }

    @Test
    void bytesThatAreNoMessageAreRefused() throws Exception {
        TableSchema schema = table(List.of(Column.of("id", ColumnKind.INT)), 0);
        byte[] message = encode(DEFAULTS, TestRowBatch.insert(schema, TSO, 0, true, row(1)));

        assertThatThrownBy(() -> decoder.decode(null, null)).isInstanceOf(MillraceException.class);
        for (int length = 1; length < message.length; length++) {
            byte[] cut = Arrays.copyOf(message, length);
            try {
                assertThat(decoder.decode(null, cut)).as("cut at %d", length).isEmpty();
            } catch (MillraceException e) {
                assertThat(e).hasMessageStartingWith("not a canal message: ");
            }
        }
    }

    @Test
    void aRowAllocatesNothing() {
        TableSchema schema =
                table(
                        List.of(
                                Column.of("id", ColumnKind.BIGINT),
                                unsigned("u", ColumnKind.INT),
                                Column.of("d", ColumnKind.DOUBLE),
                                Column.of("f", ColumnKind.FLOAT),
                                Column.of("amount", ColumnKind.DECIMAL),
                                Column.of("name", ColumnKind.VARCHAR),
                                Column.of("at", ColumnKind.DATETIME),
                                Column.of("raw", ColumnKind.VARBINARY),
                                Column.of("doc", ColumnKind.JSON),
                                Column.of("e", ColumnKind.ENUM)),
                        0);
        List<Object[]> images = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            images.add(
                    row(
                            (long) i,
                            (1L << 31) + i,
                            i * 1.1,
                            i * 0.3f,
                            i + ".25",
                            "name " + i + " ä",
                            "2024-01-01 00:00:00",
                            new byte[] {(byte) i, 0, (byte) 200},
                            "{\"k\": " + i + "}",
                            1));
        }
        RowBatch batch = TestRowBatch.update(schema, TSO, 0, true, images.toArray(Object[][]::new));
        CanalEncoder encoder = new CanalEncoder(DEFAULTS);
        Message message = new Message();
        long allocated =
                Allocations.perPass(
                        batch,
                        view -> {
                            message.clear();
                            encoder.begin(schema, TSO + view.index(), "t");
                            encoder.append(view, batch.op(), message);
                            encoder.finish(message);
                        });
        assertThat(allocated).as("bytes for %d rows", batch.rowCount()).isZero();
    }

    private static byte[] encode(CodecOptions options, RowBatch batch) {
        CanalEncoder encoder = new CanalEncoder(options);
        Message message = new Message();
        encoder.begin(batch.schema(), batch.commitTso(), "t");
        for (RowView view = batch.rows(); view.next(); ) {
            encoder.append(view, batch.op(), message);
        }
        encoder.finish(message);
        return message.valueBytes();
    }

    private static List<CanalEntry.Entry> entries(byte[] message) throws Exception {
        CanalPacket.Packet packet = CanalPacket.Packet.parseFrom(message);
        assertThat(packet.getVersion()).isEqualTo(1);
        assertThat(packet.getType()).isEqualTo(CanalPacket.PacketType.MESSAGES);
        CanalPacket.Messages messages = CanalPacket.Messages.parseFrom(packet.getBody());
        assertThat(messages.getBatchId()).isZero();
        List<CanalEntry.Entry> out = new ArrayList<>();
        for (ByteString each : messages.getMessagesList()) {
            out.add(CanalEntry.Entry.parseFrom(each));
        }
        return out;
    }

    private static CanalEntry.RowChange change(CanalEntry.Entry entry) {
        try {
            return CanalEntry.RowChange.parseFrom(entry.getStoreValue());
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    private static CanalEntry.RowData onlyRow(byte[] message) throws Exception {
        List<CanalEntry.Entry> entries = entries(message);
        assertThat(entries).hasSize(1);
        return change(entries.getFirst()).getRowDatas(0);
    }

    private static String describe(CanalEntry.Column column) {
        return column.getName()
                + (column.getIsKey() ? " key" : "")
                + (column.getUpdated() ? " updated" : "")
                + " "
                + column.getSqlType()
                + " "
                + column.getMysqlType()
                + (column.getIsNull() ? " null" : "=")
                + column.getValue();
    }

    private static SchemaChange ddl(SchemaChange.Change part) {
        return new SchemaChange(TSO, new TestPosition(TSO, 0), part.query(), "test", List.of(part));
    }

    private static Column unsigned(String name, ColumnKind kind) {
        return Tables.typed(
                name, kind, kind.name().toLowerCase(java.util.Locale.ROOT) + " unsigned", true);
    }

    private static Column charset(String name, String charset) {
        return new Column(
                name,
                ColumnKind.VARCHAR,
                "varchar(20)",
                false,
                true,
                20,
                0,
                charset,
                "",
                List.of(),
                Column.Generated.NONE,
                false,
                Optional.empty());
    }
}
