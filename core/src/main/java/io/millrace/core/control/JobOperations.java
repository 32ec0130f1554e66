package io.millrace.core.control;

import io.millrace.core.engine.JobProgress;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.SourcePosition;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Operations on jobs that are more than one {@link Command}: they end when what was asked for has
 * happened, not when it is stored. One at a time works at a job; a second is refused with JOB_BUSY.
 * Which ones are under way is kept in memory, so that a process that dies leaves none behind.
 * Callable from any thread; they block.
 */
public final class JobOperations {
    /** How long a job may take to run, or to stop. */
    static final Duration LIMIT = Duration.ofSeconds(10);

    /** Tries to store a change while the job's state changes. */
    private static final int ROUNDS = 10;

    private static final Duration LOOK = Duration.ofMillis(20);
    private static final Logger LOG = LoggerFactory.getLogger(JobOperations.class);

    /** What an operation does. */
    public enum Kind {
        CREATE,
        PAUSE,
        RESUME,
        UPDATE
    }

    /** Makes the new spec of a job. */
    public interface Change {
        /**
         * @throws MillraceException when it is refused; then nothing changes
         */
        JobSpec of(JobSpec old);
    }

    private final ControlPlane control;
    private final Map<JobId, Kind> underWay = new ConcurrentHashMap<>();

    JobOperations(ControlPlane control) {
        this.control = control;
    }

    /** What works at a job now. */
    public Optional<Kind> underWay(JobId id) {
        return Optional.ofNullable(underWay.get(id));
    }

    /** Something that is done while no other operation works at the job. */
    private interface Work {
        Job run() throws InterruptedException;
    }

    private Job alone(JobId id, Kind kind, Work work) {
        if (underWay.putIfAbsent(id, kind) != null) {
            throw new MillraceException(
                    ErrorCode.JOB_BUSY, "another operation works at changefeed " + id);
        }
        try {
            return work.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MillraceException(
                    ErrorCode.CLUSTER_UNHEALTHY, "the server is shutting down", e);
        } finally {
            underWay.remove(id);
        }
    }

    /**
     * Makes a job and waits until it runs. One that does not is removed again.
     *
     * @param spec has passed the {@link JobChecks}
     * @throws MillraceException why it was not made, or does not run
     */
    public Job create(JobSpec spec, Optional<SourcePosition> streamEnd) {
        JobId id = spec.id();
        return alone(
                id,
                Kind.CREATE,
                () -> {
                    Job made =
                            submit(new Command.CreateJob(spec, streamEnd))
                                    .orElseThrow(() -> gone(id));
                    try {
                        awaitRun(made, spec.startTso());
                    } catch (MillraceException e) {
                        if (e.code() == ErrorCode.JOB_STATE_CONFLICT) {
                            return made; // it is there, and somebody has stopped it
                        }
                        undo(id, e);
                        throw e;
                    } catch (RuntimeException | InterruptedException e) {
                        undo(id, e);
                        throw e;
                    }
                    return made;
                });
    }

