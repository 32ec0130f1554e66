package io.millrace.storage.redo;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkMetric;
import java.io.IOException;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes all that another sink is to get into a redo log first. A transaction reaches that sink
 * only when the log has all of it and the log's meta file says so: then, whatever is lost, target
 * and log together make up the state at one TSO, the log's resolved one.
 *
 * <p>A transaction that is larger than what may be held back goes on in parts, each when the log
 * has it; the meta file names it before, so that the target can be freed of the parts if the rest
 * never comes.
 */
final class RedoSink implements Sink {
    private static final Logger LOG = LoggerFactory.getLogger(RedoSink.class);

    /** Events held back from which on a file is closed early, and an open transaction goes on. */
    private static final int MANY_HELD = MAX_UNACKED / 4;

    private final Sink target;
    private final SinkContext context;
    private final RedoConfig config;
    private final RedoLog log;

    /** Waits for the log; a null batch is the end of a transaction whose last batch was skipped. */
    private record Held(long seq, @Nullable RowBatch batch, long tso, int size, long segment) {}

    private final ArrayDeque<Held> held = new ArrayDeque<>();
    private long heldBytes;
    private RedoLog.Segment segment;
    private RecordEncoder encoder;
    private long nextSegment = 1;
    private long segmentSince;
    private long lastOffer;
    private long now;

    /** Everything at or below this TSO was offered. */
    private long endedTso;

    /** Nothing more comes before all is acked. */
    private boolean flushNow;

    /** The transaction that goes on in parts; 0 when none. */
    private long openTso;

    /** Greatest TSO that the log was told to be complete up to. */
    private long toldTso;

    /** The target hears of it when the log's meta file is as far. */
    private @Nullable Checkpoint checkpoint;

    /** The newest of those that came since. */
    private @Nullable Checkpoint later;

    /** Commit TSO of the DDL that the log has or is getting; 0 when none is under way. */
    private long ddlTso;

    RedoSink(Sink target, SinkContext context, RedoConfig config, RedoLog log) {
        this.target = target;
        this.context = context;
        this.config = config;
        this.log = log;
        this.segment = new RedoLog.Segment(config.fileBackend());
        this.encoder = new RecordEncoder(segment.bytes);
        this.endedTso = context.startTso();
    }

    @Override
    public boolean offer(long seq, RowBatch batch) {
        if (segment.size() >= config.maxLogBytes() && !closeSegment(false)) {
            return false;
        }
        long began = System.nanoTime();
        if (segment.size() == 0) {
            segmentSince = now;
            segment.beganNanos = began;
        }
        lastOffer = now;
        flushNow = false;
        try {
            encoder.rows(batch);
            segment.spill();
        } catch (IOException e) {
            context.acks()
                    .fail(
                            new MillraceException(
                                    ErrorCode.REDO_STORAGE_TRANSIENT,
                                    "cannot gather the redo log in a file of the folder for"
                                            + " temporary files: "
                                            + e,
                                    e));
            return false;
        }
        segment.maxTso = batch.commitTso();
        segment.rows += batch.rowCount();
        context.metrics().record(SinkMetric.REDO_WRITE_LOG_DURATION, System.nanoTime() - began);
        int size = batch.sizeBytes();
        held.addLast(new Held(seq, batch, batch.commitTso(), size, nextSegment));
        heldBytes += size;
        if (batch.lastOfTransaction()) {
            endedTso = batch.commitTso();
        }
        return true;
    }

    @Override
    public void flush() {
        flushNow = true;
        target.flush();
    }

    @Override
    public void transactionEnded(long commitTso) {
        endedTso = commitTso;
        held.addLast(new Held(0, null, commitTso, 0, nextSegment));
    }

