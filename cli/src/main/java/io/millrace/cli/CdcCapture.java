package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code cdc cli capture}. */
@Command(
        name = "capture",
        mixinStandardHelpOptions = true,
        description = "Shows the nodes.",
        subcommands = {CdcCapture.ListAll.class, CommandLine.HelpCommand.class})
final class CdcCapture extends CdcAction.Group {
    /** {@code capture list}. */
    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists the nodes.")
    static final class ListAll extends CdcAction {
        @Override
        public Integer call() {
            ArrayNode list = JsonNodeFactory.instance.arrayNode();
            for (JsonNode item : client().get("/api/v2/captures").path("items")) {
                list.addObject()
                        .put("id", item.path("id").asText())
                        .put("is-owner", item.path("is_owner").asBoolean())
                        .put("address", item.path("address").asText())
                        .put("cluster-id", item.path("cluster_id").asText());
            }
            print(list);
            return 0;
        }
    }
}
