package io.millrace.mysql.row;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import java.util.Base64;

/**
 * MySQL's binary JSON (MySQL {@code sql/json_binary.h}) as the text that the server prints for it:
 * keys in stored order, {@code ": "} and {@code ", "} between, temporal values with six fraction
 * digits, other opaque values as {@code "base64:type<n>:<data>"}.
 *
 * <p>All offsets inside a document are checked against the document's own bounds.
 */
final class JsonText {
    static final int SMALL_OBJECT = 0;
    static final int LARGE_OBJECT = 1;
    static final int SMALL_ARRAY = 2;
    static final int LARGE_ARRAY = 3;
    static final int LITERAL = 4;
    static final int INT16 = 5;
    static final int UINT16 = 6;
    static final int INT32 = 7;
    static final int UINT32 = 8;
    static final int INT64 = 9;
    static final int UINT64 = 10;
    static final int DOUBLE = 11;
    static final int STRING = 12;
    static final int OPAQUE = 15;

    /** Ours, never on the wire: the rest of the document is text already (a partial update). */
    static final int TEXT_MARKER = 0x7F;

    /** The server refuses documents that are nested deeper than 100. */
    static final int MAX_DEPTH = 110;

    private static final byte[] HEX = {
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
    };
    private static final byte[] NULL = {'n', 'u', 'l', 'l'};
    private static final byte[] TRUE = {'t', 'r', 'u', 'e'};
    private static final byte[] FALSE = {'f', 'a', 'l', 's', 'e'};

    /** The server's base64 encoder breaks lines after this many characters. */
    private static final int BASE64_LINE = 76;

    private JsonText() {}

    /**
     * Appends a document.
     *
     * @throws IndexOutOfBoundsException when it is malformed
     */
    static void append(byte[] b, int at, int length, ByteSink out) {
        if (length == 0) {
            // INSERT IGNORE of NULL into a NOT NULL column stores an empty document.
            out.put(NULL);
            return;
        }
        int type = b[at];
        if (type == TEXT_MARKER) {
            out.put(b, at + 1, length - 1);
            return;
        }
        value(type, b, at + 1, at + length, 0, out);
    }

    /** Appends a value whose data begins at {@code at} and ends before {@code end}. */
    static void value(int type, byte[] b, int at, int end, int depth, ByteSink out) {
        switch (type) {
            case SMALL_OBJECT -> container(b, at, end, false, true, depth, out);
            case LARGE_OBJECT -> container(b, at, end, true, true, depth, out);
            case SMALL_ARRAY -> container(b, at, end, false, false, depth, out);
            case LARGE_ARRAY -> container(b, at, end, true, false, depth, out);
            case LITERAL -> {
                need(at, 1, end);
                literal(b[at], out);
            }
            case INT16 -> {
                need(at, 2, end);
                out.putLong(WireBytes.i16(b, at));
            }
            case UINT16 -> {
                need(at, 2, end);
                out.putLong(WireBytes.u16(b, at));
            }
            case INT32 -> {
                need(at, 4, end);
                out.putLong(WireBytes.i32(b, at));
            }
            case UINT32 -> {
                need(at, 4, end);
                out.putLong(WireBytes.u32(b, at));
            }
            case INT64 -> {
                need(at, 8, end);
                out.putLong(WireBytes.i64(b, at));
            }
            case UINT64 -> {
                need(at, 8, end);
                out.putUnsigned(WireBytes.i64(b, at));
            }
            case DOUBLE -> {
                need(at, 8, end);
                DoubleText.append(Double.longBitsToDouble(WireBytes.i64(b, at)), out);
            }
            case STRING -> {
                int size = varLength(b, at, end);
                int start = at + varLengthBytes(b, at, end);
                need(start, size, end);
                quote(b, start, size, out);
            }
            case OPAQUE -> {
                need(at, 1, end);
                int fieldType = b[at] & 0xFF;
                int size = varLength(b, at + 1, end);
                int start = at + 1 + varLengthBytes(b, at + 1, end);
                need(start, size, end);
                opaque(fieldType, b, start, size, out);
            }
            default -> throw new IndexOutOfBoundsException("JSON type " + type);
        }
    }

    private static void container(
            byte[] b, int start, int end, boolean large, boolean object, int depth, ByteSink out) {
        if (depth > MAX_DEPTH) {
            throw new IndexOutOfBoundsException("JSON nested too deeply");
        }
        int unit = large ? 4 : 2;
        need(start, 2 * unit, end);
        int count = size(b, start, unit);
        int bytes = size(b, start + unit, unit);
        need(start, bytes, end);
        int limit = start + bytes;
        int keyEntry = unit + 2;
        int valueEntry = unit + 1;
        int keys = start + 2 * unit;
        long entries = (long) count * ((object ? keyEntry : 0) + valueEntry);
        if (entries > limit - keys) {
            throw new IndexOutOfBoundsException("JSON entries");
        }
        int values = object ? keys + count * keyEntry : keys;
        out.put(object ? '{' : '[');
        for (int i = 0; i < count; i++) {
            if (i > 0) {
                out.put(',');
                out.put(' ');
            }
            if (object) {
                int entry = keys + i * keyEntry;
                int keyAt = start + size(b, entry, unit);
                int keyLength = WireBytes.u16(b, entry + unit);
                need(keyAt, keyLength, limit);
                quote(b, keyAt, keyLength, out);
                out.put(':');
                out.put(' ');
            }
            int entry = values + i * valueEntry;
            int type = b[entry];
            if (isInlined(type, large)) {
                value(type, b, entry + 1, entry + 1 + unit, depth + 1, out);
            } else {
                int offset = size(b, entry + 1, unit);
                need(start, offset, limit);
                value(type, b, start + offset, limit, depth + 1, out);
            }
        }
        out.put(object ? '}' : ']');
    }

