package io.millrace.codec.simple;

import io.millrace.codec.text.DdlType;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.util.Optional;

/** One of the two encodings of the same messages. Belongs to one thread. */
sealed interface SimpleFormat permits SimpleJson, SimpleAvro {
    /** Version that every message names. */
    int VERSION = 1;

    /** Checksums of the row at hand, which the encoder sets anew for each. */
    final class Checksums {
        long current;
        long previous;
    }

    /** Rows of this table version and transaction follow. */
    void begin(TableSchema schema, long commitTso);

    /**
     * A row message.
     *
     * @param shortened with the handle key only, because the row is too large
     * @param claimCheck where the whole message is, if it is anywhere
     * @param checksums of the whole row's new and old image, also in a shortened message; 0 stands
     *     for an image that the row does not have
     */
    void row(
            RowView row,
            int op,
            boolean shortened,
            Optional<String> claimCheck,
            Optional<Checksums> checksums,
            long buildMs,
            ByteSink out);

    /** A DDL message; one of the schemas may be missing, or both. */
    void ddl(
            DdlType type,
            String sql,
            long commitTso,
            long buildMs,
            Optional<TableSchema> after,
            Optional<TableSchema> before,
            ByteSink out);

    void bootstrap(TableSchema schema, long buildMs, ByteSink out);

    void watermark(long tso, long buildMs, ByteSink out);
}
