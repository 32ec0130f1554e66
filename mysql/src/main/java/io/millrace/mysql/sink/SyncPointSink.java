package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.ForwardingSink;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds another sink still at times that are multiples of an interval since the Unix epoch: when it
 * has everything up to there and nothing later, the point is recorded in the target. Of several
 * such times without a change in between only the last is.
 */
final class SyncPointSink extends ForwardingSink {
    private static final Logger log = LoggerFactory.getLogger(SyncPointSink.class);

    /** How long the end of a run waits for a point that is being recorded. */
    private static final Duration LAST_POINT = Duration.ofSeconds(5);

    private final SinkContext context;
    private final MySqlSinkConfig config;
    private final SyncPoints points;
    private final SyncPointStore store;
    private final AtomicLong inFlight;

    /** Nothing later than this TSO has been passed on; the next point to record, or a later one. */
    private long next;

    /** A point is being recorded. */
    private final AtomicBoolean recording = new AtomicBoolean();

    private volatile boolean closing;
    private volatile boolean closed;

    /** Records a point, or did. */
    private @Nullable Thread recorder;

    private volatile @Nullable TargetSession session;
    private long lastCleanNanos;
    private boolean everCleaned;

    /**
     * When points are made, and how long they are kept.
     *
     * @param interval between points
     * @param retention of points
     * @param clusterId name of this cluster
     */
    record SyncPoints(Duration interval, Duration retention, String clusterId) {
        /** The first point after a TSO. */
        long after(long tso) {
            return Tso.of((Tso.physicalMs(tso) / ms() + 1) * ms(), 0);
        }

        /** The last point at or before a TSO. */
        long atOrBefore(long tso) {
            return Tso.of(Tso.physicalMs(tso) / ms() * ms(), 0);
        }

        private long ms() {
            return interval.toMillis();
        }
    }

    /**
     * Opens the sink and makes the tables.
     *
     * @param opener makes the sink for a context
     */
    static Sink open(
            Function<SinkContext, MySqlSink> opener,
            SinkContext context,
            MySqlSinkConfig config,
            SyncPoints points) {
        AtomicLong inFlight = new AtomicLong();
        MySqlSink sink = opener.apply(context.withAcks(new CountedAcks(context.acks(), inFlight)));
        SyncPointStore store =
                new SyncPointStore(config.progressSchema(), points.clusterId(), context.jobId());
        try (TargetSession own = TargetSession.open(config, TargetSession.Use.CONTROL)) {
            store.create(own);
        } catch (SQLException e) {
            sink.close();
            throw SqlErrors.of(
                    e,
                    ErrorCode.SINK_INVALID_CONFIG,
                    "cannot prepare the tables of sync points in " + config.address());
        } catch (RuntimeException e) {
            sink.close();
            throw e;
        }
        return new SyncPointSink(sink, inFlight, context, config, points, store);
    }

    private SyncPointSink(
            MySqlSink sink,
            AtomicLong inFlight,
            SinkContext context,
            MySqlSinkConfig config,
            SyncPoints points,
            SyncPointStore store) {
        super(sink);
        this.inFlight = inFlight;
        this.context = context;
        this.config = config;
        this.points = points;
        this.store = store;
        // The target does not go back: at points that it has passed nobody saw its state.
        long newest = sink.newestTso();
        next =
                points.after(
                        Long.compareUnsigned(newest, context.startTso()) > 0
                                ? newest
                                : context.startTso());
    }

    /** Whether an event of this TSO may pass; if not, what has to come first is on its way. */
    private boolean mayPass(long tso) {
        if (recording.get()) {
            return false;
        }
        if (Long.compareUnsigned(tso, next) <= 0) {
            return true;
        }
        target.flush();
        if (inFlight.get() == 0) {
            // The state is the same at all points before this event.
            record(points.atOrBefore(tso - 1));
        }
        return false;
    }

    private void record(long point) {
        recording.set(true);
        next = points.after(point);
        recorder =
                Thread.ofVirtual()
                        .name("sync-point-" + context.jobId())
                        .start(() -> {
                            try {
                                TargetSession own = session;
                                if (own == null || !own.answers()) {
                                    own = TargetSession.open(config, TargetSession.Use.CONTROL);
                                    session = own;
                                }
                                if (closed) {
                                    own.close();
                                    return;
                                }
                                store.save(own, point);
                                if (!everCleaned
                                        || System.nanoTime() - lastCleanNanos
                                                > points.retention().toNanos()) {
                                    store.clean(own, points.retention());
                                    everCleaned = true;
                                    lastCleanNanos = System.nanoTime();
                                }
                                log.info(
                                        "job={} sync_point={}",
                                        context.jobId(),
                                        Long.toUnsignedString(point));
                                recording.set(false);
                            } catch (SQLException e) {
                                fail(
                                        SqlErrors.of(
                                                e,
                                                ErrorCode.SINK_TRANSIENT,
                                                "cannot record a sync point in "
                                                        + config.address()));
                            } catch (MillraceException e) {
                                fail(e);
                            } catch (RuntimeException | Error e) {
                                fail(
                                        new MillraceException(
                                                ErrorCode.INTERNAL, "sync points failed: " + e, e));
                            }
                        });
    }

    private void fail(MillraceException error) {
        if (!closing) {
            context.acks().fail(error);
        }
    }

    @Override
    public boolean offer(long seq, RowBatch batch) {
        if (!mayPass(batch.commitTso())) {
            return false;
        }
        inFlight.incrementAndGet();
        if (!target.offer(seq, batch)) {
            inFlight.decrementAndGet();
            return false;
        }
        return true;
    }

    @Override
    public boolean offer(long seq, SchemaChange change, boolean replayed) {
        if (!mayPass(change.commitTso())) {
            return false;
        }
        inFlight.incrementAndGet();
        if (!target.offer(seq, change, replayed)) {
            inFlight.decrementAndGet();
            return false;
        }
        return true;
    }

    @Override
    public void resolved(long tso) {
        // Nothing later than the next point was passed on, and nothing up to here is missing.
        if (Long.compareUnsigned(tso, next) >= 0 && inFlight.get() == 0 && !recording.get()) {
            record(points.atOrBefore(tso));
        }
        target.resolved(tso);
    }

    /** What is being recorded is true; the next run would not record it again. */
    private void awaitRecorder() {
        Thread last = recorder;
        if (last == null) {
            return;
        }
        boolean interrupted = false;
        long deadline = System.nanoTime() + LAST_POINT.toNanos();
        try {
            while (last.isAlive() && System.nanoTime() < deadline) {
                try {
                    last.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        closing = true;
        awaitRecorder();
        closed = true;
        target.close();
        TargetSession own = session;
        if (own != null) {
            own.abort();
        }
    }
}
