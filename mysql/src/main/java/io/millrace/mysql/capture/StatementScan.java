package io.millrace.mysql.capture;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.SourcePosition;
import io.millrace.mysql.connect.ReplicationConnection;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.connect.UpstreamErrors;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.mysql.wire.StatementsAhead;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Reads the statements of a stretch of the binlog over a connection of its own. Of other events
 * only the header is looked at: MySQL's compressed transactions hold no DDL.
 */
final class StatementScan implements StatementsAhead, AutoCloseable {
    /**
     * Tries to come to a place that the server has told: it tells its end slightly before a dump
     * sends it.
     */
    private static final int ROUNDS = 40;

    private static final long PAUSE_MILLIS = 50;

    private static final Set<String> TRANSACTION_CONTROL =
            Set.of("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "XA");

    private final ServerAddress address;
    private final ServerFacts facts;
    private final long serverNumber;
    private final BufferPool pool;
    private final IntFunction<Charset> charsets;
    private final MariaDbCompression compression;
    private volatile boolean closed;
    private volatile @Nullable ReplicationConnection connection;

    StatementScan(
            ServerAddress address,
            ServerFacts facts,
            long serverNumber,
            BufferPool pool,
            IntFunction<Charset> charsets) {
        this.address = address;
        this.facts = facts;
        this.serverNumber = serverNumber;
        this.pool = pool;
        this.charsets = charsets;
        this.compression = new MariaDbCompression(pool);
    }

    @Override
    public void read(SourcePosition from, SourcePosition until, Visitor visitor) {
        BinlogCoordinate at = coordinate(from);
        BinlogCoordinate end = coordinate(until);
        for (int round = 0; !at.atOrAfter(end); round++) {
            if (round == ROUNDS) {
                throw new MillraceException(
                        ErrorCode.SCHEMA_MISMATCH,
                        "table definitions are known for "
                                + end
                                + ", but the binlog of upstream "
                                + address
                                + " ends at "
                                + at
                                + ": it is not the server they were read from. Start the job anew.");
            }
            if (round > 0) {
                pause();
            }
            at = readOnce(at, end, visitor);
        }
    }

    private static BinlogCoordinate coordinate(SourcePosition position) {
        if (position instanceof BinlogPosition binlog) {
            return binlog.start();
        }
        throw new IllegalArgumentException(position.encode());
    }

    /** Reads to the end or as far as the server sends now. */
    private BinlogCoordinate readOnce(
            BinlogCoordinate from, BinlogCoordinate end, Visitor visitor) {
        BinlogCoordinate here = from;
        try (ReplicationConnection opened = ReplicationConnection.open(address)) {
            connection = opened;
            if (closed) {
                throw new IOException("closed");
            }
            BinlogCapture.sameServer(opened, serverNumber, address);
            BinlogCapture.prepare(opened, facts);
            opened.dump(from, ServerIds.lookUp(address), false);
            EventStream stream =
                    new EventStream(opened.stream(), pool, BinlogCapture.hasChecksums(facts));
            boolean unfinishedAlter = false;
            while (!here.atOrAfter(end) && stream.next()) {
                int type = stream.type();
                if (type == EventTypes.ROTATE) {
                    stream.load();
                    byte[] b = stream.bytes();
                    int at = stream.bodyStart();
                    String name =
                            new String(
                                    b, at + 8, stream.bodyEnd() - at - 8, StandardCharsets.UTF_8);
                    here = new BinlogCoordinate(name, WireBytes.i64(b, at));
                    continue;
                }
                if (type == EventTypes.FORMAT_DESCRIPTION) {
                    stream.load(); // tells whether events end with checksums
                }
                if (stream.endPosition() == 0
                        || stream.has(EventTypes.FLAG_ARTIFICIAL)
                        || type == EventTypes.HEARTBEAT
                        || type == EventTypes.HEARTBEAT_V2) {
                    continue;
                }
                here =
                        new BinlogCoordinate(
                                here.file(),
                                BinlogReader.endOf(here.offset(), stream.endPosition()));
                if (type == EventTypes.MARIADB_GTID) {
                    stream.load();
                    unfinishedAlter =
                            stream.bodyEnd() - stream.bodyStart() > 12
                                    && BinlogReader.isUnfinishedAlter(
                                            stream.bytes(), stream.bodyStart(), stream.bodyEnd());
                }
                if (type == EventTypes.QUERY || type == EventTypes.MARIADB_QUERY_COMPRESSED) {
                    stream.load();
                    QueryEvent query = compression.query(stream, type, charsets);
                    if (!unfinishedAlter && isOther(query)) {
                        visitor.statement(
                                query.sql(),
                                query.context(),
                                BinlogPosition.at(here.file(), here.offset(), 0));
                    }
                }
            }
            return here;
        } catch (ServerErrorException e) {
            throw BinlogErrors.fromServer(
                    e, address, BinlogPosition.at(here.file(), here.offset(), 0));
        } catch (IOException e) {
            throw UpstreamErrors.lost(address, e);
        } finally {
            connection = null;
        }
    }

    private static boolean isOther(QueryEvent query) {
        if (query.sql().equals("BEGIN") || query.sql().startsWith("# Dum")) {
            return false;
        }
        String verb = query.verb();
        return !TRANSACTION_CONTROL.contains(verb) && !StatementTarget.isRowChange(verb);
    }

    private void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw UpstreamErrors.lost(address, new IOException("interrupted", e));
        }
    }

    @Override
    public void close() {
        closed = true;
        ReplicationConnection open = connection;
        if (open != null) {
            open.close();
        }
    }
}
