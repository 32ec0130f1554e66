package io.millrace.core.engine;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.Sink;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The only place where a job's position moves. Events enter in stream order and get a dense {@code
 * seq}; acks come in any order from any thread; {@link #advance} moves over the longest prefix that
 * is acked without a gap, and {@link #checkpoint} is what that prefix amounts to. There is no other
 * way to make a checkpoint, so none can be ahead of the sink.
 *
 * <p>Events that need no delivery (marks, rows of skipped tables) have no seq: {@link #pass} hangs
 * them on the last entry before them, so they count when everything before them is acked.
 *
 * <p>The position may stand inside a transaction; the resolved TSO moves only where one ends.
 *
 * <p>Everything belongs to the pipeline's thread, except what a sink reports through {@link Acks}.
 * An ack is one compare-and-set on the entry's slot, which holds {@code seq * 2}, plus one when
 * acked: a second ack, or one for something never offered, cannot hit another entry by accident.
 */
public class AckLedger implements Acks {
    private final AtomicLongArray slots;
    private final int mask;
    private final @Nullable SourcePosition[] positions;

    /** TSO that is resolved once the entry is acked; 0 when it is inside a transaction. */
    private final long[] resolves;

    /** TSO of the entry itself. */
    private final long[] tsos;

    /** The pipeline's thread; set before the sink can ack. */
    private Parker waiter = new Parker();

    private final AtomicReference<@Nullable MillraceException> failure = new AtomicReference<>();

    private volatile @Nullable MillraceException trouble;

    /** First entry that is not known to be acked. */
    private long head;

    /** Seq of the next entry. */
    private long next;

    private @Nullable SourcePosition position;
    private long resolvedTso;
    private long deliveredTso;

    /**
     * @param start checkpoint to go on from
     * @param startTso resolved TSO when there is no checkpoint
     */
    public AckLedger(Optional<Checkpoint> start, long startTso) {
        this(start, startTso, Sink.MAX_UNACKED);
    }

    AckLedger(Optional<Checkpoint> start, long startTso, int window) {
        if (Integer.bitCount(window) != 1) {
            throw new IllegalArgumentException("ledger window must be a power of two: " + window);
        }
        slots = new AtomicLongArray(window);
        mask = window - 1;
        positions = new SourcePosition[window];
        resolves = new long[window];
        tsos = new long[window];
        position = start.map(Checkpoint::position).orElse(null);
        resolvedTso = start.map(Checkpoint::resolvedTso).orElse(startTso);
        deliveredTso = resolvedTso;
        // Slot 0 must not look like entry 0 before that is appended.
        for (int i = 0; i < window; i++) {
            slots.setPlain(i, -1);
        }
    }

    /** Names who is to be woken by acks. */
    final void wakes(Parker parker) {
        waiter = parker;
    }

    /** Whether another entry fits. */
    public final boolean hasRoom() {
        return next - head <= mask;
    }

    /** Enters an event that will be offered to the sink, and returns its seq. */
    public final long append(ChangeEvent event) {
        if (!hasRoom()) {
            throw new IllegalStateException("ledger window is full at seq " + next);
        }
        boolean ends = !(event instanceof RowBatch batch) || batch.lastOfTransaction();
        int slot = (int) next & mask;
        positions[slot] = event.positionAfter();
        resolves[slot] = ends ? event.commitTso() : 0;
        tsos[slot] = event.commitTso();
        slots.setRelease(slot, next << 1);
        return next++;
    }

    /**
     * Enters something that needs no delivery.
     *
     * @param after where to read on behind it
     * @param tso its TSO
     * @param ends whether a transaction ends with it, so that the TSO is resolved
     */
    public final void pass(SourcePosition after, long tso, boolean ends) {
        if (next == head) {
            position = after;
            if (ends) {
                resolve(tso);
            }
        } else {
            int slot = (int) (next - 1) & mask;
            positions[slot] = after;
            if (ends) {
                resolves[slot] = Math.max(resolves[slot], tso);
            }
        }
    }

    /**
     * Raises the resolved TSO without moving: nothing lies between here and {@code tso}. Only when
     * everything is acked.
     */
    final void resolveAllUpTo(long tso) {
        if (next != head) {
            throw new IllegalStateException((next - head) + " events are not acked");
        }
        resolve(tso);
    }

    private void resolve(long tso) {
        resolvedTso = Math.max(resolvedTso, tso);
    }

    /** {@inheritDoc} */
    @Override
    public final void ack(long seq) {
        int slot = (int) seq & mask;
        if (!slots.compareAndSet(slot, seq << 1, seq << 1 | 1)) {
            fail(
                    new MillraceException(
                            ErrorCode.INTERNAL,
                            "the sink acked event " + seq + " twice or without having it"));
            return;
        }
        waiter.wake();
    }

    /** {@inheritDoc} Only the first counts. */
    @Override
    public final void fail(MillraceException error) {
        failure.compareAndSet(null, error);
        waiter.wake();
    }

    @Override
    public final void troubled(MillraceException why) {
        trouble = why;
    }

    @Override
    public final void goingOn() {
        trouble = null;
    }

    /** What keeps the sink from delivering at the moment; any thread. */
    final Optional<MillraceException> trouble() {
        return Optional.ofNullable(trouble);
    }

    /** The sink's failure, if it reported one. */
    public final Optional<MillraceException> failure() {
        return Optional.ofNullable(failure.get());
    }

    /** Moves over what is acked without a gap; returns how many entries that were. */
    public final int advance() {
        int count = 0;
        while (head < next && acked(head)) {
            int slot = (int) head & mask;
            position = positions[slot];
            positions[slot] = null;
            if (resolves[slot] != 0) {
                resolve(resolves[slot]);
            }
            deliveredTso = Math.max(deliveredTso, tsos[slot]);
            head++;
            count++;
        }
        return count;
    }

    /**
     * Whether the entry is acked. Open to tests alone: an override that lies is how they show that
     * their checks notice a checkpoint ahead of the sink.
     */
    protected boolean acked(long seq) {
        return slots.getAcquire((int) seq & mask) == (seq << 1 | 1);
    }

    /** Entries that are not acked, as of the last {@link #advance}. */
    public final long inFlight() {
        return next - head;
    }

    /** Up to where no transaction is missing downstream, as of the last {@link #advance}. */
    public final long resolvedTso() {
        return resolvedTso;
    }

    /**
     * TSO of the last event that was delivered, as of the last {@link #advance}; before there is
     * one, the resolved TSO that the run began with.
     */
    public final long deliveredTso() {
        return deliveredTso;
    }

    /** What may be saved now; empty when there is no position yet. */
    public final Optional<Checkpoint> checkpoint() {
        SourcePosition at = position;
        return at == null ? Optional.empty() : Optional.of(new Checkpoint(at, resolvedTso));
    }
}
