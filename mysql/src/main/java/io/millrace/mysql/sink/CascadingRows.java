package io.millrace.mysql.sink;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Rows of one table version that take other rows along: foreign keys with {@code CASCADE} or {@code
 * SET NULL} refer to them. InnoDB does that below the binlog, so no event tells of the other rows,
 * and the target has to do it again. Such a row is written with foreign keys checked, one statement
 * per row in the upstream's order, after everything before it and before everything behind it.
 *
 * <p>Nothing else the sink writes has foreign keys checked, so it takes no rows along.
 */
final class CascadingRows {
    private static final byte[] CHECKS_ON = ascii("SET foreign_key_checks=1");
    private static final byte[] CHECKS_OFF = ascii(";SET foreign_key_checks=0");

    private final boolean onDelete;
    private final int[] onUpdate;

    /** A column that the upstream does not have takes rows along; its changes are not known. */
    private final boolean onAnyUpdate;

    private CascadingRows(boolean onDelete, int[] onUpdate, boolean onAnyUpdate) {
        this.onDelete = onDelete;
        this.onUpdate = onUpdate;
        this.onAnyUpdate = onAnyUpdate;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Null when no row of the table takes others along. */
    static @Nullable CascadingRows of(TableSchema schema, ForeignKeys.Cascades cascades) {
        if (cascades.none()) {
            return null;
        }
        Set<String> names = cascades.onUpdate();
        int[] ordinals = new int[names.size()];
        int count = 0;
        for (int i = 0; i < schema.columns().size() && count < ordinals.length; i++) {
            if (names.contains(schema.column(i).name().toLowerCase(Locale.ROOT))) {
                ordinals[count++] = i;
            }
        }
        return new CascadingRows(
                cascades.onDelete(),
                java.util.Arrays.copyOf(ordinals, count),
                count < ordinals.length);
    }

    /** Whether some rows of the batch may take others along. */
    boolean mayBeIn(RowBatch batch) {
        return batch.checksForeignKeys()
                && switch (batch.op()) {
                    case RowBatch.DELETE -> onDelete;
                    case RowBatch.UPDATE -> onAnyUpdate || onUpdate.length > 0;
                    default -> false;
                };
    }

    /** Whether the row does, of a batch where some may. */
    boolean isOne(RowView row, int op) {
        if (op == RowBatch.DELETE || onAnyUpdate) {
            return true;
        }
        for (int ordinal : onUpdate) {
            if (!row.isUnchanged(ordinal)) {
                return true;
            }
        }
        return false;
    }

    /** Before the first row; returns the number of statements. */
    static int begin(ByteSink out) {
        out.put(CHECKS_ON);
        return 1;
    }

    /** Behind the last row; returns the number of statements. */
    static int end(ByteSink out) {
        out.put(CHECKS_OFF);
        return 1;
    }

    /**
     * Appends the statements of one row.
     *
     * <p>Written idempotently, the row's change may be in the target already and later ones too,
     * while rows that it took along were written anew. So the row is first put back to what it was
     * before, alone; then it changes and takes others along, unless a later state stands against
     * that ({@code IGNORE}); then it changes in any case.
     *
     * @return how many statements
     */
    static int put(
            TablePlan plan, int op, boolean safe, RowView row, ByteSink out, ByteSink scratch) {
        if (op == RowBatch.DELETE) {
            int statements = safe ? putBack(plan, op, row, out, scratch) : 0;
            putDelete(plan, safe, row, RowView.BEFORE, out, scratch);
            if (safe) {
                out.put(CHECKS_OFF);
                putDelete(plan, false, row, RowView.BEFORE, out, scratch);
                statements += 2 + again(out);
            }
            return statements + 1;
        }
        int before = out.length();
        boolean tolerant = safe && plan.upsertable();
        int statements = tolerant ? putBack(plan, op, row, out, scratch) : 0;
        if (!putUpdate(plan, tolerant, row, out, scratch)) {
            out.length(before);
            return 0;
        }
        if (tolerant) {
            out.put(CHECKS_OFF);
            putUpdate(plan, false, row, out, scratch);
            statements += 2 + again(out);
        }
        return statements + 1;
    }

    /** Makes the row what it was before its change, if the images tell; ends with checks on. */
    private static int putBack(
            TablePlan plan, int op, RowView row, ByteSink out, ByteSink scratch) {
        boolean update = op == RowBatch.UPDATE;
        if (!plan.upsertable()
                || plan.presence(row, RowView.BEFORE) != TablePlan.ALL_PRESENT
                || (update && plan.presence(row, RowView.AFTER) != TablePlan.ALL_PRESENT)) {
            return 0;
        }
        int statements = 2;
        out.put(CHECKS_OFF);
        if (update) {
            // Nothing may be in the way of the new values.
            plan.putReplace(row, RowView.AFTER, out, scratch);
            putDelete(plan, false, row, RowView.AFTER, out, scratch);
            statements += 2;
        }
        plan.putReplace(row, RowView.BEFORE, out, scratch);
        return statements + again(out);
    }

    private static int again(ByteSink out) {
        out.put(';');
        return begin(out);
    }

    private static void putDelete(
            TablePlan plan,
            boolean ignore,
            RowView row,
            int image,
            ByteSink out,
            ByteSink scratch) {
        out.putUtf8(ignore ? ";DELETE IGNORE FROM " : ";DELETE FROM ");
        out.put(plan.table());
        putWhere(plan, row, image, out, scratch);
    }

    private static boolean putUpdate(
            TablePlan plan, boolean ignore, RowView row, ByteSink out, ByteSink scratch) {
        int before = out.length();
        out.putUtf8(ignore ? ";UPDATE IGNORE " : ";UPDATE ");
        out.put(plan.table());
        out.putUtf8(" SET ");
        if (!plan.putAssignments(row, out, scratch)) {
            out.length(before);
            return false;
        }
        putWhere(plan, row, RowView.BEFORE, out, scratch);
        return true;
    }

    private static void putWhere(
            TablePlan plan, RowView row, int image, ByteSink out, ByteSink scratch) {
        out.putUtf8(" WHERE ");
        plan.putCondition(row, image, out, scratch);
        out.putUtf8(" LIMIT 1");
    }
}
