package io.millrace.core.control;

import io.millrace.core.engine.JobMetrics;
import io.millrace.core.engine.JobProgress;
import io.millrace.core.error.MillraceException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * The control plane of this process: controller, supervisor and checks, wired. Opened by {@link
 * #start}; {@link #close} stops all jobs in order, keeping their state.
 */
public final class LocalControlPlane implements ControlPlane, AutoCloseable {
    /** Stopped jobs are looked at once a minute with the default interval between retries. */
    private static final int STALE_CHECK_RETRIES = 6;

    private final NodeInfo self;
    private final JobChecks checks;
    private final Controller controller;
    private final JobSupervisor supervisor;
    private final StaleJobs staleJobs;
    private final SourceClusters clusters;
    private final JobOperations operations = new JobOperations(this);
    private volatile boolean stopping;

    /**
     * @param retryInterval see {@link io.millrace.core.engine.RetryPolicy.Settings#initial}
     */
    public LocalControlPlane(
            MetaStore store,
            Vault vault,
            NodeInfo self,
            Upstreams upstreams,
            Sinks sinks,
            Duration retryInterval,
            Clock clock) {
        this.self = self;
        this.checks = new JobChecks(upstreams, sinks);
        this.controller = new Controller(store, vault, self, upstreams, clock);
        this.supervisor =
                new JobSupervisor(
                        store,
                        upstreams,
                        sinks,
                        self,
                        retryInterval,
                        clock,
                        report -> controller.submit(report).join());
        controller.addListener(supervisor);
        this.staleJobs =
                new StaleJobs(
                        controller::image,
                        checks,
                        id -> supervisor.progress(id).checkpointTso(),
                        command -> controller.submit(command).join(),
                        self,
                        clock,
                        retryInterval.multipliedBy(STALE_CHECK_RETRIES));
        this.clusters =
                new SourceClusters(
                        store,
                        upstreams,
                        this::submitAndWait,
                        () -> UUID.randomUUID().toString(),
                        clock);
    }

    private void submitAndWait(Command command) {
        try {
            controller.submit(command).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof MillraceException known ? known : e;
        }
    }

    /** Registers the node, reads the jobs and starts the active ones. */
    public void start() {
        controller.start();
        staleJobs.start();
    }

    @Override
    public ClusterImage image() {
        return controller.image();
    }

    @Override
    public NodeInfo self() {
        return self;
    }

    @Override
    public CompletableFuture<Optional<Job>> submit(Command command) {
        return controller.submit(command);
    }

    @Override
    public JobChecks checks() {
        return checks;
    }

    @Override
    public SourceClusters clusters() {
        return clusters;
    }

    @Override
    public JobOperations operations() {
        return operations;
    }

    @Override
    public JobProgress progress(JobId id) {
        return supervisor.progress(id);
    }

    @Override
    public JobMetrics metrics(JobId id) {
        return supervisor.metrics(id);
    }

    @Override
    public boolean awaitIdle(JobId id, Duration timeout) throws InterruptedException {
        return supervisor.awaitIdle(id, timeout);
    }

    @Override
    public boolean awaitRunsBefore(JobId id, long generation, Duration timeout)
            throws InterruptedException {
        return supervisor.awaitRunsBefore(id, generation, timeout);
    }

    @Override
    public boolean isHealthy() {
        return controller.isAlive()
                && image().owner().isPresent()
                && image().jobs().values().stream()
                        .filter(job -> job.state() == JobState.NORMAL)
                        .allMatch(job -> supervisor.isStarted(job.id()));
    }

    @Override
    public boolean isStopping() {
        return stopping;
    }

    /** How often this node became owner since its start. */
    public long elections() {
        return controller.elections();
    }

    /** From now on {@link #isStopping}; jobs go on until {@link #close}. */
    public void announceStop() {
        stopping = true;
    }

    @Override
    public void close() {
        stopping = true;
        staleJobs.close();
        supervisor.close();
        controller.close();
    }
}
