package io.millrace.storage.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SessionState;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.rows.TestRowBatch;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.msgpack.core.MessagePack;
import org.msgpack.value.Value;

final class RecordsTest {
    private static final long TSO = 439749918821711874L;

    private final ByteSink log = new ByteSink(64);
    private final RecordEncoder encoder = new RecordEncoder(log);
    private final RecordDecoder decoder = new RecordDecoder();

    /** A table with a column of every kind. */
    private static TableSchema every() {
        List<Column> columns = new ArrayList<>();
        for (ColumnKind kind : ColumnKind.values()) {
            columns.add(Column.of(kind.name().toLowerCase(java.util.Locale.ROOT), kind));
        }
        Column big = columns.get(ColumnKind.BIGINT.ordinal());
        columns.set(
                ColumnKind.BIGINT.ordinal(),
                new Column(
                        big.name(),
                        big.kind(),
                        "bigint unsigned",
                        true,
                        false,
                        20,
                        0,
                        "binary",
                        "",
                        List.of(),
                        Column.Generated.NONE,
                        false,
                        Optional.of("7")));
        return new TableSchema(
                77,
                3,
                new TableName("shop", "every kind"),
                columns,
                List.of(new TableSchema.Key("PRIMARY", true, List.of(0, 1))));
    }

    private static Object[] row(TableSchema schema, int variant) {
        Object[] row = new Object[schema.columns().size()];
        for (int i = 0; i < row.length; i++) {
            Column column = schema.column(i);
            row[i] =
                    switch (column.kind().access()) {
                        case LONG -> column.unsigned() ? -1L - variant : (long) -variant * 40_000;
                        case FLOAT, DOUBLE -> 1.5 * variant;
                        case ASCII -> "12." + variant;
                        case TEXT -> "größer 𝄞 " + variant;
                        case BYTES -> new byte[] {0, -1, (byte) variant};
                    };
            if ((i + variant) % 7 == 0) {
                row[i] = null;
            } else if (variant == 3 && i % 5 == 0) {
                row[i] = TestRowBatch.ABSENT;
            }
        }
        return row;
    }

    /** All that a reader can see of a batch. */
    private static String shown(RowBatch batch) {
        StringBuilder out = new StringBuilder();
        out.append(batch.schema().name()).append(' ').append(batch.op()).append(' ');
        out.append(Long.toUnsignedString(batch.commitTso())).append(' ').append(batch.eventIndex());
        out.append(batch.checksForeignKeys() ? " checked" : "");
        RowView row = batch.rows();
        while (row.next()) {
            out.append("\n#").append(row.index());
            for (int image = 0; image < 2; image++) {
                for (int i = 0; i < batch.schema().columns().size(); i++) {
                    out.append(' ');
                    if (!row.isPresent(image, i)) {
                        out.append("-");
                        continue;
                    }
                    if (row.isNull(image, i)) {
                        out.append("NULL");
                        continue;
                    }
                    ByteSink cell = new ByteSink(16);
                    switch (batch.schema().column(i).kind().access()) {
                        case LONG -> out.append(row.longValue(image, i));
                        case FLOAT, DOUBLE -> out.append(row.doubleValue(image, i));
                        case ASCII, TEXT -> {
                            row.appendText(image, i, cell);
                            out.append(cell);
                        }
                        case BYTES -> {
                            row.appendBytes(image, i, cell);
                            out.append(Arrays.toString(cell.toByteArray()));
                        }
                    }
                }
            }
        }
        return out.toString();
    }

    private List<byte[]> records(int cut) throws IOException {
        ByteArrayInputStream in =
                new ByteArrayInputStream(Arrays.copyOf(log.array(), log.length() - cut));
        List<byte[]> records = new ArrayList<>();
        for (byte[] next = LogFrames.read(in); next != null; next = LogFrames.read(in)) {
            records.add(next);
        }
        return records;
    }

