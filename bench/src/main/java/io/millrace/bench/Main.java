package io.millrace.bench;

import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.Folders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code ./millrace bench}: ours and the peers over the same rows, alternating, medians of several
 * runs.
 */
@Command(
        name = "millrace bench",
        mixinStandardHelpOptions = true,
        description = "Measures Millrace and its peers over the same rows in the same run.",
        subcommands = {
            Main.CaptureBench.class,
            Main.KafkaBench.class,
            Main.StorageBench.class,
            Main.MySqlBench.class,
            LatencyBench.class,
            CodecBench.class,
            ConnectBench.class,
            StartBench.class,
            CommandLine.HelpCommand.class
        })
public final class Main implements Runnable {
    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    private Main() {}

    public static void main(String[] args) {
        System.setProperty("log4j2.configurationFile", "log4j2-bench.xml");
        System.exit(new CommandLine(new Main()).execute(args));
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** Options of all benchmarks. */
    static final class Settings {
        @Option(
                names = "--rows",
                description = "Row changes. Default: ${DEFAULT-VALUE}",
                defaultValue = "1000000")
        private long rows;

        @Option(
                names = "--runs",
                description = "Runs of each subject, at least 1. Default: ${DEFAULT-VALUE}",
                defaultValue = "3")
        private int runs;

        @Option(
                names = "--workload",
                split = ",",
                description = "narrow, mixed8, oltp, wide. Default: ${DEFAULT-VALUE}",
                defaultValue = "mixed8")
        private List<String> workloads = List.of();

        @Option(
                names = "--peers",
                split = ",",
                description =
                        "debezium, maxwell, canal, replica, binlog-drain, bare-producer; 'none' for ours alone. Default: all that fit")
        private @Nullable List<String> peers;

        @Option(
                names = "--json",
                paramLabel = "FILE",
                description = "Appends one JSON object per subject and figure.")
        private @Nullable Path json;

        @Option(
                names = "--maxwell-home",
                paramLabel = "DIR",
                description = "A Maxwell installation to use instead of Maven Central's.")
        private @Nullable Path maxwellHome;

        boolean wants(String peer) {
            return wants(peer, true);
        }

        /**
         * @param fits whether the peer takes part when the user names none
         */
        boolean wants(String peer, boolean fits) {
            return peers == null ? fits : peers.contains(peer);
        }
    }

    /**
     * One benchmark: prepares servers, primes, loads, runs all subjects in alternating order,
     * reports.
     */
    abstract static class Base implements java.util.concurrent.Callable<Integer> {
        private static final Set<String> PEERS =
                Set.of(
                        "debezium",
                        "maxwell",
                        "canal",
                        "replica",
                        "binlog-drain",
                        "bare-producer",
                        "none");

        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        Settings settings;

        @CommandLine.Spec
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        CommandLine.Model.CommandSpec spec;

        abstract DbServer.Flavor upstreamFlavor();

        abstract void measure(Workload workload, DbServer upstream, Path scratch) throws Exception;

        private boolean failed;

        @Override
        public Integer call() throws Exception {
            List<String> named = settings.peers == null ? List.of() : settings.peers;
            for (String peer : named) {
                if (!PEERS.contains(peer)) {
                    throw new CommandLine.ParameterException(
                            spec.commandLine(), "no peer " + peer + ": " + PEERS);
                }
            }
            Path scratch = Files.createTempDirectory("millrace-bench");
            try {
                for (String title : settings.workloads) {
                    Workload workload;
                    try {
                        workload = Workload.of(title);
                    } catch (IllegalArgumentException e) {
                        throw new CommandLine.ParameterException(
                                spec.commandLine(), String.valueOf(e.getMessage()), e);
                    }
                    try (DbServer upstream = Bench.startServer(DbServer.of(upstreamFlavor()))) {
                        Bench.prepare(upstream, workload);
                        measure(workload, upstream, scratch);
                    }
                }
            } finally {
                Folders.delete(scratch);
            }
            return failed ? 1 : 0;
        }

        /**
         * @param servers all database servers; a run begins when none has work of the one before
         */
        void runAll(Workload workload, List<DbServer> servers, Path scratch, List<Subject> subjects)
                throws Exception {
            DbServer upstream = servers.getFirst();
            Bench empty = new Bench(upstream, 0, 0, "", 0, "", 0, scratch);
            for (Subject subject : subjects) {
                subject.prime(empty);
            }
            if (subjects.stream().anyMatch(DebeziumPeer.class::isInstance)) {
                upstream.execute("FLUSH BINARY LOGS");
            }
            System.out.printf("writing %,d row changes of %s ...%n", settings.rows, workload.title);
            Bench bench = Bench.load(upstream, workload, settings.rows, scratch);
            System.out.printf("%.1f MB of binary log%n", bench.megabytes());
            Report report = new Report(spec.name(), workload.title);
            List<Subject> order = new ArrayList<>(subjects);
            for (int run = 1; run <= settings.runs; run++) {
                for (Subject subject : order) {
                    System.out.printf("run %d of %d: %s ... ", run, settings.runs, subject.name());
                    System.out.flush();
                    for (DbServer server : servers) {
                        Bench.awaitRest(server);
                    }
                    try {
                        Figures figures = subject.run(bench);
                        report.add(subject.name(), figures);
                        System.out.printf("%,.0f rows/s%n", figures.value("rows_per_s"));
                    } catch (Exception e) {
                        // One subject that fails must not hide what the others measured; it is
                        // missing from the table.
                        System.out.println("FAILED: " + e.getMessage());
                        failed = true;
                    }
                }
                Collections.reverse(order);
            }
            report.print(System.out);
            if (settings.json != null) {
                report.writeJson(settings.json);
            }
        }
    }

    /** Binlog to nothing, and to canal-json bytes. */
    @Command(
            name = "capture",
            mixinStandardHelpOptions = true,
            description = "Binlog to rows, and to canal-json bytes, dropped.")
    static final class CaptureBench extends Base {
        private static final int REPETITIONS = 4;

        @Override
        DbServer.Flavor upstreamFlavor() {
            return DbServer.Flavor.MYSQL;
        }

        @Override
        void measure(Workload workload, DbServer upstream, Path scratch) throws Exception {
            List<Subject> subjects = new ArrayList<>();
            if (settings.wants("binlog-drain")) {
                subjects.add(new BinlogDrain());
            }
            subjects.add(
                    new MillraceSubject(
                            "millrace-discard",
                            "discard://none",
                            REPETITIONS,
                            bench -> {},
                            bench -> {}));
            subjects.add(
                    new MillraceSubject(
                            "millrace-canal-json",
                            "discard://canal-json",
                            REPETITIONS,
                            bench -> {},
                            bench -> {}));
            if (settings.wants("maxwell")) {
                subjects.add(new MaxwellPeer(null, settings.maxwellHome));
            }
            runAll(workload, List.of(upstream), scratch, subjects);
        }
    }

    /** Binlog to one topic of one partition. */
    @Command(
            name = "kafka",
            mixinStandardHelpOptions = true,
            description = "Binlog to a Kafka topic of one partition.")
    static final class KafkaBench extends Base {
        @Option(
                names = "--value-bytes",
                description =
                        "Value size of the bare producer. Default: what Millrace sent, measured by encoding first.")
        private long valueBytes;

        @Option(
                names = "--protocol",
                description = "Format of our messages. Default: ${DEFAULT-VALUE}",
                defaultValue = "canal-json")
        private String protocol = "";

        @Option(
                names = "--sink-params",
                description =
                        "More parameters of the sink URI, such as schema-registry=URL for avro or debezium-disable-schema=true. Default: none",
                defaultValue = "")
        private String sinkParams = "";

        @Option(
                names = "--aot",
                description =
                        "Measure ours with a JDK AOT cache as well, recorded in a run that does not count.")
        private boolean aot;

        /** Peers write their own formats: each fits its own protocol, and the default one. */
        private boolean wants(String peer, String itsProtocol) {
            return settings.wants(
                    peer, protocol.equals("canal-json") || protocol.equals(itsProtocol));
        }

        private long valueBytes(Bench bench) throws Exception {
            if (valueBytes == 0) {
                Figures encoded =
                        new MillraceSubject(
                                        "value-size",
                                        "discard://canal-json",
                                        1,
                                        any -> {},
                                        any -> {})
                                .run(bench);
                valueBytes = Math.round(encoded.value("encoded_bytes_per_row"));
            }
            return valueBytes;
        }

        @Override
        DbServer.Flavor upstreamFlavor() {
            return DbServer.Flavor.MYSQL;
        }

        @Override
        void measure(Workload workload, DbServer upstream, Path scratch) throws Exception {
            Path output = Files.createTempFile(scratch, "broker", ".out");
            Path log = Files.createTempFile(scratch, "broker", ".log");
            try (BrokerProcess broker = BrokerProcess.start(output.toFile(), log.toFile())) {
                List<Subject> subjects = new ArrayList<>();
                subjects.add(new KafkaSubject(broker.bootstrap(), protocol, sinkParams, false));
                if (aot) {
                    subjects.add(new KafkaSubject(broker.bootstrap(), protocol, sinkParams, true));
                }
                if (settings.wants(
                        "bare-producer", protocol.equals("canal-json") || valueBytes > 0)) {
                    subjects.add(new BareProducer(broker.bootstrap(), this::valueBytes));
                }
                if (wants("maxwell", "maxwell")) {
                    subjects.add(new MaxwellPeer(broker.bootstrap(), settings.maxwellHome));
                }
                if (wants("canal", "canal")) {
                    subjects.add(new CanalPeer(broker.bootstrap(), !protocol.equals("canal")));
                }
                if (wants("debezium", "debezium")) {
                    // As ours: schemas make most of a message.
                    boolean schemas =
                            protocol.equals("debezium")
                                    && !sinkParams.contains("debezium-disable-schema=true");
                    subjects.add(new DebeziumPeer(broker.bootstrap(), false, schemas, scratch));
                    subjects.add(new DebeziumPeer(broker.bootstrap(), true, schemas, scratch));
                }
                runAll(workload, List.of(upstream), scratch, subjects);
            }
        }
    }

    /** Binlog to files. */
    @Command(
            name = "storage",
            mixinStandardHelpOptions = true,
            description = "Binlog to csv and canal-json files of a local folder.")
    static final class StorageBench extends Base {
        private static final int REPETITIONS = 2;

        @Override
        DbServer.Flavor upstreamFlavor() {
            return DbServer.Flavor.MYSQL;
        }

        @Override
        void measure(Workload workload, DbServer upstream, Path scratch) throws Exception {
            List<Subject> subjects = new ArrayList<>();
            for (String protocol : List.of("csv", "canal-json", "parquet")) {
                Path folder = scratch.resolve("files-" + protocol);
                subjects.add(
                        new MillraceSubject(
                                "millrace-file-" + protocol,
                                "file://" + folder + "?protocol=" + protocol,
                                REPETITIONS,
                                bench -> StorageFiles.reset(folder),
                                bench -> StorageFiles.verify(bench, folder)));
            }
            runAll(workload, List.of(upstream), scratch, subjects);
        }
    }

    /** Binlog into a MariaDB target. */
    @Command(
            name = "mysql",
            mixinStandardHelpOptions = true,
            description = "Binlog of a MariaDB into another MariaDB.")
    static final class MySqlBench extends Base {
        @Option(
                names = "--sink-params",
                description = "Parameters of the sink URI. Default: none",
                defaultValue = "")
        private String sinkParams = "";

        @Override
        DbServer.Flavor upstreamFlavor() {
            return DbServer.Flavor.MARIADB;
        }

        @Override
        void measure(Workload workload, DbServer upstream, Path scratch) throws Exception {
            try (DbServer target =
                    Bench.startServer(
                            DbServer.mariadb()
                                    .option("server_id", "2")
                                    // A replica logs what it applies, as a client's writes are.
                                    .option("log_slave_updates", "1"))) {
                List<Subject> subjects = new ArrayList<>();
                subjects.add(
                        new MillraceSubject(
                                "millrace-mysql",
                                "mysql://"
                                        + target.rootUser()
                                        + ":"
                                        + target.rootPassword()
                                        + "@127.0.0.1:"
                                        + target.port()
                                        + "/?"
                                        + sinkParams,
                                2,
                                bench -> MySqlTarget.reset(target, workload),
                                bench -> MySqlTarget.verify(bench, target)));
                if (settings.wants("replica")) {
                    subjects.add(new ReplicaPeer(target, workload));
                }
                runAll(workload, List.of(upstream, target), scratch, subjects);
            }
        }
    }
}
