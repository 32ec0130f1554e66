package io.millrace.testkit.replay;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Replays a maxwell topic. Reads the messages with a JSON library only; keys and binary columns are
 * those of the target's tables.
 */
public final class MaxwellReplay extends TopicReplay {
    private final JsonMapper json =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    public MaxwellReplay(Connection target) throws SQLException {
        super(target);
    }

    @Override
    public void apply(byte @Nullable [] key, byte @Nullable [] value) throws SQLException {
        if (value == null) {
            throw new IllegalStateException("a message without value");
        }
        try (MappingIterator<JsonNode> objects = json.readerFor(JsonNode.class).readValues(value)) {
            while (objects.hasNext()) {
                apply(objects.next());
            }
        } catch (IOException e) {
            throw new IllegalStateException(
                    "not JSON: " + new String(value, StandardCharsets.UTF_8), e);
        }
    }

    private void apply(JsonNode message) throws SQLException {
        String schema = message.path("database").asText();
        if (message.has("sql")) {
            executeDdl(schema, message.get("sql").asText());
            return;
        }
        String table = message.get("table").asText();
        Map<String, @Nullable Object> data = row(schema, table, message.path("data"));
        Map<String, @Nullable Object> old = row(schema, table, message.path("old"));
        switch (message.get("type").asText()) {
            case "insert" -> insert(schema, table, data);
            case "update" -> {
                // The old row holds only what changed.
                Map<String, @Nullable Object> before = new LinkedHashMap<>(data);
                before.putAll(old);
                update(schema, table, keyColumns(schema, table), before, data);
            }
            case "delete" -> delete(schema, table, keyColumns(schema, table), old);
            default -> throw new IllegalStateException("unknown message " + message);
        }
    }

    private Map<String, @Nullable Object> row(String schema, String table, JsonNode row)
            throws SQLException {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> column : row.properties()) {
            out.put(column.getKey(), value(schema, table, column.getKey(), column.getValue()));
        }
        return out;
    }

    private @Nullable Object value(String schema, String table, String name, JsonNode value)
            throws SQLException {
        if (value.isNull()) {
            return null;
        }
        if (value.isNumber()) {
            return value.decimalValue();
        }
        ColumnType type = columnTypes(schema, table).get(name);
        return type != null && type.isBinary()
                ? Base64.getDecoder().decode(value.asText())
                : value.asText();
    }
}
