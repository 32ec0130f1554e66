package io.millrace.mysql.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.Upstream;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.upstream.MySqlUpstreamFactory;
import io.millrace.testkit.history.MemoryHistory;
import io.millrace.testkit.rows.TestRowBatch;
import io.millrace.testkit.servers.DbServer;
import java.net.URI;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Clock;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * What a sync point's binlog position says is what the target held: its binlog is read again, and
 * up to the position it has exactly the rows up to the point's TSO.
 */
final class SyncPointIT {
    private static final int ROWS = 600;
    private static final int INTERVAL_MS = 1000;
    private static final long START_MS = 1_700_000_000_250L;
    private static final TableSchema TABLE =
            new TableSchema(
                    1,
                    1,
                    new TableName("sp", "t"),
                    List.of(Column.of("id", ColumnKind.INT), Column.of("v", ColumnKind.VARCHAR)),
                    List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));

    private static SinkSpec spec(DbServer target) {
        return new SinkSpec(
                SinkSpec.parseUri(target.uri()),
                Map.of(
                        "sync-point-interval",
                        Integer.toString(INTERVAL_MS),
                        "sync-point-retention",
                        "3600000"),
                List.of(),
                true,
                false,
                "UTC");
    }

    private static void check(DbServer.Builder flavour) throws Exception {
        try (DbServer target = flavour.start()) {
            target.execute(
                    "CREATE DATABASE sp", "CREATE TABLE sp.t (id INT PRIMARY KEY, v VARCHAR(20))");
            Map<Integer, Long> tsoOf = new HashMap<>();
            Random random = new Random(7);
            long ms = START_MS;
            try (SinkDriver sink = new SinkDriver(spec(target), "default/sp", Clock.systemUTC())) {
                for (int id = 0; id < ROWS; ) {
                    // Now and then exactly on a point, and sometimes long after the last.
                    ms +=
                            switch (random.nextInt(40)) {
                                case 0 -> INTERVAL_MS - ms % INTERVAL_MS;
                                case 1 -> 2500;
                                default -> 1 + random.nextInt(80);
                            };
                    long tso = Tso.of(ms, 0);
                    int rows = Math.min(1 + random.nextInt(3), ROWS - id);
                    for (int i = 0; i < rows; i++, id++) {
                        tsoOf.put(id, tso);
                        sink.offer(
                                TestRowBatch.insert(
                                        TABLE,
                                        tso,
                                        i,
                                        i == rows - 1,
                                        TestRowBatch.row(id, "v" + id)));
                    }
                }
                sink.drain();
            }
            Map<Integer, BinlogCoordinate> endOf = binlog(target);
            assertThat(endOf).hasSize(ROWS);
            int points = 0;
            Set<Long> seen = new HashSet<>();
            try (Connection connection = target.connect();
                    Statement statement = connection.createStatement();
                    ResultSet row =
                            statement.executeQuery(
                                    "SELECT p.primary_ts, p.binlog_file, p.binlog_position,"
                                            + " p.gtid_set, s.secondary_ts FROM"
                                            + " millrace.syncpoint_position p JOIN"
                                            + " tidb_cdc.syncpoint_v1 s ON s.primary_ts=p.primary_ts"
                                            + " AND s.changefeed='sp' AND"
                                            + " s.ticdc_cluster_id='default'")) {
                while (row.next()) {
                    long point = row.getLong(1);
                    assertThat(Tso.physicalMs(point) % INTERVAL_MS).isZero();
                    assertThat(Tso.logical(point)).isZero();
                    assertThat(row.getString(4)).isNotEmpty();
                    assertThat(row.getString(5)).hasSize(18);
                    BinlogCoordinate at = new BinlogCoordinate(row.getString(2), row.getLong(3));
                    Set<Integer> then = new HashSet<>();
                    endOf.forEach((id, end) -> {
                        if (at.atOrAfter(end)) {
                            then.add(id);
                        }
                    });
                    Set<Integer> wanted = new HashSet<>();
                    tsoOf.forEach((id, tso) -> {
                        if (tso <= point) {
                            wanted.add(id);
                        }
                    });
                    assertThat(then).as("at %s", at).isEqualTo(wanted);
                    seen.add(point);
                    points++;
                }
            }
            long changes =
                    tsoOf.values().stream()
                            .map(tso -> (Tso.physicalMs(tso) - 1) / INTERVAL_MS)
                            .distinct()
                            .count();
            assertThat(points).as("one before each change that is behind it").isEqualTo(changes);
            assertThat(points).isGreaterThan(10);
            assertThat(seen).hasSize(points);

            assertThat(target.query("SELECT COUNT(*) FROM tidb_cdc.syncpoint_v1"))
                    .contains(Integer.toString(points));
            target.execute(
                    "UPDATE tidb_cdc.syncpoint_v1 SET created_at=NOW() - INTERVAL 2 HOUR ORDER BY"
                            + " primary_ts LIMIT 4");
            try (SinkDriver sink = new SinkDriver(spec(target), "default/sp", Clock.systemUTC())) {
                sink.offer(
                        TestRowBatch.insert(
                                TABLE,
                                Tso.of(ms + 5000, 0),
                                0,
                                true,
                                TestRowBatch.row(ROWS, "later")));
                sink.drain();
            }
            assertThat(target.query("SELECT COUNT(*) FROM tidb_cdc.syncpoint_v1"))
                    .as("older than the retention")
                    .contains(Integer.toString(points + 1 - 4));
            pastPointsAreNotRecorded(target, Tso.of(ms + 5000, 0));
            new MySqlSinkFactory(Clock.systemUTC()).forget(spec(target), "default/sp");
            assertThat(target.query("SELECT COUNT(*) FROM tidb_cdc.syncpoint_v1")).contains("0");
            pointsTellTheirCluster(target, Tso.of(ms + 60_000, 0));
        }
    }

    /** Two clusters may have jobs of the same name into one target. */
    private static void pointsTellTheirCluster(DbServer target, long tso) {
        MySqlSinkFactory east = new MySqlSinkFactory(Clock.systemUTC(), "it's east");
        try (SinkDriver sink = new SinkDriver(spec(target), "default/sp", east)) {
            sink.offer(again(tso, ROWS + 10));
            sink.offer(again(tso + (1L << 40), ROWS + 11));
            sink.drain();
        }
        String clusters =
                "SELECT GROUP_CONCAT(DISTINCT ticdc_cluster_id) FROM tidb_cdc.syncpoint_v1";
        assertThat(target.query(clusters)).contains("it's east");
        new MySqlSinkFactory(Clock.systemUTC()).forget(spec(target), "default/sp");
        assertThat(target.query(clusters)).contains("it's east");
        east.forget(spec(target), "default/sp");
        assertThat(target.query("SELECT COUNT(*) FROM tidb_cdc.syncpoint_v1")).contains("0");
    }

    /** A run begins at an old checkpoint, with as many workers or others. */
    private static void pastPointsAreNotRecorded(DbServer target, long newest) throws Exception {
        target.execute(
                "DELETE FROM tidb_cdc.syncpoint_v1", "DELETE FROM millrace.syncpoint_position");
        SinkSpec same = spec(target);
        SinkSpec other =
                new SinkSpec(
                        SinkSpec.parseUri(
                                target.uri()
                                        + (target.uri().contains("?") ? "&" : "?")
                                        + "worker-count=3"),
                        same.options(),
                        List.of(),
                        true,
                        false,
                        "UTC");
        // The third run begins after one that forgot where which worker was.
        for (SinkSpec spec : List.of(same, other, other)) {
            try (SinkDriver sink = new SinkDriver(spec, "default/sp", Clock.systemUTC())) {
                sink.offer(again(Tso.of(START_MS + 3 * INTERVAL_MS, 0), 0));
                sink.offer(again(Tso.of(START_MS + 7 * INTERVAL_MS, 0), 1));
                sink.offer(again(newest, ROWS));
                sink.drain();
            }
            assertThat(target.query("SELECT COUNT(*) FROM tidb_cdc.syncpoint_v1"))
                    .as("the target was past them")
                    .contains("0");
        }
        long point = Tso.of((Tso.physicalMs(newest) / INTERVAL_MS + 2) * INTERVAL_MS, 0);
        try (SinkDriver sink = new SinkDriver(other, "default/sp", Clock.systemUTC())) {
            // The run ends while the point is being recorded.
            sink.offerOnce(again(point + 1, ROWS + 1));
        }
        assertThat(target.query("SELECT GROUP_CONCAT(primary_ts) FROM tidb_cdc.syncpoint_v1"))
                .contains(Long.toUnsignedString(point));
    }

    private static RowBatch again(long tso, int id) {
        return TestRowBatch.insert(TABLE, tso, 0, true, TestRowBatch.row(id, "v" + id));
    }

    /** Where in the target's binlog the transaction of each row ends. */
    private static Map<Integer, BinlogCoordinate> binlog(DbServer target) throws Exception {
        Map<Integer, BinlogCoordinate> ends = new HashMap<>();
        Set<Integer> open = new HashSet<>();
        CountDownLatch all = new CountDownLatch(ROWS);
        try (Upstream upstream = new MySqlUpstreamFactory().open(URI.create(target.uri()));
                Capture capture =
                        upstream.openCapture(
                                new CaptureRequest(
                                        "default/back",
                                        upstream.oldestTso(),
                                        Optional.empty(),
                                        TableFilter.all(),
                                        new MemoryHistory(),
                                        "UTC"))) {
            Thread reader =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    capture.run(event -> {
                                        if (!(event instanceof RowBatch batch)) {
                                            return;
                                        }
                                        if (batch.schema().name().equals(TABLE.name())) {
                                            RowView row = batch.rows();
                                            while (row.next()) {
                                                open.add((int) row.longValue(RowView.AFTER, 0));
                                            }
                                        }
                                        if (batch.lastOfTransaction()
                                                && batch.positionAfter()
                                                        instanceof BinlogPosition at) {
                                            for (int id : open) {
                                                ends.put(id, at.start());
                                                all.countDown();
                                            }
                                            open.clear();
                                        }
                                        batch.release();
                                    });
                                } catch (InterruptedException e) {
                                    Thread.currentThread().interrupt();
                                }
                            });
            assertThat(all.await(60, TimeUnit.SECONDS)).as("all rows are in the binlog").isTrue();
            capture.close();
            reader.join(10_000);
        }
        return ends;
    }

    @Test
    void mariaDb() throws Exception {
        check(DbServer.mariadb());
    }

    @Test
    void mySql() throws Exception {
        check(DbServer.mysql());
    }
}
