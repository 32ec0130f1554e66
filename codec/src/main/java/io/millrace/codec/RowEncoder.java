package io.millrace.codec;

import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableSchema;
import java.util.Optional;

/**
 * Writes one wire format: rows, DDL and watermarks as messages of a queue. Holds the column
 * programs of the tables it has seen, so it belongs to one thread. Appending a row allocates
 * nothing, but where a format's own documentation says so.
 *
 * <p>Which columns a row has is the schema's business: column selectors are applied before, by a
 * narrower schema and view.
 */
public interface RowEncoder extends AutoCloseable {
    /**
     * Whether {@link #begin} with this table version and topic can go ahead without waiting for
     * anybody. If not, what it needs is fetched meanwhile, on a thread of the encoder's own: ask
     * again until it is there. Who does not ask may have to wait in {@code begin}.
     *
     * @throws io.millrace.core.error.MillraceException what was needed could not be had
     */
    default boolean prepare(TableSchema schema, String topic) {
        return true;
    }

    /**
     * Rows of this table version and transaction follow. Call it once per batch, before the first
     * {@link #append}.
     *
     * @param topic the topic that the messages go to; formats with a schema registry make their
     *     subjects of it
     */
    void begin(TableSchema schema, long commitTso, String topic);

    /** How many rows one message may hold, at least 1. */
    default int maxRowsPerMessage() {
        return 1;
    }

    /**
     * Appends the cursor's current row to a message that is empty or holds rows appended since the
     * last {@link #begin}, and counts it there.
     *
     * @param op {@link io.millrace.core.model.RowBatch#INSERT} takes the new image, DELETE the old
     *     one, UPDATE both. Usually the batch's operation; a sink that splits an update asks for a
     *     DELETE and an INSERT of the same row
     */
    void append(RowView row, int op, Message out);

    /** Completes a message of rows; nothing may be appended afterwards. */
    default void finish(Message out) {}

    /**
     * Bytes that {@link #finish} and the framing of one more row add at most, for the size check of
     * a message that takes more than one row.
     */
    default int framingBytes() {
        return 0;
    }

    /** Whether {@link #appendShortened} works with the options at hand. */
    default boolean canShorten() {
        return false;
    }

    /**
     * Appends a row that is too large for the queue, with its handle key columns only.
     *
     * @param claimCheck where the whole message was put; empty says that it was put nowhere
     */
    default void appendShortened(RowView row, int op, Optional<String> claimCheck, Message out) {
        throw new UnsupportedOperationException("this format cannot shorten rows");
    }

    /**
     * Writes the message of one part of a DDL statement.
     *
     * @return false when the format has no message for it
     */
    boolean appendDdl(SchemaChange change, SchemaChange.Change part, Message out);

    /** Whether a DDL goes to every partition of its topic, or to partition 0 alone. */
    default boolean ddlToAllPartitions() {
        return true;
    }

    /** Whether the format, as configured, has watermark messages. */
    default boolean hasWatermarks() {
        return false;
    }

    /** Writes a watermark message: everything up to the TSO was sent. */
    default void appendWatermark(long tso, Message out) {
        throw new UnsupportedOperationException("this format has no watermarks");
    }

    /** Whether the format has messages that tell a table's schema before its rows. */
    default boolean hasBootstraps() {
        return false;
    }

    /** Writes a message with the schema of a table. */
    default void appendBootstrap(TableSchema schema, Message out) {
        throw new UnsupportedOperationException("this format has no bootstrap messages");
    }

    /** Gives connections up, if there are any. */
    @Override
    default void close() {}
}
