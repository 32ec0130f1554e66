package io.millrace.mysql.sink;

import static io.millrace.testkit.rows.TestRowBatch.delete;
import static io.millrace.testkit.rows.TestRowBatch.insert;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static io.millrace.testkit.rows.TestRowBatch.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DbServer.Flavor;
import io.millrace.testkit.servers.FlavorServers;
import io.millrace.testkit.servers.TlsMaterial;
import java.sql.Connection;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Encryption, packet limits, time zones and locks of real targets. */
final class SinkOptionsIT {
    @RegisterExtension static final FlavorServers SERVERS = new FlavorServers(SinkOptionsIT::start);
    private static int jobs;

    private static final TableSchema LONG_TEXTS =
            SinkContract.table(
                    "long_texts",
                    List.of(
                            SinkContract.notNull("id", ColumnKind.BIGINT),
                            Column.of("v", ColumnKind.LONGTEXT)),
                    SinkContract.primary(0));

    private static DbServer start(Flavor flavor) {
        DbServer started =
                DbServer.of(flavor).tls().option("max_allowed_packet", "67108864").start();
        started.execute(
                "CREATE DATABASE d",
                "CREATE TABLE d.long_texts (id BIGINT PRIMARY KEY, v LONGTEXT)",
                "CREATE TABLE d.kv (id BIGINT PRIMARY KEY, u VARCHAR(40), v VARCHAR(40),"
                        + " UNIQUE KEY u(u))");
        return started;
    }

    private static DbServer server(Flavor flavor) {
        return SERVERS.of(flavor);
    }

    private static String uri(DbServer server, String scheme, String parameters) {
        return scheme
                + "://root:"
                + server.rootPassword()
                + "@127.0.0.1:"
                + server.port()
                + "/?"
                + parameters;
    }

    private static SinkDriver open(DbServer server, String parameters) {
        return new SinkDriver(
                uri(server, "mysql", parameters), "options/" + jobs++, SinkContract.CLOCK);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void theServersCertificateIsVerifiedWhenAnAuthorityIsGiven(Flavor flavor) {
        DbServer server = server(flavor);
        TlsMaterial tls = server.tls().orElseThrow();
        MySqlSinkFactory factory = new MySqlSinkFactory(SinkContract.CLOCK);
        factory.testOpen(SinkSpec.of(uri(server, "mysql", "ssl-ca=" + tls.ca())));
        factory.testOpen(SinkSpec.of(uri(server, "mysql+ssl", "")));
        factory.testOpen(
                SinkSpec.of(
                        uri(
                                server,
                                "mysql",
                                "ssl-ca="
                                        + tls.ca()
                                        + "&ssl-cert="
                                        + tls.clientCertificate()
                                        + "&ssl-key="
                                        + tls.clientKey())));
        // A certificate that did not sign the server's.
        assertThatThrownBy(() ->
                        factory.testOpen(
                                SinkSpec.of(
                                        uri(server, "mysql", "ssl-ca=" + tls.clientCertificate()))))
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_CONNECTION);
        server.execute(
                "CREATE USER encrypted@'%' IDENTIFIED BY 'p' REQUIRE SSL",
                "GRANT ALL ON *.* TO encrypted@'%'");
        String uri = "://encrypted:p@127.0.0.1:" + server.port() + "/";
        factory.testOpen(SinkSpec.of("mysql+ssl" + uri));
        assertThatThrownBy(() -> factory.testOpen(SinkSpec.of("mysql" + uri)))
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_ACCESS_DENIED);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aRowLongerThanThePacketIsNamedAndALongOnePasses(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        try (SinkDriver sink = open(server, "")) {
            sink.offer(insert(LONG_TEXTS, SinkContract.NEW, 0, true, row(7, "y".repeat(20 << 20))));
            sink.drain();
        }
        assertThat(server.query("SELECT LENGTH(v) FROM d.long_texts WHERE id=7"))
                .contains(Integer.toString(20 << 20));
        Replay rows =
                Replay.of(
                        server,
                        "d.long_texts",
                        1,
                        () ->
                                server.execute(
                                        "INSERT INTO d.long_texts VALUES (8, REPEAT('x', "
                                                + (20 << 20)
                                                + "))"));
        server.execute("DELETE FROM d.long_texts WHERE id=8");
        try (SinkDriver sink = open(server, "")) {
            rows.offerTo(sink);
            sink.drain();
        }
        assertThat(server.query("SELECT LENGTH(v) FROM d.long_texts WHERE id=8"))
                .contains(Integer.toString(20 << 20));
        server.execute(
                "DELETE FROM d.long_texts WHERE id=8", "SET GLOBAL max_allowed_packet=1048576");
        try {
            try (SinkDriver sink = open(server, "")) {
                rows.offerTo(sink);
                assertNamed(sink.awaitFailure(), "id=8");
            }
            try (SinkDriver sink = open(server, "")) {
                sink.offer(
                        insert(
                                LONG_TEXTS,
                                SinkContract.NEW,
                                0,
                                true,
                                row(1, "short"),
                                row(9, "z".repeat(2 << 20))));
                assertNamed(sink.awaitFailure(), "id=9");
            }
        } finally {
            server.execute("SET GLOBAL max_allowed_packet=67108864");
        }
        assertThat(server.query("SELECT COUNT(*) FROM d.long_texts")).contains("1");
    }

