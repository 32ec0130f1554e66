package io.millrace.mysql.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkMetrics;
import io.millrace.mysql.wire.WireRowBatch;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.mariadb.jdbc.client.Completion;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes its share of the rows, in order, each downstream transaction with the worker's progress
 * row first. A thread of its own: it builds SQL text as much as it waits, and work that burns a
 * core must not sit on the carriers of virtual threads.
 *
 * <p>It batches by itself: it takes what is queued, up to the limits, and commits as soon as the
 * queue is empty. So a quiet stream has no added latency and a busy one fills its transactions.
 */
final class Worker implements Runnable {
    private static final Logger log = LoggerFactory.getLogger(Worker.class);

    private static final int QUEUE_ITEMS = 512;

    /** Transactions' worth of rows that may wait: more would only take memory and cache. */
    private static final int QUEUE_TRANSACTIONS = 3;

    /**
     * Statement bytes at which a transaction is sent, if the target's packet limit is no less. As
     * Base64 they stay below 1 MB, above which the driver's buffer jumps to 16 MB.
     */
    private static final int SEND_BYTES = 704 << 10;

    /** What buffers keep of their size after a large row. */
    private static final int KEEP_BYTES = 2 << 20;

    /**
     * After a transaction of events was refused, so many go as SQL at first, then twice as many.
     */
    private static final int FIRST_SQL_SPELL = 4;

    private static final int LONGEST_SQL_SPELL = 1024;

    private static final int LOCK_RETRIES = 4;
    private static final long IDLE_CHECK_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final int EXCERPT = 400;
    private static final long WARN_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final byte[] BEGIN = ascii("BEGIN;");
    private static final byte[] BINLOG = ascii("BINLOG '");
    private static final byte[] COMMIT = ascii("COMMIT");
    private static final byte[] LENIENT =
            ascii("SET sql_mode='" + TargetSession.LENIENT_SQL_MODE + "';");
    private static final byte[] STRICT =
            ascii("SET sql_mode='" + TargetSession.ROW_SQL_MODE + "';");

    /** What a worker asks of its sink. */
    interface Owner {
        void fail(MillraceException error);

        boolean isStopped();

        ProgressStore progress();

        long epoch();

        SinkMetrics metrics();
    }

    private final Owner owner;
    private final MySqlSinkConfig config;
    private final int number;
    private final ArrayBlockingQueue<WorkItem> queue = new ArrayBlockingQueue<>(QUEUE_ITEMS);
    private final AtomicInteger queuedRows = new AtomicInteger();
    private final StatementBuilder builder;
    private final StatementBuilder single;
    private final ByteSink text = new ByteSink(1 << 16);
    private final ByteSink events = new ByteSink(1 << 10);
    private final byte[] progressHead;
    private final byte[] progressTail;

    /** Items with rows in the open transaction, and the rows since the last send. */
    private final List<WorkItem> open = new ArrayList<>();

    private final List<WorkItem> unsentItems = new ArrayList<>();
    private final List<Completion> results = new ArrayList<>();
    private int[] unsentRows = new int[256];

    private volatile @Nullable TargetSession session;
    private volatile long committedTicket;
    private boolean inSourceTransaction;

    /** Statements of the open downstream transaction were already sent. */
    private boolean transactionStarted;

    private long lastTso;
    private int lastEvent;
    private int lastRow;
    private long lastUseNanos;
    private long missingRows;

    /** Transactions that still go as SQL, and how many after the next refusal. */
    private int sqlSpell;

    private int nextSqlSpell = FIRST_SQL_SPELL;
    private long lastWarnNanos;

