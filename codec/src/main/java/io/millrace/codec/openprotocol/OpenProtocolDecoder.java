package io.millrace.codec.openprotocol;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.codec.Compression;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.decode.MessageDecoder;
import io.millrace.codec.json.JsonNodes;
import io.millrace.codec.text.GoQuoting;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads open-protocol messages. Integers come as Long or BigInteger, floats as Float or Double,
 * decimals as BigDecimal, binary columns as {@code byte[]}, everything else as String; ENUM and SET
 * as their numbers.
 */
public final class OpenProtocolDecoder implements MessageDecoder {
    private static final String FORMAT = "open-protocol";

    private final Compression compression;

    /**
     * @param compression of the values, which a message does not tell
     */
    public OpenProtocolDecoder(Compression compression) {
        this.compression = compression;
    }

    @Override
    public List<DecodedEvent> decode(byte @Nullable [] key, byte @Nullable [] value) {
        if (key == null || value == null || key.length < Long.BYTES) {
            throw JsonNodes.broken(FORMAT, "key or value is missing", null);
        }
        long version = WireBytes.i64Be(key, 0);
        if (version != OpenProtocolEncoder.VERSION) {
            throw JsonNodes.broken(FORMAT, "version " + version, null);
        }
        List<byte[]> keys = records(key, Long.BYTES);
        List<byte[]> values = records(value, 0);
        if (keys.size() != values.size()) {
            throw JsonNodes.broken(
                    FORMAT,
                    keys.size() + " records in the key, " + values.size() + " in the value",
                    null);
        }
        List<DecodedEvent> events = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            try {
                events.add(event(JsonNodes.object(FORMAT, keys.get(i)), values.get(i)));
            } catch (IllegalArgumentException e) {
                throw JsonNodes.broken(FORMAT, String.valueOf(e.getMessage()), e);
            }
        }
        return events;
    }

    private static List<byte[]> records(byte[] bytes, int from) {
        List<byte[]> records = new ArrayList<>();
        int at = from;
        while (at < bytes.length) {
            long length = bytes.length - at < Long.BYTES ? -1 : WireBytes.i64Be(bytes, at);
            if (length < 0 || length > bytes.length - at - Long.BYTES) {
                throw JsonNodes.broken(FORMAT, "a record is cut off", null);
            }
            at += Long.BYTES;
            records.add(Arrays.copyOfRange(bytes, at, at + (int) length));
            at += (int) length;
        }
        return records;
    }

    private DecodedEvent event(JsonNode key, byte[] value) {
        long tso = JsonNodes.member(FORMAT, key, "ts").bigIntegerValue().longValue();
        TableName name = new TableName(key.path("scm").asText(""), key.path("tbl").asText(""));
        int type = JsonNodes.member(FORMAT, key, "t").intValue();
        return switch (type) {
            case OpenProtocolEncoder.RESOLVED -> new DecodedEvent.Watermark(tso);
            case OpenProtocolEncoder.DDL -> {
                JsonNode ddl = JsonNodes.object(FORMAT, expand(value));
                yield new DecodedEvent.Ddl(
                        name,
                        tso,
                        JsonNodes.member(FORMAT, ddl, "t").asText(),
                        JsonNodes.member(FORMAT, ddl, "q").asText());
            }
            case OpenProtocolEncoder.ROW ->
                    row(name, tso, key, JsonNodes.object(FORMAT, expand(value)));
            default -> throw JsonNodes.broken(FORMAT, "type " + type, null);
        };
    }

    private byte[] expand(byte[] value) {
        try {
            return compression.expand(value);
        } catch (IOException e) {
            throw JsonNodes.broken(FORMAT, "not compressed with " + compression, e);
        }
    }

    private static DecodedEvent row(TableName name, long tso, JsonNode key, JsonNode value) {
        boolean deleted = value.has("d");
        int op = deleted ? RowBatch.DELETE : value.has("p") ? RowBatch.UPDATE : RowBatch.INSERT;
        String location = key.path("ccl").asText("");
        return new DecodedEvent.Row(
                name,
                op,
                tso,
                columns(value.path(deleted ? "d" : "p")),
                columns(value.path("u")),
                key.path("ohk").booleanValue(),
                location.isEmpty() ? Optional.empty() : Optional.of(location));
    }

    private static Map<String, @Nullable Object> columns(JsonNode object) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> each : object.properties()) {
            JsonNode column = each.getValue();
            out.put(
                    each.getKey(),
                    value(
                            column.path("t").intValue(),
                            (column.path("f").intValue() & MysqlTypes.FLAG_BINARY) != 0,
                            JsonNodes.member(FORMAT, column, "v")));
        }
        return out;
    }

    private static @Nullable Object value(int type, boolean binary, JsonNode node) {
        if (node.isNull()) {
            return null;
        }
        return switch (type) {
            case MysqlTypes.FLOAT -> node.floatValue();
            case MysqlTypes.DOUBLE -> node.doubleValue();
            case MysqlTypes.NEW_DECIMAL -> new BigDecimal(node.textValue());
            case MysqlTypes.STRING, MysqlTypes.VARCHAR, MysqlTypes.VAR_STRING ->
                    binary ? (Object) GoQuoting.parse(node.textValue()) : node.textValue();
            case MysqlTypes.TINY_BLOB,
                    MysqlTypes.MEDIUM_BLOB,
                    MysqlTypes.LONG_BLOB,
                    MysqlTypes.BLOB,
                    MysqlTypes.GEOMETRY -> {
                byte[] bytes = Base64.getDecoder().decode(node.textValue());
                yield binary ? (Object) bytes : new String(bytes, StandardCharsets.UTF_8);
            }
            default -> JsonNodes.scalar(node);
        };
    }
}
