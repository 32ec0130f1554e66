package io.millrace.connect.host;

import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * A connector of the group at one moment.
 *
 * @param connectorClass as configured
 * @param kind {@code source}, {@code sink} or {@code unknown}
 * @param state Connect's own word, such as RUNNING
 * @param worker {@code host:port} of the worker that has the connector
 * @param activity derived from progress
 * @param detail what the activity stands on, for people; may be empty
 * @param error why it, or the first failed task of it, failed; empty when nothing failed
 * @param recordsPerSecond over the last seconds; empty when a task runs on another worker
 * @param lagMs how far it is behind its source; empty when it does not tell
 * @param restarts tries of this worker to restart it or a task of it since the worker started
 */
public record HostedConnector(
        String name,
        String connectorClass,
        String kind,
        String state,
        String worker,
        List<Task> tasks,
        Activity activity,
        String detail,
        String error,
        OptionalDouble recordsPerSecond,
        OptionalLong lagMs,
        long restarts) {
    /** Connect's word for what has failed. */
    public static final String FAILED = "FAILED";

    /** Connect's word for what should work. */
    public static final String RUNNING = "RUNNING";

    /**
     * A task.
     *
     * @param state Connect's own word
     * @param error why it failed; empty unless it did
     */
    public record Task(int id, String state, String worker, String error) {}

    public HostedConnector {
        tasks = List.copyOf(tasks);
    }

    /** Tasks that are in a state of Connect's. */
    public long tasks(String inState) {
        return tasks.stream().filter(task -> task.state().equals(inState)).count();
    }
}
