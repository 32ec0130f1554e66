package io.millrace.connect.host;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.connect.host.ShopTables.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process with connectors for all databases and its own broker is killed late in snapshots and in
 * streaming, and stopped and started again and again: nothing may be missing in the topics, and
 * each stop must end by itself. {@code -Dmillrace.soak=true} does the latter 50 times, the former
 * with more rows.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ConnectCrashIT {
    private static final boolean SOAK = Boolean.getBoolean("millrace.soak");
    private static final int ROWS = SOAK ? 100_000 : 20_000;
    private static final int KILLS_UNDER_LOAD = SOAK ? 10 : 0;
    private static final int STOPS = SOAK ? 50 : 1;
    private static final int MAX_TRIES = 4;
    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

    private static final Map<Kind, ShopTables> SHOPS = new EnumMap<>(Kind.class);
    private static final Map<Kind, ShopTables.Load> LOADS = new EnumMap<>(Kind.class);
    private static HostUnderTest host;
    private static int serverId = 9200;

    @BeforeAll
    static void start(@TempDir Path folder) {
        host = new HostUnderTest(folder, Kind.plugins(), "", List.of());
        host.start();
        for (Kind kind : Kind.values()) {
            ShopTables shop = new ShopTables(kind);
            SHOPS.put(kind, shop);
            shop.create(live(kind));
            shop.execute("INSERT INTO shop." + live(kind) + " (name) VALUES ('first')");
            shop.create(big(kind, 0));
            shop.fill(big(kind, 0), ROWS);
        }
        host.answersUntilReady("/connectors");
    }

    @AfterAll
    static void stop() throws Exception {
        if (host != null) {
            host.close();
        }
        endLoad();
        SHOPS.values().forEach(ShopTables::close);
    }

    private static ShopTables shop(Kind kind) {
        return requireNonNull(SHOPS.get(kind));
    }

    /** The table that is written to all the time. */
    private static String live(Kind kind) {
        return "live_" + kind.name().toLowerCase(Locale.ROOT);
    }

    /** The table whose snapshot is interrupted. */
    private static String big(Kind kind, int number) {
        return "big" + number + "_" + kind.name().toLowerCase(Locale.ROOT);
    }

    private static String kafka() {
        return "127.0.0.1:" + host.kafkaPort;
    }

    private static void create(Kind kind, String table) {
        String body = shop(kind).connector(table, kafka(), serverId++);
        HostUnderTest.Answer created = host.call("POST", "/connectors", body);
        assertThat(created.status()).as("%s", created).isEqualTo(201);
    }

    private static void restart() {
        host.start();
        host.answersUntilReady("/connectors");
    }

    private static void startLoad() {
        for (Kind kind : Kind.values()) {
            LOADS.put(kind, shop(kind).new Load(live(kind)));
        }
    }

    private static void awaitMore(int rows) {
        LOADS.values().forEach(load -> load.awaitMore(rows));
    }

    private static void endLoad() throws InterruptedException {
        for (ShopTables.Load load : LOADS.values()) {
            load.close();
        }
        LOADS.clear();
    }

    private static void awaitComplete() throws Exception {
        endLoad();
        for (Kind kind : Kind.values()) {
            try {
                shop(kind).awaitComplete(kafka(), live(kind));
            } catch (AssertionError e) {
                throw new AssertionError(e.getMessage() + "\n" + host.logText(), e);
            }
        }
    }

    private static void awaitRecords(String table, long more) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (ShopTables.records(kafka(), table) < more) {
            assertThat(System.nanoTime()).as("%s %s", table, host.logText()).isLessThan(deadline);
            ShopTables.pause(20);
        }
    }

    /**
     * Creates a connector for a large table and kills the process when half of the rows are in the
     * topic; the table whose snapshot that interrupted.
     */
    private static String killInTheSnapshot(Kind kind) throws InterruptedException {
        for (int number = 0; number < MAX_TRIES; number++) {
            String table = big(kind, number);
            if (number > 0) { // this process had no CPU at the time to look
                shop(kind).create(table);
                shop(kind).fill(table, ROWS);
            }
            create(kind, table);
            awaitRecords(table, ROWS / 2);
            long before = ShopTables.records(kafka(), table);
            if (before < ROWS) {
                host.kill9();
                System.out.printf("%s: killed after %d of %d rows%n", kind, before, ROWS);
                return table;
            }
            assertThat(host.call("DELETE", "/connectors/" + table).status()).isEqualTo(204);
        }
        throw new AssertionError("the snapshots of " + kind + " were over before a look into them");
    }

    @Test
    @Order(1)
    void killedLateInASnapshotItStartsItAgainAndStreamsOn() throws Exception {
        for (Kind kind : Kind.values()) {
            create(kind, live(kind));
        }
        startLoad();
        for (Kind kind : Kind.values()) {
            awaitRecords(live(kind), 20);
        }
        Map<Kind, String> tables = new EnumMap<>(Kind.class);
        for (Kind kind : Kind.values()) {
            tables.put(kind, killInTheSnapshot(kind));
            restart();
            awaitMore(5);
        }
        awaitComplete();
        for (Kind kind : Kind.values()) {
            long records = shop(kind).awaitComplete(kafka(), requireNonNull(tables.get(kind)));
            System.out.printf("%s: then %d records%n", kind, records);
            assertThat(records).as("it began again").isGreaterThan(ROWS);
        }
    }

    @Test
    @Order(2)
    void killedUnderLoadItGoesOn() throws Exception {
        assumeTrue(SOAK, "only with -Dmillrace.soak=true: the kills above were under load too");
        startLoad();
        for (int i = 0; i < KILLS_UNDER_LOAD; i++) {
            awaitMore(20);
            host.kill9();
            restart();
        }
        awaitComplete();
    }

    @Test
    @Order(3)
    void everyStopEndsByItselfAndNothingIsLost() throws Exception {
        List<Long> stops = new ArrayList<>();
        startLoad();
        for (int i = 0; i < STOPS; i++) {
            awaitMore(5);
            long logged = host.logBytes();
            long start = System.nanoTime();
            assertThat(host.stop(STOP_LIMIT)).as("cycle %d", i).isZero();
            stops.add((System.nanoTime() - start) / 1_000_000);
            assertThat(host.logTextFrom(logged)).as("cycle %d", i).contains("stopped part=broker");
            restart();
            for (Kind kind : Kind.values()) {
                host.await(
                        "/connectors/" + live(kind) + "/status",
                        a -> a.body().at("/tasks/0/state").asText().equals("RUNNING"));
            }
        }
        awaitComplete();
        Collections.sort(stops);
        System.out.printf(
                "%d stops: median %d ms, longest %d ms%n",
                STOPS, stops.get(STOPS / 2), stops.getLast());
    }
}
