package io.millrace.connect.host.runtime;

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

/**
 * Keeps a broker's data folder to one process.
 *
 * <p>Kafka has a lock of its own, but its controller opens the metadata log, and appends to it,
 * before it takes that lock: seen to break the log of the broker that was running there.
 */
public final class FolderLock implements AutoCloseable {
    private static final String FILE = "in-use.lock";

    private final FileChannel channel;

    private FolderLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Takes the folder, which is made when it is missing.
     *
     * @throws MillraceException INVALID_CONFIG when another process has it or it can't be written
     */
    public static FolderLock take(Path folder) {
        FileChannel channel = null;
        try {
            Files.createDirectories(folder);
            channel =
                    FileChannel.open(
                            folder.resolve(FILE),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE);
            if (tryLock(channel) == null) {
                throw new MillraceException(
                        ErrorCode.INVALID_CONFIG,
                        "the Kafka data folder "
                                + folder.toAbsolutePath()
                                + " is in use by another process (pid "
                                + owner(channel)
                                + "); stop that one or give this one a folder of its own");
            }
            channel.truncate(0);
            String pid = Long.toString(ProcessHandle.current().pid());
            channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
            return new FolderLock(channel);
        } catch (IOException e) {
            closeQuietly(channel);
            throw new MillraceException(
                    ErrorCode.INVALID_CONFIG,
                    "cannot use the Kafka data folder " + folder.toAbsolutePath() + ": " + e,
                    e);
        } catch (RuntimeException e) {
            closeQuietly(channel);
            throw e;
        }
    }

    /** Lets others take the folder. */
    @Override
    public void close() {
        closeQuietly(channel);
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException sameProcess) {
            return null;
        }
    }

    private static String owner(FileChannel channel) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(32);
        channel.read(buffer, 0);
        String text =
                new String(buffer.array(), 0, buffer.position(), StandardCharsets.US_ASCII).strip();
        return text.isEmpty() ? "unknown" : text;
    }

    private static void closeQuietly(@Nullable FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            // The lock ends with the process at the latest.
        }
    }
}
