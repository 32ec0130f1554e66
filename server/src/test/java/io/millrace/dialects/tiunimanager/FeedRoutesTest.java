package io.millrace.dialects.tiunimanager;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.server.TestPlane;
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
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Tasks and clusters over HTTP, beside TiCDC's API on the same jobs, with sources that have no rows
 * and targets that swallow everything. A token is the tenant's name.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the tests
final class FeedRoutesTest {
    private static final String FEEDS = "/api/v1/changefeeds/";
    private static final String MYSQL =
            "\"downstreamType\":\"mysql\",\"downstream\":{\"ip\":\"h\",\"port\":3306,"
                    + "\"username\":\"u\",\"password\":\"hidden1\"}";
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir static Path folder;

    private static TestPlane plane;
    private static String url;

    private record Answer(int status, JsonNode body) {
        int code() {
            return body.path("code").asInt(-99);
        }

        String message() {
            return body.path("message").asText();
        }

        JsonNode data() {
            return body.path("data");
        }
    }

    private static final class EveryTenant implements Keeper {
        @Override
        public String systemState() {
            return RUNNING;
        }

        @Override
        public Admission admit(String token) {
            return new Admission.Admitted("user-of-" + token, "someone", token, false);
        }

        @Override
        public boolean permits(String userId, Permission permission) {
            return !userId.contains("nobody");
        }

        @Override
        public void record(Event event) {}
    }

    @BeforeAll
    static void start() {
        plane = TestPlane.open(folder);
        url =
                plane.serve(config -> {
                    Gate gate = new Gate(config, new EveryTenant(), Clock.systemUTC());
                    FeedRoutes.install(gate, plane::control, plane.drafts(), ZoneOffset.UTC);
                    ClusterRoutes.install(gate, plane::control, ZoneOffset.UTC);
                });
    }

    @AfterAll
    static void stop() {
        plane.close();
    }

    @AfterEach
    void clean() {
        plane.closeFreely();
        plane.mendCaptures();
        plane.silence(false);
        plane.reachable(true);
        plane.refuseSinks("");
        plane.sinkCluster(0);
        for (JsonNode feed : get("/api/v2/changefeeds?state=all").body().get("items")) {
            call("admin", "DELETE", "/api/v2/changefeeds/" + feed.get("id").asText(), "");
        }
        for (JsonNode cluster : ok(get("/api/v1/clusters/")).get("clusters")) {
            String id = cluster.get("clusterId").asText();
            if (!id.equals("default")) {
                ok(call("admin", "DELETE", "/api/v1/clusters/" + id, ""));
            }
        }
    }

