package io.millrace.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.engine.RetryPolicy.Decision;
import io.millrace.core.engine.RetryPolicy.Settings;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RetryPolicyTest {
    private static final MillraceException PASSING =
            new MillraceException(ErrorCode.SINK_CONNECTION, "connection refused");

    /** A clock that is set by hand. */
    private static final class HandClock extends Clock {
        Instant now = Instant.EPOCH;

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

    private RetryPolicy withoutJitter() {
        Settings d = Settings.DEFAULTS;
        return new RetryPolicy(
                new Settings(d.initial(), d.factor(), d.cap(), 0, d.stuck()), clock, new Random(1));
    }

    private Duration waitAfterError(RetryPolicy policy) {
        Decision decision = policy.onError(PASSING);
        assertThat(decision).isInstanceOf(Decision.RetryAt.class);
        Instant due = ((Decision.RetryAt) decision).time();
        Duration wait = Duration.between(clock.now, due);
        clock.now = due;
        return wait;
    }

    @Test
    void firstRetryIsImmediateThenWaitsDoubleUpToTheCap() {
        RetryPolicy policy = withoutJitter();
        long[] seconds = {0, 20, 40, 80, 160, 320, 600};
        for (long expected : seconds) {
            assertThat(waitAfterError(policy)).hasSeconds(expected);
            assertThat(policy.onRestart(7)).isTrue();
        }
    }

    @Test
    void waitCountsFromTheLastRestart() {
        RetryPolicy policy = withoutJitter();
        waitAfterError(policy);
        policy.onRestart(7);
        clock.now = clock.now.plusSeconds(15);
        assertThat(waitAfterError(policy)).hasSeconds(5);
        policy.onRestart(7);
        clock.now = clock.now.plusSeconds(100);
        assertThat(waitAfterError(policy)).isZero();
    }

    @Test
    void jitterStaysInItsBand() {
        RetryPolicy policy = new RetryPolicy(Settings.DEFAULTS, clock, new Random(5));
        waitAfterError(policy);
        policy.onRestart(7);
        assertThat(waitAfterError(policy))
                .isBetween(Duration.ofSeconds(18), Duration.ofSeconds(22))
                .isNotEqualTo(Duration.ofSeconds(20));
    }

    @Test
    void progressEndsTheEpisode() {
        RetryPolicy policy = withoutJitter();
        waitAfterError(policy);
        assertThat(policy.onCheckpoint(9)).as("before the restart").isFalse();
        policy.onRestart(7);
        assertThat(policy.onCheckpoint(7)).as("no further than at the restart").isFalse();
        assertThat(policy.inEpisode()).isTrue();
        assertThat(policy.onCheckpoint(8)).isTrue();
        assertThat(policy.inEpisode()).isFalse();
        assertThat(policy.onCheckpoint(9)).as("already healthy").isFalse();
        assertThat(waitAfterError(policy)).as("a new episode").isZero();
    }

    @Test
    void longEpisodeIsGivenUpWhenARetryIsDue() {
        RetryPolicy policy = withoutJitter();
        int restarts = 0;
        waitAfterError(policy);
        while (policy.onRestart(7)) {
            restarts++;
            waitAfterError(policy);
        }
        // 0 + 20 + 40 + 80 + 160 + 320 + 600 s are within 30 minutes, the next 600 s are not.
        assertThat(restarts).isEqualTo(7);
    }

    @Test
    void aRunThatDoesNothingForTooLongIsStuck() {
        RetryPolicy policy = withoutJitter();
        assertThat(policy.isStuck(0)).as("no trouble").isFalse();
        waitAfterError(policy);
        clock.now = clock.now.plusSeconds(10);
        policy.onRestart(7);
        assertThat(policy.isStuck(0)).isFalse();
        clock.now = clock.now.plus(Duration.ofMinutes(30)).minusSeconds(10);
        assertThat(policy.isStuck(0)).as("exactly 30 min").isFalse();
        clock.now = clock.now.plusSeconds(1);
        assertThat(policy.isStuck(0)).isTrue();
    }

    @Test
    void aRunThatGoesOnWithoutACheckpointIsNotStuck() {
        RetryPolicy policy = withoutJitter();
        waitAfterError(policy);
        policy.onRestart(7);
        for (int rows = 1; rows < 5; rows++) {
            clock.now = clock.now.plus(Duration.ofMinutes(20));
            assertThat(policy.isStuck(rows)).as("%d rows", rows).isFalse();
        }
        clock.now = clock.now.plus(Duration.ofMinutes(31));
        assertThat(policy.isStuck(4)).isTrue();
    }

    /** What a run before has done says nothing of the next. */
    @Test
    void aRestartIsNoStepForward() {
        RetryPolicy policy = withoutJitter();
        waitAfterError(policy);
        policy.onRestart(7);
        policy.isStuck(500);
        clock.now = clock.now.plus(Duration.ofMinutes(29));
        policy.onRestart(7);
        assertThat(policy.isStuck(0)).isFalse();
        clock.now = clock.now.plus(Duration.ofMinutes(2));
        assertThat(policy.isStuck(0)).isTrue();
    }

    @Test
    void aWarningThatLastsIsStuckAndACheckpointEndsIt() {
        RetryPolicy policy = withoutJitter();
        policy.onWarning(7);
        assertThat(policy.isStuck(100)).isFalse();
        clock.now = clock.now.plus(Duration.ofMinutes(20));
        policy.onWarning(7);
        clock.now = clock.now.plus(Duration.ofMinutes(10)).plusSeconds(1);
        assertThat(policy.isStuck(100)).isTrue();
        assertThat(policy.onCheckpoint(7)).isFalse();
        assertThat(policy.onCheckpoint(8)).isTrue();
        assertThat(policy.isStuck(100)).isFalse();
    }

    @Test
    void otherErrorsAreNotRetried() {
        RetryPolicy policy = withoutJitter();
        assertThat(policy.onError(new MillraceException(ErrorCode.SINK_DATA, "duplicate key")))
                .isEqualTo(new Decision.Fail());
    }

    @Test
    void resumeStartsOver() {
        RetryPolicy policy = withoutJitter();
        waitAfterError(policy);
        policy.onRestart(7);
        policy.reset();
        assertThat(policy.onRestart(7)).isTrue();
        assertThat(waitAfterError(policy)).isZero();
    }

    @Test
    void settingsAreChecked() {
        Duration s = Duration.ofSeconds(1);
        assertThatThrownBy(() -> new Settings(Duration.ZERO, 2, s, 0, s))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Settings(s, 0.5, s, 0, s))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Settings(s, 2, s, 1, s))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
