package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.storage.reader.StorageReader;
import io.millrace.testkit.data.RandomWorkload;
import io.millrace.testkit.data.Table;
import io.millrace.testkit.data.TableDiff;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.MillraceServer;
import io.millrace.testkit.servers.S3Server;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mixed load with DDL into csv files of a folder and canal-json files of a bucket, while the server
 * is killed again and again; then the files are replayed into an empty server, where each row must
 * come once, and compared with the upstream.
 */
final class StorageIT {
    private static final int KILLS = 3;
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String FEED =
            "\"replica_config\":{\"ignore_ineligible_table\":true,\"filter\":{\"rules\":[\"crash.*\"]}}";

    /** Nothing tells which row a change without a key is about. */
    private static final String KEYED_TABLES =
            "SELECT DISTINCT s.table_name FROM information_schema.statistics s WHERE s.table_schema='crash' AND s.non_unique=0"
                    + " AND NOT EXISTS (SELECT 1 FROM information_schema.statistics n WHERE n.table_schema=s.table_schema AND"
                    + " n.table_name=s.table_name AND n.index_name=s.index_name AND n.nullable='YES') ORDER BY 1";

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit fills it in
    private Path folder;

    private static void awaitMetadata(String uri, long checkpoint) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            try (StorageReader reader = StorageReader.open(uri)) {
                if (reader.checkpoint().orElse(0L) >= checkpoint) {
                    return;
                }
            }
            assertThat(System.nanoTime()).as("metadata of " + uri).isLessThan(deadline);
            Thread.sleep(200);
        }
    }

    private static void assertReplayEqual(DbServer upstream, DbServer replayed, String uri)
            throws Exception {
        replayed.execute("DROP DATABASE IF EXISTS crash", "CREATE DATABASE crash");
        try (StorageReader reader = StorageReader.open(uri);
                Connection connection = replayed.connect();
                StorageApply apply = new StorageApply(reader, connection, true)) {
            apply.run();
            assertThat(apply.rows()).isPositive();
            assertThat(apply.ddls()).isPositive();
        }
        List<TableDiff.Pair> pairs = new ArrayList<>();
        try (Connection left = upstream.connect();
                Connection right = replayed.connect();
                Statement statement = left.createStatement();
                ResultSet names = statement.executeQuery(KEYED_TABLES)) {
            while (names.next()) {
                Table table = new Table("crash", names.getString(1));
                pairs.add(new TableDiff.Pair(table, table));
            }
            TableDiff.Report report = new TableDiff(left, right).compare(pairs);
            assertThat(report.equal()).as(report.toString()).isTrue();
            assertThat(report.rows()).isPositive();
        }
    }

    @Test
    void filesHoldEachChangeOnceWhateverHappens() throws Exception {
        String csv =
                "file://"
                        + folder.resolve("csv")
                        + "?protocol=csv&csv-include-commit-ts=true&flush-interval=2s";
        try (DbServer upstream = DbServer.mysql().start();
                DbServer replayed = DbServer.mysql().option("server_id", "2").start();
                S3Server s3 = S3Server.start();
                MillraceServer server = MillraceServer.start(upstream.uri(), folder)) {
            String bucket =
                    s3.uri("feed")
                            + "&protocol=canal-json&enable-tidb-extension=true&date-separator=day";
            upstream.execute("CREATE DATABASE crash");
            server.createChangefeed("csv", csv, FEED);
            server.createChangefeed("bucket", bucket, FEED);
            RandomWorkload.Config config =
                    RandomWorkload.Config.of("crash", 20261121L)
                            .withRate(40)
                            .withDdlEvery(30)
                            .survivingRestarts();
            try (RandomWorkload workload = new RandomWorkload(upstream::connect, config)) {
                workload.createTables();
                workload.start();
                for (int kill = 0; kill < KILLS; kill++) {
                    Thread.sleep(2500);
                    server.kill9();
                    server.start();
                }
                workload.stop();
            }
            for (String feed : List.of("csv", "bucket")) {
                server.awaitCaughtUp(feed, upstream, LIMIT);
            }
            awaitMetadata(csv, server.changefeed("csv").path("checkpoint_ts").asLong());
            awaitMetadata(bucket, server.changefeed("bucket").path("checkpoint_ts").asLong());
            assertReplayEqual(upstream, replayed, csv);
            assertReplayEqual(upstream, replayed, bucket);
        }
    }
}
