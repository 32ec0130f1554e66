package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.MillraceServer;
import io.millrace.testkit.servers.TlsMaterial;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server as a process: what it refuses to start with, TLS, what it logs, how it stops. */
@SuppressWarnings("NullAway.Init") // JUnit fills the folder in
final class ServerProcessIT {
    private static final String FEEDS = "/api/v2/changefeeds";

    @TempDir Path folder;

    private record Ended(int code, String out, String err) {}

    private static List<String> command(String main, List<String> arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty(
                                        "surefire.test.class.path",
                                        System.getProperty("java.class.path")),
                                main));
        command.addAll(arguments);
        return command;
    }

    private static List<String> withoutConnect(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--no-connect");
        all.add("--no-tiunimanager");
        return all;
    }

    private Ended run(String... arguments) throws Exception {
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        Process process =
                new ProcessBuilder(command("io.millrace.server.Main", withoutConnect(arguments)))
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        try {
            assertThat(process.waitFor(30, TimeUnit.SECONDS))
                    .as("ends by itself: %s", List.of(arguments))
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    @Test
    void itDoesNotStartWithAConfigurationThatItDoesNotUnderstand() throws Exception {
        Ended none = run("--config", folder.resolve("none.toml").toString());
        assertThat(none.code()).isEqualTo(1);
        assertThat(none.out()).isEmpty();
        assertThat(none.err())
                .isEqualTo(
                        "millrace server: server configuration: "
                                + folder.resolve("none.toml")
                                + " - there is no such file\n");
        Ended unknown = run("--nope");
        assertThat(unknown.code()).isEqualTo(2);
        assertThat(unknown.err()).contains("Unknown option: '--nope'").contains("Usage:");
        Ended help = run("--help");
        assertThat(help.code()).isZero();
        for (String option :
                List.of(
                        "--config",
                        "--addr",
                        "--upstream",
                        "--data-dir",
                        "--tls-ca",
                        "--[no-]connect")) {
            assertThat(help.out()).contains(option);
        }
    }

    @Test
    void aPortOrADataDirectoryInUseIsTold() throws Exception {
        try (ServerSocket taken =
                        new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress());
                MillraceServer server =
                        MillraceServer.start("mysql://root:geheim@127.0.0.1:1/", folder)) {
            Ended port =
                    run(
                            "--addr",
                            "127.0.0.1:" + taken.getLocalPort(),
                            "--data-dir",
                            folder.resolve("other").toString());
            assertThat(port.code()).isEqualTo(1);
            assertThat(port.err())
                    .isEqualTo(
                            "millrace server: cannot listen on 127.0.0.1:"
                                    + taken.getLocalPort()
                                    + " (Address already in use); choose another --addr or stop"
                                    + " what uses it\n");
            Ended second = run("--addr", "127.0.0.1:0", "--data-dir", server.dataDir().toString());
            assertThat(second.code()).isEqualTo(1);
            assertThat(second.err())
                    .contains("data directory " + server.dataDir() + " is in use by another")
                    .contains("pid");
            assertThat(new ApiClient(server.url()).get("/api/v2/health").status()).isEqualTo(200);
        }
    }

    private static int status(HttpClient client, String url, Optional<String> basic)
            throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(10));
        basic.ifPresent(pair ->
                request.header(
                        "Authorization",
                        "Basic " + java.util.Base64.getEncoder().encodeToString(pair.getBytes())));
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode();
    }

    @Test
    void tlsMutualTlsAndLogin() throws Exception {
        TlsMaterial tls = TlsMaterial.copyInto(folder.resolve("tls"));
        for (boolean mutual : List.of(false, true)) {
            Settings settings =
                    new Settings()
                            .set("addr", "127.0.0.1:0")
                            .set("data-dir", folder.resolve("data" + mutual).toString())
                            .set("auth.user", "admin")
                            .set("auth.password", "pw")
                            .set("tiunimanager.enabled", "true")
                            .set("tiunimanager.addr", "127.0.0.1:0")
                            .set("tls.cert", tls.serverCertificate().toString())
                            .set("tls.key", tls.serverKey().toString());
            if (mutual) {
                settings.set("tls.ca", tls.ca().toString());
            }
            try (MillraceNode node =
                    MillraceNode.start(ServerConfig.of(settings), List.of(), List.of())) {
                assertThat(node.url()).startsWith("https://127.0.0.1:");
                String url = node.url() + FEEDS;
                HttpClient known = TlsClients.client(tls, true);
                assertThat(status(known, url, Optional.of("admin:pw"))).isEqualTo(200);
                assertThat(status(known, url, Optional.of("admin:wrong"))).isEqualTo(401);
                assertThat(status(known, url, Optional.empty())).isEqualTo(401);
                HttpClient stranger = TlsClients.client(tls, false);
                String uni = node.tiUniManagerUrl().orElseThrow() + "/api/v1/system/info";
                assertThat(uni).startsWith("https://127.0.0.1:");
                assertThat(status(known, uni, Optional.empty())).isEqualTo(200);
                if (mutual) {
                    assertThatThrownBy(() -> status(stranger, uni, Optional.empty()))
                            .isInstanceOf(IOException.class);
                    assertThatThrownBy(() -> status(stranger, url, Optional.of("admin:pw")))
                            .isInstanceOf(IOException.class);
                } else {
                    assertThat(status(stranger, url, Optional.of("admin:pw"))).isEqualTo(200);
                }
                String plain = "http" + url.substring("https".length());
                assertThatThrownBy(() ->
                                status(HttpClient.newHttpClient(), plain, Optional.of("admin:pw")))
                        .as("no plain HTTP on a TLS port")
                        .isInstanceOf(IOException.class);
            }
        }
    }

    /** One pair of databases for what needs real jobs. */
    @Test
    void secretsStayOutOfLogsAndItStopsAndStartsQuicklyWithWorkUnderWay() throws Exception {
        try (DbServer source = DbServer.mysql().rootPassword("upSecret1").start();
                DbServer target =
                        DbServer.mariadb()
                                .option("server_id", "2")
                                .rootPassword("downSecret2")
                                .start();
                MillraceServer server =
                        MillraceServer.start(
                                source.uri(),
                                folder,
                                "--log-level",
                                "debug",
                                "--retry-interval",
                                "200ms")) {
            ApiClient api = new ApiClient(server.url());
            for (DbServer db : List.of(source, target)) {
                db.execute("CREATE DATABASE s", "CREATE TABLE s.t (id INT PRIMARY KEY, v INT)");
            }
            assertThat(
                            api.create(
                                            "{\"changefeed_id\":\"s\",\"sink_uri\":\""
                                                    + target.uri()
                                                    + "\"}")
                                    .status())
                    .isEqualTo(200);
            for (String refused :
                    List.of(
                            target.uri().replace("downSecret2", "wrongSecret3"),
                            "mysql://root:wrong%53ecret4@127.0.0.1:1/",
                            "mysql://root:raw/Secret5@127.0.0.1:1/",
                            "kafka://127.0.0.1:1/t?protocol=canal-json&dial-timeout=300ms&sasl-mechanism=PLAIN&sasl-user=u&sasl-password=wrongSecret6",
                            "s3://b/p?access-key=a&secret-access-key=wrongSecret7")) {
                var answer =
                        api.create(
                                "{\"sink_uri\":\""
                                        + refused
                                        + "\",\"replica_config\":{\"sink\":{\"kafka_config\":{"
                                        + "\"sasl_password\":\"confSecret8\"}}}}");
                assertThat(answer.status()).as(refused).isGreaterThanOrEqualTo(400);
                assertThat(answer.text())
                        .doesNotContainIgnoringCase("Secret5")
                        .doesNotContainPattern("(wrong|down|up|conf)Secret\\d");
            }
            AtomicInteger written = new AtomicInteger();
            AtomicBoolean enough = new AtomicBoolean();
            Thread load =
                    Thread.ofPlatform()
                            .start(() -> {
                                while (!enough.get()) {
                                    int id = written.incrementAndGet();
                                    source.execute(
                                            "INSERT INTO s.t VALUES (" + id + "," + id + ")");
                                }
                            });
            try {
                awaitRows(target, 20);
                long begin = System.nanoTime();
                server.stop();
                long stopMs = (System.nanoTime() - begin) / 1_000_000;
                int before = written.get();
                Thread.sleep(300);
                begin = System.nanoTime();
                server.start();
                long readyMs = (System.nanoTime() - begin) / 1_000_000;
                awaitRows(target, before + 1);
                long rowMs = (System.nanoTime() - begin) / 1_000_000;
                long cpuMs =
                        ProcessHandle.of(api.get("/api/v2/status").body().get("pid").asLong())
                                .flatMap(process -> process.info().totalCpuDuration())
                                .map(Duration::toMillis)
                                .orElse(0L);
                System.out.println(
                        "stop under load "
                                + stopMs
                                + " ms, start to healthy "
                                + readyMs
                                + " ms, restart to first row "
                                + rowMs
                                + " ms, CPU until then "
                                + cpuMs
                                + " ms");
                assertThat(stopMs).isLessThan(10_000);
            } finally {
                enough.set(true);
                load.join();
            }
            awaitRows(target, written.get());
            JsonNode feed = api.get(FEEDS + "/s").body();
            assertThat(feed.get("state").asText()).isEqualTo("normal");
            // A target that goes away: its errors are logged with their causes.
            target.stop();
            source.execute("INSERT INTO s.t VALUES (-1,1)");
            api.await("s", "error");
            Thread.sleep(500);
            server.stop();
            String log = Files.readString(server.log().toPath());
            assertThat(log).contains("[DEBUG]").contains("server stopped");
            assertThat(log)
                    .doesNotContainPattern("(wrong|down|up|conf)Secret\\d")
                    .doesNotContain("Secret5");
        }
    }

    private static void awaitRows(DbServer target, int least) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (Integer.parseInt(target.query("SELECT COUNT(*) FROM s.t").orElseThrow()) < least) {
            assertThat(System.nanoTime()).as("rows arrive").isLessThan(deadline);
            Thread.sleep(5);
        }
    }
}
