package io.millrace.testkit.replay;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.jspecify.annotations.Nullable;

/**
 * Replays "simple" messages of one partition into a database: DDL executed, rows by the keys and
 * types of the table schema that came before them. Reads with Jackson or Apache Avro only.
 */
public final class SimpleReplay extends TopicReplay {
    private final Optional<Schema> avro;
    private final ObjectMapper json = new ObjectMapper();
    private final Map<String, Table> tables = new HashMap<>();
    private long bootstraps;
    private long watermark;

    private record Table(Map<String, String> types, List<String> key) {}

    /**
     * @param avroSchema the schema of all messages, for the Avro encoding; else JSON is read
     */
    public SimpleReplay(Connection target, Optional<String> avroSchema) throws SQLException {
        super(target);
        avro = avroSchema.map(text -> new Schema.Parser().parse(text));
    }

    /** Messages that told a schema before its rows. */
    public long bootstraps() {
        return bootstraps;
    }

    /** The last watermark. */
    public long watermark() {
        return watermark;
    }

    @Override
    public void apply(byte @Nullable [] key, byte @Nullable [] value) throws SQLException {
        if (key != null || value == null) {
            throw new IllegalStateException("simple messages have no key, but a value");
        }
        try {
            apply(value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void apply(byte[] value) throws SQLException, IOException {
        if (avro.isEmpty()) {
            applyJson(json.readTree(value));
            return;
        }
        GenericRecord message =
                new GenericDatumReader<GenericRecord>(avro.get())
                        .read(null, DecoderFactory.get().binaryDecoder(value, null));
        applyAvro((GenericRecord) message.get("payload"));
    }

    private void applyJson(JsonNode message) throws SQLException {
        String type = message.get("type").textValue();
        switch (type) {
            case "WATERMARK" -> watermark(message.get("commitTs").longValue());
            case "BOOTSTRAP" -> {
                remember(message.get("tableSchema"), "schema");
                bootstraps++;
            }
            case "INSERT", "UPDATE", "DELETE" -> {
                String database = message.get("database").textValue();
                String name = message.get("table").textValue();
                Table table = table(database, name, message.get("schemaVersion").longValue());
                applyRow(
                        database,
                        name,
                        table,
                        row(message.get("data"), table),
                        row(message.get("old"), table));
            }
            default -> {
                JsonNode schema = message.get("tableSchema");
                if (schema != null) {
                    remember(schema, "schema");
                }
                JsonNode before =
                        message.has("preTableSchema") ? message.get("preTableSchema") : schema;
                ddl(
                        before == null ? "" : before.get("schema").textValue(),
                        message.get("sql").textValue());
            }
        }
    }

    private void applyAvro(GenericRecord payload) throws SQLException, IOException {
        switch (payload.getSchema().getName()) {
            case "Watermark" -> watermark((Long) payload.get("commitTs"));
            case "Bootstrap" -> {
                remember(json.readTree(payload.get("tableSchema").toString()), "database");
                bootstraps++;
            }
            case "DDL" -> {
                JsonNode ddl = json.readTree(payload.toString());
                JsonNode schema = ddl.get("tableSchema");
                if (!schema.isNull()) {
                    remember(schema, "database");
                }
                JsonNode before =
                        ddl.get("preTableSchema").isNull() ? schema : ddl.get("preTableSchema");
                ddl(
                        before.isNull() ? "" : before.get("database").textValue(),
                        ddl.get("sql").textValue());
            }
            default -> {
                String database = payload.get("database").toString();
                String name = payload.get("table").toString();
                Table table = table(database, name, (Long) payload.get("schemaVersion"));
                applyRow(
                        database,
                        name,
                        table,
                        row((Map<?, ?>) payload.get("data"), table),
                        row((Map<?, ?>) payload.get("old"), table));
            }
        }
    }

    private void applyRow(
            String database,
            String name,
            Table table,
            Map<String, @Nullable Object> data,
            Map<String, @Nullable Object> old)
            throws SQLException {
        if (old.isEmpty()) {
            insert(database, name, data);
        } else if (data.isEmpty()) {
            delete(database, name, table.key(), old);
        } else {
            update(database, name, table.key(), old, data);
        }
    }

    private void watermark(long tso) {
        if (tso < watermark) {
            throw new IllegalStateException("watermark " + tso + " after " + watermark);
        }
        watermark = tso;
    }

    private void ddl(String database, String sql) throws SQLException {
        executeDdl(database, sql);
    }

    private void remember(JsonNode schema, String databaseField) {
        Map<String, String> types = new HashMap<>();
        for (JsonNode column : schema.get("columns")) {
            types.put(
                    column.get("name").textValue(),
                    column.get("dataType").get("mysqlType").textValue());
        }
        List<String> key = List.of();
        for (JsonNode index : schema.get("indexes")) {
            if (key.isEmpty()
                    && index.get("unique").booleanValue()
                    && !index.get("nullable").booleanValue()) {
                List<String> columns = new ArrayList<>();
                index.get("columns").forEach(each -> columns.add(each.textValue()));
                key = columns;
            }
        }
        tables.put(
                key(
                        schema.get(databaseField).textValue(),
                        schema.get("table").textValue(),
                        schema.get("version").longValue()),
                new Table(types, key));
    }

    private static String key(String database, String table, long version) {
        return database + "." + table + "@" + version;
    }

    private Table table(String database, String name, long version) {
        Table table = tables.get(key(database, name, version));
        if (table == null) {
            throw new IllegalStateException(
                    "a row before the schema of " + key(database, name, version));
        }
        return table;
    }

    private static Map<String, @Nullable Object> row(@Nullable JsonNode values, Table table) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        if (values != null) {
            for (Map.Entry<String, JsonNode> each : values.properties()) {
                JsonNode value = each.getValue();
                String text = value.isObject() ? value.get("value").textValue() : value.textValue();
                out.put(
                        each.getKey(),
                        text == null ? null : typed(text, type(table, each.getKey())));
            }
        }
        return out;
    }

    private static String type(Table table, String column) {
        String type = table.types().get(column);
        if (type == null) {
            throw new IllegalStateException("the schema has no column " + column);
        }
        return type;
    }

    private static Object typed(String text, String type) {
        return switch (type) {
            // As text they would be taken for an element or for bytes.
            case "bit", "enum", "set" -> new BigDecimal(text);
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

    private static Map<String, @Nullable Object> row(@Nullable Map<?, ?> values, Table table) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        if (values != null) {
            for (Map.Entry<?, ?> each : values.entrySet()) {
                String name = String.valueOf(each.getKey());
                out.put(name, plain(each.getValue(), type(table, name)));
            }
        }
        return out;
    }

    private static @Nullable Object plain(@Nullable Object value, String type) {
        return switch (value) {
            case null -> null;
            case GenericRecord record when record.getSchema().getName().equals("UnsignedBigint") ->
                    Long.toUnsignedString((Long) record.get("value"));
            case GenericRecord timestamp -> timestamp.get("value").toString();
            case ByteBuffer buffer -> {
                byte[] bytes = new byte[buffer.remaining()];
                buffer.get(bytes);
                yield bytes;
            }
            case Long number when type.equals("bit") || type.equals("enum") || type.equals("set") ->
                    new BigDecimal(Long.toUnsignedString(number));
            default -> value.toString();
        };
    }
}
