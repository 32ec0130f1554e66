package io.millrace.connect.host;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.testkit.servers.Ports;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Starts, kills and calls a {@link HostProcess}. */
final class HostUnderTest implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    final int port = Ports.free();
    final int kafkaPort = Ports.free();
    final Path folder;
    final File log;
    private final String plugins;
    private final String kafka;
    private final List<String> more;
    private final HttpClient http = HttpClient.newHttpClient();
    private @Nullable Process process;

    /** An answer; the body is an empty object when it is not JSON. */
    record Answer(int status, String type, String location, JsonNode body) {
        String message() {
            return body.path("message").asText();
        }
    }

    HostUnderTest(Path folder, Path plugins) {
        this(folder, plugins.toString(), "", List.of());
    }

    /**
     * @param plugins folders with plug-ins, with commas between them
     * @param kafka {@code host:port}; empty runs a broker in the process
     * @param more settings of the worker, {@code key=value}
     */
    HostUnderTest(Path folder, String plugins, String kafka, List<String> more) {
        this.folder = folder;
        this.kafka = kafka;
        this.more = more;
        this.plugins = plugins;
        this.log = folder.resolve("host.log").toFile();
    }

    void start() {
        process = launch(port, kafkaPort);
    }

    /** Another process on the same folder. */
    Process second() {
        return launch(Ports.free(), Ports.free());
    }

    private Process launch(int restPort, int brokerPort) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx400m",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow",
                                "-cp",
                                System.getProperty(
                                        "surefire.test.class.path",
                                        System.getProperty("java.class.path")),
                                HostProcess.class.getName(),
                                folder.resolve("data").toString(),
                                Integer.toString(restPort),
                                kafka.isEmpty() ? Integer.toString(brokerPort) : kafka,
                                plugins));
        command.addAll(more);
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What GET answers from the first open port until it is 200; nothing while it is closed. */
    List<Answer> answersUntilReady(String path) {
        List<Answer> answers = new ArrayList<>();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        while (true) {
            try {
                Answer answer = send("GET", path, null, "application/json");
                if (answer.status() == 200) {
                    return answers;
                }
                answers.add(answer);
            } catch (UncheckedIOException e) {
                // Nobody listens yet.
            }
            if (System.nanoTime() > deadline || process == null || !process.isAlive()) {
                throw new AssertionError("the host is not ready: " + answers + "\n" + logText());
            }
            pause(10);
        }
    }

    Answer get(String path) {
        return send("GET", path, null, "application/json");
    }

    Answer call(String method, String path) {
        return send(method, path, null, "application/json");
    }

    Answer call(String method, String path, String body) {
        return send(method, path, body, "application/json");
    }

    Answer send(String method, String path, @Nullable String body, String contentType) {
        return exchange(
                method,
                path,
                body == null ? null : body.getBytes(StandardCharsets.UTF_8),
                contentType);
    }

    Answer sendBytes(String method, String path, byte[] body) {
        return exchange(method, path, body, "application/json");
    }

    private Answer exchange(
            String method, String path, byte @Nullable [] body, String contentType) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                        .timeout(Duration.ofSeconds(60))
                        .method(
                                method,
                                body == null
                                        ? HttpRequest.BodyPublishers.noBody()
                                        : HttpRequest.BodyPublishers.ofByteArray(body));
        if (body != null) {
            request.header("Content-Type", contentType);
        }
        try {
            HttpResponse<String> response =
                    http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            String type = response.headers().firstValue("content-type").orElse("");
            boolean isJson = type.contains("json") && !response.body().isEmpty();
            return new Answer(
                    response.statusCode(),
                    type,
                    response.headers().firstValue("location").orElse(""),
                    isJson ? JSON.readTree(response.body()) : JSON.createObjectNode());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Calls until an answer is as wanted. */
    Answer await(String path, Predicate<Answer> wanted) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            Answer answer = get(path);
            if (wanted.test(answer)) {
                return answer;
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError(path + " stays " + answer + "\n" + logText());
            }
            pause(50);
        }
    }

    void kill9() throws InterruptedException {
        Process running = java.util.Objects.requireNonNull(process);
        running.destroyForcibly().waitFor();
    }

    /** Waits for the process to end by itself; the exit code. */
    int awaitEnd(Duration limit) throws InterruptedException {
        Process running = java.util.Objects.requireNonNull(process);
        if (!running.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError("no end within " + limit + "\n" + logText());
        }
        return running.exitValue();
    }

    boolean isAlive() {
        return process != null && process.isAlive();
    }

    /** SIGTERM; the exit code. */
    int stop(Duration limit) throws InterruptedException {
        Process running = java.util.Objects.requireNonNull(process);
        // Process.destroy() would also close its standard input, which ends it at once.
        running.toHandle().destroy();
        if (!running.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError("no end within " + limit + "\n" + logText());
        }
        return running.exitValue();
    }

    /** What of its log comes after so many bytes, see {@link #logBytes}. */
    String logTextFrom(long bytes) throws IOException {
        byte[] all = Files.readAllBytes(log.toPath());
        return new String(
                Arrays.copyOfRange(all, Math.toIntExact(bytes), all.length),
                StandardCharsets.UTF_8);
    }

    /** Waits until what of its log comes after so many bytes holds a text. */
    void awaitLog(long bytes, String text) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!logTextFrom(bytes).contains(text)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("no '" + text + "' in " + logTextFrom(bytes));
            }
            pause(50);
        }
    }

    long logBytes() throws IOException {
        return Files.size(log.toPath());
    }

    String wholeLog() {
        try {
            return Files.readString(log.toPath());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String logText() {
        try {
            String text = Files.readString(log.toPath());
            return text.substring(Math.max(0, text.length() - 8000));
        } catch (IOException e) {
            return "no log: " + e;
        }
    }

    @Override
    public void close() {
        if (process != null) {
            process.destroyForcibly();
        }
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
