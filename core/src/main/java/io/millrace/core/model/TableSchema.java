package io.millrace.core.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * One immutable version of a table: what its rows look like from a position on.
 *
 * <p>Compared by identity in the hot path: the same version is the same object for as long as a
 * capture runs.
 */
public final class TableSchema {
    private final long tableId;
    private final long version;
    private final TableName name;
    private final List<Column> columns;
    private final List<Key> keys;
    private final int[] handleKey;

    /**
     * A primary or unique key.
     *
     * @param name {@code PRIMARY} for the primary key
     * @param primary whether it is the primary key
     * @param columns column ordinals in key order, 0-based
     * @param onPrefix whether a part takes only the beginning of its column. Rows are told apart by
     *     whole columns all the same, but rows with different values there may exclude each other
     */
    public record Key(String name, boolean primary, List<Integer> columns, boolean onPrefix) {
        public Key {
            columns = List.copyOf(columns);
        }

        /** A key on whole columns. */
        public Key(String name, boolean primary, List<Integer> columns) {
            this(name, primary, columns, false);
        }
    }

    /**
     * @param tableId stable 64-bit number of the upstream table, new after TRUNCATE or re-creation
     * @param version grows with each change of this table
     * @param keys primary and unique keys, the primary first; key parts on expressions make a key
     *     unusable and are left out
     */
    public TableSchema(
            long tableId, long version, TableName name, List<Column> columns, List<Key> keys) {
        this.tableId = tableId;
        this.version = version;
        this.name = Objects.requireNonNull(name);
        this.columns = List.copyOf(columns);
        this.keys = List.copyOf(keys);
        this.handleKey = chooseHandleKey(this.columns, this.keys);
    }

    public long tableId() {
        return tableId;
    }

    public long version() {
        return version;
    }

    public TableName name() {
        return name;
    }

    public List<Column> columns() {
        return columns;
    }

    /** Column by ordinal, 0-based. */
    public Column column(int ordinal) {
        return columns.get(ordinal);
    }

    /** Ordinal of a column by exact name, or -1. */
    public int ordinalOf(String columnName) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).name().equals(columnName)) {
                return i;
            }
        }
        return -1;
    }

    /** Primary and unique keys, the primary first. */
    public List<Key> keys() {
        return keys;
    }

    /**
     * Ordinals that identify a row: the primary key, else the not-null unique key with the fewest
     * columns (ties: the first declared; one on prefixes only when there is no other). Empty when
     * the table has neither. Callers must not change the array.
     */
    public int[] handleKey() {
        return handleKey;
    }

    /** Whether rows can be identified by key. */
    public boolean hasHandleKey() {
        return handleKey.length > 0;
    }

    /** The same table under another version, columns or keys. */
    public TableSchema with(
            long newVersion, TableName newName, List<Column> newColumns, List<Key> newKeys) {
        return new TableSchema(tableId, newVersion, newName, newColumns, newKeys);
    }

    private static int[] chooseHandleKey(List<Column> columns, List<Key> keys) {
        List<Integer> best = List.of();
        boolean bestOnPrefix = false;
        for (Key key : keys) {
            if (key.primary()) {
                return toArray(key.columns());
            }
            boolean eligible = true;
            for (int ordinal : key.columns()) {
                Column column = columns.get(ordinal);
                eligible &= !column.nullable() && column.generated() != Column.Generated.VIRTUAL;
            }
            boolean better =
                    best.isEmpty()
                            || (bestOnPrefix && !key.onPrefix())
                            || (bestOnPrefix == key.onPrefix()
                                    && key.columns().size() < best.size());
            if (eligible && better) {
                best = key.columns();
                bestOnPrefix = key.onPrefix();
            }
        }
        return toArray(new ArrayList<>(best));
    }

    private static int[] toArray(List<Integer> list) {
        int[] out = new int[list.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = list.get(i);
        }
        return out;
    }

    @Override
    public String toString() {
        return name + "#" + tableId + "v" + version;
    }
}
