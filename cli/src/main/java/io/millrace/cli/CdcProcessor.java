package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.cli.ChangefeedOptions.Feed;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code cdc cli processor}: which node works for which changefeed. */
@Command(
        name = "processor",
        mixinStandardHelpOptions = true,
        description = "Shows which node works for which changefeed.",
        subcommands = {
            CdcProcessor.ListAll.class,
            CdcProcessor.Query.class,
            CommandLine.HelpCommand.class
        })
final class CdcProcessor extends CdcAction.Group {
    /** {@code processor list}. */
    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists processors.")
    static final class ListAll extends CdcAction {
        @Override
        public Integer call() {
            ArrayNode list = JsonNodeFactory.instance.arrayNode();
            for (JsonNode item : client().get("/api/v2/processors").path("items")) {
                list.addObject()
                        .put("namespace", item.path("namespace").asText())
                        .put("changefeed_id", item.path("changefeed_id").asText())
                        .put("capture_id", item.path("capture_id").asText());
            }
            print(list);
            return 0;
        }
    }

    /** {@code processor query}. */
    @Command(
            name = "query",
            mixinStandardHelpOptions = true,
            description = "Shows the tables and the position of a changefeed on a node.")
    static final class Query extends CdcAction {
        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Feed feed;

        @Option(
                names = {"-p", "--capture-id"},
                paramLabel = "ID",
                required = true,
                description = "The node.")
        private String capture = "";

        @Override
        public Integer call() {
            ApiClient client = client();
            JsonNode processor =
                    client.get(
                            "/api/v2/processors/"
                                    + ApiClient.segment(feed.id())
                                    + "/"
                                    + ApiClient.segment(capture)
                                    + feed.namespace().query());
            JsonNode info = client.get(feed.path(""));
            ObjectNode answer = object();
            ObjectNode status = answer.putObject("status");
            ObjectNode tables = status.putObject("tables");
            for (JsonNode table : processor.path("table_ids")) {
                tables.putObject(table.asText()).set("start-ts", info.path("start_ts"));
            }
            status.putNull("operation");
            status.put("admin-job-type", info.path("admin_job_type").asInt(0));
            ObjectNode position = answer.putObject("position");
            position.set("checkpoint-ts", info.path("checkpoint_ts"));
            position.set("resolved-ts", info.path("resolved_ts"));
            position.put("count", 0);
            position.putNull("error");
            position.putNull("warning");
            print(answer);
            return 0;
        }
    }
}
