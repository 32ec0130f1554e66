package io.millrace.mysql.schema;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.schema.DdlStatement.AlterAction;
import io.millrace.mysql.schema.DdlStatement.TextRange;
import io.millrace.mysql.schema.DefinitionChanges.Text;
import io.millrace.mysql.schema.HistoryDocuments.Document;
import io.millrace.mysql.wire.QueryContext;
import io.millrace.mysql.wire.TableVersions.Start;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One DDL statement of the stream being carried out on what is known. */
final class DdlWork {
    private static final Logger LOG = LoggerFactory.getLogger(DdlWork.class);

    private final Start start;
    private final ServerTraits traits;
    private final TrackedTables tables;
    private final UpstreamDefinitions upstream;
    private final ChangesAhead ahead;
    private final DefinitionChanges definitions;
    private final String sql;
    private final QueryContext context;
    private final long tso;
    private final SourcePosition after;
    private final List<SchemaChange.Change> changes = new ArrayList<>();
    private final Map<TableName, TableName> touched = new LinkedHashMap<>();
    private final List<Document> documents = new ArrayList<>();

    DdlWork(
            Start start,
            ServerTraits traits,
            TrackedTables tables,
            UpstreamDefinitions upstream,
            ChangesAhead ahead,
            String sql,
            QueryContext context,
            long tso,
            SourcePosition after) {
        this.start = start;
        this.traits = traits;
        this.tables = tables;
        this.upstream = upstream;
        this.ahead = ahead;
        this.definitions = new DefinitionChanges(traits);
        this.sql = sql;
        this.context = context;
        this.tso = tso;
        this.after = after;
    }

    /** What the job wants of it. */
    List<SchemaChange.Change> changes() {
        return changes;
    }

