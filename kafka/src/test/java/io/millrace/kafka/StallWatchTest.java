package io.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StallWatchTest {
    private static final long LIMIT = StallWatch.LIMIT_NANOS;

    private final StallWatch watch = new StallWatch();

    @Test
    void tellsOnceWhenNothingIsDeliveredAndOnceWhenItGoesOn() {
        assertThat(watch.look(true, 10, 0)).isFalse();
        assertThat(watch.look(true, 10, LIMIT - 1)).isFalse();
        assertThat(watch.isStalled()).isFalse();
        assertThat(watch.look(true, 10, LIMIT)).isTrue();
        assertThat(watch.isStalled()).isTrue();
        assertThat(watch.look(true, 10, 2 * LIMIT)).isFalse();
        assertThat(watch.isStalled()).isTrue();
        assertThat(watch.look(true, 11, 2 * LIMIT + 1)).isTrue();
        assertThat(watch.isStalled()).isFalse();
        assertThat(watch.look(true, 11, 3 * LIMIT)).isFalse();
        assertThat(watch.look(true, 11, 3 * LIMIT + 1)).isTrue();
    }

    @Test
    void whoHasNothingToDeliverDoesNotStall() {
        assertThat(watch.look(false, 0, 0)).isFalse();
        assertThat(watch.look(false, 0, 5 * LIMIT)).isFalse();
        // The time counts from when there is something.
        assertThat(watch.look(true, 0, 6 * LIMIT)).isFalse();
        assertThat(watch.look(true, 0, 7 * LIMIT - 1)).isFalse();
        assertThat(watch.look(true, 0, 7 * LIMIT)).isTrue();
        assertThat(watch.look(false, 0, 7 * LIMIT + 1)).isTrue();
        assertThat(watch.isStalled()).isFalse();
    }
}
