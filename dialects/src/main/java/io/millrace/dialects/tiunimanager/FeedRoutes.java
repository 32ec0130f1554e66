package io.millrace.dialects.tiunimanager;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.javalin.http.HandlerType;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.Job;
import io.millrace.core.control.JobChecks;
import io.millrace.core.control.JobDrafts;
import io.millrace.core.control.JobId;
import io.millrace.core.control.JobSpec;
import io.millrace.core.control.SourceCluster;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.SinkSpec.DispatchRule;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * The change feed tasks: the changefeeds of the default namespace, by the same ids, of the clusters
 * of the caller's tenant.
 */
final class FeedRoutes {
    private static final Duration CLOCK_LIMIT = Duration.ofSeconds(3);
    private static final int MIN_ID = 8;
    private static final int MAX_ID = 64;
    private static final Checks.Rule MIN = Checks.min(4);
    private static final Checks.Rule MAX = Checks.max(64);
    private static final String CDC = "CDC";
    private static final String UPDATE = "UpdateChangeFeedTaskReq";

    private final Supplier<ControlPlane> planes;
    private final JobDrafts drafts;
    private final ZoneId zone;

    private FeedRoutes(Supplier<ControlPlane> planes, JobDrafts drafts, ZoneId zone) {
        this.planes = planes;
        this.drafts = drafts;
        this.zone = zone;
    }

    private record Listing(String cluster, int page, int pageSize) {}

    private record Creation(String name, String cluster, String type, Body body) {}

    /**
     * A task that a path names.
     *
     * @param struct the Go name of the request, for messages
     */
    private record Target(String id, String struct) {}

    private record Update(Target target, String name, Body body) {}

    /**
     * Registers the routes.
     *
     * @param control asked only while the system runs
     * @param zone of times in answers
     */
    static void install(Gate gate, Supplier<ControlPlane> control, JobDrafts drafts, ZoneId zone) {
        FeedRoutes routes = new FeedRoutes(control, drafts, zone);
        String all = "/changefeeds/";
        String one = "/changefeeds/{changeFeedTaskId}";
        gate.route(
                HandlerType.GET,
                all,
                new Permission(CDC, "READ"),
                FeedRoutes::listing,
                routes::list);
        gate.route(
                HandlerType.POST,
                all,
                new Permission(CDC, "CREATE"),
                FeedRoutes::creation,
                routes::create);
        gate.route(
                HandlerType.GET,
                one,
                new Permission(CDC, "READ"),
                request -> target(request, "DetailChangeFeedTaskReq"),
                routes::detail);
        gate.route(
                HandlerType.DELETE,
                one,
                new Permission(CDC, "DELETE"),
                request -> target(request, "DeleteChangeFeedTaskReq"),
                routes::delete);
        gate.route(
                HandlerType.POST,
                one + "/pause",
                new Permission(CDC, "UPDATE"),
                request -> target(request, "PauseChangeFeedTaskReq"),
                routes::pause);
        gate.route(
                HandlerType.POST,
                one + "/resume",
                new Permission(CDC, "UPDATE"),
                request -> target(request, "ResumeChangeFeedTaskReq"),
                routes::resume);
        gate.route(
                HandlerType.POST,
                one + "/update",
                new Permission(CDC, "UPDATE"),
                routes::update,
                routes::change);
    }

    private ControlPlane control() {
        return planes.get();
    }

    // Reading

    private static Listing listing(UniRequest request) {
        Listing listing =
                new Listing(
                        request.query("clusterId"),
                        request.queryInt("page"),
                        request.queryInt("pageSize"));
        new Checks("QueryChangeFeedTaskReq")
                .text("ClusterId", listing.cluster(), Checks.REQUIRED, MIN, MAX)
                .require("Page", listing.page() >= 0, "min")
                .require("PageSize", listing.pageSize() >= 0, "min")
                .done();
        return listing;
    }

    private static Creation creation(UniRequest request) {
        Body body = request.body("CreateChangeFeedTaskReq");
        Creation creation =
                new Creation(
                        body.text("name"),
                        body.text("clusterId"),
                        body.text("downstreamType"),
                        body);
        // Wrong types are faults of decoding, whatever is looked at later.
        body.texts("rules");
        body.text("startTS");
        new Checks("CreateChangeFeedTaskReq")
                .text("Name", creation.name(), Checks.REQUIRED, MIN, MAX)
                .text("ClusterID", creation.cluster(), Checks.REQUIRED, MIN, MAX)
                .text(
                        "DownstreamType",
                        creation.type(),
                        Checks.REQUIRED,
                        Checks.oneOf(Downstream.TIDB, Downstream.KAFKA, Downstream.MYSQL))
                .done();
        return creation;
    }

