package io.millrace.core.engine;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.EventFilters;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkMetrics;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.Upstream;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
     * @param events which of their changes are left out
     * @param startTso begin behind this TSO when the store holds no checkpoint
     * @param targetTso end when everything up to here is delivered; 0 for never
     * @param memoryQuotaBytes bytes of row batches that may be held between capture and sink; one
     *     larger batch passes alone
     * @param store the job's durable memory
     * @param nodeAddress advertised address of this node
     * @param timeZone IANA name or offset that TIMESTAMP values are shown in
     * @param metrics where the run and its sink record how their work goes
     */
    public record Plan(
            String jobId,
            Upstream upstream,
            SinkFactory sinkFactory,
            SinkSpec sinkSpec,
            TableFilter filter,
            EventFilters events,
            long startTso,
            long targetTso,
            long memoryQuotaBytes,
            JobStore store,
            String nodeAddress,
            String timeZone,
            SinkMetrics metrics) {
        public Plan {
            Objects.requireNonNull(jobId);
            if (memoryQuotaBytes <= 0) {
                throw new IllegalArgumentException(
                        "memory quota must be positive: " + memoryQuotaBytes);
            }
        }

        /** With all changes of the tables, and without metrics. */
        public Plan(
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
            this(
                    jobId,
                    upstream,
                    sinkFactory,
                    sinkSpec,
                    filter,
                    EventFilters.NONE,
                    startTso,
                    targetTso,
                    memoryQuotaBytes,
                    store,
                    nodeAddress,
                    timeZone,
                    SinkMetrics.NONE);
        }

        /** With only those changes that the filters let through. */
        public Plan withEvents(EventFilters only) {
            return new Plan(
                    jobId,
                    upstream,
                    sinkFactory,
                    sinkSpec,
                    filter,
                    only,
                    startTso,
                    targetTso,
                    memoryQuotaBytes,
                    store,
                    nodeAddress,
                    timeZone,
                    metrics);
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

    private static final Logger LOG = LoggerFactory.getLogger(JobRunner.class);

    /** How long a capture may take to end after it was told to. */
    private static final long CAPTURE_END_LIMIT_MS = 10_000;

    /** Duty cycles without work before the thread sleeps. */
    private static final int SPINS = 200;

    /** Sleep while the sink has work under way, for its timers; acks cut it short. */
    private static final long BUSY_PARK_NANOS = 1_000_000;

    /** Sleep while there is nothing to do; an event cuts it short. */
    private static final long IDLE_PARK_NANOS = 10_000_000;

    private final Plan plan;
    private final Listener listener;
    private final Intake intake;
    private final Thread pipelineThread;

    private final Object lock = new Object();
    private boolean started;
    private boolean opening;
    private volatile boolean stopAsked;
    private volatile @Nullable Pipeline pipeline;
    private volatile @Nullable Capture capture;
    private @Nullable Thread captureThread;

    public JobRunner(Plan plan, Listener listener) {
        this.plan = plan;
        this.listener = listener;
        this.intake = new Intake(new MemoryBudget(plan.memoryQuotaBytes()));
        this.pipelineThread =
                Thread.ofPlatform()
                        .name("pipeline-" + plan.jobId())
                        .daemon(true)
                        .unstarted(this::runPipeline);
    }

    /** Starts the threads and returns; opening sink and capture happens on them. Once. */
    public void start() {
        synchronized (lock) {
            if (started) {
                throw new IllegalStateException("a run starts only once: " + plan.jobId());
            }
            started = true;
            if (stopAsked) {
                return;
            }
            opening = true;
            pipelineThread.start();
        }
    }

    /**
     * Orderly end: stops reading, lets the sink finish what it has (for a bounded time, see {@link
     * Pipeline#DRAIN_LIMIT_NANOS}), saves the checkpoint, closes the sink. Returns when all is
     * released. Neither {@link Listener#finished} nor {@link Listener#failed} follows a stop,
     * except when it came too late for that or saving failed. Harmless when the run has ended
     * already or was never started; callable from any thread.
     */
    public void stop() {
        synchronized (lock) {
            stopAsked = true;
            if (opening) {
                // Nothing was delivered yet; cut a connection attempt short.
                pipelineThread.interrupt();
            }
        }
        Pipeline running = pipeline;
        if (running != null) {
            closeCapture();
            running.requestStop();
        }
        if (Thread.currentThread() != pipelineThread) {
            joinUninterruptibly(pipelineThread);
        }
    }

    /** Figures; cheap, callable from any thread, also after the end. */
    public JobProgress progress() {
        Pipeline running = pipeline;
        if (running == null) {
            return JobProgress.at(plan.startTso());
        }
        Capture reader = capture;
        return running.progress(
                reader == null ? Set.of() : reader.tableIds(plan.sinkSpec().forceReplicate()));
    }

    /**
     * What keeps the sink from delivering at the moment, while it goes on trying; callable from any
     * thread.
     */
    public Optional<MillraceException> trouble() {
        Pipeline running = pipeline;
        return running == null ? Optional.empty() : running.trouble();
    }

    /** As {@link #stop}. */
    @Override
    public void close() {
        stop();
    }

    private void runPipeline() {
        MillraceException error = null;
        try {
            open();
            cycle();
        } catch (Throwable t) { // whatever it was, the job must end in a known state
            error = asMillrace(t);
        }
        error = release(error);
        Pipeline ended = pipeline;
        if (error != null && !(stopAsked && ended == null)) {
            LOG.warn(
                    "run failed: job={} code={} checkpoint={} error={}",
                    plan.jobId(),
                    error.code(),
                    progress().checkpointTso(),
                    error.text(),
                    error.code() == ErrorCode.INTERNAL ? error : null);
            listener.failed(error);
        } else if (ended != null && ended.state() == Pipeline.State.FINISHED) {
            LOG.info("run finished: job={} target={}", plan.jobId(), plan.targetTso());
            listener.finished();
        } else {
            LOG.info("run stopped: job={} checkpoint={}", plan.jobId(), progress().checkpointTso());
        }
    }

    private void open() {
        Pipeline opened =
                new Pipeline(plan, intake, System::nanoTime, AckLedger::new, listener::checkpoint);
        pipeline = opened;
        Capture reader = plan.upstream().openCapture(opened.captureRequest());
        capture = reader;
        if (plan.sinkSpec().tellsTablesAtStart()) {
            reader.tellTables(opened::tell);
        }
        synchronized (lock) {
            opening = false;
            // An interrupt meant for the opening must not hit the work.
            Thread.interrupted();
            if (stopAsked) {
                opened.requestStop();
                return;
            }
        }
        LOG.info("run starts: job={} checkpoint={}", plan.jobId(), progress().checkpointTso());
        captureThread =
                Thread.ofPlatform()
                        .name("capture-" + plan.jobId())
                        .daemon(true)
                        .start(() -> runCapture(reader, opened));
    }

    private void runCapture(Capture reader, Pipeline to) {
        MillraceException error = null;
        try {
            reader.run(intake);
            error = new MillraceException(ErrorCode.INTERNAL, "the capture ended by itself");
        } catch (InterruptedException e) {
            error = new MillraceException(ErrorCode.INTERNAL, "the capture was interrupted", e);
        } catch (Throwable t) { // as above
            error = asMillrace(t);
        }
        if (!stopAsked) {
            to.fail(error);
        }
    }

    private void cycle() {
        Pipeline running = Objects.requireNonNull(pipeline);
        Parker parker = intake.consumer();
        int idle = 0;
        while (running.state() == Pipeline.State.RUNNING
                || running.state() == Pipeline.State.STOPPING) {
            if (running.doWork() > 0) {
                idle = 0;
            } else if (idle++ < SPINS) {
                Thread.onSpinWait();
            } else {
                parker.prepare();
                if (running.doWork() > 0) {
                    parker.cancel();
                    idle = 0;
                } else {
                    parker.park(running.isBusy() ? BUSY_PARK_NANOS : IDLE_PARK_NANOS);
                }
            }
        }
    }

    /** Ends the capture, then frees what is between it and the sink; returns the final error. */
    private @Nullable MillraceException release(@Nullable MillraceException error) {
        intake.close();
        closeCapture();
        Thread reader = captureThread;
        if (reader != null) {
            reader.interrupt();
            try {
                if (!reader.join(java.time.Duration.ofMillis(CAPTURE_END_LIMIT_MS))) {
                    LOG.warn("the capture does not end: job={}", plan.jobId());
                }
            } catch (InterruptedException e) {
                LOG.warn("interrupted while the capture ends: job={}", plan.jobId());
            }
        }
        Pipeline ended = pipeline;
        if (ended == null) {
            intake.discard();
            return error;
        }
        if (error != null) {
            try {
                ended.saveProgress();
            } catch (RuntimeException e) {
                // The first error is the one to tell; less progress only means more repetition.
                error.addSuppressed(e);
            }
        }
        ended.close();
        return error;
    }

    private void closeCapture() {
        Capture reader = capture;
        if (reader != null) {
            try {
                reader.close();
            } catch (RuntimeException e) {
                LOG.warn("closing the capture failed: job={}", plan.jobId(), e);
            }
        }
    }

    private MillraceException asMillrace(Throwable t) {
        if (t instanceof MillraceException known) {
            return known;
        }
        return new MillraceException(
                ErrorCode.INTERNAL, "job " + plan.jobId() + " hit a defect: " + t, t);
    }

    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
