package io.millrace.mysql.row;

import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.WireRowBatch;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one rows event: the event's bytes, and for every cell of every row where it starts.
 * Pooled: {@link BinlogRowDecoder} fills it, the last release gives it and its buffer back.
 */
final class BinlogRowBatch extends WireRowBatch {
    /** In place of a cell's offset: the image does not hold the column. */
    static final int ABSENT = -2;

    /** In place of a cell's offset: NULL. */
    static final int NULL = -1;

    /** Row starts that are kept while a batch is idle. */
    private static final int FEW_ROWS = 128;

    /** More row starts than this are not kept idle. */
    private static final int MOST_ROWS = 1024;

    private static final int[] NO_CELLS = {};
    private static final byte[] NO_BYTES = {};

    private final BatchPool pool;

    /** The view that the first taker of a batch's life gets, so that reuse makes no garbage. */
    private final AtomicBoolean viewTaken = new AtomicBoolean();

    private final BinlogRowView ownView;

    /** Set by {@link #open}, read by views. */
    private @Nullable ColumnProgram program;

    byte[] bytes = NO_BYTES;

    /** Row by row, image by image, column by column. */
    int[] cells = NO_CELLS;

    int rows;

    /** Where each row begins, and the last one's end. */
    private int[] starts = new int[FEW_ROWS];

    private boolean verbatim;
    private boolean foreignKeys;
    private int op;
    private long commitTso;
    private int eventIndex;
    private int sizeBytes;

    BinlogRowBatch(BatchPool pool, ZoneOffsets zone) {
        this.pool = pool;
        this.ownView = new BinlogRowView(zone);
    }

    /** Begins a new life. */
    void open(ColumnProgram columnProgram, int operation, long tso, int index) {
        resetReferences();
        viewTaken.set(false);
        program = columnProgram;
        op = operation;
        commitTso = tso;
        eventIndex = index;
        rows = 0;
    }

    /** Notes where the row begins; for the one behind the last, where that ends. */
    void start(int row, int at) {
        if (row == starts.length) {
            starts = Arrays.copyOf(starts, row * 2);
        }
        starts[row] = at;
    }

    /**
     * Ends the filling: the buffer belongs to the batch from now on.
     *
     * @param asWritten see {@link #isVerbatim}
     * @param checkedForeignKeys see {@link #checksForeignKeys}
     */
    void fill(byte[] buffer, int rowCount, boolean asWritten, boolean checkedForeignKeys) {
        bytes = buffer;
        rows = rowCount;
        verbatim = asWritten;
        foreignKeys = checkedForeignKeys;
        sizeBytes = buffer.length + (cells.length + starts.length) * Integer.BYTES + OVERHEAD_BYTES;
    }

    @Override
    public boolean checksForeignKeys() {
        return foreignKeys;
    }

    @Override
    public boolean isVerbatim() {
        return verbatim;
    }

    @Override
    public TableMap wireMap() {
        return program().map;
    }

    @Override
    public byte[] wireBytes() {
        return bytes;
    }

    @Override
    public int wireStart(int row) {
        return starts[row];
    }

    /** About what the objects of a batch take beside its arrays. */
    private static final int OVERHEAD_BYTES = 256;

    ColumnProgram program() {
        ColumnProgram current = program;
        if (current == null) {
            throw new IllegalStateException("batch was released");
        }
        return current;
    }

    /** Images per row. */
    int images() {
        return op == RowBatch.UPDATE ? 2 : 1;
    }

    @Override
    public TableSchema schema() {
        return program().schema;
    }

    @Override
    public int op() {
        return op;
    }

    @Override
    public int rowCount() {
        return rows;
    }

    @Override
    public int sizeBytes() {
        return sizeBytes;
    }

    @Override
    public int eventIndex() {
        return eventIndex;
    }

    @Override
    public long commitTso() {
        return commitTso;
    }

    @Override
    public RowView rows() {
        BinlogRowView view =
                viewTaken.compareAndSet(false, true) ? ownView : new BinlogRowView(ownView.zone());
        view.of(this);
        return view;
    }

    @Override
    protected void recycle() {
        byte[] buffer = bytes;
        bytes = NO_BYTES;
        program = null;
        ownView.detach();
        dropStarts();
        pool.give(this, buffer);
    }

    /** Drops the offset array, when it is too large to be kept idle. */
    void dropCells() {
        cells = NO_CELLS;
        dropStarts();
    }

    /** Drops the row starts, when they are too many to be kept idle. */
    void dropStarts() {
        if (starts.length > MOST_ROWS) {
            starts = new int[FEW_ROWS];
        }
    }

    @Override
    public String toString() {
        ColumnProgram current = program;
        return "batch of " + rows + " rows of " + (current == null ? "nothing" : current.schema);
    }
}
