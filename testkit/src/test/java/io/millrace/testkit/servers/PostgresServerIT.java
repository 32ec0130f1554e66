package io.millrace.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;

class PostgresServerIT {
    @Test
    void keepsCommittedRowsAndOffersLogicalReplication() {
        try (PostgresServer server = PostgresServer.launch()) {
            assertThat(server.query("postgres", "SHOW wal_level")).hasValue("logical");
            assertThat(server.query("postgres", "SHOW server_version").orElseThrow())
                    .startsWith(server.version());
            server.execute("postgres", "CREATE DATABASE d");
            server.execute("d", "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)");
            server.execute("d", "INSERT INTO t VALUES (1, 'öne')");
            server.kill();
            assertThat(server.isRunning()).isFalse();
            assertThatThrownBy(() -> server.connect("d")).isInstanceOf(SQLException.class);
            server.start();
            server.execute(
                    "d",
                    "SELECT pg_create_logical_replication_slot('s', 'pgoutput')",
                    "INSERT INTO t VALUES (2, 'two')");
            server.stop();
            server.start();
            assertThat(server.query("d", "SELECT string_agg(v, ',' ORDER BY id) FROM t"))
                    .hasValue("öne,two");
        }
    }
}
