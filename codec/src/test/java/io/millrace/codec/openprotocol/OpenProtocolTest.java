package io.millrace.codec.openprotocol;

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
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestPosition;
import io.millrace.testkit.rows.TestRowBatch;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OpenProtocolTest {
    private static final long TSO = 417318403368288260L;

    private static RowEncoder encoder(String parameters) {
        SinkSpec spec = SinkSpec.of("kafka://h/t?protocol=open-protocol" + parameters);
        Protocols.of(spec).validate(spec);
        return Protocols.of(spec).encoder(spec, EncoderContext.of(Clock.systemUTC()));
    }

    /** All rows of a batch in one message. */
    private static Message encode(String parameters, RowBatch batch) {
        RowEncoder encoder = encoder(parameters);
        encoder.begin(batch.schema(), TSO, "t");
        Message out = new Message();
        for (RowView view = batch.rows(); view.next(); ) {
            encoder.append(view, batch.op(), out);
        }
        encoder.finish(out);
        return out;
    }

    /** The value's only record as text. */
    private static String value(String parameters, RowBatch batch) {
        byte[] value = encode(parameters, batch).valueBytes();
        return new String(value, 8, value.length - 8, StandardCharsets.UTF_8);
    }

    private static List<DecodedEvent> decode(Message message) {
        return new OpenProtocolDecoder(Compression.NONE)
                .decode(message.keyBytes(), message.valueBytes());
    }

    private static Column notNull(String name, ColumnKind kind, boolean unsigned) {
        Column of = Column.of(name, kind);
        return new Column(
                name,
                kind,
                of.typeText(),
                unsigned,
                false,
                0,
                0,
                of.charset(),
                "",
                List.of(),
                Column.Generated.NONE,
                false,
                Optional.empty());
    }

    private static TableSchema people() {
        return Tables.table(
                List.of(
                        notNull("id", ColumnKind.INT, false),
                        Column.of("name", ColumnKind.VARCHAR),
                        Column.of("age", ColumnKind.INT)),
                0);
    }

    @Test
    void keysAreFramedAsInTheFactSheet() {
        Message message = encode("", TestRowBatch.insert(people(), TSO, 0, true, row(1, "a", 2)));
        String json = "{\"ts\":417318403368288260,\"scm\":\"test\",\"tbl\":\"t1\",\"t\":1}";
        assertThat(json).hasSize(0x37);
        assertThat(HexFormat.of().formatHex(message.keyBytes()))
                .startsWith("00000000000000010000000000000037" + "7b22")
                .isEqualTo(
                        "00000000000000010000000000000037"
                                + HexFormat.of().formatHex(json.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void watermarksAreAsInTheFactSheet() {
        RowEncoder encoder = encoder("");
        assertThat(encoder.hasWatermarks()).isTrue();
        Message message = new Message();
        encoder.appendWatermark(TSO, message);
        assertThat(HexFormat.of().formatHex(message.keyBytes()))
                .isEqualTo(
                        "0000000000000001000000000000001f7b227473223a3431373331383430333336383238"
                                + "383236302c2274223a337d");
        assertThat(HexFormat.of().formatHex(message.valueBytes())).isEqualTo("0000000000000000");
        assertThat(decode(message)).containsExactly(new DecodedEvent.Watermark(TSO));
    }

    @Test
    void rowsHaveTypesFlagsAndSortedNames() {
        assertThat(value("", TestRowBatch.insert(people(), TSO, 0, true, row(1, "<b>&", null))))
                .isEqualTo(
                        "{\"u\":{\"age\":{\"t\":3,\"f\":65,\"v\":null},"
                                + "\"id\":{\"t\":3,\"h\":true,\"f\":11,\"v\":1},"
                                + "\"name\":{\"t\":15,\"f\":64,\"v\":\"\\u003cb\\u003e\\u0026\"}}}");
        assertThat(value("", TestRowBatch.delete(people(), TSO, 0, true, row(1, "a", 2))))
                .isEqualTo(
                        "{\"d\":{\"age\":{\"t\":3,\"f\":65,\"v\":2},"
                                + "\"id\":{\"t\":3,\"h\":true,\"f\":11,\"v\":1},"
                                + "\"name\":{\"t\":15,\"f\":64,\"v\":\"a\"}}}");
    }

    @Test
    void everyFlagIsSet() {
        Column stored =
                new Column(
                        "g",
                        ColumnKind.INT,
                        "int",
                        false,
                        true,
                        0,
                        0,
                        "binary",
                        "",
                        List.of(),
                        Column.Generated.STORED,
                        false,
                        Optional.empty());
        TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        new TableName("test", "t1"),
                        List.of(
                                notNull("id", ColumnKind.BIGINT, true),
                                Column.of("u1", ColumnKind.VARCHAR),
                                Column.of("u2", ColumnKind.INT),
                                stored,
                                notNull("bits", ColumnKind.BIT, false),
                                Tables.elements("e", ColumnKind.ENUM, "x")),
                        List.of(
                                new TableSchema.Key("PRIMARY", true, List.of(0)),
                                new TableSchema.Key("u", false, List.of(1, 2))));
        assertThat(MysqlTypes.flags(schema, 0)).isEqualTo(139);
        assertThat(MysqlTypes.flags(schema, 1)).isEqualTo(64 + 32 + 16);
        assertThat(MysqlTypes.flags(schema, 2)).isEqualTo(64 + 32 + 16 + 1);
        assertThat(MysqlTypes.flags(schema, 3)).isEqualTo(64 + 4 + 1);
        assertThat(MysqlTypes.flags(schema, 4)).isEqualTo(128 + 1);
        assertThat(MysqlTypes.flags(schema, 5)).isEqualTo(64);
    }

    @Test
    void valuesHaveTheShapeOfTheirType() {
        TableSchema schema =
                Tables.table(
                        List.of(
                                Tables.typed("a", ColumnKind.BIGINT, "bigint unsigned", true),
                                Column.of("b", ColumnKind.DOUBLE),
                                Column.of("c", ColumnKind.VARBINARY),
                                Column.of("d", ColumnKind.TEXT),
                                Column.of("e", ColumnKind.BLOB),
                                Column.of("f", ColumnKind.SET),
                                Column.of("g", ColumnKind.DECIMAL)));
        byte[] png = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
        Message message =
                encode(
                        "",
                        TestRowBatch.insert(
                                schema,
                                TSO,
                                0,
                                true,
                                row(-1L, 1e21, png, "text", png, 5, "12.30")));
        byte[] bytes = message.valueBytes();
        assertThat(new String(bytes, 8, bytes.length - 8, StandardCharsets.UTF_8))
                .isEqualTo(
                        "{\"u\":{\"a\":{\"t\":8,\"f\":193,\"v\":18446744073709551615},"
                                + "\"b\":{\"t\":5,\"f\":65,\"v\":1e+21},"
                                + "\"c\":{\"t\":15,\"f\":65,\"v\":\"\\\\x89PNG\\\\r\\\\n\\\\x1a\\\\n\"},"
                                + "\"d\":{\"t\":252,\"f\":64,\"v\":\"dGV4dA==\"},"
                                + "\"e\":{\"t\":252,\"f\":65,\"v\":\"iVBORw0KGgo=\"},"
                                + "\"f\":{\"t\":248,\"f\":64,\"v\":5},"
                                + "\"g\":{\"t\":246,\"f\":65,\"v\":\"12.30\"}}}");
    }

    @Test
    void updatesMayLeaveOldValuesOut() {
        RowBatch update =
                TestRowBatch.update(people(), TSO, 0, true, row(1, "a", 2), row(1, "b", 2));
        String now =
                "{\"u\":{\"age\":{\"t\":3,\"f\":65,\"v\":2},"
                        + "\"id\":{\"t\":3,\"h\":true,\"f\":11,\"v\":1},"
                        + "\"name\":{\"t\":15,\"f\":64,\"v\":\"b\"}}";
        assertThat(value("", update))
                .isEqualTo(
                        now
                                + ",\"p\":{\"age\":{\"t\":3,\"f\":65,\"v\":2},"
                                + "\"id\":{\"t\":3,\"h\":true,\"f\":11,\"v\":1},"
                                + "\"name\":{\"t\":15,\"f\":64,\"v\":\"a\"}}}");
        assertThat(value("&only-output-updated-columns=true", update))
                .isEqualTo(now + ",\"p\":{\"name\":{\"t\":15,\"f\":64,\"v\":\"a\"}}}");
        assertThat(value("&open-output-old-value=false", update)).isEqualTo(now + "}");
        RowBatch same = TestRowBatch.update(people(), TSO, 0, true, row(1, "b", 2), row(1, "b", 2));
        assertThat(value("&only-output-updated-columns=true", same)).isEqualTo(now + "}");
    }

    @Test
    void deletesMayHoldOnlyTheHandleKey() {
        assertThat(
                        value(
                                "&delete-only-output-handle-key-columns=true",
                                TestRowBatch.delete(people(), TSO, 0, true, row(1, "a", 2))))
                .isEqualTo("{\"d\":{\"id\":{\"t\":3,\"h\":true,\"f\":11,\"v\":1}}}");
    }

    @Test
    void messagesTakeRowsUpToTheBatchSizeAndRollBack() {
        assertThat(encoder("").maxRowsPerMessage()).isEqualTo(16);
        RowEncoder encoder = encoder("&max-batch-size=3");
        assertThat(encoder.maxRowsPerMessage()).isEqualTo(3);
        RowView view =
                TestRowBatch.insert(
                                people(),
                                TSO,
                                0,
                                true,
                                row(1, "a", 1),
                                row(2, "b", 2),
                                row(3, "c", 3))
                        .rows();
        encoder.begin(people(), TSO, "t");
        Message out = new Message();
        view.next();
        encoder.append(view, RowBatch.INSERT, out);
        view.next();
        encoder.append(view, RowBatch.INSERT, out);
        byte[] key = out.keyBytes();
        byte[] value = out.valueBytes();
        out.mark();
        view.next();
        encoder.append(view, RowBatch.INSERT, out);
        assertThat(decode(out)).hasSize(3);
        out.rollback();
        assertThat(out.keyBytes()).isEqualTo(key);
        assertThat(out.valueBytes()).isEqualTo(value);
        assertThat(out.rows()).isEqualTo(2);
        assertThat(decode(out))
                .extracting(event -> ((DecodedEvent.Row) event).after().get("id"))
                .containsExactly(1L, 2L);
        out.clear();
        out.mark();
        encoder.append(view, RowBatch.INSERT, out);
        out.rollback();
        assertThat(out.isKeyed()).isFalse();
    }

    @Test
    void minimalRowImages() {
        DecodedEvent.Row read =
                (DecodedEvent.Row)
                        decode(
                                        encode(
                                                "",
                                                TestRowBatch.update(
                                                        people(),
                                                        TSO,
                                                        0,
                                                        true,
                                                        row(1, ABSENT, ABSENT),
                                                        row(ABSENT, "b", ABSENT))))
                                .getFirst();
        assertThat(read.after()).isEqualTo(Map.of("id", 1L, "name", "b"));
        assertThat(read.before()).isEqualTo(Map.of("id", 1L));
    }

    @Test
    void ddlTellsTheActionCode() {
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
        for (Compression compression : Compression.values()) {
            RowEncoder encoder =
                    encoder(
                            "&large-message-handle-compression="
                                    + compression.name().toLowerCase(java.util.Locale.ROOT));
            Message out = new Message();
            assertThat(encoder.appendDdl(change, part, out)).isTrue();
            if (compression == Compression.NONE) {
                assertThat(out.value().toString())
                        .endsWith("{\"q\":\"RENAME TABLE `test`.`t1` TO `test`.`t2`\",\"t\":14}");
                assertThat(out.key().toString())
                        .endsWith(
                                "{\"ts\":417318403368288260,\"scm\":\"test\",\"tbl\":\"t2\",\"t\":2}");
            }
            assertThat(
                            new OpenProtocolDecoder(compression)
                                    .decode(out.keyBytes(), out.valueBytes()))
                    .containsExactly(
                            new DecodedEvent.Ddl(
                                    new TableName("test", "t2"), TSO, "14", part.query()));
        }
        assertThat(encoder("").ddlToAllPartitions()).isTrue();
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void valuesAreCompressedOneByOne(Compression compression) {
        RowBatch batch =
                TestRowBatch.insert(
                        people(), TSO, 0, true, row(1, "x".repeat(5000), 1), row(2, "b", 2));
        Message message =
                encode(
                        "&large-message-handle-compression="
                                + compression.name().toLowerCase(java.util.Locale.ROOT),
                        batch);
        List<DecodedEvent> read =
                new OpenProtocolDecoder(compression)
                        .decode(message.keyBytes(), message.valueBytes());
        assertThat(read).hasSize(2);
        assertThat(((DecodedEvent.Row) read.getFirst()).after())
                .containsEntry("name", "x".repeat(5000));
        if (compression != Compression.NONE) {
            assertThat(message.valueBytes().length).isLessThan(1000);
        }
    }

    @Test
    void largeRowsAreShortened() {
        RowEncoder encoder = encoder("&large-message-handle-option=handle-key-only");
        assertThat(encoder.canShorten()).isTrue();
        assertThat(encoder("").canShorten()).isFalse();
        RowView view =
                TestRowBatch.update(people(), TSO, 0, true, row(1, "a", 2), row(1, "b", 2)).rows();
        view.next();
        encoder.begin(people(), TSO, "t");
        Message out = new Message();
        encoder.appendShortened(view, RowBatch.UPDATE, Optional.empty(), out);
        assertThat(out.key().toString()).endsWith("\"tbl\":\"t1\",\"t\":1,\"ohk\":true}");
        assertThat(out.value().toString())
                .endsWith(
                        "{\"u\":{\"id\":{\"t\":3,\"h\":true,\"f\":11,\"v\":1}},"
                                + "\"p\":{\"id\":{\"t\":3,\"h\":true,\"f\":11,\"v\":1}}}");
        assertThat(((DecodedEvent.Row) decode(out).getFirst()).onlyHandleKey()).isTrue();
        out.clear();
        encoder.appendShortened(view, RowBatch.UPDATE, Optional.of("file:///c/a&b.json"), out);
        assertThat(out.key().toString()).endsWith("\"t\":1,\"ccl\":\"file:///c/a\\u0026b.json\"}");
        DecodedEvent.Row read = (DecodedEvent.Row) decode(out).getFirst();
        assertThat(read.claimCheck()).contains("file:///c/a&b.json");
        assertThat(read.onlyHandleKey()).isFalse();
        assertThat(read.after()).isEqualTo(Map.of("id", 1L));
    }

    @Test
    void aLargeRowWithoutAKeyIsAnErrorThatNamesTheTable() {
        RowEncoder encoder = encoder("&large-message-handle-option=handle-key-only");
        TableSchema schema = Tables.table(List.of(Column.of("a", ColumnKind.INT)));
        RowView view = TestRowBatch.insert(schema, TSO, 0, true, row(1)).rows();
        view.next();
        encoder.begin(schema, TSO, "t");
        assertThatThrownBy(() ->
                        encoder.appendShortened(
                                view, RowBatch.INSERT, Optional.empty(), new Message()))
                .hasMessageContaining("test.t1")
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.MESSAGE_TOO_LARGE);
    }

    @Test
    void saysWhatIsWrongWithAMessage() {
        OpenProtocolDecoder decoder = new OpenProtocolDecoder(Compression.NONE);
        Message good = encode("", TestRowBatch.insert(people(), TSO, 0, true, row(1, "a", 2)));
        byte[] key = good.keyBytes();
        byte[] value = good.valueBytes();
        assertThatThrownBy(() -> decoder.decode(null, value)).hasMessageContaining("missing");
        assertThatThrownBy(() -> decoder.decode(key, new byte[0])).hasMessageContaining("records");
        assertThatThrownBy(() -> decoder.decode(key, java.util.Arrays.copyOf(value, 20)))
                .hasMessageContaining("cut off");
        byte[] other = key.clone();
        other[7] = 2;
        assertThatThrownBy(() -> decoder.decode(other, value)).hasMessageContaining("version 2");
        assertThatThrownBy(() -> new OpenProtocolDecoder(Compression.LZ4).decode(key, value))
                .hasMessageContaining("LZ4")
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.INVALID_PARAMETER);
    }

    @Test
    void bothNamesWork() {
        assertThat(Protocols.names()).contains("open-protocol").doesNotContain("default");
        SinkSpec spec = SinkSpec.of("kafka://h/t?protocol=Default");
        assertThat(Protocols.of(spec)).isInstanceOf(OpenProtocol.class);
    }

    @Test
    void allocatesNothingPerRow() {
        TableSchema schema = Tables.wide();
        for (String compression : List.of("none", "snappy")) {
            RowEncoder encoder = encoder("&large-message-handle-compression=" + compression);
            Message out = new Message();
            out.value().ensure(1 << 16);
            List<Long> allocated = new ArrayList<>();
            for (RowBatch batch : Tables.wideBatches(schema, TSO)) {
                encoder.begin(schema, TSO, "t");
                allocated.add(
                        Allocations.perPass(
                                batch,
                                view -> {
                                    if (out.rows() == 16) {
                                        out.clear();
                                    }
                                    encoder.append(view, batch.op(), out);
                                }));
            }
            assertThat(allocated).as(compression).containsOnly(0L);
        }
    }
}
