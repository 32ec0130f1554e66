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
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real schema registry, Apicurio, as a process of its own on a free loopback port, its schemas in
 * memory. It speaks the HTTP API of Confluent's registry under {@link #url}.
 */
public final class SchemaRegistryServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SchemaRegistryServer.class);

    private static final String VERSION = "3.0.9";
    private static final MavenArtifact ARCHIVE =
            new MavenArtifact("io.apicurio", "apicurio-registry-app", VERSION, "zip", "all");

    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);
    private static final long POLL_MS = 50;
    private static final int HEAP_MB = 300;
    private static final int LOG_LINES_SHOWN = 40;

    private final Path base;
    private final int port = Ports.free();
    private final Process process;

    private SchemaRegistryServer() {
        Path home = home();
        LiveServers.sweepLeftovers();
        try {
            base = Files.createTempDirectory("millrace-registry-");
            RunAs.own(base);
            LiveServers.add(base);
            process =
                    new ProcessBuilder(RunAs.wrap(command(home)))
                            .directory(base.toFile())
                            .redirectErrorStream(true)
                            .redirectOutput(base.resolve("console.log").toFile())
                            .start();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start a schema registry", e);
        }
        LiveServers.running(base, process);
    }

    /** Starts a registry and returns when it answers. */
    public static SchemaRegistryServer start() {
        SchemaRegistryServer registry = new SchemaRegistryServer();
        try {
            registry.await();
        } catch (RuntimeException e) {
            registry.close();
            throw e;
        }
        return registry;
    }

    /** Where it speaks Confluent's API. */
    public String url() {
        return "http://127.0.0.1:" + port + "/apis/ccompat/v7";
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        LiveServers.remove(base);
        Folders.delete(base);
    }

    private List<String> command(Path home) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + HEAP_MB + "m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Duser.home=" + base,
                "-Djava.io.tmpdir=" + base,
                "-Dquarkus.http.host=127.0.0.1",
                "-Dquarkus.http.port=" + port,
                "-Dapicurio.storage.kind=sql",
                "-Dapicurio.storage.sql.kind=h2",
                "-jar",
                home.resolve("apicurio-registry-app-" + VERSION + "-runner.jar").toString());
    }

    private void await() {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        try (HttpClient http =
                HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build()) {
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create(url() + "/subjects"))
                            .timeout(Duration.ofSeconds(10))
                            .build();
            while (true) {
                try {
                    if (http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode()
                            == 200) {
                        return;
                    }
                } catch (IOException e) {
                    LOG.trace("registry not ready cause={}", e.getMessage());
                }
                if (!process.isAlive() || System.nanoTime() > deadline) {
                    throw new TestServerException(
                            "the schema registry did not start:\n"
                                    + Folders.tail(base.resolve("console.log"), LOG_LINES_SHOWN));
                }
                Thread.sleep(POLL_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TestServerException("interrupted while a schema registry started", e);
        }
    }

    private static Path home() {
        return Cache.entry(
                "apicurio-" + VERSION,
                folder -> {
                    Path archive = ARCHIVE.file();
                    LOG.info("unpacking archive={}, this is done once", archive.getFileName());
                    unzip(archive, folder);
                });
    }

    private static void unzip(Path archive, Path folder) throws IOException {
        try (ZipInputStream in = new ZipInputStream(Files.newInputStream(archive))) {
            for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                Path target = folder.resolve(entry.getName()).normalize();
                if (entry.isDirectory() || !target.startsWith(folder)) {
                    continue;
                }
                Files.createDirectories(Objects.requireNonNull(target.getParent()));
                Files.copy(in, target);
            }
        }
    }

    @Override
    public String toString() {
        return "schema registry at " + url();
    }
}
