package io.millrace.bench;

import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.Folders;
import io.millrace.testkit.servers.MillraceServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How long a row is on its way: one-row transactions at a fixed rate, from the commit's answer
 * upstream to the moment a reader downstream sees the row; and how soon the server is back after
 * {@code kill -9}. The whole server runs, with metadata store and API.
 */
@Command(
        name = "latency",
        mixinStandardHelpOptions = true,
        description = {
            "Commit upstream to row visible downstream at a fixed rate, and kill -9 to first row.",
            "Upstream, server, target and readers share the machine."
        })
final class LatencyBench implements Callable<Integer> {
    private static final String FEED = "\"replica_config\":{\"filter\":{\"rules\":[\"lat.*\"]}}";
    private static final String TOPIC = "latency";
    private static final byte[] ROW_MARK =
            "\"data\":[{\"id\":\"".getBytes(StandardCharsets.US_ASCII);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    enum Target {
        mysql,
        kafka
    }

    @Option(
            names = "--sink",
            split = ",",
            description = "${COMPLETION-CANDIDATES}. Default: both",
            defaultValue = "mysql,kafka")
    private List<Target> targets = List.of();

    @Option(
            names = "--rate",
            description = "Transactions per second. Default: ${DEFAULT-VALUE}",
            defaultValue = "1000")
    private int rate;

    @Option(
            names = "--seconds",
            description = "Measured time of each run. Default: ${DEFAULT-VALUE}",
            defaultValue = "10")
    private int seconds;

    @Option(
            names = "--warm-up",
            description = "Seconds at the same rate before. Default: ${DEFAULT-VALUE}",
            defaultValue = "10")
    private int warmUp;

