package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Trouble that does not pass is given up in the end. */
@SuppressWarnings("NullAway.Init") // fields are set before each test
final class StuckChangefeedTest {
    private static final MillraceException LOST =
            new MillraceException(ErrorCode.UPSTREAM_CONNECTION, "the connection is lost");

    private final FakeUpstream upstream = new FakeUpstream();
    private final HandClock clock = new HandClock();
    private MillraceNode node;
    private ApiClient api;

    @BeforeEach
    void start(@TempDir Path dir) {
        node =
                MillraceNode.start(
                        ServerConfig.of(
                                new Settings()
                                        .set("addr", "127.0.0.1:0")
                                        .set("data-dir", dir.toString())
                                        .set("upstream", "fake://here")
                                        .set("retry-interval", "50ms")),
                        List.of(upstream),
                        List.of(new BlackholeSinkFactory()),
                        clock);
        api = new ApiClient(node.url());
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private void awaitASilentRun() throws InterruptedException {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (upstream.silences.get() == 0) {
            assertThat(System.nanoTime()).as("a run that stands still").isLessThan(deadline);
            Thread.sleep(5);
        }
    }

    private void awaitAttempts(int more) throws InterruptedException {
        int wanted = upstream.startEnds.size() + more;
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (upstream.startEnds.size() < wanted) {
            assertThat(System.nanoTime()).as("another attempt").isLessThan(deadline);
            Thread.sleep(5);
        }
    }

    @Test
    void aRunThatStandsStillAfterARestartIsGivenUp() throws Exception {
        api.create("{\"changefeed_id\":\"a\",\"sink_uri\":\"blackhole://\"}");
        api.await("a", "normal");
        upstream.captureError = Optional.of(LOST);
        api.await("a", "error");
        upstream.silent = true;
        upstream.captureError = Optional.empty();
        awaitASilentRun();
        clock.jump(Duration.ofMinutes(29));
        Thread.sleep(1_200);
        assertThat(api.get("/api/v2/changefeeds/a").body().path("state").asText())
                .isEqualTo("error");
        clock.jump(Duration.ofMinutes(2));
        JsonNode failed = api.await("a", "failed");
        assertThat(failed.at("/error/code").asText()).isEqualTo("CDC:ErrChangefeedUnretryable");
        assertThat(failed.at("/error/message").asText())
                .startsWith("[CDC:ErrChangefeedUnretryable]given up: ")
                .contains("(30 min)")
                .contains("the connection is lost");
        upstream.silent = false;
        api.post("/api/v2/changefeeds/a/resume", "{}");
        assertThat(api.await("a", "normal").has("error")).isFalse();
    }

    @Test
    void theConfiguredTimeCountsForRetries() throws Exception {
        upstream.captureError = Optional.of(LOST);
        api.create(
                "{\"changefeed_id\":\"b\",\"sink_uri\":\"blackhole://\",\"replica_config\":"
                        + "{\"changefeed_error_stuck_duration\":\"45m\"}}");
        api.await("b", "error");
        clock.jump(Duration.ofMinutes(35));
        awaitAttempts(2);
        assertThat(api.get("/api/v2/changefeeds/b").body().path("state").asText())
                .isEqualTo("error");
        clock.jump(Duration.ofMinutes(15));
        JsonNode failed = api.await("b", "failed");
        assertThat(failed.at("/error/code").asText()).isEqualTo("CDC:ErrChangefeedUnretryable");
        assertThat(failed.at("/error/message").asText()).contains("(45 min)");
    }
}
