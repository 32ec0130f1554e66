package io.millrace.core.identity;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.identity.LoginLimiter.Attempt;
import io.millrace.core.identity.LoginLimiter.Subject;
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
            if (limiter.begin(name, address).attempt().isPresent()) {
                allowed++;
            }
        }
        return allowed;
    }

    private void pass(Duration time) {
        clock.now = clock.now.plus(time);
    }

    @Test
    void aNameFromOneAddressHasToWaitLongerEachTime() {
        assertThat(tries("alice", "a", 100)).isEqualTo(Subject.NAME_AT_ADDRESS.free);
        assertThat(limiter.begin("alice", "a").delay()).isEqualTo(Duration.ofSeconds(1));
        assertThat(limiter.begin("bob00", "a").attempt()).as("another name").isPresent();
        pass(Duration.ofSeconds(1));
        assertThat(tries("alice", "a", 10)).isEqualTo(1);
        assertThat(limiter.begin("alice", "a").delay()).isEqualTo(Duration.ofSeconds(2));
        for (int i = 0; i < 20; i++) {
            pass(Duration.ofMinutes(1));
            assertThat(tries("alice", "a", 5)).isEqualTo(1);
        }
        assertThat(limiter.begin("alice", "a").delay()).isEqualTo(Duration.ofMinutes(1));
    }

    @Test
    void aStrangerDoesNotKeepTheOwnerOut() {
        for (int i = 0; i < 1000; i++) {
            tries("alice", "stranger " + i % 50, 1);
            pass(Duration.ofSeconds(1));
        }
        assertThat(limiter.begin("alice", "home").delay())
                .isLessThanOrEqualTo(Subject.NAME.longestWait);
        pass(Subject.NAME.longestWait);
        Attempt owner = limiter.begin("alice", "home").attempt().orElseThrow();
        owner.succeeded();
    }

    @Test
    void anAddressHasToWaitWhateverNamesItTries() {
        int allowed = 0;
        for (int i = 0; i < 100; i++) {
            allowed += tries("user" + i, "a", 1);
        }
        assertThat(allowed).isEqualTo(Subject.ADDRESS.free);
    }

    @Test
    void aNetworkOfVersionSixIsOneAddress() {
        int allowed = 0;
        for (int i = 0; i < 100; i++) {
            allowed += tries("user" + i, "2001:db8:1:2::" + Integer.toHexString(i), 1);
        }
        assertThat(allowed).isEqualTo(Subject.ADDRESS.free);
        assertThat(limiter.begin("user", "2001:db8:1:3::1").attempt()).isPresent();
    }

    @Test
    void whoLogsInIsNotCounted() {
        for (int i = 0; i < 200; i++) {
            limiter.begin("alice", "a").attempt().orElseThrow().succeeded();
            limiter.begin("bob00", "a").attempt().orElseThrow().undecided();
        }
    }

    @Test
    void loginsDoNotKeepTheFailuresOfTheirAddressAlive() {
        for (int i = 0; i < 25; i++) {
            tries("user" + i, "proxy", 1);
            pass(Duration.ofMinutes(1));
        }
        for (int i = 0; i < 12; i++) {
            pass(Duration.ofMinutes(5));
            limiter.begin("alice", "proxy").attempt().orElseThrow().succeeded();
        }
        assertThat(tries("alice", "proxy", 5)).isEqualTo(5);
    }

    @Test
    void failuresAreForgotten() {
        tries("alice", "a", 100);
        pass(LoginLimiter.FORGOTTEN_AFTER.plusMillis(1));
        assertThat(tries("alice", "a", 100)).isEqualTo(Subject.NAME_AT_ADDRESS.free);
    }

    @Test
    void oneAddressDoesNotMakeTheServerForgetOthers() {
        tries("alice", "a", 100);
        for (int i = 0; i < 2 * LoginLimiter.MAX_ENTRIES; i++) {
            limiter.begin("name" + i, "b");
        }
        assertThat(limiter.begin("alice", "a").attempt()).isEmpty();
    }

    @Test
    void memoryIsBounded() {
        for (int i = 0; i < 3 * LoginLimiter.MAX_ENTRIES; i++) {
            limiter.begin("name" + i, "address" + i);
        }
        assertThat(limiter.size()).isEqualTo(LoginLimiter.MAX_ENTRIES);
    }
}
