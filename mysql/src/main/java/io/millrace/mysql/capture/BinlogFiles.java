package io.millrace.mysql.capture;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Tso;
import io.millrace.mysql.connect.ReplicationConnection;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.connect.UpstreamErrors;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.mysql.wire.BufferPool;
import java.io.IOException;
import java.util.List;

/** Finds binlog files by time. */
public final class BinlogFiles {
    private BinlogFiles() {}

    static MillraceException off(ServerAddress address) {
        return new MillraceException(
                ErrorCode.UPSTREAM_MISCONFIGURED,
                "Upstream "
                        + address
                        + " writes no binlog. Set log_bin and a server_id in its configuration and"
                        + " restart it.");
    }

    /**
     * The file in which the first transaction after {@code startTso} is: the last one that was
     * begun before that time.
     *
     * @throws MillraceException UPSTREAM_PURGED when the oldest file was begun later and is not the
     *     server's first
     */
    static String fileFor(
            long startTso,
            List<ServerFacts.BinlogFile> files,
            ServerFacts facts,
            ServerAddress address,
            BufferPool pool) {
        long startMs = Tso.physicalMs(startTso);
        int low = 0;
        int high = files.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            // Times of files have whole seconds.
            if (createdAtMs(files.get(middle).name(), facts, address, pool) + 1000 <= startMs) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        String file = files.get(low).name();
        if (low == 0 && !isFirst(file)) {
            long created = createdAtMs(file, facts, address, pool);
            if (Long.compareUnsigned(before(created), startTso) > 0) {
                throw BinlogErrors.startPurged(address, startTso, file, before(created));
            }
        }
        return file;
    }

    private static boolean isFirst(String file) {
        int dot = file.lastIndexOf('.');
        return dot >= 0 && file.substring(dot + 1).matches("0*1");
    }

    /** The lowest start for which nothing is missing: just before the oldest file was begun. */
    public static long oldestTso(
            List<ServerFacts.BinlogFile> files, ServerFacts facts, ServerAddress address) {
        if (files.isEmpty()) {
            throw off(address);
        }
        return before(createdAtMs(files.getFirst().name(), facts, address, new BufferPool()));
    }

    private static long before(long ms) {
        return Tso.of(ms, 0) - 1;
    }

    /**
     * Asks for the oldest file, to find out whether that is allowed.
     *
     * @throws MillraceException UPSTREAM_ACCESS_DENIED when it is not
     */
    public static void tryDump(
            List<ServerFacts.BinlogFile> files, ServerFacts facts, ServerAddress address) {
        // Rights are looked at before the name, so that any will do.
        String file = files.isEmpty() ? "binlog.000001" : files.getLast().name();
        try {
            createdAtMs(file, facts, address, new BufferPool());
        } catch (MillraceException e) {
            if (!files.isEmpty() || e.code() == ErrorCode.UPSTREAM_ACCESS_DENIED) {
                throw e;
            }
        }
    }

    /** When a file was begun: the time of its own FORMAT_DESCRIPTION event. */
    static long createdAtMs(
            String file, ServerFacts facts, ServerAddress address, BufferPool pool) {
        BinlogCoordinate start = new BinlogCoordinate(file, BinlogCoordinate.FIRST_OFFSET);
        try (ReplicationConnection connection = ReplicationConnection.open(address)) {
            BinlogCapture.prepare(connection, facts);
            connection.dump(start, ServerIds.lookUp(address), false);
            EventStream stream =
                    new EventStream(connection.stream(), pool, BinlogCapture.hasChecksums(facts));
            while (stream.next()) {
                if (stream.type() == EventTypes.FORMAT_DESCRIPTION && stream.timestamp() > 0) {
                    stream.load();
                    return stream.timestamp() * 1000;
                }
            }
        } catch (ServerErrorException e) {
            throw BinlogErrors.fromServer(
                    e, address, BinlogPosition.at(start.file(), start.offset(), 0));
        } catch (IOException e) {
            throw UpstreamErrors.lost(address, e);
        }
        throw new MillraceException(
                ErrorCode.UPSTREAM_CORRUPT,
                "Upstream " + address + ": binlog file " + file + " has no header.");
    }
}
