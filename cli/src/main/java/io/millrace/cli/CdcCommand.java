package io.millrace.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code millrace cdc ...}: TiCDC's own command line, in its words. */
@Command(
        name = "cdc",
        mixinStandardHelpOptions = true,
        description =
                "TiCDC's command line: cdc cli and cdc version. cdc server starts a server with"
                        + " TiCDC's options.",
        subcommands = {CdcCli.class, CdcCommand.Version.class, CommandLine.HelpCommand.class})
final class CdcCommand implements Runnable {
    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** {@code cdc version}: the six lines that scripts read. */
    @Command(
            name = "version",
            mixinStandardHelpOptions = true,
            description = "Prints release, commit, branch, build time and runtime.")
    static final class Version implements Runnable {
        @CommandLine.Spec
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private CommandLine.Model.CommandSpec spec;

        @Override
        public void run() {
            var out = spec.commandLine().getOut();
            out.println("Release Version: v" + Main.version());
            out.println("Git Commit Hash: " + Main.property("commit"));
            out.println("Git Branch: " + Main.property("branch"));
            out.println("UTC Build Time: " + Main.property("built"));
            out.println("Go Version: none; Java " + Runtime.version());
            out.println("Failpoint Build: false");
        }
    }
}
