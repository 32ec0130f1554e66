package io.millrace.mysql.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.TableName;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.net.FaultProxy;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DbServer.Flavor;
import io.millrace.testkit.servers.FlavorServers;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What foreign keys do to other rows is not in the binlog: the target has to do the same. The rows
 * come from a real binlog and go back into the same, emptied tables; every table must end as it was
 * upstream.
 */
final class ForeignKeyIT {
    @RegisterExtension static final FlavorServers SERVERS = new FlavorServers();
    private static final AtomicInteger JOBS = new AtomicInteger();

    /** Rows are written plainly, or idempotently. */
    private static final Clock PLAIN = SinkContract.CLOCK;

    private static final Clock SAFE = Clock.systemUTC();

    private static final String[] OPTIONS = {
        "worker-count=4",
        "worker-count=4&row-events=false",
        "worker-count=3&max-txn-row=2",
        "worker-count=3&multi-stmt-enable=false",
        "worker-count=3&row-events=false&batch-dml-enable=false",
        "worker-count=4&transaction-atomicity=table"
    };

    private static DbServer server(Flavor flavor) {
        return SERVERS.of(flavor);
    }

    private static String uri(DbServer server, int port, String parameters) {
        return server.uri(port) + "?" + parameters;
    }

    /** Makes the tables of a test and the one that ends its rows. */
    private static void tables(DbServer server, String... definitions) {
        server.execute(
                "DROP DATABASE IF EXISTS f",
                "CREATE DATABASE f CHARACTER SET utf8mb4",
                "CREATE TABLE f.the_end (id INT PRIMARY KEY)");
        for (String definition : definitions) {
            server.execute("CREATE TABLE f." + definition);
        }
    }

    private static Replay replay(DbServer server, String... work) throws Exception {
        return replay(
                server,
                () -> {
                    try (Connection c = server.connect("f");
                            Statement s = c.createStatement()) {
                        for (String statement : work) {
                            s.execute(statement);
                        }
                    }
                });
    }

    private static Replay replay(DbServer server, Replay.Work work) throws Exception {
        return Replay.until(
                server,
                "f.*",
                "the_end",
                () -> {
                    work.run();
                    server.execute("INSERT INTO f.the_end VALUES (1)");
                });
    }

    /** All rows of all tables. */
    private static Map<String, List<String>> content(DbServer server) throws SQLException {
        Map<String, List<String>> content = new LinkedHashMap<>();
        try (Connection c = server.connect("f");
                Statement s = c.createStatement()) {
            List<String> names = new ArrayList<>();
            try (ResultSet r = s.executeQuery("SHOW TABLES")) {
                while (r.next()) {
                    names.add(r.getString(1));
                }
            }
            names.remove("the_end");
            for (String name : names) {
                List<String> rows = new ArrayList<>();
                try (ResultSet r = s.executeQuery("SELECT * FROM " + name + " ORDER BY 1, 2")) {
                    while (r.next()) {
                        StringBuilder row = new StringBuilder();
                        for (int i = 1; i <= r.getMetaData().getColumnCount(); i++) {
                            row.append(i == 1 ? "" : "|").append(r.getString(i));
                        }
                        rows.add(row.toString());
                    }
                }
                content.put(name, rows);
            }
        }
        return content;
    }

    private static void empty(DbServer server) throws SQLException {
        List<String> names = new ArrayList<>(content(server).keySet());
        try (Connection c = server.connect("f");
                Statement s = c.createStatement()) {
            s.execute("SET foreign_key_checks=0");
            for (String name : names) {
                s.execute("TRUNCATE " + name);
            }
        }
    }

    private static String newJob() {
        return "fk/" + JOBS.getAndIncrement();
    }

    private static void write(
            DbServer server, Replay rows, String job, String parameters, Clock clock) {
        try (SinkDriver sink = new SinkDriver(uri(server, server.port(), parameters), job, clock)) {
            rows.offerTo(sink);
            sink.drain();
        }
    }