    /** Whether a value is held in its entry itself instead of by offset. */
    static boolean isInlined(int type, boolean large) {
        return switch (type) {
            case LITERAL, INT16, UINT16 -> true;
            case INT32, UINT32 -> large;
            default -> false;
        };
    }

    static int size(byte[] b, int at, int unit) {
        return unit == 2 ? WireBytes.u16(b, at) : WireBytes.i32(b, at);
    }

    static void need(int at, int bytes, int end) {
        if (bytes < 0 || at < 0 || bytes > end - at) {
            throw new IndexOutOfBoundsException("JSON value ends at " + end);
        }
    }

    /** Lengths of strings: seven bits a byte, lowest first, the top bit says that more follow. */
    static int varLength(byte[] b, int at, int end) {
        long length = 0;
        for (int i = 0; i < 5; i++) {
            need(at + i, 1, end);
            int next = b[at + i];
            length |= (long) (next & 0x7F) << 7 * i;
            if (next >= 0) {
                if (length > Integer.MAX_VALUE) {
                    break;
                }
                return (int) length;
            }
        }
        throw new IndexOutOfBoundsException("JSON length");
    }

    static int varLengthBytes(byte[] b, int at, int end) {
        int bytes = 1;
        while (at + bytes - 1 < end && b[at + bytes - 1] < 0) {
            bytes++;
        }
        return bytes;
    }

    private static void literal(int code, ByteSink out) {
        switch (code) {
            case 0 -> out.put(NULL);
            case 1 -> out.put(TRUE);
            case 2 -> out.put(FALSE);
            default -> throw new IndexOutOfBoundsException("JSON literal " + code);
        }
    }

    private static void opaque(int fieldType, byte[] b, int at, int size, ByteSink out) {
        switch (fieldType) {
            case WireTypes.NEWDECIMAL -> {
                need(0, 2, size);
                int precision = b[at];
                int scale = b[at + 1];
                if (precision < 1 || precision > 65 || scale < 0 || scale > precision) {
                    throw new IndexOutOfBoundsException("JSON decimal");
                }
                need(2, WireTypes.decimalBytes(precision, scale), size);
                DecimalText.append(b, at + 2, precision, scale, out);
            }
            case WireTypes.DATE, WireTypes.DATETIME, WireTypes.TIMESTAMP, WireTypes.TIME -> {
                need(0, 8, size);
                long packed = WireBytes.i64(b, at);
                out.put('"');
                switch (fieldType) {
                    case WireTypes.DATE -> TemporalText.packedDate(packed, out);
                    case WireTypes.TIME -> TemporalText.packedTime(packed, 6, out);
                    default -> TemporalText.packedDateTime(packed, 6, out);
                }
                out.put('"');
            }
            default -> {
                out.putUtf8("\"base64:type");
                out.putLong(fieldType);
                out.put(':');
                byte[] raw = java.util.Arrays.copyOfRange(b, at, at + size);
                byte[] encoded = Base64.getEncoder().encode(raw);
                for (int i = 0; i < encoded.length; i += BASE64_LINE) {
                    if (i > 0) {
                        out.put('\\');
                        out.put('n');
                    }
                    out.put(encoded, i, Math.min(BASE64_LINE, encoded.length - i));
                }
                out.put('"');
            }
        }
    }

    /** Appends a quoted string, escaped as the server does. */
    static void quote(byte[] b, int at, int length, ByteSink out) {
        out.put('"');
        int copied = at;
        int end = at + length;
        for (int i = at; i < end; i++) {
            int c = b[i];
            if (c >= 0x20 && c != '"' && c != '\\' || c < 0) {
                continue;
            }
            out.put(b, copied, i - copied);
            copied = i + 1;
            out.put('\\');
            switch (c) {
                case '"', '\\' -> out.put(c);
                case '\b' -> out.put('b');
                case '\f' -> out.put('f');
                case '\n' -> out.put('n');
                case '\r' -> out.put('r');
                case '\t' -> out.put('t');
                default -> {
                    out.put('u');
                    out.put('0');
                    out.put('0');
                    out.put(HEX[c >> 4]);
                    out.put(HEX[c & 15]);
                }
            }
        }
        out.put(b, copied, end - copied);
        out.put('"');
    }
}
