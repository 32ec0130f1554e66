package io.millrace.server;

import io.millrace.core.control.ControlPlane;
import io.millrace.core.control.Job;
import io.millrace.core.control.JobId;
import io.millrace.core.engine.JobMetrics.Histogram;
import io.millrace.core.engine.JobProgress;
import io.millrace.core.model.Tso;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** How far running jobs were behind: looked at once a second, counted in histograms. */
final class LagHistograms implements AutoCloseable {

    /** Milliseconds: 64 bounds from half a second to 32 000 s, finer where it matters. */
    private static final long[] BOUNDS = bounds();

    private record Lags(Histogram checkpoint, Histogram resolved) {}

    private final Clock clock;
    private final Map<JobId, Lags> known = new ConcurrentHashMap<>();
    private final EachSecond looks;

    LagHistograms(Clock clock, Supplier<Optional<ControlPlane>> control) {
        this.clock = clock;
        this.looks = new EachSecond("lag-histograms", control, this::look);
    }

    private static long[] bounds() {
        long[] bounds = new long[64];
        int i = 0;
        for (long ms = 500; ms <= 10_000; ms += 500) {
            bounds[i++] = ms;
        }
        for (long ms = 11_000; ms <= 20_000; ms += 1_000) {
            bounds[i++] = ms;
        }
        for (long ms = 22_000; ms <= 60_000; ms += 2_000) {
            bounds[i++] = ms;
        }
        for (long s : new long[] {70, 80, 90, 100, 150, 200, 300, 500}) {
            bounds[i++] = s * 1000;
        }
        for (long s = 1_000; s <= 32_000; s *= 2) {
            bounds[i++] = s * 1000;
        }
        return bounds;
    }

    private void look(ControlPlane plane) {
        Map<JobId, Job> jobs = plane.image().jobs();
        known.keySet().retainAll(jobs.keySet());
        for (Job job : jobs.values()) {
            if (!job.state().isActive()) {
                continue;
            }
            JobProgress progress = plane.progress(job.id());
            // 0 while the job's first run is being made ready.
            if (progress.checkpointTso() != 0) {
                Lags lags =
                        known.computeIfAbsent(
                                job.id(),
                                id -> new Lags(new Histogram(BOUNDS), new Histogram(BOUNDS)));
                lags.checkpoint().record(lagMs(progress.checkpointTso()));
                lags.resolved().record(lagMs(progress.resolvedTso()));
            }
        }
    }

    private long lagMs(long tso) {
        return Math.max(0, clock.millis() - Tso.physicalMs(tso));
    }

    /** Of the jobs that run; a stopped one is not behind. */
    void write(StringBuilder out, List<Job> jobs) {
        String checkpoint = "ticdc_owner_checkpoint_lag_histogram";
        String resolved = "ticdc_owner_resolved_ts_lag_histogram";
        MetricsPage.head(
                out, checkpoint, "histogram", "Age of the checkpoint each second, seconds.");
        for (Job job : jobs) {
            Lags lags = known.get(job.id());
            if (lags != null && job.state().isActive()) {
                MetricsPage.histogram(out, checkpoint, job, lags.checkpoint(), 1000);
            }
        }
        MetricsPage.head(
                out, resolved, "histogram", "Age of the resolved time each second, seconds.");
        for (Job job : jobs) {
            Lags lags = known.get(job.id());
            if (lags != null && job.state().isActive()) {
                MetricsPage.histogram(out, resolved, job, lags.resolved(), 1000);
            }
        }
    }

    @Override
    public void close() {
        looks.close();
    }
}
