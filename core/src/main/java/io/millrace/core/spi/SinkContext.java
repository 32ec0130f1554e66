package io.millrace.core.spi;

import io.millrace.core.model.Checkpoint;
import java.util.Optional;

/**
 * What the engine lends a sink.
 *
 * @param jobId stable id of the job: {@code namespace/name}
 * @param nodeAddress advertised address of this node, for client ids
 * @param acks where to report
 * @param startTso resolved TSO from which this run begins (the checkpoint's, or the job's start)
 * @param checkpoint the checkpoint that this run starts from; empty at the very first start
 * @param unclean true when the last run did not end orderly, so rows after the checkpoint may
 *     already be downstream
 * @param metrics where the sink records how its work goes
 */
public record SinkContext(
        String jobId,
        String nodeAddress,
        Acks acks,
        long startTso,
        Optional<Checkpoint> checkpoint,
        boolean unclean,
        SinkMetrics metrics) {
    /** Without metrics. */
    public SinkContext(
            String jobId,
            String nodeAddress,
            Acks acks,
            long startTso,
            Optional<Checkpoint> checkpoint,
            boolean unclean) {
        this(jobId, nodeAddress, acks, startTso, checkpoint, unclean, SinkMetrics.NONE);
    }
}
