package io.millrace.mysql.capture;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.connect.UpstreamErrors;
import io.millrace.mysql.position.BinlogCoordinate;
import io.millrace.mysql.position.BinlogPosition;
import java.util.Locale;

/** One factory per way in which reading a binlog fails. */
final class BinlogErrors {
    /** The server's number for every failure of a dump. */
    private static final int FATAL_DUMP_ERROR = 1236;

    private BinlogErrors() {}

    /** The server ended the stream with an error. */
    static MillraceException fromServer(
            ServerErrorException e, ServerAddress address, BinlogPosition position) {
        if (e.number() != FATAL_DUMP_ERROR) {
            return UpstreamErrors.of(e.number(), e.state(), e.text(), address, e);
        }
        String text = e.text().toLowerCase(Locale.ROOT);
        String at = "Upstream " + address + ", reading on at " + position + ": ";
        if (text.contains("purged")
                || text.contains("could not find first log file")
                || text.contains("could not find gtid state")
                || text.contains("missing the gtid")) {
            return new MillraceException(
                    ErrorCode.UPSTREAM_PURGED,
                    at
                            + "the changes that follow are no longer in its binlog: "
                            + e.text()
                            + ". Start the job anew from a full copy, and keep binlogs longer"
                            + " (binlog_expire_logs_seconds).",
                    e);
        }
        if (text.contains("same server_uuid")
                || text.contains("same server_id")
                || text.contains("server_uuid/server_id")) {
            return new MillraceException(
                    ErrorCode.UPSTREAM_CONNECTION,
                    at
                            + "another replica uses the same server id: "
                            + e.text()
                            + ". Set a free one with ?server-id=.",
                    e);
        }
        return new MillraceException(
                ErrorCode.UPSTREAM_CORRUPT,
                at
                        + e.text()
                        + ". If the upstream lost the end of its binlog in a crash, compare the"
                        + " target with it and start the job anew.",
                e);
    }

    /** Files before the oldest one that is still held are needed. */
    static MillraceException filePurged(
            ServerAddress address, BinlogCoordinate needed, String oldest) {
        return new MillraceException(
                ErrorCode.UPSTREAM_PURGED,
                "Upstream "
                        + address
                        + ": the changes from "
                        + needed
                        + " up to the start of "
                        + oldest
                        + " are purged from its binlog. Start the job anew from a full copy, and"
                        + " keep binlogs longer (binlog_expire_logs_seconds).");
    }

    /** Transactions that are needed were purged. */
    static MillraceException gtidsPurged(ServerAddress address, String missing) {
        return new MillraceException(
                ErrorCode.UPSTREAM_PURGED,
                "Upstream "
                        + address
                        + ": the transactions "
                        + missing
                        + " were not read yet and are purged from its binlog. Start the job anew"
                        + " from a full copy, and keep binlogs longer"
                        + " (binlog_expire_logs_seconds).");
    }

    /** The start time lies before the oldest binlog. */
    static MillraceException startPurged(
            ServerAddress address, long startTso, String oldest, long oldestTso) {
        return new MillraceException(
                ErrorCode.UPSTREAM_PURGED,
                "Upstream "
                        + address
                        + ": changes from TSO "
                        + startTso
                        + " up to "
                        + oldestTso
                        + ", the start of its oldest binlog "
                        + oldest
                        + ", are purged. Choose a later start.");
    }

    /** A row change that was logged as a statement. */
    static MillraceException statement(ServerAddress address, String verb, BinlogCoordinate at) {
        return new MillraceException(
                ErrorCode.UPSTREAM_MISCONFIGURED,
                "Upstream "
                        + address
                        + " logged a row change as a statement ("
                        + verb
                        + ") at "
                        + at
                        + ", so its rows are not in the binlog. SET GLOBAL binlog_format = ROW, make"
                        + " sure that no session overrides it, and start the job behind this point.");
    }

    /** Rows were rolled back after they had been logged. */
    static MillraceException rolledBack(ServerAddress address, String sql, BinlogCoordinate at) {
        return new MillraceException(
                ErrorCode.UNSUPPORTED_EVENT,
                "Upstream "
                        + address
                        + ": the transaction at "
                        + at
                        + " logged rows and then "
                        + sql
                        + ", which happens when tables without transactions are mixed in. Start the"
                        + " job behind this point.");
    }

    /** The server died within a transaction and rolled it back, but rows of it are delivered. */
    static MillraceException cutOff(ServerAddress address, BinlogCoordinate at, String next) {
        return new MillraceException(
                ErrorCode.UPSTREAM_CORRUPT,
                "Upstream "
                        + address
                        + " ended while it wrote the transaction at "
                        + at
                        + " and rolled it back when it came up again with "
                        + next
                        + ", but the first rows of it were delivered already. Compare the target"
                        + " with the upstream, and start the job anew at the start of "
                        + next
                        + ".");
    }

    static MillraceException xaUnknown(ServerAddress address, String xid, BinlogCoordinate at) {
        return new MillraceException(
                ErrorCode.UNSUPPORTED_EVENT,
                "Upstream "
                        + address
                        + ": XA COMMIT "
                        + xid
                        + " at "
                        + at
                        + " commits rows that were prepared before the job's start. Start the job"
                        + " before its XA PREPARE or behind this point.");
    }

    static MillraceException unsupported(
            ServerAddress address, int type, BinlogCoordinate at, String what) {
        return new MillraceException(
                ErrorCode.UNSUPPORTED_EVENT,
                "Upstream "
                        + address
                        + ": the event of type "
                        + type
                        + " at "
                        + at
                        + " is not supported: "
                        + what
                        + ".");
    }

    static MillraceException corrupt(ServerAddress address, String what, BinlogCoordinate at) {
        return new MillraceException(
                ErrorCode.UPSTREAM_CORRUPT,
                "Upstream " + address + ": " + what + " at " + at + ".");
    }

    static MillraceException incident(ServerAddress address, BinlogCoordinate at) {
        return new MillraceException(
                ErrorCode.UPSTREAM_CORRUPT,
                "Upstream "
                        + address
                        + " wrote an INCIDENT event at "
                        + at
                        + ": changes are missing from its binlog there. Start the job anew from a"
                        + " full copy.");
    }
}
