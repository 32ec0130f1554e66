package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.testkit.data.RandomWorkload;
import io.millrace.testkit.data.Table;
import io.millrace.testkit.data.TableDiff;
import io.millrace.testkit.replay.AvroReplay;
import io.millrace.testkit.replay.SimpleReplay;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.MillraceServer;
import io.millrace.testkit.servers.SchemaRegistryServer;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random changes of all types go through a server to Kafka as avro and simple, and readers that
 * share no code with the encoders make the tables of them again.
 */
final class FormatReplayIT {
    private static final Duration CATCH_UP = Duration.ofMinutes(2);
    private static final long LOAD_MS = 4_000;

    /** Tables whose rows can be told apart: a unique key without nullable columns. */
    private static final String KEYED_TABLES =
            "SELECT DISTINCT s.table_name FROM information_schema.statistics s WHERE"
                    + " s.table_schema='%1$s' AND s.non_unique=0 AND NOT EXISTS (SELECT 1 FROM"
                    + " information_schema.statistics n WHERE n.table_schema=s.table_schema AND"
                    + " n.table_name=s.table_name AND n.index_name=s.index_name AND"
                    + " n.nullable='YES') ORDER BY 1";

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit fills it in
    private Path folder;

    private interface Reader {
        void apply(ConsumerRecord<byte[], byte[]> message) throws Exception;
    }

    @Test
    void tablesCanBeMadeOfTheMessages() throws Exception {
        try (DbServer upstream = DbServer.mariadb().rowMetadata("NO_LOG").start();
                DbServer first = DbServer.mariadb().option("server_id", "2").start();
                DbServer second = DbServer.mariadb().option("server_id", "3").start();
                KafkaServer kafka = KafkaServer.builder().start();
                SchemaRegistryServer registry = SchemaRegistryServer.start();
                MillraceServer server = MillraceServer.start(upstream.uri(), folder)) {
            upstream.execute("CREATE DATABASE types", "CREATE DATABASE changing");
            for (DbServer target : List.of(first, second)) {
                target.execute("CREATE DATABASE types", "CREATE DATABASE changing");
            }
            String broker = "kafka://" + kafka.bootstrapServers() + "/";
            String once = "&partition-num=1";
            server.createChangefeed(
                    "avro",
                    broker + "avro?protocol=avro" + once,
                    config(
                            "types.*",
                            ",\"sink\":{\"schema_registry\":\""
                                    + registry.url()
                                    + "\",\"dispatchers\":[{\"matcher\":[\"*.*\"],"
                                    + "\"topic\":\"avro_{schema}_{table}\"}]}"));
            for (String encoding : List.of("json", "avro")) {
                server.createChangefeed(
                        "simple-" + encoding,
                        broker
                                + "simple-"
                                + encoding
                                + "?protocol=simple"
                                + once
                                + "&encoding-format="
                                + encoding,
                        config("changing.*", ""));
            }
            load(
                    upstream,
                    RandomWorkload.Config.of("types", 7).withRate(60),
                    RandomWorkload.Config.of("changing", 8).withRate(60).withDdlEvery(8));
            upstream.execute(
                    "CREATE TABLE changing.later (id INT PRIMARY KEY, a VARCHAR(9) DEFAULT 'x')",
                    "INSERT INTO changing.later VALUES (1, 'one'), (2, NULL)",
                    "ALTER TABLE changing.later ADD COLUMN b DECIMAL(5,2) NOT NULL DEFAULT 1.5",
                    "INSERT INTO changing.later VALUES (3, 'three', 3)",
                    "RENAME TABLE changing.later TO changing.even_later",
                    "UPDATE changing.even_later SET b = 2 WHERE id < 3",
                    "DELETE FROM changing.even_later WHERE id = 2");
            for (String feed : List.of("avro", "simple-json", "simple-avro")) {
                server.awaitCaughtUp(feed, upstream, CATCH_UP);
            }

            for (String table : keyedTables(upstream, "types")) {
                first.execute("USE types", definition(upstream, "types", table));
            }
            try (Connection connection = first.connect();
                    AvroReplay replay = new AvroReplay(connection, registry.url(), "types")) {
                read(
                        kafka,
                        topic -> topic.startsWith("avro_types_"),
                        message -> replay.apply(message.key(), message.value()));
                assertThat(replay.rows()).isPositive();
                assertThat(replay.deletes()).isPositive();
            }
            assertEqual(upstream, first, "types");

            try (Connection connection = first.connect();
                    SimpleReplay replay = new SimpleReplay(connection, Optional.empty())) {
                read(kafka, "simple-json"::equals, message -> replay.apply(message.value()));
                assertReplayed(replay);
            }
            assertEqual(upstream, first, "changing");
            try (Connection connection = second.connect();
                    SimpleReplay replay =
                            new SimpleReplay(connection, Optional.of(simpleSchema()))) {
                read(kafka, "simple-avro"::equals, message -> replay.apply(message.value()));
                assertReplayed(replay);
            }
            assertEqual(upstream, second, "changing");
        }
    }

