package io.millrace.codec.simple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.codec.Compression;
import io.millrace.codec.avro.AvroReader;
import io.millrace.codec.decode.DecodedEvent;
import io.millrace.codec.decode.MessageDecoder;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads simple messages. It remembers the table schemas of DDL and bootstrap messages, and gives
 * the values of a row their types by the schema of the row's version; without it values are told as
 * they are in the message, which for JSON is text.
 *
 * <p>Belongs to one thread.
 */
public final class SimpleDecoder implements MessageDecoder {
    private final boolean avro;
    private final Compression compression;
    private final JsonMapper mapper = new JsonMapper();
    private final Optional<AvroReader> reader;

    /** Column types of each table version. */
    private final Map<Version, Map<String, Type>> schemas = new HashMap<>();

    private record Version(TableName table, long version) {}

    private record Type(String mysqlType, boolean unsigned) {}

    /**
     * @param avro the encoding
     * @param compression of the values
     */
    public SimpleDecoder(boolean avro, Compression compression) {
        this.avro = avro;
        this.compression = compression;
        reader = avro ? Optional.of(new AvroReader(SimpleAvro.schema())) : Optional.empty();
    }

    @Override
    public List<DecodedEvent> decode(byte @Nullable [] key, byte @Nullable [] value) {
        if (value == null) {
            throw invalid("a null value");
        }
        try {
            byte[] plain = compression.expand(value);
            return List.of(avro ? fromAvro(plain) : fromJson(mapper.readTree(plain)));
        } catch (IOException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER, "no simple message: " + e.getMessage(), e);
        }
    }

    private DecodedEvent fromJson(JsonNode message) {
        if (!message.path("type").isTextual()) {
            throw invalid("no type");
        }
        String type = message.path("type").textValue();
        long tso = message.path("commitTs").longValue();
        return switch (type) {
            case "WATERMARK" -> new DecodedEvent.Watermark(tso);
            case "BOOTSTRAP" -> {
                TableName table = remember(message.path("tableSchema"));
                yield new DecodedEvent.Bootstrap(table, message.path("tableSchema").toString());
            }
            case "INSERT", "UPDATE", "DELETE" -> {
                TableName table =
                        new TableName(
                                message.path("database").asText(), message.path("table").asText());
                Map<String, Type> types = types(table, message.path("schemaVersion").longValue());
                String claimCheck = message.path("claimCheckLocation").asText("");
                yield new DecodedEvent.Row(
                        table,
                        op(type),
                        tso,
                        row(message.path("old"), types),
                        row(message.path("data"), types),
                        message.path("handleKeyOnly").asBoolean(false),
                        claimCheck.isEmpty() ? Optional.empty() : Optional.of(claimCheck));
            }
            default -> {
                TableName before = new TableName("", "");
                if (message.has("preTableSchema")) {
                    before = remember(message.path("preTableSchema"));
                }
                TableName after =
                        message.has("tableSchema") ? remember(message.path("tableSchema")) : before;
                yield new DecodedEvent.Ddl(after, tso, type, message.path("sql").asText());
            }
        };
    }

    private static int op(String type) {
        return switch (type) {
            case "INSERT" -> RowBatch.INSERT;
            case "UPDATE" -> RowBatch.UPDATE;
            default -> RowBatch.DELETE;
        };
    }

    /** Keeps the types of a schema in JSON's words; Avro's are brought into them before. */
    private TableName remember(JsonNode schema) {
        TableName table =
                new TableName(schema.path("schema").asText(), schema.path("table").asText());
        Map<String, Type> types = new HashMap<>();
        for (JsonNode column : schema.path("columns")) {
            JsonNode type = column.path("dataType");
            types.put(
                    column.path("name").asText(),
                    new Type(
                            type.path("mysqlType").asText(),
                            type.path("unsigned").asBoolean(false)));
        }
        schemas.put(new Version(table, schema.path("version").longValue()), types);
        return table;
    }

    private Map<String, Type> types(TableName table, long version) {
        return schemas.getOrDefault(new Version(table, version), Map.of());
    }

    private static Map<String, @Nullable Object> row(JsonNode values, Map<String, Type> types) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> each : values.properties()) {
            JsonNode value = each.getValue();
            if (value.isNull()) {
                out.put(each.getKey(), null);
            } else {
                String text = value.isObject() ? value.path("value").asText() : value.asText();
                out.put(each.getKey(), typed(text, types.get(each.getKey())));
            }
        }
        return out;
    }

    private static Object typed(String text, @Nullable Type type) {
        if (type == null) {
            return text;
        }
        return switch (type.mysqlType()) {
            case "tinyint",
                    "smallint",
                    "mediumint",
                    "int",
                    "bigint",
                    "year",
                    "bit",
                    "enum",
                    "set" -> {
                BigInteger number = new BigInteger(text);
                yield number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
            }
            case "float" -> Float.valueOf(text);
            case "double" -> Double.valueOf(text);
            case "decimal" -> new BigDecimal(text);
            case "binary",
                    "varbinary",
                    "tinyblob",
                    "blob",
                    "mediumblob",
                    "longblob",
                    "geometry",
                    "point",
                    "linestring",
                    "polygon",
                    "multipoint",
                    "multilinestring",
                    "multipolygon",
                    "geometrycollection" ->
                    Base64.getDecoder().decode(text);
            default -> text;
        };
    }

    private DecodedEvent fromAvro(byte[] bytes) {
        AvroReader.Record message = record(reader.orElseThrow().read(bytes, 0));
        AvroReader.Record payload = record(message.values().get("payload"));
        Map<String, @Nullable Object> values = payload.values();
        String kind = payload.name().substring(payload.name().lastIndexOf('.') + 1);
        return switch (kind) {
            case "Watermark" -> new DecodedEvent.Watermark(number(values, "commitTs"));
            case "Bootstrap" -> {
                JsonNode schema = schemaOf(values.get("tableSchema"));
                yield new DecodedEvent.Bootstrap(remember(schema), schema.toString());
            }
            case "DDL" -> {
                TableName before = new TableName("", "");
                if (values.get("preTableSchema") != null) {
                    before = remember(schemaOf(values.get("preTableSchema")));
                }
                TableName after =
                        values.get("tableSchema") == null
                                ? before
                                : remember(schemaOf(values.get("tableSchema")));
                yield new DecodedEvent.Ddl(
                        after,
                        number(values, "commitTs"),
                        text(values, "type"),
                        text(values, "sql"));
            }
            default -> {
                TableName table = new TableName(text(values, "database"), text(values, "table"));
                Map<String, Type> types = types(table, number(values, "schemaVersion"));
                yield new DecodedEvent.Row(
                        table,
                        op(text(values, "type")),
                        number(values, "commitTs"),
                        avroRow(values.get("old"), types),
                        avroRow(values.get("data"), types),
                        Boolean.TRUE.equals(values.get("handleKeyOnly")),
                        Optional.ofNullable(values.get("claimCheckLocation"))
                                .map(Object::toString));
            }
        };
    }

    /** A schema as the JSON messages have it: its first member has another name there. */
    private JsonNode schemaOf(@Nullable Object schema) {
        Map<String, @Nullable Object> plain = plain(record(schema));
        Map<String, @Nullable Object> renamed = new LinkedHashMap<>();
        plain.forEach(
                (name, value) -> renamed.put(name.equals("database") ? "schema" : name, value));
        return mapper.valueToTree(renamed);
    }

    private static Map<String, @Nullable Object> plain(AvroReader.Record record) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        record.values()
                .forEach((name, value) -> {
                    Object simple = simplified(value);
                    // What JSON leaves out when it is empty is null in Avro.
                    if (simple != null || name.equals("default")) {
                        out.put(name, simple);
                    }
                });
        return out;
    }

    private static @Nullable Object simplified(@Nullable Object value) {
        return switch (value) {
            case AvroReader.Record record -> plain(record);
            case List<?> list -> list.stream().map(SimpleDecoder::simplified).toList();
            case null, default -> value;
        };
    }

    private static Map<String, @Nullable Object> avroRow(
            @Nullable Object image, Map<String, Type> types) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        if (image instanceof Map<?, ?> values) {
            values.forEach((name, value) -> {
                String column = String.valueOf(name);
                out.put(column, avroValue(value, types.get(column)));
            });
        }
        return out;
    }

    private static @Nullable Object avroValue(@Nullable Object value, @Nullable Type type) {
        return switch (value) {
            case AvroReader.Record record when record.name().endsWith(".UnsignedBigint") ->
                    unsigned(number(record.values(), "value"));
            case AvroReader.Record timestamp -> text(timestamp.values(), "value");
            // Only BIT and SET have 64 bits without being UnsignedBigint.
            case Long number when type != null && !isSigned(type) -> unsigned(number);
            case String text when type != null && type.mysqlType().equals("decimal") ->
                    new BigDecimal(text);
            case null, default -> value;
        };
    }

    private static boolean isSigned(Type type) {
        return !type.mysqlType().equals("bit") && !type.mysqlType().equals("set");
    }

    private static Object unsigned(long bits) {
        return bits >= 0 ? (Object) bits : new BigInteger(Long.toUnsignedString(bits));
    }

    private static AvroReader.Record record(@Nullable Object value) {
        if (value instanceof AvroReader.Record record) {
            return record;
        }
        throw invalid("no record");
    }

    private static long number(Map<String, @Nullable Object> values, String name) {
        return values.get(name) instanceof Long number ? number : 0;
    }

    private static String text(Map<String, @Nullable Object> values, String name) {
        return String.valueOf(values.get(name));
    }

    private static MillraceException invalid(String what) {
        return new MillraceException(ErrorCode.INVALID_PARAMETER, "no simple message: " + what);
    }
}
