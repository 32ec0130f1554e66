package io.millrace.core.blackhole;

import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.Sink;
import java.util.concurrent.atomic.AtomicLong;

/** Acks at once and counts; the counts may be read by any thread. */
public final class BlackholeSink implements Sink {
    private final Acks acks;
    private final AtomicLong rows = new AtomicLong();
    private final AtomicLong ddls = new AtomicLong();

    public BlackholeSink(Acks acks) {
        this.acks = acks;
    }

    @Override
    public boolean offer(long seq, RowBatch batch) {
        rows.setRelease(rows.getPlain() + batch.rowCount());
        batch.release();
        acks.ack(seq);
        return true;
    }

    @Override
    public boolean offer(long seq, SchemaChange change, boolean replayed) {
        ddls.setRelease(ddls.getPlain() + 1);
        acks.ack(seq);
        return true;
    }

    @Override
    public void resolved(long tso) {}

    @Override
    public int doWork(long nowNanos) {
        return 0;
    }

    @Override
    public void close() {}

    /** Rows taken so far. */
    public long rows() {
        return rows.getAcquire();
    }

    /** DDL statements taken so far. */
    public long ddls() {
        return ddls.getAcquire();
    }
}
