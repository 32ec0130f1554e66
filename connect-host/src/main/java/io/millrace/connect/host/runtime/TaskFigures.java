package io.millrace.connect.host.runtime;

import io.millrace.connect.host.runtime.ProgressRule.Source;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import javax.management.Attribute;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the tasks of this worker count, read once for all connectors: Connect's metrics (groups
 * {@code source-task-metrics} and {@code sink-task-metrics}) and Debezium's, which are beans called
 * {@code debezium.KIND:type=connector-metrics,context=…,server=PREFIX} after the connector's {@code
 * topic.prefix}.
 */
final class TaskFigures {
    private static final Logger LOG = LoggerFactory.getLogger(TaskFigures.class);
    private static final String SERVER = "server";
    private static final String CONNECTED = "Connected";
    private static final String EVENTS = "TotalNumberOfEventsSeen";
    private static final String BEHIND = "MilliSecondsBehindSource";
    private static final String RUNNING = "SnapshotRunning";
    private static final String ROWS = "RowsScanned";
    private static final String TABLES = "RemainingTableCount";
    private static final String[] ATTRIBUTES = {CONNECTED, EVENTS, BEHIND, RUNNING, ROWS, TABLES};

    /**
     * Records of a connector's tasks on this worker.
     *
     * @param written delivered to Kafka, or by a sink to its target
     * @param waiting read and not yet delivered
     */
    record Records(long written, long waiting) {
        static final Records NONE = new Records(0, 0);

        Records plus(Records other) {
            return new Records(written + other.written, waiting + other.waiting);
        }
    }

    private final Map<String, Records> records = new HashMap<>();
    private final Map<String, SinkRecords> sinkRecords = new HashMap<>();
    private final Map<String, String> states = new HashMap<>();
    private final Map<String, Source> sources = new HashMap<>();

    /**
     * @param read from Kafka, also those that a transformation drops afterwards
     * @param uncommitted read, their offsets not yet stored; also those that a sink has taken and
     *     keeps for a larger write
     */
    private record SinkRecords(long read, long sent, long uncommitted) {
        SinkRecords plus(SinkRecords other) {
            return new SinkRecords(
                    read + other.read, sent + other.sent, uncommitted + other.uncommitted);
        }

        Records records() {
            // Each alone counts what does not wait for the target: see above.
            return new Records(sent, Math.max(0, Math.min(uncommitted, read - sent)));
        }
    }

    private TaskFigures() {}

    static TaskFigures read(Map<MetricName, ? extends Metric> metrics) {
        TaskFigures all = new TaskFigures();
        metrics.forEach(all::addRecords);
        all.sinkRecords.forEach(
                (connector, sink) -> all.records.merge(connector, sink.records(), Records::plus));
        all.addSources(ManagementFactory.getPlatformMBeanServer());
        return all;
    }

    Records records(String connector) {
        return records.getOrDefault(connector, Records.NONE);
    }

    /**
     * Connect's word, in lower case, for the task that is here now: {@code unassigned} until its
     * start is through, while its status is still that of the task before. Empty when none could be
     * made.
     */
    Optional<String> state(String connector, int task) {
        return Optional.ofNullable(states.get(connector + "/" + task));
    }

    /** What Debezium tells under a topic prefix. */
    Optional<Source> source(String prefix) {
        return Optional.ofNullable(sources.get(prefix));
    }

    private void addRecords(MetricName name, Metric metric) {
        String connector = name.tags().get("connector");
        if (connector == null) {
            return;
        }
        Supplier<Long> value =
                () -> metric.metricValue() instanceof Double number ? Math.round(number) : 0L;
        switch (name.group() + " " + name.name()) {
            case "connector-task-metrics status" ->
                    states.put(
                            connector + "/" + name.tags().get("task"),
                            String.valueOf(metric.metricValue()));
            case "sink-task-metrics sink-record-read-total" ->
                    addSink(connector, new SinkRecords(value.get(), 0, 0));
            case "sink-task-metrics sink-record-send-total" ->
                    addSink(connector, new SinkRecords(0, value.get(), 0));
            case "sink-task-metrics sink-record-active-count" ->
                    addSink(connector, new SinkRecords(0, 0, value.get()));
            case "source-task-metrics source-record-write-total" ->
                    records.merge(connector, new Records(value.get(), 0), Records::plus);
            case "source-task-metrics source-record-active-count" ->
                    records.merge(connector, new Records(0, value.get()), Records::plus);
            default -> {}
        }
    }

    private void addSink(String connector, SinkRecords more) {
        sinkRecords.merge(connector, more, SinkRecords::plus);
    }

    private void addSources(MBeanServer server) {
        try {
            Map<String, List<ObjectName>> beans = new HashMap<>();
            for (ObjectName bean :
                    server.queryNames(
                            new ObjectName("debezium.*:type=connector-metrics,*"), null)) {
                String prefix = bean.getKeyProperty(SERVER);
                if (prefix != null) {
                    beans.computeIfAbsent(unquoted(prefix), key -> new ArrayList<>()).add(bean);
                }
            }
            beans.forEach((prefix, found) ->
                    source(server, found).ifPresent(source -> sources.put(prefix, source)));
        } catch (JMException e) {
            LOG.debug("Debezium's metrics were not read", e);
        }
    }

    private static String unquoted(String property) {
        return property.startsWith("\"") ? ObjectName.unquote(property) : property;
    }

    /**
     * One connector has a bean for its snapshot, one for streaming, and with some kinds per task.
     */
    private static Optional<Source> source(MBeanServer server, List<ObjectName> beans) {
        Set<String> seen = new HashSet<>();
        boolean connected = true;
        boolean running = false;
        long events = 0;
        long behind = -1;
        long rows = 0;
        long tables = 0;
        for (ObjectName bean : beans) {
            try {
                for (Attribute attribute : server.getAttributes(bean, ATTRIBUTES).asList()) {
                    String name = attribute.getName();
                    boolean streaming = "streaming".equals(bean.getKeyProperty("context"));
                    switch (attribute.getValue()) {
                        case Boolean flag when name.equals(CONNECTED) -> {
                            connected &= flag;
                            seen.add(name);
                        }
                        case Boolean flag when name.equals(RUNNING) -> running |= flag;
                        case Number number when name.equals(EVENTS) && streaming ->
                                events += number.longValue();
                        case Number number when name.equals(BEHIND) ->
                                behind = Math.max(behind, number.longValue());
                        case Number number when name.equals(TABLES) -> tables += number.longValue();
                        case javax.management.openmbean.TabularData perTable
                                when name.equals(ROWS) ->
                                rows += sum(perTable);
                        case null, default -> {}
                    }
                }
            } catch (JMException e) {
                // The task ended meanwhile.
                LOG.debug("Debezium's metrics were not read bean={}", bean, e);
            }
        }
        return seen.contains(CONNECTED)
                ? Optional.of(new Source(connected, events, behind, running, rows, tables))
                : Optional.empty();
    }

    private static long sum(javax.management.openmbean.TabularData perTable) {
        long sum = 0;
        for (Object row : perTable.values()) {
            if (row instanceof javax.management.openmbean.CompositeData pair
                    && pair.get("value") instanceof Number rows) {
                sum += rows.longValue();
            }
        }
        return sum;
    }
}
