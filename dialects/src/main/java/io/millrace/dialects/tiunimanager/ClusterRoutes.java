package io.millrace.dialects.tiunimanager;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.http.HandlerType;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.SourceCluster;
import io.millrace.core.control.SourceClusters;
import io.millrace.core.control.Workflow;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import java.net.URI;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Clusters: the server's upstreams, each of one tenant; their registration and removal, and the
 * records of how that was done.
 */
final class ClusterRoutes {
    private static final Duration CLOCK_LIMIT = Duration.ofSeconds(3);
    private static final String CLUSTER = "CLUSTER";
    private static final int MAX_PORT = 65_535;

    private final Supplier<ControlPlane> planes;
    private final ZoneId zone;

    private ClusterRoutes(Supplier<ControlPlane> planes, ZoneId zone) {
        this.planes = planes;
        this.zone = zone;
    }

    private record Selection(
            String id,
            String name,
            String type,
            String status,
            String tag,
            int page,
            int pageSize) {}

    private record Takeover(String name, URI upstream) {}

    private record Flows(String subject, String name, String status, int page, int pageSize) {}

    /**
     * Registers the routes.
     *
     * @param control asked only while the system runs
     * @param zone of times in answers
     */
    static void install(Gate gate, Supplier<ControlPlane> control, ZoneId zone) {
        ClusterRoutes routes = new ClusterRoutes(control, zone);
        gate.route(
                HandlerType.GET,
                "/clusters/",
                new Permission(CLUSTER, "READ"),
                ClusterRoutes::selection,
                routes::list);
        gate.route(
                HandlerType.POST,
                "/clusters/takeover",
                new Permission(CLUSTER, "CREATE"),
                ClusterRoutes::takeover,
                routes::add);
        gate.route(
                HandlerType.GET,
                "/clusters/{clusterId}",
                new Permission(CLUSTER, "READ"),
                ClusterRoutes::id,
                routes::detail);
        gate.route(
                HandlerType.DELETE,
                "/clusters/{clusterId}",
                new Permission(CLUSTER, "DELETE"),
                ClusterRoutes::id,
                routes::delete);
        gate.route(
                HandlerType.GET,
                "/workflow/",
                new Permission("WORKFLOW", "READ"),
                ClusterRoutes::flows,
                routes::workflows);
        gate.route(
                HandlerType.GET,
                "/workflow/{workFlowId}",
                new Permission("WORKFLOW", "READ"),
                request -> request.path("workFlowId"),
                routes::workflow);
    }

    /** A cluster of the caller's tenant. */
    static Optional<SourceCluster> find(ControlPlane control, Caller caller, String id) {
        return control.clusters()
                .find(id)
                .filter(cluster -> cluster.tenant().equals(caller.tenantId()));
    }

    private ControlPlane control() {
        return planes.get();
    }

    // Reading

    private static String id(UniRequest request) {
        return request.path("clusterId");
    }

    private static Selection selection(UniRequest request) {
        Selection selection =
                new Selection(
                        request.query("clusterId"),
                        request.query("clusterName"),
                        request.query("clusterType"),
                        request.query("clusterStatus"),
                        request.query("clusterTag"),
                        request.queryInt("page"),
                        request.queryInt("pageSize"));
        paging("QueryClustersReq", selection.page(), selection.pageSize());
        return selection;
    }

    private static Flows flows(UniRequest request) {
        Flows flows =
                new Flows(
                        request.query("bizId"),
                        request.query("flowName"),
                        request.query("status"),
                        request.queryInt("page"),
                        request.queryInt("pageSize"));
        paging("QueryWorkFlowsReq", flows.page(), flows.pageSize());
        return flows;
    }

    private static void paging(String struct, int page, int pageSize) {
        new Checks(struct)
                .require("Page", page >= 0, "min")
                .require("PageSize", pageSize >= 0, "min")
                .done();
    }

