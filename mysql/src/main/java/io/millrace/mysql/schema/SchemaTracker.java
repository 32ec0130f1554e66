package io.millrace.mysql.schema;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SessionState;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SchemaHistory;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.row.TableMapMetadata;
import io.millrace.mysql.row.WireTypes;
import io.millrace.mysql.schema.DdlStatement.AlterAction;
import io.millrace.mysql.schema.DdlStatement.TextRange;
import io.millrace.mysql.schema.DefinitionChanges.Text;
import io.millrace.mysql.schema.HistoryDocuments.Document;
import io.millrace.mysql.wire.QueryContext;
import io.millrace.mysql.wire.SqlModes;
import io.millrace.mysql.wire.StatementsAhead;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.TableVersions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tables of one job as its stream sees them: definitions that follow the DDL in the binlog.
 *
 * <p>Where a definition comes from, the surest first:
 *
 * <ol>
 *   <li>the TABLE_MAP event itself, with {@code binlog_row_metadata=FULL}. What it doesn't tell
 *       (unique keys, generated columns, defaults) is added from the tracked definition;
 *   <li>the tracked definition: the job's history or a snapshot, and the DDL since. It is checked
 *       against every new TABLE_MAP layout;
 *   <li>a snapshot that is younger than the stream's place ("pending"), if no DDL between the two
 *       places changes the table: the binlog is read ahead to know that ({@link ChangesAhead}).
 * </ol>
 *
 * Whatever is in doubt ends in SCHEMA_MISMATCH or DDL_UNPARSABLE of that table, never in a guess.
 *
 * <p>Belongs to the capture's thread.
 */
public final class SchemaTracker implements TableVersions {
    private static final Logger LOG = LoggerFactory.getLogger(SchemaTracker.class);

    /** From this MariaDB on, QUERY events tell {@code explicit_defaults_for_timestamp}. */
    private static final int SESSION_TIMESTAMP_DEFAULTS = 101100;

    /** Slots of the cache by table number; a power of two. */
    private static final int SLOTS = 1024;

    /** Layouts remembered per table version. */
    private static final int MAX_LAYOUTS = 16;

    /** History entries beyond which, and beyond four per live table, it is compacted at a start. */
    private static final int COMPACT_ABOVE = 1000;

    /** Tries to see every definition twice the same. */
    private static final int SNAPSHOT_ROUNDS = 100;

    /**
     * Longer than a DDL takes from its entry in the binlog to its effect, or the other way round.
     */
    private static final long SETTLE_MILLIS = 50;

    private static final String HINT =
            "set binlog_row_metadata=FULL on the upstream, start the job at a later position, or"
                    + " exclude the table with a filter rule";

    /** What is known of one table. */
    private static final class Table {
        TableName name;
        long id;
        long version = 1;
        @Nullable TableDefinition definition;
        @Nullable TableSchema schema;

        /** The definition that {@link #keyed} was found for. */
        @Nullable TableDefinition keyOf;

        boolean keyed;

        /** Why there is no definition. */
        @Nullable String doubt;

        /** The definition is the one at this place, and the stream may not be there yet. */
        @Nullable SourcePosition pendingUntil;

        /** Columns that rows were read with by a definition of a later place, and that place. */
        HistoryDocuments.Document.@Nullable Assumed assumed;

        /** What a CREATE TABLE IF NOT EXISTS made, unless the pending definition was there. */
        @Nullable TableDefinition alternative;

        boolean sequence;

        final List<Layout> layouts = new ArrayList<>();

        Table(TableName name) {
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
    }

    private static final Pattern ROW_HASH_NAME =
            Pattern.compile(Pattern.quote(DefinitionChanges.ROW_HASH) + "[0-9]+");

    private record Layout(TableMap map, TableSchema schema) {}

    /** An entry behind the point of restart: what the same DDL recorded the last time. */
    private record Later(long tso, String key) {}

    private final TableMap[] slotMaps = new TableMap[SLOTS];
    private final TableSchema[] slotSchemas = new TableSchema[SLOTS];

    private final Map<TableName, Table> tables = new HashMap<>();
    private final Map<String, Text> schemas = new HashMap<>();
    private final Map<Later, Document> later = new HashMap<>();

    /** Tables of which {@link #later} tells: the stream will come to what made them. */
    private final Set<TableName> comes = new HashSet<>();

    private @Nullable Start start;
    private @Nullable ServerTraits traits;
    private @Nullable DefinitionChanges changes;
    private @Nullable WireFit fit;
    private @Nullable ChangesAhead ahead;

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

    /** For other threads: the wanted tables, and whether they have a handle key. */
    private volatile Map<Long, Boolean> published = Map.of();

    /** Starts empty; {@link #start} comes first. */
    public SchemaTracker() {}

    @Override
    public Set<Long> tableIds(boolean withoutKey) {
        Map<Long, Boolean> now = published;
        if (withoutKey) {
            return now.keySet();
        }
        Set<Long> out = new HashSet<>();
        now.forEach((id, hasKey) -> {
            if (hasKey) {
                out.add(id);
            }
        });
        return out;
    }

    @Override
    public List<TableSchema> tables() {
        return tables.values().stream()
                .filter(table -> !table.sequence && wanted(table.name))
                .flatMap(table -> table.current().stream())
                .toList();
    }

    private void publish() {
        Map<Long, Boolean> now = new HashMap<>();
        for (Table table : tables.values()) {
            if (!table.sequence && wanted(table.name)) {
                now.put(table.id, table.hasHandleKey());
            }
        }
        published = Collections.unmodifiableMap(now);
    }

    // ---- start

    @Override
    public void start(Start from) {
        start = from;
        long floor = from.start().floorTso();
        List<SchemaHistory.Entry> entries = from.history().load();
        boolean first =
                entries.stream()
                        .allMatch(e ->
                                HistoryDocuments.read(e.document()) instanceof Document.Distrusted);
        try (Connection connection = from.connections().open()) {
            load(SchemaSnapshot.traits(connection), entries, floor);
            List<Document> taken = snapshot(connection, from, first);
            if (!first || !taken.isEmpty()) {
                noteFilter(connection, first).ifPresent(taken::add);
            }
            if (!taken.isEmpty()) {
                append(0, taken);
            }
        } catch (SQLException e) {
            throw SchemaSnapshot.failed("reading table definitions", e);
        }
        passed(from.start(), floor);
        publish();
        int live = tables.size() + schemas.size();
        if (later.isEmpty() && entries.size() > COMPACT_ABOVE && entries.size() > 4 * live) {
            from.history().compact(floor, entries(floor, documents()));
        }
        LOG.info(
                "schema tracker started job={} tables={} history={} position={}",
                from.jobId(),
                tables.size(),
                entries.size(),
                from.start());
    }

    /** What is to be recorded when the filter isn't the one that the history was written with. */
    private Optional<Document> noteFilter(Connection connection, boolean first)
            throws SQLException {
        String now = started().filter().fingerprint();
        if (!now.isEmpty() && now.equals(fingerprint)) {
            return Optional.empty();
        }
        fingerprint = now;
        otherFilterUntil = first ? null : SchemaSnapshot.binlogEnd(connection, traits());
        return Optional.of(filterDocument());
    }

    private Document filterDocument() {
        return new Document.Filter(
                fingerprint == null ? "" : fingerprint,
                Optional.ofNullable(otherFilterUntil).map(SourcePosition::encode));
    }

