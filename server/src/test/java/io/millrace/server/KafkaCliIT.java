package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.cli.CliRun;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.Ports;
import io.millrace.testkit.servers.TlsMaterial;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code millrace topics} and {@code millrace consume} on a real broker. */
class KafkaCliIT {
    private static KafkaServer kafka;
    private static TlsMaterial tls;
    private static int safePort;

    /** For everybody at one port, and at another with encryption for who logs in. */
    @BeforeAll
    static void start(@TempDir Path folder) throws Exception {
        tls = TlsMaterial.copyInto(folder.resolve("tls"));
        Path store =
                Files.writeString(
                        folder.resolve("broker.pem"),
                        Files.readString(tls.serverKey())
                                + Files.readString(tls.serverCertificate()));
        int plainPort = Ports.free();
        safePort = Ports.free();
        int controller = Ports.free();
        String clients =
                "PLAINTEXT://127.0.0.1:%d,SAFE://127.0.0.1:%d".formatted(plainPort, safePort);
        kafka =
                KafkaServer.builder()
                        .autoCreateTopics()
                        .port(plainPort)
                        .option("listeners", clients + ",CONTROLLER://127.0.0.1:" + controller)
                        .option("advertised.listeners", clients)
                        .option("controller.quorum.voters", "1@127.0.0.1:" + controller)
                        .option(
                                "listener.security.protocol.map",
                                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SAFE:SASL_SSL")
                        .option("inter.broker.listener.name", "PLAINTEXT")
                        .option("sasl.enabled.mechanisms", "PLAIN")
                        .option(
                                "listener.name.safe.plain.sasl.jaas.config",
                                "org.apache.kafka.common.security.plain.PlainLoginModule required"
                                        + " user_reader=\"geheim\";")
                        .option("ssl.keystore.type", "PEM")
                        .option("ssl.keystore.location", store.toString())
                        .start();
        try (Admin admin = kafka.admin()) {
            admin.createTopics(
                            List.of(
                                    new NewTopic("wide", 2, (short) 1),
                                    new NewTopic("empty", 1, (short) 1),
                                    new NewTopic("doomed", 1, (short) 1)))
                    .all()
                    .get();
        }
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(
                        Map.of("bootstrap.servers", kafka.bootstrapServers()),
                        new StringSerializer(),
                        new StringSerializer())) {
            for (int i = 0; i < 10; i++) {
                ProducerRecord<String, String> record =
                        new ProducerRecord<>("wide", i % 2, "k" + i, i == 9 ? null : "v" + i);
                record.headers().add("n", Integer.toString(i).getBytes(StandardCharsets.UTF_8));
                producer.send(record).get();
            }
        }
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    private static CliRun run(String... arguments) {
        return answering("", arguments);
    }

    private static CliRun answering(String answers, String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("-b", kafka.bootstrapServers()));
        return CliRun.of(Map.of(), answers, all.toArray(new String[0]));
    }

    /** Lines without the time. */
    private static List<String> consumed(String... arguments) {
        CliRun run = run(arguments);
        assertThat(run.code()).as("%s", run).isZero();
        return run.out().lines().map(line -> line.replaceFirst("\t[^\t]*Z\t", " ")).toList();
    }

    @Test
    void topicsAreListedWithTheirRecords() throws Exception {
        CliRun table = run("topics");
        assertThat(table.code()).as("%s", table).isZero();
        assertThat(table.out().lines().findFirst().orElseThrow())
                .matches("TOPIC +PARTITIONS +REPLICAS +RECORDS +SIZE");
        assertThat(table.out()).containsPattern("wide +2 +1 +10 +\\d+ B").contains("empty");
        assertThat(table.out()).doesNotContain("__");
        JsonNode json = new ObjectMapper().readTree(run("topics", "-o", "json").out());
        assertThat(json.findValuesAsText("topic")).contains("empty", "wide");
        assertThat(json.findValuesAsText("records")).contains("0", "10");

        CliRun kept = answering("n\n", "topics", "--delete", "doomed");
        assertThat(kept.code()).isEqualTo(1);
        assertThat(kept.out()).contains("Delete topic doomed with 0 records").contains("Nothing");
        assertThat(run("topics").out()).contains("doomed");
        assertThat(answering("y\n", "topics", "--delete", "doomed").code()).isZero();
        assertThat(run("topics").out()).doesNotContain("doomed");
        CliRun unknown = run("topics", "--delete", "doomed", "--no-confirm");
        assertThat(unknown.code()).isEqualTo(1);
        assertThat(unknown.err()).contains("there is no topic doomed");
    }

    @Test
    void recordsAreRead() {
        assertThat(consumed("consume", "wide", "--from-beginning"))
                .hasSize(10)
                .contains("0@0 n=0\tk0\tv0", "1@4 n=9\tk9\tnull");
        assertThat(consumed("consume", "wide", "--from-beginning", "-p", "1", "--max", "2"))
                .containsExactly("1@0 n=1\tk1\tv1", "1@1 n=3\tk3\tv3");
        assertThat(consumed("consume", "wide", "--from-offset", "3", "-p", "0"))
                .containsExactly("0@3 n=6\tk6\tv6", "0@4 n=8\tk8\tv8");
        assertThat(consumed("consume", "wide", "--from-offset", "-1"))
                .containsExactlyInAnyOrder("0@4 n=8\tk8\tv8", "1@4 n=9\tk9\tnull");
        assertThat(consumed("consume", "empty", "--from-beginning")).isEmpty();
        assertThat(consumed("consume", "wide", "--from-offset", "99")).isEmpty();
        assertThat(
                        run("consume", "wide", "--from-offset", "4", "-p", "0", "--format", "json")
                                .out())
                .contains("\"offset\":4")
                .contains("\"headers\":[{\"key\":\"n\",\"value\":\"8\"}]")
                .contains("\"key\":\"k8\",\"value\":\"v8\"}");
    }