    private void undo(JobId id, Exception cause) {
        LOG.warn("job does not run and is removed again job={}", id, cause);
        try {
            submit(new Command.RemoveJob(id));
            control.awaitIdle(id, LIMIT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("job that does not run could not be removed job={}", id, e);
            cause.addSuppressed(e);
        }
    }

    /**
     * Stops a job and waits until its run has ended.
     *
     * @return the job as it was before
     */
    public Job pause(JobId id) {
        return alone(
                id,
                Kind.PAUSE,
                () -> {
                    Job before = existing(id);
                    stop(id);
                    return before;
                });
    }

    private void stop(JobId id) throws InterruptedException {
        Job job = submit(new Command.PauseJob(id)).orElseThrow(() -> gone(id));
        if (job.state() != JobState.STOPPED) {
            throw new MillraceException(
                    ErrorCode.JOB_STATE_CONFLICT,
                    "changefeed "
                            + id
                            + " is "
                            + job.state().name().toLowerCase(java.util.Locale.ROOT)
                            + " and does not run");
        }
        if (!control.awaitIdle(id, LIMIT)) {
            throw slow(id);
        }
    }

    private static MillraceException slow(JobId id) {
        return new MillraceException(
                ErrorCode.JOB_STATE_CONFLICT,
                "changefeed "
                        + id
                        + " is told to stop, and needs more than "
                        + LIMIT.toSeconds()
                        + " s for it");
    }

    /**
     * Starts a job and waits until it runs; one that is active already is left alone.
     *
     * @return the job as it was before
     * @throws MillraceException why it can't go on, or does not run; it stays started, and is tried
     *     again if that may help
     */
    public Job resume(JobId id) {
        return alone(
                id,
                Kind.RESUME,
                () -> {
                    Job before = existing(id);
                    if (!before.state().isActive()) {
                        start(before);
                    }
                    return before;
                });
    }

    private void start(Job job) throws InterruptedException {
        JobProgress at = control.progress(job.id());
        Optional<SourcePosition> end =
                control.checks().resumable(job.spec().upstream(), at.checkpointTso(), false);
        control.checks().differentClusters(job.spec());
        Job started =
                submit(new Command.ResumeJob(job.id(), 0, end)).orElseThrow(() -> gone(job.id()));
        awaitRun(started, reached(at));
    }

    private static long reached(JobProgress at) {
        return Long.compareUnsigned(at.resolvedTso(), at.checkpointTso()) > 0
                ? at.resolvedTso()
                : at.checkpointTso();
    }

    /**
     * Changes a job, whatever its state. One that runs begins a new run, which is waited for.
     *
     * @return the job as it was before
     * @throws MillraceException when the change is refused, and then nothing has changed; or when
     *     the changed job does not run
     */
    public Job change(JobId id, Change change) {
        return alone(
                id,
                Kind.UPDATE,
                () -> {
                    Job before = existing(id);
                    JobSpec spec = change.of(before.spec());
                    if (spec.equals(before.spec())) {
                        return before;
                    }
                    if (before.spec().withLabels(spec.labels()).equals(spec)) {
                        based(before, revision -> new Command.UpdateJob(spec, revision));
                        return before;
                    }
                    control.checks().job(spec);
                    if (before.state().isActive()) {
                        control.checks().differentClusters(spec);
                    }
                    Job now = based(before, revision -> new Command.ReplaceJob(spec, revision));
                    if (now.state().isActive()) {
                        awaitOldRuns(now);
                        awaitRun(now, reached(control.progress(id)));
                    }
                    return before;
                });
    }

    /** The state of a job changes by itself; what a change was made of must be as it was. */
    private Job based(Job before, LongFunction<Command> command) {
        for (int round = 1; ; round++) {
            Job now = existing(before.id());
            if (!now.spec().equals(before.spec())) {
                throw new MillraceException(
                        ErrorCode.METASTORE_CONFLICT,
                        "changefeed "
                                + before.id()
                                + " was changed by somebody else meanwhile; try again");
            }
            try {
                return submit(command.apply(now.revision())).orElseThrow(() -> gone(before.id()));
            } catch (MillraceException e) {
                if (e.code() != ErrorCode.METASTORE_CONFLICT || round == ROUNDS) {
                    throw e;
                }
            }
        }
    }

    /**
     * Removes a job and waits until its run has let go of everything; also while another operation
     * works at it.
     *
     * @return the job as it was before; empty when there was none
     */
    public Optional<Job> remove(JobId id) {
        Optional<Job> before = submit(new Command.RemoveJob(id));
        if (before.isPresent()) {
            try {
                control.awaitIdle(id, LIMIT);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        return before;
    }

    /**
     * Waits for a run that has got past where the job stood. One that is well but has not got there
     * within the limit, because it has much to read, counts as running too.
     */
    private void awaitRun(Job started, long from) throws InterruptedException {
        JobId id = started.id();
        long deadline = System.nanoTime() + LIMIT.toNanos();
        awaitOldRuns(started);
        while (true) {
            Job job = existing(id);
            boolean late = System.nanoTime() - deadline >= 0;
            switch (job.state()) {
                case FINISHED -> {
                    return;
                }
                case NORMAL -> {
                    if (late || runs(control.progress(id), from)) {
                        return;
                    }
                }
                case RETRYING -> {
                    if (late) {
                        throw why(job);
                    }
                }
                case FAILED -> throw why(job);
                case STOPPED ->
                        throw new MillraceException(
                                ErrorCode.JOB_STATE_CONFLICT,
                                "changefeed " + id + " was stopped by somebody else meanwhile");
            }
            Thread.sleep(LOOK);
        }
    }

    private void awaitOldRuns(Job started) throws InterruptedException {
        if (!control.awaitRunsBefore(started.id(), started.generation(), LIMIT)) {
            throw slow(started.id());
        }
    }

    private static boolean runs(JobProgress progress, long from) {
        return !progress.tableIds().isEmpty()
                || Long.compareUnsigned(progress.resolvedTso(), from) > 0;
    }

    private static MillraceException why(Job job) {
        return job.error()
                .map(error -> new MillraceException(error.code(), error.message()))
                .orElseGet(() ->
                        new MillraceException(
                                ErrorCode.INTERNAL, "changefeed " + job.id() + " does not run"));
    }

    private Job existing(JobId id) {
        return control.image().job(id).orElseThrow(() -> gone(id));
    }

    private static MillraceException gone(JobId id) {
        return new MillraceException(ErrorCode.JOB_NOT_FOUND, "changefeed not exists, " + id);
    }

    private Optional<Job> submit(Command command) {
        try {
            return control.submit(command).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof MillraceException known ? known : e;
        }
    }
}
