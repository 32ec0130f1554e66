package io.millrace.codec.avro;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads data in Avro's binary encoding by the schema that it was written with, for decoders. A
 * value becomes a {@link Long}, {@link Float}, {@link Double}, {@link Boolean}, {@link String},
 * {@code byte[]}, {@link List}, {@link Record}, {@link Map}, or null; bytes of logical type decimal
 * become a {@link BigDecimal}, enums strings. Immutable.
 */
public final class AvroReader {
    private static final int MAX_VARINT_BITS = 63;

    private final JsonNode root;
    private final Map<String, JsonNode> named = new HashMap<>();

    /**
     * A record.
     *
     * @param name its full name
     * @param values by field, in the schema's order
     */
    public record Record(String name, Map<String, @Nullable Object> values) {}

    /**
     * @param schema Avro schema as JSON
     * @throws MillraceException INVALID_PARAMETER when it is none
     */
    public AvroReader(String schema) {
        try {
            root = new JsonMapper().readTree(schema);
        } catch (JsonProcessingException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER,
                    "the Avro schema is no JSON: " + e.getOriginalMessage(),
                    e);
        }
        collect(root, "");
    }

    /** The schema itself. */
    public JsonNode schema() {
        return root;
    }

    /** Where one value ends and the next begins. */
    private static final class Input {
        final byte[] bytes;
        int at;

        Input(byte[] bytes, int at) {
            this.bytes = bytes;
            this.at = at;
        }

        int next() {
            return bytes[at++];
        }

        byte[] take(long count) {
            if (count < 0 || count > bytes.length - at) {
                throw new IndexOutOfBoundsException("length " + count);
            }
            byte[] out = java.util.Arrays.copyOfRange(bytes, at, at + (int) count);
            at += (int) count;
            return out;
        }

        long number() {
            long value = 0;
            int shift = 0;
            int b;
            do {
                if (shift > MAX_VARINT_BITS) {
                    throw new IndexOutOfBoundsException("number too long");
                }
                b = next();
                value |= (long) (b & 0x7F) << shift;
                shift += 7;
            } while (b < 0);
            return value >>> 1 ^ -(value & 1);
        }

        long littleEndian(int count) {
            long value = 0;
            for (int i = 0; i < count; i++) {
                value |= (next() & 0xFFL) << i * 8;
            }
            return value;
        }
    }

    /**
     * Reads one value that fills the rest of an array.
     *
     * @throws MillraceException INVALID_PARAMETER when the bytes are not of the schema
     */
    public @Nullable Object read(byte[] bytes, int from) {
        Input in = new Input(bytes, from);
        Object value;
        try {
            value = read(root, "", in);
        } catch (IndexOutOfBoundsException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER, "the message is not of its Avro schema", e);
        }
        if (in.at != bytes.length) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER,
                    "the message has "
                            + (bytes.length - in.at)
                            + " bytes more than its Avro schema says");
        }
        return value;
    }

    private void collect(JsonNode schema, String namespace) {
        if (schema.isArray()) {
            schema.forEach(each -> collect(each, namespace));
            return;
        }
        if (!schema.isObject()) {
            return;
        }
        String inner = namespace;
        if (schema.path("name").isTextual() && isNamed(schema.path("type").asText())) {
            inner = schema.path("namespace").asText(namespace);
            named.put(fullName(schema.path("name").asText(), inner), schema);
        }
        String nested = inner;
        schema.path("fields").forEach(field -> collect(field.path("type"), nested));
        for (String part : List.of("type", "items", "values")) {
            if (schema.path(part).isContainerNode()) {
                collect(schema.path(part), nested);
            }
        }
    }

    private static boolean isNamed(String type) {
        return type.equals("record") || type.equals("enum") || type.equals("fixed");
    }

    private static String fullName(String name, String namespace) {
        return name.contains(".") || namespace.isEmpty() ? name : namespace + "." + name;
    }

    private @Nullable Object read(JsonNode schema, String namespace, Input in) {
        if (schema.isArray()) {
            long branch = in.number();
            JsonNode chosen = branch < 0 || branch > 99 ? null : schema.get((int) branch);
            if (chosen == null) {
                throw new IndexOutOfBoundsException("union index " + branch);
            }
            return read(chosen, namespace, in);
        }
        JsonNode type = schema.isObject() ? schema.path("type") : schema;
        if (!type.isTextual()) {
            return read(type, namespace, in);
        }
        return switch (type.textValue()) {
            case "null" -> null;
            case "boolean" -> in.next() != 0;
            case "int", "long" -> in.number();
            case "float" -> Float.intBitsToFloat((int) in.littleEndian(Float.BYTES));
            case "double" -> Double.longBitsToDouble(in.littleEndian(Double.BYTES));
            case "string" -> new String(in.take(in.number()), StandardCharsets.UTF_8);
            case "bytes" -> {
                byte[] bytes = in.take(in.number());
                yield schema.path("logicalType").asText("").equals("decimal")
                        ? new BigDecimal(new BigInteger(bytes), schema.path("scale").asInt(0))
                        : bytes;
            }
            case "fixed" -> in.take(schema.path("size").asInt());
            case "enum" -> schema.path("symbols").path((int) in.number()).asText();
            case "array" -> array(schema.path("items"), namespace, in);
            case "map" -> map(schema.path("values"), namespace, in);
            case "record" -> record(schema, namespace, in);
            default -> {
                JsonNode reference = named.get(fullName(type.textValue(), namespace));
                if (reference == null) {
                    throw new MillraceException(
                            ErrorCode.INVALID_PARAMETER,
                            "the Avro schema names an unknown type: " + type.textValue());
                }
                yield read(reference, namespace, in);
            }
        };
    }

    private Record record(JsonNode schema, String namespace, Input in) {
        String inner = schema.path("namespace").asText(namespace);
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        for (JsonNode field : schema.path("fields")) {
            values.put(field.path("name").asText(), read(field.path("type"), inner, in));
        }
        return new Record(fullName(schema.path("name").asText(), inner), values);
    }

    private List<@Nullable Object> array(JsonNode items, String namespace, Input in) {
        List<@Nullable Object> out = new ArrayList<>();
        for (long left = block(in); left != 0; left = block(in)) {
            for (; left > 0; left--) {
                out.add(read(items, namespace, in));
            }
        }
        return out;
    }

    private Map<String, @Nullable Object> map(JsonNode values, String namespace, Input in) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        for (long left = block(in); left != 0; left = block(in)) {
            for (; left > 0; left--) {
                String key = new String(in.take(in.number()), StandardCharsets.UTF_8);
                out.put(key, read(values, namespace, in));
            }
        }
        return out;
    }

    /** Entries of the next block; a negative count is followed by the block's size in bytes. */
    private static long block(Input in) {
        long count = in.number();
        if (count < 0) {
            in.number();
            return -count;
        }
        return count;
    }
}
