package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.dialects.tiunimanager.RegisteredRoutes;
import io.millrace.server.ApiClient.Answer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Who gets in on TiUniManager's port, on one whole server, over HTTP. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@SuppressWarnings("NullAway.Init") // fields are set before the tests
final class TiUniManagerAccessIT {
    private static final String BASE = "/api/v1";
    private static final String PASSWORD = "an Admin's password";

    /** How a cluster is told that cannot be reached. */
    private static final int SSH_FAILED = 20201;

    private static final int MAX_BODY = 20_000;
    private static final long SEED = 20_261_122;

    /** Every route that needs a token, with the permission that it needs. */
    private static final Map<String, String> ROUTES = new LinkedHashMap<>();

    static {
        ROUTES.put("GET /users/", "USER READ");
        ROUTES.put("POST /users/", "USER CREATE");
        ROUTES.put("GET /users/{id}", "USER READ");
        ROUTES.put("DELETE /users/{id}", "USER DELETE");
        ROUTES.put("POST /users/{id}/password", "USER UPDATE");
        ROUTES.put("POST /users/{id}/update_profile", "USER UPDATE");
        ROUTES.put("POST /rbac/role/", "USER CREATE");
        ROUTES.put("GET /rbac/role/", "USER READ");
        ROUTES.put("POST /rbac/role/bind", "USER UPDATE");
        ROUTES.put("DELETE /rbac/role/unbind", "USER UPDATE");
        ROUTES.put("DELETE /rbac/role/{id}", "USER DELETE");
        ROUTES.put("POST /rbac/permission/add", "USER UPDATE");
        ROUTES.put("DELETE /rbac/permission/delete", "USER UPDATE");
        ROUTES.put("GET /rbac/permission/{id}", "USER READ");
        ROUTES.put("POST /rbac/permission/check", "USER READ");
        ROUTES.put("POST /tenant/", "USER CREATE");
        ROUTES.put("GET /tenant/", "USER READ");
        ROUTES.put("GET /audit/logs", "SYSTEM READ");
        ROUTES.put("GET /changefeeds/?clusterId=none", "CDC READ");
        ROUTES.put("POST /changefeeds/", "CDC CREATE");
        ROUTES.put("GET /changefeeds/{id}/", "CDC READ");
        ROUTES.put("DELETE /changefeeds/{id}", "CDC DELETE");
        ROUTES.put("POST /changefeeds/{id}/pause", "CDC UPDATE");
        ROUTES.put("POST /changefeeds/{id}/resume", "CDC UPDATE");
        ROUTES.put("POST /changefeeds/{id}/update", "CDC UPDATE");
        ROUTES.put("GET /clusters/", "CLUSTER READ");
        ROUTES.put("GET /clusters/{id}", "CLUSTER READ");
        ROUTES.put("DELETE /clusters/{id}", "CLUSTER DELETE");
        ROUTES.put("GET /workflow/", "WORKFLOW READ");
        ROUTES.put("POST /clusters/takeover", "CLUSTER CREATE");
        ROUTES.put("GET /workflow/{id}", "WORKFLOW READ");
    }

    /** Passes decoding and validation on every route, and names nothing that there is. */
    private static final String BODY =
            """
            {"name":"hostile","tenantId":"nowhere","email":"a@b.c","password":"first password",
            "nickname":"N","role":"/////","roles":["nobody"],"userId":"nobody","id":"other",
            "permissions":[{"resource":"NONE","action":"NONE"}],"clusterId":"none",
            "downstreamType":"mysql","downstream":{},"clusterName":"none","dbPassword":"dbpassword",
            "TiUPIp":"127.0.0.1","TiUPPort":1,"TiUPUserName":"u","TiUPUserPassword":"dbpassword","TiUPPath":"/"}
            """;

    @TempDir static Path dir;

    private final HandClock clock = new HandClock();
    private final List<String> secrets =
            new ArrayList<>(List.of(PASSWORD, "first password", "second password"));
    private MillraceNode node;
    private ApiClient api;
    private String url;
    private String initial;
    private String token;
    private String adminId;

