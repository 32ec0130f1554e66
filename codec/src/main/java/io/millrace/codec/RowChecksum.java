package io.millrace.codec;

import io.millrace.codec.text.Cells;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.zip.CRC32;

/**
 * TiDB's checksum of a row, by which consumers of TiCDC's messages tell that a row reached them as
 * it was encoded: the CRC-32/IEEE of its values in the order of the columns. Integers, BIT, ENUM
 * and SET count as 64 bits, FLOAT and DOUBLE as those of a double, NaN and infinities as zero, all
 * little-endian; everything else as its bytes behind their 32-bit length, a TIMESTAMP as its text
 * in UTC. NULL, and a column that the row image leaves out, adds nothing. The rules are those of
 * TiDB's manual, "TiCDC Data Integrity Validation for Single-Row Data".
 *
 * <p>Allocates nothing per row, but for TIMESTAMP in another zone than UTC. Belongs to one thread.
 */
public final class RowChecksum {
    /** What messages name as version: the checksum is over the columns' values. */
    public static final int VERSION = 0;

    private static final int DATE_TIME_LENGTH = 19;

    private final boolean geometryCounts;
    private final ZoneId zone;
    private final boolean utc;
    private final CRC32 crc = new CRC32();
    private final ByteSink bytes = new ByteSink(1024);

    /**
     * @param timeZone IANA name or offset that TIMESTAMP texts are in
     * @param geometryCounts whether the format tells GEOMETRY values as if they were binary ones;
     *     as GEOMETRY they add nothing
     */
    public RowChecksum(String timeZone, boolean geometryCounts) {
        this.geometryCounts = geometryCounts;
        zone = ZoneId.of(timeZone);
        utc = zone.normalized().equals(ZoneOffset.UTC);
    }

    /**
     * The checksum of one image of the cursor's row, 32 bits unsigned.
     *
     * @param columns ordinals of the columns that count, in the table's order
     * @param update whether the row is an update, whose new image leaves unchanged columns to the
     *     old one
     */
    public long of(TableSchema schema, int[] columns, RowView row, int image, boolean update) {
        bytes.clear();
        for (int column : columns) {
            int source = image;
            if (!row.isPresent(image, column)) {
                source = update ? Cells.source(row, image, column) : Cells.NOWHERE;
            }
            if (source != Cells.NOWHERE && !row.isNull(source, column)) {
                append(schema.column(column).kind(), row, source, column);
            }
        }
        crc.reset();
        crc.update(bytes.array(), 0, bytes.length());
        return crc.getValue();
    }

    private void append(ColumnKind kind, RowView row, int image, int column) {
        switch (kind.access()) {
            case LONG -> putLong(row.longValue(image, column));
            case FLOAT -> putDouble((float) row.doubleValue(image, column));
            case DOUBLE -> putDouble(row.doubleValue(image, column));
            case ASCII, TEXT -> {
                int start = bytes.length();
                putLength(0);
                row.appendText(image, column, bytes);
                if (kind == ColumnKind.TIMESTAMP && !utc) {
                    toUtc(start + Integer.BYTES);
                }
                setLength(start);
            }
            case BYTES -> {
                if (kind == ColumnKind.GEOMETRY && !geometryCounts) {
                    return;
                }
                int start = bytes.length();
                putLength(0);
                if (kind == ColumnKind.VECTOR) {
                    Cells.appendVector(
                            row.array(),
                            row.offset(image, column),
                            row.length(image, column),
                            bytes);
                } else {
                    row.appendBytes(image, column, bytes);
                }
                setLength(start);
            }
        }
    }

    private void putLong(long value) {
        WireBytes.putI64(bytes.ensure(Long.BYTES), bytes.length(), value);
        bytes.length(bytes.length() + Long.BYTES);
    }

    private void putDouble(double value) {
        putLong(Double.doubleToRawLongBits(Double.isFinite(value) ? value : 0));
    }

    private void putLength(int length) {
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            bytes.put(length >>> shift);
        }
    }

    /** Sets a length that {@link #putLength} left open: that of all behind it. */
    private void setLength(int at) {
        int end = bytes.length();
        bytes.length(at);
        putLength(end - at - Integer.BYTES);
        bytes.length(end);
    }

    /** Brings the text of a TIMESTAMP at the end into UTC; zero dates stay what they are. */
    private void toUtc(int start) {
        byte[] text = bytes.array();
        if (bytes.length() - start < DATE_TIME_LENGTH) {
            return;
        }
        LocalDateTime local;
        try {
            local =
                    LocalDateTime.of(
                            digits(text, start, 4),
                            digits(text, start + 5, 2),
                            digits(text, start + 8, 2),
                            digits(text, start + 11, 2),
                            digits(text, start + 14, 2),
                            digits(text, start + 17, 2));
        } catch (DateTimeException e) {
            return; // 0000-00-00 00:00:00
        }
        LocalDateTime moved =
                local.atZone(zone).withZoneSameInstant(ZoneOffset.UTC).toLocalDateTime();
        putDigits(text, start, 4, moved.getYear());
        putDigits(text, start + 5, 2, moved.getMonthValue());
        putDigits(text, start + 8, 2, moved.getDayOfMonth());
        putDigits(text, start + 11, 2, moved.getHour());
        putDigits(text, start + 14, 2, moved.getMinute());
        putDigits(text, start + 17, 2, moved.getSecond());
    }

    private static int digits(byte[] text, int at, int count) {
        int value = 0;
        for (int i = at; i < at + count; i++) {
            value = value * 10 + text[i] - '0';
        }
        return value;
    }

    private static void putDigits(byte[] text, int at, int count, int value) {
        int rest = value;
        for (int i = at + count - 1; i >= at; i--) {
            text[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
    }
}
