package io.millrace.testkit.replay;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Replays a canal-json topic. Reads the messages with a JSON library only.
 *
 * <p>Keys are the old image where there is one: an UPDATE that changes its key removes the old row.
 */
public final class CanalJsonReplay extends TopicReplay {
    private static final List<String> BINARY =
            List.of(
                    "binary",
                    "varbinary",
                    "tinyblob",
                    "blob",
                    "mediumblob",
                    "longblob",
                    "geometry");

    private final ObjectMapper json = new ObjectMapper();

    public CanalJsonReplay(Connection target) throws SQLException {
        super(target);
    }

    @Override
    public void apply(byte @Nullable [] key, byte @Nullable [] value) throws SQLException {
        if (value == null) {
            throw new IllegalStateException("a message without value");
        }
        JsonNode node;
        try {
            node = json.readTree(new String(value, StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(
                    "not JSON: " + new String(value, StandardCharsets.UTF_8), e);
        }
        String type = node.get("type").asText();
        if (type.equals("TIDB_WATERMARK")) {
            return;
        }
        String database = node.get("database").asText("");
        if (node.get("isDdl").asBoolean()) {
            executeDdl(type.equals("QUERY") ? "" : database, node.get("sql").asText());
            return;
        }
        String table = node.get("table").asText();
        List<String> keys = new ArrayList<>();
        node.get("pkNames").forEach(name -> keys.add(name.asText()));
        Map<String, @Nullable Object> data = row(node.get("data").get(0), node.get("mysqlType"));
        switch (type) {
            case "INSERT" -> insert(database, table, data);
            case "UPDATE" -> {
                // With only-updated-columns the message holds just what changed.
                Map<String, @Nullable Object> old = new LinkedHashMap<>(data);
                old.putAll(row(node.get("old").get(0), node.get("mysqlType")));
                update(database, table, keys, old, data);
            }
            case "DELETE" -> delete(database, table, keys, data);
            default -> throw new IllegalStateException("unknown type " + type);
        }
    }

    private static Map<String, @Nullable Object> row(JsonNode data, JsonNode types) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        data.properties()
                .forEach(column ->
                        out.put(
                                column.getKey(),
                                column.getValue().isNull()
                                        ? null
                                        : value(
                                                column.getValue().asText(),
                                                types.get(column.getKey()).asText())));
        return out;
    }

    /** A value by its text and MySQL type; canal has the same texts. */
    static Object value(String text, String type) {
        if (BINARY.contains(type)) {
            return text.getBytes(StandardCharsets.ISO_8859_1);
        }
        if (type.startsWith("enum") || type.startsWith("set") || type.startsWith("bit")) {
            // Written as numbers; as text they would be taken for an element or for bytes.
            return new BigDecimal(text);
        }
        return text;
    }
}