    /** The stream begins behind the places of these definitions: they are not pending any more. */
    private void passed(SourcePosition place, long floor) {
        if (!later.isEmpty()) {
            return;
        }
        List<Document> documents = new ArrayList<>();
        for (Table table : tables.values()) {
            if (table.pendingUntil != null && place.covers(table.pendingUntil)) {
                reached(table);
                documents.add(document(table));
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

    private Document schemaDocument(String name, Text text) {
        return new Document.Schema(
                name,
                text.charset(),
                text.collation(),
                pendingSchemas.contains(foldSchema(name))
                        ? Optional.ofNullable(knownFrom).map(SourcePosition::encode)
                        : Optional.empty());
    }

    private void load(ServerTraits found, List<SchemaHistory.Entry> entries, long floor) {
        traits = found;
        changes = new DefinitionChanges(found);
        fit = new WireFit(found);
        ahead =
                new ChangesAhead(
                        started().ahead(), found, started().jobId(), this::key, this::wanted);
        record Read(SchemaHistory.Entry entry, Document document) {}
        List<Read> byTime = new ArrayList<>();
        for (SchemaHistory.Entry entry : entries) {
            Document document = HistoryDocuments.read(entry.document());
            switch (document) {
                case Document.Filter filter -> filterWas(filter);
                case Document.Distrusted(String transaction) -> distrusted.add(transaction);
                default -> byTime.add(new Read(entry, document));
            }
        }
        // A run that began again earlier may have appended behind what one before it wrote of
        // later.
        byTime.sort((a, b) -> Long.compareUnsigned(a.entry.tso(), b.entry.tso()));
        for (Read read : byTime) {
            SchemaHistory.Entry entry = read.entry;
            Document document = read.document;
            if (Long.compareUnsigned(entry.tso(), floor) <= 0) {
                restore(document);
            } else {
                switch (document) {
                    case Document.Table d -> later.put(later(entry, d.name()), d);
                    case Document.Dropped d -> later.put(later(entry, d.name()), d);
                    case Document.Sequence d -> later.put(later(entry, d.name()), d);
                    case Document.Schema d -> {}
                    case Document.SchemaDropped d -> {}
                    case Document.Filter d -> {}
                    case Document.Distrusted d -> {}
                }
            }
        }
        later.values()
                .forEach(document -> {
                    switch (document) {
                        case Document.Table d when d.pendingUntil().isEmpty() ->
                                comes.add(key(d.name()));
                        case Document.Sequence d -> comes.add(key(d.name()));
                        default -> {}
                    }
                });
    }

    private Later later(SchemaHistory.Entry entry, TableName name) {
        return new Later(entry.tso(), key(name).toString());
    }

    private Optional<Document.Table> recorded(long tso, TableName name) {
        return later.get(new Later(tso, key(name).toString())) instanceof Document.Table table
                ? Optional.of(table)
                : Optional.empty();
    }

    /** A tracker that has started at a TSO, with what the server would tell given. */
    static SchemaTracker forTest(
            String jobId,
            ServerTraits traits,
            SchemaHistory history,
            TableFilter filter,
            long floor,
            StatementsAhead ahead) {
        SchemaTracker tracker = new SchemaTracker();
        tracker.start =
                new Start(
                        jobId,
                        traits.mariaDb(),
                        history,
                        filter,
                        () -> {
                            throw new IllegalStateException("no server");
                        },
                        floor,
                        BinlogPosition.at("binlog.000001", 4, floor),
                        ahead);
        tracker.load(traits, history.load(), floor);
        return tracker;
    }

    /** What the snapshot of a start does with a definition of a place ahead, for tests. */
    void takeAtStart(TableDefinition definition, SourcePosition place) {
        if (isMissing(definition.name())) {
            append(0, List.of(take(definition, place)));
        }
    }

    /** As if a snapshot at a place ahead had found the table, for tests. */
    void putPending(TableDefinition definition, SourcePosition place) {
        Table table = new Table(definition.name());
        table.id = started().history().newTableId();
        table.definition = definition;
        table.pendingUntil = place;
        tables.put(key(definition.name()), table);
    }

    private void filterWas(Document.Filter filter) {
        fingerprint = filter.fingerprint();
        otherFilterUntil = filter.pendingUntil().map(BinlogPosition::decode).orElse(null);
    }

    private void restore(Document document) {
        switch (document) {
            case Document.Table d -> {
                Table table = new Table(d.name());
                table.id = d.id();
                table.version = d.version();
                table.definition = d.definition().orElse(null);
                table.doubt = d.doubt().orElse(null);
                table.pendingUntil = d.pendingUntil().map(BinlogPosition::decode).orElse(null);
                table.assumed = d.assumed().orElse(null);
                table.alternative = d.alternative().orElse(null);
                tables.put(key(d.name()), table);
            }
            case Document.Sequence d -> {
                Table table = new Table(d.name());
                table.sequence = true;
                tables.put(key(d.name()), table);
            }
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

    /**
     * Takes what is wanted and not known yet. A definition counts when it is seen the same before
     * and after a place in the binlog: then it is the one at that place.
     */
    private List<Document> snapshot(Connection connection, Start from, boolean first)
            throws SQLException {
        ServerTraits known = traits();
        TableFilter missing =
                new TableFilter() {
                    @Override
                    public boolean matches(String schema, String table) {
                        return isMissing(new TableName(schema, table));
                    }

                    @Override
                    public boolean matchesSchema(String schema) {
                        return from.filter().matchesSchema(schema);
                    }
                };
        List<Document> out = new ArrayList<>();
        SchemaSnapshot before = SchemaSnapshot.read(connection, known, missing);
        if (first) {
            knownFrom = SchemaSnapshot.binlogEnd(connection, known);
            before.schemas()
                    .forEach((name, defaults) -> {
                        Text text = new Text(defaults.charset(), defaults.collation());
                        schemas.put(foldSchema(name), text);
                        pendingSchemas.add(foldSchema(name));
                        out.add(schemaDocument(name, text));
                    });
        }
        for (int round = 0; round < SNAPSHOT_ROUNDS; round++) {
            if (before.tables().isEmpty() && before.sequences().isEmpty() && !first) {
                return out;
            }
            settle();
            BinlogPosition place = SchemaSnapshot.binlogEnd(connection, known);
            settle();
            SchemaSnapshot after = SchemaSnapshot.read(connection, known, missing);
            Set<TableName> open = new LinkedHashSet<>(before.tables().keySet());
            open.addAll(after.tables().keySet());
            for (TableName name : List.copyOf(open)) {
                TableDefinition definition = after.tables().get(name);
                if (definition != null && definition.equals(before.tables().get(name))) {
                    out.add(take(definition, place));
                    open.remove(name);
                }
            }
            for (TableName name : after.sequences()) {
                Table table = new Table(name);
                table.sequence = true;
                tables.put(key(name), table);
                out.add(document(table));
            }
            if (open.isEmpty()) {
                return out;
            }
            before = after;
        }
        throw new MillraceException(
                ErrorCode.UPSTREAM_CONNECTION,
                "table definitions on the upstream kept changing while they were read: "
                        + before.tables().keySet());
    }

    /**
     * Whether a table is wanted and nothing is known of it. What an earlier run has seen being made
     * further on, the stream will come to again: a definition of now would only be in its way.
     */
    private boolean isMissing(TableName name) {
        TableName key = key(name);
        return wanted(name) && !tables.containsKey(key) && !comes.contains(key);
    }

    private Document take(TableDefinition definition, SourcePosition place) {
        Table table = new Table(definition.name());
        table.id = started().history().newTableId();
        table.definition = definition;
        table.pendingUntil = place;
        tables.put(key(definition.name()), table);
        return document(table);
    }

    private static void settle() {
        try {
            Thread.sleep(SETTLE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MillraceException(
                    ErrorCode.UPSTREAM_CONNECTION, "interrupted while reading definitions", e);
        }
    }

    private List<Document> documents() {
        List<Document> out = new ArrayList<>();
        schemas.forEach((name, text) -> out.add(schemaDocument(name, text)));
        tables.values().forEach(t -> out.add(document(t)));
        out.add(filterDocument());
        return out;
    }

    private static Document document(Table table) {
        if (table.sequence) {
            return new Document.Sequence(table.name);
        }
        return new Document.Table(
                table.name,
                table.id,
                table.version,
                Optional.ofNullable(table.definition),
                Optional.ofNullable(table.doubt),
                Optional.ofNullable(table.pendingUntil).map(SourcePosition::encode),
                Optional.ofNullable(table.assumed),
                Optional.ofNullable(table.alternative));
    }

    private static List<SchemaHistory.Entry> entries(long tso, List<Document> documents) {
        List<SchemaHistory.Entry> out = new ArrayList<>();
        for (Document document : documents) {
            out.add(new SchemaHistory.Entry(tso, HistoryDocuments.write(document)));
        }
        return out;
    }

    private void append(long tso, List<Document> documents) {
        started().history().append(entries(tso, documents));
    }

    private Start started() {
        Start from = start;
        if (from == null) {
            throw new IllegalStateException("not started");
        }
        return from;
    }

    private ServerTraits traits() {
        ServerTraits found = traits;
        if (found == null) {
            throw new IllegalStateException("not started");
        }
        return found;
    }

    private DefinitionChanges changes() {
        DefinitionChanges found = changes;
        if (found == null) {
            throw new IllegalStateException("not started");
        }
        return found;
    }

    // ---- names

    private String foldSchema(String schema) {
        return traits().lowerCaseTableNames() == 0 ? schema : TableDefinition.fold(schema);
    }

    private TableName key(TableName name) {
        return traits().lowerCaseTableNames() == 0
                ? name
                : new TableName(
                        TableDefinition.fold(name.schema()), TableDefinition.fold(name.table()));
    }

    /** A name as the server stores it: in lower case with {@code lower_case_table_names=1}. */
    private TableName stored(TableName name) {
        return traits().lowerCaseTableNames() == 1 ? key(name) : name;
    }

    private boolean wanted(TableName name) {
        return started().filter().matches(name);
    }

    /** The definition that is tracked now, for tests. */
    Optional<TableDefinition> definition(TableName name) {
        Table table = tables.get(key(name));
        return table == null ? Optional.empty() : Optional.ofNullable(table.definition);
    }

    /** Names of all tracked tables, for tests. */
    Set<TableName> tableNames() {
        Set<TableName> out = new HashSet<>();
        tables.values().forEach(t -> out.add(t.name));
        return out;
    }

    /** Why a table has no definition, for tests. */
    Optional<String> doubt(TableName name) {
        Table table = tables.get(key(name));
        return table == null ? Optional.empty() : Optional.ofNullable(table.doubt);
    }

    // ---- times

    @Override
    public Set<String> distrustedTimes() {
        return Collections.unmodifiableSet(distrusted);
    }

    @Override
    public void distrustTime(String transaction, long tso) {
        append(tso, List.of(new Document.Distrusted(transaction)));
        distrusted.add(transaction);
    }

    // ---- rows

    @Override
    public TableSchema versionFor(
            TableMap map, long tso, Supplier<? extends SourcePosition> place) {
        int slot = (int) map.tableNumber() & SLOTS - 1;
        if (slotMaps[slot] == map) {
            return slotSchemas[slot];
        }
        TableSchema schema = resolve(map, tso, place.get());
        slotMaps[slot] = map;
        slotSchemas[slot] = schema;
        return schema;
    }

    private void forgetLayouts(Table table) {
        table.layouts.clear();
        java.util.Arrays.fill(slotMaps, null);
    }

    private TableSchema resolve(TableMap map, long tso, SourcePosition place) {
        Table table = tables.get(key(map.name()));
        if (table != null) {
            for (Layout layout : table.layouts) {
                if (layout.map.sameLayout(map)) {
                    return layout.schema;
                }
            }
            if (table.sequence) {
                throw new MillraceException(
                        ErrorCode.UNSUPPORTED_EVENT,
                        map.name()
                                + " is a sequence; sequences are not replicated: exclude it with"
                                + " a filter rule");
            }
        }
        TableMapMetadata metadata = TableMapMetadata.parse(map);
        TableSchema schema =
                metadata.hasNames()
                        ? byMetadata(table, map, metadata, tso, place)
                        : byTracking(table, map, metadata, tso, place);
        if (schema.columns().stream().anyMatch(ColumnTypes::isRowEnd)) {
            // Its binlog holds the past of rows as rows of their own, and a DELETE as an UPDATE.
            throw new MillraceException(
                    ErrorCode.UNSUPPORTED_EVENT,
                    map.name()
                            + " is system-versioned; such tables are not replicated, since their"
                            + " row events mix the history of rows with the rows: exclude it with"
                            + " a filter rule, or drop its system versioning");
        }
        Table now = tables.get(key(map.name()));
        if (now != null) {
            if (now.layouts.size() >= MAX_LAYOUTS) {
                now.layouts.removeFirst();
            }
            now.layouts.add(new Layout(map, schema));
            if (!published.containsKey(now.id)) {
                publish();
            }
        }
        return schema;
    }

    private WireFit fit() {
        WireFit found = fit;
        if (found == null) {
            throw new IllegalStateException("not started");
        }
        return found;
    }

    /** The event tells all that rows need; the tracked definition adds the rest. */
    private TableSchema byMetadata(
            @Nullable Table known,
            TableMap map,
            TableMapMetadata metadata,
            long tso,
            SourcePosition place) {
        if (known != null && known.definition != null) {
            TableDefinition fitting = withNullability(withHidden(known.definition, map), map);
            if (fit().difference(fitting, map, metadata).isEmpty()) {
                // Fits by name and type, so it also is the definition at this place.
                SourcePosition until = pendingAt(known, place);
                if (until != null) {
                    List<String> open = ambiguous(map, metadata, names -> true);
                    refuseIfChanged(known.name, open, place, until);
                    reached(known);
                    assume(known, open, until, tso);
                }
                reached(known);
                return adopt(known, fitting, tso);
            }
        }
        Table table = known == null ? untracked(stored(map.name()), tso) : known;
        TableDefinition previous = table.definition;
        if (previous != null) {
            LOG.warn(
                    "table definition taken from row metadata job={} table={} because={}",
                    started().jobId(),
                    map.name(),
                    fit().difference(previous, map, metadata).orElse("nullability differs"));
        }
        SourcePosition until = pendingAt(table, place);
        reached(table);
        Set<String> open = previous == null ? Set.of() : unlike(previous, map, metadata);
        Optional<LookUp> found =
                previous == null || !ambiguous(map, metadata, open::contains).isEmpty()
                        ? lookUp(table.name)
                        : Optional.empty();
        Optional<TableDefinition> whole =
                found.map(f -> withNullability(withHidden(f.definition, map), map))
                        .filter(f -> fit().difference(f, map, metadata).isEmpty());
        TableDefinition taken =
                whole.orElseGet(
                        () -> fromMetadata(map, metadata, previous, found.map(f -> f.definition)));
        List<String> guessed =
                ambiguous(
                        map,
                        metadata,
                        c -> previous == null || whole.isPresent() || open.contains(c));
        found.ifPresent(f -> {
            refuseIfChanged(table.name, guessed, place, f.place);
            assume(table, guessed, f.place, tso);
        });
        if (until != null) {
            List<String> others = ambiguous(map, metadata, c -> !guessed.contains(c));
            refuseIfChanged(table.name, others, place, until);
            assume(table, others, until, tso);
        }
        return adopt(table, taken.named(table.name), tso);
    }

    private Table untracked(TableName name, long tso) {
        Table table = new Table(name);
        table.id = tableId(tso, name);
        tables.put(key(name), table);
        return table;
    }

    /** A table as the server shows it now, and the end of the binlog behind that. */
    private record LookUp(TableDefinition definition, SourcePosition place) {}

    /** Looks at the server for what neither the event nor the history tells. */
    private Optional<LookUp> lookUp(TableName name) {
        try (Connection connection = started().connections().open()) {
            Optional<TableDefinition> found =
                    SchemaSnapshot.readTable(connection, traits(), stored(name));
            if (found.isEmpty()) {
                return Optional.empty();
            }
            settle();
            return Optional.of(
                    new LookUp(found.get(), SchemaSnapshot.binlogEnd(connection, traits())));
        } catch (SQLException e) {
            throw SchemaSnapshot.failed("reading the definition of " + name, e);
        }
    }

    private ChangesAhead ahead() {
        ChangesAhead found = ahead;
        if (found == null) {
            throw new IllegalStateException("not started");
        }
        return found;
    }

    /** Refuses columns that a later definition tells, when DDL changes them before it. */
    private void refuseIfChanged(
            TableName name, List<String> columns, SourcePosition place, SourcePosition until) {
        if (columns.isEmpty()) {
            return;
        }
        for (ChangesAhead.Change change : ahead().of(name, place, until)) {
            if (change.actions().map(a -> touches(a, columns)).orElse(true)) {
                throw changedAhead(name, place, until, change);
            }
        }
    }

    private static MillraceException changedAhead(
            TableName name,
            SourcePosition place,
            SourcePosition until,
            ChangesAhead.Change change) {
        return new MillraceException(
                ErrorCode.SCHEMA_MISMATCH,
                "there are rows of "
                        + name
                        + " at "
                        + place
                        + ", but the definition that is known of it is that of "
                        + until
                        + ", and it was changed between, by: "
                        + change.statement()
                        + "; "
                        + HINT);
    }

    private static boolean touches(List<AlterAction> actions, List<String> columns) {
        return actions.stream()
                .map(a ->
                        switch (a) {
                            case AlterAction.ChangeColumn c -> c.oldName();
                            case AlterAction.DropColumn c -> c.name();
                            case AlterAction.RenameColumn c -> c.oldName();
                            default -> "";
                        })
                .anyMatch(c -> columns.stream().anyMatch(c::equalsIgnoreCase));
    }

    /**
     * Whether a definition at a place leads to another one further on by adding columns and indexes
     * alone. Then it is the only one that does.
     */
    private boolean leadsTo(
            TableDefinition from, TableDefinition to, List<ChangesAhead.Change> between) {
        TableDefinition now = from;
        for (ChangesAhead.Change change : between) {
            if (change.actions().isEmpty()) {
                return false;
            }
            for (AlterAction action : change.actions().get()) {
                boolean adds =
                        action instanceof AlterAction.AddColumn add && !add.ifNotExists()
                                || action instanceof AlterAction.AddIndex;
                if (!adds) {
                    return false;
                }
            }
            try {
                now = changes().alter(now, change.actions().get());
            } catch (DefinitionChanges.Mismatch e) {
                return false;
            }
        }
        return now.columns().equals(to.columns());
    }

    /** Names of columns of the event that the definition doesn't have, or has otherwise. */
    private Set<String> unlike(TableDefinition known, TableMap map, TableMapMetadata metadata) {
        Set<String> out = new HashSet<>();
        for (int i = 0; i < map.columnCount(); i++) {
            String name = metadata.names().get(i);
            if (fittingColumn(Optional.of(known), name, i, map, metadata).isEmpty()) {
                out.add(name);
            }
        }
        return out;
    }

    /** Names of the columns whose kind the event leaves open, out of those that are asked for. */
    private List<String> ambiguous(
            TableMap map, TableMapMetadata metadata, Predicate<String> which) {
        List<String> out = new ArrayList<>();
        for (int i = 0; i < map.columnCount(); i++) {
            if (fit().isAmbiguous(i, map, metadata) && which.test(metadata.names().get(i))) {
                out.add(metadata.names().get(i));
            }
        }
        return out;
    }

    private Optional<Column> fittingColumn(
            Optional<TableDefinition> in,
            String name,
            int i,
            TableMap map,
            TableMapMetadata metadata) {
        return in.filter(d -> d.ordinalOf(name) >= 0)
                .map(d ->
                        ColumnTypes.withNullable(
                                d.columns().get(d.ordinalOf(name)), map.isNullable(i)))
                .filter(c -> fit().columnFits(c, i, map, metadata));
    }

    /** The place of the table's definition, if it is ahead of a place. */
    private static @Nullable SourcePosition pendingAt(Table table, SourcePosition place) {
        SourcePosition until = table.pendingUntil;
        return until == null || place.covers(until) ? null : until;
    }

    /** The definition is the one at this place. */
    private static void reached(Table table) {
        table.pendingUntil = null;
        table.alternative = null;
    }

    /** Rows are read with these columns, which a definition of a later place has told. */
    private void assume(Table table, List<String> columns, SourcePosition until, long tso) {
        if (columns.isEmpty()) {
            return;
        }
        Set<String> all = new TreeSet<>(columns);
        if (table.assumed != null) {
            all.addAll(table.assumed.columns());
        }
        Document.Assumed assumed = new Document.Assumed(until.encode(), List.copyOf(all));
        if (!assumed.equals(table.assumed)) {
            table.assumed = assumed;
            remember(table, tso);
        }
    }

    private void remember(Table table, long tso) {
        Document document = document(table);
        if (!document.equals(later.get(new Later(tso, key(table.name).toString())))) {
            append(tso, List.of(document));
        }
    }

    /**
     * Column by column what is known of it: the tracked one if it fits, else the server's of now if
     * that fits, else what the event tells.
     */
    private TableDefinition fromMetadata(
            TableMap map,
            TableMapMetadata metadata,
            @Nullable TableDefinition previous,
            Optional<TableDefinition> found) {
        TableName name = map.name();
        List<Column> columns = new ArrayList<>();
        Set<String> same = new HashSet<>();
        List<Column> told = metadata.columns();
        Optional<TableDefinition> tracked = Optional.ofNullable(previous);
        int firstHash = map.mariaDb() ? firstRowHash(told, map) : told.size();
        int rowTimes = map.mariaDb() ? firstRowTime(told, firstHash) : told.size();
        for (int i = 0; i < told.size(); i++) {
            Column column = told.get(i);
            Optional<Column> known = fittingColumn(tracked, column.name(), i, map, metadata);
            if (known.isPresent()) {
                same.add(TableDefinition.fold(column.name()));
            } else {
                known = fittingColumn(found, column.name(), i, map, metadata);
            }
            if (known.isPresent()) {
                columns.add(ColumnTypes.renamed(known.get(), column.name()));
            } else if (i >= firstHash) {
                columns.add(rowHash(column.name()));
            } else if (i == rowTimes || i == rowTimes + 1) {
                columns.add(ColumnTypes.rowTimes().get(i - rowTimes));
            } else if (fit().isAmbiguous(i, map, metadata)) {
                throw new MillraceException(
                        ErrorCode.SCHEMA_MISMATCH,
                        "column "
                                + name
                                + "."
                                + column.name()
                                + " is "
                                + column.typeText()
                                + " or a type that looks like it in the binlog (UUID, INET4,"
                                + " INET6, VECTOR), and neither the job's history nor the server"
                                + " knows such a column: start the job at a later position, or"
                                + " exclude the table with a filter rule");
            } else {
                columns.add(column);
            }
        }
        List<KeyDefinition> keys = new ArrayList<>();
        if (!metadata.primaryKey().isEmpty()) {
            List<KeyDefinition.Part> parts = new ArrayList<>();
            for (TableMapMetadata.KeyPart part : metadata.primaryKey()) {
                parts.add(
                        new KeyDefinition.Part(
                                columns.get(part.column()).name(), part.prefixLength()));
            }
            keys.add(new KeyDefinition("PRIMARY", KeyDefinition.Kind.PRIMARY, parts, false));
        }
        if (previous != null) {
            for (KeyDefinition key : previous.keys()) {
                boolean stillThere =
                        key.kind() != KeyDefinition.Kind.PRIMARY
                                && key.parts().stream()
                                        .allMatch(p ->
                                                same.contains(TableDefinition.fold(p.column())));
                if (stillThere) {
                    keys.add(key);
                }
            }
        }
        Text text =
                previous == null
                        ? schemaText(name.schema())
                        : new Text(previous.charset(), previous.collation());
        return new TableDefinition(name, text.charset(), text.collation(), columns, keys);
    }

    /** Where the columns of MariaDB's own begin that hold hashes of unique keys. */
    private static int firstRowHash(List<Column> told, TableMap map) {
        int first = told.size();
        while (first > 0
                && ROW_HASH_NAME.matcher(told.get(first - 1).name()).matches()
                && map.columnType(first - 1) == WireTypes.LONGLONG) {
            first--;
        }
        return first;
    }

    /** Where MariaDB's own columns of a row's time begin, or the number of columns. */
    private static int firstRowTime(List<Column> told, int end) {
        boolean has =
                end >= 2
                        && told.get(end - 2).name().equals("row_start")
                        && told.get(end - 1).name().equals("row_end")
                        && told.get(end - 2).typeText().equals("timestamp(6)")
                        && told.get(end - 1).typeText().equals("timestamp(6)")
                        && !told.get(end - 1).nullable();
        return has ? end - 2 : told.size();
    }

    private static Column rowHash(String name) {
        return ColumnTypes.hidden(
                name, ColumnKind.BIGINT, "bigint(20) unsigned", 0, Column.Generated.VIRTUAL);
    }

    /** Only the tracked definition tells names. */
    private TableSchema byTracking(
            @Nullable Table table,
            TableMap map,
            TableMapMetadata metadata,
            long tso,
            SourcePosition place) {
        if (table == null) {
            throw new MillraceException(
                    ErrorCode.SCHEMA_MISMATCH,
                    "there are rows of "
                            + map.name()
                            + " but no definition of it is known for this position (it was"
                            + " dropped, renamed or created since); "
                            + HINT);
        }
        TableDefinition definition = table.definition;
        if (definition == null) {
            throw new MillraceException(
                    ErrorCode.DDL_UNPARSABLE,
                    "rows of "
                            + map.name()
                            + " cannot be read, because its definition is not known: "
                            + table.doubt
                            + "; "
                            + HINT);
        }
        TableDefinition fitting = withNullability(withHidden(definition, map), map);
        Optional<String> difference = fit().difference(fitting, map, metadata);
        SourcePosition until = pendingAt(table, place);
        if (until != null) {
            List<ChangesAhead.Change> between = ahead().of(table.name, place, until);
            TableDefinition alternative = table.alternative;
            if (!between.isEmpty() && alternative != null) {
                TableDefinition other = withNullability(withHidden(alternative, map), map);
                if (fit().difference(other, map, metadata).isEmpty()
                        && leadsTo(alternative, definition, between)) {
                    reached(table);
                    return adopt(table, other, tso);
                }
            }
            if (!between.isEmpty()) {
                throw changedAhead(table.name, place, until, between.getFirst());
            }
        }
        if (difference.isPresent()) {
            throw new MillraceException(
                    ErrorCode.SCHEMA_MISMATCH,
                    "rows of "
                            + map.name()
                            + " do not fit its definition"
                            + (until == null ? "" : " of " + until + ", which is later than they")
                            + ": "
                            + difference.get()
                            + "; "
                            + HINT);
        }
        if (until != null) {
            assume(table, fitting.columns().stream().map(Column::name).toList(), until, tso);
        }
        return adopt(table, fitting, tso);
    }

    /** NULL or not is in every TABLE_MAP. */
    private static TableDefinition withNullability(TableDefinition definition, TableMap map) {
        if (definition.columns().size() != map.columnCount()) {
            return definition;
        }
        boolean same = true;
        for (int i = 0; i < map.columnCount(); i++) {
            same &= definition.columns().get(i).nullable() == map.isNullable(i);
        }
        if (same) {
            return definition;
        }
        List<Column> columns = new ArrayList<>();
        for (int i = 0; i < map.columnCount(); i++) {
            columns.add(ColumnTypes.withNullable(definition.columns().get(i), map.isNullable(i)));
        }
        return new TableDefinition(
                definition.name(),
                definition.charset(),
                definition.collation(),
                columns,
                definition.keys());
    }

    private static TableDefinition withHidden(TableDefinition definition, TableMap map) {
        return map.mariaDb() ? withRowHashes(definition, map) : withGeneratedKey(definition, map);
    }

    /**
     * MariaDB keeps a hash column behind the others for each unique key over long columns; row
     * events carry it, {@code information_schema} and DDL don't show it (seen with 11.4.5).
     */
    private static TableDefinition withRowHashes(TableDefinition definition, TableMap map) {
        int more = map.columnCount() - definition.columns().size();
        long uniqueKeys =
                definition.keys().stream()
                        .filter(k -> k.kind() == KeyDefinition.Kind.UNIQUE)
                        .count();
        if (more <= 0 || more > uniqueKeys) {
            return definition;
        }
        List<Column> columns = new ArrayList<>(definition.columns());
        for (int i = 1; i <= more; i++) {
            if (map.columnType(columns.size()) != WireTypes.LONGLONG) {
                return definition;
            }
            columns.add(rowHash(DefinitionChanges.ROW_HASH + i));
        }
        return new TableDefinition(
                definition.name(),
                definition.charset(),
                definition.collation(),
                columns,
                definition.keys());
    }

    /**
     * MySQL 8.0.30 gives a table without primary key an invisible one, {@code my_row_id}, when
     * {@code sql_generate_invisible_primary_key} was on in the session; the statement in the binlog
     * doesn't show it.
     */
    private static TableDefinition withGeneratedKey(TableDefinition definition, TableMap map) {
        boolean hasPrimary =
                definition.keys().stream().anyMatch(k -> k.kind() == KeyDefinition.Kind.PRIMARY);
        if (hasPrimary
                || map.mariaDb()
                || map.columnCount() != definition.columns().size() + 1
                || map.columnType(0) != WireTypes.LONGLONG
                || map.isNullable(0)) {
            return definition;
        }
        List<Column> columns = new ArrayList<>();
        columns.add(
                ColumnTypes.withNullable(
                        ColumnTypes.hidden(
                                "my_row_id",
                                ColumnKind.BIGINT,
                                "bigint unsigned",
                                0,
                                Column.Generated.NONE),
                        false));
        columns.addAll(definition.columns());
        List<KeyDefinition> keys = new ArrayList<>();
        keys.add(
                new KeyDefinition(
                        "PRIMARY",
                        KeyDefinition.Kind.PRIMARY,
                        List.of(new KeyDefinition.Part("my_row_id", 0)),
                        false));
        keys.addAll(definition.keys());
        return new TableDefinition(
                definition.name(), definition.charset(), definition.collation(), columns, keys);
    }

    /** Makes a definition seen in the rows the current one; a new version when it differs. */
    private TableSchema adopt(Table table, TableDefinition definition, long tso) {
        if (!definition.equals(table.definition)) {
            replace(table, definition, tso);
            remember(table, tso);
        }
        return table.current().orElseThrow();
    }

    /** Sets the definition; the version stays when nothing changed that rows or sinks see. */
    private void replace(Table table, TableDefinition definition, long tso) {
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

    private void doubt(Table table, String reason) {
        table.definition = null;
        table.schema = null;
        table.doubt = reason;
        reached(table);
        table.version++;
        forgetLayouts(table);
    }

    /** A new id, or the one that the same DDL got before a restart. */
    private long tableId(long tso, TableName name) {
        return recorded(tso, name)
                .map(Document.Table::id)
                .orElseGet(() -> started().history().newTableId());
    }

    private Text schemaText(String schema) {
        ServerTraits known = traits();
        return schemas.getOrDefault(
                foldSchema(schema), new Text(known.serverCharset(), known.serverCollation()));
    }

    // ---- statements

    @Override
    public Optional<SchemaChange> onQuery(
            String sql, QueryContext context, long tso, SourcePosition after) {
        Start from = started();
        DdlStatement statement =
                DdlParser.parse(
                        sql,
                        from.mariaDb(),
                        traits().version(),
                        context.sqlMode(),
                        context.defaultSchema());
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
        Work work = new Work(sql, context, tso, after);
        work.carryOut(statement);
        work.record();
        // On the way to the first snapshot tables may seem to be missing that the job has all
        // along.
        if (!(statement instanceof DdlStatement.Irrelevant) && !work.isBeforeSnapshot()) {
            publish();
        }
        return work.changes.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new SchemaChange(
                                tso,
                                after,
                                sql,
                                context.defaultSchema(),
                                session(context),
                                work.changes));
    }

    private SessionState session(QueryContext context) {
        QueryContext.More more = context.more();
        ServerTraits known = traits();
        String zone = more.timeZone();
        if (zone.equals("SYSTEM")) {
            zone = systemZone(context.executedAt());
        }
        return new SessionState(
                context.executedAt() * 1_000_000 + more.micros(),
                zone,
                more.sqlModeGiven()
                        ? Optional.of(SqlModes.names(context.sqlMode(), known.mariaDb()))
                        : Optional.empty(),
                known.collationNames().getOrDefault(more.collationConnection(), ""),
                known.collationNames().getOrDefault(context.collationServer(), ""),
                known.collationNames()
                        .getOrDefault(more.collationUtf8mb4(), known.defaultCollation("utf8mb4")),
                Optional.of(explicitTimestamps(more)));
    }

    private boolean explicitTimestamps(QueryContext.More more) {
        ServerTraits known = traits();
        if (known.mariaDb()
                && known.version() >= SESSION_TIMESTAMP_DEFAULTS
                && more.sqlModeGiven()) {
            return (more.flags() & QueryContext.More.MARIADB_EXPLICIT_TIMESTAMPS) != 0;
        }
        return more.explicitTimestamps() < 0
                ? known.explicitTimestampDefaults()
                : more.explicitTimestamps() != 0;
    }

    /**
     * What {@code SYSTEM} was at the upstream at a time: to another server the word means another
     * zone.
     */
    private String systemZone(long epochSecond) {
        try (Connection connection = started().connections().open()) {
            return SchemaSnapshot.systemZone(connection, epochSecond);
        } catch (SQLException e) {
            throw SchemaSnapshot.failed("reading the time zone of the server", e);
        }
    }

    private static String quote(String name) {
        return "`" + name.replace("`", "``") + "`";
    }

    private static String quote(TableName name) {
        return quote(name.schema()) + "." + quote(name.table());
    }

    /** One statement being carried out. */
    private final class Work {
        final String sql;
        final QueryContext context;
        final long tso;
        final SourcePosition after;
        final List<SchemaChange.Change> changes = new ArrayList<>();
        private final Map<TableName, TableName> touched = new LinkedHashMap<>();
        private final List<Document> documents = new ArrayList<>();

        Work(String sql, QueryContext context, long tso, SourcePosition after) {
            this.sql = sql;
            this.context = context;
            this.tso = tso;
            this.after = after;
        }

        void carryOut(DdlStatement statement) {
            switch (statement) {
                case DdlStatement.Irrelevant irrelevant ->
                        LOG.debug("statement of no interest: {}", irrelevant.reason());
                case DdlStatement.CreateTable create -> createTable(create);
                case DdlStatement.CreateSequence create -> createSequence(create.name());
                case DdlStatement.DropSequences drop ->
                        drop.names().forEach(name -> remove(stored(name)));
                case DdlStatement.AlterTable alter -> alterTable(alter);
                case DdlStatement.RenameTables rename -> renameTables(rename);
                case DdlStatement.DropTables drop -> dropTables(drop);
                case DdlStatement.TruncateTable truncate -> truncateTable(truncate);
                case DdlStatement.CreateView create -> {
                    TableName name = stored(create.name());
                    if (wanted(name)) {
                        emit(DdlKind.CREATE_VIEW, name, Optional.empty(), Optional.empty());
                    }
                }
                case DdlStatement.CreateDatabase create -> createDatabase(create);
                case DdlStatement.AlterDatabase alter -> alterDatabase(alter);
                case DdlStatement.DropDatabase drop -> dropDatabase(drop);
                case DdlStatement.Unparsable unparsable -> unparsable(unparsable);
            }
        }

        private void emit(
                DdlKind kind,
                TableName name,
                Optional<TableSchema> before,
                Optional<TableSchema> afterwards) {
            emit(kind, name, Optional.empty(), before, afterwards, sql);
        }

        private void emit(
                DdlKind kind,
                TableName name,
                Optional<TableName> newName,
                Optional<TableSchema> before,
                Optional<TableSchema> afterwards,
                String query) {
            changes.add(new SchemaChange.Change(kind, name, newName, before, afterwards, query));
        }

        private void touch(TableName name) {
            touched.put(key(name), name);
        }

        /** Appends what changed, before anything can use it. */
        void record() {
            touched.forEach((key, name) -> {
                Table table = tables.get(key);
                Document document = table == null ? new Document.Dropped(name) : document(table);
                if (!document.equals(later.get(new Later(tso, key.toString())))) {
                    documents.add(document);
                }
            });
            if (!documents.isEmpty()) {
                append(tso, documents);
            }
        }

        private boolean isPending(Table table) {
            SourcePosition until = table.pendingUntil;
            return until != null && until.covers(after);
        }

        private Optional<TableSchema> currentOf(@Nullable Table table) {
            return table == null || isPending(table) ? Optional.empty() : table.current();
        }

        private void remove(TableName name) {
            if (isBeforeSnapshot() || isUnderOtherFilter()) {
                gone.add(key(name));
            }
            Table removed = tables.remove(key(name));
            if (removed != null) {
                forgetLayouts(removed);
                touch(name);
            }
        }

        private Table fresh(TableName name) {
            remove(name);
            Table table = new Table(name);
            table.id = tableId(tso, name);
            tables.put(key(name), table);
            touch(name);
            return table;
        }

        private String shortened() {
            String oneLine = sql.strip();
            return oneLine.length() > 300 ? oneLine.substring(0, 300) + "…" : oneLine;
        }

        private void createTable(DdlStatement.CreateTable create) {
            TableName name = stored(create.name());
            if (!wanted(name)) {
                return;
            }
            Table existing = tables.get(key(name));
            if (create.ifNotExists() && existing != null && !isMadeHere(existing)) {
                if (isPending(existing)) {
                    alternative(existing, create, name);
                }
                Optional<TableSchema> schema = currentOf(existing);
                emit(DdlKind.CREATE_TABLE, name, schema, schema);
                return;
            }
            Optional<TableSchema> before =
                    create.orReplace() ? currentOf(existing) : Optional.empty();
            Optional<TableDefinition> definition = Optional.empty();
            String doubt = "";
            try {
                if (create.like().isPresent()) {
                    TableName original = stored(create.like().get());
                    Table source = tables.get(key(original));
                    definition =
                            Optional.ofNullable(source == null ? null : source.definition)
                                    .filter(d ->
                                            !isPending(java.util.Objects.requireNonNull(source)))
                                    .map(d -> changes().like(d, name))
                                    .or(() -> copied(name));
                    doubt =
                            "it is a copy of "
                                    + original
                                    + ", whose definition is not known at this position, and it was"
                                    + " changed or dropped since";
                } else if (create.select()) {
                    doubt = "its columns come from a query: " + shortened();
                } else {
                    definition = Optional.of(created(create, name));
                }
                if (create.ifNotExists() && mayHaveBeenThere(name)) {
                    definition = Optional.empty();
                    doubt =
                            "it may have been there already, and have other columns than those in: "
                                    + shortened();
                }
            } catch (DefinitionChanges.Mismatch e) {
                doubt = e.getMessage() + " in: " + shortened();
            }
            Table table = fresh(name);
            if (definition.isPresent()) {
                table.definition = definition.get();
            } else {
                doubt(table, doubt);
                table.version = 1;
            }
            String query =
                    create.startTransaction()
                            .map((TextRange cut) ->
                                    sql.substring(0, cut.start()) + sql.substring(cut.end()))
                            .orElse(sql);
            emit(DdlKind.CREATE_TABLE, name, Optional.empty(), before, table.current(), query);
        }

        /**
         * The table is known from a snapshot ahead alone, and would be from before if it had been
         * there.
         */
        private boolean isMadeHere(Table existing) {
            return isPending(existing)
                    && existing.assumed == null
                    && !mayHaveBeenThere(existing.name);
        }

        /**
         * The copy of a table that is not tracked: as the server shows it, if no statement between
         * here and there changes it.
         */
        private Optional<TableDefinition> copied(TableName name) {
            Optional<TableDefinition> before =
                    recorded(tso, name)
                            .filter(d -> d.pendingUntil().isEmpty())
                            .flatMap(Document.Table::definition);
            return before.isPresent()
                    ? before
                    : lookUp(name)
                            .filter(f -> ahead().of(name, after, f.place).isEmpty())
                            .map(LookUp::definition);
        }

        /** The table may have been there, or this made it. Rows show which, unless both fit. */
        private void alternative(Table table, DdlStatement.CreateTable create, TableName name) {
            if (table.assumed != null || table.alternative != null || create.select()) {
                return;
            }
            try {
                TableDefinition made = null;
                if (create.like().isEmpty()) {
                    made = created(create, name);
                } else {
                    Table source = tables.get(key(stored(create.like().get())));
                    if (source != null && source.definition != null && !isPending(source)) {
                        made = changes().like(source.definition, name);
                    }
                }
                if (made != null) {
                    table.alternative = made;
                    touch(name);
                }
            } catch (DefinitionChanges.Mismatch e) {
                LOG.debug("CREATE TABLE IF NOT EXISTS {} not followed: {}", name, e.getMessage());
            }
        }

        private TableDefinition created(DdlStatement.CreateTable create, TableName name)
                throws DefinitionChanges.Mismatch {
            Text text = schemaText(name.schema());
            TableDefinition made = changes().create(named(create, name), text);
            Text other =
                    text.charset().equals("latin1")
                            ? new Text("utf8mb4", "utf8mb4_bin")
                            : new Text("latin1", "latin1_bin");
            if (!made.equals(changes().create(named(create, name), other))
                    && !isDefaultKnown(name.schema())) {
                throw new DefinitionChanges.Mismatch(
                        "the default character set that the database had is not known, and needed");
            }
            return made;
        }

        /** Whether the first snapshot is of a place ahead. */
        private boolean isBeforeSnapshot() {
            SourcePosition first = knownFrom;
            return first != null && first.covers(after);
        }

        private boolean isDefaultKnown(String schema) {
            SourcePosition first = knownFrom;
            String key = foldSchema(schema);
            if (first == null || !isBeforeSnapshot()) {
                return true;
            }
            return schemas.containsKey(key)
                    && (!pendingSchemas.contains(key)
                            || ahead().ofDefaults(key, after, first).isEmpty());
        }

        /**
         * Whether a table that is not tracked may be there nevertheless. An earlier run may have
         * known better, having been in the stream before.
         */
        private boolean mayHaveBeenThere(TableName name) {
            boolean wasMadeBefore =
                    recorded(tso, name)
                            .filter(d -> d.pendingUntil().isEmpty() && d.definition().isPresent())
                            .isPresent();
            if (wasMadeBefore || gone.contains(key(name))) {
                return false;
            }
            String key = foldSchema(name.schema());
            return isUnderOtherFilter()
                    || isBeforeSnapshot()
                            && (pendingSchemas.contains(key) || !schemas.containsKey(key));
        }

        /** Whether tables that the job wants now may not have been wanted before this place. */
        private boolean isUnderOtherFilter() {
            SourcePosition until = otherFilterUntil;
            return until != null && until.covers(after);
        }

        private DdlStatement.CreateTable named(DdlStatement.CreateTable c, TableName name) {
            return new DdlStatement.CreateTable(
                    name,
                    c.orReplace(),
                    c.ifNotExists(),
                    c.like(),
                    c.select(),
                    c.columns(),
                    c.indexes(),
                    c.options(),
                    c.systemVersioned(),
                    c.startTransaction());
        }

        private void createSequence(TableName given) {
            TableName name = stored(given);
            if (wanted(name)) {
                remove(name);
                Table table = new Table(name);
                table.sequence = true;
                tables.put(key(name), table);
                touch(name);
            }
        }

        private void alterTable(DdlStatement.AlterTable alter) {
            TableName name = stored(alter.name());
            Optional<TableName> newName =
                    alter.actions().stream()
                            .filter(AlterAction.RenameTo.class::isInstance)
                            .map(a -> stored(((AlterAction.RenameTo) a).newName()))
                            .reduce((first, last) -> last)
                            .filter(n -> !n.equals(name));
            Table table = tables.get(key(name));
            if (table != null && table.sequence) {
                return;
            }
            Optional<TableSchema> before = currentOf(table);
            if (table != null) {
                apply(table, alter);
            }
            for (AlterAction action : alter.actions()) {
                if (action instanceof AlterAction.PartitionToTable(TableName made)) {
                    copy(table, name, stored(made));
                } else if (action instanceof AlterAction.TableToPartition(TableName gone)) {
                    remove(stored(gone));
                }
            }
            if (newName.isPresent()) {
                move(name, newName.get());
            }
            TableName nameNow = newName.orElse(name);
            if (wanted(name) || newName.isPresent() && wanted(newName.get())) {
                emit(
                        kind(alter.actions()),
                        name,
                        newName,
                        before,
                        currentOf(tables.get(key(nameNow))),
                        query(alter, name));
            }
        }

        /**
         * Consumers of messages know the database of the changed table only, and would look for the
         * exchanged table there: with names in full it is the one that was meant.
         */
        private String query(DdlStatement.AlterTable alter, TableName name) {
            if (alter.actions().size() == 1
                    && alter.actions().getFirst()
                            instanceof
                            AlterAction.ExchangePartition(
                                    String partition,
                                    TableName table,
                                    String validation)) {
                return "ALTER TABLE "
                        + quote(name)
                        + " EXCHANGE PARTITION "
                        + quote(partition)
                        + " WITH TABLE "
                        + quote(stored(table))
                        + (validation.isEmpty() ? "" : " " + validation);
            }
            return sql;
        }

        /** A partition becomes a table. */
        private void copy(@Nullable Table source, TableName original, TableName name) {
            if (!wanted(name)) {
                return;
            }
            TableDefinition definition =
                    source == null || isPending(source) ? null : source.definition;
            Table made = fresh(name);
            if (definition != null) {
                made.definition = changes().like(definition, name);
            } else {
                doubt(
                        made,
                        "it was a partition of "
                                + original
                                + ", whose definition is not known at this position");
                made.version = 1;
            }
        }

        private DdlKind kind(List<AlterAction> actions) {
            List<DdlKind> kinds = new ArrayList<>();
            for (AlterAction action : actions) {
                kinds.add(action.kind());
            }
            if (kinds.isEmpty()) {
                return DdlKind.ALTER_TABLE;
            }
            return kinds.size() == 1 ? kinds.getFirst() : DdlKind.MULTI_SCHEMA_CHANGE;
        }

        private void apply(Table table, DdlStatement.AlterTable alter) {
            boolean layoutChanges =
                    alter.actions().stream().anyMatch(ChangesAhead::changesDefinition);
            if (isPending(table)) {
                if (layoutChanges) {
                    refuseIfAssumed(table);
                }
                TableDefinition alternative = table.alternative;
                if (alternative != null) {
                    try {
                        table.alternative = changes().alter(alternative, alter.actions());
                    } catch (DefinitionChanges.Mismatch e) {
                        // So the table was there already, and is the pending one.
                        table.alternative = null;
                    }
                    touch(table.name);
                }
                return;
            }
            if (touchesAssumed(table, alter.actions())) {
                refuseIfAssumed(table);
            }
            TableDefinition definition = table.definition;
            if (definition == null) {
                return;
            }
            boolean wasPending = table.pendingUntil != null;
            reached(table);
            try {
                TableDefinition changed = changes().alter(definition, alter.actions());
                if (!changed.equals(definition) || wasPending) {
                    replace(table, changed, tso);
                    touch(table.name);
                }
            } catch (DefinitionChanges.Mismatch e) {
                doubt(table, e.getMessage() + " in: " + shortened());
                touch(table.name);
            }
        }

        /** Whether rows were read by a definition of a place that is still ahead. */
        private boolean isAssumed(Table table) {
            Document.Assumed assumed = table.assumed;
            return assumed != null && BinlogPosition.decode(assumed.until()).covers(after);
        }

        private void refuseIfAssumed(Table table) {
            Document.Assumed assumed = table.assumed;
            if (assumed != null && isAssumed(table)) {
                throw new MillraceException(
                        ErrorCode.SCHEMA_MISMATCH,
                        "rows of "
                                + table.name
                                + " were read by its definition of "
                                + BinlogPosition.decode(assumed.until())
                                + ", but it was changed before that, by: "
                                + shortened()
                                + "; rows already delivered may carry wrong columns; "
                                + HINT);
            }
        }

        private boolean touchesAssumed(Table table, List<AlterAction> actions) {
            Document.Assumed assumed = table.assumed;
            return assumed != null && touches(actions, assumed.columns());
        }

        private void move(TableName from, TableName to) {
            if (key(from).equals(key(to))) {
                Table table = tables.get(key(from));
                if (table != null && table.definition != null) {
                    replace(table, table.definition.named(to), tso);
                    touch(to);
                }
                return;
            }
            Table moving = tables.get(key(from));
            boolean guess = moving != null && isPending(moving);
            if (moving != null && guess) {
                refuseIfAssumed(moving);
            }
            remove(from);
            Table target = tables.get(key(to));
            if (!wanted(to)) {
                remove(to);
                return;
            }
            if (moving == null || guess) {
                // What is moved isn't known here. A snapshot taken later may hold the target.
                if (target == null || !isPending(target)) {
                    Table table = fresh(to);
                    doubt(table, "it was renamed from " + from + ", which was not tracked");
                    table.version = 1;
                }
                return;
            }
            remove(to);
            moving.name = to;
            tables.put(key(to), moving);
            if (moving.definition != null) {
                replace(moving, moving.definition.named(to), tso);
            }
            touch(to);
        }

        private void renameTables(DdlStatement.RenameTables rename) {
            boolean several = rename.renames().size() > 1;
            for (DdlStatement.RenameTables.Rename one : rename.renames()) {
                TableName from = stored(one.from());
                TableName to = stored(one.to());
                boolean relevant = wanted(from) || wanted(to);
                // Consumers of messages take bare names as tables of the new name's database.
                boolean inFull = several || !context.defaultSchema().equalsIgnoreCase(to.schema());
                if (rename.ifExists() && !tables.containsKey(key(from))) {
                    Table target = tables.get(key(to));
                    if (wanted(from) || target != null && !isPending(target)) {
                        // There was nothing to rename.
                        continue;
                    }
                }
                Optional<TableSchema> before = currentOf(tables.get(key(from)));
                move(from, to);
                if (relevant) {
                    emit(
                            DdlKind.RENAME_TABLE,
                            from,
                            Optional.of(to),
                            before,
                            currentOf(tables.get(key(to))),
                            inFull ? "RENAME TABLE " + quote(from) + " TO " + quote(to) : sql);
                }
            }
        }

        private void dropTables(DdlStatement.DropTables drop) {
            boolean split = drop.names().size() > 1;
            for (TableName given : drop.names()) {
                TableName name = stored(given);
                if (!wanted(name)) {
                    continue;
                }
                Table table = tables.get(key(name));
                if (table != null && table.sequence) {
                    remove(name);
                    continue;
                }
                Optional<TableSchema> before = currentOf(table);
                if (!drop.views()) {
                    if (table != null && isPending(table)) {
                        refuseIfAssumed(table);
                    }
                    remove(name);
                }
                String query =
                        "DROP "
                                + (drop.views() ? "VIEW " : "TABLE ")
                                + (drop.ifExists() ? "IF EXISTS " : "")
                                + quote(name);
                emit(
                        drop.views() ? DdlKind.DROP_VIEW : DdlKind.DROP_TABLE,
                        name,
                        Optional.empty(),
                        before,
                        Optional.empty(),
                        split ? query : sql);
            }
        }

        private void truncateTable(DdlStatement.TruncateTable truncate) {
            TableName name = stored(truncate.name());
            if (!wanted(name)) {
                return;
            }
            Table table = tables.get(key(name));
            Optional<TableSchema> before = currentOf(table);
            if (table != null && !table.sequence) {
                table.id = tableId(tso, name);
                table.version = 1;
                table.schema = null;
                forgetLayouts(table);
                touch(name);
            }
            emit(DdlKind.TRUNCATE_TABLE, name, before, currentOf(table));
        }

        private void createDatabase(DdlStatement.CreateDatabase create) {
            String name =
                    traits().lowerCaseTableNames() == 1
                            ? TableDefinition.fold(create.name())
                            : create.name();
            String key = foldSchema(name);
            if (create.orReplace() || !create.ifNotExists()) {
                // The database is empty now: what a younger snapshot shows in it comes later.
                dropTablesOf(key);
            }
            boolean known =
                    !isBeforeSnapshot()
                            || schemas.containsKey(key)
                            || gone.contains(new TableName(key, ""));
            if (!create.ifNotExists() || !schemas.containsKey(key) && known) {
                pendingSchemas.remove(key);
                ServerTraits traits = traits();
                String collation =
                        traits.collationNames()
                                .getOrDefault(context.collationServer(), traits.serverCollation());
                Text inherited =
                        new Text(traits.charsetOf(collation, traits.serverCharset()), collation);
                setSchema(name, changes().text(create.charset(), create.collation(), inherited));
            }
            if (started().filter().matchesSchema(name)) {
                emit(
                        DdlKind.CREATE_SCHEMA,
                        new TableName(name, ""),
                        Optional.empty(),
                        Optional.empty());
            }
        }

        private void setSchema(String name, Text text) {
            schemas.put(foldSchema(name), text);
            documents.add(schemaDocument(name, text));
        }

        private void alterDatabase(DdlStatement.AlterDatabase alter) {
            Text text = schemaText(alter.name());
            setSchema(alter.name(), changes().text(alter.charset(), alter.collation(), text));
            if (started().filter().matchesSchema(alter.name())) {
                emit(
                        DdlKind.SCHEMA_CHARSET,
                        new TableName(alter.name(), ""),
                        Optional.empty(),
                        Optional.empty());
            }
        }

        private void dropTablesOf(String schemaKey) {
            tables.keySet().removeIf(k -> k.schema().equals(schemaKey));
            java.util.Arrays.fill(slotMaps, null);
        }

        private void dropDatabase(DdlStatement.DropDatabase drop) {
            String key = foldSchema(drop.name());
            tables.values().stream()
                    .filter(t -> key(t.name).schema().equals(key) && isPending(t))
                    .forEach(this::refuseIfAssumed);
            dropTablesOf(key);
            schemas.remove(key);
            pendingSchemas.remove(key);
            if (isBeforeSnapshot()) {
                gone.add(new TableName(key, ""));
            }
            documents.add(new Document.SchemaDropped(drop.name()));
            if (started().filter().matchesSchema(drop.name())) {
                emit(
                        DdlKind.DROP_SCHEMA,
                        new TableName(drop.name(), ""),
                        Optional.empty(),
                        Optional.empty());
            }
        }

        /**
         * The statement goes to the sinks as it is; the table is parked until it is known again.
         */
        private void unparsable(DdlStatement.Unparsable unparsable) {
            if (unparsable.name().isEmpty()) {
                throw new MillraceException(
                        ErrorCode.DDL_UNPARSABLE,
                        "a DDL statement at "
                                + after
                                + " is not understood, nor which table it changes ("
                                + unparsable.reason()
                                + "): "
                                + shortened());
            }
            TableName name = stored(unparsable.name().get());
            if (!wanted(name)) {
                return;
            }
            LOG.warn(
                    "DDL not understood job={} table={} position={} reason={} statement={}",
                    started().jobId(),
                    name,
                    after,
                    unparsable.reason(),
                    shortened());
            Table existing = tables.get(key(name));
            Optional<TableSchema> before = currentOf(existing);
            if (existing != null && isPending(existing)) {
                refuseIfAssumed(existing);
            }
            if (existing == null || !isPending(existing)) {
                Table table = existing == null ? fresh(name) : existing;
                doubt(table, unparsable.reason() + " in: " + shortened());
                touch(name);
            }
            emit(unparsable.kind(), name, before, Optional.empty());
        }
    }
}
