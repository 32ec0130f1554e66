package io.millrace.mysql.capture;

import io.millrace.core.error.MillraceException;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.connect.UpstreamErrors;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.wire.ControlConnections;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the upstream's clock and at the end of its binlog, in this order and on a connection
 * beside the stream.
 *
 * <p>A time alone says nothing about the stream: what arrives now may have been sent long ago, by a
 * slow network or a busy server, and transactions committed before that time may still be on their
 * way. Who has read up to {@link Reading#end} has seen every transaction that was in the binlog
 * when the clock showed {@link Reading#timeMs}. Belongs to one thread.
 */
final class UpstreamClock implements AutoCloseable {
    /**
     * What was seen.
     *
     * @param timeMs Unix milliseconds at the upstream, less the margin
     * @param end of the binlog, looked up after the clock
     */
    record Reading(long timeMs, BinlogCoordinate end) {}

    /** Where readings come from. */
    @FunctionalInterface
    interface Source {
        Reading read();
    }

    private static final Logger LOG = LoggerFactory.getLogger(UpstreamClock.class);

    private final ControlConnections connections;
    private final ServerAddress address;
    private final long marginMs;
    private @Nullable Connection connection;

    /**
     * @param margin for transactions that have their commit time but are not in the binlog yet
     */
    UpstreamClock(ControlConnections connections, ServerAddress address, Duration margin) {
        this.connections = connections;
        this.address = address;
        this.marginMs = margin.toMillis();
    }

    /**
     * A new look. A connection that was kept from an earlier one may be gone, for the server ends
     * those that idle for {@code wait_timeout}; then a fresh one is used.
     */
    Reading read(ServerFacts facts) {
        Connection kept = connection;
        if (kept != null) {
            try {
                return read(kept, facts);
            } catch (SQLException | MillraceException e) {
                LOG.debug("clock connection to {} was lost: {}", address, e.toString());
                close();
            }
        }
        Connection fresh = connections.open();
        connection = fresh;
        try {
            return read(fresh, facts);
        } catch (SQLException e) {
            close();
            throw UpstreamErrors.of(e, address);
        }
    }

    private Reading read(Connection open, ServerFacts facts) throws SQLException {
        long time = millis(open) - marginMs;
        return new Reading(
                time, facts.end(open, address).orElseThrow(() -> BinlogFiles.off(address)));
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
        connection = null;
        if (open != null) {
            try {
                open.close();
            } catch (SQLException e) {
                LOG.debug("clock connection to {} does not close: {}", address, e.toString());
            }
        }
    }
}
