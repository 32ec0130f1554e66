package io.millrace.mysql.row;

import io.millrace.core.bytes.ByteSink;

/**
 * Converts text of one MySQL character set to UTF-8, as the server's CONVERT does: what has no
 * Unicode character, or is no character at all, becomes {@code ?}. Immutable, thread-safe, does not
 * allocate.
 */
abstract class TextDecoder {
    private static final int REPLACEMENT = '?';

    /** Appends {@code length} bytes from {@code at} as UTF-8. */
    abstract void append(byte[] b, int at, int length, ByteSink out);

    /** Appends one code point. */
    static void putCodePoint(int c, ByteSink out) {
        int at = out.length();
        byte[] array = out.ensure(4);
        if (c < 0x80) {
            array[at++] = (byte) c;
        } else if (c < 0x800) {
            array[at++] = (byte) (0xC0 | c >> 6);
            array[at++] = (byte) (0x80 | c & 0x3F);
        } else if (c < 0x1_0000) {
            array[at++] = (byte) (0xE0 | c >> 12);
            array[at++] = (byte) (0x80 | c >> 6 & 0x3F);
            array[at++] = (byte) (0x80 | c & 0x3F);
        } else {
            array[at++] = (byte) (0xF0 | c >> 18);
            array[at++] = (byte) (0x80 | c >> 12 & 0x3F);
            array[at++] = (byte) (0x80 | c >> 6 & 0x3F);
            array[at++] = (byte) (0x80 | c & 0x3F);
        }
        out.length(at);
    }

    /** UTF-8 already, or ASCII: copied. */
    static final class Copy extends TextDecoder {
        @Override
        void append(byte[] b, int at, int length, ByteSink out) {
            out.put(b, at, length);
        }
    }

    /** One byte, one character. */
    static final class SingleByte extends TextDecoder {
        private final char[] table;

        SingleByte(char[] table) {
            this.table = table;
        }

        @Override
        void append(byte[] b, int at, int length, ByteSink out) {
            // Room for the longest outcome first, so that the loop needs no checks.
            byte[] to = out.ensure(Math.multiplyExact(length, 3));
            int end = at + length;
            int target = out.length();
            while (at < end) {
                char c = table[b[at++] & 0xFF];
                if (c < 0x80) {
                    to[target++] = (byte) c;
                } else if (c < 0x800) {
                    to[target++] = (byte) (0xC0 | c >> 6);
                    to[target++] = (byte) (0x80 | c & 0x3F);
                } else {
                    to[target++] = (byte) (0xE0 | c >> 12);
                    to[target++] = (byte) (0x80 | c >> 6 & 0x3F);
                    to[target++] = (byte) (0x80 | c & 0x3F);
                }
            }
            out.length(target);
        }
    }

    /**
     * The East Asian sets: single bytes, two-byte codes, and for EUC-JP three-byte codes behind
     * 0x8F, for GB 18030 four-byte codes.
     */
    static final class MultiByte extends TextDecoder {
        /** Marks codes without a character. */
        static final char NONE = '\uFFFF';

        private static final int EUC_3 = 0x8F;

        private final char[] single;
        private final char[] two;
        private final char[] three;
        private final char[] four;

        /**
         * @param three codes behind 0x8F, empty when the set has none
         * @param four characters of four-byte codes by linear index, empty when the set has none
         */
        MultiByte(char[] single, char[] two, char[] three, char[] four) {
            this.single = single;
            this.two = two;
            this.three = three;
            this.four = four;
        }

        @Override
        void append(byte[] b, int at, int length, ByteSink out) {
            int end = at + length;
            while (at < end) {
                int lead = b[at] & 0xFF;
                if (lead < 0x80) {
                    putCodePoint(single[lead], out);
                    at++;
                    continue;
                }
                if (lead == EUC_3 && three.length > 0 && end - at >= 3) {
                    int code = (b[at + 1] & 0xFF) << 8 | b[at + 2] & 0xFF;
                    if (code >= 0xA1A1) {
                        put(three[code], out);
                        at += 3;
                        continue;
                    }
                }
                if (four.length > 0 && end - at >= 4 && isDigit(b[at + 1]) && isDigit(b[at + 3])) {
                    putCodePoint(gb18030(b, at), out);
                    at += 4;
                    continue;
                }
                if (end - at >= 2) {
                    char c = two[lead << 8 | b[at + 1] & 0xFF];
                    if (c != NONE) {
                        putCodePoint(c, out);
                        at += 2;
                        continue;
                    }
                    // A pair of bytes that both look like halves of a code is one unknown
                    // character.
                    if (single[lead] == REPLACEMENT && (b[at + 1] & 0xFF) >= 0x40) {
                        out.put(REPLACEMENT);
                        at += 2;
                        continue;
                    }
                }
                putCodePoint(single[lead], out);
                at++;
            }
        }

        private static void put(char c, ByteSink out) {
            putCodePoint(c == NONE ? REPLACEMENT : c, out);
        }

        private static boolean isDigit(byte b) {
            return b >= 0x30 && b <= 0x39;
        }

        private int gb18030(byte[] b, int at) {
            int index =
                    (((b[at] & 0xFF) - 0x81) * 10 + (b[at + 1] - 0x30)) * 126
                            + ((b[at + 2] & 0xFF) - 0x81);
            index = index * 10 + (b[at + 3] - 0x30);
            if (index < 0) {
                return REPLACEMENT;
            }
            if (index < four.length) {
                return four[index];
            }
            int supplementary = index - GB18030_SUPPLEMENTARY + 0x1_0000;
            return supplementary >= 0x1_0000 && supplementary <= Character.MAX_CODE_POINT
                    ? supplementary
                    : REPLACEMENT;
        }

        /** Linear index of 0x90308130, which is U+10000. */
        private static final int GB18030_SUPPLEMENTARY = 189_000;
    }

    /** UCS-2 and UTF-16 in either byte order. */
    static final class Utf16 extends TextDecoder {
        private final boolean little;

        Utf16(boolean little) {
            this.little = little;
        }

        @Override
        void append(byte[] b, int at, int length, ByteSink out) {
            int end = at + (length & ~1);
            while (at < end) {
                char c = unit(b, at);
                at += 2;
                if (Character.isHighSurrogate(c)
                        && at < end
                        && Character.isLowSurrogate(unit(b, at))) {
                    putCodePoint(Character.toCodePoint(c, unit(b, at)), out);
                    at += 2;
                } else {
                    putCodePoint(Character.isSurrogate(c) ? REPLACEMENT : c, out);
                }
            }
            if ((length & 1) != 0) {
                out.put(REPLACEMENT);
            }
        }

        private char unit(byte[] b, int at) {
            return little
                    ? (char) (b[at] & 0xFF | b[at + 1] << 8)
                    : (char) (b[at] << 8 | b[at + 1] & 0xFF);
        }
    }

    /** UTF-32, big-endian. */
    static final class Utf32 extends TextDecoder {
        @Override
        void append(byte[] b, int at, int length, ByteSink out) {
            for (int end = at + (length & ~3); at < end; at += 4) {
                int c =
                        b[at] << 24
                                | (b[at + 1] & 0xFF) << 16
                                | (b[at + 2] & 0xFF) << 8
                                | b[at + 3] & 0xFF;
                boolean valid =
                        Character.isValidCodePoint(c)
                                && !(c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
                putCodePoint(valid ? c : REPLACEMENT, out);
            }
            if ((length & 3) != 0) {
                out.put(REPLACEMENT);
            }
        }
    }
}
