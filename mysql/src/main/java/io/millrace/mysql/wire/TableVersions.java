package io.millrace.mysql.wire;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SchemaHistory;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Table versions by position. Called by the capture's thread only, in stream order: {@link #start}
 * once, then the others.
 */
public interface TableVersions {
    /**
     * What a tracker needs to begin.
     *
     * @param jobId for messages
     * @param mariaDb flavour of the server
     * @param history the job's durable versions; empty entries at the very first start
     * @param filter tables and schemas that the job wants
     * @param connections opens JDBC connections to the upstream; the taker closes them
     * @param startTso transactions at or below it are not emitted
     * @param start where the stream will be read from; events from here on are seen, so a snapshot
     *     taken now may already contain the effect of DDL that is still to come
     * @param ahead tells of such DDL before the stream comes to it
     */
    record Start(
            String jobId,
            boolean mariaDb,
            SchemaHistory history,
            TableFilter filter,
            ControlConnections connections,
            long startTso,
            SourcePosition start,
            StatementsAhead ahead) {}

    /** Loads the history or takes a snapshot of the current definitions. */
    void start(Start start);

    /**
     * The version that rows behind this TABLE_MAP have. Called once per TABLE_MAP event of a wanted
     * table, so it must be quick for a map seen before; the same version is the same object.
     *
     * @param place asked only when it matters: where the rows are in the stream, at the start of
     *     their transaction or behind it
     * @throws io.millrace.core.error.MillraceException SCHEMA_MISMATCH or DDL_UNPARSABLE naming the
     *     table, when the version is in doubt
     */
    TableSchema versionFor(TableMap map, long tso, Supplier<? extends SourcePosition> place);

    /**
     * As {@link io.millrace.core.spi.Capture#tableIds}; the only one that may be called from any
     * thread.
     */
    default Set<Long> tableIds(boolean withoutKey) {
        return Set.of();
    }

    /** The tables that the job wants and whose definition is known now. */
    default List<TableSchema> tables() {
        return List.of();
    }

    /**
     * Takes a statement from a QUERY event that is neither transaction control nor a row change.
     * Changes the versions, records them durably, and returns the parts that the job wants; empty
     * for statements that change no table definition, or none that the job wants.
     *
     * @param sql the statement, without trailing NUL; leading comments included
     * @param tso its own TSO
     * @param after where to read on behind it
     */
    Optional<SchemaChange> onQuery(
            String sql, QueryContext context, long tso, SourcePosition after);

    /**
     * Transactions whose commit time was not believed, by this run or an earlier one of the job:
     * their TSOs must stay the same. A view that {@link #distrustTime} adds to.
     */
    default Set<String> distrustedTimes() {
        return Set.of();
    }

    /**
     * Records durably that a transaction's commit time is not believed.
     *
     * @param transaction its GTID, or its place when it has none
     * @param tso what it has instead
     */
    default void distrustTime(String transaction, long tso) {}
}
