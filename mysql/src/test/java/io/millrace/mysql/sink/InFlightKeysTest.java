package io.millrace.mysql.sink;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class InFlightKeysTest {
    private final long[] committed = new long[4];
    private final InFlightKeys keys = new InFlightKeys(worker -> committed[worker]);

    @Test
    void anUncommittedKeyBlocksOtherWorkersOnly() {
        keys.take(42, 1, 5);
        assertThat(keys.blocker(42, 1)).isEqualTo(-1);
        assertThat(keys.blocker(42, 2)).isEqualTo(1);
        committed[1] = 4;
        assertThat(keys.blocker(42, 2)).isEqualTo(1);
        committed[1] = 5;
        assertThat(keys.blocker(42, 2)).isEqualTo(-1);
    }

    @Test
    void growsOnlyForLiveKeys() {
        int before = keys.capacity();
        for (long i = 0; i < 1_000_000; i++) {
            committed[0] = i;
            keys.take(i * 0x9E3779B97F4A7C15L, 0, i + 1);
        }
        assertThat(keys.capacity()).isEqualTo(before);
        committed[0] = 0;
        for (long i = 1; i < 50_000; i++) {
            keys.take(i * 0x9E3779B97F4A7C15L, 0, i);
        }
        assertThat(keys.capacity()).isGreaterThan(before);
        for (long i = 1; i < 50_000; i++) {
            assertThat(keys.blocker(i * 0x9E3779B97F4A7C15L, 3)).isZero();
        }
    }
}
