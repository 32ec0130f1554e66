package io.millrace.mysql.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.TableName;
import io.millrace.mysql.wire.TableMap;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * Binlog events in the text of {@code BINLOG} statements: how the servers' own dump tool replays
 * rows, and the cheapest way to hand rows to a server of the upstream's flavour, for it has neither
 * to parse nor to convert a value.
 *
 * <p>A session must first see a format description, which says how the events behind it are laid
 * out; {@link #formatDescription} describes exactly what is written here (MySQL {@code
 * libbinlogevents/include/control_events.h}, {@code rows_event.h}; MariaDB {@code
 * sql/log_event.h}).
 */
final class RowEvents {
    /** Common header of an event. */
    static final int HEADER = 19;

    private static final int FORMAT_DESCRIPTION = 15;
    private static final int TABLE_MAP = 19;
    private static final int WRITE_ROWS_V1 = 23;
    private static final int WRITE_ROWS_V2 = 30;

    /** The statement ends with this event; no foreign keys are checked, as in SQL sessions here. */
    private static final int STATEMENT_END_NO_FOREIGN_KEYS = 1 | 2;

    /** Lengths of BIT columns are exact: always so since MySQL 5.0. */
    private static final int EXACT_BITS = 1;

    /** Any number does: a table is announced before each rows event, and forgotten behind it. */
    private static final int TABLE_NUMBER = 1;

    private static final int VERSION_BYTES = 50;

    /**
     * Length of the fixed part per event type, from type 1. Only TABLE_MAP and rows events are ever
     * sent, but the servers look at some of the others.
     */
    private static final int[] FIXED_PARTS = {
        56, 13, 0, 8, 0, 18, 0, 4, 4, 4, 4, 18, 0, 0, 95, 0, 4, 26, 8, 0, 0, 0, 8, 8, 8, 2, 0, 0, 0,
        10, 10, 10, 42, 42, 0, 18, 52, 0, 10
    };

    private static final short[] BASE64 = pairs();

    private RowEvents() {}

    /** Kinds of rows events, as an offset from the write event's type. */
    static final int INSERT = 0;

    static final int UPDATE = 1;
    static final int DELETE = 2;

    /** A format description without checksums. */
    static byte[] formatDescription(boolean mariaDb) {
        ByteSink out = new ByteSink(256);
        header(out, FORMAT_DESCRIPTION, 0, 0, 0);
        u16(out, 4);
        byte[] version = new byte[VERSION_BYTES];
        byte[] text = (mariaDb ? "10.4.0-MariaDB" : "8.0.0").getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(text, 0, version, 0, text.length);
        out.put(version);
        u32(out, 0);
        out.put(HEADER);
        for (int length : FIXED_PARTS) {
            out.put(length);
        }
        // No checksums behind this event; this one always has its own.
        out.put(0);
        setLength(out, 0, out.length() + 4);
        CRC32 crc = new CRC32();
        crc.update(out.array(), 0, out.length());
        u32(out, crc.getValue());
        return out.toByteArray();
    }

    /**
     * A TABLE_MAP event for the layout under another name, and behind it the start of a rows event
     * up to and without the rows; times and lengths are filled in by {@link #put}.
     */
    static byte[] head(TableMap map, TableName target, int kind) {
        ByteSink out = new ByteSink(256);
        header(out, TABLE_MAP, 0, 0, 0);
        u48(out, TABLE_NUMBER);
        u16(out, EXACT_BITS);
        name(out, target.schema());
        name(out, target.table());
        int columns = map.columnCount();
        packed(out, columns);
        out.put(map.columnTypes());
        ByteSink meta = new ByteSink(64);
        for (int i = 0; i < columns; i++) {
            int value = map.columnMeta()[i];
            switch (map.columnType(i)) {
                // NEWDECIMAL, ENUM, SET, VAR_STRING, STRING: the high byte first
                case 246, 247, 248, 253, 254 -> {
                    meta.put(value >>> 8);
                    meta.put(value);
                }
                // VARCHAR, BIT, MariaDB's compressed VARCHAR
                case 15, 16, 141 -> u16(meta, value);
                // FLOAT, DOUBLE, TIMESTAMP2, DATETIME2, TIME2, compressed BLOB, VECTOR, JSON, the
                // BLOBs, GEOMETRY
                case 4, 5, 17, 18, 19, 140, 242, 245, 249, 250, 251, 252, 255 -> meta.put(value);
                default -> {}
            }
        }
        packed(out, meta.length());
        out.put(meta.array(), 0, meta.length());
        out.put(map.nullBitmap(), 0, columns + 7 >> 3);
        setLength(out, 0, out.length());
        int rows = out.length();
        header(out, (map.mariaDb() ? WRITE_ROWS_V1 : WRITE_ROWS_V2) + kind, 0, 0, 0);
        u48(out, TABLE_NUMBER);
        u16(out, STATEMENT_END_NO_FOREIGN_KEYS);
        if (!map.mariaDb()) {
            // Length of the extra data, itself included.
            u16(out, 2);
        }
        packed(out, columns);
        for (int image = kind == UPDATE ? 2 : 1; image > 0; image--) {
            for (int i = 0; i < columns; i += 8) {
                int there = Math.min(8, columns - i);
                out.put((1 << there) - 1);
            }
        }
        // The rows event's length field holds that of its head until the rows are known.
        setLength(out, rows, out.length() - rows);
        return out.toByteArray();
    }

