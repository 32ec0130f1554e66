package io.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.codec.LargeMessages;
import io.millrace.codec.Protocols;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KafkaSinkConfigTest {
    private static final String BASE = "kafka://h1:9092/topic?protocol=canal-json";

    @Test
    void hasTheDocumentedDefaults() {
        assertThat(parse(BASE))
                .isEqualTo(
                        new KafkaSinkConfig(
                                List.of("h1:9092"),
                                "topic",
                                Protocols.of(SinkSpec.of(BASE)),
                                OptionalInt.empty(),
                                (short) 1,
                                10485760,
                                OptionalInt.empty(),
                                "none",
                                Optional.empty(),
                                true,
                                Duration.ofSeconds(10),
                                Duration.ofSeconds(20),
                                -1,
                                false,
                                false,
                                LargeMessages.NONE,
                                Optional.empty(),
                                Optional.empty()));
    }

    @Test
    void readsEveryParameter() {
        assertThat(
                        parse(
                                "kafka+ssl://h1:9092,h2/a.b_c-d/?protocol=Canal-JSON"
                                        + "&partition-num=6&replication-factor=2"
                                        + "&kafka-version=2.6.0&max-message-bytes=1000&max-retry=3"
                                        + "&compression=LZ4&kafka-client-id=me.1"
                                        + "&auto-create-topic=false&dial-timeout=1m30s"
                                        + "&write-timeout=500ms&read-timeout=2s&required-acks=1"
                                        + "&sasl-user=u&sasl-password=p%26%22"
                                        + "&sasl-mechanism=scram-sha-256"
                                        + "&insecure-skip-verify=true&enable-tidb-extension=true"
                                        + "&only-output-updated-columns=1"
                                        + "&delete-only-output-handle-key-columns=t"
                                        + "&output-raw-change-event=true&content-compatible=0"))
                .isEqualTo(
                        new KafkaSinkConfig(
                                List.of("h1:9092", "h2:9092"),
                                "a.b_c-d",
                                Protocols.of(SinkSpec.of(BASE)),
                                OptionalInt.of(6),
                                (short) 2,
                                1000,
                                OptionalInt.of(3),
                                "lz4",
                                Optional.of("me.1"),
                                false,
                                Duration.ofSeconds(90),
                                Duration.ofMillis(2500),
                                1,
                                true,
                                false,
                                LargeMessages.NONE,
                                Optional.of(
                                        new SaslLogin.UserPassword("SCRAM-SHA-256", "u", "p&\"")),
                                Optional.of(new KafkaSinkConfig.Tls(Optional.empty(), true))));
    }

    @Test
    void takesBracketedIpv6Addresses() {
        assertThat(parse("kafka://[::1]:9094/t?protocol=canal-json").brokers())
                .containsExactly("[::1]:9094");
        assertThat(parse("kafka://[::1]/t?protocol=canal-json").brokers())
                .containsExactly("[::1]:9092");
    }

    @Test
    void embeddedIsTheBrokerOfThisProcess() {
        String uri = "kafka://embedded/t?protocol=canal-json";
        assertThat(embedded(uri).brokers()).containsExactly("127.0.0.1:5");
        assertThat(embedded(uri + "&replication-factor=1").topic()).isEqualTo("t");
        // With a port it is a host like any other.
        assertThat(embedded(uri.replace("embedded", "embedded:9092")).brokers())
                .containsExactly("embedded:9092");
        refusedEmbedded(uri + "&replication-factor=2", "replication-factor must be 1");
        refusedEmbedded(uri + "&enable-tls=true", "enable-tls: the broker of kafka://embedded");
        refusedEmbedded(
                uri.replace("kafka:", "kafka+ssl:"), "enable-tls: the broker of kafka://embedded");
        refusedEmbedded(
                uri + "&sasl-mechanism=plain&sasl-user=u&sasl-password=p",
                "sasl-mechanism: the broker of kafka://embedded");
        assertThatThrownBy(() -> parse(uri))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining("it runs none: name brokers");
    }

    private static KafkaSinkConfig embedded(String uri) {
        return KafkaSinkConfig.parse(SinkSpec.of(uri), () -> "127.0.0.1:5");
    }

    private static void refusedEmbedded(String uri, String message) {
        assertThatThrownBy(() -> embedded(uri))
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining(message);
    }

    @Test
    void theUriOverridesTheOptions() {
        SinkSpec spec =
                new SinkSpec(
                        URI.create("kafka://h/t?compression=none"),
                        Map.of("protocol", "canal-json", "compression", "gzip"),
                        List.of(),
                        true,
                        false,
                        "UTC");
        assertThat(KafkaSinkConfig.parse(spec).compression()).isEqualTo("none");
    }

    @Test
    void refusesWhatIsWrongByName() {
        refused("kafka://h/t", ErrorCode.SINK_UNKNOWN_PROTOCOL, "canal-json");
        refused("kafka://h/t?protocol=xml", ErrorCode.SINK_UNKNOWN_PROTOCOL, "'xml'");
        refused(
                "kafka://h/t?protocol=parquet",
                ErrorCode.SINK_UNKNOWN_PROTOCOL,
                "parquet is for storage sinks alone");
        refused("kafka://h?protocol=canal-json", ErrorCode.KAFKA_INVALID_CONFIG, "no topic");
        refused("kafka://h//?protocol=canal-json", ErrorCode.KAFKA_INVALID_CONFIG, "no topic");
        refused("kafka:///t?protocol=canal-json", ErrorCode.KAFKA_INVALID_CONFIG, "no broker");
        refused("kafka://h:x/t?protocol=canal-json", ErrorCode.KAFKA_INVALID_CONFIG, "h:x");
        refused("kafka://fe80::1:9092/t?protocol=canal-json", ErrorCode.SINK_URI_INVALID, "[");
        refused("kafka://u:secret@h/t?protocol=canal-json", ErrorCode.KAFKA_INVALID_CONFIG, "sasl");
        refused("&partition-num=0", ErrorCode.KAFKA_INVALID_PARTITION_NUM, "partition-num");
        refused("&partition-num=x", ErrorCode.KAFKA_INVALID_CONFIG, "partition-num");
        refused("&replication-factor=0", ErrorCode.KAFKA_INVALID_CONFIG, "replication-factor");
        refused("&max-message-bytes=0", ErrorCode.CODEC_INVALID_CONFIG, "max-message-bytes");
        refused("&max-batch-size=0", ErrorCode.CODEC_INVALID_CONFIG, "max-batch-size");
        refused("&kafka-client-id=a+b", ErrorCode.KAFKA_INVALID_CLIENT_ID, "kafka-client-id");
        refused("&kafka-version=new", ErrorCode.KAFKA_INVALID_VERSION, "kafka-version");
        refused("&auto-create-topic=maybe", ErrorCode.KAFKA_INVALID_CONFIG, "auto-create-topic");
        refused("&dial-timeout=10", ErrorCode.KAFKA_INVALID_CONFIG, "dial-timeout");
        refused("&read-timeout=0s", ErrorCode.KAFKA_INVALID_CONFIG, "read-timeout");
        refused("&required-acks=2", ErrorCode.KAFKA_INVALID_REQUIRED_ACKS, "required-acks");
        refused("&sasl-user=u&sasl-password=p", ErrorCode.KAFKA_INVALID_CONFIG, "sasl-mechanism");
        refused("&sasl-mechanism=PLAIN", ErrorCode.KAFKA_INVALID_CONFIG, "sasl-user");
        refused("&sasl-mechanism=MD5", ErrorCode.KAFKA_INVALID_CONFIG, "MD5");
        refused("&ca=/nowhere.pem", ErrorCode.KAFKA_INVALID_CONFIG, "ca, cert and key");
        refused("&ca=/nowhere.pem&enable-tls=false", ErrorCode.KAFKA_INVALID_CONFIG, "enable-tls");
        refused("&exactly-once=maybe", ErrorCode.KAFKA_INVALID_CONFIG, "exactly-once");
        refused("&exactly-once=true&required-acks=1", ErrorCode.KAFKA_INVALID_CONFIG, "required");
        refused("&exactly-once=true&max-retry=0", ErrorCode.KAFKA_INVALID_CONFIG, "max-retry");
        refused("&transaction-atomicity=table", ErrorCode.SINK_URI_INVALID, "atomicity");
        refused(
                "&large-message-handle-option=claim-check&enable-tidb-extension=true",
                ErrorCode.INVALID_CONFIG,
                "claim-check-storage-uri");
        assertThatThrownBy(() ->
                        KafkaSinkConfig.parse(
                                new SinkSpec(
                                        URI.create(
                                                BASE
                                                        + "&delete-only-output-handle-key-columns=true"),
                                        Map.of(),
                                        List.of(),
                                        true,
                                        true,
                                        "UTC")))
                .hasMessageContaining("force-replicate")
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.CODEC_INVALID_CONFIG);
    }

    /** What other software warns about and goes on with; files are to be taken as they are. */
    @Test
    void goesOnWithoutWhatCannotHaveAnEffect() {
        assertThat(parse(BASE + "&compression=rar").compression()).isEqualTo("none");
        assertThat(parse(BASE + "&kafka-version=0.11.0.2")).isEqualTo(parse(BASE));
        assertThat(parse(BASE + "&kafka-version=1.0.0")).isEqualTo(parse(BASE));
        assertThat(parse(BASE + "&insecure-skip-verify=true").tls()).isEmpty();
        assertThat(parse(BASE.replace("kafka", "kafka+ssl") + "&enable-tls=false").tls()).isEmpty();
        assertThat(parse(BASE + "&sasl-gssapi-disable-pafxfast=false").sasl()).isEmpty();
    }

    @Test
    void clientsAreMadeAsTheOptionsSay() {
        Map<String, Object> usual = properties(BASE);
        assertThat(usual)
                .containsEntry("client.id", "TiCDC_producer_h_8300_ns_feed")
                .containsEntry("acks", "-1")
                .containsEntry("enable.idempotence", true)
                .containsEntry("max.in.flight.requests.per.connection", 5)
                .containsEntry("compression.type", "none")
                .containsEntry("request.timeout.ms", 20_000)
                .containsEntry("delivery.timeout.ms", 40_005)
                .containsEntry("socket.connection.setup.timeout.ms", 10_000L)
                .containsEntry("security.protocol", "PLAINTEXT")
                .doesNotContainKey("retries");
        assertThat(
                        properties(
                                "kafka+ssl://h1:9092/t?protocol=canal-json&kafka-client-id=me"
                                        + "&required-acks=1&max-retry=4&compression=zstd"
                                        + "&write-timeout=1s&read-timeout=2s&dial-timeout=3s"))
                .containsEntry("client.id", "me")
                .containsEntry("acks", "1")
                .containsEntry("retries", 4)
                .containsEntry("enable.idempotence", false)
                .containsEntry("max.in.flight.requests.per.connection", 1)
                .containsEntry("compression.type", "zstd")
                .containsEntry("request.timeout.ms", 3_000)
                .containsEntry("delivery.timeout.ms", 10_005)
                .containsEntry("socket.connection.setup.timeout.ms", 3_000L)
                .containsEntry("security.protocol", "SSL");
        assertThat(properties(BASE + "&required-acks=0&max-message-bytes=9000000"))
                .containsEntry("acks", "0")
                .containsEntry("max.request.size", 9_000_128);
    }

    private static Map<String, Object> properties(String uri) {
        KafkaSinkConfig config = parse(uri);
        return new KafkaClients(config)
                .producerProperties(KafkaClients.clientId(config, "h:8300", "ns/feed"));
    }

    @Test
    void certificatesMustBeReadablePemFiles(@TempDir Path folder) throws Exception {
        Path ca = Files.writeString(folder.resolve("ca.pem"), "-----BEGIN CERTIFICATE-----");
        Path key = Files.writeString(folder.resolve("k.pem"), "-----BEGIN RSA PRIVATE KEY-----");
        refused(
                "&ca=" + ca + "&cert=" + ca + "&key=" + folder + "/none.pem",
                ErrorCode.KAFKA_INVALID_CONFIG,
                "key: file");
        refused(
                "&ca=" + ca + "&cert=" + ca + "&key=" + key,
                ErrorCode.KAFKA_INVALID_CONFIG,
                "no complete private key");
        byte[] secret =
                KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPrivate().getEncoded();
        Files.writeString(
                key,
                "-----BEGIN PRIVATE KEY-----\n"
                        + Base64.getEncoder().encodeToString(secret)
                        + "\n-----END PRIVATE KEY-----\n");
        assertThat(parse(BASE + "&ca=" + ca + "&cert=" + ca + "&key=" + key).tls())
                .contains(
                        new KafkaSinkConfig.Tls(
                                Optional.of(new KafkaSinkConfig.PemFiles(ca, ca, key)), false));
    }

    @Test
    void passwordsDoNotShow() {
        assertThat(parse(BASE + "&sasl-user=u&sasl-password=hush&sasl-mechanism=PLAIN").toString())
                .doesNotContain("hush");
        assertThatThrownBy(() -> parse("kafka://u:hush@h/t?protocol=canal-json"))
                .message()
                .doesNotContain("hush");
    }

    private static void refused(String uriOrParameters, ErrorCode code, String named) {
        String uri = uriOrParameters.startsWith("&") ? BASE + uriOrParameters : uriOrParameters;
        assertThatThrownBy(() -> parse(uri))
                .as(uri)
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining(named)
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(code);
    }

    private static KafkaSinkConfig parse(String uri) {
        return KafkaSinkConfig.parse(SinkSpec.of(uri));
    }
}
