package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code millrace connector offsets ...}: where a connector stands, and the topics it used. */
@Command(
        name = "offsets",
        mixinStandardHelpOptions = true,
        description = "Shows and changes where a connector stands.",
        subcommands = {
            ConnectorOffsets.Get.class,
            ConnectorOffsets.Alter.class,
            ConnectorOffsets.Reset.class,
            CommandLine.HelpCommand.class
        })
final class ConnectorOffsets extends CdcAction.Group {
    @Command(name = "get", mixinStandardHelpOptions = true, description = "Shows the offsets.")
    static final class Get extends ConnectorAction.One {
        @Override
        public Integer call() {
            JsonNode answer = client().get(path("/offsets"));
            if (json()) {
                // Not hidden: positions are no secrets, and come back with 'set'.
                out().println(JsonText.pretty(answer));
                return OK;
            }
            TextTable table = new TextTable("PARTITION", "OFFSET");
            for (JsonNode each : answer.path("offsets")) {
                table.add(each.path("partition").toString(), each.path("offset").toString());
            }
            print(table);
            return OK;
        }
    }

    @Command(
            name = "set",
            mixinStandardHelpOptions = true,
            description = "Changes offsets of a stopped connector.")
    static final class Alter extends ConnectorAction.One {
        @Parameters(
                index = "1",
                paramLabel = "FILE",
                description =
                        "JSON as 'offsets get -o json' prints it; an offset of null removes it; -"
                                + " is standard input.")
        private String file = "";

        @Override
        public Integer call() {
            JsonNode given = ConnectorFile.json(file, surroundings());
            JsonNode body = given;
            if (given.isArray()) {
                ObjectNode wrapped = object();
                wrapped.set("offsets", given);
                body = wrapped;
            }
            SecretText.hiddenAt(body)
                    .ifPresent(at -> {
                        throw ConnectorFile.hidden(
                                at, file, "write the value that 'connector offsets get' prints");
                    });
            JsonNode answer = client().patch(path("/offsets"), body);
            return done(answer, answer.path("message").asText());
        }
    }

    @Command(
            name = "reset",
            mixinStandardHelpOptions = true,
            description = "Removes the offsets of a stopped connector: it begins anew.")
    static final class Reset extends ConnectorAction.One {
        @Option(names = "--yes", description = "Do not ask.")
        private boolean yes;

        @Override
        public Integer call() {
            if (!agreed(yes, "Let " + name + " begin anew?")) {
                return FAILED;
            }
            JsonNode answer = client().delete(path("/offsets"));
            return done(answer, answer.path("message").asText());
        }
    }

    @Command(
            name = "topics",
            mixinStandardHelpOptions = true,
            description = "Lists the topics that a connector has used.")
    static final class Topics extends ConnectorAction.One {
        @Option(names = "--reset", description = "Empty the list instead; topics stay.")
        private boolean reset;

        @Override
        public Integer call() {
            if (reset) {
                return done(
                        client().put(path("/topics/reset"), object()),
                        "list of topics of connector " + name + " emptied");
            }
            JsonNode answer = client().get(path("/topics"));
            if (json()) {
                print(answer);
            } else {
                answer.path(name).path("topics").forEach(topic -> out().println(topic.asText()));
            }
            return OK;
        }
    }
}
