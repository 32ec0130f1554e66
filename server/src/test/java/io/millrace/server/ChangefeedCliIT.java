package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.MillraceServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every sub-command of {@code millrace changefeed} against a server with a real upstream. */
@SuppressWarnings("NullAway.Init") // JUnit fills the folder in
final class ChangefeedCliIT {
    @TempDir Path folder;

    private record Ended(int code, String out, String err) {}

    private Ended cli(MillraceServer server, String... arguments)
            throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty(
                                        "surefire.test.class.path",
                                        System.getProperty("java.class.path")),
                                "io.millrace.cli.Main",
                                "changefeed"));
        command.addAll(List.of(arguments));
        command.addAll(List.of("--server", server.url()));
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        Process process =
                new ProcessBuilder(command)
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    private String ok(MillraceServer server, String... arguments) throws Exception {
        Ended ended = cli(server, arguments);
        assertThat(ended.code()).as("%s: %s", List.of(arguments), ended).isZero();
        assertThat(ended.err()).isEmpty();
        return ended.out();
    }

    private JsonNode json(MillraceServer server, String... arguments) throws Exception {
        return new ObjectMapper().readTree(ok(server, arguments));
    }

    @Test
    void theLifeOfAChangefeed() throws Exception {
        try (DbServer source = DbServer.mariadb().rootPassword("hidden1").start();
                MillraceServer server =
                        MillraceServer.start(
                                "mysql://root:hidden1@127.0.0.1:" + source.port() + "/", folder)) {
            source.execute("CREATE DATABASE c", "CREATE TABLE c.t (id INT PRIMARY KEY)");
            assertThat(ok(server, "list")).contains("ID").contains("0 changefeed(s)");
            String created =
                    ok(
                            server,
                            "create",
                            "-c",
                            "one",
                            "--sink-uri",
                            "blackhole://u:hidden2@h/",
                            "--filter",
                            "c.*");
            assertThat(created)
                    .containsPattern("id +one")
                    .containsPattern("state +normal")
                    .containsPattern("sink_uri +blackhole://u:xxxxx@h/")
                    .doesNotContain("hidden");
            JsonNode two =
                    json(
                            server,
                            "create",
                            "--sink-uri",
                            "blackhole://",
                            "--target-ts",
                            "18446744073709551615",
                            "-o",
                            "json");
            assertThat(two.get("target_ts").bigIntegerValue()).hasToString("18446744073709551615");
            assertThat(two.at("/config/filter/rules/0").asText()).isEqualTo("*.*");
            assertThat(json(server, "list", "-o", "json").get("total").intValue()).isEqualTo(2);
            assertThat(ok(server, "list", "--state", "normal"))
                    .containsPattern("one +normal +\\d{4}-")
                    .contains("2 changefeed(s)");
            assertThat(ok(server, "query", "-c", "one")).containsPattern("checkpoint_ts +\\d{18}");
            assertThat(
                            json(server, "query", "-c", "one", "-o", "json")
                                    .at("/config/filter/rules/0")
                                    .asText())
                    .isEqualTo("c.*");

            Ended running = cli(server, "update", "-c", "one", "--target-ts", "5");
            assertThat(running.code()).isEqualTo(1);
            assertThat(running.out()).isEmpty();
            assertThat(running.err())
                    .contains("[CDC:ErrChangefeedUpdateRefused]can only update changefeed config");
            assertThat(ok(server, "pause", "-c", "one")).isEqualTo("changefeed one paused\n");
            assertThat(new ApiClient(server.url()).await("one", "stopped").get("state").asText())
                    .isEqualTo("stopped");
            assertThat(ok(server, "update", "-c", "one", "--sink-uri", "blackhole://two"))
                    .containsPattern("sink_uri +blackhole://two");
            assertThat(json(server, "resume", "-c", "one", "-o", "json").isEmpty()).isTrue();
            assertThat(ok(server, "query", "-c", "one")).containsPattern("state +normal");
            assertThat(ok(server, "remove", "-c", "one")).isEqualTo("changefeed one removed\n");
            Ended gone = cli(server, "query", "-c", "one");
            assertThat(gone.code()).isEqualTo(1);
            assertThat(gone.err()).contains("changefeed not exists, default/one");
            Ended same =
                    cli(
                            server,
                            "create",
                            "--sink-uri",
                            "mysql://root:hidden1@127.0.0.1:" + source.port() + "/");
            assertThat(same.err())
                    .contains("CDC:ErrSameUpstreamDownstream")
                    .doesNotContain("hidden");
            assertThat(
                            cli(server, "create", "--sink-uri", "blackhole://", "--upstream", "no")
                                    .err())
                    .contains("CDC:ErrUpstreamNotFound");
            assertThat(cli(server, "create").code()).isEqualTo(2);
            assertThat(cli(server, "nonsense").code()).isEqualTo(2);
            server.stop();
            assertThat(cli(server, "list").err()).contains("no server answers at " + server.url());
        }
    }
}
