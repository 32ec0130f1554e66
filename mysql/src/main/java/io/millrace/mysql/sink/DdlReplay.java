package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.SessionState;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Runs DDL on somebody else's connection with the time and the settings that it had upstream, as
 * the sink does; the session has its own settings back afterwards, and {@code sql_mode} {@code
 * NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES}.
 */
public final class DdlReplay {
    private final TargetSession session;

    /**
     * @param connection of the MariaDB driver; stays the caller's
     */
    public DdlReplay(Connection connection) throws SQLException {
        session = TargetSession.over(connection);
    }

    /**
     * Runs one statement.
     *
     * @param state {@link SessionState#UNKNOWN} takes the session as it is
     * @throws MillraceException SINK_DDL when the target does not know the statement's time zone
     */
    public void execute(SessionState state, String query) throws SQLException {
        new DdlSession(session, state).execute(query);
    }

    /**
     * Why a statement failed, if the target is to blame and not the statement: a broken connection,
     * locks, a full disk, missing rights.
     *
     * @param doing what was tried, for the message
     * @return empty when the target refuses the statement for what it says
     */
    public static Optional<MillraceException> targetFailure(SQLException e, String doing) {
        return Optional.of(SqlErrors.of(e, ErrorCode.SINK_DATA, doing))
                .filter(failure -> failure.code() != ErrorCode.SINK_DATA);
    }
}
