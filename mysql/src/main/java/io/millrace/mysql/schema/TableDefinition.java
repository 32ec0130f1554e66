package io.millrace.mysql.schema;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What is known of a table: its columns in the order of the row events, all its indexes and its
 * default character set. Immutable.
 *
 * @param name in the upstream's spelling
 * @param charset default of new text columns
 * @param collation default of new text columns
 * @param columns all columns that row events carry, invisible and generated ones included
 * @param keys all indexes, in the order of their making
 */
public record TableDefinition(
        TableName name,
        String charset,
        String collation,
        List<Column> columns,
        List<KeyDefinition> keys) {
    public TableDefinition {
        columns = List.copyOf(columns);
        keys = List.copyOf(keys);
    }

    /** The same definition under another name. */
    TableDefinition named(TableName newName) {
        return new TableDefinition(newName, charset, collation, columns, keys);
    }

    /** Ordinal of a column, -1 when there is none. Column names don't differ by case. */
    int ordinalOf(String column) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).name().equalsIgnoreCase(column)) {
                return i;
            }
        }
        return -1;
    }

    /**
     * Primary and unique keys on columns, the primary first. Keys on geometries are left out:
     * whether they cover whole values cannot be learnt from {@code information_schema}.
     */
    List<TableSchema.Key> schemaKeys() {
        List<TableSchema.Key> out = new ArrayList<>();
        for (KeyDefinition key : keys) {
            if (!key.isUniqueOnColumns()) {
                continue;
            }
            List<Integer> ordinals = new ArrayList<>();
            boolean usable = true;
            for (KeyDefinition.Part part : key.parts()) {
                int ordinal = ordinalOf(part.column());
                usable &= columns.get(ordinal).kind() != ColumnKind.GEOMETRY;
                ordinals.add(ordinal);
            }
            if (!usable) {
                continue;
            }
            boolean primary = key.kind() == KeyDefinition.Kind.PRIMARY;
            boolean onPrefix = !key.parts().stream().allMatch(KeyDefinition.Part::whole);
            TableSchema.Key schemaKey =
                    new TableSchema.Key(key.name(), primary, ordinals, onPrefix);
            if (primary) {
                out.addFirst(schemaKey);
            } else {
                out.add(schemaKey);
            }
        }
        return out;
    }

    /** As a version of the model. */
    public TableSchema toSchema(long tableId, long version) {
        return new TableSchema(tableId, version, name, columns, schemaKeys());
    }

    static String fold(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
