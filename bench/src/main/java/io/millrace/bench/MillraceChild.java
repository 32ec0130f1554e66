package io.millrace.bench;

import com.sun.management.ThreadMXBean;
import io.millrace.core.engine.JobRunner;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.Upstream;
import io.millrace.kafka.KafkaSinkFactory;
import io.millrace.mysql.sink.MySqlSinkFactory;
import io.millrace.mysql.upstream.MySqlUpstreamFactory;
import io.millrace.storage.sink.StorageSinkFactory;
import io.millrace.storage.store.Stores;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One measured process of ours: the real capture, engine and sink of a job, without server and
 * metadata store.
 *
 * <p>Arguments: sink URI ({@code discard://none}, {@code discard://canal-json}, or a real one),
 * upstream URI, start TSO, rows, repetitions. Prints one line {@code RUN firstNanos lastNanos
 * allocatedBytesPerRow encodedBytes.} for each repetition and waits for a line of input before the
 * next; then waits to be ended. Allocation is that of all threads while the last three quarters of
 * the rows pass.
 */
final class MillraceChild {
    private static final long QUOTA_BYTES = 256L << 20;
    private static final long WATCH_MS = 2;
    private static final long GRACE_MS = 200;

    private MillraceChild() {}

    public static void main(String[] args) throws Exception {
        SinkSpec spec = SinkSpec.of(args[0]);
        long rows = Long.parseLong(args[3]);
        try (Upstream upstream = new MySqlUpstreamFactory().open(URI.create(args[1]))) {
            for (int i = 0; i < Integer.parseInt(args[4]); i++) {
                if (i > 0) {
                    System.in.read(); // until the target is empty again
                }
                run(upstream, spec, Long.parseLong(args[2]), rows);
            }
        }
        Thread.sleep(Long.MAX_VALUE);
    }

    private static void run(Upstream upstream, SinkSpec spec, long startTso, long rows)
            throws Exception {
        @Nullable DiscardSinkFactory discard =
                spec.scheme().equals("discard")
                        ? new DiscardSinkFactory("canal-json".equals(spec.uri().getHost()))
                        : null;
        SinkFactory factory =
                switch (spec.scheme()) {
                    case "discard" -> java.util.Objects.requireNonNull(discard);
                    case "kafka" -> new KafkaSinkFactory(new Stores());
                    case "file" -> new StorageSinkFactory(Clock.systemUTC());
                    default -> new MySqlSinkFactory(Clock.systemUTC());
                };
        AtomicReference<MillraceException> failure = new AtomicReference<>();
        JobRunner.Plan plan =
                new JobRunner.Plan(
                        "bench/" + System.nanoTime(),
                        upstream,
                        factory,
                        spec,
                        TableFilters.parse(List.of("bench.t"), true),
                        startTso,
                        0,
                        QUOTA_BYTES,
                        new MemoryJobStore(),
                        "127.0.0.1:0",
                        "UTC");
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocatedBefore = 0;
        long rowsBefore = 0;
        long first = 0;
        try (JobRunner runner =
                new JobRunner(
                        plan,
                        new JobRunner.Listener() {
                            @Override
                            public void checkpoint(Checkpoint checkpoint) {}

                            @Override
                            public void finished() {}

                            @Override
                            public void failed(MillraceException error) {
                                failure.set(error);
                            }
                        })) {
            runner.start();
            while (true) {
                MillraceException error = failure.get();
                if (error != null) {
                    throw error;
                }
                var progress = runner.progress();
                if (first == 0 && progress.rows() > 0) {
                    first = System.nanoTime();
                }
                if (rowsBefore == 0 && progress.rows() >= rows / 4) {
                    // Buffers are as large as they will be: from here on only what each row costs.
                    rowsBefore = progress.rows();
                    allocatedBefore = threads.getTotalThreadAllocatedBytes();
                }
                if (progress.rows() >= rows && progress.bufferedBytes() == 0) {
                    break;
                }
                Thread.sleep(WATCH_MS);
            }
            if (spec.scheme().equals("file")) {
                runner.stop(); // the sink lets batches go before they are durable; now they are
            }
            long last = System.nanoTime();
            long allocated = threads.getTotalThreadAllocatedBytes() - allocatedBefore;
            Thread.sleep(GRACE_MS);
            MillraceException error = failure.get();
            if (error != null) {
                // A run that fails gives its buffers back before it says so.
                throw error;
            }
            System.out.printf(
                    Locale.ROOT,
                    "RUN %d %d %.3f %d.%n",
                    discard != null ? discard.firstNanos : first,
                    last,
                    (double) allocated / Math.max(1, rows - rowsBefore),
                    discard != null ? discard.bytes.get() : 0);
            System.out.flush();
        }
    }
}
