package io.millrace.codec.text;

import io.millrace.codec.json.PlainDecimal;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;

/** Which cells of a row are written, where they come from, and values that have one text form. */
public final class Cells {
    /** Neither image has the column. */
    public static final int NOWHERE = -1;

    private Cells() {}

    /** Ordinals of the columns that formats write: all but virtual ones, or the handle key's. */
    public static int[] written(TableSchema schema, boolean onlyHandleKey) {
        int[] chosen = new int[schema.columns().size()];
        int count = 0;
        for (int i = 0; i < chosen.length; i++) {
            if (schema.column(i).generated() != Column.Generated.VIRTUAL
                    && (!onlyHandleKey || isHandleKey(schema, i))) {
                chosen[count++] = i;
            }
        }
        return java.util.Arrays.copyOf(chosen, count);
    }

    /** Whether TiDB has the column as unsigned: BIT and YEAR always. */
    public static boolean isUnsigned(Column column) {
        return column.unsigned()
                || column.kind() == ColumnKind.BIT
                || column.kind() == ColumnKind.YEAR;
    }

    /** Whether a column is part of the handle key. */
    public static boolean isHandleKey(TableSchema schema, int column) {
        for (int each : schema.handleKey()) {
            if (each == column) {
                return true;
            }
        }
        return false;
    }

    /**
     * The image that has a column's value: the wanted one, or, for a column that an update left
     * unchanged and a minimal new image leaves out, the old one; {@link #NOWHERE} when neither has.
     */
    public static int source(RowView row, int wanted, int column) {
        if (row.isPresent(wanted, column)) {
            return wanted;
        }
        return wanted == RowView.AFTER && row.isPresent(RowView.BEFORE, column)
                ? RowView.BEFORE
                : NOWHERE;
    }

    /** Appends a vector, stored as 32-bit little-endian floats, as {@code [1,-2.5]}. */
    public static void appendVector(byte[] bytes, int from, int count, ByteSink out) {
        out.put('[');
        for (int at = 0; at + Float.BYTES <= count; at += Float.BYTES) {
            if (at > 0) {
                out.put(',');
            }
            PlainDecimal.append(Float.intBitsToFloat(WireBytes.i32(bytes, from + at)), out);
        }
        out.put(']');
    }
}
