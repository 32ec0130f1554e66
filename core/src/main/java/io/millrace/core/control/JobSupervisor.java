package io.millrace.core.control;

import io.millrace.core.engine.JobMetrics;
import io.millrace.core.engine.JobProgress;
import io.millrace.core.engine.JobRunner;
import io.millrace.core.engine.RetryPolicy;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.Fault;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.Upstream;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes reality follow the image: one keeper per job starts and stops its runs, waits between
 * tries, and reports to the controller how they go. At most one run of a job works at a time: a
 * keeper starts the next only when the one before has released everything.
 */
final class JobSupervisor implements Controller.Listener, AutoCloseable {
    private static final Duration TICK = Duration.ofSeconds(1);

    /** A sink that does not answer is not waited for: the job is gone all the same. */
    private static final Duration FORGET_WAIT = Duration.ofSeconds(3);

    private static final Logger LOG = LoggerFactory.getLogger(JobSupervisor.class);

    /** Sends a report to the controller and waits for the answer. */
    interface Reporter {
        void report(Command.ReportRun report);
    }

    private final MetaStore store;
    private final Upstreams upstreams;
    private final Sinks sinks;
    private final NodeInfo self;
    private final Reporter reporter;
    private final Function<JobSpec, RetryPolicy> policies;
    private final Clock clock;
    private final Map<JobId, Keeper> keepers = new ConcurrentHashMap<>();
    private volatile boolean closing;

    JobSupervisor(
            MetaStore store,
            Upstreams upstreams,
            Sinks sinks,
            NodeInfo self,
            Duration retryInterval,
            Clock clock,
            Reporter reporter) {
        this.store = store;
        this.upstreams = upstreams;
        this.sinks = sinks;
        this.self = self;
        this.reporter = reporter;
        this.clock = clock;
        this.policies =
                spec -> {
                    RetryPolicy.Settings base = RetryPolicy.Settings.DEFAULTS;
                    Duration cap =
                            base.cap().compareTo(retryInterval) < 0 ? retryInterval : base.cap();
                    return new RetryPolicy(
                            new RetryPolicy.Settings(
                                    retryInterval,
                                    base.factor(),
                                    cap,
                                    base.jitter(),
                                    spec.stuckAfter()),
                            clock,
                            RandomGenerator.getDefault());
                };
    }

    @Override
    public void imageChanged(ClusterImage image) {
        if (closing) {
            return;
        }
        image.jobs()
                .values()
                .forEach(job ->
                        keepers.compute(
                                job.id(),
                                (id, keeper) -> {
                                    // A job that was removed and made again gets a new
                                    // keeper, which waits for the old one's end.
                                    if (keeper == null || keeper.wanted == null) {
                                        return new Keeper(job, keeper);
                                    }
                                    keeper.want(job);
                                    return keeper;
                                }));
        keepers.forEach((id, keeper) -> {
            if (image.job(id).isEmpty()) {
                keeper.want(null);
            }
        });
    }

    JobProgress progress(JobId id) {
        Keeper keeper = keepers.get(id);
        return keeper == null ? nothing(0) : keeper.progress();
    }

    JobMetrics metrics(JobId id) {
        Keeper keeper = keepers.get(id);
        return keeper == null ? new JobMetrics() : keeper.metrics;
    }

    boolean isStarted(JobId id) {
        Keeper keeper = keepers.get(id);
        return keeper != null && keeper.tried;
    }

