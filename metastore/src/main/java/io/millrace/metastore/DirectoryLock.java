package io.millrace.metastore;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A data directory that one process has for itself, from before anything in it is touched until the
 * lock is closed or the process ends. Closing it again does nothing.
 */
public final class DirectoryLock implements AutoCloseable {
    private static final String LOCK_FILE = "millrace.lock";
    private static final Logger LOG = LoggerFactory.getLogger(DirectoryLock.class);

    private final Path directory;
    private final FileChannel channel;

    private DirectoryLock(Path directory, FileChannel channel) {
        this.directory = directory;
        this.channel = channel;
    }

    /**
     * Makes the directory if there is none.
     *
     * @throws MillraceException INVALID_CONFIG when another process has it, or it cannot be used
     */
    public static DirectoryLock take(Path dataDir) {
        FileChannel channel = null;
        try {
            Files.createDirectories(dataDir);
            channel =
                    FileChannel.open(
                            dataDir.resolve(LOCK_FILE),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE);
            FileLock held = tryLock(channel);
            if (held == null) {
                String owner = readOwner(channel);
                throw new MillraceException(
                        ErrorCode.INVALID_CONFIG,
                        "data directory "
                                + dataDir.toAbsolutePath()
                                + " is in use by another Millrace process (pid "
                                + owner
                                + "); stop it or give this one its own --data-dir");
            }
            channel.truncate(0);
            channel.write(
                    ByteBuffer.wrap(
                            Long.toString(ProcessHandle.current().pid())
                                    .getBytes(StandardCharsets.US_ASCII)),
                    0);
            return new DirectoryLock(dataDir, channel);
        } catch (IOException e) {
            closeQuietly(channel);
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "cannot use data directory " + dataDir.toAbsolutePath() + ": " + e,
                    e);
        } catch (RuntimeException e) {
            closeQuietly(channel);
            throw e;
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException sameProcess) {
            return null;
        }
    }

    private static String readOwner(FileChannel channel) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(32);
        channel.read(buffer, 0);
        String text =
                new String(buffer.array(), 0, buffer.position(), StandardCharsets.US_ASCII).trim();
        return text.isEmpty() ? "unknown" : text;
    }

    Path directory() {
        return directory;
    }

    @Override
    public void close() {
        closeQuietly(channel);
    }

    private static void closeQuietly(@Nullable FileChannel channel) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                LOG.debug("closing the lock file failed", e);
            }
        }
    }
}
