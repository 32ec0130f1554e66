package io.millrace.core.engine;

import io.millrace.core.engine.JobRunner.Plan;
import io.millrace.core.engine.JobStore.DdlIntent;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.expression.RowExpression;
import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.ResolvedMark;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkMetric;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Everything between capture and sink, as one duty cycle: collect acks, save the checkpoint, pass
 * events on. It belongs to the thread that calls {@link #doWork}; {@link #requestStop}, {@link
 * #fail} and {@link #progress} may be called from others.
 *
 * <p>An error of sink, capture or store comes out of {@link #doWork} as an exception. The pipeline
 * is dead then: the caller may still {@link #saveProgress}, and must {@link #close}, which releases
 * everything.
 *
 * <p>Has no thread, no clock and no I/O of its own, so that the simulation steps exactly what
 * production runs.
 */
public final class Pipeline implements Stage, AutoCloseable {
    /** Longest that an orderly stop waits for the sink, in nanoseconds. */
    public static final long DRAIN_LIMIT_NANOS = 10_000_000_000L;

    /**
     * An orderly stop does not wait longer than this without any ack, in nanoseconds: a sink that
     * groups whole transactions may hold one whose end will not come any more.
     */
    public static final long DRAIN_QUIET_NANOS = 2_000_000_000L;

    /** Events per duty cycle; acks and the sink's timers get their turn in between. */
    private static final int EVENTS_PER_CYCLE = 256;

    /** How far a pipeline is. */
    public enum State {
        RUNNING,
        /** Asked to stop; waits for acks. */
        STOPPING,
        /** Ended orderly by request. */
        STOPPED,
        /** Everything up to the target TSO is delivered. */
        FINISHED
    }

    /** Makes the ledger; anything but {@code AckLedger::new} is a test of the tests. */
    @FunctionalInterface
    public interface LedgerFactory {
        AckLedger create(Optional<Checkpoint> start, long startTso);
    }

    private final Plan plan;
    private final Intake intake;
    private final LongSupplier nanos;
    private final JobStore store;
    private final Optional<Checkpoint> start;
    private final AckLedger ledger;
    private final Sink sink;
    private final Admission admission;
    private final CheckpointWriter writer;
    private final Barrier barrier;
    private final boolean countsByTable;

    private volatile State state = State.RUNNING;
    private volatile boolean stopRequested;

    /** Tables that the sink has to be told before anything else; null when there are none. */
    private volatile @Nullable List<TableSchema> untold;

    private boolean closed;

    /** Polled and not done with; the sink refused it, or something has to happen first. */
    private @Nullable ChangeEvent held;

    /** Seq of the held batch, -1 when it has none yet. */
    private long heldSeq = -1;

    /** Commit TSO of the transaction whose last batch the sink has not seen; 0 when none. */
    private long openTransaction;

    /** TSO of the last mark taken from a clock that may not be durable yet; 0 when none. */
    private long clockFloor;

    /** The stream went beyond the target TSO. */
    private boolean targetReached;

    private long resolvedTold;
    private long stopDeadline;
    private long lastAckNanos;

    private final AtomicLong checkpointTso = new AtomicLong();
    private final AtomicLong readTso = new AtomicLong();
    private final AtomicLong deliveredTso = new AtomicLong();
    private final AtomicLong rows = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong ddls = new AtomicLong();
    private long ddlReachedNanos;

    /**
     * Reads the job's store, marks the job as running and opens the sink.
     *
     * @param nanos monotonic clock
     * @param saved told of every durable checkpoint
     */
    public Pipeline(
            Plan plan,
            Intake intake,
            LongSupplier nanos,
            LedgerFactory ledgers,
            Consumer<Checkpoint> saved) {
        this.plan = plan;
        this.intake = intake;
        this.nanos = nanos;
        this.store = plan.store();
        this.countsByTable = plan.sinkSpec().countsByTable();
        this.start = store.checkpoint();
        Optional<DdlIntent> intent = store.intent();
        boolean unclean = store.wasRunning();
        store.markRunning();
        this.ledger = ledgers.create(start, plan.startTso());
        ledger.wakes(intake.consumer());
        this.resolvedTold = ledger.resolvedTso();
        this.checkpointTso.set(ledger.resolvedTso());
        this.readTso.set(ledger.resolvedTso());
        this.deliveredTso.set(ledger.deliveredTso());
        this.targetReached = plan.targetTso() > 0 && ledger.resolvedTso() >= plan.targetTso();
        this.admission =
                new Admission(
                        plan.jobId(),
                        plan.filter(),
                        plan.sinkSpec().forceReplicate(),
                        plan.events(),
                        zones(plan));
        this.sink =
                plan.sinkFactory()
                        .open(
                                plan.sinkSpec(),
                                new SinkContext(
                                        plan.jobId(),
                                        plan.nodeAddress(),
                                        ledger,
                                        ledger.resolvedTso(),
                                        start,
                                        unclean,
                                        plan.metrics(),
                                        () -> tables(plan)));
        this.writer =
                new CheckpointWriter(
                        store,
                        ledger,
                        start,
                        checkpoint -> {
                            checkpointTso.setRelease(checkpoint.resolvedTso());
                            sink.checkpointSaved(checkpoint);
                            saved.accept(checkpoint);
                        });
        this.barrier = new Barrier(ledger, sink, store, writer, intent);
    }

    private static List<TableName> tables(Plan plan) {
        return plan.upstream().tables(plan.filter()).stream()
                .filter(table -> plan.sinkSpec().forceReplicate() || table.hasHandleKey())
                .map(TableSchema::name)
                .toList();
    }

    private static RowExpression.Zones zones(Plan plan) {
        return new RowExpression.Zones(ZoneId.of(timestampZone(plan)), ZoneId.of(plan.timeZone()));
    }

    private static String timestampZone(Plan plan) {
        return plan.sinkFactory().timestampZone(plan.sinkSpec(), plan.timeZone());
    }

    /** What the capture is to be opened with. */
    public CaptureRequest captureRequest() {
        return new CaptureRequest(
                plan.jobId(),
                plan.startTso(),
                start,
                plan.filter(),
                store.schemaHistory(),
                timestampZone(plan),
                start.isEmpty() ? store.startEnd() : Optional.empty(),
                plan.sinkSpec().bidirectional());
    }

    public State state() {
        return state;
    }

    /** Asks for an orderly stop; any thread. The capture should have been closed before. */
    public void requestStop() {
        stopRequested = true;
        intake.consumer().wake();
    }

    /** Reports a failure from outside, such as the capture's; any thread. */
    public void fail(MillraceException error) {
        ledger.fail(error);
    }

    /**
     * {@inheritDoc}
     *
     * @throws MillraceException the run has failed
     */
    @Override
    public int doWork() {
        if (state == State.STOPPED || state == State.FINISHED) {
            return 0;
        }
        if (ledger.failure().isPresent()) {
            throw ledger.failure().get();
        }
        long now = nanos.getAsLong();
        int work = collectAcks(now);
        if (stopRequested) {
            work += stop(now);
        } else if (targetReached) {
            work += finish(now);
        } else {
            work += dispatch(now);
        }
        if (state == State.RUNNING || state == State.STOPPING) {
            work += sink.doWork(now);
        }
        return work;
    }

    private int collectAcks(long now) {
        int work = ledger.advance();
        if (work > 0) {
            lastAckNanos = now;
        }
        if (ledger.deliveredTso() != deliveredTso.getPlain()) {
            deliveredTso.setRelease(ledger.deliveredTso());
        }
        if (writer.saveWhenDue(now)) {
            work++;
        }
        tellResolved();
        return work;
    }

    private void tellResolved() {
        long resolved = ledger.resolvedTso();
        if (resolved <= resolvedTold) {
            return;
        }
        // A TSO from the upstream's clock is a promise about later transactions' numbers. Only the
        // durable floor keeps it across a restart, so nobody hears of it before.
        if (clockFloor > writer.savedTso() && resolved >= clockFloor) {
            return;
        }
        resolvedTold = resolved;
        sink.resolved(resolved);
    }

    private int dispatch(long now) {
        int work = 0;
        List<TableSchema> tables = untold;
        if (tables != null) {
            untold = null;
            sink.tables(tables);
        }
        while (work < EVENTS_PER_CYCLE) {
            ChangeEvent event = held;
            if (event == null) {
                event = intake.poll();
                if (event == null) {
                    return work;
                }
                held = event;
                count(event);
            }
            if (!pass(event, now)) {
                return work;
            }
            held = null;
            heldSeq = -1;
            work++;
        }
        return work;
    }

    private void count(ChangeEvent read) {
        switch (read) {
            case RowBatch batch ->
                    plan.metrics().record(SinkMetric.PULLER_EVENTS, batch.rowCount());
            case SchemaChange change -> plan.metrics().record(SinkMetric.PULLER_EVENTS, 1);
            case ResolvedMark mark -> {}
        }
    }

    /** Gets one event through; false when it has to wait. */
    private boolean pass(ChangeEvent event, long now) {
        if (plan.targetTso() > 0 && event.commitTso() > plan.targetTso()) {
            targetReached = true;
            return false;
        }
        if (event instanceof ResolvedMark mark && mark.clockDerived()) {
            passMark(mark);
            clockFloor = mark.commitTso();
            return true;
        }
        if (!isClockFloorDurable(now)) {
            return false;
        }
        return switch (event) {
            case RowBatch batch -> passRows(batch);
            case SchemaChange change -> passDdl(change, now);
            case ResolvedMark mark -> {
                passMark(mark);
                yield true;
            }
        };
    }

    private boolean isClockFloorDurable(long now) {
        if (clockFloor != 0) {
            if (clockFloor > writer.savedTso()) {
                if (ledger.inFlight() > 0) {
                    return false;
                }
                writer.saveNow(now);
            }
            clockFloor = 0;
            tellResolved();
        }
        return true;
    }

    private void passMark(ResolvedMark mark) {
        ledger.pass(mark.positionAfter(), mark.commitTso(), true);
        read(mark.commitTso());
        if (mark.commitTso() == plan.targetTso()) {
            targetReached = true;
        }
    }

    private boolean passRows(RowBatch polled) {
        RowBatch batch = polled;
        if (heldSeq < 0) {
            if (!admission.rows(batch)) {
                skip(batch);
                return true;
            }
            if (!ledger.hasRoom()) {
                return false;
            }
            RowBatch kept = admission.select(batch);
            if (kept == null) {
                skip(batch);
                return true;
            }
            batch = kept;
            held = kept;
            heldSeq = ledger.append(kept);
        }
        long tso = batch.commitTso();
        boolean last = batch.lastOfTransaction();
        int rowCount = batch.rowCount();
        int size = batch.sizeBytes();
        TableName table = batch.schema().name();
        if (!sink.offer(heldSeq, batch)) {
            return false;
        }
        // The sink owns the batch now.
        openTransaction = last ? 0 : tso;
        if (last) {
            read(tso);
        }
        add(rows, rowCount);
        add(bytes, size);
        if (countsByTable) {
            plan.metrics().table(table, rowCount, size, tso);
        }
        return true;
    }

    /** A batch of which the sink gets nothing; only its place in the stream counts. */
    private void skip(RowBatch batch) {
        long tso = batch.commitTso();
        boolean last = batch.lastOfTransaction();
        ledger.pass(batch.positionAfter(), tso, last);
        batch.release();
        if (last) {
            read(tso);
            if (openTransaction == tso) {
                openTransaction = 0;
                sink.transactionEnded(tso);
            }
        }
    }

    private boolean passDdl(SchemaChange change, long now) {
        if (barrier.isOpen()) {
            Optional<SchemaChange> kept = admission.ddl(change);
            if (kept.isEmpty()) {
                ledger.pass(change.positionAfter(), change.commitTso(), true);
                read(change.commitTso());
                return true;
            }
            barrier.raise(kept.get());
            ddlReachedNanos = now;
        }
        if (!barrier.step(now)) {
            return false;
        }
        plan.metrics().record(SinkMetric.DDL_EXEC_DURATION, nanos.getAsLong() - ddlReachedNanos);
        add(ddls, 1);
        read(change.commitTso());
        tellResolved();
        return true;
    }

    /** The target TSO was passed: wait for the acks, then this is the end. */
    private int finish(long now) {
        if (ledger.inFlight() > 0) {
            sink.flush();
            return 0;
        }
        if (ledger.checkpoint().isEmpty() && held instanceof ResolvedMark mark) {
            // Nothing at all lies before the mark, so its position loses nothing.
            ledger.pass(mark.positionAfter(), plan.targetTso(), true);
        }
        ledger.resolveAllUpTo(plan.targetTso());
        writer.saveNow(now);
        clockFloor = 0;
        tellResolved();
        checkpointTso.setRelease(ledger.resolvedTso());
        read(ledger.resolvedTso());
        store.markStopped();
        state = State.FINISHED;
        return 1;
    }

    private int stop(long now) {
        if (state == State.RUNNING) {
            state = State.STOPPING;
            stopDeadline = now + DRAIN_LIMIT_NANOS;
            lastAckNanos = now;
            sink.flush();
        }
        boolean notTaken = heldSeq >= 0 || barrier.isOffering();
        boolean drained = ledger.inFlight() == (notTaken ? 1 : 0);
        boolean patient =
                now - stopDeadline < 0
                        && now - lastAckNanos < DRAIN_QUIET_NANOS
                        && !sink.isHeldUp();
        if (!drained && patient) {
            return 0;
        }
        writer.saveNow(now);
        if (drained) {
            store.markStopped();
        }
        state = State.STOPPED;
        return 1;
    }

    /** After a failure: saves what is acked all the same, so that less is repeated. */
    public void saveProgress() {
        ledger.advance();
        writer.saveNow(nanos.getAsLong());
    }

    /** Releases everything; the capture must not emit any more. Never throws; more than once. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        intake.close();
        sink.close();
        if (held instanceof RowBatch batch) {
            batch.release();
        }
        held = null;
        intake.discard();
    }

    /**
     * Figures; any thread.
     *
     * @param tableIds what the capture follows
     */
    public JobProgress progress(Set<Long> tableIds) {
        return new JobProgress(
                checkpointTso.getAcquire(),
                readTso.getAcquire(),
                tableIds,
                rows.getAcquire(),
                bytes.getAcquire(),
                ddls.getAcquire(),
                intake.budget().used(),
                deliveredTso.getAcquire(),
                barrier.isApplying());
    }

    /** The capture's tables, before its first event; any thread. */
    void tell(List<TableSchema> followed) {
        untold =
                followed.stream()
                        .filter(table -> plan.sinkSpec().forceReplicate() || table.hasHandleKey())
                        .toList();
    }

    /** What keeps the sink from delivering now, if it told; any thread. */
    Optional<MillraceException> trouble() {
        return ledger.trouble();
    }

    /** Whether the sink has something that it did not ack, so that its timers matter. */
    boolean isBusy() {
        return ledger.inFlight() > 0;
    }

    private void read(long tso) {
        if (tso > readTso.getPlain()) {
            readTso.setRelease(tso);
        }
    }

    /** One writer, many readers: no read-modify-write needed. */
    private static void add(AtomicLong counter, long by) {
        counter.setRelease(counter.getPlain() + by);
    }
}
