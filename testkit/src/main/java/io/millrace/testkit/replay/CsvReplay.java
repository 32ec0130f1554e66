package io.millrace.testkit.replay;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.QuoteMode;
import org.jspecify.annotations.Nullable;

/**
 * Replays the csv files of a folder: {@code include_commit_ts} on, the rest of the options at their
 * defaults, no folders by date. Reads the files with a CSV and a JSON library only.
 */
public final class CsvReplay extends Replay {
    /** Operation, table, schema, commit TSO. */
    private static final int META_FIELDS = 4;

    private static final CSVFormat FORMAT =
            CSVFormat.RFC4180
                    .builder()
                    .setNullString("\\N")
                    // A quoted \N is a text.
                    .setQuoteMode(QuoteMode.ALL_NON_NULL)
                    .get();

    private final JsonMapper json = JsonMapper.builder().build();

    public CsvReplay(Connection target) throws SQLException {
        super(target);
    }

    /** One statement or row, to be put in order. */
    private record Event(long tso, int part, Action action) {
        private interface Action {
            void run() throws SQLException;
        }
    }

    /** Applies all that the folder holds. */
    public void replay(Path root) throws SQLException, IOException {
        List<Event> events = new ArrayList<>();
        Map<Path, JsonNode> definitions = new HashMap<>();
        for (Path file : files(root, "schema_", ".json")) {
            JsonNode definition = json.readTree(file.toFile());
            String query = definition.path("Query").asText();
            long version = definition.path("TableVersion").asLong();
            // <schema>[/<table>]/meta/schema_<version>_<checksum>.json
            definitions.put(file.resolve("../../" + version).normalize(), definition);
            if (!query.isEmpty()) {
                String database =
                        definition.path("DefaultSchema").asText(definition.path("Schema").asText());
                events.add(
                        new Event(
                                version,
                                definition.path("Part").asInt(),
                                () -> executeDdl(database, query)));
            }
        }
        for (Path file : files(root, "CDC", ".csv")) {
            JsonNode definition = definitions.get(file.resolve("..").normalize());
            if (definition == null) {
                throw new IllegalStateException("no schema file for " + file);
            }
            try (CSVParser lines = CSVParser.parse(file, StandardCharsets.UTF_8, FORMAT)) {
                for (CSVRecord line : lines) {
                    events.add(
                            new Event(
                                    Long.parseLong(line.get(META_FIELDS - 1)),
                                    0,
                                    () -> apply(line, definition.path("TableColumns"))));
                }
            }
        }
        events.sort(Comparator.comparingLong(Event::tso).thenComparingInt(Event::part));
        for (Event event : events) {
            event.action().run();
        }
        commit();
    }

    /** By folder, and in a folder by number. */
    private static List<Path> files(Path root, String prefix, String suffix) throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(
                            file -> {
                                String name = file.getFileName().toString();
                                return name.startsWith(prefix) && name.endsWith(suffix);
                            })
                    .sorted()
                    .toList();
        }
    }

    private void apply(CSVRecord line, JsonNode columns) throws SQLException {
        String table = line.get(1);
        String schema = line.get(2);
        if (line.size() != META_FIELDS + columns.size()) {
            throw new IllegalStateException(line + " does not fit " + columns);
        }
        Map<String, @Nullable Object> row = new LinkedHashMap<>();
        for (int i = 0; i < columns.size(); i++) {
            JsonNode column = columns.get(i);
            row.put(
                    column.get("ColumnName").asText(),
                    value(column.get("ColumnType").asText(), line.get(META_FIELDS + i)));
        }
        switch (line.get(0)) {
            case "I" -> insert(schema, table, row);
            case "U" -> update(schema, table, keyColumns(schema, table), row, row);
            case "D" -> delete(schema, table, keyColumns(schema, table), row);
            default -> throw new IllegalStateException("unknown operation in " + line);
        }
    }

    private static @Nullable Object value(String type, @Nullable String text) {
        if (text == null) {
            return null;
        }
        return switch (type) {
            case "BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB", "GEOMETRY" ->
                    Base64.getDecoder().decode(text);
            case "BIT UNSIGNED" -> new BigDecimal(text);
            default -> text;
        };
    }
}
