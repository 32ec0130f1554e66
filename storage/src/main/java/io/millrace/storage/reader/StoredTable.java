package io.millrace.storage.reader;

import io.millrace.core.model.TableSchema;
import java.util.List;

/**
 * A table version's data files, in order.
 *
 * @param schema as its schema file tells it
 * @param version the TSO from which on it holds
 * @param files names below the root
 */
public record StoredTable(TableSchema schema, long version, List<String> files) {
    public StoredTable {
        files = List.copyOf(files);
    }
}