    @Test
    void aBatchComesBackAsItWas() throws IOException {
        TableSchema schema = every();
        List<TestRowBatch> batches =
                List.of(
                        TestRowBatch.insert(schema, TSO, 0, false, row(schema, 0), row(schema, 1)),
                        TestRowBatch.update(schema, TSO, 1, false, row(schema, 2), row(schema, 3)),
                        TestRowBatch.delete(schema, TSO, 2, true, row(schema, 4)));
        batches.forEach(encoder::rows);

        List<byte[]> records = records(0);
        assertThat(records).hasSize(3);
        TableSchema first = null;
        for (int i = 0; i < 3; i++) {
            RecordDecoder.Key key = decoder.key(records.get(i));
            assertThat(key).isEqualTo(new RecordDecoder.Key(TSO, i));
            RowBatch back = decoder.rows(records.get(i), i == 2, false, key);
            assertThat(shown(back)).isEqualTo(shown(batches.get(i)));
            assertThat(back.lastOfTransaction()).isEqualTo(i == 2);
            assertThat(back.rows().index()).as("before the first row").isEqualTo(-1);
            assertThat(back.schema().columns()).isEqualTo(schema.columns());
            assertThat(back.schema().keys()).isEqualTo(schema.keys());
            assertThat(back.schema().tableId()).isEqualTo(77);
            first = first == null ? back.schema() : first;
            assertThat(back.schema()).as("one object per version").isSameAs(first);
        }
    }

    /** Whether foreign keys took other rows along; a record of an earlier version says nothing. */
    @Test
    void foreignKeysThatWereCheckedAreRemembered() throws IOException {
        TableSchema schema = every();
        for (boolean checked : new boolean[] {true, false}) {
            log.clear();
            encoder.rows(
                    TestRowBatch.delete(schema, TSO, 0, true, row(schema, 0))
                            .checksForeignKeys(checked));
            byte[] record = records(0).getFirst();
            RecordDecoder.Key key = decoder.key(record);
            assertThat(decoder.rows(record, true, false, key).checksForeignKeys())
                    .isEqualTo(checked);
            assertThat(decoder.rows(record, true, true, key).checksForeignKeys())
                    .as("what undoes it takes nothing along")
                    .isFalse();
        }
    }

    @Test
    void whatUndoesABatchHasItsImagesExchangedAndItsRowsBackwards() throws IOException {
        TableSchema schema = every();
        encoder.rows(
                TestRowBatch.update(
                        schema,
                        TSO,
                        0,
                        true,
                        row(schema, 0),
                        row(schema, 1),
                        row(schema, 1),
                        row(schema, 2)));
        encoder.rows(TestRowBatch.insert(schema, TSO, 1, true, row(schema, 1), row(schema, 2)));
        List<byte[]> records = records(0);
        RecordDecoder.Key later = new RecordDecoder.Key(TSO + 1, 5);

        assertThat(shown(decoder.rows(records.get(0), true, true, later)))
                .isEqualTo(
                        shown(
                                TestRowBatch.update(
                                        schema,
                                        TSO + 1,
                                        5,
                                        true,
                                        row(schema, 2),
                                        row(schema, 1),
                                        row(schema, 1),
                                        row(schema, 0))));
        assertThat(shown(decoder.rows(records.get(1), true, true, later)))
                .isEqualTo(
                        shown(
                                TestRowBatch.delete(
                                        schema, TSO + 1, 5, true, row(schema, 2), row(schema, 1))));
    }

    @Test
    void aDdlComesBackAsItWas() throws IOException {
        SchemaChange change =
                new SchemaChange(
                        TSO,
                        new RedoPosition(TSO, true),
                        "RENAME TABLE a TO b",
                        "shop",
                        new SessionState(
                                1234567,
                                "+02:00",
                                Optional.of(Set.of("ANSI_QUOTES", "TIME_TRUNCATE_FRACTIONAL")),
                                "utf8mb4_general_ci",
                                "latin1_swedish_ci",
                                "",
                                Optional.of(false)),
                        List.of(
                                new SchemaChange.Change(
                                        DdlKind.RENAME_TABLE,
                                        new TableName("shop", "a"),
                                        Optional.of(new TableName("shop", "b")),
                                        Optional.of(every()),
                                        Optional.empty(),
                                        "RENAME TABLE `shop`.`a` TO `shop`.`b`")));
        encoder.ddl(change);

        byte[] record = records(0).getFirst();
        RecordDecoder.Key key = decoder.key(record);
        assertThat(RecordDecoder.isDdl(key)).isTrue();
        SchemaChange back = decoder.ddl(record, key);
        assertThat(back.commitTso()).isEqualTo(TSO);
        assertThat(back.query()).isEqualTo(change.query());
        assertThat(back.defaultSchema()).isEqualTo("shop");
        assertThat(back.session()).isEqualTo(change.session());
        SchemaChange.Change part = back.changes().getFirst();
        assertThat(part.kind()).isEqualTo(DdlKind.RENAME_TABLE);
        assertThat(part.newName()).contains(new TableName("shop", "b"));
        assertThat(part.before().orElseThrow().columns()).isEqualTo(every().columns());
        assertThat(part.after()).isEmpty();
        assertThat(part.query()).isEqualTo(change.changes().getFirst().query());
    }

