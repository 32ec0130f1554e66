package io.millrace.dialects.ticdc;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.HotSpotDiagnosticMXBean.ThreadDumpFormat;
import io.millrace.core.control.ClusterImage;
import io.millrace.core.control.Command;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.Job;
import io.millrace.core.control.JobError;
import io.millrace.core.control.JobId;
import io.millrace.core.control.NodeInfo;
import io.millrace.core.control.Secrets;
import io.millrace.core.engine.JobProgress;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The routes for looking inside: {@code /api/v2/unsafe}, {@code /config}, {@code /debug}, and the
 * form posts below {@code /capture/owner} that old tools use. Secrets are hidden in all of them.
 */
final class TiCdcInternals {
    /** {@code admin-job} of the form post {@code admin}. */
    private static final int ADMIN_STOP = 1;

    private static final int ADMIN_RESUME = 2;
    private static final int ADMIN_REMOVE = 3;

    private static final Shape.Struct RESOLVE_LOCK =
            TiCdcApi.withUpstream(
                    Shape.field("region_id", Shape.UINT64), Shape.field("ts", Shape.UINT64));

    private static final Shape.Struct SAFEPOINT =
            TiCdcApi.withUpstream(Shape.field("id", Shape.UINT64));

    private final TiCdcApi api;
    private final ControlPlane control;
    private final TiCdcSettings settings;

    TiCdcInternals(TiCdcApi api, ControlPlane control, TiCdcSettings settings) {
        this.api = api;
        this.control = control;
        this.settings = settings;
    }

    /** What is kept, as TiCDC would keep it in etcd. */
    JsonNode metadata() {
        ClusterImage image = control.image();
        String root = "/tidb/cdc/" + settings.clusterId();
        ArrayNode pairs = GoJson.array();
        image.owner().ifPresent(owner -> pair(pairs, root + "/__cdc_meta__/owner/" + owner, owner));
        for (NodeInfo node : image.nodes().values()) {
            pair(
                    pairs,
                    root + "/__cdc_meta__/capture/" + node.id(),
                    GoJson.write(
                            GoJson.object()
                                    .put("id", node.id())
                                    .put("address", node.address())
                                    .put("version", settings.version())));
        }
        pair(pairs, root + "/__cdc_meta__/meta/meta-version", "1");
        for (Job job : image.jobs().values()) {
            JobId id = job.id();
            String space = root + "/" + id.namespace();
            JobProgress progress = control.progress(id);
            pair(
                    pairs,
                    space + "/changefeed/info/" + id.name(),
                    GoJson.write(api.changefeed(id.namespace(), id.name())));
            ObjectNode status = GoJson.object();
            status.set("checkpoint-ts", GoJson.unsigned(progress.checkpointTso()));
            status.set("resolved-ts", GoJson.unsigned(progress.resolvedTso()));
            status.put("admin-job-type", TiCdcApi.adminJobType(job.state()));
            pair(pairs, space + "/changefeed/status/" + id.name(), GoJson.write(status));
            if (job.state().isActive()) {
                status.remove("admin-job-type");
                pair(
                        pairs,
                        space + "/task/position/" + control.self().id() + "/" + id.name(),
                        GoJson.write(status));
            }
            pair(
                    pairs,
                    space + "/upstream/" + Long.toUnsignedString(job.spec().upstreamId()),
                    GoJson.write(
                            GoJson.object()
                                    .put("id", Long.toUnsignedString(job.spec().upstreamId()))
                                    .put("name", job.spec().upstream())));
        }
        return pairs;
    }

    private static void pair(ArrayNode pairs, String key, String value) {
        for (JsonNode other : pairs) {
            if (other.path("key").asText().equals(key)) {
                return;
            }
        }
        pairs.addObject().put("key", key).put("value", value);
    }

    /** A MySQL upstream has no locks of its clients' that a reader could resolve. */
    JsonNode resolveLock(byte[] body) {
        ObjectNode request = GoJson.bind(body, RESOLVE_LOCK, GoJson.object());
        TiCdcApi.refuseForeignUpstream(request);
        for (String field : java.util.List.of("region_id", "ts")) {
            if (request.path(field).asText("0").equals("0")) {
                throw new MillraceException(
                        ErrorCode.INVALID_PARAMETER, "invalid " + field + ": it must not be 0");
            }
        }
        return GoJson.object();
    }

    /** A MySQL upstream has no service safepoint: what it holds is its own configuration. */
    JsonNode deleteSafepoint(byte[] body) {
        TiCdcApi.refuseForeignUpstream(GoJson.bind(body, SAFEPOINT, GoJson.object()));
        return GoJson.object();
    }

    /** The server's configuration: dotted keys become objects. */
    JsonNode config() {
        ObjectNode config = GoJson.object();
        for (Map.Entry<String, String> entry : settings.configuration().entrySet()) {
            ObjectNode at = config;
            String rest = entry.getKey();
            for (int dot = rest.indexOf('.'); dot >= 0; dot = rest.indexOf('.')) {
                at = at.withObjectProperty(rest.substring(0, dot));
                rest = rest.substring(dot + 1);
            }
            at.put(
                    rest,
                    Secrets.isSecretName(rest) ? Secrets.MASK : Secrets.maskUri(entry.getValue()));
        }
        return config;
    }

