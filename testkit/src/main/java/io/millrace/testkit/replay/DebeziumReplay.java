package io.millrace.testkit.replay;

import java.math.BigInteger;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;
import org.jspecify.annotations.Nullable;

/**
 * Replays a debezium topic, with schemas, which it reads with Kafka Connect's own JsonConverter.
 * What schemas don't tell it takes from the target's columns: which texts are Base64, and which
 * negative numbers are great ones.
 */
public final class DebeziumReplay extends TopicReplay {
    private static final DateTimeFormatter DATETIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSSSSS").withZone(ZoneOffset.UTC);

    private final JsonConverter keys = new JsonConverter();
    private final JsonConverter values = new JsonConverter();

    public DebeziumReplay(Connection target) throws SQLException {
        super(target);
        keys.configure(Map.of("schemas.enable", true), true);
        values.configure(Map.of("schemas.enable", true), false);
    }

    @Override
    public void apply(byte @Nullable [] keyBytes, byte @Nullable [] valueBytes)
            throws SQLException {
        Struct key = (Struct) keys.toConnectData("", keyBytes).value();
        Struct value = (Struct) values.toConnectData("", valueBytes).value();
        if (value.schema().name().endsWith(".SchemaChangeValue")) {
            executeDdl(value.getString("databaseName"), value.getString("ddl"));
            return;
        }
        String op = value.getString("op");
        if (op.equals("m")) {
            return;
        }
        String schema = value.getStruct("source").getString("db");
        String table = value.getStruct("source").getString("table");
        List<String> keyNames = new ArrayList<>();
        key.schema().fields().forEach(field -> keyNames.add(field.name()));
        Map<String, @Nullable Object> before = row(schema, table, value.getStruct("before"));
        Map<String, @Nullable Object> after = row(schema, table, value.getStruct("after"));
        switch (op) {
            case "c" -> insert(schema, table, after);
            case "u" -> update(schema, table, keyNames, before, after);
            case "d" -> delete(schema, table, keyNames, before);
            default -> throw new IllegalStateException("unknown op " + op);
        }
    }

    private Map<String, @Nullable Object> row(String schema, String table, @Nullable Struct row)
            throws SQLException {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        if (row == null) {
            return out;
        }
        Map<String, ColumnType> columns = columnTypes(schema, table);
        for (Field field : row.schema().fields()) {
            ColumnType column = columns.get(field.name());
            if (column == null) {
                throw new IllegalStateException(
                        schema + "." + table + " has no column " + field.name());
            }
            Object value = row.get(field);
            out.put(field.name(), value == null ? null : value(field.schema(), column, value));
        }
        return out;
    }

    private static Object value(Schema schema, ColumnType column, Object value) {
        String name = schema.name() == null ? "" : schema.name();
        return switch (name) {
            case "io.debezium.time.Date" -> LocalDate.ofEpochDay((int) value).toString();
            case "io.debezium.time.Timestamp" -> DATETIME.format(micros((long) value * 1000));
            case "io.debezium.time.MicroTimestamp" -> DATETIME.format(micros((long) value));
            case "io.debezium.time.ZonedTimestamp" ->
                    DATETIME.format(Instant.parse((String) value));
            case "io.debezium.time.MicroTime" -> time((long) value);
            case "io.debezium.data.Bits" -> bits((byte[]) value);
            default ->
                    switch (value) {
                        case Boolean bit -> bit ? 1 : 0;
                        case String text ->
                                column.isBinary() ? Base64.getDecoder().decode(text) : text;
                        case Long number ->
                                column.unsigned() && number < 0
                                        ? new BigInteger(Long.toUnsignedString(number))
                                        : number;
                        default -> value;
                    };
        };
    }

    private static Instant micros(long micros) {
        return Instant.ofEpochSecond(
                Math.floorDiv(micros, 1_000_000), Math.floorMod(micros, 1_000_000) * 1000L);
    }

    private static String time(long micros) {
        long size = Math.abs(micros);
        long seconds = size / 1_000_000;
        return String.format(
                "%s%02d:%02d:%02d.%06d",
                micros < 0 ? "-" : "",
                seconds / 3600,
                seconds / 60 % 60,
                seconds % 60,
                size % 1_000_000);
    }

    /** Little-endian. */
    private static BigInteger bits(byte[] bytes) {
        byte[] reversed = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            reversed[i] = bytes[bytes.length - 1 - i];
        }
        return new BigInteger(1, reversed);
    }
}
