package io.millrace.core.engine;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.EventFilters;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.expression.RowExpression;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SchemaChange.Change;
import io.millrace.core.model.SelectedRows;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides what of the stream the sink gets to see: the table filter, the rule that a table without
 * a handle key takes no part unless the job forces it, and the event filters. Belongs to the
 * pipeline's thread.
 */
final class Admission {
    private static final Logger LOG = LoggerFactory.getLogger(Admission.class);

    /** Table versions remembered before the memory is wiped; versions come with DDL only. */
    private static final int REMEMBERED = 1 << 14;

    private final String jobId;
    private final TableFilter filter;
    private final boolean forceReplicate;
    private final EventFilters events;
    private final RowExpression.Zones zones;
    private final Map<TableSchema, Decision> decided = new IdentityHashMap<>();
    private @Nullable TableSchema lastSchema;
    private Decision last = Decision.NONE;

    /**
     * About the rows of a table version.
     *
     * @param admitted whether rows are delivered
     * @param events which of them are not, if any
     */
    private record Decision(boolean admitted, EventFilters.@Nullable OfTable events) {
        static final Decision NONE = new Decision(false, null);
    }

    Admission(
            String jobId,
            TableFilter filter,
            boolean forceReplicate,
            EventFilters events,
            RowExpression.Zones zones) {
        this.jobId = jobId;
        this.filter = filter;
        this.forceReplicate = forceReplicate;
        this.events = events;
        this.zones = zones;
    }

    /** Whether rows of this batch may be delivered, as far as table and transaction tell. */
    boolean rows(RowBatch batch) {
        return about(batch.schema()).admitted() && !events.ignoresTransaction(batch.commitTso());
    }

    /**
     * The rows of a batch that are delivered: the batch itself when it is all of them, which costs
     * nothing where no event filter names the table; a part of it, which has taken over the
     * caller's reference; or null.
     *
     * @throws MillraceException a condition of an event filter cannot be evaluated on a row
     */
    @Nullable RowBatch select(RowBatch batch) {
        EventFilters.OfTable of = about(batch.schema()).events();
        if (of == null) {
            return batch;
        }
        int op = batch.op();
        if (of.dropsAll(op)) {
            return null;
        }
        if (!of.examines(op)) {
            return batch;
        }
        int[] kept = new int[batch.rowCount()];
        int count = 0;
        RowView row = batch.rows();
        while (row.next()) {
            if (!of.drops(row, op)) {
                kept[count++] = row.index();
            }
        }
        if (count == 0) {
            return null;
        }
        return count == kept.length ? batch : new SelectedRows(batch, kept, count);
    }

    private Decision about(TableSchema schema) {
        if (schema == lastSchema) {
            return last;
        }
        Decision known = decided.get(schema);
        if (known == null) {
            known = decide(schema);
            if (decided.size() >= REMEMBERED) {
                decided.clear();
            }
            decided.put(schema, known);
        }
        lastSchema = schema;
        last = known;
        return known;
    }

    private Decision decide(TableSchema schema) {
        if (!filter.matches(schema.name())) {
            return Decision.NONE;
        }
        if (!eligible(schema)) {
            LOG.warn(
                    "rows are skipped, the table has neither a primary key nor a not-null unique"
                            + " key: job={} table={}",
                    jobId,
                    schema);
            return Decision.NONE;
        }
        return new Decision(true, events.of(schema, zones).orElse(null));
    }

    private boolean eligible(TableSchema schema) {
        return forceReplicate || schema.hasHandleKey();
    }

    /**
     * The parts of a statement that are delivered; empty when there are none.
     *
     * @throws MillraceException when the statement would let rows go missing: a table moves into
     *     the filter by RENAME, or loses its last usable key; or when an event filter names a
     *     column that the table does not have any more
     */
    Optional<SchemaChange> ddl(SchemaChange change) {
        if (events.ignoresTransaction(change.commitTso())) {
            return Optional.empty();
        }
        List<Change> kept = new ArrayList<>(change.changes().size());
        for (Change part : change.changes()) {
            if (admits(part) && fitsExpressions(part) && !events.ignores(change, part)) {
                kept.add(part);
            }
        }
        if (kept.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(kept.size() == change.changes().size() ? change : change.only(kept));
    }

    /** Before the statement is applied, so that a user can mend the filter and go on. */
    private boolean fitsExpressions(Change part) {
        if (part.kind() != DdlKind.CREATE_VIEW && part.after().isPresent()) {
            var unused = events.of(part.after().get(), zones);
        }
        return true;
    }

    private boolean admits(Change part) {
        TableName name = part.name();
        if (name.table().isEmpty()) {
            return filter.matchesSchema(name.schema());
        }
        boolean included = filter.matches(name);
        if (!included && part.newName().isPresent() && filter.matches(part.newName().get())) {
            throw new MillraceException(
                    ErrorCode.RENAME_INTO_FILTER,
                    "table "
                            + name
                            + " is not replicated, but its new name "
                            + part.newName().get()
                            + " would be, without the rows it already has; exclude the new name"
                            + " too, or include the old name, and copy the table: "
                            + part.query());
        }
        return included && keepsItsKey(part);
    }

    private boolean keepsItsKey(Change part) {
        if (part.kind() == DdlKind.CREATE_VIEW || part.kind() == DdlKind.DROP_VIEW) {
            return true;
        }
        Optional<TableSchema> before = part.before();
        if (part.after().isEmpty()) {
            return before.isEmpty() || eligible(before.get());
        }
        TableSchema after = part.after().get();
        if (eligible(after)) {
            return true;
        }
        boolean had = before.isPresent() && eligible(before.get());
        if (had && before.get().tableId() == after.tableId()) {
            throw new MillraceException(
                    ErrorCode.TABLE_INELIGIBLE,
                    "table "
                            + after.name()
                            + " loses its last primary or not-null unique key, its rows could not"
                            + " be identified any more; set force-replicate=true to go on without"
                            + " a key: "
                            + part.query());
        }
        LOG.warn(
                "DDL is skipped, the table has neither a primary key nor a not-null unique key:"
                        + " job={} table={} ddl={}",
                jobId,
                after,
                part.query());
        return false;
    }
}
