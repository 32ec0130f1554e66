package io.millrace.mysql.capture;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.EventOutput;
import io.millrace.mysql.connect.ReplicationConnection;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.connect.UpstreamErrors;
import io.millrace.mysql.identity.ServerIdentity;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.position.GtidSet;
import io.millrace.mysql.position.HeldXa;
import io.millrace.mysql.position.MariaDbGtidSet;
import io.millrace.mysql.position.MySqlGtidSet;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.mysql.wire.ControlConnections;
import io.millrace.mysql.wire.RowDecoder;
import io.millrace.mysql.wire.TableVersions;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Captures a MySQL or MariaDB server's changes from its binlog, as a replica would.
 *
 * <p>Where it starts: behind the checkpoint if there is one, by GTID when the server and the
 * checkpoint have them, else by file and offset; without a checkpoint at the binlog file that
 * {@code startTso} falls into, reading past what lies before.
 */
public final class BinlogCapture implements Capture {
    /** How long the server may be silent while it has nothing to say. */
    static final Duration HEARTBEAT = Duration.ofMillis(500);

    /** Silence after which the connection counts as lost; heartbeats come much more often. */
    static final Duration READ_TIMEOUT = Duration.ofSeconds(30);

    /** How long the server waits for a pipeline that is full. */
    private static final Duration WRITE_TIMEOUT = Duration.ofHours(24);

    /** How far marks stay behind the upstream's clock. */
    static final Duration CLOCK_MARGIN = Duration.ofSeconds(1);

    /** Offsets in a dump command have 32 bits. */
    private static final long MAX_DUMP_OFFSET = 0xFFFF_FFFFL;

    private final ServerAddress address;
    private final ControlConnections connections;
    private final RowDecoder decoder;
    private final TableVersions versions;
    private volatile @Nullable Consumer<List<TableSchema>> tablesTo;
    private final BufferPool pool;
    private final CaptureRequest request;
    private final ServerIds serverIds;
    private final Path spillFolder;

    /** The server that this run reads from. */
    private long serverNumber;

    private volatile boolean closed;
    private volatile @Nullable ReplicationConnection replication;
    private volatile @Nullable StatementScan scan;

    /**
     * @param pool where {@code decoder}'s batches give their buffers back to
     * @param serverIds of the upstream's dumps
     * @param spillFolder where rows of held transactions go that memory has no room for; it exists
     */
    public BinlogCapture(
            ServerAddress address,
            ControlConnections connections,
            RowDecoder decoder,
            TableVersions versions,
            BufferPool pool,
            CaptureRequest request,
            ServerIds serverIds,
            Path spillFolder) {
        this.address = address;
        this.connections = connections;
        this.decoder = decoder;
        this.versions = versions;
        this.pool = pool;
        this.request = request;
        this.serverIds = serverIds;
        this.spillFolder = spillFolder;
    }

