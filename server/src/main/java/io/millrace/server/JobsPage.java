package io.millrace.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.connect.host.HostedConnector;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.Job;
import io.millrace.core.control.JobError;
import io.millrace.core.control.JobId;
import io.millrace.core.control.JobState;
import io.millrace.core.control.Secrets;
import io.millrace.core.engine.JobProgress;
import io.millrace.core.engine.RateWindow;
import io.millrace.core.model.Tso;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * All jobs of this server in one list, whatever API they were made with: changefeeds from the
 * control plane, connectors from the Kafka Connect worker. What is not known is null.
 *
 * <p>A thread of its own counts the rows of changefeeds once a second, so that the list can tell
 * how many they are per second.
 */
final class JobsPage implements AutoCloseable {
    static final String ROUTE = "/api/millrace/v1/jobs";
    static final String CONTENT_TYPE = "application/json; charset=utf-8";
    static final String NOT_READY =
            "{\"error_msg\":\"the server is starting; try again in some seconds\"}";

    /** Over which rows per second are counted. */
    private static final long WINDOW_MS = 10_000;

    /** A list is wanted now; a position that comes later is not in it. */
    private static final Duration POSITIONS_WAIT = Duration.ofSeconds(2);

    private final Clock clock;
    private final Optional<ConnectPart> connect;
    private final String retryingWord;
    private final Map<JobId, RateWindow> rates = new ConcurrentHashMap<>();
    private final EachSecond looks;

    /**
     * @param control empty until the server is ready
     * @param retryingWord how a retrying changefeed's state is called
     */
    JobsPage(
            Clock clock,
            Supplier<Optional<ControlPlane>> control,
            Optional<ConnectPart> connect,
            String retryingWord) {
        this.clock = clock;
        this.connect = connect;
        this.retryingWord = retryingWord;
        this.looks = new EachSecond("job-rates", control, this::look);
    }

    private void look(ControlPlane plane) {
        Map<JobId, Job> jobs = plane.image().jobs();
        rates.keySet().retainAll(jobs.keySet());
        for (Job job : jobs.values()) {
            if (!job.state().isActive()) {
                rates.remove(job.id());
                continue;
            }
            RateWindow rate = rates.computeIfAbsent(job.id(), id -> new RateWindow(WINDOW_MS));
            synchronized (rate) {
                rate.add(clock.millis(), plane.progress(job.id()).rows());
            }
        }
    }

    private OptionalDouble rowsPerSecond(JobId id) {
        RateWindow rate = rates.get(id);
        if (rate == null) {
            return OptionalDouble.empty();
        }
        synchronized (rate) {
            return rate.perSecond();
        }
    }

    String json(ControlPlane plane) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        ArrayNode jobs = answer.putArray("jobs");
        for (Job job : plane.image().jobs().values()) {
            changefeed(jobs.addObject(), plane, job);
        }
        answer.put("connect", connect.map(JobsPage::state).orElse("off"));
        connect.flatMap(ConnectPart::failure).ifPresent(why -> answer.put("connect_error", why));
        if (connect.isPresent()) {
            List<HostedConnector> connectors = connect.get().connectors();
            Map<String, String> positions = positions(connect.get(), connectors);
            for (HostedConnector each : connectors) {
                connector(jobs.addObject(), each, positions);
            }
        }
        return answer.toString();
    }

    private static String state(ConnectPart part) {
        return part.failure().isPresent() ? "failed" : part.isReady() ? "on" : "starting";
    }

    private static Map<String, String> positions(
            ConnectPart part, List<HostedConnector> connectors) {
        if (connectors.isEmpty()) {
            return Map.of();
        }
        try {
            return part.positions(POSITIONS_WAIT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Map.of();
        }
    }

    private void changefeed(ObjectNode out, ControlPlane plane, Job job) {
        JobProgress progress = plane.progress(job.id());
        boolean active = job.state().isActive();
        out.put("name", job.id().name());
        out.put("namespace", job.id().namespace());
        out.put("dialect", job.spec().dialect());
        out.put("kind", "changefeed");
        out.put("class", job.spec().sinkUri().replaceFirst(":.*$", ""));
        out.put("state", word(job.state()));
        out.put("detail", "");
        if (active && progress.checkpointTso() != 0) {
            out.put(
                    "lag_ms",
                    Math.max(0, clock.millis() - Tso.physicalMs(progress.checkpointTso())));
        } else {
            out.putNull("lag_ms");
        }
        put(out, "rows_per_second", active ? rowsPerSecond(job.id()) : OptionalDouble.empty());
        put(
                out,
                "position",
                progress.checkpointTso() == 0
                        ? ""
                        : Long.toUnsignedString(progress.checkpointTso()));
        put(out, "error", shownError(job).map(JobError::message).orElse(""));
    }

    private static Optional<JobError> shownError(Job job) {
        return job.error()
                .filter(error ->
                        error.warning()
                                || job.state() == JobState.FAILED
                                || job.state() == JobState.RETRYING);
    }

    private String word(JobState state) {
        return switch (state) {
            case NORMAL -> "normal";
            case RETRYING -> retryingWord;
            case STOPPED -> "stopped";
            case FAILED -> "failed";
            case FINISHED -> "finished";
        };
    }

    private static void connector(
            ObjectNode out, HostedConnector each, Map<String, String> positions) {
        out.put("name", each.name());
        out.putNull("namespace");
        out.put("dialect", "connect");
        out.put("kind", each.kind());
        out.put("class", each.connectorClass());
        out.put("state", each.activity().word());
        out.put("detail", each.detail());
        if (each.lagMs().isPresent()) {
            out.put("lag_ms", each.lagMs().getAsLong());
        } else {
            out.putNull("lag_ms");
        }
        put(out, "rows_per_second", each.recordsPerSecond());
        put(out, "position", positions.getOrDefault(each.name(), ""));
        put(out, "error", Secrets.maskText(each.error()));
        out.put("connector_state", each.state());
        out.put("worker", each.worker());
        out.put("restarts", each.restarts());
        ArrayNode tasks = out.putArray("tasks");
        for (HostedConnector.Task task : each.tasks()) {
            ObjectNode one = tasks.addObject();
            one.put("id", task.id());
            one.put("state", task.state());
            one.put("worker", task.worker());
            put(one, "error", Secrets.maskText(task.error()));
        }
    }

    private static void put(ObjectNode out, String name, String text) {
        if (text.isEmpty()) {
            out.putNull(name);
        } else {
            out.put(name, text);
        }
    }

    private static void put(ObjectNode out, String name, OptionalDouble value) {
        if (value.isPresent()) {
            out.put(name, Math.round(value.getAsDouble() * 10) / 10.0);
        } else {
            out.putNull(name);
        }
    }

    @Override
    public void close() {
        looks.close();
    }
}
