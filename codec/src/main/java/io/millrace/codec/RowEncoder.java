package io.millrace.codec;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableSchema;

/**
 * Writes one wire format: rows, DDL and watermarks as message values. Holds the column programs of
 * the tables it has seen, so it belongs to one thread. Appending a row allocates nothing.
 */
public interface RowEncoder {
    /**
     * Rows of this table version and transaction follow. Call it once per batch, before the first
     * {@link #append}.
     */
    void begin(TableSchema schema, long commitTso);

    /**
     * Appends the value of one message: the cursor's current row.
     *
     * @param op {@link io.millrace.core.model.RowBatch#INSERT} takes the new image, DELETE the old
     *     one, UPDATE both. Usually the batch's operation; a sink that splits an update asks for a
     *     DELETE and an INSERT of the same row
     */
    void append(RowView row, int op, ByteSink out);

    /** Appends the message of one part of a DDL statement. */
    void appendDdl(SchemaChange change, SchemaChange.Change part, ByteSink out);

    /** Whether the format, as configured, has watermark messages. */
    boolean hasWatermarks();

    /** Appends a watermark message: everything up to the TSO was sent. */
    void appendWatermark(long tso, ByteSink out);
}