    private Update update(UniRequest request) {
        Body body = request.body(UPDATE);
        Update update =
                new Update(
                        new Target(request.path("changeFeedTaskId"), UPDATE),
                        body.text("name"),
                        body);
        body.texts("rules");
        body.text("downstreamType");
        Checks checks = new Checks(UPDATE);
        checkId(checks, update.target().id());
        checks.text("Name", update.name(), Checks.REQUIRED, MIN, MAX).done();
        return update;
    }

    private static Target target(UniRequest request, String struct) {
        String id = request.path("changeFeedTaskId");
        Checks checks = new Checks(struct);
        checkId(checks, id);
        checks.done();
        return new Target(id, struct);
    }

    /**
     * Changefeeds made elsewhere may have shorter or longer ids than tasks have. Whether there is
     * one is told behind the check of permission alone: {@link #task}.
     */
    private static void checkId(Checks checks, String id) {
        if (!JobId.isName(id)) {
            checks.text("ID", id, Checks.REQUIRED, Checks.min(MIN_ID), Checks.max(MAX_ID));
        }
    }

    private Optional<Job> jobOf(String id) {
        return JobId.isName(id)
                ? control().image().job(new JobId(JobId.DEFAULT_NAMESPACE, id))
                : Optional.empty();
    }

    // Work

    private Answer list(Caller caller, Listing listing) {
        SourceCluster cluster = cluster(caller, listing.cluster());
        List<Job> jobs =
                control().image().jobsOf(JobId.DEFAULT_NAMESPACE).stream()
                        .filter(job -> job.spec().upstream().equals(cluster.id()))
                        .sorted(
                                Comparator.comparing((Job job) -> job.spec().createTime())
                                        .thenComparing(Job::id))
                        .toList();
        List<Job> rows = page(jobs, listing.page(), listing.pageSize());
        OptionalLong now =
                rows.isEmpty()
                        ? OptionalLong.empty()
                        : control().clusters().clock(cluster.id(), CLOCK_LIMIT);
        ArrayNode out = JsonNodeFactory.instance.arrayNode();
        rows.forEach(job -> out.add(info(job, now)));
        return Answer.paged(out, new Page(listing.page(), listing.pageSize(), jobs.size()));
    }

    /** Rows of a page; page 0 is page 1, and without a size all are on it. */
    static <T> List<T> page(List<T> all, int page, int size) {
        if (size <= 0) {
            return all;
        }
        long from = Math.min(all.size(), (long) (Math.max(page, 1) - 1) * size);
        return all.subList((int) from, (int) Math.min(all.size(), from + size));
    }

    private com.fasterxml.jackson.databind.JsonNode info(Job job, OptionalLong now) {
        return Tasks.info(
                job,
                control().progress(job.id()),
                control().operations().underWay(job.id()),
                now,
                zone);
    }

    private Answer detail(Caller caller, Target target) {
        Job job = task(caller, target);
        return Answer.of(info(job, control().clusters().clock(job.spec().upstream(), CLOCK_LIMIT)));
    }

    private Answer create(Caller caller, Creation creation) {
        SourceCluster cluster = cluster(caller, creation.cluster());
        long asked = startTs(creation.body().text("startTS"));
        Downstream downstream = Downstream.read(creation.type(), creation.body());
        if (downstream instanceof Downstream.Database database
                && database.password().equals(Downstream.MASK)) {
            throw hiddenPassword();
        }
        Map<String, String> files = targetFiles(caller, downstream);
        downstream = completed(caller, downstream);
        List<String> rules = creation.body().texts("rules");
        JobId id = new JobId(JobId.DEFAULT_NAMESPACE, Tasks.newId());
        try {
            JobChecks.StartPoint start = control().checks().start(cluster.id(), asked, 0);
            JobSpec spec =
                    Tasks.withDownstream(
                            drafts.fresh(
                                    new JobDrafts.Draft(
                                            id,
                                            cluster.id(),
                                            downstream.uri(files),
                                            rules,
                                            downstream.dispatchRules(),
                                            Tasks.DIALECT,
                                            Tasks.labels(
                                                    creation.name(),
                                                    Optional.of(asked),
                                                    rules,
                                                    downstream),
                                            false),
                                    start));
            sameCluster(caller, spec, downstream);
            control().checks().job(spec);
            control().operations().create(spec, start.streamEnd());
        } catch (MillraceException e) {
            throw failure("createExecutor", creation.cluster(), e);
        }
        return Answer.of(Map.of("id", id.name())).about("change feed " + id.name());
    }

    private Answer change(Caller caller, Update update) {
        Job job = task(caller, update.target());
        String type = update.body().text("downstreamType");
        if (!Downstream.isType(type)) {
            throw new UniException(UniCode.CHANGE_FEED_UNSUPPORTED_DOWNSTREAM, "");
        }
        Downstream wanted = Downstream.read(type, update.body());
        List<String> rules = update.body().texts("rules");
        return work(
                "update",
                caller,
                job,
                () ->
                        control()
                                .operations()
                                .change(
                                        job.id(),
                                        old -> changed(caller, old, update.name(), rules, wanted)));
    }