    @Override
    public void run(EventOutput out) throws InterruptedException {
        BinlogReader reader = null;
        BinlogPosition start = null;
        try (UpstreamClock upstreamClock =
                new UpstreamClock(this::openOnSameServer, address, CLOCK_MARGIN)) {
            ServerFacts facts;
            BinlogReader.Plan plan;
            Map<Integer, Charset> charsets;
            try (Connection control = connections.open()) {
                serverNumber = ServerIdentity.clusterId(control);
                facts = ServerFacts.read(control, address);
                charsets = ServerFacts.charsets(control, address);
                plan = plan(facts, control);
                UnloggedChanges.warn(control, request.jobId(), request.filter());
            } catch (SQLException e) {
                throw UpstreamErrors.of(e, address);
            }
            start = plan.resume();
            IntFunction<Charset> byCollation =
                    collation -> charsets.getOrDefault(collation, StandardCharsets.UTF_8);
            StatementScan ahead =
                    new StatementScan(address, facts, serverNumber, pool, byCollation);
            scan = ahead;
            versions.start(
                    new TableVersions.Start(
                            request.jobId(),
                            facts.mariaDb(),
                            request.history(),
                            request.filter(),
                            this::openOnSameServer,
                            request.startTso(),
                            start,
                            ahead));
            if (closed) {
                return;
            }
            Consumer<List<TableSchema>> asked = tablesTo;
            if (asked != null) {
                asked.accept(versions.tables());
            }
            long serverId = serverIds.take();
            try (ReplicationConnection connection = ReplicationConnection.open(address)) {
                replication = connection;
                sameServer(connection, serverNumber, address);
                prepare(connection, facts);
                requestDump(connection, plan, serverId);
                EventStream stream =
                        new EventStream(connection.stream(), pool, hasChecksums(facts));
                reader =
                        new BinlogReader(
                                address,
                                stream,
                                decoder,
                                versions,
                                request.filter(),
                                out,
                                pool,
                                byCollation,
                                () -> upstreamClock.read(facts),
                                facts.mariaDb(),
                                new HoldingArea(spillFolder),
                                plan);
                request.bidirectional().ifPresent(reader::leaveOut);
                if (!closed) {
                    reader.run();
                    throw new IOException("the server ended the stream");
                }
            } finally {
                serverIds.giveBack(serverId);
            }
        } catch (ServerErrorException e) {
            if (!closed) {
                throw BinlogErrors.fromServer(e, address, positionOf(reader, start));
            }
        } catch (SocketTimeoutException e) {
            if (!closed) {
                throw UpstreamErrors.lost(
                        address,
                        new IOException(
                                "nothing was heard for "
                                        + READ_TIMEOUT.toSeconds()
                                        + " s, not even a heartbeat",
                                e));
            }
        } catch (IOException e) {
            if (!closed) {
                throw UpstreamErrors.lost(address, e);
            }
        } catch (MillraceException e) {
            if (!closed) {
                throw e;
            }
        }
    }

    private static BinlogPosition positionOf(
            @Nullable BinlogReader reader, @Nullable BinlogPosition start) {
        return reader != null
                ? reader.position()
                : start != null ? start : BinlogPosition.at("", 0, 0);
    }

    static boolean hasChecksums(ServerFacts facts) {
        return facts.variable("binlog_checksum").equalsIgnoreCase("CRC32");
    }

    /** Session settings that a replica makes before it asks for the binlog. */
    static void prepare(ReplicationConnection connection, ServerFacts facts) throws IOException {
        connection.readTimeout((int) READ_TIMEOUT.toMillis());
        connection.execute("SET @master_binlog_checksum = @@global.binlog_checksum");
        connection.execute("SET @master_heartbeat_period = " + HEARTBEAT.toNanos());
        connection.execute("SET SESSION net_write_timeout = " + WRITE_TIMEOUT.toSeconds());
        if (facts.mariaDb()) {
            // 4: knows MariaDB's GTID events.
            connection.execute("SET @mariadb_slave_capability = 4");
        } else {
            connection.execute("SET @source_binlog_checksum = @@global.binlog_checksum");
            connection.execute("SET @source_heartbeat_period = " + HEARTBEAT.toNanos());
        }
    }

    private void requestDump(
            ReplicationConnection connection, BinlogReader.Plan plan, long serverId)
            throws IOException {
        BinlogPosition resume = plan.resume();
        Optional<HeldXa> held = resume.held();
        if (!plan.byGtid()) {
            connection.dump(held.map(HeldXa::start).orElse(resume.start()), serverId, true);
            return;
        }
        GtidSet executed = held.flatMap(HeldXa::gtids).orElse(resume.gtids().orElseThrow());
        if (executed instanceof MySqlGtidSet set) {
            connection.dumpAfter(set, serverId);
        } else {
            connection.execute("SET @slave_connect_state = '" + executed + "'");
            connection.execute("SET @slave_gtid_strict_mode = 0");
            connection.execute("SET @slave_gtid_ignore_duplicates = 0");
            connection.dump(
                    new BinlogCoordinate("", BinlogCoordinate.FIRST_OFFSET), serverId, true);
        }
    }

    // ---- one server for the whole run

    /** What is seen over different connections is put together, so they must not lead apart. */
    private Connection openOnSameServer() {
        Connection connection = connections.open();
        try {
            long other = ServerIdentity.clusterId(connection);
            if (other == serverNumber) {
                return connection;
            }
            connection.close();
            throw apart(address, serverNumber, other);
        } catch (SQLException e) {
            UpstreamErrors.closeQuietly(connection, e);
            throw UpstreamErrors.of(e, address);
        }
    }

