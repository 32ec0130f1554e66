package io.millrace.bench;

import io.millrace.testkit.servers.DbServer;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The stage of one benchmark: an upstream that holds the workload's rows in its binary log.
 *
 * @param upstream where the rows are
 * @param rows number of row changes of {@code bench.t} in the log
 * @param binlogBytes bytes that they take there
 * @param file binary log in which they start
 * @param offset byte offset in it
 * @param gtid executed GTID set (MySQL) or binlog GTID position (MariaDB) before the first of them
 * @param startTso TSO before the first of them
 * @param scratch folder for logs and offsets of peers
 */
record Bench(
        DbServer upstream,
        long rows,
        long binlogBytes,
        String file,
        long offset,
        String gtid,
        long startTso,
        Path scratch) {

    static final String USER = "bench";
    static final String PASSWORD = "bench";

    /**
     * A table whose only row is written last: on a target that commits in order, it tells the end.
     */
    static final String CREATE_MARKER = "CREATE TABLE bench.done (id INT PRIMARY KEY)";

    private static final Pattern HISTORY = Pattern.compile("History list length (\\d+)");
    private static final long RESTING_HISTORY = 100;
    private static final long REST_SECONDS = 120;

    /** Physical part of a TSO counts milliseconds above this bit. */
    private static final int TSO_LOGICAL_BITS = 18;

    /**
     * Options that make an upstream write binary logs as fast as the machine allows; all subjects
     * read the same ones. Row metadata stay as the servers have them by default: the oldest peer
     * does not read more.
     */
    static DbServer startServer(DbServer.Builder builder) {
        return builder.option("innodb_flush_log_at_trx_commit", "0")
                .option("sync_binlog", "0")
                .option("innodb_buffer_pool_size", "1G")
                .option("max_binlog_size", "1073741824")
                .start();
    }

    /**
     * Waits until InnoDB has purged what earlier transactions left behind: a server that was just
     * loaded is busy for some seconds more, at the expense of whoever is measured next.
     */
    static void awaitRest(DbServer server) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(REST_SECONDS);
        while (historyLength(server) > RESTING_HISTORY) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(
                        server + " is still purging after " + REST_SECONDS + " s");
            }
            Thread.sleep(50);
        }
    }

    private static long historyLength(DbServer server) {
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement();
                ResultSet status = statement.executeQuery("SHOW ENGINE INNODB STATUS")) {
            status.next();
            Matcher found = HISTORY.matcher(status.getString("Status"));
            if (!found.find()) {
                throw new IllegalStateException(server + " does not tell its history list length");
            }
            return Long.parseLong(found.group(1));
        } catch (SQLException e) {
            throw new IllegalStateException(server + " does not tell its state", e);
        }
    }

    /** Creates the empty table and the user that all subjects log in with. */
    static void prepare(DbServer upstream, Workload workload) {
        upstream.execute("CREATE DATABASE bench", workload.createTable(), CREATE_MARKER);
        boolean mysql = upstream.flavor() == DbServer.Flavor.MYSQL;
        // Older peers know neither SHA-2 authentication nor RSA key exchange.
        upstream.execute(
                "CREATE USER bench@'%' IDENTIFIED "
                        + (mysql ? "WITH mysql_native_password BY 'bench'" : "BY 'bench'"),
                "GRANT ALL ON *.* TO bench@'%'",
                "FLUSH BINARY LOGS");
    }

    /** Writes the rows and notes where they are. */
    static Bench load(DbServer upstream, Workload workload, long rows, Path scratch)
            throws SQLException {
        try (Connection connection =
                        DriverManager.getConnection(
                                upstream.jdbcUrl("bench")
                                        + "&allowMultiQueries=true&useServerPrepStmts=false",
                                upstream.rootUser(),
                                upstream.rootPassword());
                Statement statement = connection.createStatement()) {
            String file;
            long offset;
            try (ResultSet status = statement.executeQuery("SHOW MASTER STATUS")) {
                status.next();
                file = status.getString(1);
                offset = status.getLong(2);
            }
            boolean mysql = upstream.flavor() == DbServer.Flavor.MYSQL;
            String gtid =
                    scalar(
                            statement,
                            mysql ? "SELECT @@gtid_executed" : "SELECT @@gtid_binlog_pos");
            long nowMs =
                    Long.parseLong(
                            scalar(
                                    statement,
                                    "SELECT CAST(UNIX_TIMESTAMP(NOW(3))*1000 AS SIGNED)"));
            // The second of the log is the upstream's finest clock on MariaDB: begin one second
            // earlier, nothing else is there.
            statement.execute("DO SLEEP(2.1)");
            workload.load(connection, rows);
            long bytes = -offset;
            boolean from = false;
            connection.setAutoCommit(true);
            statement.execute("INSERT INTO bench.done VALUES (1)");
            try (ResultSet logs = statement.executeQuery("SHOW BINARY LOGS")) {
                while (logs.next()) {
                    from |= logs.getString(1).equals(file);
                    bytes += from ? logs.getLong(2) : 0;
                }
            }
            return new Bench(
                    upstream,
                    rows,
                    bytes,
                    file,
                    offset,
                    gtid,
                    (nowMs + 1000) << TSO_LOGICAL_BITS,
                    scratch);
        }
    }

    private static String scalar(Statement statement, String sql) throws SQLException {
        try (ResultSet result = statement.executeQuery(sql)) {
            result.next();
            String value = result.getString(1);
            return value == null ? "" : value;
        }
    }

    /** Upstream address for Millrace. */
    String upstreamUri() {
        return "mysql://" + USER + ":" + PASSWORD + "@127.0.0.1:" + upstream.port() + "/";
    }

    /** A fresh file in the scratch folder. */
    File scratchFile(String prefix) {
        try {
            return Files.createTempFile(scratch, prefix, ".log").toFile();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    double megabytes() {
        return binlogBytes / 1e6;
    }
}