    private JobSpec changed(
            Caller caller, JobSpec old, String name, List<String> rules, Downstream wanted) {
        Downstream before = Tasks.derived(old);
        Downstream fresh = kept(completed(caller, wanted), before);
        Map<String, String> labels = Tasks.labels(name, Tasks.startLabel(old), rules, fresh);
        String uri = old.sinkUri();
        List<DispatchRule> dispatchers = old.dispatchers();
        boolean sameTarget = isSameTarget(fresh, before);
        boolean sameSink =
                fresh.type().equals(before.type())
                        && fresh.shown().equals(Tasks.downstream(old))
                        && password(fresh).equals(password(before));
        if (!sameSink) {
            Map<String, String> more = new LinkedHashMap<>(targetFiles(caller, wanted));
            if (sameTarget) {
                others(old, fresh).forEach(more::putIfAbsent);
            }
            uri = fresh.uri(more);
            if (sameTarget && fresh.tls() == before.tls()) {
                uri = withScheme(uri, old.sinkUri());
            }
            if (!fresh.shown().path("dispatchers").equals(Tasks.downstream(old).path("dispatchers"))
                    || !fresh.type().equals(before.type())) {
                dispatchers = fresh.dispatchRules();
            }
        }
        JobSpec spec =
                Tasks.withDownstream(
                        drafts.changed(
                                old,
                                new JobDrafts.Draft(
                                        old.id(),
                                        old.upstream(),
                                        uri,
                                        rules,
                                        dispatchers,
                                        old.dialect(),
                                        labels,
                                        sameSink || sameTarget)));
        if (!sameSink) {
            sameCluster(caller, spec, fresh);
        }
        return spec;
    }

    /** Changefeeds made elsewhere may have a scheme that means the same. */
    private static String withScheme(String uri, String old) {
        return old.substring(0, old.indexOf(':')) + uri.substring(uri.indexOf(':'));
    }

    private static String password(Downstream downstream) {
        return downstream instanceof Downstream.Database database ? database.password() : "";
    }

