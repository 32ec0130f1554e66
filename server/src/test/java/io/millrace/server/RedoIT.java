package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.Tso;
import io.millrace.testkit.net.FaultProxy;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.MillraceServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The upstream and the server die under load while the target lags; applying the redo log then
 * leads to one state that the upstream really had.
 *
 * <p>Each transaction moves money between accounts of two tables and writes down, with a running
 * number, what it moved. A state between transactions shows in the sum, one that lacks a
 * transaction or a part in the log that does not add up to the accounts.
 */
final class RedoIT {
    /** The common pool has one thread on a machine with two cores. */
    private static final Executor OWN_THREAD = task -> Thread.ofPlatform().daemon().start(task);

    private static final int ACCOUNTS = 60;
    private static final int SOME_MOVES = 300;
    private static final Pattern META =
            Pattern.compile("checkpoint-ts:([0-9]+), resolved-ts:([0-9]+)");

    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit fills it in
    private Path folder;

    private static String redo(String... arguments) {
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int code;
        try {
            System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
            code = RedoMain.run(arguments);
        } finally {
            System.setOut(before);
        }
        String text = out.toString(StandardCharsets.UTF_8);
        assertThat(code).as(text).isZero();
        return text;
    }

    private static String config(Path log, String more) {
        return "\"replica_config\":{\"filter\":{\"rules\":[\"bank.*\"]},\"consistent\":{\"level\":\"eventual\","
                + "\"storage\":\"file://"
                + log
                + "\",\"flush_interval\":100,\"meta_flush_interval\":50"
                + more
                + "}}";
    }

    private static void tables(DbServer server) {
        server.execute(
                "CREATE DATABASE bank",
                "CREATE TABLE bank.a (id INT PRIMARY KEY, money BIGINT NOT NULL, note"
                        + " VARCHAR(40) CHARACTER SET latin1) ",
                "CREATE TABLE bank.b LIKE bank.a",
                "CREATE TABLE bank.parent (id INT PRIMARY KEY)",
                "CREATE TABLE bank.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES"
                        + " bank.parent (id) ON DELETE CASCADE)",
                "CREATE TABLE bank.moves (n BIGINT PRIMARY KEY AUTO_INCREMENT, src INT, dst INT,"
                        + " amount BIGINT NOT NULL, at TIMESTAMP(3) NOT NULL DEFAULT"
                        + " CURRENT_TIMESTAMP(3))");
    }

