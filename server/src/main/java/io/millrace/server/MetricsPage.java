package io.millrace.server;

import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.Job;
import io.millrace.core.control.JobState;
import io.millrace.core.engine.JobMetrics;
import io.millrace.core.engine.JobProgress;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.model.TableName;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.SinkMetric;
import java.lang.management.ManagementFactory;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * The page that Prometheus reads: the JVM through Micrometer, the jobs under the names that users
 * of TiCDC have alerts on. Job figures are read from the image when the page is asked for, so a job
 * that stopped has no lag to grow and a removed one has nothing at all.
 */
final class MetricsPage implements AutoCloseable {
    static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final String CAPTURE_TABLE = "ticdc_scheduler_capture_table";
    private static final String TABLE_STATE = "ticdc_scheduler_table_replication_state";

    private final PrometheusMeterRegistry jvm =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics gc = new JvmGcMetrics();
    private final Clock clock;
    private final Instant started;

    private final UpstreamClocks clocks;
    private final LagHistograms lags;

    private record Figure(String name, String type, String help, ToDoubleFunction<Sample> value) {}

    private record Sample(Job job, JobProgress progress, long nowMs) {
        /** Up to where the checkpoint may come. */
        long barrierTso() {
            long target = job.spec().targetTso();
            return target != 0 && Long.compareUnsigned(target, progress.resolvedTso()) < 0
                    ? target
                    : progress.resolvedTso();
        }

        double lagSeconds(long tso) {
            return Math.max(0, nowMs - Tso.physicalMs(tso)) / 1000.0;
        }
    }

    /** Shown while a job is active. */
    private static final List<Figure> ACTIVE =
            List.of(
                    new Figure(
                            "ticdc_owner_checkpoint_ts",
                            "gauge",
                            "Checkpoint of a changefeed, Unix ms.",
                            s -> Tso.physicalMs(s.progress().checkpointTso())),
                    new Figure(
                            "ticdc_owner_checkpoint_ts_lag",
                            "gauge",
                            "Age of the checkpoint, seconds.",
                            s -> s.lagSeconds(s.progress().checkpointTso())),
                    new Figure(
                            "ticdc_owner_resolved_ts",
                            "gauge",
                            "Resolved time of a changefeed, Unix ms.",
                            s -> Tso.physicalMs(s.progress().resolvedTso())),
                    new Figure(
                            "ticdc_owner_resolved_ts_lag",
                            "gauge",
                            "Age of the resolved time, seconds.",
                            s -> s.lagSeconds(s.progress().resolvedTso())),
                    new Figure(
                            "ticdc_owner_barrier_ts",
                            "gauge",
                            "Up to where the checkpoint may come, Unix ms.",
                            s -> Tso.physicalMs(s.barrierTso())),
                    new Figure(
                            "ticdc_processor_checkpoint_ts",
                            "gauge",
                            "Checkpoint of a changefeed on this node, Unix ms.",
                            s -> Tso.physicalMs(s.progress().checkpointTso())),
                    new Figure(
                            "ticdc_processor_resolved_ts",
                            "gauge",
                            "Resolved time of a changefeed on this node, Unix ms.",
                            s -> Tso.physicalMs(s.progress().resolvedTso())),
                    new Figure(
                            "ticdc_processor_num_of_tables",
                            "gauge",
                            "Tables that a changefeed follows.",
                            s -> s.progress().tableIds().size()),
                    new Figure(
                            "ticdc_scheduler_table",
                            "gauge",
                            "Tables of a changefeed.",
                            s -> s.progress().tableIds().size()),
                    new Figure(
                            "ticdc_processor_memory_consumption",
                            "gauge",
                            "Bytes of changes held between capture and sink.",
                            s -> s.progress().bufferedBytes()),
                    new Figure(
                            "ticdc_sink_table_sink_total_rows_count",
                            "counter",
                            "Rows that the sink accepted in this run.",
                            s -> s.progress().rows()),
                    new Figure(
                            "ticdc_sink_write_bytes_total",
                            "counter",
                            "Bytes, in source form, that the sink accepted in this run.",
                            s -> s.progress().bytes()),
                    new Figure(
                            "ticdc_sink_ddl_exec_count",
                            "counter",
                            "DDL statements that the sink accepted in this run.",
                            s -> s.progress().ddls()));

