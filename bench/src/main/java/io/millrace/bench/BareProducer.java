package io.millrace.bench;

import java.io.File;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The ceiling of every Kafka path: a producer that sends ready-made values of the same size and
 * does nothing else. Same settings as Millrace's sink.
 */
final class BareProducer implements Subject {
    private static final long TIMEOUT_SECONDS = 300;
    private static final int DISTINCT_VALUES = 1024;

    private final String bootstrap;
    private final ValueSize valueSize;

    /** Tells how large a value is, once the rows are there. */
    interface ValueSize {
        long bytes(Bench bench) throws Exception;
    }

    /**
     * @param valueSize average value size that the compared subject sends
     */
    BareProducer(String bootstrap, ValueSize valueSize) {
        this.bootstrap = bootstrap;
        this.valueSize = valueSize;
    }

    @Override
    public String name() {
        return "bare-producer";
    }

    @Override
    public Figures run(Bench bench) throws Exception {
        String topic = "bare-" + System.nanoTime();
        File log = bench.scratchFile("bare");
        try (TopicProbe probe = new TopicProbe(bootstrap)) {
            probe.create(topic);
            try (ChildProcess child =
                    ChildProcess.java(
                            BareProducer.class,
                            List.of("-Xmx1g"),
                            List.of(
                                    bootstrap,
                                    topic,
                                    Long.toString(bench.rows()),
                                    Long.toString(valueSize.bytes(bench))),
                            log,
                            log)) {
                long[] times = probe.await(topic, bench.rows(), child, log, TIMEOUT_SECONDS);
                return TopicProbe.figures(bench, child, times);
            } finally {
                probe.delete(topic);
            }
        }
    }

    /** Arguments: bootstrap, topic, rows, bytes per value. */
    public static void main(String[] args) throws InterruptedException {
        long rows = Long.parseLong(args[2]);
        int size = Integer.parseInt(args[3]);
        byte[][] values = new byte[DISTINCT_VALUES][];
        java.util.Random random = new java.util.Random(1);
        for (int i = 0; i < values.length; i++) {
            values[i] = new byte[size];
            for (int j = 0; j < size; j++) {
                values[i][j] = (byte) (' ' + random.nextInt(90));
            }
        }
        Map<String, Object> settings =
                Map.of(
                        "bootstrap.servers",
                        args[0],
                        "acks",
                        "all",
                        "enable.idempotence",
                        true,
                        "batch.size",
                        262_144,
                        "linger.ms",
                        20,
                        "buffer.memory",
                        64L << 20);
        AtomicLong failed = new AtomicLong();
        CountDownLatch done = new CountDownLatch(1);
        AtomicLong left = new AtomicLong(rows);
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(
                        settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (long i = 0; i < rows; i++) {
                producer.send(
                        new ProducerRecord<>(args[1], 0, null, values[(int) (i % DISTINCT_VALUES)]),
                        (metadata, error) -> {
                            if (error != null) {
                                failed.incrementAndGet();
                            }
                            if (left.decrementAndGet() == 0) {
                                done.countDown();
                            }
                        });
            }
            done.await();
        }
        if (failed.get() > 0) {
            throw new IllegalStateException(failed + " records failed");
        }
        // Lives on until the watcher has read its figures.
        Thread.sleep(TIMEOUT_SECONDS * 1000);
    }
}
