package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code connector} and {@code jobs} send, print and return. */
@SuppressWarnings("NullAway.Init") // JUnit fills the folder in
final class ConnectorCommandTest {
    private static final String SHOP =
            "{\"connector.class\":\"a.b.MySqlConnector\",\"database.password\":\"hidden1\"}";

    @TempDir Path folder;

    private final List<String> requests = new ArrayList<>();
    private HttpServer server;
    private int status = 200;
    private String answer = "{}";
    private String authorization = "";

    private record Ran(int code, String out, String err) {}

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/",
                exchange -> {
                    String body =
                            new String(
                                    exchange.getRequestBody().readAllBytes(),
                                    StandardCharsets.UTF_8);
                    requests.add(
                            exchange.getRequestMethod()
                                    + " "
                                    + exchange.getRequestURI()
                                    + (body.isEmpty() ? "" : " " + body));
                    authorization =
                            String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
                    byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
                    exchange.getResponseBody().write(bytes);
                    exchange.close();
                });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private Ran typed(String typed, String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--server=127.0.0.1:" + server.getAddress().getPort());
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        requests.clear();
        int code =
                Main.run(
                        new Surroundings(
                                Map.of("MILLRACE_USER", "u:p"),
                                new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8)),
                                new PrintWriter(out, true),
                                new PrintWriter(err, true)),
                        all.toArray(new String[0]));
        return new Ran(code, out.toString(), err.toString());
    }

    private Ran connector(String... arguments) {
        List<String> all = new ArrayList<>(List.of("connector"));
        all.addAll(List.of(arguments));
        return typed("", all.toArray(new String[0]));
    }

    private String file(String text) throws IOException {
        Path file = Files.createTempFile(folder, "c", ".json");
        return Files.writeString(file, text).toString();
    }

    @Test
    void createTakesWrappedAndBareSettingsAndPropertiesFiles() throws IOException {
        answer = "{\"name\":\"shop\",\"config\":" + SHOP + "}";
        String sent =
                "POST /connectors {\"name\":\"shop\",\"config\":{\"connector.class\":\"a.b.MySqlConnector\","
                        + "\"database.password\":\"hidden1\"";
        Ran wrapped = connector("create", file("{\"name\":\"shop\",\"config\":" + SHOP + "}"));
        assertThat(wrapped).isEqualTo(new Ran(0, "connector shop created\n", ""));
        assertThat(requests).containsExactly(sent + "}}");
        assertThat(authorization).isEqualTo("Basic dTpw");

        assertThat(connector("create", file(SHOP), "--name", "shop", "--set", "a.b=c=d").code())
                .isZero();
        assertThat(requests).containsExactly(sent + ",\"a.b\":\"c=d\"}}");

        assertThat(
                        connector(
                                        "create",
                                        file(
                                                "# comment\nname=shop\nconnector.class=a.b.MySqlConnector\n"
                                                        + "database.password=hidden1\n"),
                                        "--state",
                                        "stopped")
                                .code())
                .isZero();
        assertThat(requests)
                .containsExactly(sent + ",\"name\":\"shop\"},\"initial_state\":\"STOPPED\"}");

        Ran input = typed(SHOP, "connector", "create", "-", "--name", "shop", "-o", "json");
        assertThat(input.code()).isZero();
        assertThat(requests).containsExactly(sent + "}}");
        assertThat(input.out())
                .contains("\"database.password\": \"xxxxx\"")
                .doesNotContain("hidden1");
    }

    @Test
    void createRefusesWhatCannotBeMeant() throws IOException {
        assertThat(connector("create").code()).isEqualTo(2);
        assertThat(connector("create", file(SHOP)).err()).contains("the connector needs a name");
        assertThat(connector("create", "nowhere.json").err())
                .contains("no such file: nowhere.json");
        assertThat(connector("create", file("{\"password\":\"hidden1\",,")).err())
                .contains("is not JSON: line 1, column")
                .doesNotContain("hidden1");
        Ran masked = connector("create", file(SHOP.replace("hidden1", "xxxxx")), "--name", "a");
        assertThat(masked.code()).isEqualTo(1);
        assertThat(masked.err())
                .contains("the value of database.password in ", ".json holds xxxxx");
        assertThat(requests).isEmpty();
    }

    @Test
    void createLetsTheConnectorBeginAsTheFileSays() throws IOException {
        answer = "{\"name\":\"a\"}";
        String body = "{\"name\":\"a\",\"config\":{\"k\":\"v\"},\"initial_state\":\"%s\"}";
        String stopped = file(body.formatted("STOPPED"));
        String running = "POST /connectors {\"name\":\"a\",\"config\":{\"k\":\"v\"}}";
        assertThat(connector("create", stopped).code()).isZero();
        assertThat(requests).containsExactly("POST /connectors " + body.formatted("STOPPED"));
        connector("create", file(body.formatted("paused")));
        assertThat(requests).containsExactly("POST /connectors " + body.formatted("PAUSED"));
        connector("create", file(body.formatted("RUNNING")));
        assertThat(requests).containsExactly(running);
        connector("create", stopped, "--state", "paused");
        assertThat(requests).containsExactly("POST /connectors " + body.formatted("PAUSED"));
        connector("create", stopped, "--state", "running");
        assertThat(requests).containsExactly(running);
        // What the API shows of a connector makes one like it.
        connector(
                "create",
                file("{\"name\":\"a\",\"config\":{\"k\":\"v\"},\"tasks\":[],\"type\":\"source\"}"));
        assertThat(requests).containsExactly(running);
    }

    @Test
    void whatStandsBesideTheSettingsIsNotDropped() throws IOException {
        String body = "{\"name\":\"a\",\"config\":{\"k\":\"v\"},\"%s\":%s}";
        Ran asleep = connector("create", file(body.formatted("initial_state", "\"ASLEEP\"")));
        assertThat(asleep.code()).isEqualTo(1);
        assertThat(asleep.err())
                .contains("initial_state in ", ".json must be RUNNING, PAUSED or STOPPED");
        assertThat(connector("create", file(body.formatted("initial_state", "1"))).code())
                .isEqualTo(1);
        assertThat(connector("create", file(body.formatted("initialState", "\"STOPPED\""))).err())
                .contains("initialState beside config in ");
        // There, a state has no place in the request: the connector would run.
        Ran set =
                connector(
                        "config", "set", "a", file(body.formatted("initial_state", "\"STOPPED\"")));
        assertThat(set.code()).isEqualTo(1);
        assertThat(set.err()).contains("initial_state counts only in: connector create");
        assertThat(requests).isEmpty();
    }

    @Test
    void hiddenSettingsAreNotWrittenBack() throws IOException {
        answer =
                """
                {"mongodb.connection.string": "mongodb://u:hidden1@h/",
                 "connection.url": "jdbc:x://h/d?user=u&password=hidden1",
                 "message.key.columns": "shop.token:id"}
                """;
        String printed = connector("config", "get", "a", "-o", "json").out();
        for (var printedOne : new ObjectMapper().readTree(printed).properties()) {
            String one = "{\"%s\":%s}".formatted(printedOne.getKey(), printedOne.getValue());
            Ran set = connector("config", "set", "a", file(one));
            assertThat(set.code()).as(one).isEqualTo(1);
            assertThat(set.err())
                    .contains("the value of " + printedOne.getKey() + " in ", ".json holds xxxxx");
            assertThat(connector("create", file(one), "--name", "b").code()).isEqualTo(1);
            String typed = printedOne.getKey() + "=" + printedOne.getValue().asText();
            Ran patch = connector("config", "patch", "a", "--set", typed);
            assertThat(patch.code()).as(typed).isEqualTo(1);
            assertThat(patch.err())
                    .contains("the value of " + printedOne.getKey() + " in --set holds xxxxx");
            assertThat(requests).isEmpty();
        }
        // The real value may come from the command line.
        assertThat(
                        connector(
                                        "config",
                                        "set",
                                        "a",
                                        file("{\"x.password\":\"xxxxx\"}"),
                                        "--set",
                                        "x.password=real")
                                .code())
                .isZero();
        assertThat(requests).containsExactly("PUT /connectors/a/config {\"x.password\":\"real\"}");
    }

    @Test
    void listIsATable() {
        answer =
                """
                {"b": {"info": {"config": {"connector.class": "x.B"}},
                       "status": {"connector": {"state": "RUNNING", "worker_id": "w:1"},
                                  "tasks": [{"state": "RUNNING"}, {"state": "FAILED"},
                                            {"state": "RUNNING"}]}},
                 "a": {"info": {"config": {"connector.class": "x.A"}},
                       "status": {"connector": {"state": "STOPPED", "worker_id": "w:1"}, "tasks": []}}}
                """;
        assertThat(connector("list").out())
                .isEqualTo(
                        """
                        NAME  CLASS  STATE    TASKS                WORKER
                        a     x.A    STOPPED  none                 w:1
                        b     x.B    RUNNING  1 FAILED, 2 RUNNING  w:1
                        2 connector(s)
                        """);
        assertThat(requests).containsExactly("GET /connectors?expand=status&expand=info");
    }

    @Test
    void statusShowsWhyATaskFailed() {
        answer =
                """
                {"name": "shop", "type": "source",
                 "connector": {"state": "RUNNING", "worker_id": "w:1", "version": "3"},
                 "tasks": [{"id": 0, "state": "FAILED", "worker_id": "w:1", "version": "3",
                   "trace": "x.E: it broke, password=hidden1\\n\\tat y\\nCaused by: z.F: no\\n\\tat z"}]}
                """;
        assertThat(connector("status", "shop").out())
                .isEqualTo(
                        """
                        UNIT         STATE    WORKER  VERSION
                        source shop  RUNNING  w:1     3
                        task 0       FAILED   w:1     3

                        task 0: x.E: it broke, password=xxxxx
                          Caused by: z.F: no
                        """);
        assertThat(connector("status", "shop", "--trace").out()).contains("\tat y\n");
        assertThat(requests).containsExactly("GET /connectors/shop/status");
    }

    @Test
    void stepsUseTheirRoutes() {
        answer = "";
        assertThat(connector("pause", "a b", "c").out())
                .isEqualTo("connector a b is being paused\nconnector c is being paused\n");
        assertThat(requests)
                .containsExactly("PUT /connectors/a%20b/pause {}", "PUT /connectors/c/pause {}");
        connector("resume", "a");
        assertThat(requests).containsExactly("PUT /connectors/a/resume {}");
        connector("stop", "a");
        assertThat(requests).containsExactly("PUT /connectors/a/stop {}");
        connector("restart", "a");
        assertThat(requests).containsExactly("POST /connectors/a/restart {}");
        connector("restart", "a", "--include-tasks", "--only-failed");
        assertThat(requests)
                .containsExactly("POST /connectors/a/restart?includeTasks=true&onlyFailed=true {}");
        connector("restart", "a", "--task", "3");
        assertThat(requests).containsExactly("POST /connectors/a/tasks/3/restart {}");
        assertThat(connector("restart", "a", "--task", "3", "--only-failed").code()).isEqualTo(2);
        connector("topics", "a", "--reset");
        assertThat(requests).containsExactly("PUT /connectors/a/topics/reset {}");
        connector("loggers", "io.debezium", "INFO");
        assertThat(requests).containsExactly("PUT /admin/loggers/io.debezium {\"level\":\"INFO\"}");
    }

    @Test
    void deleteAndResetAsk() {
        answer = "";
        assertThat(typed("n\n", "connector", "delete", "a").code()).isEqualTo(1);
        assertThat(requests).isEmpty();
        assertThat(typed("y\n", "connector", "delete", "a", "b").out())
                .contains("Delete a, b? [y/N]", "connector b deleted");
        assertThat(requests).containsExactly("DELETE /connectors/a", "DELETE /connectors/b");
        assertThat(typed("\n", "connector", "offsets", "reset", "a").code()).isEqualTo(1);
        assertThat(requests).isEmpty();
        connector("offsets", "reset", "a", "--yes");
        assertThat(requests).containsExactly("DELETE /connectors/a/offsets");
    }

    @Test
    void settingsAreShownWithoutSecretsAndChangedOneByOne() throws IOException {
        answer =
                """
                {"connector.class": "x.A", "database.password": "hidden1",
                 "mongodb.connection.string": "mongodb://u:hidden2@h/",
                 "aws.secret.access.key": "hidden3", "database.user": "me",
                 "producer.override.sasl.jaas.config": "module required password=\\"hidden4\\";",
                 "signing.password": "${file:/etc/s:p}"}
                """;
        Ran got = connector("config", "get", "a");
        assertThat(got.out())
                .doesNotContain("hidden")
                .contains("mongodb://u:xxxxx@h/", "${file:/etc/s:p}")
                .containsPattern("database.user +me")
                .containsPattern("database.password +xxxxx");
        assertThat(connector("config", "get", "a", "-o", "json").out()).doesNotContain("hidden");
        connector("config", "patch", "a", "--set", "x=1", "--unset", "y");
        assertThat(requests).containsExactly("PATCH /connectors/a/config {\"x\":\"1\",\"y\":null}");
        assertThat(connector("config", "patch", "a").code()).isEqualTo(2);
        connector("config", "set", "a", file("{\"k\":\"v\"}"));
        assertThat(requests).containsExactly("PUT /connectors/a/config {\"k\":\"v\"}");
    }

    @Test
    void offsetsGoOutAsTheyCameIn() throws IOException {
        answer = "{\"offsets\":[{\"partition\":{\"server\":\"s\"},\"offset\":{\"pos\":4}}]}";
        assertThat(connector("offsets", "get", "a").out())
                .isEqualTo(
                        """
                        PARTITION       OFFSET
                        {"server":"s"}  {"pos":4}
                        """);
        String printed = connector("offsets", "get", "a", "-o", "json").out();
        answer = "{\"message\":\"altered\"}";
        assertThat(connector("offsets", "set", "a", file(printed)).out()).isEqualTo("altered\n");
        assertThat(requests)
                .containsExactly(
                        "PATCH /connectors/a/offsets {\"offsets\":[{\"partition\":{\"server\":\"s\"},"
                                + "\"offset\":{\"pos\":4}}]}");
    }

    @Test
    void offsetsAreNoSecrets() throws IOException {
        String offsets =
                "{\"offsets\":[{\"partition\":{\"server_id\":\"m\"},\"offset\":{\"sec\":1,"
                        + "\"resume_token\":\"8263\",\"note\":\"token=a, mongodb://u:p@h/\"}}]}";
        answer = offsets;
        String printed = connector("offsets", "get", "a", "-o", "json").out();
        answer = "{\"message\":\"altered\"}";
        connector("offsets", "set", "a", file(printed));
        assertThat(requests).containsExactly("PATCH /connectors/a/offsets " + offsets);
    }

    @Test
    void hiddenOffsetsAreNotWrittenBack() throws IOException {
        String hidden =
                "[{\"partition\":{\"s\":\"a\"},\"offset\":{\"pos\":4}},"
                        + "{\"partition\":{\"s\":\"b\"},\"offset\":{\"resume_token\":\"xxxxx\"}}]";
        Ran listed = connector("offsets", "set", "a", file(hidden));
        assertThat(listed.code()).isEqualTo(1);
        assertThat(listed.err())
                .contains("the value of offsets[1].offset.resume_token in ", ".json holds xxxxx");
        assertThat(connector("offsets", "set", "a", file("{\"offsets\":" + hidden + "}")).code())
                .isEqualTo(1);
        assertThat(requests).isEmpty();
    }

    @Test
    void validateListsErrorsAndSaysSoInItsExitCode() throws IOException {
        answer =
                """
                {"error_count": 1, "configs": [
                  {"value": {"name": "a", "errors": []}},
                  {"value": {"name": "database.hostname", "errors":
                    ["A value is required", "A value is required"]}}]}
                """;
        Ran bad = connector("validate", file(SHOP), "--name", "v");
        assertThat(bad)
                .isEqualTo(
                        new Ran(
                                1,
                                """
                                KEY                ERROR
                                database.hostname  A value is required
                                1 error(s)
                                """,
                                ""));
        assertThat(requests)
                .containsExactly(
                        "PUT /connector-plugins/a.b.MySqlConnector/config/validate "
                                + SHOP.replace("}", ",\"name\":\"v\"}"));
        answer = "{\"error_count\":0,\"configs\":[]}";
        assertThat(connector("validate", file(SHOP)).out()).startsWith("valid: no errors in 2");
        assertThat(connector("validate", file("{}")).err()).contains("names no connector.class");
    }

    @Test
    void pluginsAndTheirSettings() {
        answer = "[{\"class\":\"x.A\",\"type\":\"source\",\"version\":\"3\"}]";
        assertThat(connector("plugins").out())
                .isEqualTo("TYPE    CLASS  VERSION\nsource  x.A    3\n");
        assertThat(requests).containsExactly("GET /connector-plugins?connectorsOnly=true");
        connector("plugins", "--all");
        assertThat(requests).containsExactly("GET /connector-plugins?connectorsOnly=false");
        answer =
                "[{\"name\":\"k\",\"type\":\"INT\",\"importance\":\"HIGH\",\"default_value\":null}]";
        assertThat(connector("plugins", "MySql").out())
                .isEqualTo("KEY  TYPE  IMPORTANCE  DEFAULT\nk    INT   HIGH\n");
        assertThat(requests).containsExactly("GET /connector-plugins/MySql/config");
    }

    @Test
    void errorsAreInTheServersWords() {
        status = 404;
        answer = "{\"error_code\":404,\"message\":\"Connector zz not found\"}";
        assertThat(connector("status", "zz"))
                .isEqualTo(new Ran(1, "", "error: Connector zz not found\n"));
        status = 401;
        answer = "";
        assertThat(typed("", "jobs").err()).contains("give --user");
        server.stop(0);
        assertThat(connector("list").err()).contains("no server answers at", "./millrace server");
    }

    @Test
    void everyCommandHasHelp() {
        for (String command :
                List.of(
                        "list",
                        "create",
                        "status",
                        "pause",
                        "resume",
                        "restart",
                        "stop",
                        "delete",
                        "config",
                        "validate",
                        "plugins",
                        "offsets",
                        "topics",
                        "tasks",
                        "loggers",
                        "info")) {
            StringWriter out = new StringWriter();
            int code =
                    Main.run(
                            new Surroundings(
                                    Map.of(),
                                    new ByteArrayInputStream(new byte[0]),
                                    new PrintWriter(out, true),
                                    new PrintWriter(out, true)),
                            "connector",
                            command,
                            "--help");
            assertThat(code).as(command).isZero();
            assertThat(out.toString()).startsWith("Usage: millrace connector " + command);
        }
    }

    @Test
    void jobsTellWhyKafkaConnectEnded() {
        answer =
                """
                {"connect": "failed", "connect_error": "the topic is compacted", "jobs": []}
                """;
        assertThat(typed("", "jobs").out())
                .endsWith(
                        "Kafka Connect ended and starts again with the server: the topic is"
                                + " compacted\n");
    }

    @Test
    void jobsAreOneTableWithErrorsBelow() {
        answer =
                """
                {"connect": "starting", "jobs": [
                  {"name": "feed", "namespace": "team", "dialect": "ticdc", "kind": "changefeed",
                   "class": "kafka", "state": "normal", "detail": "", "lag_ms": 812,
                   "rows_per_second": 1234.5, "position": "470620157435707392", "error": null},
                  {"name": "shop", "namespace": null, "dialect": "connect", "kind": "source",
                   "class": "io.debezium.connector.mysql.MySqlConnector", "state": "restarting",
                   "detail": "try 2 at 10:00", "lag_ms": null, "rows_per_second": null,
                   "position": null, "error": "Access denied"}]}
                """;
        assertThat(typed("", "jobs").out())
                .isEqualTo(
                        """
                        NAME       DIALECT  KIND                STATE       LAG   ROWS/S  POSITION
                        team/feed  ticdc    changefeed (kafka)  normal      0.8s  1235    470620157435707392
                        shop       connect  MySqlConnector      restarting  -     -       -
                            try 2 at 10:00
                            ERROR Access denied
                        2 job(s)
                        Kafka Connect is starting; its connectors come later
                        """);
        assertThat(requests).containsExactly("GET /api/millrace/v1/jobs");
        assertThat(typed("", "jobs", "--json").out()).contains("\"connect\": \"starting\"");
        typed("", "jobs", "--watch", "--times", "2", "--every", "1");
        assertThat(requests).hasSize(2);
        assertThat(typed("", "jobs", "--every", "0").code()).isEqualTo(2);
    }

    @Test
    void lagsAreReadable() {
        assertThat(JobsCommand.lag(0)).isEqualTo("0.0s");
        assertThat(JobsCommand.lag(9_940)).isEqualTo("9.9s");
        assertThat(JobsCommand.lag(61_000)).isEqualTo("61s");
        assertThat(JobsCommand.lag(125_000)).isEqualTo("2m05s");
        assertThat(JobsCommand.lag(7_500_000)).isEqualTo("2h05m");
        assertThat(JobsCommand.lag(260_000_000)).isEqualTo("3d");
    }

    @Test
    void printedJsonIsStillJson() throws IOException {
        answer = "{\"trace\":\"a\\nb password=hidden1\",\"list\":[1,true,null,\"x\"]}";
        String printed = connector("status", "a", "-o", "json").out();
        assertThat(new ObjectMapper().readTree(printed).at("/list").toString())
                .isEqualTo("[1,true,null,\"x\"]");
        assertThat(printed).doesNotContain("hidden1");
    }
}