    private static void fill(DbServer upstream) {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < ACCOUNTS; i++) {
            rows.append(i == 0 ? "" : ",").append("(").append(i).append(",1000,'ü')");
        }
        upstream.execute(
                "INSERT INTO bank.a VALUES " + rows,
                "INSERT INTO bank.b VALUES " + rows,
                "INSERT INTO bank.parent VALUES (1),(2)",
                "INSERT INTO bank.child VALUES (1,1),(2,2),(3,1)");
    }

    /** Moves money until told to stop, or until the server is gone. */
    private static CompletableFuture<Void> load(
            DbServer upstream, int seed, boolean ddl, AtomicBoolean stop) {
        return CompletableFuture.runAsync(
                () -> {
                    Random random = new Random(seed);
                    try (Connection connection = upstream.connect();
                            Statement statement = connection.createStatement()) {
                        connection.setAutoCommit(false);
                        for (int i = 0; !stop.get(); i++) {
                            int from = random.nextInt(ACCOUNTS);
                            int to = random.nextInt(ACCOUNTS);
                            int amount = random.nextInt(50);
                            // One order of locks for all.
                            statement.executeUpdate(
                                    "UPDATE bank.a SET money=money-"
                                            + amount
                                            + " WHERE id="
                                            + from);
                            statement.executeUpdate(
                                    "UPDATE bank.b SET money=money+" + amount + " WHERE id=" + to);
                            statement.executeUpdate(
                                    "INSERT INTO bank.moves (src, dst, amount) VALUES ("
                                            + from
                                            + ","
                                            + to
                                            + ","
                                            + amount
                                            + ")");
                            connection.commit();
                            if (ddl && i == 60) {
                                statement.execute(
                                        "ALTER TABLE bank.moves ADD COLUMN c"
                                                + i
                                                + " INT DEFAULT "
                                                + i);
                            }
                        }
                    } catch (java.sql.SQLException e) {
                        if (!stop.get()) {
                            throw new IllegalStateException(e);
                        }
                    }
                },
                OWN_THREAD);
    }

    /** Fails unless the target is in a state between two transactions; returns the moves in it. */
    private static long assertConsistent(DbServer target) throws Exception {
        try (Connection connection = target.connect();
                Statement statement = connection.createStatement()) {
            assertThat(
                            number(
                                    statement,
                                    "SELECT (SELECT SUM(money) FROM bank.a)+(SELECT SUM(money) FROM bank.b)"))
                    .isEqualTo(2000L * ACCOUNTS);
            for (String check :
                    List.of(
                            "SELECT COUNT(*) FROM bank.a WHERE money<>1000-COALESCE((SELECT SUM(amount) FROM bank.moves WHERE src=id),0)",
                            "SELECT COUNT(*) FROM bank.b WHERE money<>1000+COALESCE((SELECT SUM(amount) FROM bank.moves WHERE dst=id),0)")) {
                assertThat(number(statement, check)).as(check).isZero();
            }
            assertThat(number(statement, "SELECT COUNT(*) FROM bank.a WHERE note='ü'"))
                    .isEqualTo(ACCOUNTS);
            return number(statement, "SELECT COUNT(*) FROM bank.moves");
        }
    }

    private static long number(Statement statement, String query) throws Exception {
        try (ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getLong(1);
        }
    }

    private void disaster(boolean mysql, int seed, String more, boolean lateDdl) throws Exception {
        Path log = folder.resolve("redo");
        DbServer.Builder up = mysql ? DbServer.mysql() : DbServer.mariadb();
        DbServer.Builder down = mysql ? DbServer.mysql() : DbServer.mariadb();
        try (DbServer upstream =
                        up.option("sync_binlog", "1")
                                .option("innodb_flush_log_at_trx_commit", "1")
                                .start();
                DbServer target = down.option("server_id", "2").start();
                FaultProxy slow = new FaultProxy("127.0.0.1", target.port())) {
            tables(upstream);
            tables(target);
            try (MillraceServer server = MillraceServer.start(upstream.uri(), folder)) {
                server.createChangefeed("feed", target.uri(slow.port()), config(log, more));
                fill(upstream);
                AtomicBoolean stop = new AtomicBoolean();
                List<CompletableFuture<Void>> writers = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    writers.add(load(upstream, seed + i, i == 0, stop));
                }
                long deadline = System.nanoTime() + 60_000_000_000L;
                while (Long.parseLong(target.query("SELECT COUNT(*) FROM bank.moves").orElseThrow())
                        < SOME_MOVES) {
                    assertThat(System.nanoTime()).as("it runs").isLessThan(deadline);
                    Thread.sleep(50);
                }
                // The target falls behind: its connections stand still.
                slow.stall();
                upstream.execute("DELETE FROM bank.parent WHERE id=1");
                // Of what is in the log now the target has not all, and never gets it.
                awaitLag(log);
                if (lateDdl) {
                    upstream.execute("ALTER TABLE bank.a ADD COLUMN late INT DEFAULT 7");
                    Thread.sleep(500);
                }
                for (CompletableFuture<Void> writer : writers) {
                    assertThat(writer).as("the load goes on").isNotDone();
                }
                stop.set(true);
                upstream.kill9();
                server.kill9();
                for (CompletableFuture<Void> writer : writers) {
                    writer.exceptionally(e -> null).join();
                }
            }
            slow.resume();
            slow.cutAll();
            String meta = redo("meta", "--storage", "file://" + log);
            Matcher found = META.matcher(meta.strip());
            assertThat(found.matches()).as(meta).isTrue();
            long behind = Long.parseLong(found.group(2)) - Long.parseLong(found.group(1));
            assertThat(behind).as("the target lags").isPositive();
            long before =
                    Long.parseLong(target.query("SELECT COUNT(*) FROM bank.moves").orElseThrow());
            String[] apply = {
                "apply",
                "--enable-profiling",
                "--storage",
                "file://" + log,
                "--tmp-dir",
                folder.resolve("tmp").toString(),
                "--sink-uri",
                target.uri()
            };
            assertThat(redo(apply)).startsWith("Apply redo log successfully");
            long moves = assertConsistent(target);
            assertThat(target.query("SELECT GROUP_CONCAT(id) FROM bank.child"))
                    .as("the log's deleted row takes others along")
                    .contains("2");
            // A DDL waits for the target, and the log goes no further meanwhile.
            assertThat(moves).isGreaterThanOrEqualTo(lateDdl ? before : before + 1);
            // Again: nothing changes.
            redo(apply);
            assertThat(assertConsistent(target)).isEqualTo(moves);
            assertThat(folder.resolve("tmp")).isEmptyDirectory();

            // What the upstream had at that TSO, by its own order of commits.
            upstream.start();
            assertUpstreamHadThisState(upstream, target);
        }
    }

    /** The target gets nothing any more; returns when the log has half a second of changes more. */
    private static void awaitLag(Path log) throws Exception {
        long deadline = System.nanoTime() + 60_000_000_000L;
        long first = 0;
        while (true) {
            String meta = redo("meta", "--storage", "file://" + log);
            Matcher found = META.matcher(meta.strip());
            assertThat(found.matches()).as(meta).isTrue();
            long checkpoint = Long.parseLong(found.group(1));
            long resolved = Long.parseLong(found.group(2));
            first = first == 0 ? resolved : first;
            if (resolved > checkpoint && Tso.physicalMs(resolved) > Tso.physicalMs(first) + 500) {
                return;
            }
            assertThat(System.nanoTime()).as("the target lags: %s", meta).isLessThan(deadline);
            Thread.sleep(50);
        }
    }

    /** The moves in the target are moves of the upstream, to the millisecond. */
    private static void assertUpstreamHadThisState(DbServer upstream, DbServer target)
            throws Exception {
        String query =
                "SELECT CONCAT_WS(' ', n, src, dst, amount, UNIX_TIMESTAMP(at)) FROM bank.moves";
        assertThat(texts(upstream, query)).containsAll(texts(target, query));
    }

    private static Set<String> texts(DbServer server, String query) throws Exception {
        Set<String> out = new HashSet<>();
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            while (row.next()) {
                out.add(row.getString(1));
            }
        }
        return out;
    }

    @Test
    void aMariaDbTargetComesToOneStateOfTheLostUpstream() throws Exception {
        disaster(false, 1, "", false);
    }

    @Test
    void aMySqlTargetComesToOneStateOfTheLostUpstream() throws Exception {
        disaster(true, 2, ",\"compression\":\"lz4\",\"use_file_backend\":true", true);
    }
}
