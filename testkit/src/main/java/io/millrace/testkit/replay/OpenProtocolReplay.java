package io.millrace.testkit.replay;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Replays an open-protocol topic. Reads the messages with a JSON library only. */
public final class OpenProtocolReplay extends TopicReplay {
    private static final int ROW = 1;
    private static final int DDL = 2;
    private static final int BINARY_FLAG = 1;

    private final JsonMapper json =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    public OpenProtocolReplay(Connection target) throws SQLException {
        super(target);
    }

    @Override
    public void apply(byte @Nullable [] key, byte @Nullable [] value) throws SQLException {
        if (key == null || value == null) {
            throw new IllegalStateException("a message without key or value");
        }
        if (ByteBuffer.wrap(key).getLong() != 1) {
            throw new IllegalStateException("not version 1");
        }
        List<byte[]> keys = records(Arrays.copyOfRange(key, Long.BYTES, key.length));
        List<byte[]> values = records(value);
        if (keys.size() != values.size()) {
            throw new IllegalStateException(keys.size() + " keys, " + values.size() + " values");
        }
        for (int i = 0; i < keys.size(); i++) {
            JsonNode about = read(keys.get(i));
            int type = about.get("t").intValue();
            if (type == ROW) {
                row(about, read(values.get(i)));
            } else if (type == DDL) {
                executeDdl(about.path("scm").asText(), read(values.get(i)).get("q").asText());
            }
        }
    }

    private static List<byte[]> records(byte[] framed) {
        List<byte[]> out = new ArrayList<>();
        ByteBuffer in = ByteBuffer.wrap(framed);
        while (in.hasRemaining()) {
            byte[] record = new byte[Math.toIntExact(in.getLong())];
            in.get(record);
            out.add(record);
        }
        return out;
    }

    private JsonNode read(byte[] text) {
        try {
            return json.readTree(text);
        } catch (IOException e) {
            throw new IllegalStateException(
                    "not JSON: " + new String(text, StandardCharsets.UTF_8), e);
        }
    }

    private void row(JsonNode about, JsonNode change) throws SQLException {
        String schema = about.get("scm").asText();
        String table = about.get("tbl").asText();
        JsonNode deleted = change.get("d");
        if (deleted != null) {
            delete(schema, table, keys(deleted), row(deleted));
            return;
        }
        JsonNode updated = change.get("u");
        JsonNode before = change.get("p");
        if (before == null) {
            insert(schema, table, row(updated));
        } else {
            update(schema, table, keys(before), row(before), row(updated));
        }
    }

    private static List<String> keys(JsonNode columns) {
        List<String> out = new ArrayList<>();
        columns.properties()
                .forEach(column -> {
                    if (column.getValue().path("h").asBoolean()) {
                        out.add(column.getKey());
                    }
                });
        return out;
    }

    private static Map<String, @Nullable Object> row(JsonNode columns) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        columns.properties().forEach(column -> out.put(column.getKey(), value(column.getValue())));
        return out;
    }

    private static @Nullable Object value(JsonNode column) {
        JsonNode value = column.get("v");
        if (value.isNull()) {
            return null;
        }
        if (value.isNumber()) {
            return value.decimalValue();
        }
        boolean binary = (column.get("f").intValue() & BINARY_FLAG) != 0;
        return switch (column.get("t").intValue()) {
            case 249, 250, 251, 252 -> {
                byte[] bytes = Base64.getDecoder().decode(value.asText());
                yield binary ? bytes : new String(bytes, StandardCharsets.UTF_8);
            }
            case 15, 253, 254 -> binary ? unquoted(value.asText()) : value.asText();
            default -> value.asText();
        };
    }

    /** The bytes of a text in which Go has escaped what can't be printed. */
    private static byte[] unquoted(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            if (c != '\\') {
                out.writeBytes(Character.toString(c).getBytes(StandardCharsets.UTF_8));
                continue;
            }
            char escape = text.charAt(i++);
            switch (escape) {
                case 'x' -> {
                    out.write(Integer.parseInt(text, i, i + 2, 16));
                    i += 2;
                }
                case 'u', 'U' -> {
                    int digits = escape == 'u' ? 4 : 8;
                    int character = Integer.parseInt(text, i, i + digits, 16);
                    out.writeBytes(Character.toString(character).getBytes(StandardCharsets.UTF_8));
                    i += digits;
                }
                case 'a' -> out.write(7);
                case 'b' -> out.write('\b');
                case 'f' -> out.write('\f');
                case 'n' -> out.write('\n');
                case 'r' -> out.write('\r');
                case 't' -> out.write('\t');
                case 'v' -> out.write(11);
                default -> out.write(escape);
            }
        }
        return out.toByteArray();
    }
}
