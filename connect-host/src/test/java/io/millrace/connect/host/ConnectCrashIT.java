package io.millrace.connect.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DebeziumPlugins;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process with connectors and its own broker is killed in a snapshot and in streaming, and
 * stopped and started again and again: nothing may be missing in the topics, and each stop must end
 * by itself. {@code -Dmillrace.soak=true} does the latter 50 times, the former with more rows.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ConnectCrashIT {
    private static final boolean SOAK = Boolean.getBoolean("millrace.soak");
    private static final int ROWS = SOAK ? 100_000 : 20_000;
    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

    private static DbServer mysql;
    private static HostUnderTest host;
    private static ShopTables tables;

    /** The table whose snapshot was interrupted. */
    private static String big = "big";

    @BeforeAll
    static void start(@TempDir Path folder) {
        host = new HostUnderTest(folder, DebeziumPlugins.mysql());
        host.start();
        mysql = DbServer.mysql().start();
        tables = new ShopTables(mysql);
        tables.create("big");
        tables.create("live");
        mysql.execute(
                "SET SESSION cte_max_recursion_depth=" + ROWS,
                "INSERT INTO shop.big (name) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1"
                        + " FROM n WHERE i<"
                        + ROWS
                        + ") SELECT CONCAT('row ',i) FROM n");
        host.answersUntilReady("/connectors");
    }

    @AfterAll
    static void stop() {
        if (host != null) {
            host.close();
        }
        if (mysql != null) {
            mysql.close();
        }
    }

    private static String kafka() {
        return "127.0.0.1:" + host.kafkaPort;
    }

    private static void create(String table, int serverId) {
        assertThat(
                        host.call(
                                        "POST",
                                        "/connectors",
                                        ShopTables.connector(mysql, table, kafka(), serverId))
                                .status())
                .isEqualTo(201);
    }

    private static void restart() {
        host.start();
        host.answersUntilReady("/connectors");
    }

    /** Creates the table's connector; the first number of records above 0 seen in its topic. */
    private static long firstRecords(String table, int serverId) {
        create(table, serverId);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            ShopTables.pause(20);
            long records = ShopTables.records(kafka(), table);
            if (records > 0) {
                return records;
            }
            assertThat(System.nanoTime()).as("%s", host.logText()).isLessThan(deadline);
        }
    }

    @Test
    @Order(1)
    void killedInASnapshotItStartsItAgain() throws Exception {
        long before = firstRecords(big, 9200);
        for (int more = 1; before >= ROWS; more++) { // this process had no CPU meanwhile
            assertThat(more).as("tries to look into a snapshot").isLessThan(4);
            assertThat(host.call("DELETE", "/connectors/" + big).status()).isEqualTo(204);
            String next = "big" + more;
            mysql.execute(
                    "CREATE TABLE shop." + next + " LIKE shop." + big,
                    "INSERT INTO shop." + next + " SELECT * FROM shop." + big);
            big = next;
            before = firstRecords(big, 9201 + more);
        }
        host.kill9();
        restart();
        create("live", 9201);
        long records = tables.awaitComplete(kafka(), big);
        System.out.printf("killed after %d of %d, then %d records%n", before, ROWS, records);
        assertThat(records).isGreaterThan(ROWS);
    }

    @Test
    @Order(2)
    void killedUnderLoadItGoesOn() throws Exception {
        assumeTrue(SOAK, "only with -Dmillrace.soak=true: TwoWorkersIT kills under load too");
        try (ShopTables.Load load = tables.new Load("live", big)) {
            while (ShopTables.records(kafka(), "live") == 0) {
                load.awaitMore(10);
            }
            host.kill9();
            restart();
            load.awaitMore(20);
        }
        for (String table : List.of("live", big)) {
            tables.awaitComplete(kafka(), table);
        }
    }

    @Test
    @Order(3)
    void everyStopEndsByItselfAndNothingIsLost() throws Exception {
        int cycles = SOAK ? 50 : 3;
        List<Long> stops = new ArrayList<>();
        try (ShopTables.Load load = tables.new Load("live", big)) {
            for (int i = 0; i < cycles; i++) {
                load.awaitMore(5);
                long logged = host.logBytes();
                long start = System.nanoTime();
                assertThat(host.stop(STOP_LIMIT)).as("cycle %d", i).isZero();
                stops.add((System.nanoTime() - start) / 1_000_000);
                assertThat(host.logTextFrom(logged))
                        .as("cycle %d", i)
                        .contains("stopped part=broker");
                restart();
                for (String table : List.of("live", big)) {
                    host.await(
                            "/connectors/" + table + "/status",
                            a -> a.body().at("/tasks/0/state").asText().equals("RUNNING"));
                }
            }
        }
        for (String table : List.of("live", big)) {
            tables.awaitComplete(kafka(), table);
        }
        Collections.sort(stops);
        System.out.printf(
                "%d stops: median %d ms, longest %d ms%n",
                cycles, stops.get(cycles / 2), stops.getLast());
    }
}
