package io.millrace.codec.avro;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.codec.avro.registry.ConfluentRegistry;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.decode.MessageDecoder;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Reads Avro messages. Names are those of the schema, in which characters that Avro does not allow
 * have become underscores. Without the TiDB extension inserts and updates look the same and are
 * told as inserts; a delete tells the key only.
 *
 * <p>Belongs to one thread.
 */
public final class AvroDecoder implements MessageDecoder {
    private static final String EXTENSION = "_tidb_";

    private final IntFunction<String> schemas;
    private final Map<Integer, AvroReader> readers = new HashMap<>();

    /**
     * @param schemas gives the JSON of a schema by its id, such as {@link ConfluentRegistry#schema}
     */
    public AvroDecoder(IntFunction<String> schemas) {
        this.schemas = schemas;
    }

    @Override
    public List<DecodedEvent> decode(byte @Nullable [] key, byte @Nullable [] value) {
        if (value == null) {
            if (key == null) {
                throw invalid("neither key nor value");
            }
            AvroReader reader = reader(key);
            AvroReader.Record record = record(reader, key);
            return List.of(
                    new DecodedEvent.Row(
                            table(record.name()),
                            RowBatch.DELETE,
                            0,
                            columns(reader, record),
                            Map.of()));
        }
        if (value.length == 0) {
            throw invalid("an empty value");
        }
        return switch (value[0]) {
            case AvroEncoder.WATERMARK -> {
                if (value.length != 1 + Long.BYTES) {
                    throw invalid("a watermark of " + value.length + " bytes");
                }
                yield List.of(new DecodedEvent.Watermark(WireBytes.i64Be(value, 1)));
            }
            case AvroEncoder.DDL -> List.of(ddl(value));
            default -> List.of(row(value));
        };
    }

    private DecodedEvent.Row row(byte[] value) {
        AvroReader reader = reader(value);
        AvroReader.Record record = record(reader, value);
        boolean update = "u".equals(record.values().get(EXTENSION + "op"));
        Object tso = record.values().get(EXTENSION + "commit_ts");
        return new DecodedEvent.Row(
                table(record.name()),
                update ? RowBatch.UPDATE : RowBatch.INSERT,
                tso instanceof Long number ? number : 0,
                Map.of(),
                columns(reader, record));
    }

    private AvroReader reader(byte[] bytes) {
        if (bytes.length < ConfluentRegistry.HEADER_BYTES || bytes[0] != ConfluentRegistry.MAGIC) {
            throw invalid("no schema id");
        }
        int id = (int) WireBytes.u32Be(bytes, 1);
        return readers.computeIfAbsent(id, each -> new AvroReader(schemas.apply(each)));
    }

    private static AvroReader.Record record(AvroReader reader, byte[] bytes) {
        if (reader.read(bytes, ConfluentRegistry.HEADER_BYTES) instanceof AvroReader.Record out) {
            return out;
        }
        throw invalid("no record");
    }

    private static Map<String, @Nullable Object> columns(
            AvroReader reader, AvroReader.Record record) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        for (JsonNode field : reader.schema().path("fields")) {
            String name = field.path("name").asText();
            if (!name.startsWith(EXTENSION)) {
                Object value = record.values().get(name);
                out.put(name, value == null ? null : converted(tidbType(field), value));
            }
        }
        return out;
    }

    private static String tidbType(JsonNode field) {
        JsonNode type = field.path("type");
        if (type.isArray()) {
            type = type.path(0).isObject() ? type.path(0) : type.path(1);
        }
        return type.path("connect.parameters").path("tidb_type").asText();
    }

    /** Integers that Avro carries as something else. */
    private static Object converted(String tidbType, Object value) {
        return switch (value) {
            case byte[] bytes when tidbType.equals("BIT") -> {
                BigInteger number = new BigInteger(1, bytes);
                yield number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
            }
            case Long number when number < 0 && tidbType.equals("BIGINT UNSIGNED") ->
                    new BigInteger(Long.toUnsignedString(number));
            default -> value;
        };
    }

    private static DecodedEvent.Ddl ddl(byte[] value) {
        try {
            JsonNode ddl = new JsonMapper().readTree(Arrays.copyOfRange(value, 1, value.length));
            return new DecodedEvent.Ddl(
                    new TableName(ddl.path("schema").asText(), ddl.path("table").asText()),
                    ddl.path("commitTs").asLong(),
                    ddl.path("type").asText(),
                    ddl.path("query").asText());
        } catch (JsonProcessingException e) {
            throw invalid("a DDL that is no JSON");
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Namespace, schema and table are joined by points; none of them has one itself. */
    private static TableName table(String fullName) {
        String[] parts = fullName.split("\\.", -1);
        int last = parts.length - 1;
        return new TableName(last > 0 ? parts[last - 1] : "", parts[last]);
    }

    private static MillraceException invalid(String what) {
        return new MillraceException(
                ErrorCode.INVALID_PARAMETER, "no Avro message of a schema registry: " + what);
    }
}
