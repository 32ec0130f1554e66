package io.millrace.mysql.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.WireBytes;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.wire.BufferPool;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HeldTransactionTest {
    private static final int MEMORY = 64 << 10;
    private static final int FILE = 256 << 10;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set before the tests
    Path folder;

    private HoldingArea area() {
        return new HoldingArea(folder, MEMORY, FILE);
    }

    private static HeldTransaction transaction(HoldingArea area, int number) {
        return new HeldTransaction(
                area, "x" + number, new BinlogCoordinate("binlog.000001", 4), Optional.empty());
    }

    /** Adds an event with a body of this length, made from its ordinal. */
    private static void add(HeldTransaction to, int ordinal, int length) throws IOException {
        byte[] event = new byte[EventTypes.HEADER_LENGTH + length];
        event[4] = EventTypes.WRITE_ROWS;
        for (int i = 0; i < 4; i++) {
            event[9 + i] = (byte) (event.length >>> 8 * i);
        }
        for (int i = EventTypes.HEADER_LENGTH; i < event.length; i++) {
            event[i] = (byte) (ordinal * 31 + i);
        }
        InputEventSource source =
                new InputEventSource(new ByteArrayInputStream(event), new BufferPool());
        source.next();
        source.load();
        to.add(source, ordinal);
    }

    /** Ordinals of the events, after a look at their bodies. */
    private static List<Integer> read(HeldTransaction from) throws IOException {
        List<Integer> out = new ArrayList<>();
        try (InputStream in = from.open()) {
            InputEventSource source = new InputEventSource(in, new BufferPool());
            while (source.next()) {
                source.load();
                int ordinal = (int) source.timestamp();
                byte[] bytes = source.bytes();
                for (int i = source.bodyStart(); i < source.bodyEnd(); i++) {
                    int at = i - source.bodyStart() + EventTypes.HEADER_LENGTH;
                    assertThat(WireBytes.u8(bytes, i)).isEqualTo(ordinal * 31 + at & 0xFF);
                }
                out.add(ordinal);
            }
        }
        return out;
    }

    @Test
    void manyTransactionsShareOneMemoryAndFewFiles() throws IOException {
        HoldingArea area = area();
        Random random = new Random(7);
        Map<HeldTransaction, List<Integer>> held = new HashMap<>();
        long bytes = 0;
        for (int number = 0; number < 300; number++) {
            HeldTransaction transaction = transaction(area, number);
            List<Integer> ordinals = new ArrayList<>();
            for (int i = random.nextInt(8); i >= 0; i--) {
                int ordinal = random.nextInt(1 << 30);
                int length = 10 + random.nextInt(3_000);
                add(transaction, ordinal, length);
                bytes += length;
                ordinals.add(ordinal);
            }
            held.put(transaction, ordinals);
            // The first bytes of each are beside the limit.
            assertThat(area.memoryUsed()).isLessThan(MEMORY + 300 * 300);
        }
        assertThat(bytes).isGreaterThan(8 * MEMORY);
        assertThat(area.openFiles()).isBetween(1, (int) (bytes / FILE) + 1);
        for (Map.Entry<HeldTransaction, List<Integer>> entry : held.entrySet()) {
            assertThat(read(entry.getKey())).isEqualTo(entry.getValue());
        }
        held.keySet().forEach(HeldTransaction::close);
        assertThat(area.memoryUsed()).isZero();
        assertThat(area.openFiles()).isZero();
        try (var files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void oneLargeTransactionGoesToAFileAndBackToASavepoint() throws IOException {
        HoldingArea area = area();
        HeldTransaction large = transaction(area, 1);
        large.savepoint("start");
        for (int i = 0; i < 20; i++) {
            add(large, i, 10_000);
        }
        large.savepoint("middle");
        for (int i = 20; i < 40; i++) {
            add(large, i, 10_000);
        }
        assertThat(large.rollbackTo("middle")).isTrue();
        add(large, 50, 100_000);
        assertThat(read(large)).hasSize(21).endsWith(18, 19, 50);
        assertThat(large.rollbackTo("start")).isTrue();
        assertThat(large.rollbackTo("other")).isFalse();
        add(large, 60, 10);
        assertThat(read(large)).containsExactly(60);
        large.close();
        large.close();
        assertThat(area.memoryUsed()).isZero();
        assertThat(area.openFiles()).isZero();
    }

    /** One that stays must not keep the space of all that come and go. */
    @Test
    void spaceAtTheEndOfAFileIsUsedAgain() throws IOException {
        HoldingArea area = area();
        HeldTransaction old = transaction(area, 0);
        add(old, 1, 100_000);
        for (int number = 1; number < 100; number++) {
            HeldTransaction one = transaction(area, number);
            add(one, number, 100_000);
            assertThat(read(one)).containsExactly(number);
            one.close();
            assertThat(area.openFiles()).isEqualTo(1);
        }
        assertThat(read(old)).containsExactly(1);
        old.close();
        assertThat(area.openFiles()).isZero();
    }
}
