package io.millrace.core.engine;

import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.RowBatch;
import io.millrace.core.spi.EventOutput;
import org.jspecify.annotations.Nullable;

/**
 * The seam between the capture's thread and the pipeline's: a {@link Ring} of events and the {@link
 * MemoryBudget} of their bytes. When either is full {@link #emit} blocks, and so does the reading
 * of the upstream's socket.
 *
 * <p>A batch counts against the budget from here until its last reference is dropped, wherever that
 * happens.
 */
public final class Intake implements EventOutput, RowBatch.ReleaseHook {
    /** Events that wait between the two threads; few, because the bytes are bounded apart. */
    public static final int RING_CAPACITY = 1024;

    private static final int SPINS = 64;

    /** Bounds what a missed wake-up costs. */
    private static final long LONGEST_WAIT_NANOS = 1_000_000;

    private final Ring<ChangeEvent> ring;
    private final MemoryBudget budget;
    private final Parker producer = new Parker();
    private final Parker consumer;
    private volatile boolean closed;

    public Intake(MemoryBudget budget) {
        this(new Ring<>(RING_CAPACITY), budget, new Parker());
    }

    Intake(Ring<ChangeEvent> ring, MemoryBudget budget, Parker consumer) {
        this.ring = ring;
        this.budget = budget;
        this.consumer = consumer;
    }

    /** Capture thread: hands an event on if there is room; the reference passes only then. */
    public boolean tryEmit(ChangeEvent event) {
        int bytes = 0;
        if (event instanceof RowBatch batch) {
            bytes = batch.sizeBytes();
            if (!budget.tryTake(bytes)) {
                return false;
            }
            batch.onRelease(this);
        }
        if (!ring.offer(event)) {
            budget.giveBack(bytes);
            return false;
        }
        consumer.wake();
        return true;
    }

    /**
     * {@inheritDoc}
     *
     * @throws InterruptedException also when the pipeline has ended; a batch is released then
     */
    @Override
    public void emit(ChangeEvent event) throws InterruptedException {
        int tries = 0;
        while (true) {
            if (closed || Thread.interrupted()) {
                release(event);
                throw new InterruptedException("the job's pipeline has ended");
            }
            if (tryEmit(event)) {
                return;
            }
            if (tries++ < SPINS) {
                Thread.onSpinWait();
                continue;
            }
            producer.prepare();
            if (tryEmit(event)) {
                producer.cancel();
                return;
            }
            producer.park(LONGEST_WAIT_NANOS);
        }
    }

    /** Pipeline thread: the next event, or null. The batch's reference passes to the caller. */
    public @Nullable ChangeEvent poll() {
        ChangeEvent event = ring.poll();
        if (event != null) {
            producer.wake();
        }
        return event;
    }

    /** Whether nothing waits. */
    public boolean isEmpty() {
        return ring.isEmpty();
    }

    /** Makes a present or later {@link #emit} give up. */
    public void close() {
        closed = true;
        producer.wake();
    }

    /**
     * Releases all that waits. After {@link #close}, when no other thread polls; the capture's
     * thread calls it too when it ends, in case it slipped one in.
     */
    public synchronized void discard() {
        for (ChangeEvent event = ring.poll(); event != null; event = ring.poll()) {
            release(event);
        }
    }

    /** A batch is free; on any thread. */
    @Override
    public void released(int sizeBytes) {
        budget.giveBack(sizeBytes);
        producer.wake();
    }

    MemoryBudget budget() {
        return budget;
    }

    /** Where the pipeline's thread waits for work. */
    Parker consumer() {
        return consumer;
    }

    private static void release(ChangeEvent event) {
        if (event instanceof RowBatch batch) {
            batch.release();
        }
    }
}
