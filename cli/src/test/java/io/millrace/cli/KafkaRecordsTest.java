package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Reading to the end, with the consumer in memory that comes with Kafka's client. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class KafkaRecordsTest {
    private static final String TOPIC = "t";
    private static final KafkaRecords.Wanted ALL_THERE_IS =
            new KafkaRecords.Wanted(
                    TOPIC, OptionalInt.empty(), OptionalLong.of(0), Long.MAX_VALUE, false);

    private final MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");
    private final List<String> read = new ArrayList<>();

    /** A topic with two partitions, each with two records. */
    KafkaRecordsTest() {
        Node node = new Node(1, "h", 1);
        Node[] nodes = {node};
        TopicPartition zero = new TopicPartition(TOPIC, 0);
        TopicPartition one = new TopicPartition(TOPIC, 1);
        consumer.updatePartitions(
                TOPIC,
                List.of(
                        new PartitionInfo(TOPIC, 0, node, nodes, nodes),
                        new PartitionInfo(TOPIC, 1, node, nodes, nodes)));
        consumer.updateBeginningOffsets(Map.of(zero, 0L, one, 0L));
        consumer.updateEndOffsets(Map.of(zero, 2L, one, 2L));
    }

    private void arrive(int partition, long offset) {
        byte[] value = (partition + "@" + offset).getBytes(StandardCharsets.UTF_8);
        consumer.addRecord(new ConsumerRecord<>(TOPIC, partition, offset, null, value));
    }

    private void read() {
        try (KafkaRecords records = new KafkaRecords(new KafkaAddress(), consumer)) {
            records.read(
                    ALL_THERE_IS,
                    record -> read.add(new String(record.value(), StandardCharsets.UTF_8)));
        }
    }

    @Test
    void endsWhenTheBrokerGoesAway() {
        consumer.schedulePollTask(() -> {
            arrive(0, 0);
            arrive(0, 1);
            arrive(1, 0);
        });
        consumer.schedulePollTask(
                // From now on nothing arrives, and who asks gets no answer.
                () -> consumer.setOffsetsException(new TimeoutException("no answer in 5000ms")));
        assertThatThrownBy(this::read)
                .isInstanceOf(CliException.class)
                .hasMessageContaining("no longer answers")
                .hasMessageContaining("partition 1 at offset 1 of 2")
                .hasMessageNotContaining("partition 0");
        assertThat(read).containsExactlyInAnyOrder("0@0", "0@1", "1@0");
    }

    @Test
    void waitsForABrokerThatIsSlow() {
        for (int at = 0; at < 100; at++) {
            consumer.scheduleNopPollTask();
        }
        consumer.schedulePollTask(() -> {
            arrive(0, 0);
            arrive(0, 1);
            arrive(1, 0);
            arrive(1, 1);
            arrive(1, 2);
        });
        read();
        assertThat(read).containsExactlyInAnyOrder("0@0", "0@1", "1@0", "1@1");
    }
}
