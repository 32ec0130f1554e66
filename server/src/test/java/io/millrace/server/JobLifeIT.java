package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.core.model.Tso;
import io.millrace.server.ApiClient.Answer;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.KafkaServer;
import io.millrace.testkit.servers.MillraceServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The states of a changefeed and what moves it between them, with real sources and targets. */
@SuppressWarnings("NullAway.Init") // fields are set before the tests
final class JobLifeIT {
    private static final String FEEDS = "/api/v2/changefeeds";
    private static final long PATIENCE_NANOS = Duration.ofSeconds(60).toNanos();

    @TempDir static Path folder;

    private static DbServer source;
    private static DbServer target;
    private static MillraceServer server;
    private static ApiClient api;

    private interface Condition {
        boolean holds() throws Exception;
    }

    @BeforeAll
    static void start() throws IOException {
        source = DbServer.mysql().start();
        target = DbServer.mariadb().option("server_id", "2").start();
        Path config = folder.resolve("millrace.toml");
        Files.writeString(
                config, "retry-interval = \"200ms\"\n[ticdc]\nretrying-state = \"warning\"\n");
        server = MillraceServer.start(source.uri(), folder, "--config", config.toString());
        api = new ApiClient(server.url());
    }

    @AfterAll
    static void stop() {
        server.close();
        target.close();
        source.close();
    }

    @AfterEach
    void removeAll() {
        for (JsonNode feed : api.get(FEEDS + "?state=all").body().get("items")) {
            api.call("DELETE", FEEDS + "/" + feed.get("id").asText(), "");
        }
    }

    /** The same table, empty, on both sides; starts a changefeed for its schema. */
    private static JsonNode feed(String id, String columns, String more) {
        for (DbServer db : List.of(source, target)) {
            db.execute(
                    "DROP DATABASE IF EXISTS " + id,
                    "CREATE DATABASE " + id,
                    "CREATE TABLE " + id + ".t (" + columns + ")");
        }
        return create(id, target.uri(), more);
    }

