package io.millrace.testkit.sim;

import io.millrace.core.model.Checkpoint;
import io.millrace.testkit.sim.History.Event;
import io.millrace.testkit.sim.History.Piece;
import io.millrace.testkit.sim.History.Transaction;
import org.jspecify.annotations.Nullable;

/**
 * What must be true, asked at every moment at which it could become false. Outlives all crashes: it
 * is not part of the simulated system.
 */
final class Checker {
    private final History history;
    private final boolean[] pieceDurable;
    private final int[] piecesLeft;
    private final long[] tsoOf;
    private long promisedTso;
    private int firstMissing;
    private @Nullable SimPosition savedPosition;

    /** Batches that somebody still has a reference to. */
    int batchesOut;

    Checker(History history) {
        this.history = history;
        this.pieceDurable = new boolean[history.pieceCount];
        this.piecesLeft = new int[history.expected.size()];
        for (Event event : history.expected) {
            piecesLeft[event.ordinal] =
                    event.isDdl() ? event.wantedChanges.size() : event.pieces.size();
        }
        this.tsoOf = new long[history.transactions.size()];
    }

    /** The engine shows an event to the sink. */
    void offered(Event event, long tso, long targetTso) {
        if (event.ordinal < 0) {
            throw new Violation("invented: the sink was offered what it must not see: " + event);
        }
        if (targetTso > 0 && tso > targetTso) {
            throw new Violation("delivered beyond the target TSO: " + event);
        }
        int index = event.transaction.index;
        if (tsoOf[index] == 0) {
            if (tso <= promisedTso) {
                throw new Violation(
                        "TSO "
                                + tso
                                + " comes after a promise that nothing up to "
                                + promisedTso
                                + " is missing: "
                                + event);
            }
            tsoOf[index] = tso;
        } else if (tsoOf[index] != tso) {
            throw new Violation(
                    "TSO changed from " + tsoOf[index] + " to " + tso + " by a restart: " + event);
        }
    }

    /** The engine tells the sink, or writes down, that nothing up to here is missing. */
    void promised(long tso) {
        if (firstMissing < history.expected.size()) {
            Transaction missing = history.expected.get(firstMissing).transaction;
            long missingTso = tsoOf[missing.index];
            if (missingTso != 0 && missingTso <= tso) {
                throw new Violation(
                        "lost: "
                                + tso
                                + " is said to be resolved, but missing is "
                                + history.expected.get(firstMissing));
            }
        }
        promisedTso = Math.max(promisedTso, tso);
    }

    /** A checkpoint is about to become durable. */
    void saved(Checkpoint checkpoint) {
        SimPosition position = (SimPosition) checkpoint.position();
        if (savedPosition != null && !position.covers(savedPosition)) {
            throw new Violation("checkpoint went back from " + savedPosition + " to " + position);
        }
        savedPosition = position;
        if (firstMissing < history.expected.size()) {
            Event missing = history.expected.get(firstMissing);
            int transaction = missing.transaction.index;
            if (position.transaction() > transaction
                    || (position.transaction() == transaction
                            && position.event() > missing.index)) {
                throw new Violation(
                        "checkpoint ahead of the sink: "
                                + position
                                + ", but missing is "
                                + missing);
            }
        }
        promised(checkpoint.resolvedTso());
    }

    /** Whether the target holds the piece's effect, or held it before a later one. */
    boolean isDurable(Piece piece) {
        return pieceDurable[piece.id];
    }

    /** The target just took a piece. */
    void durable(Piece piece) {
        if (piece.event.ordinal < 0) {
            throw new Violation("invented: " + piece);
        }
        if (!pieceDurable[piece.id]) {
            if (piece.previous != null && !pieceDurable[piece.previous.id]) {
                throw new Violation(
                        "order of a key broken: " + piece + " came before " + piece.previous);
            }
            pieceDurable[piece.id] = true;
            if (--piecesLeft[piece.event.ordinal] == 0) {
                moveOn();
            }
        }
    }

    /** The target just applied a part of a DDL for the first time. */
    void ddlPartDurable(Event event) {
        if (firstMissing != event.ordinal) {
            throw new Violation(
                    "DDL out of place: "
                            + event
                            + " applied, but missing is "
                            + history.expected.get(firstMissing));
        }
        if (--piecesLeft[event.ordinal] == 0) {
            moveOn();
        }
    }

    private void moveOn() {
        while (firstMissing < piecesLeft.length && piecesLeft[firstMissing] == 0) {
            firstMissing++;
        }
    }

    /** Whether some but not all of a transaction's rows are downstream. */
    boolean isTorn(Transaction transaction) {
        boolean some = false;
        boolean all = true;
        for (Event event : transaction.events) {
            if (event.ordinal >= 0) {
                boolean done = piecesLeft[event.ordinal] == 0;
                some |= done || piecesLeft[event.ordinal] < event.pieces.size();
                all &= done;
            }
        }
        return some && !all;
    }

    boolean allDurable() {
        return firstMissing == history.expected.size();
    }

    /** At the end of a run with a target: exactly what is due is there. */
    void finishedAt(long targetTso) {
        for (Event event : history.expected) {
            long tso = tsoOf[event.transaction.index];
            if (tso != 0 && tso <= targetTso && event.ordinal >= firstMissing) {
                throw new Violation("finished, but missing is " + event);
            }
        }
        promised(targetTso);
    }

    /** The engine ended in an orderly way: it must not hold anything. */
    void released(long bufferedBytes) {
        if (batchesOut != 0 || bufferedBytes != 0) {
            throw new Violation(
                    "not released: " + batchesOut + " batches, " + bufferedBytes + " bytes");
        }
    }

    /** Batches of a dead process are gone. */
    void processDied() {
        batchesOut = 0;
    }
}
