package io.millrace.mysql.sink;

import java.util.function.IntToLongFunction;

/**
 * Which worker last took a row that touches a key, and in which of its tickets. An entry is stale
 * once the worker has committed that ticket; stale entries are dropped when the table fills up.
 * Belongs to one thread; allocates only while it grows.
 */
final class InFlightKeys {
    private static final int TICKET_BITS = 52;
    private static final long TICKET_MASK = (1L << TICKET_BITS) - 1;
    private static final int INITIAL_CAPACITY = 1 << 14;

    private final IntToLongFunction committed;
    private long[] keys = new long[INITIAL_CAPACITY];
    private long[] owners = new long[INITIAL_CAPACITY];
    private int used;

    /**
     * @param committed the highest committed ticket of a worker; tickets start at 1
     */
    InFlightKeys(IntToLongFunction committed) {
        this.committed = committed;
    }

    /** The worker that holds the key in an uncommitted ticket, if it is another one; else -1. */
    int blocker(long key, int worker) {
        long owner = owners[slot(key)];
        if (owner == 0) {
            return -1;
        }
        int holder = (int) (owner >>> TICKET_BITS);
        if (holder == worker || (owner & TICKET_MASK) <= committed.applyAsLong(holder)) {
            return -1;
        }
        return holder;
    }

    /** Notes that the worker's ticket touches the key. */
    void take(long key, int worker, long ticket) {
        int slot = slot(key);
        if (owners[slot] == 0) {
            if (++used > keys.length / 2) {
                used--;
                makeRoom();
                take(key, worker, ticket);
                return;
            }
            keys[slot] = key;
        }
        owners[slot] = ((long) worker << TICKET_BITS) | ticket;
    }

    int capacity() {
        return keys.length;
    }

    private int slot(long key) {
        int mask = keys.length - 1;
        int slot = (int) (key ^ (key >>> 32)) & mask;
        while (owners[slot] != 0 && keys[slot] != key) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    /** Drops stale entries; grows when too few were stale. */
    private void makeRoom() {
        long[] oldKeys = keys;
        long[] oldOwners = owners;
        int live = 0;
        for (long owner : oldOwners) {
            if (isLive(owner)) {
                live++;
            }
        }
        int capacity = oldKeys.length;
        while (live > capacity / 4) {
            capacity *= 2;
        }
        keys = new long[capacity];
        owners = new long[capacity];
        used = 0;
        for (int i = 0; i < oldKeys.length; i++) {
            if (isLive(oldOwners[i])) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                owners[slot] = oldOwners[i];
                used++;
            }
        }
    }

    private boolean isLive(long owner) {
        return owner != 0
                && (owner & TICKET_MASK) > committed.applyAsLong((int) (owner >>> TICKET_BITS));
    }
}
