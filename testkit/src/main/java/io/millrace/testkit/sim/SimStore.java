package io.millrace.testkit.sim;

import io.millrace.core.engine.JobStore;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.spi.SchemaHistory;
import java.util.List;
import java.util.Optional;

/** A job's durable memory; survives crashes, and crashes the process around every write. */
final class SimStore implements JobStore, SchemaHistory {
    private final World world;
    private Optional<Checkpoint> checkpoint = Optional.empty();
    private Optional<DdlIntent> intent = Optional.empty();
    private boolean running;

    SimStore(World world) {
        this.world = world;
    }

    @Override
    public Optional<Checkpoint> checkpoint() {
        return checkpoint;
    }

    @Override
    public void saveCheckpoint(Checkpoint next) {
        write(
                "checkpoint " + next.position().encode() + " resolved " + next.resolvedTso(),
                () -> {
                    world.checker.saved(next);
                    checkpoint = Optional.of(next);
                    if (intent.isPresent() && intent.get().commitTso() <= next.resolvedTso()) {
                        intent = Optional.empty();
                    }
                });
    }

    @Override
    public Optional<DdlIntent> intent() {
        return intent;
    }

    @Override
    public void saveIntent(DdlIntent next) {
        write("intent " + next, () -> intent = Optional.of(next));
    }

    @Override
    public boolean wasRunning() {
        return running;
    }

    @Override
    public void markRunning() {
        write("running", () -> running = true);
    }

    @Override
    public void markStopped() {
        write("stopped", () -> running = false);
    }

    @Override
    public SchemaHistory schemaHistory() {
        return this;
    }

    private void write(String what, Runnable change) {
        boolean fault = world.isFault();
        boolean done = !fault || world.random.nextBoolean();
        world.commitPoint("before store " + what);
        if (done) {
            change.run();
            world.commitPoint("after store " + what);
        }
        if (fault) {
            throw new MillraceException(
                    ErrorCode.METASTORE_UNAVAILABLE, "simulated fault of the store");
        }
    }

    @Override
    public List<Entry> load() {
        return List.of();
    }

    @Override
    public void append(List<Entry> entries) {
        throw new IllegalStateException("the simulated capture keeps no history");
    }

    @Override
    public void compact(long tso, List<Entry> snapshot) {
        throw new IllegalStateException("the simulated capture keeps no history");
    }

    @Override
    public long newTableId() {
        throw new IllegalStateException("the simulated capture makes no ids");
    }
}
