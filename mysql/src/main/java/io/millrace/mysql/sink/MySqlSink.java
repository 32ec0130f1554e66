package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkMetrics;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes rows into MySQL, MariaDB or TiDB through workers that never touch the same key at the same
 * time.
 *
 * <p>The engine's thread deals rows out. A row's worker follows from its key alone, so a restart
 * deals the same way and each worker can skip what its progress row in the target says it has. A
 * row that touches a key (primary or unique, old or new value) which another worker has not
 * committed yet waits, and everything behind it. Tables without a key go, in order, through one
 * extra worker. Rows that take others along, by foreign keys, go through one more: such a row waits
 * until everything before it is committed, and everything behind it waits for it ({@link
 * CascadingRows}).
 *
 * <p>With {@code transaction-atomicity=table} a table belongs to one worker, which holds its
 * transaction open until the source transaction has ended; rows are sent and freed meanwhile.
 */
final class MySqlSink implements Sink, Worker.Owner {
    private static final Logger log = LoggerFactory.getLogger(MySqlSink.class);

    /** Offset that makes the progress of whole-table dealing unusable for row dealing. */
    private static final int WHOLE_TABLES_HASH_VERSION = 1000;

    private static final long CHECKPOINT_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long WATCH_INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long CLOSE_WAIT_MS = 5_000;

    /**
     * Whole-table dealing: from so many events without an ack on, what the workers hold open is
     * committed, between source transactions after {@link #COMMIT_BETWEEN} events, inside of one
     * after {@link #COMMIT_INSIDE}. The rest of {@link Sink#MAX_UNACKED} goes on meanwhile.
     */
    private static final int MANY_UNACKED = MAX_UNACKED / 2;

    private static final int COMMIT_BETWEEN = MAX_UNACKED / 8;
    private static final int COMMIT_INSIDE = MAX_UNACKED / 4;

    /**
     * Rows of one source transaction that are held open at most: each costs memory for its keys.
     */
    private static final int MAX_OPEN_ROWS = 1 << 20;

    private final MySqlSinkConfig config;
    private final SinkContext context;
    private final ProgressStore progress;
    private final ProgressStore.Opened opened;
    private final boolean bidirectional;
    private final DdlApplier ddlApplier;

    /** Key-parallel workers, then the one for keyless tables, then the one for cascades. */
    private final Worker[] workers;

    private final @Nullable Thread[] threads;
    private final long[] nextTicket;
    private final ProgressStore.Position[] done;
    private final int keyWorkers;
    private final int cascadeWorker;
    private final InFlightKeys inFlight;
    private final Map<TableSchema, TableState> tables = new IdentityHashMap<>();
    private final ArrayDeque<RowTask> liveTasks = new ArrayDeque<>();
    private final RowKeys.Scratch scratch = new RowKeys.Scratch();

    /** Table definitions, DDL and checkpoints: one thing at a time, on a connection of its own. */
    private final ExecutorService control =
            Executors.newSingleThreadExecutor(
                    Thread.ofVirtual().name("mysql-sink-control").factory());

    /** Of the target, for all tables; null until read. Belongs to {@link #control}. */
    private @Nullable ForeignKeys foreignKeys;

    private volatile @Nullable TargetSession controlSession;
    private volatile @Nullable TargetSession ddlSession;
    private final AtomicBoolean failed = new AtomicBoolean();
    private volatile boolean stopped;
    private final AtomicReference<@Nullable Checkpoint> unsavedCheckpoint = new AtomicReference<>();
    private final AtomicBoolean checkpointQueued = new AtomicBoolean();
    private long lastCheckpointNanos;
    private long lastWatchNanos;

    // The batch that is being dealt out.
    private @Nullable RowTask current;
    private @Nullable TableState currentTable;
    private @Nullable RowView view;
    private boolean rowWaits;

    /** Rows that take others along may be uncommitted. */
    private boolean cascading;

    private int rowWorker;
    private int skippedRows;
    private final @Nullable WorkItem[] items;
    private final int[] itemWorkers;
    private int itemCount;

