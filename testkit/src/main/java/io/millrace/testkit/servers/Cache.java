package io.millrace.testkit.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The folder with unpacked servers, initialised data folders and certificates, shared by all JVMs
 * of this user.
 *
 * <p>An entry appears by an atomic rename under a file lock: a reader sees it whole or not at all.
 */
public final class Cache {
    /** File locks belong to the whole JVM, so threads of one JVM need a lock of their own. */
    private static final ReentrantLock IN_JVM = new ReentrantLock();

    /** Fills an entry that doesn't exist yet. */
    @FunctionalInterface
    public interface Filler {
        void fill(Path folder) throws IOException;
    }

    private Cache() {}

    static Path root() {
        String configured = System.getenv("MILLRACE_CACHE");
        Path root;
        if (configured != null && !configured.isBlank()) {
            root = Path.of(configured).toAbsolutePath();
        } else if (RunAs.isRoot()) {
            root = Path.of("/var/cache/millrace");
        } else {
            root = Path.of(System.getProperty("user.home"), ".cache", "millrace");
        }
        try {
            return Files.createDirectories(root);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot create the cache folder "
                            + root
                            + "; set MILLRACE_CACHE to a writable folder",
                    e);
        }
    }

    /** The entry's folder; made by {@code filler} when it isn't there yet. */
    public static Path entry(String name, Filler filler) {
        Path target = root().resolve(name);
        if (Files.isDirectory(target)) {
            return target;
        }
        IN_JVM.lock();
        try (FileChannel channel =
                        FileChannel.open(
                                root().resolve(name + ".lock"),
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE);
                FileLock ignored = channel.lock()) {
            if (Files.isDirectory(target)) {
                return target;
            }
            Path unfinished = root().resolve(name + ".unfinished");
            Folders.delete(unfinished);
            Files.createDirectories(unfinished);
            filler.fill(unfinished);
            Files.move(unfinished, target);
            return target;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot prepare " + target, e);
        } finally {
            IN_JVM.unlock();
        }
    }
}
