package io.millrace.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code cdc cli tso}. */
@Command(
        name = "tso",
        mixinStandardHelpOptions = true,
        description = "Shows the upstream's clock.",
        subcommands = {CdcTso.Query.class, CommandLine.HelpCommand.class})
final class CdcTso extends CdcAction.Group {
    /** {@code tso query}. */
    @Command(
            name = "query",
            mixinStandardHelpOptions = true,
            description = "Prints the TSO of now.")
    static final class Query extends CdcAction {
        @Option(
                names = "--upstream",
                paramLabel = "NAME",
                description = "One of the server's upstreams. Default: the server's default.")
        private @Nullable String upstream;

        @Override
        public Integer call() {
            out().println(now(client(), upstream));
            return 0;
        }
    }
}
