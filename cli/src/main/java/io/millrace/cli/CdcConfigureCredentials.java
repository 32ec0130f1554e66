package io.millrace.cli;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;

/** {@code cdc cli configure-credentials}: asks for user and password and keeps them in a file. */
@Command(
        name = "configure-credentials",
        mixinStandardHelpOptions = true,
        description = "Asks for user and password and writes ~/.ticdc/credentials.")
final class CdcConfigureCredentials extends CdcAction {
    @Override
    public Integer call() {
        Path file = Credentials.file(cli().surroundings());
        Optional<Credentials> old = Credentials.read(file);
        String user =
                prompt().ask("TiCDC User Name [" + old.map(Credentials::user).orElse("") + "]: ");
        String password =
                prompt().askSecret("TiCDC Password [" + (old.isPresent() ? "******" : "") + "]: ");
        Credentials chosen =
                new Credentials(
                        user.isEmpty() ? old.map(Credentials::user).orElse("") : user,
                        password.isEmpty() ? old.map(Credentials::password).orElse("") : password);
        if (chosen.user().isEmpty()) {
            throw new CliException("a user name is needed; " + file + " is unchanged");
        }
        chosen.write(file);
        out().println("Written to " + file);
        return 0;
    }
}
