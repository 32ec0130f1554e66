package io.millrace.bench;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.row.BinlogRowDecoder;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.mysql.wire.TableMap;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * Rows of the workload mixed8 without a server: the bytes of a WRITE_ROWS event made by hand, read
 * by the decoder that reads binlogs. The same rows every time.
 */
final class MixedRows {
    private static final int WRITE_ROWS = 30;
    private static final int LONG = 3;
    private static final int DOUBLE = 5;
    private static final int LONGLONG = 8;
    private static final int VARCHAR = 15;
    private static final int DATETIME2 = 18;
    private static final int NEW_DECIMAL = 246;

    /** Precision and scale of DECIMAL(12,2), as the TABLE_MAP has them. */
    private static final int DECIMAL_META = 12 << 8 | 2;

    private static final int BYTES_PER_CHARACTER = 4;
    private static final int NOTE = 6;
    private static final int DATETIME2_OFFSET_BITS = 39;
    private static final String[] STATES = {"new", "paid", "sent", "returned"};
    private static final long SEED = 42;

    private MixedRows() {}

    /** {@code bench.t}. */
    static TableSchema schema() {
        return new TableSchema(
                1,
                1,
                new TableName("bench", "t"),
                List.of(
                        column("id", ColumnKind.BIGINT, "bigint(20)", false, 0, 0),
                        column("user_id", ColumnKind.INT, "int(11)", false, 0, 0),
                        column("email", ColumnKind.VARCHAR, "varchar(100)", false, 100, 0),
                        column("amount", ColumnKind.DECIMAL, "decimal(12,2)", false, 12, 2),
                        column("state", ColumnKind.VARCHAR, "varchar(16)", false, 16, 0),
                        column("created", ColumnKind.DATETIME, "datetime", false, 0, 0),
                        column("note", ColumnKind.VARCHAR, "varchar(200)", true, 200, 0),
                        column("weight", ColumnKind.DOUBLE, "double", false, 0, 0)),
                List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));
    }

    private static Column column(
            String name, ColumnKind kind, String type, boolean nullable, int length, int scale) {
        return new Column(
                name,
                kind,
                type,
                false,
                nullable,
                length,
                scale,
                kind == ColumnKind.VARCHAR ? "utf8mb4" : "binary",
                "",
                List.of(),
                Column.Generated.NONE,
                false,
                Optional.empty());
    }

    /** Inserted rows; the caller releases the batch. */
    static RowBatch batch(TableSchema schema, int rows) {
        byte[] types = {
            (byte) LONGLONG,
            (byte) LONG,
            (byte) VARCHAR,
            (byte) NEW_DECIMAL,
            (byte) VARCHAR,
            (byte) DATETIME2,
            (byte) VARCHAR,
            (byte) DOUBLE
        };
        int[] metas = {
            0,
            0,
            100 * BYTES_PER_CHARACTER,
            DECIMAL_META,
            16 * BYTES_PER_CHARACTER,
            0,
            200 * BYTES_PER_CHARACTER,
            Double.BYTES
        };
        TableMap map =
                new TableMap(
                        1,
                        schema.name(),
                        types,
                        metas,
                        new byte[] {(byte) (1 << NOTE)},
                        new byte[0],
                        false);
        ByteSink event = new ByteSink(rows * 128);
        event.put(new byte[] {1, 0, 0, 0, 0, 0, 1, 0, 2, 0, (byte) types.length, (byte) 0xFF});
        Random random = new Random(SEED);
        for (int id = 1; id <= rows; id++) {
            appendRow(id, random, event);
        }
        BufferPool pool = new BufferPool();
        byte[] buffer = pool.take(event.length() + 4);
        System.arraycopy(event.array(), 0, buffer, 0, event.length());
        return new BinlogRowDecoder(pool, ZoneOffset.UTC)
                .decode(buffer, 0, event.length(), WRITE_ROWS, map, schema, 1, 0);
    }

    private static void appendRow(int id, Random random, ByteSink out) {
        int user = random.nextInt(1_000_000);
        String email = "user-" + random.nextInt(1_000_000) + "@example.org";
        int whole = random.nextInt(100_000);
        int cents = 10 + random.nextInt(90);
        String state = STATES[random.nextInt(STATES.length)];
        int month = 1 + random.nextInt(9);
        int day = 10 + random.nextInt(10);
        int hour = 10 + random.nextInt(10);
        boolean noted = random.nextInt(4) != 0;
        double weight = random.nextInt(1000) / 8.0;

        out.put(noted ? 0 : 1 << NOTE);
        putI64(id, out);
        for (int shift = 0; shift < Integer.SIZE; shift += 8) {
            out.put(user >> shift);
        }
        putText(email, 2, out);
        // Ten digits before the point: one in the first byte, nine in the next four.
        out.put(0x80);
        putBe(whole, 4, out);
        out.put(cents);
        putText(state, 1, out);
        long days = (2026L * 13 + month) << 5 | day;
        putBe((days << 17 | (long) hour << 12) + (1L << DATETIME2_OFFSET_BITS), 5, out);
        if (noted) {
            putText("a note of row " + id + " é", 2, out);
        }
        putI64(Double.doubleToRawLongBits(weight), out);
    }

    private static void putI64(long value, ByteSink out) {
        byte[] to = out.ensure(Long.BYTES);
        WireBytes.putI64(to, out.length(), value);
        out.length(out.length() + Long.BYTES);
    }

    private static void putBe(long value, int bytes, ByteSink out) {
        for (int i = bytes - 1; i >= 0; i--) {
            out.put((int) (value >> i * 8));
        }
    }

    private static void putText(String text, int lengthBytes, ByteSink out) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < lengthBytes; i++) {
            out.put(bytes.length >> i * 8);
        }
        out.put(bytes);
    }
}