    /**
     * @param control empty until the server is ready
     */
    MetricsPage(Clock clock, Supplier<Optional<ControlPlane>> control) {
        this.clock = clock;
        this.clocks = new UpstreamClocks(control);
        this.lags = new LagHistograms(clock, control);
        this.started = clock.instant();
        new ClassLoaderMetrics().bindTo(jvm);
        new JvmMemoryMetrics().bindTo(jvm);
        new JvmThreadMetrics().bindTo(jvm);
        new ProcessorMetrics().bindTo(jvm);
        new UptimeMetrics().bindTo(jvm);
        gc.bindTo(jvm);
    }

    String text(ControlPlane control) {
        StringBuilder out = new StringBuilder();
        List<Job> all = new ArrayList<>(control.image().jobs().values());
        head(
                out,
                "ticdc_owner_status",
                "gauge",
                "0 normal, 1 retrying, 2 failed, 3 stopped, 4 finished.");
        for (Job job : all) {
            line(out, "ticdc_owner_status", job, status(job.state()));
        }
        if (control.isOwner()) {
            head(
                    out,
                    "ticdc_owner_ownership_counter",
                    "counter",
                    "Seconds that this node has been owner.");
            out.append("ticdc_owner_ownership_counter ")
                    .append(Duration.between(started, clock.instant()).toSeconds())
                    .append('\n');
        }
        Map<Job, Sample> samples = new TreeMap<>((a, b) -> a.id().compareTo(b.id()));
        for (Job job : all) {
            if (job.state().isActive()) {
                samples.put(job, new Sample(job, control.progress(job.id()), clock.millis()));
            }
        }
        for (Figure figure : ACTIVE) {
            head(out, figure.name(), figure.type(), figure.help());
            samples.forEach((job, sample) ->
                    line(out, figure.name(), job, figure.value().applyAsDouble(sample)));
        }
        tables(out, control, samples);
        clocks(out, samples.keySet());
        lags.write(out, all);
        safepoint(out, control, all);
        for (SinkMetric metric : SinkMetric.values()) {
            recorded(out, control, metric, all);
        }
        tables(out, control, all);
        head(out, "go_memstats_heap_alloc_bytes", "gauge", "Java heap in use.");
        out.append("go_memstats_heap_alloc_bytes ")
                .append(ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed())
                .append('\n');
        return out.append(jvm.scrape()).toString();
    }

    private void clocks(StringBuilder out, Set<Job> jobs) {
        head(
                out,
                "ticdc_owner_current_pd_ts",
                "gauge",
                "Clock of a changefeed's upstream, Unix ms.");
        for (Job job : jobs) {
            clocks.of(job.spec().upstream())
                    .ifPresent(ms -> line(out, "ticdc_owner_current_pd_ts", job, ms));
        }
    }

    /** What holds the upstream's changes back in TiCDC: all that may still run. */
    private static void safepoint(StringBuilder out, ControlPlane control, List<Job> jobs) {
        head(
                out,
                "ticdc_gc_cdc_gc_safepoint",
                "gauge",
                "Oldest checkpoint of the changefeeds that may go on, Unix ms.");
        jobs.stream()
                .filter(job -> job.state() != JobState.FINISHED && !isLost(job))
                .mapToLong(job -> Tso.physicalMs(control.progress(job.id()).checkpointTso()))
                .min()
                .ifPresent(ms -> out.append("ticdc_gc_cdc_gc_safepoint ").append(ms).append('\n'));
    }

    /** What it would go on with is gone already: nothing is held back for it. */
    private static boolean isLost(Job job) {
        return job.state() == JobState.FAILED
                && job.error()
                        .filter(error -> error.code() == ErrorCode.UPSTREAM_PURGED)
                        .isPresent();
    }

    /** All tables of all changefeeds are on this node, and none is on its way to another. */
    private static void tables(StringBuilder out, ControlPlane control, Map<Job, Sample> samples) {
        head(out, CAPTURE_TABLE, "gauge", "Tables of a changefeed on a node.");
        samples.forEach((job, sample) ->
                labels(out.append(CAPTURE_TABLE), job, ",addr=\"" + control.self().address() + "\"")
                        .append(sample.progress().tableIds().size())
                        .append('\n'));
        head(out, TABLE_STATE, "gauge", "Tables of a changefeed by what is done with them.");
        samples.forEach((job, sample) ->
                labels(out.append(TABLE_STATE), job, ",state=\"Replicating\"")
                        .append(sample.progress().tableIds().size())
                        .append('\n'));
    }

