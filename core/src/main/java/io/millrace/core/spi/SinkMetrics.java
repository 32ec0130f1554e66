package io.millrace.core.spi;

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
}
