package io.millrace.testkit.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file of the local Maven repository, fetched by Maven itself when it isn't there yet.
 *
 * @param group group id
 * @param name artifact id
 * @param version exact version
 * @param type file extension, such as {@code jar}
 * @param classifier classifier, or empty
 */
public record MavenArtifact(
        String group, String name, String version, String type, String classifier) {
    private static final Logger LOG = LoggerFactory.getLogger(MavenArtifact.class);

    /** Where it lies; fetches it first when it is missing. */
    public Path file() {
        Path file =
                localRepository()
                        .resolve(group.replace('.', '/'))
                        .resolve(name)
                        .resolve(version)
                        .resolve(
                                name
                                        + "-"
                                        + version
                                        + (classifier.isEmpty() ? "" : "-" + classifier)
                                        + "."
                                        + type);
        if (!Files.isRegularFile(file)) {
            fetch();
        }
        if (!Files.isRegularFile(file)) {
            throw new TestServerException(
                    "Maven did not put " + file + " in place; run: " + String.join(" ", command()));
        }
        return file;
    }

    private void fetch() {
        LOG.info("fetching artifact={}:{}:{}, this is done once", group, name, version);
        Commands.output(command());
    }

    private List<String> command() {
        List<String> command = new ArrayList<>(List.of("mvn", "-q", "-B"));
        String repository = System.getProperty("maven.repo.local");
        if (repository != null) {
            command.add("-Dmaven.repo.local=" + repository);
        }
        command.add("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get");
        command.add("-Dtransitive=false");
        command.add(
                "-Dartifact="
                        + group
                        + ":"
                        + name
                        + ":"
                        + version
                        + ":"
                        + type
                        + (classifier.isEmpty() ? "" : ":" + classifier));
        return command;
    }

    /**
     * As Maven finds it: the property, else {@code ~/.m2/repository} unless the user's settings
     * name another.
     */
    private static Path localRepository() {
        String property = System.getProperty("maven.repo.local");
        if (property != null && !property.isBlank()) {
            return Path.of(property);
        }
        Path home = Path.of(System.getProperty("user.home"), ".m2");
        Path settings = home.resolve("settings.xml");
        if (Files.isRegularFile(settings)) {
            try {
                String text = Files.readString(settings);
                int start = text.indexOf("<localRepository>");
                int end = text.indexOf("</localRepository>");
                if (start >= 0 && end > start) {
                    String path = text.substring(start + "<localRepository>".length(), end).strip();
                    return Path.of(path.replace("${user.home}", System.getProperty("user.home")));
                }
            } catch (IOException e) {
                throw new TestServerException("cannot read " + settings, e);
            }
        }
        return home.resolve("repository");
    }
}
