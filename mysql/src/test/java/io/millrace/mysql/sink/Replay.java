package io.millrace.mysql.sink;

import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.RowBatch;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.Upstream;
import io.millrace.mysql.capture.CaptureThread;
import io.millrace.mysql.upstream.MySqlUpstreamFactory;
import io.millrace.testkit.history.MemoryHistory;
import io.millrace.testkit.servers.DbServer;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

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
        CaptureThread.nextSecond(server);
        try (Upstream upstream = new MySqlUpstreamFactory().open(URI.create(server.uri()));
                CaptureThread<RowBatch> capture =
                        new CaptureThread<>(
                                upstream.openCapture(
                                        new CaptureRequest(
                                                "default/replay",
                                                upstream.currentTso(),
                                                Optional.empty(),
                                                TableFilters.parse(List.of(rule), true),
                                                new MemoryHistory(),
                                                zone)),
                                event ->
                                        event instanceof RowBatch batch
                                                ? List.of(batch)
                                                : List.of())) {
            work.run();
            AtomicLong count = new AtomicLong();
            capture.await(
                    "all rows",
                    0,
                    batch -> isOf(batch, end) || count.addAndGet(batch.rowCount()) >= rows);
            capture.close();
            for (RowBatch batch : capture.seen()) {
                if (isOf(batch, end)) {
                    batch.release();
                } else {
                    replay.batches.add(batch);
                }
            }
        }
        return replay;
    }

    private static boolean isOf(RowBatch batch, String table) {
        return batch.schema().name().table().equals(table);
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
}
