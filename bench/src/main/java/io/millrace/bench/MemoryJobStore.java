package io.millrace.bench;

import io.millrace.core.engine.JobStore;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.spi.SchemaHistory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A job's memory that ends with the process: benchmarks measure the engine, not the disk. */
final class MemoryJobStore implements JobStore, SchemaHistory {
    private final AtomicLong tableIds = new AtomicLong();
    private final List<Entry> entries = new ArrayList<>();
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
        return this;
    }

    @Override
    public synchronized List<Entry> load() {
        return List.copyOf(entries);
    }

    @Override
    public synchronized void append(List<Entry> more) {
        entries.addAll(more);
    }

    @Override
    public synchronized void compact(long tso, List<Entry> snapshot) {
        entries.removeIf(entry -> entry.tso() <= tso);
        entries.addAll(0, snapshot);
    }

    @Override
    public long newTableId() {
        return tableIds.incrementAndGet();
    }
}
