package io.millrace.connect.host.runtime;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A connector's offsets in few words: what people of that database call the place. */
final class PositionText {
    private static final int MAX_LENGTH = 100;
    private static final int MAX_PARTITIONS = 3;

    private PositionText() {}

    /** Of a connector's partitions with their offsets; empty when there are none yet. */
    static String of(Map<? extends Map<String, ?>, ? extends Map<String, ?>> offsets) {
        TreeMap<String, String> lines = new TreeMap<>();
        offsets.forEach((partition, offset) ->
                lines.put(new TreeMap<>(partition).toString(), one(partition, offset)));
        String text =
                lines.values().stream().limit(MAX_PARTITIONS).collect(Collectors.joining(", "));
        return lines.size() > MAX_PARTITIONS
                ? text + ", and " + (lines.size() - MAX_PARTITIONS) + " more"
                : text;
    }

    private static String one(Map<String, ?> partition, Map<String, ?> offset) {
        if (offset == null) {
            return "-";
        }
        if (offset.get("file") != null && offset.get("pos") != null) {
            Object gtids = offset.get("gtids");
            String place = offset.get("file") + ":" + offset.get("pos");
            return shortened(gtids == null ? place : place + " gtids " + gtids);
        }
        if (offset.get("lsn") instanceof Number lsn) {
            return "lsn " + lsn(lsn.longValue());
        }
        if (offset.get("commit_lsn") != null) {
            return "lsn " + offset.get("commit_lsn");
        }
        if (offset.get("kafka_offset") != null) {
            return partition.get("kafka_topic")
                    + "["
                    + partition.get("kafka_partition")
                    + "]:"
                    + offset.get("kafka_offset");
        }
        return shortened(
                new TreeMap<>(offset)
                        .entrySet().stream()
                                .map(entry -> entry.getKey() + "=" + entry.getValue())
                                .collect(Collectors.joining(" ")));
    }

    /** As PostgreSQL writes it. */
    private static String lsn(long value) {
        return Long.toHexString(value >>> 32).toUpperCase(java.util.Locale.ROOT)
                + "/"
                + Long.toHexString(value & 0xffff_ffffL).toUpperCase(java.util.Locale.ROOT);
    }

    private static String shortened(String text) {
        return text.length() <= MAX_LENGTH ? text : text.substring(0, MAX_LENGTH) + "…";
    }
}
