package io.millrace.mysql.sink;

import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.RowBatch;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.SchemaHistory;
import io.millrace.core.spi.Upstream;
import io.millrace.mysql.upstream.MySqlUpstreamFactory;
import io.millrace.testkit.servers.DbServer;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Rows as a real server's binlog holds them, kept to be written by a sink later, and more than
 * once: to the same server, whose tables were emptied meanwhile.
 */
final class Replay {
    private final List<RowBatch> batches = new ArrayList<>();

    /** What a test does on the upstream. */
    interface Work {
        void run() throws Exception;
    }

    private Replay() {}

    /** Does the work and keeps the rows of {@code table} that it wrote, up to the given count. */
    static Replay of(DbServer server, String table, int rows, Work work) throws Exception {
        return of(server, table, rows, "", "UTC", work);
    }

    /** The same with TIMESTAMP values shown in a zone. */
    static Replay inZone(DbServer server, String table, int rows, String zone, Work work)
            throws Exception {
        return of(server, table, rows, "", zone, work);
    }

    /**
     * Does the work and keeps the rows of the tables that match {@code rule}, without those of the
     * table {@code end}, whose first row is the end.
     */
    static Replay until(DbServer server, String rule, String end, Work work) throws Exception {
        return of(server, rule, Integer.MAX_VALUE, end, "UTC", work);
    }

    private static Replay of(
            DbServer server, String rule, int rows, String end, String zone, Work work)
            throws Exception {
        Replay replay = new Replay();
        String uri =
                "mysql://"
                        + server.rootUser()
                        + ":"
                        + server.rootPassword()
                        + "@127.0.0.1:"
                        + server.port();
        if (server.flavor() == DbServer.Flavor.MARIADB) {
            // Its commit times have whole seconds.
            Thread.sleep(1020 - System.currentTimeMillis() % 1000);
        }
        try (Upstream upstream = new MySqlUpstreamFactory().open(URI.create(uri))) {
            Capture capture =
                    upstream.openCapture(
                            new CaptureRequest(
                                    "default/replay",
                                    upstream.currentTso(),
                                    Optional.empty(),
                                    TableFilters.parse(List.of(rule), true),
                                    new NoHistory(),
                                    zone));
            CountDownLatch done = new CountDownLatch(1);
            AtomicLong seen = new AtomicLong();
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            Thread thread =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    capture.run(event -> {
                                        if (event instanceof RowBatch batch) {
                                            if (batch.schema().name().table().equals(end)) {
                                                batch.release();
                                                done.countDown();
                                                return;
                                            }
                                            replay.batches.add(batch);
                                            if (seen.addAndGet(batch.rowCount()) >= rows) {
                                                done.countDown();
                                            }
                                        }
                                    });
                                } catch (Throwable e) {
                                    failure.set(e);
                                    done.countDown();
                                }
                            });
            work.run();
            boolean complete = done.await(30, TimeUnit.SECONDS);
            capture.close();
            thread.join();
            if (!complete || failure.get() != null) {
                throw new AssertionError(
                        "captured " + seen + " of " + rows + " rows", failure.get());
            }
        }
        return replay;
    }

    /** Rows kept. */
    int rows() {
        return batches.stream().mapToInt(RowBatch::rowCount).sum();
    }

    /** Offers all rows; may be called again. */
    void offerTo(SinkDriver sink) {
        for (RowBatch batch : batches) {
            batch.retain();
            sink.offer(batch);
        }
    }

    private static final class NoHistory implements SchemaHistory {
        @Override
        public List<Entry> load() {
            return List.of();
        }

        @Override
        public void append(List<Entry> entries) {}

        @Override
        public void compact(long tso, List<Entry> snapshot) {}

        @Override
        public long newTableId() {
            return 1;
        }
    }
}
