package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What all commands below {@code connector} share: the way to the worker, and output. */
abstract class ConnectorAction implements Callable<Integer> {
    static final int OK = 0;
    static final int FAILED = 1;

    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    @Option(
            names = "--server",
            paramLabel = "ADDRESS",
            description = "Address of a Kafka Connect worker. Default: ${DEFAULT-VALUE}",
            defaultValue = "http://127.0.0.1:8083")
    private String server = "";

    @Option(
            names = {"-o", "--output"},
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}",
            defaultValue = "table")
    private ChangefeedCommand.Format format = ChangefeedCommand.Format.table;

    @Mixin
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private Access access;

    @Override
    public abstract Integer call();

    ApiClient client() {
        return access.client(
                server, "The worker runs in a server that is started with: ./millrace server");
    }

    Surroundings surroundings() {
        return access.surroundings();
    }

    boolean json() {
        return format == ChangefeedCommand.Format.json;
    }

    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    CommandLine.ParameterException wrongUsage(String message) {
        return new CommandLine.ParameterException(spec.commandLine(), message);
    }

    /** With secrets hidden. */
    void print(JsonNode node) {
        out().println(JsonText.pretty(SecretText.masked(node)));
    }

    void print(TextTable table) {
        out().print(table);
        out().flush();
    }

    /** A table for people; for programs the answer itself. */
    int show(JsonNode answer, Supplier<TextTable> table) {
        if (json()) {
            print(answer);
        } else {
            print(table.get());
        }
        return OK;
    }

    /** One line for people; for programs the answer, if there was one. */
    int done(JsonNode answer, String what) {
        if (json()) {
            print(answer);
        } else {
            out().println(what);
        }
        return OK;
    }

    boolean agreed(boolean yes, String question) {
        return yes || new Prompt(surroundings().in(), out()).agrees(question + " [y/N]");
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    static String path(String connector, String rest) {
        return "/connectors/" + ApiClient.segment(connector) + rest;
    }

    /** Settings on the command line. */
    static final class Settings {
        @Option(
                names = "--set",
                paramLabel = "KEY=VALUE",
                description = "A setting; goes before the file's. May be repeated.")
        Map<String, String> values = Map.of();
    }

    /** About one connector. */
    abstract static class One extends ConnectorAction {
        @Parameters(index = "0", paramLabel = "NAME", description = "The connector.")
        String name = "";

        String path(String rest) {
            return path(name, rest);
        }
    }

    /** About some connectors, one after the other. */
    abstract static class Many extends ConnectorAction {
        @Parameters(arity = "1..*", paramLabel = "NAME", description = "The connectors.")
        List<String> names = List.of();
    }
}
