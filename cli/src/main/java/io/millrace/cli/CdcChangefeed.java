package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.cli.ChangefeedOptions.Changes;
import io.millrace.cli.ChangefeedOptions.ConfigFile;
import io.millrace.cli.ChangefeedOptions.Feed;
import io.millrace.cli.ChangefeedOptions.Namespace;
import io.millrace.cli.ChangefeedOptions.NewFeed;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code cdc cli changefeed}, with the options and outputs of TiCDC. */
@Command(
        name = "changefeed",
        mixinStandardHelpOptions = true,
        description = "Manages changefeeds.",
        subcommands = {
            CdcChangefeed.ListAll.class,
            CdcChangefeed.Create.class,
            CdcChangefeed.Query.class,
            CdcChangefeed.Update.class,
            CdcChangefeed.Pause.class,
            CdcChangefeed.Resume.class,
            CdcChangefeed.Remove.class,
            CdcChangefeed.Statistics.class,
            CommandLine.HelpCommand.class
        })
final class CdcChangefeed extends CdcAction.Group {
    /** A start that is further back is asked about. */
    private static final Duration LARGE_GAP = Duration.ofDays(1);

    /** The server's code for an id that it does not know. */
    private static final String NOT_FOUND = "CDC:ErrChangeFeedNotExists";

    /** Whether a start so far back is wanted. */
    private static boolean agreesToGap(
            CdcAction action, BigInteger now, BigInteger from, boolean noConfirm) {
        Duration gap = Duration.ofMillis(CdcAction.physicalMs(now) - CdcAction.physicalMs(from));
        return noConfirm
                || gap.compareTo(LARGE_GAP) <= 0
                || action.prompt()
                        .agrees(
                                "Replicate lag ("
                                        + gap.toHours()
                                        + " h) is larger than 1 day: a lot of data has to be read."
                                        + " Continue? [Y/N]");
    }

    /** The configuration that create and update take. */
    static final class Config {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private ConfigFile file;

        @Option(
                names = "--schema-registry",
                paramLabel = "URI",
                description = "Schema registry of the avro protocol.")
        private @Nullable String schemaRegistry;

        boolean given() {
            return file.given() || schemaRegistry != null;
        }

        /** A replica_config with only what was given. */
        ObjectNode replicaConfig() {
            ObjectNode config = file.replicaConfig();
            if (schemaRegistry != null) {
                config.withObject("/sink").put("schema_registry", schemaRegistry);
            }
            return config;
        }
    }

    /** {@code changefeed list}. */
    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists changefeeds.")
    static final class ListAll extends CdcAction {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Namespace namespace;

        @Option(
                names = {"-a", "--all"},
                description = "Also those that are finished or removed.")
        private boolean all;

        @Override
        public Integer call() {
            ArrayNode list = JsonNodeFactory.instance.arrayNode();
            for (JsonNode feed : client().get(namespace.feeds("all")).path("items")) {
                String state = feed.path("state").asText();
                if (!all && (state.equals("finished") || state.equals("removed"))) {
                    continue;
                }
                ObjectNode item =
                        list.addObject()
                                .put("id", feed.path("id").asText())
                                .put("namespace", feed.path("namespace").asText());
                ObjectNode summary = item.putObject("summary").put("state", state);
                summary.set("tso", feed.path("checkpoint_tso"));
                summary.set("checkpoint", feed.path("checkpoint_time"));
                summary.set("error", feed.path("error"));
            }
            print(list);
            return 0;
        }
    }

