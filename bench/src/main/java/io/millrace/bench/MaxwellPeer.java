package io.millrace.bench;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Maxwell, to stdout or to Kafka with tuned producer settings. By default the newest one of Maven
 * Central (1.22.6, of 2019); a newer installation is used when its folder is given.
 *
 * <p>Primed before the rows are written: its first start copies the schema; each run sets its
 * recorded position back.
 */
final class MaxwellPeer implements Subject {
    private static final String CENTRAL_VERSION = "1.22.6";
    private static final long TIMEOUT_SECONDS = 300;

    /** What its binlog library says for ever when it does not know a server's TABLE_MAP events. */
    private static final String CANNOT_READ = "MissingTableMapEventException";

    private final @Nullable String bootstrap;
    private final @Nullable Path home;
    private final String clientId;

    /**
     * @param bootstrap brokers, or null for stdout
     * @param home an installation (its {@code lib} folder is the class path), or null
     */
    MaxwellPeer(@Nullable String bootstrap, @Nullable Path home) {
        this.bootstrap = bootstrap;
        this.home = home;
        this.clientId = bootstrap == null ? "stdout" : "kafka";
    }

    @Override
    public String name() {
        return "maxwell";
    }

    @Override
    public void prime(Bench empty) throws Exception {
        File log = empty.scratchFile("maxwell-prime");
        try (ChildProcess child = start(empty, "maxwell-prime", log, log)) {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
            while (!Files.readString(log.toPath()).contains("Binlog connected")
                    && !Files.readString(log.toPath()).contains("BinlogConnectorReplicator")) {
                if (!child.isAlive() || System.nanoTime() > deadline) {
                    throw new IllegalStateException(
                            "Maxwell did not start" + ChildProcess.tail(log));
                }
                Thread.sleep(200);
            }
            Thread.sleep(2000);
        }
    }

    @Override
    public Figures run(Bench bench) throws Exception {
        rewind(bench);
        File log = bench.scratchFile("maxwell");
        if (bootstrap != null) {
            String topic = "maxwell-" + System.nanoTime();
            try (TopicProbe probe = new TopicProbe(bootstrap)) {
                probe.create(topic);
                try (ChildProcess child = start(bench, topic, log, log)) {
                    return TopicProbe.figures(
                            bench,
                            child,
                            probe.await(topic, bench.rows(), child, log, TIMEOUT_SECONDS));
                } finally {
                    probe.delete(topic);
                }
            }
        }
        Path output = Files.createTempFile(bench.scratch(), "maxwell", ".json");
        // Its standard output is a file, which costs it less than a pipe that somebody must read;
        // it writes one line per row.
        try (ChildProcess child = start(bench, "", output.toFile(), log)) {
            return watchFile(bench, child, output, log);
        } finally {
            Files.delete(output);
        }
    }

    /** First and last growth of the output; done when it has as many lines as rows. */
    private static Figures watchFile(Bench bench, ChildProcess child, Path output, File log)
            throws Exception {
        long first = 0;
        long lastGrowth = 0;
        long size = 0;
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(TIMEOUT_SECONDS);
        while (true) {
            long now = System.nanoTime();
            long grown = Files.size(output);
            child.sample();
            if (grown > size) {
                first = first == 0 ? now : first;
                lastGrowth = now;
                size = grown;
            } else if (first > 0 && now - lastGrowth > TimeUnit.SECONDS.toNanos(2)) {
                try (Stream<String> lines = Files.lines(output)) {
                    long rows =
                            lines.filter(line -> line.startsWith("{\"database\":\"bench\""))
                                    .count();
                    if (rows >= bench.rows()) {
                        break;
                    }
                }
            }
            if (!child.isAlive() || now > deadline) {
                throw new IllegalStateException("Maxwell stopped early" + ChildProcess.tail(log));
            }
            if (first == 0 && Files.readString(log.toPath()).contains(CANNOT_READ)) {
                throw new IllegalStateException(
                        "this Maxwell cannot read this server's binary log; give a newer one with --maxwell-home");
            }
            Thread.sleep(20);
        }
        return TopicProbe.figures(bench, child, new long[] {first, lastGrowth});
    }

    private void rewind(Bench bench) throws Exception {
        try (Connection connection = bench.upstream().connect("maxwell");
                PreparedStatement update =
                        connection.prepareStatement(
                                "UPDATE positions SET binlog_file=?, binlog_position=?, last_heartbeat_read=0 WHERE client_id=?")) {
            update.setString(1, bench.file());
            update.setLong(2, bench.offset());
            update.setString(3, clientId);
            if (update.executeUpdate() != 1) {
                throw new IllegalStateException("Maxwell recorded no position");
            }
        }
    }

    private ChildProcess start(Bench bench, String topic, File output, File log)
            throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx1g",
                                "-cp",
                                classPath(),
                                "com.zendesk.maxwell.Maxwell",
                                "--host=127.0.0.1",
                                "--port=" + bench.upstream().port(),
                                "--user=" + Bench.USER,
                                "--password=" + Bench.PASSWORD,
                                "--client_id=" + clientId,
                                "--replica_server_id=" + (bootstrap == null ? "77010" : "77011"),
                                "--filter=exclude: *.*, include: bench.t",
                                "--bootstrapper=none"));
        if (bootstrap == null) {
            command.add("--producer=stdout");
        } else {
            // It takes the producer's own options from a file only.
            Path config = Files.createTempFile(bench.scratch(), "maxwell", ".properties");
            Files.write(
                    config,
                    List.of(
                            "kafka.bootstrap.servers=" + bootstrap,
                            "kafka.acks=all",
                            "kafka.batch.size=262144",
                            "kafka.linger.ms=20",
                            "kafka.buffer.memory=67108864"));
            command.addAll(
                    List.of("--producer=kafka", "--kafka_topic=" + topic, "--config=" + config));
        }
        return ChildProcess.start(command, Map.of(), output, log);
    }

    private String classPath() {
        return home != null
                ? home.resolve("lib") + "/*"
                : PeerJars.classPath(
                        "maxwell-" + CENTRAL_VERSION,
                        "<dependency><groupId>com.zendesk</groupId><artifactId>maxwell</artifactId><version>"
                                + CENTRAL_VERSION
                                + "</version></dependency>");
    }
}
