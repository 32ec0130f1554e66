package io.millrace.kafka;

import io.millrace.codec.RowEncoder;
import io.millrace.core.engine.JobMetrics;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.ObjectStores;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkSpec;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Plays the engine towards one sink: offers until taken, keeps it working, collects acks. */
final class SinkDriver implements Acks, AutoCloseable {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    final JobMetrics metrics = new JobMetrics();
    private final Sink sink;
    private final List<TableName> tables;
    private final NavigableSet<Long> acked = new ConcurrentSkipListSet<>();
    private volatile @Nullable MillraceException failure;
    private long nextSeq;

    SinkDriver(SinkSpec spec) {
        this(spec, new MemoryStores());
    }

    SinkDriver(SinkSpec spec, ObjectStores stores) {
        tables = List.of();
        sink = new KafkaSinkFactory(stores).open(spec, context());
    }

    /**
     * @param tables that the job replicates, whether there are rows of them or not
     */
    SinkDriver(SinkSpec spec, List<TableName> tables) {
        this.tables = List.copyOf(tables);
        sink = new KafkaSinkFactory(new MemoryStores()).open(spec, context());
    }

    SinkDriver(SinkSpec spec, RowEncoder encoder) {
        this(spec, encoder, new MemoryStores());
    }

    SinkDriver(SinkSpec spec, RowEncoder encoder, ObjectStores stores) {
        tables = List.of();
        sink =
                new KafkaSinkFactory(stores)
                        .open(spec, context(), KafkaSinkConfig.parse(spec), encoder);
    }

    private SinkContext context() {
        return new SinkContext(
                "default/test",
                "127.0.0.1:8300",
                this,
                0,
                Optional.empty(),
                false,
                metrics,
                () -> tables);
    }

    @Override
    public void ack(long seq) {
        if (!acked.add(seq)) {
            throw new IllegalStateException("acked twice: " + seq);
        }
    }

    @Override
    public void fail(MillraceException error) {
        failure = error;
    }

    Sink sink() {
        return sink;
    }

    @Nullable MillraceException failure() {
        return failure;
    }

    /** Offers a batch until it is taken; returns its seq. */
    long send(RowBatch batch) {
        long seq = nextSeq++;
        await("offer of " + batch, () -> sink.offer(seq, batch));
        return seq;
    }

    void ddl(SchemaChange change) {
        long seq = nextSeq++;
        await("offer of DDL", () -> sink.offer(seq, change, false));
        drain();
    }

    /** Waits until everything is acked. */
    void drain() {
        await("acks of " + nextSeq + " events", () -> acked.size() == nextSeq);
    }

    int acked() {
        return acked.size();
    }

    MillraceException awaitFailure() {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (System.nanoTime() < deadline) {
            MillraceException thrown = failure;
            if (thrown != null) {
                return thrown;
            }
            if (sink.doWork(System.nanoTime()) == 0) {
                Thread.onSpinWait();
            }
        }
        throw new AssertionError("the sink did not fail");
    }

    /** Works until the condition holds. */
    void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.getAsBoolean()) {
            MillraceException thrown = failure;
            if (thrown != null) {
                throw new AssertionError("the sink failed while waiting for " + what, thrown);
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError("timed out: " + what + ", acked " + acked.size());
            }
            if (sink.doWork(System.nanoTime()) == 0) {
                Thread.yield();
            }
        }
    }

    @Override
    public void close() {
        sink.close();
    }
}
