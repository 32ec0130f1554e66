package io.millrace.mysql.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.TableName;
import java.nio.charset.StandardCharsets;

/**
 * Literals and identifiers in the SQL of MySQL and MariaDB. Right only in sessions that {@link
 * TargetSession} set up: {@code NO_BACKSLASH_ESCAPES} and {@code ANSI_QUOTES} off, client character
 * set utf8mb4.
 */
final class SqlText {
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] BINARY = "_binary'".getBytes(StandardCharsets.US_ASCII);

    private SqlText() {}

    /** A quoted identifier. */
    static String quoted(String identifier) {
        return "`" + identifier.replace("`", "``") + "`";
    }

    /** A quoted, qualified table name. */
    static String quoted(TableName name) {
        return quoted(name.schema()) + "." + quoted(name.table());
    }

    /** A text literal, for control-rate use. */
    static String literal(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'";
    }

    /** Appends UTF-8 text as a literal: quotes and backslashes escaped, all else as it is. */
    static void putText(ByteSink out, byte[] source, int from, int length) {
        out.put('\'');
        putEscaped(out, source, from, length);
        out.put('\'');
    }

    /** Appends bytes as a binary literal. */
    static void putBinary(ByteSink out, byte[] source, int from, int length) {
        out.put(BINARY);
        putEscaped(out, source, from, length);
        out.put('\'');
    }

    /** Appends bytes in hexadecimal, {@code x'…'}. */
    static void putHex(ByteSink out, byte[] source, int from, int length) {
        byte[] array = out.ensure(2 * length + 3);
        int at = out.length();
        array[at++] = 'x';
        array[at++] = '\'';
        for (int i = from; i < from + length; i++) {
            array[at++] = HEX[(source[i] >>> 4) & 15];
            array[at++] = HEX[source[i] & 15];
        }
        array[at++] = '\'';
        out.length(at);
    }

    /**
     * The lexer reads a literal by the client's character set; in UTF-8 no multi-byte character
     * holds a quote or a backslash byte, so escaping byte by byte is safe, also for bytes that are
     * not UTF-8 at all.
     */
    private static void putEscaped(ByteSink out, byte[] source, int from, int length) {
        byte[] array = out.ensure(2 * length);
        int at = out.length();
        for (int i = from, end = from + length; i < end; i++) {
            byte b = source[i];
            if (b == '\'' || b == '\\') {
                array[at++] = '\\';
            } else if (b == 0) {
                array[at++] = '\\';
                b = '0';
            }
            array[at++] = b;
        }
        out.length(at);
    }
}