    @Test
    void withoutAStartItWaitsForNewRecords() throws Exception {
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(
                        Map.of("bootstrap.servers", kafka.bootstrapServers()),
                        new StringSerializer(),
                        new StringSerializer())) {
            producer.send(new ProducerRecord<>("live", "old", "old")).get();
            Thread writer =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    while (true) {
                                        producer.send(new ProducerRecord<>("live", "k", "new"));
                                        Thread.sleep(50);
                                    }
                                } catch (InterruptedException e) {
                                    // enough
                                }
                            });
            try {
                assertThat(consumed("consume", "live", "--max", "2"))
                        .hasSize(2)
                        .allSatisfy(line -> assertThat(line).endsWith("\tk\tnew"));
                assertThat(
                                consumed(
                                        "consume",
                                        "live",
                                        "--from-beginning",
                                        "--follow",
                                        "--max",
                                        "9"))
                        .hasSize(9)
                        .first()
                        .asString()
                        .endsWith("\told\told");
            } finally {
                writer.interrupt();
                writer.join();
            }
        }
    }

    @Test
    void aClusterWithEncryptionAndLoginIsReached(@TempDir Path folder) throws Exception {
        String settings =
                """
                security.protocol=SASL_SSL
                ssl.truststore.type=PEM
                ssl.truststore.location=%s
                sasl.mechanism=PLAIN
                sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
                  username="reader" password="%s";
                default.api.timeout.ms=10000
                """;
        Path good = Files.writeString(folder.resolve("g"), settings.formatted(tls.ca(), "geheim"));
        CliRun topics = safely(good, "topics");
        assertThat(topics.code()).as("%s", topics).isZero();
        assertThat(topics.out()).containsPattern("wide +2 +1 +10 ");
        CliRun records = safely(good, "consume", "wide", "--from-beginning", "--max", "10");
        assertThat(records.code()).as("%s", records).isZero();
        assertThat(records.out().lines()).hasSize(10);

        Path wrong = Files.writeString(folder.resolve("w"), settings.formatted(tls.ca(), "falsch"));
        for (String[] command : new String[][] {{"topics"}, {"consume", "wide", "--max", "1"}}) {
            CliRun refused = safely(wrong, command);
            assertThat(refused.code()).isEqualTo(1);
            assertThat(refused.err()).contains("Authentication failed").doesNotContain("falsch");
        }
    }

    private static CliRun safely(Path config, String... command) {
        List<String> all = new ArrayList<>(List.of(command));
        all.addAll(List.of("-b", "127.0.0.1:" + safePort, "--command-config", config.toString()));
        return CliRun.of(Map.of(), "", all.toArray(new String[0]));
    }

    @Test
    void whatIsWrongIsTold(@TempDir Path folder) throws Exception {
        CliRun missing = run("consume", "nowhere", "--from-beginning");
        assertThat(missing.code()).isEqualTo(1);
        assertThat(missing.err()).contains("there is no topic nowhere at 127.0.0.1:");
        assertThat(run("topics").out()).as("asking does not make it").doesNotContain("nowhere");
        assertThat(run("consume", "wide", "--from-beginning", "-p", "7").err())
                .contains("topic wide has no partition 7, only 0 to 1");
        assertThat(run("consume", "wide", "--from-beginning", "--from-offset", "1").code())
                .isEqualTo(2);
        assertThat(run("consume", "wide", "--max", "0").code()).isEqualTo(2);
        assertThat(run("topics", "--command-config", folder.resolve("no").toString()).err())
                .contains("cannot read --command-config");
        Path config = Files.writeString(folder.resolve("c"), "security.protocol=SASL_NONSENSE\n");
        assertThat(run("topics", "--command-config", config.toString()).err())
                .contains("SASL_NONSENSE");

        String nobody = "127.0.0.1:" + Ports.free();
        long start = System.nanoTime();
        CliRun silent = CliRun.of(Map.of(), "", "topics", "-b", nobody);
        assertThat(silent.code()).isEqualTo(1);
        assertThat(silent.err()).contains("no Kafka answers at " + nobody + " within 5 s");
        assertThat(System.nanoTime() - start).isLessThan(20_000_000_000L);
        Path quick =
                Files.writeString(
                        folder.resolve("quick"),
                        "default.api.timeout.ms=500\nrequest.timeout.ms=500\n");
        assertThat(
                        CliRun.of(
                                        Map.of(),
                                        "",
                                        "consume",
                                        "t",
                                        "-b",
                                        nobody,
                                        "--command-config",
                                        quick.toString())
                                .err())
                .contains("no Kafka answers at " + nobody);
        CliRun nameless = CliRun.of(Map.of(), "", "topics", "-b", "no.such.host.invalid:1");
        assertThat(nameless.code()).isEqualTo(1);
        assertThat(nameless.err()).contains("no.such.host.invalid:1");
    }
}
