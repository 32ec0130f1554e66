package io.millrace.core.model;

/**
 * A point in an upstream's change stream: where to read on, down to the event inside a transaction.
 * Positions are only partially ordered (GTID sets may be incomparable), so this is deliberately not
 * {@code Comparable}. Immutable.
 */
public interface SourcePosition {
    /**
     * Whether everything at or before {@code other} is also at or before this position. False for
     * incomparable ones.
     */
    boolean covers(SourcePosition other);

    /**
     * TSO of the last transaction wholly before this position, the floor for the TSO of the next:
     * what makes TSOs the same after a restart. 0 when nothing was read yet.
     */
    long floorTso();

    /** A stable text form that the source's {@code decodePosition} reads back. */
    String encode();
}
