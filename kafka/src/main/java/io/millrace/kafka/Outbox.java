package io.millrace.kafka;

import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkMetrics;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Hands records to the producer, which must not block, and counts the bytes that are under way. The
 * engine's thread sends; {@link #delivered} and {@link #undelivered} are called by the callbacks of
 * records, mostly on the producer's thread.
 */
final class Outbox {
    /** Bytes handed to the producer and not acknowledged yet, at which rows have to wait. */
    private static final long MAX_IN_FLIGHT_BYTES = KafkaClients.BUFFER_BYTES * 3 / 4;

    /** What a record costs the producer beyond its value, roughly. */
    private static final int RECORD_COST = 64;

    private final KafkaProducer<byte[], byte[]> producer;
    private final Optional<Transactions> transactions;
    private final long patienceNanos;
    private final SinkMetrics metrics;
    private final Consumer<MillraceException> failure;

    /** Written by the engine's thread only. */
    private long sentBytes;

    /** Written by the producer's thread only, but for the very end. */
    private final AtomicLong deliveredBytes = new AtomicLong();

    /** Set while the producer refuses the record at hand, else 0. */
    private long refusedSinceNanos;

    /** The thread inside {@code send}: a callback on it means that the record was refused. */
    private @Nullable Thread sender;

    private @Nullable Exception refusal;

    /** Lets the other records of a partition follow the first one. */
    private record FirstRecord(Topics.Partition partition, Callback next) implements Callback {
        @Override
        public void onCompletion(@Nullable RecordMetadata metadata, @Nullable Exception exception) {
            if (exception == null) {
                partition.known();
            }
            next.onCompletion(metadata, exception);
        }
    }

    /**
     * @param transactions in which records are sent, if they are
     * @param patienceMs how long the producer may refuse a record, milliseconds
     * @param failure told when a record cannot be delivered
     */
    Outbox(
            KafkaProducer<byte[], byte[]> producer,
            Optional<Transactions> transactions,
            long patienceMs,
            SinkMetrics metrics,
            Consumer<MillraceException> failure) {
        this.producer = producer;
        this.transactions = transactions;
        this.patienceNanos = TimeUnit.MILLISECONDS.toNanos(patienceMs);
        this.metrics = metrics;
        this.failure = failure;
    }

    /** Whether rows have to wait for acknowledgements. */
    boolean isFull() {
        return inFlightBytes() >= MAX_IN_FLIGHT_BYTES;
    }

    /** Handed over and not acknowledged yet. */
    long inFlightBytes() {
        return sentBytes - deliveredBytes.get();
    }

    /** Acknowledged so far. */
    long deliveredBytes() {
        return deliveredBytes.get();
    }

    /**
     * Hands a record over.
     *
     * @param passNanos time of the current pass over what waits
     * @param callback calls {@link #delivered} or {@link #undelivered}, first of all
     * @return false when the producer has no room, or no metadata, now
     */
    boolean send(
            Topics.Topic topic,
            ProducerRecord<byte[], byte[]> record,
            long passNanos,
            Callback callback) {
        Topics.Partition partition = topic.partition(record.partition());
        boolean first = partition.isFirst(passNanos);
        if (first) {
            partition.unknown();
        } else if (!partition.isOpen()) {
            return false; // its first record has to arrive before any other
        }
        sender = Thread.currentThread();
        refusal = null;
        try {
            if (transactions.isPresent()) {
                transactions.get().beforeSend(passNanos);
            }
            producer.send(record, first ? new FirstRecord(partition, callback) : callback);
        } catch (KafkaException | IllegalStateException e) {
            throw KafkaErrors.delivery("topic " + record.topic(), e);
        } finally {
            sender = null;
        }
        Exception refused = refusal;
        if (refused == null) {
            partition.sent(passNanos);
            sent(length(record.key()) + length(record.value()) + RECORD_COST);
            return true;
        }
        if (!(refused instanceof TimeoutException)) {
            throw KafkaErrors.delivery("topic " + record.topic(), refused);
        }
        long now = System.nanoTime();
        if (refusedSinceNanos == 0) {
            refusedSinceNanos = now;
        } else if (now - refusedSinceNanos > patienceNanos) {
            throw KafkaErrors.delivery("topic " + record.topic(), refused);
        }
        return false;
    }

    private void sent(int size) {
        sentBytes += size;
        if (size > SinkMetrics.LARGE_ROW_BYTES) {
            metrics.record(SinkMetric.LARGE_ROW_SIZE, size);
        }
        if (transactions.isPresent()) {
            transactions.get().sent(size);
        }
        refusedSinceNanos = 0;
    }

    private static int length(byte @Nullable [] bytes) {
        return bytes == null ? 0 : bytes.length;
    }

    /** A record is acknowledged. */
    void delivered(RecordMetadata metadata) {
        // A missing key or value has the size -1. One writer: no need for an atomic addition.
        int bytes =
                Math.max(0, metadata.serializedKeySize())
                        + Math.max(0, metadata.serializedValueSize());
        deliveredBytes.setRelease(deliveredBytes.getPlain() + bytes + RECORD_COST);
    }

    /**
     * A record is lost, or was not even taken.
     *
     * @param what it was, for the error
     */
    void undelivered(String what, Exception exception) {
        if (Thread.currentThread() == sender) {
            refusal = exception; // not queued at all: the caller of send decides
        } else {
            failure.accept(KafkaErrors.delivery(what, exception));
        }
    }
}
