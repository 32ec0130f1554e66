package io.millrace.dialects.ticdc;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.control.ClusterImage;
import io.millrace.core.control.Command;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.Job;
import io.millrace.core.control.JobError;
import io.millrace.core.control.JobId;
import io.millrace.core.control.JobSpec;
import io.millrace.core.control.JobState;
import io.millrace.core.control.NodeInfo;
import io.millrace.core.control.Secrets;
import io.millrace.core.control.Upstreams;
import io.millrace.core.engine.JobProgress;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.Upstream;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * What each v2 route does, without HTTP: texts and bytes in, JSON out, {@link MillraceException}
 * for everything that is refused. The order of the checks is part of the contract.
 */
final class TiCdcApi {
    private static final Duration REMOVE_TIMEOUT = Duration.ofSeconds(10);
    private static final String DIALECT = "ticdc";

    private static final Set<String> LEVELS =
            Set.of("debug", "info", "warn", "error", "dpanic", "panic", "fatal");

    private static final Shape.Field[] UPSTREAM_FIELDS = {
        Shape.field("pd_addrs", Shape.TEXTS),
        Shape.field("ca_path", Shape.TEXT),
        Shape.field("cert_path", Shape.TEXT),
        Shape.field("key_path", Shape.TEXT),
        Shape.field("cert_allowed_cn", Shape.TEXTS)
    };

    static final Shape.Struct CREATE =
            withUpstream(
                    Shape.field("changefeed_id", Shape.TEXT),
                    Shape.field("namespace", Shape.TEXT),
                    Shape.field("start_ts", Shape.UINT64),
                    Shape.field("target_ts", Shape.UINT64),
                    Shape.field("sink_uri", Shape.TEXT),
                    Shape.field("upstream", Shape.TEXT),
                    Shape.field("replica_config", ReplicaConfig.SHAPE));

    private static final Shape.Struct UPDATE =
            withUpstream(
                    Shape.field("target_ts", Shape.UINT64),
                    Shape.field("sink_uri", Shape.TEXT),
                    Shape.field("replica_config", ReplicaConfig.SHAPE));

    private static final Shape.Struct RESUME =
            withUpstream(Shape.field("overwrite_checkpoint_ts", Shape.UINT64));

    private static final Shape.Struct VERIFY =
            withUpstream(
                    Shape.field("replica_config", ReplicaConfig.SHAPE),
                    Shape.field("start_ts", Shape.UINT64),
                    Shape.field("sink_uri", Shape.TEXT),
                    Shape.field("upstream", Shape.TEXT));

    private static final Shape.Struct SYNCED =
            withUpstream(
                    Shape.field(
                            "replica_config",
                            Shape.struct(
                                    Shape.field(
                                            "synced_status",
                                            Shape.struct(
                                                    Shape.field(
                                                            "synced_check_interval", Shape.INT64),
                                                    Shape.field(
                                                            "checkpoint_interval",
                                                            Shape.INT64))))));

    private static final Shape.Struct TSO =
            withUpstream(Shape.field("id", Shape.UINT64), Shape.field("upstream", Shape.TEXT));

    private static final Shape.Struct LOG = Shape.struct(Shape.field("log_level", Shape.TEXT));

    private final ControlPlane control;
    private final TiCdcSettings settings;
    private final LogLevels logLevels;
    private final Clock clock;

    TiCdcApi(ControlPlane control, TiCdcSettings settings, LogLevels logLevels, Clock clock) {
        this.control = control;
        this.settings = settings;
        this.logLevels = logLevels;
        this.clock = clock;
    }

    static Shape.Struct withUpstream(Shape.Field... fields) {
        List<Shape.Field> all = new ArrayList<>(List.of(fields));
        all.addAll(List.of(UPSTREAM_FIELDS));
        return new Shape.Struct(all);
    }

    JsonNode status() {
        return shortStatus()
                .put("cluster_id", settings.clusterId())
                .put("liveness", control.isStopping() ? 1 : 0);
    }

    /** The un-versioned status route. */
    ObjectNode shortStatus() {
        NodeInfo self = control.self();
        return GoJson.object()
                .put("version", settings.version())
                .put("git_hash", settings.gitHash())
                .put("id", self.id())
                .put("pid", self.pid())
                .put("is_owner", control.isOwner());
    }

