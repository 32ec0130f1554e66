package io.millrace.mysql.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Capture;
import io.millrace.core.spi.CaptureRequest;
import io.millrace.core.spi.Upstream;
import io.millrace.testkit.history.MemoryHistory;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DbServer.Flavor;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MySqlUpstreamIT {
    private static Upstream open(DbServer server, String user, String password) {
        return new MySqlUpstreamFactory()
                .open(
                        URI.create(
                                "mysql://"
                                        + user
                                        + ":"
                                        + password
                                        + "@127.0.0.1:"
                                        + server.port()));
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void answersCapturesAndChecks(Flavor flavor) throws InterruptedException {
        try (DbServer server = DbServer.of(flavor).start();
                Upstream upstream = open(server, server.rootUser(), server.rootPassword())) {
            upstream.check();
            server.execute(
                    "CREATE DATABASE d",
                    "CREATE TABLE d.t (id INT PRIMARY KEY, name VARCHAR(20))",
                    "INSERT INTO d.t VALUES (1, 'before')");
            assertThat(upstream.clusterId()).isNotZero().isEqualTo(upstream.clusterId());
            assertThat(upstream.oldestTso()).isLessThanOrEqualTo(upstream.currentTso());
            List<TableSchema> tables = upstream.tables(TableFilter.all());
            assertThat(tables).hasSize(1);
            assertThat(tables.getFirst().name()).hasToString("d.t");
            assertThat(tables.getFirst().handleKey()).containsExactly(0);

            Thread.sleep(1100 - System.currentTimeMillis() % 1000);
            LinkedBlockingQueue<String> rows = new LinkedBlockingQueue<>();
            LinkedBlockingQueue<String> positions = new LinkedBlockingQueue<>();
            Capture capture =
                    upstream.openCapture(
                            new CaptureRequest(
                                    "default/it",
                                    upstream.currentTso(),
                                    Optional.empty(),
                                    TableFilter.all(),
                                    new MemoryHistory(),
                                    "UTC"));
            LinkedBlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
            Thread thread =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    capture.run(event -> {
                                        positions.add(event.positionAfter().encode());
                                        if (event instanceof RowBatch batch) {
                                            RowView row = batch.rows();
                                            while (row.next()) {
                                                io.millrace.core.bytes.ByteSink out =
                                                        new io.millrace.core.bytes.ByteSink(16);
                                                row.appendText(RowView.AFTER, 1, out);
                                                rows.add(out.toString());
                                            }
                                            batch.release();
                                        }
                                    });
                                } catch (Throwable e) {
                                    failures.add(e);
                                }
                            });
            server.execute(
                    "INSERT INTO d.t VALUES (2, 'zwölf')",
                    "ALTER TABLE d.t ADD COLUMN more INT",
                    "INSERT INTO d.t VALUES (3, 'after', 5)");
            assertThat(rows.poll(20, TimeUnit.SECONDS)).as("%s", failures).isEqualTo("zwölf");
            assertThat(rows.poll(20, TimeUnit.SECONDS)).as("%s", failures).isEqualTo("after");
            capture.close();
            thread.join(10_000);
            assertThat(thread.isAlive()).isFalse();
            assertThat(failures).isEmpty();
            String last = new ArrayList<>(positions).getLast();
            assertThat(upstream.decodePosition(last).encode()).isEqualTo(last);
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void whatIsMissingIsNamed(Flavor flavor) {
        try (DbServer server = DbServer.of(flavor).start()) {
            String plugin = flavor == Flavor.MYSQL ? "WITH mysql_native_password BY" : "BY";
            server.execute(
                    "CREATE USER 'poor'@'%' IDENTIFIED " + plugin + " 'p'",
                    "SET GLOBAL binlog_format = 'MIXED'");
            try (Upstream upstream = open(server, "poor", "p")) {
                refused(upstream, ErrorCode.UPSTREAM_MISCONFIGURED, "binlog_format = 'ROW'");
                server.execute("SET GLOBAL binlog_format = 'ROW'");
                refused(upstream, ErrorCode.UPSTREAM_ACCESS_DENIED, "GRANT REPLICATION SLAVE");
                server.execute("GRANT REPLICATION SLAVE ON *.* TO 'poor'@'%'");
                refused(
                        upstream,
                        ErrorCode.UPSTREAM_ACCESS_DENIED,
                        flavor == Flavor.MYSQL ? "REPLICATION CLIENT" : "BINLOG MONITOR");
                server.execute("GRANT REPLICATION CLIENT ON *.* TO 'poor'@'%'");
                upstream.check();
            }
            try (Upstream upstream = open(server, "poor", "geheim")) {
                assertThatThrownBy(upstream::check)
                        .isInstanceOfSatisfying(
                                MillraceException.class,
                                e -> {
                                    assertThat(e.code())
                                            .isEqualTo(ErrorCode.UPSTREAM_ACCESS_DENIED);
                                    assertThat(e.text()).doesNotContain("geheim");
                                });
            }
        }
    }

    private static void refused(Upstream upstream, ErrorCode code, String text) {
        assertThatThrownBy(upstream::check)
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.text()).contains(text);
                            assertThat(e.code()).isEqualTo(code);
                        });
    }

    @Test
    void aServerWithoutBinlogIsRefused() {
        try (DbServer server = DbServer.mariadb().option("skip_log_bin", "ON").start();
                Upstream upstream = open(server, server.rootUser(), server.rootPassword())) {
            refused(upstream, ErrorCode.UPSTREAM_MISCONFIGURED, "log_bin");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "tidb://root@127.0.0.1:4000",
                "mysql:///",
                "mysql://root:s3cret@h:1/db",
                "mysql://root:s3cret@h:1/?ssl-mode=perhaps",
                "mysql://root:s3cret@h:1/?colour=blue",
                "mysql://root:s3cret@h:1/?server-id=0",
                "mysql://root:s3cret@h:1/?ssl-mode=verify_ca",
                "mysql+ssl://root:s3cret@h:1/?ssl-mode=disabled"
            })
    void malformedAddressesAreRefused(String uri) {
        assertThatThrownBy(() -> new MySqlUpstreamFactory().open(URI.create(uri)))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.INVALID_CONFIG);
                            assertThat(e.text()).doesNotContain("s3cret");
                        });
    }
}
