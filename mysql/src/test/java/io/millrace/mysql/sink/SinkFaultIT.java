package io.millrace.mysql.sink;

import static io.millrace.testkit.rows.TestRowBatch.insert;
import static io.millrace.testkit.rows.TestRowBatch.row;
import static io.millrace.testkit.rows.TestRowBatch.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.net.FaultProxy;
import io.millrace.testkit.servers.DbServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs are broken off at random points, by cut connections and by killing the target, and the whole
 * stream is given to the next run from its start. A table without a key shows every row that is
 * lost or written twice.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class SinkFaultIT {
    private static final Logger log = LoggerFactory.getLogger(SinkFaultIT.class);
    private static final int TRANSACTIONS = 300;

    private DbServer server;

    @BeforeAll
    void startTarget() {
        // A commit must survive kill -9 of the server, not of the machine.
        server = DbServer.mariadb().option("innodb_flush_log_at_trx_commit", "2").start();
    }

    @AfterAll
    void stopTarget() {
        server.close();
    }

    private void createTables() {
        server.execute(
                "DROP DATABASE IF EXISTS d",
                "CREATE DATABASE d CHARACTER SET utf8mb4",
                "CREATE TABLE d.kv (id BIGINT PRIMARY KEY, u VARCHAR(40), v VARCHAR(40), UNIQUE KEY"
                        + " u(u))",
                "CREATE TABLE d.nokey (a INT, t VARCHAR(20), f FLOAT, j JSON)");
    }

    private static void offerAll(SinkDriver sink) {
        for (int t = 0; t < TRANSACTIONS; t++) {
            long tso = SinkContract.NEW + t;
            long id = t * 300L;
            sink.offer(insert(SinkContract.KV, tso, 0, false, row(id, "u" + t, "1")));
            sink.offer(insert(SinkContract.KEYLESS, tso, 1, false, row(t, "x", 1.5f, null)));
            sink.offer(
                    update(
                            SinkContract.KV,
                            tso,
                            2,
                            true,
                            row(id, "u" + t, "1"),
                            row(id, t % 2 == 0 ? "u" + t : "moved" + t, "2")));
        }
        sink.drain();
    }

    private void assertComplete() throws Exception {
        try (Connection c = server.connect();
                Statement s = c.createStatement()) {
            try (ResultSet r = s.executeQuery("SELECT COUNT(*), COUNT(DISTINCT a) FROM d.nokey")) {
                r.next();
                assertThat(r.getInt(1)).isEqualTo(TRANSACTIONS);
                assertThat(r.getInt(2)).isEqualTo(TRANSACTIONS);
            }
            try (ResultSet r =
                    s.executeQuery("SELECT COUNT(*), SUM(v='2'), SUM(u LIKE 'moved%') FROM d.kv")) {
                r.next();
                assertThat(r.getInt(1)).isEqualTo(TRANSACTIONS);
                assertThat(r.getInt(2)).isEqualTo(TRANSACTIONS);
                assertThat(r.getInt(3)).isEqualTo(TRANSACTIONS / 2);
            }
        }
    }

    /** A target that does not answer is a passing trouble, known after the time-out. */
    @Test
    void aTargetThatStallsEndsTheRunAfterTheReadTimeoutAndIsTriedAgain() throws Exception {
        createTables();
        try (FaultProxy proxy = new FaultProxy("127.0.0.1", server.port())) {
            String patient = server.uri(proxy.port());
            String uri =
                    patient
                            + (patient.contains("?") ? "&" : "?")
                            + "read-timeout=4s&timeout=4s&write-timeout=4s";
            // What takes long on a slow machine is not under the time-outs.
            try (SinkDriver sink = new SinkDriver(patient, "default/stall", SinkContract.CLOCK)) {
                sink.offer(insert(SinkContract.KV, SinkContract.NEW, 0, true, row(1L, "u", "1")));
                sink.drain();
            }
            try (SinkDriver sink = new SinkDriver(uri, "default/stall", SinkContract.CLOCK)) {
                sink.offer(insert(SinkContract.KV, SinkContract.NEW, 0, true, row(1L, "u", "1")));
                sink.drain();
                proxy.stall();
                long began = System.nanoTime();
                sink.offer(
                        insert(SinkContract.KV, SinkContract.NEW + 1, 0, true, row(2L, "w", "1")));
                MillraceException error = sink.awaitFailure();
                assertThat(error.code().isTransient()).as(error.text()).isTrue();
                assertThat(System.nanoTime() - began).isLessThan(28_000_000_000L);
            }
            proxy.resume();
            proxy.cutAll();
            try (SinkDriver sink = new SinkDriver(patient, "default/stall", SinkContract.CLOCK)) {
                sink.offer(insert(SinkContract.KV, SinkContract.NEW, 0, true, row(1L, "u", "1")));
                sink.offer(
                        insert(SinkContract.KV, SinkContract.NEW + 1, 0, true, row(2L, "w", "1")));
                sink.drain();
            }
            assertThat(server.query("SELECT COUNT(*) FROM d.kv")).contains("2");
        }
    }

    /** Without transactions nothing in the binlog says where a change comes from. */
    @Test
    void bothWaysATableWithoutTransactionsIsRefused() {
        createTables();
        server.execute("ALTER TABLE d.kv ENGINE=MyISAM");
        SinkSpec oneWay = SinkSpec.of(server.uri());
        SinkSpec bothWays =
                new SinkSpec(
                        oneWay.uri(), Map.of("bdr-mode", "true"), List.of(), true, false, "UTC");
        try (SinkDriver sink = new SinkDriver(bothWays, "default/bdr", SinkContract.CLOCK)) {
            assertThatThrownBy(
                            () -> {
                                sink.offer(
                                        insert(
                                                SinkContract.KV,
                                                SinkContract.NEW,
                                                0,
                                                true,
                                                row(1L, "u", "1")));
                                sink.drain();
                            })
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e -> {
                                assertThat(e.code()).isEqualTo(ErrorCode.SINK_DATA);
                                assertThat(e.text()).contains("transactional", "d.kv", "InnoDB");
                            });
        }
        assertThat(server.query("SELECT COUNT(*) FROM d.kv")).contains("0");
        try (SinkDriver sink = new SinkDriver(oneWay, "default/bdr", SinkContract.CLOCK)) {
            sink.offer(insert(SinkContract.KV, SinkContract.NEW, 0, true, row(1L, "u", "1")));
            sink.drain();
        }
        assertThat(server.query("SELECT COUNT(*) FROM d.kv")).contains("1");
    }

    @Test
    void aPasswordMayBeGivenInBase64() {
        server.execute(
                "CREATE OR REPLACE USER coded@'%' IDENTIFIED BY 'p/a ss'",
                "GRANT ALL ON *.* TO coded@'%'");
        String address = "@127.0.0.1:" + server.port() + "/";
        MySqlSinkFactory sinks = new MySqlSinkFactory(SinkContract.CLOCK);
        // printf 'p/a ss' | base64
        sinks.testOpen(SinkSpec.of("mysql://coded:cC9hIHNz" + address));
        assertThatThrownBy(() -> sinks.testOpen(SinkSpec.of("mysql://coded:cC9hIHNx" + address)))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.SINK_ACCESS_DENIED));
    }

    @Test
    void cutConnectionsAndLostRepliesLoseAndRepeatNothing() throws Exception {
        createTables();
        long seed = 20261121;
        Random random = new Random(seed);
        int broken = 0;
        try (FaultProxy proxy = new FaultProxy("127.0.0.1", server.port())) {
            String uri =
                    "mysql://root:"
                            + server.rootPassword()
                            + "@127.0.0.1:"
                            + proxy.port()
                            + "/?worker-count=3&max-txn-row=5";
            boolean complete = false;
            for (int run = 0; run < 60 && !complete; run++) {
                proxy.heal();
                if (run < 30) {
                    // Counts bytes from the server, so the cut falls on replies, commits' included.
                    proxy.cutAfter(1_500 + random.nextInt(6_000));
                }
                String options = run % 10 == 9 ? uri.replace("count=3", "count=5") : uri;
                try (SinkDriver sink = new SinkDriver(options, "fault/cut", SinkContract.CLOCK)) {
                    offerAll(sink);
                    complete = true;
                } catch (MillraceException e) {
                    broken++;
                    assertThat(e.code().isTransient()).as(e.text()).isTrue();
                }
            }
            assertThat(complete).isTrue();
        }
        log.info("runs broken off: {}", broken);
        assertThat(broken).isGreaterThan(3);
        assertComplete();
    }

    @Test
    void killingTheTargetLosesAndRepeatsNothing() throws Exception {
        createTables();
        String uri =
                "mysql://root:"
                        + server.rootPassword()
                        + "@127.0.0.1:"
                        + server.port()
                        + "/?worker-count=3&max-txn-row=5";
        Random random = new Random(7);
        boolean complete = false;
        for (int run = 0; run < 20 && !complete; run++) {
            Thread killer = null;
            if (run < 3) {
                long after = 20 + random.nextInt(150);
                killer =
                        Thread.ofPlatform()
                                .start(() -> {
                                    try {
                                        Thread.sleep(after);
                                    } catch (InterruptedException e) {
                                        return;
                                    }
                                    server.kill9();
                                });
            }
            try (SinkDriver sink = new SinkDriver(uri, "fault/kill", SinkContract.CLOCK)) {
                offerAll(sink);
                complete = true;
            } catch (MillraceException e) {
                assertThat(e.code().isTransient()).as(e.text()).isTrue();
            }
            if (killer != null) {
                killer.join();
                server.start();
                complete = false;
            }
        }
        assertThat(complete).isTrue();
        assertComplete();
    }
}
