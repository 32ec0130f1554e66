package io.millrace.mysql.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.error.ErrorCode;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DbServer.Flavor;
import io.millrace.testkit.servers.FlavorServers;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows that reach a target of the upstream's flavour as binlog events. */
final class RowEventSinkIT {
    @RegisterExtension static final FlavorServers SERVERS = new FlavorServers();
    private static final Clock LONG_AGO = SinkContract.CLOCK;

    /** Every run is another job: what an earlier one wrote does not count as known. */
    private static final AtomicInteger JOBS = new AtomicInteger();

    private static DbServer server(Flavor flavor) {
        return SERVERS.of(flavor);
    }

    private static String uri(DbServer server, String parameters) {
        return "mysql://root:"
                + server.rootPassword()
                + "@127.0.0.1:"
                + server.port()
                + "/?"
                + parameters;
    }

    private static long status(DbServer server, String counter) throws SQLException {
        try (Connection c = server.connect();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SHOW GLOBAL STATUS LIKE '" + counter + "'")) {
            r.next();
            return r.getLong(2);
        }
    }

    private static void createTables(DbServer server) {
        server.execute(
                "DROP DATABASE IF EXISTS e",
                "CREATE DATABASE e CHARACTER SET utf8mb4",
                "CREATE TABLE e.t (id BIGINT PRIMARY KEY, u VARCHAR(40) CHARACTER SET latin1, b"
                        + " BINARY(6), bits BIT(11), en ENUM('a','ö','c'), st SET('x','y','z'), de"
                        + " DECIMAL(20,4), dt DATETIME(6), ts TIMESTAMP(3) NULL, ti TIME(2), y YEAR,"
                        + " js JSON, bl MEDIUMBLOB, g POINT, f FLOAT, d DOUBLE, n INT UNSIGNED NOT"
                        + " NULL, UNIQUE KEY (u)) CHARACTER SET utf8mb4");
    }

    private static final int CHANGES = 900;

    private static void change(DbServer server) throws Exception {
        Random random = new Random(11);
        try (Connection c = server.connect("e");
                Statement s = c.createStatement()) {
            c.setAutoCommit(false);
            int live = 0;
            for (int i = 0; i < CHANGES; i++) {
                int dice = random.nextInt(6);
                // Ids from a small range far apart, so that keys come back and change workers.
                String id = "(SELECT * FROM (SELECT MIN(id) FROM t) m)";
                if (dice < 3 || live < 10) {
                    s.execute(
                            "INSERT INTO t VALUES ("
                                    + (i * 300L)
                                    + ",'ü"
                                    + i
                                    + "',x'0102030000"
                                    + "',b'10000000001',"
                                    + (1 + i % 3)
                                    + ","
                                    + i % 8
                                    + ","
                                    + random.nextInt()
                                    + ".1234,'2026-01-02 03:04:05.123456','2026-01-02 03:04:05.123','-12:13:14.15',2026,'{\"a\": [1, null, \"ö\"]}',REPEAT('\\'\\\\\\0',"
                                    + random.nextInt(200)
                                    + "),"
                                    + (i % 5 == 0 ? "NULL" : "ST_GeomFromText('POINT(1 2)')")
                                    + ",1.5,"
                                    + random.nextDouble()
                                    + ",4000000000)");
                    live++;
                } else if (dice == 3) {
                    s.execute(
                            "UPDATE t SET n=n-"
                                    + (i + 1)
                                    + ", u=CONCAT('v',id), bl=NULL WHERE id="
                                    + id);
                } else if (dice == 4) {
                    s.execute("UPDATE t SET id=id+" + (1_000_000 + i) + " WHERE id=" + id);
                } else {
                    s.execute("DELETE FROM t WHERE id=" + id);
                    live--;
                }
                if (random.nextInt(4) == 0) {
                    c.commit();
                }
            }
            c.commit();
        }
    }

    private static void setAside(DbServer server) {
        server.execute(
                "CREATE TABLE e.expected LIKE e.t",
                "INSERT INTO e.expected SELECT * FROM e.t",
                "TRUNCATE e.t");
    }

    private static void assertSame(DbServer server) {
        for (String column :
                List.of(
                        "id",
                        "u",
                        "HEX(b)",
                        "bits+0",
                        "en",
                        "st",
                        "de",
                        "dt",
                        "ts",
                        "ti",
                        "y",
                        "js",
                        "HEX(bl)",
                        "ST_AsText(g)",
                        "f",
                        "d",
                        "n")) {
            String sum =
                    "SELECT CONCAT(COUNT(*),'/',SUM(CRC32(CONCAT(id,'#',IFNULL("
                            + column
                            + ",'NULL'))))) FROM e.";
            assertThat(server.query(sum + "t"))
                    .as(column)
                    .isEqualTo(server.query(sum + "expected"));
        }
        assertThat(server.query("SELECT COUNT(*) > 50 FROM e.t")).contains("1");
    }

