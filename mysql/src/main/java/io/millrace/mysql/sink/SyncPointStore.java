package io.millrace.mysql.sink;

import io.millrace.core.model.Tso;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/**
 * Sync points in the target: TiCDC's table, and beside the sink's progress one with the target's
 * binlog position, which is what leads back to the state on a server that has no history of its
 * rows.
 */
final class SyncPointStore {
    private static final String DEFAULT_NAMESPACE = "default/";
    private static final int UNKNOWN_VARIABLE = 1193;

    private final String cluster;
    private final String positions;
    private final String job;
    private final String feed;

    /**
     * @param clusterId name of this cluster, by which points in one target are told apart
     */
    SyncPointStore(String progressSchema, String clusterId, String jobId) {
        cluster = SqlText.literal(clusterId);
        positions = SqlText.quoted(progressSchema) + ".syncpoint_position";
        job = SqlText.literal(jobId);
        feed =
                SqlText.literal(
                        jobId.startsWith(DEFAULT_NAMESPACE)
                                ? jobId.substring(DEFAULT_NAMESPACE.length())
                                : jobId);
    }

    /** Makes the tables where they are missing. */
    void create(TargetSession session) throws SQLException {
        session.execute("CREATE DATABASE IF NOT EXISTS tidb_cdc");
        session.execute(
                "CREATE TABLE IF NOT EXISTS tidb_cdc.syncpoint_v1 (ticdc_cluster_id VARCHAR(255),"
                        + " changefeed VARCHAR(255), primary_ts VARCHAR(18), secondary_ts"
                        + " VARCHAR(18), created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,"
                        + " INDEX (created_at), PRIMARY KEY (changefeed, primary_ts))");
        session.execute(
                "CREATE TABLE IF NOT EXISTS "
                        + positions
                        + " (job_id VARCHAR("
                        + ProgressStore.JOB_ID_LENGTH
                        + ") CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, primary_ts BIGINT"
                        + " UNSIGNED NOT NULL, binlog_file VARCHAR(255) NOT NULL, binlog_position"
                        + " BIGINT UNSIGNED NOT NULL, gtid_set LONGTEXT NOT NULL, created_at"
                        + " TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (job_id,"
                        + " primary_ts)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
    }

    /**
     * Records that the target now holds the upstream's state at the TSO. A point that is recorded
     * already stays as it is: the target may be further by now.
     */
    void save(TargetSession session, long primaryTso) throws SQLException {
        String primary = Long.toUnsignedString(primaryTso);
        Position position = position(session);
        session.execute("BEGIN");
        String secondary =
                session.isTiDb()
                        ? text(session, "SELECT @@tidb_current_ts")
                        : Long.toUnsignedString(
                                Tso.of(
                                        Long.parseLong(
                                                text(
                                                        session,
                                                        "SELECT CAST(UNIX_TIMESTAMP(NOW(3))*1000 AS"
                                                                + " UNSIGNED)")),
                                        0));
        session.execute(
                "INSERT IGNORE INTO tidb_cdc.syncpoint_v1 (ticdc_cluster_id, changefeed,"
                        + " primary_ts, secondary_ts) VALUES ("
                        + cluster
                        + ","
                        + feed
                        + ",'"
                        + primary
                        + "','"
                        + secondary
                        + "')");
        session.execute(
                "INSERT IGNORE INTO "
                        + positions
                        + " (job_id, primary_ts, binlog_file, binlog_position, gtid_set) VALUES ("
                        + job
                        + ","
                        + primary
                        + ","
                        + SqlText.literal(position.file)
                        + ","
                        + position.offset
                        + ","
                        + SqlText.literal(position.gtids)
                        + ")");
        if (session.isTiDb()) {
            try {
                session.execute("SET GLOBAL tidb_external_ts=" + secondary);
            } catch (SQLException e) {
                if (e.getErrorCode() != UNKNOWN_VARIABLE) {
                    throw e;
                }
            }
        }
        session.execute("COMMIT");
    }

    /** Forgets points that are older. */
    void clean(TargetSession session, Duration retention) throws SQLException {
        String old = " created_at<NOW() - INTERVAL " + retention.toSeconds() + " SECOND";
        session.execute(
                "DELETE FROM tidb_cdc.syncpoint_v1 WHERE ticdc_cluster_id="
                        + cluster
                        + " AND changefeed="
                        + feed
                        + " AND"
                        + old);
        session.execute("DELETE FROM " + positions + " WHERE job_id=" + job + " AND" + old);
    }

    /** Removes all of the job's points. */
    void forget(TargetSession session) throws SQLException {
        session.execute(
                "DELETE FROM tidb_cdc.syncpoint_v1 WHERE ticdc_cluster_id="
                        + cluster
                        + " AND changefeed="
                        + feed);
        session.execute("DELETE FROM " + positions + " WHERE job_id=" + job);
    }

    /** End of the target's binlog; empty where it has none or does not tell this user. */
    private record Position(String file, String offset, String gtids) {}

    private static Position position(TargetSession session) throws SQLException {
        if (session.isTiDb()) {
            return new Position("", "0", "");
        }
        String gtids =
                optional(
                        session,
                        session.isMariaDb()
                                ? "SELECT @@global.gtid_binlog_pos"
                                : "SELECT @@global.gtid_executed",
                        1);
        String query = "SHOW MASTER STATUS";
        String file = optional(session, query, 1);
        if (file.isEmpty() && !session.isMariaDb()) {
            query = "SHOW BINARY LOG STATUS"; // from MySQL 8.2 on
            file = optional(session, query, 1);
        }
        String offset = file.isEmpty() ? "0" : optional(session, query, 2);
        return new Position(file, offset.isEmpty() ? "0" : offset, gtids);
    }

    private static String optional(TargetSession session, String query, int column)
            throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row = statement.executeQuery(query)) {
            String value = row.next() ? row.getString(column) : null;
            return value == null ? "" : value;
        } catch (SQLException e) {
            if (SqlErrors.isConnectionLoss(e)) {
                throw e;
            }
            return ""; // the right or the statement is missing
        }
    }

    private static String text(TargetSession session, String query) throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }
}