    void carryOut(DdlStatement statement) {
        switch (statement) {
            case DdlStatement.Irrelevant irrelevant ->
                    LOG.debug("statement of no interest: {}", irrelevant.reason());
            case DdlStatement.CreateTable create -> createTable(create);
            case DdlStatement.CreateSequence create -> createSequence(create.name());
            case DdlStatement.DropSequences drop ->
                    drop.names().forEach(name -> remove(tables.stored(name)));
            case DdlStatement.AlterTable alter -> alterTable(alter);
            case DdlStatement.RenameTables rename -> renameTables(rename);
            case DdlStatement.DropTables drop -> dropTables(drop);
            case DdlStatement.TruncateTable truncate -> truncateTable(truncate);
            case DdlStatement.CreateView create -> {
                TableName name = tables.stored(create.name());
                if (tables.wanted(name)) {
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
        touched.put(tables.key(name), name);
    }

    /** Appends what changed, before anything can use it. */
    void record() {
        touched.values().forEach(name -> tables.unrecorded(name, tso).ifPresent(documents::add));
        if (!documents.isEmpty()) {
            tables.append(tso, documents);
        }
    }

    private Optional<TableSchema> currentOf(@Nullable TrackedTable table) {
        return table == null || table.isPendingAfter(after) ? Optional.empty() : table.current();
    }

    private void remove(TableName name) {
        if (tables.remove(name, after)) {
            touch(name);
        }
    }

    private TrackedTable fresh(TableName name) {
        remove(name);
        TrackedTable table = tables.putNew(name, tso);
        touch(name);
        return table;
    }

    private String shortened() {
        String oneLine = sql.strip();
        return oneLine.length() > 300 ? oneLine.substring(0, 300) + "…" : oneLine;
    }

    private void createTable(DdlStatement.CreateTable create) {
        TableName name = tables.stored(create.name());
        if (!tables.wanted(name)) {
            return;
        }
        TrackedTable existing = tables.get(name);
        if (create.ifNotExists() && existing != null && !isMadeHere(existing)) {
            if (existing.isPendingAfter(after)) {
                alternative(existing, create, name);
            }
            Optional<TableSchema> schema = currentOf(existing);
            emit(DdlKind.CREATE_TABLE, name, schema, schema);
            return;
        }
        Optional<TableSchema> before = create.orReplace() ? currentOf(existing) : Optional.empty();
        Optional<TableDefinition> definition = Optional.empty();
        String doubt = "";
        try {
            if (create.like().isPresent()) {
                TableName original = tables.stored(create.like().get());
                TrackedTable source = tables.get(original);
                definition =
                        Optional.ofNullable(source == null ? null : source.definition)
                                .filter(d -> !Objects.requireNonNull(source).isPendingAfter(after))
                                .map(d -> definitions.like(d, name))
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
        TrackedTable table = fresh(name);
        if (definition.isPresent()) {
            table.definition = definition.get();
        } else {
            tables.doubt(table, doubt);
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
    private boolean isMadeHere(TrackedTable existing) {
        return existing.isPendingAfter(after)
                && existing.assumed == null
                && !mayHaveBeenThere(existing.name);
    }

    /**
     * The copy of a table that is not tracked: as the server shows it, if no statement between here
     * and there changes it.
     */
    private Optional<TableDefinition> copied(TableName name) {
        Optional<TableDefinition> before =
                tables.recorded(tso, name)
                        .filter(d -> d.pendingUntil().isEmpty())
                        .flatMap(Document.Table::definition);
        return before.isPresent()
                ? before
                : upstream.lookUp(name)
                        .filter(f -> ahead.of(name, after, f.place()).isEmpty())
                        .map(UpstreamDefinitions.Found::definition);
    }

    /** The table may have been there, or this made it. Rows show which, unless both fit. */
    private void alternative(TrackedTable table, DdlStatement.CreateTable create, TableName name) {
        if (table.assumed != null || table.alternative != null || create.select()) {
            return;
        }
        try {
            TableDefinition made = null;
            if (create.like().isEmpty()) {
                made = created(create, name);
            } else {
                TrackedTable source = tables.get(tables.stored(create.like().get()));
                if (source != null && source.definition != null && !source.isPendingAfter(after)) {
                    made = definitions.like(source.definition, name);
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
        Text text = tables.schemaText(name.schema());
        TableDefinition made = definitions.create(named(create, name), text);
        Text other =
                text.charset().equals("latin1")
                        ? new Text("utf8mb4", "utf8mb4_bin")
                        : new Text("latin1", "latin1_bin");
        if (!made.equals(definitions.create(named(create, name), other))
                && !isDefaultKnown(name.schema())) {
            throw new DefinitionChanges.Mismatch(
                    "the default character set that the database had is not known, and needed");
        }
        return made;
    }

    private boolean isDefaultKnown(String schema) {
        SourcePosition first = tables.snapshotAheadOf(after);
        if (first == null) {
            return true;
        }
        String key = tables.foldSchema(schema);
        return tables.hasSchema(key)
                && (!tables.isPendingSchema(key) || ahead.ofDefaults(key, after, first).isEmpty());
    }

    /**
     * Whether a table that is not tracked may be there nevertheless. An earlier run may have known
     * better, having been in the stream before.
     */
    private boolean mayHaveBeenThere(TableName name) {
        boolean wasMadeBefore =
                tables.recorded(tso, name)
                        .filter(d -> d.pendingUntil().isEmpty() && d.definition().isPresent())
                        .isPresent();
        if (wasMadeBefore || tables.isGone(tables.key(name))) {
            return false;
        }
        String key = tables.foldSchema(name.schema());
        return tables.isUnderOtherFilter(after)
                || tables.isBeforeSnapshot(after)
                        && (tables.isPendingSchema(key) || !tables.hasSchema(key));
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
        TableName name = tables.stored(given);
        if (tables.wanted(name)) {
            remove(name);
            tables.put(TrackedTable.sequence(name));
            touch(name);
        }
    }

    private void alterTable(DdlStatement.AlterTable alter) {
        TableName name = tables.stored(alter.name());
        Optional<TableName> newName =
                alter.actions().stream()
                        .filter(AlterAction.RenameTo.class::isInstance)
                        .map(a -> tables.stored(((AlterAction.RenameTo) a).newName()))
                        .reduce((first, last) -> last)
                        .filter(n -> !n.equals(name));
        TrackedTable table = tables.get(name);
        if (table != null && table.sequence) {
            return;
        }
        Optional<TableSchema> before = currentOf(table);
        if (table != null) {
            apply(table, alter);
        }
        for (AlterAction action : alter.actions()) {
            if (action instanceof AlterAction.PartitionToTable(TableName made)) {
                copy(table, name, tables.stored(made));
            } else if (action instanceof AlterAction.TableToPartition(TableName gone)) {
                remove(tables.stored(gone));
            }
        }
        if (newName.isPresent()) {
            move(name, newName.get());
        }
        TableName nameNow = newName.orElse(name);
        if (tables.wanted(name) || newName.isPresent() && tables.wanted(newName.get())) {
            emit(
                    kind(alter.actions()),
                    name,
                    newName,
                    before,
                    currentOf(tables.get(nameNow)),
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
                    + quote(tables.stored(table))
                    + (validation.isEmpty() ? "" : " " + validation);
        }
        return sql;
    }

    /** A partition becomes a table. */
    private void copy(@Nullable TrackedTable source, TableName original, TableName name) {
        if (!tables.wanted(name)) {
            return;
        }
        TableDefinition definition =
                source == null || source.isPendingAfter(after) ? null : source.definition;
        TrackedTable made = fresh(name);
        if (definition != null) {
            made.definition = definitions.like(definition, name);
        } else {
            tables.doubt(
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

    private void apply(TrackedTable table, DdlStatement.AlterTable alter) {
        boolean layoutChanges = alter.actions().stream().anyMatch(ChangesAhead::changesDefinition);
        if (table.isPendingAfter(after)) {
            if (layoutChanges) {
                refuseIfAssumed(table);
            }
            TableDefinition alternative = table.alternative;
            if (alternative != null) {
                try {
                    table.alternative = definitions.alter(alternative, alter.actions());
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
        table.reached();
        try {
            TableDefinition changed = definitions.alter(definition, alter.actions());
            if (!changed.equals(definition) || wasPending) {
                tables.replace(table, changed, tso);
                touch(table.name);
            }
        } catch (DefinitionChanges.Mismatch e) {
            tables.doubt(table, e.getMessage() + " in: " + shortened());
            touch(table.name);
        }
    }

    /** Whether rows were read by a definition of a place that is still ahead. */
    private boolean isAssumed(TrackedTable table) {
        Document.Assumed assumed = table.assumed;
        return assumed != null && BinlogPosition.decode(assumed.until()).covers(after);
    }

    private void refuseIfAssumed(TrackedTable table) {
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
                            + SchemaTracker.HINT);
        }
    }

    private boolean touchesAssumed(TrackedTable table, List<AlterAction> actions) {
        Document.Assumed assumed = table.assumed;
        return assumed != null && ChangesAhead.touches(actions, assumed.columns());
    }

    private void move(TableName from, TableName to) {
        if (tables.key(from).equals(tables.key(to))) {
            TrackedTable table = tables.get(from);
            if (table != null && table.definition != null) {
                tables.replace(table, table.definition.named(to), tso);
                touch(to);
            }
            return;
        }
        TrackedTable moving = tables.get(from);
        boolean guess = moving != null && moving.isPendingAfter(after);
        if (moving != null && guess) {
            refuseIfAssumed(moving);
        }
        remove(from);
        TrackedTable target = tables.get(to);
        if (!tables.wanted(to)) {
            remove(to);
            return;
        }
        if (moving == null || guess) {
            // What is moved isn't known here. A snapshot taken later may hold the target.
            if (target == null || !target.isPendingAfter(after)) {
                TrackedTable table = fresh(to);
                tables.doubt(table, "it was renamed from " + from + ", which was not tracked");
                table.version = 1;
            }
            return;
        }
        remove(to);
        moving.name = to;
        tables.put(moving);
        if (moving.definition != null) {
            tables.replace(moving, moving.definition.named(to), tso);
        }
        touch(to);
    }

    private void renameTables(DdlStatement.RenameTables rename) {
        boolean several = rename.renames().size() > 1;
        for (DdlStatement.RenameTables.Rename one : rename.renames()) {
            TableName from = tables.stored(one.from());
            TableName to = tables.stored(one.to());
            boolean relevant = tables.wanted(from) || tables.wanted(to);
            // Consumers of messages take bare names as tables of the new name's database.
            boolean inFull = several || !context.defaultSchema().equalsIgnoreCase(to.schema());
            if (rename.ifExists() && tables.get(from) == null) {
                TrackedTable target = tables.get(to);
                if (tables.wanted(from) || target != null && !target.isPendingAfter(after)) {
                    // There was nothing to rename.
                    continue;
                }
            }
            Optional<TableSchema> before = currentOf(tables.get(from));
            move(from, to);
            if (relevant) {
                emit(
                        DdlKind.RENAME_TABLE,
                        from,
                        Optional.of(to),
                        before,
                        currentOf(tables.get(to)),
                        inFull ? "RENAME TABLE " + quote(from) + " TO " + quote(to) : sql);
            }
        }
    }

    private void dropTables(DdlStatement.DropTables drop) {
        boolean split = drop.names().size() > 1;
        for (TableName given : drop.names()) {
            TableName name = tables.stored(given);
            if (!tables.wanted(name)) {
                continue;
            }
            TrackedTable table = tables.get(name);
            if (table != null && table.sequence) {
                remove(name);
                continue;
            }
            Optional<TableSchema> before = currentOf(table);
            if (!drop.views()) {
                if (table != null && table.isPendingAfter(after)) {
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
        TableName name = tables.stored(truncate.name());
        if (!tables.wanted(name)) {
            return;
        }
        TrackedTable table = tables.get(name);
        Optional<TableSchema> before = currentOf(table);
        if (table != null && !table.sequence) {
            table.id = tables.newId(tso, name);
            table.version = 1;
            table.schema = null;
            tables.forgetLayouts(table);
            touch(name);
        }
        emit(DdlKind.TRUNCATE_TABLE, name, before, currentOf(table));
    }

    private void createDatabase(DdlStatement.CreateDatabase create) {
        String name =
                traits.lowerCaseTableNames() == 1
                        ? TableDefinition.fold(create.name())
                        : create.name();
        String key = tables.foldSchema(name);
        if (create.orReplace() || !create.ifNotExists()) {
            // The database is empty now: what a younger snapshot shows in it comes later.
            tables.removeAllOf(key);
        }
        boolean known =
                !tables.isBeforeSnapshot(after)
                        || tables.hasSchema(key)
                        || tables.isGone(new TableName(key, ""));
        if (!create.ifNotExists() || !tables.hasSchema(key) && known) {
            tables.schemaReached(key);
            String collation =
                    traits.collationNames()
                            .getOrDefault(context.collationServer(), traits.serverCollation());
            Text inherited =
                    new Text(traits.charsetOf(collation, traits.serverCharset()), collation);
            documents.add(
                    tables.putSchema(
                            name,
                            definitions.text(create.charset(), create.collation(), inherited)));
        }
        if (start.filter().matchesSchema(name)) {
            emit(
                    DdlKind.CREATE_SCHEMA,
                    new TableName(name, ""),
                    Optional.empty(),
                    Optional.empty());
        }
    }

    private void alterDatabase(DdlStatement.AlterDatabase alter) {
        Text text = tables.schemaText(alter.name());
        documents.add(
                tables.putSchema(
                        alter.name(), definitions.text(alter.charset(), alter.collation(), text)));
        if (start.filter().matchesSchema(alter.name())) {
            emit(
                    DdlKind.SCHEMA_CHARSET,
                    new TableName(alter.name(), ""),
                    Optional.empty(),
                    Optional.empty());
        }
    }

    private void dropDatabase(DdlStatement.DropDatabase drop) {
        String key = tables.foldSchema(drop.name());
        tables.all().stream()
                .filter(t -> tables.key(t.name).schema().equals(key) && t.isPendingAfter(after))
                .forEach(this::refuseIfAssumed);
        tables.removeSchema(key, after);
        documents.add(new Document.SchemaDropped(drop.name()));
        if (start.filter().matchesSchema(drop.name())) {
            emit(
                    DdlKind.DROP_SCHEMA,
                    new TableName(drop.name(), ""),
                    Optional.empty(),
                    Optional.empty());
        }
    }

    /** The statement goes to the sinks as it is; the table is parked until it is known again. */
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
        TableName name = tables.stored(unparsable.name().get());
        if (!tables.wanted(name)) {
            return;
        }
        LOG.warn(
                "DDL not understood job={} table={} position={} reason={} statement={}",
                start.jobId(),
                name,
                after,
                unparsable.reason(),
                shortened());
        TrackedTable existing = tables.get(name);
        Optional<TableSchema> before = currentOf(existing);
        if (existing != null && existing.isPendingAfter(after)) {
            refuseIfAssumed(existing);
        }
        if (existing == null || !existing.isPendingAfter(after)) {
            TrackedTable table = existing == null ? fresh(name) : existing;
            tables.doubt(table, unparsable.reason() + " in: " + shortened());
            touch(name);
        }
        emit(unparsable.kind(), name, before, Optional.empty());
    }

    private static String quote(String name) {
        return "`" + name.replace("`", "``") + "`";
    }

    private static String quote(TableName name) {
        return quote(name.schema()) + "." + quote(name.table());
    }
}
