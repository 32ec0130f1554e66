package io.millrace.dialects.ticdc;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.control.Command;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.Job;
import io.millrace.core.control.JobId;
import io.millrace.core.control.JobSpec;
import io.millrace.core.control.JobState;
import io.millrace.core.engine.JobProgress;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.time.DateTimeException;
import java.time.ZoneId;

/**
 * What each v1 route does, in terms of {@link TiCdcApi}: the same changefeeds in v1's own shapes.
 * Mutations answer nothing; v1 knows the namespace {@code default} alone, but lists all.
 */
final class TiCdcV1 {
    private static final Shape.Struct CREATE =
            Shape.struct(
                    Shape.field("changefeed_id", Shape.TEXT),
                    Shape.field("start_ts", Shape.UINT64),
                    Shape.field("target_ts", Shape.UINT64),
                    Shape.field("sink_uri", Shape.TEXT),
                    Shape.field("force_replicate", Shape.BOOL),
                    Shape.field("ignore_ineligible_table", Shape.BOOL),
                    Shape.field("filter_rules", Shape.TEXTS),
                    Shape.field("ignore_txn_start_ts", new Shape.Array(Shape.UINT64)),
                    Shape.field("mounter_worker_num", Shape.INT64),
                    Shape.field("sink_config", ReplicaConfig.V1_SINK),
                    Shape.field("timezone", Shape.TEXT),
                    Shape.field("upstream", Shape.TEXT));

    private static final Shape.Struct UPDATE =
            Shape.struct(
                    Shape.field("target_ts", Shape.UINT64),
                    Shape.field("sink_uri", Shape.TEXT),
                    Shape.field("filter_rules", Shape.TEXTS),
                    Shape.field("ignore_txn_start_ts", new Shape.Array(Shape.UINT64)),
                    Shape.field("mounter_worker_num", Shape.INT64),
                    Shape.field("sink_config", ReplicaConfig.V1_SINK));

    private static final Shape.Struct MOVE =
            Shape.struct(
                    Shape.field("capture_id", Shape.TEXT),
                    Shape.field("target_capture_id", Shape.TEXT),
                    Shape.field("table_id", Shape.INT64));

    private static final Shape.Struct DRAIN = Shape.struct(Shape.field("capture_id", Shape.TEXT));

    private final TiCdcApi api;
    private final ControlPlane control;
    private final TiCdcSettings settings;

    TiCdcV1(TiCdcApi api, ControlPlane control, TiCdcSettings settings) {
        this.api = api;
        this.control = control;
        this.settings = settings;
    }

    JsonNode captures() {
        return api.captures().path("items");
    }

    JsonNode processors() {
        return api.processors().path("items");
    }

    /** Only of changefeeds in state normal, unlike v2. */
    JsonNode processor(String name, String capture) {
        JobProgress progress = api.processorProgress(null, name, capture, false);
        ObjectNode answer = GoJson.object();
        answer.set("checkpoint_ts", GoJson.unsigned(progress.checkpointTso()));
        answer.set("resolved_ts", GoJson.unsigned(progress.resolvedTso()));
        answer.set("table_ids", TiCdcApi.tableIds(progress));
        answer.set("error", NullNode.getInstance());
        return answer;
    }

    /** Of all namespaces. */
    JsonNode changefeeds(String state) {
        ArrayNode items = GoJson.array();
        for (Job job : control.image().jobs().values()) {
            if (api.selected(job.state(), state)) {
                ObjectNode item = api.summary(job);
                item.set("error", api.storedErrorOrNull(job));
                items.add(item);
            }
        }
        return items;
    }

    JsonNode changefeed(String name) {
        Job job = api.existing(api.jobId(null, name));
        JobSpec spec = job.spec();
        JobProgress progress = control.progress(job.id());
        ObjectNode info = TiCdcApi.opening(job, Times.local(spec.createTime(), settings.zone()));
        info.set("resolved_ts", GoJson.unsigned(progress.resolvedTso()));
        info.set("target_ts", GoJson.unsigned(spec.targetTso()));
        info.set("checkpoint_tso", GoJson.unsigned(progress.checkpointTso()));
        info.put("checkpoint_time", Times.local(progress.checkpointTso(), settings.zone()))
                // There is one way to keep changes in order; this is the word clients know.
                .put("sort_engine", "unified")
                .put("state", api.word(job.state()));
        info.set("error", api.storedErrorOrNull(job));
        info.set("error_history", NullNode.getInstance());
        info.put("creator_version", spec.creatorVersion());
        if (job.state() == JobState.NORMAL) {
            ObjectNode task = info.putArray("task_status").addObject();
            task.put("capture_id", control.self().id());
            task.set("table_ids", TiCdcApi.tableIds(progress));
            task.putObject("table_operations");
        }
        return info;
    }

