package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code millrace connector ...}: connectors through Kafka Connect's REST API. */
@Command(
        name = "connector",
        mixinStandardHelpOptions = true,
        description = "Creates, shows and steers connectors of a Kafka Connect worker.",
        subcommands = {
            ConnectorCommand.ListAll.class,
            ConnectorCommand.Create.class,
            ConnectorCommand.Status.class,
            ConnectorCommand.Pause.class,
            ConnectorCommand.Resume.class,
            ConnectorCommand.Restart.class,
            ConnectorCommand.Stop.class,
            ConnectorCommand.Delete.class,
            ConnectorConfig.class,
            ConnectorConfig.Validate.class,
            ConnectorConfig.Plugins.class,
            ConnectorOffsets.class,
            ConnectorOffsets.Topics.class,
            ConnectorCommand.Tasks.class,
            ConnectorCommand.Loggers.class,
            ConnectorCommand.Info.class,
            CommandLine.HelpCommand.class
        })
final class ConnectorCommand extends CdcAction.Group {
    private static final String FAILED_STATE = "FAILED";

    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists connectors.")
    static final class ListAll extends ConnectorAction {
        @Override
        public Integer call() {
            JsonNode answer = client().get("/connectors?expand=status&expand=info");
            if (json()) {
                print(answer);
                return OK;
            }
            TreeMap<String, JsonNode> byName = new TreeMap<>();
            for (Iterator<Map.Entry<String, JsonNode>> it = answer.fields(); it.hasNext(); ) {
                Map.Entry<String, JsonNode> entry = it.next();
                byName.put(entry.getKey(), entry.getValue());
            }
            TextTable table = new TextTable("NAME", "CLASS", "STATE", "TASKS", "WORKER");
            byName.forEach((name, connector) ->
                    table.add(
                            name,
                            connector.at("/info/config/connector.class").asText(),
                            connector.at("/status/connector/state").asText("UNASSIGNED"),
                            tasks(connector.at("/status/tasks")),
                            connector.at("/status/connector/worker_id").asText()));
            print(table);
            out().println(byName.size() + " connector(s)");
            return OK;
        }

