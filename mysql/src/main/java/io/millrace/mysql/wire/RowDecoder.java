package io.millrace.mysql.wire;

import io.millrace.core.model.TableSchema;

/** Turns rows events into batches. Belongs to the capture's thread. */
public interface RowDecoder {
    /**
     * A batch over the event's bytes. The buffer passes to the batch, which gives it back to the
     * pool in {@code recycle()}; when this throws, the buffer stays with the caller. The batch is
     * not handed on before {@link WireRowBatch#seal}.
     *
     * @param buffer from the pool; holds the event
     * @param bodyStart first byte behind the 19 bytes of common header: the table number
     * @param bodyEnd end of the event without its checksum
     * @param eventType WRITE/UPDATE/DELETE_ROWS v1 (23, 24, 25) or v2 (30, 31, 32), or
     *     PARTIAL_UPDATE_ROWS (39). MariaDB's compressed events arrive here decompressed, under
     *     their uncompressed type
     * @param map of this event's table number; the same object while unchanged
     * @param schema version from {@link TableVersions#versionFor}; the same object while unchanged
     * @param commitTso of the transaction
     * @param eventIndex ordinal in the transaction, see {@link
     *     io.millrace.core.model.RowBatch#eventIndex}
     * @throws io.millrace.core.error.MillraceException SCHEMA_MISMATCH, UPSTREAM_CORRUPT or
     *     UNSUPPORTED_EVENT
     */
    WireRowBatch decode(
            byte[] buffer,
            int bodyStart,
            int bodyEnd,
            int eventType,
            TableMap map,
            TableSchema schema,
            long commitTso,
            int eventIndex);
}
