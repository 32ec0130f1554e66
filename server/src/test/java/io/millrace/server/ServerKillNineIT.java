package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.core.model.Tso;
import java.io.BufferedReader;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** After kill -9 of the server process, changefeeds are as they were and active ones go on. */
final class ServerKillNineIT {
    private static final String FEEDS = "/api/v2/changefeeds";
    private static final int KILLS = 3;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void changefeedsGoOnAfterKillNine() throws Exception {
        String paused = "";
        long checkpoint = 0;
        for (int round = 0; round <= KILLS; round++) {
            Process server =
                    new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin", "java")
                                            .toString(),
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-cp",
                                    System.getProperty(
                                            "surefire.test.class.path",
                                            System.getProperty("java.class.path")),
                                    FakeMain.class.getName(),
                                    dir.toString())
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            try (BufferedReader lines = server.inputReader()) {
                String url = lines.readLine();
                assertThat(url).as("the server died early").isNotNull();
                ApiClient api = new ApiClient(url);
                if (round == 0) {
                    api.create("{\"changefeed_id\":\"runs\",\"sink_uri\":\"blackhole://\"}");
                    api.create("{\"changefeed_id\":\"rests\",\"sink_uri\":\"blackhole://\"}");
                    api.post(FEEDS + "/rests/pause", "");
                    paused = api.await("rests", "stopped").toString();
                }
                assertThat(api.get(FEEDS + "/rests").body()).hasToString(paused);
                long now = Tso.of(System.currentTimeMillis(), 0);
                long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
                JsonNode runs = api.get(FEEDS + "/runs").body();
                assertThat(runs.get("checkpoint_ts").asLong()).isGreaterThanOrEqualTo(checkpoint);
                while (runs.get("checkpoint_ts").asLong() < now) {
                    assertThat(System.nanoTime()).as("goes on: %s", runs).isLessThan(deadline);
                    Thread.sleep(20);
                    runs = api.get(FEEDS + "/runs").body();
                }
                checkpoint = runs.get("checkpoint_ts").asLong();
            } finally {
                server.toHandle().destroyForcibly();
                assertThat(server.waitFor(10, TimeUnit.SECONDS)).isTrue();
            }
        }
    }

    /** A server with the fake source. */
    static final class FakeMain {
        private FakeMain() {}

        public static void main(String[] args) throws InterruptedException {
            MillraceNode node =
                    MillraceNode.start(
                            ServerConfig.of(
                                    new Settings()
                                            .set("addr", "127.0.0.1:0")
                                            .set("data-dir", args[0])
                                            .set("upstream", "fake://here")),
                            List.of(new FakeUpstream()),
                            List.of(new BlackholeSinkFactory()));
            System.out.println(node.url());
            new CountDownLatch(1).await();
        }
    }
}
