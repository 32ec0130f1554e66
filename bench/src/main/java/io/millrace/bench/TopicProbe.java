package io.millrace.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Watches a topic grow from outside, the same way for every subject. */
final class TopicProbe implements AutoCloseable {
    /** Who has sent nothing for so long will not. */
    private static final long FIRST_RECORD_NANOS = TimeUnit.SECONDS.toNanos(120);

    /** A topic that has not grown for so long after the rows were read will not. */
    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** A broker that does not know a new topic for so long never will. */
    private static final long KNOWN_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** One read of what is known to be there. */
    private static final Duration READ_TIMEOUT = Duration.ofSeconds(1);

    /** How often the end offset is read: what the figures are exact to. */
    private static final long POLL_MS = 20;

    private final String bootstrap;
    private final Admin admin;

    /** Tells how many rows the value of a record holds. */
    interface RowCounter {
        long rows(byte[] value) throws IOException;
    }

    TopicProbe(String bootstrap) {
        this.bootstrap = bootstrap;
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    /** A topic of one partition. */
    void create(String topic) throws ExecutionException, InterruptedException {
        create(topic, Map.of());
    }

    /** A topic of one partition with settings of its own; the broker knows it afterwards. */
    void create(String topic, Map<String, String> settings)
            throws ExecutionException, InterruptedException {
        admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(settings)))
                .all()
                .get();
        long deadline = System.nanoTime() + KNOWN_NANOS;
        while (true) {
            try {
                end(topic);
                return;
            } catch (ExecutionException e) {
                // The controller has answered, the broker's metadata come a moment later.
                if (!(e.getCause() instanceof UnknownTopicOrPartitionException)
                        || System.nanoTime() > deadline) {
                    throw e;
                }
                Thread.sleep(POLL_MS);
            }
        }
    }

    void delete(String topic) throws ExecutionException, InterruptedException {
        admin.deleteTopics(List.of(topic)).all().get();
    }

    long end(String topic) throws ExecutionException, InterruptedException {
        TopicPartition partition = new TopicPartition(topic, 0);
        return admin.listOffsets(Map.of(partition, OffsetSpec.latest()))
                .partitionResult(partition)
                .get()
                .offset();
    }

    /**
     * Waits until {@code rows} records are there and returns the time of the first and the last of
     * them, in nanoTime.
     *
     * @param child whose death ends the waiting with an error
     */
    long[] await(String topic, long rows, ChildProcess child, java.io.File log, long timeoutSeconds)
            throws ExecutionException, InterruptedException {
        return await(topic, 0, rows, child, log, timeoutSeconds);
    }

    /** The same for the {@code rows} records behind the first {@code before}. */
    long[] await(
            String topic,
            long before,
            long rows,
            ChildProcess child,
            java.io.File log,
            long timeoutSeconds)
            throws ExecutionException, InterruptedException {
        long start = System.nanoTime();
        long deadline = start + TimeUnit.SECONDS.toNanos(timeoutSeconds);
        long first = 0;
        while (true) {
            long end = end(topic) - before;
            long now = System.nanoTime();
            if (end > 0 && first == 0) {
                first = now;
            }
            if (end >= rows) {
                child.sample();
                return new long[] {first, now};
            }
            if (!child.isAlive()) {
                throw new IllegalStateException(
                        "ended after " + end + " of " + rows + " records" + ChildProcess.tail(log));
            }
            if (now > deadline || end <= 0 && now - start > FIRST_RECORD_NANOS) {
                throw new IllegalStateException(
                        end
                                + " of "
                                + rows
                                + " records after "
                                + TimeUnit.NANOSECONDS.toSeconds(now - start)
                                + " s"
                                + ChildProcess.tail(log));
            }
            child.sample();
            Thread.sleep(POLL_MS);
        }
    }

    /**
     * For messages of several rows: waits until {@link MillraceChild} says that it has handed all
     * rows on and the topic has not grown for a while. Returns the times of the first and the last
     * growth, in nanoTime.
     */
    long[] awaitQuiet(String topic, ChildProcess child, java.io.File log, long timeoutSeconds)
            throws ExecutionException, InterruptedException, IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeoutSeconds);
        long first = 0;
        long last = 0;
        long size = 0;
        while (true) {
            long end = end(topic);
            long now = System.nanoTime();
            if (end > size) {
                first = first == 0 ? now : first;
                last = now;
                size = end;
            } else if (size > 0
                    && now - last > QUIET_NANOS
                    && Files.readString(log.toPath()).contains("RUN ")) {
                return new long[] {first, last};
            }
            if (!child.isAlive() || now > deadline) {
                throw new IllegalStateException(
                        "no end after " + size + " records" + ChildProcess.tail(log));
            }
            child.sample();
            Thread.sleep(POLL_MS);
        }
    }

    /**
     * For messages of several rows by somebody who does not say when he is done: each time the
     * topic has not grown for a while, reads what is new and counts its rows, until they are {@code
     * rows}. Returns the times of the first and the last growth, in nanoTime: reading and counting
     * come behind them.
     */
    long[] awaitRows(
            String topic,
            long rows,
            RowCounter counter,
            ChildProcess child,
            java.io.File log,
            long timeoutSeconds)
            throws ExecutionException, InterruptedException, IOException {
        long start = System.nanoTime();
        long first = 0;
        long last = 0;
        long size = 0;
        long read = 0;
        long counted = 0;
        while (true) {
            long end = end(topic);
            long now = System.nanoTime();
            child.sample();
            if (end > size) {
                first = first == 0 ? now : first;
                last = now;
                size = end;
            } else if (size > read && now - last > QUIET_NANOS) {
                counted += count(topic, read, size, counter);
                read = size;
                if (counted == rows) {
                    return new long[] {first, last};
                }
                if (counted > rows) {
                    throw new IllegalStateException(
                            counted + " rows arrived of " + rows + ChildProcess.tail(log));
                }
            }
            if (!child.isAlive()
                    || now - start > TimeUnit.SECONDS.toNanos(timeoutSeconds)
                    || size == 0 && now - start > FIRST_RECORD_NANOS) {
                throw new IllegalStateException(
                        counted
                                + " of "
                                + rows
                                + " rows in "
                                + read
                                + " of "
                                + size
                                + " records"
                                + ChildProcess.tail(log));
            }
            Thread.sleep(POLL_MS);
        }
    }

    private long count(String topic, long from, long to, RowCounter counter) throws IOException {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", bootstrap),
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, from);
            long rows = 0;
            while (consumer.position(partition) < to) {
                for (ConsumerRecord<byte[], byte[]> message : consumer.poll(READ_TIMEOUT)) {
                    if (message.offset() < to) {
                        rows += counter.rows(message.value());
                    }
                }
            }
            return rows;
        }
    }

    /** Figures of a run that was watched by one of the methods above. */
    static Figures figures(Bench bench, ChildProcess child, long[] firstAndLast) {
        double stream = (firstAndLast[1] - firstAndLast[0]) / 1e9;
        double whole = (firstAndLast[1] - child.startedNanos()) / 1e9;
        return new Figures.Builder()
                .put("rows_per_s", bench.rows() / stream)
                .put("rows_per_s_with_start", bench.rows() / whole)
                .put("mb_per_s", bench.megabytes() / stream)
                .put("cpu_s", child.cpuSeconds())
                .put("peak_rss_mb", child.peakRssMb())
                .build();
    }

    @Override
    public void close() {
        admin.close();
    }

    /** Configuration entries as the arguments of a properties file. */
    static List<String> lines(Map<String, String> properties) {
        List<String> lines = new ArrayList<>();
        new HashMap<>(properties).forEach((key, value) -> lines.add(key + "=" + value));
        return lines;
    }
}
