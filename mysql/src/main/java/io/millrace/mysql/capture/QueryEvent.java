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
 * code-value pairs without lengths; the first unknown code ends the list. Their codes and sizes are
 * those of MySQL's manual of the binlog ({@code Query_event}); from 128 on they are MariaDB's.
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
    private static final int TIME_NAMES = 7;
    private static final int DATABASE_CHARSET = 8;
    private static final int TABLES_FOR_UPDATE = 9;
    private static final int DATA_WRITTEN = 10;
    private static final int INVOKER = 11;
    private static final int UPDATED_DATABASES = 12;
    private static final int MICROSECONDS = 13;
    private static final int EXPLICIT_TIMESTAMPS = 16;
    private static final int DDL_XID = 17;
    private static final int UTF8MB4_COLLATION = 18;
    private static final int REQUIRE_PRIMARY_KEY = 19;
    private static final int TABLE_ENCRYPTION = 20;

    private static final int MARIADB_MICROSECONDS = 128;
    private static final int MARIADB_XID = 129;
    private static final int MARIADB_GTID_FLAGS = 130;
    private static final int MARIADB_COLLATIONS = 131;

    /** A count of {@link #UPDATED_DATABASES} that stands for "too many to name". */
    private static final int TOO_MANY = 254;

    /** In {@link #MARIADB_GTID_FLAGS}: the end of an ALTER in two phases, whose number follows. */
    private static final int MARIADB_SPLIT_ALTER = 4 | 8;

    /** utf8mb4_general_ci, by which MariaDB names the character set in its list of defaults. */
    private static final int UTF8MB4_GENERAL = 45;

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
        int connection = 0;
        int utf8mb4 = 0;
        int micros = 0;
        int explicitTimestamps = -1;
        int flags = 0;
        boolean modeGiven = false;
        String zone = "";
        int v = at + FIXED;
        loop:
        while (v < statusEnd) {
            switch (b[v++] & 0xFF) {
                case FLAGS2 -> {
                    flags = WireBytes.i32(b, v);
                    v += 4;
                }
                case AUTO_INCREMENT, DATA_WRITTEN -> v += 4;
                case SQL_MODE -> {
                    mode = WireBytes.i64(b, v);
                    modeGiven = true;
                    v += 8;
                }
                case CATALOG -> v += (b[v] & 0xFF) + 2;
                case CATALOG_NZ -> v += (b[v] & 0xFF) + 1;
                case TIME_ZONE -> {
                    int length = b[v++] & 0xFF;
                    zone = new String(b, v, length, StandardCharsets.UTF_8);
                    v += length;
                }
                case CHARSET -> {
                    client = WireBytes.u16(b, v);
                    connection = WireBytes.u16(b, v + 2);
                    server = WireBytes.u16(b, v + 4);
                    v += 6;
                }
                case TIME_NAMES, DATABASE_CHARSET -> v += 2;
                case TABLES_FOR_UPDATE, DDL_XID, MARIADB_XID -> v += 8;
                case INVOKER -> {
                    v += (b[v] & 0xFF) + 1;
                    v += (b[v] & 0xFF) + 1;
                }
                case UPDATED_DATABASES -> {
                    int count = b[v++] & 0xFF;
                    for (int i = 0; count != TOO_MANY && i < count; i++) {
                        while (v < statusEnd && b[v] != 0) {
                            v++;
                        }
                        v++;
                    }
                }
                case MICROSECONDS, MARIADB_MICROSECONDS -> {
                    micros = WireBytes.u24(b, v);
                    v += 3;
                }
                case EXPLICIT_TIMESTAMPS -> explicitTimestamps = b[v++] == 0 ? 0 : 1;
                case UTF8MB4_COLLATION -> {
                    utf8mb4 = WireBytes.u16(b, v);
                    v += 2;
                }
                case REQUIRE_PRIMARY_KEY, TABLE_ENCRYPTION -> v++;
                case MARIADB_GTID_FLAGS -> {
                    int gtidFlags = WireBytes.u16(b, v);
                    v += (gtidFlags & MARIADB_SPLIT_ALTER) != 0 ? 10 : 2;
                }
                case MARIADB_COLLATIONS -> {
                    int count = b[v++] & 0xFF;
                    for (int i = 0; i < count; i++, v += 4) {
                        if (WireBytes.u16(b, v) == UTF8MB4_GENERAL) {
                            utf8mb4 = WireBytes.u16(b, v + 2);
                        }
                    }
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
                sql,
                new QueryContext(
                        database,
                        mode,
                        client,
                        server,
                        thread,
                        event.timestamp(),
                        new QueryContext.More(
                                modeGiven,
                                flags,
                                micros,
                                zone,
                                connection,
                                utf8mb4,
                                explicitTimestamps)));
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
