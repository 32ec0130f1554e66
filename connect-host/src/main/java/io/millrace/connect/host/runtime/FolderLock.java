package io.millrace.connect.host.runtime;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a broker's data folder to one process.
 *
 * <p>Kafka has a lock of its own, but its controller opens the metadata log, and appends to it,
 * before it takes that lock: seen to break the log of the broker that was running there.
 */
public final class FolderLock implements AutoCloseable {
    private static final String FILE = "in-use.lock";

    /**
     * Folders of this process. The system's locks belong to the process: who opens the file of one
     * and closes it again has given it up for all.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path folder;
    private final FileChannel channel;

    private FolderLock(Path folder, FileChannel channel) {
        this.folder = folder;
        this.channel = channel;
    }

    /**
     * Takes the folder, which is made when it is missing.
     *
     * @throws MillraceException INVALID_CONFIG when this or another process has it, or it can't be
     *     written
     */
    public static FolderLock take(Path folder) {
        Path real;
        try {
            real = Files.createDirectories(folder).toRealPath();
        } catch (IOException e) {
            throw unusable(folder, e);
        }
        if (!HELD.add(real)) {
            throw inUse(folder, "this process");
        }
        FileChannel channel = null;
        try {
            channel =
                    FileChannel.open(
                            folder.resolve(FILE),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE);
            if (channel.tryLock() == null) {
                throw inUse(folder, "another process (pid " + owner(channel) + ")");
            }
            channel.truncate(0);
            String pid = Long.toString(ProcessHandle.current().pid());
            channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
            return new FolderLock(real, channel);
        } catch (IOException e) {
            closeQuietly(channel);
            HELD.remove(real);
            throw unusable(folder, e);
        } catch (RuntimeException e) {
            closeQuietly(channel);
            HELD.remove(real);
            throw e;
        }
    }

    private static MillraceException inUse(Path folder, String by) {
        return new MillraceException(
                ErrorCode.INVALID_CONFIG,
                "the Kafka data folder "
                        + folder.toAbsolutePath()
                        + " is in use by "
                        + by
                        + "; stop that one or give this one a folder of its own");
    }

    private static MillraceException unusable(Path folder, IOException e) {
        return new MillraceException(
                ErrorCode.INVALID_CONFIG,
                "cannot use the Kafka data folder " + folder.toAbsolutePath() + ": " + e,
                e);
    }

    /** Lets others take the folder. */
    @Override
    public void close() {
        closeQuietly(channel);
        HELD.remove(folder);
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
