package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.MillraceException;
import io.millrace.storage.reader.StorageReader;
import io.millrace.testkit.data.RandomWorkload;
import io.millrace.testkit.data.Table;
import io.millrace.testkit.data.TableDiff;
import io.millrace.testkit.replay.CsvReplay;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.MillraceServer;
import io.millrace.testkit.servers.S3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mixed load with DDL into csv and parquet files of a folder and canal-json files of a bucket,
 * while the server is killed again and again; then the files are replayed into an empty server,
 * where each row must come once, and compared with the upstream.
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
                StorageApply apply =
                        new StorageApply(reader, connection, true, ZoneId.of("+08:00"))) {
            apply.run();
            assertThat(apply.rows()).isPositive();
            assertThat(apply.ddls()).isPositive();
        }
        assertEqual(upstream, replayed);
    }

    /** The same by a reader that shares nothing with what wrote them. */
    private static void assertForeignReplayEqual(DbServer upstream, DbServer replayed, Path root)
            throws Exception {
        replayed.execute("DROP DATABASE IF EXISTS crash", "CREATE DATABASE crash");
        try (Connection connection = replayed.connect();
                CsvReplay replay = new CsvReplay(connection)) {
            // The files' zone.
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET time_zone='+08:00'");
            }
            replay.replay(root);
            assertThat(replay.rows()).isPositive();
            assertThat(replay.ddls()).isPositive();
        }
        assertEqual(upstream, replayed);
    }

    private static void assertEqual(DbServer upstream, DbServer replayed) throws Exception {
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
                MillraceServer server =
                        MillraceServer.start(upstream.uri(), folder, "--time-zone", "+08:00")) {
            String bucket =
                    s3.uri("feed")
                            + "&protocol=canal-json&enable-tidb-extension=true&date-separator=day";
            String parquet =
                    "file://"
                            + folder.resolve("parquet")
                            + "?protocol=parquet&parquet-compression=zstd&flush-interval=2s"
                            + "&csv-output-old-value=true&output-raw-change-event=true";
            upstream.execute("CREATE DATABASE crash");
            server.createChangefeed("csv", csv, FEED);
            server.createChangefeed("parquet", parquet, FEED);
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
            for (String feed : List.of("csv", "parquet", "bucket")) {
                server.awaitCaughtUp(feed, upstream, LIMIT);
            }
            awaitMetadata(csv, server.changefeed("csv").path("checkpoint_ts").asLong());
            awaitMetadata(parquet, server.changefeed("parquet").path("checkpoint_ts").asLong());
            awaitMetadata(bucket, server.changefeed("bucket").path("checkpoint_ts").asLong());
            assertReplayEqual(upstream, replayed, csv);
            assertForeignReplayEqual(upstream, replayed, folder.resolve("csv"));
            assertReplayEqual(upstream, replayed, parquet);
            assertReplayEqual(upstream, replayed, bucket);
        }
    }

    private void write(String name, String content) throws Exception {
        Path file = folder.resolve("hand").resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    private void writeSchema(
            String schema, String table, long version, String query, String... columns)
            throws Exception {
        List<String> members = new ArrayList<>();
        for (int i = 0; i < columns.length; i += 2) {
            members.add(
                    "{\"ColumnName\":\""
                            + columns[i]
                            + "\",\"ColumnType\":\""
                            + columns[i + 1]
                            + "\"}");
        }
        write(
                schema
                        + (table.isEmpty() ? "" : "/" + table)
                        + "/meta/schema_"
                        + version
                        + "_0000000001.json",
                "{\"Table\":\""
                        + table
                        + "\",\"Schema\":\""
                        + schema
                        + "\",\"TableVersion\":"
                        + version
                        + ",\"Query\":\""
                        + query
                        + "\",\"TableColumns\":["
                        + String.join(",", members)
                        + "]}");
    }

    private StorageApply applied(DbServer target, boolean strict) throws Exception {
        String uri = "file://" + folder.resolve("hand") + "?csv-include-commit-ts=true";
        try (StorageReader reader = StorageReader.open(uri);
                Connection connection = target.connect();
                StorageApply apply =
                        new StorageApply(reader, connection, strict, ZoneId.of("+08:00"))) {
            apply.run();
            return apply;
        }
    }

    /** What the target makes of single rows and statements. */
    @Test
    void replayIntoAServer() throws Exception {
        writeSchema("d", "", 100, "CREATE DATABASE d");
        String[] columns = {
            "id", "INT", "twice", "INT", "at", "TIMESTAMP", "doc", "JSON", "f", "FLOAT"
        };
        String definition =
                " (id INT, twice INT AS (id * 2) STORED, at TIMESTAMP(3) NULL, doc JSON, f FLOAT)";
        writeSchema("d", "t", 200, "CREATE TABLE t" + definition, columns);
        writeSchema("d", "u", 201, "CREATE TABLE d.u" + definition, columns);
        write(
                "d/t/200/CDC1.csv",
                """
                "I","t","d",300,1,2,"2026-11-21 08:00:00.500","{""a"": [1, 2]}",0.1
                "I","t","d",301,2,4,"0000-00-00 00:00:00.000","{""a"": [1, 2]}",0.1
                "I","t","d",302,3,6,\\N,\\N,\\N
                "D","t","d",303,2,4,"0000-00-00 00:00:00.000","{""a"": [1, 2]}",0.1
                "D","t","d",304,3,6,\\N,\\N,\\N
                """
                        .replace("\n", "\r\n"));
        String message =
                "{\"id\":0,\"database\":\"d\",\"table\":\"u\",\"pkNames\":null,\"isDdl\":false,"
                        + "\"type\":\"%s\",\"es\":1,\"ts\":1,\"sql\":\"\",\"sqlType\":{},\"mysqlType\":{},"
                        + "\"old\":null,\"data\":[{\"id\":\"%d\",\"twice\":\"%d\","
                        + "\"at\":\"2026-11-21 08:00:00.000\",\"doc\":\"{\\\"b\\\": 0.5}\",\"f\":\"0.3\"}]}\r\n";
        write(
                "d/u/201/CDC1.json",
                message.formatted("INSERT", 1, 2)
                        + message.formatted("INSERT", 2, 4)
                        + message.formatted("DELETE", 1, 2));
        // Without a key texts are told apart by their bytes; a literal is in its session's zone.
        write(
                "d/v/meta/schema_202_0000000001.json",
                """
                {"Table":"v","Schema":"d","TableVersion":202,
                "Query":"CREATE TABLE v (at TIMESTAMP NOT NULL DEFAULT '2026-11-21 08:00:00',\
                 name VARCHAR(9)) CHARSET utf8mb4 COLLATE utf8mb4_general_ci",
                "Session":{"TimeZone":"+08:00"},
                "TableColumns":[{"ColumnName":"name","ColumnType":"VARCHAR"}]}\
                """);
        write(
                "d/v/202/CDC1.csv",
                """
                "I","v","d",300,"a "
                "I","v","d",301,"É"
                "I","v","d",302,"E"
                "I","v","d",303,"e"
                "D","v","d",304,"e"
                "D","v","d",305,"E"
                "I","v","d",306,"a"
                "D","v","d",307,"a"
                """
                        .replace("\n", "\r\n"));
        write("metadata", "{\"checkpoint-ts\":1000}");
        try (DbServer target = DbServer.mysql().option("server_id", "3").start()) {
            StorageApply first = applied(target, true);
            assertThat(first.rows()).isEqualTo(16);
            assertThat(first.missed()).isZero();
            try (Connection connection = target.connect();
                    Statement statement = connection.createStatement()) {
                statement.execute("SET time_zone='+00:00'");
                for (String table : List.of("t", "u")) {
                    try (ResultSet row =
                            statement.executeQuery(
                                    "SELECT id, twice, at, COUNT(*) OVER () FROM d." + table)) {
                        assertThat(row.next()).as(table).isTrue();
                        assertThat(row.getInt(2)).isEqualTo(2 * row.getInt(1));
                        assertThat(row.getString(3)).startsWith("2026-11-21 00:00:00");
                        assertThat(row.getInt(4)).isEqualTo(1);
                    }
                }
            }
            assertThat(
                            target.query(
                                    "SELECT GROUP_CONCAT(CONCAT(HEX(name), UNIX_TIMESTAMP(at))"
                                            + " ORDER BY HEX(name)) FROM d.v"))
                    .contains("61201795219200,C3891795219200");
            assertThatThrownBy(() -> applied(target, true))
                    .as("CREATE DATABASE again")
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e -> assertThat(e.text()).contains("CREATE DATABASE d"));
            target.execute("TRUNCATE d.t");
            write("d/t/200/CDC2.csv", "\"D\",\"t\",\"d\",305,9,18,\\N,\\N,\\N\r\n");
            assertThat(applied(target, false).missed()).isEqualTo(1);
            // A target that fails does not make the file a bad one.
            target.execute(
                    "CREATE TRIGGER d.kills BEFORE INSERT ON d.t FOR EACH ROW KILL"
                            + " CONNECTION_ID()");
            assertThatThrownBy(() -> applied(target, false))
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e ->
                                    assertThat(e.text())
                                            .startsWith("the target failed at a row of table d.t")
                                            .contains("CDC1.csv")
                                            .contains("The files are not to blame"));
            target.execute("DROP TRIGGER d.kills");
            // Its database is not there: it must not hit the one of the statement before.
            writeSchema("gone", "t", 400, "DROP TABLE t");
            writeSchema("gone", "t", 401, "TRUNCATE t");
            applied(target, false);
            assertThat(target.query("SELECT COUNT(*) > 0 FROM d.t")).contains("1");
            writeSchema("gone", "t", 402, "CREATE TABLE x (id INT)");
            assertThatThrownBy(() -> applied(target, false))
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e -> assertThat(e.text()).contains("no database gone"));
        }
    }
}
