package io.millrace.testkit.servers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A Millrace server as a user starts it: a process of its own on this JVM's class path (which must
 * hold the server), spoken to over HTTP. Keeps port and data folder over restarts.
 */
public final class MillraceServer implements AutoCloseable {
    private static final long START_TIMEOUT_SECONDS = 60;
    private static final long STOP_TIMEOUT_SECONDS = 30;
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(60);
    private static final int HEAP_MB = 512;
    private static final String MAIN = "io.millrace.server.Main";

    private final String address = "127.0.0.1:" + Ports.free();
    private final String upstreamUri;
    private final Path folder;
    private final int heapMb;
    private final List<String> arguments;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final ObjectMapper json = new ObjectMapper();
    private @Nullable Process process;
    private @Nullable Thread killer;

    /** An answer of the API. */
    public record Answer(int status, JsonNode body) {}

    private MillraceServer(String upstreamUri, Path folder, int heapMb, List<String> arguments) {
        this.upstreamUri = upstreamUri;
        this.folder = folder;
        this.heapMb = heapMb;
        this.arguments = List.copyOf(arguments);
    }

    /**
     * Starts a server and waits until it is healthy.
     *
     * @param upstreamUri its default upstream
     * @param folder for its data folder and log; kept
     * @param arguments further arguments of the server's command line; Kafka Connect is left out
     *     unless they hold {@code --connect}
     */
    public static MillraceServer start(String upstreamUri, Path folder, String... arguments) {
        return start(upstreamUri, folder, HEAP_MB, arguments);
    }

    /** The same with this many megabytes of heap instead of 512. */
    public static MillraceServer start(
            String upstreamUri, Path folder, int heapMb, String... arguments) {
        MillraceServer server = new MillraceServer(upstreamUri, folder, heapMb, List.of(arguments));
        try {
            server.start();
            return server;
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /** Base address, such as {@code http://127.0.0.1:8300}. */
    public String url() {
        return "http://" + address;
    }

    /** {@code host:port}. */
    public String address() {
        return address;
    }

    public File log() {
        return folder.resolve("server.log").toFile();
    }

    public Path dataDir() {
        return folder.resolve("data");
    }

    /** Starts it again on the same port and data. */
    public void start() {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx" + heapMb + "m",
                                "-XX:+UseParallelGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                classPath(),
                                MAIN,
                                "--addr",
                                address,
                                "--upstream",
                                upstreamUri,
                                "--data-dir",
                                dataDir().toString()));
        command.addAll(arguments);
        if (!arguments.contains("--connect")) {
            command.add("--no-connect");
        }
        if (!arguments.contains("--tiunimanager")) {
            command.add("--no-tiunimanager");
        }
        try {
            Process started =
                    Children.start(
                            new ProcessBuilder(command)
                                    .redirectErrorStream(true)
                                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log())));
            process = started;
            killer = new Thread(started::destroyForcibly);
            Runtime.getRuntime().addShutdownHook(killer);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_TIMEOUT_SECONDS);
            while (!healthy()) {
                if (!started.isAlive() || System.nanoTime() > deadline) {
                    throw new TestServerException("the server did not start:\n" + logTail());
                }
                Thread.sleep(25);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TestServerException("interrupted while the server started", e);
        }
    }

    /** Surefire runs tests with a class path in a manifest and tells the real one in a property. */
    private static String classPath() {
        String surefire = System.getProperty("surefire.test.class.path");
        return surefire != null ? surefire : System.getProperty("java.class.path");
    }

    private boolean healthy() throws InterruptedException {
        try {
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create(url() + "/api/v2/health"))
                            .timeout(Duration.ofSeconds(2))
                            .build();
            return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    /** Calls the API; returns status and body, an empty object when the body is not JSON. */
    public Answer call(String method, String path, String body) {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(url() + path))
                        .timeout(CALL_TIMEOUT)
                        .method(method, HttpRequest.BodyPublishers.ofString(body))
                        .build();
        try {
            HttpResponse<String> response =
                    http.send(request, HttpResponse.BodyHandlers.ofString());
            boolean isJson =
                    response.headers().firstValue("content-type").orElse("").contains("json");
            return new Answer(
                    response.statusCode(),
                    isJson ? json.readTree(response.body()) : json.createObjectNode());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TestServerException("interrupted", e);
        }
    }

    /** Calls the API and fails unless it answers 200. */
    public JsonNode ok(String method, String path, String body) {
        Answer answer = call(method, path, body);
        if (answer.status() != 200) {
            throw new TestServerException(
                    method + " " + path + " answered " + answer.status() + " " + answer.body());
        }
        return answer.body();
    }

    /** Creates a changefeed from the members of its JSON object. */
    public JsonNode createChangefeed(String id, String sinkUri, String moreMembers) {
        return ok(
                "POST",
                "/api/v2/changefeeds",
                "{\"changefeed_id\":\""
                        + id
                        + "\",\"sink_uri\":\""
                        + sinkUri
                        + "\""
                        + (moreMembers.isEmpty() ? "" : "," + moreMembers)
                        + "}");
    }

    /** One changefeed as {@code GET} shows it. */
    public JsonNode changefeed(String id) {
        return ok("GET", "/api/v2/changefeeds/" + id, "");
    }

    /**
     * Waits until a changefeed's checkpoint has passed the upstream's present.
     *
     * @throws TestServerException when it doesn't in time, or has failed
     */
    public void awaitCaughtUp(String id, DbServer upstream, Duration limit) {
        long nowMs =
                Long.parseLong(
                        upstream.query("SELECT CAST(UNIX_TIMESTAMP(NOW(3))*1000 AS UNSIGNED)")
                                .orElseThrow());
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            JsonNode feed = changefeed(id);
            if (feed.path("checkpoint_ts").asLong() >>> 18 > nowMs) {
                return;
            }
            if (feed.path("state").asText().equals("failed") || System.nanoTime() > deadline) {
                throw new TestServerException(
                        "changefeed did not catch up: " + feed + "\n" + logTail());
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new TestServerException("interrupted", e);
            }
        }
    }

    public String logTail() {
        try {
            List<String> lines = Files.readAllLines(log().toPath());
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
        } catch (IOException e) {
            return "no log: " + e;
        }
    }

    public boolean isRunning() {
        return process != null && process.isAlive();
    }

    /** Ends it with SIGKILL. */
    public void kill9() {
        end(true);
    }

    /** Orderly end (SIGTERM); by force when it takes too long, which is an error. */
    public void stop() {
        if (!end(false)) {
            throw new TestServerException(
                    "the server did not stop within " + STOP_TIMEOUT_SECONDS + " s:\n" + logTail());
        }
    }

    private boolean end(boolean force) {
        Process running = process;
        if (running == null) {
            return true;
        }
        boolean ended = true;
        try {
            if (force) {
                running.destroyForcibly().waitFor();
            } else {
                running.destroy();
                ended = running.waitFor(STOP_TIMEOUT_SECONDS, TimeUnit.SECONDS);
                running.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            running.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        Thread hook = killer;
        process = null;
        killer = null;
        if (hook != null) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // The JVM is going down: the hook runs by itself.
                return ended;
            }
        }
        return ended;
    }

    /** Orderly end if it is running; the folder stays. */
    @Override
    public void close() {
        end(false);
    }
}
