package io.millrace.connect.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.connect.host.HostUnderTest.Answer;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DebeziumPlugins;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every operation of Kafka Connect's API with the real Debezium connector for MySQL. One host and
 * one MySQL for all, in an order: a connector that was created is looked at, changed, killed with
 * its host, and deleted.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ConnectHostIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MYSQL = "io.debezium.connector.mysql.MySqlConnector";
    private static final String TOPIC = "shop.shop.item";

    private static DbServer mysql;
    private static HostUnderTest host;
    private static List<Answer> boot;

    @BeforeAll
    static void start(@TempDir Path folder) {
        host = new HostUnderTest(folder, DebeziumPlugins.mysql());
        host.start();
        mysql = DbServer.mysql().start();
        mysql.execute(
                "CREATE DATABASE shop",
                "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(20))",
                "INSERT INTO shop.item VALUES (1,'one'),(2,'two')");
        boot = host.answersUntilReady("/connectors");
    }

    @AfterAll
    static void stop() {
        host.close();
        mysql.close();
    }

    private static ObjectNode config() {
        ObjectNode config = JSON.createObjectNode();
        config.put("connector.class", MYSQL);
        config.put("tasks.max", 1);
        config.put("database.hostname", mysql.host());
        config.put("database.port", Integer.toString(mysql.port()));
        config.put("database.user", mysql.rootUser());
        config.put("database.password", mysql.rootPassword());
        config.put("database.server.id", "9001");
        config.put("topic.prefix", "shop");
        config.put("table.include.list", "shop.item");
        config.put("schema.history.internal.kafka.bootstrap.servers", kafka());
        config.put("schema.history.internal.kafka.topic", "shop-history");
        return config;
    }

    private static String kafka() {
        return "127.0.0.1:" + host.kafkaPort;
    }

    private static String create(String name, JsonNode config) {
        ObjectNode body = JSON.createObjectNode();
        body.put("name", name);
        body.set("config", config);
        return body.toString();
    }

    private static void assertError(Answer answer, int status, String message) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(status);
        assertThat(answer.type()).as("%s", answer).startsWith("application/json");
        assertThat(answer.body().path("error_code").asInt()).isEqualTo(status);
        assertThat(answer.message()).contains(message);
    }

    private static void awaitRunning(String name) {
        host.await(
                "/connectors/" + name + "/status",
                answer ->
                        answer.body().at("/connector/state").asText().equals("RUNNING")
                                && answer.body().at("/tasks/0/state").asText().equals("RUNNING"));
    }

    /** All records of the topic when there are at least this many. */
    private static List<String> records(int atLeast) throws IOException {
        List<String> found = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", kafka(), "auto.offset.reset", "earliest"),
                        new StringDeserializer(),
                        new StringDeserializer())) {
            consumer.assign(List.of(new TopicPartition(TOPIC, 0)));
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (found.size() < atLeast && System.nanoTime() < deadline) {
                for (ConsumerRecord<String, String> record :
                        consumer.poll(Duration.ofMillis(200))) {
                    found.add(brief(record));
                }
            }
        }
        return found;
    }

    private static String brief(ConsumerRecord<String, String> record) throws IOException {
        String id = JSON.readTree(record.key()).path("id").asText();
        if (record.value() == null) {
            return id + " tombstone";
        }
        JsonNode value = JSON.readTree(record.value());
        return id + " " + value.path("op").asText() + " " + value.at("/after/name").asText();
    }

    @Test
    @Order(1)
    void untilItIsReadyItAnswers503InJson() {
        assertThat(boot).isNotEmpty();
        for (Answer answer : boot) {
            assertError(answer, 503, "starting");
        }
    }

    @Test
    @Order(2)
    void tellsVersionAndHealth() {
        Answer root = host.get("/");
        assertThat(root.status()).isEqualTo(200);
        assertThat(root.body().path("version").asText()).isEqualTo("4.3.1");
        assertThat(root.body().path("commit").asText()).isNotEmpty();
        assertThat(root.body().path("kafka_cluster_id").asText()).hasSize(22);
        Answer health = host.get("/health");
        assertThat(health.status()).isEqualTo(200);
        assertThat(health.body().path("status").asText()).isEqualTo("healthy");
        assertError(host.get("/nowhere"), 404, "Not Found");
        assertError(host.call("DELETE", "/connectors"), 405, "");
    }

    @Test
    @Order(3)
    void listsPluginsAndValidates() {
        Answer plugins = host.get("/connector-plugins");
        assertThat(plugins.status()).isEqualTo(200);
        assertThat(plugins.body())
                .anySatisfy(plugin -> {
                    assertThat(plugin.path("class").asText()).isEqualTo(MYSQL);
                    assertThat(plugin.path("type").asText()).isEqualTo("source");
                    assertThat(plugin.path("version").asText()).isEqualTo("3.6.1.Final");
                });
        assertThat(
                        host.get("/connector-plugins?connectorsOnly=false")
                                .body()
                                .findValuesAsText("type"))
                .contains("converter", "transformation", "predicate");
        assertThat(host.get("/connector-plugins/MySql/config").body().findValuesAsText("name"))
                .contains("database.hostname");
        assertError(host.get("/connector-plugins/Zz/config"), 404, "Unknown plugin Zz.");

        String validate = "/connector-plugins/MySqlConnector/config/validate";
        Answer good = host.call("PUT", validate, config().put("name", "v").toString());
        assertThat(good.status()).isEqualTo(200);
        assertThat(good.body().path("name").asText()).isEqualTo(MYSQL);
        assertThat(good.body().path("error_count").asInt()).isZero();
        assertThat(good.body().path("groups")).isNotEmpty();
        assertThat(good.body().path("configs"))
                .hasSizeGreaterThan(100)
                .allSatisfy(config -> assertThat(config.path("value").isObject()).isTrue());
        Answer bad = host.call("PUT", validate, "{\"connector.class\":\"" + MYSQL + "\"}");
        assertThat(bad.status()).isEqualTo(200);
        assertThat(bad.body().path("error_count").asInt()).isEqualTo(5);
        assertError(host.call("PUT", validate, "{}"), 400, "contains no connector type");
        assertError(host.call("PUT", validate, "{"), 400, "");
        assertError(host.call("PUT", validate, ""), 400, "needs a JSON object");
        assertError(
                host.call("PUT", "/connector-plugins/Zz/config/validate", "{}"),
                404,
                "Unknown plugin Zz.");
        assertError(
                host.call("PUT", validate, "{\"connector.class\":\"Zz\"}"), 400, "does not match");
    }

    @Test
    @Order(4)
    void refusesWhatItCannotCreate() {
        String at = "/connectors";
        ObjectNode config = config();
        assertError(host.call("POST", at, "{\"name\":"), 400, "");
        assertError(host.call("POST", at, "[]"), 400, "");
        assertError(host.call("POST", at, "null"), 400, "needs a JSON object");
        assertError(host.call("POST", at, ""), 400, "needs a JSON object");
        assertError(host.call("POST", at, "{\"name\":\"a\"}"), 400, "lacks the object 'config'");
        assertError(host.call("POST", at, "{\"name\":\"a\",\"confg\":{}}"), 400, "confg");
        assertError(
                host.call("POST", at, "{\"name\":\"a\",\"config\":{\"x\":{\"y\":1}}}"), 400, "");
        assertError(
                host.call(
                        "POST", at, "{\"name\":\"a\",\"config\":{},\"initial_state\":\"ASLEEP\"}"),
                400,
                "");
        assertError(
                host.call("POST", at, "{\"name\":\"a\",\"config\":{}}"),
                400,
                "contains no connector type");
        assertError(
                host.call(
                        "POST",
                        at,
                        create("a", JSON.createObjectNode().put("connector.class", "Zz"))),
                400,
                "Failed to find any class that implements Connector");
        assertError(
                host.call("POST", at, create("a", config.deepCopy().put("name", "b"))),
                400,
                "doesn't match connector name");
        assertError(
                host.call("POST", at, create("a", config.deepCopy().without("topic.prefix"))),
                400,
                "contains the following 1 error(s)");
        assertError(host.call("POST", at, create("a/b", config)), 400, "must not contain '/'");
        assertError(host.get("/connectors/a%2Fb"), 400, "");
        assertError(host.send("POST", at, "{}", "text/plain"), 415, "");
        assertThat(host.get(at).body()).isEmpty();
    }

    @Test
    @Order(5)
    void createsAConnectorThatSnapshotsAndStreams() throws IOException {
        Answer created = host.call("POST", "/connectors", create("shop", config()));
        assertThat(created.status()).as("%s", created).isEqualTo(201);
        assertThat(created.location()).endsWith("/connectors/shop");
        assertThat(created.body().path("name").asText()).isEqualTo("shop");
        assertThat(created.body().path("type").asText()).isEqualTo("source");
        assertThat(created.body().at("/config/tasks.max").isTextual()).isTrue();
        assertError(
                host.call("POST", "/connectors", create("shop", config())), 409, "already exists");
        awaitRunning("shop");
        assertThat(records(2)).containsExactlyInAnyOrder("1 r one", "2 r two");
        mysql.execute(
                "INSERT INTO shop.item VALUES (3,'three')",
                "UPDATE shop.item SET name='zwei' WHERE id=2",
                "DELETE FROM shop.item WHERE id=1");
        assertThat(records(6).subList(2, 6))
                .containsExactly("3 c three", "2 u zwei", "1 d ", "1 tombstone");
    }

    @Test
    @Order(6)
    void showsAConnector() {
        assertThat(host.get("/connectors").body().toString()).isEqualTo("[\"shop\"]");
        assertThat(host.get("/connectors?expand=status").body().at("/shop/status/name").asText())
                .isEqualTo("shop");
        JsonNode both = host.get("/connectors?expand=status&expand=info").body().path("shop");
        assertThat(both.at("/info/tasks/0/connector").asText()).isEqualTo("shop");
        assertThat(both.at("/status/connector/state").asText()).isEqualTo("RUNNING");
        JsonNode info = host.get("/connectors/shop").body();
        assertThat(info.at("/tasks/0/task").asInt()).isZero();
        assertThat(info.path("config")).isEqualTo(host.get("/connectors/shop/config").body());
        JsonNode status = host.get("/connectors/shop/status").body();
        assertThat(status.at("/connector/worker_id").asText()).isEqualTo("127.0.0.1:" + host.port);
        assertThat(status.path("type").asText()).isEqualTo("source");
        JsonNode tasks = host.get("/connectors/shop/tasks").body();
        assertThat(tasks.at("/0/id/connector").asText()).isEqualTo("shop");
        assertThat(tasks.at("/0/config/task.class").asText()).contains("MySqlConnectorTask");
        JsonNode task = host.get("/connectors/shop/tasks/0/status").body();
        assertThat(task.path("id").asInt()).isZero();
        assertThat(task.path("state").asText()).isEqualTo("RUNNING");
        assertThat(host.get("/connectors/shop/topics").body().at("/shop/topics").toString())
                .contains(TOPIC);
        JsonNode offsets =
                host.await("/connectors/shop/offsets", a -> !a.body().path("offsets").isEmpty())
                        .body();
        assertThat(offsets.at("/offsets/0/partition/server").asText()).isEqualTo("shop");
        assertThat(offsets.at("/offsets/0/offset/file").asText()).contains("binlog");

        assertError(host.get("/connectors/zz"), 404, "Connector zz not found");
        assertError(host.get("/connectors/zz/config"), 404, "Connector zz not found");
        assertError(host.get("/connectors/zz/status"), 404, "No status found for connector zz");
        assertError(host.get("/connectors/zz/tasks"), 404, "not found");
        assertError(host.get("/connectors/zz/offsets"), 404, "not found");
        assertError(
                host.get("/connectors/shop/tasks/9/status"),
                404,
                "No status found for task shop-9");
        assertError(host.get("/connectors/shop/tasks/x/status"), 404, "Not Found");
    }

    @Test
    @Order(7)
    void changesAConnector() {
        String at = "/connectors/shop/config";
        Answer put = host.call("PUT", at, config().put("max.batch.size", "512").toString());
        assertThat(put.status()).isEqualTo(200);
        assertThat(put.body().at("/config/max.batch.size").asText()).isEqualTo("512");
        Answer patched =
                host.call("PATCH", at, "{\"max.batch.size\":null,\"poll.interval.ms\":\"50\"}");
        assertThat(patched.status()).isEqualTo(200);
        assertThat(patched.body().path("config").has("max.batch.size")).isFalse();
        assertThat(patched.body().at("/config/poll.interval.ms").asText()).isEqualTo("50");
        assertError(host.call("PUT", at, "{}"), 400, "contains no connector type");
        assertError(host.call("PUT", at, "{"), 400, "");
        assertError(host.call("PUT", at, ""), 400, "needs a JSON object");
        assertError(host.call("PUT", at, create("shop", config())), 400, "");
        assertError(host.call("PATCH", at, ""), 400, "needs a JSON object");
        assertError(host.call("PATCH", "/connectors/zz/config", "{}"), 404, "zz");
        Answer made =
                host.call(
                        "PUT",
                        "/connectors/other/config",
                        config().put("topic.prefix", "o").toString());
        assertThat(made.status()).isEqualTo(201);
        assertThat(made.location()).endsWith("/connectors/other");
        assertThat(host.call("DELETE", "/connectors/other").status()).isEqualTo(204);
        assertError(host.call("DELETE", "/connectors/other"), 404, "not found");
        awaitRunning("shop");
    }

    @Test
    @Order(8)
    void pausesResumesRestartsAndStops() throws IOException {
        String at = "/connectors/shop";
        assertThat(host.call("PUT", at + "/pause").status()).isEqualTo(202);
        host.await(at + "/status", a -> a.body().at("/connector/state").asText().equals("PAUSED"));
        assertThat(host.call("PUT", at + "/resume").status()).isEqualTo(202);
        awaitRunning("shop");
        assertThat(
                        host.call(
                                        "PUT",
                                        "/admin/loggers/org.apache.kafka.connect.runtime.Worker",
                                        "{\"level\":\"INFO\"}")
                                .status())
                .isEqualTo(200);
        long logged = host.logBytes();
        assertThat(host.call("POST", at + "/restart").status()).isEqualTo(204);
        host.awaitLog(logged, "Creating connector shop ");
        awaitRunning("shop");
        assertThat(host.logTextFrom(logged)).doesNotContain("task shop-0");
        Answer restart = host.call("POST", at + "/restart?includeTasks=true&onlyFailed=false");
        assertThat(restart.status()).isEqualTo(202);
        assertThat(restart.body().at("/connector/state").asText()).isEqualTo("RESTARTING");
        host.awaitLog(logged, "Creating task shop-0");
        awaitRunning("shop");
        assertThat(host.call("POST", at + "/tasks/0/restart").status()).isEqualTo(204);
        assertError(host.call("POST", at + "/tasks/9/restart"), 404, "Unknown task: shop-9");
        assertError(host.call("POST", "/connectors/zz/restart"), 404, "Unknown connector: zz");
        assertError(host.call("PUT", "/connectors/zz/pause"), 404, "Unknown connector zz");
        assertError(host.call("PUT", "/connectors/zz/resume"), 404, "Unknown connector zz");
        assertError(host.call("PUT", "/connectors/zz/stop"), 404, "zz");
        assertThat(host.call("PUT", at + "/topics/reset").status()).isEqualTo(202);
        awaitRunning("shop");
    }

    @Test
    @Order(9)
    void offsetsChangeOnlyWhileStopped() {
        String at = "/connectors/shop/offsets";
        JsonNode offsets = host.get(at).body();
        assertError(host.call("PATCH", at, offsets.toString()), 400, "STOPPED");
        assertError(host.call("DELETE", at), 400, "STOPPED");
        assertThat(host.call("PUT", "/connectors/shop/stop").status()).isEqualTo(204);
        host.await(
                "/connectors/shop/status",
                a ->
                        a.body().at("/connector/state").asText().equals("STOPPED")
                                && a.body().path("tasks").isEmpty());
        Answer altered = host.call("PATCH", at, offsets.toString());
        assertThat(altered.status()).as("%s", altered).isEqualTo(200);
        assertThat(altered.message()).contains("altered successfully");
        assertError(host.call("PATCH", at, "{\"offsets\":[]}"), 400, "need to be provided");
        assertError(host.call("PATCH", at, ""), 400, "needs a JSON object");
        assertThat(host.get(at).body()).isEqualTo(offsets);
        Answer reset = host.call("DELETE", at);
        assertThat(reset.status()).isEqualTo(200);
        assertThat(reset.message()).contains("reset successfully");
        assertThat(host.get(at).body().path("offsets")).isEmpty();
        assertThat(host.call("PATCH", at, offsets.toString()).status()).isEqualTo(200);
        assertThat(host.get(at).body()).isEqualTo(offsets);
        assertThat(host.call("PUT", "/connectors/shop/resume").status()).isEqualTo(202);
        awaitRunning("shop");
    }

    @Test
    @Order(10)
    void changesLogLevels() {
        assertThat(host.get("/admin/loggers").body().has("root")).isTrue();
        Answer set = host.call("PUT", "/admin/loggers/org.apache.zz", "{\"level\":\"ERROR\"}");
        assertThat(set.status()).isEqualTo(200);
        assertThat(host.get("/admin/loggers/org.apache.zz").body().path("level").asText())
                .isEqualTo("ERROR");
        assertError(host.call("PUT", "/admin/loggers/org.apache.zz", "{}"), 400, "level");
        assertError(host.call("PUT", "/admin/loggers/org.apache.zz", "{"), 400, "");
    }

    /** What clients in other words, or with other manners, get. */
    @Test
    @Order(11)
    void cornersOfTheProtocol() {
        assertThat(host.call("HEAD", "/").status()).isEqualTo(200);
        assertThat(host.call("OPTIONS", "/connectors").status()).isEqualTo(200);
        assertError(host.call("POST", "/", "{}"), 405, "Method Not Allowed");
        assertError(host.call("DELETE", "/connector-plugins"), 405, "Method Not Allowed");
        assertThat(host.get("/connectors/").body().toString()).isEqualTo("[\"shop\"]");
        for (String expand : List.of("status,info", "other", "")) {
            assertThat(host.get("/connectors?expand=" + expand).body().toString())
                    .isEqualTo("{\"shop\":{}}");
        }
        assertError(host.get("/connectors/shop/restart"), 405, "");
        assertError(host.get("/connectors/shop/tasks-config"), 404, "");
        assertError(host.call("POST", "/connectors/shop/tasks", "[]"), 400, "signature");
        assertError(host.call("PUT", "/connectors/shop/fence", ""), 400, "signature");
        assertThat(host.get("/connectors/zz/topics").body().toString())
                .isEqualTo("{\"zz\":{\"topics\":[]}}");
        assertThat(host.call("PUT", "/connectors/zz/topics/reset").status()).isEqualTo(202);
        assertError(host.call("DELETE", "/connectors/zz/offsets"), 404, "not found");
        assertError(
                host.call(
                        "PATCH",
                        "/connectors/zz/offsets",
                        "{\"offsets\":[{\"partition\":{\"a\":\"b\"},\"offset\":null}]}"),
                404,
                "not found");
        assertError(
                host.call("PATCH", "/connectors/shop/offsets", "{\"offsets\":{}}"),
                400,
                "is not what is wanted here");
        assertError(host.get("/connector-plugins/MySql/config?version=9"), 400, "version range");
        assertError(host.get("/connectors/%2E%2E"), 400, "");
        assertError(host.get("//connectors"), 400, "");
        assertError(host.call("PUT", "/admin/loggers/root", "{\"level\":\"LOUD\"}"), 404, "LOUD");
        assertError(host.get("/admin/loggers/no.such.logger"), 404, "");
        assertThat(
                        host.call(
                                        "PUT",
                                        "/admin/loggers/org.apache.zz?scope=cluster",
                                        "{\"level\":\"WARN\"}")
                                .status())
                .isEqualTo(204);
    }

    @Test
    @Order(12)
    void oddNamesAndBodies() {
        String at = "/connectors";
        for (String name : List.of("..", "x".repeat(501))) {
            assertError(host.call("POST", at, create(name, config())), 400, "must not be");
        }
        assertError(host.call("POST", at, create("", config())), 400, "may not be empty");
        assertError(host.call("POST", at, create("a\nb", config())), 400, "control sequences");
        ObjectNode huge = config().put("database.query.timeout.comment", "x".repeat(1_000_000));
        assertError(host.call("POST", at, create("huge", huge)), 413, "larger than 1000000 bytes");
        assertError(host.call("PUT", at + "/huge/config", huge.toString()), 413, "larger");
        assertError(
                host.sendBytes(
                        "POST", at, "{\"name\":\"\u00ff\"}".getBytes(StandardCharsets.ISO_8859_1)),
                400,
                "Invalid UTF-8");
        assertError(host.call("POST", at, "[".repeat(100_000)), 400, "");
        // Workers send each other the settings of all tasks at once.
        String manyTasks = "[{\"a\":\"" + "x".repeat(2_000_000) + "\"}]";
        assertError(host.call("POST", at + "/shop/tasks", manyTasks), 400, "signature");
        String odd = " a b?#&=;+é世 ";
        ObjectNode body = JSON.createObjectNode();
        body.put("name", odd).put("initial_state", "STOPPED");
        body.set("config", config().put("topic.prefix", "odd"));
        Answer made = host.call("POST", at, body.toString());
        assertThat(made.status()).as("%s", made).isEqualTo(201);
        assertThat(made.body().path("name").asText()).isEqualTo(odd.strip());
        String path =
                at
                        + "/"
                        + URLEncoder.encode(odd.strip(), StandardCharsets.UTF_8)
                                .replace("+", "%20");
        assertThat(host.get(path).body().path("name").asText()).isEqualTo(odd.strip());
        host.await(
                path + "/status", a -> a.body().at("/connector/state").asText().equals("STOPPED"));
        assertThat(host.call("DELETE", path).status()).isEqualTo(204);
    }

    @Test
    @Order(13)
    void aSecondProcessOnTheFolderIsRefused() throws InterruptedException {
        Process second = host.second();
        try {
            assertThat(second.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(second.exitValue()).isEqualTo(HostProcess.REFUSED);
        } finally {
            second.destroyForcibly();
        }
        assertThat(host.logText()).contains("is in use by another process");
        assertThat(host.get("/connectors/shop/status").status()).isEqualTo(200);
    }

    @Test
    @Order(14)
    void aKilledHostComesBackWithItsConnectorAndGoesOn() throws Exception {
        int before = records(6).size();
        createAs("STOPPED", "halted");
        createAs("PAUSED", "resting");
        String offsets =
                "{\"offsets\":[{\"partition\":{\"server\":\"halted\"},\"offset\":{\"pos\":4}}]}";
        assertThat(host.call("PATCH", "/connectors/halted/offsets", offsets).status())
                .isEqualTo(200);
        host.kill9();
        mysql.execute("INSERT INTO shop.item VALUES (4,'four')");
        host.start();
        assertThat(host.answersUntilReady("/health"))
                .isNotEmpty()
                .allSatisfy(answer -> {
                    assertThat(answer.status()).isEqualTo(503);
                    // First ours, then Connect's own, which has other members.
                    assertThat(answer.body().toString()).contains("starting");
                });
        awaitRunning("shop");
        assertThat(records(before + 1)).endsWith("4 c four");
        awaitState("halted", "STOPPED");
        awaitState("resting", "PAUSED");
        assertThat(host.get("/connectors/halted/offsets").body().toString()).isEqualTo(offsets);
        assertThat(host.call("DELETE", "/connectors/halted").status()).isEqualTo(204);
        assertThat(host.call("DELETE", "/connectors/resting").status()).isEqualTo(204);
    }

    private void createAs(String state, String name) {
        ObjectNode body = JSON.createObjectNode();
        body.put("name", name).put("initial_state", state);
        body.set("config", config().put("topic.prefix", name));
        assertThat(host.call("POST", "/connectors", body.toString()).status()).isEqualTo(201);
        awaitState(name, state);
    }

    private void awaitState(String name, String state) {
        host.await(
                "/connectors/" + name + "/status",
                a -> a.body().at("/connector/state").asText().equals(state));
    }

    @Test
    @Order(15)
    void stopsInOrder() throws Exception {
        assertThat(host.stop(Duration.ofSeconds(30))).isZero();
        assertThat(host.logText()).contains("stopped part=broker").doesNotContain("did not stop");
    }
}
