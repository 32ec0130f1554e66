package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.cli.CliRun;
import io.millrace.core.blackhole.BlackholeSinkFactory;
import io.millrace.testkit.servers.Ports;
import io.millrace.testkit.servers.TlsMaterial;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How {@code millrace cdc cli} says who it is, and {@code millrace cdc server}. */
@SuppressWarnings("NullAway.Init") // JUnit fills the folder in
final class CdcCliAuthIT {
    @TempDir Path folder;

    private String url = "";
    private TlsMaterial tls;

    private CliRun run(Map<String, String> environment, String answers, String... arguments) {
        Map<String, String> all = new TreeMap<>(environment);
        all.put("HOME", folder.toString());
        List<String> command = new ArrayList<>(List.of("cdc", "cli"));
        command.addAll(List.of(arguments));
        command.addAll(List.of("--server", url));
        return CliRun.of(all, answers, command.toArray(new String[0]));
    }

    private String[] withTls(String... arguments) {
        List<String> command = new ArrayList<>(List.of(arguments));
        command.addAll(
                List.of(
                        "--ca",
                        tls.ca().toString(),
                        "--cert",
                        tls.clientCertificate().toString(),
                        "--key",
                        tls.clientKey().toString()));
        return command.toArray(new String[0]);
    }

    @Test
    void certificatesAndPasswords() throws Exception {
        tls = TlsMaterial.copyInto(folder.resolve("tls"));
        Settings settings =
                new Settings()
                        .set("addr", "127.0.0.1:0")
                        .set("data-dir", folder.resolve("data").toString())
                        .set("upstream", "fake://here")
                        .set("auth.user", "op")
                        .set("auth.password", "a \"quoted\\ word")
                        .set("tls.ca", tls.ca().toString())
                        .set("tls.cert", tls.serverCertificate().toString())
                        .set("tls.key", tls.serverKey().toString());
        try (MillraceNode node =
                MillraceNode.start(
                        ServerConfig.of(settings),
                        List.of(new FakeUpstream()),
                        List.of(new BlackholeSinkFactory()))) {
            url = node.url();
            Map<String, String> none = Map.of();
            assertThat(run(none, "", "capture", "list").code()).isEqualTo(1);
            assertThat(run(none, "", withTls("capture", "list")).err())
                    .contains("CDC:ErrCredentialNotFound");
            assertThat(
                            run(
                                            none,
                                            "",
                                            withTls(
                                                    "capture",
                                                    "list",
                                                    "--user",
                                                    "op",
                                                    "--password",
                                                    "wrong"))
                                    .err())
                    .contains("CDC:ErrUnauthorized");
            String password = "a \"quoted\\ word";
            assertThat(
                            run(
                                            none,
                                            "",
                                            withTls(
                                                    "capture",
                                                    "list",
                                                    "--user",
                                                    "op",
                                                    "--password",
                                                    password))
                                    .code())
                    .isZero();
            CliRun asked = run(none, password + "\n", withTls("capture", "list", "--user", "op"));
            assertThat(asked.code()).isZero();
            assertThat(asked.err()).contains("Password of op: ");
            Map<String, String> environment =
                    Map.of(
                            "TICDC_USER",
                            "op",
                            "TICDC_PASSWORD",
                            password,
                            "TICDC_CA_PATH",
                            tls.ca().toString(),
                            "TICDC_CERT_PATH",
                            tls.clientCertificate().toString(),
                            "TICDC_KEY_PATH",
                            tls.clientKey().toString());
            assertThat(run(environment, "", "capture", "list").code()).isZero();

            CliRun configured = run(none, "op\n" + password + "\n", "configure-credentials");
            assertThat(configured.code()).isZero();
            Path file = folder.resolve(".ticdc/credentials");
            assertThat(configured.out()).contains("TiCDC User Name []: ").contains(file.toString());
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
            assertThat(run(none, "", withTls("capture", "list")).code()).isZero();
            // Empty answers keep what there was.
            assertThat(run(none, "\n\n", "configure-credentials").out())
                    .contains("[op]")
                    .doesNotContain(password);
            assertThat(run(none, "", withTls("capture", "list")).code()).isZero();
            assertThat(run(none, "", "capture", "list", "--cert", tls.ca().toString()).err())
                    .contains("--cert and --key belong together");
            assertThat(
                            run(
                                            none,
                                            "",
                                            "capture",
                                            "list",
                                            "--cert",
                                            tls.ca().toString(),
                                            "--key",
                                            tls.ca().toString())
                                    .err())
                    .contains("holds no PKCS#8 key");
        }
    }

    @Test
    void theVersionHasSixLines() {
        CliRun version = CliRun.of(Map.of(), "", "cdc", "version");
        assertThat(version.out().lines().map(line -> line.replaceAll(":.*", "")))
                .containsExactly(
                        "Release Version",
                        "Git Commit Hash",
                        "Git Branch",
                        "UTC Build Time",
                        "Go Version",
                        "Failpoint Build");
    }

