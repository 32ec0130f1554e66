package io.millrace.testkit.sim;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange.Change;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What happened upstream, made up from a seed: transactions over a few tables with few keys, so
 * that they collide; some tables are filtered out, one has no key. Immutable once built.
 */
final class History {
    /** Milliseconds at virtual time zero. */
    static final long EPOCH_MS = 1_700_000_000_000L;

    /** Schema that the job's filter includes. */
    static final String WANTED = "a";

    /** Schema that it does not. */
    static final String UNWANTED = "skip";

    /** A value that is not there. */
    static final long ABSENT = -1;

    /** Everything of one commit. */
    static final class Transaction {
        final int index;
        final long commitMs;
        final long visibleMs;
        final List<Event> events = new ArrayList<>();

        Transaction(int index, long commitMs, long visibleMs) {
            this.index = index;
            this.commitMs = commitMs;
            this.visibleMs = visibleMs;
        }
    }

    /** One row event or one DDL. */
    static final class Event {
        final Transaction transaction;
        final int index;

        /** Whether the filter includes it, as far as the capture can know. */
        final boolean matched;

        /** Place among all that must arrive downstream; -1 when it must not. */
        int ordinal = -1;

        final TableSchema schema;
        final int op;
        final List<Piece> pieces = new ArrayList<>();
        int rows;
        int sizeBytes;

        /** Parts of a DDL; empty for rows. */
        final List<Change> changes;

        /** Those of them that must be applied. */
        List<Change> wantedChanges = List.of();

        Event(
                Transaction transaction,
                int index,
                boolean matched,
                TableSchema schema,
                int op,
                List<Change> changes) {
            this.transaction = transaction;
            this.index = index;
            this.matched = matched;
            this.schema = schema;
            this.op = op;
            this.changes = changes;
        }

        boolean isDdl() {
            return !changes.isEmpty();
        }

        @Override
        public String toString() {
            return "txn "
                    + transaction.index
                    + " event "
                    + index
                    + (isDdl() ? " " + changes.get(0).query() : " rows of " + schema);
        }
    }

    /** A row's effect on one key; an update that moves a key has two. */
    static final class Piece {
        final int id;
        final Event event;

        /** Order in the event. */
        final int index;

        final long key;
        final long before;
        final long after;

        /** The piece before it on the same key of the same table; null when it is the first. */
        final @Nullable Piece previous;

        Piece(
                int id,
                Event event,
                int index,
                long key,
                long before,
                long after,
                @Nullable Piece previous) {
            this.id = id;
            this.event = event;
            this.index = index;
            this.key = key;
            this.before = before;
            this.after = after;
            this.previous = previous;
        }

        @Override
        public String toString() {
            return event + " piece " + index + " key " + key + " " + before + "->" + after;
        }
    }

    /** A table upstream while the history is made. */
    private static final class Table {
        TableSchema schema;
        final boolean wanted;
        Map<Long, Long> rows = new TreeMap<>();
        Map<Long, Piece> lastPiece = new HashMap<>();

        Table(TableSchema schema, boolean wanted) {
            this.schema = schema;
            this.wanted = wanted;
        }
    }

    final List<Transaction> transactions = new ArrayList<>();

    /** What must arrive, in order. */
    final List<Event> expected = new ArrayList<>();

    /** Contents of the wanted tables at the end. */
    final Map<TableName, Map<Long, Long>> finalState = new TreeMap<>(BY_NAME);

    private static final java.util.Comparator<TableName> BY_NAME =
            java.util.Comparator.comparing(TableName::toString);

    int pieceCount;

    private final SplittableRandom random;
    private final List<Table> tables = new ArrayList<>();
    private final int keySpace;
    private long nextTableId = 1;
    private long nextValue = 1;
    private int nextName = 1;

    History(SplittableRandom random, int size) {
        this.random = random;
        this.keySpace = 2 + random.nextInt(10);
        long granularityMs = random.nextInt(3) == 0 ? 1000 : 1;
        int pauseMs = random.nextInt(4) == 0 ? 1 : 1 + random.nextInt(400);
        int lagMs = 1 + random.nextInt(600);
        int ddlPercent = random.nextInt(25);
        long ms = EPOCH_MS + 5_000;
        tables.add(new Table(newSchema(new TableName(WANTED, "nokey"), false), false));
        for (int i = 0; i < size; i++) {
            ms += random.nextInt(pauseMs);
            Transaction transaction =
                    new Transaction(
                            i, ms / granularityMs * granularityMs, ms + random.nextInt(lagMs));
            transactions.add(transaction);
            if (i < 2 || random.nextInt(100) < ddlPercent) {
                ddl(transaction);
            } else {
                rows(transaction);
            }
        }
        for (Transaction transaction : transactions) {
            for (Event event : transaction.events) {
                boolean wanted = event.isDdl() ? !event.wantedChanges.isEmpty() : isWanted(event);
                if (wanted) {
                    event.ordinal = expected.size();
                    expected.add(event);
                }
            }
        }
        for (Table table : tables) {
            if (table.wanted) {
                finalState.put(table.schema.name(), table.rows);
            }
        }
    }

    private static boolean isWanted(Event event) {
        return event.matched && event.schema.hasHandleKey();
    }

    private TableSchema newSchema(TableName name, boolean key) {
        return new TableSchema(
                nextTableId++,
                1,
                name,
                columns(2),
                key ? List.of(new TableSchema.Key("PRIMARY", true, List.of(0))) : List.of());
    }

