package io.millrace.mysql.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.model.Checkpoint;
import io.millrace.testkit.history.MemoryHistory;
import io.millrace.testkit.servers.DbServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** MariaDB with binlog_alter_two_phase: an ALTER is announced, then committed or rolled back. */
class TwoPhaseAlterIT {
    private static final String ADD =
            "ALTER TABLE late.t ADD COLUMN x INT DEFAULT 5 FIRST, ALGORITHM=COPY, LOCK=NONE";

    private static DdlLagIT.Reader reader(
            DbServer server, long startTso, Optional<Checkpoint> checkpoint, MemoryHistory h) {
        return new DdlLagIT.Reader(server, startTso, checkpoint, h, List.of("late.*"), false, 1);
    }

    private static List<String> binlog(DbServer server, String file) throws Exception {
        List<String> out = new ArrayList<>();
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SHOW BINLOG EVENTS IN '" + file + "'")) {
            while (rows.next()) {
                out.add(rows.getString("Event_type") + " " + rows.getString("Info"));
            }
        }
        return out;
    }

    /** Inserts from a second connection while an ALTER runs. */
    private static List<String> alterWithInserts(DbServer server) throws Exception {
        List<String> inserted = new ArrayList<>();
        AtomicBoolean altered = new AtomicBoolean();
        Thread alter =
                Thread.ofPlatform()
                        .start(() -> {
                            try {
                                server.execute(ADD);
                            } finally {
                                altered.set(true);
                            }
                        });
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            for (int i = -1; i > -400 && !altered.get(); i--) {
                statement.execute("INSERT INTO late.t (id, v) VALUES (" + i + ", " + i + ")");
                inserted.add("" + i);
                Thread.sleep(10);
            }
        }
        alter.join();
        return inserted;
    }

    @Test
    void anAlterCountsWhenItIsCommitted() throws Exception {
        try (DbServer server =
                DbServer.mariadb()
                        .rowMetadata("NO_LOG")
                        .option("binlog_alter_two_phase", "ON")
                        .start()) {
            server.execute(
                    "CREATE DATABASE late",
                    "CREATE TABLE late.t (id INT PRIMARY KEY, v INT, s CHAR(200))",
                    "USE late",
                    "INSERT INTO late.t SELECT seq, seq, '' FROM seq_1_to_150000",
                    "FLUSH BINARY LOGS");
            Thread.sleep(1100);
            long start = System.currentTimeMillis() << 18;
            Thread.sleep(1100);
            String file = server.query("SHOW MASTER STATUS").orElseThrow();
            MemoryHistory history = new MemoryHistory();
            List<DdlLagIT.Seen> whole;
            int rows;
            try (DdlLagIT.Reader live = reader(server, start, Optional.empty(), history)) {
                server.execute("INSERT INTO late.t VALUES (0, 0, 'first')");
                live.await(1);
                List<String> inserted = alterWithInserts(server);
                assertThatThrownBy(() ->
                                server.execute(
                                        "UPDATE late.t SET v = 7 WHERE id < 2",
                                        "ALTER TABLE late.t ADD y INT FIRST, ADD UNIQUE (v),"
                                                + " ALGORITHM=COPY"))
                        .hasMessageContaining("Duplicate");
                server.execute("INSERT INTO late.t VALUES (9, 200000, 9, 'last')");
                rows = inserted.size() + 2;
                List<String> seen = live.await(rows);
                List<String> events = binlog(server, file);
                assertThat(seen).as("%s %s", live.failure.get(), events).hasSize(rows);
                assertThat(seen.getFirst()).isEqualTo("late.t id=0 v=0 s=first");
                assertThat(seen.getLast()).isEqualTo("late.t x=9 id=200000 v=9 s=last");
                assertThat(seen.get(1)).startsWith("late.t id=-1 v=-1");
                whole = live.seen();
                long changes = whole.stream().filter(s -> s.text().contains("ALTER")).count();
                assertThat(changes).as("%s", texts(whole)).isEqualTo(1);
                // The order is the binlog's: rows between the two phases come before the change.
                int at = index(whole, "ALTER");
                assertThat(at).as("rows during the ALTER").isGreaterThan(2);
                assertThat(events.stream().filter(e -> e.contains("ADD COLUMN x")).count())
                        .as("two phases are in the binlog")
                        .isEqualTo(2);
            }
            int at = index(whole, "ALTER");
            for (int i : List.of(0, at - 2, at - 1, at, whole.size() - 2)) {
                DdlLagIT.Seen last = whole.get(i);
                Checkpoint checkpoint = new Checkpoint(last.position(), last.position().floorTso());
                try (DdlLagIT.Reader again =
                        reader(server, 0, Optional.of(checkpoint), history.copy())) {
                    List<String> rest = texts(whole.subList(i + 1, whole.size()));
                    again.await((int) rest.stream().filter(t -> t.contains(" id=")).count());
                    assertThat(texts(again.seen()))
                            .as("behind %s: %s", last, again.failure.get())
                            .isEqualTo(rest);
                }
            }
            // An ALTER that was rolled back changes nothing of what is known from later.
            server.execute("FLUSH BINARY LOGS");
            Thread.sleep(1100);
            long late = System.currentTimeMillis() << 18;
            Thread.sleep(1100);
            server.execute("INSERT INTO late.t VALUES (9, 200001, 9, 'early')");
            assertThatThrownBy(() ->
                            server.execute(
                                    "ALTER TABLE late.t ADD y INT FIRST, ADD UNIQUE (v), ALGORITHM=COPY"))
                    .hasMessageContaining("Duplicate");
            try (DdlLagIT.Reader reader =
                    reader(server, late, Optional.empty(), new MemoryHistory())) {
                assertThat(reader.await(1))
                        .as("%s", reader.failure.get())
                        .containsExactly("late.t x=9 id=200001 v=9 s=early");
            }
        }
    }

    private static int index(List<DdlLagIT.Seen> seen, String text) {
        for (int i = 0; i < seen.size(); i++) {
            if (seen.get(i).text().contains(text)) {
                return i;
            }
        }
        throw new AssertionError(text + " not in " + texts(seen));
    }

    private static List<String> texts(List<DdlLagIT.Seen> seen) {
        return seen.stream().map(DdlLagIT.Seen::text).toList();
    }
}