    @Test
    void theServerTakesTiCdcsOptions() throws Exception {
        Path config = folder.resolve("cdc.toml");
        Files.writeString(
                config,
                """
                addr = "127.0.0.1:1"
                gc-ttl = 100
                gc-tuner-memory-threshold = 0
                max-memory-percentage = 70
                cluster-id = "from-file"
                tz = "Asia/Tokyo"
                [security]
                ca-path = ""
                mtls = false
                client-user-required = false
                client-allowed-user = []
                cert-allowed-cn = []
                """);
        String address = "127.0.0.1:" + Ports.free();
        Path log = folder.resolve("server.log");
        Process process =
                server(
                        "--config",
                        config.toString(),
                        "--addr",
                        address,
                        "--advertise-addr",
                        "example.org:8300",
                        "--upstream",
                        "mysql://root@127.0.0.1:1/",
                        "--data-dir",
                        folder.resolve("data").toString(),
                        "--log-file",
                        log.toString(),
                        "--log-level",
                        "debug",
                        "--gc-ttl",
                        "86400");
        try {
            awaitAnswer(
                    HttpClient.newHttpClient(),
                    process,
                    "http://" + address + "/api/v2/health",
                    log);
            assertThat(get("http://" + address + "/api/v2/status"))
                    .contains("\"cluster_id\":\"from-file\"");
            assertThat(get("http://" + address + "/config"))
                    .contains("\"time-zone\":\"Asia/Tokyo\"")
                    .contains("\"log-level\":\"debug\"")
                    .contains("\"advertise-addr\":\"example.org:8300\"");
        } finally {
            process.destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(process.exitValue()).isZero();
        assertThat(Files.readString(log))
                .contains("warning: --gc-ttl has no meaning here")
                .contains("cdc.toml: gc-ttl has no meaning here")
                .contains("is ready");
        tls = TlsMaterial.copyInto(folder.resolve("tls"));
        Process secure =
                server(
                        "--config",
                        config.toString(),
                        "--addr",
                        address,
                        "--data-dir",
                        folder.resolve("other").toString(),
                        "--tz",
                        "Europe/Oslo",
                        "--cluster-id",
                        "from-option",
                        "--ca",
                        tls.ca().toString(),
                        "--cert",
                        tls.serverCertificate().toString(),
                        "--key",
                        tls.serverKey().toString());
        try {
            HttpClient known = TlsClients.client(tls, true);
            awaitAnswer(known, secure, "https://" + address + "/api/v2/health", log);
            assertThat(response(known, "https://" + address + "/api/v2/status").body())
                    .contains("\"cluster_id\":\"from-option\"");
            assertThat(response(known, "https://" + address + "/config").body())
                    .contains("\"time-zone\":\"Europe/Oslo\"");
            assertThatThrownBy(() ->
                            response(
                                    TlsClients.client(tls, false),
                                    "https://" + address + "/api/v2/status"))
                    .as("without a certificate of --ca")
                    .isInstanceOf(IOException.class);
        } finally {
            secure.destroy();
            assertThat(secure.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
        refused("there is no PD here", "--pd", "http://127.0.0.1:2379");
        refused("names are not checked", "--cert-allowed-cn", "a");
        Files.writeString(config, "[security]\ncert-allowed-cn = [\"a\"]\n");
        refused("security.cert-allowed-cn - names are not checked", "--config", config.toString());
        Files.writeString(config, "addr = \"x:1\"\nprotokol = 1\n");
        refused("unknown configuration option protokol", "--config", config.toString());
    }

    private void refused(String why, String... arguments) throws Exception {
        Process process = server(arguments);
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(1);
        } finally {
            process.destroyForcibly();
        }
        assertThat(Files.readString(folder.resolve("out"))).contains(why);
    }

    private Process server(String... arguments) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:TieredStopAtLevel=1",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty(
                                        "surefire.test.class.path",
                                        System.getProperty("java.class.path")),
                                "io.millrace.server.CdcServer"));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("out").toFile())
                .start();
    }

    private static void awaitAnswer(HttpClient client, Process process, String address, Path log)
            throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            try {
                if (response(client, address).statusCode() == 200) {
                    return;
                }
            } catch (IOException notYet) {
                // It does not listen yet.
            }
            assertThat(process.isAlive() && System.nanoTime() < deadline)
                    .as(() -> "server did not start: " + log)
                    .isTrue();
            Thread.sleep(50);
        }
    }

    private static String get(String address) throws IOException, InterruptedException {
        return response(HttpClient.newHttpClient(), address).body();
    }

    private static HttpResponse<String> response(HttpClient client, String address)
            throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(URI.create(address)).build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
