package io.millrace.core.engine;

import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.spi.SchemaHistory;
import java.util.Optional;

/**
 * One job's durable memory, fenced by the job's epoch: a write with an old epoch throws {@code
 * FENCED}. All writes return when they are durable.
 */
public interface JobStore {
    /**
     * A DDL about to be applied or just applied.
     *
     * @param commitTso names the DDL
     * @param query for people
     */
    record DdlIntent(long commitTso, String query) {}

    Optional<Checkpoint> checkpoint();

    /**
     * The end of the upstream's stream when the job's start was chosen, see {@link
     * io.millrace.core.spi.Upstream#streamEnd}.
     */
    default Optional<SourcePosition> startEnd() {
        return Optional.empty();
    }

    /**
     * Writes the checkpoint and, in the same transaction, removes an intent at or below its
     * resolved TSO.
     */
    void saveCheckpoint(Checkpoint checkpoint);

    Optional<DdlIntent> intent();

    void saveIntent(DdlIntent intent);

    /**
     * True from {@link #markRunning} until {@link #markStopped}: a start that finds it true follows
     * an unclean end.
     */
    boolean wasRunning();

    void markRunning();

    void markStopped();

    SchemaHistory schemaHistory();
}
