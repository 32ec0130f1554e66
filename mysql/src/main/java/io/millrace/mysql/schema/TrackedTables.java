package io.millrace.mysql.schema;

import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.spi.SchemaHistory;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.schema.DefinitionChanges.Text;
import io.millrace.mysql.schema.HistoryDocuments.Document;
import io.millrace.mysql.wire.TableVersions.Start;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All that a tracker knows at a place of the stream: tables, databases, and what of it may be of a
 * later place. It is the sum of the job's history, and what changes is appended there before it is
 * used.
 *
 * <p>Belongs to the capture's thread.
 */
final class TrackedTables {
    /** An entry behind the point of restart: what the same DDL recorded the last time. */
    private record Later(long tso, TableName key) {}

    private record Read(SchemaHistory.Entry entry, Document document) {}

    private final Start start;
    private final ServerTraits traits;
    private final Runnable layoutsForgotten;

    private final Map<TableName, TrackedTable> tables = new HashMap<>();
    private final Map<String, Text> schemas = new HashMap<>();
    private final Map<Later, Document> later = new HashMap<>();

    /** Tables of which {@link #later} tells: the stream will come to what made them. */
    private final Set<TableName> comes = new HashSet<>();

    /**
     * The place of the first snapshot: a table that is not known there may have been there earlier,
     * unless the stream has shown that it was not.
     */
    private @Nullable SourcePosition knownFrom;

    /** Databases whose defaults are those of {@link #knownFrom}. */
    private final Set<String> pendingSchemas = new HashSet<>();

    private final Set<String> distrusted = new HashSet<>();

    /** The job's filter as the history has it. */
    private @Nullable String fingerprint;

    /**
     * The place of a snapshot after a change of the filter: a table of before may have been there
     * without being tracked.
     */
    private @Nullable SourcePosition otherFilterUntil;

    /** Tables that the stream has removed before one of these places. */
    private final Set<TableName> gone = new HashSet<>();

    /**
     * @param entries the history
     * @param floor entries of later transactions tell what the stream will come to
     * @param layoutsForgotten told when versions that rows were found to have may be wrong
     */
    TrackedTables(
            Start start,
            ServerTraits traits,
            List<SchemaHistory.Entry> entries,
            long floor,
            Runnable layoutsForgotten) {
        this.start = start;
        this.traits = traits;
        this.layoutsForgotten = layoutsForgotten;
        List<Read> byTime = new ArrayList<>();
        for (SchemaHistory.Entry entry : entries) {
            Document document = HistoryDocuments.read(entry.document());
            switch (document) {
                case Document.Filter filter -> {
                    fingerprint = filter.fingerprint();
                    otherFilterUntil =
                            filter.pendingUntil().map(BinlogPosition::decode).orElse(null);
                }
                case Document.Distrusted(String transaction) -> distrusted.add(transaction);
                default -> byTime.add(new Read(entry, document));
            }
        }
        // A run that began again earlier may have appended behind what one before it wrote of
        // later.
        byTime.sort((a, b) -> Long.compareUnsigned(a.entry.tso(), b.entry.tso()));
        for (Read read : byTime) {
            if (Long.compareUnsigned(read.entry.tso(), floor) <= 0) {
                restore(read.document);
            } else {
                willCome(read.entry.tso(), read.document);
            }
        }
        for (Document document : later.values()) {
            switch (document) {
                case Document.Table d when d.pendingUntil().isEmpty() -> comes.add(key(d.name()));
                case Document.Sequence d -> comes.add(key(d.name()));
                default -> {}
            }
        }
    }

    private void willCome(long tso, Document document) {
        switch (document) {
            case Document.Table d -> later.put(new Later(tso, key(d.name())), d);
            case Document.Dropped d -> later.put(new Later(tso, key(d.name())), d);
            case Document.Sequence d -> later.put(new Later(tso, key(d.name())), d);
            case Document.Schema d -> {}
            case Document.SchemaDropped d -> {}
            case Document.Filter d -> {}
            case Document.Distrusted d -> {}
        }
    }

    private void restore(Document document) {
        switch (document) {
            case Document.Table d -> tables.put(key(d.name()), TrackedTable.of(d));
            case Document.Sequence d -> tables.put(key(d.name()), TrackedTable.sequence(d.name()));
            case Document.Dropped d -> tables.remove(key(d.name()));
            case Document.Filter d -> {}
            case Document.Distrusted d -> {}
            case Document.Schema d -> {
                schemas.put(foldSchema(d.name()), new Text(d.charset(), d.collation()));
                pendingSchemas.remove(foldSchema(d.name()));
                d.pendingUntil()
                        .ifPresent(until -> {
                            knownFrom = BinlogPosition.decode(until);
                            pendingSchemas.add(foldSchema(d.name()));
                        });
            }
            case Document.SchemaDropped d -> {
                pendingSchemas.remove(foldSchema(d.name()));
                schemas.remove(foldSchema(d.name()));
                tables.keySet().removeIf(k -> k.schema().equals(foldSchema(d.name())));
            }
        }
    }

    // ---- names

