package io.millrace.core.model;

import java.util.ArrayList;
import java.util.List;

/**
 * Some columns of a table version, in the table's order: a narrower table version, and views that
 * fit it. Keys that lose a column are gone. Immutable.
 */
public final class Projection {
    private final TableSchema schema;
    private final int[] ordinals;
    private final boolean whole;

    private Projection(TableSchema schema, int[] ordinals, boolean whole) {
        this.schema = schema;
        this.ordinals = ordinals;
        this.whole = whole;
    }

    /** All columns. */
    public static Projection whole(TableSchema schema) {
        return new Projection(schema, new int[0], true);
    }

    /**
     * The columns with these ordinals.
     *
     * @param ordinals ascending
     */
    public static Projection of(TableSchema full, int[] ordinals) {
        int[] newOrdinal = new int[full.columns().size()];
        java.util.Arrays.fill(newOrdinal, -1);
        List<Column> columns = new ArrayList<>();
        for (int ordinal : ordinals) {
            newOrdinal[ordinal] = columns.size();
            columns.add(full.column(ordinal));
        }
        if (columns.size() == newOrdinal.length) {
            return whole(full);
        }
        List<TableSchema.Key> keys = new ArrayList<>();
        for (TableSchema.Key key : full.keys()) {
            if (key.columns().stream().allMatch(old -> newOrdinal[old] >= 0)) {
                keys.add(
                        new TableSchema.Key(
                                key.name(),
                                key.primary(),
                                key.columns().stream().map(old -> newOrdinal[old]).toList(),
                                key.onPrefix()));
            }
        }
        return new Projection(
                full.with(full.version(), full.name(), columns, keys), ordinals.clone(), false);
    }

    /** The table version as seen through the projection; the full one itself when it is whole. */
    public TableSchema schema() {
        return schema;
    }

    /** Whether no column is missing. */
    public boolean isWhole() {
        return whole;
    }

    /**
     * A view of the projected columns that stands where the given one stands, now and after that
     * one is moved; moving either moves both. The view itself when the projection is whole.
     */
    public RowView view(RowView full) {
        return whole ? full : new ProjectedView(full, ordinals);
    }
}
