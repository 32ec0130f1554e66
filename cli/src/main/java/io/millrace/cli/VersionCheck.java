package io.millrace.cli;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether this client and a server fit together, by the version that the server's {@code status}
 * tells: TiCDC's own, or the line of TiCDC whose API a Millrace server speaks with Millrace's
 * version behind it, as in {@code v8.5.0-millrace-1.2.3}.
 */
final class VersionCheck {
    /** The oldest TiCDC whose API has all that the commands call. */
    private static final int[] OLDEST_TICDC = {6, 2};

    private static final Pattern VERSION = Pattern.compile("v?(\\d+)\\.(\\d+)\\..*");
    private static final String OURS = "-millrace-";

    private VersionCheck() {}

    /**
     * What is to be told before a command runs; empty when the versions fit or are not known.
     *
     * @param client this client's version
     * @param server what the server tells
     */
    static Optional<String> warning(String client, String server) {
        int ours = server.indexOf(OURS);
        if (ours < 0) {
            return older(server, OLDEST_TICDC)
                    ? Optional.of(
                            "the server has version "
                                    + server
                                    + ", commands need TiCDC 6.2.0 or later and may fail")
                    : Optional.empty();
        }
        String release = server.substring(ours + OURS.length());
        Matcher here = VERSION.matcher(client);
        Matcher there = VERSION.matcher(release);
        return !here.matches()
                        || !there.matches()
                        || here.group(1).equals(there.group(1))
                                && here.group(2).equals(there.group(2))
                ? Optional.empty()
                : Optional.of(
                        "this client is millrace "
                                + client
                                + ", the server is millrace "
                                + release
                                + ": commands may fail; use the client that came with the server");
    }

    private static boolean older(String version, int[] oldest) {
        Matcher found = VERSION.matcher(version);
        if (!found.matches()) {
            return false;
        }
        int major = Integer.parseInt(found.group(1));
        return major < oldest[0]
                || major == oldest[0] && Integer.parseInt(found.group(2)) < oldest[1];
    }
}
