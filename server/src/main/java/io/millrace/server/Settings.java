package io.millrace.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Configuration values by dotted key, from a TOML file and then the command line, which wins.
 * Strict: a key that nobody knows is an error, because a misspelt option would otherwise do nothing
 * in silence.
 */
final class Settings {
    /**
     * Every key there is; {@code upstreams} and {@code connect.worker} are tables of free names.
     */
    static final Set<String> KEYS =
            Set.of(
                    "addr",
                    "advertise-addr",
                    "data-dir",
                    "upstream",
                    "log-level",
                    "time-zone",
                    "cluster-id",
                    "retry-interval",
                    "max-body-bytes",
                    "tls.cert",
                    "tls.key",
                    "tls.ca",
                    "auth.user",
                    "auth.password",
                    "ticdc.retrying-state",
                    "connect.enabled",
                    "connect.addr",
                    "connect.advertise-addr",
                    "connect.bootstrap-servers",
                    "connect.kafka-port",
                    "connect.data-dir",
                    "connect.plugin-path",
                    "connect.retention-hours",
                    "connect.retention-bytes",
                    "connect.disk-limit",
                    "connect.disk-reserve",
                    "connect.group-id",
                    "connect.stalled-after",
                    "connect.auto-restart",
                    "connect.restart-wait",
                    "connect.restart-max-wait",
                    "tiunimanager.enabled",
                    "tiunimanager.addr");

    private static final String UPSTREAMS = "upstreams";
    private static final String WORKER = "connect.worker";
    private static final Pattern TABLE = Pattern.compile("\\s*\\[+([^\\]]+)]");
    private static final Pattern KEY = Pattern.compile("\\s*([^=#]+)=");

    private final Map<String, String> values = new TreeMap<>();
    private final Map<String, String> upstreams = new TreeMap<>();
    private final Map<String, String> worker = new TreeMap<>();

    /**
     * Adds a TOML file's values.
     *
     * @throws io.millrace.core.error.MillraceException INVALID_CONFIG naming file and key
     */
    Settings addFile(Path file) {
        try {
            String text = Files.readString(file);
            add("", new TomlMapper().readTree(text), file, text);
            return this;
        } catch (JsonProcessingException e) {
            throw ServerConfig.invalid(
                    file.toString(),
                    "not valid TOML at line "
                            + Math.max(1, e.getLocation().getLineNr())
                            + ": "
                            + e.getOriginalMessage());
        } catch (NoSuchFileException e) {
            throw ServerConfig.invalid(file.toString(), "there is no such file");
        } catch (IOException e) {
            throw ServerConfig.invalid(file.toString(), "cannot be read: " + e);
        }
    }

    private void add(String prefix, JsonNode table, Path file, String text) {
        table.fields()
                .forEachRemaining(field -> {
                    String key = prefix + field.getKey();
                    JsonNode value = field.getValue();
                    if (prefix.equals(UPSTREAMS + ".")) {
                        upstreams.put(field.getKey(), scalar(key, value));
                    } else if (prefix.startsWith(WORKER + ".")) {
                        addWorker(key, value);
                    } else if (value.isObject() && isTable(key)) {
                        add(key + ".", value, file, text);
                    } else if (KEYS.contains(key)) {
                        values.put(key, scalar(key, value));
                    } else {
                        throw ServerConfig.invalid(
                                key,
                                "unknown key in "
                                        + file
                                        + lineOf(key, text)
                                        + "; known are "
                                        + String.join(", ", new TreeSet<>(KEYS))
                                        + " and the tables "
                                        + UPSTREAMS
                                        + ", "
                                        + WORKER);
                    }
                });
    }

    /** In TOML a dotted key is a table in a table. */
    private void addWorker(String key, JsonNode value) {
        if (value.isObject()) {
            value.fields()
                    .forEachRemaining(
                            field -> addWorker(key + "." + field.getKey(), field.getValue()));
        } else {
            worker.put(key.substring(WORKER.length() + 1), scalar(key, value));
        }
    }

    /** Where a key stands, because the parsed tree does not tell: {@code line N}, or nothing. */
    private static String lineOf(String wanted, String text) {
        String table = "";
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            Matcher header = TABLE.matcher(line);
            if (header.lookingAt()) {
                table = plain(header.group(1)) + ".";
                if (table.equals(wanted + ".")) {
                    return " line " + number;
                }
                continue;
            }
            Matcher key = KEY.matcher(line);
            if (key.lookingAt() && isOrBegins(table + plain(key.group(1)), wanted)) {
                return " line " + number;
            }
        }
        return "";
    }

    private static boolean isOrBegins(String found, String wanted) {
        return found.equals(wanted) || found.startsWith(wanted + ".");
    }

    private static String plain(String name) {
        return name.replaceAll("[\\s\"']", "");
    }

    private static boolean isTable(String key) {
        return key.equals(UPSTREAMS)
                || key.equals(WORKER)
                || KEYS.stream().anyMatch(known -> known.startsWith(key + "."));
    }

    private static String scalar(String key, JsonNode value) {
        if (!value.isValueNode()) {
            throw ServerConfig.invalid(key, "must be a single value");
        }
        return value.asText();
    }

    /** Sets a key if there is a value for it. */
    Settings set(String key, @org.jspecify.annotations.Nullable String value) {
        if (value != null) {
            values.put(key, value);
        }
        return this;
    }

    Optional<String> get(String key) {
        return Optional.ofNullable(values.get(key));
    }

    /** The free tables {@code upstreams} and {@code connect.worker}. */
    Map<String, String> table(String name) {
        return switch (name) {
            case UPSTREAMS -> upstreams;
            case WORKER -> worker;
            default -> Map.of();
        };
    }
}
