package io.millrace.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Entry point of the commands of {@code ./millrace} that speak to a running server or a Kafka. */
@Command(
        name = "millrace",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        description = "Operates a Millrace server over its HTTP API, and shows what a Kafka holds.",
        subcommands = {
            ChangefeedCommand.class,
            CdcCommand.class,
            TopicsCommand.class,
            ConsumeCommand.class,
            JobsCommand.class,
            ConnectorCommand.class,
            ClusterCommand.class,
            Main.VersionCommand.class,
            CommandLine.HelpCommand.class
        })
public final class Main implements Runnable {
    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    private final Surroundings surroundings;

    private Main(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    Surroundings surroundings() {
        return surroundings;
    }

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs one command; 0 is success, 1 a failure that was explained, 2 wrong usage. */
    static int run(String... args) {
        return run(Surroundings.ofProcess(), args);
    }

    static int run(Surroundings surroundings, String... args) {
        return new CommandLine(new Main(surroundings))
                .setOut(surroundings.out())
                .setErr(surroundings.err())
                .setExecutionExceptionHandler((e, commandLine, parsed) -> {
                    if (!(e instanceof CliException)) {
                        throw e;
                    }
                    commandLine.getErr().println("error: " + e.getMessage());
                    commandLine.getErr().flush();
                    return 1;
                })
                .execute(args);
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** Version of this build. */
    static String version() {
        return property("version");
    }

    /** A fact about this build; {@code None} when it is not known. */
    static String property(String name) {
        Properties properties = new Properties();
        try (InputStream in = Main.class.getResourceAsStream("version.properties")) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty(name, "None");
    }

    /** Prints the version line for {@code --version}. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"millrace " + version() + ", Java " + Runtime.version()};
        }
    }

    /** {@code millrace version}. */
    @Command(name = "version", mixinStandardHelpOptions = true, description = "Prints the version.")
    static final class VersionCommand implements Runnable {
        @CommandLine.Spec
        @SuppressWarnings("NullAway.Init") // picocli fills it in
        private CommandLine.Model.CommandSpec spec;

        @Override
        public void run() {
            spec.commandLine().getOut().println(new Version().getVersion()[0]);
        }
    }
}
