package io.millrace.kafka;

import java.util.concurrent.TimeUnit;

/**
 * Tells when a sink that has something to deliver delivers nothing for a while, long before a
 * time-out ends the run. Belongs to one thread.
 */
final class StallWatch {
    /** So long without anything delivered is worth telling. */
    static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(5);

    private boolean waiting;
    private boolean stalled;
    private long delivered;
    private long sinceNanos;

    /**
     * Looks at the state of things.
     *
     * @param waits whether anything is to be delivered
     * @param deliveredBytes grows with what is delivered
     * @return whether the answer of {@link #isStalled} changed
     */
    boolean look(boolean waits, long deliveredBytes, long nowNanos) {
        boolean before = stalled;
        if (!waits || !waiting || deliveredBytes != delivered) {
            waiting = waits;
            delivered = deliveredBytes;
            sinceNanos = nowNanos;
            stalled = false;
        } else if (nowNanos - sinceNanos >= LIMIT_NANOS) {
            stalled = true;
        }
        return stalled != before;
    }

    boolean isStalled() {
        return stalled;
    }
}
