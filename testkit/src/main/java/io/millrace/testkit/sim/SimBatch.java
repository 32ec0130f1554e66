package io.millrace.testkit.sim;

import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;

/** A row event on its way; the model sinks read the rows from the {@link History}. */
final class SimBatch extends RowBatch {
    final History.Event event;
    private final long tso;
    private final SimPosition after;
    private final boolean last;
    private final Checker checker;

    SimBatch(History.Event event, long tso, SimPosition after, boolean last, Checker checker) {
        this.event = event;
        this.tso = tso;
        this.after = after;
        this.last = last;
        this.checker = checker;
        checker.batchesOut++;
    }

    @Override
    public TableSchema schema() {
        return event.schema;
    }

    @Override
    public int op() {
        return event.op;
    }

    @Override
    public int rowCount() {
        return event.rows;
    }

    @Override
    public int sizeBytes() {
        return event.sizeBytes;
    }

    @Override
    public int eventIndex() {
        return event.index;
    }

    @Override
    public boolean lastOfTransaction() {
        return last;
    }

    @Override
    public long commitTso() {
        return tso;
    }

    @Override
    public SourcePosition positionAfter() {
        return after;
    }

    @Override
    public RowView rows() {
        throw new IllegalStateException("rows of the simulation have no bytes: " + event);
    }

    @Override
    protected void recycle() {
        checker.batchesOut--;
    }
}
