package io.millrace.mysql.capture;

import io.millrace.core.error.MillraceException;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.connect.UpstreamErrors;
import io.millrace.mysql.wire.ControlConnections;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The upstream's clock, estimated from ours: measured when it was not for a while, moved on by our
 * clock in between. Belongs to one thread; asked while the stream is idle.
 */
final class UpstreamClock implements LongSupplier, AutoCloseable {
    /** How long a measured difference is trusted. */
    private static final Duration TRUST = Duration.ofSeconds(10);

    private final ControlConnections connections;
    private final ServerAddress address;
    private final InstantSource local;
    private final long marginMs;
    private @Nullable Connection connection;
    private long offsetMs;
    private long measuredAt = Long.MIN_VALUE;

    /**
     * @param margin how far behind the clock the answers stay
     */
    UpstreamClock(
            ControlConnections connections,
            ServerAddress address,
            InstantSource local,
            Duration margin) {
        this.connections = connections;
        this.address = address;
        this.local = local;
        this.marginMs = margin.toMillis();
    }

    /** Unix milliseconds at the upstream, less the margin. */
    @Override
    public long getAsLong() {
        long now = local.millis();
        if (measuredAt == Long.MIN_VALUE || Math.abs(now - measuredAt) > TRUST.toMillis()) {
            measure();
            now = local.millis();
        }
        return now + offsetMs - marginMs;
    }

    private void measure() {
        Connection open = connection;
        try {
            if (open == null) {
                open = connections.open();
                connection = open;
            }
            long before = local.millis();
            long server = millis(open);
            long after = local.millis();
            offsetMs = server - (before + after) / 2;
            measuredAt = after;
        } catch (SQLException e) {
            throw UpstreamErrors.of(e, address);
        } catch (MillraceException e) {
            // Opened anew the next time, should the job runner go on with this capture.
            connection = null;
            throw e;
        }
    }

    /** Unix milliseconds at the server. */
    static long millis(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows =
                        statement.executeQuery(
                                "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS SIGNED)")) {
            rows.next();
            return rows.getLong(1);
        }
    }

    @Override
    public void close() {
        Connection open = connection;
        if (open != null) {
            try {
                open.close();
            } catch (SQLException e) {
                connection = null;
            }
        }
    }
}
