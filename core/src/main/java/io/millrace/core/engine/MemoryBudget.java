package io.millrace.core.engine;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Bytes of row batches that a job may hold. One thread takes, any thread gives back. A batch that
 * is larger than the whole quota is let through when nothing else is held: otherwise it could never
 * pass.
 */
public final class MemoryBudget {
    private final long quota;
    private final AtomicLong used = new AtomicLong();

    /**
     * @param quotaBytes at least 1
     */
    public MemoryBudget(long quotaBytes) {
        if (quotaBytes < 1) {
            throw new IllegalArgumentException("memory quota must be positive: " + quotaBytes);
        }
        this.quota = quotaBytes;
    }

    /** Takes bytes; false when they do not fit now. By one thread only. */
    public boolean tryTake(long bytes) {
        // Others only ever lower the figure between these two lines, so the quota holds.
        long before = used.get();
        if (before > 0 && before + bytes > quota) {
            return false;
        }
        used.addAndGet(bytes);
        return true;
    }

    /** Gives bytes back. */
    public void giveBack(long bytes) {
        long left = used.addAndGet(-bytes);
        assert left >= 0 : "more memory given back than taken";
    }

    /** Bytes held now. */
    public long used() {
        return used.get();
    }

    public long quota() {
        return quota;
    }
}
