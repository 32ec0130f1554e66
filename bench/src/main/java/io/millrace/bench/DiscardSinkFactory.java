package io.millrace.bench;

import io.millrace.codec.canaljson.CanalJsonConfig;
import io.millrace.codec.canaljson.CanalJsonEncoder;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Where the rows of capture benchmarks end: counted (decode and discard), or encoded to bytes that
 * are then dropped.
 */
final class DiscardSinkFactory implements SinkFactory {
    private static final int BUFFER_BYTES = 1 << 20;

    private final boolean encode;

    /** Row changes that came through so far; read by the watcher. */
    final AtomicLong rows = new AtomicLong();

    /** Encoded bytes so far. */
    final AtomicLong bytes = new AtomicLong();

    /** nanoTime of the first row, 0 before. */
    volatile long firstNanos;

    DiscardSinkFactory(boolean encode) {
        this.encode = encode;
    }

    @Override
    public Set<String> schemes() {
        return Set.of("discard");
    }

    @Override
    public void validate(SinkSpec spec) {}

    @Override
    public void testOpen(SinkSpec spec) {}

    @Override
    public Sink open(SinkSpec spec, SinkContext context) {
        @Nullable CanalJsonEncoder encoder =
                encode
                        ? new CanalJsonEncoder(
                                CanalJsonConfig.DEFAULTS, java.time.Clock.systemUTC())
                        : null;
        ByteSink buffer = new ByteSink(BUFFER_BYTES + 1024);
        return new Sink() {
            @Override
            public boolean offer(long seq, RowBatch batch) {
                if (firstNanos == 0) {
                    firstNanos = System.nanoTime();
                }
                if (encoder != null) {
                    encoder.begin(batch.schema(), batch.commitTso());
                    int op = batch.op();
                    for (RowView row = batch.rows(); row.next(); ) {
                        encoder.append(row, op, buffer);
                        if (buffer.length() > BUFFER_BYTES) {
                            bytes.addAndGet(buffer.length());
                            buffer.clear();
                        }
                    }
                }
                rows.addAndGet(batch.rowCount());
                batch.release();
                context.acks().ack(seq);
                return true;
            }

            @Override
            public boolean offer(long seq, SchemaChange change, boolean replayed) {
                context.acks().ack(seq);
                return true;
            }

            @Override
            public void resolved(long tso) {}

            @Override
            public int doWork(long nowNanos) {
                return 0;
            }

            @Override
            public void close() {}
        };
    }
}
