package io.millrace.connect.host.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.connect.host.BrokerLimits;
import io.millrace.testkit.servers.Ports;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The broker of this process at its disk limit: it refuses in words, and takes records again. */
class BrokerDiskIT {
    private static final long LIMIT = 8L << 20;

    @Test
    void atTheLimitProducersAreToldAndNothingAcknowledgedIsLost(@TempDir Path folder)
            throws Exception {
        int port = Ports.free();
        Map<String, Object> client = Map.of("bootstrap.servers", "127.0.0.1:" + port);
        try (FolderLock lock = FolderLock.take(folder);
                EmbeddedBroker broker =
                        EmbeddedBroker.starting(
                                        folder,
                                        port,
                                        new BrokerLimits(1, 0, LIMIT, 0),
                                        Set.of("own"))
                                .join();
                Admin admin = Admin.create(client);
                KafkaProducer<byte[], byte[]> producer =
                        new KafkaProducer<>(
                                client, new ByteArraySerializer(), new ByteArraySerializer());
                KafkaProducer<byte[], byte[]> connector =
                        new KafkaProducer<>(
                                Map.of(
                                        "bootstrap.servers",
                                        "127.0.0.1:" + port,
                                        "client.id",
                                        FullDiskAuthorizer.CONNECTOR_PRODUCERS + "shop-0"),
                                new ByteArraySerializer(),
                                new ByteArraySerializer())) {
            assertThat(lock).isNotNull();
            assertThat(broker).isNotNull();
            int taken = fill(producer);
            assertThat(taken * 500_000L).isGreaterThan(LIMIT / 2);
            assertThat(end(admin, "full")).as("what was acknowledged is there").isEqualTo(taken);
            assertThatThrownBy(() -> send(producer, "another", 1))
                    .hasCauseInstanceOf(PolicyViolationException.class);
            send(producer, "own", 10);
            assertThat(end(admin, "own")).isEqualTo(1);
            // A connector's producer must not give up a record: it may be told to skip refused
            // ones.
            Future<RecordMetadata> waiting =
                    connector.send(new ProducerRecord<>("another", new byte[1]));

            admin.deleteTopics(List.of("full")).all().get();
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (true) {
                try {
                    send(producer, "another", 1);
                    break;
                } catch (ExecutionException e) {
                    assertThat(System.nanoTime()).isLessThan(deadline);
                    Thread.sleep(100);
                }
            }
            waiting.get(60, TimeUnit.SECONDS);
            assertThat(end(admin, "another")).as("both records, each once").isEqualTo(2);
        }
    }

    @Test
    void whatIsBeyondTheRetentionGoes(@TempDir Path folder) throws Exception {
        int port = Ports.free();
        Map<String, Object> client = Map.of("bootstrap.servers", "127.0.0.1:" + port);
        long kept = 2L << 20;
        try (FolderLock lock = FolderLock.take(folder);
                EmbeddedBroker broker =
                        EmbeddedBroker.starting(
                                        folder, port, new BrokerLimits(1, kept, 0, 0), Set.of())
                                .join();
                Admin admin = Admin.create(client);
                KafkaProducer<byte[], byte[]> producer =
                        new KafkaProducer<>(
                                client, new ByteArraySerializer(), new ByteArraySerializer())) {
            assertThat(lock).isNotNull();
            assertThat(broker).isNotNull();
            int sent = 12;
            for (int i = 0; i < sent; i++) {
                send(producer, "kept", 500_000);
            }
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (offset(admin, "kept", OffsetSpec.earliest()) == 0) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.sleep(50);
            }
            long first = offset(admin, "kept", OffsetSpec.earliest());
            assertThat((sent - first) * 500_000).as("bytes left").isBetween(kept, 2 * kept);
            assertThat(end(admin, "kept")).isEqualTo(sent);
        }
    }

    /** Number of records of half a megabyte that are taken. */
    private static int fill(KafkaProducer<byte[], byte[]> producer) throws InterruptedException {
        for (int taken = 0; ; taken++) {
            try {
                send(producer, "full", 500_000);
                Thread.sleep(20);
            } catch (ExecutionException e) {
                assertThat(e)
                        .hasCauseInstanceOf(PolicyViolationException.class)
                        .hasMessageContaining(
                                "the disk limit of the in-process broker is reached: ")
                        .hasMessageContaining("connect.disk-limit is 8.0 MiB");
                return taken;
            }
            assertThat(taken).isLessThan(1000);
        }
    }

    private static void send(KafkaProducer<byte[], byte[]> producer, String topic, int bytes)
            throws ExecutionException, InterruptedException {
        producer.send(new ProducerRecord<>(topic, new byte[bytes])).get();
    }

    private static long end(Admin admin, String topic) throws Exception {
        return offset(admin, topic, OffsetSpec.latest());
    }

    private static long offset(Admin admin, String topic, OffsetSpec which) throws Exception {
        TopicPartition partition = new TopicPartition(topic, 0);
        return admin.listOffsets(Map.of(partition, which))
                .partitionResult(partition)
                .get()
                .offset();
    }
}
