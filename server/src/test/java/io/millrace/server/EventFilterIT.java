package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.MillraceServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Event filters of each kind through the real API, from MySQL to MySQL (rows as binlog events) and
 * to MariaDB (rows as SQL): what is in the target is what the source's own WHERE says of the same
 * conditions.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the tests
final class EventFilterIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FEEDS = "/api/v2/changefeeds";
    private static final Duration CATCH_UP = Duration.ofSeconds(60);
    private static final int ROWS = 3000;

    private static final String INSERT =
            "(id >= 2500 AND name LIKE 'J%') OR price BETWEEN 10.5 AND 20 OR name IS NULL"
                    + " OR kind IN ('red', 'blue') AND LENGTH(name) = 4";

    private static final String OLD = "v < 0 OR LOWER(note) = 'stay'";
    private static final String NEW = "v % 7 = 3";
    private static final String DELETE = "NOT (v > 50) XOR note REGEXP '^s'";

    @TempDir static Path folder;

    private static DbServer mysql;
    private static DbServer maria;
    private static DbServer replica;
    private static MillraceServer server;
    private static ApiClient api;

    @BeforeAll
    static void start() throws IOException {
        mysql = DbServer.mysql().start();
        maria = DbServer.mariadb().option("server_id", "2").start();
        replica = DbServer.mysql().option("server_id", "3").start();
        Path config = folder.resolve("millrace.toml");
        Files.writeString(config, "time-zone = \"+08:00\"\n");
        server = MillraceServer.start(mysql.uri(), folder, "--config", config.toString());
        api = new ApiClient(server.url());
    }

    @AfterAll
    static void stop() {
        server.close();
        replica.close();
        maria.close();
        mysql.close();
    }

    private static ObjectNode filter(ArrayNode all, String matcher) {
        ObjectNode filter = all.addObject();
        filter.putArray("matcher").add(matcher);
        return filter;
    }

    private static String request(String id, DbServer target) {
        ObjectNode body = JSON.createObjectNode();
        body.put("changefeed_id", id).put("sink_uri", target.uri());
        ObjectNode filter = body.withObject("/replica_config/filter");
        filter.putArray("rules").add("evt.*");
        ArrayNode all = filter.putArray("event_filters");
        filter(all, "evt.i").put("ignore_insert_value_expr", INSERT);
        filter(all, "evt.u")
                .put("ignore_update_old_value_expr", OLD)
                .put("ignore_update_new_value_expr", NEW);
        filter(all, "evt.d").put("ignore_delete_value_expr", DELETE);
        filter(all, "evt.z").put("ignore_insert_value_expr", "at >= '2024-06-01 20:00:00'");
        filter(all, "evt.n").putArray("ignore_event").add("delete").add("truncate table");
        filter(all, "evt.x").putArray("ignore_sql").add("^drop\\s+table").add("add .*column");
        filter(all, "EVT.done").putArray("ignore_event").add("all dml");
        return body.toString();
    }

    private static void create() {
        for (DbServer db : List.of(mysql, maria, replica)) {
            db.execute(
                    "CREATE DATABASE evt CHARACTER SET utf8mb4",
                    "CREATE DATABASE keep CHARACTER SET utf8mb4",
                    "CREATE TABLE evt.i (id INT PRIMARY KEY, name VARCHAR(20), price DECIMAL(8,2),"
                            + " kind ENUM('red','green','blue'))",
                    "CREATE TABLE evt.u (id INT PRIMARY KEY, v INT, note VARCHAR(20))",
                    "CREATE TABLE evt.d (id INT PRIMARY KEY, v INT, note VARCHAR(20))",
                    "CREATE TABLE evt.z (id INT PRIMARY KEY, at TIMESTAMP NULL)",
                    "CREATE TABLE evt.n (id INT PRIMARY KEY)",
                    "CREATE TABLE evt.x (id INT PRIMARY KEY)",
                    "CREATE TABLE evt.done (id INT PRIMARY KEY)");
        }
    }

    /** Numbers from 1 to {@link #ROWS}, as rows. */
    private static String numbers() {
        return "(WITH RECURSIVE n AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM n WHERE k < "
                + ROWS
                + ") SELECT k FROM n) s";
    }

    private static void change() {
        String numbers = "SET SESSION cte_max_recursion_depth = 10000";
        mysql.execute(
                numbers,
                "INSERT INTO evt.i SELECT k, ELT(k % 5 + 1, 'John', 'jim', NULL, 'Anna', 'josé'),"
                        + " k % 37 + 0.25, ELT(k % 4 + 1, 'red', 'green', 'blue', NULL) FROM "
                        + numbers(),
                "INSERT INTO evt.u SELECT k, k % 100 - 20, ELT(k % 3 + 1, 'Stay', 'go', NULL) FROM "
                        + numbers(),
                "CREATE TABLE keep.u AS SELECT * FROM evt.u",
                "UPDATE evt.u SET v = v * 3 + 1",
                "INSERT INTO evt.d SELECT k, IF(k % 11 = 0, NULL, k % 100),"
                        + " ELT(k % 3 + 1, 'Stay', 'go', NULL) FROM "
                        + numbers(),
                "CREATE TABLE keep.d AS SELECT * FROM evt.d",
                "DELETE FROM evt.d WHERE id % 2 = 0",
                "SET time_zone = '+00:00'",
                "INSERT INTO evt.z VALUES (1, '2024-06-01 11:59:59'), (2, '2024-06-01 12:00:00'),"
                        + " (3, NULL), (4, '2024-06-01 20:00:00')",
                "INSERT INTO evt.n VALUES (1), (2), (3)",
                "DELETE FROM evt.n WHERE id = 2",
                "TRUNCATE TABLE evt.n",
                "INSERT INTO evt.n VALUES (4)",
                "INSERT INTO evt.x VALUES (1)",
                "ALTER TABLE evt.x ADD COLUMN c INT",
                "DROP TABLE evt.x",
                "INSERT INTO evt.done VALUES (1)");
    }

    private static String sum(String columns, String from) {
        return "SELECT CONCAT(COUNT(*), ' ', COALESCE(SUM(CRC32(CONCAT_WS('|', "
                + columns
                + "))), 0)) FROM "
                + from;
    }

    private static String text(DbServer db, String sql) {
        return db.query(sql).orElse("");
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + CATCH_UP.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime())
                    .as("%s: %s, %s", what, api.get(FEEDS + "?state=all").text(), server.logTail())
                    .isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    @Test
    void theTargetHoldsWhatTheConditionsLeave() throws InterruptedException {
        create();
        for (DbServer target : List.of(replica, maria)) {
            ApiClient.Answer created = api.create(request(id(target), target));
            assertThat(created.status()).as(created.text()).isEqualTo(200);
        }
        change();
        compare(replica);
        compare(maria);
        mysql.execute("ALTER TABLE evt.d DROP COLUMN note");
        for (DbServer target : List.of(replica, maria)) {
            String feed = FEEDS + "/" + id(target);
            await("failed", () -> api.get(feed).body().get("state").asText().equals("failed"));
            JsonNode error = api.get(feed).body().get("error");
            assertThat(error.get("code").asText()).isEqualTo("CDC:ErrExpressionColumnNotFound");
            assertThat(error.get("message").asText()).contains("note").contains("evt.d");
            assertThat(text(target, "SELECT COUNT(note) > 0 FROM evt.d"))
                    .as("the DDL was not applied")
                    .isEqualTo("1");
            assertThat(api.call("DELETE", feed, "").status()).isEqualTo(200);
        }
    }

    private static String id(DbServer target) {
        return "to-" + target.port();
    }

    private static void compare(DbServer target) throws InterruptedException {
        await("the last row", () -> text(target, "SELECT COUNT(*) FROM evt.done").equals("1"));
        // Tables have no common order of commits.
        server.awaitCaughtUp(id(target), mysql, CATCH_UP);

        String rows = "id, COALESCE(name, '-'), price, COALESCE(kind, '-')";
        String expected = text(mysql, sum(rows, "evt.i WHERE (" + INSERT + ") IS NOT TRUE"));
        assertThat(text(target, sum(rows, "evt.i"))).as("inserted rows").isEqualTo(expected);
        assertThat(Integer.parseInt(expected.split(" ")[0])).isBetween(ROWS / 4, ROWS * 3 / 4);

        String kept = "(" + OLD.replace("v", "o.v").replace("note", "o.note") + ") IS TRUE";
        kept += " OR (" + NEW.replace("v", "n.v") + ") IS TRUE";
        String joined = "keep.u o JOIN evt.u n USING (id)";
        assertThat(text(target, sum("id, v", "evt.u")))
                .as("updated rows")
                .isEqualTo(text(mysql, sum("id, IF(" + kept + ", o.v, n.v)", joined)));
        assertThat(
                        Integer.parseInt(
                                text(mysql, "SELECT COUNT(*) FROM " + joined + " WHERE " + kept)))
                .isBetween(ROWS / 4, ROWS * 3 / 4);

        expected = text(mysql, sum("id, v", "keep.d WHERE id % 2 = 1 OR (" + DELETE + ") IS TRUE"));
        assertThat(text(target, sum("id, v", "evt.d"))).as("deleted rows").isEqualTo(expected);
        assertThat(Integer.parseInt(expected.split(" ")[0])).isBetween(ROWS * 5 / 9, ROWS * 8 / 9);

        assertThat(text(target, "SELECT GROUP_CONCAT(id ORDER BY id) FROM evt.z"))
                .as("a time in the server's zone")
                .isEqualTo("1,3");
        assertThat(text(target, "SELECT GROUP_CONCAT(id ORDER BY id) FROM evt.n"))
                .as("no deletes, no truncate")
                .isEqualTo("1,2,3,4");
        assertThat(text(target, "SELECT COUNT(*) FROM evt.x")).as("a kept table").isEqualTo("1");
        assertThat(
                        text(
                                target,
                                "SELECT COUNT(*) FROM information_schema.columns WHERE"
                                        + " table_schema = 'evt' AND table_name = 'x'"))
                .as("columns of a table whose ADD COLUMN is left out")
                .isEqualTo("1");

        String soon = "{\"replica_config\":{\"synced_status\":{\"synced_check_interval\":1}}}";
        await(
                "synced",
                () ->
                        api.call("GET", FEEDS + "/" + id(target) + "/synced", soon)
                                .body()
                                .get("synced")
                                .asBoolean());
    }

    @Test
    void theExampleOfTheUserGuide() throws Exception {
        String guide = Files.readString(Path.of("../docs/user-guide.md"));
        int from = guide.lastIndexOf("-d '", guide.indexOf("\"ignore_sql\""));
        String body = guide.substring(from + 4, guide.indexOf("}'", from) + 1);
        for (DbServer db : List.of(mysql, maria)) {
            db.execute(
                    "CREATE DATABASE archive",
                    "CREATE TABLE archive.orders (id INT PRIMARY KEY, state VARCHAR(10),"
                            + " price DECIMAL(8,2))");
        }
        ApiClient.Answer created = api.create(body.replaceFirst("mysql://[^\"]*", maria.uri()));
        assertThat(created.status()).as(created.text()).isEqualTo(200);
        mysql.execute(
                "INSERT INTO archive.orders VALUES (1,'open',5),(2,'TEST',5),(3,'open',0),"
                        + "(4,'closed',9)",
                "UPDATE archive.orders SET price = 7, state = 'paid' WHERE id IN (1, 4)",
                "UPDATE archive.orders SET price = NULL WHERE id = 1",
                "DELETE FROM archive.orders WHERE id = 4",
                "TRUNCATE TABLE archive.orders",
                "DROP TABLE archive.orders",
                "CREATE TABLE archive.done (id INT PRIMARY KEY)");
        String tables =
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'archive'";
        await("the last table", () -> text(maria, tables).equals("2"));
        assertThat(
                        text(
                                maria,
                                "SELECT GROUP_CONCAT(CONCAT_WS(' ', id, state, price) ORDER BY id)"
                                        + " FROM archive.orders"))
                .isEqualTo("1 paid 7.00,4 closed 9.00");
        assertThat(api.call("DELETE", FEEDS + "/archive", "").status()).isEqualTo(200);
    }
}
