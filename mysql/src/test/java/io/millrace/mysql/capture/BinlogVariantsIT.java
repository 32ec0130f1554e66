package io.millrace.mysql.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.connect.ReplicationConnection;
import io.millrace.mysql.connect.ServerAddress;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.TlsMaterial;
import java.net.URI;
import java.util.List;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;

/** Servers with other settings. */
class BinlogVariantsIT {
    private static void tables(DbServer server) {
        server.execute(
                "CREATE DATABASE d",
                "CREATE TABLE d.t (id INT NOT NULL PRIMARY KEY, v INT NOT NULL)");
    }

    /** Changes of all kinds, and a restart from every position among them. */
    private static void roundTrip(DbServer server) {
        List<CaptureRig.Seen> whole;
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            StringBuilder many = new StringBuilder("INSERT INTO d.t VALUES (100, 0)");
            for (int i = 101; i < 2100; i++) {
                many.append(",(").append(i).append(",0)");
            }
            server.execute(
                    "INSERT INTO d.t VALUES (1, 1)",
                    "BEGIN",
                    many.toString(),
                    "UPDATE d.t SET v = 7 WHERE id < 200",
                    "DELETE FROM d.t WHERE id < 150",
                    "COMMIT",
                    "CREATE TABLE d.other_table_with_a_long_name (id INT NOT NULL PRIMARY KEY)",
                    "INSERT INTO d.t VALUES (99, 99)");
            rig.awaitText("99,99");
            whole = rig.changes();
            assertThat(rig.texts().getFirst()).isEqualTo("I d.t 1,1");
            assertThat(rig.texts()).anyMatch(t -> t.startsWith("U d.t 1,1>1,7 100,0>100,7"));
            assertThat(rig.texts()).anyMatch(t -> t.startsWith("D d.t 1,7 100,7"));
            assertThat(rig.texts()).anyMatch(t -> t.contains("other_table_with_a_long_name"));
            assertThat(
                            whole.stream()
                                    .filter(s -> s.kind().equals("I"))
                                    .mapToInt(s -> s.rows().size())
                                    .sum())
                    .isEqualTo(2002);
        }
        for (int i = 0; i + 1 < whole.size(); i += 2) {
            BinlogPosition position = whole.get(i).position();
            try (CaptureRig rig = CaptureRig.from(server, position)) {
                rig.awaitText("99,99");
                assertThat(rig.changes().stream().map(s -> s.text() + s.tso() + s.last()).toList())
                        .as("from %s", position)
                        .isEqualTo(
                                whole.subList(i + 1, whole.size()).stream()
                                        .map(s -> s.text() + s.tso() + s.last())
                                        .toList());
            }
        }
    }

    @Test
    void mySqlWithoutGtidsChecksumsOrFullMetadata() {
        try (DbServer server =
                DbServer.mysql()
                        .gtid(false)
                        .option("binlog_checksum", "NONE")
                        .rowMetadata("MINIMAL")
                        .start()) {
            tables(server);
            roundTrip(server);
            mixedEngines(server);
        }
    }

    /** Only without GTIDs does MySQL allow this. */
    private static void mixedEngines(DbServer server) {
        server.execute(
                "CREATE TABLE d.m (id INT NOT NULL PRIMARY KEY, v INT NOT NULL) ENGINE=MyISAM");
        try (CaptureRig rig = CaptureRig.now(server)) {
            rig.idle();
            server.execute(
                    "BEGIN",
                    "INSERT INTO d.t VALUES (5001, 1)",
                    "SAVEPOINT a",
                    "INSERT INTO d.m VALUES (2, 2)",
                    "INSERT INTO d.t VALUES (5003, 3)",
                    "ROLLBACK TO a",
                    "COMMIT",
                    "INSERT INTO d.t VALUES (5099, 99)");
            rig.awaitText("5099,99");
            assertThat(rig.texts())
                    .contains("I d.t 5001,1", "I d.m 2,2")
                    .doesNotContain("I d.t 5003,3");
        }
    }

    @Test
    void mySqlCompressedTransactions() {
        try (DbServer server = DbServer.mysql().compressedBinlog().start()) {
            tables(server);
            roundTrip(server);
        }
    }

    @Test
    void mariaDbCompressedEventsWithoutChecksums() {
        try (DbServer server =
                DbServer.mariadb().compressedBinlog().option("binlog_checksum", "NONE").start()) {
            tables(server);
            roundTrip(server);
        }
    }

    @Test
    void heldTransactionsSpillAndSurviveRestarts() throws java.sql.SQLException {
        try (DbServer server = DbServer.mysql().start()) {
            tables(server);
            server.execute("CREATE TABLE d.b (id INT NOT NULL PRIMARY KEY, b LONGBLOB NOT NULL)");
            BinlogPosition between;
            try (CaptureRig rig = CaptureRig.now(server);
                    java.sql.Connection xa = server.connect("d");
                    java.sql.Statement statement = xa.createStatement()) {
                rig.idle();
                statement.execute("XA START 'big'");
                for (int i = 0; i < 20; i++) {
                    statement.execute("INSERT INTO b VALUES (" + i + ", REPEAT('x', 1000000))");
                }
                statement.execute("XA END 'big'");
                statement.execute("XA PREPARE 'big'");
                server.execute("INSERT INTO d.t VALUES (1, 1)", "FLUSH BINARY LOGS");
                between = rig.awaitText("1,1").position();
                assertThat(rig.texts()).containsExactly("I d.t 1,1");
                statement.execute("XA COMMIT 'big'");
                rig.awaitText("d.b 19,1000000");
            }
            try (CaptureRig rig = CaptureRig.from(server, between)) {
                CaptureRig.Seen last = rig.awaitText("d.b 19,1000000");
                assertThat(last.last()).isTrue();
                assertThat(rig.changes()).hasSize(20);
            }
        }
    }

    @Test
    void passwordsAndTls() {
        try (DbServer server = DbServer.mysql().tls().start()) {
            tables(server);
            server.execute(
                    "CREATE USER 'sha'@'%' IDENTIFIED WITH caching_sha2_password BY 'p@ss word'",
                    "CREATE USER 'native'@'%' IDENTIFIED WITH mysql_native_password BY 'n'",
                    "CREATE USER 'poor'@'%' IDENTIFIED WITH mysql_native_password BY 'n'",
                    "GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT ON *.* TO 'sha'@'%'",
                    "GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT ON *.* TO 'native'@'%'");
            TlsMaterial tls = server.tls().orElseThrow();
            String at = "@127.0.0.1:" + server.port() + "/";
            long now = CaptureRig.currentTso(server);
            List<String> uris =
                    List.of(
                            "mysql://native:n" + at,
                            "mysql+ssl://native:n" + at,
                            "mysql://sha:p%40ss%20word" + at + "?ssl-mode=preferred",
                            "mysql://sha:p%40ss%20word" + at,
                            "mysql+ssl://sha:p%40ss%20word" + at,
                            "mysql+ssl://sha:p%40ss%20word" + at + "?ssl-ca=" + tls.ca());
            for (int i = 0; i < uris.size(); i++) {
                // Forgets fast authentication, so that the password itself is sent.
                server.execute("FLUSH PRIVILEGES", "INSERT INTO d.t VALUES (" + i + ", " + i + ")");
                try (ReplicationConnection connection =
                        ReplicationConnection.open(ServerAddress.parse(URI.create(uris.get(i))))) {
                    assertThat(connection.serverVersion()).startsWith("8.0");
                }
                try (CaptureRig rig = CaptureRig.uri(uris.get(i), now)) {
                    rig.awaitText("d.t " + i + "," + i);
                }
            }
            refused("mysql://sha:wrong" + at, ErrorCode.UPSTREAM_ACCESS_DENIED, "wrong");
            refused("mysql://native:wrong" + at, ErrorCode.UPSTREAM_ACCESS_DENIED, "wrong");
            refused(
                    "mysql+ssl://native:n@localhost:"
                            + server.port()
                            + "/?ssl-mode=verify_ca&ssl-ca="
                            + strangersCa(),
                    ErrorCode.INVALID_CONFIG,
                    "\u0000");
            try (CaptureRig rig = CaptureRig.uri("mysql://native:n@127.0.0.1:1/", now)) {
                assertThat(rig.awaitFailure().code()).isEqualTo(ErrorCode.UPSTREAM_CONNECTION);
            }
        }
    }

    private static String strangersCa() {
        return "/nowhere/ca.pem";
    }

    private static void refused(String uri, ErrorCode code, String secret) {
        ServerAddress address = ServerAddress.parse(URI.create(uri));
        Assertions.assertThatThrownBy(() -> ReplicationConnection.open(address).close())
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(code);
                            assertThat(e.text()).doesNotContain(secret);
                        });
    }
}
