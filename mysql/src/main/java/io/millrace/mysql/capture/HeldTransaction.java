package io.millrace.mysql.capture;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.position.GtidSet;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Row events whose fate is not known yet: of a prepared XA transaction, or of a transaction behind
 * a SAVEPOINT, which may still be rolled back to. Kept in memory up to {@link #MEMORY_LIMIT}, the
 * rest in a temporary file. Belongs to the capture's thread.
 *
 * <p>Each event is stored with its ordinal in the transaction in place of the header's time, which
 * nobody needs.
 */
final class HeldTransaction implements Closeable {
    /** Bytes kept in memory per transaction. */
    static final int MEMORY_LIMIT = 4 << 20;

    private final String xid;
    private final BinlogCoordinate start;
    private final Optional<GtidSet> gtids;
    private final ByteSink memory = new ByteSink(4096);
    private @Nullable Path file;
    private @Nullable FileChannel channel;
    private @Nullable OutputStream spill;
    private long spilledBytes;

    /** A length to cut back to. */
    private record Mark(int memory, long file) {}

    private final Map<String, Mark> savepoints = new HashMap<>();

    HeldTransaction(String xid, BinlogCoordinate start, Optional<GtidSet> gtids) {
        this.xid = xid;
        this.start = start;
        this.gtids = gtids;
    }

    String xid() {
        return xid;
    }

    /** Where it starts in the binlog. */
    BinlogCoordinate start() {
        return start;
    }

    /** Executed before it. */
    Optional<GtidSet> gtids() {
        return gtids;
    }

    /** Appends the event that was loaded, without its checksum. */
    void add(EventSource event, int ordinal) throws IOException {
        byte[] bytes = event.bytes();
        int from = event.bodyStart() - EventTypes.HEADER_LENGTH;
        int length = event.bodyEnd() - from;
        byte[] head = new byte[EventTypes.HEADER_LENGTH];
        System.arraycopy(bytes, from, head, 0, head.length);
        putI32(head, 0, ordinal);
        putI32(head, 9, length);
        OutputStream out = spill;
        if (out == null && (long) memory.length() + length <= MEMORY_LIMIT) {
            memory.put(head);
            memory.put(bytes, event.bodyStart(), length - head.length);
            return;
        }
        if (out == null) {
            file = Files.createTempFile("millrace-xa", ".rows");
            channel = FileChannel.open(file, StandardOpenOption.WRITE);
            out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
            spill = out;
        }
        out.write(head);
        out.write(bytes, event.bodyStart(), length - head.length);
        spilledBytes += length;
    }

    /** Remembers the present end under a name; a later savepoint of the same name replaces it. */
    void savepoint(String name) {
        savepoints.put(name, new Mark(memory.length(), spilledBytes));
    }

    /** Drops what came after the savepoint; false when there is none of that name. */
    boolean rollbackTo(String name) throws IOException {
        Mark mark = savepoints.get(name);
        if (mark == null) {
            return false;
        }
        memory.length(mark.memory);
        OutputStream out = spill;
        FileChannel open = channel;
        if (out != null && open != null) {
            out.flush();
            open.truncate(mark.file);
            open.position(mark.file);
            spilledBytes = mark.file;
        }
        return true;
    }

    private static void putI32(byte[] b, int at, int value) {
        b[at] = (byte) value;
        b[at + 1] = (byte) (value >> 8);
        b[at + 2] = (byte) (value >> 16);
        b[at + 3] = (byte) (value >> 24);
    }

    boolean spilled() {
        return file != null;
    }

    /** All events again, from the first. */
    InputStream open() throws IOException {
        InputStream first = new ByteArrayInputStream(memory.array(), 0, memory.length());
        Path path = file;
        OutputStream out = spill;
        if (path == null || out == null) {
            return first;
        }
        out.flush();
        return new SequenceInputStream(
                first, new BufferedInputStream(Files.newInputStream(path), 1 << 16));
    }

    @Override
    public void close() {
        OutputStream out = spill;
        Path path = file;
        if (out != null && path != null) {
            try {
                out.close();
                Files.deleteIfExists(path);
            } catch (IOException e) {
                throw new MillraceException(
                        ErrorCode.INTERNAL,
                        "cannot remove the spill file of transaction "
                                + xid
                                + ": "
                                + e.getMessage(),
                        e);
            }
        }
    }
}
