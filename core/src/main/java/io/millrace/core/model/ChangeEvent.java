package io.millrace.core.model;

/**
 * What flows from a capture to a sink. Closed: add a case and the compiler lists every place to
 * think about.
 */
public sealed interface ChangeEvent permits RowBatch, SchemaChange, ResolvedMark {
    /** Commit TSO of the transaction, or the TSO that a mark announces. */
    long commitTso();

    /** Where to read on after this event: a restart there does not see it again. */
    SourcePosition positionAfter();
}
