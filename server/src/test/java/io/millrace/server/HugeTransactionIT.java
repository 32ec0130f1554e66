package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.MillraceServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One transaction of three times the server's heap of 256 MB, into a real target, every byte
 * compared; of 2 GB with {@code -Dmillrace.soak=true}.
 *
 * <p>{@code -Dmillrace.huge.mb=N} sets the size of the transaction.
 */
final class HugeTransactionIT {
    private static final boolean SOAK = Boolean.getBoolean("millrace.soak");
    private static final int MEGABYTES = Integer.getInteger("millrace.huge.mb", SOAK ? 2048 : 768);
    private static final int HEAP_MB = 256;
    private static final int ROWS_PER_MB = 8;

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit fills it in
    private Path folder;

    @Test
    void passesThroughASmallHeap() throws Exception {
        try (DbServer upstream = fast(DbServer.mysql(), 1);
                DbServer downstream = fast(DbServer.mariadb(), 2);
                MillraceServer server = MillraceServer.start(upstream.uri(), folder, HEAP_MB)) {
            for (DbServer each : new DbServer[] {upstream, downstream}) {
                each.execute(
                        "CREATE DATABASE huge",
                        "CREATE TABLE huge.t (id INT PRIMARY KEY, body LONGTEXT CHARACTER SET ascii)");
            }
            server.createChangefeed(
                    "huge",
                    downstream.uri(),
                    "\"replica_config\":{\"memory_quota\":67108864,\"filter\":{\"rules\":[\"huge.*\"]}}");
            int rows = MEGABYTES * ROWS_PER_MB;
            upstream.execute(
                    "SET SESSION cte_max_recursion_depth=1000000",
                    "INSERT INTO huge.t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<"
                            + rows
                            + ") SELECT i, REPEAT(MD5(i), 4096) FROM n");
            server.awaitCaughtUp("huge", upstream, Duration.ofMinutes(10));
            assertThat(digest(downstream)).isEqualTo(digest(upstream)).startsWith(rows + " ");
        }
    }

    private static DbServer fast(DbServer.Builder server, int id) {
        return server.option("server_id", Integer.toString(id))
                .option("innodb_flush_log_at_trx_commit", "0")
                .option("innodb_doublewrite", "0")
                .option("sync_binlog", "0")
                .option("max_binlog_size", "1073741824")
                .start();
    }

    /** Number of rows, bytes, and a checksum over keys and contents. */
    private static String digest(DbServer server) throws Exception {
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT CONCAT_WS(' ', COUNT(*), SUM(LENGTH(body)), SUM(CRC32(CONCAT(id, body)))) FROM huge.t")) {
            row.next();
            return row.getString(1);
        }
    }
}
