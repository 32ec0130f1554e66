package io.millrace.testkit.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Processes of tests that must not outlive the JVM of the test, also when that is killed: where
 * {@code setpriv} (util-linux) is there, the kernel sees to it.
 */
public final class Children {
    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");

    private Children() {}

    /** Starts the builder's command under this account; its process id is the command's own. */
    public static Process start(ProcessBuilder builder) throws IOException {
        if (Files.isExecutable(SETPRIV)) {
            List<String> wrapped = new ArrayList<>(List.of(SETPRIV.toString(), "--pdeathsig=KILL"));
            wrapped.addAll(builder.command());
            builder.command(wrapped);
        }
        return Commands.spawn(builder);
    }
}
