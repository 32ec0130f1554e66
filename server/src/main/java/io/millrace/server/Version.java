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

    /**
     * The version of TiCDC whose API this build speaks. TiCDC's tools read it from {@code status}
     * and refuse servers below 6.2.0.
     */
    private static final String TICDC_LINE = "v8.5.0";

    /** For clients of TiCDC's API: TiCDC's line, then our own version as a semver suffix. */
    String ofTiCdc() {
        return TICDC_LINE + "-millrace-" + version.substring(1);
    }

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
