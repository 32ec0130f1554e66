package io.millrace.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DebeziumPlugins;
import io.millrace.testkit.servers.Folders;
import io.millrace.testkit.servers.PostgresServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Debezium's own connectors in our process, with our broker: snapshot and streaming of a table of
 * eight columns, from MySQL and PostgreSQL, with Kafka's defaults for the worker's producers and
 * with ours. The baseline that an engine of our own behind the same API is compared with.
 *
 * <p>Each measurement is a fresh process with an empty data folder. A snapshot is measured from its
 * first record to its last; streaming likewise, of rows that were written while the connector was
 * stopped. CPU time is that of the phase alone and of the whole process: connector, worker, broker.
 */
@Command(
        name = "connect",
        mixinStandardHelpOptions = true,
        description = "Debezium's connectors in the server's Kafka Connect worker.")
final class ConnectBench implements Callable<Integer> {
    private static final long TIMEOUT_SECONDS = 900;
    private static final String TOPIC_OF_TABLE = "bench.t";
    private static final Map<String, String> KAFKA_DEFAULTS =
            Map.of("producer.batch.size", "16384", "producer.linger.ms", "5");

    @Option(
            names = "--rows",
            description = "Rows of a snapshot, and of streaming. Default: ${DEFAULT-VALUE}",
            defaultValue = "500000")
    private long rows;

    @Option(
            names = "--runs",
            description = "Runs of each kind. Default: ${DEFAULT-VALUE}",
            defaultValue = "3")
    private int runs;

    private enum Phase {
        SNAPSHOT,
        STREAMING
    }

    /** Where rows come from: one of the two servers with what differs between them. */
    private interface Source {
        String name();

        /** Makes the table anew with the rows up to {@code count}. */
        void fill(long count) throws SQLException;

        /** Writes this many rows more. */
        void grow(long from, long count) throws SQLException;

        /** What a connector needs beside the common settings. */
        Map<String, String> connector(String bootstrap, String prefix);
    }

    @Override
    public Integer call() throws Exception {
        Path scratch = Files.createTempDirectory("millrace-bench");
        List<Path> plugins = List.of(DebeziumPlugins.mysql(), DebeziumPlugins.postgres());
        try (DbServer mysql = Bench.startServer(DbServer.mysql());
                PostgresServer postgres =
                        PostgresServer.launch(Map.of("fsync", "off", "max_wal_size", "4GB"))) {
            List<Source> sources = List.of(new MySqlSource(mysql), new PostgresSource(postgres));
            Map<String, Map<String, String>> workers = new LinkedHashMap<>();
            workers.put("kafka-defaults", KAFKA_DEFAULTS);
            workers.put("millrace-defaults", Map.of());
            Report report = new Report("connect", "mixed8");
            for (int run = 1; run <= runs; run++) {
                for (Source source : sources) {
                    for (Map.Entry<String, Map<String, String>> worker : workers.entrySet()) {
                        for (Phase phase : Phase.values()) {
                            source.fill(rows);
                            String name =
                                    source.name()
                                            + " "
                                            + worker.getKey()
                                            + " "
                                            + phase.name().toLowerCase(Locale.ROOT);
                            Path folder = Files.createTempDirectory(scratch, "connect");
                            try (ConnectServer server =
                                    ConnectServer.start(
                                            folder,
                                            true,
                                            plugins,
                                            worker.getValue(),
                                            List.of("-Xmx1g"))) {
                                server.awaitConnect();
                                add(report, run, name, measure(phase, server, source));
                            } finally {
                                Folders.delete(folder);
                            }
                        }
                    }
                }
            }
            report.print(System.out);
            return 0;
        } finally {
            Folders.delete(scratch);
        }
    }

    private Figures measure(Phase phase, ConnectServer server, Source source) throws Exception {
        return switch (phase) {
            case SNAPSHOT -> snapshot(server, source);
            case STREAMING -> streaming(server, source);
        };
    }

    private void add(Report report, int run, String name, Figures figures) {
        report.add(name, figures);
        System.out.printf(
                "run %d of %d: %s ... %,.0f rows/s%n",
                run, runs, name, figures.value("rows_per_s"));
    }

    private Figures snapshot(ConnectServer server, Source source) throws Exception {
        String name = source.name() + "-initial";
        try (TopicProbe probe = new TopicProbe(server.bootstrap())) {
            probe.create(name + "." + TOPIC_OF_TABLE);
            double cpu = cpu(server);
            create(server, source, name, "initial");
            return await(server, probe, name, 0, cpu);
        }
    }

