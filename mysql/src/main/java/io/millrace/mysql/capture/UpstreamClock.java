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

    /** A new look. */
    Reading read(ServerFacts facts) {
        Connection open = connection;
        try {
            if (open == null) {
                open = connections.open();
                connection = open;
            }
            long time = millis(open) - marginMs;
            return new Reading(
                    time, facts.end(open, address).orElseThrow(() -> BinlogFiles.off(address)));
        } catch (SQLException e) {
            connection = null;
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
