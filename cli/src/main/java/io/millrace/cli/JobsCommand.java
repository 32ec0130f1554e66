package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code millrace jobs}: changefeeds and connectors in one list. */
@Command(
        name = "jobs",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Lists all jobs of a server: changefeeds and connectors.",
        footer = {
            "",
            "LAG is how far a job is behind its source, ROWS/S what it delivered over the last 10 s;",
            "'-' is not known. States of connectors come from their progress: moving, idle, snapshot,",
            "stalled (should work and does not), starting, restarting, failed, paused, stopped,",
            "unassigned; running is one on another worker."
        })
final class JobsCommand implements Runnable {
    static final String ROUTE = "/api/millrace/v1/jobs";
    private static final String CLEAR_SCREEN = "\u001b[H\u001b[2J";
    private static final int MAX_POSITION = 40;

    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    @Option(
            names = "--server",
            paramLabel = "ADDRESS",
            description = "Server address. Default: ${DEFAULT-VALUE}",
            defaultValue = "http://127.0.0.1:8300")
    private String server = "";

    @Option(names = "--json", description = "Print the server's answer.")
    private boolean json;

    @Option(names = "--watch", description = "Print the list anew until interrupted.")
    private boolean watch;

    @Option(
            names = "--every",
            paramLabel = "SECONDS",
            description = "How often --watch does. Default: ${DEFAULT-VALUE}",
            defaultValue = "2")
    private int every;

    @Option(
            names = "--times",
            paramLabel = "N",
            description = "Ends --watch after N lists; 0 never. Default: ${DEFAULT-VALUE}",
            defaultValue = "0")
    private int times;

    @Mixin
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private Access access;

    @Override
    public void run() {
        if (every < 1 || times < 0) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "--every must be at least 1, --times at least 0");
        }
        ApiClient client = access.client(server, "Start one with: ./millrace server");
        PrintWriter out = spec.commandLine().getOut();
        boolean terminal = System.console() != null && System.console().isTerminal();
        for (int shown = 1; ; shown++) {
            String text = text(client);
            if (watch && terminal && !json) {
                out.print(CLEAR_SCREEN);
            }
            out.print(text);
            out.flush();
            if (!watch || shown == times) {
                return;
            }
            try {
                Thread.sleep(every * 1000L);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /** While it watches, a server that does not answer for a moment is part of the picture. */
    private String text(ApiClient client) {
        JsonNode answer;
        try {
            answer = client.get(ROUTE);
        } catch (CliException e) {
            if (!watch) {
                throw e;
            }
            return e.getMessage() + "\n";
        }
        return json ? JsonText.pretty(answer) + "\n" : table(answer);
    }

    static String table(JsonNode answer) {
        TextTable table =
                new TextTable("NAME", "DIALECT", "KIND", "STATE", "LAG", "ROWS/S", "POSITION");
        for (JsonNode job : answer.path("jobs")) {
            table.add(
                    name(job),
                    job.path("dialect").asText(),
                    kind(job),
                    job.path("state").asText(),
                    job.path("lag_ms").isNumber() ? lag(job.path("lag_ms").asLong()) : "-",
                    job.path("rows_per_second").isNumber()
                            ? rate(job.path("rows_per_second").asDouble())
                            : "-",
                    job.hasNonNull("position") ? shortened(job.path("position").asText()) : "-");
        }
        String[] lines = table.toString().split("\n", -1);
        StringBuilder out = new StringBuilder(lines[0]).append('\n');
        int row = 1;
        int number = 0;
        for (JsonNode job : answer.path("jobs")) {
            out.append(lines[row++]).append('\n');
            if (!job.path("detail").asText("").isEmpty()) {
                out.append("    ").append(job.path("detail").asText()).append('\n');
            }
            if (job.hasNonNull("error")) {
                out.append("    ERROR ").append(job.path("error").asText()).append('\n');
            }
            number++;
        }
        out.append(number).append(" job(s)\n");
        if (answer.path("connect").asText().equals("starting")) {
            out.append("Kafka Connect is starting; its connectors come later\n");
        } else if (answer.path("connect").asText().equals("failed")) {
            out.append("Kafka Connect ended and starts again with the server: ")
                    .append(answer.path("connect_error").asText())
                    .append('\n');
        }
        return out.toString();
    }

    private static String name(JsonNode job) {
        String namespace = job.path("namespace").asText("");
        String name = job.path("name").asText();
        return job.hasNonNull("namespace") && !namespace.equals("default")
                ? namespace + "/" + name
                : name;
    }

    /** A connector's class without its package; a changefeed with where it goes to. */
    private static String kind(JsonNode job) {
        String type = job.path("class").asText();
        return job.path("kind").asText().equals("changefeed")
                ? "changefeed (" + type + ")"
                : type.substring(type.lastIndexOf('.') + 1);
    }

    static String lag(long ms) {
        long seconds = ms / 1000;
        if (seconds < 10) {
            return String.format(Locale.ROOT, "%.1fs", ms / 1000.0);
        }
        if (seconds < 120) {
            return seconds + "s";
        }
        if (seconds < 7200) {
            return String.format(Locale.ROOT, "%dm%02ds", seconds / 60, seconds % 60);
        }
        return seconds < 172_800
                ? String.format(Locale.ROOT, "%dh%02dm", seconds / 3600, seconds / 60 % 60)
                : seconds / 86_400 + "d";
    }

    private static String rate(double perSecond) {
        return perSecond != 0 && perSecond < 10
                ? String.format(Locale.ROOT, "%.1f", perSecond)
                : Long.toString(Math.round(perSecond));
    }

    private static String shortened(String text) {
        return text.length() <= MAX_POSITION ? text : text.substring(0, MAX_POSITION) + "…";
    }
}
