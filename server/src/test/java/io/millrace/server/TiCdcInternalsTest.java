package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The routes for looking inside, over HTTP on a whole server in this process. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class TiCdcInternalsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FEED =
            "{\"changefeed_id\":\"one\",\"sink_uri\":\"blackhole://u:sinkpw@h/\"}";

    @TempDir Path dir;

    private final HttpClient http = HttpClient.newHttpClient();
    private MillraceNode node;

    @BeforeEach
    void start() {
        node =
                MillraceNode.start(
                        ServerConfig.of(
                                new Settings()
                                        .set("addr", "127.0.0.1:0")
                                        .set("data-dir", dir.toString())
                                        .set("upstream", "fake://user:upstreampw@here")
                                        .set("auth.user", "op")
                                        .set("auth.password", "loginpw")),
                        List.of(new FakeUpstream()),
                        List.of(new BlackholeSinkFactory()));
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private HttpResponse<String> call(String method, String path, String body, String type)
            throws Exception {
        return http.send(
                HttpRequest.newBuilder(URI.create(node.url() + path))
                        .header("Authorization", "Basic b3A6bG9naW5wdw==")
                        .header("Content-Type", type)
                        .method(method, HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> call(String method, String path, String body) throws Exception {
        return call(method, path, body, "application/json");
    }

    private HttpResponse<String> form(String path, String fields) throws Exception {
        return call("POST", path, fields, "application/x-www-form-urlencoded");
    }

    @Test
    void metadataIsShownUnderTheKeysOfEtcd() throws Exception {
        call("POST", "/api/v2/changefeeds", FEED);
        HttpResponse<String> answer = call("GET", "/api/v2/unsafe/metadata", "");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).doesNotContain("sinkpw").doesNotContain("upstreampw");
        Map<String, String> pairs = new TreeMap<>();
        for (JsonNode pair : JSON.readTree(answer.body())) {
            pairs.put(pair.get("key").asText(), pair.get("value").asText());
        }
        String id = JSON.readTree(call("GET", "/status", "").body()).get("id").asText();
        assertThat(pairs)
                .containsOnlyKeys(
                        "/tidb/cdc/default/__cdc_meta__/capture/" + id,
                        "/tidb/cdc/default/__cdc_meta__/meta/meta-version",
                        "/tidb/cdc/default/__cdc_meta__/owner/" + id,
                        "/tidb/cdc/default/default/changefeed/info/one",
                        "/tidb/cdc/default/default/changefeed/status/one",
                        "/tidb/cdc/default/default/task/position/" + id + "/one",
                        "/tidb/cdc/default/default/upstream/" + FakeUpstream.CLUSTER_ID);
        assertThat(
                        JSON.readTree(pairs.get("/tidb/cdc/default/default/changefeed/info/one"))
                                .path("sink_uri")
                                .asText())
                .isEqualTo("blackhole://u:xxxxx@h/");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    POST | /api/v2/unsafe/resolve_lock | {"region_id":1,"ts":5} | 200 | {}
                    POST | /api/v2/unsafe/resolve_lock | {"region_id":1} | 400 | CDC:ErrAPIInvalidParam
                    POST | /api/v2/unsafe/resolve_lock | {"region_id":0,"ts":5} | 400 | CDC:ErrAPIInvalidParam
                    POST | /api/v2/unsafe/resolve_lock | `` | 400 | CDC:ErrAPIInvalidParam
                    POST | /api/v2/unsafe/resolve_lock | {"region_id":1,"ts":5,"pd_addrs":["h"]} | 400 | pd_addrs is not supported
                    DELETE | /api/v2/unsafe/service_gc_safepoint | {} | 200 | {}
                    DELETE | /api/v2/unsafe/service_gc_safepoint | `` | 400 | CDC:ErrAPIInvalidParam
                    DELETE | /api/v2/unsafe/service_gc_safepoint | {"ca_path":"x"} | 400 | ca_path is not supported
                    """)
    void unsafeRoutesCheckTheirBodies(
            String method, String path, String body, int status, String text) throws Exception {
        HttpResponse<String> answer = call(method, path, body);
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.body()).contains(text);
    }

    @Test
    void configurationIsShownWithoutSecrets() throws Exception {
        HttpResponse<String> answer = call("GET", "/config", "");
        assertThat(answer.statusCode()).isEqualTo(200);
        JsonNode config = JSON.readTree(answer.body());
        assertThat(config.path("cluster-id").asText()).isEqualTo("default");
        assertThat(config.at("/auth/password").asText()).isEqualTo("xxxxx");
        assertThat(config.at("/upstreams/default").asText()).isEqualTo("fake://user:xxxxx@here");
        assertThat(answer.body()).doesNotContain("loginpw").doesNotContain("upstreampw");
    }

    @Test
    void debugPagesAreText() throws Exception {
        call("POST", "/api/v2/changefeeds", FEED);
        HttpResponse<String> info = call("GET", "/debug/info", "");
        assertThat(info.statusCode()).isEqualTo(200);
        assertThat(info.headers().firstValue("content-type").orElse("")).startsWith("text/plain");
        assertThat(info.body())
                .contains("*** captures ***")
                .contains("default/one: state normal, sink blackhole://u:xxxxx@h/")
                .contains("*** threads ***")
                .contains("TiCdcInternals.threads")
                .doesNotContain("sinkpw");
        assertThat(call("GET", "/debug/pprof/goroutine?debug=2", "").body())
                .contains("TiCdcInternals.threads")
                .contains("main");
        assertThat(call("GET", "/debug/pprof/", "").body()).contains("goroutine");
        HttpResponse<String> heap = call("GET", "/debug/pprof/heap", "");
        assertThat(heap.statusCode()).isEqualTo(400);
        assertThat(heap.body()).contains("no profile heap").contains("jcmd");
    }

    @Test
    void formPostsOfOldTools() throws Exception {
        call("POST", "/api/v2/changefeeds", FEED);
        HttpResponse<String> resign = form("/capture/owner/resign", "");
        assertThat(resign.statusCode()).isEqualTo(200);
        assertThat(JSON.readTree(resign.body()))
                .isEqualTo(JSON.readTree("{\"status\":true,\"message\":\"\"}"));
        JsonNode query = JSON.readTree(form("/capture/owner/changefeed/query", "cf-id=one").body());
        assertThat(query.path("state").asText()).isEqualTo("normal");
        assertThat(query.path("tso").asLong()).isPositive();
        assertThat(query.path("checkpoint").asText()).startsWith("20");
        assertThat(query.has("error")).isTrue();
        assertThat(form("/capture/owner/rebalance_trigger", "cf-id=one").statusCode())
                .isEqualTo(200);
        assertThat(
                        form("/capture/owner/move_table", "cf-id=one&target-cp-id=abc&table-id=1")
                                .statusCode())
                .isEqualTo(200);
        assertThat(form("/capture/owner/admin", "cf-id=one&admin-job=1").statusCode())
                .isEqualTo(200);
        assertThat(form("/capture/owner/changefeed/query", "cf-id=one").body())
                .contains("\"stopped\"");
        form("/capture/owner/admin", "cf-id=one&admin-job=2");
        assertThat(form("/capture/owner/changefeed/query", "cf-id=one").body())
                .contains("\"normal\"");
        form("/capture/owner/admin", "cf-id=one&admin-job=3");
        HttpResponse<String> gone = form("/capture/owner/changefeed/query", "cf-id=one");
        assertThat(gone.statusCode()).isEqualTo(400);
        assertThat(JSON.readTree(gone.body()).path("status").asBoolean(true)).isFalse();
        assertThat(JSON.readTree(gone.body()).path("message").asText())
                .startsWith("[CDC:ErrChangeFeedNotExists]");
    }

    @ParameterizedTest
    @CsvSource({
        "admin, cf-id=one&admin-job=x, invalid admin job type: x",
        "admin, cf-id=one&admin-job=9, invalid admin job type: 9",
        "admin, admin-job=1, invalid changefeed_id",
        "rebalance_trigger, cf-id=no, CDC:ErrChangeFeedNotExists",
        "move_table, cf-id=one&table-id=1, invalid target-cp-id",
        "move_table, cf-id=one&target-cp-id=a&table-id=x, invalid table-id: x"
    })
    void badFormPostsAreRefused(String path, String fields, String message) throws Exception {
        call("POST", "/api/v2/changefeeds", FEED);
        HttpResponse<String> answer = form("/capture/owner/" + path, fields);
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(JSON.readTree(answer.body()).path("message").asText()).contains(message);
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /api/v2/unsafe/metadata",
        "POST, /api/v2/unsafe/resolve_lock",
        "DELETE, /api/v2/unsafe/service_gc_safepoint",
        "GET, /config",
        "GET, /debug/info",
        "GET, /debug/pprof/goroutine",
        "POST, /capture/owner/resign",
        "POST, /capture/owner/changefeed/query",
        "GET, /metrics"
    })
    void nothingIsShownWithoutLogin(String method, String path) throws Exception {
        assertThat(
                        http.send(
                                        HttpRequest.newBuilder(URI.create(node.url() + path))
                                                .method(
                                                        method,
                                                        HttpRequest.BodyPublishers.ofString("{}"))
                                                .build(),
                                        HttpResponse.BodyHandlers.discarding())
                                .statusCode())
                .isEqualTo(401);
    }

    @Test
    void fieldsOfTheFormAreDecoded() throws Exception {
        assertThat(
                        form(
                                        "/capture/owner/changefeed/query",
                                        "cf-id=" + URLEncoder.encode("a b", StandardCharsets.UTF_8))
                                .body())
                .contains("invalid changefeed_id: a b");
    }
}
