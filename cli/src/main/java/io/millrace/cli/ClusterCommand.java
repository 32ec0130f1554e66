package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code millrace cluster ...}: the upstreams of a server, through the TiUniManager API. */
@Command(
        name = "cluster",
        mixinStandardHelpOptions = true,
        description = "Adds, lists and removes upstreams of a running server.",
        subcommands = {
            ClusterCommand.Add.class,
            ClusterCommand.ListAll.class,
            ClusterCommand.Remove.class,
            CommandLine.HelpCommand.class
        },
        footer = {
            "",
            "A changefeed reads the cluster that it names: clusterId of the TiUniManager API,",
            "the field upstream of TiCDC's. Each command logs in, and out again at its end."
        })
final class ClusterCommand extends CdcAction.Group {
    /** What the commands share: a session of a user. */
    abstract static class Action implements Callable<Integer> {
        @CommandLine.Spec
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private CommandLine.Model.CommandSpec spec;

        @Option(
                names = "--server",
                paramLabel = "ADDRESS",
                description = "Address of the TiUniManager API. Default: ${DEFAULT-VALUE}",
                defaultValue = "http://127.0.0.1:4116")
        private String server = "";

        @Option(names = "--json", description = "Print the server's answer.")
        private boolean json;

        @Mixin
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private Access access;

        boolean json() {
            return json;
        }

        PrintWriter out() {
            return spec.commandLine().getOut();
        }

        Prompt prompt() {
            return new Prompt(access.surroundings().in(), access.surroundings().err());
        }

        Surroundings surroundings() {
            return access.surroundings();
        }

        /** Asks the server something as a user who is logged in only for that. */
        JsonNode inSession(Function<ApiClient, JsonNode> work) {
            String login = access.login().orElseGet(() -> prompt().ask("User: "));
            int colon = login.indexOf(':');
            String user = colon < 0 ? login : login.substring(0, colon);
            String password =
                    colon < 0
                            ? prompt().askSecret("Password of " + user + ": ")
                            : login.substring(colon + 1);
            ApiClient client =
                    access.anonymous(
                            server,
                            "Is the server running, with its TiUniManager API on that address?");
            ObjectNode body = JsonNodeFactory.instance.objectNode();
            body.put("userName", user).put("userPassword", password);
            JsonNode session = data(client.post("/api/v1/user/login", body));
            client.bearer(session.path("token").asText());
            try {
                if (session.path("passwordExpired").asBoolean()) {
                    throw new CliException(
                            "the password of "
                                    + user
                                    + " has to be changed first: POST /api/v1/users/"
                                    + session.path("userId").asText()
                                    + "/password");
                }
                return data(work.apply(client));
            } finally {
                logout(client);
            }
        }

        /** What was asked for has been answered; a token that is left over ends by itself. */
        private void logout(ApiClient client) {
            try {
                client.post("/api/v1/user/logout", JsonNodeFactory.instance.objectNode());
            } catch (CliException e) {
                surroundings().err().println("WARNING: not logged out: " + e.getMessage());
            }
        }

        private static JsonNode data(JsonNode answer) {
            if (answer.path("code").asInt(-1) != 0) {
                throw new CliException(answer.path("message").asText("the answer has no code"));
            }
            return answer.path("data");
        }

        void show(JsonNode answer, String text) {
            out().print(json ? JsonText.pretty(answer) + "\n" : text);
            out().flush();
        }
    }

    @Command(
            name = "add",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = {
                "Adds an upstream, after the server has checked that it can be captured:",
                "connection, rights, settings of its binlog."
            })
    static final class Add extends Action {
        @Parameters(
                paramLabel = "NAME",
                description = "Its id: 4 to 64 letters, digits, '.', '_' and '-'.")
        private String name = "";

        @Option(
                names = "--upstream",
                required = true,
                paramLabel = "URI",
                description = {
                    "mysql://USER@HOST:PORT/, with the parameters of millrace server --upstream.",
                    "A password that it does not hold is taken from $MILLRACE_UPSTREAM_PASSWORD,",
                    "or asked for."
                })
        private String upstream = "";

        @Override
        public Integer call() {
            ObjectNode body = JsonNodeFactory.instance.objectNode();
            body.put("clusterName", name).put("upstream", complete(upstream));
            JsonNode answer = inSession(client -> client.post("/api/v1/clusters/takeover", body));
            show(
                    answer,
                    "cluster "
                            + answer.path("clusterId").asText()
                            + " added; how: GET /api/v1/workflow/"
                            + answer.path("workFlowId").asText()
                            + "\n");
            return 0;
        }

        private String complete(String uri) {
            int start = uri.indexOf("://");
            int slash = uri.indexOf('/', start < 0 ? 0 : start + 3);
            int at = uri.lastIndexOf('@', slash < 0 ? uri.length() : slash);
            if (start < 0 || at < 0 || uri.substring(start + 3, at).indexOf(':') >= 0) {
                return uri;
            }
            String user = uri.substring(start + 3, at);
            String password =
                    surroundings()
                            .variable("MILLRACE_UPSTREAM_PASSWORD")
                            .orElseGet(() -> prompt().askSecret("Password of " + user + ": "));
            return password.isEmpty()
                    ? uri
                    : uri.substring(0, at) + ":" + ApiClient.segment(password) + uri.substring(at);
        }
    }

    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = "Lists the upstreams of the user's tenant.")
    static final class ListAll extends Action {
        @Override
        public Integer call() {
            JsonNode answer = inSession(client -> client.get("/api/v1/clusters/"));
            TextTable table = new TextTable("ID", "TYPE", "STATUS", "ADDRESS", "TLS", "CREATED");
            int number = 0;
            for (JsonNode cluster : answer.path("clusters")) {
                table.add(
                        cluster.path("clusterId").asText(),
                        cluster.path("clusterType").asText(),
                        cluster.path("status").asText(),
                        cluster.at("/intranetConnectAddresses/0").asText(),
                        cluster.path("tls").asBoolean() ? "yes" : "no",
                        cluster.path("createTime").asText());
                number++;
            }
            show(answer, table + "" + number + " cluster(s)\n");
            return 0;
        }
    }

    @Command(
            name = "remove",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = {
                "Removes an upstream with its password. Refused while changefeeds read it,",
                "and for one that the server was started with."
            })
    static final class Remove extends Action {
        @Parameters(paramLabel = "NAME", description = "Its id.")
        private String name = "";

        @Option(names = "--yes", description = "Do not ask.")
        private boolean yes;

        @Override
        public Integer call() {
            if (!yes && !prompt().agrees("Remove the cluster " + name + "? [y/N]")) {
                return 1;
            }
            JsonNode answer =
                    inSession(
                            client -> client.delete("/api/v1/clusters/" + ApiClient.segment(name)));
            show(answer, "cluster " + answer.path("clusterId").asText() + " removed\n");
            return 0;
        }
    }
}
