package io.millrace.testkit.rows;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A batch whose cells are given as Java objects, one {@code Object[]} per row image in column
 * order:
 *
 * <ul>
 *   <li>{@code null} is SQL NULL, {@link #ABSENT} a column that the row image does not hold;
 *   <li>LONG kinds take any {@link Number} (unsigned 64-bit values as the same bits);
 *   <li>FLOAT and DOUBLE take any {@link Number};
 *   <li>ASCII and TEXT kinds take a {@link String}; TEXT is held in the column's character set
 *       ({@code latin1}, {@code gbk} and {@code ucs2} are known, all else is UTF-8), so that {@link
 *       RowView#isUtf8} has both answers; TEXT also takes {@code byte[]}, its raw bytes;
 *   <li>BYTES kinds take {@code byte[]}.
 * </ul>
 *
 * <p>Getters throw like the real ones when a cell is absent, NULL or read by the wrong getter.
 */
public final class TestRowBatch extends RowBatch {
    /** A cell that the row image does not hold. */
    public static final Object ABSENT =
            new Object() {
                @Override
                public String toString() {
                    return "ABSENT";
                }
            };

    private static final byte STATE_VALUE = 0;
    private static final byte STATE_NULL = 1;
    private static final byte STATE_ABSENT = 2;

    private final TableSchema schema;
    private final int op;
    private final long commitTso;
    private final int eventIndex;
    private final boolean last;
    private final SourcePosition positionAfter;
    private final int rowCount;
    private final int columns;
    private final byte[] states;
    private final long[] numbers;
    private final int[] offsets;
    private final int[] lengths;
    private final byte[] data;
    private boolean foreignKeys;
    private int recycled;

    private TestRowBatch(
            TableSchema schema,
            int op,
            long commitTso,
            int eventIndex,
            boolean last,
            SourcePosition positionAfter,
            List<@Nullable Object[]> before,
            List<@Nullable Object[]> after) {
        this.schema = schema;
        this.op = op;
        this.commitTso = commitTso;
        this.eventIndex = eventIndex;
        this.last = last;
        this.positionAfter = positionAfter;
        this.rowCount = Math.max(before.size(), after.size());
        this.columns = schema.columns().size();
        int cells = rowCount * 2 * columns;
        states = new byte[cells];
        numbers = new long[cells];
        offsets = new int[cells];
        lengths = new int[cells];
        Arrays.fill(states, STATE_ABSENT);
        ByteSink bytes = new ByteSink(256);
        for (int row = 0; row < rowCount; row++) {
            if (op != INSERT) {
                fill(row, RowView.BEFORE, before.get(row), bytes);
            }
            if (op != DELETE) {
                fill(row, RowView.AFTER, after.get(row), bytes);
            }
        }
        data = bytes.toByteArray();
    }

    /** New rows. */
    public static TestRowBatch insert(
            TableSchema schema, long commitTso, int eventIndex, boolean last, Object[]... rows) {
        return of(schema, INSERT, commitTso, eventIndex, last, List.of(), List.of(rows));
    }

    /** Deleted rows. */
    public static TestRowBatch delete(
            TableSchema schema, long commitTso, int eventIndex, boolean last, Object[]... rows) {
        return of(schema, DELETE, commitTso, eventIndex, last, List.of(rows), List.of());
    }

    /** Updated rows: before image, after image, before image, after image and so on. */
    public static TestRowBatch update(
            TableSchema schema, long commitTso, int eventIndex, boolean last, Object[]... images) {
        if (images.length % 2 != 0) {
            throw new IllegalArgumentException("images come in pairs");
        }
        List<Object[]> before = new java.util.ArrayList<>();
        List<Object[]> after = new java.util.ArrayList<>();
        for (int i = 0; i < images.length; i += 2) {
            before.add(images[i]);
            after.add(images[i + 1]);
        }
        return of(schema, UPDATE, commitTso, eventIndex, last, before, after);
    }

    /** Any operation; the position after is derived from the TSO and the event index. */
    public static TestRowBatch of(
            TableSchema schema,
            int op,
            long commitTso,
            int eventIndex,
            boolean last,
            List<Object[]> before,
            List<Object[]> after) {
        SourcePosition position =
                last
                        ? new TestPosition(commitTso, 0)
                        : new TestPosition(commitTso - 1, eventIndex + 1);
        return new TestRowBatch(schema, op, commitTso, eventIndex, last, position, before, after);
    }

    /** Sets {@link RowBatch#checksForeignKeys()}, which is false at first; returns this. */
    public TestRowBatch checksForeignKeys(boolean checked) {
        foreignKeys = checked;
        return this;
    }

    @Override
    public boolean checksForeignKeys() {
        return foreignKeys;
    }

    /** A row image; spares callers the array syntax. */
    public static Object[] row(@Nullable Object... cells) {
        return cells;
    }

    /** How often the last reference was dropped: 0 while in use, then 1. */
    public synchronized int recycledTimes() {
        return recycled;
    }

    private void fill(int row, int image, @Nullable Object[] cells, ByteSink bytes) {
        if (cells.length != columns) {
            throw new IllegalArgumentException(
                    schema + " has " + columns + " columns, row has " + cells.length);
        }
        for (int c = 0; c < columns; c++) {
            int at = cell(row, image, c);
            Object value = cells[c];
            if (value == ABSENT) {
                continue;
            }
            if (value == null) {
                states[at] = STATE_NULL;
                continue;
            }
            states[at] = STATE_VALUE;
            Column column = schema.column(c);
            switch (column.kind().access()) {
                case LONG -> numbers[at] = ((Number) value).longValue();
                case FLOAT ->
                        numbers[at] =
                                Double.doubleToRawLongBits((double) ((Number) value).floatValue());
                case DOUBLE ->
                        numbers[at] = Double.doubleToRawLongBits(((Number) value).doubleValue());
                case ASCII -> raw(at, value.toString().getBytes(StandardCharsets.UTF_8), bytes);
                case TEXT ->
                        raw(
                                at,
                                value instanceof byte[] b
                                        ? b
                                        : value.toString().getBytes(charset(column)),
                                bytes);
                case BYTES -> raw(at, (byte[]) value, bytes);
            }
        }
    }

    private void raw(int at, byte[] value, ByteSink bytes) {
        offsets[at] = bytes.length();
        lengths[at] = value.length;
        bytes.put(value);
    }

    private static Charset charset(Column column) {
        return switch (column.charset()) {
            case "latin1" -> Charset.forName("windows-1252");
            case "gbk" -> Charset.forName("GBK");
            case "ucs2" -> StandardCharsets.UTF_16BE;
            default -> StandardCharsets.UTF_8;
        };
    }

    private int cell(int row, int image, int column) {
        return (row * 2 + image) * columns + column;
    }

    @Override
    public TableSchema schema() {
        return schema;
    }

    @Override
    public int op() {
        return op;
    }

    @Override
    public int rowCount() {
        return rowCount;
    }

    @Override
    public int sizeBytes() {
        return data.length + states.length * 8;
    }

    @Override
    public int eventIndex() {
        return eventIndex;
    }

    @Override
    public boolean lastOfTransaction() {
        return last;
    }

    @Override
    public long commitTso() {
        return commitTso;
    }

    @Override
    public SourcePosition positionAfter() {
        return positionAfter;
    }

    @Override
    public RowView rows() {
        return new TestRowView();
    }

    @Override
    protected synchronized void recycle() {
        recycled++;
    }

    @Override
    public String toString() {
        return schema + " op=" + op + " tso=" + commitTso + "/" + eventIndex + " rows=" + rowCount;
    }

    private final class TestRowView extends RowView {
        private int row = -1;

        @Override
        public boolean next() {
            if (row + 1 >= rowCount) {
                return false;
            }
            row++;
            return true;
        }

        @Override
        public void rewind() {
            row = -1;
        }

        @Override
        public int index() {
            return row;
        }

        @Override
        public boolean isPresent(int image, int column) {
            return states[cell(row, image, column)] != STATE_ABSENT;
        }

        @Override
        public boolean isNull(int image, int column) {
            return states[cell(row, image, column)] == STATE_NULL;
        }

        @Override
        public long longValue(int image, int column) {
            return numbers[value(image, column, ColumnKind.Access.LONG)];
        }

        @Override
        public double doubleValue(int image, int column) {
            int at = value(image, column, null);
            ColumnKind.Access access = access(column);
            if (access != ColumnKind.Access.DOUBLE && access != ColumnKind.Access.FLOAT) {
                throw new IllegalStateException("not a float: " + schema.column(column));
            }
            return Double.longBitsToDouble(numbers[at]);
        }

        @Override
        public void appendText(int image, int column, ByteSink out) {
            int at = value(image, column, null);
            Column definition = schema.column(column);
            switch (access(column)) {
                case LONG -> {
                    if (definition.unsigned()
                            || definition.kind() == ColumnKind.BIT
                            || definition.kind() == ColumnKind.SET) {
                        out.putUnsigned(numbers[at]);
                    } else {
                        out.putLong(numbers[at]);
                    }
                }
                case ASCII -> out.put(data, offsets[at], lengths[at]);
                case TEXT -> {
                    if (isUtf8(column) || definition.kind() == ColumnKind.JSON) {
                        out.put(data, offsets[at], lengths[at]);
                    } else {
                        out.putUtf8(
                                new String(data, offsets[at], lengths[at], charset(definition)));
                    }
                }
                case FLOAT, DOUBLE, BYTES ->
                        throw new IllegalStateException("no text: " + definition);
            }
        }

        @Override
        public void appendBytes(int image, int column, ByteSink out) {
            int at = bytes(image, column);
            out.put(data, offsets[at], lengths[at]);
        }

        @Override
        public boolean isUtf8(int column) {
            Column definition = schema.column(column);
            return definition.kind().access() == ColumnKind.Access.TEXT
                    && definition.kind() != ColumnKind.JSON
                    && charset(definition) == StandardCharsets.UTF_8;
        }

        @Override
        public byte[] array() {
            return data;
        }

        @Override
        public int offset(int image, int column) {
            return offsets[bytes(image, column)];
        }

        @Override
        public int length(int image, int column) {
            return lengths[bytes(image, column)];
        }

        @Override
        public boolean isUnchanged(int column) {
            int before = cell(row, BEFORE, column);
            int after = cell(row, AFTER, column);
            if (states[after] == STATE_ABSENT) {
                return true;
            }
            return states[before] == states[after]
                    && numbers[before] == numbers[after]
                    && Arrays.equals(
                            data,
                            offsets[before],
                            offsets[before] + lengths[before],
                            data,
                            offsets[after],
                            offsets[after] + lengths[after]);
        }

        @Override
        public long hash(int image, int column) {
            int at = cell(row, image, column);
            if (states[at] == STATE_ABSENT) {
                throw new IllegalStateException("absent: " + schema.column(column));
            }
            if (states[at] == STATE_NULL) {
                return 0x9E37_79B9_7F4A_7C15L;
            }
            long hash = numbers[at] * 0xC2B2_AE3D_27D4_EB4FL + 0x1656_67B1;
            for (int i = offsets[at]; i < offsets[at] + lengths[at]; i++) {
                hash = (hash ^ (data[i] & 0xFF)) * 0x100_0000_01B3L;
            }
            return (hash ^ (hash >>> 31)) * 0x94D0_49BB_1331_11EBL;
        }

        private int bytes(int image, int column) {
            ColumnKind.Access access = access(column);
            if (access != ColumnKind.Access.BYTES && access != ColumnKind.Access.TEXT) {
                throw new IllegalStateException("not bytes: " + schema.column(column));
            }
            return value(image, column, null);
        }

        private int value(int image, int column, ColumnKind.@Nullable Access wanted) {
            int at = cell(row, image, column);
            if (states[at] != STATE_VALUE) {
                throw new IllegalStateException("NULL or absent: " + schema.column(column));
            }
            if (wanted != null && access(column) != wanted) {
                throw new IllegalStateException("wrong getter: " + schema.column(column));
            }
            return at;
        }

        private ColumnKind.Access access(int column) {
            return schema.column(column).kind().access();
        }
    }
}