    private Figures streaming(ConnectServer server, Source source) throws Exception {
        String name = source.name() + "-stream";
        String topic = name + "." + TOPIC_OF_TABLE;
        try (TopicProbe probe = new TopicProbe(server.bootstrap())) {
            probe.create(topic);
            create(server, source, name, "no_data");
            // Rows that show that it streams; from then on it has a place to go on from.
            long next = rows + 1;
            long deadline = System.nanoTime() + 60_000_000_000L;
            while (probe.end(topic) == 0) {
                source.grow(next++, 1);
                Thread.sleep(200);
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException(
                            name + " does not stream" + ChildProcess.tail(server.log()));
                }
            }
            server.connect("PUT", "/connectors/" + name + "/stop", "");
            while (state(server, name).path("tasks").size() > 0) {
                Thread.sleep(50);
            }
            source.grow(next, rows);
            // Rows between its place and the stop come again or come now; they count as well.
            long before = probe.end(topic);
            double cpu = cpu(server);
            server.connect("PUT", "/connectors/" + name + "/resume", "");
            return await(server, probe, name, before, cpu);
        }
    }

    private Figures await(
            ConnectServer server, TopicProbe probe, String name, long before, double cpuBefore)
            throws Exception {
        long begun = System.nanoTime();
        long[] times =
                probe.await(
                        name + "." + TOPIC_OF_TABLE,
                        before,
                        rows,
                        server.child(),
                        server.log(),
                        TIMEOUT_SECONDS);
        return new Figures.Builder()
                .put("rows_per_s", rows / ((times[1] - times[0]) / 1e9))
                .put("rows_per_s_with_start", rows / ((times[1] - begun) / 1e9))
                .put("cpu_s", cpu(server) - cpuBefore)
                .put("peak_rss_mb", server.child().peakRssMb())
                .build();
    }

    private static double cpu(ConnectServer server) {
        server.child().sample();
        return server.child().cpuSeconds();
    }

    private static void create(ConnectServer server, Source source, String name, String mode)
            throws IOException, InterruptedException {
        Map<String, String> config =
                new LinkedHashMap<>(source.connector(server.bootstrap(), name));
        config.put("topic.prefix", name);
        config.put("snapshot.mode", mode);
        server.connect("POST", "/connectors", Map.of("name", name, "config", config));
    }

    private static JsonNode state(ConnectServer server, String name)
            throws IOException, InterruptedException {
        return server.connect("GET", "/connectors/" + name + "/status", "");
    }

    /** The workload of the other benchmarks. */
    private record MySqlSource(DbServer server) implements Source {
        @Override
        public String name() {
            return "mysql";
        }

        @Override
        public void fill(long count) throws SQLException {
            server.execute("DROP DATABASE IF EXISTS bench", "CREATE DATABASE bench");
            server.execute(Workload.MIXED8.createTable());
            try (Connection connection = connect()) {
                Workload.MIXED8.load(connection, count);
            }
        }

        @Override
        public void grow(long from, long count) throws SQLException {
            // What is written there becomes rows with other keys here.
            try (Connection connection = connect();
                    Statement statement = connection.createStatement()) {
                long step = 1000;
                for (long done = 0; done < count; done += step) {
                    statement.execute(
                            "INSERT INTO bench.t SELECT id + %d, %s FROM bench.t WHERE id BETWEEN %d AND %d"
                                    .formatted(
                                            from + done - 1,
                                            Workload.MIXED_COLUMNS_BUT_ID,
                                            1,
                                            Math.min(step, count - done)));
                }
            }
        }

        private Connection connect() throws SQLException {
            return DriverManager.getConnection(
                    server.jdbcUrl("bench") + "&allowMultiQueries=true&useServerPrepStmts=false",
                    server.rootUser(),
                    server.rootPassword());
        }

        @Override
        public Map<String, String> connector(String bootstrap, String prefix) {
            return Map.of(
                    "connector.class",
                    "io.debezium.connector.mysql.MySqlConnector",
                    "database.hostname",
                    "127.0.0.1",
                    "database.port",
                    Integer.toString(server.port()),
                    "database.user",
                    server.rootUser(),
                    "database.password",
                    server.rootPassword(),
                    "database.server.id",
                    Integer.toString(6000 + prefix.length()),
                    "table.include.list",
                    "bench.t",
                    "schema.history.internal.kafka.bootstrap.servers",
                    bootstrap,
                    "schema.history.internal.kafka.topic",
                    prefix + "-history");
        }
    }

    /** A table of the same columns with like values, in a schema of that name. */
    private record PostgresSource(PostgresServer server) implements Source {
        private static final String DB = "postgres";

        @Override
        public String name() {
            return "postgres";
        }

        @Override
        public void fill(long count) throws SQLException {
            server.execute(
                    DB,
                    "DROP SCHEMA IF EXISTS bench CASCADE",
                    "CREATE SCHEMA bench",
                    "CREATE TABLE bench.t (id BIGINT PRIMARY KEY, user_id INT NOT NULL, email"
                            + " VARCHAR(100) NOT NULL, amount DECIMAL(12,2) NOT NULL, state VARCHAR(16)"
                            + " NOT NULL, created TIMESTAMP(0) NOT NULL, note VARCHAR(200), weight DOUBLE"
                            + " PRECISION NOT NULL)");
            // A slot of an earlier run would keep all of the log.
            server.query(
                    DB,
                    "SELECT count(pg_drop_replication_slot(slot_name)) FROM pg_replication_slots"
                            + " WHERE NOT active");
            grow(1, count);
        }

        @Override
        public void grow(long from, long count) throws SQLException {
            try (Connection connection = server.connect(DB);
                    Statement statement = connection.createStatement()) {
                long step = 1000;
                for (long done = 0; done < count; done += step) {
                    long first = from + done;
                    statement.execute(
                            ("INSERT INTO bench.t SELECT id, (random() * 1000000)::int,"
                                            + " 'user-' || (random() * 1000000)::int || '@example.org',"
                                            + " (random() * 100000)::numeric(12,2), 'state' || id %% 4,"
                                            + " now(), 'a note of row ' || id || ' é', random() * 100"
                                            + " FROM generate_series(%d::bigint, %d) AS id")
                                    .formatted(first, first + Math.min(step, count - done) - 1));
                }
            }
        }

        @Override
        public Map<String, String> connector(String bootstrap, String prefix) {
            String slot = prefix.replace('-', '_');
            return Map.of(
                    "connector.class",
                    "io.debezium.connector.postgresql.PostgresConnector",
                    "database.hostname",
                    server.host(),
                    "database.port",
                    Integer.toString(server.port()),
                    "database.user",
                    server.user(),
                    "database.password",
                    server.password(),
                    "database.dbname",
                    DB,
                    "plugin.name",
                    "pgoutput",
                    "table.include.list",
                    "bench.t",
                    "slot.name",
                    slot + "_" + System.nanoTime(),
                    "slot.drop.on.stop",
                    "false");
        }
    }
}
