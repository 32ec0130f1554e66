package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.server.ApiClient.Answer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The v1 API on a whole server in this process, over HTTP; what it does is seen through v2. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class TiCdcV1Test {
    private static final String FEEDS = "/api/v1/changefeeds";
    private static final String V2_FEEDS = "/api/v2/changefeeds";
    private static final String TEST5 =
            "{\"changefeed_id\":\"test5\",\"sink_uri\":\"blackhole://\"}";
    private static final String LOCAL_TIME = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3}";

    private FakeUpstream upstream;
    private MillraceNode node;
    private ApiClient api;

    @BeforeEach
    void start(@TempDir Path dir) {
        upstream = new FakeUpstream();
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
                        List.of(new BlackholeSinkFactory()));
        api = new ApiClient(node.url());
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private static void assertAccepted(Answer answer) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        assertThat(answer.text()).isEmpty();
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private String node() {
        return api.get("/api/v1/status").body().get("id").asText();
    }

    @Test
    void statusHealthLogAndOwner() {
        JsonNode status = api.get("/api/v1/status").body();
        assertThat(names(status)).contains("version", "git_hash", "id", "pid", "is_owner");
        assertThat(status.get("is_owner").asBoolean()).isTrue();
        Answer health = api.get("/api/v1/health");
        assertThat(health.status()).isEqualTo(200);
        assertThat(health.text()).isEmpty();
        Answer log = api.post("/api/v1/log", "{\"log_level\":\"info\"}");
        assertThat(log.status()).isEqualTo(200);
        assertThat(log.text()).isEmpty();
        assertThat(api.post("/api/v1/log", "{\"log_level\":\"loud\"}").errorCode())
                .isEqualTo("CDC:ErrAPIInvalidParam");
        assertThat(api.post("/admin/log", "\"info\"").text()).isEqualTo("{}");
        assertThat(api.post("/admin/log", "\"loud\"").errorMessage())
                .contains("fail to change log level: loud");
        assertThat(api.post("/admin/log", "{}").errorCode()).isEqualTo("CDC:ErrAPIInvalidParam");
        assertThat(api.post("/admin/log", "").errorMessage()).contains("EOF");
        assertAccepted(api.post("/api/v1/owner/resign", ""));
    }

    @Test
    void captures() {
        JsonNode captures = api.get("/api/v1/captures").body();
        assertThat(captures.isArray()).isTrue();
        assertThat(captures).hasSize(1);
        assertThat(captures.get(0).get("id").asText()).isEqualTo(node());
        assertThat(captures.get(0).get("is_owner").asBoolean()).isTrue();
        assertThat(captures.get(0).get("address").asText()).startsWith("127.0.0.1:");
    }

    @Test
    void theOnlyNodeIsNotDrained() {
        Answer v1 = api.call("PUT", "/api/v1/captures/drain", "{\"capture_id\":\"x\"}");
        Answer v2 = api.post("/api/v2/captures/x/drain", "");
        for (Answer answer : List.of(v1, v2)) {
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.errorMessage())
                    .isEqualTo(
                            "[CDC:ErrSchedulerRequestFailed]scheduler request failed, only one"
                                    + " capture alive");
        }
        assertThat(api.call("PUT", "/api/v1/captures/drain", "").errorCode())
                .isEqualTo("CDC:ErrAPIInvalidParam");
    }

    @Test
    void createsListsAndShows() throws Exception {
        assertThat(api.get(FEEDS).text()).isEqualTo("[]");
        assertAccepted(api.post(FEEDS, TEST5));
        api.await("test5", "normal");
        JsonNode list = api.get(FEEDS).body();
        assertThat(list).hasSize(1);
        assertThat(names(list.get(0)))
                .contains("id", "state", "checkpoint_tso", "checkpoint_time", "error");
        assertThat(list.get(0).get("id").asText()).isEqualTo("test5");
        assertThat(list.get(0).get("state").asText()).isEqualTo("normal");
        assertThat(list.get(0).get("checkpoint_time").asText()).matches(LOCAL_TIME);
        assertThat(list.get(0).get("error").isNull()).isTrue();

        JsonNode one = api.get(FEEDS + "/test5").body();
        assertThat(names(one))
                .contains(
                        "id",
                        "sink_uri",
                        "create_time",
                        "start_ts",
                        "target_ts",
                        "checkpoint_tso",
                        "checkpoint_time",
                        "sort_engine",
                        "state",
                        "error",
                        "error_history",
                        "creator_version",
                        "task_status");
        assertThat(one.get("sink_uri").asText()).isEqualTo("blackhole://");
        assertThat(one.get("create_time").asText()).matches(LOCAL_TIME);
        assertThat(one.get("target_ts").asLong()).isZero();
        assertThat(one.get("sort_engine").asText()).isEqualTo("unified");
        assertThat(one.get("error").isNull()).isTrue();
        assertThat(one.get("error_history").isNull()).isTrue();
        assertThat(one.at("/task_status/0/capture_id").asText()).isEqualTo(node());
        assertThat(one.at("/task_status/0/table_ids").isArray()).isTrue();
        assertThat(one.at("/task_status/0/table_operations").isObject()).isTrue();
        assertThat(one.get("start_ts"))
                .isEqualTo(api.get(V2_FEEDS + "/test5").body().get("start_ts"));
    }

    @Test
    void everyFieldOfACreateRequestArrives() {
        assertAccepted(
                api.post(
                        FEEDS,
                        "{\"changefeed_id\":\"all\",\"sink_uri\":\"blackhole://\","
                                + "\"target_ts\":18446744073709551615,\"force_replicate\":true,"
                                + "\"ignore_ineligible_table\":true,"
                                + "\"filter_rules\":[\"foo*.*\",\"bar*.*\"],"
                                + "\"ignore_txn_start_ts\":[7,18446744073709551615],\"mounter_worker_num\":32,"
                                + "\"timezone\":\"Local\","
                                + "\"sink_config\":{\"dispatchers\":[{\"matcher\":[\"test1.*\"],"
                                + "\"dispatcher\":\"ts\"},{\"matcher\":[\"test3.*\"],"
                                + "\"partition\":\"table\",\"topic\":\"x\"}],"
                                + "\"column-selectors\":[],\"only-output-updated-columns\":true,"
                                + "\"file-index-digit\":7,\"advance-timeout-in-sec\":33,"
                                + "\"mysql-config\":{\"max-multi-update-row\":5,"
                                + "\"max-multi-update-row-size\":6},"
                                + "\"kafka-config\":{\"partition-num\":3,\"codec-config\":"
                                + "{\"enable-tidb-extension\":true}}}}"));
        JsonNode shown = api.get(V2_FEEDS + "/all").body();
        JsonNode config = shown.get("config");
        assertThat(shown.get("target_ts").bigIntegerValue()).isEqualTo("18446744073709551615");
        assertThat(config.get("force_replicate").asBoolean()).isTrue();
        assertThat(config.get("ignore_ineligible_table").asBoolean()).isTrue();
        assertThat(config.at("/filter/rules").toString()).isEqualTo("[\"foo*.*\",\"bar*.*\"]");
        assertThat(config.at("/filter/ignore_txn_start_ts").toString())
                .isEqualTo("[7,18446744073709551615]");
        assertThat(config.at("/mounter/worker_num").asInt()).isEqualTo(32);
        assertThat(config.at("/sink/dispatchers/0/matcher/0").asText()).isEqualTo("test1.*");
        assertThat(config.at("/sink/dispatchers/0/partition").asText()).isEqualTo("ts");
        assertThat(config.at("/sink/dispatchers/1/partition").asText()).isEqualTo("table");
        assertThat(config.at("/sink/dispatchers/1/topic").asText()).isEqualTo("x");
        assertThat(config.at("/sink/only_output_updated_columns").asBoolean()).isTrue();
        assertThat(config.at("/sink/kafka_config/partition_num").asInt()).isEqualTo(3);
        assertThat(config.at("/sink/file_index_width").asInt()).isEqualTo(7);
        assertThat(config.at("/sink/advance_timeout").asInt()).isEqualTo(33);
        assertThat(config.at("/sink/mysql_config/max_multi_update_row_count").asInt()).isEqualTo(5);
        assertThat(config.at("/sink/mysql_config/max_multi_update_row_size").asInt()).isEqualTo(6);
        assertThat(config.at("/sink/kafka_config/codec_config/enable_tidb_extension").asBoolean())
                .isTrue();
        // The sink config takes the place of the whole default one.
        assertThat(config.at("/sink/csv").isMissingNode()).isTrue();
    }

    /** As the first servers had it: one table and a rule. */
    @Test
    void theOldFormOfADispatcherIsUpgraded() {
        assertAccepted(
                api.post(
                        FEEDS,
                        "{\"changefeed_id\":\"old\",\"sink_uri\":\"blackhole://\","
                                + "\"sink_config\":{\"dispatchers\":[{\"db-name\":\"a-b\","
                                + "\"tbl-name\":\"t\",\"rule\":\"rowid\"}]}}"));
        assertThat(api.get(V2_FEEDS + "/old").body().at("/config/sink/dispatchers"))
                .hasToString(
                        "[{\"matcher\":[\"`a-b`.`t`\"],\"partition\":\"rowid\",\"topic\":\"\"}]");
    }

    @Test
    void defaultsAndAnIdThatIsMadeUp() {
        assertAccepted(
                api.post(
                        FEEDS,
                        "{\"sink_uri\":\"blackhole://\",\"filter_rules\":[],"
                                + "\"mounter_worker_num\":0,\"namespace\":\"other\"}"));
        JsonNode one = api.get(FEEDS).body().get(0);
        assertThat(one.get("id").asText()).hasSize(36);
        assertThat(one.get("namespace").asText()).isEqualTo("default");
        JsonNode config = api.get(V2_FEEDS + "/" + one.get("id").asText()).body().get("config");
        assertThat(config.at("/filter/rules").toString()).isEqualTo("[\"*.*\"]");
        assertThat(config.at("/mounter/worker_num").asInt()).isEqualTo(16);
        assertThat(config.at("/force_replicate").asBoolean()).isFalse();
        assertThat(config.at("/sink/csv").isObject()).isTrue();
    }

    /** Request body, status, error code, text in the message. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    `` | 400 | CDC:ErrAPIInvalidParam | EOF
                    {"sink_uri": | 400 | CDC:ErrAPIInvalidParam | invalid api parameter
                    {} | 400 | CDC:ErrSinkURIInvalid | sink_uri is empty
                    {"changefeed_id":"a_b","sink_uri":"blackhole://"} | 400 | CDC:ErrAPIInvalidParam | invalid changefeed_id: a_b
                    {"changefeed_id":"old","sink_uri":"blackhole://"} | 500 | CDC:ErrChangeFeedAlreadyExists | changefeed already exists, old
                    {"sink_uri":"blackhole://","start_ts":18446744073709551615} | 400 | CDC:ErrAPIInvalidParam | larger than current tso
                    {"sink_uri":"blackhole://","start_ts":2} | 400 | CDC:ErrStartTsBeforeGC | start-ts 2
                    {"sink_uri":"blackhole://","target_ts":1} | 400 | CDC:ErrTargetTsBeforeStartTs | target-ts 1
                    {"sink_uri":"blackhole://","filter_rules":["a b"]} | 400 | CDC:ErrFilterRuleInvalid | a b
                    {"sink_uri":"blackhole://","filter_rules":"a.*"} | 400 | CDC:ErrAPIInvalidParam | cannot unmarshal string into field filter_rules
                    {"sink_uri":"blackhole://","timezone":"Mars/North"} | 400 | CDC:ErrAPIInvalidParam | unknown time zone Mars/North
                    {"sink_uri":"blackhole://","ignore_txn_start_ts":"1"} | 400 | CDC:ErrAPIInvalidParam | ignore_txn_start_ts
                    {"sink_uri":"blackhole://","sink_config":{"protocal":5}} | 400 | CDC:ErrAPIInvalidParam | protocol
                    {"sink_uri":"blackhole://","sink_config":{"dispatchers":[{"matcher":["a.*"],"partition":"ts","dispatcher":"ts"}]}} | 500 | CDC:ErrSinkInvalidConfig | dispatcher and partition
                    {"sink_uri":"blackhole://","sink_config":{"dispatchers":[{"matcher":["a.*"],"db-name":"a"}]}} | 500 | CDC:ErrSinkInvalidConfig | use one form
                    {"sink_uri":"blackhole://","sink_config":{"dispatchers":[{"db-name":"a","rule":"ts"}]}} | 500 | CDC:ErrSinkInvalidConfig | needs both names
                    {"sink_uri":"mysql://h/","sink_config":{"protocal":"canal-json"}} | 400 | CDC:ErrSinkURIInvalid | protocol canal-json is incompatible
                    {"sink_uri":"mysql://h/","sink_config":{"protocol":"canal-json"}} | 400 | CDC:ErrSinkURIInvalid | protocol canal-json is incompatible
                    """)
    void badRequestsAreRefusedAndChangeNothing(
            String body, int status, String code, String message) {
        api.create("{\"changefeed_id\":\"old\",\"sink_uri\":\"blackhole://\"}");
        Answer answer = api.post(FEEDS, body);
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.errorCode()).isEqualTo(code);
        assertThat(answer.errorMessage()).contains(message);
        assertThat(api.get(FEEDS + "?state=all").body()).hasSize(1);
    }

    @Test
    void unknownChangefeedsAre400() {
        for (Answer answer :
                List.of(
                        api.get(FEEDS + "/nope"),
                        api.call("PUT", FEEDS + "/nope", "{}"),
                        api.call("DELETE", FEEDS + "/nope", ""),
                        api.post(FEEDS + "/nope/pause", ""),
                        api.post(FEEDS + "/nope/resume", ""),
                        api.post(FEEDS + "/nope/tables/rebalance_table", ""),
                        api.post(FEEDS + "/nope/tables/move_table", "{}"),
                        api.get("/api/v1/processors/nope/x"))) {
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.errorMessage())
                    .isEqualTo("[CDC:ErrChangeFeedNotExists]changefeed not exists, default/nope");
        }
        assertThat(api.get(FEEDS + "/a_b").errorMessage()).contains("invalid changefeed_id: a_b");
    }

    @Test
    void pausesUpdatesResumesAndRemoves() throws Exception {
        assertAccepted(api.post(FEEDS, TEST5));
        Answer running = api.call("PUT", FEEDS + "/test5", "{\"mounter_worker_num\":32}");
        assertThat(running.status()).isEqualTo(400);
        assertThat(running.errorCode()).isEqualTo("CDC:ErrChangefeedUpdateRefused");

        assertAccepted(api.post(FEEDS + "/test5/pause", ""));
        api.await("test5", "stopped");
        assertThat(api.get(FEEDS + "/test5").body().has("task_status")).isFalse();
        assertThat(api.get(FEEDS + "?state=stopped").body()).hasSize(1);
        assertThat(api.get(FEEDS + "?state=normal").body()).isEmpty();
        assertThat(api.call("PUT", FEEDS + "/test5", "").errorCode())
                .isEqualTo("CDC:ErrAPIInvalidParam");
        assertThat(api.call("PUT", FEEDS + "/test5", "{}").errorMessage()).contains("do nothing");
        assertThat(api.call("PUT", FEEDS + "/test5", "{\"force_replicate\":true}").errorMessage())
                .as("fields that v1 cannot change are ignored")
                .contains("do nothing");
        assertThat(api.call("PUT", FEEDS + "/test5", "{\"target_ts\":1}").errorCode())
                .isEqualTo("CDC:ErrChangefeedUpdateRefused");
        assertAccepted(api.call("PUT", FEEDS + "/test5", "{\"mounter_worker_num\":32}"));
        assertAccepted(
                api.call(
                        "PUT",
                        FEEDS + "/test5",
                        "{\"sink_uri\":\"blackhole://two\",\"filter_rules\":[\"a.*\"],"
                                + "\"target_ts\":18446744073709551615,"
                                + "\"sink_config\":{\"date-separator\":\"day\"}}"));
        JsonNode updated = api.get(V2_FEEDS + "/test5").body();
        assertThat(updated.get("sink_uri").asText()).isEqualTo("blackhole://two");
        assertThat(updated.get("target_ts").bigIntegerValue()).isEqualTo("18446744073709551615");
        assertThat(updated.at("/config/mounter/worker_num").asInt()).isEqualTo(32);
        assertThat(updated.at("/config/filter/rules").toString()).isEqualTo("[\"a.*\"]");
        assertThat(updated.at("/config/sink/date_separator").asText()).isEqualTo("day");
        assertThat(updated.at("/config/case_sensitive").asBoolean())
                .as("what v1 does not name stays")
                .isTrue();

        assertAccepted(api.post(FEEDS + "/test5/resume", ""));
        api.await("test5", "normal");
        assertAccepted(api.post(FEEDS + "/test5/tables/rebalance_table", ""));
        assertAccepted(
                api.post(
                        FEEDS + "/test5/tables/move_table",
                        "{\"capture_id\":\"6f19a6d9-0f8c-4dc9-b299-3ba7c0f216f5\","
                                + "\"table_id\":49}"));
        assertAccepted(
                api.post(
                        FEEDS + "/test5/tables/move_table",
                        "{\"target_capture_id\":\"x\",\"table_id\":49}"));
        assertThat(api.post(FEEDS + "/test5/tables/move_table", "{\"table_id\":49}").errorCode())
                .isEqualTo("CDC:ErrAPIInvalidParam");
        assertThat(
                        api.post(
                                        FEEDS + "/test5/tables/move_table",
                                        "{\"capture_id\":\"x\",\"table_id\":\"y\"}")
                                .errorCode())
                .isEqualTo("CDC:ErrAPIInvalidParam");

        assertAccepted(api.call("DELETE", FEEDS + "/test5", ""));
        assertThat(api.get(FEEDS + "?state=all").text()).isEqualTo("[]");
        assertThat(api.call("DELETE", FEEDS + "/test5", "").status()).isEqualTo(400);
    }

    @Test
    void processorsAndErrors() throws Exception {
        assertThat(api.get("/api/v1/processors").text()).isEqualTo("[]");
        assertAccepted(api.post(FEEDS, TEST5));
        api.await("test5", "normal");
        JsonNode processors = api.get("/api/v1/processors").body();
        assertThat(processors.get(0).get("changefeed_id").asText()).isEqualTo("test5");
        assertThat(processors.get(0).get("capture_id").asText()).isEqualTo(node());
        String path = "/api/v1/processors/test5/";
        JsonNode one = api.get(path + node()).body();
        assertThat(names(one))
                .containsExactly("checkpoint_ts", "resolved_ts", "table_ids", "error");
        assertThat(one.get("checkpoint_ts").asLong()).isPositive();
        assertThat(one.get("resolved_ts").asLong())
                .isGreaterThanOrEqualTo(one.get("checkpoint_ts").asLong());
        assertThat(one.get("error").isNull()).isTrue();
        assertThat(api.get(path + "a_b").errorMessage()).contains("invalid capture_id: a_b");
        assertThat(api.get(path + "unknown").errorCode()).isEqualTo("CDC:ErrCaptureNotExist");

        upstream.captureError =
                Optional.of(new MillraceException(ErrorCode.UPSTREAM_CONNECTION, "lost"));
        api.await("test5", "error");
        assertThat(api.get(path + node()).errorMessage())
                .contains("changefeed in abnormal state: error");
        JsonNode failing = api.get(FEEDS + "/test5").body();
        assertThat(failing.at("/error/code").asText()).isEqualTo("CDC:ErrPDEtcdAPIError");
        assertThat(api.get(FEEDS + "?state=error").body().get(0).at("/error/time").asText())
                .isNotEmpty();

        // Why somebody may have paused it: told by v1, not by v2.
        api.post(FEEDS + "/test5/pause", "");
        api.await("test5", "stopped");
        assertThat(api.get(FEEDS + "/test5").body().at("/error/code").asText())
                .isEqualTo("CDC:ErrPDEtcdAPIError");
        assertThat(api.get(FEEDS + "?state=stopped").body().get(0).at("/error/code").asText())
                .isEqualTo("CDC:ErrPDEtcdAPIError");
        assertThat(api.get("/api/v2/changefeeds/test5").body().has("error")).isFalse();
    }

    @Test
    void changesAreLoggedWithWhoAskedForThem() {
        List<String> lines = Collections.synchronizedList(new ArrayList<>());
        var logger =
                (org.apache.logging.log4j.core.Logger)
                        LogManager.getLogger("io.millrace.dialects.ticdc.TiCdcDialect");
        AbstractAppender appender =
                new AbstractAppender("test", null, null, true, Property.EMPTY_ARRAY) {
                    @Override
                    public void append(LogEvent event) {
                        lines.add(event.getMessage().getFormattedMessage());
                    }
                };
        appender.start();
        logger.addAppender(appender);
        try {
            api.get(FEEDS + "?state=all&password=s3cret");
            api.call("DELETE", FEEDS + "/nobody%0Aline?password=s3cret", "");
            long deadline = System.nanoTime() + 10_000_000_000L;
            while (lines.isEmpty()) {
                assertThat(System.nanoTime()).as("a line").isLessThan(deadline);
                Thread.onSpinWait();
            }
        } finally {
            logger.removeAppender(appender);
        }
        assertThat(lines)
                .singleElement()
                .asString()
                .startsWith("request method=DELETE path=/api/v1/changefeeds/nobody%0Aline status=4")
                .contains(" from=127.0.0.1 user= ")
                .doesNotContain("s3cret");
    }

    @Test
    void bothVersionsShowTheSameChangefeedsAndHideSecrets() {
        api.create(
                "{\"changefeed_id\":\"b\",\"namespace\":\"ns\",\"sink_uri\":\"blackhole://u:secretpw@x\"}");
        assertAccepted(
                api.post(
                        FEEDS,
                        "{\"changefeed_id\":\"a\",\"sink_uri\":\"blackhole://u:secretpw@x\"}"));
        JsonNode list = api.get(FEEDS).body();
        assertThat(list.findValuesAsText("id")).containsExactly("a", "b");
        assertThat(list.findValuesAsText("namespace")).containsExactly("default", "ns");
        assertThat(api.get(FEEDS + "/a").body().get("sink_uri").asText())
                .isEqualTo("blackhole://u:xxxxx@x");
        assertThat(api.get(FEEDS + "/b").status()).as("v1 knows one namespace").isEqualTo(400);
        assertThat(api.get(V2_FEEDS + "/a").status()).isEqualTo(200);
    }
}
