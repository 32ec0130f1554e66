package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.cli.CliRun;
import io.millrace.core.model.Tso;
import io.millrace.testkit.servers.DbServer;
import io.millrace.testkit.servers.MillraceServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every command and option of {@code millrace cdc cli} against a server process. */
@SuppressWarnings("NullAway.Init") // JUnit fills the folder in
final class CdcCliIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir Path folder;

    private String url = "";

    private CliRun run(String answers, String... arguments) {
        List<String> all = new ArrayList<>(List.of("cdc", "cli", "--server", url));
        all.addAll(List.of(arguments));
        return CliRun.of(Map.of("HOME", folder.toString()), answers, all.toArray(new String[0]));
    }

    private String ok(String... arguments) {
        CliRun ran = run("", arguments);
        assertThat(ran.code()).as("%s: %s", List.of(arguments), ran).isZero();
        assertThat(ran.err()).isEmpty();
        return ran.out();
    }

    private JsonNode json(String... arguments) throws Exception {
        return JSON.readTree(ok(arguments));
    }

    private String file(String name, String content) throws Exception {
        Path file = folder.resolve(name);
        Files.writeString(file, content);
        return file.toString();
    }

    @Test
    void everyCommand() throws Exception {
        try (DbServer source = DbServer.mariadb().rootPassword("hidden1").start();
                MillraceServer server =
                        MillraceServer.start(
                                "mysql://root:hidden1@127.0.0.1:" + source.port() + "/", folder)) {
            url = server.url();
            source.execute(
                    "CREATE DATABASE c",
                    "CREATE TABLE c.t (id INT PRIMARY KEY)",
                    "CREATE TABLE c.nokey (id INT)");
            nodes(server);
            creating();
            asking();
            life(server);
            unsafe();
        }
    }

    private void nodes(MillraceServer server) throws Exception {
        String text = ok("capture", "list");
        assertThat(text).startsWith("[\n  {\n    \"id\": \"").contains("\n  }\n]\n");
        JsonNode capture = JSON.readTree(text).path(0);
        assertThat(capture.path("is-owner").asBoolean()).isTrue();
        assertThat(capture.path("address").asText()).isEqualTo(server.address());
        assertThat(capture.path("cluster-id").asText()).isEqualTo("default");
        long tso = Long.parseLong(ok("tso", "query").strip());
        assertThat(Tso.physicalMs(tso))
                .isBetween(System.currentTimeMillis() - 60_000, System.currentTimeMillis() + 5_000);
        assertThat(json("changefeed", "list")).isEmpty();
        assertThat(json("processor", "list")).isEmpty();
    }

    private void creating() throws Exception {
        String config =
                file(
                        "feed.toml",
                        """
                        memory-quota = 1048576
                        sync-point-interval = "1h"
                        [filter]
                        rules = ["c.*"]
                        ignore-tables = [{db-name = "x", tbl-name = "y"}]
                        [sink]
                        dispatchers = [{matcher = ["c.*"], dispatcher = "ts"}]
                        file-index-digit = 7
                        advance-timeout-in-sec = 33
                        [sink.mysql-config]
                        max-multi-update-row = 5
                        [scheduler]
                        region-per-span = 9
                        [sink.csv]
                        quote = "'"
                        """);
        String created =
                ok(
                        "changefeed",
                        "create",
                        "-c",
                        "one",
                        "-n",
                        "default",
                        "--sink-uri",
                        "blackhole://u:hidden2@h/",
                        "--target-ts",
                        "18446744073709551615",
                        "--config",
                        config,
                        "--schema-registry",
                        "http://r/",
                        "--no-confirm",
                        "--disable-gc-check");
        assertThat(created)
                .contains("\nCreate changefeed successfully!\nID: one\nInfo: {")
                .doesNotContain("hidden");
        JsonNode info = JSON.readTree(created.substring(created.indexOf("Info: ") + 6));
        JsonNode made = info.path("config");
        assertThat(made.path("memory_quota").asLong()).isEqualTo(1048576);
        assertThat(made.path("sync_point_interval").asLong()).isEqualTo(3_600_000_000_000L);
        assertThat(made.at("/filter/rules/0").asText()).isEqualTo("c.*");
        assertThat(made.at("/filter/ignore_tables/0/database_name").asText()).isEqualTo("x");
        assertThat(made.at("/filter/ignore_tables/0/table_name").asText()).isEqualTo("y");
        assertThat(made.at("/sink/dispatchers/0/partition").asText()).isEqualTo("ts");
        assertThat(made.at("/sink/csv/quote").asText()).isEqualTo("'");
        assertThat(made.at("/sink/file_index_width").asInt()).isEqualTo(7);
        assertThat(made.at("/sink/advance_timeout").asInt()).isEqualTo(33);
        assertThat(made.at("/sink/mysql_config/max_multi_update_row_count").asInt()).isEqualTo(5);
        assertThat(made.at("/sink/csv/delimiter").asText()).isEqualTo(",");
        assertThat(made.at("/sink/schema_registry").asText()).isEqualTo("http://r/");
        assertThat(made.path("check_gc_safe_point").asBoolean(true)).isFalse();
        // c.nokey has no key: --no-confirm leaves it out.
        assertThat(made.path("ignore_ineligible_table").asBoolean()).isTrue();
        assertThat(info.path("target_ts").bigIntegerValue()).hasToString("18446744073709551615");

        CliRun unknown =
                run(
                        "",
                        "changefeed",
                        "create",
                        "--sink-uri",
                        "blackhole://",
                        "--config",
                        file("bad.toml", "memory_quota = 1\n[sink]\nprotokol = \"x\"\n[a]\nb = 1"));
        assertThat(unknown.code()).isEqualTo(1);
        assertThat(unknown.err())
                .contains(
                        "bad.toml contains unknown configuration options: memory_quota,"
                                + " sink.protokol, a");
        assertThat(
                        run(
                                        "",
                                        "changefeed",
                                        "create",
                                        "--sink-uri",
                                        "blackhole://",
                                        "--config",
                                        file("broken.toml", "a = ["))
                                .err())
                .contains("broken.toml is not TOML, line 1");
        assertThat(run("", "changefeed", "create").code()).isEqualTo(2);
        CliRun again =
                run(
                        "",
                        "changefeed",
                        "create",
                        "-c",
                        "one",
                        "--sink-uri",
                        "blackhole://",
                        "--no-confirm");
        assertThat(again.code()).isEqualTo(1);
        assertThat(again.err()).contains("[CDC:ErrChangeFeedAlreadyExists]");
        assertThat(
                        run(
                                        "",
                                        "changefeed",
                                        "create",
                                        "--sink-uri",
                                        "blackhole://",
                                        "--upstream",
                                        "no")
                                .err())
                .contains("CDC:ErrUpstreamNotFound");
        CliRun pd =
                run("", "changefeed", "create", "--sink-uri", "blackhole://", "--upstream-pd", "h");
        assertThat(pd.err()).contains("--upstream");
        assertThat(run("", "--pd", "http://h:2379", "capture", "list").err()).contains("--server");
        CliRun old =
                run(
                        "y\n",
                        "changefeed",
                        "create",
                        "-c",
                        "old",
                        "--sink-uri",
                        "blackhole://",
                        "--tz",
                        "Asia/Tokyo",
                        "--sort-engine",
                        "unified",
                        "--sort-dir",
                        "/x");
        assertThat(old.code()).as("%s", old).isZero();
        assertThat(old.err()).contains("--tz has no effect").contains("--sort-engine");
    }

    private void asking() throws Exception {
        String[] create = {"changefeed", "create", "-c", "asked", "--sink-uri", "blackhole://"};
        CliRun no = run("n\n", create);
        assertThat(no.code()).isEqualTo(1);
        assertThat(no.out())
                .contains("c.nokey")
                .contains("Could you agree to ignore those tables")
                .endsWith("No changefeed is created.\n");
        // A start of two days ago is asked about before the server refuses it.
        long back = Long.parseLong(ok("tso", "query").strip()) - (2L * 86_400_000 << 18);
        CliRun gap =
                run(
                        "n\n",
                        "changefeed",
                        "create",
                        "-c",
                        "asked",
                        "--sink-uri",
                        "blackhole://",
                        "--start-ts",
                        Long.toString(back));
        assertThat(gap.code()).isEqualTo(1);
        assertThat(gap.out()).contains("Replicate lag (48 h) is larger than 1 day");
        CliRun yes = run("y\n", create);
        assertThat(yes.code()).as("%s", yes).isZero();
        assertThat(yes.out()).contains("\"ignore_ineligible_table\":true");
    }

    private void life(MillraceServer server) throws Exception {
        ApiClient api = new ApiClient(url);
        JsonNode list = json("changefeed", "list", "-n", "default");
        assertThat(list).hasSize(3);
        JsonNode one = list.path(2);
        assertThat(one.path("id").asText()).isEqualTo("one");
        assertThat(one.path("namespace").asText()).isEqualTo("default");
        assertThat(one.at("/summary/state").asText()).isEqualTo("normal");
        assertThat(one.at("/summary/tso").asLong()).isPositive();
        assertThat(one.at("/summary/checkpoint").asText()).matches("\\d{4}-.*\\.\\d{3}");
        assertThat(one.path("summary").has("error")).isTrue();
        String now = ok("tso", "query").strip();
        ok(
                "changefeed",
                "create",
                "-c",
                "done",
                "--sink-uri",
                "blackhole://",
                "--no-confirm",
                "--start-ts",
                now,
                "--target-ts",
                Long.toString(Long.parseLong(now) + (300L << 18)));
        api.await("done", "finished");
        assertThat(ok("changefeed", "list")).doesNotContain("\"done\"");
        assertThat(ok("changefeed", "list", "--all")).contains("\"done\"").contains("finished");
        assertThat(json("changefeed", "list", "-n", "other")).isEmpty();

        JsonNode full = json("changefeed", "query", "-c", "one");
        assertThat(full.properties().stream().map(Map.Entry::getKey))
                .containsExactly(
                        "upstream_id",
                        "namespace",
                        "id",
                        "sink_uri",
                        "config",
                        "create_time",
                        "start_ts",
                        "resolved_ts",
                        "target_ts",
                        "checkpoint_tso",
                        "checkpoint_time",
                        "state",
                        "creator_version",
                        "task_status");
        JsonNode simple = json("changefeed", "query", "-c", "one", "-n", "default", "-s");
        assertThat(simple.properties().stream().map(Map.Entry::getKey))
                .containsExactly(
                        "upstream_id",
                        "namespace",
                        "id",
                        "state",
                        "checkpoint_tso",
                        "checkpoint_time",
                        "error");

        JsonNode processors = json("processor", "list");
        String capture = processors.path(0).path("capture_id").asText();
        assertThat(capture).isEqualTo(json("capture", "list").path(0).path("id").asText());
        JsonNode processor =
                json("processor", "query", "-c", "one", "-p", capture, "-n", "default");
        assertThat(processor.at("/status/tables").isObject()).isTrue();
        assertThat(processor.at("/status/admin-job-type").asInt(9)).isZero();
        assertThat(processor.at("/position/checkpoint-ts").asLong()).isPositive();
        assertThat(run("", "processor", "query", "-c", "one", "-p", "nobody").err())
                .contains("CDC:ErrCaptureNotExist");

        String gaps =
                ok(
                        "changefeed",
                        "statistics",
                        "-c",
                        "one",
                        "-n",
                        "default",
                        "-I",
                        "1",
                        "--count",
                        "2");
        assertThat(gaps)
                .matches(
                        "(?s)(\\{\n  \"sink_gap\": \"\\d+ms\",\n  \"replication_gap\":"
                                + " \"\\d+ms\"\n}\n){2}");

        updating(api);
        assertThat(ok("changefeed", "remove", "-c", "one", "-n", "default"))
                .matches(
                        "Changefeed remove successfully.\nID: one\nCheckpointTs: \\d{18}\nSinkURI:"
                                + " blackhole://two\n");
        assertThat(ok("changefeed", "remove", "-c", "one"))
                .isEqualTo("Changefeed not found.\nID: one\n");
        assertThat(run("", "changefeed", "query", "-c", "one").err())
                .contains("[CDC:ErrChangeFeedNotExists]");
        CliRun traced = run("", "--log-level", "debug", "capture", "list");
        assertThat(traced.err()).contains("> GET " + url + "/api/v2/captures").contains("< 200");
        assertThat(run("", "--log-level", "loud", "capture", "list").code()).isEqualTo(1);
        assertThat(server.isRunning()).isTrue();
    }

    private void updating(ApiClient api) throws Exception {
        CliRun running =
                run("", "changefeed", "update", "-c", "one", "--target-ts", "5", "--no-confirm");
        assertThat(running.err()).contains("[CDC:ErrChangefeedUpdateRefused]");
        assertThat(ok("changefeed", "pause", "-c", "one", "-n", "default")).isEmpty();
        api.await("one", "stopped");
        CliRun no =
                run(
                        "n\n",
                        "changefeed",
                        "update",
                        "-c",
                        "one",
                        "--sink-uri",
                        "blackhole://p:hidden3@two");
        assertThat(no.code()).isEqualTo(1);
        assertThat(no.out())
                .contains("Diff of changefeed config:\nupdate sink_uri: ")
                .contains("Could you agree to apply changes above to changefeed [Y/N]")
                .endsWith("No update to changefeed.\n")
                .doesNotContain("hidden3");
        CliRun yes =
                run(
                        "Y\n",
                        "changefeed",
                        "update",
                        "-c",
                        "one",
                        "-n",
                        "default",
                        "--sink-uri",
                        "blackhole://two");
        assertThat(yes.out())
                .contains("Update changefeed config successfully!")
                .contains("\nID: one\nInfo: {");
        String changed =
                ok(
                        "changefeed",
                        "update",
                        "-c",
                        "one",
                        "--no-confirm",
                        "--schema-registry",
                        "http://r2/",
                        "--target-ts",
                        "18446744073709551614",
                        "--config",
                        file("more.toml", "memory-quota = 2097152\n"));
        assertThat(changed)
                .contains("update config.memory_quota: 1048576 -> 2097152")
                .contains("update config.sink.schema_registry: \"http://r/\" -> \"http://r2/\"")
                .contains("update target_ts: 18446744073709551615 -> 18446744073709551614");
        JsonNode now = json("changefeed", "query", "-c", "one");
        assertThat(now.at("/config/filter/rules/0").asText()).isEqualTo("c.*");
        assertThat(now.at("/config/case_sensitive").asBoolean()).isTrue();
        assertThat(
                        ok(
                                "changefeed",
                                "update",
                                "-c",
                                "one",
                                "--config",
                                file("same.toml", "memory-quota = 2097152\n")))
                .isEqualTo("changefeed config is the same with the old one, do nothing\n");
        assertThat(ok("changefeed", "resume", "-c", "one", "-n", "default")).isEmpty();
        api.await("one", "normal");
        ok("changefeed", "pause", "-c", "one");
        api.await("one", "stopped");
        String before = json("changefeed", "query", "-c", "one").path("start_ts").asText();
        assertThat(
                        ok(
                                "changefeed",
                                "resume",
                                "-c",
                                "one",
                                "--overwrite-checkpoint-ts",
                                "now",
                                "--no-confirm"))
                .isEmpty();
        assertThat(json("changefeed", "query", "-c", "one").path("start_ts").asText())
                .isGreaterThan(before);
        CliRun bad =
                run("", "changefeed", "resume", "-c", "one", "--overwrite-checkpoint-ts", "soon");
        assertThat(bad.err()).contains("must be a TSO or now");
    }

    private void unsafe() throws Exception {
        assertThat(ok("unsafe", "show-metadata"))
                .contains("Key: /tidb/cdc/default/__cdc_meta__/capture/")
                .contains("Key: /tidb/cdc/default/default/changefeed/info/old, Value: {")
                .containsPattern("\nShow \\d+ KVs\n$");
        assertThat(ok("unsafe", "resolve-lock", "--region", "1", "--ts", "5")).contains("no locks");
        assertThat(ok("unsafe", "resolve-lock", "--region", "1")).contains("no locks");
        assertThat(run("", "unsafe", "resolve-lock", "--region", "0", "--ts", "5").err())
                .contains("CDC:ErrAPIInvalidParam");
        assertThat(run("n\n", "unsafe", "delete-service-gc-safepoint").code()).isEqualTo(1);
        assertThat(ok("unsafe", "delete-service-gc-safepoint", "--no-confirm"))
                .contains("no service GC safepoint");
        CliRun no = run("n\n", "unsafe", "reset");
        assertThat(no.code()).isEqualTo(1);
        assertThat(json("changefeed", "list", "-a")).hasSize(3);
        assertThat(ok("unsafe", "--no-confirm", "reset"))
                .isEqualTo("Reset: 3 changefeed(s) removed.\n");
        assertThat(json("changefeed", "list", "-a")).isEmpty();
    }
}
