package io.millrace.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * Which build this is.
 *
 * @param gitHash commit, or {@code None} when the build did not know it
 */
record Version(String version, String gitHash) {
    static final Version CURRENT = read();

    private static Version read() {
        Properties properties = new Properties();
        try (InputStream in = Version.class.getResourceAsStream("version.properties")) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Version(
                "v" + properties.getProperty("version", "0"),
                properties.getProperty("git.hash", "None"));
    }
}
