package io.millrace.mysql.capture;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where one capture keeps the rows of all its {@link HeldTransaction}s: a bounded amount of memory,
 * the rest in files. Only one transaction grows at a time, so each has one region of one file.
 * Belongs to the capture's thread.
 *
 * <p>Files are deleted as soon as they are open: the system frees their space when the process
 * ends, however it ends.
 */
final class HoldingArea {
    /** Bytes in memory of all transactions together. */
    static final long MEMORY_LIMIT = 16L << 20;

    /** A transaction that begins to spill begins a new file when the last one has so many bytes. */
    static final long FILE_LIMIT = 256L << 20;

    private static final int BUFFER_BYTES = 1 << 16;

    private final Path folder;
    private final long memoryLimit;
    private final long fileLimit;
    private long memoryUsed;
    private int openFiles;

    /** The file that regions are added to, and the region at its end. */
    private @Nullable SpillFile tail;

    private @Nullable Region growing;
    private @Nullable ByteBuffer buffer;

    HoldingArea(Path folder) {
        this(folder, MEMORY_LIMIT, FILE_LIMIT);
    }

    /** With other limits, for tests. */
    HoldingArea(Path folder, long memoryLimit, long fileLimit) {
        this.folder = folder;
        this.memoryLimit = memoryLimit;
        this.fileLimit = fileLimit;
    }

    /** Whether a transaction may take this much more memory. */
    boolean hasMemory(long bytes) {
        return memoryUsed + bytes <= memoryLimit;
    }

    /** A transaction took (or, below 0, gave back) memory. */
    void memory(long bytes) {
        memoryUsed += bytes;
    }

    long memoryUsed() {
        return memoryUsed;
    }

    int openFiles() {
        return openFiles;
    }

    private static final class SpillFile {
        final FileChannel channel;
        long end;
        int regions;

        SpillFile(FileChannel channel) {
            this.channel = channel;
        }
    }

    /** A new, empty region; the one before does not grow any more. */
    Region region() {
        flush();
        SpillFile file = tail;
        if (file == null || file.end >= fileLimit) {
            file = open();
            tail = file;
        }
        file.regions++;
        Region region = new Region(file, file.end);
        growing = region;
        return region;
    }

    private SpillFile open() {
        try {
            Path path = Files.createTempFile(folder, "millrace-held", ".rows");
            FileChannel channel =
                    FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            Files.delete(path);
            openFiles++;
            return new SpillFile(channel);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private MillraceException failed(IOException e) {
        return new MillraceException(
                ErrorCode.INTERNAL,
                "rows of transactions that are prepared or behind a savepoint cannot be kept in "
                        + folder
                        + ": "
                        + e
                        + ". Make room there.",
                e);
    }

    /** Writes what was added to the growing region. */
    private void flush() {
        Region region = growing;
        ByteBuffer bytes = buffer;
        if (region == null || bytes == null) {
            return;
        }
        bytes.flip();
        try {
            while (bytes.hasRemaining()) {
                region.file.end += region.file.channel.write(bytes, region.file.end);
            }
        } catch (IOException e) {
            throw failed(e);
        } finally {
            bytes.clear();
        }
    }

    private ByteBuffer buffer() {
        ByteBuffer bytes = buffer;
        if (bytes == null) {
            bytes = ByteBuffer.allocateDirect(BUFFER_BYTES);
            buffer = bytes;
        }
        return bytes;
    }

    /** Bytes of one transaction in a file. */
    final class Region {
        private final SpillFile file;
        private final long from;
        private long length;
        private boolean released;

        private Region(SpillFile file, long from) {
            this.file = file;
            this.from = from;
        }

        long length() {
            return length;
        }

        /** Appends; only to the newest region. */
        void add(byte[] bytes, int at, int count) {
            if (growing != this) {
                throw new IllegalStateException("another transaction has begun");
            }
            ByteBuffer target = buffer();
            int done = 0;
            while (done < count) {
                if (!target.hasRemaining()) {
                    flush();
                }
                int part = Math.min(count - done, target.remaining());
                target.put(bytes, at + done, part);
                done += part;
            }
            length += count;
        }

        /** Drops what is behind this length; only of the newest region. */
        void truncate(long newLength) {
            if (growing != this) {
                throw new IllegalStateException("another transaction has begun");
            }
            flush();
            length = newLength;
            file.end = from + newLength;
        }

        /** All bytes from the first. */
        InputStream read() {
            flush();
            return new RegionStream(this);
        }

        /** The bytes are not needed any more. */
        void release() {
            if (released) {
                return;
            }
            released = true;
            if (growing == this) {
                flush();
                growing = null;
                file.end = from;
            }
            if (--file.regions > 0) {
                return;
            }
            if (tail == file) {
                tail = null;
            }
            try {
                file.channel.close();
                openFiles--;
            } catch (IOException e) {
                throw failed(e);
            }
        }
    }

    private final class RegionStream extends InputStream {
        private final Region region;
        private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER_BYTES).flip();
        private long next;

        RegionStream(Region region) {
            this.region = region;
        }

        private boolean fill() {
            if (bytes.hasRemaining()) {
                return true;
            }
            long left = region.length - next;
            if (left <= 0) {
                return false;
            }
            bytes.clear().limit((int) Math.min(left, bytes.capacity()));
            try {
                int count = region.file.channel.read(bytes, region.from + next);
                if (count <= 0) {
                    throw failed(new IOException("the file has been cut off"));
                }
                next += count;
            } catch (IOException e) {
                throw failed(e);
            }
            bytes.flip();
            return true;
        }

        @Override
        public int read() {
            return fill() ? bytes.get() & 0xFF : -1;
        }

        @Override
        public int read(byte[] to, int at, int count) {
            Objects.checkFromIndexSize(at, count, to.length);
            if (count == 0) {
                return 0;
            }
            if (!fill()) {
                return -1;
            }
            int part = Math.min(count, bytes.remaining());
            bytes.get(to, at, part);
            return part;
        }

        @Override
        public int available() {
            return bytes.remaining();
        }
    }
}