    /** {@code changefeed create}. */
    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description = "Creates a changefeed and starts it.")
    static final class Create extends CdcAction {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private NewFeed feed;

        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Config config;

        @Option(
                names = "--no-confirm",
                description = "Does not ask; tables without a usable key are left out.")
        private boolean noConfirm;

        @Option(
                names = "--disable-gc-check",
                description =
                        "Stores check_gc_safe_point = false; the start is checked all the same.")
        private boolean disableGcCheck;

        @Option(names = "--tz", hidden = true)
        private @Nullable String timeZone;

        @Option(names = "--sort-engine", hidden = true)
        private @Nullable String sortEngine;

        @Option(names = "--sort-dir", hidden = true)
        private @Nullable String sortDir;

        @Option(names = "--upstream-pd", hidden = true)
        private @Nullable String upstreamPd;

        @Option(names = "--upstream-ca", hidden = true)
        private @Nullable String upstreamCa;

        @Option(names = "--upstream-cert", hidden = true)
        private @Nullable String upstreamCert;

        @Option(names = "--upstream-key", hidden = true)
        private @Nullable String upstreamKey;

        @Override
        public Integer call() {
            if (upstreamPd != null
                    || upstreamCa != null
                    || upstreamCert != null
                    || upstreamKey != null) {
                throw new CliException(
                        "--upstream-pd, --upstream-ca, --upstream-cert and --upstream-key are not"
                                + " supported: there is no PD. Name one of the server's upstreams"
                                + " with --upstream");
            }
            warnAboutOldOptions();
            ObjectNode replicaConfig = config.replicaConfig();
            if (disableGcCheck) {
                replicaConfig.put("check_gc_safe_point", false);
            }
            ApiClient client = client();
            BigInteger now = now(client, feed.upstream());
            BigInteger start = feed.startTs().signum() == 0 ? now : feed.startTs();
            if (!agreesToGap(this, now, start, noConfirm)
                    || !agreesToTables(client, start, replicaConfig)) {
                out().println("No changefeed is created.");
                return DECLINED;
            }
            JsonNode info = client.post(ChangefeedOptions.ROUTE, feed.body(start, replicaConfig));
            out().println("Create changefeed successfully!");
            out().println("ID: " + info.path("id").asText());
            out().println("Info: " + info);
            return 0;
        }

        private void warnAboutOldOptions() {
            if (timeZone != null) {
                try {
                    if (!timeZone.equalsIgnoreCase("system")) {
                        ZoneId.of(timeZone);
                    }
                } catch (DateTimeException e) {
                    throw new CliException("--tz " + timeZone + " is no time zone");
                }
                err().println("warning: --tz has no effect: the server's zone counts");
            }
            if (sortEngine != null || sortDir != null) {
                err().println(
                                "warning: --sort-engine and --sort-dir have no effect: nothing is"
                                        + " sorted");
            }
        }

        /** Asks about tables that cannot be replicated; yes leaves them out. */
        private boolean agreesToTables(
                ApiClient client, BigInteger start, ObjectNode replicaConfig) {
            ObjectNode body = object().put("sink_uri", feed.sinkUri()).put("start_ts", start);
            if (feed.upstream() != null) {
                body.put("upstream", feed.upstream());
            }
            body.set("replica_config", replicaConfig);
            JsonNode tables = client.post("/api/v2/verify_table", body).path("ineligible_tables");
            if (tables.isEmpty() || replicaConfig.path("ignore_ineligible_table").asBoolean()) {
                return true;
            }
            List<String> names = new ArrayList<>();
            for (JsonNode table : tables) {
                names.add(
                        table.path("database_name").asText()
                                + "."
                                + table.path("table_name").asText());
            }
            out().println(
                            "[WARN] these tables have no primary key or not-null unique key and"
                                    + " can't be replicated: "
                                    + String.join(", ", names));
            if (noConfirm
                    || prompt().agrees(
                                    "Could you agree to ignore those tables, and continue to"
                                            + " replicate [Y/N]")) {
                replicaConfig.put("ignore_ineligible_table", true);
                return true;
            }
            return false;
        }
    }

    /** {@code changefeed query}. */
    @Command(name = "query", mixinStandardHelpOptions = true, description = "Shows a changefeed.")
    static final class Query extends CdcAction {
        private static final List<String> SIMPLE =
                List.of(
                        "upstream_id",
                        "namespace",
                        "id",
                        "state",
                        "checkpoint_tso",
                        "checkpoint_time",
                        "error");

        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Feed feed;

        @Option(
                names = {"-s", "--simple"},
                description = "Only state and checkpoint.")
        private boolean simple;

        @Override
        public Integer call() {
            ApiClient client = client();
            JsonNode info = client.get(feed.path(""));
            print(simple ? simple(client, info) : full(info));
            return 0;
        }

        private ObjectNode simple(ApiClient client, JsonNode info) {
            ObjectNode answer = object();
            for (JsonNode item : client.get(feed.namespace().feeds("all")).path("items")) {
                if (item.path("id").equals(info.path("id"))) {
                    SIMPLE.forEach(name -> answer.set(name, item.path(name)));
                }
            }
            return answer;
        }

        private static ObjectNode full(JsonNode info) {
            ObjectNode answer = object();
            for (String name :
                    List.of(
                            "upstream_id",
                            "namespace",
                            "id",
                            "sink_uri",
                            "config",
                            "create_time",
                            "start_ts",
                            "resolved_ts",
                            "target_ts",
                            "checkpoint_ts",
                            "checkpoint_time",
                            "state",
                            "error",
                            "creator_version",
                            "task_status")) {
                if (name.equals("target_ts") && !info.has(name)) {
                    answer.put(name, 0);
                } else if (info.has(name)) {
                    answer.set(
                            name.equals("checkpoint_ts") ? "checkpoint_tso" : name,
                            info.path(name));
                }
            }
            return answer;
        }
    }

    /** {@code changefeed pause}. */
    @Command(name = "pause", mixinStandardHelpOptions = true, description = "Stops a changefeed.")
    static final class Pause extends CdcAction {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Feed feed;

        @Override
        public Integer call() {
            client().post(feed.path("/pause"), object());
            return 0;
        }
    }

    /** {@code changefeed resume}. */
    @Command(
            name = "resume",
            mixinStandardHelpOptions = true,
            description = "Starts a stopped, failed or finished changefeed again.")
    static final class Resume extends CdcAction {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Feed feed;

        @Option(
                names = "--overwrite-checkpoint-ts",
                paramLabel = "TSO",
                description = "Go on from this TSO instead of the checkpoint; now is the present.")
        private @Nullable String overwrite;

        @Option(names = "--no-confirm", description = "Does not ask.")
        private boolean noConfirm;

        @Override
        public Integer call() {
            ApiClient client = client();
            JsonNode info = client.get(feed.path(""));
            BigInteger from = info.path("checkpoint_ts").bigIntegerValue();
            ObjectNode body = object();
            boolean fromNow = "now".equals(overwrite);
            // Without a question the time is of no use, and the upstream may be away.
            BigInteger now = fromNow || !noConfirm ? nowOf(client, info) : from;
            if (overwrite != null) {
                from = fromNow ? now : tso(overwrite);
                body.put("overwrite_checkpoint_ts", from);
            }
            if (!agreesToGap(this, now, from, noConfirm)) {
                out().println("The changefeed is not resumed.");
                return DECLINED;
            }
            client.post(feed.path("/resume"), body);
            return 0;
        }

        private static BigInteger tso(String text) {
            try {
                return new BigInteger(text);
            } catch (NumberFormatException e) {
                throw new CliException(
                        "--overwrite-checkpoint-ts must be a TSO or now, not " + text);
            }
        }
    }

    /** {@code changefeed update}. */
    @Command(
            name = "update",
            mixinStandardHelpOptions = true,
            description =
                    "Changes a stopped or failed changefeed. What a configuration file does not"
                            + " name stays as it is.")
    static final class Update extends CdcAction {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Feed feed;

        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Changes changes;

        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Config config;

        @Option(names = "--no-confirm", description = "Does not ask.")
        private boolean noConfirm;

        @Override
        public Integer call() {
            ApiClient client = client();
            JsonNode old = client.get(feed.path("/meta_info"));
            ObjectNode shown = old.deepCopy();
            ObjectNode body = changes.body();
            shown.setAll(body);
            if (changes.sinkUri() != null) {
                shown.put("sink_uri", SecretText.mask(changes.sinkUri()));
            }
            if (config.given()) {
                ObjectNode changed = old.path("config").deepCopy();
                merge(changed, config.replicaConfig());
                body.set("replica_config", changed);
                shown.set("config", changed);
            }
            List<String> differences = new ArrayList<>();
            differences("", old, shown, differences);
            if (differences.isEmpty() && changes.sinkUri() == null) {
                out().println("changefeed config is the same with the old one, do nothing");
                return 0;
            }
            out().println("Diff of changefeed config:");
            differences.forEach(out()::println);
            if (!noConfirm
                    && !prompt().agrees(
                                    "Could you agree to apply changes above to changefeed"
                                            + " [Y/N]")) {
                out().println("No update to changefeed.");
                return DECLINED;
            }
            JsonNode info = client.put(feed.path(""), body);
            out().println(
                            "Update changefeed config successfully! It takes effect when the"
                                    + " changefeed is resumed.");
            out().println("ID: " + feed.id());
            out().println("Info: " + info);
            return 0;
        }

        private static void merge(ObjectNode base, ObjectNode on) {
            on.properties()
                    .forEach(entry -> {
                        if (entry.getValue() instanceof ObjectNode part
                                && base.get(entry.getKey()) instanceof ObjectNode old) {
                            merge(old, part);
                        } else {
                            base.set(entry.getKey(), entry.getValue());
                        }
                    });
        }

        /** One line for each value that is not the same. */
        private static void differences(String path, JsonNode old, JsonNode now, List<String> out) {
            if (old instanceof ObjectNode before && now instanceof ObjectNode after) {
                TreeSet<String> names = new TreeSet<>();
                before.fieldNames().forEachRemaining(names::add);
                after.fieldNames().forEachRemaining(names::add);
                for (String name : names) {
                    differences(
                            path.isEmpty() ? name : path + "." + name,
                            before.path(name),
                            after.path(name),
                            out);
                }
            } else if (!old.toString().equals(now.toString())) {
                out.add(
                        (old.isMissingNode() ? "create " : "update ")
                                + path
                                + ": "
                                + (old.isMissingNode() ? "" : old + " -> ")
                                + (SecretText.isSecret(path)
                                        ? "\"xxxxx\""
                                        : SecretText.mask(now.toString())));
            }
        }
    }

    /** {@code changefeed remove}. */
    @Command(
            name = "remove",
            mixinStandardHelpOptions = true,
            description = "Removes a changefeed and its progress.")
    static final class Remove extends CdcAction {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Feed feed;

        @Override
        public Integer call() {
            ApiClient client = client();
            JsonNode info;
            try {
                info = client.get(feed.path(""));
            } catch (CliException e) {
                if (!e.code().equals(NOT_FOUND)) {
                    throw e;
                }
                out().println("Changefeed not found.");
                out().println("ID: " + feed.id());
                return 0;
            }
            client.delete(feed.path(""));
            out().println("Changefeed remove successfully.");
            out().println("ID: " + feed.id());
            out().println("CheckpointTs: " + info.path("checkpoint_ts").asText());
            out().println("SinkURI: " + info.path("sink_uri").asText());
            return 0;
        }
    }

    /** {@code changefeed statistics}. */
    @Command(
            name = "statistics",
            mixinStandardHelpOptions = true,
            description =
                    "Prints at every interval how far the sink and the changefeed are behind.")
    static final class Statistics extends CdcAction {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Feed feed;

        @Option(
                names = {"-I", "--interval"},
                paramLabel = "SECONDS",
                description = "Seconds between two looks. Default: ${DEFAULT-VALUE}",
                defaultValue = "10")
        private int interval;

        @Option(
                names = "--count",
                paramLabel = "N",
                description = "End after so many looks (not in TiCDC). Default: never")
        private int count;

        @Override
        public Integer call() throws InterruptedException {
            if (interval < 1) {
                throw new CliException("--interval must be at least 1 second");
            }
            ApiClient client = client();
            for (int i = 0; count <= 0 || i < count; i++) {
                if (i > 0) {
                    Thread.sleep(Duration.ofSeconds(interval));
                }
                JsonNode info = client.get(feed.path(""));
                BigInteger now = nowOf(client, info);
                long checkpoint = physicalMs(info.path("checkpoint_ts").bigIntegerValue());
                long resolved = physicalMs(info.path("resolved_ts").bigIntegerValue());
                print(
                        object().put("sink_gap", Math.max(0, resolved - checkpoint) + "ms")
                                .put(
                                        "replication_gap",
                                        Math.max(0, physicalMs(now) - checkpoint) + "ms"));
                out().flush();
            }
            return 0;
        }
    }
}
