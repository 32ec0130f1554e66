package io.millrace.core.engine;

import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.Upstream;
import java.util.Objects;
import java.util.Set;

/**
 * One run of one job: a capture thread and a pipeline thread, from {@link #start} until the target
 * TSO is reached, an error, or {@link #stop}. A run is one attempt; starting again after an error
 * is the caller's business, see {@link RetryPolicy}.
 */
public final class JobRunner implements AutoCloseable {
    /**
     * What to run.
     *
     * @param jobId {@code namespace/name}
     * @param upstream where changes come from; not closed by the run
     * @param sinkFactory opens the sink; its scheme fits {@code sinkSpec}
     * @param sinkSpec where to; {@link SinkSpec#forceReplicate} also decides whether tables without
     *     a key take part. If not, their rows and DDL are skipped
     * @param filter which tables
     * @param startTso begin behind this TSO when the store holds no checkpoint
     * @param targetTso end when everything up to here is delivered; 0 for never
     * @param memoryQuotaBytes bytes of row batches that may be held between capture and sink; one
     *     larger batch passes alone
     * @param store the job's durable memory
     * @param nodeAddress advertised address of this node
     * @param timeZone IANA name or offset that TIMESTAMP values are shown in
     */
    public record Plan(
            String jobId,
            Upstream upstream,
            SinkFactory sinkFactory,
            SinkSpec sinkSpec,
            TableFilter filter,
            long startTso,
            long targetTso,
            long memoryQuotaBytes,
            JobStore store,
            String nodeAddress,
            String timeZone) {
        public Plan {
            Objects.requireNonNull(jobId);
            if (memoryQuotaBytes <= 0) {
                throw new IllegalArgumentException(
                        "memory quota must be positive: " + memoryQuotaBytes);
            }
        }
    }

    /** Hears about a run; called on the run's own threads, so it must be quick. */
    public interface Listener {
        /** A checkpoint became durable. */
        void checkpoint(Checkpoint checkpoint);

        /**
         * The target TSO is reached, everything up to it is downstream and all is released. The
         * last call.
         */
        void finished();

        /** The run ended with an error and all is released. The last call. */
        void failed(MillraceException error);
    }

    private final Plan plan;
    private final Listener listener;

    public JobRunner(Plan plan, Listener listener) {
        this.plan = plan;
        this.listener = listener;
    }

    /** Starts the threads and returns; opening sink and capture happens on them. Once. */
    public void start() {
        listener.failed(
                new MillraceException(
                        io.millrace.core.error.ErrorCode.INTERNAL,
                        "the engine is not assembled yet"));
    }

    /**
     * Orderly end: stops reading, lets the sink finish what it has (for a bounded time), saves the
     * checkpoint, closes the sink. Returns when all is released. Neither {@link Listener#finished}
     * nor {@link Listener#failed} follows a stop, except when it came too late for that or saving
     * failed. Harmless when the run has ended already or was never started; callable from any
     * thread.
     */
    public void stop() {}

    /** Figures; cheap, callable from any thread, also after the end. */
    public JobProgress progress() {
        return new JobProgress(plan.startTso(), plan.startTso(), Set.of(), 0, 0, 0, 0);
    }

    /** As {@link #stop}. */
    @Override
    public void close() {
        stop();
    }
}
