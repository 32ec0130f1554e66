package io.millrace.testkit.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Virtual time, chance, crashes and the trace of one simulation. */
final class World {
    /** Longest trace kept, in lines; older ones are dropped. */
    private static final int TRACE_LINES = 4000;

    final SplittableRandom random;
    final History history;
    final Checker checker;
    final boolean tracing;
    final List<String> trace = new ArrayList<>();

    private long nanos;
    private long order;
    private final PriorityQueue<Task> tasks = new PriorityQueue<>();

    /** Places at which something became durable so far in this life. */
    int commitPoints;

    /** Steps so far in this life. */
    int steps;

    /** Commit point of this life at which the process dies; 0 for never. */
    int crashAtPoint;

    /** Step of this life before which the process dies; 0 for never. */
    int crashAtStep;

    /** One in so many operations fails in a transient way; 0 for none. */
    int faultOneIn;

    /** Something that happens later, in order of time and then of scheduling. */
    private record Task(long at, long order, @Nullable InFlight what, Runnable run)
            implements Comparable<Task> {
        @Override
        public int compareTo(Task other) {
            int byTime = Long.compare(at, other.at);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    /** A request that has left the process: it may still arrive when the process is gone. */
    interface InFlight {
        /** Happens at the other side; nobody hears the answer. */
        void arriveUnheard();
    }

    World(SplittableRandom random, History history, boolean tracing) {
        this.random = random;
        this.history = history;
        this.checker = new Checker(history);
        this.tracing = tracing;
    }

    long nanos() {
        return nanos;
    }

    long nowMs() {
        return History.EPOCH_MS + nanos / 1_000_000;
    }

    /** Runs something on the simulated process later; forgotten if the process dies before. */
    void later(long delayNanos, Runnable run) {
        tasks.add(new Task(nanos + delayNanos, order++, null, run));
    }

    /** Sends a request: {@code run} is its regular arrival, {@code what} the one after a death. */
    void send(long delayNanos, InFlight what, Runnable run) {
        tasks.add(new Task(nanos + delayNanos, order++, what, run));
    }

    /** Lets time pass and what is due happen; returns how much did. */
    int pass(long byNanos) {
        nanos += byNanos;
        int done = 0;
        while (!tasks.isEmpty() && tasks.peek().at() <= nanos) {
            tasks.remove().run().run();
            done++;
        }
        return done;
    }

    /** Nanoseconds until the next scheduled thing; {@link Long#MAX_VALUE} for none. */
    long untilNext() {
        return tasks.isEmpty() ? Long.MAX_VALUE : Math.max(0, tasks.peek().at() - nanos);
    }

    /** The process is gone. Requests under way arrive or get lost, each in the order of sending. */
    void loseProcess() {
        crashAtPoint = 0;
        crashAtStep = 0;
        while (!tasks.isEmpty()) {
            Task task = tasks.remove();
            if (task.what() != null && random.nextBoolean()) {
                task.what().arriveUnheard();
            }
        }
        checker.processDied();
        trace(() -> "--- process is gone");
    }

    /** Something becomes durable right before or after this call. */
    void commitPoint(String what) {
        commitPoints++;
        trace(() -> "point " + commitPoints + " " + what);
        if (commitPoints == crashAtPoint) {
            trace(() -> "CRASH at point " + commitPoints);
            throw new Crash();
        }
    }

    void step() {
        steps++;
        if (steps == crashAtStep) {
            trace(() -> "CRASH before step " + steps);
            throw new Crash();
        }
    }

    boolean isFault() {
        return faultOneIn > 0 && random.nextInt(faultOneIn) == 0;
    }

    void trace(Supplier<String> line) {
        if (tracing) {
            if (trace.size() >= TRACE_LINES) {
                trace.subList(0, TRACE_LINES / 2).clear();
            }
            trace.add(nanos / 1_000 + "us " + line.get());
        }
    }
}
