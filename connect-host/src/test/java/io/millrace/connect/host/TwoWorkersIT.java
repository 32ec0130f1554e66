package io.millrace.connect.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.connect.host.HostUnderTest.Answer;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.DebeziumPlugins;
import io.millrace.testkit.servers.KafkaServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two processes with one Kafka elsewhere are one Connect group. In an order: connectors are spread
 * over both, one process is killed, the Kafka is restarted, the MySQL is killed and comes back;
 * rows are written all the time, and none may be missing.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TwoWorkersIT {
    private static final List<String> TABLES = List.of("a", "b");

    private static DbServer mysql;
    private static KafkaServer kafka;
    private static ShopTables tables;
    private static List<HostUnderTest> hosts;
    private static ShopTables.Load load;

    @BeforeAll
    static void start(@TempDir Path folder) throws Exception {
        kafka =
                KafkaServer.builder()
                        .autoCreateTopics()
                        .option("group.min.session.timeout.ms", "1000")
                        .start();
        List<String> quick = List.of("session.timeout.ms=3000", "heartbeat.interval.ms=500");
        hosts =
                List.of(
                        host(Files.createDirectory(folder.resolve("one")), quick),
                        host(Files.createDirectory(folder.resolve("two")), quick));
        hosts.forEach(HostUnderTest::start);
        mysql = DbServer.mysql().start();
        tables = new ShopTables(mysql);
        TABLES.forEach(tables::create);
        hosts.forEach(host -> host.answersUntilReady("/connectors"));
        load = tables.new Load("a", "b");
    }

    private static HostUnderTest host(Path folder, List<String> settings) {
        return new HostUnderTest(
                folder, DebeziumPlugins.mysql(), kafka.bootstrapServers(), settings);
    }

    @AfterAll
    static void stop() throws Exception {
        // Whatever start() came to: the hosts are no servers of the testkit, nobody else ends them.
        if (hosts != null) {
            hosts.forEach(HostUnderTest::close);
        }
        if (load != null) {
            load.close();
        }
        if (mysql != null) {
            mysql.close();
        }
        if (kafka != null) {
            kafka.close();
        }
    }

    /**
     * Waits until the tasks run on different workers. A group moves connectors in two rounds, and
     * what moves is RUNNING on its old worker until it has stopped there.
     */
    private static void awaitSpread() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            Map<String, String> places = awaitRunning(hosts);
            if (new HashSet<>(places.values()).size() == TABLES.size()) {
                return;
            }
            assertThat(System.nanoTime()).as("not spread: %s", places).isLessThan(deadline);
            ShopTables.pause(100);
        }
    }

    /** The first answer that isn't about a group that is changing. */
    private static Answer settled(Supplier<Answer> call) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            Answer answer = call.get();
            boolean changing = answer.status() == 409 || answer.status() == 503;
            if (!changing || System.nanoTime() > deadline) {
                return answer;
            }
            ShopTables.pause(50);
        }
    }

    /** Table to the worker of its task, when both run and both processes say the same. */
    private static Map<String, String> awaitRunning(List<HostUnderTest> alive) {
        Map<String, String> places = new TreeMap<>();
        for (String table : TABLES) {
            for (HostUnderTest host : alive) {
                JsonNode status =
                        host.await(
                                        "/connectors/" + table + "/status",
                                        a ->
                                                isRunning(a.body().path("connector"), alive)
                                                        && isRunning(
                                                                a.body().at("/tasks/0"), alive))
                                .body();
                places.put(table, status.at("/tasks/0/worker_id").asText());
            }
        }
        return places;
    }

    private static boolean isRunning(JsonNode part, List<HostUnderTest> alive) {
        return part.path("state").asText().equals("RUNNING")
                && alive.stream()
                        .anyMatch(host -> part.path("worker_id").asText().equals(id(host)));
    }

    private static String id(HostUnderTest host) {
        return "127.0.0.1:" + host.port;
    }

    private static void assertComplete() throws Exception {
        load.close();
        for (String table : TABLES) {
            long records;
            try {
                records = tables.awaitComplete(kafka.bootstrapServers(), table);
            } catch (AssertionError e) {
                StringBuilder state = new StringBuilder(String.valueOf(e.getMessage()));
                for (HostUnderTest host : hosts) {
                    state.append('\n').append(host.isAlive() ? table : "not running");
                    if (host.isAlive()) {
                        state.append(host.get("/connectors/" + table + "/status").body());
                    }
                    state.append('\n').append(host.logText());
                }
                throw new AssertionError(state.toString(), e);
            }
            System.out.println("topic of " + table + ": " + records + " records");
        }
        load = tables.new Load("a", "b");
    }

    @Test
    @Order(1)
    void connectorsAreSpreadAndEitherAnswers() throws Exception {
        int number = 0;
        for (String table : TABLES) {
            HostUnderTest host = hosts.get(number);
            String body =
                    ShopTables.connector(mysql, table, kafka.bootstrapServers(), 9100 + number++);
            Answer created = settled(() -> host.call("POST", "/connectors", body));
            assertThat(created.status()).as("%s", created).isEqualTo(201);
        }
        awaitSpread();
        for (HostUnderTest host : hosts) {
            assertThat(host.get("/connectors").body().toString()).isEqualTo("[\"a\",\"b\"]");
            for (String table : TABLES) {
                // One of them has to ask the other one for it.
                Answer restarted =
                        settled(() -> host.call("POST", "/connectors/" + table + "/restart"));
                assertThat(restarted.status()).as("%s", restarted).isEqualTo(204);
                String patch = "{\"max.batch.size\":\"" + (host.port % 999 + 1) + "\"}";
                Answer patched =
                        settled(() ->
                                host.call("PATCH", "/connectors/" + table + "/config", patch));
                assertThat(patched.status()).as("%s", patched).isEqualTo(200);
            }
        }
        awaitRunning(hosts);
        load.awaitMore(50);
        assertComplete();
    }

    @Test
    @Order(2)
    void theConnectorsOfAKilledProcessMove() throws Exception {
        awaitRunning(hosts);
        // The worker of the connector, not of its task: it is the one that a restart goes to.
        String victimId =
                hosts.get(0).get("/connectors/b/status").body().at("/connector/worker_id").asText();
        HostUnderTest victim = id(hosts.get(0)).equals(victimId) ? hosts.get(0) : hosts.get(1);
        HostUnderTest other = victim == hosts.get(0) ? hosts.get(1) : hosts.get(0);
        victim.kill9();
        long start = System.nanoTime();
        Map<Integer, String> answers = new TreeMap<>();
        while (System.nanoTime() - start < TimeUnit.SECONDS.toNanos(60)) {
            Answer restart = other.call("POST", "/connectors/b/restart");
            answers.put(restart.status(), restart.message());
            if (restart.status() / 100 == 2) {
                break;
            }
            ShopTables.pause(50);
        }
        System.out.println("answers while the group changes: " + answers);
        assertThat(answers).containsKey(503).containsKey(204);
        assertThat(answers.keySet()).isSubsetOf(204, 409, 503);
        assertThat(answers.get(503)).contains("cannot be reached").contains("try again");
        awaitRunning(List.of(other));
        System.out.printf(
                "all runs on the other after %d ms%n", (System.nanoTime() - start) / 1_000_000);
        load.awaitMore(50);
        assertComplete();
        victim.start();
        victim.answersUntilReady("/connectors");
        awaitSpread();
    }

    @Test
    @Order(3)
    void aRestartOfTheKafkaLosesNothing() throws Exception {
        kafka.stop();
        load.awaitMore(100);
        kafka.start();
        load.awaitMore(20);
        assertComplete();
        // The state of a connector may stay UNASSIGNED: the worker that lost it can write that
        // down only when the Kafka is back, maybe after the other one has written RUNNING.
        awaitTasksRunning();
    }

    @Test
    @Order(4)
    void aKilledUpstreamThatComesBackLosesNothing() throws Exception {
        mysql.kill9();
        ShopTables.pause(1_000);
        mysql.start();
        load.awaitMore(50);
        assertComplete();
        awaitTasksRunning();
    }

    private static void awaitTasksRunning() {
        for (String table : TABLES) {
            hosts.get(0)
                    .await(
                            "/connectors/" + table + "/status",
                            a -> a.body().at("/tasks/0/state").asText().equals("RUNNING"));
        }
    }
}
