package io.millrace.storage.sink;

import io.millrace.core.bytes.ByteSink;
import java.util.ArrayDeque;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.Map;

/**
 * Buffers of files, used again: one that had to grow for each file anew would cost several times
 * the file's bytes. A file gets a buffer that fits what it is expected to hold, so that small files
 * do not keep large buffers. Safe for several threads.
 */
final class Buffers {
    private static final int LEAST_BYTES = 4096;

    /** A file's buffer is at most so many times as large as the file is expected to be. */
    private static final int MOST_TIMES = 4;

    private static final int MAX_KEPT = 64;

    private final long maxBytes;
    private final ArrayDeque<ByteSink> kept = new ArrayDeque<>();
    private long keptBytes;

    /** Sizes that buffers in use had when they were taken. */
    private final Map<ByteSink, Integer> used = new IdentityHashMap<>();

    private long usedBytes;

    /**
     * @param maxBytes most bytes of buffers that no file uses, and of those that files have got
     *     because they are expected to need them
     */
    Buffers(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /** An empty buffer for a file that is expected to hold so many bytes. */
    synchronized ByteSink take(int expectedBytes) {
        // Many tables may have had a large file once: they do not all get a large buffer.
        int least = usedBytes + expectedBytes > maxBytes ? LEAST_BYTES : expectedBytes;
        ByteSink buffer = fitting(Math.max(least, LEAST_BYTES));
        used.put(buffer, capacity(buffer));
        usedBytes += capacity(buffer);
        return buffer;
    }

    private ByteSink fitting(int least) {
        ByteSink best = null;
        for (ByteSink each : kept) {
            if (capacity(each) >= least
                    && capacity(each) / MOST_TIMES <= least
                    && (best == null || capacity(each) < capacity(best))) {
                best = each;
            }
        }
        if (best == null) {
            return new ByteSink((int) Math.min(least + least / 8L, Integer.MAX_VALUE / 2));
        }
        remove(best);
        return best;
    }

    private void remove(ByteSink buffer) {
        for (Iterator<ByteSink> each = kept.iterator(); each.hasNext(); ) {
            ByteSink one = each.next();
            if (one == buffer) {
                each.remove();
                keptBytes -= capacity(one);
                return;
            }
        }
    }

    /** Takes a buffer back; the oldest that are kept go when there are too many. */
    synchronized void give(ByteSink buffer) {
        Integer size = used.remove(buffer);
        usedBytes -= size == null ? 0 : size;
        buffer.clear();
        kept.addLast(buffer);
        keptBytes += capacity(buffer);
        while (keptBytes > maxBytes || kept.size() > MAX_KEPT) {
            keptBytes -= capacity(kept.removeFirst());
        }
    }

    /** Forgets all. */
    synchronized void clear() {
        kept.clear();
        keptBytes = 0;
    }

    /** Bytes of buffers that no file uses. */
    synchronized long keptBytes() {
        return keptBytes;
    }

    private static int capacity(ByteSink buffer) {
        return buffer.array().length;
    }
}
