package io.millrace.mysql.capture;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.wire.QueryContext;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.IntFunction;

/**
 * A QUERY event: thread id, execution time, length of the database name, error code, length of the
 * status variables, these, the database name, a zero byte, the statement. Status variables are
 * code-value pairs without lengths; the ones that matter come first, and the first unknown code
 * ends the list.
 *
 * @param sql the statement
 * @param context the session's state
 */
record QueryEvent(String sql, QueryContext context) {
    private static final int FIXED = 13;

    private static final int FLAGS2 = 0;
    private static final int SQL_MODE = 1;
    private static final int CATALOG = 2;
    private static final int AUTO_INCREMENT = 3;
    private static final int CHARSET = 4;
    private static final int TIME_ZONE = 5;
    private static final int CATALOG_NZ = 6;

    /**
     * @param charsets collation number to character set
     */
    static QueryEvent parse(EventSource event, IntFunction<Charset> charsets) {
        byte[] b = event.bytes();
        int at = event.bodyStart();
        int end = event.bodyEnd();
        if (end - at < FIXED) {
            throw corrupt();
        }
        long thread = WireBytes.u32(b, at);
        int databaseLength = WireBytes.u8(b, at + 8);
        int statusEnd = at + FIXED + WireBytes.u16(b, at + 11);
        int sqlStart = statusEnd + databaseLength + 1;
        if (sqlStart > end) {
            throw corrupt();
        }
        String database = new String(b, statusEnd, databaseLength, StandardCharsets.UTF_8);
        long mode = 0;
        int client = 0;
        int server = 0;
        int v = at + FIXED;
        loop:
        while (v < statusEnd) {
            switch (b[v++] & 0xFF) {
                case FLAGS2, AUTO_INCREMENT -> v += 4;
                case SQL_MODE -> {
                    mode = WireBytes.i64(b, v);
                    v += 8;
                }
                case CATALOG -> v += (b[v] & 0xFF) + 2;
                case TIME_ZONE, CATALOG_NZ -> v += (b[v] & 0xFF) + 1;
                case CHARSET -> {
                    client = WireBytes.u16(b, v);
                    server = WireBytes.u16(b, v + 4);
                    v += 6;
                }
                default -> {
                    break loop;
                }
            }
        }
        int length = end - sqlStart;
        while (length > 0 && b[sqlStart + length - 1] == 0) {
            length--;
        }
        String sql =
                new String(b, sqlStart, length, charset(b, sqlStart, length, client, charsets));
        return new QueryEvent(
                sql, new QueryContext(database, mode, client, server, thread, event.timestamp()));
    }

    private static Charset charset(
            byte[] b, int from, int length, int collation, IntFunction<Charset> charsets) {
        for (int i = from; i < from + length; i++) {
            if (b[i] < 0) {
                return charsets.apply(collation);
            }
        }
        return StandardCharsets.US_ASCII;
    }

    private static MillraceException corrupt() {
        return new MillraceException(
                ErrorCode.UPSTREAM_CORRUPT, "The binlog holds a QUERY event that is cut off.");
    }

    /** Upper-case first word of the statement, comments before it skipped; may be empty. */
    String verb() {
        int at = 0;
        int n = sql.length();
        while (at < n) {
            char c = sql.charAt(at);
            if (Character.isWhitespace(c) || c == '(' || c == ';') {
                at++;
            } else if (sql.startsWith("/*", at)
                    && !sql.startsWith("/*!", at)
                    && !sql.startsWith("/*M!", at)) {
                int close = sql.indexOf("*/", at + 2);
                at = close < 0 ? n : close + 2;
            } else if (sql.startsWith("/*", at)) {
                at += sql.startsWith("/*M!", at) ? 4 : 3;
                while (at < n && Character.isDigit(sql.charAt(at))) {
                    at++;
                }
            } else if (c == '#' || sql.startsWith("-- ", at)) {
                int line = sql.indexOf('\n', at);
                at = line < 0 ? n : line + 1;
            } else {
                break;
            }
        }
        int end = at;
        while (end < n && (Character.isLetter(sql.charAt(end)) || sql.charAt(end) == '_')) {
            end++;
        }
        return sql.substring(at, end).toUpperCase(Locale.ROOT);
    }
}
