package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.codec.canaljson.CanalJsonDecoder;
import io.millrace.codec.canaljson.CanalJsonMessage;
import io.millrace.testkit.data.RandomWorkload;
import io.millrace.testkit.data.Table;
import io.millrace.testkit.data.TableDiff;
import io.millrace.testkit.net.FaultProxy;
import io.millrace.testkit.replay.CanalJsonReplay;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.MillraceServer;
import io.millrace.testkit.servers.Ports;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Breaks everything around a running changefeed under mixed load with DDL, and compares all rows
 * afterwards: the server killed, the upstream and the downstream killed, connections cut and
 * stalled.
 *
 * <p>{@code -Dmillrace.crash.kills=N} sets how often the server is killed; with {@code
 * -Dmillrace.soak=true} everything breaks more often.
 */
final class CrashIT {
    private static final boolean SOAK = Boolean.getBoolean("millrace.soak");
    private static final int KILLS = Integer.getInteger("millrace.crash.kills", SOAK ? 8 : 3);
    private static final int EXACTLY_ONCE_KILLS = Math.min(KILLS, SOAK ? 4 : 2);
    private static final int DOWNSTREAM_KILLS = SOAK ? 3 : 2;

    /** A cut and a stall of either side, or that twice. */
    private static final int CUTS = SOAK ? 8 : 4;

    private static final long SEED = Long.getLong("millrace.crash.seed", 20261121L);
    private static final Duration CATCH_UP = Duration.ofMinutes(3);
    private static final String SCHEMA = "crash";
    private static final String FEED =
            "\"replica_config\":{\"force_replicate\":true,\"filter\":{\"rules\":[\"crash.*\"]}}";

    /**
     * Tables without a key are left out: a log delivers at least once, and nothing tells their
     * duplicates apart.
     */
    private static final String KEYED_FEED =
            "\"replica_config\":{\"ignore_ineligible_table\":true,\"filter\":{\"rules\":[\"crash.*\"]}}";

    private static final String KEYED_TABLES =
            "SELECT DISTINCT s.table_name FROM information_schema.statistics s WHERE s.table_schema='crash' AND s.non_unique=0"
                    + " AND NOT EXISTS (SELECT 1 FROM information_schema.statistics n WHERE n.table_schema=s.table_schema AND"
                    + " n.table_name=s.table_name AND n.index_name=s.index_name AND n.nullable='YES') ORDER BY 1";

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit fills it in
    private Path folder;

    private final Random random = new Random(SEED);

    /** Something that goes wrong while the load runs. */
    private interface Trouble {
        void happen(int round) throws Exception;
    }

    /** Tries again soon: what broke is back soon. */
    private MillraceServer start(String upstreamUri) {
        return MillraceServer.start(upstreamUri, folder, "--retry-interval", "1s");
    }

    private void underLoad(DbServer upstream, int rounds, Trouble trouble) throws Exception {
        RandomWorkload.Config config =
                RandomWorkload.Config.of(SCHEMA, random.nextLong())
                        .withRate(60)
                        .withDdlEvery(40)
                        .survivingRestarts();
        try (RandomWorkload workload = new RandomWorkload(upstream::connect, config)) {
            workload.createTables();
            workload.start();
            for (int round = 1; round <= rounds; round++) {
                Thread.sleep(200 + random.nextInt(1200));
                trouble.happen(round);
            }
            Thread.sleep(500);
            RandomWorkload.Stats stats = workload.stop();
            System.out.println("load: " + stats);
        }
    }

    private static void assertEqual(DbServer upstream, DbServer downstream) throws Exception {
        try (Connection left = upstream.connect();
                Connection right = downstream.connect()) {
            TableDiff.Report report = new TableDiff(left, right).compareSchemas(SCHEMA);
            assertThat(report.equal()).as(report.toString()).isTrue();
            assertThat(report.rows()).isPositive();
        }
    }

    private static void assertKeyedTablesEqual(DbServer upstream, DbServer replayed)
            throws Exception {
        List<TableDiff.Pair> pairs = new ArrayList<>();
        try (Connection left = upstream.connect();
                Connection right = replayed.connect();
                Statement statement = left.createStatement();
                ResultSet names = statement.executeQuery(KEYED_TABLES)) {
            while (names.next()) {
                Table table = new Table(SCHEMA, names.getString(1));
                pairs.add(new TableDiff.Pair(table, table));
            }
            TableDiff.Report report = new TableDiff(left, right).compare(pairs);
            assertThat(report.equal()).as(report.toString()).isTrue();
            assertThat(report.rows()).isPositive();
        }
    }

    private static String topicUri(KafkaServer kafka) {
        return "kafka://" + kafka.bootstrapServers() + "/crash?protocol=canal-json&partition-num=1";
    }

