package io.millrace.kafka;

import io.millrace.core.model.Column;
import io.millrace.core.model.Projection;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;

/** Where the rows of one table version go, and which of its columns matter for that. */
final class Route {
    final TableSchema schema;

    /** What of a row is encoded. */
    final Projection columns;

    final Topics.Topic topic;
    final RowPartitioner partitioner;

    /** Columns of the handle key and of all unique keys. */
    private final int[] keyColumns;

    /** Columns that a row has a value of in the binary log. */
    private final int[] storedColumns;

    Route(TableSchema schema, Projection columns, Topics.Topic topic, RowPartitioner partitioner) {
        this.schema = schema;
        this.columns = columns;
        this.topic = topic;
        this.partitioner = partitioner;
        Set<Integer> ordinals = new HashSet<>();
        for (TableSchema.Key key : schema.keys()) {
            ordinals.addAll(key.columns());
        }
        keyColumns = ordinals.stream().mapToInt(Integer::intValue).sorted().toArray();
        storedColumns =
                IntStream.range(0, schema.columns().size())
                        .filter(i -> schema.column(i).generated() != Column.Generated.VIRTUAL)
                        .toArray();
    }

    /** Whether an update gives the row another key. */
    boolean changesKey(RowView row) {
        for (int column : keyColumns) {
            // A minimal new image holds only what changed.
            if (row.isPresent(RowView.AFTER, column) && !row.isUnchanged(column)) {
                return true;
            }
        }
        return false;
    }

    /** Whether the new image alone can make the row anew. */
    boolean isComplete(RowView row) {
        for (int column : storedColumns) {
            if (!row.isPresent(RowView.AFTER, column)) {
                return false;
            }
        }
        return true;
    }
}
