package io.millrace.mysql.row;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;

/** The failures of row decoding, one factory each. */
final class RowErrors {
    private RowErrors() {}

    static MillraceException corrupt(Object where, String what) {
        return new MillraceException(
                ErrorCode.UPSTREAM_CORRUPT,
                "rows event of "
                        + where
                        + " is corrupt: "
                        + what
                        + "; check the upstream's binary log with mysqlbinlog --verify-binlog-checksum");
    }

    static MillraceException corrupt(Object where, String what, Throwable cause) {
        return new MillraceException(
                ErrorCode.UPSTREAM_CORRUPT,
                "rows event of " + where + " is corrupt: " + what,
                cause);
    }

    static MillraceException mismatch(Object table, String what) {
        return new MillraceException(
                ErrorCode.SCHEMA_MISMATCH,
                "rows of "
                        + table
                        + " do not fit the known table version: "
                        + what
                        + "; remove and re-create the job, or exclude the table");
    }

    static MillraceException unsupported(Object table, String what) {
        return new MillraceException(
                ErrorCode.UNSUPPORTED_EVENT, "cannot read rows of " + table + ": " + what);
    }
}
