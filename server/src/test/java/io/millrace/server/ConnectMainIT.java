package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.server.plugin.CountingConnector;
import io.millrace.testkit.servers.Children;
import io.millrace.testkit.servers.Ports;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The process of a server with a connector, as a user starts it: its orderly stops, and how it ends
 * when something in it is broken or hangs. {@code -Dmillrace.soak=true} does 50 stops, and what
 * hangs until the last limit.
 */
class ConnectMainIT {
    private static final boolean SOAK = Boolean.getBoolean("millrace.soak");
    private static final int STOPS = SOAK ? 50 : 2;
    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit fills it in
    private Path folder;

    private final int port = Ports.free();
    private final int connectPort = Ports.free();
    private final int kafkaPort = Ports.free();
    private final HttpClient http = HttpClient.newHttpClient();
    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void endAll() {
        started.forEach(Process::destroyForcibly);
    }

    private Path out() {
        return folder.resolve("out");
    }

    private Process start(ProcessBuilder.Redirect output) throws Exception {
        Path plugins = folder.resolve("plugins");
        if (!Files.exists(plugins)) {
            CountingConnector.installInto(plugins.resolve("counting"));
        }
        Path file =
                Files.writeString(
                        folder.resolve("millrace.toml"),
                        """
                        addr = "127.0.0.1:%d"
                        data-dir = "%s"
                        [connect]
                        addr = "127.0.0.1:%d"
                        kafka-port = %d
                        plugin-path = "%s"
                        """
                                .formatted(
                                        port,
                                        folder.resolve("data"),
                                        connectPort,
                                        kafkaPort,
                                        plugins));
        Process server =
                Children.start(
                        new ProcessBuilder(
                                        Path.of(System.getProperty("java.home"), "bin", "java")
                                                .toString(),
                                        "-Xmx400m",
                                        "-XX:+UseSerialGC",
                                        "-XX:TieredStopAtLevel=1",
                                        "--enable-native-access=ALL-UNNAMED",
                                        "--sun-misc-unsafe-memory-access=allow",
                                        "-cp",
                                        System.getProperty(
                                                "surefire.test.class.path",
                                                System.getProperty("java.class.path")),
                                        Main.class.getName(),
                                        "--config",
                                        file.toString(),
                                        "--no-tiunimanager")
                                .redirectErrorStream(true)
                                .redirectOutput(output));
        started.add(server);
        await(() -> call("GET", connectPort, "/connectors", "").equals("200"));
        return server;
    }

    private Process start() throws Exception {
        return start(ProcessBuilder.Redirect.appendTo(out().toFile()));
    }

    private interface Check {
        boolean holds() throws Exception;
    }

    private void await(Check check) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!check.holds()) {
            assertThat(System.nanoTime()).as("%s", log()).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    private String log() throws IOException {
        return Files.exists(out()) ? Files.readString(out()) : "";
    }

    /** Status of an answer; the cause when there is none. */
    private String call(String method, int to, String path, String body)
            throws InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + to + path))
                        .timeout(Duration.ofSeconds(5))
                        .header("Content-Type", "application/json")
                        .method(method, HttpRequest.BodyPublishers.ofString(body))
                        .build();
        try {
            return Integer.toString(
                    http.send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static String connector(String end) {
        return """
        {"connector.class": "%s", "end": "%s", "name": "count"}
        """
                .formatted(CountingConnector.class.getName(), end);
    }

    private KafkaConsumer<byte[], String> consumer() {
        return new KafkaConsumer<>(
                Map.of("bootstrap.servers", "127.0.0.1:" + kafkaPort),
                new ByteArrayDeserializer(),
                new StringDeserializer());
    }

    private long records() {
        TopicPartition at = new TopicPartition(CountingConnector.TOPIC, 0);
        try (KafkaConsumer<byte[], String> consumer = consumer()) {
            return consumer.endOffsets(List.of(at)).getOrDefault(at, 0L);
        }
    }

    private void awaitMoreRecords() throws Exception {
        long now = records();
        await(() -> records() > now);
    }

    /** Asserts that no number is missing in the topic. */
    private void assertComplete() {
        TopicPartition at = new TopicPartition(CountingConnector.TOPIC, 0);
        TreeSet<Long> numbers = new TreeSet<>();
        try (KafkaConsumer<byte[], String> consumer = consumer()) {
            consumer.assign(List.of(at));
            consumer.seekToBeginning(List.of(at));
            long end = consumer.endOffsets(List.of(at)).getOrDefault(at, 0L);
            while (consumer.position(at) < end) {
                consumer.poll(Duration.ofMillis(100))
                        .forEach(record -> numbers.add(Long.parseLong(record.value())));
            }
        }
        assertThat(numbers.first()).isZero();
        assertThat(numbers.last()).isEqualTo(numbers.size() - 1);
    }

    @Test
    void everyStopEndsByItselfAndAHaltInKafkasCodeEndsTheServer() throws Exception {
        List<Long> stops = new ArrayList<>();
        Process server = start();
        assertThat(call("PUT", connectPort, "/connectors/count/config", connector("")))
                .isEqualTo("201");
        for (int i = 0; i < STOPS; i++) {
            awaitMoreRecords();
            long start = System.nanoTime();
            server.destroy();
            assertThat(server.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS))
                    .as("cycle %d: %s", i, log())
                    .isTrue();
            stops.add((System.nanoTime() - start) / 1_000_000);
            assertThat(server.exitValue()).as("cycle %d: %s", i, log()).isZero();
            server = start();
        }
        awaitMoreRecords();
        assertComplete();
        Collections.sort(stops);
        System.out.printf(
                "%d stops: median %d ms, longest %d ms%n",
                STOPS, stops.get(STOPS / 2), stops.getLast());

        call("PUT", connectPort, "/connectors/count/config", connector("halt"));
        assertThat(server.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)).as(log()).isTrue();
        assertThat(server.exitValue()).isEqualTo(1);
        assertThat(log())
                .contains("the server ends: Kafka wanted to end the process (halt 7: asked for)");
    }

    @Test
    void aConnectorThatNeverEndsItsStopDoesNotKeepTheServer() throws Exception {
        assumeTrue(SOAK, "only with -Dmillrace.soak=true: it takes half a minute");
        Process server = start();
        assertThat(call("PUT", connectPort, "/connectors/count/config", connector("hang")))
                .isEqualTo("201");
        await(() ->
                !call("GET", connectPort, "/connectors/count/tasks/0/status", "").equals("404"));
        server.destroy();
        assertThat(server.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)).as(log()).isTrue();
        assertThat(server.exitValue()).isZero();
    }

    /** Whoever started it does not read what it prints: all that prints hangs. */
    @Test
    void aStopThatHangsIsBrokenOff() throws Exception {
        assumeTrue(SOAK, "only with -Dmillrace.soak=true: it takes half a minute");
        Process server = start(ProcessBuilder.Redirect.PIPE);
        assertThat(call("POST", port, "/api/v2/log", "{\"log_level\":\"debug\"}")).isEqualTo("200");
        await(() -> call("GET", port, "/api/v2/status", "").contains("Timeout"));
        long start = System.nanoTime();
        // Process.destroy() would close the pipe.
        server.toHandle().destroy();
        assertThat(server.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(server.exitValue()).isEqualTo(3);
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isGreaterThan(Duration.ofSeconds(25));
    }
}
