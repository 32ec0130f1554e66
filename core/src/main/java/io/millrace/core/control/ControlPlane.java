package io.millrace.core.control;

import io.millrace.core.engine.JobMetrics;
import io.millrace.core.engine.JobProgress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The one API behind all dialects, the command line and the UI. Questions are answered from the
 * immutable image; changes are {@link Command}s. Callable from any thread.
 */
public interface ControlPlane {
    /** What is known now. */
    ClusterImage image();

    /** This process. */
    NodeInfo self();

    /** Whether this process takes the decisions. */
    default boolean isOwner() {
        return image().owner().filter(self().id()::equals).isPresent();
    }

    /**
     * Asks for a change. The future completes when it is durable and in the image, with the job
     * after the change (empty when there is none), or exceptionally with a {@link
     * io.millrace.core.error.MillraceException}; then nothing has changed.
     */
    CompletableFuture<Optional<Job>> submit(Command command);

    /** The checks that precede commands and need upstream and sink. */
    JobChecks checks();

    /** The upstreams and what is known of them. */
    SourceClusters clusters();

    /** Operations of several commands, which wait for what they bring about. */
    JobOperations operations();

    /**
     * A job's progress: of the run that works now, else as last stored (or its start). Works for
     * jobs of this node's image only; an unknown job gives zeros.
     */
    JobProgress progress(JobId id);

    /** What a job's runs on this node recorded; an unknown job has recorded nothing. */
    JobMetrics metrics(JobId id);

    /** Waits until no run of a job works on this node any more; false when it takes longer. */
    boolean awaitIdle(JobId id, Duration timeout) throws InterruptedException;

    /** Likewise, until no run works of a generation before one. */
    boolean awaitRunsBefore(JobId id, long generation, Duration timeout)
            throws InterruptedException;

    /** Whether decisions can be taken and all jobs in state normal have been started. */
    boolean isHealthy();

    /** Whether this process is on its way out; never turns back. */
    boolean isStopping();
}