    /** Workers that have rows of the unfinished source transaction; whole-table dealing only. */
    private final boolean[] inTransaction;

    /** Marks that the workers are to get before any further row; none, an end, or a commit. */
    private final Mark[] marks;

    private boolean anyMark;

    /** The engine skipped the last batch of the source transaction. */
    private boolean endWithoutBatch;

    /** Worker whose uncommitted rows keep the row at hand from being placed, -1 when none does. */
    private int blocker;

    private final AtomicLong unacked = new AtomicLong();
    private final Acks rowAcks;
    private int eventsInTransaction;
    private long rowsInTransaction;
    private int eventsSinceCommit;
    private long partedTso;

    private enum Mark {
        NONE,
        /** The source transaction has ended. */
        END,
        /** What is open is committed now, whether it has ended or not. */
        COMMIT
    }

    /** What the dealer knows of one table version. */
    private static final class TableState {
        final TableSchema schema;
        final long[] lastTicket;

        /** Null when no row takes others along; set before the plan. */
        volatile @Nullable CascadingRows cascades;

        volatile @Nullable TablePlan plan;

        int wildWorker = -1;
        long wildTicket;

        TableState(TableSchema schema, int workers) {
            this.schema = schema;
            lastTicket = new long[workers];
        }
    }

    /**
     * @param bidirectional the target's changes are replicated back: only transactions show where
     *     they come from
     */
    MySqlSink(MySqlSinkConfig given, SinkContext context, Clock clock, boolean bidirectional) {
        this.context = context;
        this.bidirectional = bidirectional;
        progress = new ProgressStore(given.progressSchema(), context.jobId());
        ddlApplier = new DdlApplier(progress, given.address());
        TargetSession session = TargetSession.open(given, TargetSession.Use.CONTROL);
        config = given.forTarget(session.isTiDb());
        keyWorkers = config.workerCount();
        try {
            progress.create(session);
            opened =
                    progress.open(
                            session,
                            keyWorkers,
                            config.wholeTables()
                                    ? WHOLE_TABLES_HASH_VERSION + RowKeys.HASH_VERSION
                                    : RowKeys.HASH_VERSION,
                            context,
                            clock.millis());
        } catch (SQLException e) {
            session.close();
            throw SqlErrors.of(
                    e,
                    ErrorCode.SINK_INVALID_CONFIG,
                    "the sink cannot prepare its progress tables in " + config.address());
        } catch (RuntimeException e) {
            session.close();
            throw e;
        }
        controlSession = session;
        cascadeWorker = keyWorkers + 1;
        int all = keyWorkers + 2;
        workers = new Worker[all];
        done = Arrays.copyOf(opened.workers(), all);
        done[keyWorkers] = opened.keyless();
        done[cascadeWorker] = opened.cascades();
        for (int i = 0; i < keyWorkers; i++) {
            workers[i] = new Worker(this, config, i);
        }
        workers[keyWorkers] = new Worker(this, config, ProgressStore.KEYLESS);
        workers[cascadeWorker] = new Worker(this, config, ProgressStore.CASCADES);
        threads = new Thread[all];
        nextTicket = new long[all];
        Arrays.fill(nextTicket, 1);
        inFlight = new InFlightKeys(worker -> workers[worker].committedTicket());
        items = new WorkItem[all];
        itemWorkers = new int[all];
        inTransaction = new boolean[all];
        marks = new Mark[all];
        Arrays.fill(marks, Mark.NONE);
        rowAcks = config.wholeTables() ? new CountedAcks(context.acks(), unacked) : context.acks();
        log.info(
                "job={} sink={} workers={} epoch={} safe_until={} ddl_floor={}",
                context.jobId(),
                config.address(),
                keyWorkers,
                opened.epoch(),
                Long.toUnsignedString(opened.safeUntil()),
                Long.toUnsignedString(opened.ddlFloor()));
    }

    /** Nothing later than this TSO was in the target when the sink opened; 0 when nothing was. */
    long newestTso() {
        return opened.newest();
    }

