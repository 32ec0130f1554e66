package io.millrace.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A connector's configuration as users have it: the body of a create request ({@code {"name":…,
 * "config":{…}}}), the bare settings as JSON, or a properties file.
 *
 * @param name if the file tells one
 */
record ConnectorFile(Optional<String> name, ObjectNode config) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Reads a file, or standard input for {@code -}; null is an empty configuration.
     *
     * @param settings put over what the file says
     */
    static ConnectorFile read(
            @Nullable String file,
            @Nullable String name,
            Map<String, String> settings,
            Surroundings surroundings) {
        ConnectorFile read =
                file == null
                        ? new ConnectorFile(Optional.empty(), JsonNodeFactory.instance.objectNode())
                        : parse(text(file, surroundings), file);
        settings.forEach(read.config::put);
        Optional<String> inside =
                Optional.ofNullable(read.config.get("name")).map(JsonNode::asText);
        ConnectorFile named =
                new ConnectorFile(
                        Optional.ofNullable(name).or(read::name).or(() -> inside), read.config);
        if (name != null && inside.isPresent()) {
            named.config.put("name", name);
        }
        return named;
    }

    String requireName() {
        return name.filter(text -> !text.isBlank())
                .orElseThrow(() ->
                        new CliException(
                                "the connector needs a name: give --name, or \"name\" in the file"));
    }

    /** Refuses values that a command has printed masked. */
    ConnectorFile withRealSecrets() {
        config.fields()
                .forEachRemaining(entry -> {
                    if (SecretText.isSecretSetting(entry.getKey())
                            && entry.getValue().asText().equals(SecretText.HIDDEN)) {
                        throw new CliException(
                                "the value of "
                                        + entry.getKey()
                                        + " is hidden in this file: write the real one, or change"
                                        + " single settings with: connector config patch");
                    }
                });
        return this;
    }

    static JsonNode json(String file, Surroundings surroundings) {
        try {
            return JSON.readTree(text(file, surroundings));
        } catch (JsonProcessingException e) {
            throw notJson(file, e);
        }
    }

    private static ConnectorFile parse(String text, String file) {
        if (!text.stripLeading().startsWith("{")) {
            return new ConnectorFile(Optional.empty(), properties(text, file));
        }
        JsonNode node;
        try {
            node = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw notJson(file, e);
        }
        ObjectNode object = (ObjectNode) node;
        if (!(object.get("config") instanceof ObjectNode config)) {
            return new ConnectorFile(Optional.empty(), object);
        }
        return new ConnectorFile(
                Optional.ofNullable(object.get("name")).map(JsonNode::asText), config);
    }

    private static ObjectNode properties(String text, String file) {
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(text));
        } catch (IOException | IllegalArgumentException e) {
            throw new CliException(file + " is neither JSON nor a properties file");
        }
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        for (String key : new TreeSet<>(properties.stringPropertyNames())) {
            config.put(key, properties.getProperty(key));
        }
        return config;
    }

    /** The parser's own message would quote the file, which may hold a password. */
    private static CliException notJson(String file, JsonProcessingException e) {
        return new CliException(
                file
                        + " is not JSON"
                        + (e.getLocation() == null
                                ? ""
                                : ": line "
                                        + e.getLocation().getLineNr()
                                        + ", column "
                                        + e.getLocation().getColumnNr()));
    }

    private static String text(String file, Surroundings surroundings) {
        try {
            return file.equals("-")
                    ? new String(surroundings.in().readAllBytes(), StandardCharsets.UTF_8)
                    : Files.readString(Path.of(file));
        } catch (NoSuchFileException e) {
            throw new CliException("no such file: " + file);
        } catch (IOException e) {
            throw new CliException("cannot read " + file + ": " + e.getMessage());
        }
    }
}