    /** Parameters of the stored address that no member stands for. */
    private static Map<String, String> others(JobSpec old, Downstream fresh) {
        Map<String, String> found = new LinkedHashMap<>();
        String query = SinkSpec.parseUri(old.sinkUri()).getRawQuery();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                String name = decode(pair.substring(0, equals));
                if (!fresh.parameters().contains(name)) {
                    found.put(name, decode(pair.substring(equals + 1)));
                }
            }
        }
        return found;
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    /**
     * A downstream with the stored password in the place of the hidden one or none: for the same
     * user of the same server only, and not for a connection that is less protected.
     */
    private static Downstream kept(Downstream fresh, Downstream before) {
        if (!(fresh instanceof Downstream.Database database)) {
            return fresh;
        }
        boolean hidden = database.password().equals(Downstream.MASK);
        if (!hidden && !database.password().isEmpty()) {
            return fresh;
        }
        if (isSameTarget(fresh, before)) {
            return database.withPassword(password(before));
        }
        if (hidden) {
            throw hiddenPassword();
        }
        return fresh;
    }

    private static UniException hiddenPassword() {
        return new UniException(
                UniCode.PARAMETER_INVALID,
                "downstream.password is the hidden one ("
                        + Downstream.MASK
                        + "), which stands for the stored password of the same user of the same"
                        + " server; give the real one");
    }

    /** Whether what is secret about one may be sent to the other. */
    private static boolean isSameTarget(Downstream fresh, Downstream before) {
        return switch (fresh) {
            case Downstream.Database now ->
                    before instanceof Downstream.Database then
                            && now.address().equals(then.address())
                            && now.username().equals(then.username())
                            && (now.tls() || !then.tls());
            case Downstream.Kafka now ->
                    before instanceof Downstream.Kafka then
                            && now.address().equals(then.address())
                            && (now.tls() || !then.tls());
            case Downstream.Other other -> false;
        };
    }

    /** What a downstream leaves to the cluster that it names. */
    private Downstream completed(Caller caller, Downstream downstream) {
        Optional<URI> address = target(caller, downstream);
        return downstream instanceof Downstream.Database database && address.isPresent()
                ? database.at(address.get())
                : downstream;
    }

    /** The certificates that the server uses with the cluster that gives the address. */
    private Map<String, String> targetFiles(Caller caller, Downstream downstream) {
        Optional<URI> address = target(caller, downstream);
        Map<String, String> files = new LinkedHashMap<>();
        if (downstream instanceof Downstream.Database database
                && database.ip().isEmpty()
                && address.isPresent()) {
            for (String name : List.of("ssl-ca", "ssl-cert", "ssl-key")) {
                SinkSpec.parameter(address.get(), name).ifPresent(file -> files.put(name, file));
            }
        }
        return files;
    }

    private Optional<URI> target(Caller caller, Downstream downstream) {
        if (downstream instanceof Downstream.Database database
                && !database.targetClusterId().isEmpty()
                && database.ip().isEmpty()) {
            String target = cluster(caller, database.targetClusterId()).id();
            return Optional.of(
                    control().clusters().secretAddress(target).orElseThrow(() -> unknown(target)));
        }
        return Optional.empty();
    }

    private void sameCluster(Caller caller, JobSpec spec, Downstream downstream) {
        if (!(downstream instanceof Downstream.Database database)
                || database.targetClusterId().isEmpty()) {
            return;
        }
        String wanted = cluster(caller, database.targetClusterId()).id();
        if (!control().checks().deliversTo(spec, wanted)) {
            throw new UniException(
                    UniCode.PARAMETER_INVALID,
                    "downstream is another server than the cluster in targetClusterId");
        }
    }

    private Answer delete(Caller caller, Target target) {
        Job job = task(caller, target);
        String status = Tasks.status(job, control().operations().underWay(job.id()));
        try {
            if (control().operations().remove(job.id()).isEmpty()) {
                throw notFound(target.id());
            }
        } catch (MillraceException e) {
            throw failure("delete", job.spec().upstream(), e);
        }
        return Answer.of(
                JsonNodeFactory.instance.objectNode().put("id", target.id()).put("status", status));
    }

    private Answer pause(Caller caller, Target target) {
        Job job = task(caller, target);
        return work("pause", caller, job, () -> control().operations().pause(job.id()));
    }

    private Answer resume(Caller caller, Target target) {
        Job job = task(caller, target);
        return work("resume", caller, job, () -> control().operations().resume(job.id()));
    }

    /** Answers with the status from before, as clients expect that read the task again. */
    private Answer work(String what, Caller caller, Job job, Supplier<Job> operation) {
        cluster(caller, job.spec().upstream());
        try {
            return Answer.of(Map.of("status", Tasks.status(operation.get(), Optional.empty())));
        } catch (MillraceException e) {
            if (e.code() == ErrorCode.JOB_NOT_FOUND) {
                throw notFound(job.id().name());
            }
            throw failure(what, job.spec().upstream(), e);
        }
    }

    private Job task(Caller caller, Target target) {
        String id = target.id();
        return jobOf(id)
                .filter(job ->
                        ClusterRoutes.find(control(), caller, job.spec().upstream()).isPresent())
                .orElseThrow(() -> absent(id, target.struct()));
    }

    /** An id that no task has is wrong in itself. */
    private static UniException absent(String id, String struct) {
        new Checks(struct)
                .text("ID", id, Checks.REQUIRED, Checks.min(MIN_ID), Checks.max(MAX_ID))
                .done();
        return notFound(id);
    }

    private SourceCluster cluster(Caller caller, String id) {
        return ClusterRoutes.find(control(), caller, id).orElseThrow(() -> unknown(id));
    }

    private static UniException notFound(String id) {
        return new UniException(UniCode.CHANGE_FEED_NOT_FOUND, "task [" + id + "]");
    }

    static UniException unknown(String clusterId) {
        return new UniException(
                UniCode.CLUSTER_NOT_FOUND,
                "get cluster failed : clusterID = " + clusterId + ", err = record not found",
                new IllegalStateException("record not found"));
    }

    private static long startTs(String text) {
        if (text.isEmpty()) {
            return 0;
        }
        if (!text.matches("[+]?[0-9]+")) {
            throw badStart();
        }
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw badStart();
        }
    }

    private static UniException badStart() {
        return new UniException(
                UniCode.PARAMETER_INVALID, "startTS must be a decimal number of 0 to 2^63-1");
    }

    private static UniException failure(String what, String clusterId, MillraceException e) {
        return switch (e.code()) {
            case UPSTREAM_NOT_FOUND -> unknown(clusterId);
            case JOB_BUSY, METASTORE_CONFLICT ->
                    new UniException(UniCode.CHANGE_FEED_STATUS_CONFLICT, "");
            case METASTORE_UNAVAILABLE -> new UniException(UniCode.SQL_ERROR, "", e);
            case CLUSTER_UNHEALTHY ->
                    new UniException(
                            UniCode.SYSTEM_STATE_CONFLICT, "current state is Unserviceable", e);
            case JOB_ALREADY_EXISTS -> new UniException(UniCode.CHANGE_FEED_DUPLICATE_ID, "", e);
            default ->
                    new UniException(
                            UniCode.CHANGE_FEED_EXECUTE_ERROR,
                            what + " change feed task failed",
                            e);
        };
    }
}
