package io.millrace.testkit.sim;

import io.millrace.core.model.DdlKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SchemaChange.Change;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.sim.History.Event;
import io.millrace.testkit.sim.History.Piece;
import io.millrace.testkit.sim.History.Transaction;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A database that keeps each worker's progress in the same transaction as its rows, and so takes
 * every row once: a row that finds anything but its exact predecessor is a violation. Only rows up
 * to the old maximum may be repeated after the number of workers has changed (safe mode).
 */
final class SqlTarget implements Target {
    /** A table downstream. */
    private static final class Table {
        TableSchema schema;
        Map<Long, Long> rows = new HashMap<>();

        Table(TableSchema schema) {
            this.schema = schema;
        }
    }

    /** How far a worker is: everything up to this piece. */
    private record Progress(long tso, int event, int piece) {
        boolean covers(Unit unit) {
            if (unit.tso() != tso) {
                return unit.tso() < tso;
            }
            int unitEvent = unit.piece().event.index;
            return unitEvent != event ? unitEvent < event : unit.piece().index <= piece;
        }
    }

    private final World world;
    private final boolean wholeTransactions;
    private final Map<TableName, Table> tables = new HashMap<>();
    private @Nullable Progress[] progress = new Progress[0];
    private long safeUpTo;

    SqlTarget(World world, boolean wholeTransactions) {
        this.world = world;
        this.wholeTransactions = wholeTransactions;
    }

    @Override
    public void opened(int lanes) {
        if (lanes == progress.length) {
            return;
        }
        for (Progress old : progress) {
            if (old != null) {
                safeUpTo = Math.max(safeUpTo, old.tso());
            }
        }
        progress = new Progress[lanes];
    }

    @Override
    public void rows(int lane, List<Unit> units) {
        Progress before = progress[lane];
        for (Unit unit : units) {
            if (before != null && before.covers(unit)) {
                if (!world.checker.isDurable(unit.piece())) {
                    throw new Violation("lost: skipped as done, but never was: " + unit.piece());
                }
                continue;
            }
            apply(unit);
        }
        Unit last = units.get(units.size() - 1);
        if (before == null || !before.covers(last)) {
            progress[lane] = new Progress(last.tso(), last.piece().event.index, last.piece().index);
        }
        if (wholeTransactions) {
            Transaction seen = null;
            for (Unit unit : units) {
                Transaction transaction = unit.piece().event.transaction;
                if (transaction != seen && world.checker.isTorn(transaction)) {
                    throw new Violation("torn: transaction " + transaction.index);
                }
                seen = transaction;
            }
        }
    }

    private void apply(Unit unit) {
        Piece piece = unit.piece();
        TableSchema schema = piece.event.schema;
        Table table = tables.get(schema.name());
        if (table == null || table.schema != schema) {
            throw new Violation(
                    "row meets another table version: "
                            + piece
                            + " meets "
                            + (table == null ? "no table" : table.schema));
        }
        long found = table.rows.getOrDefault(piece.key, History.ABSENT);
        if (found != piece.before && unit.tso() > safeUpTo) {
            throw new Violation("lost, repeated or out of order: " + piece + " finds " + found);
        }
        if (piece.after == History.ABSENT) {
            table.rows.remove(piece.key);
        } else {
            table.rows.put(piece.key, piece.after);
        }
        world.checker.durable(piece);
    }

    @Override
    public void ddl(Event event, SchemaChange change, boolean replayed) {
        boolean first = true;
        for (Change part : event.wantedChanges) {
            if (!first) {
                world.commitPoint("between parts of a DDL");
            }
            first = false;
            if (isApplied(part)) {
                if (!replayed) {
                    throw new Violation("DDL twice without a warning: " + event);
                }
                if (part.kind() == DdlKind.TRUNCATE_TABLE) {
                    // A truncated table does not look truncated, so a real sink does it again.
                    Objects.requireNonNull(tables.get(part.name())).rows.clear();
                }
                continue;
            }
            apply(part, event);
            world.checker.ddlPartDurable(event);
        }
    }

    private boolean isApplied(Change part) {
        if (part.after().isPresent()) {
            Table table = tables.get(part.after().get().name());
            return table != null && table.schema == part.after().get();
        }
        return !tables.containsKey(part.name());
    }

    private void apply(Change part, Event event) {
        Table table = tables.get(part.name());
        if ((table == null ? null : table.schema) != part.before().orElse(null)) {
            throw new Violation("DDL meets another table version: " + event);
        }
        tables.remove(part.name());
        if (part.after().isPresent()) {
            Table after = new Table(part.after().get());
            if (table != null && table.schema.tableId() == after.schema.tableId()) {
                after.rows = table.rows;
            }
            tables.put(after.schema.name(), after);
        }
    }

    @Override
    public void checkFinalState(History history) {
        Map<String, Map<Long, Long>> found = new TreeMap<>();
        tables.forEach((name, table) -> found.put(name.toString(), new TreeMap<>(table.rows)));
        Map<String, Map<Long, Long>> wanted = new TreeMap<>();
        history.finalState.forEach((name, rows) -> wanted.put(name.toString(), rows));
        if (!found.equals(wanted)) {
            throw new Violation("final state is " + found + " but should be " + wanted);
        }
    }
}
