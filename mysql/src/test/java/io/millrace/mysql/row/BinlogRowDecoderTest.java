package io.millrace.mysql.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.WireRowBatch;
import java.lang.management.ManagementFactory;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BinlogRowDecoderTest {
    private static final ZoneId ZONE = ZoneId.of("America/Sao_Paulo");
    private static final int[] EVENT_TYPES = {23, 24, 25, 30, 31, 32};

    private final BufferPool pool = new BufferPool();
    private final BinlogRowDecoder decoder = new BinlogRowDecoder(pool, ZONE);

    private WireRowBatch decode(RandomRows.Event event, TableMap map, TableSchema schema) {
        // Space before the body, and the checksum behind it.
        byte[] buffer = pool.take(event.body().length + 23);
        System.arraycopy(event.body(), 0, buffer, 19, event.body().length);
        return decoder.decode(
                buffer, 19, 19 + event.body().length, event.type(), map, schema, 42, 3);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void readsWhatTheSlowEncoderWrote(long seed) {
        Random random = new Random(seed);
        RandomRows source = new RandomRows(random, ZONE);
        for (int table = 0; table < 20; table++) {
            List<RandomRows.Type> types = new ArrayList<>();
            int columns = table % 20 == 0 ? 300 : 1 + random.nextInt(20);
            for (int i = 0; i < columns; i++) {
                types.add(source.type());
            }
            TableSchema schema = RandomRows.schema(types);
            TableMap map = RandomRows.map(types);
            for (int k = 0; k < 4; k++) {
                RandomRows.Event event =
                        source.event(
                                types,
                                EVENT_TYPES[random.nextInt(EVENT_TYPES.length)],
                                1 + random.nextInt(20),
                                random.nextBoolean());
                WireRowBatch batch = decode(event, map, schema);
                assertThat(images(batch))
                        .as("seed " + seed + " table " + table)
                        .isEqualTo(event.images());
                assertThat(batch.commitTso()).isEqualTo(42);
                assertThat(batch.eventIndex()).isEqualTo(3);
                batch.release();
            }
        }
    }

    private static List<List<String>> images(RowBatch batch) {
        List<List<String>> images = new ArrayList<>();
        for (RowView row = batch.rows(); row.next(); ) {
            if (batch.op() != RowBatch.INSERT) {
                images.add(image(batch.schema(), row, RowView.BEFORE));
            }
            if (batch.op() != RowBatch.DELETE) {
                images.add(image(batch.schema(), row, RowView.AFTER));
            }
        }
        return images;
    }

    private static List<String> image(TableSchema schema, RowView row, int image) {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < schema.columns().size(); i++) {
            texts.add(
                    row.isPresent(image, i)
                            ? CellText.of(row, image, i, schema.column(i))
                            : RandomRows.ABSENT);
        }
        return texts;
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13})
    void damagedEventsFailAsCorruptOrReadAsSomething(long seed) {
        Random random = new Random(seed);
        RandomRows source = new RandomRows(random, ZONE);
        int refused = 0;
        for (int round = 0; round < 1000; round++) {
            List<RandomRows.Type> types = new ArrayList<>();
            for (int i = 1 + random.nextInt(12); i > 0; i--) {
                types.add(source.type());
            }
            RandomRows.Event event =
                    source.event(
                            types,
                            EVENT_TYPES[random.nextInt(EVENT_TYPES.length)],
                            1 + random.nextInt(5),
                            random.nextBoolean());
            byte[] body = event.body().clone();
            if (random.nextBoolean()) {
                body = Arrays.copyOf(body, random.nextInt(body.length));
            }
            for (int i = random.nextInt(6); i > 0 && body.length > 0; i--) {
                body[random.nextInt(body.length)] = (byte) random.nextInt(256);
            }
            // An array without room behind the event, so that reading on would show.
            TableSchema schema = RandomRows.schema(types);
            try {
                WireRowBatch batch =
                        decoder.decode(
                                body,
                                0,
                                body.length,
                                event.type(),
                                RandomRows.map(types),
                                schema,
                                1,
                                0);
                ByteSink out = new ByteSink(1000);
                for (RowView row = batch.rows(); row.next(); ) {
                    walk(row, schema, batch.op(), out);
                    out.clear();
                }
                batch.release();
            } catch (MillraceException e) {
                assertThat(e.code()).isEqualTo(ErrorCode.UPSTREAM_CORRUPT);
                assertThat(e.text()).contains("s.t");
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(200);
    }

    @Test
    void everyTruncationOfAnEventIsRefused() {
        RandomRows source = new RandomRows(new Random(5), ZONE);
        List<RandomRows.Type> types = new ArrayList<>();
        for (int i = 0; i < 15; i++) {
            types.add(source.type());
        }
        RandomRows.Event event = source.event(types, 31, 1, false);
        TableSchema schema = RandomRows.schema(types);
        TableMap map = RandomRows.map(types);
        for (int length = 0; length < event.body().length; length++) {
            byte[] body = Arrays.copyOf(event.body(), length);
            assertThatThrownBy(() -> decoder.decode(body, 0, body.length, 31, map, schema, 1, 0))
                    .as("length " + length)
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.UPSTREAM_CORRUPT));
        }
        WireRowBatch whole = decode(event, map, schema);
        assertThat(images(whole)).isEqualTo(event.images());
    }

    @Test
    void rowsWithoutColumnsDoNotLoopForEver() {
        TableMap map =
                new TableMap(
                        1,
                        new TableName("s", "t"),
                        new byte[] {3},
                        new int[1],
                        new byte[1],
                        new byte[0],
                        false);
        TableSchema schema =
                new TableSchema(
                        1, 1, map.name(), List.of(Column.of("a", ColumnKind.INT)), List.of());
        byte[] body = HexFormat.of().parseHex("0100000000000100" + "0200" + "01" + "00" + "aabb");
        assertThatThrownBy(() -> decoder.decode(body, 0, body.length, 30, map, schema, 1, 0))
                .hasMessageContaining("a row without columns");
    }

    @Test
    void aTableVersionThatDoesNotFitIsNamed() {
        TableMap map =
                new TableMap(
                        1,
                        new TableName("s", "t"),
                        new byte[] {3},
                        new int[1],
                        new byte[1],
                        new byte[0],
                        false);
        for (List<Column> columns :
                List.of(
                        List.of(Column.of("a", ColumnKind.VARCHAR)),
                        List.of(Column.of("a", ColumnKind.INT), Column.of("b", ColumnKind.INT)))) {
            TableSchema schema = new TableSchema(1, 1, map.name(), columns, List.of());
            assertThatThrownBy(() -> decoder.decode(new byte[20], 0, 20, 30, map, schema, 1, 0))
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e -> {
                                assertThat(e.code()).isEqualTo(ErrorCode.SCHEMA_MISMATCH);
                                assertThat(e.text()).contains("s.t");
                            });
        }
    }

    @Test
    void absentAndNullCellsRefuseToGiveAValue() {
        TableMap map =
                new TableMap(
                        1,
                        new TableName("s", "t"),
                        new byte[] {3, 3},
                        new int[2],
                        new byte[1],
                        new byte[0],
                        false);
        TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        map.name(),
                        List.of(Column.of("a", ColumnKind.INT), Column.of("b", ColumnKind.INT)),
                        List.of());
        byte[] body = HexFormat.of().parseHex("0100000000000100" + "0200" + "02" + "01" + "01");
        RowView row = decoder.decode(body, 0, body.length, 30, map, schema, 1, 0).rows();
        assertThat(row.next()).isTrue();
        assertThat(row.isNull(RowView.AFTER, 0)).isTrue();
        assertThat(row.isPresent(RowView.AFTER, 1)).isFalse();
        assertThat(row.isNull(RowView.AFTER, 1)).isFalse();
        assertThat(row.isPresent(RowView.BEFORE, 0)).isFalse();
        assertThatThrownBy(() -> row.longValue(RowView.AFTER, 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("NULL");
        assertThatThrownBy(() -> row.longValue(RowView.AFTER, 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("absent");
        assertThatThrownBy(() -> row.doubleValue(RowView.BEFORE, 1))
                .isInstanceOf(IllegalStateException.class);
        assertThat(row.next()).isFalse();
        assertThat(row.next()).isFalse();
        row.rewind();
        assertThat(row.next()).isTrue();
    }

    @Test
    void hashesDependOnTheValueAlone() {
        byte[] b = new byte[64];
        new Random(3).nextBytes(b);
        byte[] copy = new byte[80];
        System.arraycopy(b, 0, copy, 9, 64);
        java.util.Set<Long> seen = new java.util.HashSet<>();
        for (int length = 0; length <= 64; length++) {
            assertThat(BinlogRowView.hash(copy, 9, length))
                    .isEqualTo(BinlogRowView.hash(b, 0, length));
            seen.add(BinlogRowView.hash(b, 0, length));
            for (int i = 0; i < length; i++) {
                b[i] ^= 1;
                seen.add(BinlogRowView.hash(b, 0, length));
                b[i] ^= 1;
            }
        }
        assertThat(seen).hasSize(65 + 64 * 65 / 2);
    }

    @Test
    void decodingAndReadingMakesNoGarbage() {
        RandomRows source = new RandomRows(new Random(21), ZONE);
        List<RandomRows.Type> types = new ArrayList<>();
        java.util.Set<ColumnKind> kinds = new java.util.HashSet<>();
        while (kinds.size() < 20 && types.size() < 120) {
            RandomRows.Type type = source.type();
            kinds.add(type.kind());
            types.add(type);
        }
        TableSchema schema = RandomRows.schema(types);
        TableMap map = RandomRows.map(types);
        RandomRows.Event insert = source.event(types, 30, 5, false);
        RandomRows.Event update = source.event(types, 31, 5, true);
        ByteSink out = new ByteSink(1 << 16);
        com.sun.management.ThreadMXBean threads =
                (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long rows = 0;
        long before = 0;
        for (int round = 0; round < 1500; round++) {
            if (round == 500) {
                before = threads.getCurrentThreadAllocatedBytes();
                rows = 0;
            }
            for (int k = 0; k < 2; k++) {
                RandomRows.Event event = k == 0 ? insert : update;
                WireRowBatch batch = decode(event, map, schema);
                for (RowView row = batch.rows(); row.next(); ) {
                    walk(row, schema, batch.op(), out);
                    rows++;
                }
                out.clear();
                batch.release();
            }
        }
        double perRow = (threads.getCurrentThreadAllocatedBytes() - before) / (double) rows;
        assertThat(perRow).isLessThan(1);
    }

    static void walk(RowView row, TableSchema schema, int op, ByteSink out) {
        for (int image = op == RowBatch.INSERT ? RowView.AFTER : RowView.BEFORE;
                image <= (op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER);
                image++) {
            for (int i = 0; i < schema.columns().size(); i++) {
                if (!row.isPresent(image, i)) {
                    continue;
                }
                row.hash(image, i);
                if (row.isNull(image, i)) {
                    continue;
                }
                switch (schema.column(i).kind().access()) {
                    case LONG -> out.putLong(row.longValue(image, i));
                    case FLOAT, DOUBLE -> out.putLong((long) row.doubleValue(image, i));
                    case ASCII, TEXT -> row.appendText(image, i, out);
                    case BYTES -> row.appendBytes(image, i, out);
                }
                row.isUnchanged(i);
            }
        }
    }
}
