package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.testkit.data.RandomWorkload;
import io.millrace.testkit.data.Table;
import io.millrace.testkit.data.TableDiff;
import io.millrace.testkit.replay.AvroReplay;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.MillraceServer;
import io.millrace.testkit.servers.SchemaRegistryServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random changes of all types go through a server to Kafka as avro, their schemas to a real
 * registry, and Apache Avro makes the tables of them again.
 */
final class AvroReplayIT {
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

    @Test
    void tablesCanBeMadeOfTheMessages() throws Exception {
        try (DbServer upstream = DbServer.mariadb().rowMetadata("NO_LOG").start();
                DbServer replayed = DbServer.mariadb().option("server_id", "2").start();
                KafkaServer kafka = KafkaServer.builder().start();
                SchemaRegistryServer registry = SchemaRegistryServer.start();
                MillraceServer server = MillraceServer.start(upstream.uri(), folder)) {
            upstream.execute("CREATE DATABASE types");
            replayed.execute("CREATE DATABASE types");
            String broker = "kafka://" + kafka.bootstrapServers() + "/";
            server.createChangefeed(
                    "avro",
                    broker + "avro?protocol=avro&partition-num=1",
                    config(
                            "types.*",
                            ",\"sink\":{\"schema_registry\":\""
                                    + registry.url()
                                    + "\",\"dispatchers\":[{\"matcher\":[\"*.*\"],"
                                    + "\"topic\":\"avro_{schema}_{table}\"}]}"));
            load(upstream, RandomWorkload.Config.of("types", 7).withRate(60));
            // A new version of a table is a new schema in the registry.
            upstream.execute(
                    "CREATE TABLE types.later (id INT PRIMARY KEY, a VARCHAR(9) DEFAULT 'x')",
                    "INSERT INTO types.later VALUES (1, 'one'), (2, NULL)",
                    "ALTER TABLE types.later ADD COLUMN b DECIMAL(5,2) NOT NULL DEFAULT 1.5",
                    "INSERT INTO types.later VALUES (3, 'three', 3)",
                    "UPDATE types.later SET b = 2 WHERE id = 3",
                    "DELETE FROM types.later WHERE id = 2");
            server.awaitCaughtUp("avro", upstream, CATCH_UP);

            for (String table : keyedTables(upstream, "types")) {
                replayed.execute("USE types", definition(upstream, "types", table));
            }
            try (Connection connection = replayed.connect();
                    AvroReplay replay = new AvroReplay(connection, registry.url(), "types")) {
                for (String topic : topics(kafka)) {
                    replay.replay(kafka.bootstrapServers(), topic);
                }
                assertThat(replay.rows()).isPositive();
                assertThat(replay.deletes()).isPositive();
            }
            assertEqual(upstream, replayed, "types");
        }
    }

    private static String config(String rule, String more) {
        return "\"replica_config\":{\"ignore_ineligible_table\":true,\"filter\":{\"rules\":[\""
                + rule
                + "\"]}"
                + more
                + "}";
    }

    private static void load(DbServer upstream, RandomWorkload.Config config) throws Exception {
        try (RandomWorkload workload = new RandomWorkload(upstream::connect, config)) {
            workload.createTables();
            workload.start();
            Thread.sleep(LOAD_MS);
            System.out.println("load: " + workload.stop());
        }
    }

    /** The topics of all tables. */
    private static List<String> topics(KafkaServer kafka) throws Exception {
        try (Admin admin = kafka.admin()) {
            return admin.listTopics().names().get().stream()
                    .filter(topic -> topic.startsWith("avro_types_"))
                    .toList();
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
}
