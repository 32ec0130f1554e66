package io.millrace.core.engine;

import java.util.Set;

/**
 * A run's figures at one moment.
 *
 * @param checkpointTso resolved TSO of the last durable checkpoint, or the job's start
 * @param resolvedTso up to here the upstream has been read; at or above {@code checkpointTso}
 * @param tableIds tables that the run follows, whether they change or not; empty before it knows
 *     them
 * @param rows rows that the sink accepted in this run
 * @param bytes their size in source form
 * @param ddls DDL statements that the sink accepted in this run
 * @param bufferedBytes held now between capture and sink, as counted against the memory quota
 * @param deliveredTso TSO of the last row or DDL that the sink made durable; before there is one,
 *     where the run began
 * @param ddlUnderWay whether the sink works at a DDL: nothing else moves meanwhile
 */
public record JobProgress(
        long checkpointTso,
        long resolvedTso,
        Set<Long> tableIds,
        long rows,
        long bytes,
        long ddls,
        long bufferedBytes,
        long deliveredTso,
        boolean ddlUnderWay) {
    public JobProgress {
        tableIds = Set.copyOf(tableIds);
    }

    /** Of a job that has no run: nothing but where it stands. */
    public static JobProgress at(long tso) {
        return new JobProgress(tso, tso, Set.of(), 0, 0, 0, 0, tso, false);
    }
}
