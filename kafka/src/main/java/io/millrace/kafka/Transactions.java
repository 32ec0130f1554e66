package io.millrace.kafka;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.Sink;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Groups what an exactly-once sink writes into Kafka transactions, each of which also carries the
 * job's {@link Progress}. Events are acked when the transaction that holds them is committed.
 *
 * <p>A transaction is committed where a source transaction ends, after {@link #INTERVAL_NANOS} or
 * {@link #MAX_BYTES}; one that would grow beyond {@link #MAX_OPEN_NANOS} or {@link #MAX_EVENTS} is
 * committed in the middle of a source transaction. Belongs to the engine's thread, but that a
 * commit runs on a virtual thread, while nothing may be sent.
 */
final class Transactions {
    /** How long a transaction collects records: what exactly-once costs in latency. */
    static final long INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** Bytes after which a transaction is committed early. */
    static final long MAX_BYTES = 8L << 20;

    /** The longest wait for the end of a source transaction. */
    private static final long MAX_OPEN_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** The engine offers no more than {@link Sink#MAX_UNACKED} events without acks. */
    private static final int MAX_EVENTS = Sink.MAX_UNACKED / 2;

    private final KafkaProducer<byte[], byte[]> producer;
    private final ProgressGroup group;
    private final Acks acks;
    private final Consumer<MillraceException> failure;
    private final Progress before;
    private final long commitLimitNanos;

    private boolean open;
    private long openedNanos;
    private long bytes;
    private Progress progress;
    private Progress committed;
    private boolean atBoundary = true;
    private boolean commitNow;
    private boolean flushing;

    /** Events wholly in the open transaction. */
    private long[] events = new long[1024];

    private int eventCount;
    private @Nullable Thread committer;
    private volatile boolean committing;
    private volatile boolean closed;

    /**
     * @param before what earlier runs committed
     * @param failure told when a commit fails; called on another thread
     */
    Transactions(
            KafkaProducer<byte[], byte[]> producer,
            ProgressGroup group,
            Progress before,
            Acks acks,
            long commitLimitMs,
            Consumer<MillraceException> failure) {
        this.producer = producer;
        this.group = group;
        this.before = before;
        this.acks = acks;
        this.failure = failure;
        commitLimitNanos = TimeUnit.MILLISECONDS.toNanos(commitLimitMs);
        progress = before;
        committed = before;
    }

    /** What earlier runs committed: it is not sent again. */
    Progress before() {
        return before;
    }

    /** Whether nothing may be sent now. */
    boolean isCommitting() {
        return committing;
    }

    /** Before a record is handed to the producer. */
    void beforeSend(long nowNanos) {
        if (!open) {
            producer.beginTransaction();
            open = true;
            openedNanos = nowNanos;
            bytes = 0;
        }
    }

    /** After a record was handed over. */
    void sent(int size) {
        bytes += size;
    }

    /** All records of a batch were handed over. */
    void batchDone(long seq, Progress reached, boolean endsTransaction) {
        add(seq);
        progress = reached;
        atBoundary = endsTransaction;
    }

    /** A DDL was accepted; its messages are handed over before the next commit. */
    void ddl(long seq, long tso) {
        add(seq);
        progress = new Progress(tso, 0);
        atBoundary = true;
        commitNow = true;
    }

    /** The source transaction ended without a further batch. */
    void transactionEnded() {
        atBoundary = true;
    }

    /** No more will come before everything is acked. */
    void flush() {
        flushing = true;
    }

    private void add(long seq) {
        if (eventCount == events.length) {
            events = Arrays.copyOf(events, eventCount * 2);
        }
        events[eventCount++] = seq;
    }

    /**
     * Starts a commit if one is due. Only between events.
     *
     * @return whether it was started
     */
    boolean commitWhenDue(long nowNanos) {
        if (committing) {
            return false;
        }
        if (!open) {
            if (eventCount == 0) {
                flushing = false;
                return false;
            }
            // Events without any message, such as a DDL that the format leaves out, still count.
            beforeSend(nowNanos);
        }
        long age = nowNanos - openedNanos;
        boolean due = commitNow || age >= INTERVAL_NANOS || bytes >= MAX_BYTES;
        boolean overdue = age >= MAX_OPEN_NANOS || eventCount >= MAX_EVENTS;
        if (!(due && atBoundary || overdue || flushing)) {
            return false;
        }
        long[] done = Arrays.copyOf(events, eventCount);
        Progress reached = progress;
        boolean newProgress = !reached.equals(committed);
        committed = reached;
        eventCount = 0;
        commitNow = false;
        flushing = false;
        open = false;
        committing = true;
        committer =
                Thread.ofVirtual()
                        .name("kafka-commit-" + group.name())
                        .start(() -> commit(done, reached, newProgress));
        return true;
    }

    private void commit(long[] done, Progress reached, boolean newProgress) {
        try {
            long deadline = System.nanoTime() + commitLimitNanos;
            if (newProgress) {
                patiently(
                        deadline,
                        () ->
                                producer.sendOffsetsToTransaction(
                                        group.offsets(reached), group.metadata()));
            }
            patiently(deadline, producer::commitTransaction);
        } catch (KafkaException | IllegalStateException e) {
            if (!closed) {
                failure.accept(KafkaErrors.delivery("a transaction", e));
            }
            return;
        } catch (Throwable e) {
            // Also an Error: the run would wait for this commit for ever.
            failure.accept(
                    new MillraceException(
                            ErrorCode.INTERNAL, "committing a transaction hit a defect: " + e, e));
            return;
        }
        committing = false;
        if (!closed) {
            for (long seq : done) {
                acks.ack(seq);
            }
        }
    }

    /** Repeats a call that may end with a time-out and then be called again. */
    static void patiently(long deadlineNanos, Runnable call) {
        while (true) {
            try {
                call.run();
                return;
            } catch (TimeoutException e) {
                if (System.nanoTime() - deadlineNanos > 0) {
                    throw e;
                }
            }
        }
    }

    /** What is open stays uncommitted. */
    void close() {
        closed = true;
        Thread running = committer;
        if (running != null) {
            running.interrupt();
        }
    }
}
