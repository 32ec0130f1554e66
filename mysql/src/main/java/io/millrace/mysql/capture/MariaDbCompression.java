package io.millrace.mysql.capture;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.wire.BufferPool;
import java.nio.charset.Charset;
import java.util.function.IntFunction;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * MariaDB's compressed events ({@code log_bin_compress}). The compressed part starts with one byte,
 * {@code 1 aaa nnnn}: algorithm (0 is zlib) and count of length bytes; then the uncompressed
 * length, big-endian; then the zlib stream. In a QUERY event only the statement is compressed, in a
 * rows event what follows the column bitmaps.
 */
final class MariaDbCompression {
    /** As large as an event may be. */
    private static final long MAX_LENGTH = 1L << 30;

    /** A decompressed event body in a pooled buffer. */
    record Body(byte[] buffer, int end) {}

    private final Inflater inflater = new Inflater();
    private final BufferPool pool;

    MariaDbCompression(BufferPool pool) {
        this.pool = pool;
    }

    /** The uncompressed type of a compressed one; others as they are. */
    static int plainType(int type) {
        return switch (type) {
            case EventTypes.MARIADB_QUERY_COMPRESSED -> EventTypes.QUERY;
            case EventTypes.MARIADB_WRITE_ROWS_COMPRESSED_V1 -> EventTypes.WRITE_ROWS_V1;
            case EventTypes.MARIADB_UPDATE_ROWS_COMPRESSED_V1 -> EventTypes.UPDATE_ROWS_V1;
            case EventTypes.MARIADB_DELETE_ROWS_COMPRESSED_V1 -> EventTypes.DELETE_ROWS_V1;
            case EventTypes.MARIADB_WRITE_ROWS_COMPRESSED -> EventTypes.WRITE_ROWS;
            case EventTypes.MARIADB_UPDATE_ROWS_COMPRESSED -> EventTypes.UPDATE_ROWS;
            case EventTypes.MARIADB_DELETE_ROWS_COMPRESSED -> EventTypes.DELETE_ROWS;
            default -> type;
        };
    }

    /** Start of the compressed part of a rows event. */
    static int rowsStart(byte[] b, int bodyStart, int plainType) {
        int at = bodyStart + 8;
        if (plainType >= EventTypes.WRITE_ROWS) {
            at += (b[at] & 0xFF) | (b[at + 1] & 0xFF) << 8;
        }
        int columns = (int) TableMaps.packed(b, at);
        at += TableMaps.packedLength(b, at);
        int bitmap = (columns + 7) / 8;
        boolean two = plainType == EventTypes.UPDATE_ROWS_V1 || plainType == EventTypes.UPDATE_ROWS;
        return at + (two ? 2 * bitmap : bitmap);
    }

    /** Reads a loaded QUERY event, compressed or not. */
    QueryEvent query(EventSource event, int type, IntFunction<Charset> charsets) {
        if (type == EventTypes.QUERY) {
            return QueryEvent.parse(event, charsets);
        }
        byte[] b = event.bytes();
        int start = event.bodyStart();
        int status = WireBytes.u16(b, start + 11);
        int sql = start + 13 + status + (b[start + 8] & 0xFF) + 1;
        Body body = inflate(b, start - EventTypes.HEADER_LENGTH, sql, event.bodyEnd());
        QueryEvent query = QueryEvent.parse(new LoadedEvent(body.buffer(), body.end()), charsets);
        pool.give(body.buffer());
        return query;
    }

    /**
     * The event with the part from {@code from} on decompressed; the header's length is not
     * adapted.
     */
    Body inflate(byte[] b, int start, int from, int end) {
        int head = b[from] & 0xFF;
        int lengthBytes = head & 0x07;
        if ((head & 0xF8) != 0x80 || from + 1 + lengthBytes > end) {
            throw corrupt("its algorithm is unknown");
        }
        long length = 0;
        for (int i = 0; i < lengthBytes; i++) {
            length = length << 8 | (b[from + 1 + i] & 0xFF);
        }
        if (length > MAX_LENGTH) {
            throw corrupt("it says that it holds " + length + " bytes");
        }
        int prefix = from - start;
        byte[] out = pool.take(prefix + (int) length);
        System.arraycopy(b, start, out, 0, prefix);
        inflater.reset();
        inflater.setInput(b, from + 1 + lengthBytes, end - from - 1 - lengthBytes);
        try {
            int at = prefix;
            int to = prefix + (int) length;
            while (at < to) {
                int n = inflater.inflate(out, at, to - at);
                if (n == 0) {
                    throw corrupt("it ends early");
                }
                at += n;
            }
            return new Body(out, to);
        } catch (DataFormatException e) {
            throw corrupt(String.valueOf(e.getMessage()));
        }
    }

    private static MillraceException corrupt(String what) {
        return new MillraceException(
                ErrorCode.UPSTREAM_CORRUPT,
                "The binlog holds a compressed event that cannot be read: " + what + ".");
    }
}