    /** As {@link #openOnSameServer}, for a connection that was just opened. */
    static void sameServer(
            ReplicationConnection connection, long serverNumber, ServerAddress address)
            throws IOException {
        long other = ServerIdentity.clusterId(connection::query);
        if (other != serverNumber) {
            throw apart(address, serverNumber, other);
        }
    }

    /**
     * Is tried again: after a fail-over the next run meets one server, and says what that means.
     */
    private static MillraceException apart(ServerAddress address, long one, long other) {
        return new MillraceException(
                ErrorCode.UPSTREAM_CONNECTION,
                "Upstream "
                        + address
                        + ": two connections came to different servers (cluster ids "
                        + Long.toUnsignedString(one)
                        + " and "
                        + Long.toUnsignedString(other)
                        + "). Unless this was a fail-over, let the address lead to one server.");
    }

    // ---- where to start

    private BinlogReader.Plan plan(ServerFacts facts, Connection control) throws SQLException {
        boolean track = address.useGtid() && facts.gtids();
        List<ServerFacts.BinlogFile> files = ServerFacts.binlogs(control, address);
        if (files.isEmpty()) {
            throw BinlogFiles.off(address);
        }
        if (request.checkpoint().isEmpty()) {
            Optional<BinlogCoordinate> end = startEnd(facts, control);
            String file =
                    BinlogFiles.fileFor(request.startTso(), upTo(files, end), facts, address, pool);
            BinlogPosition start =
                    BinlogPosition.of(
                            new BinlogCoordinate(file, BinlogCoordinate.FIRST_OFFSET),
                            serverNumber);
            return new BinlogReader.Plan(
                    start, false, track, request.startTso(), end, serverNumber);
        }
        SourcePosition position = request.checkpoint().get().position();
        if (!(position instanceof BinlogPosition resume)) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER,
                    "The checkpoint " + position.encode() + " is not a binlog position.");
        }
        checkSameServer(resume);
        boolean byGtid =
                track
                        && resume.gtids().isPresent()
                        && resume.held().map(held -> held.gtids().isPresent()).orElse(true)
                        && resume.gtids().get() instanceof MariaDbGtidSet == facts.mariaDb();
        BinlogPosition from = resume;
        if (byGtid) {
            checkGtids(facts, control, resume, files.getFirst().name());
        } else {
            from = checkFile(resume, files);
        }
        return new BinlogReader.Plan(
                from, byGtid, track, request.startTso(), Optional.empty(), serverNumber);
    }

    /**
     * The end of the binlog when the start was chosen. A later one would count transactions that
     * came in between by their time alone.
     */
    private Optional<BinlogCoordinate> startEnd(ServerFacts facts, Connection control) {
        if (request.startEnd().isPresent()
                && request.startEnd().get() instanceof BinlogPosition position) {
            if (position.serverNumber() != 0 && position.serverNumber() != serverNumber) {
                throw lostChanges("the job's start was chosen at another one");
            }
            return Optional.of(position.start());
        }
        return facts.end(control, address);
    }

    /**
     * The start lies in a file that was there when it was chosen. Later ones may claim to be older:
     * a file has the time of the session in which the server began it.
     */
    private List<ServerFacts.BinlogFile> upTo(
            List<ServerFacts.BinlogFile> files, Optional<BinlogCoordinate> end) {
        if (end.isEmpty()) {
            return files;
        }
        for (int i = 0; i < files.size(); i++) {
            if (files.get(i).name().equals(end.get().file())) {
                return files.subList(0, i + 1);
            }
        }
        throw BinlogErrors.filePurged(address, end.get(), files.getFirst().name());
    }

    private void checkGtids(
            ServerFacts facts, Connection control, BinlogPosition resume, String oldest)
            throws SQLException {
        checkLineage(facts, resume);
        GtidSet needed = resume.held().flatMap(HeldXa::gtids).orElse(resume.gtids().orElseThrow());
        if (needed instanceof MySqlGtidSet executed) {
            MySqlGtidSet missing =
                    MySqlGtidSet.parse(facts.variable("gtid_purged")).minus(executed);
            if (!missing.isEmpty()) {
                throw BinlogErrors.gtidsPurged(address, missing.toString());
            }
            return;
        }
        try (Statement statement = control.createStatement();
                ResultSet rows =
                        statement.executeQuery("SELECT BINLOG_GTID_POS('" + oldest + "', 4)")) {
            String first = rows.next() ? rows.getString(1) : null;
            if (first == null) {
                return;
            }
            MariaDbGtidSet oldestHeld = MariaDbGtidSet.parse(first);
            if (!needed.containsAll(oldestHeld)) {
                throw BinlogErrors.gtidsPurged(
                        address, "behind " + needed + " up to " + oldestHeld);
            }
        }
    }

    /**
     * Another server is refused, a replica with all transactions too: it has other commit times,
     * and with them other TSOs, and sinks tell by TSOs what they have done.
     */
    private void checkSameServer(BinlogPosition resume) {
        if (resume.serverNumber() != 0
                && serverNumber != 0
                && resume.serverNumber() != serverNumber) {
            throw new MillraceException(
                    ErrorCode.UPSTREAM_MISCONFIGURED,
                    "Upstream "
                            + address
                            + " is another server: it is not the server that the position "
                            + resume.start()
                            + " belongs to. A job does not move: lead the address back to that"
                            + " server, or make a new job with a start_ts of shortly before the"
                            + " fail-over.");
        }
    }

    /** The server must have all that was read already. */
    private void checkLineage(ServerFacts facts, BinlogPosition resume) {
        GtidSet read = resume.gtids().orElseThrow();
        if (read instanceof MySqlGtidSet executed) {
            MySqlGtidSet lacking =
                    executed.minus(MySqlGtidSet.parse(facts.variable("gtid_executed")));
            if (!lacking.isEmpty()) {
                throw lostChanges("it does not have the transactions " + lacking);
            }
        } else if (read instanceof MariaDbGtidSet last) {
            MariaDbGtidSet written = MariaDbGtidSet.parse(facts.variable("gtid_binlog_pos"));
            if (!written.containsAll(last)) {
                throw lostChanges("its binlog ends at " + written + ", before " + last);
            }
        }
    }

    private MillraceException lostChanges(String why) {
        return new MillraceException(
                ErrorCode.UPSTREAM_MISCONFIGURED,
                "Upstream "
                        + address
                        + " lost changes that were read from it already: "
                        + why
                        + ". Load the tables anew and start a new job.");
    }

    private BinlogPosition checkFile(BinlogPosition resume, List<ServerFacts.BinlogFile> files) {
        BinlogCoordinate needed = resume.held().map(HeldXa::start).orElse(resume.start());
        for (int i = 0; i < files.size(); i++) {
            ServerFacts.BinlogFile file = files.get(i);
            if (!file.name().equals(needed.file())) {
                continue;
            }
            if (needed.offset() > MAX_DUMP_OFFSET
                    && resume.held().isEmpty()
                    && i + 1 < files.size()) {
                // Only one transaction can end there, and the file ends with it.
                return new BinlogPosition(
                        new BinlogCoordinate(
                                files.get(i + 1).name(), BinlogCoordinate.FIRST_OFFSET),
                        0,
                        Optional.empty(),
                        resume.gtids(),
                        Optional.empty(),
                        resume.floorTso(),
                        resume.serverNumber());
            }
            if (needed.offset() > file.size()) {
                throw BinlogErrors.corrupt(
                        address,
                        "the binlog file has only "
                                + file.size()
                                + " bytes; the upstream lost changes that were already read, look"
                                + " for",
                        needed);
            }
            return resume;
        }
        throw BinlogErrors.filePurged(address, needed, files.getFirst().name());
    }

    @Override
    public void tellTables(Consumer<List<TableSchema>> to) {
        tablesTo = to;
    }

    @Override
    public Set<Long> tableIds(boolean withoutKey) {
        return versions.tableIds(withoutKey);
    }

    @Override
    public void close() {
        closed = true;
        StatementScan ahead = scan;
        if (ahead != null) {
            ahead.close();
        }
        ReplicationConnection connection = replication;
        if (connection != null) {
            connection.close();
        }
    }

    /** The upstream's TSO now, such that every later commit gets a greater one. */
    public static long currentTso(ServerFacts facts, Connection control) throws SQLException {
        long now = UpstreamClock.millis(control);
        return facts.microsecondCommits() ? Tso.of(now, 0) : Tso.of(now / 1000 * 1000, 0) - 1;
    }
}
