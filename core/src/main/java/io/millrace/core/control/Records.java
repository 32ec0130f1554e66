package io.millrace.core.control;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.filter.EventRule;
import io.millrace.core.model.TableName;
import io.millrace.core.spi.SinkSpec.ColumnSelector;
import io.millrace.core.spi.SinkSpec.DispatchRule;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Store keys and the text forms of what is kept under them. */
final class Records {
    static final String ROOT = "/millrace/";
    static final String JOBS = ROOT + "job/";

    /** What runs keep about a job: apart from the job's records, which are read all at once. */
    static final String RUNS = ROOT + "run/";

    static final String NODES = ROOT + "node/";
    static final String OWNER = ROOT + "owner";
    static final String UPSTREAMS = ROOT + "upstream/";

    /** What is known of an upstream beside its address. */
    static final String CLUSTERS = ROOT + "cluster/";

    static final String WORKFLOWS = ROOT + "workflow/";
    static final String TABLE_IDS = ROOT + "table-id/";

    /** Value under {@link #staleSinkKey}: the sink has to forget an earlier life of the job. */
    static final String SINK_FORGETS = "forget";

    /** Value under {@link #staleSinkKey}: the sink's progress says nothing of some tables. */
    static final String SINK_DISTRUSTS = "distrust";

    /** A job's state as stored. */
    record StateRecord(
            JobState state, Optional<JobError> error, long generation, Instant changed) {}

    private Records() {}

    static String jobPrefix(JobId id) {
        return JOBS + id + "/";
    }

    static String runPrefix(JobId id) {
        return RUNS + id + "/";
    }

    static String specKey(JobId id) {
        return jobPrefix(id) + "spec";
    }

    static String stateKey(JobId id) {
        return jobPrefix(id) + "state";
    }

    static String epochKey(JobId id) {
        return runPrefix(id) + "epoch";
    }

    static String checkpointKey(JobId id) {
        return runPrefix(id) + "checkpoint";
    }

    static String intentKey(JobId id) {
        return runPrefix(id) + "intent";
    }

    static String runningKey(JobId id) {
        return runPrefix(id) + "running";
    }

    /** What the sink has to do before the job's next run; there until it is done. */
    static String staleSinkKey(JobId id) {
        return runPrefix(id) + "stale-sink";
    }

    /** Where the upstream's stream ended when the job's start was chosen. */
    static String startEndKey(JobId id) {
        return runPrefix(id) + "start-end";
    }

    static String historyPrefix(JobId id) {
        return runPrefix(id) + "schema/";
    }

    static String nodeKey(String nodeId) {
        return NODES + nodeId;
    }

    static String upstreamKey(String name) {
        return UPSTREAMS + name;
    }