    @Override
    public boolean offer(long seq, RowBatch batch) {
        if (stopped || !deal()) {
            return false;
        }
        TableState table = tables.get(batch.schema());
        if (table == null) {
            TableState added = new TableState(batch.schema(), workers.length);
            tables.put(batch.schema(), added);
            onControl(() -> load(added));
            return false;
        }
        TablePlan plan = table.plan;
        if (plan == null) {
            return false;
        }
        unacked.incrementAndGet();
        RowTask task = new RowTask(seq, batch, plan, rowAcks);
        while (!liveTasks.isEmpty() && liveTasks.peekFirst().isReleased()) {
            liveTasks.pollFirst();
        }
        liveTasks.addLast(task);
        current = task;
        currentTable = table;
        view = batch.rows();
        rowWaits = false;
        skippedRows = 0;
        deal();
        return true;
    }

    /** Deals on with the current batch; true when none is left. */
    private boolean deal() {
        if (!deliverMarks() || !dealRows()) {
            return false;
        }
        if (endWithoutBatch) {
            endWithoutBatch = false;
            transactionEnds();
        }
        return deliverMarks();
    }

    private boolean dealRows() {
        RowTask task = current;
        TableState table = currentTable;
        RowView row = view;
        if (task == null || table == null || row == null) {
            return true;
        }
        RowBatch batch = task.batch();
        long tso = batch.commitTso();
        boolean applied = Long.compareUnsigned(tso, opened.ddlFloor()) <= 0;
        CascadingRows cascades = table.cascades;
        boolean mayCascade = cascades != null && cascades.mayBeIn(batch);
        ProgressStore.Position allDone = opened.cascades();
        boolean safe = config.safeMode() || Long.compareUnsigned(tso, opened.safeUntil()) <= 0;
        while (rowWaits || row.next()) {
            if (!rowWaits) {
                task.plan().keys().read(row, batch.op(), scratch);
                rowWorker = workerOf(task.plan());
                if (applied
                        || allDone.covers(tso, batch.eventIndex(), row.index())
                        || done[rowWorker].covers(tso, batch.eventIndex(), row.index())) {
                    skippedRows++;
                    continue;
                }
                if (cascades != null && mayCascade && cascades.isOne(row, batch.op())) {
                    rowWorker = cascadeWorker;
                }
            }
            if (!place(task, table, row, safe, batch.rowCount())) {
                rowWaits = true;
                handOver(false);
                if (blocker >= 0 && inTransaction[blocker]) {
                    // It waits for the transaction's end, which is behind this row.
                    inParts(tso);
                }
                return false;
            }
            rowWaits = false;
        }
        boolean ends = config.wholeTables() && batch.lastOfTransaction();
        handOver(ends);
        current = null;
        currentTable = null;
        view = null;
        if (config.wholeTables()) {
            eventsSinceCommit++;
            eventsInTransaction++;
            rowsInTransaction += batch.rowCount();
            if (ends) {
                transactionEnds();
            } else if (rowsInTransaction >= MAX_OPEN_ROWS
                    || (eventsInTransaction >= COMMIT_INSIDE && unacked.get() >= MANY_UNACKED)) {
                inParts(tso);
            }
        }
        if (skippedRows > 0) {
            task.written(skippedRows);
            task.committed(skippedRows);
        }
        return true;
    }

    /** Whole-table dealing: no more rows of the source transaction come. */
    private void transactionEnds() {
        for (int worker = 0; worker < inTransaction.length; worker++) {
            if (inTransaction[worker]) {
                mark(worker, Mark.END);
            }
        }
        eventsInTransaction = 0;
        rowsInTransaction = 0;
        if (eventsSinceCommit >= COMMIT_BETWEEN && unacked.get() >= MANY_UNACKED) {
            commitAll();
        }
    }

    /** The source transaction is too long to be held open: what came so far is committed. */
    private void inParts(long tso) {
        if (partedTso != tso) {
            partedTso = tso;
            log.info(
                    "job={} commit_ts={} events={} rows={}: a source transaction is committed in"
                            + " parts",
                    context.jobId(),
                    Long.toUnsignedString(tso),
                    eventsInTransaction,
                    rowsInTransaction);
        }
        eventsInTransaction = 0;
        rowsInTransaction = 0;
        commitAll();
    }