    private final List<String> log = Collections.synchronizedList(new ArrayList<>());
    private final AbstractAppender appender =
            new AbstractAppender("access", null, null, true, Property.EMPTY_ARRAY) {
                @Override
                public void append(LogEvent event) {
                    log.add(event.getMessage().getFormattedMessage() + " " + event.getThrown());
                }
            };

    private static Logger rootLogger() {
        return (Logger) LogManager.getRootLogger();
    }

    @BeforeAll
    void start() {
        appender.start();
        rootLogger().addAppender(appender);
        open();
        initial = node.initialPassword().orElseThrow();
        secrets.add(initial);
    }

    private void open() {
        node =
                MillraceNode.start(
                        ServerConfig.of(
                                new Settings()
                                        .set("addr", "127.0.0.1:0")
                                        .set("tiunimanager.enabled", "true")
                                        .set("tiunimanager.addr", "127.0.0.1:0")
                                        .set("data-dir", dir.toString())
                                        .set("max-body-bytes", Integer.toString(MAX_BODY))
                                        .set("upstream", "fake://here")),
                        List.of(new FakeUpstream()),
                        List.of(new BlackholeSinkFactory()),
                        clock);
        url = node.tiUniManagerUrl().orElseThrow() + BASE;
        api = new ApiClient(url);
    }

    @AfterAll
    void stop() {
        rootLogger().removeAppender(appender);
        node.close();
    }

