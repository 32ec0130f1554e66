package io.millrace.storage.redo;

import io.millrace.core.engine.JobRunner;
import io.millrace.core.engine.JobStore;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.spi.ForwardingSink;
import io.millrace.core.spi.ForwardingSinkFactory;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.ObjectStores;
import io.millrace.core.spi.SchemaHistory;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Brings a target to the one state that a redo log stands for, after the upstream is lost. Works
 * through the ordinary pipeline and sink, under the name of the changefeed that wrote the log: so
 * rows that the target already has are skipped, what is left of the old server's run is fenced off,
 * and a DDL in doubt is settled as after any crash.
 */
public final class RedoApply {
    private final RedoStorage storage;
    private final URI uri;

    /**
     * @param stores opens the storage
     * @param uri where the log lies
     */
    public RedoApply(ObjectStores stores, URI uri) {
        this.storage = new RedoStorage(stores);
        this.uri = uri;
    }

    /**
     * How far a log is.
     *
     * @param checkpointTso everything up to it is in the target
     * @param resolvedTso the state that applying the log leads to
     */
    public record State(long checkpointTso, long resolvedTso) {}

    /**
     * Looks.
     *
     * @param job {@code namespace/name} of the changefeed; null when the storage holds only one
     */
    public State state(@Nullable String job) {
        try (ObjectStore store = storage.open(uri)) {
            RedoMeta meta = folder(store, job).meta();
            return new State(meta.checkpointTso(), meta.resolvedTso());
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private RedoLogFolder folder(ObjectStore store, @Nullable String job) throws IOException {
        RedoLogFolder folder = RedoLogFolder.read(store, job == null ? "" : job);
        if (folder.jobs().size() > 1) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER,
                    "the storage holds redo logs of several changefeeds, name one of them: "
                            + String.join(", ", folder.jobs()));
        }
        if (folder.metaFiles().isEmpty()) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER,
                    "no redo log "
                            + (job == null ? "" : "of " + job + " ")
                            + "found in "
                            + store.location());
        }
        return folder;
    }

    private MillraceException unreadable(IOException e) {
        return new MillraceException(
                ErrorCode.REDO_STORAGE_UNUSABLE, "cannot read the redo log: " + e, e);
    }

    /**
     * Applies the log; returns when the target is at the resolved TSO. May be repeated.
     *
     * @param job as in {@link #state}
     * @param tmp folder for intermediate files
     * @param sinks makes the sink; without a redo log of its own
     * @param sinkUri the target; rows are written in safe mode, whatever it says
     * @param memoryBytes bytes of rows that may be held between the log and the target
     */
    public State apply(
            @Nullable String job, Path tmp, SinkFactory sinks, String sinkUri, long memoryBytes)
            throws InterruptedException {
        try (ObjectStore store = storage.open(uri)) {
            RedoLogFolder folder = folder(store, job);
            RedoMeta meta = folder.meta();
            RedoCapture capture = new RedoCapture(store, folder, tmp);
            State state = new State(meta.checkpointTso(), meta.resolvedTso());
            if (capture.endTso() == meta.checkpointTso()) {
                return state;
            }
            URI sink =
                    SinkSpec.parseUri(
                            sinkUri + (sinkUri.contains("?") ? "&" : "?") + "safe-mode=true");
            SinkSpec spec = new SinkSpec(sink, Map.of(), List.of(), true, true, "UTC");
            CompletableFuture<Void> end = new CompletableFuture<>();
            try (JobRunner runner =
                    new JobRunner(
                            new JobRunner.Plan(
                                    folder.jobs().first(),
                                    capture,
                                    new FromTheStart(sinks),
                                    spec,
                                    TableFilter.all(),
                                    meta.checkpointTso(),
                                    capture.endTso(),
                                    memoryBytes,
                                    new Memory(),
                                    "redo-apply",
                                    "UTC"),
                            new JobRunner.Listener() {
                                @Override
                                public void checkpoint(Checkpoint checkpoint) {
                                    // Only the end counts.
                                }

                                @Override
                                public void finished() {
                                    end.complete(null);
                                }

                                @Override
                                public void failed(MillraceException error) {
                                    end.completeExceptionally(error);
                                }
                            })) {
                runner.start();
                end.join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof MillraceException error) {
                    throw error;
                }
                throw e;
            }
            return state;
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /**
     * Sinks that hear of no checkpoint: the next apply begins at the log's again, so the target has
     * to remember all DDL and rows from there on.
     */
    private static final class FromTheStart extends ForwardingSinkFactory {
        FromTheStart(SinkFactory target) {
            super(target);
        }

        @Override
        public Sink open(SinkSpec spec, SinkContext context) {
            return new NoCheckpoints(target.open(spec, context));
        }
    }

    private static final class NoCheckpoints extends ForwardingSink {
        NoCheckpoints(Sink target) {
            super(target);
        }

        @Override
        public void checkpointSaved(Checkpoint checkpoint) {
            // As said above.
        }
    }

    /** A run's memory that ends with it: progress is in the target. */
    private static final class Memory implements JobStore {
        private Optional<Checkpoint> checkpoint = Optional.empty();
        private Optional<DdlIntent> intent = Optional.empty();

        @Override
        public Optional<Checkpoint> checkpoint() {
            return checkpoint;
        }

        @Override
        public void saveCheckpoint(Checkpoint newest) {
            checkpoint = Optional.of(newest);
        }

        @Override
        public Optional<DdlIntent> intent() {
            return intent;
        }

        @Override
        public void saveIntent(DdlIntent newest) {
            intent = Optional.of(newest);
        }

        @Override
        public boolean wasRunning() {
            // The run that wrote the log did not end in order.
            return true;
        }

        @Override
        public void markRunning() {
            // As above.
        }

        @Override
        public void markStopped() {
            // As above.
        }

        @Override
        public SchemaHistory schemaHistory() {
            return new NoHistory();
        }
    }

    /** The log tells its tables by itself. */
    private static final class NoHistory implements SchemaHistory {
        @Override
        public List<Entry> load() {
            return List.of();
        }

        @Override
        public void append(List<Entry> entries) {
            throw new IllegalStateException("a redo log has no history of tables");
        }

        @Override
        public void compact(long tso, List<Entry> snapshot) {
            append(snapshot);
        }

        @Override
        public long newTableId() {
            throw new IllegalStateException("a redo log has its tables' ids");
        }
    }
}
