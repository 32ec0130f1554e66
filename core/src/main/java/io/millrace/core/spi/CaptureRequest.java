package io.millrace.core.spi;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.SourcePosition;
import java.util.Optional;

/**
 * What a capture needs to start.
 *
 * @param jobId for messages and the session's name upstream
 * @param startTso first TSO wanted when there is no checkpoint: transactions with a TSO at or below
 *     it are not emitted
 * @param checkpoint where to read on, once there is progress
 * @param filter events of other tables are dropped before their bytes are looked at
 * @param history durable schema history and table ids of this job
 * @param timeZone IANA name or offset that TIMESTAMP values are shown in
 * @param startEnd the end of the stream when {@code startTso} was chosen ({@link
 *     Upstream#streamEnd}): what lies behind it counts as after the start. Empty when it was not
 *     remembered, and once there is a checkpoint
 * @param bidirectional how to tell what came from the other side; empty when all is wanted
 */
public record CaptureRequest(
        String jobId,
        long startTso,
        Optional<Checkpoint> checkpoint,
        TableFilter filter,
        SchemaHistory history,
        String timeZone,
        Optional<SourcePosition> startEnd,
        Optional<Bidirectional> bidirectional) {
    /**
     * Of a job whose target is replicated back by another.
     *
     * @param progressSchema database in which a sink of ours keeps its progress: transactions that
     *     touch it are that sink's and are left out as a whole
     * @param ddl whether DDL is wanted; one side only can have the say
     */
    public record Bidirectional(String progressSchema, boolean ddl) {}

    /** One way. */
    public CaptureRequest(
            String jobId,
            long startTso,
            Optional<Checkpoint> checkpoint,
            TableFilter filter,
            SchemaHistory history,
            String timeZone,
            Optional<SourcePosition> startEnd) {
        this(jobId, startTso, checkpoint, filter, history, timeZone, startEnd, Optional.empty());
    }

    /** Without a remembered end. */
    public CaptureRequest(
            String jobId,
            long startTso,
            Optional<Checkpoint> checkpoint,
            TableFilter filter,
            SchemaHistory history,
            String timeZone) {
        this(jobId, startTso, checkpoint, filter, history, timeZone, Optional.empty());
    }
}
