package io.millrace.mysql.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.spi.Upstream;
import io.millrace.testkit.net.FaultProxy;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DbServer.Flavor;
import java.net.URI;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One upstream over a long time: fail-overs, several captures at once, connections that idle. */
final class UpstreamLifeIT {
    private static Upstream open(DbServer server, int port, String parameters) {
        return new MySqlUpstreamFactory()
                .open(
                        URI.create(
                                "mysql://"
                                        + server.rootUser()
                                        + ":"
                                        + server.rootPassword()
                                        + "@127.0.0.1:"
                                        + port
                                        + "/"
                                        + parameters));
    }

    private static Upstream open(DbServer server, String parameters) {
        return open(server, server.port(), parameters);
    }

    private static void table(DbServer server) {
        server.execute("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)");
    }

    private static void insert(DbServer server, int... ids) {
        for (int id : ids) {
            server.execute("INSERT INTO d.t VALUES (" + id + ", 0)");
        }
    }

    private static DbServer.Builder server(Flavor flavor, int id) {
        return DbServer.of(flavor)
                .option("server_id", Integer.toString(id))
                .option(
                        flavor == Flavor.MARIADB ? "log_slave_updates" : "log_replica_updates",
                        "ON");
    }

    private static void refused(RunningCapture capture, String part) {
        assertThat(capture.awaitFailure())
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.UPSTREAM_MISCONFIGURED);
                            assertThat(e.text()).contains(part);
                        });
        assertThat(capture.events()).isEmpty();
    }

    /** File positions are valid on nearly every server. */
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void withoutGtidsAnotherServerBehindTheAddressIsRefused(Flavor flavor) {
        try (DbServer first = server(flavor, 11).gtid(false).start();
                DbServer second = server(flavor, 11).gtid(false).start();
                FaultProxy proxy = new FaultProxy("127.0.0.1", first.port());
                Upstream upstream = open(first, proxy.port(), "?gtid=off")) {
            table(first);
            table(second);
            long id = upstream.clusterId();
            String position;
            try (RunningCapture capture = RunningCapture.start(upstream)) {
                insert(first, 1);
                position = capture.awaitRow("1").position();
            }
            insert(second, 1, 2, 3, 4, 5);
            proxy.retarget("127.0.0.1", second.port());
            proxy.cutAll();
            try (RunningCapture capture = RunningCapture.from(upstream, position)) {
                refused(capture, "is not the server");
            }
            assertThat(upstream.clusterId()).isNotEqualTo(id);
            proxy.retarget("127.0.0.1", first.port());
            proxy.cutAll();
            try (RunningCapture capture = RunningCapture.from(upstream, position)) {
                insert(first, 9);
                capture.awaitRow("9");
                assertThat(capture.rows()).containsExactly("9");
            }
        }
    }

    /** Neither a server without a common past, nor a replica that has everything. */
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void withGtidsAnotherServerIsRefusedToo(Flavor flavor) throws Exception {
        try (DbServer first = server(flavor, 11).start();
                DbServer replica = server(flavor, 12).start();
                DbServer stranger = server(flavor, 11).start();
                FaultProxy proxy = new FaultProxy("127.0.0.1", first.port());
                Upstream upstream = open(first, proxy.port(), "")) {
            table(first);
            follow(replica, first);
            table(stranger);
            insert(stranger, 1, 2, 3, 4, 5, 6);
            String position;
            try (RunningCapture capture = RunningCapture.start(upstream)) {
                insert(first, 1, 2);
                position = capture.awaitRow("2").position();
            }
            long deadline = System.nanoTime() + 20_000_000_000L;
            while (!replica.query("SELECT COUNT(*) FROM d.t").orElse("").equals("2")) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.sleep(50);
            }
            proxy.retarget("127.0.0.1", stranger.port());
            proxy.cutAll();
            try (RunningCapture capture = RunningCapture.from(upstream, position)) {
                refused(capture, "is another server");
            }
            replica.execute(
                    flavor == Flavor.MARIADB ? "STOP SLAVE" : "STOP REPLICA",
                    "INSERT INTO d.t VALUES (7, 0)");
            proxy.retarget("127.0.0.1", replica.port());
            proxy.cutAll();
            try (RunningCapture capture = RunningCapture.from(upstream, position)) {
                refused(capture, "is another server");
            }
            proxy.retarget("127.0.0.1", first.port());
            insert(first, 3);
            try (RunningCapture capture = RunningCapture.from(upstream, position)) {
                capture.awaitRow("3");
                assertThat(capture.rows()).containsExactly("3");
            }
        }
    }

    private static void follow(DbServer replica, DbServer source) throws Exception {
        String where =
                "%1$s_HOST='127.0.0.1', %1$s_PORT="
                        + source.port()
                        + ", %1$s_USER='"
                        + source.rootUser()
                        + "', %1$s_PASSWORD='"
                        + source.rootPassword()
                        + "', ";
        if (source.flavor() == Flavor.MARIADB) {
            replica.execute(
                    "CHANGE MASTER TO "
                            + where.formatted("MASTER")
                            + "MASTER_USE_GTID=slave_pos, MASTER_SSL=0",
                    "START SLAVE");
        } else {
            replica.execute(
                    "CHANGE REPLICATION SOURCE TO "
                            + where.formatted("SOURCE")
                            + "SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1",
                    "START REPLICA");
        }
    }

    /** A server ends the older of two dumps with one id. */
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void aConfiguredServerIdIsUsedByOneDumpAtATime(Flavor flavor) {
        try (DbServer server = DbServer.of(flavor).start();
                Upstream upstream = open(server, "?server-id=1001")) {
            table(server);
            try (RunningCapture capture = RunningCapture.start(upstream)) {
                insert(server, 1);
                capture.awaitRow("1");
                for (int i = 0; i < 3; i++) {
                    upstream.oldestTso();
                    upstream.check();
                }
                insert(server, 2);
                capture.awaitRow("2");
                try (RunningCapture other = RunningCapture.start(upstream)) {
                    insert(server, 3);
                    other.awaitRow("3");
                    insert(server, 4);
                    capture.awaitRow("4");
                    other.awaitRow("4");
                    capture.awaitIdle();
                    other.awaitIdle();
                }
            }
            // The first id is free again.
            try (RunningCapture capture = RunningCapture.start(upstream)) {
                insert(server, 5);
                capture.awaitRow("5");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void theClocksConnectionMayTimeOut(Flavor flavor) throws Exception {
        try (DbServer server = DbServer.of(flavor).start();
                Upstream upstream = open(server, "")) {
            table(server);
            server.execute("SET GLOBAL wait_timeout = 1");
            try (RunningCapture capture = RunningCapture.start(upstream)) {
                insert(server, 1);
                capture.awaitRow("1");
                capture.awaitIdle();
                for (int id = 2; id < 62; id++) {
                    insert(server, id);
                    Thread.sleep(50);
                }
                capture.awaitRow("61");
                capture.awaitIdle();
            }
        }
    }

    /** Its binlog time may lie before the start, for instance that of a statement begun earlier. */
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void whatIsCommittedBeforeALateFirstRunArrives(Flavor flavor) {
        try (DbServer server = DbServer.of(flavor).start();
                Upstream upstream = open(server, "")) {
            table(server);
            insert(server, 1);
            long start = upstream.currentTso();
            Optional<SourcePosition> end = upstream.streamEnd();
            server.execute(
                    "SET timestamp = UNIX_TIMESTAMP() - 100",
                    "INSERT INTO d.t VALUES (2, 0)",
                    "INSERT INTO d.t VALUES (3, 0)",
                    "FLUSH BINARY LOGS",
                    "INSERT INTO d.t VALUES (4, 0)");
            try (RunningCapture capture = RunningCapture.late(upstream, start, end)) {
                capture.awaitRow("4");
                assertThat(capture.rows()).endsWith("2", "3", "4");
            }
        }
    }

    /** Together they are more than the memory for them. */
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void manyPreparedTransactionsAreDelivered(Flavor flavor) throws Exception {
        try (DbServer server = DbServer.of(flavor).start();
                Upstream upstream = open(server, "")) {
            table(server);
            server.execute("CREATE TABLE d.big (id INT PRIMARY KEY, b LONGBLOB)");
            List<String> ids = new ArrayList<>();
            try (RunningCapture capture = RunningCapture.start(upstream)) {
                List<Connection> open = new ArrayList<>();
                for (int i = 100; i < 140; i++) {
                    Connection connection = server.connect();
                    open.add(connection);
                    try (Statement statement = connection.createStatement()) {
                        statement.execute("XA START 'x" + i + "'");
                        statement.execute(
                                "INSERT INTO d.big VALUES (" + i + ", REPEAT('x', 1000000))");
                        statement.execute("XA END 'x" + i + "'");
                        statement.execute("XA PREPARE 'x" + i + "'");
                    }
                    ids.add(Integer.toString(i));
                }
                insert(server, 1);
                capture.awaitRow("1");
                assertThat(capture.rows()).doesNotContainAnyElementsOf(ids);
                for (int i = 100; i < 140; i++) {
                    try (Connection connection = open.get(i - 100);
                            Statement statement = connection.createStatement()) {
                        statement.execute("XA COMMIT 'x" + i + "'");
                    }
                }
                insert(server, 2);
                capture.awaitRow("2");
                assertThat(capture.rows()).containsSubsequence(ids).endsWith("139", "2");
            }
        }
    }

    @Test
    void preferredTlsIsUsedForEveryConnectionWhereTheServerHasIt() {
        for (Flavor flavor : Flavor.values()) {
            try (DbServer server = DbServer.of(flavor).tls().start();
                    Upstream upstream = open(server, "?ssl-mode=preferred")) {
                server.execute("SET GLOBAL require_secure_transport = ON");
                upstream.check();
                assertThat(upstream.clusterId()).isNotZero();
            }
        }
        try (DbServer server = DbServer.mariadb().start();
                Upstream upstream = open(server, "?ssl-mode=preferred")) {
            assertThat(server.query("SELECT @@have_ssl")).contains("DISABLED");
            upstream.check();
        }
    }
}
