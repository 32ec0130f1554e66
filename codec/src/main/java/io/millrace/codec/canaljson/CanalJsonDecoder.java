package io.millrace.codec.canaljson;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads canal-json messages, for whoever rebuilds tables from a topic. Thread-safe. */
public final class CanalJsonDecoder {
    private final JsonMapper mapper = new JsonMapper();

    /**
     * Reads one message value.
     *
     * @throws IllegalArgumentException when it is not a canal-json message
     */
    public CanalJsonMessage decode(byte[] value) {
        JsonNode root;
        try {
            root = mapper.readTree(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new IllegalArgumentException("not JSON", e);
        }
        JsonNode extension = root.path("_tidb");
        return new CanalJsonMessage(
                member(root, "database").textValue(),
                member(root, "table").textValue(),
                texts(member(root, "pkNames")),
                member(root, "type").textValue(),
                member(root, "isDdl").booleanValue(),
                member(root, "es").longValue(),
                member(root, "sql").textValue(),
                numbers(member(root, "sqlType")),
                types(member(root, "mysqlType")),
                row(member(root, "old")),
                row(member(root, "data")),
                tso(extension.path("commitTs")),
                tso(extension.path("watermarkTs")),
                extension.path("onlyHandleKey").booleanValue(),
                Optional.ofNullable(extension.path("claimCheckLocation").textValue()));
    }

    private static JsonNode member(JsonNode root, String name) {
        JsonNode member = root.get(name);
        if (member == null) {
            throw new IllegalArgumentException("no canal-json message: " + name + " is missing");
        }
        return member;
    }

    private static List<String> texts(JsonNode array) {
        List<String> out = new ArrayList<>();
        for (JsonNode each : array) {
            out.add(each.textValue());
        }
        return out;
    }

    private static Map<String, Integer> numbers(JsonNode object) {
        Map<String, Integer> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> each : object.properties()) {
            out.put(each.getKey(), each.getValue().intValue());
        }
        return out;
    }

    private static Map<String, String> types(JsonNode object) {
        Map<String, String> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> each : object.properties()) {
            out.put(each.getKey(), each.getValue().textValue());
        }
        return out;
    }

    private static Optional<Map<String, Optional<String>>> row(JsonNode array) {
        if (array.isNull()) {
            return Optional.empty();
        }
        Map<String, Optional<String>> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> each : array.path(0).properties()) {
            out.put(each.getKey(), Optional.ofNullable(each.getValue().textValue()));
        }
        return Optional.of(out);
    }

    private static Optional<Long> tso(JsonNode number) {
        return number.isMissingNode()
                ? Optional.empty()
                : Optional.of(number.bigIntegerValue().longValue());
    }
}
