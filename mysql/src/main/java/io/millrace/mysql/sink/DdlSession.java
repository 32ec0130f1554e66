package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.SessionState;
import io.millrace.mysql.wire.SqlModes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a DDL with the time and the settings that it had upstream, and puts the sink's own back
 * afterwards: the statements around it (the journal, questions about the target) need those.
 *
 * <p>{@code sql_mode} is that of the upstream without strictness, for what the statement may
 * contain was judged upstream. There, a strict session refused dates that are none; so where it was
 * strict, nothing depends on the flags about dates, and the lenient ones are set.
 */
final class DdlSession {
    private static final Logger log = LoggerFactory.getLogger(DdlSession.class);

    private static final int UNKNOWN_VARIABLE = 1193;
    private static final int WRONG_VALUE = 1231;
    private static final int UNKNOWN_ZONE = 1298;

    /** Flags that decide over the outcome, and that both flavours know. */
    private static final Set<String> COMMON =
            Set.of(
                    "REAL_AS_FLOAT",
                    "PIPES_AS_CONCAT",
                    "ANSI_QUOTES",
                    "IGNORE_SPACE",
                    "NO_UNSIGNED_SUBTRACTION",
                    "NO_DIR_IN_CREATE",
                    "NO_AUTO_VALUE_ON_ZERO",
                    "NO_BACKSLASH_ESCAPES",
                    "HIGH_NOT_PRECEDENCE",
                    "PAD_CHAR_TO_FULL_LENGTH");

    private static final Set<String> MARIADB =
            Set.of("IGNORE_BAD_TABLE_OPTIONS", "ORACLE", "EMPTY_STRING_IS_NULL");

    private static final Set<String> DATES =
            Set.of("NO_ZERO_IN_DATE", "NO_ZERO_DATE", "ALLOW_INVALID_DATES");

    private static final Pattern TIMES =
            Pattern.compile(
                    "NOW\\s*\\(|SYSDATE|CURRENT_|CURTIME|CURDATE|LOCALTIME|UTC_|UNIX_TIMESTAMP|"
                            + "TIMESTAMP",
                    Pattern.CASE_INSENSITIVE);

    private final TargetSession session;
    private final SessionState state;

    DdlSession(TargetSession session, SessionState state) {
        this.session = session;
        this.state = state;
    }

