package io.millrace.mysql.capture;

import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.ResolvedMark;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.mysql.connect.JdbcConnections;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.testkit.history.MemoryHistory;
import io.millrace.testkit.servers.DbServer;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Runs a capture against a real server and remembers what it emits. */
final class CaptureRig implements AutoCloseable {
    /**
     * An event as a test looks at it.
     *
     * @param kind {@code I}, {@code U}, {@code D}, {@code DDL}, {@code MARK}
     * @param rows the rows' texts, or the statement
     */
    record Seen(
            String kind,
            String table,
            List<String> rows,
            long tso,
            int index,
            boolean last,
            boolean clock,
            BinlogPosition position) {
        boolean isMark() {
            return kind.equals("MARK");
        }

        /** Kind, table and rows on one line. */
        String text() {
            return kind + " " + table + " " + String.join(" ", rows);
        }
    }

    private final JdbcConnections connections;
    private final CaptureThread<Seen> capture;
    final PlainVersions versions = new PlainVersions();

    private CaptureRig(String uri, long startTso, Optional<Checkpoint> from, TableFilter filter) {
        ServerAddress address = ServerAddress.parse(URI.create(uri));
        connections = new JdbcConnections(address);
        BufferPool pool = new BufferPool();
        capture =
                new CaptureThread<>(
                        new BinlogCapture(
                                address,
                                connections,
                                new PlainDecoder(pool),
                                versions,
                                pool,
                                new CaptureRequest(
                                        "default/test",
                                        startTso,
                                        from,
                                        filter,
                                        new MemoryHistory(),
                                        "UTC"),
                                new ServerIds(address),
                                java.nio.file.Path.of(System.getProperty("java.io.tmpdir"))),
                        CaptureRig::look);
    }

    /** From now on. */
    static CaptureRig now(DbServer server, String... parameters) {
        CaptureThread.nextSecond(server);
        return at(server, currentTso(server), parameters);
    }

    static CaptureRig at(DbServer server, long startTso, String... parameters) {
        return new CaptureRig(
                uri(server, parameters), startTso, Optional.empty(), TableFilter.all());
    }

    static CaptureRig filtered(DbServer server, List<String> rules) {
        CaptureThread.nextSecond(server);
        return new CaptureRig(
                uri(server), currentTso(server), Optional.empty(), TableFilters.parse(rules, true));
    }

    /** On from a position, through its text form. */
    static CaptureRig from(DbServer server, BinlogPosition position, String... parameters) {
        return new CaptureRig(
                uri(server, parameters),
                0,
                Optional.of(
                        new Checkpoint(
                                BinlogPosition.decode(position.encode()), position.floorTso())),
                TableFilter.all());
    }

    static CaptureRig uri(String uri, long startTso) {
        return new CaptureRig(uri, startTso, Optional.empty(), TableFilter.all());
    }

    static String uri(DbServer server, String... parameters) {
        return server.uri() + (parameters.length == 0 ? "" : "?" + String.join("&", parameters));
    }

    static long currentTso(DbServer server) {
        ServerAddress address = ServerAddress.parse(URI.create(uri(server)));
        try (JdbcConnections connections = new JdbcConnections(address);
                Connection connection = connections.open()) {
            return BinlogCapture.currentTso(ServerFacts.read(connection, address), connection);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<Seen> look(ChangeEvent event) {
        BinlogPosition position = (BinlogPosition) event.positionAfter();
        Seen one =
                switch (event) {
                    case RowBatch batch ->
                            new Seen(
                                    switch (batch.op()) {
                                        case RowBatch.INSERT -> "I";
                                        case RowBatch.UPDATE -> "U";
                                        default -> "D";
                                    },
                                    batch.schema().name().toString(),
                                    ((PlainDecoder.Batch) batch).lines,
                                    batch.commitTso(),
                                    batch.eventIndex(),
                                    batch.lastOfTransaction(),
                                    false,
                                    position);
                    case SchemaChange change ->
                            new Seen(
                                    "DDL",
                                    change.defaultSchema(),
                                    List.of(change.query()),
                                    change.commitTso(),
                                    0,
                                    true,
                                    false,
                                    position);
                    case ResolvedMark mark ->
                            new Seen(
                                    "MARK",
                                    "",
                                    List.of(),
                                    mark.commitTso(),
                                    0,
                                    true,
                                    mark.clockDerived(),
                                    position);
                };
        if (event instanceof RowBatch batch) {
            batch.release();
        }
        return List.of(one);
    }

    /** Everything so far. */
    List<Seen> all() {
        return capture.seen();
    }

    /** Rows and DDL so far, as text. */
    List<String> texts() {
        return all().stream().filter(s -> !s.isMark()).map(Seen::text).toList();
    }

    /** Rows and DDL so far. */
    List<Seen> changes() {
        return all().stream().filter(s -> !s.isMark()).toList();
    }

    /** Waits until an event matches and returns it. */
    Seen await(Predicate<Seen> condition) {
        return await(0, condition);
    }

    /** As {@link #await}, leaving out the first {@code from} events. */
    Seen await(int from, Predicate<Seen> condition) {
        return capture.await("the event waited for", from, condition);
    }

    /** Waits until the server is idle: a mark of its clock that comes after now. */
    CaptureRig idle() {
        await(all().size(), s -> s.clock);
        return this;
    }

    /** Waits for a row with this text anywhere. */
    Seen awaitText(String text) {
        return capture.await(text, 0, s -> s.text().contains(text));
    }

    /** Waits until the capture fails and returns why. */
    MillraceException awaitFailure() {
        Throwable failure = capture.awaitFailure();
        if (failure instanceof MillraceException e) {
            return e;
        }
        throw new AssertionError("failed otherwise", failure);
    }

    @Override
    public void close() {
        try {
            capture.close();
        } finally {
            connections.close();
        }
    }
}
