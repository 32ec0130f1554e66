package io.millrace.testkit.sim;

import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.sim.History.Event;
import io.millrace.testkit.sim.History.Piece;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A partitioned log that takes everything at least once. Repeats are allowed after a restart; the
 * first copies of a key's rows must come in order, and a replay of the whole log must end in the
 * upstream's state.
 */
final class LogTarget implements Target {
    private final World world;
    private final List<List<Piece>> partitions = new ArrayList<>();
    private final Set<Event> ddls = new HashSet<>();

    LogTarget(World world, int partitionCount) {
        this.world = world;
        for (int i = 0; i < partitionCount; i++) {
            partitions.add(new ArrayList<>());
        }
    }

    @Override
    public void opened(int lanes) {
        if (lanes != partitions.size()) {
            throw new IllegalStateException("a topic does not change its partitions here");
        }
    }

    @Override
    public void rows(int lane, List<Unit> units) {
        for (Unit unit : units) {
            partitions.get(lane).add(unit.piece());
            world.checker.durable(unit.piece());
        }
    }

    @Override
    public void ddl(Event event, SchemaChange change, boolean replayed) {
        if (ddls.add(event)) {
            event.wantedChanges.forEach(part -> world.checker.ddlPartDurable(event));
        } else if (!replayed) {
            throw new Violation("DDL twice without a warning: " + event);
        }
    }

    @Override
    public void checkFinalState(History history) {
        Map<Long, Map<Long, Long>> byId = new HashMap<>();
        Map<Long, String> names = new HashMap<>();
        for (Event event : history.expected) {
            event.wantedChanges.forEach(part -> {
                part.before().ifPresent(before -> names.remove(before.tableId()));
                part.after()
                        .ifPresent(after -> names.put(after.tableId(), after.name().toString()));
            });
        }
        for (List<Piece> partition : partitions) {
            for (Piece piece : partition) {
                TableSchema schema = piece.event.schema;
                Map<Long, Long> rows =
                        byId.computeIfAbsent(schema.tableId(), id -> new TreeMap<>());
                if (piece.after == History.ABSENT) {
                    rows.remove(piece.key);
                } else {
                    rows.put(piece.key, piece.after);
                }
            }
        }
        Map<String, Map<Long, Long>> found = new TreeMap<>();
        names.forEach((id, name) -> found.put(name, byId.getOrDefault(id, Map.of())));
        Map<String, Map<Long, Long>> wanted = new TreeMap<>();
        history.finalState.forEach((name, rows) -> wanted.put(name.toString(), rows));
        if (!found.equals(wanted)) {
            throw new Violation("replay ends in " + found + " but should in " + wanted);
        }
    }
}
