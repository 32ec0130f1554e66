package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.connect.host.ConnectSettings;
import io.millrace.core.error.MillraceException;
import io.millrace.testkit.servers.Children;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.Ports;
import io.millrace.testkit.servers.TlsMaterial;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server with a Kafka Connect worker, and one without. */
class ConnectServerIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static HttpResponse<String> get(HttpClient client, String url, String login)
            throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create(url))
                        .header(
                                "Authorization",
                                "Basic "
                                        + Base64.getEncoder()
                                                .encodeToString(
                                                        login.getBytes(StandardCharsets.UTF_8)))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static Settings settings(Path folder, int port, Path kafka) {
        return new Settings()
                .set("addr", "127.0.0.1:0")
                .set("data-dir", folder.toString())
                .set("connect.enabled", "true")
                .set("connect.addr", "127.0.0.1:" + port)
                .set("connect.kafka-port", Integer.toString(Ports.free()))
                .set("connect.data-dir", kafka.toString())
                .set("connect.plugin-path", folder.toString());
    }

    @Test
    void theWorkerHasTheServersTlsAndLoginAndItsFolderForItself(@TempDir Path folder)
            throws Exception {
        TlsMaterial tls = TlsMaterial.copyInto(folder.resolve("tls"));
        int port = Ports.free();
        Path kafka = folder.resolve("kafka");
        Settings first =
                settings(folder.resolve("first"), port, kafka)
                        .set("auth.user", "admin")
                        .set("auth.password", "pw")
                        .set("tls.cert", tls.serverCertificate().toString())
                        .set("tls.key", tls.serverKey().toString())
                        .set("tls.ca", tls.ca().toString());
        String url = "https://127.0.0.1:" + port + "/connectors";
        try (MillraceNode node = MillraceNode.start(ServerConfig.of(first), List.of(), List.of())) {
            assertThat(node.connectText().orElseThrow()).startsWith("https://127.0.0.1:" + port);
            HttpClient known = TlsClients.client(tls, true);
            HttpResponse<String> answer = get(known, url, "admin:pw");
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (answer.statusCode() == 503 && System.nanoTime() < deadline) {
                Thread.sleep(20);
                answer = get(known, url, "admin:pw");
            }
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).isEqualTo("[]");
            HttpResponse<String> stranger = get(known, url, "admin:wrong");
            assertThat(stranger.statusCode()).isEqualTo(401);
            assertThat(stranger.body()).contains("\"error_code\":401");
            assertThatThrownBy(() -> get(TlsClients.client(tls, false), url, "admin:pw"))
                    .isInstanceOf(IOException.class);

            Path other = folder.resolve("other");
            for (int attempt = 0; attempt < 2; attempt++) { // a refused start leaves nothing behind
                refused(
                        settings(other, port, folder.resolve("kafka2")),
                        "connect.addr - cannot listen on 127.0.0.1:" + port);
                refused(settings(other, Ports.free(), kafka), "is in use by this process");
            }
        }
    }

    @Test
    void serversOfAGroupCallEachOtherWithTheServersTlsAndLogin(@TempDir Path folder)
            throws Exception {
        TlsMaterial tls = TlsMaterial.copyInto(folder.resolve("tls"));
        // What a process that was killed left behind, readable for others.
        Path keys = Files.createDirectories(folder.resolve("one/connect-tls")).resolve("keys.p12");
        Files.writeString(keys, "old");
        try (KafkaServer kafka = KafkaServer.builder().autoCreateTopics().start();
                MillraceNode one = member(folder.resolve("one"), kafka, tls);
                MillraceNode two = member(folder.resolve("two"), kafka, tls)) {
            HttpClient client = TlsClients.client(tls, true);
            // Only the leader of the group deletes, so one of them has to ask the other one.
            for (MillraceNode node : List.of(one, two)) {
                String text = node.connectText().orElseThrow();
                String url = text.substring(0, text.indexOf(','));
                HttpResponse<String> answer = delete(client, url + "/connectors/zz");
                assertThat(answer.statusCode()).as(answer.body()).isEqualTo(404);
                assertThat(answer.body()).contains("Connector zz not found");
            }
            assertThat(Files.size(keys)).isGreaterThan("old".length());
            assertThat(Files.getPosixFilePermissions(keys.getParent()))
                    .isEqualTo(PosixFilePermissions.fromString("rwx------"));
            oneWhoseWorkerBreaksGoesOnWithoutIt(folder, kafka);
        }
        assertThat(keys.getParent()).doesNotExist();
    }

    private static void oneWhoseWorkerBreaksGoesOnWithoutIt(Path folder, KafkaServer kafka)
            throws Exception {
        try (Admin admin = kafka.admin()) {
            // A worker's own topics must be compacted, or it would forget its connectors.
            admin.createTopics(List.of(new NewTopic("broken-configs", 1, (short) 1))).all().get();
        }
        Settings settings =
                new Settings()
                        .set("addr", "127.0.0.1:0")
                        .set("data-dir", folder.resolve("broken").toString())
                        .set("connect.enabled", "true")
                        .set("connect.addr", "127.0.0.1:0")
                        .set("connect.group-id", "broken")
                        .set("connect.bootstrap-servers", kafka.bootstrapServers())
                        .set("connect.plugin-path", folder.toString());
        List<String> fatal = new CopyOnWriteArrayList<>();
        try (MillraceNode node =
                MillraceNode.start(
                        ServerConfig.of(settings),
                        List.of(),
                        List.of(),
                        Clock.systemUTC(),
                        fatal::add,
                        password -> {})) {
            URI jobs = URI.create(node.url() + JobsPage.ROUTE);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (true) {
                JsonNode answer =
                        JSON.readTree(get(HttpClient.newHttpClient(), jobs.toString(), "").body());
                if (answer.path("connect").asText().equals("failed")) {
                    assertThat(answer.path("connect_error").asText())
                            .contains("broken-configs")
                            .contains("cleanup.policy=compact");
                    break;
                }
                assertThat(System.nanoTime()).as("%s", answer).isLessThan(deadline);
                Thread.sleep(20);
            }
            assertThat(new ApiClient(node.url()).get("/api/v2/changefeeds").status())
                    .isEqualTo(200);
        }
        assertThat(fatal).isEmpty();
    }

    @Test
    void aServerWhoseKafkaIsAwayIsReadyAndKnowsItsPort(@TempDir Path folder) {
        Settings settings =
                new Settings()
                        .set("addr", "127.0.0.1:0")
                        .set("data-dir", folder.toString())
                        .set("connect.enabled", "true")
                        .set("connect.addr", "127.0.0.1:0")
                        .set("connect.bootstrap-servers", "127.0.0.1:" + Ports.free())
                        .set("connect.plugin-path", folder.toString());
        try (MillraceNode node =
                MillraceNode.start(ServerConfig.of(settings), List.of(), List.of())) {
            assertThat(node.connectText().orElseThrow()).matches("http://127.0.0.1:[1-9]\\d+, .*");
        }
    }

    /** The first answer that is not about the start of the group. */
    private static HttpResponse<String> delete(HttpClient client, String url) throws Exception {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(url))
                        .header("Authorization", basic("admin:pw"))
                        .DELETE()
                        .build();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            try {
                HttpResponse<String> answer =
                        client.send(request, HttpResponse.BodyHandlers.ofString());
                boolean starting = answer.statusCode() == 503 || answer.statusCode() == 409;
                if (!starting || System.nanoTime() > deadline) {
                    return answer;
                }
            } catch (ConnectException e) {
                assertThat(System.nanoTime()).isLessThan(deadline);
            }
            Thread.sleep(20);
        }
    }

    private static MillraceNode member(Path folder, KafkaServer kafka, TlsMaterial tls) {
        return MillraceNode.start(
                ServerConfig.of(
                        new Settings()
                                .set("addr", "127.0.0.1:0")
                                .set("data-dir", folder.toString())
                                .set("auth.user", "admin")
                                .set("auth.password", "pw")
                                .set("tls.cert", tls.serverCertificate().toString())
                                .set("tls.key", tls.serverKey().toString())
                                .set("tls.ca", tls.ca().toString())
                                .set("connect.enabled", "true")
                                .set("connect.addr", "127.0.0.1:" + Ports.free())
                                .set("connect.bootstrap-servers", kafka.bootstrapServers())
                                .set("connect.plugin-path", folder.toString())),
                List.of(),
                List.of());
    }

    private static String basic(String login) {
        return "Basic "
                + Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8));
    }

    private static void refused(Settings settings, String message) {
        assertThatThrownBy(() ->
                        MillraceNode.start(ServerConfig.of(settings), List.of(), List.of()).close())
                .isInstanceOf(MillraceException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aChangefeedWritesToTheBrokerOfTheProcess(@TempDir Path folder) throws Exception {
        Path kafka = folder.resolve("kafka");
        try (DbServer mysql = DbServer.mysql().start()) {
            mysql.execute(
                    "CREATE DATABASE shop",
                    "CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(20))");
            Settings with =
                    settings(folder, Ports.free(), kafka)
                            .set("upstream", mysql.uri())
                            .set("retry-interval", "1s")
                            .set("connect.disk-limit", "16MiB");
            String feed =
                    "{\"changefeed_id\":\"emb\",\"sink_uri\":\"kafka://embedded/items"
                            + "?protocol=canal-json&partition-num=1%s\","
                            + "\"replica_config\":{\"filter\":{\"rules\":[\"shop.*\"]}}}";
            String broker;
            try (MillraceNode node = server(with)) {
                ConnectSettings.Kafka settings =
                        ServerConfig.of(with).connect().orElseThrow().kafka();
                broker = "127.0.0.1:" + ((ConnectSettings.Embedded) settings).port();
                ApiClient api = new ApiClient(node.url());
                assertThat(api.create(feed.formatted("&replication-factor=2")).errorMessage())
                        .contains("replication-factor must be 1");
                // The server doesn't wait for its broker, nor has a request to.
                ApiClient.Answer created = api.create(feed.formatted(""));
                assertThat(created.status()).as("%s", created).isEqualTo(200);
                mysql.execute(
                        "INSERT INTO shop.item VALUES (1,'one'),(2,'two'),(3,'three')",
                        "UPDATE shop.item SET name='zwei' WHERE id=2",
                        "DELETE FROM shop.item WHERE id=1");
                awaitSame(mysql, broker);
            }
            mysql.execute("INSERT INTO shop.item VALUES (4,'while it was down')");
            // The changefeed starts again before the broker does.
            try (MillraceNode node = server(with)) {
                awaitSame(mysql, broker);
                mysql.execute("INSERT INTO shop.item VALUES (5,'afterwards')");
                awaitSame(mysql, broker);
                JsonNode feedNow = new ApiClient(node.url()).await("emb", "normal");
                assertThat(feedNow.at("/error/message").asText()).as("%s", feedNow).isEmpty();
                atTheDiskLimitItSaysSoAndGoesOnWhenThereIsSpace(
                        mysql, broker, new ApiClient(node.url()));
            }
            try (MillraceNode node = server(with.set("connect.enabled", "false"))) {
                ApiClient api = new ApiClient(node.url());
                assertThat(api.await("emb", "failed").at("/error/message").asText())
                        .contains("[connect] enabled is false");
                ApiClient.Answer refused = api.create(feed.formatted("").replace("emb\"", "b\""));
                assertThat(refused.status()).isEqualTo(500);
                assertThat(refused.errorCode()).isEqualTo("CDC:ErrKafkaInvalidConfig");
                assertThat(refused.errorMessage()).contains("[connect] enabled is false");
            }
        }
    }

    private static void atTheDiskLimitItSaysSoAndGoesOnWhenThereIsSpace(
            DbServer mysql, String broker, ApiClient api) throws Exception {
        Map<String, Object> client = Map.of("bootstrap.servers", broker);
        try (Admin admin = Admin.create(client)) {
            try (KafkaProducer<byte[], byte[]> producer =
                    new KafkaProducer<>(
                            client, new ByteArraySerializer(), new ByteArraySerializer())) {
                assertThatThrownBy(
                                () -> {
                                    for (int i = 0; i < 1000; i++) {
                                        producer.send(
                                                        new ProducerRecord<>(
                                                                "filler", new byte[500_000]))
                                                .get();
                                    }
                                })
                        .hasMessageContaining("the disk limit of the in-process broker is reached");
            }
            mysql.execute("INSERT INTO shop.item VALUES (6,'at the limit')");
            assertThat(api.await("emb", "error").at("/error/message").asText())
                    .contains("the disk limit of the in-process broker is reached: ")
                    .contains("connect.disk-limit is 16.0 MiB");
            admin.deleteTopics(List.of("filler")).all().get();
        }
        awaitSame(mysql, broker);
    }

    private static MillraceNode server(Settings settings) {
        ServerConfig config = ServerConfig.of(settings);
        return MillraceNode.start(config, Main.upstreams(config.dataDir()), Main.sinks(config));
    }

    /** Waits until the rows that the topic's messages make are those of the table. */
    private static void awaitSame(DbServer mysql, String broker) throws Exception {
        String wanted =
                mysql.query(
                                "SELECT GROUP_CONCAT(CONCAT(id,'=',name) ORDER BY id SEPARATOR"
                                        + " ', ') FROM shop.item")
                        .orElseThrow();
        Map<Integer, String> rows = new TreeMap<>();
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", broker, "auto.offset.reset", "earliest"),
                        new StringDeserializer(),
                        new StringDeserializer())) {
            consumer.assign(List.of(new TopicPartition("items", 0)));
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (!rows.toString().equals("{" + wanted + "}")) {
                assertThat(System.nanoTime()).as("%s", rows).isLessThan(deadline);
                for (ConsumerRecord<String, String> message :
                        consumer.poll(Duration.ofMillis(100))) {
                    JsonNode change = JSON.readTree(message.value());
                    for (JsonNode row : change.path("data")) {
                        if (change.path("type").asText().equals("DELETE")) {
                            rows.remove(row.path("id").asInt());
                        } else {
                            rows.put(row.path("id").asInt(), row.path("name").asText());
                        }
                    }
                }
            }
        }
    }

    /** As a user starts it: with nothing said about Kafka Connect. */
    @Test
    void itStartsBesideTheServerUnlessLeftOut(@TempDir Path folder) throws Exception {
        int port = Ports.free();
        int kafka = Ports.free();
        Path file =
                Files.writeString(
                        folder.resolve("millrace.toml"),
                        "addr = \"127.0.0.1:0\"\ndata-dir = \""
                                + folder.resolve("data")
                                + "\"\n[connect]\naddr = \"127.0.0.1:"
                                + port
                                + "\"\nkafka-port = "
                                + kafka
                                + "\nplugin-path = \""
                                + folder.resolve("none")
                                + "\"\n");
        Path out = folder.resolve("out");
        Process server = launch(out, List.of("--config", file.toString()), List.of());
        try {
            await(server, out, "is ready: TiCDC");
            String ready = Files.readString(out);
            assertThat(ready)
                    .contains(
                            ", Kafka Connect API (starting) at http://127.0.0.1:"
                                    + port
                                    + ", its Kafka at 127.0.0.1:"
                                    + kafka)
                    .doesNotContain("Kafka Connect is ready");
            await(server, out, "Kafka Connect is ready: API at http://127.0.0.1:" + port);
            HttpResponse<String> answer =
                    get(HttpClient.newHttpClient(), "http://127.0.0.1:" + port + "/connectors", "");
            assertThat(answer.body()).isEqualTo("[]");

            Path second = folder.resolve("second");
            Process other =
                    launch(
                            second,
                            List.of(
                                    "--config",
                                    file.toString(),
                                    "--data-dir",
                                    folder.resolve("data2").toString()),
                            List.of());
            try {
                assertThat(other.waitFor(30, TimeUnit.SECONDS)).isTrue();
            } finally {
                other.destroyForcibly();
            }
            assertThat(other.exitValue()).isEqualTo(1);
            assertThat(Files.readString(second))
                    .contains(
                            "connect.addr - cannot listen on 127.0.0.1:"
                                    + port
                                    + " (Address already in use); another server may use it:"
                                    + " choose another port, or leave Kafka Connect out"
                                    + " (connect.enabled, --no-connect)");
            server.destroy();
            assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(server.exitValue()).isZero();
        } finally {
            server.destroyForcibly();
        }
    }

    private static Process launch(Path out, List<String> arguments, List<String> jvm)
            throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow",
                                "-cp",
                                System.getProperty(
                                        "surefire.test.class.path",
                                        System.getProperty("java.class.path"))));
        command.addAll(jvm);
        command.add(Main.class.getName());
        command.addAll(arguments);
        command.add("--no-tiunimanager");
        return Children.start(
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()));
    }

    private static void await(Process server, Path out, String text) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!Files.readString(out).contains(text)) {
            assertThat(server.isAlive() && System.nanoTime() < deadline)
                    .as("%s in %s", text, Files.readString(out))
                    .isTrue();
            Thread.sleep(20);
        }
    }

    @Test
    void aServerWithoutItLoadsNoBroker(@TempDir Path folder) throws Exception {
        Path classes = folder.resolve("classes");
        Path out = folder.resolve("out");
        Process server =
                launch(
                        out,
                        List.of(
                                "--addr",
                                "127.0.0.1:0",
                                "--data-dir",
                                folder.resolve("data").toString(),
                                "--no-connect"),
                        List.of("-Xlog:class+load:file=" + classes));
        try {
            await(server, out, "is ready");
            server.destroy();
            assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
        } finally {
            server.destroyForcibly();
        }
        assertThat(Files.readString(classes))
                .contains(" io.millrace.server.MillraceNode ")
                .doesNotContain(" kafka.server.")
                .doesNotContain(" org.apache.kafka.connect.");
    }
}
