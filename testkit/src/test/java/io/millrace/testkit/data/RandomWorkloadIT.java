package io.millrace.testkit.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.testkit.data.RandomWorkload.Config;
import io.millrace.testkit.data.RandomWorkload.Stats;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DbServer.Flavor;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RandomWorkloadIT {
    @ParameterizedTest
    @EnumSource(Flavor.class)
    void mixesRowsAndDdlAndSurvivesKills(Flavor flavor) throws Exception {
        Config config = Config.of("wl", 42).withRate(0).withDdlEvery(15).survivingRestarts();
        try (DbServer server = DbServer.of(flavor).start();
                RandomWorkload load = new RandomWorkload(server::connect, config)) {
            load.createTables();
            load.start();
            for (int i = 0; i < 2; i++) {
                Thread.sleep(1500);
                server.kill9();
                server.start();
            }
            long before = load.stats().transactions();
            awaitTransactions(load, before + 200);

            Stats stats = load.stop();

            assertThat(stats.reconnects()).isGreaterThanOrEqualTo(2);
            assertThat(stats.ddls()).isGreaterThan(10);
            assertThat(stats.rows()).isGreaterThan(stats.transactions());
            assertQuiescent(server);
        }
    }

    @ParameterizedTest
    @EnumSource(Flavor.class)
    void keepsItsPace(Flavor flavor) throws Exception {
        Config config = Config.of("wl", 7).withRate(50).withSizes(2, 3);
        try (DbServer server = DbServer.of(flavor).start();
                RandomWorkload load = new RandomWorkload(server::connect, config)) {
            load.createTables();
            load.start();
            Thread.sleep(3000);
            Stats stats = load.stop();
            assertThat(stats.transactions() + stats.rolledBack()).isBetween(60L, 170L);
            assertThat(stats.ddls()).isZero();
            assertThat(stats.reconnects()).isZero();
        }
    }

    private static void awaitTransactions(RandomWorkload load, long wanted)
            throws InterruptedException {
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (load.isRunning()
                && load.stats().transactions() < wanted
                && System.nanoTime() < deadline) {
            Thread.sleep(20);
        }
    }

    /**
     * Nothing changes after stop(): the data equals itself a moment later, and nobody else is
     * connected.
     */
    private static void assertQuiescent(DbServer server) throws SQLException, InterruptedException {
        String changes = "SELECT COUNT(*) FROM information_schema.innodb_trx";
        assertThat(server.query(changes)).hasValue("0");
        try (Connection one = server.connect();
                Connection two = server.connect()) {
            TableDiff.Report report = new TableDiff(one, two).compareSchemas("wl");
            assertThat(report.differences()).isEmpty();
            assertThat(report.rows()).isPositive();
        }
    }
}
