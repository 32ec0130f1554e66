package io.millrace.core.engine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A bounded queue between exactly one producer thread and one consumer thread, without locks.
 *
 * <p>Each side owns one counter and publishes it with a release write; it keeps a stale copy of the
 * other side's counter and re-reads that only when the copy says full or empty, so that in steady
 * flow the two threads do not pull the same cache line back and forth. The counters stand a cache
 * line apart for the same reason. The hand-over of an element is ordered by the counter, not by the
 * slot, which is a plain array element.
 */
public final class Ring<T> {
    /** Largest capacity. */
    public static final int MAX_CAPACITY = 1 << 20;

    private final @Nullable Object[] slots;
    private final int mask;
    private final Counters counters = new Counters();

    /**
     * @param capacity elements, a power of two from 1 to {@link #MAX_CAPACITY}
     */
    public Ring(int capacity) {
        if (capacity < 1 || capacity > MAX_CAPACITY || Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException(
                    "ring capacity must be a power of two up to " + MAX_CAPACITY + ": " + capacity);
        }
        slots = new Object[capacity];
        mask = capacity - 1;
    }

    /** Producer: appends; false when full. */
    public boolean offer(T element) {
        Counters c = counters;
        long tail = c.tail;
        if (tail - c.headSeen >= slots.length) {
            c.headSeen = (long) Counters.HEAD.getAcquire(c);
            if (tail - c.headSeen >= slots.length) {
                return false;
            }
        }
        slots[(int) tail & mask] = element;
        Counters.TAIL.setRelease(c, tail + 1);
        return true;
    }

    /** Consumer: takes the oldest; null when empty. */
    @SuppressWarnings("unchecked") // only offer() stores, and it stores T
    public @Nullable T poll() {
        Counters c = counters;
        long head = c.head;
        if (head >= c.tailSeen) {
            c.tailSeen = (long) Counters.TAIL.getAcquire(c);
            if (head >= c.tailSeen) {
                return null;
            }
        }
        int slot = (int) head & mask;
        T element = (T) slots[slot];
        slots[slot] = null;
        Counters.HEAD.setRelease(c, head + 1);
        return element;
    }

    /** Any thread: whether there was nothing to take a moment ago. */
    public boolean isEmpty() {
        return (long) Counters.HEAD.getAcquire(counters)
                >= (long) Counters.TAIL.getAcquire(counters);
    }

    /** Elements that fit. */
    public int capacity() {
        return slots.length;
    }

    /**
     * The counters with filler between them: fields of a superclass are laid out before those of a
     * subclass, which keeps the order.
     */
    @SuppressWarnings("unused") // fillers
    private abstract static class ProducerSide {
        long p1, p2, p3, p4, p5, p6, p7;
        long tail;
        long headSeen;
        long q1, q2, q3, q4, q5, q6, q7, q8;
    }

    @SuppressWarnings("unused") // fillers
    private static final class Counters extends ProducerSide {
        static final VarHandle TAIL;
        static final VarHandle HEAD;

        static {
            try {
                MethodHandles.Lookup lookup = MethodHandles.lookup();
                TAIL = lookup.findVarHandle(ProducerSide.class, "tail", long.class);
                HEAD = lookup.findVarHandle(Counters.class, "head", long.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        long head;
        long tailSeen;
        long r1, r2, r3, r4, r5, r6, r7, r8;
    }
}