    private static Takeover takeover(UniRequest request) {
        String struct = "TakeoverClusterReq";
        Body body = request.body(struct);
        String name = body.text("clusterName");
        String uri = body.text("upstream");
        Checks checks = new Checks(struct);
        if (uri.isEmpty()) {
            String host = body.text("TiUPIp");
            long port = body.integer("TiUPPort");
            String user = body.text("TiUPUserName");
            String login = body.text("TiUPUserPassword");
            String path = body.text("TiUPPath");
            String password = body.text("dbPassword");
            checks.text("TiUPIp", host, Checks.REQUIRED, Checks.VALID_IP)
                    .require("TiUPPort", port != 0, "required")
                    .require("TiUPPort", port == 0 || port > 0 && port <= MAX_PORT, "max")
                    .text("TiUPUserName", user, Checks.REQUIRED)
                    .text("TiUPUserPassword", login, Checks.REQUIRED)
                    .text("TiUPPath", path, Checks.REQUIRED)
                    .text(
                            "ClusterName",
                            name,
                            Checks.REQUIRED,
                            Checks.min(SourceClusters.MIN_NAME),
                            Checks.max(SourceClusters.MAX_NAME))
                    .text("DBPassword", password, Checks.REQUIRED)
                    .done();
            if (!login.equals(password)) {
                throw invalid(
                        "TiUPUserPassword and dbPassword must be the same: the server logs in to"
                                + " the database as TiUPUserName, and needs no other login");
            }
            if (!path.equals("/") && !path.startsWith("?")) {
                throw invalid(
                        "TiUPPath must be / or options of the connection such as"
                                + " ?ssl-mode=required: there is no TiUP home to read");
            }
            uri =
                    "mysql://"
                            + Downstream.encode(user)
                            + ":"
                            + Downstream.encode(password)
                            + "@"
                            + (host.indexOf(':') < 0 ? host : "[" + host + "]")
                            + ":"
                            + port
                            + "/"
                            + (path.equals("/") ? "" : path);
        } else {
            checks.text(
                            "ClusterName",
                            name,
                            Checks.REQUIRED,
                            Checks.min(SourceClusters.MIN_NAME),
                            Checks.max(SourceClusters.MAX_NAME))
                    .done();
            for (String member :
                    List.of(
                            "TiUPIp",
                            "TiUPPort",
                            "TiUPUserName",
                            "TiUPUserPassword",
                            "TiUPPath",
                            "dbPassword")) {
                if (body.has(member)) {
                    throw invalid("upstream and " + member + " exclude each other");
                }
            }
        }
        if (!SourceClusters.isName(name)) {
            throw invalid(
                    "clusterName has letters, digits, '.', '_' and '-', and begins with a letter"
                            + " or digit");
        }
        try {
            return new Takeover(name, SinkSpec.parseUri(uri));
        } catch (MillraceException e) {
            throw invalid("the address of the upstream is no URI: " + e.text());
        }
    }

    private static UniException invalid(String why) {
        return new UniException(UniCode.PARAMETER_INVALID, why);
    }

    // Work

    private Answer list(Caller caller, Selection wanted) {
        List<SourceCluster> own =
                control().clusters().list().stream()
                        .filter(cluster -> cluster.tenant().equals(caller.tenantId()))
                        .filter(cluster ->
                                wanted.id().isEmpty() || wanted.id().equals(cluster.id()))
                        .filter(cluster -> cluster.id().contains(wanted.name()))
                        .filter(cluster ->
                                wanted.type().isEmpty() || wanted.type().equals(type(cluster)))
                        .filter(cluster -> wanted.tag().isEmpty())
                        .toList();
        Map<String, Long> clocks = clocks(own);
        List<SourceCluster> found =
                own.stream()
                        .filter(cluster ->
                                wanted.status().isEmpty()
                                        || wanted.status().equals(status(cluster, clocks)))
                        .toList();
        ArrayNode clusters = JsonNodeFactory.instance.arrayNode();
        FeedRoutes.page(found, wanted.page(), wanted.pageSize())
                .forEach(cluster -> clusters.add(info(cluster, status(cluster, clocks))));
        return Answer.paged(
                Map.of("clusters", clusters),
                new Page(wanted.page(), wanted.pageSize(), found.size()));
    }

