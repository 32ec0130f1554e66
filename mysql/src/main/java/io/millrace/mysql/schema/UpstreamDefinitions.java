package io.millrace.mysql.schema;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.schema.DefinitionChanges.Text;
import io.millrace.mysql.schema.HistoryDocuments.Document;
import io.millrace.mysql.wire.TableVersions.Start;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What the server shows now, with the place in its binlog that this is of. */
final class UpstreamDefinitions {
    /** Tries to see every definition twice the same. */
    private static final int SNAPSHOT_ROUNDS = 100;

    /**
     * Longer than a DDL takes from its entry in the binlog to its effect, or the other way round.
     */
    private static final long SETTLE_MILLIS = 50;

    private final Start start;
    private final ServerTraits traits;
    private final TrackedTables tables;

    UpstreamDefinitions(Start start, ServerTraits traits, TrackedTables tables) {
        this.start = start;
        this.traits = traits;
        this.tables = tables;
    }

    /**
     * Takes what is wanted and not known yet. A definition counts when it is seen the same before
     * and after a place in the binlog: then it is the one at that place.
     */
    List<Document> snapshot(Connection connection, boolean first) throws SQLException {
        TableFilter missing =
                new TableFilter() {
                    @Override
                    public boolean matches(String schema, String table) {
                        return tables.isMissing(new TableName(schema, table));
                    }

                    @Override
                    public boolean matchesSchema(String schema) {
                        return start.filter().matchesSchema(schema);
                    }
                };
        List<Document> out = new ArrayList<>();
        SchemaSnapshot before = SchemaSnapshot.read(connection, traits, missing);
        if (first) {
            tables.knownFrom(SchemaSnapshot.binlogEnd(connection, traits));
            before.schemas()
                    .forEach((name, defaults) -> {
                        Text text = new Text(defaults.charset(), defaults.collation());
                        out.add(tables.putPendingSchema(name, text));
                    });
        }
        for (int round = 0; round < SNAPSHOT_ROUNDS; round++) {
            if (before.tables().isEmpty() && before.sequences().isEmpty() && !first) {
                return out;
            }
            settle();
            BinlogPosition place = SchemaSnapshot.binlogEnd(connection, traits);
            settle();
            SchemaSnapshot after = SchemaSnapshot.read(connection, traits, missing);
            Set<TableName> open = new LinkedHashSet<>(before.tables().keySet());
            open.addAll(after.tables().keySet());
            for (TableName name : List.copyOf(open)) {
                TableDefinition definition = after.tables().get(name);
                if (definition != null && definition.equals(before.tables().get(name))) {
                    out.add(tables.putPending(definition, place).document());
                    open.remove(name);
                }
            }
            for (TableName name : after.sequences()) {
                TrackedTable sequence = TrackedTable.sequence(name);
                tables.put(sequence);
                out.add(sequence.document());
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

    /** A table as the server shows it now, and the end of the binlog behind that. */
    record Found(TableDefinition definition, SourcePosition place) {}

    /** Looks at the server for what neither the event nor the history tells. */
    Optional<Found> lookUp(TableName name) {
        try (Connection connection = start.connections().open()) {
            Optional<TableDefinition> found =
                    SchemaSnapshot.readTable(connection, traits, tables.stored(name));
            if (found.isEmpty()) {
                return Optional.empty();
            }
            settle();
            return Optional.of(
                    new Found(found.get(), SchemaSnapshot.binlogEnd(connection, traits)));
        } catch (SQLException e) {
            throw SchemaSnapshot.failed("reading the definition of " + name, e);
        }
    }

    /**
     * What {@code SYSTEM} was at the upstream at a time: to another server the word means another
     * zone.
     */
    String systemZone(long epochSecond) {
        try (Connection connection = start.connections().open()) {
            return SchemaSnapshot.systemZone(connection, epochSecond);
        } catch (SQLException e) {
            throw SchemaSnapshot.failed("reading the time zone of the server", e);
        }
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
}
