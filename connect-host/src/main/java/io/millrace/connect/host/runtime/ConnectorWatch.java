package io.millrace.connect.host.runtime;

import io.millrace.connect.host.Activity;
import io.millrace.connect.host.ConnectSettings;
import io.millrace.connect.host.HostedConnector;
import io.millrace.connect.host.runtime.ProgressRule.Look;
import io.millrace.connect.host.runtime.ProgressRule.Source;
import io.millrace.connect.host.runtime.ProgressRule.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.apache.kafka.connect.errors.NotFoundException;
import org.apache.kafka.connect.runtime.Herder;
import org.apache.kafka.connect.runtime.rest.entities.ConnectorInfo;
import org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets;
import org.apache.kafka.connect.runtime.rest.entities.ConnectorStateInfo;
import org.apache.kafka.connect.util.Callback;
import org.apache.kafka.connect.util.ConnectorTaskId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at all connectors of the group once a second: says what each one does, and restarts what
 * failed on this worker if it is asked to.
 *
 * <p>In a group each worker restarts its own tasks and connectors, so nobody restarts twice, and
 * what a lost worker had is started anew by Connect itself. One thread of its own looks; questions
 * are answered from what it saw last.
 */
final class ConnectorWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ConnectorWatch.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private static final String PACKAGE_THAT_REPORTS = "io.debezium.connector.";

    /** Debezium's sink connector has no metrics of its own. */
    private static final String SOURCE = "source";

    /** As {@link TaskFigures#state} has it. */
    private static final String FAILED_HERE = "failed";

    private final Herder herder;
    private final String workerId;
    private final ConnectSettings.Watch settings;
    private final Map<String, ProgressRule> rules = new HashMap<>();
    private final Map<String, Long> restarts = new ConcurrentHashMap<>();
    private final RestartBackoff backoff;
    private final Thread thread;
    private volatile List<HostedConnector> seen = List.of();

    private final Set<String> unread = new HashSet<>();
    private final PositionQuestions questions =
            new PositionQuestions(this::askPosition, System::nanoTime);

    /**
     * @param workerId under which this worker's tasks stand in statuses
     */
    ConnectorWatch(Herder herder, String workerId, ConnectSettings.Watch settings) {
        this.herder = herder;
        this.workerId = workerId;
        this.settings = settings;
        this.backoff = new RestartBackoff(settings.restartWait(), settings.restartMaxWait());
        this.thread = Thread.ofPlatform().name("connect-watch").daemon().start(this::run);
    }

    private void run() {
        try {
            while (true) {
                try {
                    if (herder.isReady()) {
                        look(System.nanoTime() / 1_000_000);
                    }
                } catch (RuntimeException e) {
                    // Of a worker that is stopping, or in the middle of a change of its group.
                    LOG.debug("connectors were not looked at", e);
                } catch (Error e) {
                    // A worker that had no memory for one look goes on to show and to restart.
                    LOG.error("connectors were not looked at", e);
                }
                Thread.sleep(INTERVAL);
            }
        } catch (InterruptedException e) {
            // The worker stops.
        }
    }

    private void look(long nowMs) {
        Collection<String> names = herder.connectors();
        TaskFigures figures = TaskFigures.read(herder.connectMetrics().metrics().metrics());
        List<HostedConnector> all = new ArrayList<>();
        Set<String> units = new HashSet<>();
        for (String name : new TreeSet<>(names)) {
            try {
                ConnectorInfo info = herder.connectorInfo(name);
                if (info != null) {
                    all.add(one(info, figures, units, nowMs));
                }
                unread.remove(name);
            } catch (RuntimeException | LinkageError e) {
                // Or of a plug-in that lacks a class. The others are looked at all the same.
                if (unread.add(name)) {
                    LOG.warn("connector was not looked at connector={}", name, e);
                }
                seen.stream().filter(last -> last.name().equals(name)).forEach(all::add);
                units.addAll(backoff.unitsOf(name));
            }
        }
        unread.retainAll(names);
        rules.keySet().retainAll(names);
        restarts.keySet().retainAll(names);
        backoff.retain(units);
        seen = List.copyOf(all);
    }

    private HostedConnector one(
            ConnectorInfo info, TaskFigures figures, Set<String> units, long nowMs) {
        String name = info.name();
        Optional<ConnectorStateInfo> known = status(name);
        String state = known.map(status -> status.connector().state()).orElse("UNASSIGNED");
        String worker = known.map(status -> status.connector().workerId()).orElse("");
        List<HostedConnector.Task> tasks =
                known.stream()
                        .flatMap(status -> status.tasks().stream())
                        .map(task ->
                                new HostedConnector.Task(
                                        task.id(),
                                        task.state(),
                                        task.workerId(),
                                        Traces.line(task.trace())))
                        .toList();
        Verdict verdict =
                rules.computeIfAbsent(name, key -> new ProgressRule(settings.stalledAfter()))
                        .observe(look(info, state, tasks, figures, nowMs));
        String error =
                known.map(status -> Traces.line(status.connector().trace()))
                        .filter(text -> !text.isEmpty())
                        .or(() ->
                                tasks.stream()
                                        .map(HostedConnector.Task::error)
                                        .filter(text -> !text.isEmpty())
                                        .findFirst())
                        .orElse("");
        if (!state.equals(HostedConnector.RUNNING) && mayRun(state)) {
            // In the middle of a restart, or of a change of the group, when statuses are missing.
            units.addAll(backoff.unitsOf(name));
        }
        if (settings.autoRestart() && mayRun(state)) {
            Optional<String> next =
                    restartWhatFailed(
                            name, new Unit(state, worker, error), tasks, figures, units, nowMs);
            if (next.isPresent() && verdict.activity() == Activity.FAILED) {
                verdict =
                        new Verdict(
                                Activity.RESTARTING,
                                next.get(),
                                verdict.recordsPerSecond(),
                                verdict.lagMs());
            }
        }
        return new HostedConnector(
                name,
                info.config().getOrDefault("connector.class", ""),
                String.valueOf(info.type()),
                state,
                worker,
                tasks,
                verdict.activity(),
                verdict.detail(),
                error,
                verdict.recordsPerSecond(),
                verdict.lagMs(),
                restarts.getOrDefault(name, 0L));
    }

    private Optional<ConnectorStateInfo> status(String name) {
        try {
            return Optional.of(herder.connectorStatus(name));
        } catch (NotFoundException e) {
            // Created moments ago.
            return Optional.empty();
        }
    }

    private Look look(
            ConnectorInfo info,
            String state,
            List<HostedConnector.Task> tasks,
            TaskFigures figures,
            long nowMs) {
        TaskFigures.Records records = figures.records(info.name());
        String prefix = info.config().getOrDefault("topic.prefix", "");
        String kind = info.config().getOrDefault("connector.class", "");
        // Connect also takes a class without its package; other connectors may have the setting
        // topic.prefix too.
        Optional<Source> told =
                SOURCE.equals(String.valueOf(info.type()))
                                && (kind.startsWith(PACKAGE_THAT_REPORTS) || !kind.contains("."))
                        ? figures.source(prefix)
                        : Optional.empty();
        // Beans have the prefix that a reference stands for, which is not known here.
        boolean reports =
                told.isPresent()
                        || SOURCE.equals(String.valueOf(info.type()))
                                && kind.startsWith(PACKAGE_THAT_REPORTS)
                                && !prefix.contains("${");
        // It reads nothing after its snapshot, so it needs no connection.
        boolean onlySnapshot = "initial_only".equals(info.config().get("snapshot.mode"));
        return new Look(
                nowMs,
                state,
                tasks.stream().map(HostedConnector.Task::state).toList(),
                tasks.stream().allMatch(task -> task.worker().equals(workerId)),
                records.written(),
                records.waiting(),
                reports,
                told.map(source -> onlySnapshot ? source.asConnected() : source));
    }

    /** Paused and stopped connectors keep tasks that failed before. */
    private static boolean mayRun(String state) {
        return !state.equals("PAUSED") && !state.equals("STOPPED");
    }

    private record Unit(String state, String worker, String error) {}

    /** What happens next, for people; empty when nothing failed here. */
    private Optional<String> restartWhatFailed(
            String name,
            Unit connector,
            List<HostedConnector.Task> tasks,
            TaskFigures figures,
            Set<String> units,
            long nowMs) {
        Optional<String> next = Optional.empty();
        if (connector.worker().equals(workerId)) {
            next =
                    restart(
                            name,
                            name,
                            connector,
                            units,
                            nowMs,
                            callback -> herder.restartConnector(name, callback));
        }
        for (HostedConnector.Task task : tasks) {
            if (task.worker().equals(workerId)) {
                String unit = name + "/" + task.id();
                Optional<String> here = figures.state(name, task.id());
                if (task.state().equals(HostedConnector.FAILED)
                        && here.isPresent()
                        && !here.get().equals(FAILED_HERE)) {
                    // The status is of the task before until this one's start is through, which
                    // may take minutes; another restart would cut it off.
                    units.add(unit);
                    backoff.starting(unit, nowMs);
                    next = next.isPresent() ? next : Optional.of("task is being started");
                    continue;
                }
                Optional<String> ofTask =
                        restart(
                                name,
                                unit,
                                new Unit(task.state(), task.worker(), task.error()),
                                units,
                                nowMs,
                                callback ->
                                        herder.restartTask(
                                                new ConnectorTaskId(name, task.id()), callback));
                next = next.isPresent() ? next : ofTask;
            }
        }
        return next;
    }

    private interface Restart {
        void with(Callback<Void> callback);
    }

    private Optional<String> restart(
            String connector,
            String unit,
            Unit now,
            Set<String> units,
            long nowMs,
            Restart restart) {
        units.add(unit);
        if (!now.state().equals(HostedConnector.FAILED)) {
            if (now.state().equals(HostedConnector.RUNNING)) {
                backoff.well(unit, nowMs);
            }
            return Optional.empty();
        }
        backoff.failed(unit, nowMs)
                .ifPresent(number -> {
                    restarts.merge(connector, 1L, Long::sum);
                    LOG.warn(
                            "restarting what failed unit={} try={} cause={}",
                            unit,
                            number,
                            now.error());
                    restart.with((error, result) -> {
                        if (error != null) {
                            LOG.warn("restart failed unit={} try={}", unit, number, error);
                        }
                    });
                });
        OptionalLong due = backoff.dueMs(unit);
        return due.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        "try "
                                + backoff.nextTry(unit)
                                + " at "
                                + Instant.now()
                                        .plusMillis(due.getAsLong() - nowMs)
                                        .truncatedTo(ChronoUnit.SECONDS));
    }

    /** As last seen, by name; empty before the worker is ready. */
    List<HostedConnector> connectors() {
        return seen;
    }

    /**
     * Where each connector stands, as it is stored in Kafka, in few words. A connector that does
     * not answer in time, or has no position yet, is missing.
     */
    Map<String, String> positions(Duration limit) throws InterruptedException {
        return questions.of(seen.stream().map(HostedConnector::name).toList(), limit);
    }

    private void askPosition(String connector, Consumer<String> answer) {
        herder.connectorOffsets(
                connector,
                new Callback<ConnectorOffsets>() {
                    @Override
                    public void onCompletion(
                            @Nullable Throwable error, @Nullable ConnectorOffsets offsets) {
                        answer.accept(offsets == null ? "" : PositionText.of(offsets.toMap()));
                    }
                });
    }

    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join(INTERVAL);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
