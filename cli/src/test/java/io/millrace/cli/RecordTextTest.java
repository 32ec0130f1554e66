package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RecordTextTest {
    private static final byte[] BINARY = {(byte) 0xff, 0, 1};

    private static ConsumerRecord<byte[], byte[]> record(
            byte @Nullable [] key, byte @Nullable [] value) {
        return new ConsumerRecord<>(
                "t",
                2,
                7,
                1_000,
                TimestampType.CREATE_TIME,
                0,
                0,
                key,
                value,
                new RecordHeaders().add("h", bytes("v")).add("b", BINARY),
                Optional.empty());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void textIsOneLineWhateverIsInIt() {
        assertThat(
                        RecordText.line(
                                RecordText.Format.text, record(bytes("k"), bytes("ä\n\t\u0007"))))
                .isEqualTo("2@7\t1970-01-01T00:00:01Z\th=v,b=base64:/wAB\tk\tä\\n\\t\\x07");
        assertThat(RecordText.line(RecordText.Format.text, record(BINARY, null)))
                .endsWith("\tbase64:/wAB\tnull");
    }

    @Test
    void jsonKeepsEveryByte() {
        assertThat(RecordText.line(RecordText.Format.json, record(null, bytes("a\nb"))))
                .isEqualTo(
                        "{\"topic\":\"t\",\"partition\":2,\"offset\":7,"
                                + "\"timestamp\":\"1970-01-01T00:00:01Z\","
                                + "\"headers\":[{\"key\":\"h\",\"value\":\"v\"},"
                                + "{\"key\":\"b\",\"value_base64\":\"/wAB\"}],"
                                + "\"key\":null,\"value\":\"a\\nb\"}");
        assertThat(RecordText.line(RecordText.Format.json, record(null, BINARY)))
                .endsWith("\"value_base64\":\"/wAB\"}");
    }

    @Test
    void sizesHaveUnits() {
        assertThat(TopicsCommand.size(1023)).isEqualTo("1023 B");
        assertThat(TopicsCommand.size(1536)).isEqualTo("1.5 KiB");
        assertThat(TopicsCommand.size(3L << 40)).isEqualTo("3.0 TiB");
    }
}