    private Answer call(String tenant, String method, String path, String body) {
        try {
            HttpResponse<String> response =
                    HTTP.send(
                            HttpRequest.newBuilder(
                                            URI.create(
                                                    (path.startsWith("/api/v2")
                                                                    ? plane.cdcUrl()
                                                                    : url)
                                                            + path))
                                    .header("Authorization", "Bearer " + tenant)
                                    .method(method, BodyPublishers.ofString(body))
                                    .build(),
                            BodyHandlers.ofString());
            assertThat(response.body()).doesNotContainPattern("hidden\\d");
            return new Answer(
                    response.statusCode(),
                    response.body().startsWith("{")
                            ? JSON.readTree(response.body())
                            : JSON.createObjectNode());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private Answer get(String path) {
        return call("admin", "GET", path, "");
    }

    private Answer post(String path, String body) {
        return call("admin", "POST", path, body);
    }

    private static JsonNode ok(Answer answer) {
        assertThat(answer.status()).as(answer.message()).isEqualTo(200);
        assertThat(answer.body().get("code").asInt()).isZero();
        assertThat(answer.message()).isEqualTo("OK");
        return answer.data();
    }

    private static void refused(Answer answer, int status, int code) {
        assertThat(answer.code()).as(answer.message()).isEqualTo(code);
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.message()).startsWith("[" + code + "]");
        assertThat(answer.data().toString()).isEqualTo("{}");
        assertThat(answer.body().has("page")).isFalse();
    }

    private static String creation(String more) {
        return "{\"name\":\"my_sync_name\",\"clusterId\":\"default\"," + more + "}";
    }

    private String create(String more) {
        return ok(post(FEEDS, creation(more))).get("id").asText();
    }

    private JsonNode detail(String id) {
        return ok(get(FEEDS + id + "/"));
    }

    private JsonNode list() {
        return ok(get(FEEDS + "?clusterId=default"));
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    @Test
    void aTaskIsAChangefeed() {
        String id = create(MYSQL + ",\"rules\":[\"a.*\",\"!a.b\"]");
        assertThat(id).matches("[2-9A-HJ-NP-Za-km-z]{22}");
        JsonNode task = detail(id);
        assertThat(names(task))
                .containsExactlyInAnyOrder(
                        "id",
                        "name",
                        "clusterId",
                        "startTS",
                        "startUnix",
                        "rules",
                        "status",
                        "unsteady",
                        "downstreamType",
                        "downstream",
                        "createTime",
                        "updateTime",
                        "upstreamUpdateTs",
                        "upstreamUpdateUnix",
                        "downstreamFetchTs",
                        "downstreamFetchUnix",
                        "downstreamSyncTs",
                        "downstreamSyncUnix");
        assertThat(task.get("id").asText()).isEqualTo(id);
        assertThat(task.get("name").asText()).isEqualTo("my_sync_name");
        assertThat(task.get("clusterId").asText()).isEqualTo("default");
        assertThat(task.get("startTS").textValue()).isEqualTo("0");
        assertThat(task.get("startUnix").longValue()).isZero();
        assertThat(task.get("rules").toString()).isEqualTo("[\"a.*\",\"!a.b\"]");
        assertThat(task.get("status").textValue()).isEqualTo("Normal");
        assertThat(task.get("unsteady").booleanValue()).isFalse();
        assertThat(task.get("downstreamType").textValue()).isEqualTo("mysql");
        assertThat(task.get("downstream").toString())
                .isEqualTo(
                        "{\"ip\":\"h\",\"port\":3306,\"username\":\"u\",\"password\":\"******\","
                                + "\"concurrentThreads\":0,\"workerCount\":0,\"maxTxnRow\":0,"
                                + "\"tls\":false}");
        for (String time : List.of("createTime", "updateTime")) {
            assertThat(task.get(time).textValue())
                    .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z");
        }
        long now = System.currentTimeMillis();
        for (String position : List.of("upstreamUpdate", "downstreamFetch", "downstreamSync")) {
            long tso = Long.parseLong(task.get(position + "Ts").textValue());
            assertThat(task.get(position + "Unix").longValue())
                    .isEqualTo(tso >>> 18)
                    .isBetween(now - 60_000, now + 60_000);
        }
        assertThat(list().get(0).get("id").asText()).isEqualTo(id);
        JsonNode feed = get("/api/v2/changefeeds/" + id).body();
        assertThat(feed.get("state").asText()).isEqualTo("normal");
        assertThat(feed.get("sink_uri").asText()).isEqualTo("mysql://u:xxxxx@h:3306/");
        assertThat(feed.at("/config/filter/rules").toString()).isEqualTo("[\"a.*\",\"!a.b\"]");
        assertThat(plane.openedUri()).isEqualTo("mysql://u:hidden1@h:3306/");
    }

    @Test
    void aChangefeedIsATask() {
        assertThat(
                        post(
                                        "/api/v2/changefeeds",
                                        "{\"changefeed_id\":\"cf1\",\"sink_uri\":\"kafka://h:9/t"
                                                + "?protocol=canal-json&partition-num=3\"}")
                                .status())
                .isEqualTo(200);
        JsonNode task = detail("cf1");
        assertThat(task.get("name").asText()).isEqualTo("cf1");
        assertThat(task.get("downstreamType").asText()).isEqualTo("kafka");
        assertThat(task.at("/downstream/protocol").asText()).isEqualTo("canal-json");
        assertThat(task.at("/downstream/partitions").asInt()).isEqualTo(3);
        assertThat(task.at("/rules").toString()).isEqualTo("[\"*.*\"]");
        assertThat(Long.parseLong(task.get("startTS").asText())).isPositive();
        assertThat(ok(post(FEEDS + "cf1/pause", "")).get("status").asText()).isEqualTo("Normal");
        assertThat(get("/api/v2/changefeeds/cf1").body().get("state").asText())
                .isEqualTo("stopped");
        assertThat(ok(call("admin", "DELETE", FEEDS + "cf1", "")).toString())
                .isEqualTo("{\"id\":\"cf1\",\"status\":\"Stopped\"}");
        assertThat(get("/api/v2/changefeeds/cf1").status()).isEqualTo(400);
    }

    @Test
    void aTaskOfWhichTheSinkWasChangedElsewhereTellsTheTruth() {
        String id =
                create(
                        "\"downstreamType\":\"tidb\",\"downstream\":{\"ip\":\"http://h\",\"port\":1,"
                                + "\"concurrentThreads\":16}");
        assertThat(detail(id).get("downstream").toString())
                .contains("http://h", "\"concurrentThreads\":16", "\"workerCount\":0");
        ok(post(FEEDS + id + "/pause", ""));
        assertThat(
                        call(
                                        "admin",
                                        "PUT",
                                        "/api/v2/changefeeds/" + id,
                                        "{\"sink_uri\":\"mysql://g:2/?worker-count=7\"}")
                                .status())
                .isEqualTo(200);
        JsonNode task = detail(id);
        assertThat(task.get("name").asText()).isEqualTo("my_sync_name");
        assertThat(task.get("downstreamType").asText()).isEqualTo("tidb");
        assertThat(task.get("downstream").toString())
                .isEqualTo(
                        "{\"ip\":\"g\",\"port\":2,\"username\":\"\",\"password\":\"\","
                                + "\"concurrentThreads\":0,\"workerCount\":7,\"maxTxnRow\":0,"
                                + "\"tls\":false,\"targetClusterId\":\"\"}");
    }

    @Test
    void kafkaMembersReachTheSink() {
        String id =
                create(
                        "\"downstreamType\":\"kafka\",\"downstream\":{\"ip\":\"http://h\","
                                + "\"port\":9092,\"version\":\"2.4.0\",\"clientId\":\"c1\","
                                + "\"topicName\":\"t1\",\"protocol\":\"default\",\"partitions\":6,"
                                + "\"replicationFactor\":1,\"maxMessageBytes\":65536,"
                                + "\"maxBatchSize\":3,\"tls\":true,\"dispatchers\":["
                                + "{\"matcher\":\"test1.*\",\"dispatcher\":\"ts\"}]}");
        assertThat(plane.openedUri())
                .isEqualTo(
                        "kafka://h:9092/t1?kafka-version=2.4.0&partition-num=6"
                                + "&max-message-bytes=65536&replication-factor=1&max-batch-size=3"
                                + "&protocol=open-protocol&kafka-client-id=c1&enable-tls=true");
        assertThat(plane.openedDispatchers())
                .isEqualTo(
                        "[DispatchRule[matcher=[test1.*], partition=ts, index=, columns=[],"
                                + " topic=]]");
        assertThat(
                        get("/api/v2/changefeeds/" + id)
                                .body()
                                .at("/config/sink/dispatchers/0/partition")
                                .asText())
                .isEqualTo("ts");
        assertThat(detail(id).get("downstream").toString())
                .isEqualTo(
                        "{\"ip\":\"http://h\",\"port\":9092,\"version\":\"2.4.0\","
                                + "\"clientId\":\"c1\",\"topicName\":\"t1\","
                                + "\"protocol\":\"default\",\"partitions\":6,"
                                + "\"replicationFactor\":1,\"maxMessageBytes\":65536,"
                                + "\"maxBatchSize\":3,\"dispatchers\":[{\"matcher\":\"test1.*\","
                                + "\"dispatcher\":\"ts\"}],\"tls\":true}");
    }

    @Test
    void commandsAnswerWithTheStatusFromBefore() {
        String id = create(MYSQL);
        assertThat(ok(post(FEEDS + id + "/pause", "")).toString())
                .isEqualTo("{\"status\":\"Normal\"}");
        assertThat(detail(id).get("status").asText()).isEqualTo("Stopped");
        assertThat(ok(post(FEEDS + id + "/pause", "")).toString())
                .as("there is no precondition")
                .isEqualTo("{\"status\":\"Stopped\"}");
        assertThat(ok(post(FEEDS + id + "/resume/", "")).toString())
                .isEqualTo("{\"status\":\"Stopped\"}");
        assertThat(detail(id).get("status").asText()).isEqualTo("Normal");
        assertThat(ok(post(FEEDS + id + "/resume", "")).toString())
                .isEqualTo("{\"status\":\"Normal\"}");
        assertThat(ok(call("admin", "DELETE", FEEDS + id + "/", "ignored")).toString())
                .contains("\"status\":\"Normal\"");
        refused(call("admin", "DELETE", FEEDS + id, ""), 404, 21201);
        assertThat(list()).isEmpty();
    }

    @Test
    void anUpdateReplacesEverythingButClusterAndStart() {
        String id = create(MYSQL + ",\"rules\":[\"a.*\"]");
        String before = detail(id).get("updateTime").asText();
        assertThat(
                        ok(post(
                                        FEEDS + id + "/update",
                                        "{\"name\":\"other name\",\"clusterId\":\"x\","
                                                + "\"startTS\":\"5\",\"id\":\"y\","
                                                + "\"downstreamType\":\"kafka\",\"downstream\":{"
                                                + "\"ip\":\"k\",\"topicName\":\"t\"}}"))
                                .toString())
                .isEqualTo("{\"status\":\"Normal\"}");
        JsonNode task = detail(id);
        assertThat(task.get("name").asText()).isEqualTo("other name");
        assertThat(task.get("clusterId").asText()).isEqualTo("default");
        assertThat(task.get("startTS").asText()).isEqualTo("0");
        assertThat(task.get("rules").toString()).isEqualTo("[]");
        assertThat(task.get("downstreamType").asText()).isEqualTo("kafka");
        assertThat(task.get("status").asText()).isEqualTo("Normal");
        assertThat(task.get("updateTime").asText()).isGreaterThan(before);
        assertThat(plane.openedUri()).isEqualTo("kafka://k/t?protocol=open-protocol");
        ok(post(FEEDS + id + "/pause", ""));
        ok(
                post(
                        FEEDS + id + "/update",
                        "{\"name\":\"stays stopped\"," + MYSQL + ",\"rules\":[\"b.*\"]}"));
        assertThat(detail(id).get("status").asText()).isEqualTo("Stopped");
        assertThat(detail(id).get("rules").toString()).isEqualTo("[\"b.*\"]");
    }

    @Test
    void whatTheStockClientReadsItMaySendBack() {
        String id =
                create(
                        "\"downstreamType\":\"mysql\",\"downstream\":{\"ip\":\"http://h\","
                                + "\"port\":3306,\"username\":\"u\",\"password\":\"hidden1\","
                                + "\"workerCount\":9,\"maxTxnRow\":20,\"tls\":true,"
                                + "\"concurrentThreads\":4}");
        assertThat(plane.openedUri())
                .isEqualTo("mysql+ssl://u:hidden1@h:3306/?worker-count=4&max-txn-row=20");
        // Its form has no word for the rest, and cuts the prefix.
        ok(
                post(
                        FEEDS + id + "/update",
                        "{\"name\":\"renamed\",\"downstreamType\":\"mysql\",\"rules\":[\"*.*\"],"
                                + "\"downstream\":{\"ip\":\"h\",\"port\":3306,\"username\":\"u\","
                                + "\"password\":\"******\",\"concurrentThreads\":4,\"tls\":true}}"));
        assertThat(plane.openedUri()).isEqualTo("mysql+ssl://u:hidden1@h:3306/?worker-count=4");
        assertThat(detail(id).at("/downstream/workerCount").asInt()).isZero();
        ok(
                post(
                        FEEDS + id + "/update",
                        "{\"name\":\"renamed\",\"downstreamType\":\"mysql\",\"downstream\":{"
                                + "\"ip\":\"H\",\"port\":3306,\"username\":\"u\",\"tls\":true}}"));
        assertThat(plane.openedUri())
                .as("no password keeps the stored one too")
                .isEqualTo("mysql+ssl://u:hidden1@H:3306/");
        ok(
                post(
                        FEEDS + id + "/update",
                        "{\"name\":\"renamed\",\"downstreamType\":\"mysql\",\"downstream\":{"
                                + "\"ip\":\"h\",\"port\":3306,\"username\":\"u\",\"tls\":true,"
                                + "\"password\":\"hidden2\"}}"));
        assertThat(plane.openedUri()).isEqualTo("mysql+ssl://u:hidden2@h:3306/");
    }

    @ParameterizedTest
    @CsvSource({
        "evil, 3306, u, true",
        "h, 3307, u, true",
        "h, 3306, root, true",
        "h, 3306, u, false"
    })
    void theStoredPasswordIsForOneUserOfOneServer(String ip, int port, String user, boolean tls) {
        String id =
                create(
                        "\"downstreamType\":\"mysql\",\"downstream\":{\"ip\":\"h\",\"port\":3306,"
                                + "\"username\":\"u\",\"password\":\"hidden1\",\"tls\":true}");
        JsonNode before = detail(id);
        String body =
                "{\"name\":\"moved\",\"downstreamType\":\"mysql\",\"downstream\":{\"ip\":\""
                        + ip
                        + "\",\"port\":"
                        + port
                        + ",\"username\":\""
                        + user
                        + "\",\"tls\":"
                        + tls
                        + ",\"password\":\"%s\"}}";
        refused(post(FEEDS + id + "/update", body.formatted("******")), 400, 10001);
        assertThat(detail(id).get("downstream")).isEqualTo(before.get("downstream"));
        assertThat(detail(id).get("name")).isEqualTo(before.get("name"));
        ok(post(FEEDS + id + "/update", body.formatted("")));
        assertThat(plane.openedUri()).doesNotContain("hidden1");
    }

    @Test
    void secretsOfAKafkaStayWithItsBrokers() {
        assertThat(
                        post(
                                        "/api/v2/changefeeds",
                                        "{\"changefeed_id\":\"kafka-feed\",\"sink_uri\":"
                                                + "\"kafka://h:9/t?protocol=canal-json"
                                                + "&sasl-user=u&sasl-password=hidden3"
                                                + "&compression=gzip\",\"replica_config\":{\"sink\":"
                                                + "{\"kafka_config\":{\"sasl_gssapi_password\":"
                                                + "\"hidden4\"}}}}")
                                .status())
                .isEqualTo(200);
        String body =
                "{\"name\":\"renamed\",\"downstreamType\":\"kafka\",\"downstream\":{\"ip\":\"%s\","
                        + "\"port\":9,\"topicName\":\"t2\",\"protocol\":\"canal-json\"}}";
        ok(post(FEEDS + "kafka-feed/update", body.formatted("h")));
        assertThat(plane.openedUri())
                .contains("kafka://h:9/t2?")
                .contains("sasl-password=hidden3", "compression=gzip");
        assertThat(plane.openedOptions()).containsEntry("sasl-gssapi-password", "hidden4");
        ok(post(FEEDS + "kafka-feed/update", body.formatted("evil")));
        assertThat(plane.openedUri()).isEqualTo("kafka://evil:9/t2?protocol=canal-json");
        assertThat(plane.openedOptions()).doesNotContainKey("sasl-gssapi-password");
    }

    /** Waits for what holds while a request is under way. */
    private static void await(CompletableFuture<Answer> request, BooleanSupplier what)
            throws Exception {
        while (!what.getAsBoolean()) {
            assertThat(request).as("the request is still under way").isNotDone();
            Thread.sleep(5);
        }
    }

    @Test
    void onlyOneOperationWorksAtATask() throws Exception {
        String id = create(MYSQL);
        CountDownLatch mayClose = plane.holdClosing();
        CompletableFuture<Answer> pause =
                CompletableFuture.supplyAsync(() -> post(FEEDS + id + "/pause", ""));
        await(pause, () -> detail(id).get("unsteady").asBoolean());
        for (String other : List.of("/pause", "/resume")) {
            Answer busy = post(FEEDS + id + other, "");
            refused(busy, 409, 21203);
            assertThat(busy.message()).isEqualTo("[21203]Task status conflict");
        }
        refused(
                post(
                        FEEDS + id + "/update",
                        "{\"name\":\"busy\"," + MYSQL + ",\"rules\":[\"c.*\"]}"),
                409,
                21203);
        mayClose.countDown();
        assertThat(ok(pause.get()).get("status").asText()).isEqualTo("Normal");
        assertThat(detail(id).get("unsteady").asBoolean()).isFalse();
        ok(post(FEEDS + id + "/resume", ""));
    }

    @Test
    void anUpdateNeverLeavesARunningTaskStopped() throws Exception {
        String id = create(MYSQL);
        CountDownLatch mayClose = plane.holdClosing();
        CompletableFuture<Answer> update =
                CompletableFuture.supplyAsync(() ->
                        post(
                                FEEDS + id + "/update",
                                "{\"name\":\"busy\"," + MYSQL + ",\"rules\":[\"c.*\"]}"));
        await(update, () -> detail(id).get("rules").toString().contains("c.*"));
        assertThat(get("/api/v2/changefeeds/" + id).body().get("state").asText())
                .isEqualTo("normal");
        assertThat(update).isNotDone();
        mayClose.countDown();
        assertThat(ok(update.get()).get("status").asText()).isEqualTo("Normal");
        assertThat(detail(id).get("status").asText()).isEqualTo("Normal");
    }

    @Test
    void aTaskThatSomebodyPausesWhileItIsMadeStays() throws Exception {
        plane.silence(true);
        CompletableFuture<Answer> creation =
                CompletableFuture.supplyAsync(() -> post(FEEDS, creation(MYSQL)));
        await(creation, () -> !list().isEmpty());
        String id = list().get(0).get("id").asText();
        assertThat(post("/api/v2/changefeeds/" + id + "/pause", "{}").status()).isEqualTo(200);
        assertThat(ok(creation.get()).get("id").asText()).isEqualTo(id);
        assertThat(detail(id).get("status").asText()).isEqualTo("Stopped");
    }

    @Test
    void anAddressWithoutPortIsTheOneOfTheSink() {
        Answer made =
                post(
                        "/api/v2/changefeeds",
                        "{\"changefeed_id\":\"portless\",\"sink_uri\":"
                                + "\"mariadb://u:hidden1@h/\",\"replica_config\":"
                                + "{\"sink\":{\"safe_mode\":true}}}");
        assertThat(made.status()).as(made.body().toString()).isEqualTo(200);
        assertThat(detail("portless").at("/downstream/port").asInt()).isEqualTo(4000);
        ok(
                post(
                        FEEDS + "portless/update",
                        "{\"name\":\"renamed\",\"downstreamType\":\"mysql\",\"downstream\":{"
                                + "\"ip\":\"h\",\"port\":4000,\"username\":\"u\","
                                + "\"password\":\"******\",\"concurrentThreads\":3}}"));
        assertThat(plane.openedUri()).isEqualTo("mariadb://u:hidden1@h:4000/?worker-count=3");
        assertThat(plane.openedOptions()).containsEntry("safe-mode", "true");
        refused(
                post(
                        FEEDS + "portless/update",
                        "{\"name\":\"renamed\",\"downstreamType\":\"mysql\",\"downstream\":{"
                                + "\"ip\":\"h\",\"port\":3306,\"username\":\"u\","
                                + "\"password\":\"******\"}}"),
                400,
                10001);
    }

    @Test
    void aNewNameChangesNothingElseOfAChangefeed() {
        assertThat(
                        post(
                                        "/api/v2/changefeeds",
                                        "{\"changefeed_id\":\"kafka-feed\",\"sink_uri\":"
                                                + "\"kafka://h:9/t\",\"replica_config\":{\"sink\":{"
                                                + "\"protocol\":\"canal-json\",\"kafka_config\":{"
                                                + "\"partition_num\":5,\"enable_tls\":true}}}}")
                                .status())
                .isEqualTo(200);
        JsonNode before = get("/api/v2/changefeeds/kafka-feed").body();
        ok(
                post(
                        FEEDS + "kafka-feed/update",
                        "{\"name\":\"renamed\",\"downstreamType\":\"kafka\",\"rules\":[\"*.*\"],"
                                + "\"downstream\":"
                                + detail("kafka-feed").get("downstream")
                                + "}"));
        assertThat(detail("kafka-feed").get("name").asText()).isEqualTo("renamed");
        JsonNode after = get("/api/v2/changefeeds/kafka-feed").body();
        assertThat(after.get("config")).isEqualTo(before.get("config"));
        assertThat(after.get("sink_uri")).isEqualTo(before.get("sink_uri"));
    }

    @Test
    void aTaskIsInitialUntilItRuns() throws Exception {
        plane.silence(true);
        CompletableFuture<Answer> creation =
                CompletableFuture.supplyAsync(() -> post(FEEDS, creation(MYSQL)));
        await(creation, () -> !list().isEmpty());
        assertThat(list().get(0).get("status").asText()).isEqualTo("Initial");
        assertThat(list().get(0).get("unsteady").asBoolean()).isTrue();
        plane.silence(false);
        String id = ok(creation.get()).get("id").asText();
        assertThat(detail(id).get("status").asText()).isEqualTo("Normal");
    }

    @Test
    void aTaskThatDoesNotRunLeavesNothingBehind() {
        plane.failCaptures("the stream is broken");
        Answer answer = post(FEEDS, creation(MYSQL));
        refused(answer, 500, 21206);
        assertThat(answer.message())
                .isEqualTo(
                        "[21206]Failed to execute task command\tcreateExecutor change feed task"
                                + " failed\tcause: the stream is broken");
        assertThat(list()).isEmpty();
        assertThat(get("/api/v2/changefeeds?state=all").body().get("total").asInt()).isZero();
        plane.mendCaptures();
        String id = create(MYSQL);
        ok(post(FEEDS + id + "/pause", ""));
        plane.failCaptures("the stream is broken again");
        refused(post(FEEDS + id + "/resume", ""), 500, 21206);
        assertThat(detail(id).get("status").asText()).isEqualTo("Failed");
        assertThat(detail(id).get("unsteady").asBoolean()).isFalse();
        refused(post(FEEDS + id + "/pause", ""), 500, 21206);
        plane.mendCaptures();
        ok(post(FEEDS + id + "/resume", ""));
        plane.refuseSinks("the target is away");
        refused(
                post(
                        FEEDS + id + "/update",
                        "{\"name\":\"new1\"," + MYSQL + ",\"rules\":[\"c.*\"]}"),
                500,
                21206);
        assertThat(detail(id).get("status").asText()).isEqualTo("Normal");
        assertThat(detail(id).get("name").asText()).isEqualTo("my_sync_name");
        refused(post(FEEDS, creation(MYSQL)), 500, 21206);
    }

    @Test
    void positionsAreEmptyWhileTheUpstreamIsSilent() {
        String id = create(MYSQL);
        plane.reachable(false);
        JsonNode task = detail(id);
        assertThat(task.get("upstreamUpdateTs").asText("null")).isEmpty();
        assertThat(task.get("upstreamUpdateUnix").asLong()).isZero();
        assertThat(task.get("downstreamSyncTs").asText()).isNotEmpty();
        assertThat(list()).hasSize(1);
        refused(post(FEEDS, creation(MYSQL)), 500, 21206);
    }

    @Test
    void pagesTellTheTrueTotal() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            ids.add(create(MYSQL));
        }
        String of = FEEDS + "?clusterId=default&page=";
        for (String[] row :
                new String[][] {
                    {"0&pageSize=0", "0 1 2 3 4"},
                    {"1&pageSize=2", "0 1"},
                    {"0&pageSize=2", "0 1"},
                    {"2&pageSize=2", "2 3"},
                    {"3&pageSize=2", "4"},
                    {"9&pageSize=2", ""},
                    {"&pageSize=", "0 1 2 3 4"}
                }) {
            Answer answer = get(of + row[0]);
            List<String> shown = new ArrayList<>();
            ok(answer)
                    .forEach(task ->
                            shown.add(String.valueOf(ids.indexOf(task.get("id").asText()))));
            assertThat(String.join(" ", shown)).as(row[0]).isEqualTo(row[1]);
            assertThat(answer.body().at("/page/total").asInt()).isEqualTo(5);
        }
        assertThat(get(of + "2&pageSize=2").body().get("page").toString())
                .isEqualTo("{\"page\":2,\"pageSize\":2,\"total\":5}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            textBlock =
                    """
                    GET    | ?clusterId=                      | | 400 | 10001 | QueryChangeFeedTaskReq.ClusterId
                    GET    | ?clusterId=abc                   | | 400 | 10001 | 'min'
                    GET    | ?clusterId=default&page=abc      | | 400 | 10004 | strconv.ParseInt: parsing "abc": invalid syntax
                    GET    | ?clusterId=default&pageSize=-1   | | 400 | 10001 | PageSize
                    GET    | ?clusterId=default&page=-1       | | 400 | 10001 | Page
                    GET    | ?clusterId=nowhere               | | 404 | 10003 | get cluster failed : clusterID = nowhere, err = record not found
                    GET    | 1212/                            | | 400 | 10001 | DetailChangeFeedTaskReq.ID
                    GET    | 12121212                         | | 404 | 21201 | task [12121212]
                    GET    | aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | | 400 | 10001 | 'max'
                    DELETE | 1212                             | | 400 | 10001 | DeleteChangeFeedTaskReq.ID
                    DELETE | 12121212                         | | 404 | 21201 | task [12121212]
                    POST   | 1212/pause                       | | 400 | 10001 | PauseChangeFeedTaskReq.ID
                    POST   | 12121212/pause/                  | | 404 | 21201 | task
                    POST   | 1212/resume                      | | 400 | 10001 | ResumeChangeFeedTaskReq.ID
                    POST   | 12121212/resume                  | | 404 | 21201 | task
                    POST   | 1212/update                      | {"name":"long"} | 400 | 10001 | UpdateChangeFeedTaskReq.ID
                    POST   | 12121212/update                  | {"name":"abc"}  | 400 | 10001 | UpdateChangeFeedTaskReq.Name
                    POST   | 12121212/update                  | {"name":"long"} | 404 | 21201 | task
                    POST   | 12121212/update                  |                 | 400 | 10004 | EOF
                    POST   | ''                               |                 | 400 | 10004 | EOF
                    POST   | ''                               | []              | 400 | 10004 | cannot unmarshal
                    POST   | ''                               | {"name":7}      | 400 | 10004 | name
                    POST   | ''                               | {"startTS":415241823337054209} | 400 | 10004 | startTS
                    POST   | ''                               | {"rules":"*.*"} | 400 | 10004 | rules
                    POST   | ''                               | {}              | 400 | 10001 | 'CreateChangeFeedTaskReq.DownstreamType'
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"oracle"} | 400 | 10001 | 'oneof'
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"TIDB"} | 400 | 10001 | 'oneof'
                    POST   | ''                               | {"name":"abcd","clusterId":"nowhere","downstreamType":"tidb"} | 404 | 10003 | nowhere
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"tidb"} | 500 | 21206 | downstream.ip
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"tidb","startTS":"-1"} | 400 | 10001 | startTS
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"tidb","startTS":"1e5"} | 400 | 10001 | startTS
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"mysql","downstream":{"ip":"h"},"startTS":"1"} | 500 | 21206 | GC safepoint
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"mysql","downstream":{"ip":"h"},"startTS":"9223372036854775807"} | 500 | 21206 | larger than current tso
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"mysql","downstream":{"port":"1"}} | 400 | 10001 | port
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"mysql","downstream":{"ip":"h"},"rules":["a"]} | 500 | 21206 | filter
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"mysql","downstream":{"ip":"h","password":"******"}} | 400 | 10001 | password
                    POST   | ''                               | {"name":"abcd","clusterId":"default","downstreamType":"tidb","downstream":{"ip":"h","targetClusterId":"nowhere"}} | 404 | 10003 | nowhere
                    """)
    void refusals(String method, String path, String body, int status, int code, String part) {
        Answer answer =
                call("admin", method, FEEDS + path.replace("''", ""), body == null ? "" : body);
        refused(answer, status, code);
        assertThat(answer.message()).containsIgnoringCase(part);
        assertThat(list()).isEmpty();
    }

    @Test
    void anUpdateNeedsAKnownType() {
        String id = create(MYSQL);
        for (String type : List.of("", "\"downstreamType\":\"oracle\",")) {
            Answer answer = post(FEEDS + id + "/update", "{" + type + "\"name\":\"other\"}");
            refused(answer, 500, 21205);
            assertThat(answer.message()).isEqualTo("[21205]Task downstream type not supported");
        }
        refused(
                post(
                        FEEDS + id + "/update",
                        "{\"name\":\"other\",\"downstreamType\":\"mysql\",\"downstream\":7}"),
                400,
                10001);
        assertThat(detail(id).get("name").asText()).isEqualTo("my_sync_name");
    }

    @Test
    void textsAreNothingButTexts() {
        String id = create(MYSQL);
        String before =
                list().toString()
                        .replaceAll("\"(upstream|downstream)[A-Z]\\w+(Ts|Unix)\":[^,}]+", "");
        for (String evil :
                List.of(
                        "'; DROP TABLE task; --",
                        "\\\" OR 1=1 --",
                        "../../../etc/passwd",
                        "%2e%2e%2f%2e%2e%2fsecret.key",
                        "a\\u0000bcdefgh",
                        "${jndi:ldap://127.0.0.1/x}",
                        "<script>alert(1)</script>")) {
            String path =
                    java.net.URLEncoder.encode(evil, StandardCharsets.UTF_8).replace("+", "%20");
            for (Answer answer :
                    List.of(
                            get(FEEDS + "?clusterId=" + path),
                            post(
                                    FEEDS,
                                    "{\"name\":\"abcd\",\"downstreamType\":\"tidb\",\"clusterId\":\""
                                            + evil
                                            + "\"}"),
                            post(
                                    FEEDS + id + "/update",
                                    "{\"name\":\"abcd\",\"downstreamType\":\"tidb\","
                                            + "\"downstream\":{\"targetClusterId\":\""
                                            + evil
                                            + "\"}}"))) {
                assertThat(answer.status()).as(evil + answer.body()).isIn(400, 404);
            }
            for (String member : List.of("ip", "port")) {
                Answer answer =
                        post(
                                FEEDS,
                                creation(
                                        "\"downstreamType\":\"mysql\",\"downstream\":{\""
                                                + member
                                                + "\":\""
                                                + evil
                                                + "\"}"));
                assertThat(answer.code()).as(evil).isIn(10001, 21206);
            }
            Answer task = get(FEEDS + path + "/");
            assertThat(task.status()).as(evil + task.body()).isIn(400, 404);
        }
        assertThat(
                        list().toString()
                                .replaceAll(
                                        "\"(upstream|downstream)[A-Z]\\w+(Ts|Unix)\":[^,}]+", ""))
                .isEqualTo(before);
        String name = "'; DROP TABLE x; -- <b>&\\u00fc";
        ok(
                post(
                        FEEDS + id + "/update",
                        "{\"name\":\"" + name + "\"," + MYSQL + ",\"rules\":[\"`a'`.*\"]}"));
        assertThat(detail(id).get("name").asText()).isEqualTo("'; DROP TABLE x; -- <b>&ü");
        assertThat(detail(id).get("rules").get(0).asText()).isEqualTo("`a'`.*");
    }

    @Test
    void tenantsDoNotSeeEachOther() {
        String id = create(MYSQL);
        refused(call("beta", "GET", FEEDS + "?clusterId=default", ""), 404, 10003);
        refused(call("beta", "POST", FEEDS, creation(MYSQL)), 404, 10003);
        refused(call("beta", "GET", FEEDS + id, ""), 404, 21201);
        refused(call("beta", "DELETE", FEEDS + id, ""), 404, 21201);
        refused(call("beta", "POST", FEEDS + id + "/pause", ""), 404, 21201);
        refused(call("beta", "POST", FEEDS + id + "/resume", ""), 404, 21201);
        refused(
                call("beta", "POST", FEEDS + id + "/update", "{\"name\":\"mine\"," + MYSQL + "}"),
                404,
                21201);
        refused(call("beta", "GET", "/api/v1/clusters/default", ""), 404, 10003);
        refused(call("beta", "DELETE", "/api/v1/clusters/default", ""), 404, 10003);
        assertThat(ok(call("beta", "GET", "/api/v1/clusters/", "")).get("clusters")).isEmpty();
        assertThat(detail(id).get("status").asText()).isEqualTo("Normal");
        refused(call("nobody", "GET", FEEDS + "?clusterId=default", ""), 403, 70650);
        refused(call("nobody", "GET", FEEDS + "?clusterId=d", ""), 400, 10001);
    }

    @Test
    void clustersAreUpstreams() throws IOException {
        JsonNode only = ok(get("/api/v1/clusters")).get("clusters");
        assertThat(only).hasSize(1);
        assertThat(only.get(0).get("clusterId").asText()).isEqualTo("default");
        assertThat(only.get(0).get("status").asText()).isEqualTo("Running");
        JsonNode made =
                ok(
                        post(
                                "/api/v1/clusters/takeover",
                                "{\"clusterName\":\"second-1\",\"upstream\":"
                                        + "\"other://u:hidden5@h:7/\"}"));
        assertThat(made.get("clusterId").asText()).isEqualTo("second-1");
        JsonNode flow = ok(get("/api/v1/workflow/" + made.get("workFlowId").asText()));
        assertThat(flow.at("/info/status").asText()).isEqualTo("Finished");
        assertThat(flow.at("/info/bizId").asText()).isEqualTo("second-1");
        assertThat(flow.get("nodeNames").toString())
                .isEqualTo(
                        "[\"openUpstream\",\"connect\",\"checkRightsAndSettings\",\"register\"]");
        assertThat(flow.at("/nodes/1/result").asText()).isEqualTo("server 4712");
        assertThat(ok(get("/api/v1/workflow/?bizId=second-1")).get("workFlows")).hasSize(1);
        refused(
                call("beta", "GET", "/api/v1/workflow/" + made.get("workFlowId").asText(), ""),
                404,
                40104);
        refused(get("/api/v1/workflow/nothing"), 404, 40104);
        Answer list = get("/api/v1/clusters/?page=1&pageSize=1");
        assertThat(ok(list).at("/clusters/0/clusterId").asText()).isEqualTo("second-1");
        assertThat(list.body().at("/page/total").asInt()).isEqualTo(2);
        assertThat(ok(get("/api/v1/clusters/?clusterName=cond")).get("clusters")).hasSize(1);
        assertThat(ok(get("/api/v1/clusters/?clusterType=TiDB")).get("clusters")).isEmpty();
        assertThat(ok(get("/api/v1/clusters/?clusterStatus=Failure")).get("clusters")).isEmpty();
        assertThat(ok(get("/api/v1/clusters/?clusterTag=x")).get("clusters")).isEmpty();
        refused(get("/api/v1/clusters/?pageSize=-1"), 400, 10001);
        JsonNode detail = ok(get("/api/v1/clusters/second-1"));
        assertThat(detail.at("/info/userId").asText()).isEqualTo("user-of-admin");
        assertThat(detail.at("/topology/0/type").asText()).isEqualTo("CDC");
        assertThat(detail.at("/topology/0/status").asText()).isEqualTo("Running");
        assertThat(detail.at("/topology/0/ports/0").asInt()).isEqualTo(8300);
        refused(
                post(
                        "/api/v1/clusters/takeover",
                        "{\"clusterName\":\"second-1\",\"upstream\":\"other://h/\"}"),
                400,
                20101);
        String id =
                ok(post(
                                FEEDS,
                                "{\"name\":\"of the second\",\"clusterId\":\"second-1\","
                                        + MYSQL
                                        + "}"))
                        .get("id")
                        .asText();
        assertThat(list()).isEmpty();
        assertThat(ok(get(FEEDS + "?clusterId=second-1"))).hasSize(1);
        assertThat(get("/api/v2/changefeeds/" + id).body().get("upstream_id").asLong())
                .isEqualTo(4712);
        assertThat(
                        post(
                                        "/api/v2/changefeeds",
                                        "{\"changefeed_id\":\"by-ticdc\",\"upstream\":\"second-1\","
                                                + "\"sink_uri\":\"mysql://h:1/\"}")
                                .status())
                .isEqualTo(200);
        assertThat(ok(get(FEEDS + "?clusterId=second-1"))).hasSize(2);
        Answer inUse = call("admin", "DELETE", "/api/v1/clusters/second-1", "");
        refused(inUse, 409, 20114);
        assertThat(inUse.message()).contains("2 changefeeds", id, "by-ticdc");
        plane.close();
        start();
        assertThat(ok(get(FEEDS + "?clusterId=second-1"))).hasSize(2);
        assertThat(detail(id).get("name").asText()).isEqualTo("of the second");
        ok(call("admin", "DELETE", FEEDS + id, ""));
        ok(call("admin", "DELETE", FEEDS + "by-ticdc", ""));
        JsonNode gone = ok(call("admin", "DELETE", "/api/v1/clusters/second-1/", ""));
        assertThat(
                        ok(get("/api/v1/workflow/" + gone.get("workFlowId").asText()))
                                .at("/info/name")
                                .asText())
                .isEqualTo("DeleteCluster");
        refused(get("/api/v1/clusters/second-1"), 404, 10003);
        refused(get(FEEDS + "?clusterId=second-1"), 404, 10003);
        assertThat(
                        post(
                                        "/api/v2/changefeeds",
                                        "{\"upstream\":\"second-1\",\"sink_uri\":\"mysql://h:1/\"}")
                                .body()
                                .get("error_code")
                                .asText())
                .isEqualTo("CDC:ErrUpstreamNotFound");
        refused(call("admin", "DELETE", "/api/v1/clusters/default", ""), 409, 20114);
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                        .as(file.toString())
                        .doesNotContain("hidden0", "hidden1", "hidden5");
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            textBlock =
                    """
                    {}                                                           | 400 | 10001 | 'TakeoverClusterReq.TiUPIp'
                    {"clusterName":"abc","upstream":"other://h/"}                | 400 | 10001 | 'min'
                    {"clusterName":"a/b/c/d","upstream":"other://h/"}            | 400 | 10001 | clusterName
                    {"clusterName":"abcd","upstream":"other://h/","TiUPIp":"1.2.3.4"} | 400 | 10001 | exclude
                    {"clusterName":"abcd","upstream":"oracle://h/"}              | 400 | 10001 | unknown scheme
                    {"clusterName":"abcd","upstream":"no uri at all"}            | 400 | 10001 | scheme
                    {"clusterName":"abcd","upstream":7}                          | 400 | 10004 | upstream
                    {"clusterName":"default","upstream":"other://h/"}            | 400 | 20101 | default
                    {"clusterName":"abcd","TiUPIp":"h","TiUPPort":1,"TiUPUserName":"u","TiUPUserPassword":"p","TiUPPath":"/","dbPassword":"p"} | 400 | 10001 | 'ip'
                    {"clusterName":"abcd","TiUPIp":"127.0.0.1","TiUPPort":1,"TiUPUserName":"u","TiUPUserPassword":"p","TiUPPath":"/","dbPassword":"q"} | 400 | 10001 | must be the same
                    {"clusterName":"abcd","TiUPIp":"127.0.0.1","TiUPPort":1,"TiUPUserName":"u","TiUPUserPassword":"p","TiUPPath":".tiup","dbPassword":"p"} | 400 | 10001 | TiUPPath
                    {"clusterName":"abcd","TiUPIp":"127.0.0.1","TiUPPort":70000,"TiUPUserName":"u","TiUPUserPassword":"p","TiUPPath":"/","dbPassword":"p"} | 400 | 10001 | TiUPPort
                    """)
    void clustersThatAreRefused(String body, int status, int code, String part) {
        Answer answer = post("/api/v1/clusters/takeover", body);
        refused(answer, status, code);
        assertThat(answer.message()).contains(part);
        assertThat(ok(get("/api/v1/clusters/")).get("clusters")).hasSize(1);
    }

    @Test
    void aTargetClusterIsCheckedAndFillsWhatIsLeftOpen() {
        ok(
                post(
                        "/api/v1/clusters/takeover",
                        "{\"clusterName\":\"target\",\"upstream\":\"other://u:hidden6@g:33/?ssl-ca=/ca.pem\"}"));
        String task =
                creation(
                        "\"downstreamType\":\"tidb\",\"downstream\":{\"targetClusterId\":\"target\"}");
        Answer other = post(FEEDS, task);
        refused(other, 400, 10001);
        assertThat(other.message()).contains("another server");
        plane.sinkCluster(4712);
        String id = ok(post(FEEDS, task)).get("id").asText();
        assertThat(plane.openedUri()).isEqualTo("mysql+ssl://u:hidden6@g:33/?ssl-ca=%2Fca.pem");
        assertThat(detail(id).get("downstream").toString())
                .contains("\"ip\":\"g\"", "\"port\":33", "\"targetClusterId\":\"target\"");
        ok(
                post(
                        FEEDS + id + "/update",
                        "{\"name\":\"same\",\"downstreamType\":\"tidb\",\"rules\":[\"x.*\"],"
                                + "\"downstream\":"
                                + detail(id).get("downstream")
                                + "}"));
        assertThat(plane.openedUri()).isEqualTo("mysql+ssl://u:hidden6@g:33/?ssl-ca=%2Fca.pem");
    }
}
