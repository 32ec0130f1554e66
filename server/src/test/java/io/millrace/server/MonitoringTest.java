package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/monitoring asks for is what a server shows. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class MonitoringTest {
    private static final Path FOLDER = Path.of("../docs/monitoring");
    private static final Pattern NAME =
            Pattern.compile("\\b(?:ticdc|millrace|go|jvm|process|system)_[a-z_]+\\b");
    private static final Pattern EXPRESSION = Pattern.compile("(?m)^ +expr: (.+)$");

    @TempDir Path dir;

    private final FakeUpstream upstream = new FakeUpstream();
    private MillraceNode node;
    private ApiClient api;

    @BeforeEach
    void start() {
        node =
                MillraceNode.start(
                        ServerConfig.of(
                                new Settings()
                                        .set("addr", "127.0.0.1:0")
                                        .set("data-dir", dir.toString())
                                        .set("upstream", "fake://here")
                                        .set("retry-interval", "100ms")),
                        List.of(upstream),
                        List.of(new BlackholeSinkFactory()));
        api = new ApiClient(node.url());
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private static List<String> alertExpressions() throws Exception {
        return EXPRESSION
                .matcher(Files.readString(FOLDER.resolve("alerts.yml")))
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    private static List<String> dashboardExpressions() throws Exception {
        JsonNode dashboard =
                new ObjectMapper().readTree(Files.readString(FOLDER.resolve("dashboard.json")));
        return dashboard.path("panels").findValuesAsText("expr");
    }

    private static Set<String> names(Stream<String> expressions) {
        return expressions
                .flatMap(text -> NAME.matcher(text).results().map(MatchResult::group))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Names of metrics; a histogram also under those of its series. */
    private static Set<String> shown(String page) {
        return Pattern.compile("(?m)^# TYPE (\\S+) (\\S+)$")
                .matcher(page)
                .results()
                .flatMap(match -> {
                    String name = match.group(1);
                    return match.group(2).equals("histogram")
                            ? Stream.of(name + "_bucket", name + "_sum", name + "_count")
                            : Stream.of(name);
                })
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void everyMetricOfDashboardAndAlertsExists() throws Exception {
        assertThat(alertExpressions()).hasSize(12);
        assertThat(dashboardExpressions()).hasSizeGreaterThan(40);
        Set<String> wanted =
                names(Stream.concat(alertExpressions().stream(), dashboardExpressions().stream()));
        assertThat(wanted).hasSizeGreaterThan(35);
        assertThat(shown(api.get("/metrics").text())).containsAll(wanted);
    }

    @Test
    void expressionsAreWellFormed() throws Exception {
        assertThat(alertExpressions())
                .allSatisfy(text -> assertThat(balanced(text)).as(text).isTrue());
        assertThat(dashboardExpressions())
                .allSatisfy(text -> assertThat(balanced(text)).as(text).isTrue());
    }

    private static boolean balanced(String text) {
        StringBuilder open = new StringBuilder();
        for (char c : text.toCharArray()) {
            int kind = "([{".indexOf(c);
            if (kind >= 0) {
                open.append(")]}".charAt(kind));
            } else if (")]}".indexOf(c) >= 0) {
                if (open.isEmpty() || open.charAt(open.length() - 1) != c) {
                    return false;
                }
                open.setLength(open.length() - 1);
            }
        }
        return open.isEmpty() && text.chars().filter(c -> c == '"').count() % 2 == 0;
    }

    private String awaitLine(String start) throws InterruptedException {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (true) {
            String page = api.get("/metrics").text();
            Optional<String> line = page.lines().filter(l -> l.startsWith(start)).findFirst();
            if (line.isPresent()) {
                return line.get().substring(line.get().lastIndexOf(' ') + 1);
            }
            assertThat(System.nanoTime()).as(start).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    @Test
    void aRunningChangefeedShowsWhatItDoes() throws Exception {
        api.create("{\"changefeed_id\":\"one\",\"sink_uri\":\"blackhole://\"}");
        String labels = "{namespace=\"default\",changefeed=\"one\"";
        awaitLine("ticdc_owner_checkpoint_lag_histogram_bucket" + labels + ",le=\"0.5\"}");
        awaitLine("ticdc_owner_checkpoint_lag_histogram_bucket" + labels + ",le=\"32000\"}");
        awaitLine("ticdc_owner_checkpoint_lag_histogram_count" + labels + "}");
        awaitLine("ticdc_owner_resolved_ts_lag_histogram_bucket" + labels + ",le=\"+Inf\"}");
        awaitLine("ticdc_owner_barrier_ts" + labels + "}");
        assertThat(Double.parseDouble(awaitLine("ticdc_owner_current_pd_ts" + labels + "}")))
                .isGreaterThan(1.7e12);
        awaitLine("ticdc_sink_flush_lag_histogram_count" + labels + "}");
        awaitLine("ticdc_owner_changefeed_start_time" + labels + "}");
        awaitLine("ticdc_gc_cdc_gc_safepoint ");
        String address = api.get("/api/v2/captures").body().at("/items/0/address").asText();
        awaitLine("ticdc_scheduler_capture_table" + labels + ",addr=\"" + address + "\"}");
        awaitLine("ticdc_scheduler_table_replication_state" + labels + ",state=\"Replicating\"}");
        for (String time :
                List.of(
                        "ticdc_owner_checkpoint_ts",
                        "ticdc_owner_resolved_ts",
                        "ticdc_processor_checkpoint_ts",
                        "ticdc_processor_resolved_ts")) {
            assertThat(Double.parseDouble(awaitLine(time + labels + "}")))
                    .as(time)
                    .isGreaterThan(1.7e12);
        }
        assertThat(Double.parseDouble(awaitLine("ticdc_owner_resolved_ts_lag" + labels + "}")))
                .isBetween(0.0, 60.0);
        assertThat(Double.parseDouble(awaitLine("go_memstats_heap_alloc_bytes ")))
                .isGreaterThan(1e5);
        assertThat(awaitLine("ticdc_processor_exit_with_error_count" + labels + "}"))
                .isEqualTo("0");
        upstream.captureError =
                Optional.of(new MillraceException(ErrorCode.UPSTREAM_CORRUPT, "broken"));
        api.await("one", "failed");
        assertThat(awaitLine("ticdc_processor_exit_with_error_count" + labels + "}"))
                .isEqualTo("1");
        assertThat(awaitLine("ticdc_sink_execution_error" + labels + "}")).isEqualTo("0");
        awaitLine("ticdc_owner_changefeed_close_duration_count" + labels + "}");
        String page = api.get("/metrics").text();
        for (String gone :
                List.of(
                        "ticdc_owner_checkpoint_ts",
                        "ticdc_owner_checkpoint_ts_lag",
                        "ticdc_owner_resolved_ts",
                        "ticdc_owner_barrier_ts",
                        "ticdc_owner_current_pd_ts",
                        "ticdc_owner_checkpoint_lag_histogram_count")) {
            assertThat(page).as(gone).doesNotContain(gone + labels);
        }
        assertThat(page).contains("ticdc_owner_status" + labels + "} 2");
        api.call("DELETE", "/api/v2/changefeeds/one", "");
        assertThat(api.get("/metrics").text()).doesNotContain("changefeed=\"one\"");
    }

    /** Nothing is held back for a changefeed whose changes are gone. */
    @Test
    void aLostChangefeedHoldsNoSafepoint() throws Exception {
        api.create("{\"changefeed_id\":\"one\",\"sink_uri\":\"blackhole://\"}");
        awaitLine("ticdc_gc_cdc_gc_safepoint ");
        upstream.captureError =
                Optional.of(new MillraceException(ErrorCode.UPSTREAM_PURGED, "gone"));
        api.await("one", "failed");
        assertThat(api.get("/metrics").text()).doesNotContain("\nticdc_gc_cdc_gc_safepoint ");
    }

    @Test
    void errorsOfTheSinkAreCounted() throws Exception {
        upstream.captureError =
                Optional.of(new MillraceException(ErrorCode.SINK_DATA, "duplicate entry"));
        api.create("{\"changefeed_id\":\"one\",\"sink_uri\":\"blackhole://\"}");
        api.await("one", "failed");
        assertThat(
                        awaitLine(
                                "ticdc_sink_execution_error"
                                        + "{namespace=\"default\",changefeed=\"one\"}"))
                .isEqualTo("1");
    }
}
