package io.millrace.mysql.capture;

import com.github.luben.zstd.RecyclingBufferPool;
import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.ResolvedMark;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.EventOutput;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.position.Gtid;
import io.millrace.mysql.position.GtidSet;
import io.millrace.mysql.position.HeldXa;
import io.millrace.mysql.position.MariaDbGtidSet;
import io.millrace.mysql.position.MySqlGtidSet;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.mysql.wire.RowDecoder;
import io.millrace.mysql.wire.TableVersions;
import io.millrace.mysql.wire.WireRowBatch;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the transactions of a binlog stream: gives each its TSO, hands the rows of wanted tables
 * to the decoder, statements to the schema tracker, and what comes out of both to the pipeline,
 * each with the position to read on from. Belongs to one thread.
 *
 * <p>A <em>group</em> is what one GTID event (named or anonymous) announces: a transaction, a
 * single statement, or one half of an XA transaction. Row events and DDL are counted within the
 * group, wanted or not; the count is the event index of positions and batches.
 *
 * <p>One batch is held back until the next event shows whether it was the group's last.
 *
 * <p>The rows of an XA transaction are logged at its PREPARE, but nobody may see them before its
 * COMMIT, which is a group of its own later: they are kept aside. Positions behind the PREPARE name
 * the transaction ({@link HeldXa}); a restart from such a position reads from the PREPARE on, and
 * until it reaches the position proper ({@link Plan#resume}) it only collects those transactions.
 */
final class BinlogReader {
    private static final Logger LOG = LoggerFactory.getLogger(BinlogReader.class);

    /** How often progress through transactions that nobody wants is reported. */
    static final long MARK_INTERVAL_NANOS = 200_000_000L;

    /** How far ahead of the upstream's clock a commit time may be. */
    static final long AHEAD_MILLIS = 60_000;

    /**
     * Transactions of one job whose time is not believed; with more of them it is the clocks of
     * several servers that disagree, and times are taken as they are.
     */
    private static final int MAX_DISTRUSTED = 1000;

    /** Table number of an event that only ends a statement. */
    private static final long DUMMY_TABLE = 0xFF_FFFF;

    private static final long LOW_32 = 0xFFFF_FFFFL;

    private static final int MARIADB_STANDALONE = 1;
    private static final int MARIADB_GROUP_COMMIT = 2;
    private static final int MARIADB_PREPARED_XA = 64;
    private static final int MARIADB_COMPLETED_XA = 128;

    private static final int MARIADB_START_ALTER = 2;
    private static final int MARIADB_ROLLBACK_ALTER = 8;
    private static final int MICROS_BYTES = 7;
    private static final long ORIGINAL_TIME_FOLLOWS = 1L << 55;

    /**
     * How to read.
     *
     * @param resume position to go on from; between transactions or inside one
     * @param byGtid whether the server was asked by GTID, so that it leaves out what {@code resume}
     *     already has
     * @param trackGtids whether positions name GTIDs
     * @param startTso transactions up to here are read past
     * @param end on a very first start the end of the binlog at that time: what lies behind it came
     *     after the start, whatever its time says
     * @param serverNumber for positions
     */
    record Plan(
            BinlogPosition resume,
            boolean byGtid,
            boolean trackGtids,
            long startTso,
            Optional<BinlogCoordinate> end,
            long serverNumber) {}

    private final ServerAddress address;
    private final EventStream stream;
    private final RowDecoder decoder;
    private final TableVersions versions;
    private final TableFilter filter;
    private final EventOutput out;
    private final BufferPool pool;
    private final IntFunction<Charset> charsets;
    private final UpstreamClock.Source clock;
    private final Plan plan;
    private final HoldingArea holding;
    private final MariaDbCompression compression;
    private boolean mariaDb;

    // Where the stream is.
    private String file;
    private long offset;
    private @Nullable GtidSet gtids;
    private long floorTso;
    private boolean endReached;

    // The group.
    private boolean inGroup;
    private boolean inTransaction;
    private BinlogCoordinate groupStart;
    private @Nullable Gtid groupGtid;
    private long groupTso;
    private int index;
    private boolean deliver;
    private boolean emitted;

    /** A CREATE TABLE … SELECT of the group was handed on. */
    private boolean createdInside;

    /** The group's statement is an ALTER that is not committed by it. */
    private boolean unfinishedAlter;

    /** Events of the group to leave out because they are done, and of which group. */
    private int skip;

    private final int resumeSkip;
    private boolean resumeSkipDone;

    /** Transactions before the position proper are only read for held XA rows. */
    private boolean beforeResume;

    private @Nullable GtidSet gtidsBeforeResume;

    private CaptureRequest.@Nullable Bidirectional bidirectional;
    private TableMaps tables;
    private @Nullable WireRowBatch pending;
    private int pendingIndex;
    private boolean unreported;

    /** A time that the upstream's clock has passed; Unix milliseconds. */
    private long clockMs;

    /** Waits until the stream has come to its end of the binlog. */
    private UpstreamClock.@Nullable Reading lastReading;

    private long lastReport = System.nanoTime();
    private final Supplier<BinlogPosition> place = this::position;

    private final Map<String, HeldTransaction> held = new LinkedHashMap<>();
    private Optional<HeldXa> heldNames;
    private @Nullable HeldTransaction collecting;

    BinlogReader(
            ServerAddress address,
            EventStream stream,
            RowDecoder decoder,
            TableVersions versions,
            TableFilter filter,
            EventOutput out,
            BufferPool pool,
            IntFunction<Charset> charsets,
            UpstreamClock.Source clock,
            boolean mariaDb,
            HoldingArea holding,
            Plan plan) {
        this.address = address;
        this.stream = stream;
        this.decoder = decoder;
        this.versions = versions;
        this.filter = filter;
        this.out = out;
        this.pool = pool;
        this.charsets = charsets;
        this.clock = clock;
        this.mariaDb = mariaDb;
        this.plan = plan;
        this.holding = holding;
        this.compression = new MariaDbCompression(pool);
        BinlogPosition resume = plan.resume;
        BinlogCoordinate first = resume.held().map(HeldXa::start).orElse(resume.start());
        this.file = first.file();
        this.offset = first.offset();
        this.groupStart = first;
        this.floorTso = resume.floorTso();
        this.gtids = plan.trackGtids ? resume.gtids().orElse(null) : null;
        this.heldNames = resume.held();
        this.beforeResume = resume.held().isPresent();
        this.gtidsBeforeResume = resume.held().flatMap(HeldXa::gtids).orElse(null);
        this.resumeSkip = resume.eventIndex();
        this.endReached = plan.end.isEmpty();
        this.tables = new TableMaps(filter);
    }

    /** Leaves out what a sink of ours wrote, and DDL unless this side has the say. */
    void leaveOut(CaptureRequest.Bidirectional what) {
        bidirectional = what;
    }

    /** Reads until the stream ends, which only one that was asked for without waiting does. */
    void run() throws IOException, InterruptedException {
        try {
            while (stream.next()) {
                onEvent();
            }
        } finally {
            WireRowBatch batch = pending;
            pending = null;
            if (batch != null) {
                batch.release();
            }
            held.values().forEach(HeldTransaction::close);
            HeldTransaction open = collecting;
            if (open != null) {
                open.close();
            }
        }
    }

    /** Where the stream is between transactions, for messages. */
    BinlogPosition position() {
        return inGroup ? inside(index) : between(floorTso, gtids);
    }

    private void onEvent() throws IOException, InterruptedException {
        int type = stream.type();
        long eventStart = offset;
        boolean counts =
                stream.endPosition() != 0
                        && !stream.has(EventTypes.FLAG_ARTIFICIAL)
                        && type != EventTypes.HEARTBEAT
                        && type != EventTypes.HEARTBEAT_V2;
        if (counts) {
            offset = endOf(offset, stream.endPosition());
            eventStart = offset - stream.eventLength();
        }
        switch (type) {
            case EventTypes.GTID, EventTypes.ANONYMOUS_GTID -> onGtid(eventStart);
            case EventTypes.MARIADB_GTID -> onMariaDbGtid(eventStart);
            case EventTypes.HEARTBEAT, EventTypes.HEARTBEAT_V2 -> onHeartbeat();
            case EventTypes.ROTATE -> onRotate();
            case EventTypes.FORMAT_DESCRIPTION -> onFormatDescription();
            case EventTypes.PREVIOUS_GTIDS -> onPreviousGtids();
            case EventTypes.MARIADB_GTID_LIST -> onGtidList();
            case EventTypes.TRANSACTION_PAYLOAD -> onPayload();
            default -> {
                if (!inGroup && opensGroup(type)) {
                    beginGroup(eventStart, stream.timestamp() * 1000, null);
                }
                if (onGroupEvent(stream, type)) {
                    endGroup();
                }
            }
        }
    }

    /**
     * Where an event behind {@code offset} ends: events carry the low 32 bits of their end, and one
     * transaction may be larger.
     */
    static long endOf(long offset, long lowBits) {
        long end = (offset & ~LOW_32) | lowBits;
        return end < offset ? end + LOW_32 + 1 : end;
    }

    /** Events that follow a GTID event in every binlog that is supported; older ones have none. */
    private static boolean opensGroup(int type) {
        return type == EventTypes.QUERY || type == EventTypes.MARIADB_QUERY_COMPRESSED;
    }

    /** Handles an event of a group; true when the group ends with it. */
    private boolean onGroupEvent(EventSource event, int type)
            throws IOException, InterruptedException {
        switch (type) {
            case EventTypes.TABLE_MAP -> onTableMap(event);
            case EventTypes.WRITE_ROWS_V1,
                    EventTypes.UPDATE_ROWS_V1,
                    EventTypes.DELETE_ROWS_V1,
                    EventTypes.WRITE_ROWS,
                    EventTypes.UPDATE_ROWS,
                    EventTypes.DELETE_ROWS,
                    EventTypes.PARTIAL_UPDATE_ROWS,
                    EventTypes.MARIADB_WRITE_ROWS_COMPRESSED_V1,
                    EventTypes.MARIADB_UPDATE_ROWS_COMPRESSED_V1,
                    EventTypes.MARIADB_DELETE_ROWS_COMPRESSED_V1,
                    EventTypes.MARIADB_WRITE_ROWS_COMPRESSED,
                    EventTypes.MARIADB_UPDATE_ROWS_COMPRESSED,
                    EventTypes.MARIADB_DELETE_ROWS_COMPRESSED -> {
                if (!inGroup) {
                    throw corrupt("rows without a transaction");
                }
                onRows(event, type, index++);
            }
            case EventTypes.QUERY, EventTypes.MARIADB_QUERY_COMPRESSED -> {
                return onQuery(event, type);
            }
            case EventTypes.XID -> {
                return true;
            }
            case EventTypes.XA_PREPARE -> {
                onXaPrepare(event);
                return true;
            }
            case EventTypes.EXECUTE_LOAD_QUERY -> {
                if (deliver) {
                    throw BinlogErrors.statement(address, "LOAD DATA", groupStart);
                }
            }
            case EventTypes.INCIDENT -> throw BinlogErrors.incident(address, here());
            case EventTypes.GTID_TAGGED ->
                    throw BinlogErrors.unsupported(
                            address, type, here(), "GTIDs with tags (MySQL 8.3 and newer)");
            case EventTypes.STOP,
                    EventTypes.INTVAR,
                    EventTypes.RAND,
                    EventTypes.USER_VAR,
                    EventTypes.BEGIN_LOAD_QUERY,
                    EventTypes.IGNORABLE,
                    EventTypes.ROWS_QUERY,
                    EventTypes.TRANSACTION_CONTEXT,
                    EventTypes.VIEW_CHANGE,
                    EventTypes.MARIADB_ANNOTATE_ROWS,
                    EventTypes.MARIADB_BINLOG_CHECKPOINT,
                    EventTypes.MARIADB_START_ENCRYPTION -> {}
            default -> {
                if (event != stream || !stream.has(EventTypes.FLAG_IGNORABLE)) {
                    throw BinlogErrors.unsupported(address, type, here(), "unknown");
                }
            }
        }
        return false;
    }

    // ---- files

    private void onRotate() throws IOException {
        stream.load();
        byte[] b = stream.bytes();
        int from = stream.bodyStart();
        long next = WireBytes.i64(b, from);
        String name = new String(b, from + 8, stream.bodyEnd() - from - 8, StandardCharsets.UTF_8);
        if (inGroup && !name.equals(file) && !stream.has(EventTypes.FLAG_ARTIFICIAL)) {
            throw corrupt("a transaction without an end");
        }
        file = name;
        offset = next;
    }

    private void onFormatDescription() throws IOException {
        stream.load();
        FormatDescription description = FormatDescription.parse(stream.bytes(), stream.bodyStart());
        mariaDb = description.mariaDb();
        if (inGroup) {
            if (!description.serverStart()) {
                throw corrupt("a transaction without an end");
            }
            dropGroup();
        }
        tables.clear();
    }

    /**
     * The server died while it wrote the group, and began a new file when it came up. Replicas roll
     * back what has no end (so MariaDB says in its source; MySQL cuts it off). The server doesn't
     * count the group's GTID either and gives it to the next.
     */
    private void dropGroup() {
        if (emitted || createdInside || skip > 0) {
            throw BinlogErrors.cutOff(address, groupStart, file);
        }
        LOG.warn(
                "the upstream ended while it wrote a transaction, which is rolled back upstream={}"
                        + " at={} next={}",
                address,
                groupStart,
                file);
        WireRowBatch batch = pending;
        if (batch != null) {
            pending = null;
            batch.release();
        }
        HeldTransaction open = collecting;
        if (open != null) {
            collecting = null;
            open.close();
        }
        inGroup = false;
        inTransaction = false;
        unreported = true;
    }

    private void onPreviousGtids() throws IOException {
        if (!plan.trackGtids || gtids != null) {
            return;
        }
        stream.load();
        try {
            gtids = MySqlGtidSet.fromWire(stream.bytes(), stream.bodyStart(), stream.bodyEnd());
        } catch (IllegalArgumentException e) {
            throw BinlogErrors.unsupported(
                    address, stream.type(), here(), "GTIDs with tags (MySQL 8.3 and newer)");
        }
    }

    /** MariaDB's list: count in the low 28 bits of 4 bytes; per GTID domain, server, sequence. */
    private void onGtidList() throws IOException {
        if (!plan.trackGtids || gtids != null) {
            return;
        }
        stream.load();
        byte[] b = stream.bytes();
        int at = stream.bodyStart();
        int count = WireBytes.i32(b, at) & 0x0FFF_FFFF;
        at += 4;
        if (count > (stream.bodyEnd() - at) / 16) {
            throw corrupt("a GTID list that is cut off");
        }
        MariaDbGtidSet set = MariaDbGtidSet.EMPTY;
        for (int i = 0; i < count; i++, at += 16) {
            set =
                    set.with(
                            new Gtid.MariaDb(
                                    WireBytes.u32(b, at),
                                    WireBytes.u32(b, at + 4),
                                    WireBytes.i64(b, at + 8)));
        }
        gtids = set;
    }

    // ---- groups

    /**
     * MySQL's GTID event: flags (1 byte), source UUID (16), number (8), then for 5.7 and newer a
     * type byte (2) and two logical timestamps of 8 bytes, then for 8.0 the commit time at this
     * server in microseconds (7 bytes; the highest bit says that the original server's time
     * follows). The time at this server is the one that counts: it grows with the order of this
     * binlog, the original's does not when several sources meet.
     */
    private void onGtid(long eventStart) throws IOException, InterruptedException {
        stream.load();
        byte[] b = stream.bytes();
        int at = stream.bodyStart();
        int end = stream.bodyEnd();
        if (end - at < 25) {
            throw corrupt("a GTID event that is cut off");
        }
        Gtid gtid = null;
        if (stream.type() == EventTypes.GTID) {
            gtid =
                    new Gtid.MySql(
                            new UUID(WireBytes.i64Be(b, at + 1), WireBytes.i64Be(b, at + 9)),
                            WireBytes.i64(b, at + 17));
        }
        long commitMs = stream.timestamp() * 1000;
        int time = at + 25 + 1 + 16;
        if (time + MICROS_BYTES <= end && b[at + 25] == 2) {
            long micros = WireBytes.uN(b, time, MICROS_BYTES) & ~ORIGINAL_TIME_FOLLOWS;
            if (micros > 0) {
                commitMs = micros / 1000;
            }
        }
        beginGroup(eventStart, commitMs, gtid);
    }

    /**
     * MariaDB's GTID event: sequence (8 bytes), domain (4), flags (1), group commit number (8) and
     * XID where the flags say so, more flags (1, since 10.8); the server is the header's.
     */
    private void onMariaDbGtid(long eventStart) throws IOException, InterruptedException {
        stream.load();
        byte[] b = stream.bytes();
        int at = stream.bodyStart();
        if (stream.bodyEnd() - at < 13) {
            throw corrupt("a GTID event that is cut off");
        }
        beginGroup(
                eventStart,
                stream.timestamp() * 1000,
                new Gtid.MariaDb(
                        WireBytes.u32(b, at + 8), stream.serverId(), WireBytes.i64(b, at)));
        int flags = b[at + 12];
        // Stands for BEGIN unless it announces a single statement.
        inTransaction = (flags & MARIADB_STANDALONE) == 0;
        if ((flags & MARIADB_PREPARED_XA) != 0) {
            startXa(mariaDbXid(b, at + 13 + ((flags & MARIADB_GROUP_COMMIT) != 0 ? 8 : 0)));
        }
        unfinishedAlter = isUnfinishedAlter(b, at, stream.bodyEnd());
    }

    /**
     * Whether a MariaDB GTID event announces an ALTER that only begins or is rolled back: with
     * {@code binlog_alter_two_phase} its statement is logged when it begins and again when it is
     * committed or rolled back. Only the commit counts, with its place in the order.
     */
    static boolean isUnfinishedAlter(byte[] b, int bodyStart, int bodyEnd) {
        int flags = b[bodyStart + 12];
        int at = bodyStart + 13;
        if ((flags & MARIADB_GROUP_COMMIT) != 0) {
            at += 8;
        }
        if ((flags & (MARIADB_PREPARED_XA | MARIADB_COMPLETED_XA)) != 0 && at + 6 <= bodyEnd) {
            at += 6 + (b[at + 4] & 0xFF) + (b[at + 5] & 0xFF);
        }
        return at < bodyEnd && (b[at] & (MARIADB_START_ALTER | MARIADB_ROLLBACK_ALTER)) != 0;
    }

    /** Format (4 bytes), lengths of both parts (1 each), parts; as XA COMMIT spells it. */
    private String mariaDbXid(byte[] b, int at) {
        int first = b[at + 4] & 0xFF;
        int second = b[at + 5] & 0xFF;
        if (at + 6 + first + second > stream.bodyEnd()) {
            throw corrupt("an XID that is cut off");
        }
        HexFormat hex = HexFormat.of();
        return "X'"
                + hex.formatHex(b, at + 6, at + 6 + first)
                + "',X'"
                + hex.formatHex(b, at + 6 + first, at + 6 + first + second)
                + "',"
                + WireBytes.i32(b, at);
    }

    private void beginGroup(long start, long commitMs, @Nullable Gtid gtid)
            throws InterruptedException {
        if (inGroup) {
            throw corrupt("a transaction without an end");
        }
        inGroup = true;
        inTransaction = false;
        groupStart = new BinlogCoordinate(file, start);
        groupGtid = gtid;
        index = 0;
        emitted = false;
        createdInside = false;
        unfinishedAlter = false;
        skip = 0;
        if (beforeResume || plan.byGtid && plan.resume.held().isPresent()) {
            // By GTID the order may differ, when the server is not the one of before.
            beforeResume = isBeforeResume();
        }
        if (beforeResume) {
            deliver = false;
            return;
        }
        if (gtid == null) {
            // From here on GTIDs alone no longer say where we are.
            gtids = null;
        }
        reachEnd(groupStart);
        groupTso = Tso.next(believed(commitMs, gtid), floorTso);
        deliver = Long.compareUnsigned(groupTso, plan.startTso) > 0;
        if (!resumeSkipDone
                && resumeSkip > 0
                && (plan.resume.inside().isEmpty()
                        || plan.resume.inside().equals(Optional.ofNullable(gtid)))) {
            if (isAnotherOfTheName()) {
                throw BinlogErrors.cutOff(address, plan.resume.start(), file);
            }
            skip = resumeSkip;
            resumeSkipDone = true;
        }
    }

    /**
     * A commit time, or 0 if the upstream's clock says that it cannot be: a session may set its
     * time ({@code SET timestamp}), which on MariaDB and MySQL 5.7 is the time of its transactions.
     * All TSOs behind such a one would be ahead of the time for as long, and a job with an end be
     * over.
     *
     * <p>As the clock goes on, the same time would be believed after a restart: so it is recorded.
     */
    private long believed(long commitMs, @Nullable Gtid gtid) {
        Set<String> distrusted = versions.distrustedTimes();
        if (distrusted.isEmpty() && commitMs <= clockMs + AHEAD_MILLIS) {
            return commitMs;
        }
        String name = gtid == null ? groupStart.toString() : gtid.toString();
        if (distrusted.contains(name)) {
            return 0;
        }
        if (commitMs <= clockMs + AHEAD_MILLIS || distrusted.size() >= MAX_DISTRUSTED) {
            return commitMs;
        }
        clockMs = Math.max(clockMs, clock.read().timeMs());
        if (commitMs <= clockMs + AHEAD_MILLIS) {
            return commitMs;
        }
        long tso = Tso.next(0, floorTso);
        LOG.warn(
                "a transaction's time is not believed upstream={} transaction={} at={} time={}"
                        + " clock={} tso={}",
                address,
                name,
                groupStart,
                Instant.ofEpochMilli(commitMs),
                Instant.ofEpochMilli(clockMs),
                tso);
        versions.distrustTime(name, tso);
        return 0;
    }

    /**
     * Whether the group has the GTID of the one that was begun, but lies elsewhere on the same
     * server: it lost the end of that one in a crash and gave its GTID to the next.
     */
    private boolean isAnotherOfTheName() {
        BinlogCoordinate begun = plan.resume.start();
        return plan.byGtid
                && plan.resume.serverNumber() == plan.serverNumber
                && plan.serverNumber != 0
                && !(begun.file().equals(groupStart.file())
                        && (begun.offset() & LOW_32) == (groupStart.offset() & LOW_32));
    }

    private boolean isBeforeResume() {
        if (plan.byGtid) {
            Gtid gtid = groupGtid;
            return gtid != null
                    && plan.resume.gtids().map(done -> done.contains(gtid)).orElse(false);
        }
        return !groupStart.atOrAfter(plan.resume.start());
    }

    /**
     * On a very first start, past the end of the binlog at that time, no transaction may be taken
     * for one before the start because its time says so: on MariaDB and MySQL 5.7 that is the time
     * when its statement began. The raised floor is reported as a mark of its own, so that a
     * restart starts from it.
     */
    private void reachEnd(BinlogCoordinate at) throws InterruptedException {
        if (endReached || !at.atOrAfter(plan.end.orElseThrow())) {
            return;
        }
        endReached = true;
        if (Long.compareUnsigned(floorTso, plan.startTso) <= 0) {
            floorTso = plan.startTso;
            out.emit(new ResolvedMark(floorTso, between(at, floorTso, gtids), true));
            reported();
        }
    }

    private void endGroup() throws IOException, InterruptedException {
        if (!inGroup) {
            throw corrupt("the end of a transaction that did not begin");
        }
        HeldTransaction behindSavepoint = collecting;
        if (behindSavepoint != null) {
            collecting = null;
            deliver(behindSavepoint);
            behindSavepoint.close();
        }
        Gtid gtid = groupGtid;
        inGroup = false;
        inTransaction = false;
        skip = 0;
        if (beforeResume) {
            GtidSet before = gtidsBeforeResume;
            if (before != null && gtid != null) {
                gtidsBeforeResume = before.with(gtid);
            }
            return;
        }
        GtidSet set = gtids;
        if (set != null && gtid != null) {
            gtids = set.with(gtid);
        }
        floorTso = groupTso;
        tables.trim();
        WireRowBatch batch = pending;
        if (batch != null) {
            pending = null;
            batch.seal(between(floorTso, gtids), true);
            emit(batch);
            reported();
        } else if (!emitted) {
            unreported = true;
            if (System.nanoTime() - lastReport > MARK_INTERVAL_NANOS) {
                mark(false);
            }
        }
    }

    /**
     * Not every heartbeat means that the server is idle: one is also sent while it leaves out
     * transactions that we have. That one names a place that we have not seen; idle is who is where
     * we are.
     */
    private void onHeartbeat() throws IOException, InterruptedException {
        long position = stream.endPosition();
        if (inGroup || position == (offset & LOW_32)) {
            onIdle();
        } else if (position > offset) {
            stream.load();
            byte[] b = stream.bytes();
            int from = stream.bodyStart();
            String name = new String(b, from, stream.bodyEnd() - from, StandardCharsets.UTF_8);
            if (name.equals(file)) {
                offset = position;
            }
        }
    }

    private void onIdle() throws IOException, InterruptedException {
        if (inGroup) {
            return;
        }
        // Idle means that all was sent, also what lies before the position proper.
        beforeResume = false;
        reachEnd(here());
        UpstreamClock.Reading reading = lastReading;
        if (reading == null || !here().atOrAfter(reading.end())) {
            if (reading == null) {
                reading = clock.read();
                lastReading = reading;
            }
            if (!here().atOrAfter(reading.end())) {
                // More is on its way than the heartbeat suggests.
                return;
            }
        }
        lastReading = null;
        long time = Tso.of(reading.timeMs(), 0);
        if (Long.compareUnsigned(time, floorTso) > 0) {
            floorTso = time;
            mark(true);
        } else if (unreported) {
            mark(false);
        }
    }

    private void mark(boolean clockDerived) throws InterruptedException {
        if (Long.compareUnsigned(floorTso, plan.startTso) < 0) {
            return;
        }
        out.emit(new ResolvedMark(floorTso, between(floorTso, gtids), clockDerived));
        reported();
    }

    private void reported() {
        unreported = false;
        lastReport = System.nanoTime();
    }

    private BinlogPosition between(long floor, @Nullable GtidSet set) {
        return between(here(), floor, set);
    }

    private BinlogPosition between(BinlogCoordinate at, long floor, @Nullable GtidSet set) {
        return new BinlogPosition(
                at,
                0,
                Optional.empty(),
                Optional.ofNullable(set),
                heldNames,
                floor,
                plan.serverNumber);
    }

    /** Inside the group, with {@code done} of its events done. */
    private BinlogPosition inside(int done) {
        return new BinlogPosition(
                groupStart,
                done,
                done > 0 ? Optional.ofNullable(groupGtid) : Optional.empty(),
                Optional.ofNullable(gtids),
                heldNames,
                floorTso,
                plan.serverNumber);
    }

    // ---- rows

    private void onTableMap(EventSource event) throws IOException {
        event.load();
        TableMaps.Entry entry = tables.onTableMap(event, mariaDb);
        if (entry == null) {
            throw corrupt("a TABLE_MAP event that cannot be read");
        }
        CaptureRequest.Bidirectional both = bidirectional;
        if (both != null && entry.map.name().schema().equalsIgnoreCase(both.progressSchema())) {
            // A sink's transaction begins with its progress, so nothing of it was handed on.
            deliver = false;
        }
        HeldTransaction target = collecting;
        if (target != null && entry.wanted) {
            target.add(event, 0);
        }
    }

    private void onRows(EventSource event, int type, int ordinal)
            throws IOException, InterruptedException {
        long number = event.peekU48();
        TableMaps.Entry entry = tables.get(number);
        if (entry == null) {
            if (number == DUMMY_TABLE) {
                return;
            }
            throw corrupt("rows of table number " + number + " that was not announced");
        }
        if (!entry.wanted) {
            return;
        }
        HeldTransaction target = collecting;
        if (target != null) {
            event.load();
            target.add(event, ordinal);
            return;
        }
        if (!deliver || ordinal < skip) {
            return;
        }
        TableSchema schema = entry.schema;
        if (schema == null) {
            schema = versions.versionFor(entry.map, groupTso, place);
            entry.schema = schema;
        }
        byte[] buffer = event.take();
        int end = event.bodyEnd();
        int plain = MariaDbCompression.plainType(type);
        if (plain != type) {
            MariaDbCompression.Body body =
                    compression.inflate(
                            buffer,
                            0,
                            MariaDbCompression.rowsStart(buffer, event.bodyStart(), plain),
                            end);
            pool.give(buffer);
            buffer = body.buffer();
            end = body.end();
        }
        WireRowBatch batch =
                decoder.decode(
                        buffer,
                        EventTypes.HEADER_LENGTH,
                        end,
                        plain,
                        entry.map,
                        schema,
                        groupTso,
                        ordinal);
        flushPending();
        pending = batch;
        pendingIndex = ordinal;
    }

    /** Hands on the batch that was held back: more of its group follows. */
    private void flushPending() throws InterruptedException {
        WireRowBatch batch = pending;
        if (batch != null) {
            pending = null;
            batch.seal(inside(pendingIndex + 1), false);
            emit(batch);
        }
    }

    private void emit(WireRowBatch batch) throws InterruptedException {
        emitted = true;
        out.emit(batch);
    }

    // ---- statements

    private boolean onQuery(EventSource event, int type) throws IOException, InterruptedException {
        event.load();
        QueryEvent query = compression.query(event, type, charsets);
        String sql = query.sql();
        if (sql.equals("BEGIN")) {
            inTransaction = true;
            return false;
        }
        if (sql.equals("COMMIT")) {
            return true;
        }
        if (sql.startsWith("# Dum")) {
            return false; // stands for an event that an older reader would not understand
        }
        String verb = query.verb();
        switch (verb) {
            case "ROLLBACK" -> {
                return onRollback(sql);
            }
            case "SAVEPOINT" -> {
                onSavepoint(nameAtEnd(sql));
                return false;
            }
            case "RELEASE" -> {
                return false;
            }
            case "XA" -> {
                return onXa(sql);
            }
            default -> {}
        }
        if (StatementTarget.isRowChange(verb)) {
            if (deliver && concerns(query)) {
                throw BinlogErrors.statement(address, verb, groupStart);
            }
        } else if (inTransaction) {
            onStatementInTransaction(query);
        } else if (!beforeResume && !unfinishedAlter) {
            onStatement(query);
        }
        return !inTransaction;
    }

    private boolean concerns(QueryEvent query) {
        Optional<TableName> target =
                StatementTarget.of(query.sql(), query.context().defaultSchema());
        return target.map(filter::matches).orElse(true);
    }

    /**
     * Rows behind a savepoint may be taken back by a ROLLBACK TO, which MariaDB logs (and MySQL
     * without GTIDs) when a table without transactions was changed in between. So they are held
     * until the transaction ends.
     */
    private void onSavepoint(String name) {
        if (beforeResume && collecting == null) {
            return;
        }
        HeldTransaction target = collecting;
        if (target == null) {
            target = new HeldTransaction(holding, "", groupStart, Optional.empty());
            collecting = target;
        }
        target.savepoint(name);
    }

    /** Takes back rows; true when that ends the group. */
    private boolean onRollback(String sql) throws IOException {
        String[] words = sql.trim().split("\\s+", 4);
        boolean toSavepoint =
                words.length > 1
                        && (words[1].equalsIgnoreCase("TO")
                                || words.length > 2 && words[2].equalsIgnoreCase("TO"));
        HeldTransaction target = collecting;
        if (toSavepoint && target != null && target.rollbackTo(nameAtEnd(sql))) {
            return false;
        }
        if (pending != null || emitted || createdInside) {
            throw BinlogErrors.rolledBack(address, sql, groupStart);
        }
        if (!toSavepoint && target != null) {
            collecting = null;
            target.close();
        }
        return !toSavepoint;
    }

    private static String nameAtEnd(String sql) {
        String trimmed = sql.trim();
        if (trimmed.endsWith("`")) {
            int at = trimmed.length() - 2;
            while (at > 0 && (trimmed.charAt(at) != '`' || trimmed.charAt(at - 1) == '`')) {
                at -= trimmed.charAt(at) == '`' ? 2 : 1;
            }
            return trimmed.substring(Math.max(at, 0)).toLowerCase(Locale.ROOT);
        }
        return "`" + trimmed.substring(trimmed.lastIndexOf(' ') + 1).toLowerCase(Locale.ROOT) + "`";
    }

    /** A statement that is a group of its own. */
    private void onStatement(QueryEvent query) throws InterruptedException {
        Gtid gtid = groupGtid;
        GtidSet set = gtids;
        BinlogPosition after =
                between(groupTso, set != null && gtid != null ? set.with(gtid) : set);
        Optional<SchemaChange> change =
                versions.onQuery(query.sql(), query.context(), groupTso, after);
        if (deliver && change.isPresent() && isDdlWanted(change.get())) {
            emitted = true;
            out.emit(change.get());
            reported();
        }
    }

    private boolean isDdlWanted(SchemaChange change) {
        CaptureRequest.Bidirectional both = bidirectional;
        return both == null
                || both.ddl()
                        && change.changes().stream()
                                .noneMatch(part ->
                                        part.name()
                                                .schema()
                                                .equalsIgnoreCase(both.progressSchema()));
    }

    /**
     * A statement inside a transaction: CREATE TABLE … SELECT, whose rows follow. It counts as an
     * event, and the rows get the next TSO, because a DDL is a transaction of its own.
     *
     * <p>The tracker takes it also when it is left out because it is done: positions between it and
     * the end of the transaction have the floor of before, so the definitions are those of before.
     */
    private void onStatementInTransaction(QueryEvent query) throws InterruptedException {
        int ordinal = index++;
        if (beforeResume) {
            return;
        }
        flushPending();
        Optional<SchemaChange> change =
                versions.onQuery(
                        withoutStartTransaction(query.sql()),
                        query.context(),
                        groupTso,
                        inside(ordinal + 1));
        if (deliver && change.isPresent() && isDdlWanted(change.get())) {
            createdInside = true;
            if (ordinal >= skip) {
                out.emit(change.get());
            }
        }
        groupTso++;
    }

    /** MySQL 8.0.21 ends the CREATE TABLE of a CREATE TABLE … SELECT with START TRANSACTION. */
    static String withoutStartTransaction(String sql) {
        String suffix = "START TRANSACTION";
        String trimmed = sql.stripTrailing();
        int cut = trimmed.length() - suffix.length();
        return cut > 0 && trimmed.substring(cut).toUpperCase(Locale.ROOT).equals(suffix)
                ? trimmed.substring(0, cut).stripTrailing()
                : sql;
    }

    // ---- compressed transactions

    /**
     * MySQL's TRANSACTION_PAYLOAD: fields of packed type, packed length and value (1 payload size,
     * 2 compression type as a packed number: 0 zstd, 255 none; 3 uncompressed size), then type 0,
     * then the events of the transaction, without checksums. Read as a stream: neither form is ever
     * in memory as a whole.
     */
    private void onPayload() throws IOException, InterruptedException {
        if (!inGroup) {
            throw corrupt("a compressed transaction without GTID event");
        }
        InputStream body = stream.openBody();
        long algorithm = 255;
        while (true) {
            long field = packed(body);
            if (field == 0) {
                break;
            }
            long length = packed(body);
            if (length < 0 || length > 16) {
                throw corrupt("a compressed transaction whose fields cannot be read");
            }
            byte[] value = body.readNBytes((int) length);
            if (field == 2 && value.length > 0) {
                algorithm = TableMaps.packed(value, 0);
            }
        }
        boolean ended = false;
        InputStream plain =
                switch ((int) algorithm) {
                    case 0 ->
                            new ZstdInputStreamNoFinalizer(
                                    new Uncloseable(body), RecyclingBufferPool.INSTANCE);
                    case 255 -> body;
                    default ->
                            throw BinlogErrors.unsupported(
                                    address,
                                    EventTypes.TRANSACTION_PAYLOAD,
                                    here(),
                                    "compression type " + algorithm);
                };
        try {
            InputEventSource events = new InputEventSource(plain, pool);
            while (events.next()) {
                ended |= onGroupEvent(events, events.type());
            }
        } finally {
            plain.close();
        }
        // Reading to the end verifies the checksum; only then the transaction counts.
        if (body.skip(Long.MAX_VALUE) > 0 || body.read() >= 0) {
            throw corrupt("a compressed transaction with bytes behind its end");
        }
        if (ended) {
            endGroup();
        }
    }

    private static final class Uncloseable extends java.io.FilterInputStream {
        Uncloseable(InputStream in) {
            super(in);
        }

        @Override
        public void close() {}
    }

    private long packed(InputStream in) throws IOException {
        int first = in.read();
        if (first < 0) {
            throw corrupt("a compressed transaction that is cut off");
        }
        int bytes =
                switch (first) {
                    case 252 -> 2;
                    case 253 -> 3;
                    case 254 -> 8;
                    default -> 0;
                };
        return bytes == 0 ? first : WireBytes.uN(in.readNBytes(bytes), 0, bytes);
    }

    // ---- XA

    private boolean onXa(String sql) throws IOException, InterruptedException {
        String[] words = sql.trim().split("\\s+", 3);
        if (words.length < 3) {
            throw corrupt("the statement " + sql);
        }
        String action = words[1].toUpperCase(Locale.ROOT);
        String xid = withoutOnePhase(words[2]);
        switch (action) {
            case "START", "BEGIN" -> {
                inTransaction = true;
                startXa(xid);
                return false;
            }
            case "END" -> {
                return false;
            }
            case "COMMIT" -> {
                HeldTransaction transaction = held.get(xid);
                if (transaction == null) {
                    if (deliver) {
                        throw BinlogErrors.xaUnknown(address, xid, groupStart);
                    }
                } else {
                    if (!beforeResume) {
                        deliver(transaction);
                    }
                    forget(transaction);
                }
                return true;
            }
            case "ROLLBACK" -> {
                HeldTransaction transaction = held.get(xid);
                if (transaction != null) {
                    forget(transaction);
                }
                return true;
            }
            default -> throw corrupt("the statement " + sql);
        }
    }

    private void startXa(String xid) {
        if (!beforeResume || isHeldAtResume(xid)) {
            collecting =
                    new HeldTransaction(
                            holding,
                            xid,
                            groupStart,
                            Optional.ofNullable(beforeResume ? gtidsBeforeResume : gtids));
        }
    }

    private boolean isHeldAtResume(String xid) {
        return plan.resume.held().map(xa -> xa.xids().contains(xid)).orElse(false);
    }

    private static String withoutOnePhase(String xid) {
        String trimmed = xid.trim();
        String upper = trimmed.toUpperCase(Locale.ROOT);
        return upper.endsWith(" ONE PHASE")
                ? trimmed.substring(0, trimmed.length() - 10).trim()
                : trimmed;
    }

    /** The event says in its first byte whether it is the COMMIT of a one-phase transaction. */
    private void onXaPrepare(EventSource event) throws IOException, InterruptedException {
        event.load();
        HeldTransaction transaction = collecting;
        collecting = null;
        if (transaction == null) {
            return;
        }
        if (event.bytes()[event.bodyStart()] != 0) {
            deliver(transaction);
            transaction.close();
            return;
        }
        HeldTransaction before = held.put(transaction.xid(), transaction);
        if (before != null) {
            before.close();
        }
        nameHeld();
    }

    private void deliver(HeldTransaction transaction) throws IOException, InterruptedException {
        if (!deliver) {
            return;
        }
        // Its table numbers are those of another place in the binlog.
        TableMaps outer = tables;
        tables = new TableMaps(filter);
        try (InputStream stored = transaction.open()) {
            InputEventSource events = new InputEventSource(stored, pool);
            while (events.next()) {
                if (events.type() == EventTypes.TABLE_MAP) {
                    onTableMap(events);
                } else {
                    onRows(events, events.type(), (int) events.timestamp());
                }
            }
        } finally {
            tables = outer;
        }
    }

    private void forget(HeldTransaction transaction) {
        held.remove(transaction.xid());
        transaction.close();
        nameHeld();
    }

    private void nameHeld() {
        if (beforeResume) {
            return; // the resumed position's names hold until it is reached
        }
        if (held.isEmpty()) {
            heldNames = Optional.empty();
            return;
        }
        HeldTransaction first = held.values().iterator().next();
        heldNames =
                Optional.of(new HeldXa(first.start(), first.gtids(), List.copyOf(held.keySet())));
    }

    // ---- errors

    private BinlogCoordinate here() {
        return new BinlogCoordinate(file, offset);
    }

    private io.millrace.core.error.MillraceException corrupt(String what) {
        return BinlogErrors.corrupt(address, what, here());
    }
}
