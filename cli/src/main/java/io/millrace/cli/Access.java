package io.millrace.cli;

import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Options that say who calls a server, and whom it trusts. */
final class Access {
    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec command;

    @Option(
            names = "--user",
            paramLabel = "USER:PASSWORD",
            description = "Basic authentication; better given as $MILLRACE_USER.")
    private @Nullable String credentials;

    @Option(
            names = "--ca",
            paramLabel = "FILE",
            description = "PEM file of the authority to trust. Default: $MILLRACE_CA")
    private @Nullable String ca;

    @Option(
            names = "--cert",
            paramLabel = "FILE",
            description = "PEM certificate of this client. Default: $MILLRACE_CERT")
    private @Nullable String cert;

    @Option(
            names = "--key",
            paramLabel = "FILE",
            description = "PEM PKCS#8 key of this client. Default: $MILLRACE_KEY")
    private @Nullable String key;

    Surroundings surroundings() {
        return ((Main) command.root().userObject()).surroundings();
    }

    /** {@code user:password}, or the user alone; empty when nothing names one. */
    Optional<String> login() {
        return Optional.ofNullable(credentials)
                .filter(text -> !text.isEmpty())
                .or(() -> surroundings().variable("MILLRACE_USER"));
    }

    /**
     * A client for a server.
     *
     * @param hint what to do when nobody answers
     */
    ApiClient client(String server, String hint) {
        return client(server, login().orElse(null), hint);
    }

    /** A client that does not say who calls. */
    ApiClient anonymous(String server, String hint) {
        return client(server, null, hint);
    }

    private ApiClient client(String server, @Nullable String login, String hint) {
        SSLContext tls =
                ClientTls.context(
                        surroundings().file(ca, "MILLRACE_CA"),
                        surroundings().file(cert, "MILLRACE_CERT"),
                        surroundings().file(key, "MILLRACE_KEY"));
        return new ApiClient(server, login, tls, null, hint);
    }
}
