package io.millrace.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/** A record as one line. */
final class RecordText {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** How records are printed. */
    enum Format {
        text,
        json
    }

    private RecordText() {}

    static String line(Format format, ConsumerRecord<byte[], byte[]> record) {
        return format == Format.json ? json(record) : text(record);
    }

    private static String text(ConsumerRecord<byte[], byte[]> record) {
        StringBuilder headers = new StringBuilder();
        for (Header header : record.headers()) {
            headers.append(headers.isEmpty() ? "" : ",")
                    .append(escaped(header.key()))
                    .append('=')
                    .append(text(header.value()));
        }
        return record.partition()
                + "@"
                + record.offset()
                + "\t"
                + Instant.ofEpochMilli(record.timestamp())
                + "\t"
                + (headers.isEmpty() ? "-" : headers)
                + "\t"
                + text(record.key())
                + "\t"
                + text(record.value());
    }

    private static String json(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode node = JSON.createObjectNode();
        node.put("topic", record.topic());
        node.put("partition", record.partition());
        node.put("offset", record.offset());
        node.put("timestamp", Instant.ofEpochMilli(record.timestamp()).toString());
        var headers = node.putArray("headers");
        for (Header header : record.headers()) {
            put(headers.addObject().put("key", header.key()), "value", header.value());
        }
        put(node, "key", record.key());
        put(node, "value", record.value());
        try {
            return JSON.writeValueAsString(node);
        } catch (JsonProcessingException e) {
            throw new CliException("cannot print a record: " + e.getOriginalMessage());
        }
    }

    private static void put(ObjectNode node, String name, byte @Nullable [] bytes) {
        if (bytes == null) {
            node.putNull(name);
            return;
        }
        Optional<String> text = utf8(bytes);
        if (text.isPresent()) {
            node.put(name, text.get());
        } else {
            node.put(name + "_base64", Base64.getEncoder().encodeToString(bytes));
        }
    }

    static String text(byte @Nullable [] bytes) {
        if (bytes == null) {
            return "null";
        }
        return utf8(bytes)
                .map(RecordText::escaped)
                .orElseGet(() -> "base64:" + Base64.getEncoder().encodeToString(bytes));
    }

    private static Optional<String> utf8(byte[] bytes) {
        try {
            return Optional.of(
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }

    /** Control characters would break the line, or the terminal. */
    private static String escaped(String text) {
        if (text.chars().noneMatch(Character::isISOControl)) {
            return text;
        }
        StringBuilder out = new StringBuilder();
        text.codePoints()
                .forEach(c -> {
                    switch (c) {
                        case '\n' -> out.append("\\n");
                        case '\r' -> out.append("\\r");
                        case '\t' -> out.append("\\t");
                        default -> {
                            if (Character.isISOControl(c)) {
                                out.append(String.format("\\x%02x", c));
                            } else {
                                out.appendCodePoint(c);
                            }
                        }
                    }
                });
        return out.toString();
    }
}
