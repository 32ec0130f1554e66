package io.millrace.storage.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.util.Arrays;

/** A data file that is being filled, or waits for its upload. Rows of one table version. */
final class OpenFile {
    final TableName table;

    /** The version that the batches have. */
    final TableSchema schema;

    /** The columns that are written. */
    final TableSchema written;

    final FileFormat.Body body;
    final ByteSink bytes;
    final long openedNanos;

    /** Its part of the memory that the sink counts. */
    long counted;

    /** When it was closed and handed over for its upload. */
    long queuedNanos;

    private long[] seqs = new long[16];
    private int events;
    private Progress.Place first = Progress.Place.NONE;
    private Progress.Place last = Progress.Place.NONE;

    OpenFile(
            TableSchema schema,
            TableSchema written,
            FileFormat format,
            ByteSink bytes,
            long openedNanos) {
        this.table = schema.name();
        this.schema = schema;
        this.written = written;
        this.bytes = bytes;
        this.body = format.open(written, bytes);
        this.openedNanos = openedNanos;
    }

    void added(long seq, Progress.Place place) {
        if (events == seqs.length) {
            seqs = Arrays.copyOf(seqs, events * 2);
        }
        if (events == 0) {
            first = place;
        }
        seqs[events++] = seq;
        last = place;
    }

    /** Events to be acked. */
    int events() {
        return events;
    }

    long seq(int index) {
        return seqs[index];
    }

    Progress.Place first() {
        return first;
    }

    Progress.Place last() {
        return last;
    }
}
