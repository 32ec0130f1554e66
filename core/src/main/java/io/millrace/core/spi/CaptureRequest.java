package io.millrace.core.spi;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Checkpoint;
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
 */
public record CaptureRequest(
        String jobId,
        long startTso,
        Optional<Checkpoint> checkpoint,
        TableFilter filter,
        SchemaHistory history,
        String timeZone) {}
