package io.millrace.codec.canal;

import io.millrace.core.bytes.ByteSink;
import java.nio.charset.StandardCharsets;

/**
 * The parts of the protobuf wire format that Canal's messages need: tags, varints and
 * length-prefixed fields. Tags of fields up to 15 are one byte: {@code number << 3 | type}.
 */
final class Wire {
    static final int VARINT = 0;
    static final int FIXED64 = 1;
    static final int BYTES = 2;
    static final int FIXED32 = 5;

    /** Longest varint of a 32-bit length. */
    static final int MAX_LENGTH_BYTES = 5;

    private Wire() {}

    static int tag(int field, int type) {
        return field << 3 | type;
    }

    /** Bytes of a number of any sign; a negative one has ten. */
    static int size(long value) {
        // 64 - zeros significant bits, seven to a byte, at least one byte.
        return (Long.SIZE - Long.numberOfLeadingZeros(value | 1) + 6) / 7;
    }

    static void putVarint(long value, ByteSink out) {
        byte[] to = out.ensure(10);
        int at = out.length();
        while ((value & ~0x7FL) != 0) {
            to[at++] = (byte) (value & 0x7F | 0x80);
            value >>>= 7;
        }
        to[at++] = (byte) value;
        out.length(at);
    }

    static void putNumber(int field, long value, ByteSink out) {
        out.put(tag(field, VARINT));
        putVarint(value, out);
    }

    /** A string field; nothing when it is empty, which is what readers take a missing one for. */
    static void putText(int field, String text, ByteSink out) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > 0) {
            putBytes(field, bytes, 0, bytes.length, out);
        }
    }

    static void putBytes(int field, byte[] bytes, int from, int count, ByteSink out) {
        out.put(tag(field, BYTES));
        putVarint(count, out);
        out.put(bytes, from, count);
    }

    static void putBytes(int field, ByteSink content, ByteSink out) {
        putBytes(field, content.array(), 0, content.length(), out);
    }
}
