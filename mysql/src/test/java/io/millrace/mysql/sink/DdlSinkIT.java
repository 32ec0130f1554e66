package io.millrace.mysql.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.ChangeEvent;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.Upstream;
import io.millrace.mysql.capture.CaptureThread;
import io.millrace.mysql.upstream.MySqlUpstreamFactory;
import io.millrace.mysql.wire.SqlModes;
import io.millrace.testkit.history.MemoryHistory;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DbServer.Flavor;
import io.millrace.testkit.servers.FlavorServers;
import java.net.URI;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * DDL from a real binlog, applied by the sink: the outcome is the upstream's, once, and what is
 * found in the target counts only when it is what the statement makes.
 */
final class DdlSinkIT {
    @RegisterExtension
    static final FlavorServers SERVERS =
            new FlavorServers(flavor ->
                    DbServer.of(flavor).option("explicit_defaults_for_timestamp", "1").start());

    private static final Map<Flavor, Following> FOLLOWING = new EnumMap<>(Flavor.class);
    private static int jobs;
    private static int marks;

    private static DbServer server(Flavor flavor) {
        DbServer server = SERVERS.of(flavor);
        server.execute("DROP DATABASE IF EXISTS d", "CREATE DATABASE d CHARACTER SET utf8mb4");
        return server;
    }

    private static SinkDriver open(DbServer target, String job) {
        return new SinkDriver(target.uri(), job, SinkContract.CLOCK);
    }

    private static String newJob() {
        return "ddl/" + jobs++;
    }

    private static void apply(DbServer target, String job, SchemaChange change) {
        try (SinkDriver sink = open(target, job)) {
            sink.ddl(change, true);
        }
    }

    /** As if the run had died before it could note that the DDL was done. */
    private static void forgetOutcome(DbServer target, String job) {
        target.execute("UPDATE millrace.ddl SET state='applying' WHERE job_id='" + job + "'");
    }

    private static void distrust(DbServer target, String job) {
        new MySqlSinkFactory(SinkContract.CLOCK).distrustProgress(SinkSpec.of(target.uri()), job);
    }

