package io.millrace.dialects.tiunimanager;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.control.Job;
import io.millrace.core.control.JobOperations;
import io.millrace.core.control.JobSpec;
import io.millrace.core.engine.JobProgress;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Tso;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * How a job looks as a change feed task. Pure. What a task has and a job does not, such as its name
 * and the members that no sink's address can tell, is kept in labels of the job; a label about the
 * downstream counts only while the job's sink still is the one that it was written for, so that a
 * task whose changefeed was changed elsewhere tells the truth.
 */
final class Tasks {
    static final String DIALECT = "tiunimanager";

    private static final String NAME = DIALECT + ".name";
    private static final String START = DIALECT + ".start-ts";
    private static final String RULES = DIALECT + ".rules";
    private static final String TYPE = DIALECT + ".downstream-type";

    /** The downstream as it is shown. */
    private static final String SHOWN = DIALECT + ".downstream";

    /** What the sink looked like when {@link #SHOWN} was written. */
    private static final String SEEN = DIALECT + ".sink";

    private static final String NO_RULES = "none";

    /** Digits of a short UUID: no letters that look like others. */
    private static final String DIGITS =
            "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    private static final int ID_LENGTH = 22;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Tasks() {}

    /** A new id: a random UUID in 22 digits of base 57. */
    static String newId() {
        return id(UUID.randomUUID());
    }

    static String id(UUID uuid) {
        BigInteger rest =
                new BigInteger(
                        1,
                        ByteBuffer.allocate(16)
                                .putLong(uuid.getMostSignificantBits())
                                .putLong(uuid.getLeastSignificantBits())
                                .array());
        BigInteger base = BigInteger.valueOf(DIGITS.length());
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < ID_LENGTH; i++) {
            BigInteger[] parts = rest.divideAndRemainder(base);
            out.append(DIGITS.charAt(parts[1].intValue()));
            rest = parts[0];
        }
        return out.reverse().toString();
    }

    /**
     * Labels of a job that does not know its sink yet; {@link #withDownstream} completes them.
     *
     * @param startTs as asked for
     */
    static Map<String, String> labels(
            String name, Optional<Long> startTs, List<String> rules, Downstream downstream) {
        Map<String, String> labels = new LinkedHashMap<>();
        labels.put(NAME, name);
        startTs.ifPresent(tso -> labels.put(START, Long.toString(tso)));
        if (rules.isEmpty()) {
            labels.put(RULES, NO_RULES);
        }
        labels.put(TYPE, downstream.type());
        labels.put(SHOWN, downstream.shown().toString());
        return labels;
    }

    /** The start that was asked for, when the job was made here. */
    static Optional<Long> startLabel(JobSpec spec) {
        return Optional.ofNullable(spec.labels().get(START)).map(Long::parseLong);
    }

    /** Notes what the sink looks like now. */
    static JobSpec withDownstream(JobSpec spec) {
        Map<String, String> labels = new LinkedHashMap<>(spec.labels());
        labels.put(SEEN, derived(spec).shown().toString());
        return spec.withLabels(labels);
    }

    /** The downstream that the sink itself tells, with its password. */
    static Downstream derived(JobSpec spec) {
        return Downstream.of(spec.sinkSpec(), Optional.ofNullable(spec.labels().get(TYPE)));
    }

    /** The downstream as clients see it. */
    static ObjectNode downstream(JobSpec spec) {
        ObjectNode now = derived(spec).shown();
        String shown = spec.labels().get(SHOWN);
        if (shown == null || !now.toString().equals(spec.labels().get(SEEN))) {
            return now;
        }
        try {
            return (ObjectNode) MAPPER.readTree(shown);
        } catch (JsonProcessingException e) {
            throw new MillraceException(ErrorCode.INTERNAL, "a stored label is not JSON", e);
        }
    }

    /** Rules as asked for. */
    static List<String> rules(JobSpec spec) {
        List<String> rules = spec.filter().rules();
        return NO_RULES.equals(spec.labels().get(RULES)) && rules.equals(List.of("*.*"))
                ? List.of()
                : rules;
    }

    /** Name of a task; a changefeed that was made elsewhere has none but its id. */
    static String name(JobSpec spec) {
        return spec.labels().getOrDefault(NAME, spec.id().name());
    }

    /** The status in TiUniManager's words. */
    static String status(Job job, Optional<JobOperations.Kind> underWay) {
        if (underWay.equals(Optional.of(JobOperations.Kind.CREATE))) {
            return "Initial";
        }
        return switch (job.state()) {
            case NORMAL -> "Normal";
            case RETRYING -> "Error";
            case STOPPED -> "Stopped";
            case FAILED -> "Failed";
            case FINISHED -> "Finished";
        };
    }

    /**
     * The object of a list or a detail.
     *
     * @param upstreamTso the upstream's clock; empty when it does not answer
     */
    static JsonNode info(
            Job job,
            JobProgress progress,
            Optional<JobOperations.Kind> underWay,
            OptionalLong upstreamTso,
            ZoneId zone) {
        JobSpec spec = job.spec();
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.put("id", spec.id().name());
        out.put("name", name(spec));
        out.put("clusterId", spec.upstream());
        position(out, "startTS", "startUnix", OptionalLong.of(start(spec)));
        ArrayNode rules = out.putArray("rules");
        rules(spec).forEach(rules::add);
        out.put("status", status(job, underWay));
        out.put("unsteady", underWay.isPresent());
        out.put("downstreamType", derived(spec).type());
        out.set("downstream", downstream(spec));
        out.put("createTime", time(spec.createTime(), zone));
        Instant changed =
                job.changed().isBefore(spec.createTime()) ? spec.createTime() : job.changed();
        out.put("updateTime", time(changed, zone));
        position(out, "upstreamUpdateTs", "upstreamUpdateUnix", upstreamTso);
        position(
                out,
                "downstreamFetchTs",
                "downstreamFetchUnix",
                OptionalLong.of(progress.resolvedTso()));
        position(
                out,
                "downstreamSyncTs",
                "downstreamSyncUnix",
                OptionalLong.of(progress.checkpointTso()));
        return out;
    }

    /** As asked for; the job's own when it was made, or moved to another start, elsewhere. */
    private static long start(JobSpec spec) {
        Optional<Long> asked = startLabel(spec);
        return asked.isPresent() && (asked.get() == 0 || asked.get() == spec.startTso())
                ? asked.get()
                : spec.startTso();
    }

    private static void position(ObjectNode out, String tso, String unix, OptionalLong value) {
        out.put(tso, value.isPresent() ? Long.toUnsignedString(value.getAsLong()) : "");
        out.put(unix, value.isPresent() ? Tso.physicalMs(value.getAsLong()) : 0L);
    }

    /** RFC 3339 with the zone's offset, and as many digits of the second as it has. */
    static String time(Instant instant, ZoneId zone) {
        return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(
                instant.atZone(zone).toOffsetDateTime());
    }
}
