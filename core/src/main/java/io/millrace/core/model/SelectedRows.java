package io.millrace.core.model;

import io.millrace.core.bytes.ByteSink;

/**
 * A part of a batch: some of its rows, the others left out by a filter. Rows keep their index in
 * the whole batch, so that a row has the same name whatever the filter is. It owns one reference to
 * the whole batch, and gives it back with its own last one.
 */
public final class SelectedRows extends RowBatch {
    private final RowBatch whole;
    private final int[] indexes;
    private final int count;

    /**
     * Takes over the caller's reference to the whole batch.
     *
     * @param indexes ascending indexes of rows; not copied, must not change any more
     * @param count how many of them, at least 1
     */
    public SelectedRows(RowBatch whole, int[] indexes, int count) {
        this.whole = whole;
        this.indexes = indexes;
        this.count = count;
    }

    @Override
    public RowBatch source() {
        return whole.source();
    }

    @Override
    public boolean checksForeignKeys() {
        return whole.checksForeignKeys();
    }

    @Override
    public TableSchema schema() {
        return whole.schema();
    }

    @Override
    public int op() {
        return whole.op();
    }

    @Override
    public int rowCount() {
        return count;
    }

    /** Of the whole batch: all of it is held. */
    @Override
    public int sizeBytes() {
        return whole.sizeBytes();
    }

    @Override
    public int eventIndex() {
        return whole.eventIndex();
    }

    @Override
    public boolean lastOfTransaction() {
        return whole.lastOfTransaction();
    }

    @Override
    public long commitTso() {
        return whole.commitTso();
    }

    @Override
    public SourcePosition positionAfter() {
        return whole.positionAfter();
    }

    @Override
    public RowView rows() {
        return new View(whole.rows(), indexes, count);
    }

    @Override
    protected void recycle() {
        whole.release();
    }

    @Override
    public String toString() {
        return count + " rows of " + whole;
    }

    /** Skips the rows that were left out. */
    private static final class View extends RowView {
        private final RowView all;
        private final int[] indexes;
        private final int count;
        private int at;

        View(RowView all, int[] indexes, int count) {
            this.all = all;
            this.indexes = indexes;
            this.count = count;
        }

        @Override
        public boolean next() {
            if (at == count) {
                return false;
            }
            int index = indexes[at++];
            while (all.index() < index) {
                if (!all.next()) {
                    throw new IllegalStateException("no row " + index + " in the batch");
                }
            }
            return true;
        }

        @Override
        public void rewind() {
            all.rewind();
            at = 0;
        }

        @Override
        public int index() {
            return all.index();
        }

        @Override
        public boolean isPresent(int image, int column) {
            return all.isPresent(image, column);
        }

        @Override
        public boolean isNull(int image, int column) {
            return all.isNull(image, column);
        }

        @Override
        public long longValue(int image, int column) {
            return all.longValue(image, column);
        }

        @Override
        public double doubleValue(int image, int column) {
            return all.doubleValue(image, column);
        }

        @Override
        public void appendText(int image, int column, ByteSink out) {
            all.appendText(image, column, out);
        }

        @Override
        public void appendBytes(int image, int column, ByteSink out) {
            all.appendBytes(image, column, out);
        }

        @Override
        public boolean isUtf8(int column) {
            return all.isUtf8(column);
        }

        @Override
        public byte[] array() {
            return all.array();
        }

        @Override
        public int offset(int image, int column) {
            return all.offset(image, column);
        }

        @Override
        public int length(int image, int column) {
            return all.length(image, column);
        }

        @Override
        public boolean isUnchanged(int column) {
            return all.isUnchanged(column);
        }

        @Override
        public long hash(int image, int column) {
            return all.hash(image, column);
        }
    }
}