    private static void write(DbServer server, Replay rows, String parameters, Clock clock) {
        try (SinkDriver sink =
                new SinkDriver(
                        uri(server, parameters), "events/" + JOBS.getAndIncrement(), clock)) {
            rows.offerTo(sink);
            sink.drain();
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void everyTypeAndOperation(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        createTables(server);
        Replay rows = Replay.of(server, "e.t", CHANGES, () -> change(server));
        setAside(server);
        long events = status(server, "Com_binlog");
        write(server, rows, "worker-count=3&max-txn-row=50", LONG_AGO);
        assertSame(server);
        assertThat(status(server, "Com_binlog") - events).isGreaterThan(10);

        // Again, by a job that knows nothing of the first: rows are there already, or gone.
        long replaced = status(server, "Com_replace");
        write(server, rows, "worker-count=3&max-txn-row=50", Clock.systemUTC());
        assertSame(server);
        assertThat(status(server, "Com_replace") - replaced).isPositive();

        server.execute("TRUNCATE e.t");
        events = status(server, "Com_binlog");
        write(server, rows, "row-events=false", LONG_AGO);
        assertSame(server);
        assertThat(status(server, "Com_binlog") - events).isZero();
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aTableThatIsNotTheSameGetsSql(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        createTables(server);
        Replay rows = Replay.of(server, "e.t", CHANGES, () -> change(server));
        setAside(server);
        for (String difference :
                new String[] {
                    "ALTER TABLE e.t MODIFY de DECIMAL(22,4)",
                    "ALTER TABLE e.t MODIFY u VARCHAR(40) CHARACTER SET utf8mb4",
                    "CREATE TRIGGER e.tr BEFORE INSERT ON e.t FOR EACH ROW SET NEW.n=NEW.n"
                }) {
            server.execute("DROP TABLE e.t", "CREATE TABLE e.t LIKE e.expected", difference);
            long events = status(server, "Com_binlog");
            write(server, rows, "worker-count=2", LONG_AGO);
            // One per worker describes the format of events that then do not come.
            assertThat(status(server, "Com_binlog") - events).as(difference).isLessThan(4);
            assertThat(
                            server.query(
                                    "SELECT COUNT(*) FROM e.t JOIN e.expected x USING (id, u, b, bits, en, st, de, dt, ts, ti, y, n)"))
                    .isEqualTo(server.query("SELECT COUNT(*) FROM e.expected"));
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void anUpdateDoesNotBringBackARowThatIsMissing(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        createTables(server);
        server.execute("INSERT INTO e.t (id,n) VALUES (1,1),(2,1),(3,1)");
        for (String parameters : new String[] {"", "row-events=false"}) {
            Replay rows =
                    Replay.of(
                            server,
                            "e.t",
                            6,
                            () -> server.execute("UPDATE e.t SET n=n+1", "UPDATE e.t SET n=n+1"));
            server.execute("DELETE FROM e.t WHERE id=2");
            write(server, rows, parameters, LONG_AGO);
            assertThat(server.query("SELECT GROUP_CONCAT(id) FROM e.t"))
                    .as(parameters)
                    .contains("1,3");
            server.execute("INSERT INTO e.t (id,n) VALUES (2,9)");
        }
    }

    /** That the target has no time for the rows now says nothing of how they are sent. */
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aLockThatStaysDoesNotTurnEventsOff(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        createTables(server);
        Replay rows =
                Replay.of(
                        server,
                        "e.t",
                        1,
                        () -> server.execute("INSERT INTO e.t (id,n) VALUES (1,1)"));
        server.execute("DELETE FROM e.t", "SET GLOBAL innodb_lock_wait_timeout=1");
        try (SinkDriver sink =
                        new SinkDriver(
                                uri(server, "worker-count=1"),
                                "events/" + JOBS.getAndIncrement(),
                                LONG_AGO);
                Connection other = server.connect();
                Statement s = other.createStatement()) {
            s.execute("BEGIN");
            s.execute("INSERT INTO e.t (id,n) VALUES (1,2)");
            long inserts = status(server, "Com_insert");
            long events = status(server, "Com_binlog");
            rows.offerTo(sink);
            assertThat(sink.awaitFailure().code()).isEqualTo(ErrorCode.SINK_TRANSIENT);
            // The rows of an event count like a statement; one more event describes the format.
            assertThat(status(server, "Com_insert") - inserts)
                    .isPositive()
                    .isEqualTo(status(server, "Com_binlog") - events - 1);
            s.execute("ROLLBACK");
        } finally {
            server.execute("SET GLOBAL innodb_lock_wait_timeout=50");
        }
    }

    @Test
    void withoutTheRightRowsGoAsSql() throws Exception {
        DbServer server = server(Flavor.MYSQL);
        createTables(server);
        Replay rows = Replay.of(server, "e.t", CHANGES, () -> change(server));
        setAside(server);
        server.execute(
                "CREATE USER IF NOT EXISTS plain@'%' IDENTIFIED BY 'p'",
                "GRANT SELECT,INSERT,UPDATE,DELETE,CREATE,DROP,ALTER ON *.* TO plain@'%'");
        try (SinkDriver sink =
                new SinkDriver(
                        "mysql://plain:p@127.0.0.1:" + server.port() + "/",
                        "events/plain",
                        LONG_AGO)) {
            rows.offerTo(sink);
            sink.drain();
        }
        assertSame(server);
    }
}
