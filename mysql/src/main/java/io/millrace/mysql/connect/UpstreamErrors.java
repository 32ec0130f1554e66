package io.millrace.mysql.connect;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * Turns a server's error numbers into ours. Numbers are those of both products' error reference;
 * MariaDB adds 1927 (connection was killed).
 */
public final class UpstreamErrors {
    private UpstreamErrors() {}

    /** An error of a statement or of connecting. */
    public static MillraceException of(SQLException e, ServerAddress address) {
        String message = e.getMessage() == null ? "" : e.getMessage();
        return of(
                e.getErrorCode(),
                e.getSQLState() == null ? "" : e.getSQLState(),
                message,
                address,
                e);
    }

    /** An error by number, as the server sent it. */
    public static MillraceException of(
            int number, String state, String message, ServerAddress address, Throwable cause) {
        String where = "Upstream " + address + ": ";
        return switch (number) {
            case 1044, 1045, 1130, 1142, 1143, 1227, 1251, 1370, 1524, 1698, 1820, 1862, 3118 ->
                    new MillraceException(
                            ErrorCode.UPSTREAM_ACCESS_DENIED,
                            where
                                    + "access denied ("
                                    + number
                                    + "): "
                                    + message
                                    + ". Check user, password and rights; GRANT REPLICATION SLAVE,"
                                    + " REPLICATION CLIENT, SELECT ON *.* is what capture needs.",
                            cause);
            default ->
                    new MillraceException(
                            isTransient(number, state)
                                    ? ErrorCode.UPSTREAM_CONNECTION
                                    : ErrorCode.UPSTREAM_MISCONFIGURED,
                            where + message + " (" + number + ")",
                            cause);
        };
    }

    private static boolean isTransient(int number, String state) {
        return state.startsWith("08")
                || state.equals("70100")
                || switch (number) {
                    case 0,
                            1040,
                            1042,
                            1043,
                            1053,
                            1129,
                            1152,
                            1153,
                            1158,
                            1159,
                            1160,
                            1161,
                            1184,
                            1203,
                            1205,
                            1213,
                            1226,
                            1317,
                            1927,
                            2002,
                            2003,
                            2006,
                            2013,
                            3024,
                            4031 ->
                            true;
                    default -> false;
                };
    }

    /** Closes after an error, which is the one to tell. */
    public static void closeQuietly(Connection connection, SQLException first) {
        try {
            connection.close();
        } catch (SQLException e) {
            first.addSuppressed(e);
        }
    }

    /** A connection that could not be made or was lost. */
    public static MillraceException lost(ServerAddress address, Throwable cause) {
        return new MillraceException(
                ErrorCode.UPSTREAM_CONNECTION,
                "Upstream "
                        + address
                        + ": connection failed: "
                        + (cause.getMessage() == null
                                ? cause.getClass().getSimpleName()
                                : cause.getMessage()),
                cause);
    }
}