    String foldSchema(String schema) {
        return traits.lowerCaseTableNames() == 0 ? schema : TableDefinition.fold(schema);
    }

    /** A name as the server compares names. */
    TableName key(TableName name) {
        return traits.lowerCaseTableNames() == 0
                ? name
                : new TableName(
                        TableDefinition.fold(name.schema()), TableDefinition.fold(name.table()));
    }

    /** A name as the server stores it: in lower case with {@code lower_case_table_names=1}. */
    TableName stored(TableName name) {
        return traits.lowerCaseTableNames() == 1 ? key(name) : name;
    }

    boolean wanted(TableName name) {
        return start.filter().matches(name);
    }

    // ---- tables

    @Nullable TrackedTable get(TableName name) {
        return tables.get(key(name));
    }

    Collection<TrackedTable> all() {
        return Collections.unmodifiableCollection(tables.values());
    }

    /** Tables that the job wants, without sequences. */
    Stream<TrackedTable> wantedTables() {
        return tables.values().stream().filter(table -> !table.sequence && wanted(table.name));
    }

    /** Tables and databases. */
    int size() {
        return tables.size() + schemas.size();
    }

    void put(TrackedTable table) {
        tables.put(key(table.name), table);
    }

    /** A table from a snapshot at a place ahead of the stream. */
    TrackedTable putPending(TableDefinition definition, SourcePosition place) {
        TrackedTable table = new TrackedTable(definition.name());
        table.id = start.history().newTableId();
        table.definition = definition;
        table.pendingUntil = place;
        put(table);
        return table;
    }

    /** A table that only rows or a statement tell of. */
    TrackedTable putNew(TableName name, long tso) {
        TrackedTable table = new TrackedTable(name);
        table.id = newId(tso, name);
        put(table);
        return table;
    }

    /** Removes a table at a place; whether it was there. */
    boolean remove(TableName name, SourcePosition after) {
        if (isBeforeSnapshot(after) || isUnderOtherFilter(after)) {
            gone.add(key(name));
        }
        TrackedTable removed = tables.remove(key(name));
        if (removed != null) {
            forgetLayouts(removed);
        }
        return removed != null;
    }

    void removeAllOf(String schemaKey) {
        tables.keySet().removeIf(k -> k.schema().equals(schemaKey));
        layoutsForgotten.run();
    }

    void forgetLayouts(TrackedTable table) {
        table.forgetLayouts();
        layoutsForgotten.run();
    }

    /** A new id, or the one that the same DDL got before a restart. */
    long newId(long tso, TableName name) {
        return recorded(tso, name)
                .map(Document.Table::id)
                .orElseGet(() -> start.history().newTableId());
    }

    /** Sets the definition; the version stays when nothing changed that rows or sinks see. */
    void replace(TrackedTable table, TableDefinition definition, long tso) {
        TableDefinition before = table.definition;
        boolean same =
                before != null
                        && before.name().equals(definition.name())
                        && before.columns().equals(definition.columns())
                        && before.schemaKeys().equals(definition.schemaKeys());
        table.definition = definition;
        table.doubt = null;
        table.name = definition.name();
        if (!same) {
            long id = table.id;
            long next = before == null ? table.version : table.version + 1;
            table.version =
                    recorded(tso, table.name)
                            .filter(r -> r.id() == id)
                            .map(Document.Table::version)
                            .orElse(next);
            table.schema = null;
            forgetLayouts(table);
        }
    }

    /** The definition is not known any more. */
    void doubt(TrackedTable table, String reason) {
        table.definition = null;
        table.schema = null;
        table.doubt = reason;
        table.reached();
        table.version++;
        forgetLayouts(table);
    }

    /**
     * Whether a table is wanted and nothing is known of it. What an earlier run has seen being made
     * further on, the stream will come to again: a definition of now would only be in its way.
     */
    boolean isMissing(TableName name) {
        TableName key = key(name);
        return wanted(name) && !tables.containsKey(key) && !comes.contains(key);
    }

    // ---- databases

    /** What new tables of a database get. */
    Text schemaText(String schema) {
        return schemas.getOrDefault(
                foldSchema(schema), new Text(traits.serverCharset(), traits.serverCollation()));
    }

    boolean hasSchema(String schemaKey) {
        return schemas.containsKey(schemaKey);
    }

    Document putSchema(String name, Text text) {
        schemas.put(foldSchema(name), text);
        return schemaDocument(name, text);
    }

    /** A database of the first snapshot. */
    Document putPendingSchema(String name, Text text) {
        pendingSchemas.add(foldSchema(name));
        return putSchema(name, text);
    }

    boolean isPendingSchema(String schemaKey) {
        return pendingSchemas.contains(schemaKey);
    }

    /** The stream has told the defaults of a database. */
    void schemaReached(String schemaKey) {
        pendingSchemas.remove(schemaKey);
    }

    void removeSchema(String schemaKey, SourcePosition after) {
        removeAllOf(schemaKey);
        schemas.remove(schemaKey);
        pendingSchemas.remove(schemaKey);
        if (isBeforeSnapshot(after)) {
            gone.add(new TableName(schemaKey, ""));
        }
    }