    private void commitAll() {
        eventsSinceCommit = 0;
        for (int worker = 0; worker < workers.length; worker++) {
            if (isOpen(worker, nextTicket[worker] - 1)) {
                mark(worker, Mark.COMMIT);
            }
        }
    }

    private void mark(int worker, Mark mark) {
        if (marks[worker] != Mark.COMMIT) {
            marks[worker] = mark;
        }
        anyMark = true;
    }

    /** False when a worker has no room for its mark yet. */
    private boolean deliverMarks() {
        if (!anyMark) {
            return true;
        }
        for (int worker = 0; worker < marks.length; worker++) {
            if (marks[worker] == Mark.NONE) {
                continue;
            }
            WorkItem end = new WorkItem(null, nextTicket[worker], false, 0);
            end.endsTransaction = true;
            end.commitsNow = marks[worker] == Mark.COMMIT;
            if (!workers[worker].offer(end)) {
                return false;
            }
            marks[worker] = Mark.NONE;
            inTransaction[worker] = false;
        }
        anyMark = false;
        return true;
    }

    @Override
    public void transactionEnded(long commitTso) {
        if (config.wholeTables() && !stopped) {
            endWithoutBatch = true;
            deal();
        }
    }

    private int workerOf(TablePlan plan) {
        if (!plan.hasHandle()) {
            return keyWorkers;
        }
        long hash =
                config.wholeTables()
                        ? plan.schema().name().toString().hashCode() * 0x9E37_79B9_7F4A_7C15L
                        : scratch.workerHash;
        return (int) Long.remainderUnsigned(hash >>> 16, keyWorkers);
    }

    /** Puts the row into its worker's item, unless it has to wait. */
    private boolean place(
            RowTask task, TableState table, RowView row, boolean safe, int expectedRows) {
        int worker = rowWorker;
        WorkItem item = items[worker];
        blocker = -1;
        if (item == null && !workers[worker].hasRoom()) {
            return false;
        }
        blocker = blockerOf(table, worker);
        if (blocker >= 0) {
            return false;
        }
        if (item == null) {
            item =
                    new WorkItem(
                            task,
                            nextTicket[worker]++,
                            safe,
                            Math.min(expectedRows, expectedRows / keyWorkers + 16));
            cascading |= worker == cascadeWorker;
            items[worker] = item;
            itemWorkers[itemCount++] = worker;
        }
        for (int i = 0; i < scratch.count; i++) {
            inFlight.take(scratch.hashes[i], worker, item.ticket);
        }
        table.lastTicket[worker] = item.ticket;
        if (scratch.wild) {
            table.wildWorker = worker;
            table.wildTicket = item.ticket;
        }
        item.add(row.index(), scratch);
        return true;
    }

    /** Another worker that has to commit before the row that was read may be written, or -1. */
    private int blockerOf(TableState table, int worker) {
        if (worker == cascadeWorker) {
            for (int other = 0; other < cascadeWorker; other++) {
                if (holdsRows(other)) {
                    return other;
                }
            }
        } else if (cascading) {
            cascading = holdsRows(cascadeWorker);
            if (cascading) {
                return cascadeWorker;
            }
        }
        if (table.wildWorker >= 0
                && table.wildWorker != worker
                && isOpen(table.wildWorker, table.wildTicket)) {
            return table.wildWorker;
        }
        if (scratch.wild) {
            for (int other = 0; other < workers.length; other++) {
                if (other != worker && isOpen(other, table.lastTicket[other])) {
                    return other;
                }
            }
        }
        for (int i = 0; i < scratch.count; i++) {
            int other = inFlight.blocker(scratch.hashes[i], worker);
            if (other >= 0) {
                return other;
            }
        }
        return -1;
    }

    /** Whether some of what is dealt out to the worker is not committed. */
    private boolean holdsRows(int worker) {
        return items[worker] != null || isOpen(worker, nextTicket[worker] - 1);
    }

