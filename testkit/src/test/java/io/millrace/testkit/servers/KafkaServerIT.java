package io.millrace.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;

class KafkaServerIT {
    @Test
    void keepsTopicsAndRecordsAcrossRestartOnTheSamePort() throws Exception {
        try (KafkaServer kafka = KafkaServer.builder().messageMaxBytes(50_000).start()) {
            try (Admin admin = kafka.admin()) {
                admin.createTopics(List.of(new NewTopic("t", 2, (short) 1))).all().get();
            }
            int port = kafka.port();
            send(kafka, "t", "before");

            kafka.restart();

            assertThat(kafka.port()).isEqualTo(port);
            send(kafka, "t", "after");
            assertThat(read(kafka, new TopicPartition("t", 0), 2))
                    .containsExactly("before", "after");
            assertThatThrownBy(() -> send(kafka, "t", "x".repeat(60_000)))
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(RecordTooLargeException.class);
            try (Admin admin = kafka.admin()) {
                assertThat(admin.listTopics().names().get()).containsExactly("t");
            }
        }
    }

    private static void send(KafkaServer kafka, String topic, String value) throws Exception {
        Map<String, Object> settings =
                Map.of(
                        "bootstrap.servers",
                        kafka.bootstrapServers(),
                        "max.request.size",
                        1_000_000);
        try (var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(topic, 0, "k", value)).get();
        }
    }

    private static List<String> read(KafkaServer kafka, TopicPartition partition, int wanted) {
        List<String> values = new ArrayList<>();
        Map<String, Object> settings = Map.of("bootstrap.servers", kafka.bootstrapServers());
        try (var consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (values.size() < wanted && System.nanoTime() < deadline) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> values.add(record.value()));
            }
        }
        return values;
    }
}