    /** The bytes themselves, by the format's description and another reader of MessagePack. */
    @Test
    void theFormatIsTheDocumentedOne() throws IOException {
        TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        new TableName("s", "t"),
                        List.of(Column.of("a", ColumnKind.INT)),
                        List.of());
        encoder.rows(TestRowBatch.insert(schema, TSO, 0, true, TestRowBatch.row(-5)));

        byte[] bytes = log.toByteArray();
        assertThat(bytes.length % 8).isZero();
        long word = 0;
        for (int i = 7; i >= 0; i--) {
            word = word << 8 | bytes[i] & 0xFF;
        }
        int top = (int) (word >>> 56);
        long length = word & 0x00FF_FFFF_FFFF_FFFFL;
        int pad = top == 0 ? 0 : top & 0x7F;
        assertThat(top == 0 || (top & 0x80) != 0).isTrue();
        assertThat(8 + length + pad).isEqualTo(bytes.length);
        assertThat(Arrays.copyOfRange(bytes, 8, 12)).isEqualTo(new byte[] {-1, -1, 0, 2});
        Value record = MessagePack.newDefaultUnpacker(bytes, 12, (int) length - 4).unpackValue();
        assertThat(record.toJson())
                .startsWith(
                        "{\"row\":{\"startTs\":439749918821711874,\"commitTs\":439749918821711874,"
                                + "\"event\":0,\"last\":true,\"op\":\"insert\",")
                .contains("\"rows\":[{\"after\":[-5]}]")
                .endsWith("\"ddl\":null,\"type\":1}");
    }

    @Test
    void aRecordThatWasCutOffIsTheEndOfTheFile() throws IOException {
        TableSchema schema = every();
        encoder.rows(TestRowBatch.insert(schema, TSO, 0, true, row(schema, 0)));
        int first = log.length();
        encoder.rows(TestRowBatch.insert(schema, TSO + 1, 0, true, row(schema, 1)));
        int second = log.length() - first;
        for (int cut : new int[] {second, second - 1, second - 8, second - 20, 9}) {
            assertThat(records(cut)).as("without %d bytes", cut).hasSize(1);
        }
    }

    @Test
    void whatIsNoLogIsAnError() {
        log.put("SELECT 1; SELECT 2; SELECT 3;".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThatThrownBy(() -> records(0)).isInstanceOf(IOException.class);
        log.clear();
        encoder.rows(TestRowBatch.insert(every(), TSO, 0, true, row(every(), 0)));
        log.array()[11] = 9;
        assertThatThrownBy(() -> records(0)).hasMessageContaining("version 2");
    }

    @Test
    void namesSayWhatIsInAFile() {
        for (String job : List.of("default/a-b", "team/a")) {
            RedoFiles files = new RedoFiles("127.0.0.1:8300", job);
            assertThat(RedoFiles.parse(files.log(false, TSO)))
                    .contains(new RedoFiles.Name(job, false, false, TSO));
            assertThat(RedoFiles.parse(files.log(true, TSO)))
                    .contains(new RedoFiles.Name(job, false, true, TSO));
            assertThat(RedoFiles.parse(files.meta()))
                    .contains(new RedoFiles.Name(job, true, false, 0));
        }
        RedoFiles files = new RedoFiles("127.0.0.1:8300", "default/a");
        assertThat(files.log(false, 5)).matches("127\\.0\\.0\\.1:8300_a_row_5_[0-9a-f-]{36}\\.log");
        assertThat(files.meta())
                .matches("127\\.0\\.0\\.1:8300_default_a_meta_[0-9a-f-]{36}\\.meta");
        assertThat(files.deleteMarker()).isEqualTo("delete_a");
        assertThat(new RedoFiles("n", "team/a").deleteMarker()).isEqualTo("delete_team_a");
        assertThat(RedoFiles.parse("readme.txt")).isEmpty();
    }

    @Test
    void metaHasTwoNumbers() throws IOException {
        RedoMeta meta = new RedoMeta(TSO, TSO + 9, 0);
        assertThat(MessagePack.newDefaultUnpacker(meta.encode()).unpackValue().toJson())
                .isEqualTo(
                        "{\"checkpointTs\":439749918821711874,\"resolvedTs\":439749918821711883}");
        assertThat(RedoMeta.decode(meta.encode())).isEqualTo(meta);
        RedoMeta open = new RedoMeta(1, 2, 3);
        assertThat(RedoMeta.decode(open.encode())).isEqualTo(open);
        assertThat(meta.max(open)).isEqualTo(new RedoMeta(TSO, TSO + 9, 3));
    }
}
