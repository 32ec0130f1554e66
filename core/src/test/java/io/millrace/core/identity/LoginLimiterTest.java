package io.millrace.core.identity;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

final class LoginLimiterTest {
    private static final class HandClock extends Clock {
        Instant now = Instant.parse("2026-11-22T00:00:00Z");

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    }

    private final HandClock clock = new HandClock();
    private final LoginLimiter limiter = new LoginLimiter(clock);

    private int tries(String name, String address, int wanted) {
        int allowed = 0;
        for (int i = 0; i < wanted; i++) {
            if (limiter.begin(name, address).isEmpty()) {
                allowed++;
            }
        }
        return allowed;
    }

    @Test
    void aNameHasToWaitLongerEachTime() {
        assertThat(tries("alice", "a", 100)).isEqualTo(LoginLimiter.FREE_PER_NAME);
        assertThat(limiter.begin("alice", "b")).hasValue(Duration.ofSeconds(1));
        assertThat(limiter.begin("bob00", "b")).as("another name").isEmpty();
        clock.now = clock.now.plusMillis(1000);
        assertThat(tries("alice", "c", 10)).isEqualTo(1);
        assertThat(limiter.begin("alice", "c")).hasValue(Duration.ofSeconds(2));
        for (int i = 0; i < 20; i++) {
            clock.now = clock.now.plus(LoginLimiter.LONGEST_WAIT);
            assertThat(tries("alice", "address " + i, 5)).isEqualTo(1);
        }
        assertThat(limiter.begin("alice", "c")).hasValue(LoginLimiter.LONGEST_WAIT);
    }

    @Test
    void anAddressHasToWaitWhateverNamesItTries() {
        int allowed = 0;
        for (int i = 0; i < 100; i++) {
            allowed += tries("user" + i, "a", 1);
        }
        assertThat(allowed).isEqualTo(LoginLimiter.FREE_PER_ADDRESS);
    }

    @Test
    void whoLogsInIsNotCounted() {
        for (int i = 0; i < 100; i++) {
            assertThat(limiter.begin("alice", "a")).isEmpty();
            limiter.succeeded("alice", "a");
        }
    }

    @Test
    void failuresAreForgotten() {
        tries("alice", "a", 100);
        clock.now = clock.now.plus(LoginLimiter.FORGOTTEN_AFTER).plusMillis(1);
        assertThat(tries("alice", "a", 100)).isEqualTo(LoginLimiter.FREE_PER_NAME);
    }

    @Test
    void oneAddressDoesNotMakeTheServerForgetOthers() {
        tries("alice", "a", 100);
        for (int i = 0; i < 2 * LoginLimiter.MAX_ENTRIES; i++) {
            limiter.begin("name" + i, "b");
        }
        assertThat(limiter.begin("alice", "c")).isPresent();
    }

    @Test
    void memoryIsBounded() {
        for (int i = 0; i < 3 * LoginLimiter.MAX_ENTRIES; i++) {
            limiter.begin("name" + i, "address" + i);
        }
        assertThat(limiter.size()).isEqualTo(LoginLimiter.MAX_ENTRIES);
    }
}
