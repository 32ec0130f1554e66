package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Checkpoint;
import io.millrace.core.model.Tso;
import io.millrace.core.spi.SinkContext;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The sink's own tables in the target: what each worker has committed, the job's checkpoint, and a
 * journal of DDL.
 *
 * <p><b>progress</b> has a row per worker, written in the same transaction as the worker's rows, so
 * a restart knows exactly what is there, also after a lost commit reply. Special workers: {@link
 * #KEYLESS} for tables without a key, whose rows can't be written twice and whose number therefore
 * never depends on the worker count; {@link #CASCADES} for rows that take others along, before
 * which all rows are in the target; {@link #SAFE_UNTIL}, which is no worker but holds the TSO up to
 * which rows may be in the target already in an unknown way, so that they are written idempotently;
 * {@link #JOURNAL_ONLY}, no worker either, the TSO up to which DDL in the journal says nothing of
 * rows.
 *
 * <p>Every opening raises the job's epoch, and every transaction begins by checking it: the
 * statement of an older run that the network or the server still holds fails instead of writing
 * over newer rows. The rows are read with FOR UPDATE, so an older run's open transaction is waited
 * for. A row that belongs to no job keeps the greatest epoch that was forgotten, so that a new life
 * of a job does not count from one again and take an older life's statements for its own.
 */
final class ProgressStore {
    static final int SAFE_UNTIL = -1;
    static final int KEYLESS = -2;
    static final int CASCADES = -3;
    static final int JOURNAL_ONLY = -4;

    /**
     * No worker either: the TSO up to which rows were in the target when it was last forgotten
     * which.
     */
    static final int NEWEST = -5;

    /** In place of a job's id, for no job has an empty one. */
    private static final String NO_JOB = "''";

    private static final int UNKNOWN_COLUMN = 1054;
    private static final int DUPLICATE_COLUMN = 1060;

    /** Clocks of upstream and this server may differ by this much without harm. */
    static final long CLOCK_SLACK_MS = 60_000;

    /** A row's place in the stream; unsigned order of TSO, then event, then row. */
    record Position(long commitTso, int eventIndex, int rowIndex) {
        static final Position NONE = new Position(0, 0, -1);

        /** Whether the row named is at or before this position. */
        boolean covers(long tso, int event, int row) {
            int byTso = Long.compareUnsigned(tso, commitTso);
            if (byTso != 0) {
                return byTso < 0;
            }
            return event != eventIndex ? event < eventIndex : row <= rowIndex;
        }
    }

    /**
     * What the target knew when the sink opened.
     *
     * @param epoch this run's number
     * @param workers what each key-parallel worker has committed
     * @param keyless what the worker of keyless tables has committed
     * @param cascades everything at or before this position is in the target, for rows that take
     *     others along wait for all others
     * @param safeUntil rows at or below this TSO are written idempotently; 0 when none
     * @param ddlFloor everything at or below this TSO is in the target, for a later DDL was begun;
     *     0 when that is not known
     * @param newest nothing later than this TSO was in the target; 0 when nothing was
     */
    record Opened(
            long epoch,
            Position[] workers,
            Position keyless,
            Position cascades,
            long safeUntil,
            long ddlFloor,
            long newest) {}

    /** A namespace and a name of 128 characters each, and more. */
    static final int JOB_ID_LENGTH = 300;

    private static final List<String> TABLES = List.of("progress", "checkpoint", "ddl");

    private final String schema;
    private final String schemaName;
    private final String job;

    ProgressStore(String schema, String jobId) {
        if (jobId.length() > JOB_ID_LENGTH) {
            throw new MillraceException(
                    ErrorCode.SINK_INVALID_CONFIG,
                    "the job's id has "
                            + jobId.length()
                            + " characters; the sink's progress tables hold "
                            + JOB_ID_LENGTH);
        }
        this.schema = SqlText.quoted(schema);
        this.schemaName = schema;
        this.job = SqlText.literal(jobId);
    }

    /** Makes the tables where they are missing. */
    void create(TargetSession session) throws SQLException {
        try {
            session.execute("CREATE DATABASE IF NOT EXISTS " + schema);
        } catch (SQLException e) {
            // The database may be there and the right to make one not.
            if (!SqlErrors.isAccessDenied(e.getErrorCode())) {
                throw e;
            }
        }
        String suffix = ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4";
        String idColumn =
                "job_id VARCHAR("
                        + JOB_ID_LENGTH
                        + ") CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL";
        String id = "(" + idColumn + ",";
        try {
            session.execute(
                    "CREATE TABLE IF NOT EXISTS "
                            + schema
                            + ".progress"
                            + id
                            + "worker INT NOT NULL, worker_count INT NOT NULL, hash_version INT NOT"
                            + " NULL, epoch BIGINT NOT NULL, commit_tso BIGINT UNSIGNED NOT NULL,"
                            + " event_index INT NOT NULL, row_index INT NOT NULL, PRIMARY KEY"
                            + " (job_id, worker)"
                            + suffix);
            session.execute(
                    "CREATE TABLE IF NOT EXISTS "
                            + schema
                            + ".checkpoint"
                            + id
                            + "resolved_tso BIGINT UNSIGNED NOT NULL, position LONGTEXT NOT NULL,"
                            + " saved_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE"
                            + " CURRENT_TIMESTAMP, PRIMARY KEY (job_id)"
                            + suffix);
            session.execute(
                    "CREATE TABLE IF NOT EXISTS "
                            + schema
                            + ".ddl"
                            + id
                            + "commit_tso BIGINT UNSIGNED NOT NULL, state VARCHAR(16) NOT NULL,"
                            + " query LONGTEXT NOT NULL, changed_at TIMESTAMP NOT NULL DEFAULT"
                            + " CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, step VARCHAR(80) NOT"
                            + " NULL DEFAULT '', PRIMARY KEY (job_id, commit_tso)"
                            + suffix);
            addStep(session);
            widen(session, idColumn);
        } catch (SQLException e) {
            if (SqlErrors.isAccessDenied(e.getErrorCode())) {
                throw new MillraceException(
                        ErrorCode.SINK_ACCESS_DENIED,
                        "the sink keeps its progress in the target's database "
                                + schema
                                + ": grant ALL on it to the sink's user, or name another by"
                                + " progress-schema: "
                                + SqlErrors.describe(e),
                        e);
            }
            throw e;
        }
    }

    /** The journal had no {@code step} at first. */
    private void addStep(TargetSession session) throws SQLException {
        try {
            session.execute("SELECT step FROM " + schema + ".ddl LIMIT 0");
        } catch (SQLException e) {
            if (e.getErrorCode() != UNKNOWN_COLUMN) {
                throw e;
            }
            try {
                session.execute(
                        "ALTER TABLE "
                                + schema
                                + ".ddl ADD COLUMN step VARCHAR(80) NOT NULL DEFAULT ''");
            } catch (SQLException added) {
                // Another job on this target was quicker.
                if (added.getErrorCode() != DUPLICATE_COLUMN) {
                    throw added;
                }
            }
        }
    }

    /** Tables that an earlier version made hold shorter job ids, and would cut longer ones. */
    private void widen(TargetSession session, String idColumn) throws SQLException {
        List<String> narrow = new ArrayList<>();
        try (Statement statement = session.connection().createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT TABLE_NAME FROM information_schema.COLUMNS WHERE"
                                        + " TABLE_SCHEMA="
                                        + SqlText.literal(schemaName)
                                        + " AND COLUMN_NAME='job_id' AND"
                                        + " CHARACTER_MAXIMUM_LENGTH<"
                                        + JOB_ID_LENGTH)) {
            while (row.next()) {
                narrow.add(row.getString(1));
            }
        }
        for (String table : narrow) {
            if (TABLES.contains(table)) {
                session.execute("ALTER TABLE " + schema + "." + table + " MODIFY " + idColumn);
            }
        }
    }

    /**
     * Reads what is known, settles what a changed worker count or an unknown past means, fences.
     */
    Opened open(
            TargetSession session, int workers, int hashVersion, SinkContext context, long nowMs)
            throws SQLException {
        session.execute("BEGIN");
        Position[] positions = new Position[workers];
        Arrays.fill(positions, Position.NONE);
        Position keyless = Position.NONE;
        Position cascades = Position.NONE;
        boolean anyRow = false;
        boolean sameScheme = true;
        long oldMaximum = 0;
        long safeUntil = 0;
        long journalOnly = 0;
        long newest = 0;
        long epoch = 0;
        try (Statement statement = session.connection().createStatement();
                ResultSet rows =
                        statement.executeQuery(
                                "SELECT worker, worker_count, hash_version, epoch, commit_tso,"
                                        + " event_index, row_index FROM "
                                        + schema
                                        + ".progress WHERE job_id="
                                        + job
                                        + " FOR UPDATE")) {
            while (rows.next()) {
                anyRow = true;
                int worker = rows.getInt(1);
                long tso = Long.parseUnsignedLong(rows.getString(5));
                Position position = new Position(tso, rows.getInt(6), rows.getInt(7));
                epoch = Math.max(epoch, rows.getLong(4));
                if (worker == SAFE_UNTIL) {
                    safeUntil = max(safeUntil, tso);
                } else if (worker == JOURNAL_ONLY) {
                    journalOnly = tso;
                } else if (worker == NEWEST) {
                    newest = max(newest, tso);
                } else if (worker == KEYLESS) {
                    keyless = position;
                    newest = max(newest, tso);
                } else if (worker == CASCADES) {
                    cascades = position;
                    newest = max(newest, tso);
                } else {
                    newest = max(newest, tso);
                    oldMaximum = max(oldMaximum, tso);
                    if (rows.getInt(2) != workers || rows.getInt(3) != hashVersion) {
                        sameScheme = false;
                    } else if (worker < workers) {
                        positions[worker] = position;
                    }
                }
            }
        }
        epoch = Math.max(epoch, epoch(session, NO_JOB, "")) + 1;
        if (!anyRow) {
            // Nothing is known of the past: a dump may overlap with the stream, or rows of an
            // earlier life of the job may be there. No earlier life knew what happens from now on.
            safeUntil = Tso.of(nowMs + CLOCK_SLACK_MS, Tso.MAX_LOGICAL);
        } else if (!sameScheme) {
            safeUntil = max(safeUntil, oldMaximum);
            Arrays.fill(positions, Position.NONE);
            session.execute(
                    "DELETE FROM "
                            + schema
                            + ".progress WHERE job_id="
                            + job
                            + " AND (worker>=0 OR worker="
                            + NEWEST
                            + ")");
            insert(session, NEWEST, epoch, newest);
        }
        Optional<Checkpoint> checkpoint = context.checkpoint();
        if (checkpoint.isPresent()
                && Long.compareUnsigned(checkpoint.get().resolvedTso(), safeUntil) >= 0) {
            safeUntil = 0;
        }
        StringBuilder insert = new StringBuilder(256);
        insert.append("INSERT IGNORE INTO ").append(schema).append(".progress VALUES ");
        for (int worker = CASCADES; worker < workers; worker++) {
            if (worker == SAFE_UNTIL) {
                continue;
            }
            insert.append(worker == CASCADES ? "(" : ",(").append(job).append(',').append(worker);
            insert.append(',').append(workers).append(',').append(hashVersion);
            insert.append(',').append(epoch).append(",0,0,-1)");
        }
        session.execute(insert.toString());
        session.execute(
                "DELETE FROM "
                        + schema
                        + ".progress WHERE job_id="
                        + job
                        + " AND worker="
                        + SAFE_UNTIL);
        if (safeUntil != 0) {
            insert(session, SAFE_UNTIL, epoch, safeUntil);
        }
        session.execute(
                "UPDATE " + schema + ".progress SET epoch=" + epoch + " WHERE job_id=" + job);
        long ddlFloor = lastDdl(session);
        if (Long.compareUnsigned(ddlFloor, journalOnly) <= 0) {
            ddlFloor = 0;
        }
        newest = max(newest, lastDdl(session));
        session.execute("COMMIT");
        return new Opened(epoch, positions, keyless, cascades, safeUntil, ddlFloor, newest);
    }

    /**
     * Lets no row count as done any more, and every row until now be written idempotently; the
     * journal of DDL stays, but tells nothing of rows. The epoch is raised at once.
     */
    void distrust(TargetSession session, long nowMs) throws SQLException {
        session.execute("BEGIN");
        // Not only what was written: the table that joins may just have been loaded from a dump.
        long safeUntil = Tso.of(nowMs + CLOCK_SLACK_MS, Tso.MAX_LOGICAL);
        boolean anyRow = false;
        long epoch = 0;
        long newest = 0;
        try (Statement statement = session.connection().createStatement();
                ResultSet rows =
                        statement.executeQuery(
                                "SELECT epoch, commit_tso, worker FROM "
                                        + schema
                                        + ".progress WHERE job_id="
                                        + job
                                        + " FOR UPDATE")) {
            while (rows.next()) {
                anyRow = true;
                epoch = Math.max(epoch, rows.getLong(1));
                long tso = Long.parseUnsignedLong(rows.getString(2));
                safeUntil = max(safeUntil, tso);
                int worker = rows.getInt(3);
                if (worker != SAFE_UNTIL && worker != JOURNAL_ONLY) {
                    newest = max(newest, tso);
                }
            }
        }
        // Without a row nothing is believed anyhow.
        if (anyRow) {
            epoch++;
            session.execute(
                    "DELETE FROM "
                            + schema
                            + ".progress WHERE job_id="
                            + job
                            + " AND worker IN ("
                            + SAFE_UNTIL
                            + ","
                            + JOURNAL_ONLY
                            + ","
                            + NEWEST
                            + ")");
            session.execute(
                    "UPDATE "
                            + schema
                            + ".progress SET commit_tso=0, event_index=0, row_index=-1, epoch="
                            + epoch
                            + " WHERE job_id="
                            + job);
            insert(session, SAFE_UNTIL, epoch, safeUntil);
            insert(session, NEWEST, epoch, newest);
            insert(session, JOURNAL_ONLY, epoch, lastDdl(session));
        }
        session.execute("COMMIT");
    }

    /** Adds a row that is no worker's. */
    private void insert(TargetSession session, int worker, long epoch, long tso)
            throws SQLException {
        session.execute(
                "INSERT INTO "
                        + schema
                        + ".progress VALUES ("
                        + job
                        + ","
                        + worker
                        + ",0,0,"
                        + epoch
                        + ","
                        + Long.toUnsignedString(tso)
                        + ",0,0)");
    }

    /** TSO of the last DDL that was begun; 0 when there is none. */
    private long lastDdl(TargetSession session) throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT COALESCE(MAX(commit_tso),0) FROM "
                                        + schema
                                        + ".ddl WHERE job_id="
                                        + job)) {
            return row.next() ? Long.parseUnsignedLong(row.getString(1)) : 0;
        }
    }

    /** The greatest epoch of the job; 0 when it has none. */
    private long epoch(TargetSession session, String jobLiteral, String lock) throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT COALESCE(MAX(epoch),0) FROM "
                                        + schema
                                        + ".progress WHERE job_id="
                                        + jobLiteral
                                        + lock)) {
            return row.next() ? row.getLong(1) : 0;
        }
    }

    private static long max(long a, long b) {
        return Long.compareUnsigned(a, b) >= 0 ? a : b;
    }

    /** Start of the statement that records a worker's progress, up to the TSO. */
    String progressHead(long epoch) {
        // In a strict session NULL is an error here: the fence.
        return "UPDATE " + schema + ".progress SET commit_tso=IF(epoch=" + epoch + ",";
    }

    /** The rest of it, behind the row index. */
    String progressTail(int worker) {
        return " WHERE job_id=" + job + " AND worker=" + worker;
    }

    /** Whether another opening of the job has happened since. */
    boolean isFenced(TargetSession session, long epoch) throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT MAX(epoch) FROM "
                                        + schema
                                        + ".progress WHERE job_id="
                                        + job)) {
            return !row.next() || row.getLong(1) != epoch;
        }
    }

    /** Follows the job's checkpoint, and forgets what it has overtaken. */
    void saveCheckpoint(TargetSession session, Checkpoint checkpoint) throws SQLException {
        String tso = Long.toUnsignedString(checkpoint.resolvedTso());
        session.execute(
                "INSERT INTO "
                        + schema
                        + ".checkpoint (job_id, resolved_tso, position) VALUES ("
                        + job
                        + ","
                        + tso
                        + ","
                        + SqlText.literal(checkpoint.position().encode())
                        + ") ON DUPLICATE KEY UPDATE resolved_tso=VALUES(resolved_tso),"
                        + " position=VALUES(position)");
        session.execute(
                "DELETE FROM "
                        + schema
                        + ".progress WHERE job_id="
                        + job
                        + " AND worker IN ("
                        + SAFE_UNTIL
                        + ","
                        + JOURNAL_ONLY
                        + ","
                        + NEWEST
                        + ") AND commit_tso<="
                        + tso);
        session.execute(
                "DELETE FROM "
                        + schema
                        + ".ddl WHERE job_id="
                        + job
                        + " AND state='applied' AND commit_tso<="
                        + tso);
    }

    /**
     * A DDL in the journal.
     *
     * @param state {@code applying}, {@code applied}, or empty when it was not begun
     * @param step what was begun last, as {@link #saveDdl} was given it
     */
    record DdlEntry(String state, String step) {}

    DdlEntry ddlEntry(TargetSession session, long commitTso) throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT state, step FROM "
                                        + schema
                                        + ".ddl WHERE job_id="
                                        + job
                                        + " AND commit_tso="
                                        + Long.toUnsignedString(commitTso))) {
            return row.next()
                    ? new DdlEntry(row.getString(1), row.getString(2))
                    : new DdlEntry("", "");
        }
    }

    void saveDdl(TargetSession session, long commitTso, String state, String step, String query)
            throws SQLException {
        session.execute(
                "INSERT INTO "
                        + schema
                        + ".ddl (job_id, commit_tso, state, step, query) VALUES ("
                        + job
                        + ","
                        + Long.toUnsignedString(commitTso)
                        + ","
                        + SqlText.literal(state)
                        + ","
                        + SqlText.literal(step)
                        + ","
                        + SqlText.literal(query)
                        + ") ON DUPLICATE KEY UPDATE state=VALUES(state), step=VALUES(step)");
    }

    /** Where the operator can look and mend. */
    String ddlTable() {
        return schema + ".ddl";
    }

    /** Removes all rows of the job; its epoch is not used again. */
    void forget(TargetSession session) throws SQLException {
        session.execute("BEGIN");
        long epoch = epoch(session, job, " FOR UPDATE");
        for (String table : TABLES) {
            session.execute("DELETE FROM " + schema + "." + table + " WHERE job_id=" + job);
        }
        if (epoch != 0) {
            session.execute(
                    "INSERT INTO "
                            + schema
                            + ".progress VALUES ("
                            + NO_JOB
                            + ",0,0,0,"
                            + epoch
                            + ",0,0,-1) ON DUPLICATE KEY UPDATE"
                            + " epoch=GREATEST(epoch,VALUES(epoch))");
        }
        session.execute("COMMIT");
    }
}
