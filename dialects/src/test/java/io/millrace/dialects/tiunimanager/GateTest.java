package io.millrace.dialects.tiunimanager;

import static org.assertj.core.api.Assertions.assertThat;

import io.javalin.Javalin;
import io.javalin.http.HandlerType;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the gate does around routes, over HTTP, with routes made for it. */
@SuppressWarnings("NullAway.Init") // fields are set before the tests
final class GateTest {
    private static final Instant NOW = Instant.parse("2026-11-22T07:00:00Z");

    /** Knows the tokens good, aged and old; permits CDC to READ, and nothing to the others. */
    private static final class DeskKeeper implements Keeper {
        final List<Event> events = new CopyOnWriteArrayList<>();
        volatile String state = RUNNING;

        @Override
        public String systemState() {
            return state;
        }

        @Override
        public Admission admit(String token) {
            return switch (token) {
                case "good" -> new Admission.Admitted("u1", "alice", "t1", false);
                case "aged" -> new Admission.Admitted("u2", "bob", "t1", true);
                case "old" -> new Admission.Expired();
                default -> new Admission.Unknown();
            };
        }

        @Override
        public boolean permits(String userId, Permission permission) {
            return permission.equals(new Permission("CDC", "READ"));
        }

        @Override
        public void record(Event event) {
            events.add(event);
        }
    }

    private static final DeskKeeper KEEPER = new DeskKeeper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static Javalin server;
    private static int runs;

    @BeforeAll
    static void start() {
        Permission read = new Permission("CDC", "READ");
        Permission create = new Permission("CDC", "CREATE");
        server =
                Javalin.create(
                                config -> {
                                    config.startup.showJavalinBanner = false;
                                    // Else headers of one connection that differ in case alone are
                                    // one.
                                    config.jetty.modifyHttpConfiguration(
                                            http -> http.setHeaderCacheCaseSensitive(true));
                                    Gate gate =
                                            new Gate(
                                                    config,
                                                    KEEPER,
                                                    Clock.fixed(NOW, ZoneOffset.UTC));
                                    gate.route(
                                            HandlerType.GET,
                                            "/things/",
                                            read,
                                            request -> request.queryInt("page"),
                                            (caller, page) ->
                                                    Answer.paged(
                                                            List.of("<a>"), new Page(page, 0, 1)));
                                    gate.route(
                                            HandlerType.POST,
                                            "/things/",
                                            read,
                                            request -> {
                                                Body body = request.body("MakeReq");
                                                String name = body.text("name");
                                                new Checks("MakeReq")
                                                        .text(
                                                                "Name",
                                                                name,
                                                                Checks.REQUIRED,
                                                                Checks.min(4),
                                                                Checks.max(6))
                                                        .text(
                                                                "Kind",
                                                                body.text("kind"),
                                                                Checks.REQUIRED,
                                                                Checks.oneOf("a", "b"))
                                                        .done();
                                                return name;
                                            },
                                            (caller, name) -> {
                                                runs++;
                                                return Answer.of(
                                                                Map.of(
                                                                        "id",
                                                                        name,
                                                                        "by",
                                                                        caller.userName()))
                                                        .about("thing " + name);
                                            });
                                    gate.route(
                                            HandlerType.DELETE,
                                            "/things/{id}",
                                            create,
                                            request -> request.path("id"),
                                            (caller, id) -> Answer.of(Map.of()));
                                    gate.route(
                                            HandlerType.POST,
                                            "/things/{id}/break",
                                            read,
                                            request -> request.path("id"),
                                            (caller, id) -> {
                                                throw switch (id) {
                                                    case "user" ->
                                                            new MillraceException(
                                                                    ErrorCode.INVALID_NAME,
                                                                    "no: mysql://u:pw1@h/");
                                                    case "store" ->
                                                            new MillraceException(
                                                                    ErrorCode.METASTORE_UNAVAILABLE,
                                                                    "disk full");
                                                    case "inside" ->
                                                            new MillraceException(
                                                                    ErrorCode.INTERNAL, "broken");
                                                    case "known" ->
                                                            new UniException(
                                                                    UniCode
                                                                            .CHANGE_FEED_EXECUTE_ERROR,
                                                                    "pause failed",
                                                                    new IOException("refused"));
                                                    default -> new IllegalStateException("secret");
                                                };
                                            });
                                    gate.routeOrSelf(
                                            HandlerType.POST,
                                            "/users/{userId}/password",
                                            create,
                                            request -> request.path("userId"),
                                            (caller, id) -> Answer.of(Map.of("id", id)));
                                    gate.open(
                                            HandlerType.GET,
                                            "/open",
                                            request -> "",
                                            (caller, nothing) -> Answer.of(caller));
                                })
                        .start("127.0.0.1", 0);
    }

    @AfterAll
    static void stop() {
        server.stop();
    }

    @BeforeEach
    void reset() {
        KEEPER.state = Keeper.RUNNING;
        KEEPER.events.clear();
        runs = 0;
    }

