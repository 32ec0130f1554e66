package io.millrace.connect.host.runtime;

import io.millrace.connect.host.Activity;
import io.millrace.connect.host.HostedConnector;
import io.millrace.core.engine.RateWindow;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * Says what one connector does from what is seen of it, look after look. Knows neither Kafka nor a
 * clock. Belongs to the thread that looks.
 *
 * <p>The rule, first match wins:
 *
 * <ol>
 *   <li>Connect's status, unless it is RUNNING for the connector and all of its tasks. (Tasks that
 *       run count more than a connector that is called unassigned.)
 *   <li>Tasks on another worker: <i>running</i>, for their figures are not here.
 *   <li>Without a task: <i>starting</i>, and <i>stalled</i> after the given time. (A task has no
 *       status before its start is through, and a connector that cannot say what its tasks are is
 *       called RUNNING as well.)
 *   <li><i>stalled</i>, when for the given time records that were read wait for being written and
 *       none gets written; or it has no connection to its database; or a snapshot reads no row; or
 *       a connector that reports its state reports none, nor writes.
 *   <li><i>snapshot</i> while it takes one, <i>moving</i> when it wrote records in the last {@value
 *       #WINDOW_MS} ms, <i>starting</i> while it has never been connected, else <i>idle</i>.
 * </ol>
 */
final class ProgressRule {
    /** Over which records per second are counted. */
    static final long WINDOW_MS = 10_000;

    private static final long NOTHING = Long.MIN_VALUE;

    /**
     * One look.
     *
     * @param atMs any clock that does not jump
     * @param state Connect's word for the connector
     * @param taskStates and for its tasks
     * @param local whether all tasks are on this worker
     * @param written records delivered by the tasks that run now
     * @param waiting records that were read and are not yet delivered
     * @param reports whether connectors of this class report what they do
     * @param source what it reports, once it does
     */
    record Look(
            long atMs,
            String state,
            List<String> taskStates,
            boolean local,
            long written,
            long waiting,
            boolean reports,
            Optional<Source> source) {
        Look {
            taskStates = List.copyOf(taskStates);
        }
    }

    /**
     * What a connector reports of its side of the database.
     *
     * @param connected whether the connection that changes come over stands; meaningless before
     *     there was one
     * @param eventsSeen read from it since the task started, also those of other tables
     * @param behindMs age of the latest change when it was read; negative when there was none
     * @param snapshotRunning whether a first copy is being taken
     * @param rowsScanned rows of it so far
     * @param tablesLeft tables of it that are not done
     */
    record Source(
            boolean connected,
            long eventsSeen,
            long behindMs,
            boolean snapshotRunning,
            long rowsScanned,
            long tablesLeft) {
        Source asConnected() {
            return new Source(true, eventsSeen, behindMs, snapshotRunning, rowsScanned, tablesLeft);
        }
    }

    /** What is said of it. */
    record Verdict(
            Activity activity, String detail, OptionalDouble recordsPerSecond, OptionalLong lagMs) {
        static Verdict of(Activity activity) {
            return new Verdict(activity, "", OptionalDouble.empty(), OptionalLong.empty());
        }
    }

    private final long stalledAfterMs;
    private final RateWindow rate = new RateWindow(WINDOW_MS);
    private boolean watching;
    private boolean everConnected;
    private long written;
    private long rowsScanned;
    private long writeMs;
    private long scanMs;
    private long connectedMs;
    private long reportMs;
    private long waitingMs;
    private long taskMs;
    private boolean hasTask;

    /**
     * @param stalledAfter how long nothing may move before it is told
     */
    ProgressRule(Duration stalledAfter) {
        stalledAfterMs = stalledAfter.toMillis();
    }

    Verdict observe(Look look) {
        Optional<Activity> told = told(look);
        if (told.isPresent()) {
            watching = false;
            return Verdict.of(told.get());
        }
        if (!watching) {
            begin(look);
        }
        if (look.taskStates().isEmpty()) {
            hasTask = false;
        } else {
            taskMs = look.atMs();
            if (!hasTask) {
                hasTask = true;
                // It could not report before.
                scanMs = look.atMs();
                connectedMs = look.atMs();
                reportMs = look.atMs();
            }
        }
        boolean wrote = count(look);
        look.source().ifPresent(source -> note(source, look.atMs()));
        // What waits is held against it from the moment that something waits, not from the last
        // record before a quiet night.
        if (look.waiting() == 0) {
            waitingMs = NOTHING;
        } else if (wrote || waitingMs == NOTHING) {
            waitingMs = look.atMs();
        }
        return verdict(look);
    }

    /** What Connect's status alone says. */
    private static Optional<Activity> told(Look look) {
        switch (look.state()) {
            case "PAUSED" -> {
                return Optional.of(Activity.PAUSED);
            }
            case "STOPPED" -> {
                return Optional.of(Activity.STOPPED);
            }
            case "RESTARTING" -> {
                return Optional.of(Activity.RESTARTING);
            }
            case HostedConnector.FAILED -> {
                return Optional.of(Activity.FAILED);
            }
            case HostedConnector.RUNNING -> {}
            default -> {
                // A worker that lost it may have written so after the next one wrote RUNNING, when
                // Kafka was away meanwhile; tasks that run belie it.
                if (look.taskStates().isEmpty()) {
                    return Optional.of(Activity.UNASSIGNED);
                }
            }
        }
        for (String task : look.taskStates()) {
            if (task.equals(HostedConnector.FAILED)) {
                return Optional.of(Activity.FAILED);
            }
        }
        for (String task : look.taskStates()) {
            switch (task) {
                case HostedConnector.RUNNING -> {}
                case "RESTARTING" -> {
                    return Optional.of(Activity.RESTARTING);
                }
                case "PAUSED" -> {
                    return Optional.of(Activity.PAUSED);
                }
                default -> {
                    return Optional.of(Activity.UNASSIGNED);
                }
            }
        }
        return look.local() ? Optional.empty() : Optional.of(Activity.RUNNING);
    }

    private void begin(Look look) {
        watching = true;
        everConnected = false;
        rate.clear();
        written = look.written();
        rowsScanned = look.source().map(Source::rowsScanned).orElse(0L);
        // Long enough ago that the first look does not count as movement.
        writeMs = look.atMs() - WINDOW_MS - 1;
        scanMs = look.atMs();
        connectedMs = look.atMs();
        reportMs = look.atMs();
        waitingMs = NOTHING;
        taskMs = look.atMs();
        hasTask = !look.taskStates().isEmpty();
    }

    /** Whether records were written since the last look. */
    private boolean count(Look look) {
        boolean wrote = look.written() != written && look.written() != 0;
        if (wrote) {
            writeMs = look.atMs();
        }
        written = look.written();
        rate.add(look.atMs(), written);
        return wrote;
    }

    private void note(Source source, long nowMs) {
        reportMs = nowMs;
        if (source.connected()) {
            everConnected = true;
            connectedMs = nowMs;
        }
        if (source.rowsScanned() != rowsScanned || !source.snapshotRunning()) {
            rowsScanned = source.rowsScanned();
            scanMs = nowMs;
        }
        if (source.snapshotRunning()) {
            // The connection for changes is not made before the snapshot is done.
            connectedMs = nowMs;
        }
    }

    private Verdict verdict(Look look) {
        long now = look.atMs();
        Optional<Source> source = look.source();
        if (waitingMs != NOTHING && now - waitingMs >= stalledAfterMs) {
            return stalled(
                    look, waitingMs, look.waiting() + " records wait for being written, none was");
        }
        if (!hasTask) {
            return now - taskMs >= stalledAfterMs
                    ? stalled(look, taskMs, "it has had no task")
                    : verdict(look, Activity.STARTING);
        }
        if (source.isEmpty()) {
            if (!look.reports() || now - writeMs <= WINDOW_MS) {
                return verdict(look, now - writeMs <= WINDOW_MS ? Activity.MOVING : Activity.IDLE);
            }
            return now - reportMs >= stalledAfterMs
                    ? stalled(look, reportMs, "it has not told what it does")
                    : verdict(look, Activity.STARTING);
        }
        Source told = source.get();
        if (told.snapshotRunning()) {
            if (now - scanMs >= stalledAfterMs && now - writeMs >= stalledAfterMs) {
                return stalled(look, scanMs, "the snapshot has read no row");
            }
            return new Verdict(
                    Activity.SNAPSHOT,
                    told.rowsScanned() + " rows read, " + told.tablesLeft() + " tables to do",
                    rate.perSecond(),
                    OptionalLong.empty());
        }
        if (!told.connected() && now - connectedMs >= stalledAfterMs) {
            return stalled(look, connectedMs, "no connection to the database");
        }
        if (now - writeMs <= WINDOW_MS) {
            return verdict(look, Activity.MOVING);
        }
        return verdict(look, everConnected ? Activity.IDLE : Activity.STARTING);
    }

    private Verdict verdict(Look look, Activity activity) {
        OptionalLong lag =
                look.source()
                        .map(source ->
                                switch (activity) {
                                    case MOVING ->
                                            source.behindMs() < 0
                                                    ? OptionalLong.empty()
                                                    : OptionalLong.of(source.behindMs());
                                    // Without a connection nobody knows what is missing.
                                    case IDLE ->
                                            source.connected() && look.waiting() == 0
                                                    ? OptionalLong.of(0)
                                                    : OptionalLong.empty();
                                    default -> OptionalLong.empty();
                                })
                        .orElse(OptionalLong.empty());
        return new Verdict(activity, "", rate.perSecond(), lag);
    }

    /** The lag of what stands still grows with the time that it stands. */
    private Verdict stalled(Look look, long sinceMs, String why) {
        long forMs = look.atMs() - sinceMs;
        return new Verdict(
                Activity.STALLED,
                why + " for " + forMs / 1000 + " s",
                rate.perSecond(),
                look.source()
                        .map(source -> OptionalLong.of(Math.max(0, source.behindMs()) + forMs))
                        .orElse(OptionalLong.empty()));
    }
}
