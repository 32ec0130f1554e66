package io.millrace.core.model;

import java.util.List;
import java.util.Optional;

/**
 * A DDL statement at its place in the stream.
 *
 * @param commitTso its own TSO; a DDL is a transaction of its own
 * @param positionAfter where to read on
 * @param query the statement as the upstream wrote it
 * @param defaultSchema current database of the session that ran it, empty when none
 * @param session the state of that session, as far as the outcome depends on it
 * @param changes one entry per table or schema touched, in statement order; never empty
 */
public record SchemaChange(
        long commitTso,
        SourcePosition positionAfter,
        String query,
        String defaultSchema,
        SessionState session,
        List<Change> changes)
        implements ChangeEvent {

    public SchemaChange {
        changes = List.copyOf(changes);
    }

    /** A change of which nothing is known but its text. */
    public SchemaChange(
            long commitTso,
            SourcePosition positionAfter,
            String query,
            String defaultSchema,
            List<Change> changes) {
        this(commitTso, positionAfter, query, defaultSchema, SessionState.UNKNOWN, changes);
    }

    /**
     * The part of a statement that touches one object.
     *
     * @param kind what is done
     * @param name the object before the change (table empty for schema-level DDL); for CREATE the
     *     new object
     * @param newName the name afterwards when it differs (RENAME)
     * @param before the table version before, when it is known and existed
     * @param after the table version afterwards, when the table still exists
     * @param query a complete statement for this part alone, fully qualified when the statement had
     *     to be split; equal to the whole query when the statement has one part
     */
    public record Change(
            DdlKind kind,
            TableName name,
            Optional<TableName> newName,
            Optional<TableSchema> before,
            Optional<TableSchema> after,
            String query) {}

    /** The same statement with only some of its parts. */
    public SchemaChange only(List<Change> kept) {
        return new SchemaChange(commitTso, positionAfter, query, defaultSchema, session, kept);
    }
}
