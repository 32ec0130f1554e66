package io.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestRowBatch;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.Ports;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.security.interfaces.ECPrivateKey;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Log-in and encryption against a real broker with a listener of each kind. */
class KafkaSecurityIT {
    private static final String STORE_PASSWORD = "millrace";
    private static final String USER_PASSWORD = "s\"e\\c ret";

    private static KafkaServer kafka;
    private static int saslPort;
    private static int tlsPort;
    private static int mutualTlsPort;
    private static Path store = Path.of("");
    private static Path certificate = Path.of("");
    private static Path key = Path.of("");
    private static int topics;

    @BeforeAll
    static void start(@TempDir Path folder) throws Exception {
        makeCertificate(folder);
        int plain = Ports.free();
        saslPort = Ports.free();
        tlsPort = Ports.free();
        mutualTlsPort = Ports.free();
        int controller = Ports.free();
        String clients =
                ("PLAINTEXT://127.0.0.1:%d,SASL://127.0.0.1:%d,TLS://127.0.0.1:%d"
                                + ",MUTUAL://127.0.0.1:%d")
                        .formatted(plain, saslPort, tlsPort, mutualTlsPort);
        kafka =
                KafkaServer.builder()
                        .port(plain)
                        .option("listeners", clients + ",CONTROLLER://127.0.0.1:" + controller)
                        .option("advertised.listeners", clients)
                        .option("controller.quorum.voters", "1@127.0.0.1:" + controller)
                        .option(
                                "listener.security.protocol.map",
                                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT"
                                        + ",TLS:SSL,MUTUAL:SSL")
                        .option("inter.broker.listener.name", "PLAINTEXT")
                        .option(
                                "sasl.enabled.mechanisms",
                                "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER")
                        .option(
                                "listener.name.sasl.oauthbearer.sasl.jaas.config",
                                "org.apache.kafka.common.security.oauthbearer"
                                        + ".OAuthBearerLoginModule required;")
                        .option(
                                "listener.name.sasl.plain.sasl.jaas.config",
                                "org.apache.kafka.common.security.plain.PlainLoginModule required"
                                        + " user_millrace=\"s\\\"e\\\\c ret\";")
                        .option(
                                "listener.name.sasl.scram-sha-256.sasl.jaas.config",
                                "org.apache.kafka.common.security.scram.ScramLoginModule required;")
                        .option(
                                "listener.name.sasl.scram-sha-512.sasl.jaas.config",
                                "org.apache.kafka.common.security.scram.ScramLoginModule required;")
                        .option("ssl.keystore.type", "PKCS12")
                        .option("ssl.keystore.location", store.toString())
                        .option("ssl.keystore.password", STORE_PASSWORD)
                        .option("ssl.truststore.type", "PEM")
                        .option("ssl.truststore.location", certificate.toString())
                        .option("listener.name.mutual.ssl.client.auth", "required")
                        .start();
        try (Admin admin = kafka.admin()) {
            for (ScramMechanism mechanism :
                    List.of(ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)) {
                admin.alterUserScramCredentials(List.of(upsertion(mechanism))).all().get();
            }
        }
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    void logsInWithEachMechanism() {
        for (String mechanism : List.of("plain", "SCRAM-SHA-256", "scram-sha-512")) {
            delivers(
                    "kafka://127.0.0.1:"
                            + saslPort
                            + "/%s?sasl-user=millrace&sasl-password=s%%22e%%5Cc%%20ret"
                            + "&sasl-mechanism="
                            + mechanism);
        }
    }

    /** The broker takes unsigned tokens; what counts is how the sink gets and shows one. */
    @Test
    void logsInWithATokenOfAnOAuthServer() throws Exception {
        AtomicReference<String> asked = new AtomicReference<>("");
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/token", exchange -> answer(exchange, asked));
        server.start();
        try {
            String uri =
                    "kafka://127.0.0.1:"
                            + saslPort
                            + "/%s?sasl-mechanism=oauthbearer&sasl-oauth-client-id=me"
                            + "&sasl-oauth-scopes=a,b&sasl-oauth-audience=brokers"
                            + "&sasl-oauth-token-url=http://127.0.0.1:"
                            + server.getAddress().getPort()
                            + "/token&sasl-oauth-client-secret=";
            delivers(uri + "c2VjcmV0");
            assertThat(asked.get())
                    .isEqualTo("grant_type=client_credentials&scope=a+b&audience=brokers");
            SinkSpec wrong = SinkSpec.of(uri.formatted("t") + "d3Jvbmc=&protocol=canal-json");
            assertThatThrownBy(() -> new KafkaSinkFactory(new MemoryStores()).testOpen(wrong))
                    .hasMessageContaining("answered 401: nobody you know")
                    .hasMessageNotContaining("wrong");
        } finally {
            server.stop(0);
        }
    }

    private static void answer(HttpExchange exchange, AtomicReference<String> asked)
            throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        boolean known =
                ("Basic " + base64("me:secret"))
                        .equals(exchange.getRequestHeaders().getFirst("Authorization"));
        if (known) {
            asked.set(body);
        }
        long now = System.currentTimeMillis() / 1000;
        String claims = "{\"sub\":\"me\",\"iat\":" + now + ",\"exp\":" + (now + 3600) + "}";
        byte[] answer =
                (known
                                ? "{\"access_token\":\""
                                        + url64("{\"alg\":\"none\"}")
                                        + "."
                                        + url64(claims)
                                        + ".\",\"expires_in\":3600}"
                                : "nobody you know")
                        .getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(known ? 200 : 401, answer.length);
        exchange.getResponseBody().write(answer);
        exchange.close();
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String url64(String text) {
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void aWrongPasswordIsRefusedAndNotShown() {
        for (String mechanism : List.of("PLAIN", "SCRAM-SHA-256")) {
            SinkSpec spec =
                    SinkSpec.of(
                            "kafka://127.0.0.1:"
                                    + saslPort
                                    + "/t?protocol=canal-json&sasl-user=millrace"
                                    + "&sasl-password=hush&sasl-mechanism="
                                    + mechanism);
            assertThatThrownBy(() -> new KafkaSinkFactory(new MemoryStores()).testOpen(spec))
                    .hasMessageNotContaining("hush")
                    .extracting(e -> ((MillraceException) e).code())
                    .isEqualTo(ErrorCode.SINK_ACCESS_DENIED);
        }
    }

    @Test
    void encryptsWithTheGivenAuthorityAndShowsItsCertificate() {
        for (int port : new int[] {tlsPort, mutualTlsPort}) {
            delivers("kafka+ssl://127.0.0.1:" + port + "/%s?" + files());
        }
    }

    @Test
    void takesAKeyAsOpensslUsedToWriteIt(@TempDir Path folder) throws Exception {
        Key secret =
                KeyStore.getInstance(store.toFile(), STORE_PASSWORD.toCharArray())
                        .getKey("k", STORE_PASSWORD.toCharArray());
        Path sec1 = pem(folder.resolve("ec.pem"), "EC PRIVATE KEY", sec1((ECPrivateKey) secret));
        delivers(
                "kafka+ssl://127.0.0.1:"
                        + mutualTlsPort
                        + "/%s?ca="
                        + certificate
                        + "&cert="
                        + certificate
                        + "&key="
                        + sec1);
    }

    /** RFC 5915 of a key on the curve secp384r1 or secp256r1, without its public half. */
    private static byte[] sec1(ECPrivateKey key) {
        int size = (key.getParams().getOrder().bitLength() + 7) / 8;
        String curve = size == 48 ? "a00706052b81040022" : "a00a06082a8648ce3d030107";
        String number = key.getS().toString(16);
        String padded = "0".repeat(2 * size - number.length()) + number;
        String members = "020101" + "04%02x".formatted(size) + padded + curve;
        return HexFormat.of().parseHex("30%02x".formatted(members.length() / 2) + members);
    }

    @Test
    void skippingVerificationTrustsAnyServer() {
        delivers("kafka+ssl://127.0.0.1:" + tlsPort + "/%s?insecure-skip-verify=true");
        delivers("kafka://127.0.0.1:" + mutualTlsPort + "/%s?insecure-skip-verify=true&" + files());
    }

    @Test
    void anUnknownAuthorityIsRefused() {
        SinkSpec spec =
                SinkSpec.of(
                        "kafka://127.0.0.1:"
                                + tlsPort
                                + "/t?protocol=canal-json&enable-tls=true&dial-timeout=3s");
        assertThatThrownBy(() -> new KafkaSinkFactory(new MemoryStores()).testOpen(spec))
                .isInstanceOf(MillraceException.class)
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_ACCESS_DENIED);
    }

    private static String files() {
        return "ca=" + certificate + "&cert=" + certificate + "&key=" + key;
    }

    private static void delivers(String uriWithTopic) {
        String uri = uriWithTopic.formatted("secure" + topics++) + "&protocol=canal-json";
        SinkSpec spec = SinkSpec.of(uri);
        new KafkaSinkFactory(new MemoryStores()).testOpen(spec);
        TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        new TableName("test", "t"),
                        List.of(Column.of("a", ColumnKind.INT)),
                        List.of());
        try (SinkDriver driver = new SinkDriver(spec)) {
            driver.send(TestRowBatch.insert(schema, 1L << 18, 0, true, TestRowBatch.row(1)));
            driver.drain();
            assertThat(driver.acked()).as(uri).isEqualTo(1);
        }
    }

