package io.millrace.storage.reader;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.codec.canaljson.CanalJsonDecoder;
import io.millrace.codec.canaljson.CanalJsonMessage;
import io.millrace.codec.csv.CsvConfig;
import io.millrace.codec.csv.CsvDecoder;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.SessionState;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.ObjectStore;
import io.millrace.core.spi.SinkSpec;
import io.millrace.storage.store.Stores;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the files of a storage sink back: DDL by its TSO, tables by version, files by date and
 * number. The URI is the changefeed's sink URI, with the options that say how csv lines look.
 */
public final class StorageReader implements AutoCloseable {
    private static final Pattern SCHEMA_FILE =
            Pattern.compile(".*/?meta/schema_[0-9]+_[0-9]+\\.json");
    private static final Pattern DATA_FILE =
            Pattern.compile("([^/]+/[^/]+)/([0-9]+)/((?:[^/]+/)*)CDC([0-9]+)\\.(csv|json|parquet)");

    private final ObjectStore store;
    private final SinkSpec spec;
    private final JsonMapper json = new JsonMapper();
    private final CanalJsonDecoder canal = new CanalJsonDecoder();
    private final List<StoredDdl> ddls = new ArrayList<>();
    private final List<StoredTable> tables = new ArrayList<>();
    private final Optional<Long> checkpoint;

    /** A data file's place in the order of its table version. */
    private record DataFile(String date, long number, String name) {}

    private StorageReader(SinkSpec spec, ObjectStore store) throws IOException {
        this.spec = spec;
        this.store = store;
        this.checkpoint = readCheckpoint();
        Map<String, TableSchema> schemas = new TreeMap<>();
        Map<String, List<DataFile>> files = new TreeMap<>();
        for (ObjectStore.Entry entry : store.list("")) {
            String name = entry.name();
            Matcher data = DATA_FILE.matcher(name);
            if (SCHEMA_FILE.matcher(name).matches()) {
                readSchema(name, schemas);
            } else if (data.matches() && entry.size() > 0) {
                files.computeIfAbsent(data.group(1) + "/" + data.group(2), key -> new ArrayList<>())
                        .add(new DataFile(data.group(3), Long.parseLong(data.group(4)), name));
            }
        }
        files.forEach((folder, list) -> {
            TableSchema schema = schemas.get(folder);
            if (schema == null) {
                throw new MillraceException(
                        ErrorCode.INVALID_PARAMETER,
                        "there are data files in "
                                + folder
                                + " but no schema file of that version");
            }
            list.sort(Comparator.comparing(DataFile::date).thenComparingLong(DataFile::number));
            tables.add(
                    new StoredTable(
                            schema, schema.version(), list.stream().map(DataFile::name).toList()));
        });
        ddls.sort(
                Comparator.comparing(StoredDdl::tso, Long::compareUnsigned)
                        .thenComparingInt(StoredDdl::part));
        tables.sort(
                Comparator.comparing(StoredTable::version, Long::compareUnsigned)
                        .thenComparing(table -> table.schema().name().toString()));
    }

    /**
     * Looks at all names and reads the schema files.
     *
     * @throws MillraceException a USER error when this is no storage sink's place
     */
    public static StorageReader open(String uri) throws IOException {
        SinkSpec spec = SinkSpec.of(uri);
        return new StorageReader(spec, new Stores().open(spec.uri()));
    }

    /** Up to here all changes are in files; empty when the sink has not said so yet. */
    public Optional<Long> checkpoint() {
        return checkpoint;
    }

    /** All DDL, by TSO. */
    public List<StoredDdl> ddls() {
        return List.copyOf(ddls);
    }

    /** All table versions that have data files, by version. */
    public List<StoredTable> tables() {
        return List.copyOf(tables);
    }

    private Optional<Long> readCheckpoint() throws IOException {
        try {
            JsonNode root = json.readTree(store.get("metadata"));
            return Optional.of(root.path("checkpoint-ts").bigIntegerValue().longValue());
        } catch (FileNotFoundException none) {
            return Optional.empty();
        }
    }

    private void readSchema(String name, Map<String, TableSchema> schemas) throws IOException {
        JsonNode root = json.readTree(store.get(name));
        long version = root.path("TableVersion").bigIntegerValue().longValue();
        String schema = root.path("Schema").asText();
        String table = root.path("Table").asText();
        String query = root.path("Query").asText();
        if (!query.isEmpty()) {
            ddls.add(
                    new StoredDdl(
                            version,
                            root.path("Part").asInt(1),
                            schema,
                            table,
                            root.path("DefaultSchema").asText(schema),
                            query,
                            session(root.path("Session"))));
        }
        if (table.isEmpty()) {
            return;
        }
        List<Column> columns = new ArrayList<>();
        List<Integer> primary = new ArrayList<>();
        for (JsonNode column : root.path("TableColumns")) {
            if (column.path("ColumnIsPk").asText().equals("true")) {
                primary.add(columns.size());
            }
            columns.add(column(column));
        }
        String folder = name.substring(0, name.indexOf("/meta/schema_"));
        schemas.put(
                folder + "/" + Long.toUnsignedString(version),
                new TableSchema(
                        0,
                        version,
                        new TableName(schema, table),
                        columns,
                        primary.isEmpty()
                                ? List.of()
                                : List.of(new TableSchema.Key("PRIMARY", true, primary))));
    }

