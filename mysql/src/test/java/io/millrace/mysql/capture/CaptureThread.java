package io.millrace.mysql.capture;

import io.millrace.core.model.ChangeEvent;
import io.millrace.core.spi.Capture;
import io.millrace.testkit.servers.DbServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Runs a capture on a thread of its own and remembers what a test wants of its events. Thread-safe.
 *
 * @param <E> what is remembered
 */
public final class CaptureThread<E> implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration END = Duration.ofSeconds(10);

    private final Capture capture;
    private final Function<ChangeEvent, List<E>> look;
    private final Thread thread;
    private final List<E> seen = new ArrayList<>();
    private @Nullable Throwable failure;
    private boolean ended;

    /**
     * @param look what is remembered of an event; releases batches, unless they are remembered
     */
    public CaptureThread(Capture capture, Function<ChangeEvent, List<E>> look) {
        this.capture = capture;
        this.look = look;
        thread = Thread.ofPlatform().name("capture").start(this::run);
    }

    /** MariaDB's commit times have whole seconds: a start takes in all of the running one. */
    public static void nextSecond(DbServer server) {
        if (server.flavor() == DbServer.Flavor.MARIADB) {
            try {
                Thread.sleep(1000 - System.currentTimeMillis() % 1000 + 20);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private void run() {
        try {
            capture.run(this::add);
        } catch (Throwable e) {
            synchronized (seen) {
                failure = e;
            }
        } finally {
            synchronized (seen) {
                ended = true;
                seen.notifyAll();
            }
        }
    }

    private void add(ChangeEvent event) {
        List<E> more = look.apply(event);
        synchronized (seen) {
            seen.addAll(more);
            seen.notifyAll();
        }
    }

    /** Everything so far. */
    public List<E> seen() {
        synchronized (seen) {
            return List.copyOf(seen);
        }
    }

    /**
     * Waits for one that matches and returns it.
     *
     * @param from leaves out the first ones
     * @param wanted is asked once about each, in their order
     */
    public E await(String what, int from, Predicate<E> wanted) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        synchronized (seen) {
            int next = from;
            while (true) {
                for (; next < seen.size(); next++) {
                    if (wanted.test(seen.get(next))) {
                        return seen.get(next);
                    }
                }
                if (ended) {
                    throw new AssertionError(
                            "the capture ended without " + what + "; seen are " + seen, failure);
                }
                pause(end, what);
            }
        }
    }

    /** Waits until the capture fails and returns why. */
    public Throwable awaitFailure() {
        long end = System.nanoTime() + PATIENCE.toNanos();
        synchronized (seen) {
            while (!ended) {
                pause(end, "a failure");
            }
            if (failure == null) {
                throw new AssertionError("the capture ended without a failure");
            }
            return failure;
        }
    }

    private void pause(long endNanos, String what) {
        long left = endNanos - System.nanoTime();
        if (left <= 0) {
            throw new AssertionError("waited in vain for " + what + "; seen are " + seen);
        }
        try {
            seen.wait(Math.max(1, left / 1_000_000));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Ends the capture; a second call does nothing. */
    @Override
    public void close() {
        capture.close();
        try {
            if (!thread.join(END)) {
                throw new AssertionError("close() did not end the capture");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
