package io.millrace.mysql.row;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.mysql.wire.TableMap;
import java.util.Arrays;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Puts values behind an event's end in its buffer, and moves everything to a larger buffer when
 * that is full. Offsets stay valid across a move. One object for all events of a decoder.
 */
final class TailWriter {
    /** High half of the header byte of a MariaDB compressed value. */
    private static final int METHOD_ZLIB = 8;

    private static final int METHOD_NONE = 0;

    /** Deflate never shrinks data more than this. */
    private static final int DEFLATE_LIMIT = 1032;

    /** Header bit: a bare deflate stream, without zlib's header and checksum. */
    private static final int RAW_DEFLATE = 8;

    private static final byte[] NO_BYTES = {};

    private final BufferPool buffers;
    private byte[] original = NO_BYTES;
    private byte[] bytes = NO_BYTES;
    private int end;

    TailWriter(BufferPool buffers) {
        this.buffers = buffers;
    }

    /** Begins with an event that ends before {@code eventEnd} in its buffer. */
    void open(byte[] buffer, int eventEnd) {
        original = buffer;
        bytes = buffer;
        end = eventEnd;
    }

    /** Lets go of the event's buffer. */
    void close() {
        original = NO_BYTES;
        bytes = NO_BYTES;
    }

    /** The buffer that now holds everything. */
    byte[] bytes() {
        return bytes;
    }

    /** A binary value with its trailing zeros back; returns its cell. */
    int padded(byte[] b, int from, int length, int prefix, int wanted) {
        int cell = claim(prefix + wanted);
        putPrefix(cell, prefix, wanted);
        System.arraycopy(b, from, bytes, cell + prefix, length);
        Arrays.fill(bytes, cell + prefix + length, cell + prefix + wanted, (byte) 0);
        return cell;
    }

    /**
     * The content of a MariaDB COMPRESSED value behind a four-byte length; returns its cell. The
     * stored form (MariaDB {@code sql/field_comp.cc}) is one byte, method above and size of the
     * length below, the big-endian length, and the stream. An empty value is just empty.
     */
    int inflated(byte[] b, int from, int length, TableMap map) {
        if (length == 0) {
            int cell = claim(4);
            putPrefix(cell, 4, 0);
            return cell;
        }
        int header = b[from] & 0xFF;
        int method = header >> 4;
        if (method == METHOD_NONE) {
            int cell = claim(4 + length - 1);
            putPrefix(cell, 4, length - 1);
            System.arraycopy(b, from + 1, bytes, cell + 4, length - 1);
            return cell;
        }
        int sizeBytes = header & 7;
        if (method != METHOD_ZLIB || sizeBytes < 1 || sizeBytes > 4 || length < 1 + sizeBytes) {
            throw RowErrors.corrupt(map, "a compressed value with header " + header);
        }
        long size = WireBytes.uNBe(b, from + 1, sizeBytes);
        if (size > (long) length * DEFLATE_LIMIT) {
            throw RowErrors.corrupt(map, "a compressed value of " + size + " bytes");
        }
        int cell = claim(4 + (int) size);
        putPrefix(cell, 4, (int) size);
        Inflater inflater = new Inflater((header & RAW_DEFLATE) != 0);
        try {
            inflater.setInput(b, from + 1 + sizeBytes, length - 1 - sizeBytes);
            int got = inflater.inflate(bytes, cell + 4, (int) size);
            if (got != size) {
                throw RowErrors.corrupt(map, "a compressed value that is too short");
            }
        } catch (DataFormatException e) {
            throw RowErrors.corrupt(map, "a compressed value cannot be read", e);
        } finally {
            inflater.end();
        }
        return cell;
    }

    /** A JSON document with differences applied; returns its cell. */
    int patchedJson(
            byte[] event, int before, int beforeLength, int diffs, int diffsLength, int prefix) {
        ByteSink out = new ByteSink(beforeLength + diffsLength);
        JsonDiffs.apply(bytes, before, beforeLength, event, diffs, diffsLength, out);
        int cell = claim(prefix + out.length());
        putPrefix(cell, prefix, out.length());
        System.arraycopy(out.array(), 0, bytes, cell + prefix, out.length());
        return cell;
    }

    private void putPrefix(int at, int prefix, int length) {
        for (int i = 0; i < prefix; i++) {
            bytes[at + i] = (byte) (length >> 8 * i);
        }
    }

    private int claim(int size) {
        int cell = end;
        int newEnd = Math.addExact(end, size);
        if (newEnd > bytes.length) {
            byte[] larger =
                    buffers.take(Math.max(newEnd, (int) Math.min(bytes.length * 2L, 1 << 30)));
            System.arraycopy(bytes, 0, larger, 0, end);
            if (bytes != original) {
                buffers.give(bytes);
            }
            bytes = larger;
        }
        end = newEnd;
        return cell;
    }
}
