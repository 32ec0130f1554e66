package io.millrace.core.identity;

import java.time.Clock;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Slows down who tries passwords: after some failures in a row for a user name, or from an address,
 * each next attempt has to wait, twice as long each time. A failure is forgotten after a while
 * without another. Memory is bounded: the entries that were not touched for the longest time go
 * first. Callable from any thread.
 */
final class LoginLimiter {
    /** Failures for one name before a wait. */
    static final int FREE_PER_NAME = 5;

    /** Failures from one address before a wait: several users may share it. */
    static final int FREE_PER_ADDRESS = 20;

    static final Duration FIRST_WAIT = Duration.ofSeconds(1);
    static final Duration LONGEST_WAIT = Duration.ofMinutes(1);

    /** After so long without a failure the count begins anew. */
    static final Duration FORGOTTEN_AFTER = Duration.ofMinutes(15);

    /** Names and addresses that are remembered. */
    static final int MAX_ENTRIES = 10_000;

    private static final class Failures {
        int count;
        long lastMs;
        long openMs;
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Clock clock;
    private final Map<String, Failures> entries = new LinkedHashMap<>(16, 0.75f, true);

    LoginLimiter(Clock clock) {
        this.clock = clock;
    }

    /**
     * Counts an attempt as failed before its password is looked at, so that many at once are
     * counted too.
     *
     * @return how long to wait instead; empty when the attempt may go on
     */
    Optional<Duration> begin(String name, String address) {
        lock.lock();
        try {
            long now = clock.millis();
            Failures byAddress = entry("address " + address, now);
            if (byAddress.openMs > now) {
                // Without an entry for the name: else one address could push out all others.
                return Optional.of(Duration.ofMillis(byAddress.openMs - now));
            }
            Failures byName = entry("name " + name, now);
            if (byName.openMs > now) {
                return Optional.of(Duration.ofMillis(byName.openMs - now));
            }
            fail(byName, FREE_PER_NAME, now);
            fail(byAddress, FREE_PER_ADDRESS, now);
            return Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /** Takes back what {@link #begin} counted, and forgets the failures of the name. */
    void succeeded(String name, String address) {
        lock.lock();
        try {
            entries.remove("name " + name);
            Failures byAddress = entries.get("address " + address);
            if (byAddress != null && --byAddress.count < FREE_PER_ADDRESS) {
                byAddress.openMs = 0;
            }
        } finally {
            lock.unlock();
        }
    }

    int size() {
        lock.lock();
        try {
            return entries.size();
        } finally {
            lock.unlock();
        }
    }

    private Failures entry(String key, long now) {
        Failures found = entries.get(key);
        if (found == null) {
            found = new Failures();
            entries.put(key, found);
            if (entries.size() > MAX_ENTRIES) {
                Iterator<String> eldest = entries.keySet().iterator();
                eldest.next();
                eldest.remove();
            }
        } else if (now - found.lastMs > FORGOTTEN_AFTER.toMillis()) {
            found.count = 0;
            found.openMs = 0;
        }
        return found;
    }

    private static void fail(Failures failures, int free, long now) {
        failures.count++;
        failures.lastMs = now;
        int over = failures.count - free;
        if (over >= 0) {
            long wait = FIRST_WAIT.toMillis() << Math.min(over, 16);
            failures.openMs = now + Math.min(wait, LONGEST_WAIT.toMillis());
        }
    }
}