    void create(byte[] body) {
        ObjectNode request = GoJson.bind(body, CREATE, GoJson.object());
        ObjectNode config = ReplicaConfig.defaults();
        copyConfig(request, config);
        copy(request, config, "force_replicate", "ignore_ineligible_table");
        ObjectNode translated = GoJson.object();
        copy(request, translated, "changefeed_id", "start_ts", "target_ts", "sink_uri", "upstream");
        translated.set("replica_config", config);
        api.create(translated, () -> checkZone(request.path("timezone").asText("")));
    }

    void update(String name, byte[] body) {
        Job job = api.updatable(null, name);
        ObjectNode request = GoJson.bind(body, UPDATE, GoJson.object());
        ObjectNode translated = GoJson.object();
        copy(request, translated, "target_ts", "sink_uri");
        // What the request does not name stays, as long as it does not follow a new address.
        ObjectNode config = ReplicaConfig.shown(GoJson.readStored(job.spec().document()));
        copyConfig(request, config);
        translated.set("replica_config", config);
        api.update(job, translated);
    }

    private static void copy(ObjectNode from, ObjectNode to, String... names) {
        for (String name : names) {
            if (from.has(name)) {
                to.set(name, from.get(name));
            }
        }
    }

    /** What v1 can say of the replica config; zero and empty mean unchanged. */
    private static void copyConfig(ObjectNode request, ObjectNode config) {
        ObjectNode filter = config.withObjectProperty("filter");
        if (!request.path("filter_rules").isEmpty()) {
            filter.set("rules", request.get("filter_rules"));
        }
        if (!request.path("ignore_txn_start_ts").isEmpty()) {
            filter.set("ignore_txn_start_ts", request.get("ignore_txn_start_ts"));
        }
        if (request.path("mounter_worker_num").asLong(0) != 0) {
            config.withObjectProperty("mounter")
                    .set("worker_num", request.get("mounter_worker_num"));
        }
        if (request.get("sink_config") instanceof ObjectNode sink) {
            ReplicaConfig.upgradeDispatchers(sink);
            config.set("sink", sink);
        }
    }

    private static void checkZone(String zone) {
        try {
            // The server's own zone has two names.
            if (!zone.isEmpty()
                    && !zone.equalsIgnoreCase("system")
                    && !zone.equalsIgnoreCase("local")) {
                var unused = ZoneId.of(zone);
            }
        } catch (DateTimeException e) {
            throw GoJson.invalid("unknown time zone " + zone);
        }
    }

    void delete(String name) {
        var unused = api.existing(api.jobId(null, name));
        api.delete(null, name);
    }

    void pause(String name) {
        api.pause(null, name);
    }

    /** Without a body, and without a look at what the upstream still holds. */
    void resume(String name) {
        Job job = api.existing(api.jobId(null, name));
        control.checks().differentClusters(job.spec());
        api.submit(new Command.ResumeJob(job.id(), 0, java.util.Optional.empty()));
    }

    /** All tables of a changefeed are on one node: there is nothing to balance. */
    void rebalance(String name) {
        var unused = api.existing(api.jobId(null, name));
    }

    /** As with TiCDC, a move that cannot be is no error. */
    void move(String name, byte[] body) {
        var unused = api.existing(api.jobId(null, name));
        ObjectNode request = GoJson.bind(body, MOVE, GoJson.object());
        String capture = request.path("capture_id").asText("");
        String target = capture.isEmpty() ? request.path("target_capture_id").asText("") : capture;
        if (!JobId.isName(target)) {
            throw new MillraceException(
                    ErrorCode.INVALID_NAME, "invalid target_capture_id: " + target);
        }
    }

    void drain(byte[] body) {
        ObjectNode request = GoJson.bind(body, DRAIN, GoJson.object());
        api.drain(request.path("capture_id").asText(""));
    }
}