    static String encode(JobSpec spec) {
        Fields fields =
                new Fields()
                        .put("v", 1)
                        .put("namespace", spec.id().namespace())
                        .put("name", spec.id().name())
                        .put("upstream", spec.upstream())
                        .putUnsigned("upstream-id", spec.upstreamId())
                        .put("sink-uri", spec.sinkUri())
                        .put("case-sensitive", spec.caseSensitive())
                        .put("force-replicate", spec.forceReplicate())
                        .put("ignore-ineligible", spec.ignoreIneligible())
                        .putUnsigned("start-tso", spec.startTso())
                        .putUnsigned("target-tso", spec.targetTso())
                        .putUnsigned("memory-quota", spec.memoryQuota())
                        .put("stuck-after", spec.stuckAfter())
                        .put("time-zone", spec.timeZone())
                        .put("dialect", spec.dialect())
                        .put("document", spec.document())
                        .put("create-time", spec.createTime())
                        .put("creator-version", spec.creatorVersion());
        List<String> names = new ArrayList<>(spec.sinkOptions().keySet());
        names.sort(null);
        fields.putList("option-name", names);
        fields.putList(
                "option-value",
                names.stream().map(name -> spec.sinkOptions().getOrDefault(name, "")).toList());
        List<String> labels = new ArrayList<>(spec.labels().keySet());
        labels.sort(null);
        fields.putList("label-name", labels)
                .putList(
                        "label-value",
                        labels.stream().map(name -> spec.labels().getOrDefault(name, "")).toList());
        FilterSpec filter = spec.filter();
        fields.putList("filter.rule", filter.rules())
                .putList("filter.do-db", filter.doDbs())
                .putList("filter.ignore-db", filter.ignoreDbs());
        putTables(fields, "filter.do-table", filter.doTables());
        putTables(fields, "filter.ignore-table", filter.ignoreTables());
        fields.putList(
                "filter.ignored-tso",
                filter.ignoredTsos().stream().map(Long::toUnsignedString).toList());
        fields.put("filter.event.n", filter.eventRules().size());
        for (int i = 0; i < filter.eventRules().size(); i++) {
            EventRule rule = filter.eventRules().get(i);
            String at = "filter.event." + i + ".";
            fields.putList(at + "matcher", rule.matcher())
                    .putList(at + "event", rule.ignoredEvents())
                    .putList(at + "sql", rule.ignoredSql())
                    .put(at + "insert", rule.insertExpression())
                    .put(at + "update-new", rule.updateNewExpression())
                    .put(at + "update-old", rule.updateOldExpression())
                    .put(at + "delete", rule.deleteExpression());
        }
        fields.put("column-selector.n", spec.columnSelectors().size());
        for (int i = 0; i < spec.columnSelectors().size(); i++) {
            ColumnSelector selector = spec.columnSelectors().get(i);
            String at = "column-selector." + i + ".";
            fields.putList(at + "matcher", selector.matcher())
                    .putList(at + "column", selector.columns());
        }
        fields.put("dispatcher.n", spec.dispatchers().size());
        for (int i = 0; i < spec.dispatchers().size(); i++) {
            DispatchRule rule = spec.dispatchers().get(i);
            String at = "dispatcher." + i + ".";
            fields.putList(at + "matcher", rule.matcher())
                    .put(at + "partition", rule.partition())
                    .put(at + "index", rule.index())
                    .putList(at + "column", rule.columns())
                    .put(at + "topic", rule.topic());
        }
        return fields.text();
    }

    static JobSpec decodeSpec(String text) {
        Fields fields = Fields.parse(text);
        Map<String, String> options = map(fields, "option");
        List<DispatchRule> dispatchers = new ArrayList<>();
        for (int i = 0; i < fields.unsigned("dispatcher.n"); i++) {
            String at = "dispatcher." + i + ".";
            dispatchers.add(
                    new DispatchRule(
                            fields.list(at + "matcher"),
                            fields.get(at + "partition"),
                            fields.get(at + "index"),
                            fields.list(at + "column"),
                            fields.get(at + "topic")));
        }
        List<ColumnSelector> selectors = new ArrayList<>();
        for (int i = 0; i < count(fields, "column-selector.n"); i++) {
            String at = "column-selector." + i + ".";
            selectors.add(
                    new ColumnSelector(fields.list(at + "matcher"), fields.list(at + "column")));
        }
        return new JobSpec(
                new JobId(fields.get("namespace"), fields.get("name")),
                fields.get("upstream"),
                fields.unsigned("upstream-id"),
                fields.get("sink-uri"),
                options,
                dispatchers,
                selectors,
                fields.flag("case-sensitive"),
                fields.flag("force-replicate"),
                fields.flag("ignore-ineligible"),
                new FilterSpec(
                        fields.list("filter.rule"),
                        fields.list("filter.do-db"),
                        tables(fields, "filter.do-table"),
                        fields.list("filter.ignore-db"),
                        tables(fields, "filter.ignore-table"),
                        eventRules(fields),
                        fields.list("filter.ignored-tso", Long::parseUnsignedLong)),
                fields.unsigned("start-tso"),
                fields.unsigned("target-tso"),
                fields.unsigned("memory-quota"),
                Duration.parse(fields.get("stuck-after")),
                fields.get("time-zone"),
                fields.get("dialect"),
                fields.get("document"),
                Instant.parse(fields.get("create-time")),
                fields.get("creator-version"),
                map(fields, "label"));
    }

