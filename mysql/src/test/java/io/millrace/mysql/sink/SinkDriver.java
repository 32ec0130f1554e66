package io.millrace.mysql.sink;

import io.millrace.core.engine.JobMetrics;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkSpec;
import java.time.Clock;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Plays the engine for one run of a sink: offers, pumps, waits for acks. */
final class SinkDriver implements AutoCloseable, Acks {
    private static final long WAIT_NANOS = 30_000_000_000L;

    final JobMetrics metrics = new JobMetrics();
    private final Sink sink;
    private final Set<Long> acked = ConcurrentHashMap.newKeySet();
    private final AtomicReference<@Nullable MillraceException> failure = new AtomicReference<>();
    private long nextSeq = 1;

    SinkDriver(String uri, String job, Clock clock) {
        this(SinkSpec.of(uri), job, clock);
    }

    SinkDriver(SinkSpec spec, String job, Clock clock) {
        this(spec, job, new MySqlSinkFactory(clock));
    }

    SinkDriver(SinkSpec spec, String job, MySqlSinkFactory factory) {
        sink =
                factory.open(
                        spec,
                        new SinkContext(
                                job, "127.0.0.1:8300", this, 0, Optional.empty(), false, metrics));
    }

    @Override
    public void ack(long seq) {
        if (!acked.add(seq)) {
            failure.compareAndSet(
                    null,
                    new MillraceException(
                            io.millrace.core.error.ErrorCode.INTERNAL, "acked twice: " + seq));
        }
    }

    @Override
    public void fail(MillraceException error) {
        failure.compareAndSet(null, error);
    }

    /** Offers until the sink takes it; returns its seq. */
    long offer(RowBatch batch) {
        long seq = nextSeq++;
        long deadline = System.nanoTime() + WAIT_NANOS;
        while (!sink.offer(seq, batch)) {
            pump(deadline);
        }
        return seq;
    }

    /** Whether the sink takes it at once. */
    boolean offerOnce(RowBatch batch) {
        return sink.offer(nextSeq, batch);
    }

    /** All rows acked, then the DDL, then its ack. */
    void ddl(SchemaChange change, boolean replayed) {
        drain();
        long seq = nextSeq++;
        long deadline = System.nanoTime() + WAIT_NANOS;
        while (!sink.offer(seq, change, replayed)) {
            pump(deadline);
        }
        while (!acked.contains(seq)) {
            pump(deadline);
        }
    }

    /** Waits until everything offered is acked. */
    SinkDriver drain() {
        long deadline = System.nanoTime() + WAIT_NANOS;
        while (acked.size() < nextSeq - 1) {
            pump(deadline);
        }
        return this;
    }

    /** The engine skipped the last batch of the transaction. */
    void transactionEnded(long tso) {
        sink.transactionEnded(tso);
    }

    boolean isAcked(long seq) {
        return acked.contains(seq);
    }

    void saved(Checkpoint checkpoint) {
        sink.checkpointSaved(checkpoint);
    }

    void pump(long deadline) {
        MillraceException error = failure.get();
        if (error != null) {
            throw error;
        }
        if (System.nanoTime() > deadline) {
            throw new AssertionError("the sink did not finish in time; acked " + acked.size());
        }
        if (sink.doWork(System.nanoTime()) == 0) {
            Thread.onSpinWait();
            java.util.concurrent.locks.LockSupport.parkNanos(50_000);
        }
    }

    /** Pumps until the sink reports a failure, and returns it. */
    MillraceException awaitFailure() {
        long deadline = System.nanoTime() + WAIT_NANOS;
        try {
            while (true) {
                pump(deadline);
            }
        } catch (MillraceException e) {
            return e;
        }
    }

    @Override
    public void close() {
        sink.close();
    }
}
