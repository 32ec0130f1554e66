package io.millrace.mysql.upstream;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.Upstream;
import io.millrace.mysql.capture.BinlogCapture;
import io.millrace.mysql.capture.BinlogFiles;
import io.millrace.mysql.capture.ServerFacts;
import io.millrace.mysql.connect.JdbcConnections;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.connect.UpstreamErrors;
import io.millrace.mysql.identity.ServerIdentity;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.row.BinlogRowDecoder;
import io.millrace.mysql.schema.SchemaSnapshot;
import io.millrace.mysql.schema.SchemaTracker;
import io.millrace.mysql.wire.BufferPool;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A MySQL or MariaDB server. Each question opens a connection of its own; thread-safe. */
final class MySqlUpstream implements Upstream {
    private final ServerAddress address;
    private final JdbcConnections connections;

    /** The server's number, 0 until it was asked. */
    private volatile long number;

    MySqlUpstream(ServerAddress address) {
        this.address = address;
        this.connections = new JdbcConnections(address);
    }

    private interface Question<T> {
        T ask(Connection connection) throws SQLException;
    }

    private <T> T ask(Question<T> question) {
        try (Connection connection = connections.open()) {
            return question.ask(connection);
        } catch (SQLException e) {
            throw UpstreamErrors.of(e, address);
        }
    }

    @Override
    public long clusterId() {
        long known = number;
        if (known == 0) {
            known = ask(ServerIdentity::clusterId);
            number = known;
        }
        return known;
    }

    @Override
    public long currentTso() {
        return ask(connection ->
                BinlogCapture.currentTso(ServerFacts.read(connection, address), connection));
    }

    @Override
    public long oldestTso() {
        return ask(connection ->
                BinlogFiles.oldestTso(
                        ServerFacts.binlogs(connection, address),
                        ServerFacts.read(connection, address),
                        address));
    }

    @Override
    public List<TableSchema> tables(TableFilter filter) {
        return ask(connection -> {
            List<TableSchema> tables = new ArrayList<>();
            SchemaSnapshot.read(connection, filter)
                    .tables()
                    .values()
                    .forEach(table -> tables.add(table.toSchema(0, 1)));
            tables.sort(Comparator.comparing(table -> table.name().toString()));
            return tables;
        });
    }

    @Override
    public Capture openCapture(CaptureRequest request) {
        BufferPool pool = new BufferPool();
        return new BinlogCapture(
                address,
                connections,
                new BinlogRowDecoder(pool, zone(request.timeZone())),
                new SchemaTracker(),
                pool,
                request,
                clusterId());
    }

    private static ZoneId zone(String name) {
        try {
            return ZoneId.of(name);
        } catch (DateTimeException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER, "The time zone " + name + " is unknown.", e);
        }
    }

    @Override
    public SourcePosition decodePosition(String encoded) {
        return BinlogPosition.decode(encoded);
    }

    @Override
    public void check() {
        ask(connection -> {
            UpstreamCheck.run(connection, address);
            return true;
        });
    }

    @Override
    public void close() {
        connections.close();
    }
}
