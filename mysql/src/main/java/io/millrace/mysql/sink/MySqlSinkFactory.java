package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkFactory;
import io.millrace.core.spi.SinkSpec;
import io.millrace.mysql.identity.ServerIdentity;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * Sinks for {@code mysql://user:password@host:port/?parameters} and the schemes {@code mysql+ssl},
 * {@code tidb}, {@code tidb+ssl}, {@code mariadb} and {@code mariadb+ssl}. The scheme decides about
 * encryption only; the server's kind is asked from the server. Parameters: see {@link
 * MySqlSinkConfig}.
 */
public final class MySqlSinkFactory implements SinkFactory {
    private final Clock clock;
    private final String clusterId;

    /**
     * @param clock says until when rows count as perhaps already present, at a job's first start
     * @param clusterId name of this cluster, which sync points tell
     */
    public MySqlSinkFactory(Clock clock, String clusterId) {
        this.clock = clock;
        this.clusterId = clusterId;
    }

    /** For a cluster without a name of its own. */
    public MySqlSinkFactory(Clock clock) {
        this(clock, "default");
    }

    @Override
    public Set<String> schemes() {
        return MySqlSinkConfig.SCHEMES;
    }

    @Override
    public void validate(SinkSpec spec) {
        MySqlSinkConfig.of(spec);
        spec.bidirectional();
    }

    @Override
    public void testOpen(SinkSpec spec) {
        MySqlSinkConfig config = MySqlSinkConfig.of(spec);
        // Unlike a session for rows, this one also needs the target to know the time zone.
        try (TargetSession session = TargetSession.open(config, TargetSession.Use.CONTROL)) {
            new ProgressStore(config.progressSchema(), "").create(session);
        } catch (SQLException e) {
            throw SqlErrors.of(
                    e,
                    ErrorCode.SINK_INVALID_CONFIG,
                    "the sink cannot prepare its progress tables in " + config.address());
        }
    }

    @Override
    public Sink open(SinkSpec spec, SinkContext context) {
        MySqlSinkConfig config = MySqlSinkConfig.of(spec);
        Optional<SyncPointSink.SyncPoints> points = syncPoints(spec);
        boolean bidirectional = spec.bidirectional().isPresent();
        return points.isEmpty()
                ? new MySqlSink(config, context, clock, bidirectional)
                : SyncPointSink.open(
                        inner -> new MySqlSink(config, inner, clock, bidirectional),
                        context,
                        config,
                        points.get());
    }

    /** Milliseconds, from the job's configuration only. */
    private Optional<SyncPointSink.SyncPoints> syncPoints(SinkSpec spec) {
        String interval = spec.options().get("sync-point-interval");
        String retention = spec.options().get("sync-point-retention");
        return interval == null || retention == null
                ? Optional.empty()
                : Optional.of(
                        new SyncPointSink.SyncPoints(
                                Duration.ofMillis(Long.parseLong(interval)),
                                Duration.ofMillis(Long.parseLong(retention)),
                                clusterId));
    }

    @Override
    public String timestampZone(SinkSpec spec, String jobZone) {
        return "UTC";
    }

    @Override
    public void forget(SinkSpec spec, String jobId) {
        onProgress(spec, jobId, "remove", ProgressStore::forget);
        if (syncPoints(spec).isPresent()) {
            String schema = MySqlSinkConfig.of(spec).progressSchema();
            onProgress(
                    spec,
                    jobId,
                    "remove",
                    (progress, session) ->
                            new SyncPointStore(schema, clusterId, jobId).forget(session));
        }
    }

    @Override
    public void distrustProgress(SinkSpec spec, String jobId) {
        onProgress(
                spec,
                jobId,
                "reset",
                (progress, session) -> progress.distrust(session, clock.millis()));
    }

    private interface Change {
        void make(ProgressStore progress, TargetSession session) throws SQLException;
    }

    private static void onProgress(SinkSpec spec, String jobId, String verb, Change change) {
        MySqlSinkConfig config = MySqlSinkConfig.of(spec);
        try (TargetSession session = TargetSession.open(config, TargetSession.Use.CONTROL)) {
            change.make(new ProgressStore(config.progressSchema(), jobId), session);
        } catch (SQLException e) {
            // Never opened for this job: then there is nothing to change.
            if (e.getErrorCode() != 1146 && e.getErrorCode() != SqlErrors.UNKNOWN_DATABASE) {
                throw SqlErrors.of(
                        e,
                        ErrorCode.SINK_CONNECTION,
                        "cannot "
                                + verb
                                + " the progress of job "
                                + jobId
                                + " in "
                                + config.address());
            }
        }
    }

    @Override
    public long clusterId(SinkSpec spec) {
        MySqlSinkConfig config = MySqlSinkConfig.of(spec);
        try (TargetSession session = TargetSession.open(config, TargetSession.Use.CONTROL)) {
            return ServerIdentity.clusterId(session.connection());
        } catch (SQLException e) {
            throw new MillraceException(
                    ErrorCode.SINK_CONNECTION,
                    "cannot ask " + config.address() + " who it is: " + SqlErrors.describe(e),
                    e);
        }
    }
}
