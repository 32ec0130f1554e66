package io.millrace.mysql.schema;

import java.util.List;

/**
 * An index of a table.
 *
 * @param name as the server names it; {@code PRIMARY} for the primary key
 * @param kind what it is
 * @param parts in key order
 * @param generated made by the server for a foreign key; it goes when another index does its work
 */
public record KeyDefinition(String name, Kind kind, List<Part> parts, boolean generated) {
    /** Kinds of index. */
    public enum Kind {
        PRIMARY,
        UNIQUE,
        /** Neither of the others: not unique, full-text, spatial, vector. */
        PLAIN
    }

    /**
     * One part of an index.
     *
     * @param column the column's name, empty for an expression
     * @param prefix length in characters (bytes of binary types) when only a prefix is indexed,
     *     else 0
     */
    public record Part(String column, int prefix) {
        /** Whether whole values of a column are indexed. */
        public boolean whole() {
            return prefix == 0 && !column.isEmpty();
        }
    }

    public KeyDefinition {
        parts = List.copyOf(parts);
    }

    /**
     * Whether no two rows are equal in its columns: true of a prefix too, for values that are equal
     * have equal beginnings.
     */
    boolean isUniqueOnColumns() {
        return kind != Kind.PLAIN && parts.stream().noneMatch(part -> part.column().isEmpty());
    }
}
