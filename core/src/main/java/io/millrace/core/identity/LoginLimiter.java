package io.millrace.core.identity;

import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Slows down who tries passwords: after some failures in a row for a user name from one address, or
 * from one address whatever the names, each next attempt has to wait, twice as long each time. A
 * name that is tried from many addresses waits for a moment at most, so that a stranger cannot keep
 * its owner out. A failure is forgotten after a while without another. Memory is bounded: the
 * entries that were not touched for the longest time go first. Callable from any thread.
 */
final class LoginLimiter {
    /** After so long without a failure the count begins anew. */
    static final Duration FORGOTTEN_AFTER = Duration.ofMinutes(15);

    /** What is remembered of names and addresses. */
    static final int MAX_ENTRIES = 10_000;

    static final Duration FIRST_WAIT = Duration.ofSeconds(1);

    private static final int NETWORK_BYTES = 8;

    /** What failures are counted for. */
    enum Subject {
        /** Several users may share an address. */
        ADDRESS(20, Duration.ofMinutes(1)),
        NAME(100, Duration.ofSeconds(2)),
        NAME_AT_ADDRESS(10, Duration.ofMinutes(1));

        /** Failures before a wait. */
        final int free;

        final Duration longestWait;

        Subject(int free, Duration longestWait) {
            this.free = free;
            this.longestWait = longestWait;
        }
    }

    private static final class Failures {
        int count;
        long lastMs;
        long openMs;
    }

    /** One subject's part of an attempt, with what there was before it. */
    private record Counted(String key, Failures failures, long lastBefore, long openBefore) {
        /** What came after this attempt stays. */
        void takeBack(long at) {
            failures.count = Math.max(0, failures.count - 1);
            if (failures.lastMs == at) {
                failures.lastMs = lastBefore;
                failures.openMs = openBefore;
            }
        }
    }

    /** An attempt that may go on, and counts as failed until it is known better. */
    final class Attempt {
        private final long at;
        private final List<Counted> counted = new ArrayList<>();

        private Attempt(long at) {
            this.at = at;
        }

        /** The password was right: failures of this name are forgotten. */
        void succeeded() {
            end(true);
        }

        /** Nothing was found out about the password. */
        void undecided() {
            end(false);
        }

        private void end(boolean forget) {
            lock.lock();
            try {
                for (Counted one : counted) {
                    one.takeBack(at);
                    if (forget && !one.key().startsWith(Subject.ADDRESS.name() + " ")) {
                        entries.remove(one.key());
                    }
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /** Either an attempt, or how long to wait for one. */
    record Admission(Optional<Attempt> attempt, Duration delay) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Clock clock;
    private final Map<String, Failures> entries = new LinkedHashMap<>(16, 0.75f, true);

    LoginLimiter(Clock clock) {
        this.clock = clock;
    }

    /**
     * Counts an attempt as failed before its password is looked at, so that many at once are
     * counted too.
     */
    Admission begin(String name, String address) {
        String network = network(address);
        Map<Subject, String> keys = new EnumMap<>(Subject.class);
        keys.put(Subject.ADDRESS, network);
        keys.put(Subject.NAME, name);
        keys.put(Subject.NAME_AT_ADDRESS, network + " " + name);
        lock.lock();
        try {
            long now = clock.millis();
            Attempt attempt = new Attempt(now);
            for (Map.Entry<Subject, String> each : keys.entrySet()) {
                // The address first, and no entry for a name that is not looked at: else one
                // address could push out all others.
                String key = each.getKey().name() + " " + each.getValue();
                Failures found = entry(key, now);
                if (found.openMs > now) {
                    return new Admission(Optional.empty(), Duration.ofMillis(found.openMs - now));
                }
                attempt.counted.add(new Counted(key, found, found.lastMs, found.openMs));
            }
            int part = 0;
            for (Subject subject : keys.keySet()) {
                fail(attempt.counted.get(part++).failures(), subject, now);
            }
            return new Admission(Optional.of(attempt), Duration.ZERO);
        } finally {
            lock.unlock();
        }
    }

    /** An address of version 6 stands for its network: who has one has them all. */
    private static String network(String address) {
        if (address.indexOf(':') < 0) {
            return address;
        }
        try {
            return HexFormat.of()
                    .formatHex(InetAddress.ofLiteral(address).getAddress(), 0, NETWORK_BYTES);
        } catch (IllegalArgumentException | IndexOutOfBoundsException notVersionSix) {
            return address;
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

    private static void fail(Failures failures, Subject subject, long now) {
        failures.count++;
        failures.lastMs = now;
        int over = failures.count - subject.free;
        if (over >= 0) {
            long wait = FIRST_WAIT.toMillis() << Math.min(over, 16);
            failures.openMs = now + Math.min(wait, subject.longestWait.toMillis());
        }
    }
}
