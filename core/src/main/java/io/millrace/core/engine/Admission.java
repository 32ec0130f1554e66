package io.millrace.core.engine;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SchemaChange.Change;
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
 * Decides what of the stream the sink gets to see: the table filter, and the rule that a table
 * without a handle key takes no part unless the job forces it. Belongs to the pipeline's thread.
 */
final class Admission {
    private static final Logger LOG = LoggerFactory.getLogger(Admission.class);

    /** Table versions remembered before the memory is wiped; versions come with DDL only. */
    private static final int REMEMBERED = 1 << 14;

    private final String jobId;
    private final TableFilter filter;
    private final boolean forceReplicate;
    private final Map<TableSchema, Boolean> decided = new IdentityHashMap<>();
    private @Nullable TableSchema lastSchema;
    private boolean lastAdmitted;

    Admission(String jobId, TableFilter filter, boolean forceReplicate) {
        this.jobId = jobId;
        this.filter = filter;
        this.forceReplicate = forceReplicate;
    }

    /** Whether rows of this table version are delivered. */
    boolean rows(TableSchema schema) {
        if (schema == lastSchema) {
            return lastAdmitted;
        }
        Boolean known = decided.get(schema);
        if (known == null) {
            known = decide(schema);
            if (decided.size() >= REMEMBERED) {
                decided.clear();
            }
            decided.put(schema, known);
        }
        lastSchema = schema;
        lastAdmitted = known;
        return known;
    }

    private boolean decide(TableSchema schema) {
        if (!filter.matches(schema.name())) {
            return false;
        }
        if (!eligible(schema)) {
            LOG.warn(
                    "rows are skipped, the table has neither a primary key nor a not-null unique"
                            + " key: job={} table={}",
                    jobId,
                    schema);
            return false;
        }
        return true;
    }

    private boolean eligible(TableSchema schema) {
        return forceReplicate || schema.hasHandleKey();
    }

    /**
     * The parts of a statement that are delivered; empty when there are none.
     *
     * @throws MillraceException when the statement would let rows go missing: a table moves into
     *     the filter by RENAME, or loses its last usable key
     */
    Optional<SchemaChange> ddl(SchemaChange change) {
        List<Change> kept = new ArrayList<>(change.changes().size());
        for (Change part : change.changes()) {
            if (admits(part)) {
                kept.add(part);
            }
        }
        if (kept.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(kept.size() == change.changes().size() ? change : change.only(kept));
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
