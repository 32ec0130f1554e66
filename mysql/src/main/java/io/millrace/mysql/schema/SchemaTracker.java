package io.millrace.mysql.schema;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SessionState;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SchemaHistory;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.schema.HistoryDocuments.Document;
import io.millrace.mysql.wire.QueryContext;
import io.millrace.mysql.wire.SqlModes;
import io.millrace.mysql.wire.StatementsAhead;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.TableVersions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
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

    /** History entries beyond which, and beyond four per live table, it is compacted at a start. */
    private static final int COMPACT_ABOVE = 1000;

    /** What a user may do about rows whose definition is in doubt. */
    static final String HINT =
            "set binlog_row_metadata=FULL on the upstream, start the job at a later position, or"
                    + " exclude the table with a filter rule";

    /** What there is from the start on. */
    private record Started(
            Start start,
            ServerTraits traits,
            TrackedTables tables,
            UpstreamDefinitions upstream,
            ChangesAhead ahead,
            RowVersions rows) {}

    private final TableMap[] slotMaps = new TableMap[SLOTS];
    private final TableSchema[] slotSchemas = new TableSchema[SLOTS];
    private @Nullable Started started;

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
        return started().tables.wantedTables().flatMap(table -> table.current().stream()).toList();
    }

    private void publish() {
        Map<Long, Boolean> now = new HashMap<>();
        started().tables.wantedTables().forEach(table -> now.put(table.id, table.hasHandleKey()));
        published = Collections.unmodifiableMap(now);
    }

    // ---- start

    @Override
    public void start(Start from) {
        long floor = from.start().floorTso();
        List<SchemaHistory.Entry> entries = from.history().load();
        boolean first =
                entries.stream()
                        .allMatch(e ->
                                HistoryDocuments.read(e.document()) instanceof Document.Distrusted);
        TrackedTables tables;
        try (Connection connection = from.connections().open()) {
            Started now = load(from, SchemaSnapshot.traits(connection), entries, floor);
            tables = now.tables;
            List<Document> taken = now.upstream.snapshot(connection, first);
            if ((!first || !taken.isEmpty()) && tables.isOtherFilter()) {
                SourcePosition until =
                        first ? null : SchemaSnapshot.binlogEnd(connection, now.traits);
                taken.add(tables.filterChanged(until));
            }
            if (!taken.isEmpty()) {
                tables.append(0, taken);
            }
        } catch (SQLException e) {
            throw SchemaSnapshot.failed("reading table definitions", e);
        }
        tables.begin(from.start(), floor);
        publish();
        if (entries.size() > COMPACT_ABOVE && entries.size() > 4 * tables.size()) {
            tables.compact(floor);
        }
        LOG.info(
                "schema tracker started job={} tables={} history={} position={}",
                from.jobId(),
                tables.all().size(),
                entries.size(),
                from.start());
    }

    private Started load(
            Start from, ServerTraits traits, List<SchemaHistory.Entry> entries, long floor) {
        TrackedTables tables =
                new TrackedTables(from, traits, entries, floor, () -> Arrays.fill(slotMaps, null));
        UpstreamDefinitions upstream = new UpstreamDefinitions(from, traits, tables);
        ChangesAhead ahead =
                new ChangesAhead(from.ahead(), traits, from.jobId(), tables::key, tables::wanted);
        Started now =
                new Started(
                        from,
                        traits,
                        tables,
                        upstream,
                        ahead,
                        new RowVersions(from, traits, tables, upstream, ahead));
        started = now;
        return now;
    }

    private Started started() {
        Started now = started;
        if (now == null) {
            throw new IllegalStateException("not started");
        }
        return now;
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
        tracker.load(
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
                        ahead),
                traits,
                history.load(),
                floor);
        return tracker;
    }

    /** What the snapshot of a start does with a definition of a place ahead, for tests. */
    void takeAtStart(TableDefinition definition, SourcePosition place) {
        TrackedTables tables = started().tables;
        if (tables.isMissing(definition.name())) {
            tables.append(0, List.of(tables.putPending(definition, place).document()));
        }
    }

    /** As if a snapshot at a place ahead had found the table, for tests. */
    void putPending(TableDefinition definition, SourcePosition place) {
        started().tables.putPending(definition, place);
    }

    /** The definition that is tracked now, for tests. */
    Optional<TableDefinition> definition(TableName name) {
        TrackedTable table = started().tables.get(name);
        return table == null ? Optional.empty() : Optional.ofNullable(table.definition);
    }

    /** Names of all tracked tables, for tests. */
    Set<TableName> tableNames() {
        Set<TableName> out = new HashSet<>();
        started().tables.all().forEach(t -> out.add(t.name));
        return out;
    }

    /** Why a table has no definition, for tests. */
    Optional<String> doubt(TableName name) {
        TrackedTable table = started().tables.get(name);
        return table == null ? Optional.empty() : Optional.ofNullable(table.doubt);
    }

    // ---- times

    @Override
    public Set<String> distrustedTimes() {
        return started().tables.distrusted();
    }

    @Override
    public void distrustTime(String transaction, long tso) {
        started().tables.distrust(transaction, tso);
    }

    // ---- rows

    @Override
    public TableSchema versionFor(
            TableMap map, long tso, Supplier<? extends SourcePosition> place) {
        int slot = (int) map.tableNumber() & SLOTS - 1;
        if (slotMaps[slot] == map) {
            return slotSchemas[slot];
        }
        Started now = started();
        TableSchema schema = now.rows.resolve(map, tso, place.get());
        if (!published.containsKey(schema.tableId()) && now.tables.get(map.name()) != null) {
            publish();
        }
        slotMaps[slot] = map;
        slotSchemas[slot] = schema;
        return schema;
    }

    // ---- statements

    @Override
    public Optional<SchemaChange> onQuery(
            String sql, QueryContext context, long tso, SourcePosition after) {
        Started now = started();
        DdlStatement statement =
                DdlParser.parse(
                        sql,
                        now.start.mariaDb(),
                        now.traits.version(),
                        context.sqlMode(),
                        context.defaultSchema());
        now.tables.advance(after);
        DdlWork work =
                new DdlWork(
                        now.start,
                        now.traits,
                        now.tables,
                        now.upstream,
                        now.ahead,
                        sql,
                        context,
                        tso,
                        after);
        work.carryOut(statement);
        work.record();
        // On the way to the first snapshot tables may seem to be missing that the job has all
        // along.
        if (!(statement instanceof DdlStatement.Irrelevant)
                && !now.tables.isBeforeSnapshot(after)) {
            publish();
        }
        return work.changes().isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new SchemaChange(
                                tso,
                                after,
                                sql,
                                context.defaultSchema(),
                                session(now, context),
                                work.changes()));
    }

    private SessionState session(Started server, QueryContext context) {
        QueryContext.More more = context.more();
        ServerTraits known = server.traits;
        String zone = more.timeZone();
        if (zone.equals("SYSTEM")) {
            zone = server.upstream.systemZone(context.executedAt());
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
                Optional.of(explicitTimestamps(server.traits, more)));
    }

    private static boolean explicitTimestamps(ServerTraits known, QueryContext.More more) {
        if (known.mariaDb()
                && known.version() >= SESSION_TIMESTAMP_DEFAULTS
                && more.sqlModeGiven()) {
            return (more.flags() & QueryContext.More.MARIADB_EXPLICIT_TIMESTAMPS) != 0;
        }
        return more.explicitTimestamps() < 0
                ? known.explicitTimestampDefaults()
                : more.explicitTimestamps() != 0;
    }
}
