package io.millrace.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RingTest {
    /** What the stress test hands over; plain fields, so that only the ring orders them. */
    private static final class Box {
        long a;
        long b;
    }

    @Test
    void givesBackInOrderAndKnowsItsBounds() {
        Ring<Integer> ring = new Ring<>(4);
        assertThat(ring.isEmpty()).isTrue();
        assertThat(ring.poll()).isNull();
        for (int round = 0; round < 10; round++) {
            for (int i = 0; i < 4; i++) {
                assertThat(ring.offer(round * 4 + i)).isTrue();
            }
            assertThat(ring.offer(-1)).isFalse();
            assertThat(ring.isEmpty()).isFalse();
            for (int i = 0; i < 4; i++) {
                assertThat(ring.poll()).isEqualTo(round * 4 + i);
            }
            assertThat(ring.poll()).isNull();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -4, 3, 1 << 21})
    void capacityIsAPowerOfTwo(int capacity) {
        assertThatThrownBy(() -> new Ring<Integer>(capacity))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8, 1024})
    @Timeout(60)
    void twoThreadsLoseNothingAndSeeWholeObjects(int capacity) throws InterruptedException {
        long count = Math.min(300_000, capacity * 2_000L);
        Ring<Box> ring = new Ring<>(capacity);
        AtomicReference<String> wrong = new AtomicReference<>("");
        Thread consumer =
                Thread.ofPlatform()
                        .start(() -> {
                            for (long i = 0; i < count; i++) {
                                Box box = ring.poll();
                                while (box == null) {
                                    Thread.onSpinWait();
                                    if (i % 64 == 0) {
                                        Thread.yield();
                                    }
                                    box = ring.poll();
                                }
                                if (box.a != i || box.b != ~i) {
                                    wrong.set(i + ": " + box.a + " " + box.b);
                                }
                            }
                        });
        for (long i = 0; i < count; i++) {
            Box box = new Box();
            box.a = i;
            box.b = ~i;
            while (!ring.offer(box)) {
                Thread.yield();
            }
        }
        consumer.join();
        assertThat(wrong.get()).isEmpty();
        assertThat(ring.isEmpty()).isTrue();
    }
}
