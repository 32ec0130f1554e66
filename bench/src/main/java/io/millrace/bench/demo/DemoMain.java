package io.millrace.bench.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.testkit.data.RandomWorkload;
import io.millrace.testkit.data.TableDiff;
import io.millrace.testkit.replay.CanalJsonReplay;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.Folders;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.MillraceServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Shows the main job on real servers: a MariaDB under mixed load with DDL, replicated to another
 * MariaDB or to Kafka, and at the end every row of every table compared. The last line is {@code
 * verified: T tables, R rows equal}, and only then the exit code is 0.
 */
@Command(
        name = "millrace demo",
        mixinStandardHelpOptions = true,
        description = "Replicates a MariaDB under load and verifies every row.")
public final class DemoMain implements Callable<Integer> {
    private static final String SCHEMA = "shop";
    private static final String TOPIC = "shop";
    private static final Duration CATCH_UP = Duration.ofMinutes(2);
    private static final int TSO_LOGICAL_BITS = 18;
    private static final String VERIFIED = "verified:";
    private static final long SEED = 7;
    private static final int TRANSACTIONS_PER_SECOND = 400;
    private static final int DDL_EVERY = 400;

    /** Where to. */
    enum Target {
        mysql,
        kafka
    }

    @Option(
            names = "--once",
            description = "End after verifying. Without it the servers stay up to be tried.")
    private boolean once;

    @Option(
            names = "--sink",
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}",
            defaultValue = "mysql")
    private Target target = Target.mysql;

    @Option(
            names = "--seconds",
            description = "How long the load runs. Default: ${DEFAULT-VALUE}",
            defaultValue = "10")
    private int seconds;

    private DemoMain() {}

    public static void main(String[] args) {
        System.setProperty("log4j2.configurationFile", "log4j2-bench.xml");
        System.exit(new CommandLine(new DemoMain()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        Path folder = Files.createTempDirectory("millrace-demo");
        String verdict;
        try {
            verdict = run(folder);
        } finally {
            Folders.delete(folder);
        }
        // Last, when everything else has ended and nobody else prints any more.
        System.out.println(verdict);
        System.out.flush();
        return verdict.startsWith(VERIFIED) ? 0 : 1;
    }

    private String run(Path folder) throws Exception {
        say(
                "starting MariaDB (upstream and %s) ...",
                target == Target.mysql ? "downstream" : "for the comparison");
        try (DbServer upstream = DbServer.mariadb().start();
                DbServer downstream = DbServer.mariadb().option("server_id", "2").start()) {
            if (target == Target.kafka) {
                say("starting Kafka ...");
                try (KafkaServer kafka = KafkaServer.builder().start()) {
                    return replicate(folder, upstream, downstream, kafka.bootstrapServers());
                }
            }
            return replicate(folder, upstream, downstream, "");
        }
    }

    private String replicate(Path folder, DbServer upstream, DbServer downstream, String bootstrap)
            throws Exception {
        String upstreamUri = upstream.uri();
        String sinkUri =
                target == Target.mysql
                        ? downstream.uri()
                        : "kafka://"
                                + bootstrap
                                + "/"
                                + TOPIC
                                + "?protocol=canal-json&partition-num=1";
        try (MillraceServer server = MillraceServer.start(upstreamUri, folder)) {
            say("Millrace answers at %s", server.url());
            server.createChangefeed(
                    "demo",
                    sinkUri,
                    "\"replica_config\":{\"filter\":{\"rules\":[\""
                            + SCHEMA
                            + ".*\"]},\"force_replicate\":true}");
            say("changefeed demo: %s -> %s", upstream.flavor(), target);
            load(upstream, server);
            server.awaitCaughtUp("demo", upstream, CATCH_UP);
            say("caught up");
            if (target == Target.kafka) {
                say("replaying the topic into the second MariaDB ...");
                try (Connection connection = downstream.connect();
                        CanalJsonReplay replay = new CanalJsonReplay(connection)) {
                    replay.replay(bootstrap, TOPIC);
                    say("replayed %,d rows and %d DDL statements", replay.rows(), replay.ddls());
                }
            }
            String verdict = verify(upstream, downstream);
            if (!once && verdict.startsWith(VERIFIED)) {
                say("%s", verdict);
                stayUp(server, upstream, sinkUri);
            }
            return verdict;
        }
    }

    private void load(DbServer upstream, MillraceServer server) throws Exception {
        say("load for %d s: inserts, updates, deletes and DDL on several tables", seconds);
        RandomWorkload.Config config =
                RandomWorkload.Config.of(SCHEMA, SEED)
                        .withRate(TRANSACTIONS_PER_SECOND)
                        .withDdlEvery(DDL_EVERY);
        try (RandomWorkload workload = new RandomWorkload(upstream::connect, config)) {
            workload.createTables();
            workload.start();
            long before = 0;
            for (int i = 1; i <= seconds; i++) {
                TimeUnit.SECONDS.sleep(1);
                RandomWorkload.Stats stats = workload.stats();
                say(
                        "  %3d s  %,8d row changes/s  %4d DDL  lag %s",
                        i, stats.rows() - before, stats.ddls(), lag(server));
                before = stats.rows();
            }
            RandomWorkload.Stats stats = workload.stop();
            say(
                    "load stopped: %,d row changes in %,d transactions, %d DDL statements",
                    stats.rows(), stats.transactions(), stats.ddls());
        }
    }

    private static String lag(MillraceServer server) {
        long checkpointMs = checkpoint(server) >>> TSO_LOGICAL_BITS;
        return String.format(
                Locale.ROOT,
                "%.1f s",
                Math.max(0, System.currentTimeMillis() - checkpointMs) / 1000.0);
    }

    private static long checkpoint(MillraceServer server) {
        JsonNode feed = server.changefeed("demo");
        String state = feed.path("state").asText();
        if (!state.equals("normal")) {
            throw new IllegalStateException("changefeed is " + state + ": " + feed.path("error"));
        }
        return feed.path("checkpoint_ts").asLong();
    }

    private static String verify(DbServer upstream, DbServer downstream) throws SQLException {
        say("comparing every row of every table ...");
        try (Connection left = upstream.connect();
                Connection right = downstream.connect()) {
            TableDiff.Report report = new TableDiff(left, right).compareSchemas(SCHEMA);
            return report.equal()
                    ? String.format(
                            Locale.ROOT,
                            VERIFIED + " %d tables, %d rows equal",
                            report.tables().size(),
                            report.rows())
                    : report.toString();
        }
    }

    private static void stayUp(MillraceServer server, DbServer upstream, String sinkUri)
            throws IOException, InterruptedException {
        say("");
        say("All is up. Try, from another terminal:");
        say("  curl %s/api/v2/changefeeds", server.url());
        say("  curl %s/api/v2/changefeeds/demo", server.url());
        say("  curl -X POST %s/api/v2/changefeeds/demo/pause", server.url());
        say("  curl -X POST %s/api/v2/changefeeds/demo/resume -d '{}'", server.url());
        say(
                "  curl -X POST %s/api/v2/changefeeds -d '{\"changefeed_id\":\"second\",\"sink_uri\":\"blackhole://\"}'",
                server.url());
        say("  ./millrace changefeed list --server %s", server.url());
        say("Upstream: %s", upstream.uri());
        say("Sink:     %s", sinkUri);
        say("Press Enter to end.");
        if (System.in.read() < 0) {
            say("standard input is closed: running until killed");
            Thread.sleep(Long.MAX_VALUE);
        }
    }

    private static void say(String format, Object... values) {
        System.out.printf(Locale.ROOT, format + "%n", values);
        System.out.flush();
    }
}