    JsonNode health() {
        if (!control.isHealthy()) {
            throw new MillraceException(ErrorCode.CLUSTER_UNHEALTHY, "TiCDC cluster is unhealthy");
        }
        return GoJson.object();
    }

    JsonNode setLogLevel(byte[] body) {
        ObjectNode request;
        try {
            request = GoJson.bind(body, LOG, GoJson.object());
        } catch (MillraceException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER, "invalid log level: " + e.text());
        }
        return setLogLevel(text(request, "log_level"));
    }

    /** The un-versioned route: the body is a JSON text. */
    JsonNode setBareLogLevel(byte[] body) {
        return setLogLevel(GoJson.bindText(body));
    }

    private JsonNode setLogLevel(String given) {
        String level = given.isEmpty() ? "info" : given.toLowerCase(Locale.ROOT);
        if (!LEVELS.contains(level)) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER,
                    "fail to change log level: "
                            + given
                            + "; levels are debug, info, warn, error, dpanic, panic, fatal");
        }
        logLevels.set(
                switch (level) {
                    case "dpanic", "panic" -> "fatal";
                    default -> level;
                });
        return GoJson.object();
    }

    JsonNode captures() {
        ClusterImage image = control.image();
        ArrayNode items = GoJson.array();
        for (NodeInfo node : image.nodes().values()) {
            items.addObject()
                    .put("id", node.id())
                    .put("is_owner", image.owner().filter(node.id()::equals).isPresent())
                    .put("address", node.address())
                    .put("cluster_id", settings.clusterId());
        }
        return list(items);
    }

    JsonNode processors() {
        ArrayNode items = GoJson.array();
        for (Job job : control.image().jobs().values()) {
            if (job.state().isActive()) {
                items.addObject()
                        .put("namespace", job.id().namespace())
                        .put("changefeed_id", job.id().name())
                        .put("capture_id", control.self().id());
            }
        }
        return list(items);
    }

    JsonNode processor(@Nullable String namespace, String name, String capture) {
        ObjectNode answer = GoJson.object();
        answer.set("table_ids", tableIds(processorProgress(namespace, name, capture, true)));
        return answer;
    }

    /**
     * @param alsoRetrying whether a changefeed that waits for a retry counts as running
     */
    JobProgress processorProgress(
            @Nullable String namespace, String name, String capture, boolean alsoRetrying) {
        JobId id = jobId(namespace, name);
        if (!JobId.isName(capture)) {
            throw invalid("invalid capture_id: " + capture);
        }
        Job job = existing(id);
        if (job.state() != JobState.NORMAL && !(alsoRetrying && job.state().isActive())) {
            throw new MillraceException(
                    ErrorCode.JOB_STATE_CONFLICT,
                    "changefeed in abnormal state: "
                            + word(job.state())
                            + ", can't get processors of an abnormal changefeed");
        }
        if (!control.image().nodes().containsKey(capture)) {
            throw new MillraceException(ErrorCode.NODE_NOT_FOUND, "capture not exists, " + capture);
        }
        return control.progress(id);
    }

    /** Moves a node's work to others, of which there are none yet. */
    void drain(String capture) {
        ClusterImage image = control.image();
        if (image.nodes().size() <= 1) {
            throw new MillraceException(
                    ErrorCode.SCHEDULER_REFUSED,
                    "scheduler request failed, only one capture alive");
        }
        if (!image.nodes().containsKey(capture)) {
            throw new MillraceException(ErrorCode.NODE_NOT_FOUND, "capture not exists, " + capture);
        }
        throw new MillraceException(
                ErrorCode.SCHEDULER_REFUSED, "scheduler request failed, cannot drain the owner");
    }

    static ArrayNode tableIds(JobProgress progress) {
        ArrayNode ids = GoJson.array();
        new TreeSet<>(progress.tableIds()).forEach(ids::add);
        return ids;
    }

    JsonNode resign() {
        submit(new Command.ResignOwner());
        return GoJson.object();
    }

    JsonNode changefeeds(@Nullable String namespace, @Nullable String state) {
        String space = namespace(namespace);
        ArrayNode items = GoJson.array();
        for (Job job : control.image().jobsOf(space)) {
            if (selected(job.state(), state == null ? "" : state)) {
                items.add(summary(job));
            }
        }
        return list(items);
    }

    /** The {@code state} filter; unknown words select nothing. */
    boolean selected(JobState state, String filter) {
        return switch (filter) {
            case "" ->
                    state == JobState.NORMAL
                            || state == JobState.STOPPED
                            || state == JobState.FAILED
                            // The newer servers' default shows retrying ones too.
                            || state == JobState.RETRYING
                                    && settings.retryingWord().equals("warning");
            case "all" -> true;
            case "normal" -> state == JobState.NORMAL;
            case "stopped" -> state == JobState.STOPPED;
            case "failed" -> state == JobState.FAILED;
            case "finished" -> state == JobState.FINISHED;
            case "error", "warning", "pending" -> state == JobState.RETRYING;
            default -> false;
        };
    }

    ObjectNode summary(Job job) {
        long checkpoint = control.progress(job.id()).checkpointTso();
        ObjectNode item = identity(job).put("state", word(job.state()));
        item.set("checkpoint_tso", GoJson.unsigned(checkpoint));
        item.put("checkpoint_time", Times.local(checkpoint, settings.zone()));
        item.set("error", errorOrNull(job));
        return item;
    }

    JsonNode errorOrNull(Job job) {
        return errorOrNull(job, shownError(job));
    }

    /** As v1 has it: the last error of every changefeed that does not run well now. */
    JsonNode storedErrorOrNull(Job job) {
        return errorOrNull(job, job.state() == JobState.NORMAL ? Optional.empty() : job.error());
    }

    private JsonNode errorOrNull(Job job, Optional<JobError> shown) {
        return shown.<JsonNode>map(error -> error(error, job, true)).orElse(NullNode.getInstance());
    }

    private static Optional<JobError> shownError(Job job) {
        return job.state() == JobState.RETRYING || job.state() == JobState.FAILED
                ? job.error()
                : Optional.empty();
    }

    private ObjectNode error(JobError error, Job job, boolean withTime) {
        ObjectNode node = GoJson.object();
        if (withTime) {
            node.put("time", Times.rfc3339(error.time(), settings.zone()));
        }
        String code = CdcErrors.code(error.code(), scheme(job.spec().sinkUri()));
        return node.put("addr", error.node())
                .put("code", code)
                .put("message", "[" + code + "]" + error.message());
    }

    JsonNode changefeed(@Nullable String namespace, String name) {
        Job job = existing(jobId(namespace, name));
        return info(job, control.progress(job.id()), true);
    }

    /** Only the current state, for pollers. */
    JsonNode changefeedStatus(@Nullable String namespace, String name) {
        Job job = existing(jobId(namespace, name));
        JobProgress progress = control.progress(job.id());
        ObjectNode answer = GoJson.object().put("state", word(job.state()));
        answer.set("resolved_ts", GoJson.unsigned(progress.resolvedTso()));
        answer.set("checkpoint_ts", GoJson.unsigned(progress.checkpointTso()));
        job.error()
                .filter(error ->
                        error.time().toEpochMilli() > Tso.physicalMs(progress.checkpointTso()))
                .ifPresent(error ->
                        answer.set(
                                error.warning() ? "last_warning" : "last_error",
                                error(error, job, true)));
        return answer;
    }

    /**
     * Whether everything is downstream: nothing was delivered for a while, and the checkpoint keeps
     * up with the upstream's clock.
     *
     * @param body empty, or intervals in the place of the configured ones
     */
    JsonNode synced(@Nullable String namespace, String name, byte[] body) {
        Job job = existing(jobId(namespace, name));
        ObjectNode request =
                body.length == 0 ? GoJson.object() : GoJson.bind(body, SYNCED, GoJson.object());
        refuseForeignUpstream(request);
        JobProgress progress = control.progress(job.id());
        ObjectNode answer = GoJson.object().put("synced", false);
        ZoneId zone = settings.zone();
        answer.put("sink_checkpoint_ts", Times.local(progress.checkpointTso(), zone))
                .put("puller_resolved_ts", Times.local(progress.resolvedTso(), zone))
                .put("last_synced_ts", Times.local(progress.deliveredTso(), zone));
        long now;
        try {
            now =
                    Tso.physicalMs(
                            control.checks().upstreams().get(job.spec().upstream()).currentTso());
        } catch (MillraceException e) {
            return answer.put("now_ts", Times.local(Instant.EPOCH, zone))
                    .put(
                            "info",
                            "The upstream does not tell its time: "
                                    + Secrets.maskText(e.text())
                                    + ". If it is down for good, the data is complete up to"
                                    + " puller_resolved_ts once sink_checkpoint_ts has come close"
                                    + " to that");
        }
        answer.put("now_ts", Times.local(Instant.ofEpochMilli(now), zone));
        JsonNode asked = request.path("replica_config").path("synced_status");
        JsonNode stored = GoJson.readStored(job.spec().document()).path("synced_status");
        long quiet = millis(asked, stored, "synced_check_interval", 300);
        long close = millis(asked, stored, "checkpoint_interval", 15);
        long checkpoint = Tso.physicalMs(progress.checkpointTso());
        boolean isQuiet = now - Tso.physicalMs(progress.deliveredTso()) > quiet;
        if (isQuiet && now - checkpoint < close) {
            return answer.put("synced", true).put("info", "Data syncing is finished");
        }
        boolean readAll = Tso.physicalMs(progress.resolvedTso()) - checkpoint < close;
        return answer.put(
                "info",
                isQuiet && readAll
                        ? "Please check whether the upstream is online and the changefeed is"
                                + " running: everything that was read is delivered, but nothing"
                                + " was read of late. If the upstream works, the data syncing is"
                                + " not finished, please wait; if it is down for good, the data"
                                + " is complete"
                        : "The data syncing is not finished, please wait");
    }

    private static long millis(JsonNode asked, JsonNode stored, String name, long otherwise) {
        JsonNode value = asked.has(name) ? asked.get(name) : stored.path(name);
        return value.asLong(otherwise) * 1000;
    }

    private static ObjectNode identity(Job job) {
        ObjectNode members = GoJson.object();
        members.set("upstream_id", GoJson.unsigned(job.spec().upstreamId()));
        return members.put("namespace", job.id().namespace()).put("id", job.id().name());
    }

    /** The members that a changefeed's answer begins with in both versions. */
    static ObjectNode opening(Job job, String createTime) {
        ObjectNode info =
                identity(job)
                        .put("sink_uri", Secrets.maskUri(job.spec().sinkUri()))
                        .put("create_time", createTime);
        info.set("start_ts", GoJson.unsigned(job.spec().startTso()));
        return info;
    }

    private ObjectNode info(Job job, JobProgress progress, boolean withTasks) {
        JobSpec spec = job.spec();
        ObjectNode info = opening(job, Times.rfc3339(spec.createTime(), settings.zone()));
        if (spec.targetTso() != 0) {
            info.set("target_ts", GoJson.unsigned(spec.targetTso()));
        }
        int adminJob = adminJobType(job.state());
        if (adminJob != 0) {
            info.put("admin_job_type", adminJob);
        }
        info.set("config", ReplicaConfig.shown(GoJson.readStored(spec.document())));
        info.put("state", word(job.state()));
        shownError(job).ifPresent(error -> info.set("error", error(error, job, false)));
        info.put("creator_version", spec.creatorVersion());
        info.set("resolved_ts", GoJson.unsigned(progress.resolvedTso()));
        info.set("checkpoint_ts", GoJson.unsigned(progress.checkpointTso()));
        info.put("checkpoint_time", Times.local(progress.checkpointTso(), settings.zone()));
        if (withTasks && job.state() == JobState.NORMAL) {
            ObjectNode task = info.putArray("task_status").addObject();
            task.put("capture_id", control.self().id());
            ArrayNode ids = tableIds(progress);
            if (!ids.isEmpty()) {
                task.set("table_ids", ids);
            }
        }
        return info;
    }

    /** The number that TiCDC keeps beside the state. */
    static int adminJobType(JobState state) {
        return switch (state) {
            case NORMAL, RETRYING -> 0;
            case STOPPED, FAILED -> 1;
            case FINISHED -> 4;
        };
    }

    JsonNode create(byte[] body) {
        ObjectNode base = GoJson.object();
        base.set("replica_config", ReplicaConfig.defaults());
        return create(GoJson.bind(body, CREATE, base), () -> {});
    }

    /**
     * @param request members of {@link #CREATE}, the replica config complete
     * @param lastCheck runs when all but the sink has been checked
     */
    JsonNode create(ObjectNode request, Runnable lastCheck) {
        refuseForeignUpstream(request);
        String sinkUri = text(request, "sink_uri");
        if (sinkUri.isEmpty()) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink uri invalid 'sink_uri is empty, cannot create a changefeed without"
                            + " sink_uri'");
        }
        String name = text(request, "changefeed_id");
        JobId id =
                jobId(
                        text(request, "namespace"),
                        name.isEmpty() ? UUID.randomUUID().toString() : name);
        if (control.image().job(id).isPresent()) {
            throw new MillraceException(
                    ErrorCode.JOB_ALREADY_EXISTS, "changefeed already exists, " + id.name());
        }
        String upstream = upstream(request);
        long target = tso(request, "target_ts");
        var start = control.checks().start(upstream, tso(request, "start_ts"), target);
        URI uri = SinkSpec.parseUri(sinkUri);
        ObjectNode config = config(request);
        ReplicaConfig.takeOver(config, uri);
        ReplicaConfig.validateAndAdjust(config, schemeOf(uri));
        JobSpec spec =
                spec(
                        id,
                        upstream,
                        start.upstreamId(),
                        sinkUri,
                        schemeOf(uri),
                        config,
                        start.startTso(),
                        target,
                        clock.instant(),
                        settings.version(),
                        settings.zone().getId(),
                        DIALECT,
                        Map.of());
        control.checks().job(spec, lastCheck);
        Job job = submit(new Command.CreateJob(spec, start.streamEnd())).orElseThrow();
        return info(job, JobProgress.at(spec.startTso()), false);
    }

    private static ObjectNode config(ObjectNode request) {
        return request.get("replica_config") instanceof ObjectNode config
                ? config
                : ReplicaConfig.defaults();
    }

    static JobSpec spec(
            JobId id,
            String upstream,
            long upstreamId,
            String sinkUri,
            String scheme,
            ObjectNode config,
            long startTso,
            long targetTso,
            java.time.Instant createTime,
            String creatorVersion,
            String timeZone,
            String dialect,
            Map<String, String> labels) {
        return new JobSpec(
                id,
                upstream,
                upstreamId,
                sinkUri,
                ReplicaConfig.sinkOptions(config, scheme),
                ReplicaConfig.dispatchers(config),
                ReplicaConfig.columnSelectors(config),
                ReplicaConfig.flag(config, "case_sensitive"),
                ReplicaConfig.flag(config, "force_replicate"),
                ReplicaConfig.flag(config, "ignore_ineligible_table"),
                ReplicaConfig.filter(config),
                startTso,
                targetTso,
                ReplicaConfig.memoryQuota(config),
                Duration.ofNanos(config.path("changefeed_error_stuck_duration").asLong()),
                timeZone,
                dialect,
                GoJson.write(config),
                createTime,
                creatorVersion,
                labels);
    }

    JsonNode update(@Nullable String namespace, String name, byte[] body) {
        Job job = updatable(namespace, name);
        return update(job, GoJson.bind(body, UPDATE, GoJson.object()));
    }

    Job updatable(@Nullable String namespace, String name) {
        Job job = existing(jobId(namespace, name));
        if (job.state() != JobState.STOPPED && job.state() != JobState.FAILED) {
            throw refused("can only update changefeed config when it is stopped or failed");
        }
        return job;
    }

    /**
     * @param request members of {@link #UPDATE}
     */
    JsonNode update(Job job, ObjectNode request) {
        refuseForeignUpstream(request);
        JobSpec old = job.spec();
        long target = tso(request, "target_ts");
        if (target != 0 && Long.compareUnsigned(target, old.startTso()) <= 0) {
            throw refused(
                    "can not update target_ts:"
                            + Long.toUnsignedString(target)
                            + " less than start_ts:"
                            + Long.toUnsignedString(old.startTso()));
        }
        JobSpec changed = changed(old, request, target == 0 ? old.targetTso() : target);
        if (changed.equals(old)) {
            throw refused("changefeed config is the same with the old one, do nothing");
        }
        if (!changed.sinkUri().equals(old.sinkUri())
                || !changed.document().equals(old.document())) {
            try {
                control.checks().job(changed);
            } catch (MillraceException e) {
                throw wrapped(e, changed.sinkUri());
            }
        }
        Job updated = submit(new Command.UpdateJob(changed, job.revision())).orElseThrow();
        return info(updated, control.progress(updated.id()), false);
    }

    private static JobSpec changed(JobSpec old, ObjectNode request, long target) {
        String uri = text(request, "sink_uri");
        // A client that edits what it read sends the hidden password back.
        String sinkUri =
                uri.isEmpty()
                        ? old.sinkUri()
                        : Secrets.restoreUri(uri, old.sinkUri())
                                .orElseThrow(() ->
                                        refused(
                                                "a password or key in the sink uri is the hidden"
                                                        + " one ("
                                                        + Secrets.MASK
                                                        + "), and the stored one is for another"
                                                        + " user or address; give the real one"));
        ObjectNode stored = GoJson.readStored(old.document());
        ObjectNode config =
                request.get("replica_config") instanceof ObjectNode given
                        ? ReplicaConfig.completeUpdate(given)
                        : ReplicaConfig.shown(stored);
        ReplicaConfig.restoreSecrets(config, stored, Secrets.isSameTarget(sinkUri, old.sinkUri()));
        try {
            URI parsed = SinkSpec.parseUri(sinkUri);
            String scheme = schemeOf(parsed);
            refuseContradiction(parsed, config, SinkSpec.parseUri(old.sinkUri()), stored);
            ReplicaConfig.takeOver(config, parsed);
            ReplicaConfig.validateAndAdjust(config, scheme);
            JobSpec changed =
                    spec(
                            old.id(),
                            old.upstream(),
                            old.upstreamId(),
                            sinkUri,
                            scheme,
                            config,
                            old.startTso(),
                            target,
                            old.createTime(),
                            old.creatorVersion(),
                            old.timeZone(),
                            old.dialect(),
                            old.labels());
            return asStored(changed, old);
        } catch (MillraceException e) {
            throw wrapped(e, sinkUri);
        }
    }

    /** Equal documents in another order of fields are no change. */
    static JobSpec asStored(JobSpec changed, JobSpec old) {
        return GoJson.readStored(changed.document()).equals(GoJson.readStored(old.document()))
                ? withDocument(changed, old.document())
                : changed;
    }

    private static JobSpec withDocument(JobSpec spec, String document) {
        return new JobSpec(
                spec.id(),
                spec.upstream(),
                spec.upstreamId(),
                spec.sinkUri(),
                spec.sinkOptions(),
                spec.dispatchers(),
                spec.columnSelectors(),
                spec.caseSensitive(),
                spec.forceReplicate(),
                spec.ignoreIneligible(),
                spec.filter(),
                spec.startTso(),
                spec.targetTso(),
                spec.memoryQuota(),
                spec.stuckAfter(),
                spec.timeZone(),
                spec.dialect(),
                document,
                spec.createTime(),
                spec.creatorVersion(),
                spec.labels());
    }

    /**
     * URI and config must not say different things, unless the new URI itself brought the value, or
     * the config's value is the old one: then nobody has asked for it now.
     */
    private static void refuseContradiction(URI uri, JsonNode config, URI oldUri, JsonNode stored) {
        ReplicaConfig.URI_TO_SINK.forEach((parameter, field) -> {
            Optional<String> said = SinkSpec.parameter(uri, parameter);
            String configured = config.path("sink").path(field).asText("");
            if (said.isPresent()
                    && !configured.isEmpty()
                    && !said.get().equals(configured)
                    && !configured.equals(stored.path("sink").path(field).asText(""))
                    && said.equals(SinkSpec.parameter(oldUri, parameter))) {
                throw refused(
                        "the sink uri says "
                                + parameter
                                + "="
                                + said.get()
                                + ", the config says "
                                + configured
                                + "; change both or neither");
            }
        });
    }

    private static MillraceException wrapped(MillraceException e, String sinkUri) {
        return switch (e.code()) {
            case TABLE_INELIGIBLE,
                    SAME_UPSTREAM_DOWNSTREAM,
                    UPDATE_REFUSED,
                    UPSTREAM_CONNECTION,
                    UPSTREAM_ACCESS_DENIED,
                    UPSTREAM_NOT_FOUND ->
                    e;
            default ->
                    new MillraceException(
                            ErrorCode.UPDATE_REFUSED,
                            "changefeed update error: " + CdcErrors.text(e, scheme(sinkUri)),
                            e);
        };
    }

    private static MillraceException refused(String why) {
        return new MillraceException(ErrorCode.UPDATE_REFUSED, why);
    }

    JsonNode delete(@Nullable String namespace, String name) {
        JobId id = jobId(namespace, name);
        if (submit(new Command.RemoveJob(id)).isPresent()) {
            try {
                if (!control.awaitIdle(id, REMOVE_TIMEOUT)) {
                    throw new ReachedMaxTry(id);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        return GoJson.object();
    }

    /** The changefeed is removed, but its run has not let go of everything yet. */
    static final class ReachedMaxTry extends RuntimeException {
        private static final long serialVersionUID = 1L;

        ReachedMaxTry(JobId id) {
            super(
                    "[CDC:ErrReachMaxTry]reach maximum try: the changefeed "
                            + id
                            + " is removed, but its last run needs more than "
                            + REMOVE_TIMEOUT.toSeconds()
                            + " s to stop: [CDC:ErrChangeFeedDeletionUnfinished]changefeed exists"
                            + " after deletion");
        }
    }

    JsonNode pause(@Nullable String namespace, String name) {
        submit(new Command.PauseJob(existing(jobId(namespace, name)).id()));
        return GoJson.object();
    }

    JsonNode resume(@Nullable String namespace, String name, byte[] body) {
        Job job = existing(jobId(namespace, name));
        ObjectNode request = GoJson.bind(body, RESUME, GoJson.object());
        refuseForeignUpstream(request);
        long overwrite = tso(request, "overwrite_checkpoint_ts");
        long from = overwrite == 0 ? control.progress(job.id()).checkpointTso() : overwrite;
        Optional<SourcePosition> streamEnd =
                control.checks().resumable(job.spec().upstream(), from, overwrite != 0);
        control.checks().differentClusters(job.spec());
        submit(new Command.ResumeJob(job.id(), overwrite, streamEnd));
        return GoJson.object();
    }

    JsonNode verifyTable(byte[] body) {
        ObjectNode base = GoJson.object();
        base.set("replica_config", ReplicaConfig.defaults());
        ObjectNode request = GoJson.bind(body, VERIFY, base);
        refuseForeignUpstream(request);
        ObjectNode config = config(request);
        Upstream upstream = control.checks().upstreams().get(upstream(request));
        boolean force = ReplicaConfig.flag(config, "force_replicate");
        ArrayNode eligible = GoJson.array();
        ArrayNode ineligible = GoJson.array();
        for (TableSchema table :
                upstream.tables(
                        ReplicaConfig.filter(config)
                                .compile(ReplicaConfig.flag(config, "case_sensitive")))) {
            (force || table.hasHandleKey() ? eligible : ineligible)
                    .addObject()
                    .put("database_name", table.name().schema())
                    .put("table_name", table.name().table())
                    .put("table_id", table.tableId())
                    .put("is_partition", false);
        }
        ObjectNode answer = GoJson.object();
        if (!ineligible.isEmpty()) {
            answer.set("ineligible_tables", ineligible);
        }
        if (!eligible.isEmpty()) {
            answer.set("eligible_tables", eligible);
        }
        return answer;
    }

    JsonNode currentTso(byte[] body) {
        ObjectNode request = GoJson.bind(body, TSO, GoJson.object());
        refuseForeignUpstream(request);
        Upstreams upstreams = control.checks().upstreams();
        long id = request.has("id") ? tso(request, "id") : 0;
        Upstream upstream;
        if (id == 0) {
            upstream = upstreams.get(upstream(request));
        } else if (text(request, "upstream").isEmpty()) {
            upstream = upstreamOfId(upstreams, id);
        } else {
            upstream = upstreams.get(upstream(request));
            if (upstream.clusterId() != id) {
                throw noUpstream(id, "");
            }
        }
        long now = upstream.currentTso();
        return GoJson.object()
                .put("timestamp", Tso.physicalMs(now))
                .put("logic_time", Tso.logical(now));
    }

    /** Clients know an upstream by the {@code upstream_id} of its changefeeds. */
    private static Upstream upstreamOfId(Upstreams upstreams, long id) {
        List<String> names = new ArrayList<>(upstreams.names());
        if (names.remove(Upstreams.DEFAULT)) {
            names.addFirst(Upstreams.DEFAULT);
        }
        List<String> silent = new ArrayList<>();
        for (String name : names) {
            try {
                Upstream upstream = upstreams.get(name);
                if (upstream.clusterId() == id) {
                    return upstream;
                }
            } catch (MillraceException e) {
                silent.add(name);
            }
        }
        throw noUpstream(
                id,
                silent.isEmpty()
                        ? ""
                        : "; these upstreams do not answer: " + String.join(", ", silent));
    }

    private static MillraceException noUpstream(long id, String more) {
        return new MillraceException(
                ErrorCode.UPSTREAM_NOT_FOUND,
                "upstream not found, cluster-id: " + Long.toUnsignedString(id) + more);
    }

    static void refuseForeignUpstream(ObjectNode request) {
        for (Shape.Field field : UPSTREAM_FIELDS) {
            JsonNode value = request.path(field.name());
            if (!value.isMissingNode() && !value.isEmpty() || !value.asText("").isEmpty()) {
                throw new MillraceException(
                        ErrorCode.UNSUPPORTED_OPTION,
                        field.name()
                                + " is not supported: there is no PD here; name one of the server's"
                                + " upstreams in the field upstream");
            }
        }
    }

    private static String upstream(ObjectNode request) {
        String name = text(request, "upstream");
        return name.isEmpty() ? Upstreams.DEFAULT : name;
    }

    Job existing(JobId id) {
        return control.image()
                .job(id)
                .orElseThrow(() ->
                        new MillraceException(
                                ErrorCode.JOB_NOT_FOUND, "changefeed not exists, " + id));
    }

    JobId jobId(@Nullable String namespace, String name) {
        if (!JobId.isName(name)) {
            throw invalid("invalid changefeed_id: " + name);
        }
        return new JobId(namespace(namespace), name);
    }

    private static String namespace(@Nullable String namespace) {
        if (namespace == null || namespace.isEmpty()) {
            return JobId.DEFAULT_NAMESPACE;
        }
        if (!JobId.isName(namespace)) {
            throw invalid("invalid namespace: " + namespace);
        }
        return namespace;
    }

    private static MillraceException invalid(String message) {
        return new MillraceException(ErrorCode.INVALID_NAME, message);
    }

    String word(JobState state) {
        return state == JobState.RETRYING
                ? settings.retryingWord()
                : state.name().toLowerCase(Locale.ROOT);
    }

    Optional<Job> submit(Command command) {
        try {
            return control.submit(command).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof MillraceException known) {
                throw known;
            }
            throw e;
        }
    }

    private static JsonNode list(ArrayNode items) {
        ObjectNode answer = GoJson.object().put("total", items.size());
        answer.set("items", items);
        return answer;
    }

    private static String text(ObjectNode request, String field) {
        return request.path(field).asText("");
    }

    private static long tso(ObjectNode request, String field) {
        return request.path(field).bigIntegerValue().longValue();
    }

    static String schemeOf(URI uri) {
        return uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    }

    /** The scheme of a URI text that may be malformed. */
    static String scheme(String uri) {
        int colon = uri.indexOf(':');
        return colon < 0 ? "" : uri.substring(0, colon).toLowerCase(Locale.ROOT);
    }
}
