package io.millrace.core.engine;

import io.millrace.core.engine.JobStore.DdlIntent;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.spi.Sink;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Takes one DDL at a time through the sink. Nothing passes it meanwhile:
 *
 * <ol>
 *   <li>wait until everything before is acked;
 *   <li>save the checkpoint: rows from before the DDL are never repeated against the table it
 *       leaves behind;
 *   <li>save the intent: should the run die from here on, the next one knows that the DDL may have
 *       been applied, and has the sink look;
 *   <li>offer, and wait for the ack;
 *   <li>save the checkpoint, which removes the intent.
 * </ol>
 */
final class Barrier {
    private enum Phase {
        OPEN,
        DRAINING,
        OFFERING,
        APPLYING
    }

    private final AckLedger ledger;
    private final Sink sink;
    private final JobStore store;
    private final CheckpointWriter writer;

    /** What the last run left behind. */
    private final Optional<DdlIntent> leftBehind;

    /** Written by the engine's thread only. */
    private volatile Phase phase = Phase.OPEN;

    private @Nullable SchemaChange change;
    private long seq;

    Barrier(
            AckLedger ledger,
            Sink sink,
            JobStore store,
            CheckpointWriter writer,
            Optional<DdlIntent> leftBehind) {
        this.ledger = ledger;
        this.sink = sink;
        this.store = store;
        this.writer = writer;
        this.leftBehind = leftBehind;
    }

    /** Whether no DDL is under way. */
    boolean isOpen() {
        return phase == Phase.OPEN;
    }

    /** Begins with a DDL. */
    void raise(SchemaChange ddl) {
        if (phase != Phase.OPEN) {
            throw new IllegalStateException("a DDL is under way already");
        }
        change = ddl;
        phase = Phase.DRAINING;
        sink.flush();
    }

    /** Whether the DDL has a seq that the sink did not accept yet. */
    boolean isOffering() {
        return phase == Phase.OFFERING;
    }

    /** Whether the sink has a DDL that it did not ack yet; any thread. */
    boolean isApplying() {
        return phase == Phase.APPLYING;
    }

    /** Goes as far as it can without waiting; true when the DDL is through. */
    boolean step(long nowNanos) {
        SchemaChange ddl = change;
        if (ddl == null) {
            return true;
        }
        if (phase == Phase.DRAINING) {
            if (ledger.inFlight() > 0) {
                return false;
            }
            writer.saveNow(nowNanos);
            if (!isReplayed(ddl)) {
                store.saveIntent(new DdlIntent(ddl.commitTso(), ddl.query()));
            }
            seq = ledger.append(ddl);
            phase = Phase.OFFERING;
        }
        if (phase == Phase.OFFERING) {
            if (!sink.offer(seq, ddl, isReplayed(ddl))) {
                return false;
            }
            phase = Phase.APPLYING;
            ledger.advance();
        }
        if (ledger.inFlight() > 0) {
            return false;
        }
        writer.saveNow(nowNanos);
        change = null;
        phase = Phase.OPEN;
        return true;
    }

    private boolean isReplayed(SchemaChange ddl) {
        return leftBehind.isPresent() && leftBehind.get().commitTso() == ddl.commitTso();
    }
}
