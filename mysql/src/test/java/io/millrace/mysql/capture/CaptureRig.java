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
import io.millrace.core.spi.SchemaHistory;
import io.millrace.mysql.connect.JdbcConnections;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.testkit.servers.DbServer;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Runs a capture against a real server and remembers what it emits. */
final class CaptureRig implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

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
    private final BinlogCapture capture;
    private final Thread thread;
    private final List<Seen> seen = new ArrayList<>();
    private @Nullable Throwable failure;
    private boolean ended;
    final PlainVersions versions = new PlainVersions();

    private CaptureRig(String uri, long startTso, Optional<Checkpoint> from, TableFilter filter) {
        ServerAddress address = ServerAddress.parse(URI.create(uri));
        connections = new JdbcConnections(address);
        BufferPool pool = new BufferPool();
        capture =
                new BinlogCapture(
                        address,
                        connections,
                        new PlainDecoder(pool),
                        versions,
                        pool,
                        new CaptureRequest(
                                "default/test", startTso, from, filter, new NoHistory(), "UTC"),
                        new ServerIds(address),
                        java.nio.file.Path.of(System.getProperty("java.io.tmpdir")));
        thread = Thread.ofPlatform().name("capture").start(this::run);
    }

    /** From now on. */
    static CaptureRig now(DbServer server, String... parameters) {
        nextSecond(server);
        return at(server, currentTso(server), parameters);
    }

    /** MariaDB's commit times have whole seconds: a start takes in all of the running one. */
    private static void nextSecond(DbServer server) {
        if (server.flavor() == DbServer.Flavor.MARIADB) {
            try {
                Thread.sleep(1000 - System.currentTimeMillis() % 1000 + 20);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    static CaptureRig at(DbServer server, long startTso, String... parameters) {
        return new CaptureRig(
                uri(server, parameters), startTso, Optional.empty(), TableFilter.all());
    }

    static CaptureRig filtered(DbServer server, List<String> rules) {
        nextSecond(server);
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
        return "mysql://"
                + server.rootUser()
                + ":"
                + server.rootPassword()
                + "@"
                + server.host()
                + ":"
                + server.port()
                + "/"
                + (parameters.length == 0 ? "" : "?" + String.join("&", parameters));
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

    private void run() {
        try {
            capture.run(this::add);
        } catch (Throwable e) {
            synchronized (seen) {
                failure = e;
            }
        } finally {
            synchronized (seen) {
                ended = true;
                seen.notifyAll();
            }
        }
    }

    private void add(ChangeEvent event) {
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
        synchronized (seen) {
            seen.add(one);
            seen.notifyAll();
        }
    }

    /** Everything so far. */
    List<Seen> all() {
        synchronized (seen) {
            return List.copyOf(seen);
        }
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
        long end = System.nanoTime() + PATIENCE.toNanos();
        synchronized (seen) {
            int next = from;
            while (true) {
                for (; next < seen.size(); next++) {
                    if (condition.test(seen.get(next))) {
                        return seen.get(next);
                    }
                }
                if (ended) {
                    throw new AssertionError("the capture ended: " + failure, failure);
                }
                long left = end - System.nanoTime();
                if (left <= 0) {
                    throw new AssertionError("not seen in time; seen are " + texts());
                }
                pause(left);
            }
        }
    }

    /** Waits until the server is idle: a mark of its clock that comes after now. */
    CaptureRig idle() {
        int from;
        synchronized (seen) {
            from = seen.size();
        }
        await(from, s -> s.clock);
        return this;
    }

    /** Waits for a row with this text anywhere. */
    Seen awaitText(String text) {
        return await(s -> s.text().contains(text));
    }

    /** Waits until the capture fails and returns why. */
    MillraceException awaitFailure() {
        long end = System.nanoTime() + PATIENCE.toNanos();
        synchronized (seen) {
            while (!ended) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    throw new AssertionError("did not fail; seen are " + texts());
                }
                pause(left);
            }
            if (failure instanceof MillraceException e) {
                return e;
            }
            throw new AssertionError("ended otherwise", failure);
        }
    }

    private void pause(long nanos) {
        try {
            seen.wait(Math.max(1, nanos / 1_000_000));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        capture.close();
        try {
            thread.join(10_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        connections.close();
        if (thread.isAlive()) {
            throw new AssertionError("close() did not end the capture");
        }
    }

    private static final class NoHistory implements SchemaHistory {
        @Override
        public List<Entry> load() {
            return List.of();
        }

        @Override
        public void append(List<Entry> entries) {}

        @Override
        public void compact(long tso, List<Entry> snapshot) {}

        @Override
        public long newTableId() {
            return 1;
        }
    }
}
