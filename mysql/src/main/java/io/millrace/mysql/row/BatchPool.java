package io.millrace.mysql.row;

import io.millrace.mysql.wire.BufferPool;
import java.util.ArrayDeque;

/**
 * Idle batches of one decoder. Batches come back from whichever thread releases them last; what is
 * kept idle is bounded.
 */
final class BatchPool {
    /** Idle batches kept. */
    private static final int MAX_IDLE = 1024;

    /** Entries of idle offset arrays kept, in all. */
    private static final int MAX_IDLE_CELLS = 1 << 20;

    private final BufferPool buffers;
    private final ZoneOffsets zone;
    private final ArrayDeque<BinlogRowBatch> idle = new ArrayDeque<>();
    private int idleCells;

    BatchPool(BufferPool buffers, ZoneOffsets zone) {
        this.buffers = buffers;
        this.zone = zone;
    }

    BinlogRowBatch take() {
        synchronized (idle) {
            BinlogRowBatch batch = idle.pollLast();
            if (batch != null) {
                idleCells -= batch.cells.length;
                return batch;
            }
        }
        return new BinlogRowBatch(this, zone);
    }

    void give(BinlogRowBatch batch, byte[] buffer) {
        if (buffer.length > 0) {
            buffers.give(buffer);
        }
        synchronized (idle) {
            if (idle.size() >= MAX_IDLE) {
                return;
            }
            if (idleCells + batch.cells.length > MAX_IDLE_CELLS) {
                batch.dropCells();
            }
            idleCells += batch.cells.length;
            idle.addLast(batch);
        }
    }
}
