package io.millrace.core.spi;

import io.millrace.core.model.TableName;

/**
 * Where a sink records how its work goes. One call per batch, transaction or file, never per cell;
 * cheap, without allocation, callable from any thread.
 */
@FunctionalInterface
public interface SinkMetrics {
    /** Rows and messages above this many bytes are recorded as large. */
    int LARGE_ROW_BYTES = 2048;

    /** Forgets everything. */
    SinkMetrics NONE = (metric, value) -> {};

    /**
     * @param value nanoseconds for {@link SinkMetric.Kind#SECONDS}, else the amount itself
     */
    void record(SinkMetric metric, long value);

    /**
     * Rows of one table that the sink accepted; only of jobs that count by table.
     *
     * @param bytes in source form
     * @param commitTso of the rows
     */
    default void table(TableName table, int rows, int bytes, long commitTso) {}
}
