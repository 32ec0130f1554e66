package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.cli.CliRun;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.MillraceServer;
import io.millrace.testkit.servers.Ports;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Change feed tasks as users have them: a server process with TiUniManager's API, two real upstream
 * servers with tables of the same name, a real target and a real Kafka.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the tests
final class TiUniManagerFeedsIT {
    private static final String FEEDS = "/api/v1/changefeeds/";
    private static final String SECRET = "hidden@:/?#%&+ 'ü1";
    private static final String WORD = "hidden-2-of-admin";
    private static final long PATIENCE_NANOS = Duration.ofSeconds(60).toNanos();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir static Path folder;

    private static DbServer first;
    private static DbServer second;
    private static DbServer target;
    private static KafkaServer kafka;
    private static MillraceServer server;
    private static String url;
    private static String token = "";

    private interface Condition {
        boolean holds() throws Exception;
    }

    @BeforeAll
    static void start() throws Exception {
        var starting =
                List.of(
                        CompletableFuture.supplyAsync(() -> DbServer.mysql().start()),
                        CompletableFuture.supplyAsync(
                                () -> DbServer.mariadb().rootPassword("hidden3").start()),
                        CompletableFuture.supplyAsync(
                                () -> DbServer.mariadb().option("server_id", "3").start()));
        kafka = KafkaServer.builder().start();
        first = starting.get(0).get();
        second = starting.get(1).get();
        target = starting.get(2).get();
        first.execute(
                "CREATE DATABASE shop",
                "CREATE TABLE shop.items (id INT PRIMARY KEY, a VARCHAR(20))");
        second.execute(
                "CREATE DATABASE shop",
                "CREATE TABLE shop.before_it (id INT PRIMARY KEY)",
                "CREATE TABLE shop.items (b INT, id BIGINT PRIMARY KEY, c TEXT)");
        target.execute(
                "CREATE DATABASE shop",
                "CREATE TABLE shop.items (id INT PRIMARY KEY, a VARCHAR(20))",
                "CREATE USER 'wri''ter@x'@'%' IDENTIFIED BY '" + SECRET.replace("'", "''") + "'",
                "GRANT ALL ON *.* TO 'wri''ter@x'@'%' WITH GRANT OPTION");
        String address = "127.0.0.1:" + Ports.free();
        url = "http://" + address;
        server =
                MillraceServer.start(
                        first.uri(), folder, "--tiunimanager", "--tiunimanager-addr", address);
        Matcher printed =
                Pattern.compile("with the password (\\S+) and change it")
                        .matcher(Files.readString(server.log().toPath()));
        until(
                "the password is printed",
                () -> {
                    printed.reset(Files.readString(server.log().toPath()));
                    return printed.find();
                });
        JsonNode session = login(printed.group(1));
        assertThat(session.get("passwordExpired").asBoolean()).isTrue();
        token = session.get("token").asText();
        ok(
                "POST",
                "/api/v1/users/" + session.get("userId").asText() + "/password",
                "{\"password\":\"" + WORD + "\"}");
        token = login(WORD).get("token").asText();
    }

    @AfterAll
    static void stop() {
        server.close();
        kafka.close();
        target.close();
        second.close();
        first.close();
    }

    private static JsonNode login(String password) {
        return ok(
                "POST",
                "/api/v1/user/login",
                "{\"userName\":\"admin\",\"userPassword\":\"" + password + "\"}");
    }