        /** Such as {@code 1 RUNNING, 2 FAILED}. */
        private static String tasks(JsonNode tasks) {
            TreeMap<String, Integer> states = new TreeMap<>();
            tasks.forEach(task -> states.merge(task.path("state").asText(), 1, Integer::sum));
            StringBuilder out = new StringBuilder();
            states.forEach((state, number) ->
                    out.append(out.isEmpty() ? "" : ", ").append(number).append(' ').append(state));
            return out.isEmpty() ? "none" : out.toString();
        }
    }

    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description = "Creates a connector and starts it.")
    static final class Create extends ConnectorAction {
        @Parameters(
                arity = "0..1",
                paramLabel = "FILE",
                description =
                        "JSON, either {\"name\":…, \"config\":{…}} or the settings alone, or a"
                                + " properties file; - is standard input.")
        private @Nullable String file;

        @Option(names = "--name", paramLabel = "NAME", description = "Goes before the file's.")
        private @Nullable String name;

        @Mixin private final Settings settings = new Settings();

        @Option(
                names = "--state",
                paramLabel = "STATE",
                description =
                        "What it does at first: ${COMPLETION-CANDIDATES}. Default: initial_state of"
                                + " the file, or running")
        private ConnectorFile.@Nullable State state;

        @Override
        public Integer call() {
            if (file == null && settings.values.isEmpty()) {
                throw wrongUsage("give a FILE, or settings with --set");
            }
            ConnectorFile given =
                    ConnectorFile.read(file, name, settings.values, surroundings())
                            .withRealSecrets(file, settings.values);
            ObjectNode body = object();
            body.put("name", given.requireName());
            body.set("config", given.config());
            ConnectorFile.State first =
                    state != null
                            ? state
                            : given.initialState().orElse(ConnectorFile.State.running);
            if (first != ConnectorFile.State.running) {
                body.put("initial_state", first.wireName());
            }
            JsonNode answer = client().post("/connectors", body);
            return done(answer, "connector " + answer.path("name").asText() + " created");
        }
    }

    @Command(
            name = "status",
            mixinStandardHelpOptions = true,
            description = "Shows the state of a connector and of its tasks.")
    static final class Status extends ConnectorAction.One {
        @Option(names = "--trace", description = "Show the whole stack trace of what failed.")
        private boolean trace;

        @Override
        public Integer call() {
            JsonNode status = client().get(path("/status"));
            if (json()) {
                print(status);
                return OK;
            }
            TextTable table = new TextTable("UNIT", "STATE", "WORKER", "VERSION");
            JsonNode connector = status.path("connector");
            row(
                    table,
                    status.path("type").asText() + " " + status.path("name").asText(),
                    connector);
            for (JsonNode task : status.path("tasks")) {
                row(table, "task " + task.path("id").asText(), task);
            }
            print(table);
            said("connector", connector);
            for (JsonNode task : status.path("tasks")) {
                said("task " + task.path("id").asText(), task);
            }
            return OK;
        }

        private static void row(TextTable table, String unit, JsonNode of) {
            table.add(
                    unit,
                    of.path("state").asText(),
                    of.path("worker_id").asText(),
                    of.path("version").asText(""));
        }

        private void said(String unit, JsonNode of) {
            if (!of.path("state").asText().equals(FAILED_STATE)
                    || of.path("trace").asText("").isEmpty()) {
                return;
            }
            String text = SecretText.maskText(of.path("trace").asText().strip());
            out().println();
            if (trace) {
                out().println(unit + ": " + text);
                return;
            }
            out().println(unit + ": " + text.lines().findFirst().orElse(""));
            text.lines()
                    .filter(line -> line.startsWith("Caused by: "))
                    .forEach(line -> out().println("  " + line));
        }
    }

    /** A request without a body and without an answer, for each name. */
    abstract static class Step extends ConnectorAction.Many {
        private final String step;
        private final String done;

        Step(String step, String done) {
            this.step = step;
            this.done = done;
        }

        @Override
        public Integer call() {
            ApiClient client = client();
            for (String name : names) {
                done(client.put(path(name, step), object()), "connector " + name + " " + done);
            }
            return OK;
        }
    }

    @Command(
            name = "pause",
            mixinStandardHelpOptions = true,
            description = "Pauses connectors; their tasks stay where they are.")
    static final class Pause extends Step {
        Pause() {
            super("/pause", "is being paused");
        }
    }

    @Command(
            name = "resume",
            mixinStandardHelpOptions = true,
            description = "Lets paused or stopped connectors go on.")
    static final class Resume extends Step {
        Resume() {
            super("/resume", "is being resumed");
        }
    }

    @Command(
            name = "stop",
            mixinStandardHelpOptions = true,
            description = "Stops connectors and ends their tasks; offsets can be changed then.")
    static final class Stop extends Step {
        Stop() {
            super("/stop", "is being stopped");
        }
    }

    @Command(
            name = "restart",
            mixinStandardHelpOptions = true,
            description = "Restarts a connector, its tasks, or one task.")
    static final class Restart extends ConnectorAction.One {
        @Option(names = "--include-tasks", description = "The tasks as well.")
        private boolean includeTasks;

        @Option(names = "--only-failed", description = "Only what has failed.")
        private boolean onlyFailed;

        @Option(names = "--task", paramLabel = "N", description = "Only this task.")
        private @Nullable Integer task;

        @Override
        public Integer call() {
            if (task != null) {
                if (includeTasks || onlyFailed) {
                    throw wrongUsage("--task goes alone");
                }
                JsonNode answer = client().post(path("/tasks/" + task + "/restart"), object());
                return done(answer, "task " + task + " of connector " + name + " is restarted");
            }
            String query =
                    includeTasks || onlyFailed
                            ? "?includeTasks=" + includeTasks + "&onlyFailed=" + onlyFailed
                            : "";
            JsonNode answer = client().post(path("/restart" + query), object());
            return done(answer, "connector " + name + " is being restarted");
        }
    }

    @Command(
            name = "delete",
            mixinStandardHelpOptions = true,
            description = "Deletes connectors; their offsets stay, for one of the same name.")
    static final class Delete extends ConnectorAction.Many {
        @Option(names = "--yes", description = "Do not ask.")
        private boolean yes;

        @Override
        public Integer call() {
            if (!agreed(yes, "Delete " + String.join(", ", names) + "?")) {
                return FAILED;
            }
            ApiClient client = client();
            for (String name : names) {
                done(client.delete(path(name, "")), "connector " + name + " deleted");
            }
            return OK;
        }
    }

    @Command(
            name = "tasks",
            mixinStandardHelpOptions = true,
            description = "Shows what each task of a connector was told to do.")
    static final class Tasks extends ConnectorAction.One {
        @Override
        public Integer call() {
            JsonNode tasks = client().get(path("/tasks"));
            return show(tasks, () -> table(tasks));
        }

        private static TextTable table(JsonNode tasks) {
            TextTable table = new TextTable("TASK", "KEY", "VALUE");
            for (JsonNode task : tasks) {
                ConnectorConfig.rows(SecretText.masked(task.path("config")))
                        .forEach((key, value) ->
                                table.add(task.at("/id/task").asText(), key, value));
            }
            return table;
        }
    }

    @Command(
            name = "loggers",
            mixinStandardHelpOptions = true,
            description = "Shows log levels of the worker, or sets one until the next restart.")
    static final class Loggers extends ConnectorAction {
        @Parameters(index = "0", arity = "0..1", paramLabel = "LOGGER", description = "One logger.")
        private @Nullable String logger;

        @Parameters(
                index = "1",
                arity = "0..1",
                paramLabel = "LEVEL",
                description = "Its new level.")
        private @Nullable String level;

        @Override
        public Integer call() {
            if (level == null) {
                String one = logger == null ? "" : "/" + ApiClient.segment(logger);
                JsonNode found = client().get("/admin/loggers" + one);
                return show(found, () -> table(found));
            }
            JsonNode changed =
                    client().put(
                                    "/admin/loggers/" + ApiClient.segment(String.valueOf(logger)),
                                    object().put("level", level));
            return done(changed, changed.size() + " logger(s) set to " + level);
        }

        private TextTable table(JsonNode found) {
            TextTable table = new TextTable("LOGGER", "LEVEL");
            if (logger != null) {
                table.add(logger, found.path("level").asText());
            } else {
                found.fields()
                        .forEachRemaining(entry ->
                                table.add(
                                        entry.getKey(), entry.getValue().path("level").asText("")));
            }
            return table;
        }
    }

    @Command(
            name = "info",
            mixinStandardHelpOptions = true,
            description = "Shows version and health of the worker.")
    static final class Info extends ConnectorAction {
        @Override
        public Integer call() {
            ApiClient client = client();
            ObjectNode all = client.get("/").deepCopy();
            all.set("health", client.get("/health"));
            return show(all, () -> table(all));
        }

        private static TextTable table(JsonNode all) {
            TextTable table = new TextTable("FIELD", "VALUE");
            table.add("version", all.path("version").asText());
            table.add("commit", all.path("commit").asText());
            table.add("kafka cluster", all.path("kafka_cluster_id").asText());
            table.add(
                    "health",
                    Optional.of(all.at("/health/message").asText(""))
                            .filter(text -> !text.isEmpty())
                            .orElse(all.at("/health/status").asText()));
            return table;
        }
    }
}
