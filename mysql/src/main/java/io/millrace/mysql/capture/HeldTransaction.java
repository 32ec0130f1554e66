package io.millrace.mysql.capture;

import io.millrace.core.bytes.ByteSink;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.position.GtidSet;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Row events whose fate is not known yet: of a prepared XA transaction, or of a transaction behind
 * a SAVEPOINT, which may still be rolled back to. Kept in memory up to {@link #MEMORY_LIMIT} and as
 * far as the {@link HoldingArea} has room for all of them, the rest in a file. Belongs to the
 * capture's thread.
 *
 * <p>Each event is stored with its ordinal in the transaction in place of the header's time, which
 * nobody needs.
 */
final class HeldTransaction implements Closeable {
    /** Bytes kept in memory per transaction. */
    static final int MEMORY_LIMIT = 4 << 20;

    private static final int FIRST_BYTES = 256;

    private final HoldingArea area;
    private final String xid;
    private final BinlogCoordinate start;
    private final Optional<GtidSet> gtids;
    private final ByteSink memory = new ByteSink(FIRST_BYTES);
    private HoldingArea.@Nullable Region spill;
    private boolean closed;

    /** A length to cut back to. */
    private record Mark(int memory, long file) {}

    private final Map<String, Mark> savepoints = new HashMap<>();

    HeldTransaction(HoldingArea area, String xid, BinlogCoordinate start, Optional<GtidSet> gtids) {
        this.area = area;
        area.memory(memory.array().length);
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
    void add(EventSource event, int ordinal) {
        byte[] bytes = event.bytes();
        int from = event.bodyStart() - EventTypes.HEADER_LENGTH;
        int length = event.bodyEnd() - from;
        byte[] head = new byte[EventTypes.HEADER_LENGTH];
        System.arraycopy(bytes, from, head, 0, head.length);
        putI32(head, 0, ordinal);
        putI32(head, 9, length);
        HoldingArea.Region out = spill;
        if (out == null && fits(length)) {
            int before = memory.array().length;
            memory.put(head);
            memory.put(bytes, event.bodyStart(), length - head.length);
            area.memory(memory.array().length - before);
            return;
        }
        if (out == null) {
            out = area.region();
            spill = out;
        }
        out.add(head, 0, head.length);
        out.add(bytes, event.bodyStart(), length - head.length);
    }

    private boolean fits(int length) {
        if ((long) memory.length() + length > MEMORY_LIMIT) {
            return false;
        }
        int now = memory.array().length;
        int needed = memory.length() + length + ByteSink.SLACK;
        return needed <= now || area.hasMemory(Math.max(needed, 2L * now) - now);
    }

    /** Remembers the present end under a name; a later savepoint of the same name replaces it. */
    void savepoint(String name) {
        savepoints.put(name, new Mark(memory.length(), spilledBytes()));
    }

    /** Drops what came after the savepoint; false when there is none of that name. */
    boolean rollbackTo(String name) {
        Mark mark = savepoints.get(name);
        if (mark == null) {
            return false;
        }
        memory.length(mark.memory);
        HoldingArea.Region region = spill;
        if (region != null) {
            region.truncate(mark.file);
        }
        return true;
    }

    private long spilledBytes() {
        HoldingArea.Region region = spill;
        return region == null ? 0 : region.length();
    }

    private static void putI32(byte[] b, int at, int value) {
        b[at] = (byte) value;
        b[at + 1] = (byte) (value >> 8);
        b[at + 2] = (byte) (value >> 16);
        b[at + 3] = (byte) (value >> 24);
    }

    /** All events again, from the first. */
    InputStream open() {
        InputStream first = new ByteArrayInputStream(memory.array(), 0, memory.length());
        HoldingArea.Region region = spill;
        return region == null ? first : new SequenceInputStream(first, region.read());
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        area.memory(-memory.array().length);
        HoldingArea.Region region = spill;
        if (region != null) {
            region.release();
        }
    }
}
