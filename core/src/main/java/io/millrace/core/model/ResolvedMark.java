package io.millrace.core.model;

/**
 * No change at or below this TSO will come any more. Ends of transactions are marks on batches, not
 * these: a capture sends one when it read past transactions that no job wants, and when the
 * upstream is idle.
 *
 * @param commitTso the resolved TSO
 * @param positionAfter where to read on
 * @param clockDerived true when the TSO was taken from the upstream's clock while idle and not from
 *     a transaction. It then raises the floor of later TSOs, so the engine makes it durable before
 *     it lets a later row pass: otherwise a restart from an older checkpoint would number the same
 *     transactions differently.
 */
public record ResolvedMark(long commitTso, SourcePosition positionAfter, boolean clockDerived)
        implements ChangeEvent {}
