package io.millrace.cli;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads records of a topic; failures are {@link CliException}s. */
final class KafkaRecords implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(250);

    /**
     * After so many polls without a wanted record the broker is asked whether it is still there.
     */
    private static final int IDLE_POLLS = (int) (KafkaAddress.TIMEOUT_MS / POLL.toMillis());

    private final KafkaAddress address;
    private final Consumer<byte[], byte[]> consumer;

    /**
     * What is to be read.
     *
     * @param partition empty means all
     * @param start offset; negative counts from the end; empty means the end
     * @param max how many at most
     * @param follow whether to go on at the end
     */
    record Wanted(
            String topic, OptionalInt partition, OptionalLong start, long max, boolean follow) {}

    KafkaRecords(KafkaAddress address) {
        this(address, consumer(address));
    }

    /**
     * @param consumer is closed with this
     */
    KafkaRecords(KafkaAddress address, Consumer<byte[], byte[]> consumer) {
        this.address = address;
        this.consumer = consumer;
    }

    private static Consumer<byte[], byte[]> consumer(KafkaAddress address) {
        Map<String, Object> settings = address.client();
        settings.put("enable.auto.commit", false);
        // Asking for a topic must not make it.
        settings.put("allow.auto.create.topics", false);
        settings.put("auto.offset.reset", "earliest");
        try {
            return new KafkaConsumer<>(
                    settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        } catch (KafkaException e) {
            throw address.explained(e);
        }
    }

    /** Hands records to the reader until it says false or what is wanted was read. */
    void read(Wanted wanted, Predicate<ConsumerRecord<byte[], byte[]>> reader) {
        try {
            Map<TopicPartition, Long> open = start(wanted);
            long left = wanted.max();
            int idle = 0;
            while (wanted.follow() || !open.isEmpty()) {
                idle++;
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    Long end = open.get(new TopicPartition(record.topic(), record.partition()));
                    if (!wanted.follow() && (end == null || record.offset() >= end)) {
                        continue; // came after we began
                    }
                    idle = 0;
                    if (!reader.test(record) || --left == 0) {
                        return;
                    }
                }
                open.entrySet().removeIf(at -> consumer.position(at.getKey()) >= at.getValue());
                if (!wanted.follow() && !open.isEmpty() && idle >= IDLE_POLLS) {
                    idle = 0;
                    requireAnswer(open);
                }
            }
        } catch (KafkaException e) {
            throw address.explained(e);
        }
    }

    /**
     * A poll takes a broker that is away for one without records, for ever; a question does not.
     */
    private void requireAnswer(Map<TopicPartition, Long> open) {
        try {
            consumer.endOffsets(open.keySet());
        } catch (TimeoutException e) {
            throw new CliException(
                    "Kafka at "
                            + address.servers()
                            + " no longer answers for what was still to be read of "
                            + open.keySet().iterator().next().topic()
                            + ": "
                            + open.entrySet().stream()
                                    .map(at ->
                                            "partition "
                                                    + at.getKey().partition()
                                                    + " at offset "
                                                    + consumer.position(at.getKey())
                                                    + " of "
                                                    + at.getValue())
                                    .sorted()
                                    .collect(Collectors.joining(", "))
                            + ". Did the broker stop, or was the topic deleted? To go on from there:"
                            + " --partition and --from-offset");
        }
    }

    /** Goes to where to start; partitions with something to read and their ends. */
    private Map<TopicPartition, Long> start(Wanted wanted) {
        List<PartitionInfo> known = consumer.partitionsFor(wanted.topic());
        if (known == null || known.isEmpty()) {
            throw KafkaTopics.unknown(wanted.topic(), address);
        }
        Stream<Integer> numbers = known.stream().map(PartitionInfo::partition);
        Set<TopicPartition> partitions = new HashSet<>();
        numbers.filter(number ->
                        wanted.partition().isEmpty() || wanted.partition().getAsInt() == number)
                .forEach(number -> partitions.add(new TopicPartition(wanted.topic(), number)));
        if (partitions.isEmpty()) {
            throw new CliException(
                    "topic "
                            + wanted.topic()
                            + " has no partition "
                            + wanted.partition().getAsInt()
                            + ", only 0 to "
                            + (known.size() - 1));
        }
        consumer.assign(partitions);
        Map<TopicPartition, Long> begins = consumer.beginningOffsets(partitions);
        Map<TopicPartition, Long> ends = new HashMap<>(consumer.endOffsets(partitions));
        for (TopicPartition at : partitions) {
            long begin = begins.getOrDefault(at, 0L);
            long end = ends.getOrDefault(at, 0L);
            long start = wanted.start().orElse(end);
            long from = start < 0 ? end + start : start;
            consumer.seek(at, Math.clamp(from, begin, Math.max(begin, end)));
        }
        ends.entrySet().removeIf(at -> consumer.position(at.getKey()) >= at.getValue());
        return ends;
    }

    @Override
    public void close() {
        consumer.close(
                org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ofSeconds(1)));
    }
}
