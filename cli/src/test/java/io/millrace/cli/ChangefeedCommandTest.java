package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What the commands send, print and return; the server's side is recorded answers of {@code
 * /api/v2}.
 */
final class ChangefeedCommandTest {
    private final List<String> requests = new ArrayList<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final PrintStream realOut = System.out;
    private final PrintStream realErr = System.err;
    private HttpServer server;
    private int status = 200;
    private String answer = "{}";

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/",
                exchange -> {
                    String body =
                            new String(
                                    exchange.getRequestBody().readAllBytes(),
                                    StandardCharsets.UTF_8);
                    requests.add(
                            exchange.getRequestMethod()
                                    + " "
                                    + exchange.getRequestURI()
                                    + " "
                                    + body);
                    byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(status, bytes.length);
                    exchange.getResponseBody().write(bytes);
                    exchange.close();
                });
        server.start();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void stop() {
        System.setOut(realOut);
        System.setErr(realErr);
        server.stop(0);
    }

    private int run(String... args) {
        List<String> all = new ArrayList<>(List.of("changefeed"));
        all.addAll(List.of(args));
        all.add("--server=127.0.0.1:" + server.getAddress().getPort());
        return Main.run(all.toArray(new String[0]));
    }

    @Test
    void createSendsWhatWasGivenAndNothingElse() {
        answer = "{\"id\":\"a\",\"state\":\"normal\",\"checkpoint_ts\":18446744073709551615}";
        assertThat(
                        run(
                                "create",
                                "-c",
                                "a",
                                "--sink-uri",
                                "blackhole://",
                                "--start-ts",
                                "18446744073709551615",
                                "--filter",
                                "shop.*"))
                .isZero();
        assertThat(requests)
                .containsExactly(
                        "POST /api/v2/changefeeds {\"changefeed_id\":\"a\",\"namespace\":\"default\","
                                + "\"sink_uri\":\"blackhole://\",\"start_ts\":18446744073709551615,"
                                + "\"replica_config\":{\"filter\":{\"rules\":[\"shop.*\"]}}}");
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("state          normal", "18446744073709551615");
    }

    @Test
    void listPrintsATable() {
        answer =
                "{\"total\":1,\"items\":[{\"id\":\"a\",\"state\":\"failed\",\"checkpoint_tso\":5,"
                        + "\"checkpoint_time\":\"2026-01-01 00:00:00.000\",\"error\":{\"code\":\"CDC:ErrX\"}}]}";
        assertThat(run("list")).isZero();
        assertThat(requests)
                .containsExactly("GET /api/v2/changefeeds?namespace=default&state=all ");
        assertThat(out.toString(StandardCharsets.UTF_8))
                .isEqualTo(
                        "ID  STATE   CHECKPOINT TIME          CHECKPOINT TSO  ERROR\n"
                                + "a   failed  2026-01-01 00:00:00.000  5               CDC:ErrX\n"
                                + "1 changefeed(s)\n");
    }

    @Test
    void jsonOutputIsTheServersAnswer() {
        answer = "{\"total\":0,\"items\":[]}";
        assertThat(run("list", "-o", "json")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualToIgnoringWhitespace(answer);
    }

    @Test
    void stepsUseTheirRoutes() {
        assertThat(run("pause", "-c", "a")).isZero();
        assertThat(run("resume", "-c", "a", "--overwrite-checkpoint-ts", "7")).isZero();
        assertThat(run("update", "-c", "a", "--target-ts", "9")).isZero();
        assertThat(run("remove", "-c", "a")).isZero();
        assertThat(run("query", "-c", "a/b")).isZero();
        assertThat(requests)
                .containsExactly(
                        "POST /api/v2/changefeeds/a/pause?namespace=default {}",
                        "POST /api/v2/changefeeds/a/resume?namespace=default {\"overwrite_checkpoint_ts\":7}",
                        "PUT /api/v2/changefeeds/a?namespace=default {\"target_ts\":9}",
                        "DELETE /api/v2/changefeeds/a?namespace=default ",
                        "GET /api/v2/changefeeds/a%2Fb?namespace=default ");
    }

    @Test
    void theServersErrorIsPrintedAndTheExitCodeIsOne() {
        status = 400;
        answer =
                "{\"error_msg\":\"[CDC:ErrChangeFeedNotExists]changefeed not exists, default/x\","
                        + "\"error_code\":\"CDC:ErrChangeFeedNotExists\"}";
        assertThat(run("query", "-c", "x")).isEqualTo(1);
        assertThat(err.toString(StandardCharsets.UTF_8))
                .isEqualTo("error: [CDC:ErrChangeFeedNotExists]changefeed not exists, default/x\n");
    }

    @Test
    void noServerSaysHowToStartOne() {
        server.stop(0);
        assertThat(run("list")).isEqualTo(1);
        assertThat(err.toString(StandardCharsets.UTF_8))
                .contains("no server answers", "./millrace server");
    }

    @Test
    void wrongUsageIsTwo() {
        assertThat(run("create")).isEqualTo(2);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("--sink-uri");
        assertThat(requests).isEmpty();
    }
}
