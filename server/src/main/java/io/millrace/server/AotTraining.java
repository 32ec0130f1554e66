package io.millrace.server;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A short run of a server that a JVM records for its AOT cache ({@code ./millrace aot}): it starts
 * with the Kafka Connect worker on free ports and a folder that is removed again, answers requests
 * of both APIs, and stops in order.
 *
 * <p>What the JVM records are the classes that a start loads and how its methods behave (JEP 483,
 * 514, 515); the more a run resembles later ones, the more it helps them.
 */
public final class AotTraining {
    private static final Duration READY_WITHIN = Duration.ofSeconds(120);
    private static final Duration POLL = Duration.ofMillis(50);
    private static final int ROUNDS = 20;
    private static final String DONE = "done";

    private static final List<String> REQUESTS =
            List.of("api/v2/health", "api/v2/status", "api/v2/changefeeds", "status", "metrics");
    private static final List<String> CONNECT_REQUESTS =
            List.of("", "connectors", "connectors?expand=status", "connector-plugins");

    private AotTraining() {}

    /**
     * Writes the file {@code done} into the folder when everything answered.
     *
     * @param args a folder for the server's data, which the caller removes
     */
    public static void main(String[] args) {
        Path folder = Path.of(args[0]);
        try {
            train(folder);
            Files.createFile(folder.resolve(DONE));
        } catch (Exception e) {
            System.err.println("the recorded server did not run as it should: " + e);
        }
        System.exit(0); // the server's own hook decides about the code
    }

    private static void train(Path folder) throws IOException, InterruptedException {
        int port = freePort();
        int connectPort = freePort();
        Path config = folder.resolve("millrace.toml");
        Files.writeString(
                config,
                """
                addr = "127.0.0.1:%d"
                data-dir = '%s'
                [tiunimanager]
                addr = "127.0.0.1:0"
                [connect]
                addr = "127.0.0.1:%d"
                kafka-port = %d
                """
                        .formatted(port, folder.resolve("data"), connectPort, freePort()));
        Thread server =
                Thread.ofPlatform()
                        .name("server")
                        .start(() -> {
                            int code = Main.run("--config", config.toString());
                            // It comes back only when it could not start.
                            System.exit(code == 0 ? 1 : code);
                        });
        try (HttpClient http = HttpClient.newHttpClient()) {
            String api = "http://127.0.0.1:" + port + "/";
            String connect = "http://127.0.0.1:" + connectPort + "/";
            awaitOk(http, api + "api/v2/health", server);
            awaitOk(http, connect + "connectors", server);
            for (int i = 0; i < ROUNDS; i++) {
                for (String request : REQUESTS) {
                    status(http, api + request);
                }
                for (String request : CONNECT_REQUESTS) {
                    status(http, connect + request);
                }
            }
        }
    }

    private static void awaitOk(HttpClient http, String url, Thread server)
            throws InterruptedException {
        long deadline = System.nanoTime() + READY_WITHIN.toNanos();
        while (status(http, url) != 200) {
            if (System.nanoTime() > deadline || !server.isAlive()) {
                throw new MillraceException(
                        ErrorCode.INTERNAL,
                        "the server to be recorded did not answer at " + url + " in time");
            }
            Thread.sleep(POLL);
        }
    }

    /** The answer's status, or 0 while nobody listens. */
    private static int status(HttpClient http, String url) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).timeout(READY_WITHIN).build();
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofByteArray()).statusCode();
        } catch (IOException e) {
            return 0;
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
