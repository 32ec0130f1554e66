package io.millrace.core.spi;

import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.TableName;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

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
 * @param tables names of the tables that the job replicates now, whether they change or not; asks
 *     the upstream, so it blocks and may throw what {@link Upstream#tables} throws
 */
public record SinkContext(
        String jobId,
        String nodeAddress,
        Acks acks,
        long startTso,
        Optional<Checkpoint> checkpoint,
        boolean unclean,
        SinkMetrics metrics,
        Supplier<List<TableName>> tables) {
    /** Without tables. */
    public SinkContext(
            String jobId,
            String nodeAddress,
            Acks acks,
            long startTso,
            Optional<Checkpoint> checkpoint,
            boolean unclean,
            SinkMetrics metrics) {
        this(jobId, nodeAddress, acks, startTso, checkpoint, unclean, metrics, List::of);
    }

    /** Without tables and metrics. */
    public SinkContext(
            String jobId,
            String nodeAddress,
            Acks acks,
            long startTso,
            Optional<Checkpoint> checkpoint,
            boolean unclean) {
        this(jobId, nodeAddress, acks, startTso, checkpoint, unclean, SinkMetrics.NONE);
    }

    /** The same, but reports go elsewhere. */
    public SinkContext withAcks(Acks others) {
        return new SinkContext(
                jobId, nodeAddress, others, startTso, checkpoint, unclean, metrics, tables);
    }
}
