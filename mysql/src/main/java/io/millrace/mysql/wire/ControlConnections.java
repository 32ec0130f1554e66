package io.millrace.mysql.wire;

import java.sql.Connection;

/** Opens JDBC connections to the upstream, beside the binlog stream. */
public interface ControlConnections {
    /**
     * A new connection in autocommit mode with {@code time_zone='+00:00'} and utf8mb4; the caller
     * closes it.
     *
     * @throws io.millrace.core.error.MillraceException UPSTREAM_CONNECTION or
     *     UPSTREAM_ACCESS_DENIED
     */
    Connection open();
}
