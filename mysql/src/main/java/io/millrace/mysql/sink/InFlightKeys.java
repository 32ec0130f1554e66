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

    /** Key and owner of each slot side by side: one cache line for both. */
    private long[] slots = new long[INITIAL_CAPACITY * 2];

    private int used;

    /**
     * @param committed the highest committed ticket of a worker; tickets start at 1
     */
    InFlightKeys(IntToLongFunction committed) {
        this.committed = committed;
    }

    /** The worker that holds the key in an uncommitted ticket, if it is another one; else -1. */
    int blocker(long key, int worker) {
        long owner = slots[slot(key) + 1];
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
        if (slots[slot + 1] == 0) {
            if (++used > capacity() / 2) {
                used--;
                makeRoom();
                take(key, worker, ticket);
                return;
            }
            slots[slot] = key;
        }
        slots[slot + 1] = ((long) worker << TICKET_BITS) | ticket;
    }

    int capacity() {
        return slots.length / 2;
    }

    /** Index of the key's slot, or of the one to put it in. */
    private int slot(long key) {
        long[] all = slots;
        int mask = all.length - 2;
        int slot = (int) (key ^ (key >>> 32)) << 1 & mask;
        while (all[slot + 1] != 0 && all[slot] != key) {
            slot = (slot + 2) & mask;
        }
        return slot;
    }

    /** Drops stale entries; grows when too few were stale. */
    private void makeRoom() {
        long[] old = slots;
        int live = 0;
        for (int i = 1; i < old.length; i += 2) {
            if (isLive(old[i])) {
                live++;
            }
        }
        int capacity = old.length / 2;
        while (live > capacity / 4) {
            capacity *= 2;
        }
        slots = new long[capacity * 2];
        used = 0;
        for (int i = 0; i < old.length; i += 2) {
            if (isLive(old[i + 1])) {
                int slot = slot(old[i]);
                slots[slot] = old[i];
                slots[slot + 1] = old[i + 1];
                used++;
            }
        }
    }

    private boolean isLive(long owner) {
        return owner != 0
                && (owner & TICKET_MASK) > committed.applyAsLong((int) (owner >>> TICKET_BITS));
    }
}
