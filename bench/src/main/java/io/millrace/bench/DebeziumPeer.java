package io.millrace.bench;

import io.millrace.testkit.servers.DebeziumPlugins;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Debezium's MySQL connector on a standalone Kafka Connect worker.
 *
 * <p>Primed before the rows are written: a first start records its offset and schema history, each
 * run goes on from a copy of those. {@code tuned} raises batch and queue sizes the way its own
 * documentation advises for throughput.
 */
final class DebeziumPeer implements Subject {
    private static final long TIMEOUT_SECONDS = 900;

    private final String bootstrap;
    private final boolean tuned;
    private final boolean schemas;
    private final Path primed;
    private final String prefix;

    /**
     * @param schemas whether each message tells its schema, as Connect's converters do by default
     */
    DebeziumPeer(String bootstrap, boolean tuned, boolean schemas, Path scratch)
            throws IOException {
        this.bootstrap = bootstrap;
        this.tuned = tuned;
        this.schemas = schemas;
        this.primed = Files.createTempDirectory(scratch, "debezium");
        this.prefix = tuned ? "dbzt" : "dbz";
    }

    @Override
    public String name() {
        return tuned ? "debezium-tuned" : "debezium";
    }

    @Override
    public void prime(Bench empty) throws Exception {
        File log = empty.scratchFile("debezium-prime");
        try (TopicProbe probe = new TopicProbe(bootstrap)) {
            probe.create(prefix); // its own events about schemas
            probe.create(prefix + "-history");
            probe.create(prefix + ".bench.t");
        }
        try (ChildProcess child = start(empty, primed, log)) {
            long deadline = System.nanoTime() + 120_000_000_000L;
            // It flushes offsets each second; the file is there once the snapshot of the schema has
            // been taken.
            while (!Files.exists(primed.resolve("offsets")) || !streaming(log)) {
                if (!child.isAlive() || System.nanoTime() > deadline) {
                    throw new IllegalStateException(
                            "Debezium did not start" + ChildProcess.tail(log));
                }
                Thread.sleep(200);
            }
            Thread.sleep(2500);
        }
    }

    /** Its binlog client tells by java.util.logging, whatever the level of its own log is. */
    private static boolean streaming(File log) throws IOException {
        return Files.readString(log.toPath()).contains("Connected to 127.0.0.1:");
    }

    @Override
    public Figures run(Bench bench) throws Exception {
        Path folder = Files.createTempDirectory(bench.scratch(), "debezium-run");
        Files.copy(primed.resolve("offsets"), folder.resolve("offsets"));
        File log = bench.scratchFile("debezium");
        try (TopicProbe probe = new TopicProbe(bootstrap)) {
            // The same topic every time, because the offsets name it; emptied by deleting and
            // making it anew.
            probe.delete(prefix + ".bench.t");
            Thread.sleep(1000);
            probe.create(prefix + ".bench.t");
            try (ChildProcess child = start(bench, folder, log)) {
                long[] times =
                        probe.await(prefix + ".bench.t", bench.rows(), child, log, TIMEOUT_SECONDS);
                return TopicProbe.figures(bench, child, times);
            }
        }
    }

    private ChildProcess start(Bench bench, Path folder, File log) throws IOException {
        Map<String, String> worker = new LinkedHashMap<>();
        worker.put("bootstrap.servers", bootstrap);
        worker.put("key.converter", "org.apache.kafka.connect.json.JsonConverter");
        worker.put("value.converter", "org.apache.kafka.connect.json.JsonConverter");
        worker.put("key.converter.schemas.enable", Boolean.toString(schemas));
        worker.put("value.converter.schemas.enable", Boolean.toString(schemas));
        worker.put("offset.storage.file.filename", folder.resolve("offsets").toString());
        worker.put("offset.flush.interval.ms", "1000");
        worker.put("plugin.path", DebeziumPlugins.mysql().toString());
        worker.put("listeners", "http://127.0.0.1:0");
        Map<String, String> connector = new LinkedHashMap<>();
        connector.put("name", prefix);
        connector.put("connector.class", "io.debezium.connector.mysql.MySqlConnector");
        connector.put("tasks.max", "1");
        connector.put("database.hostname", "127.0.0.1");
        connector.put("database.port", Integer.toString(bench.upstream().port()));
        connector.put("database.user", Bench.USER);
        connector.put("database.password", Bench.PASSWORD);
        connector.put("database.server.id", tuned ? "77002" : "77001");
        connector.put("topic.prefix", prefix);
        connector.put("table.include.list", "bench.t");
        connector.put("snapshot.mode", "no_data");
        connector.put("schema.history.internal.kafka.bootstrap.servers", bootstrap);
        connector.put("schema.history.internal.kafka.topic", prefix + "-history");
        if (tuned) {
            connector.put("max.batch.size", "16384");
            connector.put("max.queue.size", "65536");
            connector.put("poll.interval.ms", "10");
            worker.put("producer.batch.size", "262144");
            worker.put("producer.linger.ms", "20");
            worker.put("producer.buffer.memory", "67108864");
        }
        Path workerFile =
                Files.write(folder.resolve("worker.properties"), TopicProbe.lines(worker));
        Path connectorFile =
                Files.write(folder.resolve("connector.properties"), TopicProbe.lines(connector));
        return ChildProcess.java(
                org.apache.kafka.connect.cli.ConnectStandalone.class,
                List.of("-Xmx1g"),
                List.of(workerFile.toString(), connectorFile.toString()),
                log,
                log);
    }
}
