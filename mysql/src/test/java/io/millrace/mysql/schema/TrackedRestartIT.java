package io.millrace.mysql.schema;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.Checkpoint;
import io.millrace.testkit.history.MemoryHistory;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DbServer.Flavor;
import io.millrace.testkit.servers.FlavorServers;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A job goes on from where it stopped, with the row metadata that servers have by default: what
 * tables look like, only the tracked definitions tell.
 */
class TrackedRestartIT {
    private static final List<String> RULES = List.of("late.log_*");

    @RegisterExtension
    static final FlavorServers SERVERS =
            new FlavorServers(flavor ->
                    DbServer.of(flavor)
                            .rowMetadata(flavor == Flavor.MYSQL ? "MINIMAL" : "NO_LOG")
                            .option("binlog_row_event_max_size", "256")
                            .start());

    private static DbServer fresh(Flavor flavor) {
        DbServer server = SERVERS.of(flavor);
        server.execute("DROP DATABASE IF EXISTS late", "DROP DATABASE IF EXISTS other");
        server.execute("CREATE DATABASE late", "FLUSH BINARY LOGS");
        return server;
    }

    private static DdlLagIT.Reader at(DbServer server, MemoryHistory history, long startTso) {
        return new DdlLagIT.Reader(
                server, startTso, Optional.empty(), history, List.of("late.*"), false, 1);
    }

    private static DdlLagIT.Reader behind(
            DbServer server, MemoryHistory history, DdlLagIT.Seen last, String... rules) {
        return new DdlLagIT.Reader(
                server,
                0,
                Optional.of(new Checkpoint(last.position(), last.position().floorTso())),
                history,
                rules.length == 0 ? List.of("late.*") : List.of(rules),
                false,
                1);
    }

    private static List<String> texts(List<DdlLagIT.Seen> seen) {
        return seen.stream().map(DdlLagIT.Seen::text).toList();
    }

    /** Reads all, then again behind each event, as after a crash whose history is ahead of it. */
    private static void restartsEverywhere(
            DbServer server, MemoryHistory history, List<DdlLagIT.Seen> whole, int rows)
            throws InterruptedException {
        for (int i = 0; i + 1 < whole.size(); i++) {
            List<String> rest = texts(whole.subList(i + 1, whole.size()));
            int left = rows;
            for (int k = 0; k <= i; k++) {
                left -= rowsIn(whole.get(k).text());
            }
            try (DdlLagIT.Reader again = behind(server, history.copy(), whole.get(i))) {
                again.await(left);
                assertThat(texts(again.seen()))
                        .as("behind %s: %s", whole.get(i), again.failure.get())
                        .isEqualTo(rest);
            }
        }
    }

