package io.millrace.mysql.schema;

import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.mysql.schema.DdlStatement.AlterAction;
import io.millrace.mysql.wire.QueryContext;
import io.millrace.mysql.wire.StatementsAhead;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which definitions are changed by DDL that the stream has not come to yet. A definition of a place
 * ahead is the one of a row before it exactly when no such DDL lies between.
 *
 * <p>The binlog is read when somebody asks for the first time, and never twice. Belongs to one
 * thread.
 */
final class ChangesAhead {
    private static final Logger LOG = LoggerFactory.getLogger(ChangesAhead.class);

    private static final int SHOWN = 300;

    /** Stands for all tables: the statement is not understood, nor which table it changes. */
    private static final TableName ANY = new TableName("", "");

    /**
     * One statement.
     *
     * @param number in the order of the binlog
     * @param after its end
     * @param actions the parts of an ALTER TABLE that change the definition; empty when it is none
     * @param defaultOnly changes only the character set that a database's new tables get
     */
    record Change(
            int number,
            SourcePosition after,
            String statement,
            Optional<List<AlterAction>> actions,
            boolean defaultOnly) {}

    private final StatementsAhead binlog;
    private final ServerTraits traits;
    private final String jobId;

    /** A name as {@link #changes} keys it. */
    private final UnaryOperator<TableName> keys;

    private final Predicate<TableName> wanted;
    private final Map<TableName, List<Change>> changes = new HashMap<>();
    private @Nullable SourcePosition readUntil;
    private int seen;

    /**
     * @param keys folds a name as the server compares names
     * @param wanted tables to remember changes of
     */
    ChangesAhead(
            StatementsAhead binlog,
            ServerTraits traits,
            String jobId,
            UnaryOperator<TableName> keys,
            Predicate<TableName> wanted) {
        this.binlog = binlog;
        this.traits = traits;
        this.jobId = jobId;
        this.keys = keys;
        this.wanted = wanted;
    }

    /** The statements between two places that change a table's definition, in order. */
    List<Change> of(TableName table, SourcePosition from, SourcePosition until) {
        read(from, until);
        List<Change> out = new ArrayList<>();
        TableName key = keys.apply(table);
        add(out, key, from, until, false);
        add(out, new TableName(key.schema(), ""), from, until, false);
        add(out, ANY, from, until, false);
        out.sort(Comparator.comparingInt(Change::number));
        return out;
    }

    /** A statement between two places that changes what a database gives to its new tables. */
    Optional<Change> ofDefaults(String schema, SourcePosition from, SourcePosition until) {
        read(from, until);
        List<Change> out = new ArrayList<>();
        add(out, keys.apply(new TableName(schema, "")), from, until, true);
        add(out, ANY, from, until, true);
        return out.stream().findFirst();
    }

    private void add(
            List<Change> out,
            TableName key,
            SourcePosition from,
            SourcePosition until,
            boolean defaults) {
        for (Change change : changes.getOrDefault(key, List.of())) {
            if (!from.covers(change.after)
                    && until.covers(change.after)
                    && (defaults || !change.defaultOnly)) {
                out.add(change);
            }
        }
    }

    private void read(SourcePosition from, SourcePosition until) {
        SourcePosition known = readUntil;
        if (known != null && known.covers(until)) {
            return;
        }
        SourcePosition start = known != null && known.covers(from) ? known : from;
        long began = System.nanoTime();
        int[] statements = new int[1];
        binlog.read(
                start,
                until,
                (sql, context, after) -> {
                    statements[0]++;
                    take(sql, context, after);
                });
        readUntil = until;
        LOG.info(
                "read ahead for DDL job={} from={} to={} statements={} ms={}",
                jobId,
                start,
                until,
                statements[0],
                (System.nanoTime() - began) / 1_000_000);
    }

