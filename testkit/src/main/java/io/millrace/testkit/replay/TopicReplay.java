package io.millrace.testkit.replay;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/** Replays a topic of one partition into a database; a subclass knows its messages. */
public abstract class TopicReplay extends Replay {
    protected TopicReplay(Connection target) throws SQLException {
        super(target);
    }

    /** Applies everything that the topic holds now. */
    public void replay(String bootstrap, String topic) throws SQLException {
        Map<String, Object> settings =
                Map.of(
                        "bootstrap.servers",
                        bootstrap,
                        "enable.auto.commit",
                        false,
                        "isolation.level",
                        "read_committed",
                        "max.poll.records",
                        5000,
                        "fetch.max.bytes",
                        64 << 20);
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end =
                    consumer.endOffsets(List.of(partition)).values().stream()
                            .mapToLong(Long::longValue)
                            .sum();
            while (consumer.position(partition) < end) {
                for (ConsumerRecord<byte[], byte[]> message :
                        consumer.poll(Duration.ofMillis(200))) {
                    apply(message.key(), message.value());
                }
                commit();
            }
        }
    }

    /** Applies one message, of one or several rows, a DDL or a watermark. */
    public abstract void apply(byte @Nullable [] key, byte @Nullable [] value) throws SQLException;
}