    /** Writes the rows into empty tables, in every way there is, and compares. */
    private static void assertArrives(DbServer server, Replay rows) throws Exception {
        Map<String, List<String>> expected = content(server);
        for (Clock clock : new Clock[] {PLAIN, SAFE}) {
            for (String options : OPTIONS) {
                empty(server);
                String job = newJob();
                write(server, rows, job, options, clock);
                assertThat(content(server))
                        .as("%s safe=%s", options, clock == SAFE)
                        .isEqualTo(expected);
                // The same job again: it knows what it did.
                write(server, rows, job, options, clock);
                assertThat(content(server))
                        .as("%s safe=%s again", options, clock == SAFE)
                        .isEqualTo(expected);
            }
        }
        // A job that knows nothing, over what is there already.
        write(server, rows, newJob(), "worker-count=4", SAFE);
        assertThat(content(server)).as("over it").isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void deletedParentsTakeTheirChildrenAlong(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        tables(
                server,
                "p (id BIGINT PRIMARY KEY, v INT)",
                "c (id BIGINT PRIMARY KEY, pid BIGINT, FOREIGN KEY (pid) REFERENCES p(id) ON DELETE"
                        + " CASCADE)",
                "n (id BIGINT PRIMARY KEY, pid BIGINT, FOREIGN KEY (pid) REFERENCES p(id) ON DELETE"
                        + " SET NULL)",
                "g (id BIGINT PRIMARY KEY, cid BIGINT, FOREIGN KEY (cid) REFERENCES c(id) ON DELETE"
                        + " CASCADE)",
                "gg (id BIGINT PRIMARY KEY, gid BIGINT, FOREIGN KEY (gid) REFERENCES g(id) ON"
                        + " DELETE SET NULL)");
        Replay rows =
                replay(
                        server,
                        "INSERT INTO p VALUES (1,0),(2,0),(3000,0),(40000,0)",
                        "INSERT INTO c VALUES (10,1),(11,1),(20,2),(30,3000),(400,40000)",
                        "INSERT INTO n VALUES (10,1),(20000,2),(30,3000)",
                        "INSERT INTO g VALUES (100,10),(200,20),(300,30),(301,30)",
                        "INSERT INTO gg VALUES (1000,100),(2000,200),(3000,300),(3001,301)",
                        "DELETE FROM p WHERE id IN (1,3000)",
                        // The same keys again.
                        "INSERT INTO p VALUES (1,1)",
                        "INSERT INTO c VALUES (10,1),(12,1)",
                        "INSERT INTO g VALUES (100,10)",
                        "BEGIN",
                        "UPDATE n SET pid=2 WHERE id=10",
                        "DELETE FROM c WHERE id=20",
                        "INSERT INTO c VALUES (21,2)",
                        "DELETE FROM p WHERE id=2",
                        "INSERT INTO p VALUES (2,2)",
                        "INSERT INTO c VALUES (22,2)",
                        "COMMIT",
                        "UPDATE p SET v=v+1");
        assertThat(content(server).get("c")).containsExactly("10|1", "12|1", "22|2", "400|40000");
        assertArrives(server, rows);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void changedKeysOfParentsReachTheirChildren(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        tables(
                server,
                "p (id BIGINT PRIMARY KEY, code VARCHAR(20) UNIQUE, v INT)",
                "c (id BIGINT PRIMARY KEY, pid BIGINT UNIQUE, FOREIGN KEY (pid) REFERENCES p(id) ON"
                        + " UPDATE CASCADE)",
                "g (id BIGINT PRIMARY KEY, cpid BIGINT, FOREIGN KEY (cpid) REFERENCES c(pid) ON"
                        + " UPDATE CASCADE)",
                "k (id BIGINT PRIMARY KEY, code VARCHAR(20), FOREIGN KEY (code) REFERENCES p(code)"
                        + " ON UPDATE CASCADE ON DELETE CASCADE)",
                "n (id BIGINT PRIMARY KEY, code VARCHAR(20), FOREIGN KEY (code) REFERENCES p(code)"
                        + " ON UPDATE SET NULL)");
        Replay rows =
                replay(
                        server,
                        "INSERT INTO p VALUES (1,'a',0),(2,'b',0),(3000,'c',0)",
                        "INSERT INTO c VALUES (10,1),(20,2),(3000,3000)",
                        "INSERT INTO g VALUES (100,1),(200,2),(300,3000)",
                        "INSERT INTO k VALUES (10,'a'),(11,'a'),(20,'b')",
                        "INSERT INTO n VALUES (10,'a'),(20,'b'),(30,'c')",
                        "UPDATE p SET v=7 WHERE id=2",
                        "UPDATE p SET id=id+100000 WHERE id<3000",
                        "BEGIN",
                        "UPDATE p SET id=1, v=8 WHERE id=3000",
                        "UPDATE p SET code='A' WHERE code='a'",
                        "UPDATE p SET code='z' WHERE code='b'",
                        "UPDATE p SET code='b' WHERE code='A'",
                        "COMMIT",
                        "UPDATE k SET code='b' WHERE id=20",
                        "UPDATE n SET code='c' WHERE id=10",
                        "DELETE FROM k WHERE id=10");
        assertThat(content(server).get("c")).containsExactly("10|100001", "20|100002", "3000|1");
        assertThat(content(server).get("k")).containsExactly("11|b", "20|b");
        assertThat(content(server).get("n")).containsExactly("10|c", "20|null", "30|c");
        assertArrives(server, rows);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aTableMayReferToItself(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        tables(
                server,
                "t (id BIGINT PRIMARY KEY, up BIGINT, FOREIGN KEY (up) REFERENCES t(id) ON DELETE"
                        + " CASCADE)",
                "s (id BIGINT PRIMARY KEY, up BIGINT, FOREIGN KEY (up) REFERENCES s(id) ON DELETE"
                        + " SET NULL)",
                "r (id BIGINT PRIMARY KEY, up BIGINT, tid BIGINT, FOREIGN KEY (up) REFERENCES r(id)"
                        + " ON DELETE RESTRICT, FOREIGN KEY (tid) REFERENCES t(id) ON DELETE"
                        + " CASCADE)",
                "rc (id BIGINT PRIMARY KEY, rid BIGINT, FOREIGN KEY (rid) REFERENCES r(id) ON"
                        + " DELETE CASCADE)");
        Replay rows =
                replay(
                        server,
                        "INSERT INTO t VALUES (1,NULL),(2000,1),(3,2000),(4000,3),(5,NULL),(6,5)",
                        "INSERT INTO s VALUES (1,NULL),(2000,1),(3,2000),(4000,3),(5,NULL)",
                        "INSERT INTO r VALUES (3000,NULL,5),(2,3000,5),(1000,2,5),(7,NULL,6)",
                        "INSERT INTO rc VALUES (1,3000),(2,2),(3,1000),(4,7)",
                        "DELETE FROM t WHERE id=2000",
                        "INSERT INTO t VALUES (3,1)",
                        "DELETE FROM s WHERE id IN (1,3)",
                        // Only in this order: the later rows refer to the earlier ones.
                        "DELETE FROM r WHERE tid=5 ORDER BY id=1000 DESC, id",
                        "DELETE FROM t WHERE id=6");
        assertThat(content(server).get("t")).containsExactly("1|null", "3|1", "5|null");
        assertThat(content(server).get("s")).containsExactly("5|null", "2000|null", "4000|null");
        assertThat(content(server).get("rc")).isEmpty();
        assertArrives(server, rows);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void minimalRowImagesAreEnough(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        tables(
                server,
                "p (id BIGINT PRIMARY KEY, code VARCHAR(20) UNIQUE, v INT)",
                "c (id BIGINT PRIMARY KEY, pid BIGINT, FOREIGN KEY (pid) REFERENCES p(id) ON DELETE"
                        + " CASCADE ON UPDATE CASCADE)",
                "k (id BIGINT PRIMARY KEY, code VARCHAR(20), FOREIGN KEY (code) REFERENCES p(code)"
                        + " ON UPDATE CASCADE ON DELETE SET NULL)");
        Replay rows =
                replay(
                        server,
                        "SET SESSION binlog_row_image='MINIMAL'",
                        "INSERT INTO p VALUES (1,'a',0),(2,'b',0),(3000,'c',0)",
                        "INSERT INTO c VALUES (10,1),(20,2),(30,3000)",
                        "INSERT INTO k VALUES (10,'a'),(20,'b'),(30,'c')",
                        "UPDATE p SET v=1",
                        "UPDATE p SET code='z' WHERE id=1",
                        "UPDATE p SET id=7000 WHERE id=2",
                        "DELETE FROM p WHERE id=3000",
                        "INSERT INTO c VALUES (30,1)");
        Map<String, List<String>> expected = content(server);
        assertThat(expected.get("k")).containsExactly("10|z", "20|b", "30|null");
        for (Clock clock : new Clock[] {PLAIN, SAFE}) {
            for (String options : OPTIONS) {
                empty(server);
                write(server, rows, newJob(), options, clock);
                assertThat(content(server))
                        .as("%s safe=%s", options, clock == SAFE)
                        .isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void whatWasDoneWithoutChecksIsDoneWithoutChecks(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        tables(
                server,
                "p (id BIGINT PRIMARY KEY, v INT)",
                "c (id BIGINT PRIMARY KEY, pid BIGINT, FOREIGN KEY (pid) REFERENCES p(id) ON DELETE"
                        + " CASCADE ON UPDATE CASCADE)");
        Replay rows =
                replay(
                        server,
                        "INSERT INTO p VALUES (1,0),(2,0),(3,0)",
                        "INSERT INTO c VALUES (10,1),(20,2),(30,3)",
                        "SET foreign_key_checks=0",
                        "DELETE FROM p WHERE id=1",
                        "UPDATE p SET id=4000 WHERE id=2",
                        "SET foreign_key_checks=1",
                        "DELETE FROM p WHERE id=3");
        assertThat(content(server).get("c")).containsExactly("10|1", "20|2");
        assertArrives(server, rows);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void idempotentWritesOfParentsLeaveTheirChildrenAlone(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        tables(
                server,
                "p (id BIGINT PRIMARY KEY, u INT UNIQUE, v INT)",
                "c (id BIGINT PRIMARY KEY, pid BIGINT, FOREIGN KEY (pid) REFERENCES p(id) ON DELETE"
                        + " CASCADE ON UPDATE CASCADE)",
                "n (id BIGINT PRIMARY KEY, pid BIGINT, FOREIGN KEY (pid) REFERENCES p(id) ON DELETE"
                        + " SET NULL)");
        Replay rows =
                replay(
                        server,
                        "INSERT INTO p VALUES (1,1,0),(2,2,0)",
                        "UPDATE p SET v=1",
                        "UPDATE p SET u=u+10");
        server.execute(
                "INSERT INTO f.c VALUES (10,1),(20,2)", "INSERT INTO f.n VALUES (10,1),(20,2)");
        Map<String, List<String>> expected = content(server);
        for (String options : OPTIONS) {
            write(server, rows, newJob(), options, SAFE);
            assertThat(content(server)).as(options).isEqualTo(expected);
        }
    }

    /** Rows that were taken along are written anew when a replay begins before them. */
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aReplayOverALaterStateEndsInThatState(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        tables(
                server,
                "p (id BIGINT PRIMARY KEY, u INT UNIQUE, v ENUM('a','b'))",
                "c (id BIGINT PRIMARY KEY, pid BIGINT, FOREIGN KEY (pid) REFERENCES p(id) ON DELETE"
                        + " CASCADE ON UPDATE CASCADE)",
                "n (id BIGINT PRIMARY KEY, pu INT, FOREIGN KEY (pu) REFERENCES p(u) ON DELETE SET"
                        + " NULL ON UPDATE CASCADE)",
                "r (id BIGINT PRIMARY KEY, pid BIGINT, FOREIGN KEY (pid) REFERENCES p(id))");
        server.execute(
                "INSERT INTO f.p VALUES"
                        + " (1,10,'a'),(2,20,'a'),(3000,30,'b'),(4,40,'b'),(5,50,'a'),(6,60,'a')",
                "INSERT INTO f.c VALUES (50,5),(60,6)",
                "INSERT INTO f.n VALUES (50,50)");
        Replay rows =
                replay(
                        server,
                        "INSERT INTO c VALUES (20,2),(30,3000),(40,4)",
                        "INSERT INTO n VALUES (20,20),(30,30),(40,40)",
                        "DELETE FROM p WHERE id=2",
                        "UPDATE p SET id=7000, u=70 WHERE id=3000",
                        "UPDATE p SET u=41, v='a' WHERE id=4",
                        "DELETE FROM p WHERE id=5",
                        "INSERT INTO p VALUES (5,51,'b')",
                        "INSERT INTO r VALUES (1,5)",
                        "INSERT INTO c VALUES (51,5)",
                        "INSERT INTO n VALUES (51,51)",
                        "UPDATE p SET id=8000 WHERE id=6",
                        "INSERT INTO p VALUES (6,61,'b')",
                        "INSERT INTO r VALUES (2,6)");
        Map<String, List<String>> expected = content(server);
        assertThat(expected.get("n"))
                .containsExactly("20|null", "30|70", "40|41", "50|null", "51|51");
        for (String options : OPTIONS) {
            write(server, rows, newJob(), options, SAFE);
            assertThat(content(server)).as(options).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aRowThatTheTargetsOwnRowsHoldBackIsNamed(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        tables(
                server,
                "p (id BIGINT PRIMARY KEY)",
                "c (id BIGINT PRIMARY KEY, pid BIGINT, FOREIGN KEY (pid) REFERENCES p(id) ON DELETE"
                        + " CASCADE)",
                "r (id BIGINT PRIMARY KEY, pid BIGINT, FOREIGN KEY (pid) REFERENCES p(id))");
        Replay rows = replay(server, "INSERT INTO p VALUES (1),(2)", "DELETE FROM p WHERE id=2");
        server.execute(
                "DELETE FROM f.p", "SET foreign_key_checks=0", "INSERT INTO f.r VALUES (7,2)");
        try (SinkDriver sink =
                new SinkDriver(uri(server, server.port(), "worker-count=2"), newJob(), PLAIN)) {
            rows.offerTo(sink);
            MillraceException e = sink.awaitFailure();
            assertThat(e.code()).isEqualTo(ErrorCode.SINK_DATA);
            assertThat(e.text()).contains("f.p", "id=2", "foreign key constraint");
        }
        assertThat(server.query("SELECT GROUP_CONCAT(id) FROM f.p")).contains("1,2");
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void foreignKeysAreFoundWhateverTheNamesAndTheRights(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        server.execute(
                "DROP DATABASE IF EXISTS `f-g ü`",
                "CREATE DATABASE `f-g ü` CHARACTER SET utf8mb4",
                "CREATE TABLE `f-g ü`.`p/Ä.x` (a INT, `B ö` INT, u INT, PRIMARY KEY (a, `B ö`), KEY"
                        + " (u))",
                "CREATE TABLE `f-g ü`.none (a INT PRIMARY KEY)",
                "CREATE TABLE `f-g ü`.c1 (a INT, b INT, FOREIGN KEY (a, b) REFERENCES `p/Ä.x` (a, `B"
                        + " ö`) ON UPDATE SET NULL)",
                "CREATE TABLE `f-g ü`.c2 (a INT, FOREIGN KEY (a) REFERENCES none (a), FOREIGN KEY"
                        + " (a) REFERENCES c1 (a) ON DELETE SET NULL)",
                "DROP USER IF EXISTS plain@'%'",
                "CREATE USER plain@'%' IDENTIFIED BY 'p'",
                "GRANT ALL ON *.* TO plain@'%'",
                "REVOKE PROCESS ON *.* FROM plain@'%'");
        for (String user : new String[] {"root:" + server.rootPassword(), "plain:p"}) {
            MySqlSinkConfig config =
                    MySqlSinkConfig.of(
                            SinkSpec.of("mysql://" + user + "@127.0.0.1:" + server.port() + "/"));
            try (TargetSession session = TargetSession.open(config, TargetSession.Use.CONTROL)) {
                ForeignKeys keys = ForeignKeys.load(session);
                assertThat(keys.of(new TableName("f-g ü", "p/Ä.x")))
                        .isEqualTo(new ForeignKeys.Cascades(false, Set.of("a", "b ö")));
                assertThat(keys.of(new TableName("f-g ü", "c1")))
                        .isEqualTo(new ForeignKeys.Cascades(true, Set.of()));
                assertThat(keys.of(new TableName("f-g ü", "none")).none()).isTrue();
                assertThat(keys.of(new TableName("f-g ü", "c2")).none()).isTrue();
            }
        }
    }

    private static final int TRANSACTIONS = 150;

    private static void forest(DbServer server) {
        tables(
                server,
                "p (id BIGINT PRIMARY KEY, u VARCHAR(20) UNIQUE, v INT)",
                "c (id BIGINT PRIMARY KEY, pid BIGINT, v INT, FOREIGN KEY (pid) REFERENCES p(id) ON"
                        + " DELETE CASCADE ON UPDATE CASCADE)",
                "n (id BIGINT PRIMARY KEY, u VARCHAR(20), FOREIGN KEY (u) REFERENCES p(u) ON DELETE"
                        + " SET NULL ON UPDATE CASCADE)",
                "g (id BIGINT PRIMARY KEY AUTO_INCREMENT, cid BIGINT, v INT, FOREIGN KEY (cid) REFERENCES c(id) ON"
                        + " DELETE CASCADE)",
                "x (id BIGINT PRIMARY KEY, v INT)",
                "nokey (a INT, b INT)");
    }

    /** Parents come and go among many rows of all tables. */
    private static void grow(DbServer server, long seed) throws Exception {
        Random random = new Random(seed);
        try (Connection c = server.connect("f");
                Statement s = c.createStatement()) {
            c.setAutoCommit(false);
            for (int t = 0; t < TRANSACTIONS; t++) {
                for (int i = random.nextInt(5); i >= 0; i--) {
                    change(s, random, t * 10L + i);
                }
                c.commit();
            }
        }
    }

    private static void change(Statement s, Random random, long fresh) throws SQLException {
        // Few parents, far apart, so that keys come back and belong to different workers.
        long id = random.nextInt(12) * 1000L;
        String parent =
                "(SELECT id FROM (SELECT id FROM p ORDER BY RAND(" + fresh + ") LIMIT 1) o)";
        switch (random.nextInt(10)) {
            case 0, 1 ->
                    s.execute(
                            "INSERT IGNORE INTO p VALUES (" + id + ",'u" + id + "'," + fresh + ")");
            case 2, 3, 4 -> {
                s.execute(
                        "INSERT INTO c SELECT "
                                + fresh * 300
                                + "+n.n, id, 0 FROM p JOIN (SELECT 0 n UNION SELECT 1 UNION SELECT"
                                + " 700) n WHERE p.id="
                                + id);
                s.execute("INSERT INTO g (cid, v) SELECT id, 0 FROM c WHERE pid=" + id);
            }
            case 5 -> {
                s.execute(
                        "INSERT INTO n SELECT "
                                + fresh * 20
                                + "+id DIV 1000, u FROM p WHERE id>="
                                + id);
                s.execute("INSERT INTO nokey VALUES (" + fresh + "," + random.nextInt(3) + ")");
            }
            case 6 -> {
                s.execute("UPDATE c SET v=v+1 WHERE pid=" + id);
                s.execute("UPDATE g SET v=v+1 WHERE id%3=" + fresh % 3);
                s.execute("INSERT INTO x VALUES (" + fresh + ",1)");
            }
            case 7 -> {
                s.execute("UPDATE p SET v=" + fresh + " WHERE id>=" + id);
                s.execute(
                        "UPDATE IGNORE p SET id="
                                + id
                                + ", u='w"
                                + fresh
                                + "' WHERE id<>"
                                + id
                                + " AND id="
                                + parent);
            }
            case 8 -> {
                s.execute("UPDATE c SET pid=" + parent + " WHERE id%7=" + fresh % 7);
                s.execute("DELETE FROM c WHERE id%11=" + fresh % 11);
            }
            default -> s.execute("DELETE FROM p WHERE id=" + id);
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void amongManyRowsOfAllTables(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        forest(server);
        Replay rows = replay(server, () -> grow(server, 5));
        Map<String, List<String>> content = content(server);
        assertThat(content.get("c")).hasSizeGreaterThan(10);
        assertThat(content.get("g")).hasSizeGreaterThan(10);
        Map<String, List<String>> expected = content;
        for (Clock clock : new Clock[] {PLAIN, SAFE}) {
            for (String options : OPTIONS) {
                empty(server);
                write(server, rows, newJob(), options, clock);
                assertThat(content(server))
                        .as("%s safe=%s", options, clock == SAFE)
                        .isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void runsThatAreBrokenOffLoseAndRepeatNothing(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        forest(server);
        Replay rows = replay(server, () -> grow(server, 6));
        Map<String, List<String>> expected = content(server);
        Random random = new Random(17);
        for (String options :
                new String[] {
                    "&max-txn-row=5", "&row-events=false", "&transaction-atomicity=table"
                }) {
            empty(server);
            String job = newJob();
            int broken = 0;
            boolean complete = false;
            try (FaultProxy proxy = new FaultProxy("127.0.0.1", server.port())) {
                for (int run = 0; run < 30 && !complete; run++) {
                    proxy.heal();
                    if (run < 12) {
                        proxy.cutAfter(3_000 + random.nextInt(6_000));
                    }
                    // Another number of workers does not know how far each of the old ones came.
                    String parameters = "worker-count=" + (3 + run / 5 % 2) + options;
                    try (SinkDriver sink =
                            new SinkDriver(uri(server, proxy.port(), parameters), job, PLAIN)) {
                        rows.offerTo(sink);
                        sink.drain();
                        complete = true;
                    } catch (MillraceException e) {
                        broken++;
                        assertThat(e.code().isTransient()).as(e.text()).isTrue();
                    }
                }
            }
            assertThat(complete).as(options).isTrue();
            assertThat(broken).as(options).isPositive();
            assertThat(content(server)).as(options).isEqualTo(expected);
        }
    }
}