    private static void recorded(
            StringBuilder out, ControlPlane control, SinkMetric metric, List<Job> jobs) {
        String type =
                switch (metric.kind()) {
                    case SECONDS, SIZES -> "histogram";
                    case COUNT, BUSY -> "counter";
                    case LEVEL -> "gauge";
                };
        head(out, metric.metricName(), type, metric.help());
        double unit =
                switch (metric.kind()) {
                    case SECONDS, BUSY -> 1e9;
                    case SIZES, COUNT, LEVEL -> 1;
                };
        for (Job job : jobs) {
            JobMetrics metrics = control.metrics(job.id());
            JobMetrics.Histogram histogram = metrics.histogram(metric);
            if (histogram != null) {
                if (!histogram.isEmpty()) {
                    histogram(out, metric.metricName(), job, histogram, unit);
                }
            } else if (metrics.value(metric) != 0 || metric.isAlwaysShown()) {
                line(out, metric.metricName(), job, metrics.value(metric) / unit);
            }
        }
    }

    /** Of the changefeeds with {@code enable_table_monitor}. */
    private static void tables(StringBuilder out, ControlPlane control, List<Job> jobs) {
        record TableFigure(
                String name,
                String type,
                String help,
                ToDoubleFunction<JobMetrics.TableCounts> value) {}
        for (TableFigure figure :
                List.of(
                        new TableFigure(
                                "millrace_table_rows_total",
                                "counter",
                                "Rows of a table that the sink accepted.",
                                JobMetrics.TableCounts::rows),
                        new TableFigure(
                                "millrace_table_bytes_total",
                                "counter",
                                "Bytes, in source form, of a table that the sink accepted.",
                                JobMetrics.TableCounts::bytes),
                        new TableFigure(
                                "millrace_table_commit_ts",
                                "gauge",
                                "Commit time of a table's latest rows, Unix ms.",
                                counts -> Tso.physicalMs(counts.commitTso())))) {
            head(out, figure.name(), figure.type(), figure.help());
            for (Job job : jobs) {
                new TreeMap<>(names(control.metrics(job.id()).tables()))
                        .forEach((name, counts) ->
                                labels(
                                                out.append(figure.name()),
                                                job,
                                                ",table=\"" + escaped(name) + "\"")
                                        .append(number(figure.value().applyAsDouble(counts)))
                                        .append('\n'));
            }
        }
    }

    private static Map<String, JobMetrics.TableCounts> names(
            Map<TableName, JobMetrics.TableCounts> tables) {
        Map<String, JobMetrics.TableCounts> out = new HashMap<>();
        tables.forEach((table, counts) -> out.put(table.toString(), counts));
        return out;
    }

    static String escaped(String label) {
        return label.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    /**
     * @param unit what a shown 1 is in the histogram's own numbers
     */
    static void histogram(
            StringBuilder out, String name, Job job, JobMetrics.Histogram histogram, double unit) {
        long total = 0;
        for (int i = 0; i < histogram.size(); i++) {
            total += histogram.count(i);
            long bound = histogram.bound(i);
            String le = bound == Long.MAX_VALUE ? "+Inf" : number(bound / unit);
            labels(out.append(name).append("_bucket"), job, ",le=\"" + le + "\"")
                    .append(total)
                    .append('\n');
        }
        labels(out.append(name).append("_sum"), job, "")
                .append(number(histogram.sum() / unit))
                .append('\n');
        labels(out.append(name).append("_count"), job, "").append(total).append('\n');
    }

    private static int status(JobState state) {
        return switch (state) {
            case NORMAL -> 0;
            case RETRYING -> 1;
            case FAILED -> 2;
            case STOPPED -> 3;
            case FINISHED -> 4;
        };
    }

    static void head(StringBuilder out, String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    static void line(StringBuilder out, String name, Job job, double value) {
        labels(out.append(name), job, "").append(number(value)).append('\n');
    }

    /** Ids need no escaping: their grammar has no quotes. */
    private static StringBuilder labels(StringBuilder out, Job job, String more) {
        return out.append("{namespace=\"")
                .append(job.id().namespace())
                .append("\",changefeed=\"")
                .append(job.id().name())
                .append('"')
                .append(more)
                .append("} ");
    }

    static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }

    @Override
    public void close() {
        clocks.close();
        lags.close();
        gc.close();
        jvm.close();
    }
}
