package io.millrace.core.model;

import java.util.Objects;

/**
 * Durable progress of a job: everything at or before {@code position} is safe downstream, and no
 * change at or below {@code resolvedTso} is missing there. Made only by the ack ledger.
 *
 * @param position where to read on
 * @param resolvedTso all transactions up to this TSO are wholly delivered
 */
public record Checkpoint(SourcePosition position, long resolvedTso) {
    public Checkpoint {
        Objects.requireNonNull(position);
    }
}