    private Map<String, Long> clocks(List<SourceCluster> clusters) {
        Set<String> names = clusters.stream().map(SourceCluster::id).collect(Collectors.toSet());
        return control().clusters().clocks(names, CLOCK_LIMIT);
    }

    private static String status(SourceCluster cluster, Map<String, Long> clocks) {
        return clocks.containsKey(cluster.id()) ? "Running" : "Failure";
    }

    private Answer detail(Caller caller, String id) {
        SourceCluster cluster =
                find(control(), caller, id).orElseThrow(() -> FeedRoutes.unknown(id));
        String status = status(cluster, clocks(List.of(cluster)));
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.set("info", info(cluster, status));
        ArrayNode topology = out.putArray("topology");
        String self = control().self().address();
        instance(topology, control().self().id(), "CDC", self, "Running")
                .put("version", control().self().version());
        instance(topology, cluster.id(), type(cluster), cluster.address(), status)
                .put("version", "");
        out.put("requestResourceMode", "");
        out.putArray("instanceResource");
        return Answer.of(out);
    }

    private static ObjectNode instance(
            ArrayNode topology, String id, String type, String address, String status) {
        Downstream.Address at = Downstream.Address.of(address);
        ObjectNode out =
                topology.addObject()
                        .put("id", id)
                        .put("type", type)
                        .put("role", "")
                        .put("status", status)
                        .put("hostID", "")
                        .put("diskId", "");
        out.putArray("addresses").add(at.host());
        out.putArray("ports").add(at.port() == 0 ? 3306 : at.port());
        for (String usage : List.of("cpuUsage", "memoryUsage", "storageUsage")) {
            unknownUsage(out.putObject(usage));
        }
        out.put("ioUtil", 0).putArray("iops");
        out.putObject("spec").put("id", "").put("name", "");
        out.putObject("zone").put("zoneId", "").put("zoneName", "");
        return out;
    }

    /** Machines are not watched. */
    private static void unknownUsage(ObjectNode out) {
        out.put("total", 0).put("used", 0).put("usageRate", 0);
    }

    private static String type(SourceCluster cluster) {
        return "MySQL";
    }

    private ObjectNode info(SourceCluster cluster, String status) {
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.put("clusterId", cluster.id())
                .put("userId", cluster.owner())
                .put("clusterName", cluster.id())
                .put("clusterType", type(cluster))
                .put("clusterVersion", "")
                .put("vendor", "Local");
        out.putArray("tags");
        out.put("tls", cluster.tls())
                .put("region", "")
                .put("status", status)
                .put("role", "")
                .put("copies", 1)
                .put("exclusive", false)
                .put("cpuArchitecture", "")
                .put("alertUrl", "")
                .put("grafanaUrl", "")
                .put("maintainStatus", "")
                .put("maintainWindow", "");
        out.putArray("intranetConnectAddresses").add(cluster.address());
        out.putArray("extranetConnectAddresses");
        out.putArray("whitelist");
        ObjectNode relations = out.putObject("relations");
        relations.putArray("masters");
        relations.putArray("slaves");
        for (String usage : List.of("cpuUsage", "memoryUsage", "storageUsage", "backupFileUsage")) {
            unknownUsage(out.putObject(usage));
        }
        return out.put("createTime", Tasks.time(cluster.created(), zone))
                .put("updateTime", Tasks.time(cluster.updated(), zone))
                .put("deleteTime", "");
    }

