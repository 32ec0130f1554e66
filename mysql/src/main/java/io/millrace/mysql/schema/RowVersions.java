package io.millrace.mysql.schema;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.row.TableMapMetadata;
import io.millrace.mysql.schema.DdlStatement.AlterAction;
import io.millrace.mysql.schema.HistoryDocuments.Document;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.TableVersions.Start;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the version that rows behind a TABLE_MAP have: by what the event tells, else by what is
 * tracked. A definition of a place ahead serves only if no DDL between changes what is taken of it.
 */
final class RowVersions {
    private static final Logger LOG = LoggerFactory.getLogger(RowVersions.class);

    private final Start start;
    private final TrackedTables tables;
    private final UpstreamDefinitions upstream;
    private final ChangesAhead ahead;
    private final MapDefinitions definitions;
    private final DefinitionChanges changes;

    RowVersions(
            Start start,
            ServerTraits traits,
            TrackedTables tables,
            UpstreamDefinitions upstream,
            ChangesAhead ahead) {
        this.start = start;
        this.tables = tables;
        this.upstream = upstream;
        this.ahead = ahead;
        this.definitions = new MapDefinitions(new WireFit(traits));
        this.changes = new DefinitionChanges(traits);
    }

    TableSchema resolve(TableMap map, long tso, SourcePosition place) {
        TrackedTable table = tables.get(map.name());
        if (table != null) {
            Optional<TableSchema> seen = table.versionOf(map);
            if (seen.isPresent()) {
                return seen.get();
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
        TrackedTable now = tables.get(map.name());
        if (now != null) {
            now.rememberLayout(map, schema);
        }
        return schema;
    }

    /** The event tells all that rows need; the tracked definition adds the rest. */
    private TableSchema byMetadata(
            @Nullable TrackedTable known,
            TableMap map,
            TableMapMetadata metadata,
            long tso,
            SourcePosition place) {
        if (known != null && known.definition != null) {
            TableDefinition fitting = MapDefinitions.seenIn(map, known.definition);
            if (definitions.difference(fitting, map, metadata).isEmpty()) {
                // Fits by name and type, so it also is the definition at this place.
                SourcePosition until = known.pendingAt(place);
                if (until != null) {
                    List<String> open = definitions.ambiguous(map, metadata, names -> true);
                    refuseIfChanged(known.name, open, place, until);
                    known.reached();
                    assume(known, open, until, tso);
                }
                known.reached();
                return adopt(known, fitting, tso);
            }
        }
        TrackedTable table = known == null ? tables.putNew(tables.stored(map.name()), tso) : known;
        TableDefinition previous = table.definition;
        if (previous != null) {
            LOG.warn(
                    "table definition taken from row metadata job={} table={} because={}",
                    start.jobId(),
                    map.name(),
                    definitions.difference(previous, map, metadata).orElse("nullability differs"));
        }
        SourcePosition until = table.pendingAt(place);
        table.reached();
        Set<String> open =
                previous == null ? Set.of() : definitions.unlike(previous, map, metadata);
        Optional<UpstreamDefinitions.Found> found =
                previous == null || !definitions.ambiguous(map, metadata, open::contains).isEmpty()
                        ? upstream.lookUp(table.name)
                        : Optional.empty();
        Optional<TableDefinition> whole =
                found.map(f -> MapDefinitions.seenIn(map, f.definition()))
                        .filter(f -> definitions.difference(f, map, metadata).isEmpty());
        TableDefinition taken =
                whole.orElseGet(() ->
                        definitions.fromMetadata(
                                map,
                                metadata,
                                previous,
                                found.map(UpstreamDefinitions.Found::definition),
                                tables.schemaText(map.name().schema())));
        List<String> guessed =
                definitions.ambiguous(
                        map,
                        metadata,
                        c -> previous == null || whole.isPresent() || open.contains(c));
        found.ifPresent(f -> {
            refuseIfChanged(table.name, guessed, place, f.place());
            assume(table, guessed, f.place(), tso);
        });
        if (until != null) {
            List<String> others = definitions.ambiguous(map, metadata, c -> !guessed.contains(c));
            refuseIfChanged(table.name, others, place, until);
            assume(table, others, until, tso);
        }
        return adopt(table, taken.named(table.name), tso);
    }

    /** Only the tracked definition tells names. */
    private TableSchema byTracking(
            @Nullable TrackedTable table,
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
                            + SchemaTracker.HINT);
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
                            + SchemaTracker.HINT);
        }
        TableDefinition fitting = MapDefinitions.seenIn(map, definition);
        Optional<String> difference = definitions.difference(fitting, map, metadata);
        SourcePosition until = table.pendingAt(place);
        if (until != null) {
            List<ChangesAhead.Change> between = ahead.of(table.name, place, until);
            TableDefinition alternative = table.alternative;
            if (!between.isEmpty() && alternative != null) {
                TableDefinition other = MapDefinitions.seenIn(map, alternative);
                if (definitions.difference(other, map, metadata).isEmpty()
                        && leadsTo(alternative, definition, between)) {
                    table.reached();
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
                            + SchemaTracker.HINT);
        }
        if (until != null) {
            assume(table, fitting.columns().stream().map(Column::name).toList(), until, tso);
        }
        return adopt(table, fitting, tso);
    }

    /** Refuses columns that a later definition tells, when DDL changes them before it. */
    private void refuseIfChanged(
            TableName name, List<String> columns, SourcePosition place, SourcePosition until) {
        if (columns.isEmpty()) {
            return;
        }
        for (ChangesAhead.Change change : ahead.of(name, place, until)) {
            if (change.actions().map(a -> ChangesAhead.touches(a, columns)).orElse(true)) {
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
                        + SchemaTracker.HINT);
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
                now = changes.alter(now, change.actions().get());
            } catch (DefinitionChanges.Mismatch e) {
                return false;
            }
        }
        return now.columns().equals(to.columns());
    }

    /** Rows are read with these columns, which a definition of a later place has told. */
    private void assume(TrackedTable table, List<String> columns, SourcePosition until, long tso) {
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
            tables.remember(table, tso);
        }
    }

    /** Makes a definition seen in the rows the current one; a new version when it differs. */
    private TableSchema adopt(TrackedTable table, TableDefinition definition, long tso) {
        if (!definition.equals(table.definition)) {
            tables.replace(table, definition, tso);
            tables.remember(table, tso);
        }
        return table.current().orElseThrow();
    }
}
