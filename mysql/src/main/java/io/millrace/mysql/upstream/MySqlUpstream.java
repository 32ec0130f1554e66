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
import io.millrace.mysql.capture.ServerIds;
import io.millrace.mysql.connect.JdbcConnections;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.connect.UpstreamErrors;
import io.millrace.mysql.identity.ServerIdentity;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.row.BinlogRowDecoder;
import io.millrace.mysql.schema.SchemaSnapshot;
import io.millrace.mysql.schema.SchemaTracker;
import io.millrace.mysql.wire.BufferPool;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** A MySQL or MariaDB server. Each question opens a connection of its own; thread-safe. */
final class MySqlUpstream implements Upstream {
    private final ServerAddress address;
    private final JdbcConnections connections;
    private final ServerIds serverIds;
    private final Path spillFolder;

    MySqlUpstream(ServerAddress address, Path spillFolder) {
        this.spillFolder = spillFolder;
        this.address = address;
        this.connections = new JdbcConnections(address);
        this.serverIds = new ServerIds(address);
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

    /** Asked anew each time: behind one address there may be another server after a fail-over. */
    @Override
    public long clusterId() {
        return ask(ServerIdentity::clusterId);
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
    public Optional<SourcePosition> streamEnd() {
        return ask(connection -> {
            long number = ServerIdentity.clusterId(connection);
            return ServerFacts.read(connection, address)
                    .end(connection, address)
                    .map(end -> BinlogPosition.of(end, number));
        });
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
                serverIds,
                spillFolder);
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
