package io.millrace.mysql.row;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.InflaterInputStream;

/**
 * Character sets of MySQL and MariaDB: collation numbers to names, and decoders to UTF-8. Java's
 * own charsets differ from the servers' in dozens of codes (and with the JDK's release), so the
 * tables in this package's resources hold what MySQL 8.0.33 and MariaDB 11.4.5 themselves convert
 * to.
 */
public final class CharsetMap {
    /** {@code name ids}, as in information_schema.collations of both servers. */
    private static final String COLLATIONS =
            """
            armscii8 32,64
            ascii 11,65
            big5 1,84
            binary 63
            cp1250 26,34,44,66,99
            cp1251 14,23,50-52
            cp1256 57,67
            cp1257 29,58-59
            cp850 4,80
            cp852 40,81
            cp866 36,68
            cp932 95-96
            dec8 3,69
            eucjpms 97-98
            euckr 19,85
            gb18030 248-250
            gb2312 24,86
            gbk 28,87
            geostd8 92-93
            greek 25,70
            hebrew 16,71
            hp8 6,72
            keybcs2 37,73
            koi8r 7,74
            koi8u 22,75
            latin1 5,8,15,31,47-49,94
            latin2 2,9,21,27,77
            latin5 30,78
            latin7 20,41-42,79
            macce 38,43
            macroman 39,53
            sjis 13,88
            swe7 10,82
            tis620 18,89
            ucs2 35,90,128-151,159,640-642
            ujis 12,91
            utf16 54-55,101-124,672-674
            utf16le 56,62
            utf32 60-61,160-183,736-738
            utf8mb3 33,76,83,192-215,223,576-578
            utf8mb4 45-46,224-247,255-271,273-275,277-294,296-298,300,303-323,608-610
            """;

    /** MariaDB's NOPAD collations are numbered like their padding twins, plus this. */
    private static final int MARIADB_NOPAD = 1024;

    /** MariaDB's UCA 14.0.0 collations: 256 numbers for each of five Unicode character sets. */
    private static final int MARIADB_UCA1400 = 2048;

    private static final String[] MARIADB_UCA1400_SETS = {
        "utf8mb3", "utf8mb4", "ucs2", "utf16", "utf32"
    };

    private static final String[] BY_COLLATION = new String[MARIADB_NOPAD];

    private static final Map<String, Integer> MAX_BYTES = new HashMap<>();

    private static final Map<String, TextDecoder> DECODERS = new ConcurrentHashMap<>();

    static {
        COLLATIONS
                .lines()
                .filter(line -> !line.isBlank())
                .forEach(line -> {
                    String[] parts = line.strip().split(" ");
                    MAX_BYTES.put(parts[0], 1);
                    for (String range : parts[1].split(",")) {
                        String[] ends = range.split("-");
                        int last = Integer.parseInt(ends[ends.length - 1]);
                        for (int id = Integer.parseInt(ends[0]); id <= last; id++) {
                            BY_COLLATION[id] = parts[0];
                        }
                    }
                });
        for (String name :
                new String[] {"big5", "cp932", "euckr", "gb2312", "gbk", "sjis", "ucs2"}) {
            MAX_BYTES.put(name, 2);
        }
        for (String name : new String[] {"eucjpms", "ujis", "utf8mb3"}) {
            MAX_BYTES.put(name, 3);
        }
        for (String name : new String[] {"gb18030", "utf16", "utf16le", "utf32", "utf8mb4"}) {
            MAX_BYTES.put(name, 4);
        }
    }

    private CharsetMap() {}

    /** Character set name of a collation number, such as {@code utf8mb4}; empty when unknown. */
    public static Optional<String> ofCollation(int collationId) {
        if (collationId >= MARIADB_UCA1400) {
            int set = (collationId - MARIADB_UCA1400) >> 8;
            return set < MARIADB_UCA1400_SETS.length
                    ? Optional.of(MARIADB_UCA1400_SETS[set])
                    : Optional.empty();
        }
        int base = collationId >= MARIADB_NOPAD ? collationId - MARIADB_NOPAD : collationId;
        return base < 0 ? Optional.empty() : Optional.ofNullable(BY_COLLATION[base]);
    }

    /** Most bytes of one character; 1 for {@code binary}, and 4 for names that are not known. */
    public static int maxBytes(String charset) {
        return MAX_BYTES.getOrDefault(canonical(charset), 4);
    }

    /** Whether text of the character set is UTF-8 as it is. */
    public static boolean isUtf8(String charset) {
        return switch (charset) {
            case "utf8mb4", "utf8mb3", "utf8", "ascii" -> true;
            default -> false;
        };
    }

