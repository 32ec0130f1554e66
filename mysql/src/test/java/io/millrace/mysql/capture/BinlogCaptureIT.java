package io.millrace.mysql.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DbServer.Flavor;
import io.millrace.testkit.servers.FlavorServers;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The stream of a real server of each flavour, with default settings and GTIDs. */
class BinlogCaptureIT {
    @RegisterExtension
    static final FlavorServers SERVERS = new FlavorServers(BinlogCaptureIT::start);

    private static DbServer start(Flavor flavor) {
        DbServer.Builder builder = DbServer.of(flavor).option("max_allowed_packet", "128M");
        if (flavor == Flavor.MARIADB) {
            // Else it keeps files until a replica has been there.
            builder.option("loose_slave_connections_needed_for_purge", "0");
        }
        return builder.start();
    }

    /** A server with an empty database {@code d} and an empty table {@code d.t}. */
    private static DbServer fresh(Flavor flavor) {
        DbServer server = SERVERS.of(flavor);
        server.execute(
                "DROP DATABASE IF EXISTS d",
                "CREATE DATABASE d",
                "CREATE TABLE d.t (id INT NOT NULL PRIMARY KEY, v INT NOT NULL)");
        return server;
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void rowsAndDdlInOrder(Flavor flavor) {
        DbServer server = fresh(flavor);
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            server.execute(
                    "INSERT INTO d.t VALUES (1, 10), (2, 20)",
                    "UPDATE d.t SET v = v + 1",
                    "CREATE TABLE d.other (id INT NOT NULL PRIMARY KEY)",
                    "BEGIN",
                    "INSERT INTO d.t VALUES (3, 30)",
                    "INSERT INTO d.other VALUES (7)",
                    "DELETE FROM d.t WHERE id = 1",
                    "COMMIT",
                    "INSERT INTO d.t VALUES (99, 99)");
            rig.awaitText("99,99");
            assertThat(rig.texts())
                    .containsExactly(
                            "I d.t 1,10 2,20",
                            "U d.t 1,10>1,11 2,20>2,21",
                            "DDL  CREATE TABLE d.other (id INT NOT NULL PRIMARY KEY)",
                            "I d.t 3,30",
                            "I d.other 7",
                            "D d.t 1,11",
                            "I d.t 99,99");
            List<CaptureRig.Seen> changes = rig.changes();
            CaptureRig.Seen first = changes.get(changes.size() - 4);
            CaptureRig.Seen middle = changes.get(changes.size() - 3);
            CaptureRig.Seen last = changes.get(changes.size() - 2);
            assertThat(first.last() || middle.last()).isFalse();
            assertThat(last.last()).isTrue();
            assertThat(List.of(first.index(), middle.index(), last.index()))
                    .containsExactly(0, 1, 2);
            assertThat(first.tso()).isEqualTo(last.tso());
            assertThat(last.position().covers(middle.position())).isTrue();
            assertThat(middle.position().covers(last.position())).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void restartAtEveryPositionGivesTheRest(Flavor flavor) throws SQLException {
        DbServer server = fresh(flavor);
        List<CaptureRig.Seen> whole;
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            mixedLoad(server);
            rig.awaitText("99,99");
            whole = rig.changes();
        }
        for (int i = 0; i + 1 < whole.size(); i++) {
            BinlogPosition position = whole.get(i).position();
            for (String gtid : List.of("gtid=auto", "gtid=off")) {
                try (CaptureRig rig = CaptureRig.from(server, position, gtid)) {
                    rig.awaitText("99,99");
                    assertThat(names(rig.changes()))
                            .as("from %s, %s", position, gtid)
                            .isEqualTo(names(whole.subList(i + 1, whole.size())));
                }
            }
        }
    }

    /** What identifies an event for ever. */
    private static List<String> names(List<CaptureRig.Seen> events) {
        return events.stream()
                .map(s -> s.text() + " @" + s.tso() + "/" + s.index() + (s.last() ? "!" : ""))
                .toList();
    }

    private static void mixedLoad(DbServer server) throws SQLException {
        try (Connection connection = server.connect("d");
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO t VALUES (1, 1)");
            connection.setAutoCommit(false);
            for (int i = 10; i < 14; i++) {
                statement.execute("INSERT INTO t VALUES (" + i + ", 0)");
            }
            connection.commit();
            connection.setAutoCommit(true);
            statement.execute("CREATE TABLE u (id INT NOT NULL PRIMARY KEY, v INT NOT NULL)");
            statement.execute("INSERT INTO u SELECT * FROM t");
            statement.execute("FLUSH BINARY LOGS");
            statement.execute("INSERT INTO t VALUES (99, 99)");
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void savepointsLeaveOutWhatWasRolledBack(Flavor flavor) {
        DbServer server = fresh(flavor);
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            server.execute(
                    "BEGIN",
                    "INSERT INTO d.t VALUES (1, 1)",
                    "SAVEPOINT a",
                    "INSERT INTO d.t VALUES (2, 2)",
                    "SAVEPOINT b",
                    "INSERT INTO d.t VALUES (3, 3)",
                    "ROLLBACK TO a",
                    "INSERT INTO d.t VALUES (4, 4)",
                    "RELEASE SAVEPOINT a",
                    "COMMIT",
                    "BEGIN",
                    "INSERT INTO d.t VALUES (5, 5)",
                    "ROLLBACK",
                    "INSERT INTO d.t VALUES (99, 99)");
            rig.awaitText("99,99");
            assertThat(rig.texts()).endsWith("I d.t 1,1", "I d.t 4,4", "I d.t 99,99");
            assertThat(rig.texts()).noneMatch(t -> t.contains("2,2") || t.contains("5,5"));
        }
    }

    @ParameterizedTest
    @EnumSource(value = Flavor.class, names = "MARIADB") // MySQL refuses it with GTIDs
    void mixedEnginesAndRollback(Flavor flavor) {
        DbServer server = fresh(flavor);
        server.execute(
                "CREATE TABLE d.m (id INT NOT NULL PRIMARY KEY, v INT NOT NULL) ENGINE=MyISAM");
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            server.execute(
                    "BEGIN",
                    "INSERT INTO d.t VALUES (1, 1)",
                    "SAVEPOINT a",
                    "INSERT INTO d.m VALUES (2, 2)",
                    "INSERT INTO d.t VALUES (3, 3)",
                    "ROLLBACK TO a",
                    "COMMIT",
                    "INSERT INTO d.t VALUES (99, 99)");
            rig.awaitText("99,99");
            assertThat(rig.texts()).contains("I d.t 1,1", "I d.m 2,2").doesNotContain("I d.t 3,3");
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void eventsOverSixteenMegabytes(Flavor flavor) throws SQLException {
        DbServer server = fresh(flavor);
        server.execute("CREATE TABLE d.big (id INT NOT NULL PRIMARY KEY, b LONGBLOB NOT NULL)");
        // Lengths around the border of a packet, and one of several packets.
        List<Integer> lengths = new ArrayList<>(List.of(300_000, 40_000_000));
        for (int length = 16_777_100; length < 16_777_220; length += 7) {
            lengths.add(length);
        }
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            for (int i = 0; i < lengths.size(); i++) {
                server.execute(
                        "INSERT INTO d.big VALUES ("
                                + i
                                + ", REPEAT('x', "
                                + lengths.get(i)
                                + "))");
            }
            server.execute("INSERT INTO d.t VALUES (99, 99)");
            rig.awaitText("99,99");
            List<String> expected = new ArrayList<>();
            for (int i = 0; i < lengths.size(); i++) {
                expected.add("I d.big " + i + "," + lengths.get(i));
            }
            expected.add("I d.t 99,99");
            assertThat(rig.texts()).endsWith(expected.toArray(new String[0]));
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void xaRowsComeAtCommit(Flavor flavor) throws SQLException {
        DbServer server = fresh(flavor);
        List<CaptureRig.Seen> whole;
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            try (Connection one = server.connect("d");
                    Connection two = server.connect("d");
                    Connection three = server.connect("d")) {
                xa(
                        one,
                        "XA START 'a','b'",
                        "INSERT INTO t VALUES (1, 1)",
                        "INSERT INTO t VALUES (2, 2)",
                        "XA END 'a','b'",
                        "XA PREPARE 'a','b'");
                xa(
                        two,
                        "XA START 'r'",
                        "INSERT INTO t VALUES (3, 3)",
                        "XA END 'r'",
                        "XA PREPARE 'r'");
                server.execute("INSERT INTO d.t VALUES (10, 10)");
                xa(two, "XA ROLLBACK 'r'");
                xa(
                        three,
                        "XA START 'o'",
                        "INSERT INTO t VALUES (4, 4)",
                        "XA END 'o'",
                        "XA COMMIT 'o' ONE PHASE");
                server.execute("INSERT INTO d.t VALUES (11, 11)");
                xa(one, "XA COMMIT 'a','b'");
            }
            server.execute("INSERT INTO d.t VALUES (99, 99)");
            rig.awaitText("99,99");
            whole = rig.changes();
            assertThat(rig.texts())
                    .endsWith(
                            "I d.t 10,10",
                            "I d.t 4,4",
                            "I d.t 11,11",
                            "I d.t 1,1",
                            "I d.t 2,2",
                            "I d.t 99,99");
        }
        for (int i = whole.size() - 6; i + 1 < whole.size(); i++) {
            for (String gtid : List.of("gtid=auto", "gtid=off")) {
                BinlogPosition position = whole.get(i).position();
                if (i == whole.size() - 6) {
                    assertThat(position.held()).isPresent();
                }
                try (CaptureRig rig = CaptureRig.from(server, position, gtid)) {
                    rig.awaitText("99,99");
                    assertThat(names(rig.changes()))
                            .as("from %s, %s", position.encode(), gtid)
                            .isEqualTo(names(whole.subList(i + 1, whole.size())));
                }
            }
        }
    }

    private static void xa(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void createTableSelect(Flavor flavor) {
        DbServer server = fresh(flavor);
        List<CaptureRig.Seen> whole;
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            server.execute(
                    "INSERT INTO d.t VALUES (1, 1), (2, 2)",
                    "CREATE TABLE d.copy AS SELECT * FROM d.t",
                    "INSERT INTO d.t VALUES (99, 99)");
            rig.awaitText("99,99");
            whole = rig.changes();
            List<String> texts = rig.texts();
            assertThat(texts).endsWith("I d.copy 1,1 2,2", "I d.t 99,99");
            String ddl = texts.get(texts.size() - 3);
            assertThat(ddl).startsWith("DDL").contains("copy").doesNotContain("START TRANSACTION");
            assertThat(whole.get(whole.size() - 2).tso())
                    .isGreaterThan(whole.get(whole.size() - 3).tso());
        }
        BinlogPosition behindDdl = whole.get(whole.size() - 3).position();
        try (CaptureRig rig = CaptureRig.from(server, behindDdl)) {
            rig.awaitText("99,99");
            assertThat(names(rig.changes()))
                    .isEqualTo(names(whole.subList(whole.size() - 2, whole.size())));
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void startByTime(Flavor flavor) throws InterruptedException {
        DbServer server = fresh(flavor);
        List<Long> times = new ArrayList<>();
        for (int i = 1; i <= 4; i++) {
            // MariaDB's times have whole seconds, MySQL's microseconds.
            Thread.sleep(flavor == Flavor.MARIADB ? 1010 : 20);
            times.add(CaptureRig.currentTso(server));
            server.execute("INSERT INTO d.t VALUES (" + i + ", 0)", "FLUSH BINARY LOGS");
        }
        for (int i = 1; i <= 4; i++) {
            try (CaptureRig rig = CaptureRig.at(server, times.get(i - 1))) {
                rig.await(s -> s.clock());
                List<String> expected = new ArrayList<>();
                for (int k = i; k <= 4; k++) {
                    expected.add("I d.t " + k + ",0");
                }
                assertThat(rig.texts()).isEqualTo(expected);
                int first = i;
                assertThat(rig.changes().getFirst().tso()).isGreaterThan(times.get(first - 1));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aSessionTimeAheadDoesNotMoveTheMarks(Flavor flavor) {
        DbServer server = fresh(flavor);
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            server.execute(
                    "INSERT INTO d.t VALUES (1, 1)",
                    "SET timestamp = 2145916800",
                    "INSERT INTO d.t VALUES (2, 2)",
                    "SET timestamp = DEFAULT",
                    "INSERT INTO d.t VALUES (3, 3)");
            rig.awaitText("3,3");
            rig.idle();
            long soon = CaptureRig.currentTso(server) + (60_000L << 18);
            assertThat(rig.all()).allMatch(s -> s.tso() < soon);
            assertThat(rig.texts()).endsWith("I d.t 1,1", "I d.t 2,2", "I d.t 3,3");
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void marksAndFilter(Flavor flavor) {
        DbServer server = fresh(flavor);
        server.execute("CREATE TABLE d.wanted (id INT NOT NULL PRIMARY KEY)");
        try (CaptureRig rig = CaptureRig.filtered(server, List.of("d.wanted"))) {
            rig.idle();
            for (int i = 0; i < 20; i++) {
                server.execute("INSERT INTO d.t VALUES (" + i + ", 0)");
            }
            rig.idle();
            server.execute("INSERT INTO d.wanted VALUES (1)");
            rig.awaitText("d.wanted 1");
            assertThat(rig.texts().stream().filter(t -> !t.startsWith("DDL")))
                    .containsExactly("I d.wanted 1");
            long previous = 0;
            for (CaptureRig.Seen seen : rig.all()) {
                assertThat(seen.tso()).isGreaterThanOrEqualTo(previous);
                previous = seen.tso();
            }
            assertThat(rig.changes().getLast().tso())
                    .isGreaterThan(
                            rig.all().stream()
                                    .filter(CaptureRig.Seen::isMark)
                                    .mapToLong(CaptureRig.Seen::tso)
                                    .filter(t -> t < rig.changes().getLast().tso())
                                    .max()
                                    .orElseThrow());
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void statementsAreRefused(Flavor flavor) {
        DbServer server = fresh(flavor);
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            server.execute(
                    "SET SESSION binlog_format = 'STATEMENT'",
                    "INSERT INTO mysql.help_topic (help_topic_id, name, help_category_id,"
                            + " description, example, url)"
                            + " VALUES (4000000, 'x4000000', 1, '', '', '')",
                    "DELETE FROM mysql.help_topic WHERE help_topic_id = 4000000",
                    "INSERT INTO d.t VALUES (1, 1)");
            MillraceException e = rig.awaitFailure();
            assertThat(e.code()).isEqualTo(ErrorCode.UPSTREAM_MISCONFIGURED);
            assertThat(e.text()).contains("INSERT", "binlog_format = ROW");
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void killedServerContinuesFromThePosition(Flavor flavor) {
        DbServer server = fresh(flavor);
        BinlogPosition position;
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            server.execute("INSERT INTO d.t VALUES (1, 1)");
            position = rig.awaitText("1,1").position();
            server.kill9();
            assertThat(rig.awaitFailure().code()).isEqualTo(ErrorCode.UPSTREAM_CONNECTION);
        }
        server.start();
        try (CaptureRig rig = CaptureRig.from(server, position)) {
            server.execute("INSERT INTO d.t VALUES (2, 2)");
            rig.awaitText("2,2");
            assertThat(rig.texts()).containsExactly("I d.t 2,2");
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void purgedBinlogIsNamed(Flavor flavor) throws InterruptedException {
        DbServer server = fresh(flavor);
        BinlogPosition position;
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            server.execute("INSERT INTO d.t VALUES (1, 1)");
            position = rig.awaitText("1,1").position();
        }
        long early = position.floorTso();
        server.execute("INSERT INTO d.t VALUES (2, 2)", "FLUSH BINARY LOGS");
        // A file that a replica still reads is kept.
        while (!server.query(
                        "SELECT COUNT(*) FROM information_schema.processlist WHERE COMMAND LIKE"
                                + " 'Binlog Dump%'")
                .orElseThrow()
                .equals("0")) {
            Thread.sleep(50);
        }
        String newest = server.query("SHOW MASTER STATUS").orElseThrow();
        // MariaDB also keeps, without saying so, what its storage engines may still need.
        long patience = System.nanoTime() + 20_000_000_000L;
        do {
            server.execute("PURGE BINARY LOGS TO '" + newest + "'");
            assertThat(System.nanoTime()).as("purge has no effect").isLessThan(patience);
        } while (!server.query("SHOW BINARY LOGS").orElseThrow().equals(newest));
        for (String gtid : List.of("gtid=auto", "gtid=off")) {
            try (CaptureRig rig = CaptureRig.from(server, position, gtid)) {
                MillraceException e = rig.awaitFailure();
                assertThat(e.code()).isEqualTo(ErrorCode.UPSTREAM_PURGED);
                assertThat(e.text())
                        .contains(
                                gtid.equals("gtid=off")
                                        ? position.start().file()
                                        : flavor == Flavor.MYSQL ? ":" : "-");
            }
        }
        try (CaptureRig rig = CaptureRig.at(server, early - (60_000L << 18))) {
            MillraceException e = rig.awaitFailure();
            assertThat(e.code()).isEqualTo(ErrorCode.UPSTREAM_PURGED);
            assertThat(e.text()).contains(newest);
        }
    }
}
