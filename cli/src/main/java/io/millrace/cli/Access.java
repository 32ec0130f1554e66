package io.millrace.cli;

import java.nio.file.Path;
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

    /**
     * A client for a server.
     *
     * @param hint what to do when nobody answers
     */
    ApiClient client(String server, String hint) {
        Optional<Path> authority = file(ca, "MILLRACE_CA");
        Optional<Path> certificate = file(cert, "MILLRACE_CERT");
        Optional<Path> privateKey = file(key, "MILLRACE_KEY");
        SSLContext tls =
                authority.isEmpty() && certificate.isEmpty() && privateKey.isEmpty()
                        ? null
                        : ClientTls.context(
                                authority.orElse(null),
                                certificate.orElse(null),
                                privateKey.orElse(null));
        return new ApiClient(
                server,
                Optional.ofNullable(credentials)
                        .filter(text -> !text.isEmpty())
                        .or(() -> surroundings().variable("MILLRACE_USER"))
                        .orElse(null),
                tls,
                null,
                hint);
    }

    private Optional<Path> file(@Nullable String option, String variable) {
        return Optional.ofNullable(option)
                .or(() -> surroundings().variable(variable))
                .map(Path::of);
    }
}
