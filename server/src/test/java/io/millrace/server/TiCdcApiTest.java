package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.ForwardingSinkFactory;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkSpec;
import io.millrace.server.ApiClient.Answer;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The v2 API on a whole server in this process, over HTTP, with a source that has no rows. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class TiCdcApiTest {
    private static final String FEEDS = "/api/v2/changefeeds";
    private static final String TEST5 =
            "{\"changefeed_id\":\"test5\",\"sink_uri\":\"blackhole://\"}";

    @TempDir Path dir;

    private final RecordingSinks sinks = new RecordingSinks();

    private FakeUpstream upstream;
    private MillraceNode node;
    private ApiClient api;

    /** A blackhole that remembers in which order it was opened and told to forget. */
    private static final class RecordingSinks extends ForwardingSinkFactory {
        final List<String> calls = new CopyOnWriteArrayList<>();

        /** What the last run lent. */
        volatile @Nullable SinkContext lent;

        /** Forgetting, which comes before a new job's first run, waits for this. */
        volatile CountDownLatch mayForget = new CountDownLatch(0);

        /** Why it can't forget; empty when it can. */
        volatile String refusal = "";

        RecordingSinks() {
            super(new BlackholeSinkFactory());
        }

        @Override
        public Sink open(SinkSpec spec, SinkContext context) {
            calls.add("open");
            lent = context;
            return target.open(spec, context);
        }

        @Override
        public void forget(SinkSpec spec, String jobId) {
            try {
                mayForget.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            if (!refusal.isEmpty()) {
                calls.add("refused");
                throw new MillraceException(ErrorCode.SINK_CONNECTION, refusal);
            }
            calls.add("forget " + jobId);
        }

        @Override
        public void distrustProgress(SinkSpec spec, String jobId) {
            calls.add("distrust " + jobId);
        }
    }

    @BeforeEach
    void start() {
        upstream = new FakeUpstream();
        open();
    }

    private void open() {
        node =
                MillraceNode.start(
                        ServerConfig.of(
                                new Settings()
                                        .set("addr", "127.0.0.1:0")
                                        .set("data-dir", dir.toString())
                                        .set("upstream", "fake://user:upstreampw@here")
                                        .set("time-zone", "+08:00")
                                        .set("retry-interval", "100ms")),
                        List.of(upstream),
                        List.of(sinks));
        api = new ApiClient(node.url());
    }

    @AfterEach
    void stop() {
        node.close();
    }

    @Test
    void createsAsTheDocumentShows() {
        Answer answer = api.create(TEST5);
        assertThat(answer.status()).isEqualTo(200);
        JsonNode info = answer.body();
        assertThat(info.get("id").asText()).isEqualTo("test5");
        assertThat(info.get("state").asText()).isEqualTo("normal");
        assertThat(info.get("sink_uri").asText()).isEqualTo("blackhole://");
        assertThat(info.get("resolved_ts")).isEqualTo(info.get("start_ts"));
        assertThat(info.get("checkpoint_ts")).isEqualTo(info.get("start_ts"));
        assertThat(info.get("checkpoint_time").asText())
                .matches("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3}");
        assertThat(info.get("create_time").asText())
                .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?\\+08:00");
        assertThat(info.has("task_status")).isFalse();
        assertThat(info.has("admin_job_type")).isFalse();
        assertThat(info.has("target_ts")).isFalse();
        assertThat(info.has("error")).isFalse();
        JsonNode config = info.get("config");
        assertThat(config.path("mounter").path("worker_num").asInt()).isEqualTo(16);
        assertThat(config.get("case_sensitive").asBoolean()).isTrue();
        assertThat(config.path("sink").path("encoder_concurrency").asInt()).isEqualTo(16);
        assertThat(config.path("sink").path("date_separator").asText()).isEqualTo("none");
        assertThat(config.get("sync_point_interval").asLong()).isEqualTo(600_000_000_000L);
        assertThat(config.path("filter").path("rules").get(0).asText()).isEqualTo("*.*");
    }

    @Test
    void aStoppedChangefeedFailsWhenTheUpstreamForgetsItsChanges() throws Exception {
        api.create(TEST5);
        api.post(FEEDS + "/test5/pause", "");
        api.await("test5", "stopped");
        upstream.oldest = Tso.of(System.currentTimeMillis() + 60_000, 0);
        JsonNode lost = api.await("test5", "failed");
        assertThat(lost.at("/error/code").asText()).isEqualTo("CDC:ErrSnapshotLostByGC");
        assertThat(lost.at("/error/message").asText())
                .startsWith("[CDC:ErrSnapshotLostByGC]the upstream no longer holds the changes");
        assertThat(lost.get("admin_job_type").asInt()).isEqualTo(1);
        assertThat(api.post(FEEDS + "/test5/resume", "{}").errorCode())
                .isEqualTo("CDC:ErrStartTsBeforeGC");
        upstream.oldest = 0;
        assertThat(api.post(FEEDS + "/test5/resume", "{}").status()).isEqualTo(200);
        assertThat(api.await("test5", "normal").has("error")).isFalse();
    }

    @Test
    void aStoppedChangefeedStaysStoppedWhileTheUpstreamIsAway() throws Exception {
        api.create(TEST5);
        api.post(FEEDS + "/test5/pause", "");
        api.await("test5", "stopped");
        upstream.reachable = false;
        Thread.sleep(1500);
        assertThat(api.get(FEEDS + "/test5").body().get("state").asText()).isEqualTo("stopped");
    }

    @Test
    void refusesASecondOfTheSameName() {
        api.create(TEST5);
        Answer again = api.create(TEST5);
        assertThat(again.status()).isEqualTo(500);
        assertThat(again.errorCode()).isEqualTo("CDC:ErrChangeFeedAlreadyExists");
        assertThat(again.errorMessage())
                .isEqualTo("[CDC:ErrChangeFeedAlreadyExists]changefeed already exists, test5");
    }

    @Test
    void anIdIsMadeUpWhenNoneIsGiven() {
        JsonNode info = api.create("{\"sink_uri\":\"blackhole://\"}").body();
        assertThat(info.get("id").asText()).hasSize(36);
    }

    /** Request body, status, error code; {@code ~} stands for a comma. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"changefeed_id":"a_b","sink_uri":"blackhole://"} | 400 | CDC:ErrAPIInvalidParam | invalid changefeed_id: a_b
                    {"changefeed_id":"-a","sink_uri":"blackhole://"} | 400 | CDC:ErrAPIInvalidParam | invalid changefeed_id: -a
                    {"namespace":"a--b","sink_uri":"blackhole://"} | 400 | CDC:ErrAPIInvalidParam | invalid namespace: a--b
                    {} | 400 | CDC:ErrSinkURIInvalid | sink_uri is empty
                    null | 400 | CDC:ErrSinkURIInvalid | sink_uri is empty
                    `` | 400 | CDC:ErrAPIInvalidParam | EOF
                    {"sink_uri": | 400 | CDC:ErrAPIInvalidParam | invalid api parameter
                    [1,2] | 400 | CDC:ErrAPIInvalidParam | cannot unmarshal array
                    {"sink_uri":5} | 400 | CDC:ErrAPIInvalidParam | cannot unmarshal number into field sink_uri
                    {"sink_uri":"blackhole://","start_ts":"5"} | 400 | CDC:ErrAPIInvalidParam | cannot unmarshal string into field start_ts
                    {"sink_uri":"blackhole://","start_ts":1.5} | 400 | CDC:ErrAPIInvalidParam | cannot unmarshal number
                    {"sink_uri":"blackhole://","start_ts":-1} | 400 | CDC:ErrAPIInvalidParam | out of range
                    {"sink_uri":"blackhole://","start_ts":18446744073709551616} | 400 | CDC:ErrAPIInvalidParam | out of range
                    {"sink_uri":"blackhole://","start_ts":18446744073709551615} | 400 | CDC:ErrAPIInvalidParam | invalid start-ts 18446744073709551615, larger than current tso
                    {"sink_uri":"blackhole://","start_ts":2,"target_ts":1} | 400 | CDC:ErrStartTsBeforeGC | because start-ts 2 is earlier than or equal to GC safepoint
                    {"sink_uri":"blackhole://","target_ts":1} | 400 | CDC:ErrTargetTsBeforeStartTs | because target-ts 1 is earlier than start-ts
                    {"sink_uri":"nonsense"} | 400 | CDC:ErrSinkURIInvalid | the sink scheme () is not supported
                    {"sink_uri":"s3://bucket/x?protocol=csv"} | 400 | CDC:ErrSinkURIInvalid | the sink scheme (s3) is not supported
                    {"sink_uri":"pulsar://h:6650/t?protocol=canal-json"} | 400 | CDC:ErrSinkURIInvalid | the sink scheme (pulsar)
                    {"sink_uri":"blackhole://[bad"} | 400 | CDC:ErrSinkURIInvalid | sink uri invalid
                    {"sink_uri":"mysql://h/","replica_config":{"sink":{"protocol":"canal-json"}}} | 400 | CDC:ErrSinkURIInvalid | protocol canal-json is incompatible
                    {"sink_uri":"mysql://h/?protocol=canal-json"} | 400 | CDC:ErrSinkURIInvalid | protocol canal-json is incompatible
                    {"sink_uri":"mysql://h/?transaction-atomicity=x"} | 400 | CDC:ErrSinkURIInvalid | x level atomicity is not supported
                    {"sink_uri":"kafka://h/t?transaction-atomicity=table"} | 400 | CDC:ErrSinkURIInvalid | table level atomicity
                    {"sink_uri":"blackhole://","replica_config":{"filter":{"rules":["a b"]}}} | 400 | CDC:ErrFilterRuleInvalid | a b
                    {"sink_uri":"blackhole://","replica_config":{"enable_sync_point":true,"sync_point_interval":"10s"}} | 500 | CDC:ErrInvalidReplicaConfig | sync_point_interval
                    {"sink_uri":"mysql://h/","replica_config":{"enable_sync_point":true,"sync_point_retention":"59m"}} | 500 | CDC:ErrInvalidReplicaConfig | sync_point_retention
                    {"sink_uri":"blackhole://","replica_config":{"enable_sync_point":true}} | 400 | CDC:ErrSinkURIInvalid | sync point
                    {"sink_uri":"blackhole://","replica_config":{"changefeed_error_stuck_duration":"29m"}} | 500 | CDC:ErrInvalidReplicaConfig | changefeed_error_stuck_duration
                    {"sink_uri":"blackhole://","replica_config":{"sync_point_interval":"tomorrow"}} | 400 | CDC:ErrAPIInvalidParam | invalid duration
                    {"sink_uri":"blackhole://","replica_config":{"bdr_mode":true}} | 400 | CDC:ErrSinkURIInvalid | bdr_mode
                    {"sink_uri":"blackhole://","replica_config":{"consistent":{"level":"eventual","flush_interval":49}}} | 500 | CDC:ErrInvalidReplicaConfig | consistent.flush_interval
                    {"sink_uri":"blackhole://","replica_config":{"filter":{"event_filters":[{"matcher":["a b"]}]}}} | 400 | CDC:ErrFilterRuleInvalid | a b
                    {"sink_uri":"blackhole://","replica_config":{"filter":{"event_filters":[{"ignore_event":["Insert"]}]}}} | 500 | CDC:ErrInvalidIgnoreEventType | 'Insert'
                    {"sink_uri":"blackhole://","replica_config":{"filter":{"event_filters":[{"ignore_event":["all"]}]}}} | 500 | CDC:ErrInvalidIgnoreEventType | 'all'
                    {"sink_uri":"blackhole://","replica_config":{"filter":{"event_filters":[{"ignore_sql":["a(b"]}]}}} | 400 | CDC:ErrFilterRuleInvalid | a(b
                    {"sink_uri":"blackhole://","replica_config":{"filter":{"event_filters":[{"ignore_delete_value_expr":"a >"}]}}} | 500 | CDC:ErrInvalidFilterExpression | unexpected the end
                    {"sink_uri":"blackhole://","replica_config":{"filter":{"event_filters":[{"ignore_insert_value_expr":"nosuch(1)"}]}}} | 500 | CDC:ErrInvalidFilterExpression | nosuch
                    {"sink_uri":"mysql://h/","replica_config":{"sink":{"column_selectors":[{"matcher":["*.*"],"columns":["a"]}]}}} | 400 | CDC:ErrAPIInvalidParam | replica_config.sink.column_selectors
                    {"sink_uri":"blackhole://","replica_config":{"sink":{"transaction_atomicity":"global"}}} | 400 | CDC:ErrSinkURIInvalid | global level atomicity
                    {"sink_uri":"blackhole://","replica_config":{"sink":{"date_separator":"week"}}} | 500 | CDC:ErrSinkInvalidConfig | date_separator
                    {"sink_uri":"blackhole://","replica_config":{"integrity":{"integrity_check_level":"x"}}} | 500 | CDC:ErrInvalidReplicaConfig | integrity_check_level
                    {"sink_uri":"blackhole://","pd_addrs":["http://pd:2379"]} | 400 | CDC:ErrAPIInvalidParam | pd_addrs is not supported
                    {"sink_uri":"blackhole://","upstream":"other"} | 500 | CDC:ErrUpstreamNotFound | no upstream named other
                    """)
    void badCreateRequestsAreRefusedAndChangeNothing(
            String body, int status, String code, String text) {
        Answer answer = api.create(body);
        assertThat(answer.text()).contains(text);
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.errorCode()).isEqualTo(code);
        assertThat(answer.errorMessage()).startsWith("[" + code + "]");
        assertThat(answer.contentType()).startsWith("application/json");
        assertThat(answer.body().size()).isEqualTo(2);
        assertThat(api.get(FEEDS + "?state=all").body().get("total").asInt()).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"filter":{"event_filters":[{"matcher":["shop.*"],"ignore_update_new_value_expr":"nope > 1"}]}} | 500 | CDC:ErrExpressionColumnNotFound | nope
                    {"filter":{"event_filters":[{"matcher":["SHOP.*"],"ignore_update_new_value_expr":"nope > 1"}]}} | 200 | | |
                    {"filter":{"event_filters":[{"ignore_update_new_value_expr":"nope > 1"}]}} | 200 | | |
                    {"filter":{"event_filters":[{"matcher":["shop.*"],"ignore_delete_value_expr":"ID > 1"}],"ignore_txn_start_ts":[18446744073709551615]}} | 200 | | |
                    {"sink":{"column_selectors":[{"matcher":["shop.*"],"columns":["x*"]}]}} | 500 | CDC:ErrColumnSelectorFailed | shop.orders
                    {"sink":{"column_selectors":[{"matcher":["shop.*"],"columns":["a.b"]}]}} | 400 | CDC:ErrFilterRuleInvalid | a.b
                    {"sink":{"column_selectors":[{"matcher":["shop.*"],"columns":["ID"]}]}} | 200 | | |
                    """)
    void filtersAreCheckedAgainstTheTables(String config, int status, String code, String text) {
        upstream.tables = List.of(FakeUpstream.table("shop", "orders", true));
        Answer answer =
                api.create("{\"sink_uri\":\"blackhole://\",\"replica_config\":" + config + "}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        if (status != 200) {
            assertThat(answer.errorCode()).isEqualTo(code);
            assertThat(answer.errorMessage()).contains(text);
        }
    }

    @Test
    void syncedWhenNothingWasDeliveredForAWhileAndTheCheckpointKeepsUp() throws Exception {
        api.create("{\"changefeed_id\":\"quiet\",\"sink_uri\":\"blackhole://\"}");
        String route = FEEDS + "/quiet/synced";
        JsonNode fresh = api.get(route).body();
        assertThat(fresh.get("synced").booleanValue()).isFalse();
        assertThat(fresh.get("info").asText())
                .isEqualTo("The data syncing is not finished, please wait");
        String soon =
                "{\"replica_config\":{\"synced_status\":{\"synced_check_interval\":0,"
                        + "\"checkpoint_interval\":3600}}}";
        Thread.sleep(50);
        JsonNode synced = api.call("GET", route, soon).body();
        assertThat(synced.get("synced").booleanValue()).as(synced.toString()).isTrue();
        assertThat(synced.get("info").asText()).isEqualTo("Data syncing is finished");
        for (String time :
                List.of("sink_checkpoint_ts", "puller_resolved_ts", "last_synced_ts", "now_ts")) {
            assertThat(synced.get(time).asText()).as(time).startsWith("20");
        }
        assertThat(synced).hasSize(6);
        JsonNode behind = api.call("GET", route, soon.replace("3600", "-1")).body();
        assertThat(behind.get("synced").booleanValue()).isFalse();
        upstream.reachable = false;
        JsonNode alone = api.call("GET", route, soon).body();
        assertThat(alone.get("synced").booleanValue()).isFalse();
        assertThat(alone.get("now_ts").asText()).startsWith("1970-01-01");
        assertThat(alone.get("info").asText()).contains("upstream");
        upstream.reachable = true;
        assertThat(api.get(FEEDS + "/nobody/synced").errorCode())
                .isEqualTo("CDC:ErrChangeFeedNotExists");
    }

    @Test
    void namesMatchWithoutCaseAndTheLastDuplicateWinsAndTheRestIsIgnored() {
        Answer answer =
                api.create(
                        "{\"ChangeFeed_ID\":\"one\",\"changefeed_id\":\"two\",\"Sink_URI\":"
                                + "\"blackhole://\",\"unknown\":{\"x\":[1]},\"target_ts\":null} trailing");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body().get("id").asText()).isEqualTo("two");
    }

    @Test
    void aPartialConfigIsMergedOverTheDefaultsAtEveryDepth() {
        JsonNode config =
                api.create(
                                "{\"sink_uri\":\"blackhole://\",\"replica_config\":{"
                                        + "\"sync_point_interval\":\"1h\",\"unknown\":1,"
                                        + "\"sync_point_retention\":7200000000000,"
                                        + "\"sink\":{\"csv\":{\"quote\":\"\"}},"
                                        + "\"filter\":{\"rules\":[\"a.*\"]}}}")
                        .body()
                        .get("config");
        assertThat(config.get("sync_point_interval").asLong()).isEqualTo(3_600_000_000_000L);
        assertThat(config.get("sync_point_retention").asLong()).isEqualTo(7_200_000_000_000L);
        assertThat(config.path("sink").path("csv").path("quote").asText()).isEmpty();
        assertThat(config.path("sink").path("csv").path("delimiter").asText()).isEqualTo(",");
        assertThat(config.path("filter").path("rules").size()).isEqualTo(1);
        assertThat(config.has("unknown")).isFalse();
    }

    @Test
    void largeUnsignedNumbersSurvive() {
        JsonNode info =
                api.create("{\"sink_uri\":\"blackhole://\",\"target_ts\":18446744073709551615}")
                        .body();
        assertThat(info.get("target_ts").bigIntegerValue())
                .isEqualTo(new java.math.BigInteger("18446744073709551615"));
    }

    @Test
    void ineligibleTablesRefuseUnlessAllowed() {
        upstream.tables =
                List.of(
                        FakeUpstream.table("shop", "orders", true),
                        FakeUpstream.table("shop", "nokey", false));
        Answer refused = api.create(TEST5);
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.errorCode()).isEqualTo("CDC:ErrTableIneligible");
        assertThat(refused.errorMessage()).contains("shop.nokey").doesNotContain("shop.orders");
        for (String option : List.of("force_replicate", "ignore_ineligible_table")) {
            assertThat(
                            api.create(
                                            "{\"sink_uri\":\"blackhole://\",\"replica_config\":{\""
                                                    + option
                                                    + "\":true}}")
                                    .status())
                    .isEqualTo(200);
        }
        assertThat(
                        api.create(
                                        "{\"sink_uri\":\"blackhole://\",\"replica_config\":{"
                                                + "\"filter\":{\"rules\":[\"*.*\",\"!shop.nokey\"]}}}")
                                .status())
                .isEqualTo(200);
        JsonNode tables = api.post("/api/v2/verify_table", "{}").body();
        assertThat(tables.path("eligible_tables").get(0).path("table_name").asText())
                .isEqualTo("orders");
        assertThat(tables.path("ineligible_tables").get(0).path("table_name").asText())
                .isEqualTo("nokey");
    }

    @Test
    void anUnreachableUpstreamRefusesAndChangesNothing() {
        upstream.reachable = false;
        Answer answer = api.create(TEST5);
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.errorCode()).isEqualTo("CDC:ErrPDEtcdAPIError");
        assertThat(api.get(FEEDS).body().get("total").asInt()).isZero();
    }

    @Test
    void unknownChangefeedsAre400() {
        for (Answer answer :
                List.of(
                        api.get(FEEDS + "/nope"),
                        api.post(FEEDS + "/nope/pause", ""),
                        api.post(FEEDS + "/nope/resume", ""),
                        api.call("PUT", FEEDS + "/nope", "{}"),
                        api.get("/api/v2/processors/nope/x"))) {
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.errorCode()).isEqualTo("CDC:ErrChangeFeedNotExists");
            assertThat(answer.errorMessage())
                    .isEqualTo("[CDC:ErrChangeFeedNotExists]changefeed not exists, default/nope");
        }
        Answer delete = api.call("DELETE", FEEDS + "/nope", "");
        assertThat(delete.status()).isEqualTo(200);
        assertThat(delete.text()).isEqualTo("{}");
        assertThat(api.call("DELETE", FEEDS + "/a_b", "").status()).isEqualTo(400);
    }

    @Test
    void pausesResumesAndRemoves() throws Exception {
        api.create(TEST5);
        JsonNode running = api.await("test5", "normal");
        awaitCheckpointAfter(running.get("start_ts").asLong());
        Answer paused = api.post(FEEDS + "/test5/pause", "");
        assertThat(paused.status()).isEqualTo(200);
        assertThat(paused.text()).isEqualTo("{}");
        JsonNode stopped = api.await("test5", "stopped");
        assertThat(stopped.get("admin_job_type").asInt()).isEqualTo(1);
        assertThat(stopped.has("task_status")).isFalse();
        assertThat(api.post(FEEDS + "/test5/pause", "").status()).isEqualTo(200);
        Answer noBody = api.post(FEEDS + "/test5/resume", "");
        assertThat(noBody.status()).isEqualTo(400);
        assertThat(noBody.errorCode()).isEqualTo("CDC:ErrAPIInvalidParam");
        Answer future =
                api.post(
                        FEEDS + "/test5/resume",
                        "{\"overwrite_checkpoint_ts\":18446744073709551615}");
        assertThat(future.status()).isEqualTo(400);
        assertThat(future.errorCode()).isEqualTo("CDC:ErrAPIInvalidParam");
        Answer old = api.post(FEEDS + "/test5/resume", "{\"overwrite_checkpoint_ts\":5}");
        assertThat(old.errorCode()).isEqualTo("CDC:ErrStartTsBeforeGC");
        assertThat(api.get(FEEDS + "/test5").body().get("state").asText()).isEqualTo("stopped");
        assertThat(api.post(FEEDS + "/test5/resume", "{}").text()).isEqualTo("{}");
        JsonNode again = api.await("test5", "normal");
        assertThat(again.get("checkpoint_ts").asLong())
                .isGreaterThanOrEqualTo(stopped.get("checkpoint_ts").asLong());
        assertThat(again.path("task_status").get(0).path("capture_id").asText())
                .isEqualTo(api.get("/api/v2/status").body().get("id").asText());
        assertThat(api.call("DELETE", FEEDS + "/test5", "").text()).isEqualTo("{}");
        assertThat(api.get(FEEDS + "?state=all").body().get("total").asInt()).isZero();
        assertThat(api.create(TEST5).status()).isEqualTo(200);
    }

    @Test
    void aSinkThatIsHeldUpShowsAsAWarningUntilItGoesOn() throws Exception {
        api.create(TEST5);
        awaitCheckpointAfter(api.await("test5", "normal").get("checkpoint_ts").asLong());
        SinkContext lent = Objects.requireNonNull(sinks.lent);
        lent.acks()
                .troubled(
                        new MillraceException(
                                ErrorCode.SINK_CONNECTION, "no broker answers password=geheim"));
        JsonNode troubled = api.await("test5", "error");
        assertThat(troubled.get("error").get("message").asText())
                .contains("no broker answers")
                .doesNotContain("geheim");
        // Nothing ended: a run that goes on counts no error, and its checkpoint may go on too.
        assertThat(api.get("/metrics").text())
                .contains("ticdc_owner_status{namespace=\"default\",changefeed=\"test5\"} 1\n")
                .contains(
                        "ticdc_processor_exit_with_error_count{namespace=\"default\","
                                + "changefeed=\"test5\"} 0\n");
        assertThat(sinks.calls).containsOnlyOnce("open");
        lent.acks().goingOn();
        api.await("test5", "normal");
        assertThat(sinks.calls).containsOnlyOnce("open");
    }

    @Test
    void metricsCountByTableWhenAsked() throws Exception {
        api.create(
                "{\"changefeed_id\":\"test5\",\"sink_uri\":\"blackhole://\",\"replica_config\":"
                        + "{\"enable_table_monitor\":true}}");
        awaitCheckpointAfter(api.await("test5", "normal").get("checkpoint_ts").asLong());
        SinkContext lent = Objects.requireNonNull(sinks.lent);
        TableName odd = new TableName("shop", "a\"b");
        lent.metrics().table(odd, 3, 100, Tso.of(1_700_000_000_000L, 1));
        lent.metrics().table(odd, 2, 50, Tso.of(1_700_000_000_500L, 1));
        String labels = "{namespace=\"default\",changefeed=\"test5\",table=\"shop.a\\\"b\"} ";
        assertThat(api.get("/metrics").text())
                .contains("millrace_table_rows_total" + labels + "5\n")
                .contains("millrace_table_bytes_total" + labels + "150\n")
                .contains("millrace_table_commit_ts" + labels + "1700000000500\n");
    }

    private void awaitCheckpointAfter(long tso) throws InterruptedException {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (api.get(FEEDS + "/test5").body().get("checkpoint_ts").asLong() <= tso) {
            assertThat(System.nanoTime()).as("checkpoint moves").isLessThan(deadline);
            Thread.sleep(10);
        }
    }

    @Test
    void resumeWithAnOverwriteStartsThere() throws Exception {
        api.create(TEST5);
        api.post(FEEDS + "/test5/pause", "");
        api.await("test5", "stopped");
        long earlier = Tso.of(System.currentTimeMillis() - 60_000, 0);
        api.post(FEEDS + "/test5/resume", "{\"overwrite_checkpoint_ts\":" + earlier + "}");
        assertThat(api.get(FEEDS + "/test5").body().get("start_ts").asLong()).isEqualTo(earlier);
    }

    @Test
    void finishesAtTheTarget() throws Exception {
        long target = Tso.of(System.currentTimeMillis() + 300, 0);
        api.create(
                "{\"changefeed_id\":\"test5\",\"sink_uri\":\"blackhole://\",\"target_ts\":"
                        + target
                        + "}");
        JsonNode finished = api.await("test5", "finished");
        assertThat(finished.get("admin_job_type").asInt()).isEqualTo(4);
        assertThat(finished.get("checkpoint_ts").asLong()).isEqualTo(target);
        assertThat(api.get(FEEDS).body().get("total").asInt()).isZero();
        assertThat(api.get(FEEDS + "?state=finished").body().get("total").asInt()).isEqualTo(1);
    }

    @Test
    void aPassingErrorIsRetriedAndShownAsError() throws Exception {
        api.create(TEST5);
        api.await("test5", "normal");
        upstream.captureError =
                Optional.of(
                        new MillraceException(
                                ErrorCode.UPSTREAM_CONNECTION,
                                "lost mysql://root:topsecret@db:3306/"));
        JsonNode failing = api.await("test5", "error");
        assertThat(failing.has("admin_job_type")).isFalse();
        assertThat(failing.path("error").path("code").asText()).isEqualTo("CDC:ErrPDEtcdAPIError");
        assertThat(failing.path("error").path("addr").asText())
                .isEqualTo(api.get("/api/v2/captures").body().at("/items/0/address").asText());
        assertThat(failing.path("error").path("message").asText())
                .contains("lost mysql://root:xxxxx@db");
        for (String filter : List.of("error", "warning", "pending", "all")) {
            JsonNode list = api.get(FEEDS + "?state=" + filter).body();
            assertThat(list.get("total").asInt()).as(filter).isEqualTo(1);
            assertThat(list.at("/items/0/state").asText()).isEqualTo("error");
            assertThat(list.at("/items/0/error/time").asText()).isNotEmpty();
        }
        for (String filter : List.of("", "normal", "nonsense", "Error")) {
            assertThat(api.get(FEEDS + "?state=" + filter).body().get("total").asInt())
                    .as(filter)
                    .isZero();
        }
        assertThat(api.get("/api/v2/health").status()).isEqualTo(200);
        upstream.captureError = Optional.empty();
        JsonNode well = api.await("test5", "normal");
        assertThat(well.has("error")).isFalse();
    }

    /** What lies behind it is after the start, however late the first run begins. */
    @Test
    void theStreamsEndIsFixedWhenTheStartIsChosen() throws Exception {
        upstream.captureError =
                Optional.of(new MillraceException(ErrorCode.UPSTREAM_CONNECTION, "not yet"));
        Optional<SourcePosition> before = upstream.streamEnd();
        api.create(TEST5);
        api.await("test5", "error");
        upstream.streamEnd();
        int tries = upstream.startEnds.size();
        while (upstream.startEnds.size() == tries) {
            Thread.sleep(5);
        }
        SourcePosition made = upstream.startEnds.getFirst().orElseThrow();
        assertThat(made.covers(before.orElseThrow())).isTrue();
        assertThat(Set.copyOf(upstream.startEnds)).containsExactly(Optional.of(made));
        api.post(FEEDS + "/test5/pause", "");
        long again = upstream.currentTso();
        api.post(FEEDS + "/test5/resume", "{\"overwrite_checkpoint_ts\":" + again + "}");
        api.await("test5", "error");
        SourcePosition resumed = upstream.startEnds.getLast().orElseThrow();
        assertThat(resumed).isNotEqualTo(made);
        assertThat(resumed.covers(made)).isTrue();
    }

    @Test
    void anErrorThatDoesNotPassFailsAtOnceAndResumeStartsAgain() throws Exception {
        api.create(TEST5);
        upstream.captureError =
                Optional.of(
                        new MillraceException(
                                ErrorCode.UPSTREAM_PURGED, "binlog.000001 was purged"));
        JsonNode failed = api.await("test5", "failed");
        assertThat(failed.path("error").path("code").asText()).isEqualTo("CDC:ErrSnapshotLostByGC");
        Answer processors =
                api.get(
                        "/api/v2/processors/test5/"
                                + api.get("/api/v2/status").body().get("id").asText());
        assertThat(processors.status()).isEqualTo(400);
        assertThat(processors.errorMessage()).contains("changefeed in abnormal state: failed");
        upstream.captureError = Optional.empty();
        api.post(FEEDS + "/test5/resume", "{}");
        assertThat(api.await("test5", "normal").has("error")).isFalse();
    }

    @Test
    void updatesOnlyWhatIsStopped() throws Exception {
        api.create(TEST5);
        Answer running = api.call("PUT", FEEDS + "/test5", "{\"target_ts\":32}");
        assertThat(running.status()).isEqualTo(400);
        assertThat(running.errorCode()).isEqualTo("CDC:ErrChangefeedUpdateRefused");
        api.post(FEEDS + "/test5/pause", "");
        api.await("test5", "stopped");
        Answer nothing = api.call("PUT", FEEDS + "/test5", "{}");
        assertThat(nothing.status()).isEqualTo(400);
        assertThat(nothing.errorMessage())
                .isEqualTo(
                        "[CDC:ErrChangefeedUpdateRefused]changefeed config is the same with the old"
                                + " one, do nothing");
        Answer early = api.call("PUT", FEEDS + "/test5", "{\"target_ts\":32}");
        assertThat(early.errorMessage())
                .startsWith(
                        "[CDC:ErrChangefeedUpdateRefused]can not update target_ts:32 less than");
        Answer badSink = api.call("PUT", FEEDS + "/test5", "{\"sink_uri\":\"s3://x\"}");
        assertThat(badSink.status()).isEqualTo(400);
        assertThat(badSink.errorCode()).isEqualTo("CDC:ErrChangefeedUpdateRefused");
        assertThat(api.get(FEEDS + "/test5").body().get("sink_uri").asText())
                .isEqualTo("blackhole://");
        Answer complete =
                api.call(
                        "PUT",
                        FEEDS + "/test5",
                        "{\"start_ts\":1,\"sink_uri\":\"blackhole://two\",\"replica_config\":{"
                                + "\"filter\":{\"rules\":[\"a.*\"]},\"sink\":{}}}");
        assertThat(complete.status()).isEqualTo(200);
        JsonNode config = complete.body().get("config");
        assertThat(complete.body().get("sink_uri").asText()).isEqualTo("blackhole://two");
        assertThat(config.get("case_sensitive").asBoolean()).isFalse();
        assertThat(config.get("check_gc_safe_point").asBoolean()).isFalse();
        assertThat(config.get("memory_quota").asLong()).isEqualTo(1L << 30);
        assertThat(config.path("mounter").path("worker_num").asInt()).isEqualTo(16);
        assertThat(config.path("sink").has("csv")).isFalse();
        assertThat(config.has("bdr_mode")).isFalse();
        Answer same = api.call("PUT", FEEDS + "/test5", "{\"replica_config\":" + config + "}");
        assertThat(same.errorMessage()).contains("do nothing");
    }

    /** What a sink remembers of its progress says nothing of a table that joins. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    "filter":{"rules":["a.*"]} | true
                    "filter":{"rules":["*.*"],"event_filters":[{"matcher":["a.*"],"ignore_event":["insert"]}]} | true
                    "case_sensitive":false | true
                    "force_replicate":true | true
                    "mounter":{"worker_num":3} | false
                    """)
    void theSinkDistrustsItsProgressWhenOtherTablesAreChosen(String change, boolean distrusts)
            throws Exception {
        api.create(TEST5);
        api.await("test5", "normal");
        awaitOpen();
        api.post(FEEDS + "/test5/pause", "");
        JsonNode stopped = api.await("test5", "stopped");
        ObjectNode config = stopped.get("config").deepCopy();
        config.setAll((ObjectNode) new ObjectMapper().readTree("{" + change + "}"));
        sinks.calls.clear();
        Answer updated = api.call("PUT", FEEDS + "/test5", "{\"replica_config\":" + config + "}");
        assertThat(updated.status()).as(updated.text()).isEqualTo(200);
        api.post(FEEDS + "/test5/resume", "{}");
        awaitOpen();
        assertThat(sinks.calls)
                .isEqualTo(distrusts ? List.of("distrust default/test5", "open") : List.of("open"));
        // Done once, not before every run.
        api.post(FEEDS + "/test5/pause", "");
        api.await("test5", "stopped");
        sinks.calls.clear();
        api.post(FEEDS + "/test5/resume", "{}");
        awaitOpen();
        assertThat(sinks.calls).containsExactly("open");
    }

    /** To forget is more than to distrust, and stays when that is wanted as well. */
    @Test
    void aSinkThatHasToForgetStillDoesAfterOtherTablesAreChosen() throws Exception {
        sinks.refusal = "the target is away";
        api.create(TEST5);
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!sinks.calls.contains("refused") && System.nanoTime() < deadline) {
            Thread.sleep(10);
        }
        api.post(FEEDS + "/test5/pause", "");
        JsonNode stopped = api.await("test5", "stopped");
        ObjectNode config = stopped.get("config").deepCopy();
        config.put("case_sensitive", false);
        Answer updated = api.call("PUT", FEEDS + "/test5", "{\"replica_config\":" + config + "}");
        assertThat(updated.status()).as(updated.text()).isEqualTo(200);
        sinks.refusal = "";
        sinks.calls.clear();
        api.post(FEEDS + "/test5/resume", "{}");
        awaitOpen();
        assertThat(sinks.calls).containsExactly("forget default/test5", "open");
    }

    private void awaitOpen() throws InterruptedException {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!sinks.calls.contains("open") && System.nanoTime() < deadline) {
            Thread.sleep(10);
        }
    }

    @Test
    void secretsAreHiddenInAnswersAndEncryptedAtRestAndSurviveARoundTrip() throws Exception {
        String body =
                "{\"changefeed_id\":\"test5\",\"sink_uri\":\"blackhole://u:sinkpw@h/?b=1"
                        + "&sasl-password=saslpw&secret-access-key=s3pw&a=2\",\"replica_config\":{"
                        + "\"sink\":{\"kafka_config\":{\"sasl_password\":\"cfgpw\",\"sasl_user\":\"me\"}}}}";
        Answer created = api.create(body);
        assertThat(created.status()).isEqualTo(200);
        assertThat(created.body().get("sink_uri").asText())
                .isEqualTo(
                        "blackhole://u:xxxxx@h/?a=2&b=1&sasl-password=xxxxx&secret-access-key=xxxxx");
        JsonNode kafka = created.body().at("/config/sink/kafka_config");
        assertThat(kafka.get("sasl_password").asText()).isEqualTo("xxxxx");
        assertThat(kafka.get("sasl_user").asText()).isEqualTo("me");
        assertThat(created.text()).contains("\\u0026b=1");
        api.post(FEEDS + "/test5/pause", "");
        JsonNode shown = api.await("test5", "stopped");
        Answer echoed =
                api.call(
                        "PUT",
                        FEEDS + "/test5",
                        "{\"sink_uri\":"
                                + shown.get("sink_uri")
                                + ",\"replica_config\":"
                                + shown.get("config")
                                + "}");
        assertThat(echoed.errorMessage()).contains("do nothing");
        node.close();
        for (String secret : List.of("sinkpw", "saslpw", "s3pw", "cfgpw", "upstreampw")) {
            try (var files = Files.list(dir)) {
                for (Path file : files.toList()) {
                    assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
                            .as(file + " holds " + secret)
                            .doesNotContain(secret);
                }
            }
        }
        assertThat(
                        PosixFilePermissions.toString(
                                Files.getPosixFilePermissions(dir.resolve("secret.key"))))
                .isEqualTo("rw-------");
        open();
    }

    @Test
    void activeChangefeedsGoOnAfterARestartAndOthersStayAsTheyWere() throws Exception {
        api.create(TEST5);
        api.create("{\"changefeed_id\":\"paused\",\"sink_uri\":\"blackhole://\"}");
        api.post(FEEDS + "/paused/pause", "");
        api.await("paused", "stopped");
        awaitCheckpointAfter(api.get(FEEDS + "/test5").body().get("start_ts").asLong());
        String before = api.get("/api/v2/status").body().get("id").asText();
        JsonNode pausedBefore = api.get(FEEDS + "/paused").body();
        node.close();
        open();
        assertThat(api.get("/api/v2/status").body().get("id").asText()).isNotEqualTo(before);
        awaitCheckpointAfter(Tso.of(System.currentTimeMillis(), 0));
        assertThat(api.get(FEEDS + "/paused").body()).isEqualTo(pausedBefore);
    }

    @Test
    void nodesAndOwner() {
        JsonNode status = api.get("/api/v2/status").body();
        assertThat(status.get("is_owner").asBoolean()).isTrue();
        assertThat(status.get("liveness").asInt()).isZero();
        assertThat(status.get("pid").asLong()).isEqualTo(ProcessHandle.current().pid());
        assertThat(status.get("cluster_id").asText()).isEqualTo("default");
        // TiCDC's cli takes servers from 6.2.0 on; a suffix after the third number is a semver one.
        for (String route : List.of("/status", "/api/v1/status", "/api/v2/status")) {
            assertThat(api.get(route).body().get("version").asText())
                    .matches("v8\\.5\\.0-millrace-[0-9A-Za-z.-]+");
        }
        assertThat(api.get("/debug/info").text()).contains("version v0.");
        assertThat(api.get("/status").body().get("id")).isEqualTo(status.get("id"));
        assertThat(api.post("/api/v2/owner/resign", "").text()).isEqualTo("{}");
        JsonNode captures = api.get("/api/v2/captures").body();
        assertThat(captures.get("total").asInt()).isEqualTo(1);
        assertThat(captures.at("/items/0/is_owner").asBoolean()).isTrue();
        assertThat(captures.at("/items/0/id")).isEqualTo(status.get("id"));
        api.create(TEST5);
        JsonNode processors = api.get("/api/v2/processors").body();
        assertThat(processors.get("total").asInt()).isEqualTo(1);
        assertThat(processors.at("/items/0/changefeed_id").asText()).isEqualTo("test5");
        String path = "/api/v2/processors/test5/";
        Answer detail = api.get(path + status.get("id").asText());
        assertThat(detail.text()).isEqualTo("{\"table_ids\":[]}");
        assertThat(api.get(path + "a_b").errorMessage()).contains("invalid capture_id: a_b");
        assertThat(api.get(path + "unknown").errorCode()).isEqualTo("CDC:ErrCaptureNotExist");
    }

    @Test
    void namespacesAreApart() {
        api.create("{\"changefeed_id\":\"x\",\"namespace\":\"ns1\",\"sink_uri\":\"blackhole://\"}");
        assertThat(api.get(FEEDS).body().get("total").asInt()).isZero();
        assertThat(api.get(FEEDS + "?namespace=ns1").body().get("total").asInt()).isEqualTo(1);
        assertThat(api.get(FEEDS + "/x").status()).isEqualTo(400);
        assertThat(api.get(FEEDS + "/x?namespace=ns1").status()).isEqualTo(200);
        assertThat(api.get(FEEDS + "?namespace=a_b").errorMessage())
                .contains("invalid namespace: a_b");
    }

    @Test
    void logLevels() {
        assertThat(api.post("/api/v2/log", "{\"log_level\":\"WARN\"}").text()).isEqualTo("{}");
        assertThat(api.post("/api/v2/log", "{\"log_level\":\"dpanic\"}").status()).isEqualTo(200);
        assertThat(api.post("/api/v2/log", "{}").status()).isEqualTo(200);
        Answer loud = api.post("/api/v2/log", "{\"log_level\":\"loud\"}");
        assertThat(loud.status()).isEqualTo(400);
        assertThat(loud.errorCode()).isEqualTo("CDC:ErrAPIInvalidParam");
        assertThat(loud.errorMessage()).contains("fail to change log level: loud");
        assertThat(api.post("/api/v2/log", "{").errorMessage()).contains("invalid log level");
    }

    @Test
    void unknownPathsAndMethodsAre404AndSlashesAreRedirected() {
        for (Answer answer :
                List.of(
                        api.get("/api/v2/nothing"),
                        api.call("DELETE", "/api/v2/status", ""),
                        api.call("PATCH", FEEDS, "{}"),
                        api.call("HEAD", "/api/v2/status", ""))) {
            assertThat(answer.status()).isEqualTo(404);
            assertThat(answer.contentType()).startsWith("application/json");
        }
        assertThat(api.get("/api/v2/nothing").errorMessage())
                .isEqualTo("404 page not found: there is no GET /api/v2/nothing");
        assertThat(api.get(FEEDS + "/").status()).isEqualTo(301);
        assertThat(api.post(FEEDS + "/", TEST5).status()).isEqualTo(307);
    }

    @Test
    void aBodyThatIsTooLargeIsRefused() {
        Answer answer = api.create("{\"x\":\"" + "y".repeat(5 << 20) + "\"}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.errorCode()).isEqualTo("CDC:ErrAPIInvalidParam");
    }

    @Test
    void theTsoIsTheUpstreams() {
        JsonNode tso = api.post("/api/v2/tso", "{}").body();
        assertThat(tso.get("timestamp").asLong())
                .isCloseTo(System.currentTimeMillis(), org.assertj.core.data.Offset.offset(5_000L));
        assertThat(api.post("/api/v2/tso", "").status()).isEqualTo(400);
    }

    @Test
    void metricsKeepTheNamesThatAlertsUse() throws Exception {
        api.create(TEST5);
        awaitCheckpointAfter(api.get(FEEDS + "/test5").body().get("start_ts").asLong());
        String page = api.get("/metrics").text();
        String labels = "{namespace=\"default\",changefeed=\"test5\"} ";
        assertThat(page)
                .contains("ticdc_owner_status" + labels + "0\n")
                .contains("ticdc_owner_checkpoint_ts" + labels)
                .contains("ticdc_owner_checkpoint_ts_lag" + labels)
                .contains("ticdc_processor_resolved_ts" + labels)
                .contains("ticdc_owner_ownership_counter ")
                .contains("jvm_memory_used_bytes");
        api.post(FEEDS + "/test5/pause", "");
        api.await("test5", "stopped");
        page = api.get("/metrics").text();
        assertThat(page)
                .contains("ticdc_owner_status" + labels + "3\n")
                .doesNotContain("ticdc_owner_checkpoint_ts" + labels);
    }

    @Test
    void aLoginIsAskedForWhenOneIsConfigured(@TempDir Path other) {
        try (MillraceNode locked =
                MillraceNode.start(
                        ServerConfig.of(
                                new Settings()
                                        .set("addr", "127.0.0.1:0")
                                        .set("data-dir", other.toString())
                                        .set("auth.user", "root")
                                        .set("auth.password", "pw")),
                        List.of(upstream),
                        List.of())) {
            ApiClient client = new ApiClient(locked.url());
            Answer open = client.get(FEEDS);
            assertThat(open.status()).isEqualTo(401);
            assertThat(open.errorCode()).isEqualTo("CDC:ErrCredentialNotFound");
            assertThat(login(client, locked, "root:nope").errorCode())
                    .isEqualTo("CDC:ErrUnauthorized");
            assertThat(login(client, locked, "root:pw").status()).isEqualTo(200);
            assertThat(client.get("/metrics").status()).isEqualTo(401);
        }
    }

    @Test
    void everythingAnswers503UntilTheServerIsReady(@TempDir Path other) throws Exception {
        int port;
        try (var socket = new java.net.ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        java.util.concurrent.CountDownLatch mayStart = new java.util.concurrent.CountDownLatch(1);
        FakeUpstream slow = new FakeUpstream();
        slow.mayOpen = mayStart;
        var starting =
                java.util.concurrent.CompletableFuture.supplyAsync(() ->
                        MillraceNode.start(
                                ServerConfig.of(
                                        new Settings()
                                                .set("addr", "127.0.0.1:" + port)
                                                .set("data-dir", other.toString())
                                                .set("upstream", "fake://here")),
                                List.of(slow),
                                List.of()));
        ApiClient client = new ApiClient("http://127.0.0.1:" + port);
        try {
            assertThat(slow.opening.await(20, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
            for (Answer early :
                    List.of(
                            client.get("/api/v2/health"),
                            client.get("/api/v2/status"),
                            client.get(FEEDS),
                            client.create(TEST5))) {
                assertThat(early.status()).isEqualTo(503);
                assertThat(early.text())
                        .isEqualTo(
                                "{\"error_msg\":\"[CDC:ErrServerIsNotReady]cdc server is not"
                                        + " ready\",\"error_code\":\"CDC:ErrServerIsNotReady\"}");
            }
            assertThat(client.get("/metrics").status()).isEqualTo(503);
        } finally {
            mayStart.countDown();
            try (MillraceNode ready = starting.join()) {
                assertThat(client.get("/api/v2/health").status()).isEqualTo(200);
                assertThat(client.get(FEEDS).body().get("total").asInt()).isZero();
                assertThat(ready.url()).endsWith(":" + port);
            }
        }
    }

    private static Answer login(ApiClient client, MillraceNode locked, String userPassword) {
        return client.send(
                HttpRequest.newBuilder(URI.create(locked.url() + FEEDS))
                        .header(
                                "Authorization",
                                "Basic "
                                        + java.util.Base64.getEncoder()
                                                .encodeToString(userPassword.getBytes()))
                        .build());
    }

    @Test
    void aNodeWithAChangefeedThatIsNotStartedIsUnhealthy() throws Exception {
        sinks.mayForget = new CountDownLatch(1);
        try {
            api.create(TEST5);
            for (String route : List.of("/api/v1/health", "/api/v2/health")) {
                Answer sick = api.get(route);
                assertThat(sick.status()).as(sick.text()).isEqualTo(500);
                assertThat(sick.errorCode()).isEqualTo("CDC:ErrClusterIsUnhealthy");
                assertThat(sick.errorMessage()).contains("TiCDC cluster is unhealthy");
            }
        } finally {
            sinks.mayForget.countDown();
        }
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (api.get("/api/v2/health").status() != 200) {
            assertThat(System.nanoTime()).as("healthy").isLessThan(deadline);
            Thread.sleep(10);
        }
        assertThat(api.get("/api/v1/health").status()).isEqualTo(200);
    }
}