    private static JsonNode create(String id, String sink, String more) {
        Answer answer =
                api.create(
                        "{\"changefeed_id\":\""
                                + id
                                + "\",\"sink_uri\":\""
                                + sink
                                + "\",\"replica_config\":{\"filter\":{\"rules\":[\""
                                + id
                                + ".*\"]}}"
                                + more
                                + "}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return answer.body();
    }

    private static void until(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("%s\n%s", what, server.logTail()).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    private static void untilTarget(String sql, String wanted) throws Exception {
        until(sql + " = " + wanted, () -> target.query(sql).orElse("").equals(wanted));
    }

    private static long now() {
        JsonNode tso = api.post("/api/v2/tso", "{}").body();
        return Tso.of(tso.get("timestamp").asLong(), 0);
    }

    private static void untilCaughtUp(String id) throws Exception {
        long now = now();
        until(
                id + " caught up",
                () -> api.get(FEEDS + "/" + id).body().path("checkpoint_ts").asLong() > now);
    }

    private static void assertError(JsonNode error, String code, String part) {
        assertThat(error.get("addr").asText()).isEqualTo(server.address());
        assertThat(error.get("code").asText()).isEqualTo(code);
        assertThat(error.get("message").asText())
                .startsWith("[" + code + "]")
                .contains(part)
                .doesNotContain(target.rootPassword() + "@");
    }

    @Test
    void aTargetThatGoesAwayIsWaitedFor() throws Exception {
        feed("gone", "id INT PRIMARY KEY", "");
        source.execute("INSERT INTO gone.t VALUES (1)");
        untilTarget("SELECT COUNT(*) FROM gone.t", "1");
        target.kill9();
        source.execute("INSERT INTO gone.t VALUES (2)");
        JsonNode waiting = api.await("gone", "warning");
        assertError(waiting.get("error"), "CDC:ErrMySQLConnectionError", ":" + target.port());
        assertThat(waiting.has("admin_job_type")).isFalse();
        JsonNode item = api.get(FEEDS + "?state=warning").body().at("/items/0");
        assertThat(item.get("state").asText()).isEqualTo("warning");
        assertError(item.get("error"), "CDC:ErrMySQLConnectionError", ":" + target.port());
        OffsetDateTime.parse(item.at("/error/time").asText());
        JsonNode brief = api.get(FEEDS + "/gone/status").body();
        assertError(brief.get("last_error"), "CDC:ErrMySQLConnectionError", ":" + target.port());
        assertThat(api.get("/api/v2/health").status()).isEqualTo(200);
        long checkpoint = waiting.get("checkpoint_ts").asLong();
        Thread.sleep(1_000);
        assertThat(api.get(FEEDS + "/gone").body().get("state").asText()).isEqualTo("warning");
        target.start();
        untilTarget("SELECT COUNT(*) FROM gone.t", "2");
        JsonNode well = api.await("gone", "normal");
        assertThat(well.has("error")).isFalse();
        assertThat(well.get("checkpoint_ts").asLong()).isGreaterThan(checkpoint);
        assertThat(metric("ticdc_sink_execution_error", "gone")).isPositive();
        // The checkpoint has passed the error.
        untilCaughtUp("gone");
        assertThat(api.get(FEEDS + "/gone/status").body().has("last_error")).isFalse();
    }

    /** The value of a metric of a changefeed; -1 when the page does not have it. */
    private static double metric(String name, String feed) {
        String start = name + "{namespace=\"default\",changefeed=\"" + feed + "\"} ";
        return api.get("/metrics")
                .text()
                .lines()
                .filter(line -> line.startsWith(start))
                .mapToDouble(line -> Double.parseDouble(line.substring(start.length())))
                .findFirst()
                .orElse(-1);
    }

    /**
     * A transaction that is many times the quota: what is held never exceeds the quota, and the
     * metrics tell what was done.
     */
    @Test
    void aSmallQuotaHoldsAndWorkIsCounted() throws Exception {
        long quota = 1 << 20;
        for (DbServer db : List.of(source, target)) {
            db.execute(
                    "CREATE DATABASE small",
                    "CREATE TABLE small.t (id INT PRIMARY KEY, body TEXT CHARACTER SET ascii)",
                    "CREATE TABLE small.u (id INT PRIMARY KEY)");
        }
        Answer made =
                api.create(
                        "{\"changefeed_id\":\"small\",\"sink_uri\":\""
                                + target.uri()
                                + "\",\"replica_config\":{\"memory_quota\":"
                                + quota
                                + ",\"filter\":{\"rules\":[\"small.*\"]}}}");
        assertThat(made.status()).as(made.text()).isEqualTo(200);
        int rows = 4000;
        source.execute(
                "SET SESSION cte_max_recursion_depth=1000000",
                "INSERT INTO small.t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n"
                        + " WHERE i<"
                        + rows
                        + ") SELECT i, REPEAT(MD5(i), 192) FROM n");
        double most = 0;
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (metric("ticdc_sink_table_sink_total_rows_count", "small") < rows) {
            double held = metric("ticdc_processor_memory_consumption", "small");
            assertThat(held).isLessThanOrEqualTo(quota);
            most = Math.max(most, held);
            assertThat(System.nanoTime()).as("rows arrive").isLessThan(deadline);
        }
        assertThat(most).as("something was held").isPositive();
        untilTarget("SELECT COUNT(*) FROM small.t", Integer.toString(rows));
        source.execute("ALTER TABLE small.u ADD v INT");
        untilCaughtUp("small");
        assertThat(metric("ticdc_sink_write_bytes_total", "small")).isGreaterThan(rows * 6000.0);
        assertThat(metric("ticdc_sink_ddl_exec_count", "small")).isEqualTo(1);
        assertThat(metric("ticdc_sink_ddl_exec_duration_count", "small")).isEqualTo(1);
        assertThat(metric("ticdc_sink_ddl_exec_duration_sum", "small")).isPositive();
        assertThat(metric("ticdc_sink_txn_worker_handled_rows", "small")).isEqualTo(rows);
        assertThat(metric("ticdc_sink_batch_row_count_sum", "small")).isEqualTo(rows);
        // DDL that the filter leaves out is read too.
        assertThat(metric("ticdc_puller_txn_collect_event_count", "small"))
                .isBetween(rows + 1.0, rows + 9.0);
        for (String recorded :
                List.of(
                        "ticdc_sink_txn_worker_flush_duration_count",
                        "ticdc_sink_txn_sink_dml_batch_commit_count",
                        "ticdc_sink_flush_lag_histogram_count")) {
            assertThat(metric(recorded, "small")).as(recorded).isPositive();
        }
        assertThat(metric("ticdc_processor_num_of_tables", "small")).isEqualTo(2);
        assertThat(metric("ticdc_scheduler_table", "small")).isEqualTo(2);
    }

    @Test
    void whileItWaitsItCanBePausedAndRemoved() throws Exception {
        feed("patient", "id INT PRIMARY KEY", "");
        untilCaughtUp("patient");
        target.stop();
        try {
            source.execute("INSERT INTO patient.t VALUES (1)");
            api.await("patient", "warning");
            assertThat(api.post(FEEDS + "/patient/pause", "").text()).isEqualTo("{}");
            JsonNode paused = api.await("patient", "stopped");
            assertThat(paused.has("error")).isFalse();
            assertThat(api.post(FEEDS + "/patient/resume", "{}").status()).isEqualTo(400);
            long begin = System.nanoTime();
            assertThat(api.call("DELETE", FEEDS + "/patient", "").text()).isEqualTo("{}");
            assertThat(System.nanoTime() - begin).isLessThan(Duration.ofSeconds(9).toNanos());
        } finally {
            target.start();
        }
    }

    @Test
    void aRowThatTheTargetRefusesFailsTheFeedUntilItIsMended() throws Exception {
        feed("refused", "id INT PRIMARY KEY, v INT", "");
        target.execute("ALTER TABLE refused.t ADD CONSTRAINT small CHECK (v < 100)");
        source.execute(
                "INSERT INTO refused.t VALUES (1, 10)", "INSERT INTO refused.t VALUES (2, 1000)");
        JsonNode failed = api.await("refused", "failed");
        assertError(failed.get("error"), "CDC:ErrMySQLTxnError", "refused");
        assertThat(failed.at("/error/message").asText()).contains("`t`").contains("2");
        assertThat(failed.get("admin_job_type").intValue()).isEqualTo(1);
        assertThat(api.get("/api/v2/health").status()).isEqualTo(200);
        target.execute("ALTER TABLE refused.t DROP CONSTRAINT small");
        api.post(FEEDS + "/refused/resume", "{}");
        untilTarget("SELECT GROUP_CONCAT(v ORDER BY id) FROM refused.t", "10,1000");
        assertThat(api.await("refused", "normal").has("error")).isFalse();
    }

    private static Set<Long> tableIds(String id) {
        String capture = api.get("/api/v2/status").body().get("id").asText();
        Set<Long> ids = new TreeSet<>();
        api.get("/api/v2/processors/" + id + "/" + capture)
                .body()
                .path("table_ids")
                .forEach(table -> ids.add(table.longValue()));
        return ids;
    }

    @Test
    void itsTablesAreListedFromTheStart() throws Exception {
        feed("listed", "id INT PRIMARY KEY", "");
        // Until then it may pass older DDL, of the same tables too.
        untilCaughtUp("listed");
        until("one table", () -> tableIds("listed").size() == 1);
        Set<Long> first = tableIds("listed");
        source.execute(
                "CREATE TABLE listed.nokey (id INT)",
                "CREATE TABLE listed.u (id INT PRIMARY KEY)",
                "CREATE TABLE listed.v (id INT PRIMARY KEY)");
        until("three tables", () -> tableIds("listed").size() == 3);
        assertThat(tableIds("listed")).containsAll(first);
        untilCaughtUp("listed");
        assertThat(tableIds("listed")).hasSize(3);
        source.execute("DROP TABLE listed.u", "TRUNCATE TABLE listed.t");
        until("one less", () -> tableIds("listed").size() == 2);
        until("a new id", () -> !tableIds("listed").containsAll(first));
        source.execute("DROP DATABASE listed");
        until("none", () -> tableIds("listed").isEmpty());
    }

    @Test
    void itFinishesAtItsTargetAndDeliversNothingBeyond() throws Exception {
        long target2s = Tso.of(System.currentTimeMillis() + 2_500, 0);
        feed("finite", "id INT PRIMARY KEY", ",\"target_ts\":" + target2s);
        source.execute("INSERT INTO finite.t VALUES (1)");
        while (Tso.of(System.currentTimeMillis() - 200, 0) < target2s) {
            Thread.sleep(20);
        }
        source.execute("INSERT INTO finite.t VALUES (2)");
        JsonNode finished = api.await("finite", "finished");
        assertThat(finished.get("checkpoint_ts").asLong()).isEqualTo(target2s);
        assertThat(finished.get("admin_job_type").intValue()).isEqualTo(4);
        assertThat(target.query("SELECT GROUP_CONCAT(id) FROM finite.t")).contains("1");
        assertThat(api.get(FEEDS).body().get("total").intValue()).isZero();
        assertThat(api.get(FEEDS + "?state=finished").body().get("total").intValue()).isEqualTo(1);
    }

    @Test
    void anOverwrittenCheckpointWinsOverTheProgressInTheTarget() throws Exception {
        long start = feed("again", "id INT PRIMARY KEY, v INT", "").get("start_ts").asLong();
        source.execute(
                "INSERT INTO again.t VALUES (1,1),(2,2)",
                "CREATE TABLE again.u (id INT PRIMARY KEY)",
                "INSERT INTO again.u VALUES (5)",
                "UPDATE again.t SET v=20 WHERE id=2");
        untilTarget("SELECT GROUP_CONCAT(v ORDER BY id) FROM again.t", "1,20");
        untilCaughtUp("again");
        api.post(FEEDS + "/again/pause", "");
        JsonNode paused = api.await("again", "stopped");
        // As if the target had been set back to a backup of the time before.
        target.execute("DELETE FROM again.t", "DROP TABLE again.u");
        Answer resumed =
                api.post(FEEDS + "/again/resume", "{\"overwrite_checkpoint_ts\":" + start + "}");
        assertThat(resumed.status()).as(resumed.text()).isEqualTo(200);
        untilTarget("SELECT GROUP_CONCAT(v ORDER BY id) FROM again.t", "1,20");
        untilTarget("SELECT GROUP_CONCAT(id) FROM again.u", "5");
        JsonNode feed = api.get(FEEDS + "/again").body();
        assertThat(feed.get("start_ts").asLong()).isEqualTo(start);
        untilCaughtUp("again");

        // Forward: what lies between is left out.
        api.post(FEEDS + "/again/pause", "");
        api.await("again", "stopped");
        source.execute("INSERT INTO again.t VALUES (3,3)");
        Thread.sleep(1_100);
        long later = now();
        assertThat(later).isGreaterThan(paused.get("checkpoint_ts").asLong());
        api.post(FEEDS + "/again/resume", "{\"overwrite_checkpoint_ts\":" + later + "}");
        source.execute("INSERT INTO again.t VALUES (4,4)");
        untilTarget("SELECT GROUP_CONCAT(v ORDER BY id) FROM again.t", "1,20,4");
    }

    @Test
    void aNameThatIsUsedAgainStartsAnewEvenIfTheTargetWasAwayWhenItWasRemoved() throws Exception {
        JsonNode first = feed("anew", "id INT PRIMARY KEY", "");
        source.execute("INSERT INTO anew.t VALUES (1)");
        untilTarget("SELECT COUNT(*) FROM anew.t", "1");
        untilCaughtUp("anew");
        target.stop();
        try {
            assertThat(api.call("DELETE", FEEDS + "/anew", "").text()).isEqualTo("{}");
            assertThat(api.get(FEEDS + "/anew").status()).isEqualTo(400);
        } finally {
            target.start();
        }
        target.execute("DELETE FROM anew.t");
        JsonNode second = create("anew", target.uri(), ",\"start_ts\":" + first.get("start_ts"));
        assertThat(second.get("checkpoint_ts")).isEqualTo(first.get("start_ts"));
        untilTarget("SELECT COUNT(*) FROM anew.t", "1");

        // Once more, removed while it runs and has work.
        for (int i = 2; i < 200; i++) {
            source.execute("INSERT INTO anew.t VALUES (" + i + ")");
        }
        api.call("DELETE", FEEDS + "/anew", "");
        assertThat(target.query("SELECT COUNT(*) FROM millrace.progress WHERE job_id LIKE '%anew'"))
                .contains("0");
        create("anew", target.uri(), ",\"start_ts\":" + first.get("start_ts"));
        untilTarget("SELECT COUNT(*) FROM anew.t", "199");
    }

    @Test
    void purgedChangesFailTheFeedAndNameWhatIsMissing() throws Exception {
        feed("purged", "id INT PRIMARY KEY", "");
        source.execute("INSERT INTO purged.t VALUES (1)");
        untilTarget("SELECT COUNT(*) FROM purged.t", "1");
        untilCaughtUp("purged");
        server.stop();
        source.execute(
                "INSERT INTO purged.t VALUES (2)",
                "FLUSH BINARY LOGS",
                "INSERT INTO purged.t VALUES (3)",
                "FLUSH BINARY LOGS");
        Thread.sleep(1_100); // so that the last file is younger than the second row
        source.execute("FLUSH BINARY LOGS");
        String last = source.binlogs().getLast().getFileName().toString();
        source.execute("PURGE BINARY LOGS TO '" + last + "'");
        server.start();
        JsonNode failed = api.await("purged", "failed");
        assertError(failed.get("error"), "CDC:ErrSnapshotLostByGC", "");
        assertThat(failed.at("/error/message").asText()).containsPattern("[0-9a-f-]{36}:\\d+-\\d+");
        Answer refused = api.post(FEEDS + "/purged/resume", "{}");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.errorCode()).isEqualTo("CDC:ErrStartTsBeforeGC");
        assertThat(api.get(FEEDS + "/purged").body().get("state").asText()).isEqualTo("failed");
        Answer over =
                api.post(FEEDS + "/purged/resume", "{\"overwrite_checkpoint_ts\":" + now() + "}");
        assertThat(over.status()).as(over.text()).isEqualTo(200);
        source.execute("INSERT INTO purged.t VALUES (4)");
        untilTarget("SELECT GROUP_CONCAT(id ORDER BY id) FROM purged.t", "1,4");
        assertThat(api.await("purged", "normal").has("error")).isFalse();
    }

    /** Short outages are the producer's business: nothing is lost, and no state is needed. */
    @Test
    void aBrokerThatGoesAwayForAMomentIsSatOut() throws Exception {
        try (KafkaServer kafka = KafkaServer.builder().start()) {
            source.execute("CREATE DATABASE broker", "CREATE TABLE broker.t (id INT PRIMARY KEY)");
            create(
                    "broker",
                    "kafka://" + kafka.bootstrapServers() + "/broker?protocol=canal-json",
                    "");
            untilCaughtUp("broker");
            kafka.stop();
            source.execute("INSERT INTO broker.t VALUES (1)");
            long stuck = now();
            Thread.sleep(1_500);
            assertThat(api.get(FEEDS + "/broker").body().get("checkpoint_ts").asLong())
                    .isLessThanOrEqualTo(stuck);
            kafka.start();
            untilCaughtUp("broker");
            assertThat(api.get(FEEDS + "/broker").body().get("state").asText()).isEqualTo("normal");
        }
    }
}
