package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.model.Tso;
import io.millrace.server.ApiClient.Answer;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.MillraceServer;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every documented route of the v2 API against a server process with real sources and targets: what
 * a route answers, field by field, that the jobs behind it replicate, and that a refused request
 * changes nothing.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the tests
final class TiCdcApiIT {
    private static final String FEEDS = "/api/v2/changefeeds";
    private static final Duration CATCH_UP = Duration.ofSeconds(60);
    private static final String ZONE = "+08:00";
    private static final String LOCAL = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3}";

    @TempDir static Path folder;

    private static DbServer mysql;
    private static DbServer maria;
    private static KafkaServer kafka;
    private static MillraceServer server;
    private static ApiClient api;

    @BeforeAll
    static void start() throws IOException {
        mysql = DbServer.mysql().start();
        maria = DbServer.mariadb().option("server_id", "2").start();
        kafka = KafkaServer.builder().start();
        Path config = folder.resolve("millrace.toml");
        Files.writeString(
                config,
                "time-zone = \""
                        + ZONE
                        + "\"\nretry-interval = \"200ms\"\n[upstreams]\nmaria = \""
                        + maria.uri()
                        + "\"\ngone = \"mysql://root:gonepw@127.0.0.1:1/\"\n");
        server = MillraceServer.start(mysql.uri(), folder, "--config", config.toString());
        api = new ApiClient(server.url());
    }

    @AfterAll
    static void stop() {
        server.close();
        kafka.close();
        maria.close();
        mysql.close();
    }

    @AfterEach
    void removeAll() {
        for (JsonNode feed : api.get(FEEDS + "?state=all").body().get("items")) {
            assertThat(api.call("DELETE", FEEDS + "/" + feed.get("id").asText(), "").text())
                    .isEqualTo("{}");
        }
    }

    private static String masked(DbServer db) {
        return "mysql://" + db.rootUser() + ":xxxxx@127.0.0.1:" + db.port() + "/";
    }

    /** An empty schema in both databases. */
    private static void schema(String name) {
        for (DbServer db : List.of(mysql, maria)) {
            db.execute("DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name);
        }
    }

    private static String rules(String schema) {
        return "\"replica_config\":{\"filter\":{\"rules\":[\"" + schema + ".*\"]}}";
    }

    private static TreeSet<String> names(JsonNode object) {
        TreeSet<String> names = new TreeSet<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static void awaitQuery(DbServer db, String sql, String wanted)
            throws InterruptedException {
        long deadline = System.nanoTime() + CATCH_UP.toNanos();
        while (true) {
            String now;
            try {
                now = db.query(sql).orElse("");
            } catch (RuntimeException e) {
                now = e.toString(); // the table has not arrived yet
            }
            if (now.equals(wanted)) {
                return;
            }
            assertThat(System.nanoTime())
                    .as("%s: %s, wanted %s; %s", sql, now, wanted, server.logTail())
                    .isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    private static JsonNode awaitCheckpointAfter(String id, long tso) throws InterruptedException {
        long deadline = System.nanoTime() + CATCH_UP.toNanos();
        while (true) {
            JsonNode feed = api.get(FEEDS + "/" + id).body();
            if (feed.get("checkpoint_ts").asLong() > tso) {
                return feed;
            }
            assertThat(System.nanoTime()).as("checkpoint moves: %s", feed).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    private static void assertLocal(JsonNode text, long tso) {
        assertThat(text.isTextual()).isTrue();
        assertThat(text.asText())
                .matches(LOCAL)
                .isEqualTo(
                        DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS")
                                .format(
                                        Instant.ofEpochMilli(Tso.physicalMs(tso))
                                                .atOffset(ZoneOffset.ofHours(8))));
    }

    @Test
    void statusHealthCapturesAndLog() {
        Answer status = api.get("/api/v2/status");
        assertThat(status.status()).isEqualTo(200);
        assertThat(status.contentType()).isEqualTo("application/json;charset=utf-8");
        assertThat(names(status.body()))
                .containsExactly(
                        "cluster_id", "git_hash", "id", "is_owner", "liveness", "pid", "version");
        assertThat(status.body().get("version").asText()).startsWith("v");
        assertThat(status.body().get("git_hash").isTextual()).isTrue();
        assertThat(status.body().get("pid").isIntegralNumber()).isTrue();
        assertThat(status.body().get("is_owner").booleanValue()).isTrue();
        assertThat(status.body().get("liveness").isIntegralNumber()).isTrue();
        String id = status.body().get("id").asText();
        assertThat(id).matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

        assertThat(api.get("/api/v2/health").status()).isEqualTo(200);
        assertThat(api.get("/api/v2/health").text()).isEqualTo("{}");

        JsonNode captures = api.get("/api/v2/captures").body();
        assertThat(names(captures)).containsExactly("items", "total");
        assertThat(captures.get("total").intValue()).isEqualTo(1);
        JsonNode capture = captures.at("/items/0");
        assertThat(names(capture)).containsExactly("address", "cluster_id", "id", "is_owner");
        assertThat(capture.get("id").asText()).isEqualTo(id);
        assertThat(capture.get("is_owner").booleanValue()).isTrue();
        assertThat(capture.get("address").asText()).isEqualTo(server.address());

        assertThat(api.post("/api/v2/owner/resign", "").text()).isEqualTo("{}");
        assertThat(api.get("/api/v2/captures").body().at("/items/0/is_owner").asBoolean()).isTrue();

        for (String level : List.of("error", "WARN", "debug", "dpanic", "panic", "fatal")) {
            Answer log = api.post("/api/v2/log", "{\"log_level\":\"" + level + "\"}");
            assertThat(log.status()).as(level).isEqualTo(200);
            assertThat(log.text()).isEqualTo("{}");
        }
        assertThat(api.post("/api/v2/log", "{\"log_level\":\"loud\"}").errorCode())
                .isEqualTo("CDC:ErrAPIInvalidParam");
        assertThat(api.post("/api/v2/log", "{\"log_level\":\"info\"}").status()).isEqualTo(200);
        assertThat(api.post("/api/v2/tso", "{}").body().get("timestamp").asLong())
                .isCloseTo(
                        System.currentTimeMillis(), org.assertj.core.data.Offset.offset(10_000L));
    }

    @Test
    void theLifeOfAChangefeedFromMySqlToMariaDb() throws Exception {
        schema("life");
        mysql.execute("CREATE TABLE life.before (id INT PRIMARY KEY)");
        maria.execute("CREATE TABLE life.before (id INT PRIMARY KEY)");
        Answer created =
                api.create(
                        "{\"changefeed_id\":\"life\",\"sink_uri\":\""
                                + maria.uri()
                                + "?worker-count=4\","
                                + rules("life")
                                + "}");
        assertThat(created.status()).as(created.text()).isEqualTo(200);
        JsonNode info = created.body();
        assertThat(names(info))
                .containsExactly(
                        "checkpoint_time",
                        "checkpoint_ts",
                        "config",
                        "create_time",
                        "creator_version",
                        "id",
                        "namespace",
                        "resolved_ts",
                        "sink_uri",
                        "start_ts",
                        "state",
                        "upstream_id");
        long start = info.get("start_ts").asLong();
        assertThat(info.get("checkpoint_ts").asLong()).isEqualTo(start);
        assertThat(info.get("resolved_ts").asLong()).isEqualTo(start);
        assertThat(Tso.physicalMs(start))
                .isCloseTo(
                        System.currentTimeMillis(), org.assertj.core.data.Offset.offset(10_000L));
        assertLocal(info.get("checkpoint_time"), start);
        assertThat(info.get("create_time").asText()).endsWith(ZONE);
        assertThat(OffsetDateTime.parse(info.get("create_time").asText()).toInstant())
                .isCloseTo(
                        Instant.now(),
                        org.assertj.core.api.Assertions.within(Duration.ofSeconds(20)));
        assertThat(info.get("state").asText()).isEqualTo("normal");
        assertThat(info.get("sink_uri").asText()).isEqualTo(masked(maria) + "?worker-count=4");
        assertThat(info.get("creator_version"))
                .isEqualTo(api.get("/api/v2/status").body().get("version"));
        assertThat(info.get("upstream_id").isIntegralNumber()).isTrue();
        assertThat(names(info.get("config")))
                .containsExactly(
                        "bdr_mode",
                        "case_sensitive",
                        "changefeed_error_stuck_duration",
                        "check_gc_safe_point",
                        "consistent",
                        "enable_old_value",
                        "enable_sync_point",
                        "enable_table_monitor",
                        "filter",
                        "force_replicate",
                        "ignore_ineligible_table",
                        "integrity",
                        "memory_quota",
                        "mounter",
                        "scheduler",
                        "sink",
                        "sync_point_interval",
                        "sync_point_retention",
                        "synced_status");
        assertThat(info.at("/config/sync_point_interval").longValue()).isEqualTo(600_000_000_000L);
        assertThat(info.at("/config/sync_point_retention").longValue())
                .isEqualTo(86_400_000_000_000L);

        mysql.execute(
                "INSERT INTO life.before VALUES (1),(2)",
                "CREATE TABLE life.t (id BIGINT UNSIGNED PRIMARY KEY, v VARCHAR(20), ts TIMESTAMP"
                        + " NULL)",
                "SET time_zone='+00:00'",
                "INSERT INTO life.t VALUES (18446744073709551615,'ä','2026-01-01 00:00:00')");
        awaitQuery(maria, "SELECT COUNT(*) FROM life.before", "2");
        awaitQuery(
                maria,
                "SELECT CONCAT(id, v, UNIX_TIMESTAMP(ts)) FROM life.t",
                "18446744073709551615ä1767225600");
        JsonNode running =
                awaitCheckpointAfter(
                        "life",
                        api.post("/api/v2/tso", "{}").body().get("timestamp").asLong() << 18);
        assertThat(running.get("resolved_ts").asLong())
                .isGreaterThanOrEqualTo(running.get("checkpoint_ts").asLong());
        assertLocal(running.get("checkpoint_time"), running.get("checkpoint_ts").asLong());
        JsonNode task = running.at("/task_status/0");
        assertThat(names(task)).containsExactly("capture_id", "table_ids");
        String capture = api.get("/api/v2/status").body().get("id").asText();
        assertThat(task.get("capture_id").asText()).isEqualTo(capture);
        assertThat(task.get("table_ids").size()).isEqualTo(2);
        assertThat(task.at("/table_ids/0").isIntegralNumber()).isTrue();

        JsonNode processors = api.get("/api/v2/processors").body();
        assertThat(processors.get("total").intValue()).isEqualTo(1);
        assertThat(names(processors.at("/items/0")))
                .containsExactly("capture_id", "changefeed_id", "namespace");
        assertThat(processors.at("/items/0/changefeed_id").asText()).isEqualTo("life");
        assertThat(processors.at("/items/0/capture_id").asText()).isEqualTo(capture);
        JsonNode processor = api.get("/api/v2/processors/life/" + capture).body();
        assertThat(names(processor)).containsExactly("table_ids");
        assertThat(processor.get("table_ids")).isEqualTo(task.get("table_ids"));

        JsonNode list = api.get(FEEDS).body();
        assertThat(names(list)).containsExactly("items", "total");
        assertThat(list.get("total").intValue()).isEqualTo(1);
        JsonNode item = list.at("/items/0");
        assertThat(names(item))
                .containsExactly(
                        "checkpoint_time",
                        "checkpoint_tso",
                        "error",
                        "id",
                        "namespace",
                        "state",
                        "upstream_id");
        assertThat(item.get("error").isNull()).isTrue();
        assertThat(item.get("checkpoint_tso").isIntegralNumber()).isTrue();
        assertLocal(item.get("checkpoint_time"), item.get("checkpoint_tso").asLong());
        assertThat(item.get("upstream_id")).isEqualTo(info.get("upstream_id"));
        JsonNode shortStatus = api.get(FEEDS + "/life/status").body();
        assertThat(names(shortStatus)).containsExactly("checkpoint_ts", "resolved_ts", "state");

        // A second of the same name, and an update while it runs, are refused.
        assertThat(
                        api.create("{\"changefeed_id\":\"life\",\"sink_uri\":\"blackhole://\"}")
                                .errorCode())
                .isEqualTo("CDC:ErrChangeFeedAlreadyExists");
        assertThat(api.call("PUT", FEEDS + "/life", "{\"target_ts\":1}").errorMessage())
                .isEqualTo(
                        "[CDC:ErrChangefeedUpdateRefused]can only update changefeed config when it"
                                + " is stopped or failed");
        // In a state that it does not fit, resume does nothing, overwrite included.
        assertThat(
                        api.post(
                                        FEEDS + "/life/resume",
                                        "{\"overwrite_checkpoint_ts\":"
                                                + (start - (1_000L << 18))
                                                + "}")
                                .text())
                .isEqualTo("{}");
        assertThat(api.get(FEEDS + "/life").body().get("start_ts").asLong()).isEqualTo(start);

        assertThat(api.post(FEEDS + "/life/pause", "").text()).isEqualTo("{}");
        JsonNode stopped = api.await("life", "stopped");
        assertThat(stopped.get("admin_job_type").intValue()).isEqualTo(1);
        assertThat(stopped.has("task_status")).isFalse();
        assertThat(stopped.has("error")).isFalse();
        assertThat(api.get("/api/v2/processors").text()).isEqualTo("{\"total\":0,\"items\":[]}");
        assertThat(api.get(FEEDS + "?state=stopped").body().get("total").intValue()).isEqualTo(1);
        assertThat(api.get(FEEDS + "?state=normal").body().get("total").intValue()).isZero();
        mysql.execute(
                "INSERT INTO life.before VALUES (3)",
                "CREATE TABLE life.u (id INT PRIMARY KEY)",
                "INSERT INTO life.u VALUES (1)");
        Thread.sleep(300);
        assertThat(maria.query("SELECT COUNT(*) FROM life.before")).contains("2");
        // The run may have saved a last checkpoint after the state had changed.
        JsonNode settled = api.get(FEEDS + "/life").body();

        // The update takes effect: the new filter leaves life.u out.
        ObjectNode config = stopped.get("config").deepCopy();
        ((ObjectNode) config.get("filter")).putArray("rules").add("life.*").add("!life.u");
        Answer updated =
                api.call(
                        "PUT",
                        FEEDS + "/life",
                        "{\"sink_uri\":"
                                + stopped.get("sink_uri")
                                + ",\"replica_config\":"
                                + config
                                + "}");
        assertThat(updated.status()).as(updated.text()).isEqualTo(200);
        assertThat(updated.body().at("/config/filter/rules/1").asText()).isEqualTo("!life.u");
        assertThat(updated.body().get("state").asText()).isEqualTo("stopped");
        assertThat(updated.body().get("checkpoint_ts")).isEqualTo(settled.get("checkpoint_ts"));
        assertThat(api.post(FEEDS + "/life/resume", "{}").text()).isEqualTo("{}");
        awaitQuery(maria, "SELECT COUNT(*) FROM life.before", "3");
        awaitCheckpointAfter(
                "life", api.post("/api/v2/tso", "{}").body().get("timestamp").asLong() << 18);
        assertThat(
                        maria.query(
                                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='life' AND table_name='u'"))
                .contains("0");

        assertThat(api.call("DELETE", FEEDS + "/life", "").text()).isEqualTo("{}");
        assertThat(api.get(FEEDS + "/life").errorCode()).isEqualTo("CDC:ErrChangeFeedNotExists");
        assertThat(api.call("DELETE", FEEDS + "/life", "").text()).isEqualTo("{}");
        assertThat(
                        maria.query(
                                "SELECT COUNT(*) FROM millrace.progress WHERE job_id='default/life'"))
                .contains("0");
    }

    @Test
    void fromMariaDbToMySqlAndToKafkaAndNowhere() throws Exception {
        schema("multi");
        maria.execute("CREATE TABLE multi.t (id INT PRIMARY KEY, v JSON)");
        mysql.execute("CREATE TABLE multi.t (id INT PRIMARY KEY, v LONGTEXT)");
        String upstream = "\"upstream\":\"maria\",";
        Map<String, String> sinks = new TreeMap<>();
        sinks.put("to-mysql", mysql.uri());
        sinks.put(
                "to-kafka",
                "kafka://"
                        + kafka.bootstrapServers()
                        + "/multi?protocol=canal-json&partition-num=1");
        sinks.put("to-nowhere", "blackhole://");
        for (var sink : sinks.entrySet()) {
            Answer created =
                    api.create(
                            "{\"changefeed_id\":\""
                                    + sink.getKey()
                                    + "\",\"sink_uri\":\""
                                    + sink.getValue()
                                    + "\","
                                    + upstream
                                    + rules("multi")
                                    + "}");
            assertThat(created.status()).as(created.text()).isEqualTo(200);
        }
        maria.execute("INSERT INTO multi.t VALUES (7,'{\"a\": 1}')");
        awaitQuery(mysql, "SELECT CONCAT(id, v) FROM multi.t", "7{\"a\": 1}");
        assertThat(awaitMessage("multi", "\"type\":\"INSERT\""))
                .contains("\"table\":\"t\"")
                .contains("\"id\":\"7\"");
        long now =
                api.post("/api/v2/tso", "{\"upstream\":\"maria\"}").body().get("timestamp").asLong()
                        << 18;
        for (String id : sinks.keySet()) {
            assertThat(awaitCheckpointAfter(id, now).get("state").asText()).isEqualTo("normal");
        }
        JsonNode items = api.get(FEEDS).body().get("items");
        assertThat(StreamSupport.stream(items.spliterator(), false).map(i -> i.get("id").asText()))
                .containsExactly("to-kafka", "to-mysql", "to-nowhere");
    }

    private static String awaitMessage(String topic, String part) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", kafka.bootstrapServers());
        properties.put("group.id", "first");
        properties.put("auto.offset.reset", "earliest");
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(
                        properties, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            long deadline = System.nanoTime() + CATCH_UP.toNanos();
            while (System.nanoTime() < deadline) {
                for (ConsumerRecord<String, String> record :
                        consumer.poll(Duration.ofMillis(200))) {
                    if (record.value().contains(part)) {
                        return record.value();
                    }
                }
            }
        }
        throw new AssertionError("no " + part + " in topic " + topic + "\n" + server.logTail());
    }

    /** Rows are told apart by whole values, and exclude each other by their beginnings. */
    @Test
    void keysOnPrefixes() throws Exception {
        schema("prefixes");
        for (DbServer db : List.of(mysql, maria)) {
            db.execute(
                    "CREATE TABLE prefixes.p (b TEXT NOT NULL, v INT, PRIMARY KEY (b(3)))",
                    "CREATE TABLE prefixes.u (b BLOB NOT NULL, v INT, UNIQUE KEY (b(2)))");
        }
        Answer made =
                api.create("{\"sink_uri\":\"" + maria.uri() + "\"," + rules("prefixes") + "}");
        assertThat(made.status()).as(made.text()).isEqualTo(200);
        String id = made.body().get("id").asText();
        List<String> statements =
                new ArrayList<>(
                        List.of(
                                "INSERT INTO prefixes.p VALUES ('abc0',0),('xyz',1)",
                                "INSERT INTO prefixes.u VALUES ('ab0',0),('xy',1)"));
        for (int i = 0; i < 100; i++) {
            statements.add("DELETE FROM prefixes.p WHERE b='abc" + i + "'");
            statements.add("INSERT INTO prefixes.p VALUES ('abc" + (i + 1) + "'," + i + ")");
            statements.add("UPDATE prefixes.u SET b='ab" + (i + 1) + "' WHERE b='ab" + i + "'");
        }
        statements.add("UPDATE prefixes.p SET v=7 WHERE b='xyz'");
        mysql.execute(statements.toArray(new String[0]));
        String p = "SELECT GROUP_CONCAT(b,v ORDER BY b) FROM prefixes.p";
        String u = "SELECT GROUP_CONCAT(b,v ORDER BY b) FROM prefixes.u";
        awaitQuery(maria, p, "abc10099,xyz7");
        awaitQuery(maria, u, "ab1000,xy1");
        // Once more over what is there already.
        api.post(FEEDS + "/" + id + "/pause", "");
        long start = api.await(id, "stopped").get("start_ts").asLong();
        api.post(FEEDS + "/" + id + "/resume", "{\"overwrite_checkpoint_ts\":" + start + "}");
        awaitCheckpointAfter(
                id, api.post("/api/v2/tso", "{}").body().get("timestamp").asLong() << 18);
        assertThat(maria.query(p)).contains("abc10099,xyz7");
        assertThat(maria.query(u)).contains("ab1000,xy1");
        assertThat(api.get(FEEDS + "/" + id).body().get("state").asText()).isEqualTo("normal");
    }

    /** What was left out so far is not in the target: the user is told, and can go on. */
    @Test
    void aTableThatGetsItsKeyLater() throws Exception {
        schema("late");
        mysql.execute("CREATE TABLE late.t (id INT NOT NULL, v INT)");
        Answer made =
                api.create(
                        "{\"sink_uri\":\""
                                + maria.uri()
                                + "\",\"replica_config\":{\"filter\":{\"rules\":[\"late.*\"]},"
                                + "\"ignore_ineligible_table\":true}}");
        assertThat(made.status()).as(made.text()).isEqualTo(200);
        String id = made.body().get("id").asText();
        mysql.execute(
                "INSERT INTO late.t VALUES (1,1)",
                "ALTER TABLE late.t ADD PRIMARY KEY (id)",
                "INSERT INTO late.t VALUES (2,2)");
        JsonNode failed = api.await(id, "failed");
        assertThat(failed.at("/error/code").asText()).isEqualTo("CDC:ErrExecDDLFailed");
        assertThat(failed.at("/error/message").asText())
                .contains("ADD PRIMARY KEY")
                .contains("make it there, as it was before this DDL and with its rows");
        maria.execute(
                "CREATE TABLE late.t (id INT NOT NULL, v INT)", "INSERT INTO late.t VALUES (1,1)");
        assertThat(api.post(FEEDS + "/" + id + "/resume", "{}").status()).isEqualTo(200);
        awaitQuery(maria, "SELECT GROUP_CONCAT(id ORDER BY id) FROM late.t", "1,2");
    }

    @Test
    void tablesWithoutAKey() throws Exception {
        schema("nokey");
        for (DbServer db : List.of(mysql, maria)) {
            db.execute(
                    "CREATE TABLE nokey.keyed (id INT PRIMARY KEY)",
                    "CREATE TABLE nokey.bare (id INT)",
                    "CREATE TABLE nokey.nullable (id INT, UNIQUE KEY (id))");
        }
        String head =
                "{\"sink_uri\":\""
                        + maria.uri()
                        + "\",\"replica_config\":{\"filter\":{\"rules\":[\"nokey.*\"]}";
        Answer refused = api.create(head + "}}");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.errorCode()).isEqualTo("CDC:ErrTableIneligible");
        assertThat(refused.errorMessage())
                .contains("nokey.bare, nokey.nullable")
                .doesNotContain("nokey.keyed");
        assertThat(api.get(FEEDS + "?state=all").body().get("total").intValue()).isZero();

        String ignoring =
                api.create(head + ",\"ignore_ineligible_table\":true}}").body().get("id").asText();
        mysql.execute(
                "INSERT INTO nokey.bare VALUES (1)",
                "INSERT INTO nokey.nullable VALUES (1)",
                "INSERT INTO nokey.keyed VALUES (1)");
        awaitQuery(maria, "SELECT COUNT(*) FROM nokey.keyed", "1");
        awaitCheckpointAfter(
                ignoring, api.post("/api/v2/tso", "{}").body().get("timestamp").asLong() << 18);
        assertThat(maria.query("SELECT COUNT(*) FROM nokey.bare")).contains("0");
        assertThat(maria.query("SELECT COUNT(*) FROM nokey.nullable")).contains("0");
        api.call("DELETE", FEEDS + "/" + ignoring, "");

        String forced = api.create(head + ",\"force_replicate\":true}}").body().get("id").asText();
        mysql.execute(
                "INSERT INTO nokey.bare VALUES (2)",
                "INSERT INTO nokey.nullable VALUES (2),(NULL)",
                "INSERT INTO nokey.keyed VALUES (2)",
                "UPDATE nokey.nullable SET id=3 WHERE id IS NULL",
                "DELETE FROM nokey.bare WHERE id=2",
                "INSERT INTO nokey.bare VALUES (5),(5)");
        awaitCheckpointAfter(
                forced, api.post("/api/v2/tso", "{}").body().get("timestamp").asLong() << 18);
        assertThat(maria.query("SELECT GROUP_CONCAT(id) FROM nokey.bare")).contains("5,5");
        assertThat(maria.query("SELECT GROUP_CONCAT(id ORDER BY id) FROM nokey.nullable"))
                .contains("2,3");
        JsonNode tables =
                api.post(
                                "/api/v2/verify_table",
                                "{\"sink_uri\":\"blackhole://\",\"replica_config\":{\"filter\":{\"rules\":[\"nokey.*\"]}}}")
                        .body();
        assertThat(tables.get("eligible_tables").size()).isEqualTo(1);
        assertThat(tables.get("ineligible_tables").size()).isEqualTo(2);
        assertThat(names(tables.at("/eligible_tables/0")))
                .containsExactly("database_name", "is_partition", "table_id", "table_name");
    }

    @Test
    void filterOptionsChooseTheTables() {
        mysql.execute("DROP DATABASE IF EXISTS Sifted", "CREATE DATABASE Sifted");
        for (String table : List.of("Orders", "items", "log1", "log2")) {
            mysql.execute("CREATE TABLE Sifted." + table + " (id INT PRIMARY KEY)");
        }
        Map<String, String> expected =
                Map.of(
                        "{\"rules\":[\"Sifted.*\"]}", "Orders,items,log1,log2",
                        "{\"rules\":[\"Sifted.*\",\"!Sifted.log?\"]}", "Orders,items",
                        "{\"rules\":[\"sifted.*\"]}", "",
                        "{\"rules\":[\"sifted.orders\"]},\"case_sensitive\":false", "Orders",
                        "{\"do_dbs\":[\"Sifted\"],\"ignore_tables\":[{\"database_name\":\"Sifted\",\"table_name\":\"~log\"}]}",
                                "Orders,items",
                        "{\"do_tables\":[{\"database_name\":\"Sifted\",\"table_name\":\"items\"}]}",
                                "items",
                        "{\"rules\":[\"Sifted.*\"],\"ignore_dbs\":[\"Sifted\"]}", "");
        expected.forEach((filter, tables) -> {
            JsonNode answer =
                    api.post(
                                    "/api/v2/verify_table",
                                    "{\"replica_config\":{\"filter\":" + filter + "}}")
                            .body();
            List<String> found = new ArrayList<>();
            answer.path("eligible_tables").forEach(t -> found.add(t.get("table_name").asText()));
            found.sort(null);
            assertThat(String.join(",", found)).as(filter).isEqualTo(tables);
        });
    }

    /** A changefeed is stopped before its run has let go of everything. */
    private static void awaitRunEnded(String id) throws Exception {
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (!Files.readString(server.log().toPath()).contains("run ended job=" + id)) {
            assertThat(System.nanoTime()).as("the run of " + id + " ends").isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    /** Everything that a refused request must leave alone. */
    private static String everything() throws Exception {
        StringBuilder all = new StringBuilder();
        JsonNode list = api.get(FEEDS + "?state=all").body();
        all.append(list).append('\n');
        for (JsonNode feed : list.get("items")) {
            all.append(api.get(FEEDS + "/" + feed.get("id").asText()).body()).append('\n');
        }
        all.append(api.get("/api/v2/processors").body()).append('\n');
        try (Connection store = DriverManager.getConnection("jdbc:sqlite:" + storeFile());
                Statement statement = store.createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT k, v, created, modified FROM kv ORDER BY k")) {
            while (row.next()) {
                all.append(row.getString(1))
                        .append('=')
                        .append(row.getString(2).hashCode())
                        .append('@')
                        .append(row.getLong(4))
                        .append('\n');
            }
        }
        for (DbServer db : List.of(mysql, maria)) {
            all.append(
                    db.query(
                            "SELECT CONCAT(COUNT(*), ' schemas, ', (SELECT COUNT(*) FROM"
                                    + " information_schema.tables)) FROM information_schema.schemata"
                                    + " WHERE schema_name<>'millrace' OR @@server_id<>2"));
        }
        try (var admin = kafka.admin()) {
            all.append(new TreeSet<>(admin.listTopics().names().get()));
        }
        return all.toString();
    }

    private static Path storeFile() throws IOException {
        try (var files = Files.list(server.dataDir())) {
            return files.filter(file -> file.toString().endsWith(".db")).findFirst().orElseThrow();
        }
    }

    private record Bad(
            String method, String path, String body, int status, String code, String text) {}

    private static Bad create(String members, int status, String code, String text) {
        return new Bad("POST", FEEDS, "{" + members + "}", status, code, text);
    }

    @Test
    void refusedRequestsAnswerInTheDialectsShapeAndChangeNothing() throws Exception {
        schema("bad");
        mysql.execute(
                "CREATE TABLE bad.t (id INT PRIMARY KEY, v INT)", "CREATE TABLE bad.bare (id INT)");
        String ok = "\"ignore_ineligible_table\":true";
        assertThat(
                        api.create(
                                        "{\"changefeed_id\":\"rests\",\"sink_uri\":\""
                                                + maria.uri()
                                                + "\",\"replica_config\":{"
                                                + ok
                                                + ",\"filter\":{\"rules\":[\"bad.*\"]}}}")
                                .status())
                .isEqualTo(200);
        long start = awaitCheckpointAfter("rests", 0).get("start_ts").asLong();
        awaitCheckpointAfter("rests", start);
        api.post(FEEDS + "/rests/pause", "");
        api.await("rests", "stopped");
        awaitRunEnded("default/rests");
        String config = "\"replica_config\":{" + ok + "}";
        String hole = "\"sink_uri\":\"blackhole://\",";
        String kafkaUri = "kafka://" + kafka.bootstrapServers() + "/bad";
        String wrongPassword = maria.uri().replace(maria.rootPassword() + "@", "wrongpw@");
        List<Bad> requests = new ArrayList<>();
        requests.addAll(
                List.of(
                        // JSON
                        new Bad("POST", FEEDS, "", 400, "CDC:ErrAPIInvalidParam", "EOF"),
                        new Bad("POST", FEEDS, "{", 400, "CDC:ErrAPIInvalidParam", ""),
                        new Bad("POST", FEEDS, "{'a':1}", 400, "CDC:ErrAPIInvalidParam", ""),
                        new Bad("POST", FEEDS, "{\"a\":NaN}", 400, "CDC:ErrAPIInvalidParam", ""),
                        new Bad("POST", FEEDS, "[]", 400, "CDC:ErrAPIInvalidParam", "array"),
                        new Bad("POST", FEEDS, "\"x\"", 400, "CDC:ErrAPIInvalidParam", "string"),
                        new Bad(
                                "POST",
                                FEEDS,
                                "{\"sink_uri\":\"blackhole://\"",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                ""),
                        new Bad("POST", FEEDS, "[".repeat(5000), 400, "CDC:ErrAPIInvalidParam", ""),
                        new Bad(
                                "POST",
                                FEEDS,
                                "{\"x\":" + "[".repeat(5000) + "]".repeat(5000) + "}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                ""),
                        create(
                                hole + "\"start_ts\":\"1\"",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "start_ts"),
                        create(
                                hole + "\"start_ts\":1e3",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "start_ts"),
                        create(
                                hole + "\"start_ts\":" + "9".repeat(2000),
                                400,
                                "CDC:ErrAPIInvalidParam",
                                ""),
                        create(
                                hole + "\"changefeed_id\":[\"a\"]",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "changefeed_id"),
                        create(
                                hole + "\"replica_config\":[]",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "replica_config"),
                        create(
                                hole + "\"replica_config\":{\"filter\":{\"rules\":\"*.*\"}}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "filter.rules"),
                        create(
                                hole + "\"replica_config\":{\"memory_quota\":-1}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "memory_quota"),
                        create(
                                hole + "\"replica_config\":{\"sync_point_interval\":\"10\"}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "duration"),
                        // names
                        create(
                                hole + "\"changefeed_id\":\"a_b\"",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "invalid changefeed_id: a_b"),
                        create(
                                hole + "\"changefeed_id\":\"" + "a".repeat(129) + "\"",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "invalid changefeed_id"),
                        create(
                                hole + "\"namespace\":\"a.b\"",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "invalid namespace"),
                        create(
                                hole + config + ",\"changefeed_id\":\"rests\"",
                                500,
                                "CDC:ErrChangeFeedAlreadyExists",
                                "changefeed already exists, rests"),
                        create(
                                hole + "\"upstream\":\"nope\"",
                                500,
                                "CDC:ErrUpstreamNotFound",
                                "nope"),
                        create(
                                hole + "\"upstream\":\"gone\"",
                                500,
                                "CDC:ErrPDEtcdAPIError",
                                "127.0.0.1:1"),
                        create(
                                hole + "\"pd_addrs\":[\"http://h:2379\"]",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "pd_addrs"),
                        // times
                        create(
                                hole
                                        + config
                                        + ",\"start_ts\":"
                                        + Tso.of(System.currentTimeMillis() + 3_600_000, 0),
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "larger than current tso"),
                        create(
                                hole + config + ",\"start_ts\":1",
                                400,
                                "CDC:ErrStartTsBeforeGC",
                                "because start-ts 1 is earlier than or equal to GC safepoint at"),
                        create(
                                hole
                                        + config
                                        + ",\"start_ts\":"
                                        + start
                                        + ",\"target_ts\":"
                                        + start,
                                400,
                                "CDC:ErrTargetTsBeforeStartTs",
                                "is earlier than start-ts"),
                        create(
                                hole + config + ",\"target_ts\":5",
                                400,
                                "CDC:ErrTargetTsBeforeStartTs",
                                "because target-ts 5 is earlier than start-ts")));
        requests.addAll(
                List.of(
                        // sink URIs
                        create(config, 400, "CDC:ErrSinkURIInvalid", "sink_uri is empty"),
                        create(
                                "\"sink_uri\":\"\"," + config,
                                400,
                                "CDC:ErrSinkURIInvalid",
                                "sink_uri is empty"),
                        create(
                                "\"sink_uri\":\"nothing\"," + config,
                                400,
                                "CDC:ErrSinkURIInvalid",
                                "scheme"),
                        create("\"sink_uri\":\"://x\"," + config, 400, "CDC:ErrSinkURIInvalid", ""),
                        create(
                                "\"sink_uri\":\"blackhole://[bad\"," + config,
                                400,
                                "CDC:ErrSinkURIInvalid",
                                ""),
                        create(
                                "\"sink_uri\":\"mysql://root:secret1@h:3306/%zz\"," + config,
                                400,
                                "CDC:ErrSinkURIInvalid",
                                ""),
                        create(
                                "\"sink_uri\":\"ftp://h/\"," + config,
                                400,
                                "CDC:ErrSinkURIInvalid",
                                "the sink scheme (ftp) is not supported"),
                        create(
                                "\"sink_uri\":\"s3:///?protocol=csv\"," + config,
                                500,
                                "CDC:ErrStorageSinkInvalidConfig",
                                "bucket is missing"),
                        create(
                                "\"sink_uri\":\"mysql://u:secret2@h1:1,h2:2/\"," + config,
                                400,
                                "CDC:ErrSinkURIInvalid",
                                "one host"),
                        create(
                                "\"sink_uri\":\"mysql://u:secret2@::1:3306/\"," + config,
                                400,
                                "CDC:ErrSinkURIInvalid",
                                ""),
                        create(
                                "\"sink_uri\":\"mysql:///\"," + config,
                                400,
                                "CDC:ErrSinkURIInvalid",
                                "host"),
                        create(
                                "\"sink_uri\":\"mysql://u:secret3@127.0.0.1:1/\"," + config,
                                400,
                                "CDC:ErrMySQLConnectionError",
                                "127.0.0.1:1"),
                        create(
                                "\"sink_uri\":\"" + wrongPassword + "\"," + config,
                                400,
                                "CDC:ErrMySQLConnectionError",
                                "denied"),
                        create(
                                "\"sink_uri\":\"" + maria.uri() + "?worker-count=none\"," + config,
                                400,
                                "CDC:ErrMySQLInvalidConfig",
                                "worker-count"),
                        create(
                                "\"sink_uri\":\"" + maria.uri() + "?max-txn-row=0\"," + config,
                                400,
                                "CDC:ErrMySQLInvalidConfig",
                                "max-txn-row"),
                        create(
                                "\"sink_uri\":\"" + maria.uri() + "?ssl-ca=/no/such\"," + config,
                                400,
                                "CDC:ErrMySQLInvalidConfig",
                                "ssl-ca"),
                        create(
                                "\"sink_uri\":\"" + maria.uri() + "?ssl-ca=a%00b\"," + config,
                                400,
                                "CDC:ErrSinkURIInvalid",
                                "NUL"),
                        create(
                                "\"sink_uri\":\"" + mysql.uri() + "\"," + config,
                                500,
                                "CDC:ErrSameUpstreamDownstream",
                                "upstream itself"),
                        create(
                                "\"sink_uri\":\""
                                        + maria.uri()
                                        + "\",\"upstream\":\"maria\","
                                        + config,
                                500,
                                "CDC:ErrSameUpstreamDownstream",
                                "upstream itself"),
                        create(
                                "\"sink_uri\":\"" + kafkaUri + "\"," + config,
                                500,
                                "CDC:ErrSinkUnknownProtocol",
                                "protocol"),
                        create(
                                "\"sink_uri\":\"" + kafkaUri + "?protocol=smoke\"," + config,
                                500,
                                "CDC:ErrSinkUnknownProtocol",
                                "smoke"),
                        create(
                                "\"sink_uri\":\"kafka://"
                                        + kafka.bootstrapServers()
                                        + "?protocol=canal-json\","
                                        + config,
                                500,
                                "CDC:ErrKafkaInvalidConfig",
                                "topic"),
                        create(
                                "\"sink_uri\":\"kafka://127.0.0.1:1/t?protocol=canal-json&dial-timeout=1s\","
                                        + config,
                                500,
                                "CDC:ErrKafkaNewProducer",
                                "127.0.0.1:1"),
                        create(
                                "\"sink_uri\":\""
                                        + kafkaUri
                                        + "?protocol=canal-json&partition-num=0\","
                                        + config,
                                500,
                                "CDC:ErrKafkaInvalidPartitionNum",
                                "partition-num"),
                        create(
                                "\"sink_uri\":\""
                                        + kafkaUri
                                        + "?protocol=canal-json&required-acks=7\","
                                        + config,
                                500,
                                "CDC:ErrKafkaInvalidRequiredAcks",
                                "required-acks"),
                        create(
                                "\"sink_uri\":\""
                                        + kafkaUri
                                        + "?protocol=canal-json&auto-create-topic=false\","
                                        + config,
                                500,
                                "CDC:ErrKafkaInvalidConfig",
                                "does not exist"),
                        create(
                                "\"sink_uri\":\""
                                        + kafkaUri
                                        + "?protocol=canal-json&sasl-user=u&sasl-password=secret4\","
                                        + config,
                                500,
                                "CDC:ErrKafkaInvalidConfig",
                                "sasl-mechanism"),
                        create(
                                "\"sink_uri\":\""
                                        + kafkaUri
                                        + "?protocol=canal-json\",\"replica_config\":{"
                                        + ok
                                        + ",\"sink\":{\"transaction_atomicity\":\"table\"}}",
                                400,
                                "CDC:ErrSinkURIInvalid",
                                "table level"),
                        create(
                                "\"sink_uri\":\""
                                        + kafkaUri
                                        + "?protocol=canal-json\",\"replica_config\":{"
                                        + ok
                                        + ",\"sink\":{\"dispatchers\":[{\"matcher\":[\"*.*\"],\"topic\":\"{table}\"}]}}",
                                500,
                                "CDC:ErrKafkaTopicExprInvalid",
                                "{table}"),
                        create(
                                "\"sink_uri\":\""
                                        + kafkaUri
                                        + "?protocol=canal-json\",\"replica_config\":{"
                                        + ok
                                        + ",\"sink\":{\"dispatchers\":[{\"matcher\":[\"bad.t\"],\"partition\":\"columns\",\"columns\":[\"nope\"]}]}}",
                                500,
                                "CDC:ErrDispatcherFailed",
                                "nope"),
                        create(
                                "\"sink_uri\":\"s3://b/p?protocol=csv&access-key=x"
                                        + "&secret-access-key=secret5&endpoint=http://127.0.0.1:9\","
                                        + config,
                                500,
                                "CDC:ErrS3StorageAPI",
                                "s3://b/p"),
                        create(
                                "\"sink_uri\":\"file:///proc/x?protocol=csv\"," + config,
                                500,
                                "CDC:ErrS3StorageAPI",
                                "/proc/x"),
                        create(
                                "\"sink_uri\":\""
                                        + maria.uri()
                                        + "\",\"replica_config\":{"
                                        + ok
                                        + ",\"sink\":{\"protocol\":\"canal-json\"}}",
                                400,
                                "CDC:ErrSinkURIInvalid",
                                "incompatible"),
                        // config
                        create(
                                hole + "\"replica_config\":{\"filter\":{\"rules\":[\"a.b.c\"]}}",
                                400,
                                "CDC:ErrFilterRuleInvalid",
                                "a.b.c"),
                        create(
                                hole + "\"replica_config\":{\"filter\":{\"rules\":[\"/(/.*\"]}}",
                                400,
                                "CDC:ErrFilterRuleInvalid",
                                "/(/"),
                        create(
                                hole
                                        + "\"replica_config\":{\"filter\":{\"rules\":[\"@/etc/passwd\"]}}",
                                400,
                                "CDC:ErrFilterRuleInvalid",
                                "@"),
                        create(
                                hole + "\"replica_config\":{\"filter\":{\"do_dbs\":[\"~(\"]}}",
                                400,
                                "CDC:ErrFilterRuleInvalid",
                                "("),
                        create(
                                hole + "\"replica_config\":{\"filter\":{\"rules\":[\"bad.*\"]}}",
                                400,
                                "CDC:ErrTableIneligible",
                                "bad.bare"),
                        create(
                                hole
                                        + "\"replica_config\":{\"enable_sync_point\":true,\"sync_point_interval\":\"29s\"}",
                                500,
                                "CDC:ErrInvalidReplicaConfig",
                                "sync_point_interval"),
                        create(
                                hole
                                        + "\"replica_config\":{\"changefeed_error_stuck_duration\":\"1m\"}",
                                500,
                                "CDC:ErrInvalidReplicaConfig",
                                "changefeed_error_stuck_duration")));
        requests.addAll(
                List.of(
                        // one changefeed
                        new Bad(
                                "GET",
                                FEEDS + "/nope",
                                "",
                                400,
                                "CDC:ErrChangeFeedNotExists",
                                "default/nope"),
                        new Bad("GET", FEEDS + "/a_b", "", 400, "CDC:ErrAPIInvalidParam", "a_b"),
                        new Bad(
                                "GET",
                                FEEDS + "/rests?namespace=other",
                                "",
                                400,
                                "CDC:ErrChangeFeedNotExists",
                                "other/rests"),
                        new Bad("DELETE", FEEDS + "/a_b", "", 400, "CDC:ErrAPIInvalidParam", "a_b"),
                        new Bad(
                                "POST",
                                FEEDS + "/nope/pause",
                                "",
                                400,
                                "CDC:ErrChangeFeedNotExists",
                                ""),
                        new Bad(
                                "POST",
                                FEEDS + "/nope/resume",
                                "",
                                400,
                                "CDC:ErrChangeFeedNotExists",
                                ""),
                        new Bad(
                                "POST",
                                FEEDS + "/rests/resume",
                                "",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "EOF"),
                        new Bad(
                                "POST",
                                FEEDS + "/rests/resume",
                                "{\"overwrite_checkpoint_ts\":-1}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                ""),
                        new Bad(
                                "POST",
                                FEEDS + "/rests/resume",
                                "{\"overwrite_checkpoint_ts\":1}",
                                400,
                                "CDC:ErrStartTsBeforeGC",
                                ""),
                        new Bad(
                                "POST",
                                FEEDS + "/rests/resume",
                                "{\"overwrite_checkpoint_ts\":"
                                        + Tso.of(System.currentTimeMillis() + 3_600_000, 0)
                                        + "}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "larger than current tso"),
                        new Bad(
                                "PUT",
                                FEEDS + "/nope",
                                "{}",
                                400,
                                "CDC:ErrChangeFeedNotExists",
                                ""),
                        new Bad("PUT", FEEDS + "/rests", "", 400, "CDC:ErrAPIInvalidParam", "EOF"),
                        new Bad(
                                "PUT",
                                FEEDS + "/rests",
                                "{}",
                                400,
                                "CDC:ErrChangefeedUpdateRefused",
                                "do nothing"),
                        new Bad(
                                "PUT",
                                FEEDS + "/rests",
                                "{\"target_ts\":\"x\"}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "target_ts"),
                        new Bad(
                                "PUT",
                                FEEDS + "/rests",
                                "{\"target_ts\":" + start + "}",
                                400,
                                "CDC:ErrChangefeedUpdateRefused",
                                "less than start_ts"),
                        new Bad(
                                "PUT",
                                FEEDS + "/rests",
                                "{\"sink_uri\":\"ftp://h\"}",
                                400,
                                "CDC:ErrChangefeedUpdateRefused",
                                "ErrSinkURIInvalid"),
                        new Bad(
                                "PUT",
                                FEEDS + "/rests",
                                "{\"sink_uri\":\"mysql://u:secret5@127.0.0.1:1/\"}",
                                400,
                                "CDC:ErrChangefeedUpdateRefused",
                                "ErrMySQLConnectionError"),
                        new Bad(
                                "PUT",
                                FEEDS + "/rests",
                                "{\"sink_uri\":\"" + mysql.uri() + "\"}",
                                500,
                                "CDC:ErrSameUpstreamDownstream",
                                "upstream itself"),
                        new Bad(
                                "PUT",
                                FEEDS + "/rests",
                                "{\"replica_config\":{\"filter\":{\"rules\":[\"x\"]}}}",
                                400,
                                "CDC:ErrChangefeedUpdateRefused",
                                "ErrFilterRuleInvalid"),
                        new Bad(
                                "PUT",
                                FEEDS + "/rests",
                                "{\"replica_config\":{\"filter\":{\"rules\":[\"bad.*\"]}}}",
                                400,
                                "CDC:ErrTableIneligible",
                                "bad.bare"),
                        new Bad(
                                "PUT",
                                FEEDS + "/rests",
                                "{\"replica_config\":{\"sink\":{\"encoder_concurrency\":-1}}}",
                                400,
                                "CDC:ErrChangefeedUpdateRefused",
                                "encoder_concurrency"),
                        // the rest
                        new Bad(
                                "GET",
                                "/api/v2/processors/nope/x",
                                "",
                                400,
                                "CDC:ErrChangeFeedNotExists",
                                ""),
                        new Bad(
                                "GET",
                                "/api/v2/processors/rests/a_b",
                                "",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "invalid capture_id: a_b"),
                        new Bad(
                                "GET",
                                "/api/v2/processors/rests/x",
                                "",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "abnormal state: stopped"),
                        new Bad(
                                "POST",
                                "/api/v2/log",
                                "{\"log_level\":1}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "invalid log level"),
                        new Bad(
                                "POST",
                                "/api/v2/log",
                                "",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "invalid log level"),
                        new Bad(
                                "POST",
                                "/api/v2/log",
                                "{\"log_level\":\"loud\"}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "fail to change log level: loud"),
                        new Bad(
                                "POST",
                                FEEDS,
                                "{\"x\":\"" + "y".repeat(5 << 20) + "\"}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "too large"),
                        new Bad(
                                "PUT",
                                FEEDS + "/rests",
                                "{\"x\":\"" + "y".repeat(5 << 20) + "\"}",
                                400,
                                "CDC:ErrAPIInvalidParam",
                                "too large"),
                        new Bad(
                                "GET",
                                "/api/v2/nothing",
                                "",
                                404,
                                "",
                                "there is no GET /api/v2/nothing"),
                        new Bad("GET", "/", "", 404, "", ""),
                        new Bad("PATCH", FEEDS, "{}", 404, "", ""),
                        new Bad("OPTIONS", FEEDS, "", 404, "", ""),
                        new Bad("POST", "/api/v2/status", "{}", 404, "", ""),
                        new Bad("DELETE", FEEDS, "", 404, "", ""),
                        new Bad("GET", "/api/v2/changefeeds/rests/nothing", "", 404, "", "")));
        // Paused means no work any more; a moment later the run has put everything away.
        String before = everything();
        while (before.contains("/rests/running=")) {
            Thread.sleep(10);
            before = everything();
        }
        SoftAssertions soft = new SoftAssertions();
        for (Bad bad : requests) {
            Answer answer = api.call(bad.method(), bad.path(), bad.body());
            String what =
                    bad.method()
                            + " "
                            + bad.path()
                            + " "
                            + bad.body().substring(0, Math.min(200, bad.body().length()))
                            + " -> "
                            + answer.status()
                            + " "
                            + answer.text();
            soft.assertThat(answer.contentType())
                    .as(what)
                    .isEqualTo("application/json;charset=utf-8");
            soft.assertThat(names(answer.body()))
                    .as(what)
                    .containsExactly("error_code", "error_msg");
            soft.assertThat(answer.status()).as(what).isEqualTo(bad.status());
            soft.assertThat(answer.errorCode()).as(what).isEqualTo(bad.code());
            soft.assertThat(answer.errorMessage())
                    .as(what)
                    .contains(bad.text())
                    .doesNotContain("secret")
                    .doesNotContain("wrongpw")
                    .doesNotContain(mysql.rootPassword() + "@");
            if (!bad.code().isEmpty()) {
                soft.assertThat(answer.errorMessage()).as(what).startsWith("[" + bad.code() + "]");
            }
        }
        soft.assertAll();
        assertThat(everything()).isEqualTo(before);
    }

    /** What no HTTP client library would send. */
    @Test
    void requestsThatAreNoHttpOrHoldBrokenEscapesAreAnsweredInJson() throws Exception {
        for (String line :
                List.of(
                        "GET /api/v2/changefeeds/%zz HTTP/1.1",
                        "GET /api/v2/changefeeds/a%2 HTTP/1.1",
                        "GET /api/v2/changefeeds/%ff%fe HTTP/1.1",
                        "GET /api/v2/changefeeds/a%2Fb HTTP/1.1",
                        "GET /api/v2/changefeeds/%00 HTTP/1.1",
                        "GET /api/v2/../v2/%2e%2e/x HTTP/1.1",
                        "GET /api/v2/" + "x".repeat(20_000) + " HTTP/1.1",
                        "G\u0001T / HTTP/1.1",
                        "nonsense")) {
            String answer = raw(line + "\r\nHost: h\r\nConnection: close\r\n\r\n");
            assertThat(answer)
                    .as(line)
                    .doesNotContainIgnoringCase("<html")
                    .doesNotContainIgnoringCase("<h1");
            assertThat(answer).as(line).matches("(?s)HTTP/1.1 4\\d\\d .*");
            assertThat(answer.toLowerCase(java.util.Locale.ROOT))
                    .as(line)
                    .contains("content-type: application/json");
            assertThat(answer).as(line).contains("\"error_msg\":").contains("\"error_code\":");
        }
        assertThat(api.get("/api/v2/health").status()).isEqualTo(200);
    }

    private static String raw(String request) throws IOException {
        URI address = URI.create(server.url());
        try (Socket socket = new Socket(address.getHost(), address.getPort())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void unknownFieldsAreIgnoredAndNamesMatchWithoutCase() throws SQLException {
        Answer answer =
                api.create(
                        "{\"Changefeed_ID\":\"fields\",\"unknown\":{\"deep\":[1,{\"a\":null}]},"
                                + "\"SINK_URI\":\"blackhole://\",\"replica_config\":{\"nope\":1,"
                                + "\"ignore_ineligible_table\":true,"
                                + "\"filter\":{\"Rules\":[\"none.*\"],\"more\":2}}} {\"x\":1}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        assertThat(answer.body().get("id").asText()).isEqualTo("fields");
        assertThat(answer.body().at("/config/filter/rules/0").asText()).isEqualTo("none.*");
        assertThat(names(answer.body().get("config"))).doesNotContain("nope");
    }
}
