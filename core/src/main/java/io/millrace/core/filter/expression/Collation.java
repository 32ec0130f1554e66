package io.millrace.core.filter.expression;

import io.millrace.core.model.Column;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Locale;

/**
 * How texts are compared, as far as a collation's name tells: with or without case and accents,
 * with or without trailing blanks. The order of letters is that of their code points (in upper case
 * when case does not count); in collations of the UCA punctuation comes before digits before
 * letters.
 *
 * @param binary bytes, held as one ISO 8859-1 character each
 * @param ignoresCase letters are equal in both cases
 * @param ignoresAccents and with and without accents
 * @param pads trailing blanks do not count
 * @param uca punctuation before digits before letters
 * @param letters what looks like a letter with an accent and is a letter of its own, in upper case
 * @param charset of texts that are in it, for their length in bytes
 */
record Collation(
        boolean binary,
        boolean ignoresCase,
        boolean ignoresAccents,
        boolean pads,
        boolean uca,
        String letters,
        Charset charset) {
    /** The UCA's order of what is neither letter nor digit, as far as it is ASCII. */
    private static final String UCA_ORDER = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

    static final Collation BINARY =
            new Collation(true, false, false, false, false, "", StandardCharsets.ISO_8859_1);

    /** Of literals and of what becomes a text: the default of a connection. */
    static final Collation DEFAULT = named("utf8mb4_general_ci", "utf8mb4");

    static Collation of(Column column) {
        return named(column.collation(), column.charset());
    }

    static Collation named(String name, String charset) {
        if (charset.equals("binary") || name.equals("binary")) {
            return BINARY;
        }
        String lower = name.toLowerCase(Locale.ROOT);
        boolean exact = lower.endsWith("_bin");
        boolean uca = lower.contains("0900") || lower.contains("uca") || lower.contains("unicode");
        boolean caseCounts = exact || lower.contains("_cs");
        boolean accentsCount = caseCounts || lower.contains("_as");
        boolean pads = !lower.contains("0900") && !lower.contains("nopad");
        return new Collation(
                false,
                !caseCounts,
                !accentsCount,
                pads,
                uca && !exact,
                letters(lower),
                charsetOf(charset));
    }

    private static String letters(String collation) {
        boolean swedish = collation.contains("swedish") || collation.contains("_sv_");
        boolean danish = collation.contains("danish") || collation.contains("_da_");
        return swedish || collation.contains("finnish") || danish ? "\u00c5\u00c4\u00d6" : "";
    }

    private static Charset charsetOf(String mysql) {
        String java =
                switch (mysql) {
                    case "latin1" -> "windows-1252";
                    case "gbk" -> "GBK";
                    case "gb18030" -> "GB18030";
                    case "gb2312" -> "GB2312";
                    case "big5" -> "Big5";
                    case "sjis", "cp932" -> "windows-31j";
                    case "ujis", "eucjpms" -> "EUC-JP";
                    case "euckr" -> "EUC-KR";
                    case "ucs2", "utf16" -> "UTF-16BE";
                    case "utf16le" -> "UTF-16LE";
                    case "utf32" -> "UTF-32BE";
                    case "cp1250" -> "windows-1250";
                    case "cp1251" -> "windows-1251";
                    case "latin2" -> "ISO-8859-2";
                    case "latin5" -> "windows-1254";
                    case "koi8r" -> "KOI8-R";
                    default -> "UTF-8";
                };
        return Charset.isSupported(java) ? Charset.forName(java) : StandardCharsets.UTF_8;
    }

    /** The text with everything that does not count made alike. */
    String fold(String text) {
        if (!ignoresCase && !ignoresAccents) {
            return text;
        }
        String plain = text;
        if (ignoresAccents && !isAscii(text)) {
            StringBuilder out = new StringBuilder(text.length());
            text.codePoints().forEach(c -> withoutAccent(c, out));
            plain = out.toString();
        }
        if (!ignoresCase) {
            return plain;
        }
        StringBuilder out = new StringBuilder(plain.length());
        plain.codePoints().map(Character::toUpperCase).forEach(out::appendCodePoint);
        return out.toString();
    }

    private void withoutAccent(int c, StringBuilder out) {
        if (c < 0x80 || letters.indexOf(Character.toUpperCase(c)) >= 0) {
            out.appendCodePoint(c);
            return;
        }
        Normalizer.normalize(Character.toString(c), Normalizer.Form.NFD)
                .codePoints()
                .filter(part -> Character.getType(part) != Character.NON_SPACING_MARK)
                .forEach(out::appendCodePoint);
    }

    private static boolean isAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 0x80) {
                return false;
            }
        }
        return true;
    }

    int compare(String left, String right) {
        int[] a = fold(left).codePoints().toArray();
        int[] b = fold(right).codePoints().toArray();
        int longest = Math.max(a.length, b.length);
        for (int i = 0; i < longest; i++) {
            if (!pads && (i >= a.length || i >= b.length)) {
                return Integer.compare(a.length, b.length);
            }
            int x = i < a.length ? a[i] : ' ';
            int y = i < b.length ? b[i] : ' ';
            if (x != y) {
                int byRank = uca ? Integer.compare(rank(x), rank(y)) : 0;
                return byRank != 0 ? byRank : Integer.compare(x, y);
            }
        }
        return 0;
    }

    private static int rank(int c) {
        if (Character.isLetter(c)) {
            return 300;
        }
        return Character.isDigit(c) ? 200 : UCA_ORDER.indexOf(c);
    }
}
