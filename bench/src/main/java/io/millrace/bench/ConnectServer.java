package io.millrace.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.testkit.servers.Ports;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A Millrace server with its Kafka Connect worker and broker, as a user starts it. */
final class ConnectServer implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(120);
    private static final Duration CALL = Duration.ofSeconds(60);

    private final ObjectMapper json = new ObjectMapper();
    private final HttpClient http = HttpClient.newHttpClient();
    private final ChildProcess child;
    private final File log;
    private final String api;
    private final String connectApi;
    private final String bootstrap;

    private ConnectServer(
            ChildProcess child, File log, String api, String connectApi, String bootstrap) {
        this.child = child;
        this.log = log;
        this.api = api;
        this.connectApi = connectApi;
        this.bootstrap = bootstrap;
    }

    /**
     * Starts one, without waiting for anything.
     *
     * @param folder for its data, configuration and log; empty
     * @param connect whether the worker starts as well
     * @param plugins folders with Debezium's archives unpacked
     * @param worker settings of the worker in Kafka Connect's words
     */
    static ConnectServer start(
            Path folder,
            boolean connect,
            List<Path> plugins,
            Map<String, String> worker,
            List<String> jvmOptions)
            throws IOException {
        int port = Ports.free();
        int connectPort = Ports.free();
        int kafkaPort = Ports.free();
        Path config = folder.resolve("millrace.toml");
        Files.writeString(
                config,
                """
                addr = "127.0.0.1:%d"
                data-dir = '%s'
                [tiunimanager]
                enabled = false
                [connect]
                enabled = %s
                addr = "127.0.0.1:%d"
                kafka-port = %d
                plugin-path = '%s'
                [connect.worker]
                %s
                """
                        .formatted(
                                port,
                                folder.resolve("data"),
                                connect,
                                connectPort,
                                kafkaPort,
                                plugins.stream()
                                        .map(Path::toString)
                                        .collect(Collectors.joining(",")),
                                worker.entrySet().stream()
                                        .map(e ->
                                                "\"%s\" = \"%s\""
                                                        .formatted(e.getKey(), e.getValue()))
                                        .collect(Collectors.joining("\n"))));
        File log = folder.resolve("server.log").toFile();
        return new ConnectServer(
                ChildProcess.java(
                        io.millrace.server.Main.class,
                        ServerJvm.options(jvmOptions),
                        List.of("--config", config.toString()),
                        log,
                        log),
                log,
                "http://127.0.0.1:" + port,
                "http://127.0.0.1:" + connectPort,
                "127.0.0.1:" + kafkaPort);
    }

    ChildProcess child() {
        return child;
    }

    File log() {
        return log;
    }

    /** The broker's address. */
    String bootstrap() {
        return bootstrap;
    }

    /** Waits until the server's own API answers; seconds since the process was started. */
    double awaitApi() throws InterruptedException {
        return awaitOk(api + "/api/v2/health");
    }

    /** Waits until Kafka Connect serves requests; seconds since the process was started. */
    double awaitConnect() throws InterruptedException {
        return awaitOk(connectApi + "/connectors");
    }

    private double awaitOk(String url) throws InterruptedException {
        long deadline = System.nanoTime() + START.toNanos();
        while (true) {
            try {
                if (send("GET", url, "").statusCode() == 200) {
                    return (System.nanoTime() - child.startedNanos()) / 1e9;
                }
            } catch (IOException e) {
                // Nobody listens there yet.
                if (!child.isAlive()) {
                    throw new IllegalStateException("the server ended" + ChildProcess.tail(log), e);
                }
            }
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("no answer from " + url + ChildProcess.tail(log));
            }
            Thread.sleep(25); // each question costs the process that starts CPU time
        }
    }

    /** One request to Kafka Connect's API that must succeed; its answer, null when it is empty. */
    JsonNode connect(String method, String path, Object body)
            throws IOException, InterruptedException {
        HttpResponse<String> answer =
                send(
                        method,
                        connectApi + path,
                        body.equals("") ? "" : json.writeValueAsString(body));
        if (answer.statusCode() / 100 != 2) {
            throw new IllegalStateException(
                    "%s %s: %d %s".formatted(method, path, answer.statusCode(), answer.body()));
        }
        return answer.body().isEmpty() ? json.nullNode() : json.readTree(answer.body());
    }

    private HttpResponse<String> send(String method, String url, String body)
            throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(url))
                        .timeout(CALL)
                        .header("Content-Type", "application/json")
                        .method(method, HttpRequest.BodyPublishers.ofString(body))
                        .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString());
    }

    @Override
    public void close() {
        http.shutdownNow();
        child.close();
    }
}
