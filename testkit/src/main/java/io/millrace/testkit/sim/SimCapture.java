package io.millrace.testkit.sim;

import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.ResolvedMark;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.testkit.sim.History.Event;
import io.millrace.testkit.sim.History.Transaction;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads a {@link History} as a real capture reads a binlog, except that it is asked for the next
 * event. TSOs come from commit times and the floor in the position, and from nothing else.
 */
final class SimCapture {
    private final World world;
    private final History history;
    private final Checker checker;

    /** Whether events that the filter excludes are handed on all the same. */
    private final boolean sendsUnmatched;

    private int transaction;
    private int event;
    private long floorTso;
    private long lastMarkMs;
    private @Nullable ChangeEvent next;

    SimCapture(World world, CaptureRequest request, boolean sendsUnmatched) {
        this.world = world;
        this.history = world.history;
        this.checker = world.checker;
        this.sendsUnmatched = sendsUnmatched;
        if (request.checkpoint().isPresent()) {
            SimPosition position = (SimPosition) request.checkpoint().get().position();
            transaction = position.transaction();
            event = position.event();
            floorTso = position.floorTso();
        } else {
            floorTso = request.startTso();
        }
    }

    /** The next event if there is one now; stays the next until {@link #taken}. */
    Optional<ChangeEvent> peek() {
        while (next == null && step()) {}
        return Optional.ofNullable(next);
    }

    void taken() {
        next = null;
    }

    boolean isAtEnd() {
        return transaction >= history.transactions.size() && next == null;
    }

    /** When there is something new to read; far in the future at the end. */
    long nextVisibleMs() {
        return transaction < history.transactions.size()
                ? history.transactions.get(transaction).visibleMs
                : Long.MAX_VALUE;
    }

    void close() {
        if (next instanceof RowBatch batch) {
            batch.release();
        }
        next = null;
    }

    /** Reads on by one event or mark; false when there is nothing now. */
    private boolean step() {
        long nowMs = world.nowMs();
        if (nextVisibleMs() > nowMs) {
            return clockMark(nowMs);
        }
        Transaction current = history.transactions.get(transaction);
        long tso = Tso.next(current.commitMs, floorTso);
        int last = lastSeen(current);
        while (event < current.events.size()) {
            Event here = current.events.get(event++);
            if (!isSeen(here)) {
                continue;
            }
            boolean ends = here.index == last;
            SimPosition after = ends ? endOf(tso) : new SimPosition(transaction, event, floorTso);
            next =
                    here.isDdl()
                            ? new SchemaChange(
                                    tso, after, here.changes.get(0).query(), "", here.changes)
                            : new SimBatch(here, tso, after, ends, checker);
            if (ends) {
                enter(after);
            }
            return true;
        }
        SimPosition after = endOf(tso);
        enter(after);
        if (last < 0 && world.random.nextInt(3) > 0) {
            next = new ResolvedMark(tso, after, false);
        }
        return true;
    }

    private SimPosition endOf(long tso) {
        return new SimPosition(transaction + 1, 0, tso);
    }

    private void enter(SimPosition position) {
        transaction = position.transaction();
        event = position.event();
        floorTso = position.floorTso();
    }

    private boolean clockMark(long nowMs) {
        long tso = Tso.of(nowMs, 0);
        if (event != 0
                || tso <= floorTso
                || nowMs - lastMarkMs < 40
                || world.random.nextInt(4) != 0) {
            return false;
        }
        lastMarkMs = nowMs;
        floorTso = tso;
        next = new ResolvedMark(tso, new SimPosition(transaction, 0, tso), true);
        return true;
    }

    private boolean isSeen(Event candidate) {
        return candidate.matched || sendsUnmatched;
    }

    private int lastSeen(Transaction current) {
        int last = -1;
        for (Event candidate : current.events) {
            if (isSeen(candidate)) {
                last = candidate.index;
            }
        }
        return last;
    }
}