    private static UserScramCredentialUpsertion upsertion(ScramMechanism mechanism) {
        return new UserScramCredentialUpsertion(
                "millrace", new ScramCredentialInfo(mechanism, 4096), USER_PASSWORD);
    }

    /** One self-signed certificate is authority, server and client in one. */
    private static void makeCertificate(Path folder) throws Exception {
        store = folder.resolve("store.p12");
        Process keytool =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-alias",
                                "k",
                                "-keyalg",
                                "EC",
                                "-dname",
                                "CN=localhost",
                                "-ext",
                                "san=ip:127.0.0.1,dns:localhost",
                                "-validity",
                                "30",
                                "-storetype",
                                "PKCS12",
                                "-keystore",
                                store.toString(),
                                "-storepass",
                                STORE_PASSWORD)
                        .inheritIO()
                        .start();
        assertThat(keytool.waitFor()).isZero();
        KeyStore keys = KeyStore.getInstance(store.toFile(), STORE_PASSWORD.toCharArray());
        Key secret = keys.getKey("k", STORE_PASSWORD.toCharArray());
        certificate =
                pem(
                        folder.resolve("cert.pem"),
                        "CERTIFICATE",
                        keys.getCertificate("k").getEncoded());
        key = pem(folder.resolve("key.pem"), "PRIVATE KEY", secret.getEncoded());
    }

    private static Path pem(Path file, String label, byte[] content) throws Exception {
        String body =
                Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                        .encodeToString(content);
        return Files.writeString(
                file, "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n");
    }
}
