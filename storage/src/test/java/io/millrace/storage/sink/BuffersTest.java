package io.millrace.storage.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.ByteSink;
import org.junit.jupiter.api.Test;

final class BuffersTest {
    private static int capacity(ByteSink buffer) {
        return buffer.array().length;
    }

    @Test
    void theNextLargeFileGetsTheBufferOfTheLast() {
        Buffers buffers = new Buffers(1 << 20);
        ByteSink first = buffers.take(0);
        first.put(new byte[100_000]);
        buffers.give(first);
        assertThat(buffers.take(10)).as("a small file").isNotSameAs(first);
        ByteSink again = buffers.take(100_000);
        assertThat(again).isSameAs(first);
        assertThat(again.length()).isZero();
        ByteSink next = buffers.take(100_000);
        assertThat(next).isNotSameAs(first);
        int before = capacity(next);
        next.put(new byte[110_000]);
        assertThat(capacity(next)).as("a file that is a little larger").isEqualTo(before);
    }

    @Test
    void whatIsKeptHasABound() {
        Buffers buffers = new Buffers(200_000);
        ByteSink small = buffers.take(0);
        ByteSink large = buffers.take(100_000);
        ByteSink other = new ByteSink(100_000);
        buffers.give(small);
        buffers.give(large);
        assertThat(buffers.keptBytes()).isEqualTo(capacity(small) + capacity(large));
        buffers.give(other);
        assertThat(buffers.keptBytes()).as("the oldest went").isEqualTo(capacity(other));
        assertThat(buffers.take(90_000)).isSameAs(other);
        buffers.clear();
        assertThat(buffers.keptBytes()).isZero();
    }

    @Test
    void notAllTablesGetLargeBuffersAtOnce() {
        Buffers buffers = new Buffers(1 << 20);
        long all = 0;
        for (int table = 0; table < 100; table++) {
            all += capacity(buffers.take(500_000));
        }
        assertThat(all).isLessThan(2 << 20);
    }
}