    /**
     * Appends the events of one table: the head, completed, and the rows.
     *
     * @param seconds UNIX time that the target's binlog shows for them
     * @param serverId of the target
     */
    static void put(ByteSink out, byte[] head, ByteSink rows, long seconds, long serverId) {
        int map = out.length();
        out.put(head);
        byte[] b = out.array();
        int event = map + length(b, map);
        setU32(b, map, seconds);
        setU32(b, map + 5, serverId);
        setU32(b, event, seconds);
        setU32(b, event + 5, serverId);
        setLength(out, event, length(b, event) + rows.length());
        out.put(rows.array(), 0, rows.length());
    }

    /** Appends Base64 text of the bytes. */
    static void putBase64(ByteSink out, byte[] source, int length) {
        int whole = length / 3 * 3;
        byte[] b = out.ensure(base64Length(length));
        int at = out.length();
        for (int i = 0; i < whole; i += 3) {
            int bits =
                    (source[i] & 0xFF) << 16 | (source[i + 1] & 0xFF) << 8 | source[i + 2] & 0xFF;
            int high = BASE64[bits >>> 12];
            int low = BASE64[bits & 0xFFF];
            b[at] = (byte) (high >>> 8);
            b[at + 1] = (byte) high;
            b[at + 2] = (byte) (low >>> 8);
            b[at + 3] = (byte) low;
            at += 4;
        }
        if (whole < length) {
            int bits =
                    (source[whole] & 0xFF) << 16
                            | (whole + 1 < length ? (source[whole + 1] & 0xFF) << 8 : 0);
            int high = BASE64[bits >>> 12];
            b[at] = (byte) (high >>> 8);
            b[at + 1] = (byte) high;
            b[at + 2] = (byte) (whole + 1 < length ? BASE64[bits & 0xFFF] >>> 8 : '=');
            b[at + 3] = '=';
            at += 4;
        }
        out.length(at);
    }

    static int base64Length(int bytes) {
        return (bytes + 2) / 3 * 4;
    }

    private static short[] pairs() {
        String digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        short[] pairs = new short[1 << 12];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = (short) (digits.charAt(i >>> 6) << 8 | digits.charAt(i & 63));
        }
        return pairs;
    }

    /** Time, type, server id, length, end position, flags. */
    private static void header(ByteSink out, int type, long seconds, long serverId, int length) {
        u32(out, seconds);
        out.put(type);
        u32(out, serverId);
        u32(out, length);
        u32(out, 0);
        u16(out, 0);
    }

    private static void name(ByteSink out, String name) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        out.put(utf8.length);
        out.put(utf8);
        out.put(0);
    }

    private static void packed(ByteSink out, int value) {
        if (value < 251) {
            out.put(value);
        } else {
            out.put(252);
            u16(out, value);
        }
    }

    private static int length(byte[] b, int event) {
        return (b[event + 9] & 0xFF)
                | (b[event + 10] & 0xFF) << 8
                | (b[event + 11] & 0xFF) << 16
                | (b[event + 12] & 0xFF) << 24;
    }

    private static void setLength(ByteSink out, int event, int length) {
        setU32(out.array(), event + 9, length);
    }

    private static void setU32(byte[] b, int at, long value) {
        b[at] = (byte) value;
        b[at + 1] = (byte) (value >>> 8);
        b[at + 2] = (byte) (value >>> 16);
        b[at + 3] = (byte) (value >>> 24);
    }

    private static void u16(ByteSink out, int value) {
        out.put(value);
        out.put(value >>> 8);
    }

    private static void u32(ByteSink out, long value) {
        u16(out, (int) value);
        u16(out, (int) (value >>> 16));
    }

    private static void u48(ByteSink out, long value) {
        u32(out, value);
        u16(out, (int) (value >>> 32));
    }
}
