package io.millrace.core.control;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks now and then whether the upstreams still hold what stopped jobs would go on with. One that
 * can't go on any more, by two looks in a row, becomes failed, so that nobody finds out only on
 * resuming it. A job that runs needs no look: its capture knows.
 */
final class StaleJobs implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StaleJobs.class);

    private final Supplier<ClusterImage> image;
    private final JobChecks checks;
    private final ToLongFunction<JobId> checkpointTso;
    private final Consumer<Command> submit;
    private final NodeInfo self;
    private final Clock clock;
    private final Duration interval;
    private final Thread thread;

    /** Generations of the jobs that the last look found lost: a second look must say the same. */
    private final Map<JobId, Long> suspects = new HashMap<>();

    /**
     * @param checkpointTso of a job that does not run
     * @param submit asks the controller and waits for its answer
     */
    StaleJobs(
            Supplier<ClusterImage> image,
            JobChecks checks,
            ToLongFunction<JobId> checkpointTso,
            Consumer<Command> submit,
            NodeInfo self,
            Clock clock,
            Duration interval) {
        this.image = image;
        this.checks = checks;
        this.checkpointTso = checkpointTso;
        this.submit = submit;
        this.self = self;
        this.clock = clock;
        this.interval = interval;
        this.thread = Thread.ofVirtual().name("stale-jobs").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    private void run() {
        try {
            while (true) {
                Thread.sleep(interval);
                Map<JobId, Job> jobs = image.get().jobs();
                suspects.keySet().retainAll(jobs.keySet());
                for (Job job : jobs.values()) {
                    if (job.state() == JobState.STOPPED) {
                        look(job);
                    }
                }
            }
        } catch (InterruptedException e) {
            // The server is closing.
        }
    }

    private void look(Job job) {
        try {
            checks.held(job.spec().upstream(), checkpointTso.applyAsLong(job.id()));
            suspects.remove(job.id());
        } catch (MillraceException e) {
            if (e.code() != ErrorCode.START_BEFORE_OLDEST) {
                LOG.debug("upstream not asked job={}", job.id(), e);
                return;
            }
            Long suspected = suspects.put(job.id(), job.generation());
            if (suspected != null && suspected == job.generation()) {
                lose(job);
            }
        } catch (RuntimeException e) {
            LOG.warn("upstream not asked job={}", job.id(), e);
        }
    }

    private void lose(Job job) {
        JobError error =
                new JobError(
                        self.address(),
                        ErrorCode.UPSTREAM_PURGED,
                        "the upstream no longer holds the changes behind the checkpoint "
                                + Long.toUnsignedString(checkpointTso.applyAsLong(job.id()))
                                + "; create the changefeed again after a new copy of the data, or"
                                + " resume it with overwrite_checkpoint_ts and accept the gap",
                        clock.instant());
        try {
            submit.accept(new Command.LoseJob(job.id(), job.generation(), error));
        } catch (RuntimeException e) {
            LOG.warn("state not stored yet job={}", job.id(), e);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