    /** Runs one statement; the session is as it was when this returns or throws. */
    void execute(String query) throws SQLException {
        if (state.equals(SessionState.UNKNOWN)) {
            session.execute(query);
            return;
        }
        String before = current();
        try {
            set(query);
            session.execute(query);
        } catch (SQLException | RuntimeException e) {
            try {
                session.execute(before);
            } catch (SQLException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
        session.execute(before);
    }

    /** The statement that puts back what is set now. */
    private String current() throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT @@session.time_zone, @@session.collation_connection,"
                                        + " @@session.collation_server")) {
            row.next();
            return "SET SESSION sql_mode='"
                    + TargetSession.DDL_SQL_MODE
                    + "', SESSION timestamp=DEFAULT, SESSION time_zone="
                    + SqlText.literal(row.getString(1))
                    + ", SESSION collation_connection="
                    + row.getString(2)
                    + ", SESSION collation_server="
                    + row.getString(3);
        }
    }

    private void set(String query) throws SQLException {
        setTime(query);
        setCollation(
                "collation_connection", "character_set_connection", state.connectionCollation());
        setCollation("collation_server", "character_set_server", state.serverCollation());
        setUtf8mb4(state.utf8mb4Collation());
        setTimestampDefaults(state.explicitTimestampDefaults());
        // The last, for the others are written in the sink's mode.
        setSqlMode(state.sqlModes());
    }

    private void setTime(String query) throws SQLException {
        long micros = state.executedAtMicros();
        if (micros > 0) {
            String text = "%d.%06d".formatted(micros / 1_000_000, micros % 1_000_000);
            try {
                session.execute("SET SESSION timestamp=" + text);
            } catch (SQLException e) {
                if (SqlErrors.isConnectionLoss(e) || TIMES.matcher(query).find()) {
                    throw e;
                }
                log.warn("ddl runs with the time of the target: {}", SqlErrors.describe(e));
            }
        }
        if (!state.timeZone().isEmpty()) {
            try {
                session.execute("SET SESSION time_zone=" + SqlText.literal(state.timeZone()));
            } catch (SQLException e) {
                if (e.getErrorCode() != UNKNOWN_ZONE) {
                    throw e;
                }
                throw new MillraceException(
                        ErrorCode.SINK_DDL,
                        "a DDL ran upstream in the time zone '"
                                + state.timeZone()
                                + "', which the target does not know; load its time zone tables"
                                + " (mysql_tzinfo_to_sql), then resume: "
                                + query,
                        e);
            }
        }
    }

    /** Sets a collation, or at least its character set where the target lacks the collation. */
    private void setCollation(String variable, String charsetVariable, String collation)
            throws SQLException {
        if (collation.isEmpty() || trySet(variable, collation)) {
            return;
        }
        int underscore = collation.indexOf('_');
        boolean set = underscore > 0 && trySet(charsetVariable, collation.substring(0, underscore));
        log.warn(
                "ddl runs without {}={}, which the target lacks; {}",
                variable,
                collation,
                set ? "its character set is set" : "nor has it the character set");
    }

    private boolean trySet(String variable, String value) throws SQLException {
        try {
            session.execute("SET SESSION " + variable + "=" + SqlText.literal(value));
            return true;
        } catch (SQLException e) {
            if (SqlErrors.isConnectionLoss(e)) {
                throw e;
            }
            return false;
        }
    }

    /** What {@code CHARACTER SET utf8mb4} alone means: each flavour has its own variable. */
    private void setUtf8mb4(String collation) throws SQLException {
        if (collation.isEmpty() || session.isTiDb()) {
            return;
        }
        String variable =
                session.isMariaDb() ? "character_set_collations" : "default_collation_for_utf8mb4";
        String value = session.isMariaDb() ? "utf8mb4=" + collation : collation;
        Optional<String> now = value(variable);
        if (now.isPresent() && !now.get().equals(value) && !trySet(variable, value)) {
            log.warn("ddl runs with {}={} instead of {}", variable, now.get(), value);
        }
    }

    private void setTimestampDefaults(Optional<Boolean> explicit) throws SQLException {
        if (explicit.isEmpty() || session.isTiDb()) {
            return;
        }
        String value = explicit.get() ? "1" : "0";
        Optional<String> now = value("explicit_defaults_for_timestamp");
        if (now.isPresent() && !now.get().equals(value)) {
            try {
                session.execute("SET SESSION explicit_defaults_for_timestamp=" + value);
            } catch (SQLException e) {
                if (SqlErrors.isConnectionLoss(e)) {
                    throw e;
                }
                log.warn(
                        "ddl runs with explicit_defaults_for_timestamp={}, upstream it was {}: {}",
                        now.get(),
                        value,
                        SqlErrors.describe(e));
            }
        }
    }

    private Optional<String> value(String variable) throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row = statement.executeQuery("SELECT @@session." + variable)) {
            row.next();
            return Optional.ofNullable(row.getString(1));
        } catch (SQLException e) {
            if (e.getErrorCode() == UNKNOWN_VARIABLE) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private void setSqlMode(Optional<Set<String>> upstream) throws SQLException {
        if (upstream.isEmpty()) {
            return;
        }
        Set<String> modes = modes(upstream.get(), session.isMariaDb());
        String text = String.join(",", modes);
        try {
            session.execute("SET SESSION sql_mode='" + text + "'");
        } catch (SQLException e) {
            if (e.getErrorCode() != WRONG_VALUE
                    || !(modes.remove(SqlModes.TRUNCATE) | modes.remove(SqlModes.ROUND))) {
                throw e;
            }
            // MySQL 5.7 always rounds, MariaDB 10.3 always truncates.
            log.warn("the target lacks a flag of sql_mode={}", text);
            session.execute("SET SESSION sql_mode='" + String.join(",", modes) + "'");
        }
    }

    /** The flags to set in the target. */
    static Set<String> modes(Set<String> upstream, boolean mariaDb) {
        boolean strict =
                upstream.contains("STRICT_TRANS_TABLES") || upstream.contains("STRICT_ALL_TABLES");
        Set<String> out = new LinkedHashSet<>();
        for (String mode : upstream) {
            if (COMMON.contains(mode)
                    || mariaDb && MARIADB.contains(mode)
                    || !strict && DATES.contains(mode)
                    || mode.equals(mariaDb ? SqlModes.ROUND : SqlModes.TRUNCATE)) {
                out.add(mode);
            }
        }
        if (strict) {
            out.add("ALLOW_INVALID_DATES");
        }
        return out;
    }
}