    private boolean isOpen(int worker, long ticket) {
        return ticket > workers[worker].committedTicket();
    }

    /** Gives the items of the current batch to their workers. */
    private void handOver(boolean ends) {
        for (int i = 0; i < itemCount; i++) {
            int worker = itemWorkers[i];
            WorkItem item = items[worker];
            items[worker] = null;
            if (item == null) {
                continue;
            }
            item.endsTransaction = ends;
            inTransaction[worker] = config.wholeTables() && !ends;
            if (threads[worker] == null) {
                Worker runnable = workers[worker];
                threads[worker] =
                        Thread.ofPlatform()
                                .name("mysql-sink-" + context.jobId() + "-" + worker)
                                .daemon()
                                .start(runnable);
            }
            // Room was checked when the item was begun, and only this thread adds.
            if (!workers[worker].offer(item)) {
                throw new IllegalStateException("no room in the queue of worker " + worker);
            }
        }
        itemCount = 0;
    }

    private void load(TableState table) {
        try {
            TargetSession session = controlSession();
            TargetTable target =
                    TargetTable.load(session, table.schema.name())
                            .orElseThrow(() ->
                                    new MillraceException(
                                            ErrorCode.SINK_DATA,
                                            "the target "
                                                    + config.address()
                                                    + " has no table "
                                                    + table.schema.name()
                                                    + "; create it, or leave it out by a"
                                                    + " filter rule"));
            if (bidirectional && !TargetTable.isTransactional(session, table.schema.name())) {
                throw new MillraceException(
                        ErrorCode.SINK_DATA,
                        "bdr_mode needs transactional tables, or changes would go round for ever:"
                                + " convert "
                                + table.schema.name()
                                + " in "
                                + config.address()
                                + " to InnoDB (ALTER TABLE ... ENGINE=InnoDB), or leave it out by a"
                                + " filter rule");
            }
            ForeignKeys keys = foreignKeys;
            if (keys == null) {
                keys = ForeignKeys.load(session);
                foreignKeys = keys;
            }
            table.cascades = CascadingRows.of(table.schema, keys.of(table.schema.name()));
            TablePlan plan = new TablePlan(table.schema, target, session.isMariaDb());
            if (plan.hasHandle() && !plan.upsertable()) {
                log.warn(
                        "job={} sink={} table={}: the upstream's key is no key of the target's"
                                + " table; updates and deletes read the whole table unless an index"
                                + " helps, and rows that may be there already are deleted first",
                        context.jobId(),
                        config.address(),
                        table.schema.name());
            }
            table.plan = plan;
        } catch (SQLException e) {
            dropControlSession();
            throw SqlErrors.of(
                    e,
                    ErrorCode.SINK_DATA,
                    "cannot read the definition of "
                            + table.schema.name()
                            + " in "
                            + config.address());
        }
    }

    @Override
    public boolean offer(long seq, SchemaChange change, boolean replayed) {
        if (stopped || !deal()) {
            return false;
        }
        // Nothing is in flight and nothing comes before the ack: definitions are read anew after
        // it.
        tables.clear();
        onControl(() -> {
            TargetSession session = TargetSession.open(config, TargetSession.Use.DDL);
            ddlSession = session;
            foreignKeys = null;
            try {
                if (!stopped) {
                    ddlApplier.apply(session, change, replayed);
                    context.acks().ack(seq);
                }
            } finally {
                ddlSession = null;
                session.close();
            }
        });
        return true;
    }

    @Override
    public void resolved(long tso) {
        // Rows are visible when they are committed; there is nobody to tell.
    }

    @Override
    public void checkpointSaved(Checkpoint checkpoint) {
        unsavedCheckpoint.set(checkpoint);
    }

