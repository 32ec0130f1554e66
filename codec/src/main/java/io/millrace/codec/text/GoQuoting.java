package io.millrace.codec.text;

import io.millrace.core.bytes.ByteSink;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Bytes as the inside of a string literal of the Go language, as its {@code strconv.Quote} writes
 * it: printable characters of valid UTF-8 stay, all else is escaped ({@code \n}, {@code \x89},
 * {@code \u00ad}). Writing allocates nothing.
 */
public final class GoQuoting {
    private static final int SIX_BITS = 0x3F;

    private GoQuoting() {}

    /** Appends bytes, escaped. */
    public static void append(byte[] source, int from, int count, ByteSink out) {
        int end = from + count;
        int i = from;
        while (i < end) {
            int b = source[i] & 0xFF;
            if (b < 0x80) {
                appendAscii(b, out);
                i++;
                continue;
            }
            int length = sequenceLength(source, i, end);
            if (length == 0) {
                appendHexEscape('x', b, 2, out);
                i++;
                continue;
            }
            int point = codePoint(source, i, length);
            if (isPrintable(point)) {
                out.put(source, i, length);
            } else if (point < 0x10000) {
                appendHexEscape('u', point, 4, out);
            } else {
                appendHexEscape('U', point, 8, out);
            }
            i += length;
        }
    }

    private static void appendAscii(int b, ByteSink out) {
        int letter =
                switch (b) {
                    case '"', '\\' -> b;
                    case 0x07 -> 'a';
                    case '\b' -> 'b';
                    case '\f' -> 'f';
                    case '\n' -> 'n';
                    case '\r' -> 'r';
                    case '\t' -> 't';
                    case 0x0B -> 'v';
                    default -> 0;
                };
        if (letter != 0) {
            out.put('\\');
            out.put(letter);
        } else if (b < ' ' || b == 0x7F) {
            appendHexEscape('x', b, 2, out);
        } else {
            out.put(b);
        }
    }

    private static void appendHexEscape(char kind, int value, int digits, ByteSink out) {
        out.put('\\');
        out.put(kind);
        for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
            out.put(Character.forDigit(value >> shift & 15, 16));
        }
    }

    /** Length of the valid UTF-8 sequence here, 0 when there is none. */
    private static int sequenceLength(byte[] source, int at, int end) {
        int lead = source[at] & 0xFF;
        int length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
        if (length == 0 || lead > 0xF4 || end - at < length) {
            return 0;
        }
        for (int i = 1; i < length; i++) {
            if ((source[at + i] & 0xC0) != 0x80) {
                return 0;
            }
        }
        int point = codePoint(source, at, length);
        boolean shortest = point >= (length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000);
        boolean surrogate = point >= 0xD800 && point <= 0xDFFF;
        return shortest && !surrogate && point <= Character.MAX_CODE_POINT ? length : 0;
    }

    private static int codePoint(byte[] source, int at, int length) {
        int point = source[at] & 0xFF >> length + 1;
        for (int i = 1; i < length; i++) {
            point = point << 6 | source[at + i] & SIX_BITS;
        }
        return point;
    }

    /** Letters, marks, numbers, punctuation and symbols; of the blanks only the ASCII one. */
    private static boolean isPrintable(int point) {
        return switch (Character.getType(point)) {
            case Character.UNASSIGNED,
                    Character.CONTROL,
                    Character.FORMAT,
                    Character.PRIVATE_USE,
                    Character.SURROGATE,
                    Character.SPACE_SEPARATOR,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    false;
            default -> true;
        };
    }

    /**
     * The bytes that were written this way.
     *
     * @throws IllegalArgumentException when the text has an escape that Go does not know
     */
    public static byte[] parse(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(text.length());
        for (int i = 0; i < text.length(); ) {
            if (text.charAt(i) != '\\') {
                int point = text.codePointAt(i);
                i += Character.charCount(point);
                out.writeBytes(Character.toString(point).getBytes(StandardCharsets.UTF_8));
                continue;
            }
            if (i + 1 == text.length()) {
                throw new IllegalArgumentException("a string ends with a backslash");
            }
            char kind = text.charAt(i + 1);
            i += 2;
            switch (kind) {
                case '"', '\\' -> out.write(kind);
                case 'a' -> out.write(0x07);
                case 'b' -> out.write('\b');
                case 'f' -> out.write('\f');
                case 'n' -> out.write('\n');
                case 'r' -> out.write('\r');
                case 't' -> out.write('\t');
                case 'v' -> out.write(0x0B);
                case 'x' -> {
                    out.write(hex(text, i, 2));
                    i += 2;
                }
                case 'u' -> {
                    out.writeBytes(
                            Character.toString(hex(text, i, 4)).getBytes(StandardCharsets.UTF_8));
                    i += 4;
                }
                case 'U' -> {
                    out.writeBytes(
                            Character.toString(hex(text, i, 8)).getBytes(StandardCharsets.UTF_8));
                    i += 8;
                }
                default -> throw new IllegalArgumentException("unknown escape \\" + kind);
            }
        }
        return out.toByteArray();
    }

    private static int hex(String text, int at, int digits) {
        if (text.length() - at < digits) {
            throw new IllegalArgumentException("an escape ends too early");
        }
        return Integer.parseInt(text.substring(at, at + digits), 16);
    }
}