    private static List<Column> columns(int count) {
        List<Column> columns = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            columns.add(Column.of(i == 0 ? "id" : "v" + i, ColumnKind.BIGINT));
        }
        return columns;
    }

    private void ddl(Transaction transaction) {
        List<Table> keyed = tables.stream().filter(t -> t.schema.hasHandleKey()).toList();
        int choice = keyed.size() < 2 ? 0 : random.nextInt(10);
        List<Change> changes = new ArrayList<>();
        List<Change> wanted = new ArrayList<>();
        boolean many = choice < 3 && random.nextInt(4) == 0;
        for (int part = 0; part < (many ? 2 : 1); part++) {
            Table table = keyed.isEmpty() ? tables.get(0) : keyed.get(random.nextInt(keyed.size()));
            Change change;
            boolean isWanted;
            if (choice < 3) {
                isWanted = keyed.isEmpty() || random.nextInt(4) != 0;
                TableName name = new TableName(isWanted ? WANTED : UNWANTED, "t" + nextName++);
                Table created = new Table(newSchema(name, true), isWanted);
                tables.add(created);
                change = change(DdlKind.CREATE_TABLE, name, null, null, created.schema);
            } else {
                change = alter(table, choice);
                isWanted = table.wanted;
            }
            changes.add(change);
            if (isWanted) {
                wanted.add(change);
            }
        }
        boolean matched = !wanted.isEmpty();
        Event event =
                new Event(
                        transaction,
                        0,
                        matched,
                        changes.get(0).after().or(changes.get(0)::before).orElseThrow(),
                        0,
                        List.copyOf(changes));
        event.wantedChanges = List.copyOf(wanted);
        transaction.events.add(event);
    }

    private Change alter(Table table, int choice) {
        TableSchema before = table.schema;
        TableName name = before.name();
        if (choice < 7) {
            table.schema =
                    before.with(
                            before.version() + 1,
                            name,
                            columns(before.columns().size() + 1),
                            before.keys());
            return change(DdlKind.ADD_COLUMN, name, null, before, table.schema);
        }
        table.lastPiece = new HashMap<>();
        if (choice == 7) {
            table.schema =
                    new TableSchema(
                            nextTableId++, before.version(), name, before.columns(), before.keys());
            table.rows = new TreeMap<>();
            return change(DdlKind.TRUNCATE_TABLE, name, null, before, table.schema);
        }
        if (choice == 8) {
            TableName newName = new TableName(name.schema(), "t" + nextName++);
            table.schema =
                    before.with(before.version() + 1, newName, before.columns(), before.keys());
            return change(DdlKind.RENAME_TABLE, name, newName, before, table.schema);
        }
        tables.remove(table);
        return change(DdlKind.DROP_TABLE, name, null, before, null);
    }

    private static Change change(
            DdlKind kind,
            TableName name,
            @Nullable TableName newName,
            @Nullable TableSchema before,
            @Nullable TableSchema after) {
        return new Change(
                kind,
                name,
                Optional.ofNullable(newName),
                Optional.ofNullable(before),
                Optional.ofNullable(after),
                kind.filterName() + " " + name);
    }

    private void rows(Transaction transaction) {
        int count = 1 + random.nextInt(4);
        for (int i = 0; i < count; i++) {
            Table table = tables.get(random.nextInt(tables.size()));
            int rowCount = 1 + random.nextInt(4);
            int op = 1 + random.nextInt(3);
            if (table.rows.isEmpty()) {
                op = RowBatch.INSERT;
            } else if (table.rows.size() >= keySpace && op == RowBatch.INSERT) {
                op = RowBatch.UPDATE;
            }
            boolean matched = table.schema.name().schema().equals(WANTED);
            Event event =
                    new Event(
                            transaction,
                            transaction.events.size(),
                            matched,
                            table.schema,
                            op,
                            List.of());
            for (int row = 0; row < rowCount; row++) {
                row(event, table);
            }
            if (event.rows > 0) {
                event.sizeBytes = event.rows * (8 + random.nextInt(200));
                transaction.events.add(event);
            }
        }
    }

    private void row(Event event, Table table) {
        long free = random.nextInt(keySpace);
        boolean isFree = !table.rows.containsKey(free);
        if (event.op == RowBatch.INSERT) {
            if (isFree) {
                event.rows++;
                put(event, table, free, nextValue++);
            }
            return;
        }
        if (table.rows.isEmpty()) {
            return;
        }
        List<Long> keys = new ArrayList<>(table.rows.keySet());
        long key = keys.get(random.nextInt(keys.size()));
        event.rows++;
        if (event.op == RowBatch.DELETE) {
            put(event, table, key, ABSENT);
        } else if (isFree && random.nextInt(4) == 0) {
            put(event, table, key, ABSENT);
            put(event, table, free, nextValue++);
        } else {
            put(event, table, key, nextValue++);
        }
    }

    private void put(Event event, Table table, long key, long after) {
        Long before = table.rows.get(key);
        Piece piece =
                new Piece(
                        pieceCount++,
                        event,
                        event.pieces.size(),
                        key,
                        before == null ? ABSENT : before,
                        after,
                        table.lastPiece.get(key));
        event.pieces.add(piece);
        table.lastPiece.put(key, piece);
        if (after == ABSENT) {
            table.rows.remove(key);
        } else {
            table.rows.put(key, after);
        }
    }
}