    private static void assertRefused(
            DbServer target, String job, SchemaChange change, String... words) {
        assertThatThrownBy(() -> apply(target, job, change))
                .isInstanceOf(MillraceException.class)
                .satisfies(e -> assertThat(((MillraceException) e).text()).contains(words))
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_DDL);
    }

    /** Follows a server from the first test on: MariaDB lets a start wait for the next second. */
    private record Following(Upstream upstream, CaptureThread<SchemaChange> capture)
            implements AutoCloseable {
        static Following start(DbServer server) {
            CaptureThread.nextSecond(server);
            Upstream upstream = new MySqlUpstreamFactory().open(URI.create(server.uri()));
            return new Following(
                    upstream,
                    new CaptureThread<>(
                            upstream.openCapture(
                                    new CaptureRequest(
                                            newJob(),
                                            upstream.currentTso(),
                                            Optional.empty(),
                                            TableFilters.parse(List.of("*.*"), true),
                                            new MemoryHistory(),
                                            "UTC")),
                            DdlSinkIT::look));
        }

        @Override
        public void close() {
            capture.close();
            upstream.close();
        }
    }

    @AfterAll
    static void stopFollowing() {
        FOLLOWING.values().forEach(Following::close);
        FOLLOWING.clear();
    }

    /** Runs the statements in one session, and gives the last DDL as the stream has it. */
    private static SchemaChange captured(DbServer server, String... statements) throws Exception {
        CaptureThread<SchemaChange> capture =
                FOLLOWING
                        .computeIfAbsent(server.flavor(), flavor -> Following.start(server))
                        .capture();
        String before = mark();
        server.execute(before);
        // What a session says of another time counts as earlier than the start until the capture
        // has begun.
        capture.await("the mark before", 0, change -> change.query().equals(before));
        try (Connection connection = server.connect();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
        String behind = mark();
        server.execute(behind);
        capture.await("the mark", 0, change -> change.query().equals(behind));
        List<SchemaChange> seen = capture.seen();
        List<String> texts = seen.stream().map(SchemaChange::query).toList();
        return seen.subList(texts.indexOf(before) + 1, texts.indexOf(behind)).getLast();
    }

    /** A DDL that changes nothing and comes once. */
    private static String mark() {
        return "CREATE DATABASE IF NOT EXISTS mark /* " + marks++ + " */";
    }

    private static List<SchemaChange> look(ChangeEvent event) {
        if (event instanceof RowBatch batch) {
            batch.release();
        }
        return event instanceof SchemaChange change ? List.of(change) : List.of();
    }

    private static List<String> rows(DbServer server, String sql) throws Exception {
        List<String> out = new ArrayList<>();
        try (Connection c = server.connect();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery(sql)) {
            while (r.next()) {
                StringBuilder line = new StringBuilder();
                for (int i = 1; i <= r.getMetaData().getColumnCount(); i++) {
                    line.append(i == 1 ? "" : "|").append(r.getString(i));
                }
                out.add(line.toString());
            }
        }
        return out;
    }

    // ---- the session that a statement ran in

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void timesInADdlAreThoseOfTheUpstream(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String restore = "CREATE TABLE d.t (id INT PRIMARY KEY, ts TIMESTAMP NULL, u INT)";
        String row = "INSERT INTO d.t VALUES (1, '2026-03-04 05:06:07', 7)";
        String[][] cases = {
            {"ALTER TABLE d.t ADD c DATETIME DEFAULT CURRENT_TIMESTAMP"},
            {"ALTER TABLE d.t ADD c DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6)"},
            {"SET time_zone='+05:30'", "ALTER TABLE d.t ADD c DATETIME DEFAULT CURRENT_TIMESTAMP"},
            {"SET time_zone='-03:00'", "ALTER TABLE d.t MODIFY ts DATETIME"},
            {
                "SET timestamp=1700000000.25",
                "ALTER TABLE d.t ADD c DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3)"
            },
        };
        List<SchemaChange> changes = new ArrayList<>();
        List<List<String>> expected = new ArrayList<>();
        for (String[] statements : cases) {
            server.execute("DROP TABLE IF EXISTS d.t", restore);
            try (Connection c = server.connect();
                    Statement s = c.createStatement()) {
                s.execute("SET time_zone='+00:00'");
                s.execute(row);
            }
            changes.add(captured(server, statements));
            expected.add(rows(server, "SELECT * FROM d.t"));
        }
        Thread.sleep(2100);
        String job = newJob();
        for (int i = 0; i < cases.length; i++) {
            server.execute("DROP TABLE d.t", restore);
            try (Connection c = server.connect();
                    Statement s = c.createStatement()) {
                s.execute("SET time_zone='+00:00'");
                s.execute(row);
            }
            apply(server, job, changes.get(i));
            assertThat(rows(server, "SELECT * FROM d.t"))
                    .as(changes.get(i).query())
                    .isEqualTo(expected.get(i));
        }
        // The journal keeps the target's own time.
        assertThat(
                        server.query(
                                "SELECT MIN(TIMESTAMPDIFF(SECOND, changed_at, NOW())) < 60 FROM"
                                        + " millrace.ddl WHERE job_id='"
                                        + job
                                        + "'"))
                .contains("1");
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aDdlMeansWhatItMeantInItsSession(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        List<String[]> cases = new ArrayList<>();
        cases.add(
                new String[] {
                    "SET sql_mode='PIPES_AS_CONCAT'",
                    "CREATE TABLE d.t (a VARCHAR(9), b VARCHAR(9), g VARCHAR(40) AS (a||b) STORED)"
                });
        cases.add(
                new String[] {
                    "SET sql_mode='NO_BACKSLASH_ESCAPES'",
                    "CREATE TABLE d.t (a VARCHAR(19) DEFAULT 'C:\\new\\t', b INT COMMENT '\\')"
                });
        cases.add(
                new String[] {
                    "SET sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
                    "CREATE TABLE d.\"t\" (\"a b\" INT, \"c\" VARCHAR(9) DEFAULT '\\')"
                });
        cases.add(
                new String[] {"SET sql_mode='REAL_AS_FLOAT'", "CREATE TABLE d.t (a REAL, b INT)"});
        cases.add(
                new String[] {
                    "SET sql_mode='HIGH_NOT_PRECEDENCE'",
                    "CREATE TABLE d.t (a INT, g INT AS (NOT a BETWEEN -5 AND 5) STORED)"
                });
        cases.add(
                new String[] {
                    "SET collation_connection=latin1_swedish_ci",
                    "CREATE TABLE d.t (a INT, g VARCHAR(40) AS (HEX('é')) STORED)"
                });
        cases.add(
                new String[] {
                    "SET explicit_defaults_for_timestamp=0", "CREATE TABLE d.t (a TIMESTAMP)"
                });
        if (flavor == Flavor.MARIADB) {
            cases.add(
                    new String[] {
                        "SET sql_mode='ORACLE'", "CREATE TABLE d.t (a VARCHAR2(7), b NUMBER)"
                    });
            cases.add(
                    new String[] {
                        "SET character_set_collations='utf8mb4=utf8mb4_unicode_520_ci'",
                        "CREATE TABLE d.t (a VARCHAR(7)) CHARACTER SET utf8mb4"
                    });
        } else {
            cases.add(
                    new String[] {
                        "SET default_collation_for_utf8mb4=utf8mb4_general_ci",
                        "CREATE TABLE d.t (a VARCHAR(7)) CHARACTER SET utf8mb4"
                    });
        }
        String show = "SHOW CREATE TABLE d.t";
        for (String[] statements : cases) {
            server.execute("DROP TABLE IF EXISTS d.t");
            SchemaChange change = captured(server, statements);
            List<String> expected = rows(server, show);
            server.execute("DROP TABLE d.t");
            apply(server, newJob(), change);
            assertThat(rows(server, show)).as(statements[0]).isEqualTo(expected);
        }
        SchemaChange database =
                captured(server, "SET collation_server=latin2_croatian_ci", "CREATE DATABASE e");
        server.execute("DROP DATABASE e");
        apply(server, newJob(), database);
        assertThat(
                        rows(
                                server,
                                "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
                                        + " WHERE SCHEMA_NAME='e'"))
                .containsExactly("latin2_croatian_ci");
        server.execute("DROP DATABASE e");
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void rowsAreRebuiltAsTheyWereUpstream(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String[] restore = {
            "DROP TABLE IF EXISTS d.t",
            "SET sql_mode='NO_AUTO_VALUE_ON_ZERO'",
            "CREATE TABLE d.t (id INT PRIMARY KEY, v VARCHAR(30))",
            "INSERT INTO d.t VALUES (0, '2021-02-31'), (5, '2021-03-03 01:02:03.6')"
        };
        String[][] cases = {
            {"SET sql_mode=''", "ALTER TABLE d.t MODIFY v DATE"},
            {"SET sql_mode='ALLOW_INVALID_DATES'", "ALTER TABLE d.t MODIFY v DATE"},
            {
                "SET sql_mode='ALLOW_INVALID_DATES'",
                "ALTER TABLE d.t MODIFY v DATETIME, ALGORITHM=COPY"
            },
            {
                flavor == Flavor.MYSQL
                        ? "SET sql_mode='TIME_TRUNCATE_FRACTIONAL'"
                        : "SET sql_mode='TIME_ROUND_FRACTIONAL'",
                "ALTER TABLE d.t MODIFY v DATETIME"
            },
            {"SET sql_mode=''", "ALTER TABLE d.t MODIFY id INT NOT NULL AUTO_INCREMENT"},
            {
                "SET sql_mode='NO_AUTO_VALUE_ON_ZERO'",
                "ALTER TABLE d.t MODIFY id INT NOT NULL AUTO_INCREMENT"
            }
        };
        for (String[] statements : cases) {
            restore(server, restore);
            SchemaChange change = captured(server, statements);
            List<String> expected = rows(server, "SELECT id, CONCAT(v) FROM d.t ORDER BY id");
            restore(server, restore);
            apply(server, newJob(), change);
            assertThat(rows(server, "SELECT id, CONCAT(v) FROM d.t ORDER BY id"))
                    .as(statements[0] + "; " + statements[1])
                    .isEqualTo(expected);
        }
    }

    private static void restore(DbServer server, String... statements) throws Exception {
        try (Connection c = server.connect();
                Statement s = c.createStatement()) {
            for (String sql : statements) {
                s.execute(sql);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void bitsOfSqlModeHaveTheServersNames(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        Set<String> none = SqlModes.names(0, flavor == Flavor.MARIADB);
        int known = 0;
        try (Connection c = server.connect();
                Statement s = c.createStatement()) {
            for (int bit = 0; bit < 35; bit++) {
                Set<String> names = SqlModes.names(1L << bit, flavor == Flavor.MARIADB);
                names.removeAll(none);
                try {
                    s.execute("SET sql_mode=" + (1L << bit));
                } catch (SQLException e) {
                    continue;
                }
                try (ResultSet row = s.executeQuery("SELECT @@sql_mode")) {
                    row.next();
                    // Neither has to do with what a DDL makes.
                    if (!row.getString(1).equals("SIMULTANEOUS_ASSIGNMENT")
                            && !row.getString(1).equals("NOT_USED")) {
                        assertThat(List.of(row.getString(1).split(",")))
                                .as("bit %s", bit)
                                .containsAll(names);
                        assertThat(names).as("bit %s", bit).hasSize(1);
                        known++;
                    }
                }
            }
        }
        assertThat(known).isGreaterThan(15);
    }

    @Test
    void theOtherFlavourGetsWhatItKnowsOfTheSession() throws Exception {
        DbServer mysql = server(Flavor.MYSQL);
        DbServer mariadb = server(Flavor.MARIADB);
        SchemaChange fromMySql =
                captured(
                        mysql,
                        "SET sql_mode='STRICT_TRANS_TABLES,PIPES_AS_CONCAT,ONLY_FULL_GROUP_BY,"
                                + "TIME_TRUNCATE_FRACTIONAL'",
                        "SET time_zone='+02:00'",
                        "CREATE TABLE d.t (a VARCHAR(9), g VARCHAR(40) AS (a||'x') STORED, c"
                                + " DATETIME DEFAULT CURRENT_TIMESTAMP)");
        apply(mariadb, newJob(), fromMySql);
        mariadb.execute("INSERT INTO d.t (a) VALUES ('q')");
        assertThat(rows(mariadb, "SELECT g FROM d.t")).containsExactly("qx");
        SchemaChange fromMariaDb =
                captured(
                        mariadb,
                        "SET sql_mode='PIPES_AS_CONCAT,EMPTY_STRING_IS_NULL,TIME_ROUND_FRACTIONAL,"
                                + "SIMULTANEOUS_ASSIGNMENT'",
                        "CREATE TABLE d.s (a VARCHAR(9), g VARCHAR(40) AS (a||'x') STORED)");
        apply(mysql, newJob(), fromMariaDb);
        mysql.execute("INSERT INTO d.s (a) VALUES ('q')");
        assertThat(rows(mysql, "SELECT g FROM d.s")).containsExactly("qx");
    }

    // ---- once, whatever happens between

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aSwapOfTablesIsNotRepeated(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String[] before = {
            "DROP TABLE IF EXISTS d.a, d.b",
            "CREATE TABLE d.a (id INT PRIMARY KEY)",
            "CREATE TABLE d.b (id INT PRIMARY KEY, more INT)",
        };
        server.execute(before);
        SchemaChange swap = captured(server, "RENAME TABLE d.a TO d.tmp, d.b TO d.a, d.tmp TO d.b");
        List<String> expected = rows(server, "SHOW COLUMNS FROM d.a");
        server.execute(before);
        String job = newJob();
        apply(server, job, swap);
        assertThat(rows(server, "SHOW COLUMNS FROM d.a")).isEqualTo(expected);
        forgetOutcome(server, job);
        apply(server, job, swap);
        assertThat(rows(server, "SHOW COLUMNS FROM d.a")).isEqualTo(expected);
        // Begun, but it did not come to it.
        forgetOutcome(server, job);
        server.execute(before);
        apply(server, job, swap);
        assertThat(rows(server, "SHOW COLUMNS FROM d.a")).isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aSwapOfLikeTablesInDoubtIsLeftToTheOperator(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        server.execute(
                "CREATE TABLE d.a (id INT PRIMARY KEY)", "CREATE TABLE d.b (id INT PRIMARY KEY)");
        SchemaChange swap = captured(server, "RENAME TABLE d.a TO d.tmp, d.b TO d.a, d.tmp TO d.b");
        server.execute("INSERT INTO d.a VALUES (1)", "INSERT INTO d.b VALUES (2)");
        String job = newJob();
        apply(server, job, swap);
        assertThat(rows(server, "SELECT id FROM d.a")).containsExactly("2");
        forgetOutcome(server, job);
        assertRefused(server, job, swap, "d.a", "millrace", "'applied'");
        assertThat(rows(server, "SELECT id FROM d.a")).containsExactly("2");
        server.execute("UPDATE millrace.ddl SET state='applied' WHERE job_id='" + job + "'");
        apply(server, job, swap);
        assertThat(rows(server, "SELECT id FROM d.a")).containsExactly("2");
    }

    /** As when the filter is changed while it is in doubt, or when the operator has settled it. */
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aSwapIsNotRepeatedAfterTheProgressIsDistrusted(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String[] before = {
            "DROP TABLE IF EXISTS d.t",
            "CREATE TABLE d.t (id INT PRIMARY KEY, a INT, b INT)",
            "INSERT INTO d.t VALUES (1, 10, 20)"
        };
        server.execute(before);
        SchemaChange unseen =
                captured(server, "ALTER TABLE d.t CHANGE a b INT, CHANGE b a INT AFTER id");
        server.execute(before);
        String job = newJob();
        apply(server, job, unseen);
        assertThat(rows(server, "SELECT a, b FROM d.t")).containsExactly("20|10");
        distrust(server, job);
        apply(server, job, unseen);
        assertThat(rows(server, "SELECT a, b FROM d.t")).containsExactly("20|10");
        forgetOutcome(server, job);
        distrust(server, job);
        assertRefused(server, job, unseen, "d.t", "'applied'");
        server.execute("UPDATE millrace.ddl SET state='applied' WHERE job_id='" + job + "'");
        distrust(server, job);
        apply(server, job, unseen);
        assertThat(rows(server, "SELECT a, b FROM d.t")).containsExactly("20|10");
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aSwapOfColumnsIsNotRepeated(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String[] before = {
            "DROP TABLE IF EXISTS d.t",
            "CREATE TABLE d.t (id INT PRIMARY KEY, a INT, b INT)",
            "INSERT INTO d.t VALUES (1, 10, 20)"
        };
        server.execute(before);
        SchemaChange swap =
                captured(server, "ALTER TABLE d.t RENAME COLUMN a TO b, RENAME COLUMN b TO a");
        server.execute(before);
        String job = newJob();
        apply(server, job, swap);
        assertThat(rows(server, "SELECT a, b FROM d.t")).containsExactly("20|10");
        forgetOutcome(server, job);
        apply(server, job, swap);
        assertThat(rows(server, "SELECT a, b FROM d.t")).containsExactly("20|10");
        forgetOutcome(server, job);
        server.execute(before);
        apply(server, job, swap);
        assertThat(rows(server, "SELECT a, b FROM d.t")).containsExactly("20|10");
        // The definition shows no trace of this one.
        server.execute(before);
        SchemaChange unseen =
                captured(server, "ALTER TABLE d.t CHANGE a b INT, CHANGE b a INT AFTER id");
        server.execute(before);
        job = newJob();
        apply(server, job, unseen);
        List<String> now = rows(server, "SELECT a, b FROM d.t");
        assertThat(now).containsExactly("20|10");
        forgetOutcome(server, job);
        assertRefused(server, job, unseen, "d.t", "'applied'");
        assertThat(rows(server, "SELECT a, b FROM d.t")).isEqualTo(now);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aStatementInPartsGoesOnWhereItWasCut(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String[] before = {
            "DROP TABLE IF EXISTS d.a, d.b",
            "CREATE TABLE d.a (id INT PRIMARY KEY)",
            "CREATE TABLE d.b (id INT PRIMARY KEY)",
        };
        server.execute(before);
        SchemaChange drop = captured(server, "DROP TABLE d.a, d.b");
        server.execute(before);
        List<SchemaChange.Change> parts = new ArrayList<>(drop.changes());
        SchemaChange.Change second = parts.removeLast();
        parts.add(
                new SchemaChange.Change(
                        second.kind(),
                        second.name(),
                        second.newName(),
                        second.before(),
                        second.after(),
                        "DROP TABLE d.b AND MORE"));
        String job = newJob();
        assertRefused(server, job, drop.only(parts), "AND MORE");
        assertThat(server.query("SHOW TABLES FROM d LIKE 'a'")).isEmpty();
        // A new table of the first name is not touched by what goes on.
        server.execute("CREATE TABLE d.a (kept INT)");
        apply(server, job, drop);
        assertThat(rows(server, "SHOW TABLES FROM d")).containsExactly("a");
        forgetOutcome(server, job);
        apply(server, job, drop);
        assertThat(rows(server, "SHOW TABLES FROM d")).containsExactly("a");
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aReplayWaitsForTheStatementThatStillRuns(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String[] before = {
            "DROP TABLE IF EXISTS d.t",
            "CREATE TABLE d.t (id INT PRIMARY KEY, a INT, b INT)",
            "INSERT INTO d.t VALUES (1, 10, 20)"
        };
        server.execute(before);
        SchemaChange swap =
                captured(server, "ALTER TABLE d.t RENAME COLUMN a TO b, RENAME COLUMN b TO a");
        server.execute(before);
        String job = newJob();
        try (Connection holder = server.connect();
                Statement lock = holder.createStatement()) {
            lock.execute("BEGIN");
            lock.execute("SELECT * FROM d.t");
            // This run dies while its statement waits for the table in the server.
            Thread first =
                    Thread.ofPlatform()
                            .start(() -> {
                                try (SinkDriver sink = open(server, job)) {
                                    sink.ddl(swap, false);
                                } catch (Throwable e) {
                                    // It is cut off below.
                                }
                            });
            long deadline = System.nanoTime() + 20_000_000_000L;
            while (server.query(
                            "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE"
                                    + " 'ALTER TABLE d.t RENAME COLUMN%' AND STATE LIKE '%lock%'")
                    .isEmpty()) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.sleep(20);
            }
            Thread second = Thread.ofPlatform().start(() -> apply(server, job, swap));
            Thread.sleep(1500);
            lock.execute("COMMIT");
            second.join(20_000);
            first.join(20_000);
        }
        assertThat(rows(server, "SELECT a, b FROM d.t")).containsExactly("20|10");
        assertThat(server.query("SELECT state FROM millrace.ddl WHERE job_id='" + job + "'"))
                .contains("applied");
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aViewThatCannotBeShownIsDropped(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String[] before = {
            "CREATE TABLE d.t (id INT PRIMARY KEY)",
            "CREATE VIEW d.v AS SELECT id FROM d.t",
            "DROP TABLE d.t"
        };
        server.execute(before);
        SchemaChange drop = captured(server, "DROP VIEW d.v");
        server.execute(before);
        String job = newJob();
        apply(server, job, drop);
        forgetOutcome(server, job);
        apply(server, job, drop);
        // Nor does the sink need the right to see it.
        server.execute(
                "CREATE TABLE d.t (id INT PRIMARY KEY)",
                "CREATE VIEW d.v AS SELECT id FROM d.t",
                "CREATE USER few@'%' IDENTIFIED BY 'p'",
                "GRANT ALL ON millrace.* TO few@'%'",
                "GRANT DROP, CREATE, INSERT ON d.* TO few@'%'");
        if (flavor == Flavor.MYSQL) {
            // To drop a view of a user who has it.
            server.execute("GRANT SYSTEM_USER ON *.* TO few@'%'");
        }
        try (SinkDriver sink =
                new SinkDriver(
                        "mysql://few:p@127.0.0.1:" + server.port() + "/",
                        newJob(),
                        SinkContract.CLOCK)) {
            sink.ddl(drop, false);
        }
        assertThat(rows(server, "SHOW TABLES FROM d")).containsExactly("t");
        server.execute("DROP USER few@'%'");
    }

    // ---- what is there already

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aRenameOntoATableOfTheTargetIsRefused(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String[] before = {
            "DROP TABLE IF EXISTS d.a, d.b", "CREATE TABLE d.a (id INT PRIMARY KEY, v INT)"
        };
        for (String sql :
                new String[] {"RENAME TABLE d.a TO d.b", "ALTER TABLE d.a RENAME TO d.b"}) {
            server.execute(before);
            SchemaChange rename = captured(server, sql);
            server.execute(before);
            server.execute("CREATE TABLE d.b (stale INT)");
            String job = newJob();
            assertRefused(server, job, rename, "d.b");
            assertThat(rows(server, "SHOW COLUMNS FROM d.b")).hasSize(1);
            // Mended: it goes on.
            server.execute("DROP TABLE d.b");
            apply(server, job, rename);
            assertThat(rows(server, "SHOW COLUMNS FROM d.b")).hasSize(2);
            // Done by hand before: nothing is left to do.
            apply(server, newJob(), rename);
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void oneEffectOfSeveralThatIsThereDoesNotCountForTheRest(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String[][] cases = {
            {
                "CREATE TABLE d.t (id INT PRIMARY KEY, c INT, KEY x (c))",
                "ALTER TABLE d.t DROP INDEX x, ADD UNIQUE u(c)",
                "DROP INDEX x ON d.t"
            },
            {
                "CREATE TABLE d.t (id INT PRIMARY KEY, b INT)",
                "ALTER TABLE d.t ADD COLUMN a INT, DROP COLUMN b",
                "ALTER TABLE d.t ADD COLUMN a INT"
            },
            {
                "CREATE TABLE d.t (id INT PRIMARY KEY, a VARCHAR(10), b INT)",
                "ALTER TABLE d.t MODIFY a VARCHAR(20), DROP COLUMN b",
                "ALTER TABLE d.t DROP COLUMN b"
            },
            {
                "CREATE TABLE d.t (id INT PRIMARY KEY, a INT, b INT)",
                "ALTER TABLE d.t ADD KEY i(a), ADD KEY j(b)",
                "ALTER TABLE d.t ADD KEY i(a)"
            },
            {
                "CREATE TABLE d.t (id INT PRIMARY KEY)",
                "ALTER TABLE d.t ADD COLUMN a INT",
                "ALTER TABLE d.t ADD COLUMN a VARCHAR(9)"
            },
            {
                "CREATE TABLE d.t (id INT PRIMARY KEY, a INT, b INT)",
                "ALTER TABLE d.t ADD UNIQUE u(a)",
                "ALTER TABLE d.t ADD UNIQUE u(b)"
            },
            {
                "CREATE TABLE d.t (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p0 VALUES"
                        + " LESS THAN (9), PARTITION p1 VALUES LESS THAN (19), PARTITION p2 VALUES"
                        + " LESS THAN (29))",
                "ALTER TABLE d.t DROP PARTITION p0, p1",
                "ALTER TABLE d.t DROP PARTITION p0"
            }
        };
        for (String[] one : cases) {
            server.execute("DROP TABLE IF EXISTS d.t", one[0]);
            SchemaChange change = captured(server, one[1]);
            List<String> done = rows(server, "SHOW CREATE TABLE d.t");
            server.execute("DROP TABLE d.t", one[0], one[2]);
            List<String> stale = rows(server, "SHOW CREATE TABLE d.t");
            String job = newJob();
            assertRefused(server, job, change, "d.t");
            assertThat(rows(server, "SHOW CREATE TABLE d.t")).as(one[1]).isEqualTo(stale);
            // The operator undoes what is in the way.
            server.execute("DROP TABLE d.t", one[0]);
            apply(server, job, change);
            assertThat(rows(server, "SHOW CREATE TABLE d.t")).as(one[1]).isEqualTo(done);
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void whatIsThereCompletelyCounts(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        String table = "CREATE TABLE d.t (id INT PRIMARY KEY, b INT, c INT, KEY k (c))";
        for (String sql :
                new String[] {
                    "ALTER TABLE d.t ADD COLUMN a INT",
                    "ALTER TABLE d.t DROP COLUMN b",
                    "ALTER TABLE d.t ADD COLUMN a INT, DROP COLUMN b",
                    "ALTER TABLE d.t ADD KEY k2(b)",
                    "ALTER TABLE d.t ADD UNIQUE u(b)",
                    "ALTER TABLE d.t DROP KEY k",
                    "ALTER TABLE d.t DROP PRIMARY KEY",
                    "CREATE INDEX k3 ON d.t (b, c)",
                    "DROP TABLE d.t",
                    table.replace("d.t ", "d.n "),
                }) {
            server.execute("DROP TABLE IF EXISTS d.t, d.n", table);
            SchemaChange change = captured(server, sql);
            apply(server, newJob(), change);
        }
        server.execute("DROP TABLE IF EXISTS d.t, d.n");
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aTableOfTheSameNameCountsOnlyWithTheSameColumns(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        for (String sql :
                new String[] {
                    "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v VARCHAR(20), d DATETIME)",
                    "CREATE TABLE IF NOT EXISTS d.t (id BIGINT PRIMARY KEY, v VARCHAR(20), d"
                            + " DATETIME)"
                }) {
            server.execute("DROP TABLE IF EXISTS d.t");
            SchemaChange create = captured(server, sql);
            for (String stale :
                    new String[] {
                        "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v VARCHAR(20))",
                        "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT, d DATETIME)"
                    }) {
                server.execute("DROP TABLE d.t", stale);
                String job = newJob();
                assertRefused(server, job, create, "d.t");
                server.execute("DROP TABLE d.t");
                apply(server, job, create);
                assertThat(rows(server, "SHOW COLUMNS FROM d.t")).hasSize(3);
            }
            server.execute(
                    "DROP TABLE d.t",
                    "CREATE TABLE d.t (d TIMESTAMP, v TEXT, id BIGINT UNSIGNED PRIMARY KEY, extra"
                            + " INT)");
            apply(server, newJob(), create);
        }
    }
}
