package io.millrace.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.TableName;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkMetrics;
import java.util.Objects;
import org.junit.jupiter.api.Test;

final class JobMetricsTest {
    private final JobMetrics metrics = new JobMetrics();

    @Test
    void eachKindKeepsWhatItIsFor() {
        metrics.record(SinkMetric.EXIT_WITH_ERROR, 1);
        metrics.record(SinkMetric.EXIT_WITH_ERROR, 2);
        metrics.record(SinkMetric.START_TIME, 5);
        metrics.record(SinkMetric.START_TIME, 4);
        assertThat(metrics.value(SinkMetric.EXIT_WITH_ERROR)).isEqualTo(3);
        assertThat(metrics.value(SinkMetric.START_TIME)).isEqualTo(4);
        assertThat(metrics.histogram(SinkMetric.START_TIME)).isNull();
    }

    @Test
    void aValueOnABoundBelongsBelowIt() {
        JobMetrics.Histogram histogram = new JobMetrics.Histogram(1, 10, 100);
        for (long value : new long[] {0, 1, 2, 10, 11, 100, 101, Long.MAX_VALUE / 2}) {
            histogram.record(value);
        }
        assertThat(new long[] {histogram.count(0), histogram.count(1), histogram.count(2)})
                .containsExactly(2, 2, 2);
        assertThat(histogram.count(3)).isEqualTo(2);
        assertThat(histogram.bound(3)).isEqualTo(Long.MAX_VALUE);
        assertThat(histogram.sum()).isEqualTo(225 + Long.MAX_VALUE / 2);
    }

    @Test
    void durationsAreFineEnoughToSeeAMillisecond() {
        JobMetrics.Histogram histogram =
                Objects.requireNonNull(metrics.histogram(SinkMetric.TXN_WORKER_FLUSH_DURATION));
        assertThat(histogram.isEmpty()).isTrue();
        metrics.record(SinkMetric.TXN_WORKER_FLUSH_DURATION, 900_000);
        metrics.record(SinkMetric.TXN_WORKER_FLUSH_DURATION, 1_100_000);
        assertThat(histogram.count(0)).isEqualTo(1);
        assertThat(histogram.count(1)).isEqualTo(1);
        assertThat(histogram.isEmpty()).isFalse();
    }

    @Test
    void tablesAreCountedApartUpToALimit() {
        for (int i = 0; i < JobMetrics.MAX_TABLES + 5; i++) {
            metrics.table(new TableName("s", "t" + i), 2, 10, 7);
        }
        metrics.table(new TableName("s", "t0"), 1, 5, 9);
        assertThat(metrics.tables()).hasSize(JobMetrics.MAX_TABLES + 1);
        JobMetrics.TableCounts first =
                Objects.requireNonNull(metrics.tables().get(new TableName("s", "t0")));
        assertThat(first.rows()).isEqualTo(3);
        assertThat(first.bytes()).isEqualTo(15);
        assertThat(first.commitTso()).isEqualTo(9);
        JobMetrics.TableCounts others =
                Objects.requireNonNull(metrics.tables().get(JobMetrics.OTHER_TABLES));
        assertThat(others.rows()).isEqualTo(10);
    }

    @Test
    void recordingAllocatesNothing() {
        var threads =
                (com.sun.management.ThreadMXBean)
                        java.lang.management.ManagementFactory.getThreadMXBean();
        SinkMetrics to = metrics;
        SinkMetric[] all = SinkMetric.values();
        for (int i = 0; i < 20_000; i++) {
            to.record(all[i % all.length], i);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100_000; i++) {
            to.record(all[i % all.length], i);
        }
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
    }
}
