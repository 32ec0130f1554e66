package io.millrace.mysql.row;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.model.TableName;
import io.millrace.mysql.wire.TableMap;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A plain reader of binary log files: table maps and rows events, nothing else. */
final class BinlogEvents {
    private static final int HEADER = 19;
    private static final int FORMAT_DESCRIPTION = 15;
    private static final int TABLE_MAP = 19;
    private static final int MAGIC = 4;

    /** A rows event: its bytes without header and checksum, and the table map before it. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Rows(int type, byte[] body, TableMap map) {}

    private BinlogEvents() {}

    /** Rows events behind a position, of tables in one schema. */
    static List<Rows> read(Path file, long from, String schema, boolean mariaDb)
            throws IOException {
        byte[] b = Files.readAllBytes(file);
        List<Rows> out = new ArrayList<>();
        Map<Long, TableMap> maps = new HashMap<>();
        boolean checksums = true;
        int at = MAGIC;
        while (at + HEADER <= b.length) {
            int type = b[at + 4] & 0xFF;
            int size = (int) WireBytes.u32(b, at + 9);
            int end = at + size - (checksums ? 4 : 0);
            int body = at + HEADER;
            if (type == FORMAT_DESCRIPTION) {
                // The algorithm is the byte before the event's own checksum.
                checksums = b[at + size - 5] == 1;
            } else if (at >= from && type == TABLE_MAP) {
                TableMap map = tableMap(b, body, end, mariaDb);
                maps.put(map.tableNumber(), map);
            } else if (at >= from
                    && (type >= 23 && type <= 25 || type >= 30 && type <= 32 || type == 39)) {
                TableMap map = maps.get(WireBytes.u48(b, body));
                if (map != null && map.name().schema().equals(schema)) {
                    out.add(new Rows(type, Arrays.copyOfRange(b, body, end), map));
                }
            }
            at += size;
        }
        return out;
    }

    static TableMap tableMap(byte[] b, int body, int end, boolean mariaDb) {
        int at = body + 8;
        int schemaLength = b[at] & 0xFF;
        String schema = new String(b, at + 1, schemaLength, StandardCharsets.UTF_8);
        at += schemaLength + 2;
        int tableLength = b[at] & 0xFF;
        String table = new String(b, at + 1, tableLength, StandardCharsets.UTF_8);
        at += tableLength + 2;
        int columns = (int) JsonDiffs.lenenc(b, at, end);
        at += JsonDiffs.lenencBytes(b[at]);
        byte[] types = Arrays.copyOfRange(b, at, at + columns);
        at += columns;
        int metaBytes = (int) JsonDiffs.lenenc(b, at, end);
        at += JsonDiffs.lenencBytes(b[at]);
        int[] metas = metas(types, b, at);
        at += metaBytes;
        byte[] nulls = Arrays.copyOfRange(b, at, at + (columns + 7) / 8);
        at += nulls.length;
        return new TableMap(
                WireBytes.u48(b, body),
                new TableName(schema, table),
                types,
                metas,
                nulls,
                Arrays.copyOfRange(b, at, end),
                mariaDb);
    }

    private static int[] metas(byte[] types, byte[] b, int at) {
        int[] metas = new int[types.length];
        for (int i = 0; i < types.length; i++) {
            switch (types[i] & 0xFF) {
                case WireTypes.FLOAT,
                        WireTypes.DOUBLE,
                        WireTypes.BLOB,
                        WireTypes.GEOMETRY,
                        WireTypes.JSON,
                        WireTypes.VECTOR,
                        WireTypes.TIME2,
                        WireTypes.DATETIME2,
                        WireTypes.TIMESTAMP2,
                        WireTypes.BLOB_COMPRESSED ->
                        metas[i] = b[at++] & 0xFF;
                case WireTypes.VARCHAR, WireTypes.BIT, WireTypes.VARCHAR_COMPRESSED -> {
                    metas[i] = WireBytes.u16(b, at);
                    at += 2;
                }
                case WireTypes.STRING,
                        WireTypes.VAR_STRING,
                        WireTypes.ENUM,
                        WireTypes.SET,
                        WireTypes.NEWDECIMAL -> {
                    metas[i] = WireBytes.u16Be(b, at);
                    at += 2;
                }
                default -> {
                    // no metadata
                }
            }
        }
        return metas;
    }
}
