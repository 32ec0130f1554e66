package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code millrace connector config ...}, and what is known of settings before there is one. */
@Command(
        name = "config",
        mixinStandardHelpOptions = true,
        description = "Shows and changes the settings of a connector.",
        subcommands = {
            ConnectorConfig.Get.class,
            ConnectorConfig.Replace.class,
            ConnectorConfig.Patch.class,
            CommandLine.HelpCommand.class
        })
final class ConnectorConfig extends CdcAction.Group {
    static TreeMap<String, String> rows(JsonNode config) {
        TreeMap<String, String> rows = new TreeMap<>();
        config.fields()
                .forEachRemaining(entry -> rows.put(entry.getKey(), entry.getValue().asText("")));
        return rows;
    }

    @Command(
            name = "get",
            mixinStandardHelpOptions = true,
            description = "Shows the settings; passwords are hidden.")
    static final class Get extends ConnectorAction.One {
        @Override
        public Integer call() {
            JsonNode config = client().get(path("/config"));
            return show(config, () -> table(config));
        }

        private static TextTable table(JsonNode config) {
            TextTable table = new TextTable("KEY", "VALUE");
            rows(SecretText.masked(config)).forEach(table::add);
            return table;
        }
    }

    @Command(
            name = "set",
            mixinStandardHelpOptions = true,
            description = "Replaces all settings; makes the connector if there is none.")
    static final class Replace extends ConnectorAction.One {
        @Parameters(
                index = "1",
                paramLabel = "FILE",
                description = "As for create; - is standard input.")
        private String file = "";

        @Mixin private final Settings settings = new Settings();

        @Override
        public Integer call() {
            ConnectorFile given =
                    ConnectorFile.read(file, name, settings.values, surroundings())
                            .withoutState(file)
                            .withRealSecrets(file, settings.values);
            return done(
                    client().put(path("/config"), given.config()), "connector " + name + " set");
        }
    }

    @Command(
            name = "patch",
            mixinStandardHelpOptions = true,
            description = "Changes single settings.")
    static final class Patch extends ConnectorAction.One {
        @Option(
                names = "--set",
                paramLabel = "KEY=VALUE",
                description = "The setting's new value. May be repeated.")
        private Map<String, String> settings = Map.of();

        @Option(
                names = "--unset",
                paramLabel = "KEY",
                description = "Removes the setting. May be repeated.")
        private List<String> removed = List.of();

        @Override
        public Integer call() {
            if (settings.isEmpty() && removed.isEmpty()) {
                throw wrongUsage("give --set or --unset");
            }
            ObjectNode body = object();
            settings.forEach(body::put);
            SecretText.hiddenAt(body)
                    .ifPresent(key -> {
                        throw ConnectorFile.hidden(
                                key,
                                "--set",
                                "write the real value, or leave the setting as it is");
                    });
            removed.forEach(body::putNull);
            return done(client().patch(path("/config"), body), "connector " + name + " changed");
        }
    }

    @Command(
            name = "validate",
            mixinStandardHelpOptions = true,
            description = "Checks settings without making a connector.",
            exitCodeListHeading = "%nExit codes:%n",
            exitCodeList = {"0:valid", "1:errors, or not checked", "2:wrong command line"})
    static final class Validate extends ConnectorAction {
        @Parameters(paramLabel = "FILE", description = "As for create; - is standard input.")
        private String file = "";

        @Option(names = "--name", paramLabel = "NAME", description = "Goes before the file's.")
        private @Nullable String name;

        @Mixin private final Settings settings = new Settings();

        @Override
        public Integer call() {
            ConnectorFile given = ConnectorFile.read(file, name, settings.values, surroundings());
            ObjectNode config = given.config();
            String type = config.path("connector.class").asText("");
            if (type.isEmpty()) {
                throw new CliException(file + " names no connector.class");
            }
            given.name().ifPresent(known -> config.put("name", known));
            // Routes take a class by its simple name too, and then it matches the configured one.
            JsonNode answer =
                    client().put(
                                    "/connector-plugins/"
                                            + ApiClient.segment(type)
                                            + "/config/validate",
                                    config);
            boolean valid = answer.path("error_count").asInt() == 0;
            if (json()) {
                print(answer);
                return valid ? OK : FAILED;
            }
            if (valid) {
                out().println("valid: no errors in " + config.size() + " settings");
                return OK;
            }
            TextTable table = new TextTable("KEY", "ERROR");
            // Debezium tells some errors twice.
            Set<List<String>> lines = new LinkedHashSet<>();
            for (JsonNode each : answer.path("configs")) {
                for (JsonNode error : each.at("/value/errors")) {
                    lines.add(
                            List.of(
                                    each.at("/value/name").asText(),
                                    SecretText.maskText(error.asText())));
                }
            }
            lines.forEach(line -> table.add(line.get(0), line.get(1)));
            print(table);
            out().println(lines.size() + " error(s)");
            return FAILED;
        }
    }

    @Command(
            name = "plugins",
            mixinStandardHelpOptions = true,
            description = "Lists the connectors that can be made, or the settings of a plug-in.")
    static final class Plugins extends ConnectorAction {
        @Parameters(
                arity = "0..1",
                paramLabel = "PLUGIN",
                description = "Shows the settings of this one: a class, or its short name.")
        private @Nullable String plugin;

        @Option(names = "--all", description = "Also converters, transformations and predicates.")
        private boolean all;

        @Override
        public Integer call() {
            if (plugin != null) {
                return settings(plugin);
            }
            JsonNode found = client().get("/connector-plugins?connectorsOnly=" + !all);
            return show(found, () -> plugins(found));
        }

        private static TextTable plugins(JsonNode found) {
            TextTable table = new TextTable("TYPE", "CLASS", "VERSION");
            for (JsonNode each : found) {
                table.add(
                        each.path("type").asText(),
                        each.path("class").asText(),
                        each.path("version").asText(""));
            }
            return table;
        }

        private int settings(String of) {
            JsonNode found =
                    client().get("/connector-plugins/" + ApiClient.segment(of) + "/config");
            return show(found, () -> keys(found));
        }

        private static TextTable keys(JsonNode found) {
            TextTable table = new TextTable("KEY", "TYPE", "IMPORTANCE", "DEFAULT");
            for (JsonNode key : found) {
                table.add(
                        key.path("name").asText(),
                        key.path("type").asText(),
                        key.path("importance").asText(""),
                        key.path("default_value").asText(""));
            }
            return table;
        }
    }
}
