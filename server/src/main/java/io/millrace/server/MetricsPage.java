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
import io.millrace.core.engine.JobProgress;
import io.millrace.core.model.Tso;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * The page that Prometheus reads: the JVM through Micrometer, the jobs under the names that users
 * of TiCDC have alerts on. Job figures are read from the image when the page is asked for, so a job
 * that stopped has no lag to grow and a removed one has nothing at all.
 */
final class MetricsPage implements AutoCloseable {
    static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private final PrometheusMeterRegistry jvm =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics gc = new JvmGcMetrics();
    private final Clock clock;
    private final Instant started;

    private record Figure(String name, String type, String help, ToDoubleFunction<Sample> value) {}

    private record Sample(Job job, JobProgress progress, long nowMs) {
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
                            "Tables with changes in this run.",
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

    MetricsPage(Clock clock) {
        this.clock = clock;
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
        return out.append(jvm.scrape()).toString();
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

    private static void head(StringBuilder out, String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    /** Ids need no escaping: their grammar has no quotes. */
    private static void line(StringBuilder out, String name, Job job, double value) {
        out.append(name)
                .append("{namespace=\"")
                .append(job.id().namespace())
                .append("\",changefeed=\"")
                .append(job.id().name())
                .append("\"} ");
        if (value == Math.rint(value)) {
            out.append((long) value);
        } else {
            out.append(value);
        }
        out.append('\n');
    }

    @Override
    public void close() {
        gc.close();
        jvm.close();
    }
}