    /** Plays the topic into an empty server and compares that with the upstream. */
    private static void assertReplayEqual(DbServer upstream, KafkaServer kafka, DbServer replayed)
            throws Exception {
        try (Connection connection = replayed.connect();
                CanalJsonReplay replay = new CanalJsonReplay(connection)) {
            replay.replay(kafka.bootstrapServers(), "crash");
            assertThat(replay.rows()).isPositive();
        }
        assertKeyedTablesEqual(upstream, replayed);
    }

    /** Cuts and stalls by turns, first one side, then the other. */
    private static Trouble badNetwork(FaultProxy toUpstream, FaultProxy toDownstream) {
        return round -> {
            FaultProxy proxy = round % 2 == 0 ? toUpstream : toDownstream;
            if (round % 4 < 2) {
                proxy.cutAll();
            } else {
                proxy.stall();
                Thread.sleep(2000);
                proxy.resume();
            }
        };
    }

    @Test
    void killingTheServerLosesNothingInMySql() throws Exception {
        try (DbServer upstream = DbServer.mysql().rowMetadata("MINIMAL").start();
                DbServer downstream = DbServer.mysql().option("server_id", "2").start();
                MillraceServer server = start(upstream.uri())) {
            upstream.execute("CREATE DATABASE " + SCHEMA);
            downstream.execute("CREATE DATABASE " + SCHEMA);
            server.createChangefeed("feed", downstream.uri(), FEED);
            underLoad(
                    upstream,
                    KILLS,
                    round -> {
                        server.kill9();
                        server.start();
                    });
            server.awaitCaughtUp("feed", upstream, CATCH_UP);
            assertEqual(upstream, downstream);
        }
    }

    @Test
    void killingTheServerLosesNothingInKafka() throws Exception {
        try (DbServer upstream = DbServer.mariadb().rowMetadata("NO_LOG").start();
                DbServer replayed = DbServer.mariadb().option("server_id", "2").start();
                KafkaServer kafka = KafkaServer.builder().start();
                MillraceServer server = start(upstream.uri())) {
            upstream.execute("CREATE DATABASE " + SCHEMA);
            replayed.execute("CREATE DATABASE " + SCHEMA);
            server.createChangefeed("feed", topicUri(kafka), KEYED_FEED);
            underLoad(
                    upstream,
                    KILLS,
                    round -> {
                        server.kill9();
                        server.start();
                    });
            server.awaitCaughtUp("feed", upstream, CATCH_UP);
            assertReplayEqual(upstream, kafka, replayed);
        }
    }

    /** Without keys nothing else tells duplicates apart: each record counts. */
    @Test
    void withExactlyOnceReadersOfCommittedRecordsSeeEachRowOnce() throws Exception {
        try (DbServer upstream = DbServer.mariadb().start();
                KafkaServer kafka = KafkaServer.builder().start();
                MillraceServer server = start(upstream.uri())) {
            upstream.execute(
                    "CREATE DATABASE " + SCHEMA,
                    "CREATE TABLE crash.once (n INT, pad VARCHAR(200))");
            server.createChangefeed("feed", topicUri(kafka) + "&exactly-once=true", FEED);
            AtomicBoolean ended = new AtomicBoolean();
            FutureTask<Integer> load = new FutureTask<>(() -> insertNumbers(upstream, ended));
            Thread.ofPlatform().start(load);
            for (int kill = 0; kill < EXACTLY_ONCE_KILLS; kill++) {
                Thread.sleep(700 + random.nextInt(800));
                server.kill9();
                server.start();
            }
            Thread.sleep(500);
            ended.set(true);
            int rows = load.get();
            server.awaitCaughtUp("feed", upstream, CATCH_UP);
            assertThat(committedNumbers(kafka))
                    .containsExactlyElementsOf(IntStream.range(0, rows).boxed().toList());
        }
    }

    /** Transactions of several row events each, until told to end; returns how many rows. */
    private static int insertNumbers(DbServer upstream, AtomicBoolean ended) throws Exception {
        int next = 0;
        try (Connection connection = upstream.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            while (!ended.get()) {
                for (int i = 0; i < 5; i++) {
                    statement.executeUpdate(
                            "INSERT INTO crash.once VALUES (" + next++ + ", REPEAT('x', 200))");
                }
                connection.commit();
            }
        }
        return next;
    }

