package io.millrace.core.engine;

import io.millrace.core.model.Checkpoint;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Brings what the ledger says into the job's store: now and then while rows flow, at once at a
 * barrier. Belongs to the pipeline's thread; a save blocks it until the store is durable.
 */
final class CheckpointWriter {
    /**
     * Shortest time between saves that nobody waits for. What it costs is at most this much
     * repetition after a crash.
     */
    static final long INTERVAL_NANOS = 500_000_000L;

    private final JobStore store;
    private final AckLedger ledger;
    private final Consumer<Checkpoint> saved;
    private @Nullable Checkpoint last;
    private long lastSaveNanos;
    private boolean everSaved;

    /**
     * @param start the checkpoint that is in the store
     * @param saved told of every save, afterwards
     */
    CheckpointWriter(
            JobStore store,
            AckLedger ledger,
            Optional<Checkpoint> start,
            Consumer<Checkpoint> saved) {
        this.store = store;
        this.ledger = ledger;
        this.saved = saved;
        this.last = start.orElse(null);
    }

    /** Saves if there is something new and the last save is long enough ago. */
    boolean saveWhenDue(long nowNanos) {
        if (everSaved && nowNanos - lastSaveNanos < INTERVAL_NANOS) {
            return false;
        }
        return saveNow(nowNanos);
    }

    /** Saves if there is something new. */
    boolean saveNow(long nowNanos) {
        Optional<Checkpoint> current = ledger.checkpoint();
        if (current.isEmpty() || isSaved(current.get())) {
            return false;
        }
        Checkpoint checkpoint = current.get();
        store.saveCheckpoint(checkpoint);
        last = checkpoint;
        lastSaveNanos = nowNanos;
        everSaved = true;
        saved.accept(checkpoint);
        return true;
    }

    private boolean isSaved(Checkpoint checkpoint) {
        // The ledger hands out the very position object it was given, so identity tells.
        return last != null
                && last.position() == checkpoint.position()
                && last.resolvedTso() == checkpoint.resolvedTso();
    }

    /** Resolved TSO of the checkpoint in the store, 0 when there is none. */
    long savedTso() {
        return last == null ? 0 : last.resolvedTso();
    }
}