    @Option(
            names = "--runs",
            description = "Runs, at least 1. Default: ${DEFAULT-VALUE}",
            defaultValue = "3")
    private int runs;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            description = "Appends one JSON object per subject and figure.")
    private @Nullable Path json;

    /** When which row was seen first, by id. */
    private static final class Sightings {
        final AtomicLongArray nanos;
        int unseen = 1;

        Sightings(int rows) {
            nanos = new AtomicLongArray(rows + 1);
        }

        void see(int id, long now) {
            if (id < nanos.length()) {
                nanos.compareAndSet(id, 0, now);
            }
            while (unseen < nanos.length() && nanos.get(unseen) != 0) {
                unseen++;
            }
        }

        boolean complete() {
            return unseen == nanos.length();
        }
    }

    @Override
    public Integer call() throws Exception {
        Report report = new Report("latency", rate + "/s");
        for (int run = 1; run <= runs; run++) {
            for (Target target : targets) {
                System.out.printf("run %d of %d: millrace-%s ... ", run, runs, target);
                System.out.flush();
                Figures figures = measure(target);
                report.add("millrace-" + target, figures);
                System.out.printf(
                        "p50 %.1f ms, p99 %.1f ms%n",
                        figures.value("p50_ms"), figures.value("p99_ms"));
            }
        }
        report.print(System.out);
        if (json != null) {
            report.writeJson(json);
        }
        return 0;
    }

    private Figures measure(Target target) throws Exception {
        Path folder = Files.createTempDirectory("millrace-latency");
        try (DbServer upstream = DbServer.mariadb().start()) {
            upstream.execute(
                    "CREATE DATABASE lat",
                    "CREATE TABLE lat.t (id INT PRIMARY KEY, v VARCHAR(100))");
            return switch (target) {
                case mysql -> intoMySql(folder, upstream);
                case kafka -> intoKafka(folder, upstream);
            };
        } finally {
            Folders.delete(folder);
        }
    }

    private Figures intoMySql(Path folder, DbServer upstream) throws Exception {
        try (DbServer target = DbServer.mariadb().option("server_id", "2").start()) {
            target.execute(
                    "CREATE DATABASE lat",
                    "CREATE TABLE lat.t (id INT PRIMARY KEY, v VARCHAR(100))");
            try (MillraceServer server = MillraceServer.start(upstream.uri(), folder);
                    Connection connection = target.connect("lat");
                    PreparedStatement newer =
                            connection.prepareStatement("SELECT id FROM t WHERE id >= ?")) {
                server.createChangefeed("feed", target.uri(), FEED);
                return run(upstream, server, sightings -> look(newer, sightings));
            }
        }
    }

    private static void look(PreparedStatement newer, Sightings sightings) throws SQLException {
        newer.setInt(1, sightings.unseen);
        try (ResultSet rows = newer.executeQuery()) {
            long now = System.nanoTime();
            while (rows.next()) {
                sightings.see(rows.getInt(1), now);
            }
        }
    }

    private Figures intoKafka(Path folder, DbServer upstream) throws Exception {
        Path output = Files.createTempFile(folder, "broker", ".out");
        Path log = Files.createTempFile(folder, "broker", ".log");
        try (BrokerProcess broker = BrokerProcess.start(output.toFile(), log.toFile());
                MillraceServer server = MillraceServer.start(upstream.uri(), folder)) {
            server.createChangefeed(
                    "feed",
                    "kafka://"
                            + broker.bootstrap()
                            + "/"
                            + TOPIC
                            + "?protocol=canal-json&partition-num=1",
                    FEED);
            try (KafkaConsumer<byte[], byte[]> consumer =
                    new KafkaConsumer<>(
                            Map.of("bootstrap.servers", broker.bootstrap()),
                            new ByteArrayDeserializer(),
                            new ByteArrayDeserializer())) {
                TopicPartition partition = new TopicPartition(TOPIC, 0);
                consumer.assign(List.of(partition));
                consumer.seekToBeginning(List.of(partition));
                return run(upstream, server, sightings -> look(consumer, sightings));
            }
        }
    }

    private static void look(KafkaConsumer<byte[], byte[]> consumer, Sightings sightings) {
        for (ConsumerRecord<byte[], byte[]> message : consumer.poll(Duration.ofMillis(5))) {
            int id = id(message.value());
            if (id > 0) {
                sightings.see(id, System.nanoTime());
            }
        }
    }

    /** The number behind {@code "data":[{"id":"}; 0 when the message has none. */
    private static int id(byte[] value) {
        for (int at = 0; at + ROW_MARK.length < value.length; at++) {
            if (Arrays.equals(value, at, at + ROW_MARK.length, ROW_MARK, 0, ROW_MARK.length)) {
                int id = 0;
                for (int i = at + ROW_MARK.length; value[i] != '"'; i++) {
                    id = id * 10 + value[i] - '0';
                }
                return id;
            }
        }
        return 0;
    }

    /** One look at what has arrived; the thread that calls it owns what it looks through. */
    @FunctionalInterface
    private interface Look {
        void at(Sightings sightings) throws Exception;
    }

    private Figures run(DbServer upstream, MillraceServer server, Look look) throws Exception {
        int warmRows = rate * warmUp;
        int rows = warmRows + rate * seconds;
        // The last row is for the restart.
        Sightings sightings = new Sightings(rows + 1);
        long[] committed = new long[rows + 2];
        CompletableFuture<Double> writer = new CompletableFuture<>();
        Thread.ofPlatform().start(() -> write(upstream, committed, rows, writer));
        long deadline =
                System.nanoTime()
                        + TimeUnit.SECONDS.toNanos(3L * (warmUp + seconds))
                        + PATIENCE.toNanos();
        while (sightings.unseen <= rows) {
            look.at(sightings);
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(
                        "row "
                                + sightings.unseen
                                + " of "
                                + rows
                                + " did not arrive\n"
                                + server.logTail());
            }
            Thread.sleep(1);
        }
        double[] ms = new double[rows - warmRows];
        double achieved = writer.get();
        for (int i = 0; i < ms.length; i++) {
            int id = warmRows + 1 + i;
            ms[i] = Math.max(0, sightings.nanos.get(id) - committed[id]) / 1e6;
        }
        Arrays.sort(ms);
        Thread.sleep(2000); // the checkpoint follows each second
        server.kill9();
        upstream.execute("INSERT INTO lat.t VALUES (" + (rows + 1) + ",'last')");
        long restarted = System.nanoTime();
        server.start();
        double ready = (System.nanoTime() - restarted) / 1e9;
        while (!sightings.complete()) {
            look.at(sightings);
            if (System.nanoTime() - restarted > PATIENCE.toNanos()) {
                throw new IllegalStateException("no row after the restart\n" + server.logTail());
            }
            Thread.sleep(1);
        }
        return new Figures.Builder()
                .put("rows_per_s", achieved)
                .put("p50_ms", ms[ms.length / 2])
                .put("p99_ms", ms[(int) (ms.length * 0.99)])
                .put("max_ms", ms[ms.length - 1])
                .put("ready_s", ready)
                .put("first_row_s", (sightings.nanos.get(rows + 1) - restarted) / 1e9)
                .build();
    }

    /** One row per transaction, each at its time; late ones follow at once. */
    private void write(
            DbServer upstream, long[] committed, int rows, CompletableFuture<Double> done) {
        try (Connection connection = upstream.connect("lat");
                PreparedStatement insert =
                        connection.prepareStatement("INSERT INTO t VALUES (?,?)")) {
            insert.setString(2, "x".repeat(100));
            long start = System.nanoTime();
            for (int id = 1; id <= rows; id++) {
                long due = start + TimeUnit.SECONDS.toNanos(id) / rate;
                for (long wait = due - System.nanoTime();
                        wait > 0;
                        wait = due - System.nanoTime()) {
                    LockSupport.parkNanos(wait);
                }
                insert.setInt(1, id);
                insert.executeUpdate();
                committed[id] = System.nanoTime();
            }
            done.complete(rows / ((System.nanoTime() - start) / 1e9));
        } catch (SQLException | RuntimeException e) {
            done.completeExceptionally(e);
        }
    }
}
