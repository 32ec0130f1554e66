package io.millrace.server;

import io.millrace.connect.host.HostedConnector;
import java.util.List;
import java.util.OptionalDouble;
import java.util.TreeSet;
import java.util.function.Function;

/** Connectors on the page that Prometheus reads; what is not known has no line. */
final class ConnectorMetrics {
    private ConnectorMetrics() {}

    static String text(List<HostedConnector> connectors) {
        StringBuilder out = new StringBuilder();
        String activity = "millrace_connect_connector_activity";
        MetricsPage.head(
                out,
                activity,
                "gauge",
                "1 for what a connector does: starting, snapshot, moving, idle, stalled, running,"
                        + " restarting, failed, paused, stopped or unassigned.");
        for (HostedConnector each : connectors) {
            line(out, activity, each, ",activity=\"" + each.activity().word() + "\"", 1);
        }
        String tasks = "millrace_connect_connector_tasks";
        MetricsPage.head(out, tasks, "gauge", "Tasks of a connector by Connect's state.");
        for (HostedConnector each : connectors) {
            TreeSet<String> states = new TreeSet<>();
            states.add(HostedConnector.RUNNING);
            states.add(HostedConnector.FAILED);
            each.tasks().forEach(task -> states.add(task.state()));
            for (String state : states) {
                line(
                        out,
                        tasks,
                        each,
                        ",state=\"" + MetricsPage.escaped(state) + "\"",
                        each.tasks(state));
            }
        }
        figure(
                out,
                connectors,
                "millrace_connect_task_restarts_total",
                "counter",
                "Restarts of a failed connector or of failed tasks of it by this worker.",
                each -> OptionalDouble.of(each.restarts()));
        figure(
                out,
                connectors,
                "millrace_connect_lag_seconds",
                "gauge",
                "How far a connector is behind its source.",
                each ->
                        each.lagMs().isEmpty()
                                ? OptionalDouble.empty()
                                : OptionalDouble.of(each.lagMs().getAsLong() / 1000.0));
        figure(
                out,
                connectors,
                "millrace_connect_records_per_second",
                "gauge",
                "Records that a connector delivered, over the last 10 s.",
                HostedConnector::recordsPerSecond);
        return out.toString();
    }

    private static void figure(
            StringBuilder out,
            List<HostedConnector> connectors,
            String name,
            String type,
            String help,
            Function<HostedConnector, OptionalDouble> value) {
        MetricsPage.head(out, name, type, help);
        for (HostedConnector each : connectors) {
            value.apply(each).ifPresent(known -> line(out, name, each, "", known));
        }
    }

    private static void line(
            StringBuilder out, String name, HostedConnector each, String labels, double value) {
        out.append(name)
                .append("{connector=\"")
                .append(MetricsPage.escaped(each.name()))
                .append('"')
                .append(labels)
                .append("} ")
                .append(MetricsPage.number(value))
                .append('\n');
    }
}
