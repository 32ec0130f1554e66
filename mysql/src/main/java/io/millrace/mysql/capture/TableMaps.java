package io.millrace.mysql.capture;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.TableMap;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The table numbers of the current binlog file. The servers announce tables again for every
 * statement, mostly with the same bytes: then the same {@link TableMap} is handed out again.
 */
final class TableMaps {
    /** Table numbers remembered; more are forgotten between transactions, all at once. */
    static final int LIMIT = 16_384;

    /** Names whether wanted; more are forgotten. */
    private static final int NAME_LIMIT = 65_536;

    /** A table number's meaning. */
    static final class Entry {
        final TableMap map;
        final byte[] raw;
        final boolean wanted;

        /** Version for the rows that follow; found when the first of them is wanted. */
        @Nullable TableSchema schema;

        Entry(TableMap map, byte[] raw, boolean wanted) {
            this.map = map;
            this.raw = raw;
            this.wanted = wanted;
        }
    }

    private final TableFilter filter;
    private final Map<Long, Entry> byNumber = new HashMap<>();
    private final Map<TableName, Boolean> wantedNames = new HashMap<>();
    private long lastNumber = -1;
    private @Nullable Entry last;

    TableMaps(TableFilter filter) {
        this.filter = filter;
    }

    /** Takes a loaded TABLE_MAP event; null when it is malformed. */
    @Nullable Entry onTableMap(EventSource event, boolean mariaDb) {
        byte[] b = event.bytes();
        int from = event.bodyStart();
        int to = event.bodyEnd();
        if (to - from < 12) {
            return null;
        }
        long number = WireBytes.u48(b, from);
        Entry known = number == lastNumber ? last : byNumber.get(number);
        if (known == null || !Arrays.equals(known.raw, 0, known.raw.length, b, from, to)) {
            byte[] raw = Arrays.copyOfRange(b, from, to);
            TableMap map = parse(raw, mariaDb);
            if (map == null) {
                return null;
            }
            if (wantedNames.size() > NAME_LIMIT) {
                wantedNames.clear();
            }
            known = new Entry(map, raw, wantedNames.computeIfAbsent(map.name(), filter::matches));
            byNumber.put(number, known);
        }
        known.schema = null;
        lastNumber = number;
        last = known;
        return known;
    }

    @Nullable Entry get(long number) {
        if (number == lastNumber) {
            return last;
        }
        Entry entry = byNumber.get(number);
        if (entry != null) {
            lastNumber = number;
            last = entry;
        }
        return entry;
    }

    /** Called between transactions. */
    void trim() {
        if (byNumber.size() > LIMIT) {
            clear();
        }
    }

    void clear() {
        byNumber.clear();
        lastNumber = -1;
        last = null;
    }

    /**
     * Body of TABLE_MAP: table number (6 bytes), flags (2), length and text and zero byte of schema
     * and table, packed column count, a type byte per column, packed length of metadata, metadata,
     * null bitmap, optional metadata.
     */
    static @Nullable TableMap parse(byte[] b, boolean mariaDb) {
        try {
            int at = 8;
            int length = b[at] & 0xFF;
            String schema = new String(b, at + 1, length, StandardCharsets.UTF_8);
            at += length + 2;
            length = b[at] & 0xFF;
            String table = new String(b, at + 1, length, StandardCharsets.UTF_8);
            at += length + 2;
            int columns = (int) packed(b, at);
            at += packedLength(b, at);
            byte[] types = Arrays.copyOfRange(b, at, at + columns);
            at += columns;
            int metaLength = (int) packed(b, at);
            at += packedLength(b, at);
            int metaEnd = at + metaLength;
            int[] meta = new int[columns];
            for (int i = 0; i < columns; i++) {
                switch (types[i] & 0xFF) {
                    // NEWDECIMAL, ENUM, SET, VAR_STRING, STRING
                    case 246, 247, 248, 253, 254 -> {
                        meta[i] = WireBytes.u16Be(b, at);
                        at += 2;
                    }
                    // VARCHAR, BIT, MariaDB's compressed VARCHAR
                    case 15, 16, 141 -> {
                        meta[i] = WireBytes.u16(b, at);
                        at += 2;
                    }
                    // FLOAT, DOUBLE, TIMESTAMP2, DATETIME2, TIME2, MariaDB's compressed BLOB,
                    // VECTOR, JSON, the BLOBs, GEOMETRY
                    case 4, 5, 17, 18, 19, 140, 242, 245, 249, 250, 251, 252, 255 ->
                            meta[i] = b[at++] & 0xFF;
                    default -> meta[i] = 0;
                }
            }
            if (at != metaEnd) {
                return null;
            }
            int bitmap = (columns + 7) / 8;
            byte[] nulls = Arrays.copyOfRange(b, at, at + bitmap);
            at += bitmap;
            if (at > b.length) {
                return null;
            }
            return new TableMap(
                    WireBytes.u48(b, 0),
                    new TableName(schema, table),
                    types,
                    meta,
                    nulls,
                    Arrays.copyOfRange(b, at, b.length),
                    mariaDb);
        } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
            return null;
        }
    }

    /** A length-encoded integer. */
    static long packed(byte[] b, int at) {
        int first = b[at] & 0xFF;
        return switch (first) {
            case 252 -> WireBytes.u16(b, at + 1);
            case 253 -> WireBytes.u24(b, at + 1);
            case 254 -> WireBytes.i64(b, at + 1);
            default -> first;
        };
    }

    static int packedLength(byte[] b, int at) {
        return switch (b[at] & 0xFF) {
            case 252 -> 3;
            case 253 -> 4;
            case 254 -> 9;
            default -> 1;
        };
    }
}
