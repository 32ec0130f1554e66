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
