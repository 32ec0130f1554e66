package io.millrace.codec.json;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reading JSON messages back, numbers without loss. Thread-safe; not for speed. */
public final class JsonNodes {
    private static final JsonMapper MAPPER =
            JsonMapper.builder()
                    .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .disable(JsonParser.Feature.AUTO_CLOSE_SOURCE)
                    .build();

    private JsonNodes() {}

    /**
     * One object.
     *
     * @param format named in the error
     * @throws MillraceException INVALID_PARAMETER when it is none
     */
    public static JsonNode object(String format, byte[] json) {
        try {
            JsonNode node = MAPPER.readTree(json);
            if (!node.isObject()) {
                throw broken(format, "no JSON object", null);
            }
            return node;
        } catch (IOException e) {
            throw broken(format, "no JSON", e);
        }
    }

    /**
     * Any number of objects, one behind the other.
     *
     * @throws MillraceException INVALID_PARAMETER when there is something else
     */
    public static List<JsonNode> objects(String format, byte[] json) {
        try (MappingIterator<JsonNode> nodes =
                MAPPER.readerFor(JsonNode.class)
                        .without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                        .readValues(json)) {
            List<JsonNode> all = nodes.readAll();
            if (!all.stream().allMatch(JsonNode::isObject)) {
                throw broken(format, "not only JSON objects", null);
            }
            return all;
        } catch (IOException e) {
            throw broken(format, "no JSON", e);
        }
    }

    /** A member that has to be there. */
    public static JsonNode member(String format, JsonNode object, String name) {
        JsonNode member = object.get(name);
        if (member == null) {
            throw broken(format, "no member " + name, null);
        }
        return member;
    }

    /** The error of a message that is none of its format. */
    public static MillraceException broken(String format, String what, @Nullable Throwable cause) {
        return new MillraceException(
                ErrorCode.INVALID_PARAMETER, "not a " + format + " message: " + what, cause);
    }

    /** A Long or BigInteger, a Double, a Boolean, a String, or null. */
    public static @Nullable Object scalar(JsonNode node) {
        if (node.isNull()) {
            return null;
        }
        if (node.isIntegralNumber()) {
            return node.canConvertToLong() ? (Object) node.longValue() : node.bigIntegerValue();
        }
        if (node.isNumber()) {
            return node.doubleValue();
        }
        return node.isBoolean() ? (Object) node.booleanValue() : node.asText();
    }
}
