package io.millrace.mysql.position;

/**
 * The transactions that were executed up to a point. Immutable: adding one GTID makes a new set
 * that shares what it can with the old one, in constant time as long as numbers follow each other,
 * because every position holds one.
 */
public sealed interface GtidSet permits MySqlGtidSet, MariaDbGtidSet {
    /** This set and one more; a GTID of the other flavour is an error of the caller. */
    GtidSet with(Gtid gtid);

    boolean contains(Gtid gtid);

    /** Whether all of {@code other} is in here; false for a set of the other flavour. */
    boolean containsAll(GtidSet other);

    boolean isEmpty();

    /** The server's own text form: {@code uuid:1-5:7,…} or {@code 0-1-100,…}. */
    @Override
    String toString();
}
