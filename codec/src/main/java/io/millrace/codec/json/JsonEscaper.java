package io.millrace.codec.json;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import java.nio.charset.StandardCharsets;

/**
 * Writes the inside of JSON strings, eight bytes at a step, escaping what Go's encoders escape:
 * control characters, the quotation mark, the backslash, the HTML characters less-than,
 * greater-than and ampersand, and the line separators U+2028 and U+2029. Tab, line feed and
 * carriage return have their short forms, all others are {@code \}{@code u00xx}.
 *
 * <p>Text must be valid UTF-8, which is what servers hand out; it is not checked again here.
 */
public final class JsonEscaper {
    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long HIGHS = 0x8080_8080_8080_8080L;

    /** First byte of U+2028 and U+2029 in UTF-8, which go on with 80 A8 and 80 A9. */
    private static final int SEPARATOR_LEAD = 0xE2;

    /** Escape of each ASCII byte as up to eight characters in a little-endian word; 0 for none. */
    private static final long[] ESCAPE = new long[128];

    private static final byte[] ESCAPE_LENGTH = new byte[128];

    private static final long LINE_SEPARATOR = word("\\u2028");
    private static final long PARAGRAPH_SEPARATOR = word("\\u2029");

    /** Longest escape, in bytes; it must fit the slack of {@link ByteSink}. */
    private static final int LONGEST = 6;

    static {
        for (int c = 0; c < 0x20; c++) {
            escape(c, String.format("\\u%04x", c));
        }
        escape('\t', "\\t");
        escape('\n', "\\n");
        escape('\r', "\\r");
        escape('"', "\\\"");
        escape('\\', "\\\\");
        escape('<', "\\u003c");
        escape('>', "\\u003e");
        escape('&', "\\u0026");
    }

    private JsonEscaper() {}

    private static void escape(int c, String text) {
        ESCAPE[c] = word(text);
        ESCAPE_LENGTH[c] = (byte) text.length();
    }

    private static long word(String text) {
        byte[] padded = new byte[8];
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, padded, 0, bytes.length);
        return WireBytes.i64(padded, 0);
    }

    /**
     * Sets the high bit of the bytes that need a look: those to be escaped and every E2. Only the
     * first (lowest) marked byte is exact; the borrow of the subtractions may mark innocent bytes
     * above it, so callers scan anew after each.
     */
    static long mark(long word) {
        // A byte of one of these becomes zero where it matches; clearing one bit folds two
        // characters that differ in it only: quotation mark and ampersand, less and greater.
        long quoteOrAmpersand = (word & ~(ONES * 0x04)) ^ (ONES * 0x22);
        long angle = (word & ~(ONES * 0x02)) ^ (ONES * 0x3C);
        long backslash = word ^ (ONES * 0x5C);
        long separator = word ^ 0xE2E2_E2E2_E2E2_E2E2L;
        return ((quoteOrAmpersand - ONES & ~quoteOrAmpersand)
                        | (angle - ONES & ~angle)
                        | (backslash - ONES & ~backslash)
                        | (separator - ONES & ~separator)
                        | (word - ONES * 0x20 & ~word))
                & HIGHS;
    }

    /** Appends UTF-8 text. */
    public static void appendUtf8(byte[] text, int from, int count, ByteSink out) {
        int end = from + count;
        int readable = text.length - 8;
        // Room for the rest unescaped, plus slack for one word or one escape.
        byte[] to = out.ensure(count);
        int at = out.length();
        int i = from;
        while (i < end) {
            if (i > readable) {
                int c = text[i] & 0xFF;
                if (c < 0x80 ? ESCAPE_LENGTH[c] == 0 : c != SEPARATOR_LEAD) {
                    to[at++] = (byte) c;
                    i++;
                    continue;
                }
            } else {
                long word = WireBytes.i64(text, i);
                WireBytes.putI64(to, at, word);
                long mark = mark(word);
                int clean = Long.numberOfTrailingZeros(mark) >>> 3; // 8 when nothing is marked
                int left = end - i;
                if (clean >= left) {
                    at += left;
                    break;
                }
                i += clean;
                at += clean;
                if (clean == 8) {
                    continue;
                }
            }
            int c = text[i] & 0xFF;
            if (c == SEPARATOR_LEAD) {
                if (end - i >= 3 && text[i + 1] == (byte) 0x80 && (text[i + 2] & 0xFE) == 0xA8) {
                    WireBytes.putI64(
                            to,
                            at,
                            text[i + 2] == (byte) 0xA8 ? LINE_SEPARATOR : PARAGRAPH_SEPARATOR);
                    at += LONGEST;
                    i += 3;
                } else {
                    to[at++] = (byte) c;
                    i++;
                    continue;
                }
            } else {
                WireBytes.putI64(to, at, ESCAPE[c]);
                at += ESCAPE_LENGTH[c];
                i++;
            }
            out.length(at);
            to = out.ensure(end - i);
        }
        out.length(at);
    }

    /** Appends bytes as ISO-8859-1: each byte becomes the character of its number. */
    public static void appendLatin1(byte[] bytes, int from, int count, ByteSink out) {
        int end = from + count;
        int i = from;
        byte[] to = out.ensure(count);
        int at = out.length();
        while (i < end) {
            if (end - i >= 8) {
                long word = WireBytes.i64(bytes, i);
                if (((mark(word) | word) & HIGHS) == 0) {
                    WireBytes.putI64(to, at, word);
                    i += 8;
                    at += 8;
                    continue;
                }
            }
            int stop = Math.min(end, i + 8);
            for (; i < stop; i++) {
                int b = bytes[i] & 0xFF;
                if (b >= 0x80) {
                    to[at++] = (byte) (0xC0 | b >> 6);
                    to[at++] = (byte) (0x80 | b & 0x3F);
                } else if (ESCAPE_LENGTH[b] == 0) {
                    to[at++] = (byte) b;
                    continue;
                } else {
                    WireBytes.putI64(to, at, ESCAPE[b]);
                    at += ESCAPE_LENGTH[b];
                }
                out.length(at);
                to = out.ensure(end - i);
            }
        }
        out.length(at);
    }

    /** Appends text as a JSON string with its quotation marks; for control-rate use. */
    public static void appendString(String text, ByteSink out) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.put('"');
        appendUtf8(bytes, 0, bytes.length, out);
        out.put('"');
    }
}
