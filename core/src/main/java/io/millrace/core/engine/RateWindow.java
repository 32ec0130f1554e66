package io.millrace.core.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalDouble;

/**
 * How fast a count grows: per second, over a window that moves. Knows no clock; belongs to one
 * thread at a time.
 */
public final class RateWindow {
    private final long windowMs;
    private final Deque<Count> counts = new ArrayDeque<>();

    private record Count(long atMs, long count) {}

    /**
     * @param windowMs milliseconds that are looked back
     */
    public RateWindow(long windowMs) {
        this.windowMs = windowMs;
    }

    /** Forgets what was counted. */
    public void clear() {
        counts.clear();
    }

    /**
     * Takes a count; a smaller one than the last begins anew, because whoever counts began at 0.
     *
     * @param atMs milliseconds of any clock that does not jump, not less than the last time
     */
    public void add(long atMs, long count) {
        if (!counts.isEmpty() && count < counts.getLast().count()) {
            counts.clear();
        }
        counts.addLast(new Count(atMs, count));
        while (counts.size() > 2 && atMs - counts.getFirst().atMs() > windowMs) {
            counts.removeFirst();
        }
    }

    /** Growth per second; empty until there are counts of two times. */
    public OptionalDouble perSecond() {
        if (counts.isEmpty()) {
            return OptionalDouble.empty();
        }
        Count first = counts.getFirst();
        Count last = counts.getLast();
        long ms = last.atMs() - first.atMs();
        return ms <= 0
                ? OptionalDouble.empty()
                : OptionalDouble.of((last.count() - first.count()) * 1000.0 / ms);
    }
}
