package io.millrace.mysql.sink;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one batch that one worker gets, with the keys they touch. Filled by the engine's
 * thread, then handed over whole.
 */
final class WorkItem {
    /** Null for an item that only ends a transaction. */
    final @Nullable RowTask task;

    /** Grows by one per item of a worker, from 1. */
    final long ticket;

    /** Rows are written idempotently. */
    final boolean safe;

    /** Whether the worker's part of the source transaction is complete with this item. */
    boolean endsTransaction;

    /** Whether the worker commits at once what it has, however little. */
    boolean commitsNow;

    private int[] rows;
    private int[] hashEnds;
    private long[] hashes;
    private boolean[] wild;
    private int count;

    /** Worker's bookkeeping: rows put into statements, written, committed. */
    int consumed;

    int writtenRows;
    int committedRows;

    WorkItem(@Nullable RowTask task, long ticket, boolean safe, int expectedRows) {
        this.task = task;
        this.ticket = ticket;
        this.safe = safe;
        rows = new int[expectedRows];
        hashEnds = new int[expectedRows];
        hashes = new long[expectedRows * 2];
        wild = new boolean[expectedRows];
    }

    void add(int row, RowKeys.Scratch keys) {
        if (count == rows.length) {
            int more = count * 2 + 8;
            rows = Arrays.copyOf(rows, more);
            hashEnds = Arrays.copyOf(hashEnds, more);
            wild = Arrays.copyOf(wild, more);
        }
        int from = count == 0 ? 0 : hashEnds[count - 1];
        int end = from + keys.count;
        if (end > hashes.length) {
            hashes = Arrays.copyOf(hashes, Math.max(end, hashes.length * 2 + 8));
        }
        System.arraycopy(keys.hashes, 0, hashes, from, keys.count);
        rows[count] = row;
        hashEnds[count] = end;
        wild[count] = keys.wild;
        count++;
    }

    int count() {
        return count;
    }

    /** Index in the batch of the k-th row. */
    int row(int k) {
        return rows[k];
    }

    boolean isWild(int k) {
        return wild[k];
    }

    int hashFrom(int k) {
        return k == 0 ? 0 : hashEnds[k - 1];
    }

    int hashEnd(int k) {
        return hashEnds[k];
    }

    long hash(int at) {
        return hashes[at];
    }
}
