package io.millrace.server;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.jspecify.annotations.Nullable;

/** The real time, and more when told; may stand still. */
final class HandClock extends Clock {
    private volatile Duration ahead = Duration.ZERO;

    private volatile @Nullable Instant stopped;

    void jump(Duration by) {
        ahead = ahead.plus(by);
        Instant at = stopped;
        if (at != null) {
            stopped = at.plus(by);
        }
    }

    /** Stands still until {@link #goOn}, but for jumps. */
    void stop() {
        stopped = instant();
    }

    void goOn() {
        stopped = null;
    }

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
        Instant at = stopped;
        return at == null ? Instant.now().plus(ahead) : at;
    }
}
