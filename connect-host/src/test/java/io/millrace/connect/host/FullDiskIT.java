package io.millrace.connect.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.testkit.servers.DebeziumPlugins;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a full disk does to processes: the limit as a connector sees it, and a disk that is really
 * full, with the guard against it switched off. There the process says so and ends, and when there
 * is space again it starts with all that it had acknowledged.
 */
class FullDiskIT {
    @Test
    void aFullDiskEndsTheProcessAndNothingAcknowledgedIsLost(@TempDir Path folder)
            throws Exception {
        assumeTrue(
                Boolean.getBoolean("millrace.soak"),
                "only with -Dmillrace.soak=true: it takes half a minute");
        Path disk = Files.createDirectory(folder.resolve("data"));
        assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", disk.toString()),
                "a small file system can't be mounted here");
        try (HostUnderTest host =
                new HostUnderTest(folder, folder.toString(), "", List.of("disk-reserve=0"))) {
            host.start();
            host.answersUntilReady("/connectors");
            Set<String> taken = fill(host);
            assertThat(taken).hasSizeGreaterThan(20);
            assertThat(host.awaitEnd(Duration.ofSeconds(60))).isEqualTo(HostProcess.FATAL);
            assertThat(host.logText())
                    .contains("fatal: Kafka wanted to end the process")
                    .contains("The disk of the broker's folder " + disk + " is full")
                    .contains("make space and start again");

            assertThat(run("mount", "-o", "remount,size=256m", disk.toString())).isTrue();
            host.start();
            host.answersUntilReady("/connectors");
            assertThat(keys(host)).containsAll(taken);
            assertThat(host.stop(Duration.ofSeconds(30))).isZero();
        } finally {
            run("umount", "-l", disk.toString());
        }
    }

    @Test
    void aConnectorAtTheLimitWaitsAndGoesOnWhenThereIsSpace(@TempDir Path folder) throws Exception {
        assumeTrue(
                Boolean.getBoolean("millrace.soak"),
                "only with -Dmillrace.soak=true: it takes half a minute");
        try (HostUnderTest host =
                        new HostUnderTest(
                                folder,
                                DebeziumPlugins.mysql().toString(),
                                "",
                                List.of("disk-limit=" + (16 << 20)));
                ShopTables tables = new ShopTables(ShopTables.Kind.MYSQL)) {
            host.start();
            tables.create("a");
            tables.execute("INSERT INTO shop.a (name) VALUES ('before')");
            host.answersUntilReady("/connectors");
            String kafka = "127.0.0.1:" + host.kafkaPort;
            assertThat(
                            host.call("POST", "/connectors", tables.connector("a", kafka, 9300))
                                    .status())
                    .isEqualTo(201);
            tables.awaitComplete(kafka, "a");
            assertThat(fill(host)).isNotEmpty();
            tables.execute("INSERT INTO shop.a (name) VALUES ('while it is full')");
            long refused = ShopTables.records(kafka, "a");
            ShopTables.pause(2_000);
            assertThat(ShopTables.records(kafka, "a")).as("it waits").isEqualTo(refused);
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka))) {
                admin.deleteTopics(List.of("full")).all().get();
            }
            tables.awaitComplete(kafka, "a");
        }
    }

    private static boolean run(String... command) throws Exception {
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        return process.waitFor() == 0;
    }

    /** Keys of what was acknowledged until the broker took no more. */
    private static Set<String> fill(HostUnderTest host) throws InterruptedException {
        Set<String> taken = new HashSet<>();
        try (KafkaProducer<String, byte[]> producer =
                new KafkaProducer<>(
                        Map.of(
                                "bootstrap.servers",
                                "127.0.0.1:" + host.kafkaPort,
                                "delivery.timeout.ms",
                                "6000",
                                "request.timeout.ms",
                                "5000"),
                        new StringSerializer(),
                        new ByteArraySerializer())) {
            for (int i = 0; i < 1000; i++) {
                producer.send(new ProducerRecord<>("full", "k" + i, new byte[500_000])).get();
                taken.add("k" + i);
            }
            throw new AssertionError("a disk of 48 MiB takes 500 MB");
        } catch (ExecutionException e) {
            return taken;
        }
    }

    private static Set<String> keys(HostUnderTest host) {
        Set<String> keys = new HashSet<>();
        TopicPartition partition = new TopicPartition("full", 0);
        try (KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", "127.0.0.1:" + host.kafkaPort),
                        new StringDeserializer(),
                        new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (consumer.position(partition) < end && System.nanoTime() < deadline) {
                for (ConsumerRecord<String, byte[]> record :
                        consumer.poll(Duration.ofMillis(200))) {
                    keys.add(record.key());
                }
            }
        }
        return keys;
    }
}
