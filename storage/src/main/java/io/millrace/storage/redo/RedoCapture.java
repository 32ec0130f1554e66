package io.millrace.storage.redo;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.ResolvedMark;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.EventOutput;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.Upstream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * A redo log as a source of changes: what the target lacks up to the log's resolved TSO, then, if
 * the target may have a part of a later transaction, what takes that back.
 */
final class RedoCapture implements Upstream, Capture {
    private final ObjectStore store;
    private final RedoLogFolder folder;
    private final Path tmp;
    private final RecordDecoder decoder = new RecordDecoder();
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile long rows;

    /**
     * @param store not closed here
     * @param tmp folder for sorted files
     */
    RedoCapture(ObjectStore store, RedoLogFolder folder, Path tmp) {
        this.store = store;
        this.folder = folder;
        this.tmp = tmp;
    }

    /** Whether the target may have a part of a transaction of which the log lacks the rest. */
    private boolean hasOpen() {
        return Long.compareUnsigned(folder.meta().openTso(), folder.meta().resolvedTso()) > 0;
    }

    /** TSO of the last thing that is emitted. */
    long endTso() {
        // What takes a transaction back must not look like a part of it that is there already.
        return hasOpen() ? folder.meta().openTso() + 1 : folder.meta().resolvedTso();
    }

    @Override
    public void run(EventOutput out) throws InterruptedException {
        try {
            emit(out);
        } catch (IOException e) {
            throw new MillraceException(
                    ErrorCode.UPSTREAM_CORRUPT,
                    "cannot read the redo log in " + store.location() + ": " + e.getMessage(),
                    e);
        }
        // The pipeline ends when all is delivered, and then closes this.
        closed.await();
    }

    private void emit(EventOutput out) throws IOException, InterruptedException {
        RedoMeta meta = folder.meta();
        try (RedoReader reader = RedoReader.open(store, folder, meta.checkpointTso(), tmp);
                RedoReader.Backwards undo = new RedoReader.Backwards(tmp)) {
            for (RedoReader.Entry entry = reader.next(); entry != null; entry = reader.next()) {
                long tso = entry.key().tso();
                if (Long.compareUnsigned(tso, meta.checkpointTso()) <= 0) {
                    continue;
                }
                if (Long.compareUnsigned(tso, meta.resolvedTso()) > 0) {
                    if (hasOpen() && tso == meta.openTso() && !RecordDecoder.isDdl(entry.key())) {
                        canBeTakenBack(decoder.rows(entry.bytes(), false, true, entry.key()));
                        undo.add(entry.bytes());
                    }
                    continue;
                }
                if (RecordDecoder.isDdl(entry.key())) {
                    out.emit(decoder.ddl(entry.bytes(), entry.key()));
                    continue;
                }
                RecordDecoder.Key next = reader.peek();
                boolean last = next == null || next.tso() != tso;
                RowBatch batch = decoder.rows(entry.bytes(), last, false, entry.key());
                rows += batch.rowCount();
                out.emit(batch);
            }
            for (int event = 0; undo.left() > 0; event++) {
                byte[] record = undo.last();
                RowBatch batch =
                        decoder.rows(
                                record,
                                undo.left() == 0,
                                true,
                                new RecordDecoder.Key(endTso(), event));
                out.emit(batch);
            }
            out.emit(new ResolvedMark(endTso(), new RedoPosition(endTso(), true), false));
        }
    }

    /**
     * A row can be put back only as far as its image goes, and only if it can be told from others:
     * nobody knows which of them the target has.
     */
    private static void canBeTakenBack(RowBatch batch) {
        if (!batch.schema().hasHandleKey()) {
            throw new MillraceException(
                    ErrorCode.UPSTREAM_CORRUPT,
                    "a large transaction was under way that the target may have a part of: table "
                            + batch.schema().name()
                            + " has no key, so a part of the transaction cannot be taken back;"
                            + " compare this table with the last backup");
        }
        if (batch.op() == RowBatch.DELETE) {
            return;
        }
        RowView row = batch.rows();
        int columns = batch.schema().columns().size();
        while (row.next()) {
            for (int i = 0; i < columns; i++) {
                if (!row.isPresent(RowView.AFTER, i)) {
                    throw new MillraceException(
                            ErrorCode.UPSTREAM_CORRUPT,
                            "a large transaction was under way that the target may have a part of,"
                                    + " and table "
                                    + batch.schema().name()
                                    + " cannot be put back: the log's row images lack column "
                                    + batch.schema().column(i).name()
                                    + " (the upstream's binlog_row_image was not FULL); compare"
                                    + " this table with the last backup");
                }
            }
        }
    }

    /** Rows read so far. */
    long rows() {
        return rows;
    }

    @Override
    public Capture openCapture(CaptureRequest request) {
        return this;
    }

    @Override
    public void close() {
        closed.countDown();
    }

    @Override
    public long clusterId() {
        return 1;
    }

    @Override
    public long currentTso() {
        return endTso();
    }

    @Override
    public long oldestTso() {
        return folder.meta().checkpointTso();
    }

    @Override
    public List<TableSchema> tables(TableFilter filter) {
        return List.of();
    }

    @Override
    public SourcePosition decodePosition(String encoded) {
        throw new IllegalStateException("applying a redo log begins anew each time");
    }

    @Override
    public void check() {
        // There is nothing to ask before it is read.
    }
}