    private Answer add(Caller caller, Takeover takeover) {
        try {
            Workflow how =
                    control()
                            .clusters()
                            .add(
                                    takeover.name(),
                                    caller.tenantId(),
                                    caller.userId(),
                                    takeover.upstream());
            return Answer.of(done(takeover.name(), how)).about("cluster " + takeover.name());
        } catch (MillraceException e) {
            throw switch (e.code()) {
                case UPSTREAM_ALREADY_EXISTS ->
                        new UniException(UniCode.DUPLICATED_NAME, takeover.name())
                                .about("cluster " + takeover.name());
                case INVALID_NAME, INVALID_CONFIG, INVALID_PARAMETER ->
                        new UniException(UniCode.PARAMETER_INVALID, "", e);
                case METASTORE_UNAVAILABLE, METASTORE_CONFLICT ->
                        new UniException(UniCode.SQL_ERROR, "", e);
                // The nearest that TiUniManager has: the machine cannot be taken over.
                default -> new UniException(UniCode.TAKEOVER_SSH_CONNECT_ERROR, "", e);
            };
        }
    }

    private Answer delete(Caller caller, String id) {
        SourceCluster cluster =
                find(control(), caller, id).orElseThrow(() -> FeedRoutes.unknown(id));
        try {
            Workflow how = control().clusters().remove(cluster.id(), cluster.tenant());
            return Answer.of(done(cluster.id(), how));
        } catch (MillraceException e) {
            throw switch (e.code()) {
                case UPSTREAM_NOT_FOUND -> FeedRoutes.unknown(id);
                case UPSTREAM_IN_USE ->
                        new UniException(UniCode.CLUSTER_MAINTENANCE_CONFLICT, e.text());
                default -> new UniException(UniCode.SQL_ERROR, "", e);
            };
        }
    }

    private static ObjectNode done(String id, Workflow how) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("clusterId", id)
                .put("workFlowId", how.id());
    }

    private Answer workflows(Caller caller, Flows wanted) {
        List<Workflow> found =
                control().clusters().workflows().stream()
                        .filter(flow -> flow.tenant().equals(caller.tenantId()))
                        .filter(flow ->
                                wanted.subject().isEmpty()
                                        || wanted.subject().equals(flow.subject()))
                        .filter(flow ->
                                wanted.name().isEmpty() || wanted.name().equals(flow.name()))
                        .filter(flow ->
                                wanted.status().isEmpty() || wanted.status().equals("Finished"))
                        .toList();
        ArrayNode flows = JsonNodeFactory.instance.arrayNode();
        FeedRoutes.page(found, wanted.page(), wanted.pageSize())
                .forEach(flow -> flows.add(flowInfo(flow)));
        return Answer.paged(
                Map.of("workFlows", flows),
                new Page(wanted.page(), wanted.pageSize(), found.size()));
    }

    private Answer workflow(Caller caller, String id) {
        Workflow flow =
                control()
                        .clusters()
                        .workflow(id)
                        .filter(found -> found.tenant().equals(caller.tenantId()))
                        .orElseThrow(() ->
                                new UniException(
                                        UniCode.WORKFLOW_DEFINE_NOT_FOUND,
                                        "workflow [" + id + "]"));
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.set("info", flowInfo(flow));
        ArrayNode nodes = out.putArray("nodes");
        ArrayNode names = out.putArray("nodeNames");
        int number = 0;
        for (Workflow.Step step : flow.steps()) {
            number++;
            nodes.addObject()
                    .put("id", flow.id() + "-" + number)
                    .put("name", step.name())
                    .put("parameters", step.parameters())
                    .put("result", step.result())
                    .put("status", "Finished")
                    .put("startTime", Tasks.time(step.start(), zone))
                    .put("endTime", Tasks.time(step.end(), zone));
            names.add(step.name());
        }
        return Answer.of(out);
    }

    private ObjectNode flowInfo(Workflow flow) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", flow.id())
                .put("name", flow.name())
                .put("bizId", flow.subject())
                .put("bizType", flow.subjectType())
                .put("status", "Finished")
                .put("createTime", Tasks.time(flow.start(), zone))
                .put("updateTime", Tasks.time(flow.end(), zone))
                .put("deleteTime", "");
    }
}
