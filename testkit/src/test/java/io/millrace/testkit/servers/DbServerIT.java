package io.millrace.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.testkit.servers.DbServer.Flavor;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DbServerIT {
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void keepsCommittedRowsAfterKillAndAfterStop(Flavor flavor) {
        try (DbServer server = DbServer.of(flavor).start()) {
            server.execute(
                    "CREATE DATABASE d", "CREATE TABLE d.t(id INT PRIMARY KEY, v VARCHAR(20))");
            server.execute("INSERT INTO d.t VALUES (1, 'one')");
            int port = server.port();
            long firstPid = server.pid();

            server.kill9();
            assertThat(server.isRunning()).isFalse();
            assertThat(ProcessHandle.of(firstPid).filter(ProcessHandle::isAlive)).isEmpty();
            assertThatThrownBy(server::connect).isInstanceOf(SQLException.class);

            server.start();
            server.execute("INSERT INTO d.t VALUES (2, 'two')");
            server.restart();

            assertThat(server.port()).isEqualTo(port);
            assertThat(server.pid()).isNotEqualTo(firstPid);
            assertThat(server.query("SELECT GROUP_CONCAT(v ORDER BY id) FROM d.t"))
                    .isEqualTo(Optional.of("one,two"));
            assertThat(server.binlogs()).hasSizeGreaterThanOrEqualTo(3);
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void writesRowFormatWithFullMetadataUnlessToldOtherwise(Flavor flavor) {
        try (DbServer server = DbServer.of(flavor).start()) {
            assertThat(variable(server, "binlog_format")).isEqualTo("ROW");
            assertThat(variable(server, "binlog_row_metadata")).isEqualTo("FULL");
            assertThat(variable(server, "binlog_row_image")).isEqualTo("FULL");
            assertThat(variable(server, "character_set_server")).isEqualTo("utf8mb4");
            assertThat(server.query("SELECT VERSION()").orElseThrow()).startsWith(server.version());
        }
        try (DbServer server =
                DbServer.of(flavor)
                        .rowMetadata("MINIMAL")
                        .rowImage("MINIMAL")
                        .charset("latin1")
                        .gtid(false)
                        .compressedBinlog()
                        .maxBinlogSize(8192)
                        .option("lower-case-table-names", "1")
                        .rootPassword("it's \\ \"odd\"")
                        .start()) {
            assertThat(variable(server, "binlog_row_metadata")).isEqualTo("MINIMAL");
            assertThat(variable(server, "binlog_row_image")).isEqualTo("MINIMAL");
            assertThat(variable(server, "character_set_server")).isEqualTo("latin1");
            assertThat(variable(server, "max_binlog_size")).isEqualTo("8192");
            assertThat(variable(server, "lower_case_table_names")).isEqualTo("1");
            switch (flavor) {
                case MYSQL -> {
                    assertThat(variable(server, "gtid_mode")).isEqualTo("OFF");
                    assertThat(variable(server, "binlog_transaction_compression")).isEqualTo("1");
                }
                case MARIADB -> {
                    assertThat(variable(server, "gtid_strict_mode")).isEqualTo("0");
                    assertThat(variable(server, "log_bin_compress")).isEqualTo("1");
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void offersTlsThatClientsCanVerify(Flavor flavor) throws SQLException {
        try (DbServer server = DbServer.of(flavor).tls().start()) {
            String url =
                    "jdbc:mariadb://127.0.0.1:"
                            + server.port()
                            + "/?sslMode=verify-full&serverSslCert="
                            + server.tls().orElseThrow().ca();
            try (Connection connection =
                            DriverManager.getConnection(
                                    url, server.rootUser(), server.rootPassword());
                    var rows =
                            connection
                                    .createStatement()
                                    .executeQuery("SHOW STATUS LIKE 'Ssl_version'")) {
                assertThat(rows.next()).isTrue();
                assertThat(rows.getString(2)).startsWith("TLSv1.");
            }
        }
    }

    @Test
    void serversOfOneTemplateHaveDifferentIdentities() {
        try (DbServer one = DbServer.mysql().start();
                DbServer two = DbServer.mysql().authPlugin("mysql_native_password").start()) {
            assertThat(variable(one, "server_uuid")).isNotEqualTo(variable(two, "server_uuid"));
            assertThat(variable(one, "server_id")).isNotEqualTo(variable(two, "server_id"));
            assertThat(variable(one, "default_authentication_plugin"))
                    .isEqualTo("caching_sha2_password");
            assertThat(variable(two, "default_authentication_plugin"))
                    .isEqualTo("mysql_native_password");
        }
    }

    @Test
    void frozenServerKeepsConnectionsAndGoesOn() throws Exception {
        try (DbServer server = DbServer.mariadb().start();
                Connection connection = server.connect()) {
            server.freeze();
            assertThat(server.isRunning()).isTrue();
            server.thaw();
            assertThat(connection.isValid(5)).isTrue();
        }
    }

    @Test
    void closeRemovesProcessAndData() {
        DbServer server = DbServer.mariadb().start();
        long pid = server.pid();
        server.close();
        assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
        assertThat(Files.exists(server.dataDir())).isFalse();
    }

    @Test
    void failedStartShowsTheErrorLog() {
        assertThatThrownBy(() -> DbServer.mariadb().option("no_such_option_at_all", "1").start())
                .isInstanceOf(TestServerException.class)
                .hasMessageContaining("no_such_option_at_all");
    }

    private static String variable(DbServer server, String name) {
        return server.query("SELECT @@global." + name).orElseThrow();
    }
}
