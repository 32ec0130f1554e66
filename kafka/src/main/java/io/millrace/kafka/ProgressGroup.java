package io.millrace.kafka;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;

/**
 * Where an exactly-once job keeps its {@link Progress} in Kafka: in the metadata of an offset that
 * a consumer group of its own commits for partition 0 of the job's topic. An offset can be part of
 * a transaction, has one current value, and needs no topic to be made and compacted. Brokers drop
 * it when nothing was committed for {@code offsets.retention.minutes} (7 days by default); the
 * job's own checkpoint has caught up long before.
 */
final class ProgressGroup {
    private final String name;
    private final TopicPartition partition;

    ProgressGroup(String jobId, String topic) {
        name = "millrace/" + jobId + "/" + topic;
        partition = new TopicPartition(topic, 0);
    }

    /** Also the transactional id of the job's producer: a newer run fences an older one by it. */
    String name() {
        return name;
    }

    ConsumerGroupMetadata metadata() {
        return new ConsumerGroupMetadata(name);
    }

    Map<TopicPartition, OffsetAndMetadata> offsets(Progress progress) {
        return Map.of(partition, new OffsetAndMetadata(0, progress.encode()));
    }

    /** What was committed last; waits for transactions that are being completed. */
    Progress read(Admin admin, String brokers, long timeoutMs) {
        ListConsumerGroupOffsetsSpec wanted =
                new ListConsumerGroupOffsetsSpec().topicPartitions(List.of(partition));
        try {
            Map<TopicPartition, OffsetAndMetadata> found =
                    admin.listConsumerGroupOffsets(
                                    Map.of(name, wanted),
                                    new ListConsumerGroupOffsetsOptions().requireStable(true))
                            .partitionsToOffsetAndMetadata(name)
                            .get(timeoutMs, TimeUnit.MILLISECONDS);
            OffsetAndMetadata offset = found.get(partition);
            return Optional.ofNullable(offset)
                    .flatMap(o -> Progress.decode(o.metadata()))
                    .orElse(Progress.NONE);
        } catch (ExecutionException e) {
            if (isAbsence(e.getCause())) {
                return Progress.NONE;
            }
            throw KafkaErrors.admin(brokers, "reading the progress in group " + name, e);
        } catch (TimeoutException e) {
            throw KafkaErrors.admin(brokers, "reading the progress in group " + name, e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** Forgets what was committed. */
    void delete(Admin admin, String brokers, long timeoutMs) {
        try {
            admin.deleteConsumerGroups(List.of(name)).all().get(timeoutMs, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (!isAbsence(e.getCause())) {
                throw KafkaErrors.admin(brokers, "removing the progress in group " + name, e);
            }
        } catch (TimeoutException e) {
            throw KafkaErrors.admin(brokers, "removing the progress in group " + name, e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static boolean isAbsence(@Nullable Throwable cause) {
        return cause instanceof GroupIdNotFoundException
                || cause instanceof UnknownTopicOrPartitionException;
    }

    private static MillraceException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new MillraceException(
                ErrorCode.SINK_TRANSIENT, "interrupted while asking Kafka for the progress", e);
    }
}
