package io.millrace.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A changefeed's configuration file: TOML with TiCDC's own key names ({@code memory-quota}, {@code
 * [sink.kafka-config]}), read into the {@code replica_config} object of the API. Strict: a key that
 * TiCDC does not have is an error that names it. A file whose name ends in {@code .json} is the
 * {@code replica_config} object itself.
 */
final class ChangefeedFile {
    private static final String KEYS_RESOURCE = "changefeed-keys.txt";

    /** What a TOML key is called in the API, where it is not the same with underscores. */
    private static final Map<String, String> ALIASES =
            Map.of(
                    "sink.dispatchers[].dispatcher", "sink.dispatchers[].partition",
                    "sink.file-index-digit", "sink.file-index-width",
                    "sink.advance-timeout-in-sec", "sink.advance-timeout",
                    "sink.mysql-config.max-multi-update-row",
                            "sink.mysql-config.max-multi-update-row-count",
                    "filter.do-tables[].db-name", "filter.do-tables[].database-name",
                    "filter.do-tables[].tbl-name", "filter.do-tables[].table-name",
                    "filter.ignore-tables[].db-name", "filter.ignore-tables[].database-name",
                    "filter.ignore-tables[].tbl-name", "filter.ignore-tables[].table-name");

    /** Keys of TiCDC's files that its API does not have; TiCDC itself no longer reads them. */
    private static final Set<String> WITHOUT_EFFECT = Set.of("scheduler.region-per-span");

    /** Written as text, compared with what the server shows as nanoseconds. */
    private static final Set<String> DURATIONS =
            Set.of(
                    "sync-point-interval",
                    "sync-point-retention",
                    "changefeed-error-stuck-duration");

    private static final Pattern DURATION_PART =
            Pattern.compile("(\\d+(?:\\.\\d+)?)(ns|us|µs|ms|s|m|h)");

    private static final Map<String, String> API_NAMES = readKeys();

    private ChangefeedFile() {}

    /** TOML path by line: {@code sink.csv.quote sink.csv.quote}, the second one the API's. */
    private static Map<String, String> readKeys() {
        try (InputStream in = ChangefeedFile.class.getResourceAsStream(KEYS_RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("missing resource " + KEYS_RESOURCE);
            }
            Map<String, String> names = new LinkedHashMap<>();
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .forEach(api -> names.put(api.replace('_', '-'), api));
            ALIASES.forEach((alias, key) -> names.put(alias, names.getOrDefault(key, key)));
            return names;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * @throws CliException naming the file and what is wrong with it
     */
    static ObjectNode read(Path file) {
        boolean json = file.toString().endsWith(".json");
        try {
            String text = Files.readString(file);
            JsonNode content =
                    json ? new ObjectMapper().readTree(text) : new TomlMapper().readTree(text);
            if (!(content instanceof ObjectNode object)) {
                throw new CliException(file + " does not hold a JSON object");
            }
            return json ? object : ofToml(object, file);
        } catch (JsonProcessingException e) {
            throw new CliException(
                    file
                            + " is not "
                            + (json ? "JSON" : "TOML")
                            + ", line "
                            + Math.max(1, e.getLocation().getLineNr())
                            + ": "
                            + e.getOriginalMessage());
        } catch (IOException e) {
            throw new CliException("cannot read " + file + ": " + e.getMessage());
        }
    }

    private static ObjectNode ofToml(ObjectNode toml, Path file) {
        List<String> unknown = new ArrayList<>();
        ObjectNode config = convert(toml, "", unknown);
        if (!unknown.isEmpty()) {
            throw new CliException(
                    file
                            + " contains unknown configuration options: "
                            + String.join(", ", unknown));
        }
        return config;
    }

    private static ObjectNode convert(ObjectNode toml, String prefix, List<String> unknown) {
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        toml.properties()
                .forEach(entry -> {
                    String path = prefix + entry.getKey();
                    JsonNode value = entry.getValue();
                    if (isTable(path + ".")) {
                        if (value instanceof ObjectNode table) {
                            out.set(apiTable(path), convert(table, path + ".", unknown));
                        } else {
                            unknown.add(path + " (must be a table)");
                        }
                    } else if (isTable(path + "[].")) {
                        if (value instanceof ArrayNode rows) {
                            ArrayNode converted = out.putArray(apiTable(path + "[]"));
                            for (JsonNode row : rows) {
                                if (row instanceof ObjectNode object) {
                                    converted.add(convert(object, path + "[].", unknown));
                                } else {
                                    unknown.add(path + " (must be an array of tables)");
                                }
                            }
                        } else {
                            unknown.add(path + " (must be an array of tables)");
                        }
                    } else {
                        String api = API_NAMES.get(path);
                        if (WITHOUT_EFFECT.contains(path)) {
                            return;
                        }
                        if (api == null) {
                            unknown.add(path);
                        } else {
                            out.set(last(api), scalar(path, value));
                        }
                    }
                });
        return out;
    }

    private static JsonNode scalar(String path, JsonNode value) {
        if (!DURATIONS.contains(path) || !value.isTextual()) {
            return value;
        }
        Matcher part = DURATION_PART.matcher(value.asText());
        BigDecimal nanos = BigDecimal.ZERO;
        int end = 0;
        while (part.find() && part.start() == end) {
            end = part.end();
            nanos =
                    nanos.add(
                            new BigDecimal(part.group(1))
                                    .multiply(BigDecimal.valueOf(unit(part.group(2)))));
        }
        boolean whole = end > 0 && end == value.asText().length();
        // The server says what is wrong with a text that is no duration.
        return whole ? JsonNodeFactory.instance.numberNode(nanos.toBigInteger()) : value;
    }

    private static long unit(String name) {
        return switch (name) {
            case "h" -> 3_600_000_000_000L;
            case "m" -> 60_000_000_000L;
            case "s" -> 1_000_000_000L;
            case "ms" -> 1_000_000L;
            case "us", "µs" -> 1_000L;
            default -> 1L;
        };
    }

    private static boolean isTable(String prefix) {
        return API_NAMES.keySet().stream().anyMatch(key -> key.startsWith(prefix));
    }

    /** The API's name of the last part of a table's path. */
    private static String apiTable(String path) {
        String prefix = path + ".";
        int depth = path.split("\\.").length;
        return API_NAMES.entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(prefix))
                .map(entry -> List.of(entry.getValue().split("\\.")))
                .findFirst()
                .map(parts -> last(String.join(".", parts.subList(0, depth))))
                .orElseThrow();
    }

    private static String last(String path) {
        String name = path.substring(path.lastIndexOf('.') + 1);
        return name.endsWith("[]") ? name.substring(0, name.length() - 2) : name;
    }
}
