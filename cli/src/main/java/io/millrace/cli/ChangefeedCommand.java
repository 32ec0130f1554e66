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
import java.io.PrintWriter;
import java.math.BigInteger;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code millrace changefeed ...}: the life of a changefeed through {@code /api/v2}. */
@Command(
        name = "changefeed",
        mixinStandardHelpOptions = true,
        description = "Creates, shows and steers changefeeds.",
        subcommands = {
            ChangefeedCommand.Create.class,
            ChangefeedCommand.ListAll.class,
            ChangefeedCommand.Query.class,
            ChangefeedCommand.Pause.class,
            ChangefeedCommand.Resume.class,
            ChangefeedCommand.Update.class,
            ChangefeedCommand.Remove.class,
            CommandLine.HelpCommand.class
        })
final class ChangefeedCommand implements Runnable {
    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** How results are printed. */
    enum Format {
        table,
        json
    }

    /** Options that every sub-command has. */
    static final class Connection {
        @Option(
                names = "--server",
                paramLabel = "ADDRESS",
                description = "Server address. Default: ${DEFAULT-VALUE}",
                defaultValue = "http://127.0.0.1:8300")
        private String server = "";

        @Option(
                names = "--user",
                paramLabel = "USER:PASSWORD",
                description = "Basic authentication; better given as $MILLRACE_USER.",
                defaultValue = "${env:MILLRACE_USER}")
        private @Nullable String credentials;

        @Option(
                names = {"-o", "--output"},
                description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}",
                defaultValue = "table")
        private Format format = Format.table;

        ApiClient client() {
            return new ApiClient(
                    server, credentials == null || credentials.isEmpty() ? null : credentials);
        }

        boolean json() {
            return format == Format.json;
        }
    }

    /** What all sub-commands share: connection, output, and one call. */
    abstract static class Base implements Runnable {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        Connection connection;

        @CommandLine.Spec
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        CommandLine.Model.CommandSpec spec;

        PrintWriter out() {
            return spec.commandLine().getOut();
        }

        void printJson(JsonNode node) {
            out().println(JsonText.pretty(node));
        }

        void printInfo(JsonNode info) {
            if (connection.json()) {
                printJson(info);
                return;
            }
            TextTable table = new TextTable("FIELD", "VALUE");
            for (String field :
                    List.of(
                            "id",
                            "namespace",
                            "state",
                            "sink_uri",
                            "create_time",
                            "start_ts",
                            "target_ts",
                            "checkpoint_ts",
                            "checkpoint_time",
                            "resolved_ts",
                            "creator_version")) {
                if (info.hasNonNull(field)) {
                    table.add(field, info.get(field).asText());
                }
            }
            if (info.hasNonNull("error")) {
                table.add(
                        "error",
                        info.get("error").path("code").asText()
                                + " "
                                + info.get("error").path("message").asText());
            }
            out().print(table);
            out().flush();
        }

        void done(String id, String what) {
            if (connection.json()) {
                printJson(JsonNodeFactory.instance.objectNode());
            } else {
                out().println("changefeed " + id + " " + what);
            }
        }
    }

    /** A sub-command about one changefeed. */
    abstract static class One extends Base {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        Feed feed;
    }

    /** The configuration that create and update take. */
    static final class Config {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private ConfigFile file;

        @Option(
                names = "--filter",
                paramLabel = "RULE",
                description =
                        "Table filter rule such as 'shop.*'; may be repeated, the last match wins.")
        private List<String> rules = List.of();

        /** The replica_config, empty when nothing was given. */
        ObjectNode replicaConfig() {
            ObjectNode config = file.replicaConfig();
            if (!rules.isEmpty()) {
                ArrayNode array = config.withObject("/filter").putArray("rules");
                rules.forEach(array::add);
            }
            return config;
        }
    }

    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description = "Creates a changefeed and starts it.")
    static final class Create extends Base {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private NewFeed feed;

        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Config config;

        @Override
        public void run() {
            ObjectNode body = feed.body(feed.startTs(), config.replicaConfig());
            printInfo(connection.client().post(ChangefeedOptions.ROUTE, body));
        }
    }

    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists changefeeds.")
    static final class ListAll extends Base {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Namespace namespace;

        @Option(
                names = "--state",
                paramLabel = "STATE",
                description =
                        "all, normal, stopped, error, failed or finished. Default: ${DEFAULT-VALUE}",
                defaultValue = "all")
        private String state = "";

        @Override
        public void run() {
            JsonNode answer = connection.client().get(namespace.feeds(state));
            if (connection.json()) {
                printJson(answer);
                return;
            }
            TextTable table =
                    new TextTable("ID", "STATE", "CHECKPOINT TIME", "CHECKPOINT TSO", "ERROR");
            for (JsonNode item : answer.path("items")) {
                table.add(
                        item.path("id").asText(),
                        item.path("state").asText(),
                        item.path("checkpoint_time").asText(),
                        item.path("checkpoint_tso").asText(),
                        item.hasNonNull("error") ? item.path("error").path("code").asText() : "");
            }
            out().print(table);
            out().flush();
            out().println(answer.path("total").asLong() + " changefeed(s)");
        }
    }

    @Command(name = "query", mixinStandardHelpOptions = true, description = "Shows one changefeed.")
    static final class Query extends One {
        @Override
        public void run() {
            printInfo(connection.client().get(feed.path("")));
        }
    }

    @Command(
            name = "pause",
            mixinStandardHelpOptions = true,
            description = "Stops a changefeed; its progress is kept.")
    static final class Pause extends One {
        @Override
        public void run() {
            connection.client().post(feed.path("/pause"), JsonNodeFactory.instance.objectNode());
            done(feed.id(), "paused");
        }
    }

    @Command(
            name = "resume",
            mixinStandardHelpOptions = true,
            description = "Lets a stopped or failed changefeed go on.")
    static final class Resume extends One {
        @Option(
                names = "--overwrite-checkpoint-ts",
                paramLabel = "TSO",
                description = "Go on from this TSO instead of the checkpoint.")
        private @Nullable BigInteger checkpointTs;

        @Override
        public void run() {
            ObjectNode body = JsonNodeFactory.instance.objectNode();
            if (checkpointTs != null) {
                body.put("overwrite_checkpoint_ts", checkpointTs);
            }
            connection.client().post(feed.path("/resume"), body);
            done(feed.id(), "resumed");
        }
    }

    @Command(
            name = "update",
            mixinStandardHelpOptions = true,
            description =
                    "Changes a stopped or failed changefeed. A configuration given here replaces the old one whole.")
    static final class Update extends One {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Changes changes;

        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Config config;

        @Override
        public void run() {
            ObjectNode body = changes.body();
            ObjectNode replicaConfig = config.replicaConfig();
            if (!replicaConfig.isEmpty()) {
                body.set("replica_config", replicaConfig);
            }
            printInfo(connection.client().put(feed.path(""), body));
        }
    }

    @Command(
            name = "remove",
            mixinStandardHelpOptions = true,
            description = "Removes a changefeed and its progress.")
    static final class Remove extends One {
        @Override
        public void run() {
            connection.client().delete(feed.path(""));
            done(feed.id(), "removed");
        }
    }
}