    @Override
    public int doWork(long nowNanos) {
        if (stopped) {
            return 0;
        }
        if (nowNanos - lastWatchNanos > WATCH_INTERVAL_NANOS) {
            lastWatchNanos = nowNanos;
            for (int i = 0; i < workers.length; i++) {
                if (threads[i] != null) {
                    workers[i].checkWrite(System.nanoTime());
                }
            }
            if (unsavedCheckpoint.get() != null
                    && nowNanos - lastCheckpointNanos > CHECKPOINT_INTERVAL_NANOS
                    && checkpointQueued.compareAndSet(false, true)) {
                lastCheckpointNanos = nowNanos;
                onControl(this::saveCheckpoint);
            }
        }
        if (current == null && !anyMark && !endWithoutBatch) {
            return 0;
        }
        return deal() ? 1 : 0;
    }

    private void saveCheckpoint() {
        checkpointQueued.set(false);
        Checkpoint checkpoint = unsavedCheckpoint.getAndSet(null);
        if (checkpoint == null) {
            return;
        }
        try {
            progress.saveCheckpoint(controlSession(), checkpoint);
        } catch (SQLException e) {
            // For people only: the job's own store holds the one that counts.
            log.warn("job={} checkpoint_in_target: {}", context.jobId(), SqlErrors.describe(e));
            dropControlSession();
        }
    }

    private TargetSession controlSession() {
        TargetSession session = controlSession;
        if (session != null && !session.answers()) {
            dropControlSession();
            session = null;
        }
        if (session == null) {
            session = TargetSession.open(config, TargetSession.Use.CONTROL);
            controlSession = session;
            if (stopped) {
                // close() may have looked before there was anything to cut.
                session.close();
                throw new MillraceException(ErrorCode.SINK_CONNECTION, "the sink is closed");
            }
        }
        return session;
    }

    private void dropControlSession() {
        TargetSession session = controlSession;
        controlSession = null;
        if (session != null) {
            session.close();
        }
    }

    private void onControl(Runnable work) {
        try {
            control.execute(() -> {
                if (stopped) {
                    return;
                }
                try {
                    work.run();
                } catch (MillraceException e) {
                    fail(e);
                } catch (RuntimeException | Error e) {
                    fail(
                            new MillraceException(
                                    ErrorCode.INTERNAL, "the MySQL sink failed: " + e, e));
                }
            });
        } catch (RejectedExecutionException e) {
            log.debug("job={} sink is closed", context.jobId());
        }
    }

    @Override
    public void fail(MillraceException error) {
        if (stopped || !failed.compareAndSet(false, true)) {
            return;
        }
        stopped = true;
        context.acks().fail(error);
    }

    @Override
    public boolean isStopped() {
        return stopped;
    }

    @Override
    public SinkMetrics metrics() {
        return context.metrics();
    }

    @Override
    public ProgressStore progress() {
        return progress;
    }

    @Override
    public long epoch() {
        return opened.epoch();
    }

    @Override
    public void close() {
        stopped = true;
        control.shutdownNow();
        for (int i = 0; i < workers.length; i++) {
            Thread thread = threads[i];
            if (thread != null) {
                workers[i].abort();
                thread.interrupt();
            }
        }
        abort(ddlSession);
        abort(controlSession);
        boolean quiet = true;
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CLOSE_WAIT_MS);
        for (int i = 0; i < workers.length; i++) {
            Thread thread = threads[i];
            if (thread != null) {
                quiet &= join(thread, deadline, workers[i]);
            }
        }
        current = null;
        currentTable = null;
        view = null;
        if (!quiet) {
            // A thread still reads the rows' memory: better lost to the pool than reused under it.
            log.error(
                    "job={} sink workers did not end within {} ms", context.jobId(), CLOSE_WAIT_MS);
            return;
        }
        for (RowTask task : liveTasks) {
            task.release();
        }
        liveTasks.clear();
    }

    private static boolean join(Thread thread, long deadline, Worker worker) {
        boolean interrupted = false;
        while (thread.isAlive() && System.nanoTime() < deadline) {
            try {
                thread.join(50);
                // It may have been connecting when the first abort came.
                worker.abort();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return !thread.isAlive();
    }

    private static void abort(@Nullable TargetSession session) {
        if (session != null) {
            session.abort();
        }
    }
}