    private static JsonNode call(String method, String path, String body) {
        try {
            HttpResponse<String> response =
                    HTTP.send(
                            HttpRequest.newBuilder(URI.create(url + path))
                                    .header("Authorization", "Bearer " + token)
                                    .method(method, BodyPublishers.ofString(body))
                                    .build(),
                            BodyHandlers.ofString());
            assertThat(response.body()).doesNotContain("hidden@", "hidden3", WORD);
            return JSON.readTree(response.body());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static JsonNode ok(String method, String path, String body) {
        JsonNode answer = call(method, path, body);
        assertThat(answer.path("code").asInt(-1)).as(answer.toString()).isZero();
        return answer.get("data");
    }

    private static void until(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("%s\n%s", what, server.logTail()).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    private static void untilTarget(String wanted) throws Exception {
        String sql = "SELECT GROUP_CONCAT(id, '=', a ORDER BY id) FROM shop.items";
        until(sql + " = " + wanted, () -> target.query(sql).orElse("").equals(wanted));
    }

    /** Reads a topic's only partition until a message holds a text; answers all messages. */
    private static List<String> untilTopic(String topic, String part) throws Exception {
        List<String> seen = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", kafka.bootstrapServers()),
                        new StringDeserializer(),
                        new StringDeserializer())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            until(
                    part + " in " + topic,
                    () -> {
                        consumer.poll(Duration.ofMillis(100))
                                .forEach(message -> seen.add(String.valueOf(message.value())));
                        return seen.stream().anyMatch(message -> message.contains(part));
                    });
        }
        return seen;
    }

    private static String downstream(String password) {
        return "{\"ip\":\"http://127.0.0.1\",\"port\":"
                + target.port()
                + ",\"username\":\"wri'ter@x\",\"password\":\""
                + password
                + "\",\"concurrentThreads\":3,\"maxTxnRow\":100}";
    }

    private static String toKafka(String topic, String more) {
        return "\"downstreamType\":\"kafka\",\"downstream\":{\"ip\":\"127.0.0.1\",\"port\":"
                + kafka.port()
                + ",\"topicName\":\""
                + topic
                + "\","
                + more
                + "}";
    }

    private static Set<String> tableIds(String id) {
        JsonNode captures = server.ok("GET", "/api/v2/captures", "");
        Set<String> ids = new TreeSet<>();
        server.ok("GET", "/api/v2/processors/" + id + "/" + captures.at("/items/0/id").asText(), "")
                .path("table_ids")
                .forEach(table -> ids.add(table.asText()));
        return ids;
    }

    /** One story, so that servers are started once. */
    @Test
    void tasksOfTwoUpstreams() throws Exception {
        assertThat(
                        call("POST", "/api/v1/clusters/takeover", takeover("wrong-password"))
                                .get("code")
                                .asInt())
                .isEqualTo(20201);
        JsonNode registered = ok("POST", "/api/v1/clusters/takeover", takeover("hidden3"));
        assertThat(registered.get("clusterId").asText()).isEqualTo("second");
        assertThat(
                        ok("GET", "/api/v1/workflow/" + registered.get("workFlowId").asText(), "")
                                .get("nodes"))
                .hasSize(4);
        Map<String, String> me = Map.of("MILLRACE_USER", "admin:" + WORD);
        CliRun list = CliRun.of(me, "", "cluster", "list", "--server", url);
        assertThat(list.out()).contains("default", "second", "2 cluster(s)");
        CliRun third =
                CliRun.of(
                        me,
                        "hidden3\n",
                        "cluster",
                        "add",
                        "third",
                        "--upstream",
                        "mysql://root@127.0.0.1:" + second.port() + "/",
                        "--server",
                        url);
        assertThat(third.out()).as(third.err()).startsWith("cluster third added");
        CliRun gone = CliRun.of(me, "y\n", "cluster", "remove", "third", "--server", url);
        assertThat(gone.out()).as(gone.err()).isEqualTo("cluster third removed\n");

        String toTarget =
                ok(
                                "POST",
                                FEEDS,
                                "{\"name\":\"to the target\",\"clusterId\":\"default\",\"rules\":"
                                        + "[\"shop.*\"],\"downstreamType\":\"mysql\","
                                        + "\"downstream\":"
                                        + downstream(SECRET)
                                        + "}")
                        .get("id")
                        .asText();
        String toTopic =
                ok(
                                "POST",
                                FEEDS,
                                "{\"name\":\"to a topic\",\"clusterId\":\"second\",\"rules\":"
                                        + "[\"shop.items\"],"
                                        + toKafka(
                                                "items",
                                                "\"protocol\":\"maxwell\",\"partitions\":1,"
                                                        + "\"replicationFactor\":1,"
                                                        + "\"version\":\"2.4.0\","
                                                        + "\"clientId\":\"c1\","
                                                        + "\"maxMessageBytes\":100000,"
                                                        + "\"dispatchers\":[{\"matcher\":"
                                                        + "\"shop.*\",\"dispatcher\":\"table\"}]")
                                        + "}")
                        .get("id")
                        .asText();
        server.createChangefeed(
                "made-by-ticdc",
                "kafka://"
                        + kafka.bootstrapServers()
                        + "/other?protocol=canal-json&partition-num=1",
                "\"upstream\":\"second\",\"replica_config\":{\"filter\":{\"rules\":[\"shop.*\"]}}");
        first.execute("INSERT INTO shop.items VALUES (1, 'of first')");
        second.execute("INSERT INTO shop.items VALUES (20, 2, 'of second')");
        untilTarget("1=of first");
        untilTopic("items", "of second");
        untilTopic("other", "of second");

        assertThat(server.changefeed(toTarget).get("sink_uri").asText())
                .isEqualTo(
                        "mysql://wri%27ter%40x:xxxxx@127.0.0.1:"
                                + target.port()
                                + "/?worker-count=3&max-txn-row=100");
        assertThat(server.changefeed(toTopic).get("upstream_id").asText())
                .isEqualTo(server.changefeed("made-by-ticdc").get("upstream_id").asText())
                .isNotEqualTo(server.changefeed(toTarget).get("upstream_id").asText());
        assertThat(ok("GET", FEEDS + "?clusterId=default", "")).hasSize(1);
        JsonNode ofSecond = ok("GET", FEEDS + "?clusterId=second&page=2&pageSize=1", "");
        assertThat(ofSecond.at("/0/id").asText()).isEqualTo("made-by-ticdc");
        assertThat(ofSecond.at("/0/downstream/protocol").asText()).isEqualTo("canal-json");
        assertThat(tableIds(toTarget)).hasSize(1);
        assertThat(tableIds("made-by-ticdc")).hasSize(2);

        // What happens to a table of the one upstream is nothing to that of the other.
        second.execute(
                "ALTER TABLE shop.items DROP COLUMN b, ADD COLUMN d INT DEFAULT 7 FIRST",
                "INSERT INTO shop.items (id, c) VALUES (3, 'after the change')");
        first.execute("INSERT INTO shop.items VALUES (2, 'still two columns')");
        untilTarget("1=of first,2=still two columns");
        assertThat(untilTopic("items", "after the change").getLast())
                .contains("\"d\":7")
                .doesNotContain("\"b\":");

        assertThat(ok("POST", FEEDS + toTarget + "/pause", "").get("status").asText())
                .isEqualTo("Normal");
        assertThat(server.changefeed(toTarget).get("state").asText()).isEqualTo("stopped");
        first.execute("INSERT INTO shop.items VALUES (3, 'while paused')");
        assertThat(ok("POST", FEEDS + toTarget + "/resume", "").get("status").asText())
                .isEqualTo("Stopped");
        untilTarget("1=of first,2=still two columns,3=while paused");
        ok(
                "POST",
                FEEDS + toTarget + "/update",
                "{\"name\":\"renamed\",\"rules\":[\"shop.i*\"],\"downstreamType\":\"mysql\","
                        + "\"downstream\":"
                        + downstream("******").replace("\"maxTxnRow\":100", "\"maxTxnRow\":50")
                        + "}");
        first.execute("UPDATE shop.items SET a = 'updated' WHERE id = 3");
        untilTarget("1=of first,2=still two columns,3=updated");
        refusals(toTarget);

        server.kill9();
        first.execute("INSERT INTO shop.items VALUES (4, 'while away')");
        second.execute("INSERT INTO shop.items (id, c) VALUES (4, 'while away')");
        server.start();
        untilTarget("1=of first,2=still two columns,3=updated,4=while away");
        untilTopic("items", "while away");
        JsonNode task = ok("GET", FEEDS + toTarget, "");
        assertThat(task.get("name").asText()).isEqualTo("renamed");
        assertThat(task.get("status").asText()).isEqualTo("Normal");
        assertThat(task.get("rules").toString()).isEqualTo("[\"shop.i*\"]");
        assertThat(task.get("downstream").toString())
                .contains("\"ip\":\"http://127.0.0.1\"", "\"concurrentThreads\":3")
                .contains("\"maxTxnRow\":50", "\"password\":\"******\"");
        assertThat(ok("GET", "/api/v1/clusters/second", "").at("/info/status").asText())
                .isEqualTo("Running");
        assertThat(call("DELETE", "/api/v1/clusters/second", "").get("code").asInt())
                .isEqualTo(20114);

        for (String id : List.of(toTarget, toTopic, "made-by-ticdc")) {
            assertThat(ok("DELETE", FEEDS + id, "").get("id").asText()).isEqualTo(id);
            assertThat(server.call("GET", "/api/v2/changefeeds/" + id, "").status()).isEqualTo(400);
        }
        ok("DELETE", "/api/v1/clusters/second", "");
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                assertThat(new String(Files.readAllBytes(file), StandardCharsets.UTF_8))
                        .as(file.toString())
                        .doesNotContain(SECRET, "hidden3", "wrong-password", WORD, token);
            }
        }
    }

    /** What real sinks refuse leaves no task behind, and changes none. */
    private static void refusals(String id) {
        String create = "{\"name\":\"refused\",\"clusterId\":\"default\",\"rules\":[\"shop.*\"],";
        for (String body :
                List.of(
                        "\"downstreamType\":\"mysql\",\"downstream\":" + downstream("wrong"),
                        "\"downstreamType\":\"tidb\",\"downstream\":{\"ip\":\"127.0.0.1\",\"port\":1}",
                        toKafka("t", "\"protocol\":\"nonsense\""),
                        toKafka("t", "\"protocol\":\"avro\""),
                        toKafka("t", "\"version\":\"x\""),
                        toKafka("t", "\"clientId\":\"a b\""),
                        toKafka("no topic!", "\"partitions\":1"),
                        toKafka(
                                "t",
                                "\"dispatchers\":[{\"matcher\":\"s.*\",\"dispatcher\":\"x\"}]"),
                        "\"downstreamType\":\"mysql\",\"downstream\":{\"ip\":\"127.0.0.1\",\"port\":"
                                + first.port()
                                + "}")) {
            JsonNode answer = call("POST", FEEDS, create + body + "}");
            assertThat(answer.path("code").asInt()).as("%s %s", body, answer).isEqualTo(21206);
        }
        assertThat(
                        call(
                                        "POST",
                                        FEEDS + id + "/update",
                                        "{\"name\":\"renamed\",\"downstreamType\":\"mysql\","
                                                + "\"downstream\":"
                                                + downstream("wrong")
                                                + "}")
                                .path("code")
                                .asInt())
                .isEqualTo(21206);
        assertThat(ok("GET", FEEDS + "?clusterId=default", "")).hasSize(1);
        assertThat(ok("GET", FEEDS + id, "").get("status").asText()).isEqualTo("Normal");
    }

    private static String takeover(String password) {
        return "{\"clusterName\":\"second\",\"TiUPIp\":\"127.0.0.1\",\"TiUPPort\":"
                + second.port()
                + ",\"TiUPUserName\":\"root\",\"TiUPUserPassword\":\""
                + password
                + "\",\"TiUPPath\":\"/\",\"dbPassword\":\""
                + password
                + "\"}";
    }
}
