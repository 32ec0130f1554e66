package io.millrace.testkit.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * A server that speaks S3's protocol (Adobe's S3Mock), in a process of its own, with one bucket.
 */
public final class S3Server implements AutoCloseable {
    /** The bucket that is there from the start. */
    public static final String BUCKET = "millrace";

    private static final MavenArtifact JAR =
            new MavenArtifact("com.adobe.testing", "s3mock", "4.7.0", "jar", "exec");
    private static final Duration START_LIMIT = Duration.ofSeconds(90);
    private static final long POLL_MS = 100;

    private final Path base;
    private final int port = Ports.free();
    private final Process process;

    private S3Server() {
        LiveServers.sweepLeftovers();
        try {
            base = Files.createTempDirectory("millrace-s3-");
            LiveServers.add(base);
            process =
                    Commands.spawn(
                            new ProcessBuilder(
                                            Path.of(System.getProperty("java.home"), "bin", "java")
                                                    .toString(),
                                            "-Xmx256m",
                                            "-XX:TieredStopAtLevel=1",
                                            "-XX:+UseSerialGC",
                                            "-Djava.io.tmpdir=" + base,
                                            "-jar",
                                            JAR.file().toString(),
                                            "--server.address=127.0.0.1",
                                            "--server.port=" + Ports.free(),
                                            "--com.adobe.testing.s3mock.httpPort=" + port,
                                            "--com.adobe.testing.s3mock.store.initialBuckets="
                                                    + BUCKET)
                                    .redirectErrorStream(true)
                                    .redirectOutput(base.resolve("s3.log").toFile()));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start the S3 server", e);
        }
        LiveServers.running(base, process);
        awaitReady();
    }

    /** Starts one on a free loopback port; returns when it answers. */
    public static S3Server start() {
        return new S3Server();
    }

    private void awaitReady() {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        try (HttpClient http = HttpClient.newHttpClient()) {
            while (true) {
                try {
                    HttpRequest request =
                            HttpRequest.newBuilder(URI.create(endpoint() + "/" + BUCKET))
                                    .timeout(Duration.ofSeconds(2))
                                    .build();
                    if (http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode()
                            == 200) {
                        return;
                    }
                } catch (IOException e) {
                    // Not listening yet; the deadline and the process tell when to give up.
                }
                if (!process.isAlive() || System.nanoTime() > deadline) {
                    String log = Folders.tail(base.resolve("s3.log"), 30);
                    close();
                    throw new TestServerException("the S3 server does not answer:\n" + log);
                }
                Thread.sleep(POLL_MS);
            }
        } catch (InterruptedException e) {
            close();
            Thread.currentThread().interrupt();
            throw new TestServerException("interrupted", e);
        }
    }

    public int port() {
        return port;
    }

    /** {@code http://127.0.0.1:port}. */
    public String endpoint() {
        return "http://127.0.0.1:" + port;
    }

    /** The URI of a prefix in the bucket, with all that a client needs. */
    public String uri(String prefix) {
        return "s3://"
                + BUCKET
                + "/"
                + prefix
                + "?access-key=id&secret-access-key=hidden&region=us-east-1&endpoint="
                + endpoint();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        LiveServers.remove(base);
        Folders.delete(base);
    }
}