    Worker(Owner owner, MySqlSinkConfig config, int number) {
        this.owner = owner;
        this.config = config;
        this.number = number;
        builder = new StatementBuilder(config);
        single = new StatementBuilder(config);
        progressHead = ascii(owner.progress().progressHead(owner.epoch()));
        progressTail = owner.progress().progressTail(number).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Queues work; false when there is no room. Engine's thread. */
    boolean offer(WorkItem item) {
        if (!queue.offer(item)) {
            return false;
        }
        queuedRows.addAndGet(item.count());
        return true;
    }

    boolean hasRoom() {
        return queue.remainingCapacity() > 0
                && queuedRows.getAcquire() < config.maxTxnRow() * QUEUE_TRANSACTIONS;
    }

    /** The highest ticket whose rows are all committed. Any thread. */
    long committedTicket() {
        return committedTicket;
    }

    /** Cuts the connection when a write hangs longer than the limit. Any thread. */
    void checkWrite(long nowNanos) {
        TargetSession current = session;
        if (current != null) {
            long since = current.writeStartedNanos();
            if (since != 0 && nowNanos - since > config.writeTimeout().toNanos()) {
                log.warn("sink_worker={} write_timeout={}", number, config.writeTimeout());
                current.abort();
            }
        }
    }

    /** Cuts the connection, so that a blocked call ends. Any thread. */
    void abort() {
        TargetSession current = session;
        if (current != null) {
            current.abort();
        }
    }

    @Override
    public void run() {
        try {
            while (!owner.isStopped()) {
                WorkItem item = queue.poll();
                if (item == null) {
                    if (builder.rows() > 0 || (transactionStarted && !inSourceTransaction)) {
                        send(!inSourceTransaction);
                    }
                    item = queue.take();
                }
                consume(item);
            }
        } catch (InterruptedException e) {
            // The sink is closing.
        } catch (MillraceException e) {
            owner.fail(e);
        } catch (RuntimeException | Error e) {
            owner.fail(
                    new MillraceException(
                            ErrorCode.INTERNAL, "sink worker " + number + " failed: " + e, e));
        } finally {
            TargetSession current = session;
            if (current != null) {
                current.close();
            }
        }
    }

    private void consume(WorkItem item) throws InterruptedException {
        queuedRows.addAndGet(-item.count());
        RowTask task = item.task;
        if (task != null) {
            open.add(item);
            RowBatch batch = task.batch();
            RowView row = null;
            byte[] wireHead = null;
            for (int k = 0; k < item.count(); k++) {
                if (owner.isStopped()) {
                    return;
                }
                if (builder.rows() >= config.maxTxnRow() || builder.bytes() >= sendBytes()) {
                    send(!config.wholeTables());
                }
                if (builder.rows() == 0 || k == 0) {
                    wireHead = wireHead(task);
                }
                if (wireHead != null) {
                    builder.add(task.plan(), item, k, (WireRowBatch) batch.source(), wireHead);
                } else {
                    row = row == null ? batch.rows() : row;
                    moveTo(row, item.row(k));
                    add(builder, item, k, task, row);
                }
                remember(item, k);
                item.consumed++;
                inSourceTransaction = config.wholeTables();
                lastTso = batch.commitTso();
                lastEvent = batch.eventIndex();
                lastRow = item.row(k);
            }
        }
        if (item.endsTransaction) {
            inSourceTransaction = false;
        }
        boolean unsent = builder.rows() > 0;
        // A transaction that is open in the target already ends where the source's does: with no
        // pause in the stream there would be no other moment.
        if (builder.rows() >= config.maxTxnRow()
                || (!inSourceTransaction && transactionStarted)
                || (item.commitsNow && unsent)) {
            send(!inSourceTransaction);
        }
    }

    private void add(StatementBuilder to, WorkItem item, int k, RowTask task, RowView row) {
        TablePlan plan = task.plan();
        if (number == ProgressStore.CASCADES) {
            to.addCascading(plan, item.safe && plan.hasHandle(), task.batch().op(), row);
        } else {
            to.add(plan, item, k, task.batch().op(), row);
        }
    }

    /** Start of an event for the task's rows; null when they go as SQL now. */
    private byte @Nullable [] wireHead(RowTask task) throws InterruptedException {
        if (!config.rowEvents()
                || number == ProgressStore.CASCADES
                || sqlSpell > 0
                || !(task.batch().source() instanceof WireRowBatch batch)
                || !ready().takesRowEvents()) {
            return null;
        }
        return task.plan().wireHead(batch);
    }

    private static void moveTo(RowView row, int index) {
        while (row.index() < index) {
            if (!row.next()) {
                throw new IllegalStateException("no row " + index + " in the batch");
            }
        }
    }

    private void remember(WorkItem item, int k) {
        int at = unsentItems.size();
        if (at == unsentRows.length) {
            unsentRows = java.util.Arrays.copyOf(unsentRows, at * 2);
        }
        unsentItems.add(item);
        unsentRows[at] = k;
    }

    private int sendBytes() {
        TargetSession current = session;
        return current == null
                ? SEND_BYTES
                : Math.min(SEND_BYTES, Math.max(1024, current.maxAllowedPacket() / 2));
    }

    /** Sends what is gathered; commits when asked to, else leaves the transaction open. */
    private void send(boolean commit) throws InterruptedException {
        TargetSession current = ready();
        long began = System.nanoTime();
        int rows = builder.rows();
        builder.finish();
        for (int attempt = 0; ; attempt++) {
            try {
                write(current, commit);
                break;
            } catch (SQLException e) {
                if (owner.isStopped()) {
                    throw new InterruptedException();
                }
                if (SqlErrors.isConnectionLoss(e)) {
                    throw failed(e);
                }
                boolean first = !transactionStarted;
                if (first && SqlErrors.isLockConflict(e.getErrorCode()) && attempt < LOCK_RETRIES) {
                    rollback(current);
                    Thread.sleep((10L << attempt) + number % 7);
                    continue;
                }
                if (SqlErrors.isTransient(e.getErrorCode())) {
                    // Says nothing of the rows, nor of the way they were sent.
                    throw failed(e);
                }
                if (first && builder.hasRowEvents()) {
                    asSqlInstead(current, e);
                    continue;
                }
                if (SqlErrors.isAccessDenied(e.getErrorCode())) {
                    throw failed(e);
                }
                if (!first) {
                    // Rows of the open transaction that were sent before are gone from memory.
                    throw failed(e);
                }
                rowByRow(current, commit, e);
                break;
            }
        }
        transactionStarted = !commit;
        if (sqlSpell > 0) {
            sqlSpell--;
        } else if (builder.hasRowEvents()) {
            nextSqlSpell = Math.max(FIRST_SQL_SPELL, nextSqlSpell / 2);
        }
        builder.clear();
        text.clearKeeping(KEEP_BYTES);
        events.clearKeeping(KEEP_BYTES);
        unsentItems.clear();
        lastUseNanos = System.nanoTime();
        record(rows, commit, lastUseNanos - began);
        settle(commit);
    }

    private void record(int rows, boolean committed, long nanos) {
        SinkMetrics metrics = owner.metrics();
        metrics.record(SinkMetric.TXN_WORKER_FLUSH_DURATION, nanos);
        if (committed) {
            metrics.record(SinkMetric.TXN_DML_BATCH_COMMIT, nanos);
        }
        if (rows > 0) {
            metrics.record(SinkMetric.BATCH_ROW_COUNT, rows);
            metrics.record(SinkMetric.TXN_WORKER_HANDLED_ROWS, rows);
        }
    }

    /**
     * The target refuses the rows as events: a row that is there already, or is not, or a table
     * that is not as it seemed. The same transaction again as SQL, which copes or names the row.
     */
    private void asSqlInstead(TargetSession current, SQLException cause) {
        boolean known =
                cause.getErrorCode() == SqlErrors.DUPLICATE_ENTRY
                        || cause.getErrorCode() == SqlErrors.KEY_NOT_FOUND
                        || cause.getErrorCode() == SqlErrors.PACKET_TOO_LARGE;
        StatementBuilder.Group first = builder.group(0);
        log.info(
                "sink_worker={} tables={} rows={} events_refused: {}",
                number,
                first.plan == null ? "" : first.plan.schema().name(),
                builder.rows(),
                SqlErrors.describe(cause));
        for (int i = 0; i < builder.groupCount() && !known; i++) {
            TablePlan plan = builder.group(i).plan;
            if (plan != null && builder.group(i).wireHead != null) {
                plan.refuseRowEvents();
            }
        }
        sqlSpell = nextSqlSpell;
        nextSqlSpell = Math.min(nextSqlSpell * 2, LONGEST_SQL_SPELL);
        rollback(current);
        builder.clear();
        WorkItem item = null;
        RowView row = null;
        for (int i = 0; i < unsentItems.size(); i++) {
            RowTask task = unsentItems.get(i).task;
            if (task == null) {
                continue;
            }
            if (row == null || item != unsentItems.get(i)) {
                item = unsentItems.get(i);
                row = task.batch().rows();
            }
            moveTo(row, item.row(unsentRows[i]));
            builder.add(task.plan(), item, unsentRows[i], task.batch().op(), row);
        }
        builder.finish();
    }

    /** Tells the tasks, and the detector, what is written and what is committed. */
    private void settle(boolean commit) {
        for (int i = 0; i < open.size(); i++) {
            WorkItem item = open.get(i);
            RowTask task = item.task;
            if (task != null) {
                task.written(item.consumed - item.writtenRows);
                item.writtenRows = item.consumed;
            }
        }
        if (!commit) {
            return;
        }
        long done = 0;
        WorkItem rest = null;
        for (int i = 0; i < open.size(); i++) {
            WorkItem item = open.get(i);
            RowTask task = item.task;
            if (task != null) {
                int rows = item.consumed - item.committedRows;
                item.committedRows = item.consumed;
                task.committed(rows);
            }
            if (item.consumed == item.count()) {
                done = item.ticket;
            } else {
                rest = item;
            }
        }
        open.clear();
        if (rest != null) {
            open.add(rest);
        }
        if (done > 0) {
            committedTicket = done;
        }
    }

    private TargetSession ready() {
        TargetSession current = session;
        if (current != null
                && !transactionStarted
                && System.nanoTime() - lastUseNanos > IDLE_CHECK_NANOS
                && !current.answers()) {
            // The target closed an idle connection; nothing was open on it.
            current.close();
            current = null;
        }
        if (current == null) {
            current = TargetSession.open(config, TargetSession.Use.ROWS);
            session = current;
            lastUseNanos = System.nanoTime();
        }
        return current;
    }

    private void write(TargetSession current, boolean commit) throws SQLException {
        events.clear();
        int total = builder.bytes() + (builder.groupCount() * 2 + 8) * 256;
        if (config.multiStmt() && total < current.maxAllowedPacket()) {
            text.clear();
            if (!transactionStarted) {
                text.put(BEGIN);
            }
            putProgress();
            text.put(';');
            results.clear();
            for (int i = 0; i < builder.groupCount(); i++) {
                StatementBuilder.Group group = builder.group(i);
                if (group.wireHead != null) {
                    addEvents(current, group);
                    if (i + 1 == builder.groupCount() || builder.group(i + 1).wireHead == null) {
                        // Answers behind a BINLOG statement do not say that more follow: it must
                        // be the last one of its packet.
                        putEvents();
                        results.addAll(current.run(text));
                        text.clear();
                    }
                    continue;
                }
                if (group.lenient) {
                    text.put(LENIENT);
                }
                text.put(group.text.array(), 0, group.text.length());
                text.put(';');
                if (group.lenient) {
                    text.put(STRICT);
                }
            }
            if (commit) {
                text.put(COMMIT);
            } else {
                text.length(Math.max(0, text.length() - 1));
            }
            if (text.length() > 0) {
                results.addAll(current.run(text));
            }
            checkCounts();
            return;
        }
        if (!transactionStarted) {
            current.execute("BEGIN");
        }
        text.clear();
        putProgress();
        checkProgress(current.run(text).get(0));
        for (int i = 0; i < builder.groupCount(); i++) {
            runGroup(current, builder.group(i));
        }
        if (commit) {
            current.execute("COMMIT");
        }
    }

    private void addEvents(TargetSession current, StatementBuilder.Group group) {
        byte[] head = Objects.requireNonNull(group.wireHead);
        RowEvents.put(events, head, group.text, Tso.physicalMs(lastTso) / 1000, current.serverId());
    }

    private void putEvents() {
        text.put(BINLOG);
        RowEvents.putBase64(text, events.array(), events.length());
        text.put('\'');
        events.clear();
    }

    private void runGroup(TargetSession current, StatementBuilder.Group group) throws SQLException {
        if (group.wireHead != null) {
            text.clear();
            addEvents(current, group);
            putEvents();
            checkPacket(current, text.length());
            current.run(text);
            return;
        }
        checkPacket(current, group.text.length());
        if (group.lenient) {
            current.execute("SET sql_mode='" + TargetSession.LENIENT_SQL_MODE + "'");
        }
        List<Completion> results = current.run(group.text);
        if (group.lenient) {
            current.execute("SET sql_mode='" + TargetSession.ROW_SQL_MODE + "'");
        }
        countMissing(group, results, 0);
    }

    /** A longer packet would cost the connection, and look like a network's fault. */
    private static void checkPacket(TargetSession current, int length) throws SQLException {
        if (length >= current.maxAllowedPacket() - 1024) {
            throw new SQLException(
                    "a statement of "
                            + length
                            + " bytes exceeds the target's max_allowed_packet of "
                            + current.maxAllowedPacket(),
                    "HY000",
                    SqlErrors.PACKET_TOO_LARGE);
        }
    }

    private void putProgress() {
        text.put(progressHead);
        text.putUnsigned(lastTso);
        text.putUtf8(",NULL),event_index=");
        text.putLong(lastEvent);
        text.putUtf8(",row_index=");
        text.putLong(lastRow);
        text.put(progressTail);
    }

    private void checkProgress(Completion result) {
        if (TargetSession.affected(result) == 0) {
            throw new MillraceException(
                    ErrorCode.FENCED,
                    "the progress row of worker "
                            + number
                            + " has vanished from the target: the job was removed or its progress"
                            + " was forgotten while it ran");
        }
    }

    private void checkCounts() {
        int at = transactionStarted ? 0 : 1;
        checkProgress(results.get(at++));
        for (int i = 0; i < builder.groupCount(); i++) {
            StatementBuilder.Group group = builder.group(i);
            if (group.wireHead != null) {
                // One statement for a run of them; a row that was not found is an error there.
                boolean goesOn =
                        i + 1 < builder.groupCount() && builder.group(i + 1).wireHead != null;
                at += goesOn ? 0 : 1;
                continue;
            }
            at += group.lenient ? 1 : 0;
            countMissing(group, results, at);
            at += group.statements + (group.lenient ? 1 : 0);
        }
    }

    /** Notes updates and deletes that found no row: the target differs from the upstream. */
    private void countMissing(StatementBuilder.Group group, List<Completion> results, int at) {
        if (!group.countsRows()) {
            return;
        }
        long found = 0;
        for (int i = 0; i < group.statements; i++) {
            found += TargetSession.affected(results.get(at + i));
        }
        if (found >= group.rows) {
            return;
        }
        missingRows += group.rows - found;
        long now = System.nanoTime();
        if (lastWarnNanos == 0 || now - lastWarnNanos > WARN_INTERVAL_NANOS) {
            lastWarnNanos = now;
            TablePlan plan = group.plan;
            log.warn(
                    "sink_worker={} table={} op={} rows_not_found={} total_not_found={}: the target"
                            + " did not hold rows that the upstream changed",
                    number,
                    plan == null ? "" : plan.schema().name(),
                    group.kind,
                    group.rows - found,
                    missingRows);
        }
    }

    private void rollback(TargetSession current) {
        try {
            current.execute("ROLLBACK");
            current.execute("SET sql_mode='" + TargetSession.ROW_SQL_MODE + "'");
        } catch (SQLException e) {
            throw failed(e);
        }
    }

    /**
     * The transaction again, a statement per row, to name the row that the target refuses; commits
     * if there is none after all.
     */
    private void rowByRow(TargetSession current, boolean commit, SQLException cause) {
        rollback(current);
        if (cause.getErrorCode() == SqlErrors.COLUMN_CANNOT_BE_NULL) {
            checkFence(current);
        }
        try {
            current.execute("BEGIN");
            text.clear();
            putProgress();
            checkProgress(current.run(text).get(0));
        } catch (SQLException e) {
            throw failed(e);
        }
        for (int i = 0; i < unsentItems.size(); i++) {
            WorkItem item = unsentItems.get(i);
            RowTask task = item.task;
            if (task == null) {
                continue;
            }
            int k = unsentRows[i];
            RowBatch batch = task.batch();
            RowView row = batch.rows();
            moveTo(row, item.row(k));
            single.clear();
            add(single, item, k, task, row);
            single.finish();
            for (int g = 0; g < single.groupCount(); g++) {
                StatementBuilder.Group group = single.group(g);
                try {
                    runGroup(current, group);
                } catch (SQLException e) {
                    rollbackQuietly(current);
                    throw SqlErrors.of(
                            e,
                            ErrorCode.SINK_DATA,
                            "the target refuses a row of "
                                    + batch.schema().name()
                                    + " ("
                                    + task.plan().describeKey(row, batch.op())
                                    + ", commit ts "
                                    + Long.toUnsignedString(batch.commitTso())
                                    + ")"
                                    + (e.getErrorCode() == SqlErrors.DUPLICATE_ENTRY
                                            ? "; with safe_mode rows that are there already are"
                                                    + " written over"
                                            : "")
                                    + "; statement: "
                                    + StatementBuilder.excerpt(group, EXCERPT));
                }
            }
        }
        if (commit) {
            try {
                current.execute("COMMIT");
            } catch (SQLException e) {
                throw failed(e);
            }
        }
    }

    private void rollbackQuietly(TargetSession current) {
        try {
            current.execute("ROLLBACK");
        } catch (SQLException e) {
            log.debug("sink_worker={} rollback failed: {}", number, SqlErrors.describe(e));
        }
    }

    private void checkFence(TargetSession current) {
        try {
            if (owner.progress().isFenced(current, owner.epoch())) {
                throw new MillraceException(
                        ErrorCode.FENCED,
                        "another run of the job has opened the target; this one stops");
            }
        } catch (SQLException e) {
            throw failed(e);
        }
    }

    private MillraceException failed(SQLException e) {
        String tables =
                builder.groupCount() == 0
                        ? ""
                        : ", statement: " + StatementBuilder.excerpt(builder.group(0), EXCERPT);
        return SqlErrors.of(
                e,
                ErrorCode.SINK_DATA,
                "sink worker " + number + " cannot write to " + config.address() + tables);
    }
}