    /** Whether the stream has removed a database or, with a name, a table. */
    boolean isGone(TableName key) {
        return gone.contains(key);
    }

    private Document schemaDocument(String name, Text text) {
        return new Document.Schema(
                name,
                text.charset(),
                text.collation(),
                pendingSchemas.contains(foldSchema(name))
                        ? Optional.ofNullable(knownFrom).map(SourcePosition::encode)
                        : Optional.empty());
    }

    // ---- places ahead of the stream

    /** Sets the place of the first snapshot. */
    void knownFrom(SourcePosition place) {
        knownFrom = place;
    }

    /** The place of the first snapshot, if a place is before it. */
    @Nullable SourcePosition snapshotAheadOf(SourcePosition place) {
        SourcePosition first = knownFrom;
        return first != null && first.covers(place) ? first : null;
    }

    /** Whether the first snapshot is of a place ahead. */
    boolean isBeforeSnapshot(SourcePosition place) {
        return snapshotAheadOf(place) != null;
    }

    /** Whether tables that the job wants now may not have been wanted before this place. */
    boolean isUnderOtherFilter(SourcePosition place) {
        SourcePosition until = otherFilterUntil;
        return until != null && until.covers(place);
    }

    /**
     * Whether the history was written with another filter than the job's of now, or one that cannot
     * be told.
     */
    boolean isOtherFilter() {
        String now = start.filter().fingerprint();
        return now.isEmpty() || !now.equals(fingerprint);
    }

    /**
     * The filter is the job's of now.
     *
     * @param until the place of the snapshot after the change; null at the very first start
     */
    Document filterChanged(@Nullable SourcePosition until) {
        fingerprint = start.filter().fingerprint();
        otherFilterUntil = until;
        return filterDocument();
    }

    private Document filterDocument() {
        return new Document.Filter(
                fingerprint == null ? "" : fingerprint,
                Optional.ofNullable(otherFilterUntil).map(SourcePosition::encode));
    }

    /** The stream begins at a place: what it is behind of is not pending any more. */
    void begin(SourcePosition place, long floor) {
        if (!later.isEmpty()) {
            return;
        }
        List<Document> documents = new ArrayList<>();
        for (TrackedTable table : tables.values()) {
            if (table.pendingUntil != null && place.covers(table.pendingUntil)) {
                table.reached();
                documents.add(table.document());
            }
        }
        SourcePosition first = knownFrom;
        if (first != null && place.covers(first)) {
            knownFrom = null;
            List<String> names = List.copyOf(pendingSchemas);
            pendingSchemas.clear();
            for (String name : names) {
                documents.add(schemaDocument(name, schemaText(name)));
            }
        }
        if (!documents.isEmpty()) {
            append(floor, documents);
        }
    }

    /** The stream has come to the end of a statement. */
    void advance(SourcePosition after) {
        if (knownFrom != null && after.covers(knownFrom)) {
            knownFrom = null;
            pendingSchemas.clear();
        }
        if (otherFilterUntil != null && after.covers(otherFilterUntil)) {
            otherFilterUntil = null;
        }
        if (knownFrom == null && otherFilterUntil == null) {
            gone.clear();
        }
    }

    // ---- history

    /** What a transaction recorded of a table before a restart. */
    Optional<Document.Table> recorded(long tso, TableName name) {
        return later.get(new Later(tso, key(name))) instanceof Document.Table table
                ? Optional.of(table)
                : Optional.empty();
    }

    /** What is to be recorded of a table as it is now, or is not; empty if that has been done. */
    Optional<Document> unrecorded(TableName name, long tso) {
        TableName key = key(name);
        TrackedTable table = tables.get(key);
        Document document = table == null ? new Document.Dropped(name) : table.document();
        return document.equals(later.get(new Later(tso, key)))
                ? Optional.empty()
                : Optional.of(document);
    }

    void remember(TrackedTable table, long tso) {
        unrecorded(table.name, tso).ifPresent(document -> append(tso, List.of(document)));
    }

    void append(long tso, List<Document> documents) {
        start.history().append(entries(tso, documents));
    }

    /** Replaces the history by the state of now, unless the stream has to come to parts of it. */
    void compact(long floor) {
        if (!later.isEmpty()) {
            return;
        }
        List<Document> documents = new ArrayList<>();
        schemas.forEach((name, text) -> documents.add(schemaDocument(name, text)));
        tables.values().forEach(table -> documents.add(table.document()));
        documents.add(filterDocument());
        start.history().compact(floor, entries(floor, documents));
    }

    private static List<SchemaHistory.Entry> entries(long tso, List<Document> documents) {
        List<SchemaHistory.Entry> out = new ArrayList<>();
        for (Document document : documents) {
            out.add(new SchemaHistory.Entry(tso, HistoryDocuments.write(document)));
        }
        return out;
    }

    // ---- times

    Set<String> distrusted() {
        return Collections.unmodifiableSet(distrusted);
    }

    void distrust(String transaction, long tso) {
        append(tso, List.of(new Document.Distrusted(transaction)));
        distrusted.add(transaction);
    }
}
