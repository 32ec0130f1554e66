package io.millrace.mysql.row;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads the cells of a {@link BinlogRowBatch} where they lie in the event.
 *
 * <p>{@link #isUnchanged} also holds for a column that the after image leaves out: with a minimal
 * row image that says just this.
 */
final class BinlogRowView extends RowView {
    private static final long NULL_HASH = 0x9E37_79B9_7F4A_7C15L;
    private static final long MULTIPLIER_A = 0xA076_1D64_78BD_642FL;
    private static final long MULTIPLIER_B = 0xE703_7ED1_A0B4_28DBL;

    private static final byte[] NO_BYTES = {};
    private static final int[] NO_CELLS = {};
    private static final int NO_IMAGE = Integer.MIN_VALUE;

    private final ZoneOffsets zone;

    private @Nullable BinlogRowBatch batch;
    private @Nullable ColumnProgram program;
    private byte[] bytes = NO_BYTES;
    private int[] cells = NO_CELLS;
    private int columns;
    private int rows;
    private int stride;

    private int row;

    /** Index into {@link #cells} of the first column of each image, or NO_IMAGE. */
    private int beforeBase;

    private int afterBase;

    /** Last period of the time zone that was looked up. */
    private int zonePeriod;

    BinlogRowView(ZoneOffsets zone) {
        this.zone = zone;
    }

    ZoneOffsets zone() {
        return zone;
    }

    void of(BinlogRowBatch source) {
        batch = source;
        program = source.program();
        bytes = source.bytes;
        cells = source.cells;
        columns = source.program().columns;
        rows = source.rowCount();
        stride = columns * source.images();
        rewind();
    }

    /** Lets go of a batch that was released, so that its memory is not held or read any more. */
    void detach() {
        batch = null;
        program = null;
        bytes = NO_BYTES;
        cells = NO_CELLS;
        rows = 0;
    }

    @Override
    public boolean next() {
        if (row + 1 >= rows) {
            return false;
        }
        row++;
        position();
        return true;
    }

    @Override
    public void rewind() {
        row = -1;
        beforeBase = NO_IMAGE;
        afterBase = NO_IMAGE;
    }

    @Override
    public int index() {
        return row;
    }

    private void position() {
        int base = row * stride;
        switch (source().op()) {
            case RowBatch.INSERT -> {
                beforeBase = NO_IMAGE;
                afterBase = base;
            }
            case RowBatch.DELETE -> {
                beforeBase = base;
                afterBase = NO_IMAGE;
            }
            default -> {
                beforeBase = base;
                afterBase = base + columns;
            }
        }
    }

    private BinlogRowBatch source() {
        BinlogRowBatch current = batch;
        if (current == null) {
            throw new IllegalStateException("batch was released");
        }
        return current;
    }

    private ColumnProgram program() {
        ColumnProgram current = program;
        if (current == null) {
            throw new IllegalStateException("batch was released");
        }
        return current;
    }

    /** Offset of a cell, or {@link BinlogRowBatch#NULL} or {@link BinlogRowBatch#ABSENT}. */
    private int cell(int image, int column) {
        int base = image == AFTER ? afterBase : beforeBase;
        return base < 0 ? BinlogRowBatch.ABSENT : cells[base + column];
    }

    /** Offset of a cell that must hold a value. */
    private int value(int image, int column) {
        int at = cell(image, column);
        if (at < 0) {
            throw new IllegalStateException(
                    "column "
                            + column(column).name()
                            + " is "
                            + (at == BinlogRowBatch.NULL ? "NULL" : "absent"));
        }
        return at;
    }

    private Column column(int column) {
        return program().schema.column(column);
    }

    @Override
    public boolean isPresent(int image, int column) {
        return cell(image, column) != BinlogRowBatch.ABSENT;
    }

    @Override
    public boolean isNull(int image, int column) {
        return cell(image, column) == BinlogRowBatch.NULL;
    }

    @Override
    public long longValue(int image, int column) {
        int at = value(image, column);
        byte[] b = bytes;
        ColumnProgram p = program();
        return switch (p.ops[column]) {
            case ColumnProgram.I8 -> b[at];
            case ColumnProgram.U8 -> b[at] & 0xFF;
            case ColumnProgram.I16 -> WireBytes.i16(b, at);
            case ColumnProgram.U16 -> WireBytes.u16(b, at);
            case ColumnProgram.I24 -> WireBytes.i24(b, at);
            case ColumnProgram.U24 -> WireBytes.u24(b, at);
            case ColumnProgram.I32 -> WireBytes.i32(b, at);
            case ColumnProgram.U32 -> WireBytes.u32(b, at);
            case ColumnProgram.I64, ColumnProgram.U64 -> WireBytes.i64(b, at);
            case ColumnProgram.YEAR -> b[at] == 0 ? 0 : 1900 + (b[at] & 0xFF);
            case ColumnProgram.BITS -> WireBytes.uNBe(b, at, p.params[column]);
            case ColumnProgram.ELEMENTS -> WireBytes.uN(b, at, p.params[column]);
            default -> throw wrongGetter("longValue", column);
        };
    }

    @Override
    public double doubleValue(int image, int column) {
        int at = value(image, column);
        return switch (program().ops[column]) {
            case ColumnProgram.FLOAT -> Float.intBitsToFloat(WireBytes.i32(bytes, at));
            case ColumnProgram.DOUBLE -> Double.longBitsToDouble(WireBytes.i64(bytes, at));
            default -> throw wrongGetter("doubleValue", column);
        };
    }

    @Override
    public void appendText(int image, int column, ByteSink out) {
        int at = value(image, column);
        byte[] b = bytes;
        ColumnProgram p = program();
        int op = p.ops[column];
        switch (op) {
            case ColumnProgram.TEXT -> {
                int length = prefix(at, p.prefixes[column]);
                int start = at + p.prefixes[column];
                if (p.utf8[column]) {
                    out.put(b, start, length);
                } else {
                    p.decoders[column].append(b, start, length, out);
                }
            }
            case ColumnProgram.DECIMAL -> {
                int param = p.params[column];
                DecimalText.append(b, at, param >> 8, param & 0xFF, out);
            }
            case ColumnProgram.DATE -> TemporalText.date(b, at, out);
            case ColumnProgram.OLD_TIME -> TemporalText.oldTime(b, at, out);
            case ColumnProgram.OLD_DATETIME -> TemporalText.oldDateTime(b, at, out);
            case ColumnProgram.OLD_TIMESTAMP -> timestamp(WireBytes.u32(b, at), 0, 0, out);
            case ColumnProgram.TIME2 -> TemporalText.time2(b, at, p.params[column], out);
            case ColumnProgram.DATETIME2 -> TemporalText.dateTime2(b, at, p.params[column], out);
            case ColumnProgram.TIMESTAMP2 -> {
                int fsp = p.params[column];
                timestamp(WireBytes.u32Be(b, at), TemporalText.micros(b, at + 4, fsp), fsp, out);
            }
            case ColumnProgram.JSON -> {
                try {
                    JsonText.append(
                            b, at + p.prefixes[column], prefix(at, p.prefixes[column]), out);
                } catch (IndexOutOfBoundsException e) {
                    throw RowErrors.corrupt(
                            p.map, "JSON value of column " + column(column).name(), e);
                }
            }
            case ColumnProgram.UUID -> NetText.uuid(b, at + p.prefixes[column], out);
            case ColumnProgram.INET4 -> NetText.inet4(b, at + p.prefixes[column], out);
            case ColumnProgram.INET6 -> NetText.inet6(b, at + p.prefixes[column], out);
            case ColumnProgram.U64, ColumnProgram.BITS, ColumnProgram.ELEMENTS ->
                    out.putUnsigned(longValue(image, column));
            default -> {
                if (op < ColumnProgram.FLOAT) {
                    out.putLong(longValue(image, column));
                } else {
                    throw wrongGetter("appendText", column);
                }
            }
        }
    }

    private void timestamp(long epochSecond, int micros, int fsp, ByteSink out) {
        zonePeriod = zone.period(epochSecond, zonePeriod);
        TemporalText.timestamp(epochSecond, micros, fsp, zone.offset(zonePeriod), out);
    }

    @Override
    public void appendBytes(int image, int column, ByteSink out) {
        int start = offset(image, column);
        out.put(bytes, start, length(image, column));
    }

    @Override
    public boolean isUtf8(int column) {
        return program().utf8[column];
    }

    @Override
    public byte[] array() {
        return bytes;
    }

    @Override
    public int offset(int image, int column) {
        int prefix = program().prefixes[column];
        if (prefix == 0) {
            throw wrongGetter("offset", column);
        }
        return value(image, column) + prefix;
    }

    @Override
    public int length(int image, int column) {
        int prefix = program().prefixes[column];
        if (prefix == 0) {
            throw wrongGetter("length", column);
        }
        return prefix(value(image, column), prefix);
    }

    private int prefix(int at, int size) {
        return switch (size) {
            case 1 -> bytes[at] & 0xFF;
            case 2 -> WireBytes.u16(bytes, at);
            case 3 -> WireBytes.u24(bytes, at);
            default -> WireBytes.i32(bytes, at);
        };
    }

    /** Bytes of a cell from its offset on, length prefix included. */
    private int reach(int at, int column) {
        ColumnProgram p = program();
        int prefix = p.prefixes[column];
        return prefix == 0 ? p.widths[column] : prefix + prefix(at, prefix);
    }

    @Override
    public boolean isUnchanged(int column) {
        if (beforeBase < 0 || afterBase < 0) {
            return false;
        }
        int after = cells[afterBase + column];
        if (after == BinlogRowBatch.ABSENT) {
            return true;
        }
        int before = cells[beforeBase + column];
        if (before < 0 || after < 0) {
            return before == after;
        }
        int length = reach(before, column);
        return length == reach(after, column)
                && Arrays.equals(bytes, before, before + length, bytes, after, after + length);
    }

    @Override
    public long hash(int image, int column) {
        int at = cell(image, column);
        if (at == BinlogRowBatch.NULL) {
            return NULL_HASH;
        }
        at = value(image, column);
        ColumnProgram p = program();
        int prefix = p.prefixes[column];
        int length = prefix == 0 ? p.widths[column] : prefix(at, prefix);
        return hash(bytes, at + prefix, length);
    }

    /** Folded 64 x 64-bit products of eight bytes at a time. */
    static long hash(byte[] b, int at, int length) {
        long h = MULTIPLIER_B ^ length;
        int end = at + length;
        for (; end - at >= 8; at += 8) {
            h = mix(h ^ WireBytes.i64(b, at), MULTIPLIER_A);
        }
        if (at < end) {
            h = mix(h ^ WireBytes.uN(b, at, end - at), MULTIPLIER_A);
        }
        return mix(h ^ length, MULTIPLIER_B);
    }

    private static long mix(long x, long y) {
        return x * y ^ Math.unsignedMultiplyHigh(x, y);
    }

    private IllegalStateException wrongGetter(String getter, int column) {
        Column c = column(column);
        return new IllegalStateException(
                getter + " does not read " + c.kind() + " column " + c.name());
    }
}
