package io.millrace.mysql.wire;

import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SourcePosition;
import org.jspecify.annotations.Nullable;

/**
 * A batch that still lacks its place in the transaction. The stream reader holds one batch back
 * until it sees what follows, then seals it and hands it on.
 */
public abstract class WireRowBatch extends RowBatch {
    private @Nullable SourcePosition positionAfter;
    private boolean last;

    /**
     * Fixes what is known only from the next event.
     *
     * @param position where to read on after this batch: inside the transaction, or behind its
     *     commit when {@code lastOfTransaction}
     */
    public final void seal(SourcePosition position, boolean lastOfTransaction) {
        this.positionAfter = position;
        this.last = lastOfTransaction;
    }

    /**
     * Whether every row lies in {@link #wireBytes} as the server wrote it, with all columns: such
     * rows can be put into a rows event for a table of the same definition. Only then may the
     * methods below be called.
     */
    public boolean isVerbatim() {
        return false;
    }

    /** The layout of the rows' bytes. */
    public TableMap wireMap() {
        throw new IllegalStateException("the rows are not as the server wrote them");
    }

    /** The event; read only, and only until the batch is released. */
    public byte[] wireBytes() {
        throw new IllegalStateException("the rows are not as the server wrote them");
    }

    /**
     * Where a row begins in {@link #wireBytes}, both images of an update together; that of the row
     * behind the last is the end.
     */
    public int wireStart(int row) {
        throw new IllegalStateException("the rows are not as the server wrote them");
    }

    @Override
    public final SourcePosition positionAfter() {
        SourcePosition position = positionAfter;
        if (position == null) {
            throw new IllegalStateException("batch is not sealed");
        }
        return position;
    }

    @Override
    public final boolean lastOfTransaction() {
        return last;
    }
}
