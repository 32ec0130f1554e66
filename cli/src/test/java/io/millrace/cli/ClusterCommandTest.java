package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What {@code cluster} sends, prints and returns. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class ClusterCommandTest {
    private final List<String> requests = new ArrayList<>();
    private final Map<String, String> answers = new HashMap<>();
    private HttpServer server;
    private int status = 200;

    private record Ran(int code, String out, String err) {}

    @BeforeEach
    void start() throws IOException {
        answers.put(
                "/api/v1/user/login",
                "{\"code\":0,\"message\":\"OK\",\"data\":{\"token\":\"t1\",\"userId\":\"u1\","
                        + "\"passwordExpired\":false}}");
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/",
                exchange -> {
                    String body =
                            new String(
                                    exchange.getRequestBody().readAllBytes(),
                                    StandardCharsets.UTF_8);
                    String path = exchange.getRequestURI().toString();
                    String token = exchange.getRequestHeaders().getFirst("Authorization");
                    requests.add(
                            exchange.getRequestMethod()
                                    + " "
                                    + path
                                    + " "
                                    + token
                                    + (body.isEmpty() ? "" : " " + body));
                    byte[] bytes =
                            answers.getOrDefault(
                                            path, "{\"code\":0,\"message\":\"OK\",\"data\":{}}")
                                    .getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(
                            path.contains("/user/") ? 200 : status, bytes.length);
                    exchange.getResponseBody().write(bytes);
                    exchange.close();
                });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private Ran run(Map<String, String> environment, String typed, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        List<String> all = new ArrayList<>(List.of("cluster"));
        all.addAll(List.of(arguments));
        all.addAll(List.of("--server", "http://127.0.0.1:" + server.getAddress().getPort()));
        int code =
                Main.run(
                        new Surroundings(
                                environment,
                                new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8)),
                                new PrintWriter(out, true),
                                new PrintWriter(err, true)),
                        all.toArray(String[]::new));
        return new Ran(code, out.toString(), err.toString());
    }

    @Test
    void addLogsInAsksForPasswordsAndLogsOut() {
        answers.put(
                "/api/v1/clusters/takeover",
                "{\"code\":0,\"message\":\"OK\",\"data\":{\"clusterId\":\"shop\","
                        + "\"workFlowId\":\"w1\"}}");
        Ran ran =
                run(
                        Map.of(),
                        "p@ss word\nme\nsecret1\n",
                        "add",
                        "shop",
                        "--upstream",
                        "mysql://repl@db:3306/?ssl-mode=required");
        assertThat(ran.code()).as(ran.err()).isZero();
        assertThat(ran.out()).isEqualTo("cluster shop added; how: GET /api/v1/workflow/w1\n");
        assertThat(ran.out() + ran.err()).doesNotContain("secret1", "p@ss");
        assertThat(requests)
                .containsExactly(
                        "POST /api/v1/user/login null"
                                + " {\"userName\":\"me\",\"userPassword\":\"secret1\"}",
                        "POST /api/v1/clusters/takeover Bearer t1 {\"clusterName\":\"shop\","
                                + "\"upstream\":\"mysql://repl:p%40ss%20word@db:3306/"
                                + "?ssl-mode=required\"}",
                        "POST /api/v1/user/logout Bearer t1 {}");
    }

    @Test
    void theEnvironmentAnswersToo() {
        Ran ran =
                run(
                        Map.of("MILLRACE_USER", "me:a:b", "MILLRACE_UPSTREAM_PASSWORD", "x"),
                        "",
                        "add",
                        "shop",
                        "--json",
                        "--upstream",
                        "mysql://repl@db/");
        assertThat(ran.code()).as(ran.err()).isZero();
        assertThat(ran.out()).isEqualTo("{}\n");
        assertThat(requests.getFirst()).contains("\"userPassword\":\"a:b\"");
        assertThat(requests.get(1)).contains("mysql://repl:x@db/");
    }

    @Test
    void listPrintsATable() {
        answers.put(
                "/api/v1/clusters/",
                "{\"code\":0,\"message\":\"OK\",\"data\":{\"clusters\":[{\"clusterId\":\"default\","
                        + "\"clusterType\":\"MySQL\",\"status\":\"Running\",\"tls\":true,"
                        + "\"intranetConnectAddresses\":[\"db:3306\"],"
                        + "\"createTime\":\"2026-01-01T00:00:00Z\"}]},"
                        + "\"page\":{\"page\":0,\"pageSize\":0,\"total\":1}}");
        Ran ran = run(Map.of("MILLRACE_USER", "me:x"), "", "list");
        assertThat(ran.code()).as(ran.err()).isZero();
        assertThat(ran.out())
                .isEqualTo(
                        """
                        ID       TYPE   STATUS   ADDRESS  TLS  CREATED
                        default  MySQL  Running  db:3306  yes  2026-01-01T00:00:00Z
                        1 cluster(s)
                        """);
        assertThat(run(Map.of("MILLRACE_USER", "me:x"), "", "list", "--json").out())
                .contains("\"clusterId\": \"default\"");
    }

    @Test
    void removeAsksFirst() {
        assertThat(run(Map.of("MILLRACE_USER", "me:x"), "n\n", "remove", "shop").code())
                .isEqualTo(1);
        assertThat(requests).isEmpty();
        answers.put(
                "/api/v1/clusters/shop",
                "{\"code\":20114,\"message\":\"[20114]maintenance status conflict\\tis read\","
                        + "\"data\":{}}");
        status = 409;
        Ran ran = run(Map.of("MILLRACE_USER", "me:x"), "", "remove", "shop", "--yes");
        assertThat(ran.code()).isEqualTo(1);
        assertThat(ran.err()).contains("[20114]maintenance status conflict\tis read");
        assertThat(requests).hasSize(3).last().asString().contains("logout");
    }

    @Test
    void anInitialPasswordHasToBeChanged() {
        answers.put(
                "/api/v1/user/login",
                "{\"code\":0,\"message\":\"OK\",\"data\":{\"token\":\"t1\",\"userId\":\"u1\","
                        + "\"passwordExpired\":true}}");
        Ran ran = run(Map.of("MILLRACE_USER", "me:x"), "", "list");
        assertThat(ran.code()).isEqualTo(1);
        assertThat(ran.err()).contains("has to be changed first: POST /api/v1/users/u1/password");
        assertThat(run(Map.of(), "", "--help").out()).contains("add", "list", "remove");
    }
}
