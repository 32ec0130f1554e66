package io.millrace.dialects.ticdc;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BigIntegerNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.dialects.ticdc.Shape.Field;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes JSON as Go's {@code encoding/json} does, because that is what clients of TiCDC
 * have learned to rely on: names match without case, unknown ones are ignored, the last duplicate
 * wins, bytes after the first value are ignored, {@code null} leaves a scalar as it is and removes
 * an object, integers must fit their type and are never read as doubles, and an object is decoded
 * on top of what is already there.
 */
final class GoJson {
    private static final JsonFactory FACTORY = new JsonFactory();
    private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE);
    private static final ObjectMapper MAPPER = new ObjectMapper(escaping());

    private GoJson() {}

    /** A factory that escapes {@code &}, {@code <} and {@code >}, as Go does. */
    private static JsonFactory escaping() {
        JsonFactory factory = new JsonFactory();
        factory.setCharacterEscapes(
                new CharacterEscapes() {
                    private static final long serialVersionUID = 1L;

                    @Override
                    public int[] getEscapeCodesForAscii() {
                        int[] codes = CharacterEscapes.standardAsciiEscapesForJSON();
                        codes['&'] = CharacterEscapes.ESCAPE_STANDARD;
                        codes['<'] = CharacterEscapes.ESCAPE_STANDARD;
                        codes['>'] = CharacterEscapes.ESCAPE_STANDARD;
                        return codes;
                    }

                    @Override
                    public @Nullable SerializableString getEscapeSequence(int ch) {
                        return new SerializedString("");
                    }
                });
        return factory;
    }

    /** Compact text. */
    static String write(JsonNode node) {
        try {
            return MAPPER.writeValueAsString(node);
        } catch (JsonProcessingException e) {
            throw new MillraceException(ErrorCode.INTERNAL, "cannot write JSON", e);
        }
    }

    /** Reads back what {@link #write} wrote. */
    static ObjectNode readStored(String text) {
        try {
            return (ObjectNode) MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw new MillraceException(ErrorCode.INTERNAL, "a stored document is not JSON", e);
        }
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    static ArrayNode array() {
        return JsonNodeFactory.instance.arrayNode();
    }

    /** An unsigned 64-bit number. */
    static JsonNode unsigned(long value) {
        return value >= 0
                ? LongNode.valueOf(value)
                : BigIntegerNode.valueOf(new BigInteger(Long.toUnsignedString(value)));
    }

    /**
     * Decodes a request body on top of {@code base}, which is changed and returned.
     *
     * @throws MillraceException INVALID_PARAMETER when the body is empty, not JSON, or of the wrong
     *     types
     */
    static ObjectNode bind(byte[] body, Shape.Struct shape, ObjectNode base) {
        String text = new String(body, StandardCharsets.UTF_8);
        try (JsonParser parser = FACTORY.createParser(text)) {
            JsonToken token = parser.nextToken();
            if (token == null) {
                throw invalid("EOF");
            }
            if (token == JsonToken.VALUE_NULL) {
                return base;
            }
            if (token != JsonToken.START_OBJECT) {
                throw mismatch("", token, shape);
            }
            bindObject(parser, shape, base, "");
            return base;
        } catch (JsonProcessingException e) {
            throw invalid(e.getOriginalMessage());
        } catch (IOException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
    }

    /** A request body that is one JSON text. */
    static String bindText(byte[] body) {
        try (JsonParser parser = FACTORY.createParser(new String(body, StandardCharsets.UTF_8))) {
            JsonToken token = parser.nextToken();
            if (token == null) {
                throw invalid("EOF");
            }
            return bindValue(parser, token, Shape.TEXT, null, "").asText();
        } catch (IOException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
    }

    private static void bindObject(
            JsonParser parser, Shape.Struct shape, ObjectNode target, String path)
            throws IOException {
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            JsonToken token = parser.nextToken();
            Field field = shape.find(name);
            if (field == null) {
                parser.skipChildren();
                continue;
            }
            String at = path.isEmpty() ? field.name() : path + "." + field.name();
            if (token == JsonToken.VALUE_NULL) {
                // Null clears pointers, slices and objects; a plain scalar keeps what it had.
                boolean clears =
                        field.shape() instanceof Shape.Struct
                                || field.shape() instanceof Shape.Array
                                || field.shape() instanceof Shape.DurationNanos;
                if (clears) {
                    target.remove(field.name());
                }
                continue;
            }
            target.set(
                    field.name(),
                    bindValue(parser, token, field.shape(), target.get(field.name()), at));
        }
    }

    private static JsonNode bindValue(
            JsonParser parser, JsonToken token, Shape shape, @Nullable JsonNode old, String path)
            throws IOException {
        switch (shape) {
            case Shape.Bool bool -> {
                if (token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE) {
                    return BooleanNode.valueOf(token == JsonToken.VALUE_TRUE);
                }
            }
            case Shape.Text text -> {
                if (token == JsonToken.VALUE_STRING) {
                    return TextNode.valueOf(parser.getText());
                }
            }
            case Shape.Int range -> {
                if (token == JsonToken.VALUE_NUMBER_INT) {
                    BigInteger value = parser.getBigIntegerValue();
                    if (value.compareTo(range.min()) < 0 || value.compareTo(range.max()) > 0) {
                        throw invalid(
                                "json: cannot unmarshal number "
                                        + value
                                        + " into field "
                                        + path
                                        + ": out of range");
                    }
                    return number(value);
                }
            }
            case Shape.DurationNanos duration -> {
                if (token == JsonToken.VALUE_STRING) {
                    String value = parser.getText();
                    return LongNode.valueOf(
                            GoDuration.parse(value)
                                    .orElseThrow(() ->
                                            invalid(
                                                    "time: invalid duration \""
                                                            + value
                                                            + "\" in field "
                                                            + path)));
                }
                if (token.isNumeric()) {
                    OptionalLong nanos = GoDuration.nanos(parser.getText());
                    if (nanos.isPresent()) {
                        return LongNode.valueOf(nanos.getAsLong());
                    }
                    throw invalid("duration out of range in field " + path);
                }
            }
            case Shape.Expression expression -> {
                if (token == JsonToken.VALUE_STRING) {
                    return TextNode.valueOf(parser.getText());
                }
                if (token == JsonToken.START_ARRAY) {
                    List<String> parts = new ArrayList<>();
                    for (JsonNode part : bindArray(parser, new Shape.Array(Shape.TEXT), path)) {
                        if (!part.asText().isBlank()) {
                            parts.add("(" + part.asText() + ")");
                        }
                    }
                    return TextNode.valueOf(String.join(" OR ", parts));
                }
            }
            case Shape.Array array -> {
                if (token == JsonToken.START_ARRAY) {
                    return bindArray(parser, array, path);
                }
            }
            case Shape.Struct struct -> {
                if (token == JsonToken.START_OBJECT) {
                    ObjectNode target = old instanceof ObjectNode existing ? existing : object();
                    bindObject(parser, struct, target, path);
                    return target;
                }
            }
        }
        throw mismatch(path, token, shape);
    }

    private static ArrayNode bindArray(JsonParser parser, Shape.Array shape, String path)
            throws IOException {
        ArrayNode out = array();
        JsonToken token;
        while ((token = parser.nextToken()) != JsonToken.END_ARRAY) {
            if (token == JsonToken.VALUE_NULL) {
                out.add(zeroOf(shape.element()));
                continue;
            }
            JsonNode element = bindValue(parser, token, shape.element(), null, path + "[]");
            if (shape.element() instanceof Shape.Struct struct) {
                fillZeros(struct, (ObjectNode) element);
            }
            out.add(element);
        }
        return out;
    }

    private static JsonNode zeroOf(Shape shape) {
        return switch (shape) {
            case Shape.Bool bool -> BooleanNode.FALSE;
            case Shape.Int number -> LongNode.valueOf(0);
            case Shape.DurationNanos nanos -> LongNode.valueOf(0);
            case Shape.Text text -> TextNode.valueOf("");
            case Shape.Expression text -> TextNode.valueOf("");
            case Shape.Array array -> array();
            case Shape.Struct struct -> {
                ObjectNode object = object();
                fillZeros(struct, object);
                yield object;
            }
        };
    }

    private static void fillZeros(Shape.Struct shape, ObjectNode object) {
        for (Field field : shape.fields()) {
            if (field.zero() != null && !object.has(field.name())) {
                object.set(field.name(), field.zero());
            }
        }
    }

    private static JsonNode number(BigInteger value) {
        return value.compareTo(LONG_MAX) <= 0
                ? LongNode.valueOf(value.longValue())
                : BigIntegerNode.valueOf(value);
    }

    private static MillraceException mismatch(String path, JsonToken token, Shape shape) {
        String found =
                switch (token) {
                    case VALUE_STRING -> "string";
                    case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "number";
                    case VALUE_TRUE, VALUE_FALSE -> "bool";
                    case START_ARRAY -> "array";
                    case START_OBJECT -> "object";
                    default -> token.name();
                };
        String wanted =
                switch (shape) {
                    case Shape.Bool bool -> "bool";
                    case Shape.Int number -> "integer";
                    case Shape.Text text -> "string";
                    case Shape.Expression text -> "string";
                    case Shape.DurationNanos duration -> "duration";
                    case Shape.Array array -> "array";
                    case Shape.Struct struct -> "object";
                };
        return invalid(
                "json: cannot unmarshal "
                        + found
                        + " into "
                        + (path.isEmpty() ? "the request body" : "field " + path)
                        + " of type "
                        + wanted);
    }

    static MillraceException invalid(String why) {
        return new MillraceException(ErrorCode.INVALID_PARAMETER, "invalid api parameter: " + why);
    }
}
