package io.millrace.core.engine;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Lets one thread wait briefly for others without locks. A wake that comes between the look and the
 * sleep may be missed, so the wait is always bounded and its owner looks again.
 */
final class Parker {
    private volatile @Nullable Thread waiting;

    /**
     * Announces that the calling thread is about to look a last time and then {@link #park}. What
     * is signalled after this call cuts the wait short.
     */
    void prepare() {
        waiting = Thread.currentThread();
    }

    /** Sleeps until woken, or for the given time. */
    void park(long nanos) {
        LockSupport.parkNanos(this, nanos);
        waiting = null;
    }

    /** Ends the preparation without a sleep. */
    void cancel() {
        waiting = null;
    }

    /** Wakes the waiting thread if there is one; costs one read otherwise. */
    void wake() {
        Thread thread = waiting;
        if (thread != null) {
            LockSupport.unpark(thread);
        }
    }
}
