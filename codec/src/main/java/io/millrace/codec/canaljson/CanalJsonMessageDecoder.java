package io.millrace.codec.canaljson;

import io.millrace.codec.Compression;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.decode.MessageDecoder;
import io.millrace.codec.json.JsonNodes;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads canal-json messages as events, with values typed by what the message says of the column:
 * ENUM, SET and BIT are numbers, dates and times are texts. Thread-safe.
 */
public final class CanalJsonMessageDecoder implements MessageDecoder {
    private static final String FORMAT = "canal-json";

    private final CanalJsonDecoder decoder = new CanalJsonDecoder();
    private final Compression compression;

    /**
     * @param compression of the values, which a message does not tell
     */
    public CanalJsonMessageDecoder(Compression compression) {
        this.compression = compression;
    }

    @Override
    public List<DecodedEvent> decode(byte @Nullable [] key, byte @Nullable [] value) {
        if (value == null) {
            throw JsonNodes.broken(FORMAT, "no value", null);
        }
        try {
            return List.of(event(decoder.decode(compression.expand(value))));
        } catch (IOException e) {
            throw JsonNodes.broken(FORMAT, "not compressed with " + compression, e);
        } catch (IllegalArgumentException e) {
            throw JsonNodes.broken(FORMAT, String.valueOf(e.getMessage()), e);
        }
    }

    private static DecodedEvent event(CanalJsonMessage message) {
        TableName name = new TableName(message.database(), message.table());
        if (message.watermark()) {
            return new DecodedEvent.Watermark(message.watermarkTso().orElse(0L));
        }
        long tso = message.commitTso().orElse(0L);
        if (message.ddl()) {
            return new DecodedEvent.Ddl(name, tso, message.type(), message.sql());
        }
        int op =
                switch (message.type()) {
                    case "INSERT" -> RowBatch.INSERT;
                    case "UPDATE" -> RowBatch.UPDATE;
                    case "DELETE" -> RowBatch.DELETE;
                    default -> throw new IllegalArgumentException("type " + message.type());
                };
        return new DecodedEvent.Row(
                name,
                op,
                tso,
                values(message, op == RowBatch.DELETE ? message.data() : message.old()),
                op == RowBatch.DELETE ? Map.of() : values(message, message.data()),
                message.onlyHandleKey(),
                message.claimCheck());
    }

    private static Map<String, @Nullable Object> values(
            CanalJsonMessage message, Optional<Map<String, Optional<String>>> row) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        row.orElse(Map.of())
                .forEach((column, text) ->
                        out.put(
                                column,
                                text.isEmpty()
                                        ? null
                                        : SqlTypes.parse(
                                                message.sqlTypes().getOrDefault(column, 0),
                                                message.mysqlTypes().getOrDefault(column, ""),
                                                text.get())));
        return out;
    }
}
