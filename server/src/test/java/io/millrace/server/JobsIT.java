package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.cli.CliRun;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.testkit.net.FaultProxy;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DebeziumPlugins;
import io.millrace.testkit.servers.Ports;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * One server with a changefeed and Debezium's connector for MySQL, which reads through a proxy that
 * can fail. The tests go through the life of the connector in an order.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@SuppressWarnings("NullAway.Init") // fields are set before all tests
class JobsIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final String PASSWORD = "hidden1";

    @TempDir static Path folder;

    private static DbServer mysql;
    private static FaultProxy proxy;
    private static CompletableFuture<MillraceNode> starting;
    private static MillraceNode node;
    private static String connect;
    private static int kafkaPort;

    @BeforeAll
    static void start() throws Exception {
        int port = Ports.free();
        kafkaPort = Ports.free();
        connect = "http://127.0.0.1:" + port;
        Settings settings =
                new Settings()
                        .set("addr", "127.0.0.1:0")
                        .set("data-dir", folder.toString())
                        .set("upstream", "fake://here")
                        .set("connect.enabled", "true")
                        .set("connect.addr", "127.0.0.1:" + port)
                        .set("connect.kafka-port", Integer.toString(kafkaPort))
                        .set("connect.plugin-path", DebeziumPlugins.mysql().toString())
                        .set("connect.stalled-after", "2s")
                        .set("connect.auto-restart", "true")
                        .set("connect.restart-wait", "1s")
                        .set("connect.restart-max-wait", "2s");
        starting =
                CompletableFuture.supplyAsync(
                        () ->
                                MillraceNode.start(
                                        ServerConfig.of(settings),
                                        List.of(new FakeUpstream()),
                                        List.of(new BlackholeSinkFactory())),
                        task -> Thread.ofVirtual().start(task));
        mysql = DbServer.mysql().rootPassword(PASSWORD).start();
        mysql.execute(
                "CREATE DATABASE shop",
                "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(20))",
                "INSERT INTO shop.item VALUES (1,'one')",
                "CREATE USER dbz@'%' IDENTIFIED BY '" + PASSWORD + "'",
                "GRANT ALL ON *.* TO dbz@'%'");
        proxy = new FaultProxy(mysql.host(), mysql.port());
        node = starting.join();
    }

    @AfterAll
    static void stop() {
        try {
            if (starting != null) {
                starting.join().close();
            }
        } finally {
            if (proxy != null) {
                proxy.close();
            }
            if (mysql != null) {
                mysql.close();
            }
        }
    }

    private static HttpResponse<String> send(String method, String url, String body)
            throws Exception {
        return HTTP.send(
                HttpRequest.newBuilder(URI.create(url))
                        .header("Content-Type", "application/json")
                        .method(method, HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static JsonNode jobs() throws Exception {
        HttpResponse<String> answer = send("GET", node.url() + "/api/millrace/v1/jobs", "");
        assertThat(answer.statusCode()).isEqualTo(200);
        return JSON.readTree(answer.body());
    }

    private static JsonNode job(String name) throws Exception {
        for (JsonNode job : jobs().path("jobs")) {
            if (job.path("name").asText().equals(name)) {
                return job;
            }
        }
        return JSON.createObjectNode();
    }

    private static JsonNode await(String name, Predicate<JsonNode> wanted) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            JsonNode job = job(name);
            if (wanted.test(job)) {
                return job;
            }
            assertThat(System.nanoTime()).as("%s stays %s", name, job).isLessThan(deadline);
            Thread.sleep(100);
        }
    }

    private static JsonNode awaitState(String state) throws Exception {
        return await("shop", job -> job.path("state").asText().equals(state));
    }

    /** A row each second, from number 100. */
    private static JsonNode insertUntil(Predicate<JsonNode> wanted) throws Exception {
        long start = System.nanoTime();
        for (int rows = 0; ; ) {
            JsonNode job = job("shop");
            if (wanted.test(job)) {
                return job;
            }
            long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
            assertThat(seconds).as("shop stays %s", job).isLessThan(60);
            if (rows <= seconds) {
                mysql.execute("INSERT INTO shop.item VALUES (" + (100 + rows++) + ",'row')");
            }
            Thread.sleep(100);
        }
    }

    private static String metrics() throws Exception {
        return send("GET", node.url() + "/metrics", "").body();
    }

    @Test
    @Order(1)
    void changefeedsAreInTheListBesideConnectors() throws Exception {
        assertThat(jobs().path("connect").asText()).isIn("starting", "on");
        send(
                "POST",
                node.url() + "/api/v2/changefeeds",
                "{\"changefeed_id\":\"feed\",\"sink_uri\":\"blackhole://\"}");
        JsonNode feed = await("feed", job -> job.path("rows_per_second").isNumber());
        assertThat(feed.path("dialect").asText()).isEqualTo("ticdc");
        assertThat(feed.path("kind").asText()).isEqualTo("changefeed");
        assertThat(feed.path("class").asText()).isEqualTo("blackhole");
        assertThat(feed.path("namespace").asText()).isEqualTo("default");
        assertThat(feed.path("state").asText()).isEqualTo("normal");
        assertThat(feed.path("position").asText()).matches("\\d{18}");
        assertThat(feed.path("lag_ms").isNumber()).isTrue();
        assertThat(feed.path("error").isNull()).isTrue();
    }

    /** The worker starts beside the server: at first nobody listens, then it answers 503. */
    private static HttpResponse<String> create(String body) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            try {
                HttpResponse<String> answer = send("POST", connect + "/connectors", body);
                if (answer.statusCode() != 503) {
                    return answer;
                }
            } catch (ConnectException e) {
                // Not yet.
            }
            assertThat(System.nanoTime()).as("the worker starts").isLessThan(deadline);
            Thread.sleep(50);
        }
    }

    @Test
    @Order(2)
    void aConnectorMovesAndThenIsIdle() throws Exception {
        HttpResponse<String> created =
                create(
                        """
                        {"name": "shop", "config": {
                          "connector.class": "io.debezium.connector.mysql.MySqlConnector",
                          "database.hostname": "127.0.0.1",
                          "database.port": "%d",
                          "database.user": "dbz",
                          "database.password": "%s",
                          "database.server.id": "9002",
                          "topic.prefix": "shop",
                          "table.include.list": "shop.item",
                          "connect.keep.alive.interval.ms": "1000",
                          "schema.history.internal.kafka.bootstrap.servers": "127.0.0.1:%d",
                          "schema.history.internal.kafka.topic": "shop-history"}}
                        """
                                .formatted(proxy.port(), PASSWORD, kafkaPort));
        assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
        // The lag is known from the first change after the snapshot, and either may be over before
        // somebody looks.
        JsonNode moving =
                insertUntil(job ->
                        job.path("state").asText().equals("moving")
                                && job.path("lag_ms").isNumber());
        assertThat(moving.path("dialect").asText()).isEqualTo("connect");
        assertThat(moving.path("kind").asText()).isEqualTo("source");
        assertThat(moving.path("class").asText()).endsWith(".MySqlConnector");
        assertThat(moving.path("connector_state").asText()).isEqualTo("RUNNING");
        assertThat(moving.at("/tasks/0/state").asText()).isEqualTo("RUNNING");
        assertThat(moving.path("rows_per_second").asDouble()).isPositive();
        assertThat(ok("jobs", "--server", node.url()))
                .containsPattern("feed +ticdc +changefeed \\(blackhole\\) +normal +\\d")
                .containsPattern("shop +connect +MySqlConnector +moving +\\d");
        assertThat(metrics())
                .containsPattern(
                        "millrace_connect_records_per_second\\{connector=\"shop\"} 0*\\.?0*[1-9]");
        commandsShowTheConnector();
        JsonNode idle =
                await(
                        "shop",
                        job ->
                                job.path("state").asText().equals("idle")
                                        // Left out by an answer that would wait for it too long.
                                        && !job.path("position").isNull());
        assertThat(idle.path("rows_per_second").asDouble()).isZero();
        assertThat(idle.path("lag_ms").asLong()).isZero();
        assertThat(idle.path("position").asText()).matches("binlog\\.\\d+:\\d+.*");
        assertThat(idle.path("error").isNull()).isTrue();
        assertThat(metrics())
                .contains(
                        "millrace_connect_connector_activity{connector=\"shop\",activity=\"idle\"} 1\n",
                        "millrace_connect_connector_tasks{connector=\"shop\",state=\"RUNNING\"} 1\n",
                        "millrace_connect_lag_seconds{connector=\"shop\"} 0\n",
                        "millrace_connect_records_per_second{connector=\"shop\"} 0\n",
                        "millrace_connect_task_restarts_total{connector=\"shop\"} 0\n");
    }

    /** In the time that the connector takes to become idle. */
    private static void commandsShowTheConnector() throws Exception {
        assertThat(connector("list"))
                .containsPattern("shop +\\S+MySqlConnector +RUNNING +1 RUNNING");
        assertThat(connector("status", "shop")).containsPattern("task 0 +RUNNING");
        assertThat(connector("info")).containsPattern("version +4\\.3");
        assertThat(connector("plugins")).containsPattern("source +\\S+MySqlConnector +3\\.");
        assertThat(connector("plugins", "MySql")).containsPattern("database.port +INT +HIGH +3306");
        assertThat(connector("tasks", "shop"))
                .containsPattern("0 +task.class +\\S+MySqlConnectorTask");
        assertThat(connector("topics", "shop")).contains("shop.shop.item\n");
        String shown = connector("config", "get", "shop", "-o", "json");
        assertThat(shown).contains("\"database.password\": \"xxxxx\"").doesNotContain(PASSWORD);
        Path file = Files.writeString(folder.resolve("shop.json"), shown);
        CliRun invalid =
                cli("connector", "validate", file.toString(), "--set", "database.port=abc");
        assertThat(invalid.code()).isEqualTo(1);
        assertThat(invalid.out()).containsPattern("database.port +\\S+");
        assertThat(cli("connector", "create", file.toString()).err()).contains("holds xxxxx");
        assertThat(
                        connector(
                                "create",
                                file.toString(),
                                "--name",
                                "other",
                                "--state",
                                "stopped",
                                "--set",
                                "database.password=" + PASSWORD,
                                "--set",
                                "database.server.id=9003",
                                "--set",
                                "topic.prefix=other"))
                .isEqualTo("connector other created\n");
        await("other", job -> job.path("state").asText().equals("stopped"));
        assertThat(connector("config", "patch", "other", "--set", "max.batch.size=512"))
                .isEqualTo("connector other changed\n");
        assertThat(connector("config", "get", "other")).containsPattern("max.batch.size +512");
        String offsets =
                "{\"offsets\":[{\"partition\":{\"server\":\"other\"},"
                        + "\"offset\":{\"file\":\"binlog.000001\",\"pos\":4}}]}";
        Path place = Files.writeString(folder.resolve("offsets.json"), offsets);
        assertThat(connector("offsets", "set", "other", place.toString()))
                .contains("altered successfully");
        assertThat(connector("offsets", "get", "other")).contains("binlog.000001");
        await("other", job -> job.path("position").asText().startsWith("binlog.000001:4"));
        assertThat(connector("offsets", "reset", "other", "--yes")).contains("reset successfully");
        assertThat(connector("delete", "other", "--yes")).isEqualTo("connector other deleted\n");
        assertThat(cli("connector", "status", "zz").err())
                .isEqualTo("error: No status found for connector zz\n");
    }

    private static CliRun cli(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        if (!all.contains("--server")) {
            all.addAll(List.of("--server", connect));
        }
        return CliRun.of(Map.of(), "", all.toArray(new String[0]));
    }

    private static String ok(String... arguments) {
        CliRun ran = cli(arguments);
        assertThat(ran.code()).as("%s: %s", List.of(arguments), ran).isZero();
        assertThat(ran.err()).isEmpty();
        return ran.out();
    }

    private static String connector(String... arguments) {
        List<String> all = new ArrayList<>(List.of("connector"));
        all.addAll(List.of(arguments));
        return ok(all.toArray(new String[0]));
    }

    @Test
    @Order(3)
    void runningWithoutAConnectionIsStalled() throws Exception {
        proxy.stall();
        JsonNode stalled = awaitState("stalled");
        assertThat(stalled.path("connector_state").asText()).isEqualTo("RUNNING");
        assertThat(stalled.at("/tasks/0/state").asText()).isEqualTo("RUNNING");
        assertThat(stalled.path("detail").asText()).startsWith("no connection to the database for");
        long lag = stalled.path("lag_ms").asLong();
        assertThat(lag).isGreaterThanOrEqualTo(2000);
        await("shop", job -> job.path("lag_ms").asLong() > lag);
        proxy.heal();
        mysql.execute("INSERT INTO shop.item VALUES (3,'three')");
        awaitState("moving");
    }

    @Test
    @Order(4)
    void aFailedTaskIsRestartedUntilItRuns() throws Exception {
        // It has its connection until a restart.
        mysql.execute("ALTER USER dbz@'%' IDENTIFIED BY 'other'");
        connector("restart", "shop", "--include-tasks");
        JsonNode restarting =
                await(
                        "shop",
                        job ->
                                job.path("state").asText().equals("restarting")
                                        && job.path("restarts").asInt() > 0
                                        // Else it is in the middle of one.
                                        && job.path("detail").asText().startsWith("try "));
        assertThat(restarting.path("detail").asText()).matches("try \\d+ at 20.*Z");
        assertThat(restarting.path("error").asText())
                .contains("Access denied", "(using password)")
                .doesNotContain(PASSWORD);
        assertThat(ok("jobs", "--server", node.url()))
                .containsPattern("shop +connect +MySqlConnector +restarting")
                .contains("    ERROR ");
        assertThat(connector("status", "shop")).contains("Caused by: ");
        mysql.execute("ALTER USER dbz@'%' IDENTIFIED BY '" + PASSWORD + "'");
        awaitState("idle");
    }
}
