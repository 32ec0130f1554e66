package io.millrace.core.model;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Rows of one table version from one fragment of one transaction, in source form. All rows have the
 * same operation.
 *
 * <p>Filled by the capture's thread, immutable once handed over, readable by any number of threads
 * through views of their own. Reference counted: whoever passes it on passes its reference; the
 * last {@link #release} gives the memory back to the capture's pool and its size back to the memory
 * budget. Nobody may touch a batch after releasing.
 */
public abstract non-sealed class RowBatch implements ChangeEvent {
    /** Operation codes; also the bit that says which images a row has is implied by them. */
    public static final int INSERT = 1;

    public static final int UPDATE = 2;
    public static final int DELETE = 3;

    /** Learns that a batch is free; called once per {@link #onRelease}, on any thread. */
    public interface ReleaseHook {
        /**
         * The last reference is gone.
         *
         * @param sizeBytes what {@link RowBatch#sizeBytes} said
         */
        void released(int sizeBytes);
    }

    private final AtomicInteger references = new AtomicInteger(1);
    private @Nullable ReleaseHook hook;

    /** The table version that all rows have. */
    public abstract TableSchema schema();

    /** {@link #INSERT}, {@link #UPDATE} or {@link #DELETE}. */
    public abstract int op();

    /** Number of rows, at least 1. */
    public abstract int rowCount();

    /** Bytes held, as counted against the memory quota. */
    public abstract int sizeBytes();

    /**
     * Ordinal of this batch in its transaction, from 0: with the commit TSO and the row's index it
     * names a row for ever, the same after every restart and with every filter.
     */
    public abstract int eventIndex();

    /** Whether this is the last batch of its transaction that the job sees: the commit follows. */
    public abstract boolean lastOfTransaction();

    /**
     * A new cursor before the first row. One object per call; keep it for all rows of the batch.
     */
    public abstract RowView rows();

    /**
     * The batch as the capture made it: this one itself, unless this is a part of another. Rows
     * have the same index in both.
     */
    public RowBatch source() {
        return this;
    }

    /**
     * Whether the upstream's foreign keys were checked when it changed these rows. Then it also
     * changed the rows that refer to them, where a foreign key asks for that, and no event tells of
     * it.
     */
    public boolean checksForeignKeys() {
        return false;
    }

    /** Called once, when nobody uses the batch any more. */
    protected abstract void recycle();

    /** Makes the batch fresh for another use by the pool that owns it. */
    protected final void resetReferences() {
        references.set(1);
    }

    /** Adds a reference. */
    public final void retain() {
        int before = references.getAndIncrement();
        assert before > 0 : "retain after release";
    }

    /** Drops a reference. */
    public final void release() {
        int left = references.decrementAndGet();
        assert left >= 0 : "released too often";
        if (left == 0) {
            ReleaseHook told = hook;
            hook = null;
            int size = told == null ? 0 : sizeBytes();
            recycle();
            if (told != null) {
                told.released(size);
            }
        }
    }

    /**
     * Asks for one call when the last reference is dropped; the engine's, set before the batch
     * leaves the capture's thread. It lets the engine count memory without knowing the pool.
     */
    public final void onRelease(ReleaseHook newHook) {
        hook = newHook;
    }
}
