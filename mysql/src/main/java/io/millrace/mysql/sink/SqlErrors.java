package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.sql.SQLException;

/**
 * Whose fault a server's error is. Numbers are those of MySQL's and MariaDB's error references;
 * both use the same below 1900.
 */
final class SqlErrors {
    static final int LOCK_WAIT_TIMEOUT = 1205;
    static final int DEADLOCK = 1213;
    static final int DUPLICATE_ENTRY = 1062;
    static final int PACKET_TOO_LARGE = 1153;
    static final int KEY_NOT_FOUND = 1032;
    static final int COLUMN_CANNOT_BE_NULL = 1048;
    static final int UNKNOWN_DATABASE = 1049;

    private SqlErrors() {}

    /** A lost or refused connection, or a server that is going away. */
    static boolean isConnectionLoss(SQLException e) {
        String state = e.getSQLState();
        return (state != null && state.startsWith("08")) || isConnectionNumber(e.getErrorCode());
    }

    private static boolean isConnectionNumber(int number) {
        return switch (number) {
            // too many connections, shutdown in progress, aborted, packet errors, killed,
            // too many connections of this user, lost connection
            case 1040,
                    1053,
                    1152,
                    1156,
                    1158,
                    1159,
                    1160,
                    1161,
                    1184,
                    1203,
                    1927,
                    2002,
                    2003,
                    2006,
                    2013 ->
                    true;
            default -> false;
        };
    }

    /** May go away by itself: locks, read-only switches, disk full, a cluster node joining. */
    static boolean isTransient(int number) {
        return switch (number) {
            // disk full, table or temporary space full, out of memory, Galera node not ready
            case 1021, 1114, 1037, 1038, 1041, 1047 -> true;
            // lock wait, deadlock, query killed, commit failed, table changed, too many
            // transactions
            case LOCK_WAIT_TIMEOUT, DEADLOCK, 1317, 1180, 1412, 1637, 1226 -> true;
            // --read-only, read only transaction, read only mode, lock not granted at once
            case 1290, 1792, 1836, 3572 -> true;
            // TiDB: write conflict, region unavailable, TiKV and PD time-outs, schema changed
            case 8002, 8005, 8022, 8027, 8028, 9001, 9002, 9003, 9004, 9005, 9007 -> true;
            default -> false;
        };
    }

    /** A missing right or a wrong password. */
    static boolean isAccessDenied(int number) {
        return switch (number) {
            case 1044, 1045, 1142, 1143, 1227, 1370, 1410, 1698, 1820, 1862, 3118 -> true;
            default -> false;
        };
    }

    /** Whether the same transaction, run again, will probably pass. */
    static boolean isLockConflict(int number) {
        return number == DEADLOCK || number == LOCK_WAIT_TIMEOUT;
    }

    /**
     * The exception for a failed statement.
     *
     * @param refusal the code when the server simply refuses the statement
     * @param doing what was tried and where, for the message
     */
    static MillraceException of(SQLException e, ErrorCode refusal, String doing) {
        String text = doing + ": " + describe(e);
        if (isAccessDenied(e.getErrorCode())) {
            return new MillraceException(ErrorCode.SINK_ACCESS_DENIED, text, e);
        }
        if (isConnectionLoss(e)) {
            return new MillraceException(ErrorCode.SINK_CONNECTION, text, e);
        }
        if (isTransient(e.getErrorCode())) {
            return new MillraceException(ErrorCode.SINK_TRANSIENT, text, e);
        }
        return new MillraceException(refusal, text, e);
    }

    /** The server's words without the driver's decoration. */
    static String describe(SQLException e) {
        String message = String.valueOf(e.getMessage());
        if (message.startsWith("(conn=")) {
            int end = message.indexOf(") ");
            message = end < 0 ? message : message.substring(end + 2);
        }
        return e.getErrorCode() > 0 ? message + " (error " + e.getErrorCode() + ")" : message;
    }
}