    private static HttpResponse<String> call(
            String verb, String path, String body, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(
                                URI.create("http://127.0.0.1:" + server.port() + "/api/v1" + path))
                        .method(verb, BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return HTTP.send(request.build(), BodyHandlers.ofString());
    }

    private static HttpResponse<String> good(String verb, String path, String body)
            throws IOException, InterruptedException {
        return call(verb, path, body, "Authorization", "Bearer good");
    }

    @Test
    void listHasAPageAndBothSlashFormsAreServed() throws Exception {
        for (String path : List.of("/things", "/things/", "/things?page=", "/things/?PAGE=1")) {
            HttpResponse<String> answer = good("GET", path, "");
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.headers().firstValue("Content-Type"))
                    .hasValue("application/json;charset=utf-8");
            assertThat(answer.body())
                    .isEqualTo(
                            "{\"code\":0,\"message\":\"OK\",\"data\":[\"<a>\"],"
                                    + "\"page\":{\"page\":0,\"pageSize\":0,\"total\":1}}");
        }
        assertThat(KEEPER.events).as("reading is not recorded").isEmpty();
    }

    @Test
    void whatChangesIsRecorded() throws Exception {
        HttpResponse<String> answer =
                call(
                        "POST",
                        "/things/",
                        "{\"NAME\":\"abcd\",\"kind\":\"a\",\"more\":1} trailing",
                        "Authorization",
                        "Bearer good",
                        "Em-X-Trace-Id",
                        "my-trace");
        assertThat(answer.body())
                .isIn(
                        "{\"code\":0,\"message\":\"OK\",\"data\":{\"id\":\"abcd\",\"by\":\"alice\"}}",
                        "{\"code\":0,\"message\":\"OK\",\"data\":{\"by\":\"alice\",\"id\":\"abcd\"}}");
        assertThat(answer.headers().firstValue("Em-X-Trace-Id")).hasValue("my-trace");
        assertThat(KEEPER.events)
                .containsExactly(
                        new Keeper.Event(
                                NOW,
                                "my-trace",
                                new Caller("u1", "alice", "t1", "127.0.0.1"),
                                "POST /api/v1/things",
                                Map.of(),
                                "thing abcd",
                                200,
                                0));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "good | '' | 400 | [10004]marshal error\\tEOF",
                "good | [] | 400 | [10004]marshal error\\tjson: cannot unmarshal array into Go value of type MakeReq",
                "good | {\"name\":7} | 400 | [10004]marshal error\\tjson: cannot unmarshal number into Go struct field MakeReq.name of type string",
                "good | {\"name\":\"abc\",\"kind\":\"A\"} | 400 | [10001]parameter is invalid\\tKey: 'MakeReq.Name' Error:Field validation for 'Name' failed on the 'min' tag\\nKey: 'MakeReq.Kind' Error:Field validation for 'Kind' failed on the 'oneof' tag",
                "good | {\"name\":\"\u00e4\u00f6\u00fc\ud83d\ude00\ud83d\ude00\ud83d\ude00\ud83d\ude00\",\"kind\":\"a\"} | 400 | [10001]parameter is invalid\\tKey: 'MakeReq.Name' Error:Field validation for 'Name' failed on the 'max' tag",
                "old | [] | 401 | [70602]access token has been expired",
                "forged | [] | 401 | [70600]unauthorized\\tcause: record not found",
                "aged | [] | 400 | [70615]password expired",
            })
    void refusals(String token, String body, int status, String message) throws Exception {
        HttpResponse<String> answer =
                call("POST", "/things", body, "Authorization", "Bearer " + token);
        assertThat(answer.statusCode()).isEqualTo(status);
        String escaped =
                message.replace("\\t", "\t")
                        .replace("\\n", "\n")
                        .replace("\t", "\\t")
                        .replace("\n", "\\n");
        assertThat(answer.body())
                .isEqualTo(
                        "{\"code\":"
                                + message.substring(1, 6)
                                + ",\"message\":\""
                                + escaped
                                + "\",\"data\":{}}");
        assertThat(runs).isZero();
        assertThat(KEEPER.events).hasSize(1);
    }

    @Test
    void aMissingOrOddHeaderIsOneEnvelopeThatQuotesNothing() throws Exception {
        for (String header : List.of("", "bearer good", "Basic Z29vZA==", "Bearer  good")) {
            HttpResponse<String> answer =
                    header.isEmpty()
                            ? call("GET", "/things", "")
                            : call("GET", "/things", "", "Authorization", header);
            assertThat(answer.statusCode()).as(header).isEqualTo(401);
            assertThat(answer.body())
                    .startsWith("{\"code\":70600,")
                    .endsWith("\"data\":{}}")
                    .doesNotContain("good", "Z29v");
        }
        assertThat(KEEPER.events).hasSize(4);
    }

    @Test
    void theBodyIsJudgedBeforeThePermission() throws Exception {
        HttpResponse<String> answer = good("DELETE", "/things/x/", "");
        assertThat(answer.statusCode()).isEqualTo(403);
        assertThat(answer.body())
                .contains(
                        "[70650]rbac permission check failed\\tcheck permission for user u1 has no"
                                + " permisson [{Resource:CDC Action:CREATE}]");
        assertThat(KEEPER.events)
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.action()).isEqualTo("DELETE /api/v1/things/{id}");
                    assertThat(event.target()).containsEntry("id", "x");
                    assertThat(event.status()).isEqualTo(403);
                });
        assertThat(good("POST", "/things", "").statusCode()).isEqualTo(400);
    }

    @Test
    void aSystemThatDoesNotRunRefusesBeforeTheToken() throws Exception {
        KEEPER.state = "Initialing";
        HttpResponse<String> answer = call("GET", "/things", "");
        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(answer.body())
                .contains("[9897]system state conflict\\tcurrent state is Initialing");
        assertThat(call("GET", "/open", "").statusCode()).isEqualTo(200);
    }

    @Test
    void whoIsNamedMayChangeThePasswordEvenAnExpiredOne() throws Exception {
        String aged = "Bearer aged";
        assertThat(call("POST", "/users/u2/password", "", "Authorization", aged).statusCode())
                .isEqualTo(200);
        HttpResponse<String> other = call("POST", "/users/u1/password", "", "Authorization", aged);
        assertThat(other.statusCode()).isEqualTo(400);
        assertThat(other.body()).contains("70615");
        assertThat(good("POST", "/users/u2/password", "").statusCode()).isEqualTo(403);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "user | 400 | 10001 | [10001]parameter is invalid\\tno: mysql://u:xxxxx@h/",
                "store | 500 | 10002 | [10002]failed to execute SQL\\tdisk full",
                "inside | 500 | 10000 | broken",
                "known | 500 | 21206 | [21206]Failed to execute task command\\tpause failed\\tcause: refused",
                "other | 500 | -1 | the request failed inside the server: IllegalStateException",
            })
    void errorsOfARoute(String id, int status, int code, String message) throws Exception {
        HttpResponse<String> answer = good("POST", "/things/" + id + "/break", "");
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.body())
                .isEqualTo("{\"code\":" + code + ",\"message\":\"" + message + "\",\"data\":{}}");
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /nowhere",
        "PUT, /things",
        "GET, /things/x",
        "POST, /things//break",
        "HEAD, /things",
        "OPTIONS, /things"
    })
    void unknownPathsAndVerbs(String verb, String path) throws Exception {
        HttpResponse<String> answer = good(verb, path, "");
        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(answer.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain");
        assertThat(answer.body()).isEqualTo(verb.equals("HEAD") ? "" : "404 page not found");
    }

    @Test
    void pagesOfOtherOriginsMayAsk() throws Exception {
        HttpResponse<String> answer =
                call("GET", "/things", "", "Origin", "http://ui:8080", "Authorization", "x");
        assertThat(answer.headers().firstValue("Access-Control-Allow-Origin"))
                .hasValue("http://ui:8080");
        assertThat(answer.headers().firstValue("Access-Control-Allow-Credentials"))
                .hasValue("true");
        HttpResponse<String> before =
                call(
                        "OPTIONS",
                        "/things/",
                        "",
                        "Origin",
                        "http://ui:8080",
                        "Access-Control-Request-Method",
                        "POST",
                        "Access-Control-Request-Headers",
                        "authorization,content-type");
        assertThat(before.statusCode()).isEqualTo(204);
        assertThat(before.headers().firstValue("Access-Control-Allow-Methods"))
                .hasValue("GET, POST");
        assertThat(before.headers().firstValue("Access-Control-Allow-Headers"))
                .hasValue("authorization,content-type");
        assertThat(before.headers().firstValue("Access-Control-Allow-Origin"))
                .hasValue("http://ui:8080");
    }

    @Test
    void traceIdsThatAreNotUsableAreReplaced() throws Exception {
        assertThat(call("GET", "/open", "").headers().firstValue("Em-X-Trace-Id").orElseThrow())
                .matches("[2-9A-HJ-NP-Za-km-z]{22}");
        assertThat(
                        call("GET", "/open", "", "Em-X-Trace-Id", "x".repeat(129))
                                .headers()
                                .firstValue("Em-X-Trace-Id")
                                .orElseThrow())
                .hasSize(22);
    }

    @ParameterizedTest
    @CsvSource({
        "abc, invalid syntax",
        "1.5, invalid syntax",
        "99999999999, value out of range",
    })
    void numbersInTheQuery(String value, String why) throws Exception {
        HttpResponse<String> answer = good("GET", "/things?page=" + value, "");
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(answer.body())
                .contains(
                        "[10004]marshal error\\tstrconv.ParseInt: parsing \\\""
                                + value
                                + "\\\": "
                                + why);
    }
}
