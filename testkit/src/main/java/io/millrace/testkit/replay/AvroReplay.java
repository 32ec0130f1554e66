package io.millrace.testkit.replay;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.jspecify.annotations.Nullable;

/**
 * Replays Avro messages into a database whose tables are there already: a value replaces the row, a
 * null value deletes the row of the key. Reads with Apache Avro and the registry only.
 */
public final class AvroReplay extends TopicReplay {
    private static final int HEADER_BYTES = 5;

    private final String registry;
    private final String database;
    private final HttpClient http = HttpClient.newHttpClient();
    private final Map<Integer, Schema> schemas = new HashMap<>();
    private final GenericData data = new GenericData();
    private long deletes;

    /**
     * @param registry URL of the schema registry
     * @param database where the tables are
     */
    public AvroReplay(Connection target, String registry, String database) throws SQLException {
        super(target);
        this.registry = registry;
        this.database = database;
        data.addLogicalTypeConversion(new Conversions.DecimalConversion());
    }

    /** Rows deleted. */
    public long deletes() {
        return deletes;
    }

    @Override
    public void apply(byte @Nullable [] key, byte @Nullable [] value) throws SQLException {
        if (key == null) {
            throw new IllegalStateException("a row without a key");
        }
        try {
            GenericRecord keyRecord = read(key);
            String table = keyRecord.getSchema().getName();
            if (value == null) {
                Map<String, @Nullable Object> columns = columns(keyRecord);
                delete(database, table, columns.keySet(), columns);
                deletes++;
            } else {
                insert(database, table, columns(read(value)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while asking for a schema", e);
        }
    }

    private GenericRecord read(byte[] bytes) throws IOException, InterruptedException {
        if (bytes[0] != 0) {
            throw new IllegalStateException("no magic byte");
        }
        int id = ByteBuffer.wrap(bytes).getInt(1);
        Schema schema = schemas.get(id);
        if (schema == null) {
            schema = fetch(id);
            schemas.put(id, schema);
        }
        return (GenericRecord)
                new GenericDatumReader<>(schema, schema, data)
                        .read(
                                null,
                                DecoderFactory.get()
                                        .binaryDecoder(
                                                bytes,
                                                HEADER_BYTES,
                                                bytes.length - HEADER_BYTES,
                                                null));
    }

    private Schema fetch(int id) throws IOException, InterruptedException {
        HttpResponse<String> answer =
                http.send(
                        HttpRequest.newBuilder(URI.create(registry + "/schemas/ids/" + id)).build(),
                        HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IllegalStateException("schema " + id + ": " + answer.body());
        }
        return new Schema.Parser()
                .parse(new ObjectMapper().readTree(answer.body()).get("schema").textValue());
    }

    private static Map<String, @Nullable Object> columns(GenericRecord record) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        for (Schema.Field field : record.getSchema().getFields()) {
            if (!field.name().startsWith("_tidb_")) {
                out.put(field.name(), plain(record.get(field.pos()), tidbType(field.schema())));
            }
        }
        return out;
    }

    private static String tidbType(Schema schema) {
        List<Schema> types = schema.isUnion() ? schema.getTypes() : List.of(schema);
        for (Schema type : types) {
            if (type.getObjectProp("connect.parameters") instanceof Map<?, ?> parameters) {
                return String.valueOf(parameters.get("tidb_type"));
            }
        }
        throw new IllegalStateException("no connect.parameters: " + schema);
    }

    private static @Nullable Object plain(@Nullable Object value, String tidbType) {
        return switch (value) {
            case null -> null;
            case ByteBuffer buffer -> {
                byte[] bytes = new byte[buffer.remaining()];
                buffer.get(bytes);
                yield tidbType.equals("BIT") ? new BigDecimal(new BigInteger(1, bytes)) : bytes;
            }
            case Long number when tidbType.equals("BIGINT UNSIGNED") ->
                    Long.toUnsignedString(number);
            case BigDecimal number -> number.toPlainString();
            default -> value.toString();
        };
    }

    @Override
    public void close() throws SQLException {
        http.shutdownNow();
        super.close();
    }
}
