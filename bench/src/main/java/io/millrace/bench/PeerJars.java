package io.millrace.bench;

import io.millrace.testkit.servers.Cache;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A peer and what it needs, resolved by Maven into a folder of the cache, once. */
final class PeerJars {
    private PeerJars() {}

    /**
     * The class path of a peer: all jars of its folder.
     *
     * @param entry name of the cache's entry; another one for every change of {@code dependencies}
     * @param dependencies {@code <dependency>} elements
     */
    static String classPath(String entry, String dependencies) {
        return Cache.entry(entry, folder -> resolve(folder, entry, dependencies)) + "/*";
    }

    private static void resolve(Path folder, String entry, String dependencies) throws IOException {
        Path pom = folder.resolve("pom.xml");
        Files.writeString(
                pom,
                "<project><modelVersion>4.0.0</modelVersion><groupId>peer</groupId><artifactId>peer</artifactId>"
                        + "<version>1</version><dependencies>"
                        + dependencies
                        + "</dependencies></project>");
        try {
            int exit =
                    new ProcessBuilder(
                                    "mvn",
                                    "-q",
                                    "-B",
                                    "-f",
                                    pom.toString(),
                                    "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
                                    "-DoutputDirectory=" + folder,
                                    "-DincludeScope=runtime")
                            .inheritIO()
                            .start()
                            .waitFor();
            if (exit != 0) {
                throw new IOException("Maven could not resolve " + entry);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
