package io.millrace.codec.decode;

import io.millrace.core.model.TableName;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A row change, DDL or watermark read back from a message.
 *
 * <p>Values are what the format can tell of them: {@link Long} or {@link java.math.BigInteger} for
 * integers, {@link Double} or {@link Float}, {@link java.math.BigDecimal}, {@link Boolean}, {@link
 * String}, {@code byte[]}, or null for SQL NULL. A column that the message leaves out is not in the
 * map.
 */
public sealed interface DecodedEvent {
    /**
     * A row.
     *
     * @param op {@link io.millrace.core.model.RowBatch#INSERT}, UPDATE or DELETE
     * @param commitTso 0 when the format does not tell
     * @param before old values of an update or delete, empty when the format does not tell
     * @param after new values of an insert or update
     * @param onlyHandleKey the message was too large and holds the key only
     * @param claimCheck where the whole message is
     */
    record Row(
            TableName table,
            int op,
            long commitTso,
            Map<String, @Nullable Object> before,
            Map<String, @Nullable Object> after,
            boolean onlyHandleKey,
            Optional<String> claimCheck)
            implements DecodedEvent {
        public Row {
            before = Collections.unmodifiableMap(new LinkedHashMap<>(before));
            after = Collections.unmodifiableMap(new LinkedHashMap<>(after));
        }

        public Row(
                TableName table,
                int op,
                long commitTso,
                Map<String, @Nullable Object> before,
                Map<String, @Nullable Object> after) {
            this(table, op, commitTso, before, after, false, Optional.empty());
        }
    }

    /**
     * A DDL statement.
     *
     * @param table the table it is about; the table part is empty for a schema
     * @param type the format's word or number for the kind
     */
    record Ddl(TableName table, long commitTso, String type, String query)
            implements DecodedEvent {}

    /** Everything up to the TSO was sent. */
    record Watermark(long tso) implements DecodedEvent {}

    /** The schema of a table, as the format writes it. */
    record Bootstrap(TableName table, String schema) implements DecodedEvent {}
}
