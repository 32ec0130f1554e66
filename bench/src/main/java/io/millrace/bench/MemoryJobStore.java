package io.millrace.bench;

import io.millrace.core.engine.JobStore;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.spi.SchemaHistory;
import io.millrace.testkit.history.MemoryHistory;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A job's memory that ends with the process: benchmarks measure the engine, not the disk. */
final class MemoryJobStore implements JobStore {
    private final SchemaHistory history = new MemoryHistory();
    private volatile @Nullable Checkpoint checkpoint;
    private volatile @Nullable DdlIntent intent;
    private volatile boolean running;

    @Override
    public Optional<Checkpoint> checkpoint() {
        return Optional.ofNullable(checkpoint);
    }

    @Override
    public void saveCheckpoint(Checkpoint newest) {
        DdlIntent open = intent;
        if (open != null && open.commitTso() <= newest.resolvedTso()) {
            intent = null;
        }
        checkpoint = newest;
    }

    @Override
    public Optional<DdlIntent> intent() {
        return Optional.ofNullable(intent);
    }

    @Override
    public void saveIntent(DdlIntent newest) {
        intent = newest;
    }

    @Override
    public boolean wasRunning() {
        return running;
    }

    @Override
    public void markRunning() {
        running = true;
    }

    @Override
    public void markStopped() {
        running = false;
    }

    @Override
    public SchemaHistory schemaHistory() {
        return history;
    }
}