    private void take(String sql, QueryContext context, SourcePosition after) {
        DdlStatement statement =
                DdlParser.parse(
                        sql,
                        traits.mariaDb(),
                        traits.version(),
                        context.sqlMode(),
                        context.defaultSchema());
        String shown = sql.strip();
        if (shown.length() > SHOWN) {
            shown = shown.substring(0, SHOWN) + "…";
        }
        Change whole = new Change(seen++, after, shown, Optional.empty(), false);
        switch (statement) {
            case DdlStatement.Irrelevant irrelevant -> {}
            case DdlStatement.CreateView view -> {}
            case DdlStatement.TruncateTable truncate -> {}
            case DdlStatement.CreateTable create -> {
                // With IF NOT EXISTS a table that is there already stays as it is.
                if (!create.ifNotExists()) {
                    put(create.name(), whole);
                }
            }
            case DdlStatement.CreateSequence create -> put(create.name(), whole);
            case DdlStatement.DropSequences drop -> drop.names().forEach(n -> put(n, whole));
            case DdlStatement.DropTables drop -> {
                if (!drop.views()) {
                    drop.names().forEach(n -> put(n, whole));
                }
            }
            case DdlStatement.RenameTables rename ->
                    rename.renames()
                            .forEach(r -> {
                                put(r.from(), whole);
                                put(r.to(), whole);
                            });
            case DdlStatement.AlterTable alter -> take(alter, whole);
            case DdlStatement.CreateDatabase create -> {
                if (create.orReplace() || !create.ifNotExists()) {
                    putSchema(create.name(), whole);
                }
            }
            case DdlStatement.DropDatabase drop -> putSchema(drop.name(), whole);
            case DdlStatement.AlterDatabase alter ->
                    putSchema(
                            alter.name(),
                            new Change(whole.number, after, shown, Optional.empty(), true));
            case DdlStatement.Unparsable unparsable -> {
                if (unparsable.name().isPresent()) {
                    put(unparsable.name().get(), whole);
                } else {
                    changes.computeIfAbsent(ANY, k -> new ArrayList<>()).add(whole);
                }
            }
        }
    }

    private void take(DdlStatement.AlterTable alter, Change whole) {
        List<AlterAction> changing = new ArrayList<>();
        boolean moved = false;
        for (AlterAction action : alter.actions()) {
            switch (action) {
                case AlterAction.RenameTo(TableName name) -> {
                    put(name, whole);
                    moved = true;
                }
                case AlterAction.PartitionToTable(TableName name) -> put(name, whole);
                case AlterAction.TableToPartition(TableName name) -> put(name, whole);
                default -> {
                    if (changesDefinition(action)) {
                        changing.add(action);
                    }
                }
            }
        }
        if (moved) {
            put(alter.name(), whole);
        } else if (!changing.isEmpty()) {
            put(
                    alter.name(),
                    new Change(
                            whole.number,
                            whole.after,
                            whole.statement,
                            Optional.of(changing),
                            false));
        }
    }

    /** Whether a part of an ALTER TABLE changes columns, or keys that make rows unique. */
    static boolean changesDefinition(AlterAction action) {
        return switch (action) {
            case AlterAction.Neutral n -> false;
            case AlterAction.SetDefault s -> false;
            case AlterAction.SetOptions s -> false;
            case AlterAction.RenameTo r -> false;
            case AlterAction.RenameIndex r -> false;
            case AlterAction.PartitionToTable p -> false;
            case AlterAction.TableToPartition p -> false;
            case AlterAction.ExchangePartition e -> false;
            case AlterAction.AddIndex i -> i.index().kind() != KeyDefinition.Kind.PLAIN;
            default -> true;
        };
    }

    private void put(TableName name, Change change) {
        TableName key = keys.apply(name);
        if (wanted.test(name) || wanted.test(key)) {
            changes.computeIfAbsent(key, k -> new ArrayList<>()).add(change);
        }
    }

    private void putSchema(String name, Change change) {
        changes.computeIfAbsent(keys.apply(new TableName(name, "")), k -> new ArrayList<>())
                .add(change);
    }

    /** Whether parts of an ALTER TABLE change, rename or drop one of these columns. */
    static boolean touches(List<AlterAction> actions, List<String> columns) {
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
}
