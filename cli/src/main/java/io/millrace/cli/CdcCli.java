package io.millrace.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Set;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/**
 * {@code cdc cli}: the options that all its commands share. They may stand before or behind the
 * command.
 */
@Command(
        name = "cli",
        mixinStandardHelpOptions = true,
        description = "Manages changefeeds and shows the cluster, over /api/v2.",
        subcommands = {
            CdcCapture.class,
            CdcChangefeed.class,
            CdcProcessor.class,
            CdcTso.class,
            CdcUnsafe.class,
            CdcConfigureCredentials.class,
            CommandLine.HelpCommand.class
        })
final class CdcCli implements Runnable {
    private static final Set<String> LEVELS =
            Set.of("debug", "info", "warn", "error", "dpanic", "panic", "fatal");

    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    @Option(
            names = "--server",
            paramLabel = "ADDRESS",
            scope = ScopeType.INHERIT,
            description = "Server address. Default: ${DEFAULT-VALUE}",
            defaultValue = "http://127.0.0.1:8300")
    private String server = "";

    @Option(
            names = "--pd",
            paramLabel = "ADDRESS",
            scope = ScopeType.INHERIT,
            hidden = true,
            description = "Refused: there is no PD; use --server.")
    private @Nullable String pd;

    @Option(
            names = "--ca",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description = "PEM file of the authority to trust. Default: $TICDC_CA_PATH")
    private @Nullable String ca;

    @Option(
            names = "--cert",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description = "PEM certificate of this client. Default: $TICDC_CERT_PATH")
    private @Nullable String cert;

    @Option(
            names = "--key",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description = "PEM PKCS#8 key of this client. Default: $TICDC_KEY_PATH")
    private @Nullable String key;

    @Option(
            names = "--user",
            paramLabel = "NAME",
            scope = ScopeType.INHERIT,
            description = "User. Default: $TICDC_USER, then ~/.ticdc/credentials")
    private @Nullable String user;

    @Option(
            names = "--password",
            paramLabel = "TEXT",
            scope = ScopeType.INHERIT,
            description = "Password; asked for when only --user is given. Default: $TICDC_PASSWORD")
    private @Nullable String password;

    @Option(
            names = "--log-level",
            paramLabel = "LEVEL",
            scope = ScopeType.INHERIT,
            description =
                    "debug and info show each request on standard error. Default: ${DEFAULT-VALUE}",
            defaultValue = "warn")
    private String logLevel = "";

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    Surroundings surroundings() {
        return ((Main) spec.root().userObject()).surroundings();
    }

    ApiClient client() {
        if (pd != null) {
            throw new CliException(
                    "--pd is not supported: there is no PD here. Name a server: --server"
                            + " http://127.0.0.1:8300");
        }
        String level = logLevel.toLowerCase(Locale.ROOT);
        if (!LEVELS.contains(level)) {
            throw new CliException("unknown --log-level " + logLevel);
        }
        SSLContext tls =
                ClientTls.context(
                        surroundings().file(ca, "TICDC_CA_PATH"),
                        surroundings().file(cert, "TICDC_CERT_PATH"),
                        surroundings().file(key, "TICDC_KEY_PATH"));
        PrintWriter trace =
                level.equals("debug") || level.equals("info") ? surroundings().err() : null;
        ApiClient client =
                new ApiClient(
                        server,
                        Credentials.find(user, password, surroundings())
                                .map(Credentials::pair)
                                .orElse(null),
                        tls,
                        trace);
        warnOfOtherVersion(client);
        return client;
    }

    private void warnOfOtherVersion(ApiClient client) {
        String version;
        try {
            version = client.get("/api/v2/status").path("version").asText("");
        } catch (CliException e) {
            // The command's own request tells what is wrong.
            return;
        }
        VersionCheck.warning(Main.version(), version)
                .ifPresent(text -> {
                    surroundings().err().println("Warning: " + text);
                    surroundings().err().flush();
                });
    }
}
