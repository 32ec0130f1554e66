package io.millrace.core.spi;

import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableSchema;
import java.util.List;

/**
 * Hands every call on to another sink. Subclasses override what they do otherwise, and nothing
 * else: what they leave alone, and what is added to {@link Sink} later, still reaches the target.
 */
public abstract class ForwardingSink implements Sink {
    /** Where the calls go; closed with this one. */
    protected final Sink target;

    protected ForwardingSink(Sink target) {
        this.target = target;
    }

    @Override
    public void tables(List<TableSchema> tables) {
        target.tables(tables);
    }

    @Override
    public boolean offer(long seq, RowBatch batch) {
        return target.offer(seq, batch);
    }

    @Override
    public boolean offer(long seq, SchemaChange change, boolean replayed) {
        return target.offer(seq, change, replayed);
    }

    @Override
    public void flush() {
        target.flush();
    }

    @Override
    public void transactionEnded(long commitTso) {
        target.transactionEnded(commitTso);
    }

    @Override
    public void resolved(long tso) {
        target.resolved(tso);
    }

    @Override
    public void checkpointSaved(Checkpoint checkpoint) {
        target.checkpointSaved(checkpoint);
    }

    @Override
    public int doWork(long nowNanos) {
        return target.doWork(nowNanos);
    }

    @Override
    public boolean isHeldUp() {
        return target.isHeldUp();
    }

    @Override
    public void close() {
        target.close();
    }
}
