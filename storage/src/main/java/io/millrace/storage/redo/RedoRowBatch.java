package io.millrace.storage.redo;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Rows from a redo log: texts are UTF-8, whatever character set the upstream's column has. */
final class RedoRowBatch extends RowBatch {
    private static final byte ABSENT = 0;
    private static final byte NULL = 1;
    private static final byte VALUE = 2;

    private static final long NULL_HASH = 0x2545_F491_4F6C_DD1DL;
    private static final long MIX = 0x9E37_79B9_7F4A_7C15L;

    private final TableSchema schema;
    private final int op;
    private final int rowCount;
    private final int size;
    private final boolean last;
    private final RecordDecoder.Key key;
    private final boolean foreignKeys;
    private final int columns;
    private final int[] indexes;
    private final byte[] states;
    private final long[] numbers;
    private final int[] lengths;
    private final byte[] data;

    private RedoRowBatch(Builder from) {
        schema = from.schema;
        op = from.op;
        rowCount = from.rows;
        size = from.size;
        last = from.last;
        key = from.key;
        foreignKeys = from.foreignKeys;
        columns = from.columns;
        indexes = from.indexes;
        states = from.states;
        numbers = from.numbers;
        lengths = from.lengths;
        data = from.data.toByteArray();
    }

    /** Collects the cells. */
    static final class Builder {
        private final TableSchema schema;
        private final int op;
        private final int rows;
        private final int size;
        private final boolean last;
        private final RecordDecoder.Key key;
        private final boolean foreignKeys;
        private final int columns;
        private final int[] indexes;
        private final byte[] states;
        private final long[] numbers;
        private final int[] lengths;
        private final ByteSink data;

        Builder(
                TableSchema schema,
                int op,
                int rows,
                int size,
                boolean last,
                RecordDecoder.Key key,
                boolean foreignKeys) {
            this.schema = schema;
            this.op = op;
            this.rows = rows;
            this.size = size;
            this.last = last;
            this.key = key;
            this.foreignKeys = foreignKeys;
            columns = schema.columns().size();
            indexes = new int[rows];
            int cells = Math.multiplyExact(rows * 2, columns);
            states = new byte[cells];
            numbers = new long[cells];
            lengths = new int[cells];
            data = new ByteSink(size);
        }

        int rows() {
            return rows;
        }

        void index(int row, int index) {
            indexes[row] = index;
        }

        private int cell(int row, int image, int column) {
            return (row * 2 + image) * columns + column;
        }

        void setNull(int row, int image, int column) {
            states[cell(row, image, column)] = NULL;
        }

        void number(int row, int image, int column, long value) {
            int at = cell(row, image, column);
            states[at] = VALUE;
            numbers[at] = value;
        }

        void bytes(int row, int image, int column, byte[] value) {
            int at = cell(row, image, column);
            states[at] = VALUE;
            numbers[at] = data.length();
            lengths[at] = value.length;
            data.put(value);
        }

        RedoRowBatch build() {
            return new RedoRowBatch(this);
        }
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
        return size;
    }

    @Override
    public int eventIndex() {
        return key.event();
    }

    @Override
    public boolean checksForeignKeys() {
        return foreignKeys;
    }

    @Override
    public boolean lastOfTransaction() {
        return last;
    }

    @Override
    public long commitTso() {
        return key.tso();
    }

    @Override
    public SourcePosition positionAfter() {
        return new RedoPosition(key.tso(), last);
    }

    @Override
    public RowView rows() {
        return new View();
    }

    @Override
    protected void recycle() {
        // The garbage collector's.
    }

    private final class View extends RowView {
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
            return row < 0 ? -1 : indexes[row];
        }

        private int cell(int image, int column) {
            return (row * 2 + image) * columns + column;
        }

        private int value(int image, int column) {
            int at = cell(image, column);
            if (states[at] != VALUE) {
                throw new IllegalStateException(
                        "column " + column + " of " + schema + " is NULL or not there");
            }
            return at;
        }

        @Override
        public boolean isPresent(int image, int column) {
            return states[cell(image, column)] != ABSENT;
        }

        @Override
        public boolean isNull(int image, int column) {
            return states[cell(image, column)] == NULL;
        }

        @Override
        public long longValue(int image, int column) {
            return numbers[value(image, column)];
        }

        @Override
        public double doubleValue(int image, int column) {
            return Double.longBitsToDouble(numbers[value(image, column)]);
        }

        @Override
        public void appendText(int image, int column, ByteSink out) {
            int at = value(image, column);
            if (schema.column(column).kind().access() == ColumnKind.Access.LONG) {
                out.put(
                        (schema.column(column).unsigned()
                                        ? Long.toUnsignedString(numbers[at])
                                        : Long.toString(numbers[at]))
                                .getBytes(StandardCharsets.US_ASCII));
            } else {
                out.put(data, (int) numbers[at], lengths[at]);
            }
        }

        @Override
        public void appendBytes(int image, int column, ByteSink out) {
            int at = value(image, column);
            out.put(data, (int) numbers[at], lengths[at]);
        }

        @Override
        public boolean isUtf8(int column) {
            ColumnKind kind = schema.column(column).kind();
            return kind.access() == ColumnKind.Access.TEXT && kind != ColumnKind.JSON;
        }

        @Override
        public byte[] array() {
            return data;
        }

        @Override
        public int offset(int image, int column) {
            return (int) numbers[value(image, column)];
        }

        @Override
        public int length(int image, int column) {
            return lengths[value(image, column)];
        }

        @Override
        public boolean isUnchanged(int column) {
            int before = cell(BEFORE, column);
            int after = cell(AFTER, column);
            if (states[after] == ABSENT) {
                return true;
            }
            if (states[before] != states[after]) {
                return false;
            }
            return states[after] == NULL || sameValue(column, before, after);
        }

        private boolean sameValue(int column, int before, int after) {
            return switch (schema.column(column).kind().access()) {
                case LONG, FLOAT, DOUBLE -> numbers[before] == numbers[after];
                case ASCII, TEXT, BYTES ->
                        Arrays.equals(
                                data,
                                (int) numbers[before],
                                (int) numbers[before] + lengths[before],
                                data,
                                (int) numbers[after],
                                (int) numbers[after] + lengths[after]);
            };
        }

        @Override
        public long hash(int image, int column) {
            int at = cell(image, column);
            if (states[at] != VALUE) {
                return NULL_HASH;
            }
            return switch (schema.column(column).kind().access()) {
                case LONG, FLOAT, DOUBLE -> (numbers[at] + 1) * MIX;
                case ASCII, TEXT, BYTES -> {
                    long hash = lengths[at];
                    int from = (int) numbers[at];
                    for (int i = from; i < from + lengths[at]; i++) {
                        hash = (hash + (data[i] & 0xFF)) * MIX;
                    }
                    yield hash;
                }
            };
        }
    }
}