    private Answer call(String verb, String path, String body, String... headers) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(url + path))
                        .method(verb, BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return api.send(request.build());
    }

    private Answer as(String bearer, String verb, String path, String body) {
        return call(verb, path, body, "Authorization", "Bearer " + bearer);
    }

    private Answer login(String name, String password) {
        return call(
                "POST",
                "/user/login",
                "{\"userName\":\"" + name + "\",\"userPassword\":\"" + password + "\"}");
    }

    private String tokenOf(String name, String password) {
        String given = ok(login(name, password)).path("token").asText();
        secrets.add(given);
        return given;
    }

    private static JsonNode ok(Answer answer) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        assertThat(answer.body().path("code").asInt()).as(answer.text()).isZero();
        assertThat(answer.body().path("message").asText()).isEqualTo("OK");
        return answer.body().path("data");
    }

    private static void refused(Answer answer, int status, int code) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.body().path("code").asInt()).as(answer.text()).isEqualTo(code);
        assertThat(answer.body().path("message").asText()).startsWith("[" + code + "]");
        assertThat(answer.body().path("data").toString()).isEqualTo("{}");
        assertThat(answer.body().size()).isEqualTo(3);
    }

    private String newUser(String name) {
        String id =
                ok(as(
                                token,
                                "POST",
                                "/users",
                                """
                                {"name":"%s","tenantId":"admin","email":"a@b.c","phone":"1",
                                "password":"first password","nickname":"Nick"}\
                                """
                                        .formatted(name)))
                        .path("userId")
                        .asText();
        String first = tokenOf(name, "first password");
        refused(as(first, "GET", "/users", ""), 400, 70615);
        ok(as(first, "POST", "/users/" + id + "/password", "{\"password\":\"second password\"}"));
        return id;
    }

    @Test
    @Order(0)
    void everyRouteIsInTheTable(@TempDir Path other) {
        Map<String, String> table = new TreeMap<>();
        ROUTES.forEach((route, permission) ->
                table.put(route.replaceAll("\\?.*", "").replaceAll("/$", ""), permission));
        assertThat(RegisteredRoutes.all(other)).isEqualTo(table);
    }

    @Test
    @Order(1)
    void theFirstLogin() {
        assertThat(ok(call("GET", "/system/info", "")).at("/info/state").asText())
                .isEqualTo("Running");
        refused(login("admin", "admin"), 400, 70603);
        refused(login("nobody", "password"), 400, 70603);
        refused(call("POST", "/user/login", "{}"), 400, 10001);
        refused(call("POST", "/user/login", ""), 400, 10004);
        JsonNode first = ok(login("admin", initial));
        assertThat(first.path("passwordExpired").asBoolean()).isTrue();
        assertThat(first.path("tenantId").asText()).isEqualTo("admin");
        adminId = first.path("userId").asText();
        String early = first.path("token").asText();
        secrets.add(early);
        for (String path : List.of("/users", "/rbac/role", "/changefeeds?clusterId=abcd")) {
            refused(as(early, "GET", path, ""), 400, 70615);
        }
        ok(as(early, "GET", "/users/" + adminId, ""));
        String change = "/users/" + adminId + "/password";
        refused(as(early, "POST", change, "{\"password\":\"" + initial + "\"}"), 400, 10001);
        ok(as(early, "POST", change, "{\"password\":\"" + PASSWORD + "\"}"));
        refused(as(early, "GET", "/users/" + adminId, ""), 401, 70600);
        refused(login("admin", initial), 400, 70603);
        token = tokenOf("admin", PASSWORD);
        assertThat(ok(as(token, "GET", "/users/", "")).path("users").has(adminId)).isTrue();
    }

    @Test
    @Order(2)
    void aSecondStartHasNoInitialPasswordAndKnowsTheTokens() {
        node.close();
        open();
        assertThat(node.initialPassword()).isEmpty();
        ok(as(token, "GET", "/users", ""));
    }

    @Test
    @Order(3)
    void usersAndRoles() {
        String id = newUser("carol");
        JsonNode user = ok(as(token, "GET", "/users/" + id + "/", "")).path("user");
        assertThat(new TreeSet<>(user.propertyStream().map(Map.Entry::getKey).toList()))
                .isEqualTo(
                        new TreeSet<>(
                                Set.of(
                                        "id",
                                        "defaultTenantId",
                                        "names",
                                        "creator",
                                        "tenantIds",
                                        "nickname",
                                        "email",
                                        "phone",
                                        "status",
                                        "createAt",
                                        "updateAt")));
        assertThat(user.at("/names/0").asText()).isEqualTo("carol");
        assertThat(user.path("creator").asText()).isEqualTo(adminId);
        assertThat(user.path("nickname").asText()).isEqualTo("Nick");
        ok(as(token, "POST", "/users/" + id + "/update_profile", "{\"nickname\":\"Caz\"}"));
        assertThat(ok(as(token, "GET", "/users/" + id, "")).at("/user/nickname").asText())
                .isEqualTo("Caz");

        ok(as(token, "POST", "/rbac/role/", "{\"role\":\"reader\"}"));
        assertThat(ok(as(token, "GET", "/rbac/role", "")).path("Roles").toString())
                .isEqualTo("[\"RBAC_ROLE_ADMIN\",\"reader\"]");
        String grants = "\"permissions\":[{\"resource\":\"CDC\",\"action\":\"READ\"}]}";
        ok(as(token, "POST", "/rbac/permission/add", "{\"role\":\"reader\"," + grants));
        ok(
                as(
                        token,
                        "POST",
                        "/rbac/role/bind",
                        "{\"userId\":\"" + id + "\",\"roles\":[\"reader\"]}"));
        assertThat(ok(as(token, "GET", "/rbac/permission/" + id, "")).toString())
                .contains("{\"resource\":\"CDC\",\"action\":\"READ\"}", id);
        String asked = "{\"userId\":\"" + id + "\"," + grants;
        assertThat(
                        ok(as(token, "POST", "/rbac/permission/check", asked))
                                .path("result")
                                .asBoolean())
                .isTrue();
        ok(as(token, "DELETE", "/rbac/permission/delete", "{\"role\":\"reader\"," + grants));
        assertThat(
                        ok(as(token, "POST", "/rbac/permission/check", asked))
                                .path("result")
                                .asBoolean())
                .isFalse();
        ok(
                as(
                        token,
                        "DELETE",
                        "/rbac/role/unbind",
                        "{\"userId\":\"" + id + "\",\"role\":\"reader\"}"));
        ok(as(token, "DELETE", "/rbac/role/reader", ""));
        refused(as(token, "DELETE", "/rbac/role/reader", ""), 400, 10001);
        refused(as(token, "DELETE", "/rbac/role/RBAC_ROLE_ADMIN", ""), 400, 10001);
        refused(as(token, "DELETE", "/users/" + adminId, ""), 400, 10001);
        refused(as(token, "POST", "/users/", BODY), 401, 70607);
        String carol = tokenOf("carol", "second password");
        ok(as(token, "DELETE", "/users/" + id, ""));
        refused(as(carol, "GET", "/users/" + id, ""), 401, 70600);
        refused(as(token, "GET", "/users/" + id, ""), 200, 70612);
        ok(as(token, "POST", "/tenant", "{\"id\":\"other\",\"name\":\"Other\"}"));
        assertThat(ok(as(token, "GET", "/tenant", "")).at("/tenants/1/id").asText())
                .isEqualTo("other");
    }

    @Test
    @Order(4)
    void logoutRevokes() {
        String second = tokenOf("admin", PASSWORD);
        refused(call("POST", "/user/logout", ""), 400, 10001);
        refused(as("forged", "POST", "/user/logout", ""), 401, 70600);
        assertThat(ok(as(second, "POST", "/user/logout/", "")).path("userId").asText())
                .isEqualTo(adminId);
        refused(as(second, "GET", "/users", ""), 401, 70600);
        ok(as(token, "GET", "/users", ""));
    }

    @Test
    @Order(5)
    void tokensThatAreNoneGetInNowhere() {
        String revoked = tokenOf("admin", PASSWORD);
        ok(as(revoked, "POST", "/user/logout", ""));
        String id = adminId;
        ROUTES.keySet()
                .forEach(route -> {
                    String[] verbAndPath = route.split(" ");
                    String path = verbAndPath[1].replace("{id}", id);
                    refused(call(verbAndPath[0], path, BODY), 401, 70600);
                    for (String header :
                            List.of(
                                    "Bearer " + revoked,
                                    "Bearer " + token.toUpperCase(Locale.ROOT),
                                    "Bearer  " + token,
                                    "Bearer " + token + "0",
                                    "Bearer " + token.substring(1),
                                    "bearer " + token,
                                    "Basic " + token,
                                    token,
                                    "Bearer ' OR 1=1 --",
                                    "Bearer ../user/" + id,
                                    "Bearer " + "x".repeat(4000))) {
                        Answer answer = call(verbAndPath[0], path, BODY, "Authorization", header);
                        refused(answer, 401, 70600);
                        assertThat(answer.text()).doesNotContain(token.substring(1));
                    }
                });
        ok(as(token, "GET", "/users", ""));
    }

    /** A role of each permission on each route: who lacks it gets 403, who has it never does. */
    @Test
    @Order(6)
    void eachRoleOnEachRoute() {
        Map<String, String> tokens = new LinkedHashMap<>();
        for (String permission : new TreeSet<>(ROUTES.values())) {
            String[] parts = permission.split(" ");
            String name = "user-" + permission.replace(' ', '-');
            String id = newUser(name);
            ok(as(token, "POST", "/rbac/role", "{\"role\":\"" + name + "\"}"));
            ok(
                    as(
                            token,
                            "POST",
                            "/rbac/permission/add",
                            "{\"role\":\""
                                    + name
                                    + "\",\"permissions\":[{\"resource\":\""
                                    + parts[0]
                                    + "\",\"action\":\""
                                    + parts[1]
                                    + "\"}]}"));
            ok(
                    as(
                            token,
                            "POST",
                            "/rbac/role/bind",
                            "{\"userId\":\"" + id + "\",\"roles\":[\"" + name + "\"]}"));
            tokens.put(permission, tokenOf(name, "second password"));
        }
        ROUTES.forEach((route, needed) ->
                tokens.forEach((has, bearer) -> {
                    String[] verbAndPath = route.split(" ");
                    Answer answer =
                            as(
                                    bearer,
                                    verbAndPath[0],
                                    verbAndPath[1].replace("{id}", "nobodynobody"),
                                    BODY);
                    if (has.equals(needed)) {
                        assertThat(answer.body().path("code").asInt())
                                .as("%s %s", route, answer.text())
                                .isNotIn(-1, 10000, 70600, 70602, 70615, 70650);

                    } else {
                        refused(answer, 403, 70650);
                        String[] parts = needed.split(" ");
                        assertThat(answer.body().path("message").asText())
                                .endsWith(
                                        " has no permisson [{Resource:"
                                                + parts[0]
                                                + " Action:"
                                                + parts[1]
                                                + "}]");
                    }
                }));
    }

    /** Bodies of any bytes, as the administrator: an error of the client, and nothing changes. */
    @Test
    @Order(7)
    void fuzzedBodies() {
        Random random = new Random(SEED);
        String before = ok(as(token, "GET", "/users", "")).toString() + roles();
        List<String> routes =
                ROUTES.keySet().stream()
                        .filter(route ->
                                !route.startsWith("GET") && !route.contains("DELETE /users"))
                        .toList();
        for (int i = 0; i < 600; i++) {
            String[] verbAndPath = routes.get(random.nextInt(routes.size())).split(" ");
            String path = verbAndPath[1].replace("{id}", hostile(random));
            String body = fuzzed(random);
            Answer answer = again(verbAndPath[0], path, body);
            assertThat(answer.status())
                    .as(
                            "seed %s round %s: %s %s %s %s",
                            SEED, i, verbAndPath[0], path, body, answer)
                    .satisfiesAnyOf(
                            status -> assertThat(status).isLessThan(500),
                            status -> assertThat(code(answer)).isEqualTo(SSH_FAILED));
            assertThat(answer.status() == 200 && answer.body().path("code").asInt() == 0)
                    .as("round %s did something: %s %s", i, path, body)
                    .isFalse();
        }
        assertThat(ok(as(token, "GET", "/users", "")).toString() + roles()).isEqualTo(before);
    }

    /** A connection may end behind the refusal of a path that is none, while this call is sent. */
    private Answer again(String verb, String path, String body) {
        try {
            return as(token, verb, path, body);
        } catch (AssertionError e) {
            assertThat(e).hasCauseInstanceOf(IOException.class);
            return as(token, verb, path, body);
        }
    }

    @Test
    @Order(7)
    void requestsThatAreTooLargeOrNone() throws Exception {
        refused(
                as(token, "POST", "/rbac/role", "{\"role\":\"" + "x".repeat(MAX_BODY) + "\"}"),
                400,
                10004);
        URI at = URI.create(url);
        try (Socket socket = new Socket(at.getHost(), at.getPort())) {
            socket.getOutputStream()
                    .write(
                            "GET /api/v1/users/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                                    .getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 400 ")
                    .contains("{\"code\":10004,\"message\":\"[10004]marshal error\\t")
                    .endsWith("\"data\":{}}");
        }
        assertThat(call("GET", "/nowhere", "").text()).isEqualTo("404 page not found");
    }

    private static int code(Answer answer) {
        return answer.body().path("code").asInt();
    }

    private String roles() {
        return ok(as(token, "GET", "/rbac/role", "")).toString();
    }

    private static String hostile(Random random) {
        List<String> ids =
                List.of(
                        "%27%20OR%201=1--",
                        "..%2f..%2fetc",
                        "nobodynobody",
                        "%00",
                        "%e2%80%ae",
                        "$%7bjndi:x%7d",
                        "a".repeat(500),
                        "%22;DROP%20TABLE%20meta");
        return ids.get(random.nextInt(ids.size()));
    }

    private static String fuzzed(Random random) {
        StringBuilder body = new StringBuilder(BODY);
        switch (random.nextInt(4)) {
            case 0 -> {
                byte[] bytes = new byte[random.nextInt(200)];
                random.nextBytes(bytes);
                return new String(bytes, StandardCharsets.UTF_8);
            }
            case 1 -> {
                return body.substring(0, random.nextInt(body.length()));
            }
            case 2 -> {
                for (int i = 0; i < 5; i++) {
                    body.setCharAt(
                            random.nextInt(body.length()),
                            "\"{}[]:,0\\\n\u0000e'".charAt(random.nextInt(13)));
                }
            }
            default -> {
                String[] values = {
                    "null",
                    "-1",
                    "1e99",
                    "true",
                    "[]",
                    "{}",
                    "[{}]",
                    "\"\"",
                    "\"\\u0000\"",
                    "\"'; DROP TABLE x; --\"",
                    "9223372036854775808",
                    "\"" + "z".repeat(5000) + "\""
                };
                return BODY.replaceFirst(
                        "(\""
                                + List.of(
                                                "name",
                                                "role",
                                                "userId",
                                                "clusterId",
                                                "id",
                                                "permissions",
                                                "downstream",
                                                "password",
                                                "clusterName")
                                        .get(random.nextInt(9))
                                + "\":)(\"[^\"]*\"|\\{}|\\[[^]]*])",
                        "$1"
                                + java.util.regex.Matcher.quoteReplacement(
                                        values[random.nextInt(values.length)]));
            }
        }
        return body.toString();
    }

    @Test
    @Order(8)
    void guessesAreSlowedDown() {
        clock.stop();
        Answer last = login("admin", "a wrong guess");
        for (int i = 0; i < 20 && last.status() != 429; i++) {
            refused(last, 400, 70603);
            last = login("admin", "a wrong guess");
        }
        refused(last, 429, 70699);
        refused(login("admin", PASSWORD), 429, 70699);
        clock.jump(Duration.ofMinutes(16));
        ok(login("admin", PASSWORD));
        clock.goOn();
    }

    @Test
    @Order(9)
    void theAuditLogTellsWhoDidWhat() {
        JsonNode newest = as(token, "GET", "/audit/logs?page=1&pageSize=3", "").body();
        assertThat(newest.path("data")).hasSize(3);
        assertThat(newest.at("/page/total").asInt()).isGreaterThan(500);
        JsonNode login = newest.at("/data/0");
        assertThat(login.path("action").asText()).isEqualTo("POST /api/v1/user/login");
        assertThat(login.path("subject").asText()).isEqualTo("user admin");
        assertThat(login.path("address").asText()).isEqualTo("127.0.0.1");
        assertThat(login.path("code").asInt()).isZero();
        assertThat(newest.at("/data/1/status").asInt()).isEqualTo(429);
        refused(as(token, "GET", "/audit/logs?pageSize=-1", ""), 400, 10001);
        refused(as(token, "GET", "/audit/logs?page=x", ""), 400, 10004);
        String all = as(token, "GET", "/audit/logs?pageSize=1000", "").text();
        assertThat(all)
                .contains("\"userName\":\"user-USER-READ\"", "\"status\":403", "\"status\":401");
    }

    @Test
    @Order(10)
    void tokensExpire() {
        clock.jump(Duration.ofHours(4));
        ROUTES.keySet()
                .forEach(route -> {
                    String[] verbAndPath = route.split(" ");
                    refused(
                            as(
                                    token,
                                    verbAndPath[0],
                                    verbAndPath[1].replace("{id}", adminId),
                                    BODY),
                            401,
                            70602);
                });
        assertThat(ok(as(token, "POST", "/user/logout", "")).path("userId").asText()).isEmpty();
    }

    @Test
    @Order(11)
    void noSecretIsInTheDataFolderOrTheLog() throws Exception {
        assertThat(secrets).hasSizeGreaterThan(10);
        assertThat(log).isNotEmpty();
        String logged = String.join("\n", List.copyOf(log));
        assertThat(secrets).noneMatch(logged::contains);
        try (var files = Files.walk(dir)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String text = Files.readString(file, StandardCharsets.ISO_8859_1);
                assertThat(secrets)
                        .allSatisfy(secret ->
                                assertThat(text.contains(secret)).as("%s", file).isFalse());
            }
        }
    }

    @Test
    @Order(12)
    void anOperatorWhoLostThePasswordGetsANewOne() {
        assertThat(reset()).as("while the server runs").doesNotContain("password");
        node.close();
        String told = reset();
        assertThat(told).startsWith("TiUniManager API: log in as admin with the password ");
        open();
        refused(login("admin", PASSWORD), 400, 70603);
        JsonNode login = ok(login("admin", told.split(" ")[9]));
        assertThat(login.path("passwordExpired").asBoolean()).isTrue();
        assertThat(login.path("userId").asText()).isEqualTo(adminId);
    }

    private static String reset() {
        PrintStream real = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            int code = Main.run("--reset-admin-password", "--data-dir", dir.toString());
            String told = out.toString(StandardCharsets.UTF_8);
            assertThat(code).as(told).isEqualTo(told.isEmpty() ? 1 : 0);
            return told;
        } finally {
            System.setOut(real);
        }
    }
}
