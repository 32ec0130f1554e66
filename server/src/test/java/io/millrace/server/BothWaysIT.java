package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.testkit.data.TableDiff;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.MillraceServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransactionRollbackException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two servers replicated into each other, both written to: they come to the same rows, and then
 * nothing moves any more.
 */
final class BothWaysIT {
    /** The common pool has one thread on a machine with two cores. */
    private static final Executor OWN_THREAD = task -> Thread.ofPlatform().daemon().start(task);

    private static final int TRANSACTIONS = 250;
    private static final Duration CATCH_UP = Duration.ofMinutes(2);
    private static final String FEED =
            "\"replica_config\":{\"bdr_mode\":true,\"force_replicate\":true,\"sink\":{%s}}";

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit fills it in
    private Path folder;

    /** Writes rows whose ids are {@code side} modulo two. */
    private static void write(DbServer server, int side) {
        Random random = new Random(side);
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            // The other side's rows come in at the same time: no locks of gaps.
            connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            int done = 0;
            while (done <= TRANSACTIONS) {
                try {
                    if (done < TRANSACTIONS) {
                        small(statement, random, side, done);
                    } else {
                        large(statement, side);
                    }
                    connection.commit();
                    done++;
                } catch (SQLTransactionRollbackException e) {
                    connection.rollback();
                }
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void small(Statement statement, Random random, int side, int number)
            throws SQLException {
        for (int k = 0; k < 3; k++) {
            int id = random.nextInt(200) * 2 + side;
            statement.executeUpdate(
                    switch (random.nextInt(3)) {
                        case 0 ->
                                "REPLACE INTO both_ways.t (id, v) VALUES ("
                                        + id
                                        + ",'"
                                        + side
                                        + "."
                                        + number
                                        + "')";
                        case 1 -> "UPDATE both_ways.t SET v=CONCAT(v,'+') WHERE id=" + id;
                        default -> "DELETE FROM both_ways.t WHERE id=" + id;
                    });
        }
        statement.executeUpdate(
                "INSERT INTO both_ways.keyless VALUES (" + side + "," + number + ")");
    }

    /** One transaction that the sink writes in parts. */
    private static void large(Statement statement, int side) throws SQLException {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 3000; i++) {
            rows.append(i == 0 ? "" : ",")
                    .append("(")
                    .append(10_000 + i * 2 + side)
                    .append(",'large')");
        }
        statement.executeUpdate("INSERT INTO both_ways.t (id, v) VALUES " + rows);
        statement.executeUpdate(
                "UPDATE both_ways.t SET v='larger' WHERE v='large' AND MOD(id,2)=" + side);
    }

    private void converge(DbServer.Builder first, DbServer.Builder second, String sink)
            throws Exception {
        try (DbServer a = first.start();
                DbServer b = second.option("server_id", "2").start();
                MillraceServer fromA =
                        MillraceServer.start(a.uri(), Files.createDirectory(folder.resolve("a")));
                MillraceServer fromB =
                        MillraceServer.start(b.uri(), Files.createDirectory(folder.resolve("b")))) {
            for (DbServer server : new DbServer[] {a, b}) {
                server.execute(
                        "CREATE DATABASE both_ways",
                        "CREATE TABLE both_ways.t (id INT PRIMARY KEY, v VARCHAR(400))",
                        "CREATE TABLE both_ways.keyless (side INT, i INT)");
            }
            String feed = FEED.formatted(sink);
            fromA.createChangefeed("ab", uri(b, "primary"), feed);
            fromB.createChangefeed("ba", uri(a, "secondary"), feed);
            CompletableFuture<Void> writerA =
                    CompletableFuture.runAsync(() -> write(a, 0), OWN_THREAD);
            CompletableFuture<Void> writerB =
                    CompletableFuture.runAsync(() -> write(b, 1), OWN_THREAD);
            Thread.sleep(300);
            a.execute(
                    "ALTER TABLE both_ways.t ADD COLUMN n INT NOT NULL DEFAULT 5",
                    "CREATE TABLE both_ways.later (id INT PRIMARY KEY)",
                    "INSERT INTO both_ways.later VALUES (1)");
            b.execute("CREATE TABLE both_ways.only_b (id INT PRIMARY KEY)");
            writerA.join();
            writerB.join();
            fromA.awaitCaughtUp("ab", a, CATCH_UP);
            fromB.awaitCaughtUp("ba", b, CATCH_UP);
            fromA.awaitCaughtUp("ab", a, CATCH_UP);
            assertThat(
                            b.query(
                                    "SELECT COUNT(*) FROM information_schema.tables WHERE"
                                            + " table_schema='both_ways'"))
                    .contains("4");
            assertThat(
                            a.query(
                                    "SELECT COUNT(*) FROM information_schema.tables WHERE"
                                            + " table_schema='both_ways'"))
                    .as("DDL of the secondary stays there")
                    .contains("3");
            b.execute("DROP TABLE both_ways.only_b");
            try (Connection left = a.connect();
                    Connection right = b.connect()) {
                TableDiff.Report report = new TableDiff(left, right).compareSchemas("both_ways");
                assertThat(report.equal()).as(report.toString()).isTrue();
                assertThat(report.rows()).isGreaterThan(6000);
            }
            assertThat(a.query("SELECT COUNT(*) FROM both_ways.keyless"))
                    .as("each row once")
                    .contains(Integer.toString(2 * TRANSACTIONS));
            String progress =
                    "SELECT GROUP_CONCAT(commit_tso ORDER BY worker) FROM millrace.progress";
            String atA = a.query(progress).orElseThrow();
            String atB = b.query(progress).orElseThrow();
            Thread.sleep(1500);
            assertThat(a.query(progress)).as("nothing goes round").contains(atA);
            assertThat(b.query(progress)).contains(atB);
        }
    }

    private static String uri(DbServer server, String role) {
        String uri = server.uri();
        return uri + (uri.contains("?") ? "&" : "?") + "bdr-role=" + role;
    }

    @Test
    void mySqlAndMySql() throws Exception {
        converge(DbServer.mysql(), DbServer.mysql(), "");
    }

    @Test
    void mariaDbAndMariaDbByWholeTransactions() throws Exception {
        converge(DbServer.mariadb(), DbServer.mariadb(), "\"transaction_atomicity\":\"table\"");
    }
}
