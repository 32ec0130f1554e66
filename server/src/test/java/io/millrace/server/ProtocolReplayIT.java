package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.testkit.data.RandomWorkload;
import io.millrace.testkit.data.Table;
import io.millrace.testkit.data.TableDiff;
import io.millrace.testkit.replay.CanalJsonReplay;
import io.millrace.testkit.replay.CanalReplay;
import io.millrace.testkit.replay.DebeziumReplay;
import io.millrace.testkit.replay.MaxwellReplay;
import io.millrace.testkit.replay.OpenProtocolReplay;
import io.millrace.testkit.replay.SimpleReplay;
import io.millrace.testkit.replay.TopicReplay;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.MillraceServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A mixed load with DDL goes to Kafka in every protocol at once, one changefeed and topic for each.
 * Then each topic is replayed into an empty database, by readers that share nothing with the
 * encoders, and all rows are compared with the upstream.
 */
final class ProtocolReplayIT {
    private static final long SEED = Long.getLong("millrace.replay.seed", 20261121L);
    private static final Duration CATCH_UP = Duration.ofMinutes(2);
    private static final Duration LOAD = Duration.ofSeconds(4);
    private static final String SCHEMA = "replayed";

    /**
     * Tables without a key are left out: a log delivers at least once, and nothing tells their
     * duplicates apart.
     */
    private static final String KEYED_TABLES =
            "SELECT DISTINCT s.table_name FROM information_schema.statistics s WHERE s.table_schema='"
                    + SCHEMA
                    + "' AND s.non_unique=0"
                    + " AND NOT EXISTS (SELECT 1 FROM information_schema.statistics n WHERE n.table_schema=s.table_schema AND"
                    + " n.table_name=s.table_name AND n.index_name=s.index_name AND n.nullable='YES') ORDER BY 1";

    /** Opens a replay into a database. */
    private interface Opener {
        TopicReplay open(Connection target) throws SQLException;
    }

    /**
     * A protocol as it is tried.
     *
     * @param feed name of changefeed and topic
     * @param options what follows {@code partition-num} in the sink URI
     */
    private record Subject(String feed, String options, Opener replay) {}

    private static final List<Subject> SUBJECTS =
            List.of(
                    new Subject(
                            "canal-json",
                            "&protocol=canal-json&enable-tidb-extension=true",
                            CanalJsonReplay::new),
                    new Subject("canal", "&protocol=canal", CanalReplay::new),
                    new Subject(
                            "open-protocol", "&protocol=open-protocol", OpenProtocolReplay::new),
                    new Subject("maxwell", "&protocol=maxwell", MaxwellReplay::new),
                    new Subject(
                            "debezium",
                            "&protocol=debezium&enable-tidb-extension=true",
                            DebeziumReplay::new),
                    new Subject(
                            "simple-json",
                            "&protocol=simple",
                            target -> new SimpleReplay(target, Optional.empty())),
                    new Subject(
                            "simple-avro",
                            "&protocol=simple&encoding-format=avro",
                            target -> new SimpleReplay(target, Optional.of(simpleSchema()))));

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit fills it in
    private Path folder;

    @Test
    void everyTopicHoldsTheTables() throws Exception {
        try (DbServer upstream = DbServer.mysql().start();
                DbServer replayed = DbServer.mysql().option("server_id", "2").start();
                KafkaServer kafka = KafkaServer.builder().start();
                MillraceServer server = MillraceServer.start(upstream.uri(), folder)) {
            upstream.execute("CREATE DATABASE " + SCHEMA);
            for (Subject subject : SUBJECTS) {
                server.createChangefeed(
                        subject.feed(),
                        "kafka://"
                                + kafka.bootstrapServers()
                                + "/"
                                + subject.feed()
                                + "?partition-num=1"
                                + subject.options(),
                        "\"replica_config\":{\"ignore_ineligible_table\":true,\"filter\":{\"rules\":[\""
                                + SCHEMA
                                + ".*\"]}}");
            }
            load(upstream);
            SoftAssertions soft = new SoftAssertions();
            for (Subject subject : SUBJECTS) {
                server.awaitCaughtUp(subject.feed(), upstream, CATCH_UP);
                replayed.execute("CREATE DATABASE " + SCHEMA);
                try (Connection target = replayed.connect();
                        TopicReplay replay = subject.replay().open(target)) {
                    replay.replay(kafka.bootstrapServers(), subject.feed());
                    System.out.printf(
                            "%s: %d rows, %d DDL%n", subject.feed(), replay.rows(), replay.ddls());
                    soft.assertThat(replay.rows()).as(subject.feed()).isGreaterThan(100);
                    soft.assertThat(replay.ddls()).as(subject.feed()).isGreaterThan(5);
                }
                TableDiff.Report report = compare(upstream, replayed);
                soft.assertThat(report.equal()).as(subject.feed() + ": " + report).isTrue();
                soft.assertThat(report.rows()).isPositive();
                replayed.execute("DROP DATABASE " + SCHEMA);
            }
            soft.assertAll();
        }
    }

    private static void load(DbServer upstream) throws Exception {
        RandomWorkload.Config config =
                RandomWorkload.Config.of(SCHEMA, SEED).withRate(50).withSizes(6, 6).withDdlEvery(8);
        try (RandomWorkload workload = new RandomWorkload(upstream::connect, config)) {
            workload.createTables();
            workload.start();
            Thread.sleep(LOAD.toMillis());
            System.out.println("load: " + workload.stop());
        }
    }

    private static TableDiff.Report compare(DbServer upstream, DbServer replayed) throws Exception {
        List<TableDiff.Pair> pairs = new ArrayList<>();
        try (Connection left = upstream.connect();
                Connection right = replayed.connect();
                Statement statement = left.createStatement();
                ResultSet names = statement.executeQuery(KEYED_TABLES)) {
            while (names.next()) {
                Table table = new Table(SCHEMA, names.getString(1));
                pairs.add(new TableDiff.Pair(table, table));
            }
            assertThat(pairs).isNotEmpty();
            return new TableDiff(left, right).compare(pairs);
        }
    }

    /** The schema of all simple messages in Avro, which every reader of them has to have. */
    private static String simpleSchema() {
        try (InputStream in =
                ProtocolReplayIT.class.getResourceAsStream(
                        "/io/millrace/codec/simple/simple.avsc")) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
