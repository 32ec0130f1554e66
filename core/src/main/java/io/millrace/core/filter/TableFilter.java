package io.millrace.core.filter;

import io.millrace.core.model.TableName;
import java.util.List;

/**
 * Decides which tables a job replicates. Immutable and thread-safe; build it with {@link
 * TableFilters#parse}.
 */
public interface TableFilter {
    /** Whether rows and DDL of the table are replicated. */
    boolean matches(String schema, String table);

    /** Whether DDL of the schema itself (CREATE and DROP DATABASE) is replicated. */
    boolean matchesSchema(String schema);

    /**
     * A text that two filters share only if they decide alike; empty when there is none to compare.
     */
    default String fingerprint() {
        return "";
    }

    default boolean matches(TableName name) {
        return matches(name.schema(), name.table());
    }

    /** The default, {@code *.*}: everything but system schemas. */
    static TableFilter all() {
        return TableFilters.parse(List.of("*.*"), true);
    }
}