    /** For people: nodes, changefeeds, positions, threads. */
    String debugInfo() {
        ClusterImage image = control.image();
        StringBuilder out = new StringBuilder("*** captures ***\n");
        for (NodeInfo node : image.nodes().values()) {
            out.append("id ")
                    .append(node.id())
                    .append(", address ")
                    .append(node.address())
                    .append(", version ")
                    .append(node.version())
                    .append(", started ")
                    .append(node.started())
                    .append(image.owner().filter(node.id()::equals).isPresent() ? ", owner" : "")
                    .append('\n');
        }
        out.append("\n*** changefeeds ***\n");
        for (Job job : image.jobs().values()) {
            JobProgress progress = control.progress(job.id());
            out.append(job.id())
                    .append(": state ")
                    .append(api.word(job.state()))
                    .append(", sink ")
                    .append(Secrets.maskUri(job.spec().sinkUri()))
                    .append("\n    checkpoint ")
                    .append(Long.toUnsignedString(progress.checkpointTso()))
                    .append(" (")
                    .append(Times.local(progress.checkpointTso(), settings.zone()))
                    .append("), resolved ")
                    .append(Long.toUnsignedString(progress.resolvedTso()))
                    .append(", tables ")
                    .append(progress.tableIds().size())
                    .append(", rows ")
                    .append(progress.rows())
                    .append(", bytes ")
                    .append(progress.bytes())
                    .append(", buffered ")
                    .append(progress.bufferedBytes())
                    .append('\n');
            job.error()
                    .map(JobError::message)
                    .ifPresent(
                            message -> out.append("    last error ").append(message).append('\n'));
        }
        return out.append("\n*** threads ***\n").append(threads()).toString();
    }

    /** All threads with their stacks, virtual ones too. */
    static String threads() {
        try {
            Path folder = Files.createTempDirectory("millrace-threads");
            Path file = folder.resolve("dump").toAbsolutePath();
            try {
                ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                        .dumpThreads(file.toString(), ThreadDumpFormat.TEXT_PLAIN);
                return Files.readString(file);
            } finally {
                Files.deleteIfExists(file);
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Go's profiles do not exist here; what does, is said. */
    static String noProfile(String name) {
        return "there is no profile "
                + name
                + " of a Java process; /debug/pprof/goroutine shows the threads, and for more use"
                + " the JDK's tools: jcmd PID JFR.start, jcmd PID GC.heap_dump FILE\n";
    }

    static String profiles() {
        return "goroutine: the threads and their stacks, at /debug/pprof/goroutine\n"
                + "cmdline: the name of the program, at /debug/pprof/cmdline\n";
    }

    /** A form post; the answer is {@code {status, message}}. */
    JsonNode legacy(Runnable action) {
        action.run();
        return legacyAnswer(true, "");
    }

    static ObjectNode legacyAnswer(boolean status, String message) {
        return GoJson.object().put("status", status).put("message", message);
    }

    void admin(@Nullable String adminJob, @Nullable String id) {
        int type;
        try {
            type = Integer.parseInt(adminJob == null ? "" : adminJob);
        } catch (NumberFormatException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER, "invalid admin job type: " + adminJob);
        }
        Job job = feed(id);
        switch (type) {
            case ADMIN_STOP -> api.submit(new Command.PauseJob(job.id()));
            case ADMIN_RESUME ->
                    api.resume(
                            job.id().namespace(),
                            job.id().name(),
                            "{}".getBytes(StandardCharsets.UTF_8));
            case ADMIN_REMOVE -> api.delete(job.id().namespace(), job.id().name());
            default ->
                    throw new MillraceException(
                            ErrorCode.INVALID_PARAMETER,
                            "invalid admin job type: " + type + "; 1 stops, 2 resumes, 3 removes");
        }
    }

    /** One node has all tables: there is nothing to move. */
    void rebalance(@Nullable String id) {
        feed(id);
    }

    void move(@Nullable String id, @Nullable String capture, @Nullable String table) {
        feed(id);
        if (capture == null || !JobId.isName(capture)) {
            throw new MillraceException(ErrorCode.INVALID_NAME, "invalid target-cp-id: " + capture);
        }
        try {
            Long.parseLong(table == null ? "" : table);
        } catch (NumberFormatException e) {
            throw new MillraceException(ErrorCode.INVALID_PARAMETER, "invalid table-id: " + table);
        }
    }

    JsonNode query(@Nullable String id) {
        Job job = feed(id);
        JobProgress progress = control.progress(job.id());
        ObjectNode answer = GoJson.object().put("state", api.word(job.state()));
        answer.set("tso", GoJson.unsigned(progress.checkpointTso()));
        answer.put("checkpoint", Times.local(progress.checkpointTso(), settings.zone()));
        answer.set("error", api.errorOrNull(job));
        return answer;
    }

    private Job feed(@Nullable String id) {
        return api.existing(api.jobId(null, id == null ? "" : id));
    }
}
