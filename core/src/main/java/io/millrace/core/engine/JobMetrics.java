package io.millrace.core.engine;

import io.millrace.core.model.TableName;
import io.millrace.core.spi.SinkMetric;
import io.millrace.core.spi.SinkMetrics;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What one job's runs on this node recorded since the node started or the job was made. Written by
 * any thread, read by the metrics page.
 */
public final class JobMetrics implements SinkMetrics {
    private static final long MILLISECOND = 1_000_000;

    /** 1 ms to 17 min. */
    private static final long[] DURATIONS = doubling(MILLISECOND, 21);

    /** 1 to 8 million. */
    private static final long[] SIZES = doubling(1, 24);

    /** Tables that are counted apart. */
    static final int MAX_TABLES = 4096;

    /** All tables beyond {@link #MAX_TABLES} together. */
    static final TableName OTHER_TABLES = new TableName("", "others");

    /** What one table brought. */
    public static final class TableCounts {
        private final LongAdder rows = new LongAdder();
        private final LongAdder bytes = new LongAdder();
        private final AtomicLong commitTso = new AtomicLong();

        public long rows() {
            return rows.sum();
        }

        public long bytes() {
            return bytes.sum();
        }

        /** Of the latest rows. */
        public long commitTso() {
            return commitTso.get();
        }
    }

    private final Map<TableName, TableCounts> tables = new ConcurrentHashMap<>();

    private final @Nullable Histogram[] histograms =
            new @Nullable Histogram[SinkMetric.values().length];
    private final AtomicLong[] values = new AtomicLong[SinkMetric.values().length];
    private final LongAdder[] counts = new LongAdder[SinkMetric.values().length];

    /** Upper bounds, and how many values fell below each; the last one has no bound. */
    public static final class Histogram {
        private final long[] bounds;
        private final AtomicLongArray buckets;
        private final LongAdder sum = new LongAdder();

        /**
         * @param bounds inclusive upper bounds, ascending
         */
        public Histogram(long... bounds) {
            this.bounds = bounds.clone();
            this.buckets = new AtomicLongArray(bounds.length + 1);
        }

        public void record(long value) {
            int low = 0;
            int high = bounds.length;
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (bounds[middle] < value) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            buckets.incrementAndGet(low);
            sum.add(value);
        }

        /** Buckets, one more than there are bounds. */
        public int size() {
            return buckets.length();
        }

        /** Upper bound of a bucket; {@link Long#MAX_VALUE} for the last. */
        public long bound(int bucket) {
            return bucket == bounds.length ? Long.MAX_VALUE : bounds[bucket];
        }

        /** Values in this bucket alone. */
        public long count(int bucket) {
            return buckets.get(bucket);
        }

        public long sum() {
            return sum.sum();
        }

        /** Whether nothing was recorded. */
        public boolean isEmpty() {
            for (int i = 0; i < buckets.length(); i++) {
                if (buckets.get(i) != 0) {
                    return false;
                }
            }
            return true;
        }
    }

    public JobMetrics() {
        for (SinkMetric metric : SinkMetric.values()) {
            int i = metric.ordinal();
            values[i] = new AtomicLong();
            counts[i] = new LongAdder();
            switch (metric.kind()) {
                case SECONDS -> histograms[i] = new Histogram(DURATIONS);
                case SIZES -> histograms[i] = new Histogram(SIZES);
                case COUNT, BUSY, LEVEL -> histograms[i] = null;
            }
        }
    }

    private static long[] doubling(long first, int count) {
        long[] bounds = new long[count];
        for (int i = 0; i < count; i++) {
            bounds[i] = first << i;
        }
        return bounds;
    }

    @Override
    public void record(SinkMetric metric, long value) {
        int i = metric.ordinal();
        Histogram histogram = histograms[i];
        if (histogram != null) {
            histogram.record(value);
        } else if (metric.kind() == SinkMetric.Kind.LEVEL) {
            values[i].set(value);
        } else {
            counts[i].add(value);
        }
    }

    @Override
    public void table(TableName table, int rows, int bytes, long commitTso) {
        TableCounts counts = tables.get(table);
        if (counts == null) {
            counts =
                    tables.computeIfAbsent(
                            tables.size() < MAX_TABLES ? table : OTHER_TABLES,
                            name -> new TableCounts());
        }
        counts.rows.add(rows);
        counts.bytes.add(bytes);
        counts.commitTso.set(commitTso);
    }

    /** Counts by table, of a job that has them; beyond {@link #MAX_TABLES} under one name. */
    public Map<TableName, TableCounts> tables() {
        return Collections.unmodifiableMap(tables);
    }

    /** The histogram of a metric of durations or sizes; null for the other kinds. */
    public @Nullable Histogram histogram(SinkMetric metric) {
        return histograms[metric.ordinal()];
    }

    /** The value of a metric that is added up, or of a level. */
    public long value(SinkMetric metric) {
        int i = metric.ordinal();
        return metric.kind() == SinkMetric.Kind.LEVEL ? values[i].get() : counts[i].sum();
    }
}
