package io.millrace.mysql.schema;

import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.schema.HistoryDocuments.Document;
import io.millrace.mysql.wire.TableMap;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a tracker knows of one table. */
final class TrackedTable {
    private record Layout(TableMap map, TableSchema schema) {}

    /** Layouts remembered per version. */
    private static final int MAX_LAYOUTS = 16;

    TableName name;
    long id;
    long version = 1;
    @Nullable TableDefinition definition;
    @Nullable TableSchema schema;

    /** The definition that {@link #keyed} was found for. */
    private @Nullable TableDefinition keyOf;

    private boolean keyed;

    /** Why there is no definition. */
    @Nullable String doubt;

    /** The definition is the one at this place, and the stream may not be there yet. */
    @Nullable SourcePosition pendingUntil;

    /** Columns that rows were read with by a definition of a later place, and that place. */
    Document.@Nullable Assumed assumed;

    /** What a CREATE TABLE IF NOT EXISTS made, unless the pending definition was there. */
    @Nullable TableDefinition alternative;

    boolean sequence;

    private final List<Layout> layouts = new ArrayList<>();

    TrackedTable(TableName name) {
        this.name = name;
    }

    /** True also while its definition is not known. */
    boolean hasHandleKey() {
        TableDefinition now = definition;
        if (now != null && now != keyOf) {
            keyOf = now;
            keyed = now.toSchema(id, version).hasHandleKey();
        }
        return now == null || keyed;
    }

    Optional<TableSchema> current() {
        if (definition == null) {
            return Optional.empty();
        }
        if (schema == null) {
            schema = definition.toSchema(id, version);
        }
        return Optional.of(schema);
    }

    static TrackedTable sequence(TableName name) {
        TrackedTable table = new TrackedTable(name);
        table.sequence = true;
        return table;
    }

    static TrackedTable of(Document.Table document) {
        TrackedTable table = new TrackedTable(document.name());
        table.id = document.id();
        table.version = document.version();
        table.definition = document.definition().orElse(null);
        table.doubt = document.doubt().orElse(null);
        table.pendingUntil = document.pendingUntil().map(BinlogPosition::decode).orElse(null);
        table.assumed = document.assumed().orElse(null);
        table.alternative = document.alternative().orElse(null);
        return table;
    }

    /** What the history keeps of it. */
    Document document() {
        if (sequence) {
            return new Document.Sequence(name);
        }
        return new Document.Table(
                name,
                id,
                version,
                Optional.ofNullable(definition),
                Optional.ofNullable(doubt),
                Optional.ofNullable(pendingUntil).map(SourcePosition::encode),
                Optional.ofNullable(assumed),
                Optional.ofNullable(alternative));
    }

    /** The version that rows of a layout were found to have. */
    Optional<TableSchema> versionOf(TableMap map) {
        for (Layout layout : layouts) {
            if (layout.map.sameLayout(map)) {
                return Optional.of(layout.schema);
            }
        }
        return Optional.empty();
    }

    void rememberLayout(TableMap map, TableSchema version) {
        if (layouts.size() >= MAX_LAYOUTS) {
            layouts.removeFirst();
        }
        layouts.add(new Layout(map, version));
    }

    void forgetLayouts() {
        layouts.clear();
    }

    /** The place of the definition, if it is ahead of a place. */
    @Nullable SourcePosition pendingAt(SourcePosition place) {
        SourcePosition until = pendingUntil;
        return until == null || place.covers(until) ? null : until;
    }

    /** Whether the definition is one of a place behind a statement. */
    boolean isPendingAfter(SourcePosition statement) {
        SourcePosition until = pendingUntil;
        return until != null && until.covers(statement);
    }

    /** The definition is the one at this place. */
    void reached() {
        pendingUntil = null;
        alternative = null;
    }
}
