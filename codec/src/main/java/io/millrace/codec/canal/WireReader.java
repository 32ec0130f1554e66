package io.millrace.codec.canal;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.nio.charset.StandardCharsets;

/** Reads the fields of one protobuf message, in the order in which they come. */
final class WireReader {
    private final byte[] bytes;
    private final int end;
    private int at;
    private int field;
    private long number;
    private int from;
    private int length;

    WireReader(byte[] bytes) {
        this(bytes, 0, bytes.length);
    }

    private WireReader(byte[] bytes, int from, int length) {
        this.bytes = bytes;
        this.at = from;
        this.end = from + length;
    }

    static MillraceException malformed(String what) {
        return new MillraceException(ErrorCode.INVALID_PARAMETER, "not a canal message: " + what);
    }

    /** Moves to the next field; false behind the last. */
    boolean next() {
        if (at == end) {
            return false;
        }
        long tag = varint();
        field = (int) (tag >>> 3);
        switch ((int) tag & 7) {
            case Wire.VARINT -> number = varint();
            case Wire.BYTES -> {
                long count = varint();
                if (count < 0 || count > end - at) {
                    throw malformed("a field of " + count + " bytes is cut off");
                }
                from = at;
                length = (int) count;
                at += length;
            }
            case Wire.FIXED64 -> skip(8);
            case Wire.FIXED32 -> skip(4);
            default -> throw malformed("unknown wire type in tag " + tag);
        }
        return true;
    }

    private void skip(int count) {
        if (count > end - at) {
            throw malformed("a number is cut off");
        }
        at += count;
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            if (at == end) {
                throw malformed("a number is cut off");
            }
            byte b = bytes[at++];
            value |= (long) (b & 0x7F) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw malformed("a number has more than 64 bits");
    }

    /** Number of the current field. */
    int field() {
        return field;
    }

    /** Value of the current field, a number. */
    long number() {
        return number;
    }

    /** Value of the current field, a text. */
    String text() {
        return new String(bytes, from, length, StandardCharsets.UTF_8);
    }

    /** Value of the current field, a message. */
    WireReader message() {
        return new WireReader(bytes, from, length);
    }
}
