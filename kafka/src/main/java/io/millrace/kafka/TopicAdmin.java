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
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at topics, checks them against the sink's settings and creates them. Blocks; every call
 * ends within the time-out.
 */
final class TopicAdmin {
    private static final Logger LOG = LoggerFactory.getLogger(TopicAdmin.class);
    private static final int CREATED_POLL_MS = 50;

    private final KafkaSinkConfig config;
    private final Admin admin;
    private final long timeoutMs;
    private final String brokers;

    /** Partitions of the default topic that are used; 0 before it was looked at. */
    private volatile int defaultPartitions;

    /**
     * What the sink needs to know of a topic.
     *
     * @param partitions how many of its partitions are used, from 0 on
     * @param maxMessageBytes greatest message, in the sink's reckoning
     */
    record TopicInfo(int partitions, int maxMessageBytes) {}

    TopicAdmin(KafkaSinkConfig config, Admin admin, long timeoutMs) {
        this.config = config;
        this.admin = admin;
        this.timeoutMs = timeoutMs;
        brokers = String.join(",", config.brokers());
    }

    /** Checks the connection, and all that can be checked without creating the topic. */
    void check(String topic) {
        List<Node> nodes = List.copyOf(get("fetching metadata", admin.describeCluster().nodes()));
        Optional<TopicDescription> description = describe(topic);
        if (description.isPresent()) {
            inspect(topic, description.get());
        } else {
            checkNew(topic, nodes);
        }
    }

    /**
     * Checks a topic, after creating it when it is missing and that is allowed. The option {@code
     * partition-num} is about the default topic; further topics are used with the partitions that
     * they have, and made with as many as the default topic uses.
     */
    TopicInfo prepare(String topic) throws InterruptedException {
        Optional<TopicDescription> description = describe(topic);
        if (description.isEmpty()) {
            checkNew(topic, List.copyOf(get("fetching metadata", admin.describeCluster().nodes())));
            create(topic, partitionsOfNew(topic));
            long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
            while (description.isEmpty()) {
                if (System.nanoTime() > deadline) {
                    throw new MillraceException(
                            ErrorCode.SINK_CONNECTION,
                            "Kafka at " + brokers + ": new topic " + topic + " does not appear");
                }
                Thread.sleep(CREATED_POLL_MS);
                description = describe(topic);
            }
        }
        return inspect(topic, description.get());
    }

    private int partitionsOfNew(String topic) throws InterruptedException {
        if (topic.equals(config.topic())) {
            return config.partitionNum().orElse(KafkaSinkConfig.NEW_TOPIC_PARTITIONS);
        }
        if (defaultPartitions == 0) {
            // Being prepared twice at a time does no harm.
            prepare(config.topic());
        }
        return defaultPartitions;
    }

    private void create(String topic, int partitions) {
        try {
            await(
                    admin.createTopics(
                                    List.of(
                                            new NewTopic(
                                                    topic, partitions, config.replicationFactor())))
                            .all());
            LOG.info(
                    "topic={} created partitions={} replication={}",
                    topic,
                    partitions,
                    config.replicationFactor());
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw KafkaErrors.admin(brokers, "creating topic " + topic, e);
            }
        }
    }

    private Optional<TopicDescription> describe(String topic) {
        try {
            return Optional.of(
                    await(admin.describeTopics(List.of(topic)).topicNameValues().get(topic)));
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return Optional.empty();
            }
            throw KafkaErrors.admin(brokers, "describing topic " + topic, e);
        }
    }

    private TopicInfo inspect(String topic, TopicDescription description) {
        int actual = description.partitions().size();
        boolean isDefault = topic.equals(config.topic());
        int partitions = isDefault ? config.partitionNum().orElse(actual) : actual;
        if (partitions > actual) {
            throw new MillraceException(
                    ErrorCode.KAFKA_INVALID_PARTITION_NUM,
                    "partition-num "
                            + partitions
                            + " is more than the "
                            + actual
                            + " partitions of topic "
                            + topic);
        }
        Optional<Config> settings = settings(new ConfigResource(ConfigResource.Type.TOPIC, topic));
        checkReplicas(
                "topic " + topic, description.partitions().getFirst().replicas().size(), settings);
        int limit = limit(settings, "max.message.bytes");
        if (isDefault) {
            defaultPartitions = partitions;
        }
        return new TopicInfo(partitions, limit);
    }

    /** What the brokers would make of a topic that does not exist yet. */
    private void checkNew(String topic, List<Node> nodes) {
        if (!config.autoCreateTopic()) {
            throw KafkaSinkConfig.invalid(
                    "topic "
                            + topic
                            + " does not exist and auto-create-topic is false: create it, or set"
                            + " auto-create-topic=true");
        }
        if (nodes.isEmpty()) {
            return;
        }
        if (config.replicationFactor() > nodes.size()) {
            throw KafkaSinkConfig.invalid(
                    "replication-factor "
                            + config.replicationFactor()
                            + " is more than the "
                            + nodes.size()
                            + " brokers");
        }
        checkReplicas(
                "new topic " + topic,
                config.replicationFactor(),
                settings(
                        new ConfigResource(
                                ConfigResource.Type.BROKER, nodes.getFirst().idString())));
    }

    /** With fewer replicas than must be in sync, acks=-1 could never be given. */
    private void checkReplicas(String what, int replicas, Optional<Config> settings) {
        int needed = number(settings, "min.insync.replicas").orElse(1);
        if (config.requiredAcks() == -1 && replicas < needed) {
            throw KafkaSinkConfig.invalid(
                    what
                            + " has replication-factor "
                            + replicas
                            + " but min.insync.replicas is "
                            + needed
                            + ": with required-acks=-1 nothing could be written");
        }
    }

    private int limit(Optional<Config> settings, String name) {
        int limit = number(settings, name).orElse(Integer.MAX_VALUE);
        return Math.min(config.maxMessageBytes(), limit - KafkaSinkConfig.LIMIT_MARGIN);
    }

    private static Optional<Integer> number(Optional<Config> settings, String name) {
        return settings.map(all -> all.get(name)).map(ConfigEntry::value).map(Integer::parseInt);
    }

    /** Empty when the user may not see settings: the brokers will judge then. */
    private Optional<Config> settings(ConfigResource resource) {
        try {
            Map<ConfigResource, Config> all = await(admin.describeConfigs(List.of(resource)).all());
            return Optional.ofNullable(all.get(resource));
        } catch (ExecutionException e) {
            if (e.getCause() instanceof AuthorizationException) {
                LOG.info("settings of {} are not visible to this user", resource);
                return Optional.empty();
            }
            throw KafkaErrors.admin(brokers, "reading the settings of " + resource.name(), e);
        }
    }

    private <T> T get(String what, KafkaFuture<T> future) {
        try {
            return await(future);
        } catch (ExecutionException e) {
            throw KafkaErrors.admin(brokers, what, e);
        }
    }

    private <T> T await(@Nullable KafkaFuture<T> future) throws ExecutionException {
        if (future == null) {
            throw new IllegalStateException("no answer for what was asked");
        }
        try {
            // The client has the same time-out; the second more is only for its own slack.
            return future.get(timeoutMs + 1_000, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MillraceException(
                    ErrorCode.SINK_TRANSIENT, "interrupted while asking Kafka at " + brokers, e);
        } catch (TimeoutException e) {
            throw new MillraceException(
                    ErrorCode.SINK_CONNECTION,
                    "Kafka at " + brokers + " did not answer within " + timeoutMs + " ms",
                    e);
        }
    }
}