    boolean awaitIdle(JobId id, Duration timeout) throws InterruptedException {
        Keeper keeper = keepers.get(id);
        if (keeper == null) {
            return true;
        }
        long deadline = System.nanoTime() + timeout.toNanos();
        while (keeper.run != null || keeper.wanted == null && keeper.quiet.getCount() > 0) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            Thread.sleep(10);
        }
        if (keeper.wanted == null
                && !keeper.ended.await(FORGET_WAIT.toMillis(), TimeUnit.MILLISECONDS)) {
            LOG.info("sink still forgets the removed job job={}", id);
        }
        return true;
    }

    boolean awaitRunsBefore(JobId id, long generation, Duration timeout)
            throws InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            Keeper keeper = keepers.get(id);
            Run run = keeper == null ? null : keeper.run;
            if (run == null || run.generation >= generation) {
                return true;
            }
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            Thread.sleep(10);
        }
    }

    /** Stops all runs in order, at the same time, and waits for them. */
    @Override
    public void close() {
        closing = true;
        keepers.values().forEach(Keeper::wake);
        for (Keeper keeper : keepers.values()) {
            try {
                keeper.ended.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private static JobProgress nothing(long tso) {
        return JobProgress.at(tso);
    }

    private static JobProgress atLeast(JobProgress progress, long tso) {
        if (Long.compareUnsigned(progress.checkpointTso(), tso) >= 0) {
            return progress;
        }
        return new JobProgress(
                tso,
                Long.compareUnsigned(progress.resolvedTso(), tso) < 0
                        ? tso
                        : progress.resolvedTso(),
                progress.tableIds(),
                progress.rows(),
                progress.bytes(),
                progress.ddls(),
                progress.bufferedBytes(),
                Long.compareUnsigned(progress.deliveredTso(), tso) < 0
                        ? tso
                        : progress.deliveredTso(),
                progress.ddlUnderWay());
    }

    private static boolean isOfSink(ErrorCode code) {
        return switch (code) {
            case SINK_CONNECTION, SINK_TRANSIENT, SINK_DATA, SINK_DDL, MESSAGE_TOO_LARGE -> true;
            default -> code.fault() == Fault.DOWNSTREAM;
        };
    }

    /** How a run ended. */
    private sealed interface Outcome {
        record Finished() implements Outcome {}

        record Failed(MillraceException error) implements Outcome {}
    }

    /** One run and what it told; written by the run's threads, read by the keeper. */
    private static final class Run implements JobRunner.Listener {
        final long generation;
        final Runnable wake;
        volatile @Nullable JobRunner runner;
        volatile @Nullable Outcome outcome;
        volatile long checkpointTso;

        /** Stored checkpoint, or start, before the run: it does not know it until it has opened. */
        volatile long startedFrom;

        final LongConsumer saved;

        Run(long generation, Runnable wake, LongConsumer saved) {
            this.generation = generation;
            this.wake = wake;
            this.saved = saved;
        }

        /** What keeps the run from going on, while it goes on trying. */
        Optional<MillraceException> trouble() {
            JobRunner current = runner;
            return current == null ? Optional.empty() : current.trouble();
        }

        @Override
        public void checkpoint(Checkpoint checkpoint) {
            checkpointTso = checkpoint.resolvedTso();
            saved.accept(checkpoint.resolvedTso());
            wake.run();
        }

        @Override
        public void finished() {
            outcome = new Outcome.Finished();
            wake.run();
        }

        @Override
        public void failed(MillraceException error) {
            outcome = new Outcome.Failed(error);
            wake.run();
        }
    }

    /** Looks after one job on a virtual thread of its own; only that thread starts and stops. */
    private final class Keeper {
        private final JobId id;
        private final Semaphore signal = new Semaphore(0);

        /** The job is removed and its last run has ended; its sink may still have to forget it. */
        private final CountDownLatch quiet = new CountDownLatch(1);

        private final CountDownLatch ended = new CountDownLatch(1);
        private final @Nullable Keeper predecessor;
        private final JobMetrics metrics = new JobMetrics();
        private volatile @Nullable Job wanted;
        private volatile @Nullable Run run;
        private volatile boolean tried;
        private volatile @Nullable JobProgress idle;
        private JobSpec spec;
        private RetryPolicy policy;
        private long generation;
        private @Nullable Instant retryAt;
        private @Nullable JobError lastError;

        Keeper(Job job, @Nullable Keeper predecessor) {
            this.id = job.id();
            this.wanted = job;
            this.spec = job.spec();
            this.generation = job.generation();
            this.policy = policies.apply(spec);
            this.predecessor = predecessor;
            Thread.ofVirtual().name("keeper " + id).start(this::live);
        }

        void want(@Nullable Job job) {
            Job old = wanted;
            wanted = job;
            if (job == null ? old != null : !job.equals(old)) {
                wake();
            }
        }

        void wake() {
            signal.release();
        }

        JobProgress progress() {
            Run current = run;
            if (current != null && current.runner != null) {
                return atLeast(current.runner.progress(), current.startedFrom);
            }
            JobProgress known = idle;
            if (known != null) {
                return known;
            }
            Job job = wanted;
            long tso =
                    MetaJobStore.checkpointTso(store, id)
                            .orElse(job == null ? 0L : job.spec().startTso());
            JobProgress read = nothing(tso);
            idle = read;
            return read;
        }

        private void live() {
            try {
                if (predecessor != null) {
                    predecessor.ended.await();
                }
                while (survived()) {
                    // each step does one thing and looks again
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                quiet.countDown();
                ended.countDown();
            }
        }

        /**
         * A step that goes wrong is tried again: a job without a keeper would stand still unseen.
         */
        private boolean survived() throws InterruptedException {
            try {
                return step();
            } catch (RuntimeException | Error e) {
                LOG.error("keeper tries again job={}", id, e);
                pause(TICK);
                return true;
            }
        }

        private boolean step() throws InterruptedException {
            Job job = wanted;
            Run current = run;
            if (job != null && job.generation() != generation) {
                if (current != null) {
                    end(current);
                }
                adopt(job);
                return true;
            }
            if (job == null || closing || !job.state().isActive()) {
                if (current != null) {
                    end(current);
                    return true;
                }
                if (job == null) {
                    quiet.countDown();
                    forget();
                    return false;
                }
                if (closing) {
                    return false;
                }
                pause(TICK);
                return true;
            }
            if (current != null) {
                watch(job, current);
            } else {
                startWhenDue(job);
            }
            return true;
        }

        private void adopt(Job job) {
            spec = job.spec();
            generation = job.generation();
            policy = policies.apply(spec);
            retryAt = null;
            lastError = null;
            idle = null;
        }

        private void watch(Job job, Run current) throws InterruptedException {
            Outcome outcome = current.outcome;
            if (outcome == null) {
                Optional<MillraceException> trouble = current.trouble();
                long tso = current.checkpointTso;
                boolean well =
                        trouble.isEmpty()
                                && tso != 0
                                && (policy.onCheckpoint(tso) || !policy.inEpisode());
                if (trouble.isPresent() && job.state() == JobState.NORMAL) {
                    LOG.warn("job held up job={} cause={}", id, trouble.get().text());
                    policy.onWarning(tso);
                    report(JobState.RETRYING, Optional.of(shown(trouble.get(), true)));
                } else if (well && job.state() == JobState.RETRYING) {
                    report(JobState.NORMAL, Optional.empty());
                } else if (isStuck(current)) {
                    // The run ends when the state has changed: it may not be quick about it.
                    giveUp(job);
                } else {
                    pause(TICK);
                }
                return;
            }
            end(current);
            switch (outcome) {
                case Outcome.Finished finished -> report(JobState.FINISHED, Optional.empty());
                case Outcome.Failed failed -> failed(failed.error());
            }
        }

        private JobError shown(MillraceException error, boolean warning) {
            return new JobError(
                    self.address(),
                    error.code(),
                    Secrets.maskText(error.text()),
                    clock.instant(),
                    warning);
        }

        private void failed(MillraceException error) throws InterruptedException {
            JobError shown = shown(error, false);
            lastError = shown;
            metrics.record(SinkMetric.EXIT_WITH_ERROR, 1);
            if (isOfSink(error.code())) {
                metrics.record(SinkMetric.EXECUTION_ERROR, 1);
            }
            switch (policy.onError(error)) {
                case RetryPolicy.Decision.RetryAt retry -> {
                    retryAt = retry.time();
                    LOG.warn("job will retry job={} at={}", id, retry.time(), error);
                    report(JobState.RETRYING, Optional.of(shown));
                }
                case RetryPolicy.Decision.Fail fail -> {
                    LOG.error("job failed job={} code={}", id, error.code(), error);
                    report(JobState.FAILED, Optional.of(shown));
                }
            }
        }

        private boolean isStuck(Run run) {
            JobRunner runner = run.runner;
            if (runner == null) {
                return policy.isStuck(0);
            }
            JobProgress progress = runner.progress();
            // A DDL may take hours, and ends by time-outs of its own.
            return !progress.ddlUnderWay() && policy.isStuck(progress.rows() + progress.ddls());
        }

        private void giveUp(Job job) throws InterruptedException {
            String since =
                    policy.episodeBegin()
                            .map(begin -> " since " + begin.truncatedTo(ChronoUnit.SECONDS))
                            .orElse("");
            JobError last = lastError != null ? lastError : job.error().orElse(null);
            JobError error =
                    new JobError(
                            self.address(),
                            ErrorCode.RETRIES_EXHAUSTED,
                            "given up: the changefeed has made no progress"
                                    + since
                                    + ", longer than changefeed_error_stuck_duration ("
                                    + spec.stuckAfter().toMinutes()
                                    + " min); "
                                    + (last == null
                                            ? "its last run stands still"
                                            : "the last error was: " + last.message())
                                    + "; mend the cause, then resume it",
                            clock.instant());
            LOG.error("job given up job={} error={}", id, error.message());
            lastError = error;
            metrics.record(SinkMetric.EXIT_WITH_ERROR, 1);
            report(JobState.FAILED, Optional.of(error));
        }

        private void startWhenDue(Job job) throws InterruptedException {
            Instant due = retryAt;
            if (due != null) {
                Duration wait = Duration.between(clock.instant(), due);
                if (wait.isPositive()) {
                    pause(wait.compareTo(TICK) < 0 ? wait : TICK);
                    return;
                }
                retryAt = null;
                if (!policy.onRestart(progress().checkpointTso())) {
                    giveUp(job);
                    return;
                }
            }
            start(job);
        }

        private void start(Job job) {
            Run fresh = new Run(job.generation(), this::wake, this::checkpointSaved);
            spec = job.spec();
            try {
                fresh.startedFrom = MetaJobStore.checkpointTso(store, id).orElse(spec.startTso());
                Upstream upstream = upstreams.get(spec.upstream());
                if (MetaJobStore.checkpointTso(store, id).isEmpty()) {
                    // Later the capture compares its position with the server that it reads.
                    sameUpstream(upstream.clusterId());
                }
                SinkSpec sink = spec.sinkSpec();
                settleStaleSink(sink);
                MetaJobStore jobStore =
                        MetaJobStore.claim(store, id, spec.upstreamId(), upstream::decodePosition);
                JobRunner runner =
                        new JobRunner(
                                new JobRunner.Plan(
                                        id.toString(),
                                        upstream,
                                        sinks.of(sink),
                                        sink,
                                        spec.filter().compile(spec.caseSensitive()),
                                        spec.filter().compileEvents(),
                                        spec.startTso(),
                                        spec.targetTso(),
                                        spec.memoryQuota(),
                                        jobStore,
                                        self.address(),
                                        spec.timeZone(),
                                        metrics),
                                fresh);
                fresh.runner = runner;
                run = fresh;
                metrics.record(SinkMetric.START_TIME, clock.millis());
                LOG.info("run started job={} epoch={}", id, jobStore.epoch());
                runner.start();
            } catch (MillraceException e) {
                run = fresh;
                fresh.failed(e);
            } catch (RuntimeException | Error e) {
                run = fresh;
                fresh.failed(
                        new MillraceException(
                                ErrorCode.INTERNAL, "the run could not be started: " + e, e));
            } finally {
                tried = true;
            }
        }

        /**
         * Before the first run of a new life, or with other tables: the mark goes only when the
         * sink has done what it says.
         */
        private void settleStaleSink(SinkSpec sink) {
            Optional<MetaStore.Entry> mark = store.get(Records.staleSinkKey(id));
            if (mark.isPresent()) {
                if (mark.get().value().equals(Records.SINK_DISTRUSTS)) {
                    sinks.of(sink).distrustProgress(sink, id.toString());
                } else {
                    sinks.of(sink).forget(sink, id.toString());
                }
                store.commit(
                        List.of(
                                new MetaStore.Guard.Unchanged(
                                        mark.get().key(), mark.get().modRevision())),
                        List.of(new MetaStore.Op.Delete(mark.get().key())));
            }
        }

        private void sameUpstream(long now) {
            if (spec.upstreamId() != 0 && spec.upstreamId() != now) {
                throw new MillraceException(
                        ErrorCode.UPSTREAM_MISCONFIGURED,
                        "upstream "
                                + spec.upstream()
                                + " is another server than when the changefeed was made (cluster id "
                                + Long.toUnsignedString(now)
                                + ", expected "
                                + Long.toUnsignedString(spec.upstreamId())
                                + "); point the server at the original upstream, or remove and"
                                + " create the changefeed again");
            }
        }

        private void end(Run current) {
            JobRunner runner = current.runner;
            if (runner != null) {
                long began = System.nanoTime();
                runner.stop();
                metrics.record(SinkMetric.CLOSE_DURATION, System.nanoTime() - began);
                JobProgress last = atLeast(runner.progress(), current.startedFrom);
                idle =
                        new JobProgress(
                                last.checkpointTso(),
                                last.resolvedTso(),
                                Set.of(),
                                last.rows(),
                                last.bytes(),
                                last.ddls(),
                                0,
                                last.deliveredTso(),
                                false);
            }
            run = null;
            LOG.info("run ended job={}", id);
        }

        private void checkpointSaved(long tso) {
            metrics.record(
                    SinkMetric.FLUSH_LAG,
                    TimeUnit.MILLISECONDS.toNanos(
                            Math.max(0, clock.millis() - Tso.physicalMs(tso))));
        }

        private void report(JobState state, Optional<JobError> error) throws InterruptedException {
            while (!closing) {
                try {
                    reporter.report(new Command.ReportRun(id, generation, state, error));
                    return;
                } catch (MillraceException | CompletionException e) {
                    LOG.warn("state not stored yet job={} state={}: {}", id, state, e.toString());
                    pause(TICK);
                }
            }
        }

        /** The keeper stays listed meanwhile: a job made again under this id waits for its end. */
        private void forget() {
            try {
                SinkSpec sink = spec.sinkSpec();
                sinks.of(sink).forget(sink, id.toString());
            } catch (RuntimeException e) {
                LOG.warn("sink still remembers the removed job job={}: {}", id, e.toString());
            } finally {
                keepers.remove(id, this);
            }
        }

        private void pause(Duration time) throws InterruptedException {
            if (signal.tryAcquire(time.toMillis(), TimeUnit.MILLISECONDS)) {
                signal.drainPermits();
            }
        }
    }
}
