package io.millrace.kafka;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The topics a sink writes to. Asked by the engine's thread; a topic that is met for the first time
 * is looked up, checked and perhaps created on a thread of its own, and is not ready until then.
 */
final class Topics {
    private static final Logger LOG = LoggerFactory.getLogger(Topics.class);

    /** Topics prepared at the same time. */
    private static final int PARALLEL = 4;

    private final Map<String, Topic> topics = new HashMap<>();
    private final TopicAdmin admin;
    private final KafkaProducer<byte[], byte[]> producer;
    private final long timeoutMs;
    private final Semaphore permits = new Semaphore(PARALLEL);
    private final List<Thread> threads = new ArrayList<>();

    /**
     * What the sink remembers of a partition, so that its first record travels alone.
     *
     * <p>A broker that knows nothing of a producer takes any first sequence number. With several
     * requests in flight around a broker restart, the second batch of a partition was seen to be
     * taken while the first was not, and nothing could put them in order again. Once the broker
     * acknowledged a record it knows the sequence, and refuses what comes too early.
     */
    static final class Partition {
        /**
         * Pause after which a record counts as a first one again: brokers forget idle producers.
         */
        private static final long FORGOTTEN_NANOS = TimeUnit.MINUTES.toNanos(10);

        private boolean used;
        private long usedNanos;
        private volatile boolean known;

        /** Whether the next record has to travel alone. */
        boolean isFirst(long nowNanos) {
            return !used || nowNanos - usedNanos > FORGOTTEN_NANOS;
        }

        /** Whether records may follow the first one now. */
        boolean isOpen() {
            return known;
        }

        void sent(long nowNanos) {
            used = true;
            usedNanos = nowNanos;
        }

        /** Before a first record is sent. */
        void unknown() {
            known = false;
        }

        /** The broker acknowledged the first record; called by the producer's thread. */
        void known() {
            known = true;
        }
    }

    /** One topic. */
    static final class Topic {
        private final String name;
        private volatile TopicAdmin.@Nullable TopicInfo info;
        private Partition[] states = {};
        private volatile @Nullable MillraceException failure;

        Topic(String name) {
            this.name = name;
        }

        String name() {
            return name;
        }

        /** Whether it can be written to; throws what kept it from being prepared. */
        boolean ready() {
            MillraceException thrown = failure;
            if (thrown != null) {
                throw thrown;
            }
            return info != null;
        }

        int partitions() {
            return info().partitions();
        }

        /** State of a partition; for the engine's thread. */
        Partition partition(int number) {
            if (states.length == 0) {
                states = new Partition[partitions()];
                for (int i = 0; i < states.length; i++) {
                    states[i] = new Partition();
                }
            }
            return states[number];
        }

        int maxMessageBytes() {
            return info().maxMessageBytes();
        }

        private TopicAdmin.TopicInfo info() {
            TopicAdmin.TopicInfo current = info;
            if (current == null) {
                throw new IllegalStateException("topic " + name + " is not ready");
            }
            return current;
        }
    }

    Topics(TopicAdmin admin, KafkaProducer<byte[], byte[]> producer, long timeoutMs) {
        this.admin = admin;
        this.producer = producer;
        this.timeoutMs = timeoutMs;
    }

    /** The topic of this name, ready or not. */
    Topic get(String name) {
        Topic topic = topics.get(name);
        if (topic == null) {
            topic = new Topic(name);
            topics.put(name, topic);
            Topic fresh = topic;
            threads.removeIf(thread -> !thread.isAlive());
            threads.add(Thread.ofVirtual().name("kafka-topic-" + name).start(() -> prepare(fresh)));
        }
        return topic;
    }

    /** All that were asked for so far. */
    Iterable<Topic> all() {
        return topics.values();
    }

    private void prepare(Topic topic) {
        try {
            permits.acquire();
            try {
                TopicAdmin.TopicInfo info = admin.prepare(topic.name());
                awaitProducer(topic.name(), info.partitions());
                topic.info = info;
                LOG.info(
                        "topic={} ready partitions={} max-message-bytes={}",
                        topic.name(),
                        info.partitions(),
                        info.maxMessageBytes());
            } finally {
                permits.release();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (MillraceException e) {
            topic.failure = e;
        } catch (RuntimeException e) {
            topic.failure = KafkaErrors.delivery("topic " + topic.name(), e);
        } catch (Error e) {
            // Nobody else would see it, and rows would wait for the topic for ever.
            topic.failure =
                    new MillraceException(
                            ErrorCode.INTERNAL,
                            "preparing topic " + topic.name() + " hit a defect: " + e,
                            e);
        }
    }

    /** Waits until the producer knows the partitions too, so that sending need not wait. */
    private void awaitProducer(String name, int partitions) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
        while (true) {
            try {
                if (producer.partitionsFor(name).size() >= partitions) {
                    return;
                }
            } catch (TimeoutException e) {
                LOG.trace("topic={} has no metadata yet", name, e);
            } catch (KafkaException e) {
                throw KafkaErrors.delivery("topic " + name, e);
            }
            if (System.nanoTime() > deadline) {
                throw new MillraceException(
                        ErrorCode.SINK_CONNECTION,
                        "no metadata of topic " + name + " within " + timeoutMs + " ms");
            }
            Thread.sleep(KafkaClients.MAX_BLOCK_MS);
        }
    }

    /** Ends preparations that still run. */
    void close() {
        threads.forEach(Thread::interrupt);
    }
}
