package io.millrace.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Topics of a Kafka; failures are {@link CliException}s. */
final class KafkaTopics implements AutoCloseable {
    private final KafkaAddress address;
    private final Admin admin;

    /**
     * One topic.
     *
     * @param replicas of its first partition
     * @param records ends minus begins
     * @param bytes of one copy; empty when it is not known
     * @param internal Kafka's own
     */
    record Topic(
            String name,
            int partitions,
            int replicas,
            long records,
            OptionalLong bytes,
            boolean internal) {}

    KafkaTopics(KafkaAddress address) {
        this.address = address;
        try {
            admin = Admin.create(address.client());
        } catch (RuntimeException e) {
            throw address.explained(e);
        }
    }

    /** By name. */
    List<Topic> list(boolean withInternal) {
        Collection<String> names =
                get(admin.listTopics(new ListTopicsOptions().listInternal(withInternal)).names());
        return describe(names);
    }

    /** One that there is. */
    Topic get(String name) {
        return describe(List.of(name)).getFirst();
    }

    void delete(String name) {
        get(admin.deleteTopics(List.of(name)).all());
    }

    private List<Topic> describe(Collection<String> names) {
        if (names.isEmpty()) {
            return List.of();
        }
        Map<String, TopicDescription> described = new HashMap<>();
        admin.describeTopics(names)
                .topicNameValues()
                .forEach((name, answer) -> described.put(name, described(name, answer)));
        Map<TopicPartition, OffsetSpec> begins = new HashMap<>();
        Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
        described.forEach((name, topic) ->
                topic.partitions()
                        .forEach(partition -> {
                            TopicPartition at = new TopicPartition(name, partition.partition());
                            begins.put(at, OffsetSpec.earliest());
                            ends.put(at, OffsetSpec.latest());
                        }));
        Map<TopicPartition, ListOffsetsResultInfo> begin = get(admin.listOffsets(begins).all());
        Map<TopicPartition, ListOffsetsResultInfo> end = get(admin.listOffsets(ends).all());
        Map<String, Long> records = new HashMap<>();
        end.forEach((at, found) ->
                records.merge(
                        at.topic(),
                        found.offset() - Objects.requireNonNull(begin.get(at)).offset(),
                        Long::sum));
        Map<TopicPartition, Long> sizes = sizes();
        Map<String, Long> bytes = new HashMap<>();
        sizes.forEach((at, size) -> bytes.merge(at.topic(), size, Long::sum));
        List<Topic> topics = new ArrayList<>();
        described.forEach((name, topic) ->
                topics.add(
                        new Topic(
                                name,
                                topic.partitions().size(),
                                topic.partitions().getFirst().replicas().size(),
                                records.getOrDefault(name, 0L),
                                bytes.containsKey(name)
                                        ? OptionalLong.of(bytes.getOrDefault(name, 0L))
                                        : OptionalLong.empty(),
                                topic.isInternal())));
        topics.sort(Comparator.comparing(Topic::name));
        return topics;
    }

    private TopicDescription described(String name, KafkaFuture<TopicDescription> answer) {
        try {
            return answer.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                throw unknown(name, address);
            }
            throw address.explained(e);
        } catch (InterruptedException e) {
            throw address.explained(e);
        }
    }

    static CliException unknown(String topic, KafkaAddress address) {
        return new CliException(
                "there is no topic "
                        + topic
                        + " at "
                        + address.servers()
                        + "; ./millrace topics lists those that there are");
    }

    /** Size of the largest copy of each partition; nothing when the Kafka does not tell. */
    private Map<TopicPartition, Long> sizes() {
        Map<TopicPartition, Long> sizes = new HashMap<>();
        List<Integer> brokers =
                get(admin.describeCluster().nodes()).stream().map(Node::id).toList();
        try {
            for (Map<String, LogDirDescription> folders :
                    admin.describeLogDirs(brokers).allDescriptions().get().values()) {
                for (LogDirDescription folder : folders.values()) {
                    folder.replicaInfos()
                            .forEach((at, replica) -> sizes.merge(at, replica.size(), Math::max));
                }
            }
        } catch (ExecutionException e) {
            return Map.of(); // not allowed, or a broker that is too old
        } catch (InterruptedException e) {
            throw address.explained(e);
        }
        return sizes;
    }

    private <T> T get(KafkaFuture<T> answer) {
        try {
            return answer.get();
        } catch (ExecutionException | InterruptedException e) {
            throw address.explained(e);
        }
    }

    @Override
    public void close() {
        admin.close(Duration.ZERO);
    }
}