    private static void assertReplayed(SimpleReplay replay) {
        assertThat(replay.rows()).isPositive();
        assertThat(replay.ddls()).isGreaterThan(3);
        assertThat(replay.bootstraps()).isPositive();
        assertThat(replay.watermark()).isPositive();
    }

    private static String config(String rule, String more) {
        return "\"replica_config\":{\"ignore_ineligible_table\":true,\"filter\":{\"rules\":[\""
                + rule
                + "\"]}"
                + more
                + "}";
    }

    private static void load(DbServer upstream, RandomWorkload.Config... configs) throws Exception {
        List<RandomWorkload> workloads = new ArrayList<>();
        for (RandomWorkload.Config config : configs) {
            workloads.add(new RandomWorkload(upstream::connect, config));
        }
        for (RandomWorkload workload : workloads) {
            workload.createTables();
            workload.start();
        }
        Thread.sleep(LOAD_MS);
        for (RandomWorkload workload : workloads) {
            System.out.println("load: " + workload.stop());
            workload.close();
        }
    }

    /** Every message of the topics, each of one partition, topic by topic. */
    private static void read(KafkaServer kafka, Predicate<String> wanted, Reader reader)
            throws Exception {
        Map<String, Object> settings =
                Map.of(
                        "bootstrap.servers",
                        kafka.bootstrapServers(),
                        "enable.auto.commit",
                        false,
                        "max.poll.records",
                        5000);
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<String> topics = consumer.listTopics().keySet().stream().filter(wanted).toList();
            assertThat(topics).isNotEmpty();
            for (String topic : topics) {
                TopicPartition partition = new TopicPartition(topic, 0);
                consumer.assign(List.of(partition));
                consumer.seekToBeginning(List.of(partition));
                long end =
                        Objects.requireNonNull(
                                consumer.endOffsets(List.of(partition)).get(partition));
                while (consumer.position(partition) < end) {
                    for (ConsumerRecord<byte[], byte[]> message :
                            consumer.poll(Duration.ofMillis(200))) {
                        reader.apply(message);
                    }
                }
            }
        }
    }

    private static List<String> keyedTables(DbServer upstream, String schema) throws Exception {
        List<String> out = new ArrayList<>();
        try (Connection connection = upstream.connect();
                Statement statement = connection.createStatement();
                ResultSet names = statement.executeQuery(KEYED_TABLES.formatted(schema))) {
            while (names.next()) {
                out.add(names.getString(1));
            }
        }
        return out;
    }

    private static String definition(DbServer upstream, String schema, String table)
            throws Exception {
        try (Connection connection = upstream.connect();
                Statement statement = connection.createStatement();
                ResultSet definition =
                        statement.executeQuery(
                                "SHOW CREATE TABLE `" + schema + "`.`" + table + "`")) {
            definition.next();
            return definition.getString(2);
        }
    }

    private static void assertEqual(DbServer upstream, DbServer replayed, String schema)
            throws Exception {
        List<TableDiff.Pair> pairs = new ArrayList<>();
        for (String name : keyedTables(upstream, schema)) {
            Table table = new Table(schema, name);
            pairs.add(new TableDiff.Pair(table, table));
        }
        try (Connection left = upstream.connect();
                Connection right = replayed.connect()) {
            TableDiff.Report report = new TableDiff(left, right).compare(pairs);
            assertThat(report.equal()).as(report.toString()).isTrue();
            assertThat(report.rows()).isPositive();
        }
    }

    /** The format's own schema, which every reader of it has to have. */
    private static String simpleSchema() throws Exception {
        try (InputStream in =
                FormatReplayIT.class.getResourceAsStream("/io/millrace/codec/simple/simple.avsc")) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
