package io.millrace.connect.host.runtime;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * When a failed connector or task is restarted: after a first wait, which doubles with each try up
 * to the greatest one. A unit that has been well for the greatest wait begins anew. Knows no clock;
 * belongs to one thread.
 */
final class RestartBackoff {
    private final long firstMs;
    private final long greatestMs;
    private final Map<String, Unit> units = new HashMap<>();

    private static final class Unit {
        private int tries;
        private long dueMs;
        private boolean failed;
        private long wellSinceMs;
    }

    RestartBackoff(Duration first, Duration greatest) {
        firstMs = first.toMillis();
        greatestMs = greatest.toMillis();
    }

    /**
     * A unit is seen failed.
     *
     * @return the number of the try, from 1, when it is due now; the caller then restarts the unit
     */
    Optional<Integer> failed(String name, long nowMs) {
        Unit unit = units.computeIfAbsent(name, key -> new Unit());
        if (!unit.failed) {
            unit.failed = true;
            unit.dueMs = nowMs + waitMs(unit.tries);
        }
        if (nowMs < unit.dueMs) {
            return Optional.empty();
        }
        unit.tries++;
        // Also for a try that changes nothing: the unit may never be seen in another state.
        unit.dueMs = nowMs + waitMs(unit.tries);
        return Optional.of(unit.tries);
    }

    /**
     * A unit that was seen failed is on its way, started by a try or by hand. It is left alone
     * until it has said how that went, and for its wait after that.
     */
    void starting(String name, long nowMs) {
        Unit unit = units.get(name);
        if (unit != null && unit.failed) {
            unit.dueMs = Math.max(unit.dueMs, nowMs + waitMs(unit.tries));
        }
    }

    /** A unit is seen in another state. */
    void well(String name, long nowMs) {
        Unit unit = units.get(name);
        if (unit == null) {
            return;
        }
        if (unit.failed) {
            unit.failed = false;
            unit.wellSinceMs = nowMs;
        } else if (nowMs - unit.wellSinceMs >= greatestMs) {
            units.remove(name);
        }
    }

    /** The next try's number, from 1. */
    int nextTry(String name) {
        Unit unit = units.get(name);
        return unit == null ? 1 : unit.tries + 1;
    }

    /** When the next try of a failed unit is due. */
    OptionalLong dueMs(String name) {
        Unit unit = units.get(name);
        return unit == null || !unit.failed ? OptionalLong.empty() : OptionalLong.of(unit.dueMs);
    }

    /** The units of a connector that are remembered: itself, and its tasks behind a slash. */
    Set<String> unitsOf(String connector) {
        Set<String> found = new HashSet<>();
        for (String unit : units.keySet()) {
            if (unit.equals(connector) || unit.startsWith(connector + "/")) {
                found.add(unit);
            }
        }
        return found;
    }

    /** Forgets the units that are not among these. */
    void retain(Set<String> names) {
        units.keySet().retainAll(names);
    }

    private long waitMs(int tries) {
        long wait = firstMs;
        for (int i = 0; i < tries && wait < greatestMs; i++) {
            wait *= 2;
        }
        return Math.min(wait, greatestMs);
    }
}
