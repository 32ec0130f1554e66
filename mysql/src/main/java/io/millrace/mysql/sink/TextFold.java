package io.millrace.mysql.sink;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Locale;

/**
 * Hashes of text such that texts which a collation of the target treats as equal hash alike.
 *
 * <p>A collation may ignore case, accents, trailing blanks and control characters, and may take
 * {@code ß} for {@code s} or {@code ss}. Only collisions are harmless here, so this folds more than
 * any one collation: letters lose case and accents, {@code v w} count as {@code u}, {@code j y} as
 * {@code i}, a run of {@code s} as one. Where it does not know, it answers {@link #UNKNOWN}: such a
 * text may equal any other, and the caller lets its row wait for all others of the table.
 */
final class TextFold {
    /** Which notion of equality the column has. */
    enum Rule {
        /** Byte by byte, trailing blanks aside. */
        BINARY,
        /** A collation whose folding of Latin, Greek, Cyrillic, CJK and Hangul is covered. */
        COMMON,
        /** Any other collation: only ASCII is certain. */
        OTHER
    }

    /** The answer for a text that may equal any other. */
    static final long UNKNOWN = Long.MIN_VALUE;

    /** For each ASCII byte what it counts as; 0 for control characters, which may be ignored. */
    private static final byte[] ASCII = new byte[128];

    static {
        for (int c = 0x20; c < 0x7F; c++) {
            ASCII[c] = (byte) Character.toLowerCase(c);
        }
        for (char c : new char[] {'V', 'v', 'W', 'w', 'U'}) {
            ASCII[c] = 'u';
        }
        for (char c : new char[] {'J', 'j', 'Y', 'y', 'I'}) {
            ASCII[c] = 'i';
        }
    }

    private static final long PRIME = 0x9E37_79B9_7F4A_7C15L;

    private TextFold() {}

    /** The rule for a collation name; empty when it is not known. */
    static Rule rule(String collation) {
        String name = collation.toLowerCase(Locale.ROOT);
        if (name.equals("binary") || name.endsWith("_bin")) {
            return Rule.BINARY;
        }
        int underscore = name.indexOf('_');
        String rest = underscore < 0 ? name : name.substring(underscore + 1);
        return switch (rest) {
            case "general_ci",
                    "unicode_ci",
                    "unicode_520_ci",
                    "general_nopad_ci",
                    "unicode_nopad_ci",
                    "unicode_520_nopad_ci",
                    "0900_ai_ci",
                    "0900_as_ci",
                    "0900_as_cs",
                    "ai_ci",
                    "as_ci",
                    "as_cs",
                    "uca1400_ai_ci",
                    "uca1400_as_ci",
                    "uca1400_as_cs",
                    "uca1400_ai_cs" -> {
                // latin1_general_ci and its kin have tables of their own
                yield name.startsWith("utf8") || name.startsWith("uca1400")
                        ? Rule.COMMON
                        : Rule.OTHER;
            }
            default -> Rule.OTHER;
        };
    }

    /**
     * Hashes UTF-8 text.
     *
     * @param prefix characters that count, 0 for all
     */
    static long hash(byte[] bytes, int from, int length, int prefix, Rule rule) {
        if (rule == Rule.BINARY) {
            return hashBinary(bytes, from, length, prefix);
        }
        int end = from + length;
        long hash = 7;
        int blanks = 0;
        int previous = 0;
        int characters = 0;
        for (int at = from; at < end; at++) {
            int b = bytes[at];
            if (b < 0) {
                return rule == Rule.COMMON ? hashUnicode(bytes, from, length, prefix) : UNKNOWN;
            }
            if (prefix > 0 && characters++ == prefix) {
                break;
            }
            int folded = ASCII[b];
            if (folded == 0) {
                return UNKNOWN;
            }
            if (folded == ' ') {
                blanks++;
                previous = ' ';
                continue;
            }
            if (folded == 's' && previous == 's') {
                continue;
            }
            for (; blanks > 0; blanks--) {
                hash = (hash + ' ') * PRIME;
            }
            hash = (hash + folded) * PRIME;
            previous = folded;
        }
        return finish(hash);
    }

