package io.millrace.mysql.sink;

import static io.millrace.testkit.rows.TestRowBatch.delete;
import static io.millrace.testkit.rows.TestRowBatch.insert;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static io.millrace.testkit.rows.TestRowBatch.update;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DbServer.Flavor;
import io.millrace.testkit.servers.FlavorServers;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Unique keys of the target on values that the upstream's rows do not hold. A worker that deletes
 * is held up while others could insert: they must wait.
 */
final class TargetOnlyKeysIT {
    @RegisterExtension
    static final FlavorServers SERVERS = new FlavorServers(TargetOnlyKeysIT::start);

    private static final int PAIRS = 6;
    private static int jobs;

    private static DbServer start(Flavor flavor) {
        DbServer started = DbServer.of(flavor).start();
        started.execute("CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
        return started;
    }

    private static DbServer server(Flavor flavor) {
        return SERVERS.of(flavor);
    }

    /** Deletes rows 1.. and inserts rows 1000.. that could not be there together. */
    private static void deleteThenInsert(
            DbServer server, TableSchema table, Object[][] gone, Object[][] come) throws Exception {
        String uri =
                "mysql://root:"
                        + server.rootPassword()
                        + "@127.0.0.1:"
                        + server.port()
                        + "/?worker-count=8";
        try (SinkDriver sink = new SinkDriver(uri, "keys/" + jobs++, SinkContract.CLOCK);
                Connection other = server.connect();
                Statement s = other.createStatement()) {
            sink.offer(insert(table, SinkContract.NEW, 0, true, gone));
            sink.drain();
            s.execute("BEGIN");
            s.execute("SELECT * FROM d." + table.name().table() + " WHERE id=1 FOR UPDATE");
            for (int i = 0; i < PAIRS; i++) {
                sink.offer(delete(table, SinkContract.NEW + 1 + i, 0, false, gone[i]));
            }
            Thread release =
                    Thread.ofVirtual()
                            .start(() -> {
                                try {
                                    Thread.sleep(700);
                                    s.execute("ROLLBACK");
                                } catch (Exception e) {
                                    throw new IllegalStateException(e);
                                }
                            });
            for (int i = 0; i < PAIRS; i++) {
                sink.offer(insert(table, SinkContract.NEW + 10 + i, 0, true, come[i]));
            }
            sink.drain();
            release.join();
        }
        assertThat(
                        server.query(
                                "SELECT GROUP_CONCAT(id ORDER BY id) FROM d."
                                        + table.name().table()))
                .contains("1000,2000,3000,4000,5000,6000");
    }

    private static TableSchema mails(String name) {
        return SinkContract.table(
                name,
                List.of(
                        SinkContract.notNull("id", ColumnKind.BIGINT),
                        Column.of("tenant", ColumnKind.INT),
                        Column.of("mail", ColumnKind.VARCHAR)),
                SinkContract.primary(0));
    }

    private static void mails(Flavor flavor, String name, String extra) throws Exception {
        DbServer server = server(flavor);
        server.execute(
                "CREATE TABLE d."
                        + name
                        + " (id BIGINT PRIMARY KEY, tenant INT, mail VARCHAR(60), "
                        + extra
                        + ")");
        Object[][] gone = new Object[PAIRS][];
        Object[][] come = new Object[PAIRS][];
        for (int i = 0; i < PAIRS; i++) {
            gone[i] = row(i + 1L, 3, "A" + i + "@x");
            come[i] = row((i + 1) * 1000L, 3, "a" + i + "@x");
        }
        deleteThenInsert(server, mails(name), gone, come);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aGeneratedColumn(Flavor flavor) throws Exception {
        mails(
                flavor,
                "generated",
                "low VARCHAR(60) GENERATED ALWAYS AS (LOWER(mail)) STORED, UNIQUE KEY low (low)");
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aGeneratedColumnBesideAKnownOne(Flavor flavor) throws Exception {
        mails(
                flavor,
                "beside",
                "low VARCHAR(60) GENERATED ALWAYS AS (LOWER(mail)) VIRTUAL, UNIQUE KEY low (tenant,"
                        + " low)");
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aColumnThatIsGeneratedInTheTargetAlone(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        server.execute(
                "CREATE TABLE d.alone (id BIGINT PRIMARY KEY, tenant INT GENERATED ALWAYS AS"
                        + " (LENGTH(mail)) STORED, mail VARCHAR(60), UNIQUE KEY tenant (tenant))");
        Object[][] gone = new Object[PAIRS][];
        Object[][] come = new Object[PAIRS][];
        for (int i = 0; i < PAIRS; i++) {
            gone[i] = row(i + 1L, i, "x".repeat(i + 1));
            come[i] = row((i + 1) * 1000L, 100 + i, "y".repeat(i + 1));
        }
        deleteThenInsert(server, mails("alone"), gone, come);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aColumnWithADefaultBesideAKnownOne(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        server.execute(
                "CREATE TABLE d.standard (id BIGINT PRIMARY KEY, tenant INT, mail VARCHAR(60),"
                        + " region INT NOT NULL DEFAULT 4, UNIQUE KEY m (region, mail))");
        Object[][] gone = new Object[PAIRS][];
        Object[][] come = new Object[PAIRS][];
        for (int i = 0; i < PAIRS; i++) {
            gone[i] = row(i + 1L, i, "m" + i);
            come[i] = row((i + 1) * 1000L, i, "m" + i);
        }
        deleteThenInsert(server, mails("standard"), gone, come);
    }

    @Test
    void periodsThatMayNotOverlap() throws Exception {
        DbServer server = server(Flavor.MARIADB);
        server.execute(
                "CREATE TABLE d.stay (id BIGINT PRIMARY KEY, room INT, s DATE NOT NULL, e DATE NOT"
                        + " NULL, PERIOD FOR p (s, e), UNIQUE KEY stay (room, p WITHOUT OVERLAPS))");
        TableSchema table =
                SinkContract.table(
                        "stay",
                        List.of(
                                SinkContract.notNull("id", ColumnKind.BIGINT),
                                Column.of("room", ColumnKind.INT),
                                SinkContract.notNull("s", ColumnKind.DATE),
                                SinkContract.notNull("e", ColumnKind.DATE)),
                        SinkContract.primary(0),
                        SinkContract.unique("stay", 1, 2, 3));
        Object[][] gone = new Object[PAIRS][];
        Object[][] come = new Object[PAIRS][];
        for (int i = 0; i < PAIRS; i++) {
            gone[i] = row(i + 1L, i, "2026-01-01", "2026-02-01");
            come[i] = row((i + 1) * 1000L, i, "2026-01-15", "2026-03-01");
        }
        deleteThenInsert(server, table, gone, come);

        // Some rows are there already, and the server takes no REPLACE for such a table.
        server.execute("DELETE FROM d.stay WHERE id>3000");
        String uri = "mysql://root:" + server.rootPassword() + "@127.0.0.1:" + server.port() + "/";
        try (SinkDriver sink = new SinkDriver(uri, "keys/" + jobs++, SinkContract.CLOCK)) {
            sink.offer(insert(table, SinkContract.OLD, 0, false, come));
            sink.offer(
                    update(
                            table,
                            SinkContract.OLD,
                            1,
                            true,
                            come[0],
                            row(1000L, 0, "2026-01-15", "2026-05-01")));
            sink.drain();
        }
        assertThat(server.query("SELECT e FROM d.stay WHERE id=1000")).contains("2026-05-01");
        assertThat(server.query("SELECT GROUP_CONCAT(id ORDER BY id) FROM d.stay"))
                .contains("1000,2000,3000,4000,5000,6000");
    }
}
