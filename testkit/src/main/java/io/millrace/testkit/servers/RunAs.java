package io.millrace.testkit.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.util.ArrayList;
import java.util.List;

/**
 * Under which account server processes run, and what ties their life to this JVM's.
 *
 * <p>Database servers refuse to run as root; then they run as {@code nobody}. {@code setpriv}
 * (util-linux) changes the account and asks the kernel to kill the server when the thread that
 * started it dies, which also covers {@code kill -9} of this JVM.
 */
final class RunAs {
    private static final String UNPRIVILEGED_USER = "nobody";
    private static final boolean ROOT = "root".equals(System.getProperty("user.name"));
    private static final boolean SETPRIV = Files.isExecutable(Path.of("/usr/bin/setpriv"));

    private RunAs() {}

    static boolean isRoot() {
        return ROOT;
    }

    /** The command line that runs {@code command} under the server account. */
    static List<String> wrap(List<String> command) {
        List<String> wrapped = new ArrayList<>();
        if (SETPRIV) {
            wrapped.add("/usr/bin/setpriv");
            if (ROOT) {
                wrapped.add("--reuid=" + id("-u"));
                wrapped.add("--regid=" + id("-g"));
                wrapped.add("--clear-groups");
            }
            wrapped.add("--pdeathsig=KILL");
        } else if (ROOT) {
            throw new TestServerException(
                    "database servers don't run as root, and setpriv (Debian package util-linux)"
                            + " is missing to switch to the account '"
                            + UNPRIVILEGED_USER
                            + "': install it, or run as another user");
        }
        wrapped.addAll(command);
        return wrapped;
    }

    /** Gives a file or folder to the server account. */
    static void own(Path path) {
        if (!ROOT) {
            return;
        }
        try {
            UserPrincipalLookupService accounts =
                    path.getFileSystem().getUserPrincipalLookupService();
            PosixFileAttributeView view =
                    Files.getFileAttributeView(
                            path, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
            view.setGroup(accounts.lookupPrincipalByGroupName(id("-gn")));
            view.setOwner(accounts.lookupPrincipalByName(UNPRIVILEGED_USER));
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot give " + path + " to '" + UNPRIVILEGED_USER + "'", e);
        }
    }

    /**
     * Fails with the reason when the server account cannot get to a folder, which depends on the
     * rights of each folder above it.
     */
    static void requireReach(Path folder) {
        if (!ROOT) {
            return;
        }
        try {
            Commands.output(wrap(List.of("test", "-x", folder.toString())));
        } catch (TestServerException e) {
            throw new TestServerException(
                    "the account '"
                            + UNPRIVILEGED_USER
                            + "', under which database servers run here, cannot enter "
                            + folder
                            + ": one of the folders above it is closed to it; set MILLRACE_CACHE or"
                            + " -Djava.io.tmpdir to a folder that everybody may enter",
                    e);
        }
    }

    private static String id(String what) {
        return Commands.output(List.of("id", what, UNPRIVILEGED_USER)).strip();
    }
}
