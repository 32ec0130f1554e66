package io.millrace.dialects.tiunimanager;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A decoded JSON object, read as Go's {@code encoding/json} reads into a struct: names match
 * without case, the last of several wins, unknown ones are ignored, {@code null} is as good as
 * absent, an absent member has Go's zero value, and a member of another type is an error.
 */
public final class Body {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final JsonNode node;
    private final String struct;
    private final UniCode onMismatch;

    private Body(JsonNode node, String struct, UniCode onMismatch) {
        this.node = node;
        this.struct = struct;
        this.onMismatch = onMismatch;
    }

    /**
     * The first JSON value of a request's body; what follows is ignored.
     *
     * @param struct the Go name of the request, for messages
     */
    static Body parse(byte[] bytes, String struct) {
        try (JsonParser parser =
                MAPPER.getFactory().createParser(new String(bytes, StandardCharsets.UTF_8))) {
            JsonNode value = MAPPER.readTree(parser);
            if (value == null || value.isMissingNode()) {
                throw new UniException(UniCode.MARSHAL_ERROR, "EOF");
            }
            if (value.isNull()) {
                value = JsonNodeFactory.instance.objectNode();
            }
            if (!value.isObject()) {
                throw new UniException(
                        UniCode.MARSHAL_ERROR,
                        "json: cannot unmarshal "
                                + kind(value)
                                + " into Go value of type "
                                + struct);
            }
            return new Body(value, struct, UniCode.MARSHAL_ERROR);
        } catch (StreamConstraintsException e) {
            throw new UniException(UniCode.MARSHAL_ERROR, e.getOriginalMessage());
        } catch (JsonProcessingException e) {
            // The parser's own words quote the body, which may hold a password.
            throw new UniException(
                    UniCode.MARSHAL_ERROR,
                    "invalid JSON at line "
                            + e.getLocation().getLineNr()
                            + ", column "
                            + e.getLocation().getColumnNr());
        } catch (IOException e) {
            throw new UniException(UniCode.MARSHAL_ERROR, String.valueOf(e.getMessage()));
        }
    }

    /** A text; empty when absent. */
    public String text(String name) {
        JsonNode value = find(name);
        if (value == null) {
            return "";
        }
        if (!value.isTextual()) {
            throw mismatch(name, value, "string");
        }
        return value.textValue();
    }

    /** A whole number of 64 bits; 0 when absent. */
    public long integer(String name) {
        JsonNode value = find(name);
        if (value == null) {
            return 0;
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw mismatch(name, value, "int64");
        }
        return value.longValue();
    }

    /** A whole number of 32 bits; 0 when absent. */
    public int int32(String name) {
        long value = integer(name);
        if (value != (int) value) {
            throw mismatch(name, JsonNodeFactory.instance.numberNode(value), "int32");
        }
        return (int) value;
    }

    /** False when absent. */
    public boolean flag(String name) {
        JsonNode value = find(name);
        if (value == null) {
            return false;
        }
        if (!value.isBoolean()) {
            throw mismatch(name, value, "bool");
        }
        return value.booleanValue();
    }

    /** A list of texts; empty when absent. */
    public List<String> texts(String name) {
        List<String> out = new ArrayList<>();
        for (JsonNode element : array(name)) {
            if (!element.isTextual() && !element.isNull()) {
                throw mismatch(name, element, "string");
            }
            out.add(element.isNull() ? "" : element.textValue());
        }
        return out;
    }

    /**
     * An object; empty when absent.
     *
     * @param struct the Go name of its type, for messages
     * @param onMismatch the code of a failure when it, or one of its members, has a wrong type
     */
    public Optional<Body> object(String name, String struct, UniCode onMismatch) {
        JsonNode value = find(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isObject()) {
            throw new Body(node, this.struct, onMismatch).mismatch(name, value, struct);
        }
        return Optional.of(new Body(value, struct, onMismatch));
    }

    /**
     * A list of objects; empty when absent.
     *
     * @param struct the Go name of their type, for messages
     */
    public List<Body> objects(String name, String struct) {
        List<Body> out = new ArrayList<>();
        for (JsonNode element : array(name)) {
            if (!element.isObject() && !element.isNull()) {
                throw mismatch(name, element, struct);
            }
            out.add(
                    new Body(
                            element.isNull() ? JsonNodeFactory.instance.objectNode() : element,
                            struct,
                            onMismatch));
        }
        return out;
    }

    /** Whether there is such a member that is not {@code null}. */
    public boolean has(String name) {
        return find(name) != null;
    }

    private Iterable<JsonNode> array(String name) {
        JsonNode value = find(name);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray()) {
            throw mismatch(name, value, "[]string");
        }
        return value;
    }

    private @Nullable JsonNode find(String name) {
        JsonNode found = null;
        for (Map.Entry<String, JsonNode> member : node.properties()) {
            if (member.getKey().equalsIgnoreCase(name) && !member.getValue().isNull()) {
                found = member.getValue();
            }
        }
        return found;
    }

    private UniException mismatch(String name, JsonNode found, String wanted) {
        return new UniException(
                onMismatch,
                "json: cannot unmarshal "
                        + kind(found)
                        + " into Go struct field "
                        + struct
                        + "."
                        + name
                        + " of type "
                        + wanted);
    }

    private static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case NUMBER -> "number";
            case STRING -> "string";
            case BOOLEAN -> "bool";
            default -> node.getNodeType().name().toLowerCase(Locale.ROOT);
        };
    }

    /** Never the values: they may be passwords. */
    @Override
    public String toString() {
        return struct;
    }
}
