package io.millrace.connect.host.runtime;

import java.time.Duration;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stops parts one after the other, each within its own time and what those before it left of
 * theirs.
 *
 * <p>A part that hangs must not keep the ones under it from stopping: seen were Jetty waiting for
 * itself, and a log of Connect waiting 22 s for a write.
 */
public final class OrderedStop {
    private static final Logger LOG = LoggerFactory.getLogger(OrderedStop.class);

    private OrderedStop() {}

    /**
     * One part.
     *
     * @param limit how long it may take; zero runs it on the caller's thread
     */
    public record Stage(String name, Duration limit, Runnable stop) {}

    /** Takes stages from the front and stops them; never throws. */
    public static void run(Deque<Stage> stages) {
        Duration spare = Duration.ZERO;
        while (!stages.isEmpty()) {
            Stage stage = stages.pop();
            if (stage.limit().isZero()) {
                stopNow(stage);
            } else {
                spare = stopWithin(stage, stage.limit().plus(spare));
            }
        }
    }

    private static void stopNow(Stage stage) {
        try {
            stage.stop().run();
        } catch (RuntimeException e) {
            LOG.warn("stopping failed part={}", stage.name(), e);
        }
    }

    /** What is left of the limit. */
    private static Duration stopWithin(Stage stage, Duration limit) {
        long start = System.nanoTime();
        Thread thread = new Thread(() -> stopNow(stage), "connect-stop-" + stage.name());
        thread.setDaemon(true);
        thread.start();
        boolean interrupted = false;
        long left = limit.toNanos();
        while (thread.isAlive() && left > 0) {
            try {
                thread.join(Duration.ofNanos(left));
            } catch (InterruptedException e) {
                interrupted = true;
            }
            left = limit.toNanos() - (System.nanoTime() - start);
        }
        if (thread.isAlive()) {
            IllegalStateException where = new IllegalStateException("still stopping");
            where.setStackTrace(thread.getStackTrace());
            LOG.error(
                    "part={} did not stop within seconds={}, going on without it",
                    stage.name(),
                    limit.toSeconds(),
                    where);
        } else {
            LOG.info(
                    "stopped part={} ms={}", stage.name(), (System.nanoTime() - start) / 1_000_000);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return Duration.ofNanos(Math.max(0, limit.toNanos() - (System.nanoTime() - start)));
    }
}
