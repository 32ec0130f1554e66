package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.math.BigInteger;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** What all commands below {@code cdc cli} share: the way to the server, and output. */
abstract class CdcAction implements Callable<Integer> {
    /** Exit code of a command whose question was answered with no. */
    static final int DECLINED = 1;

    private static final int TSO_LOGICAL_BITS = 18;

    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    CdcCli cli() {
        CommandLine line = spec.commandLine();
        while (true) {
            if (line.getCommand() instanceof CdcCli found) {
                return found;
            }
            line = line.getParent();
        }
    }

    ApiClient client() {
        return cli().client();
    }

    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    PrintWriter err() {
        return spec.commandLine().getErr();
    }

    Prompt prompt() {
        return new Prompt(cli().surroundings().in(), out());
    }

    void print(JsonNode node) {
        out().println(JsonText.pretty(node));
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /** The upstream's present. */
    static BigInteger now(ApiClient client, @Nullable String upstream) {
        ObjectNode body = object();
        if (upstream != null) {
            body.put("upstream", upstream);
        }
        return time(client, body);
    }

    /** The present of the upstream that a changefeed reads from. */
    static BigInteger nowOf(ApiClient client, JsonNode changefeed) {
        ObjectNode body = object();
        body.put("id", changefeed.path("upstream_id").bigIntegerValue());
        return time(client, body);
    }

    private static BigInteger time(ApiClient client, ObjectNode body) {
        JsonNode tso = client.post("/api/v2/tso", body);
        return tso.path("timestamp")
                .bigIntegerValue()
                .shiftLeft(TSO_LOGICAL_BITS)
                .or(tso.path("logic_time").bigIntegerValue());
    }

    /** Unix milliseconds of a TSO. */
    static long physicalMs(BigInteger tso) {
        return tso.shiftRight(TSO_LOGICAL_BITS).longValue();
    }

    /** A command that only has commands below it. */
    abstract static class Group implements Runnable {
        @CommandLine.Spec
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private CommandLine.Model.CommandSpec spec;

        @Override
        public void run() {
            spec.commandLine().usage(spec.commandLine().getOut());
        }
    }
}
