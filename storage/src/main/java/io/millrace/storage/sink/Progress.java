package io.millrace.storage.sink;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.TableName;
import io.millrace.core.spi.ObjectStore;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which rows of a job are in finished files already, so that a restart writes none twice: one
 * object per job in the store. Before a data file is written, the object names the file and the
 * last row it will hold. As files appear whole or not at all, a restart sees by the file's presence
 * whether those rows are there. Tables whose rows are all covered by the job's own checkpoint are
 * left out. Thread-safe.
 */
final class Progress {
    private static final String FOLDER = "millrace/";
    private static final JsonMapper JSON = new JsonMapper();

    private final ObjectStore store;
    private final String name;
    private final Map<TableName, Entry> tables = new HashMap<>();
    private long requested;
    private long written;
    private boolean writing;
    private long covered;
    private long metadata;

    /**
     * A batch of rows in the stream: all before it and it itself.
     *
     * @param tso of its transaction
     * @param event its ordinal in the transaction
     */
    record Place(long tso, int event) {
        static final Place NONE = new Place(0, -1);

        boolean covers(long otherTso, int otherEvent) {
            int order = Long.compareUnsigned(otherTso, tso);
            return order < 0 || order == 0 && otherEvent <= event;
        }
    }

    /** What is known of a table. */
    private static final class Entry {
        Place done = Place.NONE;
        Place next = Place.NONE;
        @Nullable String file;
    }

    private Progress(ObjectStore store, String name) {
        this.store = store;
        this.name = name;
    }

    /** The object's name; a part of the path that no table's folder has. */
    static String nameOf(String jobId) {
        return FOLDER + Paths.part(jobId) + ".progress";
    }

    /** Reads what an earlier run left, and looks whether its last files are there. */
    static Progress load(ObjectStore store, String jobId, long checkpointTso) throws IOException {
        Progress progress = new Progress(store, nameOf(jobId));
        progress.covered = checkpointTso;
        byte[] content;
        try {
            content = store.get(progress.name);
        } catch (FileNotFoundException none) {
            store.put(progress.name, progress.content());
            return progress;
        }
        JsonNode root = JSON.readTree(content);
        if (root == null || root.path("version").asInt() != 1) {
            throw new MillraceException(
                    ErrorCode.SINK_DATA,
                    progress.name
                            + " in "
                            + store.location()
                            + " is not the progress of a changefeed: it was overwritten, or a newer"
                            + " server wrote it; delete it only if rows may come twice");
        }
        progress.metadata = metadataIn(store);
        for (JsonNode table : root.path("tables")) {
            Place done = place(table.path("done"));
            Place next = place(table.path("next"));
            String file = table.path("file").asText("");
            if (!file.isEmpty()
                    && Long.compareUnsigned(next.tso(), checkpointTso) > 0
                    && store.exists(file)) {
                done = next;
            }
            Entry entry = new Entry();
            entry.done = done;
            progress.tables.put(
                    new TableName(table.path("schema").asText(), table.path("table").asText()),
                    entry);
        }
        return progress;
    }

    private static long metadataIn(ObjectStore store) throws IOException {
        try {
            JsonNode root = JSON.readTree(store.get(Paths.METADATA));
            return root == null ? 0 : unsigned(root.path("checkpoint-ts"));
        } catch (FileNotFoundException none) {
            return 0;
        }
    }

    /** Forgets the places, so that rows that come again are written again. */
    static void distrust(ObjectStore store, String jobId) throws IOException {
        Progress empty = new Progress(store, nameOf(jobId));
        store.put(empty.name, empty.content());
    }

    private static Place place(JsonNode node) {
        return node.isMissingNode()
                ? Place.NONE
                : new Place(unsigned(node.path("tso")), node.path("event").asInt());
    }

    private static long unsigned(JsonNode number) {
        return number.isIntegralNumber() ? number.bigIntegerValue().longValue() : 0;
    }

    /** What was in finished files when this run began. */
    synchronized Map<TableName, Place> done() {
        Map<TableName, Place> places = new HashMap<>();
        tables.forEach((table, entry) -> places.put(table, entry.done));
        return places;
    }

    /** What the metadata file said when this run began; it never goes back within a job's life. */
    synchronized long metadata() {
        return metadata;
    }

    /** Rows up to this TSO never come again. */
    synchronized void covered(long tso) {
        covered = tso;
    }

    /**
     * Says durably which file comes next for a table and what its last rows will be. Several
     * callers share one writing.
     */
    void intend(TableName table, String file, Place last) throws IOException, InterruptedException {
        long mine;
        byte[] content;
        synchronized (this) {
            Entry entry = tables.computeIfAbsent(table, key -> new Entry());
            entry.next = last;
            entry.file = file;
            mine = ++requested;
            while (writing) {
                wait();
                if (written >= mine) {
                    return;
                }
            }
            if (written >= mine) {
                return;
            }
            writing = true;
            mine = requested;
            content = content();
        }
        boolean done = false;
        try {
            store.put(name, content);
            done = true;
        } finally {
            synchronized (this) {
                writing = false;
                if (done) {
                    written = mine;
                }
                notifyAll();
            }
        }
    }

    /** The file that was intended for a table is durable. */
    synchronized void finished(TableName table) {
        Entry entry = tables.get(table);
        if (entry != null) {
            entry.done = entry.next;
            entry.file = null;
        }
    }

    private byte[] content() throws IOException {
        ObjectNode root = JSON.createObjectNode().put("version", 1);
        ArrayNode list = root.putArray("tables");
        tables.values()
                .removeIf(entry ->
                        entry.file == null && Long.compareUnsigned(entry.done.tso(), covered) <= 0);
        for (Map.Entry<TableName, Entry> each : new LinkedHashMap<>(tables).entrySet()) {
            Entry entry = each.getValue();
            ObjectNode table = list.addObject();
            table.put("schema", each.getKey().schema());
            table.put("table", each.getKey().table());
            put(table, "done", entry.done);
            Optional.ofNullable(entry.file)
                    .ifPresent(file -> {
                        put(table, "next", entry.next);
                        table.put("file", file);
                    });
        }
        return JSON.writeValueAsBytes(root);
    }

    private static void put(ObjectNode table, String field, Place place) {
        table.putObject(field)
                .put("tso", new BigInteger(Long.toUnsignedString(place.tso())))
                .put("event", place.event());
    }
}
