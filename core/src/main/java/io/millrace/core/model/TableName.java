package io.millrace.core.model;

import java.util.Objects;

/** A table's schema (database) and name, in the upstream's spelling. */
public record TableName(String schema, String table) {
    public TableName {
        Objects.requireNonNull(schema);
        Objects.requireNonNull(table);
    }

    @Override
    public String toString() {
        return schema + "." + table;
    }
}
