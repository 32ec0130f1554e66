package io.millrace.storage.reader;

import io.millrace.core.model.TableName;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A row change read back. Values are texts, numbers, bytes or, where a file has a point in time and
 * not a text in some zone, a {@link java.time.Instant}; or null for SQL NULL.
 *
 * @param op {@link io.millrace.core.model.RowBatch#INSERT}, UPDATE or DELETE
 * @param commitTso 0 when the file does not tell
 * @param before the old row of a delete, and of an update where the format tells it, else empty
 * @param after the new row, empty for a delete
 */
public record StoredRow(
        TableName table,
        int op,
        long commitTso,
        Map<String, @Nullable Object> before,
        Map<String, @Nullable Object> after) {
    public StoredRow {
        before = Collections.unmodifiableMap(new LinkedHashMap<>(before));
        after = Collections.unmodifiableMap(new LinkedHashMap<>(after));
    }
}
