package io.millrace.core.spi;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.ColumnPatterns;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.Column;
import io.millrace.core.model.Projection;
import io.millrace.core.model.TableSchema;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which columns of a row are delivered: the first selector whose matcher has the table decides; a
 * table without one is delivered whole. Only what is encoded gets narrower; partitions, keys that
 * change and DDL are about whole rows. Remembers table versions, so it belongs to one thread.
 */
public final class ColumnSelection {
    /** Table versions remembered before the memory is wiped; versions come with DDL only. */
    private static final int REMEMBERED = 1 << 14;

    private final List<Selector> selectors;
    private final Map<TableSchema, Projection> known = new IdentityHashMap<>();

    private record Selector(TableFilter tables, ColumnPatterns columns) {}

    private ColumnSelection(List<Selector> selectors) {
        this.selectors = selectors;
    }

    /**
     * Compiles the selectors of a sink.
     *
     * @throws MillraceException INVALID_FILTER that names the rule or pattern
     */
    public static ColumnSelection of(SinkSpec spec) {
        List<Selector> selectors = new ArrayList<>();
        for (SinkSpec.ColumnSelector selector : spec.columnSelectors()) {
            selectors.add(
                    new Selector(
                            TableFilters.parse(selector.matcher(), spec.caseSensitive()),
                            ColumnPatterns.parse(selector.columns())));
        }
        return new ColumnSelection(selectors);
    }

    /** Whether all rows are delivered whole. */
    public boolean isEmpty() {
        return selectors.isEmpty();
    }

    /**
     * The columns of a table version that are delivered.
     *
     * @throws MillraceException COLUMN_SELECTOR_INVALID when they hold neither the whole primary
     *     key nor a whole unique key of NOT NULL columns
     */
    public Projection of(TableSchema schema) {
        Projection projection = known.get(schema);
        if (projection == null) {
            projection = select(schema);
            if (known.size() >= REMEMBERED) {
                known.clear();
            }
            known.put(schema, projection);
        }
        return projection;
    }

    private Projection select(TableSchema schema) {
        for (Selector selector : selectors) {
            if (selector.tables().matches(schema.name())) {
                int[] ordinals = new int[schema.columns().size()];
                int count = 0;
                for (int i = 0; i < ordinals.length; i++) {
                    if (selector.columns().matches(schema.column(i).name())) {
                        ordinals[count++] = i;
                    }
                }
                Projection projection =
                        Projection.of(schema, java.util.Arrays.copyOf(ordinals, count));
                if (!projection.schema().hasHandleKey()) {
                    throw new MillraceException(
                            ErrorCode.COLUMN_SELECTOR_INVALID,
                            "the column selector of table "
                                    + schema.name()
                                    + " leaves "
                                    + projection.schema().columns().stream()
                                            .map(Column::name)
                                            .toList()
                                    + ": that holds neither the whole primary key nor a whole"
                                    + " unique key of NOT NULL columns; add the columns of a key");
                }
                return projection;
            }
        }
        return Projection.whole(schema);
    }
}