    /**
     * Decodes text, for control-rate use (names, elements).
     *
     * @throws MillraceException UNSUPPORTED_EVENT when the character set is not known
     */
    public static String decode(String charset, byte[] bytes, int from, int length) {
        if (isUtf8(charset)) {
            return new String(bytes, from, length, StandardCharsets.UTF_8);
        }
        io.millrace.core.bytes.ByteSink out = new io.millrace.core.bytes.ByteSink(length * 3);
        decoder(charset).append(bytes, from, length, out);
        return out.toString();
    }

    /** Decoder of a character set; shared, immutable. */
    static TextDecoder decoder(String charset) {
        String name = canonical(charset);
        TextDecoder known = DECODERS.get(name);
        if (known != null) {
            return known;
        }
        if (!MAX_BYTES.containsKey(name)) {
            throw new MillraceException(
                    ErrorCode.UNSUPPORTED_EVENT, "character set " + charset + " is not supported");
        }
        return DECODERS.computeIfAbsent(name, CharsetMap::make);
    }

    private static String canonical(String charset) {
        return charset.equals("utf8") ? "utf8mb3" : charset;
    }

    private static TextDecoder make(String name) {
        return switch (name) {
            case "utf8mb4", "utf8mb3", "ascii", "binary" -> new TextDecoder.Copy();
            case "ucs2", "utf16" -> new TextDecoder.Utf16(false);
            case "utf16le" -> new TextDecoder.Utf16(true);
            case "utf32" -> new TextDecoder.Utf32();
            case "big5", "cp932", "euckr", "gb2312", "gbk", "sjis" ->
                    new TextDecoder.MultiByte(
                            single(name), table(name + "-2"), new char[0], new char[0]);
            case "eucjpms", "ujis" ->
                    new TextDecoder.MultiByte(
                            single(name), table(name + "-2"), table(name + "-3"), new char[0]);
            case "gb18030" -> {
                char[] two = table("gb18030-2");
                yield new TextDecoder.MultiByte(single(name), two, new char[0], gb18030Four(two));
            }
            default -> new TextDecoder.SingleByte(single(name));
        };
    }

    /** The line of a set in {@code single-byte.txt}: 256 code points of four hex digits. */
    private static char[] single(String name) {
        try (InputStream in = open("single-byte.txt")) {
            String text = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
            for (String line : text.split("\n")) {
                if (line.startsWith(name + " ")) {
                    char[] table = new char[256];
                    for (int i = 0, at = name.length() + 1; i < 256; i++, at += 4) {
                        String hex = line.substring(at, at + 4);
                        table[i] = hex.equals("----") ? '?' : (char) Integer.parseInt(hex, 16);
                    }
                    return table;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new IllegalStateException("no table for character set " + name);
    }

    /** A deflated table: runs of first code, count, and that many characters, all 16 bits. */
    private static char[] table(String name) {
        char[] table = new char[0x1_0000];
        Arrays.fill(table, TextDecoder.MultiByte.NONE);
        try (DataInputStream in =
                new DataInputStream(new InflaterInputStream(open(name + ".tbl")))) {
            while (true) {
                int code;
                try {
                    code = in.readUnsignedShort();
                } catch (EOFException _) {
                    return table;
                }
                for (int count = in.readUnsignedShort(); count > 0; count--) {
                    table[code++] = in.readChar();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * GB 18030's four-byte codes of the basic plane: in order, every character that has no shorter
     * code. In the 2005 edition, which both servers follow, U+1E3F moved to a two-byte code and
     * U+E7C7 took its place.
     */
    private static char[] gb18030Four(char[] two) {
        boolean[] taken = new boolean[0x1_0000];
        for (char c : two) {
            taken[c] = true;
        }
        taken[0x1E3F] = false;
        taken[0xE7C7] = true;
        taken[0xFFFF] = false;
        char[] four = new char[GB18030_BASIC_PLANE];
        int index = 0;
        for (int c = 0x80; c < 0x1_0000; c++) {
            if (!taken[c] && !Character.isSurrogate((char) c)) {
                four[index++] = c == 0x1E3F ? '\uE7C7' : (char) c;
            }
        }
        return four;
    }

    private static final int GB18030_BASIC_PLANE = 39_420;

    private static InputStream open(String resource) {
        InputStream in = CharsetMap.class.getResourceAsStream(resource);
        if (in == null) {
            throw new IllegalStateException("resource missing: " + resource);
        }
        return in;
    }
}
