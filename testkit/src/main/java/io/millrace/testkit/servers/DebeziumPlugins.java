package io.millrace.testkit.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Debezium's connectors as its project publishes them: a folder for {@code plugin.path} each. */
public final class DebeziumPlugins {
    private static final String VERSION = "3.6.1.Final";

    /** Maven Central has no later one. */
    private static final String MARIADB_VERSION = "3.5.0.Final";

    private DebeziumPlugins() {}

    /** The connector for MySQL. */
    public static Path mysql() {
        return folder("mysql", VERSION, "debezium-mysql-3.6.1");
    }

    /** The connector for PostgreSQL. */
    public static Path postgres() {
        return folder("postgres", VERSION, "debezium-postgres-3.6.1");
    }

    /** The connector for MariaDB. */
    public static Path mariadb() {
        return folder("mariadb", MARIADB_VERSION, "debezium-mariadb-3.5.0");
    }

    private static Path folder(String name, String version, String entry) {
        MavenArtifact archive =
                new MavenArtifact(
                        "io.debezium", "debezium-connector-" + name, version, "tar.gz", "plugin");
        return Cache.entry(
                entry,
                folder -> {
                    Commands.output(
                            List.of(
                                    "tar",
                                    "-xzf",
                                    archive.file().toString(),
                                    "-C",
                                    folder.toString()));
                    try (Stream<Path> files = Files.list(folder)) {
                        if (files.findAny().isEmpty()) {
                            throw new IOException(archive.file() + " is empty");
                        }
                    }
                });
    }
}