    private static long hashBinary(byte[] bytes, int from, int length, int prefix) {
        int end = from + length;
        if (prefix > 0) {
            int characters = 0;
            int at = from;
            while (at < end && ((bytes[at] & 0xC0) == 0x80 || characters++ < prefix)) {
                at++;
            }
            end = at;
        }
        while (end > from && (bytes[end - 1] == ' ' || bytes[end - 1] == 0)) {
            end--;
        }
        long hash = 11;
        for (int at = from; at < end; at++) {
            hash = (hash + (bytes[at] & 0xFF)) * PRIME;
        }
        return finish(hash);
    }

    private static long hashUnicode(byte[] bytes, int from, int length, int prefix) {
        String text = new String(bytes, from, length, StandardCharsets.UTF_8);
        if (prefix > 0 && text.codePointCount(0, text.length()) > prefix) {
            text = text.substring(0, text.offsetByCodePoints(0, prefix));
        }
        String folded = fold(text);
        if (folded == null) {
            return UNKNOWN;
        }
        long hash = 7;
        for (int i = 0; i < folded.length(); i++) {
            hash = (hash + folded.charAt(i)) * PRIME;
        }
        return finish(hash);
    }

    /** The folded text, or null when it may equal anything. */
    static @org.jspecify.annotations.Nullable String fold(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if ((c >= 0x340 && c <= 0x37A) || (c >= 0x1F80 && c <= 0x1FFF)) {
                // The combining and subscript iota, and small letters above others, count as
                // letters in some collations and as accents in others.
                return null;
            }
        }
        // Marks go first: the Greek iota subscript would become a letter in upper case.
        String plain = withoutMarks(Normalizer.normalize(text, Normalizer.Form.NFKD));
        plain = plain.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
        plain = Normalizer.normalize(plain, Normalizer.Form.NFKD);
        StringBuilder out = new StringBuilder(plain.length());
        for (int i = 0; i < plain.length(); i++) {
            char c = plain.charAt(i);
            if (c < 128) {
                int folded = ASCII[c];
                if (folded == 0) {
                    return null;
                }
                append(out, (char) folded);
            } else if (c >= 0x300 && c <= 0x36F) {
                continue;
            } else if ((c >= 0x4E00 && c <= 0x9FA5)
                    || (c >= 0x3B1 && c <= 0x3C9)
                    || (c >= 0x430 && c <= 0x44F)) {
                append(out, c == 'ς' ? 'σ' : c);
            } else {
                String letters = special(c);
                if (letters == null) {
                    return null;
                }
                for (int k = 0; k < letters.length(); k++) {
                    append(out, letters.charAt(k));
                }
            }
        }
        int end = out.length();
        while (end > 0 && out.charAt(end - 1) == ' ') {
            end--;
        }
        return out.substring(0, end);
    }

    private static String withoutMarks(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < 0x300 || c > 0x36F) {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static void append(StringBuilder out, char c) {
        int last = out.length() - 1;
        if (c != 's' || last < 0 || out.charAt(last) != 's') {
            out.append(c);
        }
    }

    /** Latin letters that do not decompose. */
    private static @org.jspecify.annotations.Nullable String special(char c) {
        return switch (c) {
            case 'ß' -> "s";
            case 'æ' -> "ae";
            case 'œ' -> "oe";
            case 'ø' -> "o";
            case 'đ', 'ð' -> "d";
            case 'ł' -> "l";
            case 'ħ' -> "h";
            case 'ı' -> "i";
            default -> null;
        };
    }

    private static long finish(long hash) {
        long mixed = (hash ^ (hash >>> 32)) * 0xD6E8_FEB8_6659_FD93L;
        mixed ^= mixed >>> 32;
        return mixed == UNKNOWN ? 1 : mixed;
    }
}