    private static SessionState session(JsonNode session) {
        if (session.isMissingNode()) {
            return SessionState.UNKNOWN;
        }
        Optional<Set<String>> modes = Optional.empty();
        if (session.has("SqlModes")) {
            Set<String> names = new TreeSet<>();
            session.path("SqlModes").forEach(name -> names.add(name.asText()));
            modes = Optional.of(names);
        }
        return new SessionState(
                session.path("ExecutedAtMicros").asLong(),
                session.path("TimeZone").asText(),
                modes,
                session.path("ConnectionCollation").asText(),
                session.path("ServerCollation").asText(),
                session.path("Utf8mb4Collation").asText(),
                session.has("ExplicitTimestampDefaults")
                        ? Optional.of(session.path("ExplicitTimestampDefaults").asBoolean())
                        : Optional.empty());
    }

    private static Column column(JsonNode column) {
        String type = column.path("ColumnType").asText();
        String base = type.replace(" UNSIGNED", "");
        try {
            Column plain = Column.of(column.path("ColumnName").asText(), ColumnKind.valueOf(base));
            return new Column(
                    plain.name(),
                    plain.kind(),
                    plain.typeText(),
                    type.length() > base.length(),
                    !column.path("ColumnNullable").asText().equals("false"),
                    column.path("ColumnPrecision").asInt(),
                    column.path("ColumnScale").asInt(),
                    plain.charset(),
                    plain.collation(),
                    plain.elements(),
                    plain.generated(),
                    plain.invisible(),
                    Optional.empty());
        } catch (IllegalArgumentException e) {
            throw new MillraceException(
                    ErrorCode.INVALID_PARAMETER, "a schema file has the unknown type " + type, e);
        }
    }

    /** The rows of one data file. */
    public StoredRows rows(StoredTable table, String file) throws IOException {
        TableSchema schema = table.schema();
        InputStream in = store.open(file);
        boolean opened = false;
        try {
            RowSource rows =
                    switch (file.substring(file.lastIndexOf('.') + 1)) {
                        case "parquet" -> ParquetRows.open(schema, in);
                        case "csv" -> csv(schema, in);
                        default -> canal(schema, in);
                    };
            opened = true;
            return new StoredRows(file, rows);
        } catch (IOException | RuntimeException e) {
            throw StoredRows.unreadable(file, e);
        } finally {
            if (!opened) {
                in.close();
            }
        }
    }

    private RowSource csv(TableSchema schema, InputStream in) {
        return new TextRows<>(
                in,
                new CsvDecoder(CsvConfig.of(spec)).rows(schema, in),
                row ->
                        new StoredRow(
                                row.table(), row.op(), row.commitTso(), row.before(), row.after()));
    }

    private RowSource canal(TableSchema schema, InputStream in) {
        String terminator =
                spec.option("terminator")
                        .filter(text -> !text.isEmpty())
                        .orElse(CsvConfig.DEFAULTS.terminator());
        return new TextRows<>(
                in, new JsonLines(in, terminator), message -> row(schema, canal.decode(message)));
    }

    private static StoredRow row(TableSchema schema, CanalJsonMessage message) {
        int op =
                switch (message.type()) {
                    case "INSERT" -> RowBatch.INSERT;
                    case "UPDATE" -> RowBatch.UPDATE;
                    case "DELETE" -> RowBatch.DELETE;
                    default -> throw new IllegalArgumentException("unknown type " + message.type());
                };
        Map<String, @Nullable Object> data = values(schema, message.data().orElse(Map.of()));
        Map<String, @Nullable Object> before = Map.of();
        if (op == RowBatch.DELETE) {
            before = data;
            data = Map.of();
        } else if (op == RowBatch.UPDATE) {
            // With only-output-updated-columns the old row holds just what has changed.
            before = new LinkedHashMap<>(data);
            before.putAll(values(schema, message.old().orElse(Map.of())));
        }
        return new StoredRow(
                new TableName(message.database(), message.table()),
                op,
                message.commitTso().orElse(0L),
                before,
                data);
    }

    private static Map<String, @Nullable Object> values(
            TableSchema schema, Map<String, Optional<String>> texts) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        texts.forEach((name, text) -> {
            int ordinal = schema.ordinalOf(name);
            if (ordinal < 0) {
                throw new IllegalArgumentException("the schema file has no column " + name);
            }
            ColumnKind kind = schema.column(ordinal).kind();
            values.put(name, text.map(value -> value(kind, value)).orElse(null));
        });
        return values;
    }

    private static Object value(ColumnKind kind, String text) {
        return switch (kind) {
            // As texts they would be taken for elements, or for bytes.
            case ENUM, SET, BIT -> new BigDecimal(text);
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY ->
                    text.getBytes(StandardCharsets.ISO_8859_1);
            default -> text;
        };
    }

    @Override
    public void close() {
        store.close();
    }
}