    private static void assertNamed(MillraceException error, String key) {
        assertThat(error.code()).isEqualTo(ErrorCode.SINK_DATA);
        assertThat(error.text()).contains("d.long_texts", key, "max_allowed_packet");
        assertThat(error.text().length()).isLessThan(2000);
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aZoneThatTheTargetDoesNotKnowIsAClearError(Flavor flavor) {
        DbServer server = server(flavor);
        SinkSpec plain = SinkSpec.of(uri(server, "mysql", ""));
        SinkSpec zoned =
                new SinkSpec(plain.uri(), Map.of(), List.of(), true, false, "Europe/Berlin");
        assertThatThrownBy(() -> new MySqlSinkFactory(SinkContract.CLOCK).testOpen(zoned))
                .hasMessageContaining("Europe/Berlin")
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.MYSQL_INVALID_CONFIG);
    }

    /** Half past two came twice that night. */
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void timestampsOfTheHourThatComesTwiceStayApart(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        // A zone of one year, as the server's own loader would write it.
        server.execute(
                "INSERT INTO mysql.time_zone VALUES (9001,'N')",
                "INSERT INTO mysql.time_zone_name VALUES ('Europe/Paris',9001)",
                "INSERT INTO mysql.time_zone_transition_type VALUES (9001,0,3600,0,'CET'),"
                        + "(9001,1,7200,1,'CEST')",
                "INSERT INTO mysql.time_zone_transition VALUES (9001,1711846800,1),"
                        + "(9001,1729990800,0)",
                "CREATE TABLE d.stamps (id INT PRIMARY KEY, ts TIMESTAMP(3) NULL)",
                "CREATE TABLE d.keyless (id INT, ts TIMESTAMP NULL)");
        SinkSpec plain = SinkSpec.of(uri(server, "mysql", "row-events=false&worker-count=2"));
        SinkSpec zoned = new SinkSpec(plain.uri(), Map.of(), List.of(), true, true, "Europe/Paris");
        String zone =
                new MySqlSinkFactory(SinkContract.CLOCK).timestampZone(zoned, zoned.timeZone());
        for (String table : new String[] {"stamps", "keyless"}) {
            Replay rows =
                    Replay.inZone(
                            server,
                            "d." + table,
                            3,
                            zone,
                            () ->
                                    server.execute(
                                            "INSERT INTO d."
                                                    + table
                                                    + " SELECT 1, FROM_UNIXTIME(1729989000)",
                                            "INSERT INTO d."
                                                    + table
                                                    + " SELECT 2, FROM_UNIXTIME(1729992600)",
                                            "DELETE FROM d." + table + " WHERE id=1"));
            server.execute("DELETE FROM d." + table);
            try (SinkDriver sink = new SinkDriver(zoned, "options/" + jobs++, SinkContract.CLOCK)) {
                rows.offerTo(sink);
                sink.drain();
            }
            assertThat(
                            server.query(
                                    "SELECT GROUP_CONCAT(CONCAT(id,'@',FLOOR(UNIX_TIMESTAMP(ts)))"
                                            + " ORDER BY id) FROM d."
                                            + table))
                    .as(table)
                    .contains("2@1729992600");
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aLockIsWaitedForLongerThanTheServerDoes(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        server.execute(
                "REPLACE INTO d.kv VALUES (1,'a','')", "SET GLOBAL innodb_lock_wait_timeout=1");
        try (SinkDriver sink = open(server, "worker-count=1");
                Connection other = server.connect();
                Statement s = other.createStatement()) {
            s.execute("BEGIN");
            s.execute("UPDATE d.kv SET v='other' WHERE id=1");
            sink.offer(
                    update(
                            SinkContract.KV,
                            SinkContract.NEW,
                            0,
                            true,
                            row(1, "a", ""),
                            row(1, "a", "mine")));
            Thread.sleep(1500);
            s.execute("COMMIT");
            sink.drain();
        } finally {
            server.execute("SET GLOBAL innodb_lock_wait_timeout=50");
        }
        assertThat(server.query("SELECT v FROM d.kv WHERE id=1")).contains("mine");
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void updatesOfLargeRowsAreNotJoined(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        for (int size : new int[] {8192, 10}) {
            server.execute("DELETE FROM d.kv", "INSERT INTO d.kv (id,v) VALUES (1,'a'),(2,'b')");
            long before = updates(server);
            try (SinkDriver sink =
                    open(server, "worker-count=1&max-multi-update-row-size=" + size)) {
                sink.offer(
                        update(
                                SinkContract.KV,
                                SinkContract.NEW,
                                0,
                                true,
                                row(1, null, "a"),
                                row(1, null, "a longer text"),
                                row(2, null, "b"),
                                row(2, null, "another one")));
                sink.drain();
            }
            // Beside the rows' own there are those of the progress row, in both cases as many.
            assertThat(updates(server) - before).as("size %d", size).isEqualTo(size == 10 ? 4 : 3);
            assertThat(server.query("SELECT GROUP_CONCAT(v ORDER BY id) FROM d.kv"))
                    .contains("a longer text,another one");
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void noMoreRowsThanAskedAreJoinedIntoOneUpdate(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        for (int most : new int[] {40, 2}) {
            server.execute(
                    "DELETE FROM d.kv",
                    "INSERT INTO d.kv (id,v) VALUES (1,''),(2,''),(3,''),(4,'')");
            long before = updates(server);
            try (SinkDriver sink = open(server, "worker-count=1&max-multi-update-row=" + most)) {
                Object[][] images = new Object[8][];
                for (int i = 0; i < 4; i++) {
                    images[2 * i] = row(i + 1, null, "");
                    images[2 * i + 1] = row(i + 1, null, "n" + i);
                }
                sink.offer(update(SinkContract.KV, SinkContract.NEW, 0, true, images));
                sink.drain();
            }
            // Two of them are of the progress row.
            assertThat(updates(server) - before).as("most %d", most).isEqualTo(most == 2 ? 4 : 3);
            assertThat(server.query("SELECT GROUP_CONCAT(v ORDER BY id) FROM d.kv"))
                    .contains("n0,n1,n2,n3");
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void safeModeWritesOverRowsThatAreThere(Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        for (boolean safe : new boolean[] {true, false}) {
            server.execute("REPLACE INTO d.kv VALUES (1,'a','old')");
            try (SinkDriver sink = open(server, "row-events=false&safe-mode=" + safe)) {
                sink.offer(insert(SinkContract.KV, SinkContract.NEW, 0, true, row(1, "a", "new")));
                if (safe) {
                    sink.drain();
                } else {
                    assertThat(sink.awaitFailure().text())
                            .contains("d.kv", "id=1", "Duplicate", "safe_mode");
                }
            }
            assertThat(server.query("SELECT v FROM d.kv WHERE id=1"))
                    .contains(safe ? "new" : "old");
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aPasswordMayBeEncodedAsTiDbsToolsWriteItAndTheProgressMayLieElsewhere(Flavor flavor)
            throws Exception {
        DbServer server = server(flavor);
        server.execute(
                "CREATE USER coded@'%' IDENTIFIED BY 'open sesame'",
                "GRANT ALL ON *.* TO coded@'%'");
        String uri = "mysql://coded:%s@127.0.0.1:" + server.port() + "/?progress-schema=elsewhere";
        MySqlSinkFactory factory = new MySqlSinkFactory(SinkContract.CLOCK);
        factory.testOpen(SinkSpec.of(uri.formatted("b3BlbiBzZXNhbWU=")));
        assertThat(
                        server.query(
                                "SELECT COUNT(*)>0 FROM information_schema.tables WHERE"
                                        + " table_schema='elsewhere'"))
                .contains("1");
        assertThatThrownBy(() -> factory.testOpen(SinkSpec.of(uri.formatted("b3BlbiBzZXNhbQ=="))))
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_ACCESS_DENIED);
    }

    /** One transaction of inserts, updates and deletes by one worker that is connected already. */
    private static void offerMixed(SinkDriver sink) {
        sink.offer(
                insert(
                        SinkContract.KV,
                        SinkContract.NEW + 1,
                        0,
                        false,
                        row(1, null, "a"),
                        row(2, null, "b"),
                        row(3, null, "c")));
        sink.offer(
                update(
                        SinkContract.KV,
                        SinkContract.NEW + 1,
                        1,
                        false,
                        row(10, null, ""),
                        row(10, null, "x"),
                        row(11, null, ""),
                        row(11, null, "y")));
        sink.offer(
                delete(
                        SinkContract.KV,
                        SinkContract.NEW + 1,
                        2,
                        true,
                        row(12, null, ""),
                        row(13, null, "")));
        sink.drain();
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void statementsShareARoundTripAndRowsAStatementUnlessToldOtherwise(Flavor flavor)
            throws Exception {
        DbServer server = server(flavor);
        Map<String, Cost> seen = new LinkedHashMap<>();
        for (String option : List.of("", "multi-stmt-enable=false", "batch-dml-enable=false")) {
            server.execute(
                    "DELETE FROM d.kv",
                    "INSERT INTO d.kv (id,v) VALUES (9,''),(10,''),(11,''),(12,''),(13,'')");
            try (RoundTrips relay = new RoundTrips(server.port());
                    SinkDriver sink =
                            new SinkDriver(
                                    uri(
                                                    server,
                                                    "mysql",
                                                    "worker-count=1&row-events=false&" + option)
                                            .replace(
                                                    ":" + server.port() + "/",
                                                    ":" + relay.port() + "/"),
                                    "options/" + jobs++,
                                    SinkContract.CLOCK)) {
                sink.offer(delete(SinkContract.KV, SinkContract.NEW, 0, true, row(9, null, "")));
                sink.drain();
                long commands = relay.commands();
                long inserts = counted(server, "insert");
                long deletes = counted(server, "delete");
                offerMixed(sink);
                seen.put(
                        option,
                        new Cost(
                                relay.commands() - commands,
                                counted(server, "insert") - inserts,
                                counted(server, "delete") - deletes));
            }
            assertThat(server.query("SELECT GROUP_CONCAT(id,v ORDER BY id) FROM d.kv"))
                    .as(option)
                    .contains("1a,2b,3c,10x,11y");
        }
        // The worker may begin with what it has: the transaction comes in one to three parts.
        assertThat(seen.get(""))
                .satisfies(of -> {
                    assertThat(of.roundTrips()).isBetween(1L, 3L);
                    assertThat(of.inserts()).isEqualTo(1);
                    assertThat(of.deletes()).isEqualTo(1);
                });
        // BEGIN, progress, three kinds of statements, COMMIT.
        assertThat(seen.get("multi-stmt-enable=false"))
                .satisfies(of -> {
                    assertThat(of.roundTrips()).isGreaterThanOrEqualTo(6);
                    assertThat(of.inserts()).isEqualTo(1);
                    assertThat(of.deletes()).isEqualTo(1);
                });
        assertThat(seen.get("batch-dml-enable=false"))
                .satisfies(of -> {
                    assertThat(of.roundTrips()).isBetween(1L, 3L);
                    assertThat(of.inserts()).isEqualTo(3);
                    assertThat(of.deletes()).isEqualTo(2);
                });
    }

    /** What a transaction cost on the wire, and statements that the server counted. */
    private record Cost(long roundTrips, long inserts, long deletes) {}

    private static long updates(DbServer server) throws Exception {
        return counted(server, "update");
    }

    private static long counted(DbServer server, String command) throws Exception {
        try (Connection c = server.connect();
                Statement s = c.createStatement();
                var r = s.executeQuery("SHOW GLOBAL STATUS LIKE 'Com_" + command + "'")) {
            r.next();
            return r.getLong(2);
        }
    }
}
