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
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A connector's configuration as users have it: the body of a create request ({@code {"name":…,
 * "config":{…}}}), the bare settings as JSON, or a properties file.
 *
 * @param name if the file tells one
 * @param initialState what the connector does at first, if the file tells it
 */
record ConnectorFile(Optional<String> name, ObjectNode config, Optional<State> initialState) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String INITIAL_STATE = "initial_state";

    /**
     * What may stand beside {@code config}: a request has the first two and {@code initial_state},
     * and the API adds the others when it shows a connector, where they are no settings.
     */
    private static final Set<String> BESIDE_CONFIG =
            Set.of("name", "config", INITIAL_STATE, "tasks", "type");

    /** What a connector does at first. */
    enum State {
        running,
        paused,
        stopped;

        String wireName() {
            return name().toUpperCase(Locale.ROOT);
        }
    }

    private static ConnectorFile settings(ObjectNode config) {
        return new ConnectorFile(Optional.empty(), config, Optional.empty());
    }

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
                        ? settings(JsonNodeFactory.instance.objectNode())
                        : parse(text(file, surroundings), file);
        settings.forEach(read.config::put);
        Optional<String> inside =
                Optional.ofNullable(read.config.get("name")).map(JsonNode::asText);
        ConnectorFile named =
                new ConnectorFile(
                        Optional.ofNullable(name).or(read::name).or(() -> inside),
                        read.config,
                        read.initialState);
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

    /**
     * Refuses values that a command has printed hidden: written back they replace the real ones.
     *
     * @param file as given to {@link #read}
     * @param settings as given to {@link #read}
     */
    ConnectorFile withRealSecrets(@Nullable String file, Map<String, String> settings) {
        SecretText.hiddenAt(config)
                .ifPresent(key -> {
                    String where = file == null || settings.containsKey(key) ? "--set" : file;
                    throw hidden(
                            key,
                            where,
                            "write the real value, or change single settings with:"
                                    + " connector config patch");
                });
        return this;
    }

    /**
     * @param at which value
     * @param where file or option that it came from
     * @param advice what to do
     */
    static CliException hidden(String at, String where, String advice) {
        return new CliException(
                "the value of "
                        + at
                        + " in "
                        + where
                        + " holds "
                        + SecretText.HIDDEN
                        + ", which stands for what was hidden when it was printed: "
                        + advice);
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
            return settings(properties(text, file));
        }
        JsonNode node;
        try {
            node = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw notJson(file, e);
        }
        ObjectNode object = (ObjectNode) node;
        if (!(object.get("config") instanceof ObjectNode config)) {
            return settings(object);
        }
        for (Map.Entry<String, JsonNode> member : object.properties()) {
            if (!BESIDE_CONFIG.contains(member.getKey())) {
                throw new CliException(
                        member.getKey()
                                + " beside config in "
                                + file
                                + " means nothing: settings belong into config, and beside it are"
                                + " only name and "
                                + INITIAL_STATE);
            }
        }
        return new ConnectorFile(
                Optional.ofNullable(object.get("name")).map(JsonNode::asText),
                config,
                state(object.path(INITIAL_STATE), file));
    }

    /** In upper or lower case, as Kafka Connect takes it. */
    private static Optional<State> state(JsonNode given, String file) {
        if (given.isMissingNode() || given.isNull()) {
            return Optional.empty();
        }
        for (State state : State.values()) {
            if (given.isTextual() && state.wireName().equalsIgnoreCase(given.asText())) {
                return Optional.of(state);
            }
        }
        throw new CliException(
                INITIAL_STATE
                        + " in "
                        + file
                        + " must be RUNNING, PAUSED or STOPPED, not "
                        + given);
    }

    /** Where a connector is not created, or may exist already, it cannot begin in a state. */
    ConnectorFile withoutState(String file) {
        if (initialState.isPresent()) {
            throw new CliException(
                    "config set cannot set the "
                            + INITIAL_STATE
                            + " in "
                            + file
                            + ": remove it; "
                            + INITIAL_STATE
                            + " counts only in: connector create");
        }
        return this;
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