    private static int rowsIn(String text) {
        return text.split(" id=", -1).length - 1;
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void createTableSelect(Flavor flavor) throws Exception {
        DbServer server = fresh(flavor);
        long start = StartTimes.inNewFile(server);
        server.execute(
                "CREATE TABLE late.t (id INT PRIMARY KEY, a INT, b INT, s CHAR(100))",
                "CREATE TABLE late.r (id INT PRIMARY KEY, a INT, b INT, s CHAR(100))",
                "INSERT INTO late.t VALUES (1, 10, 20, REPEAT('x', 100)),"
                        + " (2, 11, 21, REPEAT('y', 100)), (3, 12, 22, REPEAT('z', 100))",
                "CREATE TABLE late.copy AS SELECT * FROM late.t");
        int rows = 6;
        if (flavor == Flavor.MARIADB) {
            server.execute(
                    "CREATE OR REPLACE TABLE late.r AS SELECT id, b, a, s FROM late.t ORDER BY id");
            rows = 9;
        }
        server.execute("INSERT INTO late.copy VALUES (99, 98, 97, '')");
        MemoryHistory history = new MemoryHistory();
        List<DdlLagIT.Seen> whole;
        try (DdlLagIT.Reader reader = at(server, history, start)) {
            List<String> seen = reader.await(rows + 1);
            assertThat(seen).as("%s", reader.failure.get()).hasSize(rows + 1);
            if (flavor == Flavor.MARIADB) {
                assertThat(seen.get(6)).startsWith("late.r id=1 b=20 a=10");
            }
            whole = reader.seen();
        }
        assertThat(whole).as("several batches").hasSizeGreaterThan(7);
        restartsEverywhere(server, history, whole, rows + 1);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void createTableIfNotExistsWhilePaused(Flavor flavor) throws Exception {
        DbServer server = fresh(flavor);
        server.execute("CREATE DATABASE other", "CREATE TABLE other.w (b INT, a INT)");
        long start = StartTimes.inNewFile(server);
        MemoryHistory history = new MemoryHistory();
        DdlLagIT.Seen paused;
        try (DdlLagIT.Reader reader = at(server, history, start)) {
            server.execute("CREATE TABLE late.o (id INT)", "INSERT INTO late.o VALUES (1)");
            assertThat(reader.await(1)).as("%s", reader.failure.get()).hasSize(1);
            paused = reader.seen().getLast();
        }
        server.execute(
                "CREATE TABLE IF NOT EXISTS late.n (a INT, b INT)",
                "INSERT INTO late.n VALUES (1, 2)",
                "ALTER TABLE late.n CHANGE b c INT FIRST",
                "INSERT INTO late.n VALUES (3, 4)",
                "ALTER TABLE late.n DROP c",
                "INSERT INTO late.n VALUES (5)",
                "CREATE TABLE IF NOT EXISTS other.w (a INT, b INT)",
                "INSERT INTO other.w VALUES (6, 7)",
                "ALTER TABLE other.w MODIFY a INT FIRST");
        for (int start2 = 0; start2 < 2; start2++) {
            try (DdlLagIT.Reader reader = behind(server, history, paused)) {
                assertThat(reader.await(3))
                        .as("%s", reader.failure.get())
                        .containsExactly("late.n a=1 b=2", "late.n c=3 a=4", "late.n a=5");
            }
        }
        // Nobody wanted the other table before: it may have been there, and was.
        for (int start2 = 0; start2 < 2; start2++) {
            try (DdlLagIT.Reader reader = behind(server, history, paused, "late.*", "other.*")) {
                assertThat(reader.await(4)).hasSize(3);
                assertThat(reader.failure.get())
                        .hasMessageContaining("other.w")
                        .hasMessageContaining("MODIFY a");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void copyOfATableThatIsNotWanted(Flavor flavor) throws Exception {
        DbServer server = fresh(flavor);
        server.execute("CREATE TABLE late.template (id INT PRIMARY KEY, a INT, b VARCHAR(9))");
        long start = StartTimes.inNewFile(server);
        MemoryHistory history = new MemoryHistory();
        List<DdlLagIT.Seen> whole;
        try (DdlLagIT.Reader reader =
                new DdlLagIT.Reader(server, start, Optional.empty(), history, RULES, false, 1)) {
            server.execute(
                    "CREATE TABLE late.log_1 LIKE late.template",
                    "INSERT INTO late.log_1 VALUES (1, 2, 'x')",
                    "ALTER TABLE late.template ADD c INT FIRST");
            // Read before it is changed; behind that it is the copy that is known.
            assertThat(reader.await(1))
                    .as("%s", reader.failure.get())
                    .containsExactly("late.log_1 id=1 a=2 b=x");
            server.execute(
                    "ALTER TABLE late.log_1 CHANGE a d INT FIRST",
                    "INSERT INTO late.log_1 VALUES (3, 4, 'y')");
            assertThat(reader.await(2))
                    .as("%s", reader.failure.get())
                    .contains("late.log_1 d=3 id=4 b=y");
            whole = reader.seen();
        }
        try (DdlLagIT.Reader again = behind(server, history, whole.getFirst(), "late.log_*")) {
            again.await(2);
            assertThat(texts(again.seen())).isEqualTo(texts(whole.subList(1, whole.size())));
        }
        try (DdlLagIT.Reader late =
                new DdlLagIT.Reader(
                        server, start, Optional.empty(), new MemoryHistory(), RULES, false, 1)) {
            assertThat(late.await(1)).isEmpty();
            assertThat(late.failure.get())
                    .hasMessageContaining("late.log_1")
                    .hasMessageContaining("copy of late.template");
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aTimeThatWasNotBelievedStaysSo(Flavor flavor) throws Exception {
        DbServer server = fresh(flavor);
        long start = StartTimes.inNewFile(server);
        MemoryHistory history = new MemoryHistory();
        List<DdlLagIT.Seen> whole;
        long ahead = System.currentTimeMillis() / 1000 + 66;
        try (DdlLagIT.Reader reader = at(server, history, start)) {
            server.execute(
                    "CREATE TABLE late.t (id INT PRIMARY KEY)",
                    "INSERT INTO late.t VALUES (1)",
                    "SET timestamp = " + ahead,
                    "INSERT INTO late.t VALUES (2)",
                    "SET timestamp = DEFAULT",
                    "INSERT INTO late.t VALUES (3)");
            assertThat(reader.await(3)).as("%s", reader.failure.get()).hasSize(3);
            whole = reader.seen();
        }
        long soon = System.currentTimeMillis() + 5_000;
        assertThat(whole)
                .allMatch(s ->
                        Long.parseLong(s.text().substring(s.text().lastIndexOf('@') + 1))
                                < soon << 18);
        // Until that time is near enough to be believed.
        while (System.currentTimeMillis() / 1000 + 59 < ahead) {
            Thread.sleep(100);
        }
        restartsEverywhere(server, history, whole, 3);
    }
}