    /** A map kept as two lists; empty in records of versions that did not have it. */
    private static Map<String, String> map(Fields fields, String name) {
        Map<String, String> map = new HashMap<>();
        List<String> names = fields.list(name + "-name");
        List<String> values = fields.list(name + "-value");
        for (int i = 0; i < names.size(); i++) {
            map.put(names.get(i), values.get(i));
        }
        return map;
    }

    /** Of a list that records of earlier versions do not have. */
    private static int count(Fields fields, String name) {
        return Integer.parseInt(fields.get(name, "0"));
    }

    private static List<EventRule> eventRules(Fields fields) {
        List<EventRule> rules = new ArrayList<>();
        for (int i = 0; i < count(fields, "filter.event.n"); i++) {
            String at = "filter.event." + i + ".";
            rules.add(
                    new EventRule(
                            fields.list(at + "matcher"),
                            fields.list(at + "event"),
                            fields.list(at + "sql"),
                            fields.get(at + "insert"),
                            fields.get(at + "update-new"),
                            fields.get(at + "update-old"),
                            fields.get(at + "delete")));
        }
        return rules;
    }

    private static void putTables(Fields fields, String name, List<TableName> tables) {
        fields.putList(name + ".schema", tables.stream().map(TableName::schema).toList());
        fields.putList(name + ".table", tables.stream().map(TableName::table).toList());
    }

    private static List<TableName> tables(Fields fields, String name) {
        List<String> schemas = fields.list(name + ".schema");
        List<String> names = fields.list(name + ".table");
        List<TableName> tables = new ArrayList<>();
        for (int i = 0; i < schemas.size(); i++) {
            tables.add(new TableName(schemas.get(i), names.get(i)));
        }
        return tables;
    }

    static String encode(StateRecord record) {
        Fields fields =
                new Fields()
                        .put("v", 1)
                        .put("state", record.state())
                        .put("generation", record.generation())
                        .put("changed", record.changed());
        record.error()
                .ifPresent(error ->
                        fields.put("error.node", error.node())
                                .put("error.code", error.code())
                                .put("error.message", error.message())
                                .put("error.time", error.time())
                                .put("error.warning", error.warning()));
        return fields.text();
    }

    static StateRecord decodeState(String text) {
        Fields fields = Fields.parse(text);
        Optional<JobError> error =
                fields.has("error.code")
                        ? Optional.of(
                                new JobError(
                                        fields.get("error.node"),
                                        errorCode(fields.get("error.code")),
                                        fields.get("error.message"),
                                        Instant.parse(fields.get("error.time")),
                                        // Not written by the first versions.
                                        fields.has("error.warning")
                                                && fields.flag("error.warning")))
                        : Optional.empty();
        return new StateRecord(
                JobState.valueOf(fields.get("state")),
                error,
                fields.unsigned("generation"),
                // Not written by the first versions.
                Instant.parse(fields.get("changed", Instant.EPOCH.toString())));
    }

    private static ErrorCode errorCode(String name) {
        for (ErrorCode code : ErrorCode.values()) {
            if (code.name().equals(name)) {
                return code;
            }
        }
        return ErrorCode.INTERNAL; // written by another version
    }

    static String encode(NodeInfo node) {
        return new Fields()
                .put("v", 1)
                .put("id", node.id())
                .put("address", node.address())
                .put("version", node.version())
                .put("pid", node.pid())
                .put("started", node.started())
                .text();
    }

    static NodeInfo decodeNode(String text) {
        Fields fields = Fields.parse(text);
        return new NodeInfo(
                fields.get("id"),
                fields.get("address"),
                fields.get("version"),
                fields.unsigned("pid"),
                Instant.parse(fields.get("started")));
    }
}
