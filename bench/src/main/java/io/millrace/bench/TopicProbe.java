package io.millrace.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;

/** Watches a topic grow from outside, the same way for every subject. */
final class TopicProbe implements AutoCloseable {
    /** Who has sent nothing for so long will not. */
    private static final long FIRST_RECORD_NANOS = TimeUnit.SECONDS.toNanos(120);

    /** A topic that has not grown for so long after the rows were read will not. */
    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** How often the end offset is read: what the figures are exact to. */
    private static final long POLL_MS = 20;

    private final Admin admin;

    TopicProbe(String bootstrap) {
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    /** A topic of one partition. */
    void create(String topic) throws ExecutionException, InterruptedException {
        admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
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
        long start = System.nanoTime();
        long deadline = start + TimeUnit.SECONDS.toNanos(timeoutSeconds);
        long first = 0;
        while (true) {
            long end = end(topic);
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
            if (now > deadline || end == 0 && now - start > FIRST_RECORD_NANOS) {
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

    /** Figures of a run that was watched by {@link #await} or {@link #awaitQuiet}. */
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
