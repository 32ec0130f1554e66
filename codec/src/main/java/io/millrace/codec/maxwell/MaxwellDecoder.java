package io.millrace.codec.maxwell;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.decode.MessageDecoder;
import io.millrace.codec.json.JsonNodes;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the messages of {@link MaxwellEncoder}. The format has no types: numbers come as Long,
 * BigInteger or Double, everything else as String, binary columns as their Base64. Rows tell no
 * TSO, only seconds. {@code before} of an update holds the columns that changed.
 */
public final class MaxwellDecoder implements MessageDecoder {
    private static final String FORMAT = "maxwell";

    @Override
    public List<DecodedEvent> decode(byte @Nullable [] key, byte @Nullable [] value) {
        if (value == null) {
            throw JsonNodes.broken(FORMAT, "no value", null);
        }
        return JsonNodes.objects(FORMAT, value).stream().map(MaxwellDecoder::event).toList();
    }

    private static DecodedEvent event(JsonNode object) {
        TableName name =
                new TableName(
                        JsonNodes.member(FORMAT, object, "database").asText(),
                        JsonNodes.member(FORMAT, object, "table").asText());
        String type = JsonNodes.member(FORMAT, object, "type").asText();
        if (object.has("sql")) {
            return new DecodedEvent.Ddl(
                    name,
                    JsonNodes.member(FORMAT, object, "ts").bigIntegerValue().longValue(),
                    type,
                    object.get("sql").asText());
        }
        int op =
                switch (type) {
                    case "insert" -> RowBatch.INSERT;
                    case "update" -> RowBatch.UPDATE;
                    case "delete" -> RowBatch.DELETE;
                    default -> throw JsonNodes.broken(FORMAT, "type " + type, null);
                };
        return new DecodedEvent.Row(
                name, op, 0, columns(object.path("old")), columns(object.path("data")));
    }

    private static Map<String, @Nullable Object> columns(JsonNode object) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> each : object.properties()) {
            out.put(each.getKey(), JsonNodes.scalar(each.getValue()));
        }
        return out;
    }
}