    @Override
    public boolean offer(long seq, SchemaChange change, boolean replayed) {
        long tso = change.commitTso();
        if (ddlTso != tso) {
            if (segment.size() > 0 && !closeSegment(false) || !log.hasRoom()) {
                return false;
            }
            // Nothing before the DDL is missing in the target, so rows from before it need not,
            // and must not, be applied once more to the tables that it leaves behind.
            log.delivered(tso - 1);
            segment.beganNanos = System.nanoTime();
            encoder.ddl(change);
            segment.maxTso = tso;
            endedTso = tso;
            if (!closeSegment(true)) {
                throw new IllegalStateException("no room in the redo log");
            }
            ddlTso = tso;
        }
        if (Long.compareUnsigned(log.durable().resolvedTso(), tso) < 0) {
            return false;
        }
        if (!target.offer(seq, change, replayed)) {
            return false;
        }
        ddlTso = 0;
        return true;
    }

    /** Hands the segment over; false when the log is too busy. */
    private boolean closeSegment(boolean ddl) {
        if (!log.hasRoom()) {
            return false;
        }
        flushNow = false;
        segment.number = nextSegment++;
        segment.ddl = ddl;
        segment.resolvedAfter = endedTso;
        toldTso = endedTso;
        log.write(segment);
        segment = new RedoLog.Segment(config.fileBackend());
        encoder = new RecordEncoder(segment.bytes);
        return true;
    }

    @Override
    public int doWork(long nowNanos) {
        now = nowNanos;
        int work = 0;
        if (segment.size() > 0 && isDue(nowNanos) && closeSegment(false)) {
            work++;
        }
        if (segment.size() == 0
                && Long.compareUnsigned(toldTso, endedTso) < 0
                && log.durableSegment() == nextSegment - 1) {
            toldTso = endedTso;
            log.complete(endedTso);
        }
        work += release();
        Checkpoint saved = checkpoint;
        if (saved != null
                && Long.compareUnsigned(log.durable().checkpointTso(), saved.resolvedTso()) >= 0) {
            checkpoint = later;
            later = null;
            target.checkpointSaved(saved);
        }
        return work + target.doWork(nowNanos);
    }

    private boolean isDue(long nowNanos) {
        long limit = config.flushInterval().toNanos();
        return flushNow
                || nowNanos - segmentSince >= limit
                || segment.size() >= config.maxLogBytes()
                || held.size() >= MANY_HELD
                || heldBytes >= config.holdBytes() / 2
                // Nothing more comes at the moment: why wait.
                || nowNanos - lastOffer >= limit / 4;
    }

    /** Passes on what the log has. */
    private int release() {
        int work = 0;
        RedoMeta durable = log.durable();
        while (!held.isEmpty()) {
            Held first = held.peekFirst();
            if (Long.compareUnsigned(first.tso, durable.resolvedTso()) > 0
                    && !mayOpen(first, durable)) {
                break;
            }
            RowBatch batch = first.batch;
            if (batch == null) {
                target.transactionEnded(first.tso);
            } else if (!target.offer(first.seq, batch)) {
                break;
            }
            held.removeFirst();
            heldBytes -= first.size;
            work++;
        }
        return work;
    }

    private boolean mayOpen(Held first, RedoMeta durable) {
        if (openTso != first.tso) {
            boolean open = Long.compareUnsigned(endedTso, first.tso) < 0;
            if (!open || held.size() < MANY_HELD && heldBytes < config.holdBytes()) {
                return false;
            }
            openTso = first.tso;
            log.opens(openTso);
            LOG.info(
                    "job={} commit_ts={}: a transaction is too large to be held back for the redo"
                            + " log and goes on in parts",
                    context.jobId(),
                    Long.toUnsignedString(openTso));
        }
        return durable.openTso() == openTso && first.segment <= log.durableSegment();
    }

    @Override
    public void resolved(long tso) {
        if (Long.compareUnsigned(tso, endedTso) > 0) {
            endedTso = tso;
        }
        log.delivered(tso);
        target.resolved(tso);
    }

    @Override
    public void checkpointSaved(Checkpoint newest) {
        // What the target then forgets of DDL must not be in what would be applied from the log.
        if (checkpoint == null) {
            checkpoint = newest;
        } else {
            // The one that waits is not replaced, or under load none would ever be passed on.
            later = newest;
        }
    }

    @Override
    public void close() {
        target.close();
        log.close();
        segment.discard();
        for (Held left : held) {
            if (left.batch != null) {
                left.batch.release();
            }
        }
        held.clear();
    }
}
