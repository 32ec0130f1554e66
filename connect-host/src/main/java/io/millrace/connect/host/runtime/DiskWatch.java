package io.millrace.connect.host.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Measures a broker's folder every second and tells its {@link DiskGate}. */
final class DiskWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DiskWatch.class);
    private static final long EVERY_MS = TimeUnit.SECONDS.toMillis(1);

    private final Path folder;
    private final DiskGate gate;
    private final Thread thread;

    /** The first measurement is made before this returns. */
    DiskWatch(Path folder, DiskGate gate) {
        this.folder = folder;
        this.gate = gate;
        measure();
        thread = Thread.ofPlatform().name("broker-disk-watch").daemon().start(this::run);
    }

    private void run() {
        try {
            while (true) {
                Thread.sleep(EVERY_MS);
                measure();
            }
        } catch (InterruptedException e) {
            LOG.debug("closed");
        }
    }

    private void measure() {
        try {
            gate.measured(used(folder), Files.getFileStore(folder).getUsableSpace());
        } catch (IOException | UncheckedIOException e) {
            // Segments are renamed and deleted meanwhile; the next look will see.
            LOG.debug("the broker's folder could not be measured", e);
        }
    }

    /**
     * Bytes of the files. Kafka makes indexes at their full size, 20 MiB a partition, with nothing
     * in them: they do not count.
     */
    static long used(Path folder) throws IOException {
        long[] sum = {0};
        Files.walkFileTree(
                folder,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                        String name = String.valueOf(file.getFileName());
                        if (!name.endsWith(".index") && !name.endsWith(".timeindex")) {
                            sum[0] += attributes.size();
                        }
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException e) {
                        return FileVisitResult.CONTINUE; // it was there a moment ago
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path visited, @Nullable IOException e) {
                        return FileVisitResult.CONTINUE;
                    }
                });
        return sum[0];
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
