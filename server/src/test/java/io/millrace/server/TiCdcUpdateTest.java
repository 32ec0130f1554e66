package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.cli.CliRun;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Tso;
import io.millrace.server.ApiClient.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an update keeps and refuses, and changefeeds of several upstreams. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class TiCdcUpdateTest {
    private static final String FEEDS = "/api/v2/changefeeds";
    private static final long OTHER_ID = 815;
    private static final long OTHER_AHEAD_MS = 600_000;

    private final FakeUpstream upstream = new FakeUpstream();
    private final FakeUpstream other = new FakeUpstream("other", OTHER_ID, OTHER_AHEAD_MS);
    private final FakeTargets targets = new FakeTargets();
    private MillraceNode node;
    private ApiClient api;

    @BeforeEach
    void start(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("server.toml");
        Files.writeString(file, "[upstreams]\nmaria = \"other://there\"\n");
        node =
                MillraceNode.start(
                        ServerConfig.of(
                                new Settings()
                                        .addFile(file)
                                        .set("addr", "127.0.0.1:0")
                                        .set("data-dir", dir.resolve("data").toString())
                                        .set("upstream", "fake://here")
                                        .set("retry-interval", "50ms")),
                        List.of(upstream, other),
                        List.of(targets));
        api = new ApiClient(node.url());
    }

    @AfterEach
    void stop() {
        node.close();
    }

    /** Makes a changefeed {@code x} and pauses it. */
    private JsonNode stopped(String sinkUri, String config) throws InterruptedException {
        Answer created =
                api.create(
                        "{\"changefeed_id\":\"x\",\"sink_uri\":\""
                                + sinkUri
                                + "\",\"replica_config\":"
                                + config
                                + "}");
        assertThat(created.status()).as(created.text()).isEqualTo(200);
        api.post(FEEDS + "/x/pause", "");
        return api.await("x", "stopped");
    }

    private Answer put(String body) {
        return api.call("PUT", FEEDS + "/x", body);
    }

    @Test
    void whatTheUriSaysIsInTheConfig() throws Exception {
        JsonNode made =
                stopped(
                        "kafka://h/t?protocol=canal-json&transaction-atomicity=none",
                        "{\"sink\":{\"protocol\":\"open-protocol\",\"transaction_atomicity\":\"table\"}}");
        assertThat(made.at("/config/sink/protocol").asText()).isEqualTo("canal-json");
        assertThat(made.at("/config/sink/transaction_atomicity").asText()).isEqualTo("none");

        ObjectNode config = made.get("config").deepCopy();
        config.putObject("filter").putArray("rules").add("a.*");
        assertThat(put("{\"replica_config\":" + config + "}").status()).isEqualTo(200);

        ((ObjectNode) config.get("sink")).put("protocol", "maxwell");
        Answer contradiction = put("{\"replica_config\":" + config + "}");
        assertThat(contradiction.status()).isEqualTo(400);
        assertThat(contradiction.errorMessage())
                .startsWith("[CDC:ErrChangefeedUpdateRefused]")
                .contains("protocol=canal-json, the config says maxwell; change both or neither");
        Answer both =
                put(
                        "{\"sink_uri\":\"kafka://h/t?protocol=maxwell\",\"replica_config\":"
                                + config
                                + "}");
        assertThat(both.status()).as(both.text()).isEqualTo(200);
        assertThat(both.body().at("/config/sink/protocol").asText()).isEqualTo("maxwell");
        Answer uri = put("{\"sink_uri\":\"kafka://h/t?protocol=simple\"}");
        assertThat(uri.status()).as(uri.text()).isEqualTo(200);
        assertThat(uri.body().at("/config/sink/protocol").asText()).isEqualTo("simple");
    }

    @Test
    void anEditedUriKeepsItsHiddenSecrets() throws Exception {
        JsonNode made = stopped("kafka://u:pw1@h/t?a=1&sasl-password=pw2", "{}");
        String shown = made.get("sink_uri").asText();
        assertThat(shown).isEqualTo("kafka://u:xxxxx@h/t?a=1&sasl-password=xxxxx");
        Answer edited = put("{\"sink_uri\":\"" + shown.replace("a=1", "a=2") + "\"}");
        assertThat(edited.status()).as(edited.text()).isEqualTo(200);
        assertThat(targets.checkedUri()).isEqualTo("kafka://u:pw1@h/t?a=2&sasl-password=pw2");
        Answer moved = put("{\"sink_uri\":\"" + shown.replace("@h/", "@elsewhere/") + "\"}");
        assertThat(moved.status()).isEqualTo(400);
        assertThat(moved.errorMessage())
                .startsWith("[CDC:ErrChangefeedUpdateRefused]")
                .contains("give the real one");
    }

    /** The same for what the config holds: no stored secret goes to an address that is new. */
    @Test
    void secretsOfTheConfigStayWithTheirAddress() throws Exception {
        JsonNode made =
                stopped(
                        "kafka://h:1/t",
                        "{\"sink\":{\"kafka_config\":{\"sasl_user\":\"u\",\"sasl_password\":\"pw1\","
                                + "\"sasl_mechanism\":\"PLAIN\",\"sasl_oauth_client_secret\":\"pw2\","
                                + "\"sasl_oauth_token_url\":\"http://tokens/\","
                                + "\"glue_schema_registry_config\":{\"registry_name\":\"r\","
                                + "\"region\":\"g\",\"access_key\":\"k\","
                                + "\"secret_access_key\":\"pw3\",\"token\":\"pw4\"},"
                                + "\"large_message_handle\":{\"claim_check_storage_uri\":"
                                + "\"s3://b/p?secret-access-key=pw5\"}}}}");
        ObjectNode config = made.get("config").deepCopy();
        assertThat(config.toString()).doesNotContain("pw1", "pw2", "pw3", "pw4", "pw5");

        String moved = "\"sink_uri\":\"kafka://h2:1/t\"";
        for (String body :
                List.of("{" + moved + "}", "{" + moved + ",\"replica_config\":" + config + "}")) {
            Answer refused = put(body);
            assertThat(refused.status()).as(refused.text()).isEqualTo(400);
            assertThat(refused.errorMessage())
                    .startsWith("[CDC:ErrChangefeedUpdateRefused]")
                    .contains("replica_config.sink.kafka_config.sasl_password")
                    .contains("give the real one");
        }
        assertThat(api.call("PUT", "/api/v1/changefeeds/x", "{" + moved + "}").errorMessage())
                .contains("give the real one");
        ObjectNode elsewhere = config.deepCopy();
        ((ObjectNode) elsewhere.at("/sink/kafka_config"))
                .put("sasl_password", "new")
                .put("sasl_oauth_token_url", "http://other/");
        assertThat(put("{\"replica_config\":" + elsewhere + "}").errorMessage())
                .contains("sasl_oauth_client_secret");
        ObjectNode claims = config.deepCopy();
        ((ObjectNode) claims.at("/sink/kafka_config/large_message_handle"))
                .put("claim_check_storage_uri", "s3://other/p?secret-access-key=xxxxx");
        assertThat(put("{\"replica_config\":" + claims + "}").errorMessage())
                .contains("large_message_handle.claim_check_storage_uri");

        config.putObject("filter").putArray("rules").add("a.*");
        Answer edited =
                put("{\"sink_uri\":\"kafka://h:1/other\",\"replica_config\":" + config + "}");
        assertThat(edited.status()).as(edited.text()).isEqualTo(200);
        assertThat(targets.checkedOptions())
                .containsEntry("sasl-password", "pw1")
                .containsEntry("sasl-oauth-client-secret", "pw2")
                .containsEntry("glue-secret-access-key", "pw3")
                .containsEntry("glue-token", "pw4")
                .containsEntry("claim-check-storage-uri", "s3://b/p?secret-access-key=pw5");
        Answer uriAlone = put("{\"sink_uri\":\"kafka://h:1/third\"}");
        assertThat(uriAlone.status()).as(uriAlone.text()).isEqualTo(200);
        assertThat(targets.checkedOptions()).containsEntry("sasl-password", "pw1");
    }

    @Test
    void aFilterComesBackAsItWas() throws Exception {
        String rule = "url = 'http://a:b@c/?token=t'";
        JsonNode made =
                stopped(
                        "blackhole://",
                        "{\"filter\":{\"event_filters\":[{\"matcher\":[\"a.*\"],"
                                + "\"ignore_sql\":[\"http://a:b@c\"],\"ignore_insert_value_expr\":\""
                                + rule
                                + "\"}]}}");
        assertThat(made.at("/config/filter/event_filters/0/ignore_insert_value_expr").asText())
                .isEqualTo(rule);
        assertThat(put("{\"replica_config\":" + made.get("config") + "}").errorMessage())
                .contains("do nothing");
    }

    @Test
    void aFailedChangefeedIsUpdatedAndStaysFailed() throws Exception {
        api.create("{\"changefeed_id\":\"x\",\"sink_uri\":\"blackhole://\"}");
        upstream.captureError =
                Optional.of(new MillraceException(ErrorCode.UPSTREAM_PURGED, "purged"));
        api.await("x", "failed");
        Answer changed = put("{\"replica_config\":{\"filter\":{\"rules\":[\"a.*\"]}}}");
        assertThat(changed.status()).as(changed.text()).isEqualTo(200);
        JsonNode now = api.get(FEEDS + "/x").body();
        assertThat(now.get("state").asText()).isEqualTo("failed");
        assertThat(now.at("/config/filter/rules/0").asText()).isEqualTo("a.*");
    }

    /** What a sink cannot do is off, and shown so. */
    @Test
    void optionsOfOtherKindsOfSinksAreSwitchedOff() throws Exception {
        String config =
                "{\"scheduler\":{\"enable_table_across_nodes\":true},"
                        + "\"integrity\":{\"integrity_check_level\":\"correctness\"}}";
        JsonNode file = stopped("file:///x", config).get("config");
        assertThat(file.at("/scheduler/enable_table_across_nodes").asBoolean(true)).isFalse();
        assertThat(file.at("/integrity/integrity_check_level").asText()).isEqualTo("none");
        api.call("DELETE", FEEDS + "/x", "");
        JsonNode blackhole = stopped("blackhole://", config).get("config");
        assertThat(blackhole.at("/scheduler/enable_table_across_nodes").asBoolean()).isTrue();
        assertThat(blackhole.at("/integrity/integrity_check_level").asText()).isEqualTo("none");
    }

    @Test
    void theTsoIsOfTheUpstreamWithThatId() {
        assertThat(tsoOf(OTHER_ID))
                .isCloseTo(System.currentTimeMillis() + OTHER_AHEAD_MS, Offset.offset(60_000L));
        assertThat(tsoOf(FakeUpstream.CLUSTER_ID))
                .isCloseTo(System.currentTimeMillis(), Offset.offset(60_000L));
        Answer unknown = api.post("/api/v2/tso", "{\"id\":5}");
        assertThat(unknown.status()).isEqualTo(500);
        assertThat(unknown.errorCode()).isEqualTo("CDC:ErrUpstreamNotFound");
        assertThat(api.post("/api/v2/tso", "{\"id\":815,\"upstream\":\"default\"}").errorCode())
                .isEqualTo("CDC:ErrUpstreamNotFound");
        upstream.reachable = false;
        assertThat(tsoOf(OTHER_ID)).isPositive();
        assertThat(api.post("/api/v2/tso", "{\"id\":5}").errorMessage())
                .endsWith("cluster-id: 5; these upstreams do not answer: default");
    }

    private long tsoOf(long id) {
        return api.post("/api/v2/tso", "{\"id\":" + id + "}").body().path("timestamp").asLong();
    }

    /** By the checkpoint's time, which is the upstream's: here it is ahead of the server's. */
    @Test
    void statusTellsNoErrorThatTheCheckpointHasPassed() throws Exception {
        for (String name : List.of("maria", "default")) {
            api.create(
                    "{\"changefeed_id\":\"x\",\"upstream\":\""
                            + name
                            + "\",\"sink_uri\":\"blackhole://\"}");
            api.await("x", "normal");
            FakeUpstream source = name.equals("maria") ? other : upstream;
            source.captureError =
                    Optional.of(new MillraceException(ErrorCode.UPSTREAM_CORRUPT, "broken"));
            assertThat(api.await("x", "failed").at("/error/message").asText()).contains("broken");
            assertThat(api.get(FEEDS + "/x/status").body().has("last_error"))
                    .as(name)
                    .isEqualTo(name.equals("default"));
            api.call("DELETE", FEEDS + "/x", "");
        }
    }

    /** The default upstream is away: nobody needs its clock. */
    @Test
    void theCliAsksTheChangefeedsOwnUpstream(@TempDir Path home) throws Exception {
        assertThat(
                        api.create(
                                        "{\"changefeed_id\":\"x\",\"upstream\":\"maria\","
                                                + "\"sink_uri\":\"blackhole://\"}")
                                .status())
                .isEqualTo(200);
        api.await("x", "normal");
        upstream.reachable = false;
        CliRun gaps = cli(home, "statistics", "-c", "x", "--count", "1");
        assertThat(gaps.code()).as("%s", gaps).isZero();
        api.post(FEEDS + "/x/pause", "");
        api.await("x", "stopped");
        CliRun resumed =
                cli(home, "resume", "-c", "x", "--overwrite-checkpoint-ts", "now", "--no-confirm");
        assertThat(resumed.code()).as("%s", resumed).isZero();
        assertThat(Tso.physicalMs(api.get(FEEDS + "/x").body().path("start_ts").asLong()))
                .isCloseTo(System.currentTimeMillis() + OTHER_AHEAD_MS, Offset.offset(60_000L));
    }

    /** In a state that it does not fit, resume does nothing, the overwrite included. */
    @Test
    void resumeOfARunningChangefeedLeavesItsStart() throws Exception {
        api.create("{\"changefeed_id\":\"x\",\"sink_uri\":\"blackhole://\"}");
        long start = api.await("x", "normal").get("start_ts").asLong();
        String earlier = "{\"overwrite_checkpoint_ts\":" + (start - (60_000L << 18)) + "}";
        assertThat(api.post(FEEDS + "/x/resume", earlier).status()).isEqualTo(200);
        assertThat(api.get(FEEDS + "/x").body().get("start_ts").asLong()).isEqualTo(start);
        upstream.captureError =
                Optional.of(new MillraceException(ErrorCode.UPSTREAM_CONNECTION, "lost"));
        api.await("x", "error");
        assertThat(api.post(FEEDS + "/x/resume", earlier).status()).isEqualTo(200);
        assertThat(api.get(FEEDS + "/x").body().get("start_ts").asLong()).isEqualTo(start);
    }

    /** Of two faults the one that is looked at first is told: cause, then the other. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"changefeed_id":"a_b"} | sink_uri is empty
                    {"changefeed_id":"a_b","namespace":"c_d","sink_uri":"x://"} | invalid changefeed_id
                    {"changefeed_id":"there","sink_uri":"x://","upstream":"none"} | CDC:ErrChangeFeedAlreadyExists
                    {"sink_uri":"x://","start_ts":2,"target_ts":1} | CDC:ErrStartTsBeforeGC
                    {"sink_uri":"nowhere","target_ts":1} | CDC:ErrTargetTsBeforeStartTs
                    {"sink_uri":"x://","replica_config":{"changefeed_error_stuck_duration":"1m","filter":{"rules":["a b"]}}} | CDC:ErrInvalidReplicaConfig
                    {"sink_uri":"x://","replica_config":{"filter":{"rules":["a b"],"event_filters":[{"ignore_event":["all"]}]}}} | the sink scheme (x)
                    {"sink_uri":"blackhole://","replica_config":{"filter":{"rules":["a b"],"event_filters":[{"ignore_event":["all"]}]}}} | CDC:ErrFilterRuleInvalid
                    {"sink_uri":"blackhole://","replica_config":{"filter":{"event_filters":[{"ignore_event":["all"]}]}}} | CDC:ErrInvalidIgnoreEventType
                    {"sink_uri":"blackhole://"} | CDC:ErrTableIneligible
                    {"sink_uri":"blackhole://","replica_config":{"force_replicate":true}} | the target is away
                    """)
    void theFirstFaultIsTold(String body, String told) {
        assertThat(
                        api.create("{\"changefeed_id\":\"there\",\"sink_uri\":\"blackhole://\"}")
                                .status())
                .isEqualTo(200);
        upstream.tables = List.of(FakeUpstream.table("a", "nokey", false));
        targets.refusal = "the target is away";
        assertThat(api.create(body).errorMessage()).contains(told);
    }

    @Test
    void anUpdateTellsItsFirstFault() throws Exception {
        assertThat(put("").errorCode()).isEqualTo("CDC:ErrChangeFeedNotExists");
        api.create("{\"changefeed_id\":\"x\",\"sink_uri\":\"blackhole://\"}");
        assertThat(put("").errorMessage()).contains("when it is stopped or failed");
        api.post(FEEDS + "/x/pause", "");
        api.await("x", "stopped");
        assertThat(put("{\"target_ts\":5,\"sink_uri\":\"nowhere\"}").errorMessage())
                .contains("can not update target_ts:5");
    }

    /** The same id in two namespaces: each route acts on the one that is named. */
    @Test
    void routesKeepToTheirNamespace() throws Exception {
        for (String namespace : List.of("default", "ns1")) {
            api.create(
                    "{\"changefeed_id\":\"x\",\"namespace\":\""
                            + namespace
                            + "\",\"sink_uri\":\"blackhole://"
                            + namespace
                            + "\"}");
        }
        String there = "?namespace=ns1";
        assertThat(api.get(FEEDS + "/x/meta_info" + there).text()).contains("blackhole://ns1");
        assertThat(api.get(FEEDS + "/x/meta_info").text()).contains("blackhole://default");
        api.post(FEEDS + "/x/pause" + there, "");
        awaitState("stopped");
        assertThat(api.get(FEEDS + "/x").body().get("state").asText()).isEqualTo("normal");
        assertThat(api.get(FEEDS + "/x/status" + there).body().get("state").asText())
                .isEqualTo("stopped");
        String node = api.get("/api/v2/status").body().get("id").asText();
        assertThat(api.get("/api/v2/processors/x/" + node).status()).isEqualTo(200);
        assertThat(api.get("/api/v2/processors/x/" + node + there).status()).isEqualTo(400);
        Answer changed =
                api.call(
                        "PUT",
                        FEEDS + "/x" + there,
                        "{\"replica_config\":{\"filter\":{\"rules\":[\"a.*\"]}}}");
        assertThat(changed.status()).as(changed.text()).isEqualTo(200);
        assertThat(api.get(FEEDS + "/x").body().at("/config/filter/rules/0").asText())
                .isEqualTo("*.*");
        api.post(FEEDS + "/x/resume" + there, "{}");
        awaitState("normal");
        api.call("DELETE", FEEDS + "/x" + there, "");
        assertThat(api.get(FEEDS + "/x" + there).status()).isEqualTo(400);
        assertThat(api.get(FEEDS + "/x/synced").status()).isEqualTo(200);
        assertThat(api.get(FEEDS + "/x/synced" + there).status()).isEqualTo(400);
    }

    private void awaitState(String state) throws InterruptedException {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!api.get(FEEDS + "/x?namespace=ns1").body().path("state").asText().equals(state)) {
            assertThat(System.nanoTime()).as(state).isLessThan(deadline);
            Thread.sleep(10);
        }
    }

    /** Stored intervals count when a request brings none. */
    @Test
    void syncedGoesByTheStoredIntervals() throws Exception {
        api.create(
                "{\"changefeed_id\":\"x\",\"sink_uri\":\"blackhole://\",\"replica_config\":"
                        + "{\"synced_status\":{\"synced_check_interval\":0,"
                        + "\"checkpoint_interval\":3600}}}");
        api.await("x", "normal");
        Thread.sleep(50);
        assertThat(api.get(FEEDS + "/x/synced").body().get("synced").asBoolean()).isTrue();
    }

    /** All that was read is delivered, but nothing is read any more. */
    @Test
    void syncedTellsOfAnUpstreamThatIsSilent() throws Exception {
        api.create(
                "{\"changefeed_id\":\"x\",\"sink_uri\":\"blackhole://\",\"replica_config\":"
                        + "{\"synced_status\":{\"synced_check_interval\":0,"
                        + "\"checkpoint_interval\":1}}}");
        api.await("x", "normal");
        upstream.silent = true;
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (true) {
            JsonNode answer = api.get(FEEDS + "/x/synced").body();
            if (answer.path("info").asText().startsWith("Please check whether the upstream")) {
                assertThat(answer.get("synced").asBoolean()).isFalse();
                return;
            }
            assertThat(System.nanoTime()).as("%s", answer).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    @Test
    void aNodeThatStopsSaysSo() throws Exception {
        api.create("{\"changefeed_id\":\"x\",\"sink_uri\":\"blackhole://\"}");
        api.await("x", "normal");
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (targets.opened == null) {
            assertThat(System.nanoTime()).as("the sink opens").isLessThan(deadline);
            Thread.sleep(5);
        }
        targets.mayClose = new CountDownLatch(1);
        Thread stopping = Thread.ofVirtual().start(node::close);
        while (api.get("/api/v2/status").body().get("liveness").asInt() != 1) {
            assertThat(System.nanoTime()).as("liveness").isLessThan(deadline);
            Thread.sleep(5);
        }
        targets.mayClose.countDown();
        assertThat(stopping.join(java.time.Duration.ofSeconds(20))).isTrue();
    }

    /** Ten seconds are waited for the last run, as the API says. */
    @Test
    void aChangefeedWhoseRunDoesNotEndIsGoneAllTheSame() throws Exception {
        api.create("{\"changefeed_id\":\"x\",\"sink_uri\":\"blackhole://\"}");
        api.await("x", "normal");
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (targets.opened == null) {
            assertThat(System.nanoTime()).as("the sink opens").isLessThan(deadline);
            Thread.sleep(5);
        }
        targets.mayClose = new CountDownLatch(1);
        try {
            var answer = api.call("DELETE", FEEDS + "/x", "");
            assertThat(answer.status()).isEqualTo(500);
            assertThat(answer.errorCode()).isEqualTo("CDC:ErrReachMaxTry");
            assertThat(api.get(FEEDS + "/x").errorCode()).isEqualTo("CDC:ErrChangeFeedNotExists");
        } finally {
            targets.mayClose.countDown();
        }
    }

    @Test
    void theLogLevelIsSet() {
        Level before = LogManager.getRootLogger().getLevel();
        try {
            assertThat(api.post("/api/v2/log", "{\"log_level\":\"error\"}").status())
                    .isEqualTo(200);
            assertThat(LogManager.getRootLogger().getLevel()).isEqualTo(Level.ERROR);
            assertThat(api.post("/admin/log", "\"dpanic\"").status()).isEqualTo(200);
            assertThat(LogManager.getRootLogger().getLevel()).isEqualTo(Level.FATAL);
            assertThat(api.post("/api/v1/log", "{\"log_level\":\"loud\"}").status()).isEqualTo(400);
            assertThat(LogManager.getRootLogger().getLevel()).isEqualTo(Level.FATAL);
        } finally {
            org.apache.logging.log4j.core.config.Configurator.setRootLevel(before);
        }
    }

    private CliRun cli(Path home, String... arguments) {
        List<String> all = new java.util.ArrayList<>(List.of("cdc", "cli", "--server", node.url()));
        all.add("changefeed");
        all.addAll(List.of(arguments));
        return CliRun.of(Map.of("HOME", home.toString()), "", all.toArray(new String[0]));
    }
}
