package io.millrace.core.model;

/**
 * A timestamp oracle value: physical Unix milliseconds shifted left by 18, plus an 18-bit logical
 * counter. Ordered as an unsigned 64-bit number; every transaction of an upstream gets a strictly
 * greater one than the transaction before it.
 */
public final class Tso {
    /** Bits of the logical part. */
    public static final int LOGICAL_BITS = 18;

    /** Largest logical value, 262143. */
    public static final long MAX_LOGICAL = (1L << LOGICAL_BITS) - 1;

    private Tso() {}

    /** The TSO of a Unix time in milliseconds and a logical counter of 0..{@link #MAX_LOGICAL}. */
    public static long of(long physicalMs, long logical) {
        return (physicalMs << LOGICAL_BITS) | (logical & MAX_LOGICAL);
    }

    /** Unix milliseconds of a TSO. */
    public static long physicalMs(long tso) {
        return tso >>> LOGICAL_BITS;
    }

    /** The logical counter of a TSO. */
    public static long logical(long tso) {
        return tso & MAX_LOGICAL;
    }

    /**
     * The TSO of a transaction committed at {@code commitMs} whose predecessor had {@code
     * previousTso}: the commit time if that is later, else the predecessor plus one, so that order
     * never depends on clocks.
     */
    public static long next(long commitMs, long previousTso) {
        return Math.max(of(commitMs, 0), previousTso + 1);
    }
}
