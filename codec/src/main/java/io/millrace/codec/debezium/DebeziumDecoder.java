package io.millrace.codec.debezium;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.decode.MessageDecoder;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import java.io.IOException;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads debezium messages. Values are the format's own: days, milliseconds or microseconds for
 * dates and times, text in UTC for TIMESTAMP, names for ENUM and SET. With schemas BIT is a number;
 * Base64 is decoded where the TiDB extension says that a column is binary. Thread-safe.
 */
public final class DebeziumDecoder implements MessageDecoder {
    private static final String BITS = "io.debezium.data.Bits";

    private final JsonMapper mapper =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    @Override
    public List<DecodedEvent> decode(byte @Nullable [] key, byte @Nullable [] value) {
        if (value == null) {
            throw malformed("it has no value", null);
        }
        JsonNode root;
        try {
            root = mapper.readTree(value);
        } catch (JacksonException e) {
            throw malformed(e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw malformed("it cannot be read", e);
        }
        JsonNode payload = root.path("payload");
        JsonNode source = payload.path("source");
        JsonNode commitTs = source.path("commit_ts");
        if (!commitTs.isIntegralNumber()) {
            throw malformed("payload.source.commit_ts is missing", null);
        }
        long tso = commitTs.bigIntegerValue().longValue();
        TableName table = new TableName(source.path("db").asText(), source.path("table").asText());
        if (payload.has("ddl")) {
            String type = payload.path("tableChanges").path(0).path("type").asText("");
            return List.of(new DecodedEvent.Ddl(table, tso, type, payload.path("ddl").asText()));
        }
        Map<String, JsonNode> fields = fields(root.path("schema"));
        return switch (payload.path("op").asText()) {
            case "c" -> row(table, RowBatch.INSERT, tso, payload, fields);
            case "u" -> row(table, RowBatch.UPDATE, tso, payload, fields);
            case "d" -> row(table, RowBatch.DELETE, tso, payload, fields);
            case "m" -> List.of(new DecodedEvent.Watermark(tso));
            default -> throw malformed("op is '" + payload.path("op").asText() + "'", null);
        };
    }

    private static MillraceException malformed(String what, @Nullable Throwable cause) {
        return new MillraceException(
                ErrorCode.INVALID_PARAMETER, "not a debezium message: " + what, cause);
    }

    /** Schemas of the columns by name; empty when the message has none. */
    private static Map<String, JsonNode> fields(JsonNode schema) {
        Map<String, JsonNode> out = new HashMap<>();
        for (JsonNode member : schema.path("fields")) {
            if (member.path("field").asText().equals("after")) {
                for (JsonNode column : member.path("fields")) {
                    out.put(column.path("field").asText(), column);
                }
            }
        }
        return out;
    }

    private static List<DecodedEvent> row(
            TableName table, int op, long tso, JsonNode payload, Map<String, JsonNode> fields) {
        return List.of(
                new DecodedEvent.Row(
                        table,
                        op,
                        tso,
                        image(payload.path("before"), fields),
                        image(payload.path("after"), fields)));
    }

    private static Map<String, @Nullable Object> image(
            JsonNode image, Map<String, JsonNode> fields) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> member : image.properties()) {
            out.put(member.getKey(), value(member.getValue(), fields.get(member.getKey())));
        }
        return out;
    }

    private static @Nullable Object value(JsonNode value, @Nullable JsonNode schema) {
        if (value.isNull()) {
            return null;
        }
        if (value.isIntegralNumber() && (schema == null || isInteger(schema))) {
            return value.longValue();
        }
        if (value.isNumber()) {
            boolean isFloat = schema != null && schema.path("type").asText().equals("float");
            return isFloat ? (Object) value.decimalValue().floatValue() : value.doubleValue();
        }
        if (value.isBoolean()) {
            return value.booleanValue();
        }
        if (schema != null && schema.path("name").asText().equals(BITS)) {
            return bits(base64(value));
        }
        if (schema != null && schema.path("tidb_type").asText().equals("BLOB")) {
            return base64(value);
        }
        return value.textValue();
    }

    private static boolean isInteger(JsonNode schema) {
        return schema.path("type").asText().startsWith("int");
    }

    private static byte[] base64(JsonNode value) {
        try {
            return value.binaryValue();
        } catch (IOException e) {
            throw malformed("not Base64: " + value.asText(), e);
        }
    }

    /** Little-endian bytes as a number. */
    private static Object bits(byte[] bytes) {
        byte[] reversed = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            reversed[i] = bytes[bytes.length - 1 - i];
        }
        BigInteger number = new BigInteger(1, reversed);
        return number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
    }
}
