package io.millrace.mysql.sink;

import io.millrace.core.model.RowBatch;
import io.millrace.core.spi.Acks;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One accepted batch on its way: released when all its rows are written, acked when all are
 * committed. The two differ only while a large transaction is held open. Thread-safe.
 */
final class RowTask {
    private final long seq;
    private final RowBatch batch;
    private final TablePlan plan;
    private final Acks acks;
    private final AtomicInteger unwritten;
    private final AtomicInteger uncommitted;
    private final AtomicBoolean released = new AtomicBoolean();

    RowTask(long seq, RowBatch batch, TablePlan plan, Acks acks) {
        this.seq = seq;
        this.batch = batch;
        this.plan = plan;
        this.acks = acks;
        unwritten = new AtomicInteger(batch.rowCount());
        uncommitted = new AtomicInteger(batch.rowCount());
    }

    RowBatch batch() {
        return batch;
    }

    TablePlan plan() {
        return plan;
    }

    /** So many rows more are not needed in memory any longer. */
    void written(int rows) {
        if (rows > 0 && unwritten.addAndGet(-rows) == 0) {
            release();
        }
    }

    /** So many rows more are durable. */
    void committed(int rows) {
        if (rows > 0 && uncommitted.addAndGet(-rows) == 0) {
            acks.ack(seq);
        }
    }

    boolean isReleased() {
        return released.get();
    }

    /** Gives the batch back, once. */
    void release() {
        if (released.compareAndSet(false, true)) {
            batch.release();
        }
    }
}