    /** The numbers of all committed rows, sorted. */
    private static List<Integer> committedNumbers(KafkaServer kafka) {
        CanalJsonDecoder decoder = new CanalJsonDecoder();
        TopicPartition partition = new TopicPartition("crash", 0);
        List<Integer> numbers = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        Map.of(
                                "bootstrap.servers",
                                kafka.bootstrapServers(),
                                "isolation.level",
                                "read_committed"),
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = kafka.committedEnds(List.of(partition)).getOrDefault(partition, 0L);
            while (consumer.position(partition) < end) {
                consumer.poll(Duration.ofMillis(200))
                        .forEach(record -> {
                            CanalJsonMessage message = decoder.decode(record.value());
                            if (message.row()) {
                                numbers.add(
                                        Integer.parseInt(
                                                message.data()
                                                        .orElseThrow()
                                                        .getOrDefault("n", Optional.empty())
                                                        .orElseThrow()));
                            }
                        });
            }
        }
        return numbers.stream().sorted().toList();
    }

    @Test
    void killingTheDownstreamAndTheUpstreamLosesNothing() throws Exception {
        try (DbServer upstream = DbServer.mariadb().option("sync_binlog", "1").start();
                DbServer downstream = DbServer.mariadb().option("server_id", "2").start();
                MillraceServer server = start(upstream.uri())) {
            upstream.execute("CREATE DATABASE " + SCHEMA);
            downstream.execute("CREATE DATABASE " + SCHEMA);
            server.createChangefeed("feed", downstream.uri(), FEED);
            underLoad(
                    upstream,
                    DOWNSTREAM_KILLS,
                    round -> {
                        downstream.kill9();
                        Thread.sleep(500);
                        downstream.start();
                    });
            underLoad(upstream, 0, round -> {});
            upstream.restart();
            underLoad(upstream, 0, round -> {});
            upstream.kill9();
            upstream.start();
            underLoad(upstream, 0, round -> {});
            server.awaitCaughtUp("feed", upstream, CATCH_UP);
            assertEqual(upstream, downstream);
        }
    }

    @Test
    void cutAndStalledConnectionsLoseNothing() throws Exception {
        try (DbServer upstream = DbServer.mysql().rowMetadata("MINIMAL").start();
                DbServer downstream = DbServer.mariadb().option("server_id", "2").start();
                FaultProxy toUpstream = new FaultProxy("127.0.0.1", upstream.port());
                FaultProxy toDownstream = new FaultProxy("127.0.0.1", downstream.port());
                MillraceServer server = start(upstream.uri(toUpstream.port()))) {
            upstream.execute("CREATE DATABASE " + SCHEMA);
            downstream.execute("CREATE DATABASE " + SCHEMA);
            server.createChangefeed("feed", downstream.uri(toDownstream.port()), FEED);
            underLoad(upstream, CUTS, badNetwork(toUpstream, toDownstream));
            server.awaitCaughtUp("feed", upstream, CATCH_UP);
            assertEqual(upstream, downstream);
        }
    }

    @Test
    void restartsOfKafkaAndOfTheUpstreamLoseNothing() throws Exception {
        try (DbServer upstream = DbServer.mysql().start();
                DbServer replayed = DbServer.mysql().option("server_id", "2").start();
                KafkaServer kafka = KafkaServer.builder().start();
                MillraceServer server = start(upstream.uri())) {
            upstream.execute("CREATE DATABASE " + SCHEMA);
            replayed.execute("CREATE DATABASE " + SCHEMA);
            server.createChangefeed("feed", topicUri(kafka), KEYED_FEED);
            underLoad(upstream, 1, round -> kafka.restart());
            upstream.restart();
            underLoad(upstream, 0, round -> {});
            upstream.kill9();
            upstream.start();
            underLoad(upstream, 0, round -> {});
            server.awaitCaughtUp("feed", upstream, CATCH_UP);
            assertReplayEqual(upstream, kafka, replayed);
        }
    }

    @Test
    void cutAndStalledConnectionsLoseNothingInKafka() throws Exception {
        int brokerPort = Ports.free();
        try (DbServer upstream = DbServer.mariadb().start();
                DbServer replayed = DbServer.mariadb().option("server_id", "2").start();
                FaultProxy toUpstream = new FaultProxy("127.0.0.1", upstream.port());
                FaultProxy toKafka = new FaultProxy("127.0.0.1", brokerPort);
                // Clients are told to come through the proxy.
                KafkaServer kafka =
                        KafkaServer.builder()
                                .port(brokerPort)
                                .option(
                                        "advertised.listeners",
                                        "PLAINTEXT://127.0.0.1:" + toKafka.port())
                                .start();
                MillraceServer server = start(upstream.uri(toUpstream.port()))) {
            upstream.execute("CREATE DATABASE " + SCHEMA);
            replayed.execute("CREATE DATABASE " + SCHEMA);
            server.createChangefeed("feed", topicUri(kafka), KEYED_FEED);
            underLoad(upstream, CUTS, badNetwork(toUpstream, toKafka));
            server.awaitCaughtUp("feed", upstream, CATCH_UP);
            assertReplayEqual(upstream, kafka, replayed);
        }
    }
}
