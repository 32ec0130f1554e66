package io.millrace.mysql.schema;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableName;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The tracker's entries in a job's schema history, as JSON. One entry holds one object's whole
 * state from a TSO on; the newest entry of an object wins.
 */
final class HistoryDocuments {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What one entry says. */
    sealed interface Document {
        /**
         * A table's definition, or why it isn't known.
         *
         * @param definition empty when {@code doubt} says why
         * @param pendingUntil the snapshot's place in the binlog, while the stream hasn't reached
         *     it
         * @param assumed columns that rows were read with although a later definition told them
         * @param alternative what a CREATE TABLE IF NOT EXISTS before that place may have made
         */
        record Table(
                TableName name,
                long id,
                long version,
                Optional<TableDefinition> definition,
                Optional<String> doubt,
                Optional<String> pendingUntil,
                Optional<Assumed> assumed,
                Optional<TableDefinition> alternative)
                implements Document {}

        /**
         * Columns that DDL of before a place must not touch any more.
         *
         * @param until the place of the definition that told them
         */
        record Assumed(String until, List<String> columns) {
            public Assumed {
                columns = List.copyOf(columns);
            }
        }

        record Sequence(TableName name) implements Document {}

        record Dropped(TableName name) implements Document {}

        /**
         * A database's defaults.
         *
         * @param pendingUntil the snapshot's place in the binlog, unless the stream has told them
         */
        record Schema(String name, String charset, String collation, Optional<String> pendingUntil)
                implements Document {}

        /** The database and all tables in it are gone. */
        record SchemaDropped(String name) implements Document {}

        /**
         * Which tables the job wants, whatever the entry's TSO.
         *
         * @param pendingUntil the place where definitions were taken of tables that an earlier
         *     filter may have left out, while the stream hasn't reached it
         */
        record Filter(String fingerprint, Optional<String> pendingUntil) implements Document {}

        /** A transaction whose commit time was not believed, whatever the entry's TSO. */
        record Distrusted(String transaction) implements Document {}
    }

    private HistoryDocuments() {}

    static String write(Document document) {
        ObjectNode out = JSON.createObjectNode();
        switch (document) {
            case Document.Table table -> {
                out.put("is", "table");
                putName(out, table.name());
                out.put("id", table.id());
                out.put("version", table.version());
                table.doubt().ifPresent(d -> out.put("doubt", d));
                table.pendingUntil().ifPresent(p -> out.put("pendingUntil", p));
                table.assumed()
                        .ifPresent(a -> {
                            ObjectNode assumed = out.putObject("assumed");
                            assumed.put("until", a.until());
                            ArrayNode columns = assumed.putArray("columns");
                            a.columns().forEach(columns::add);
                        });
                table.alternative().ifPresent(d -> putDefinition(out.putObject("alternative"), d));
                table.definition().ifPresent(d -> putDefinition(out, d));
            }
            case Document.Sequence sequence -> {
                out.put("is", "sequence");
                putName(out, sequence.name());
            }
            case Document.Dropped dropped -> {
                out.put("is", "dropped");
                putName(out, dropped.name());
            }
            case Document.Schema schema -> {
                out.put("is", "schema");
                out.put("schema", schema.name());
                out.put("charset", schema.charset());
                out.put("collation", schema.collation());
                schema.pendingUntil().ifPresent(p -> out.put("pendingUntil", p));
            }
            case Document.SchemaDropped dropped -> {
                out.put("is", "schemaDropped");
                out.put("schema", dropped.name());
            }
            case Document.Filter filter -> {
                out.put("is", "filter");
                out.put("fingerprint", filter.fingerprint());
                filter.pendingUntil().ifPresent(p -> out.put("pendingUntil", p));
            }
            case Document.Distrusted distrusted -> {
                out.put("is", "distrusted");
                out.put("transaction", distrusted.transaction());
            }
        }
        try {
            return JSON.writeValueAsString(out);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void putName(ObjectNode out, TableName name) {
        out.put("schema", name.schema());
        out.put("table", name.table());
    }

    private static void putDefinition(ObjectNode out, TableDefinition definition) {
        out.put("charset", definition.charset());
        out.put("collation", definition.collation());
        ArrayNode columns = out.putArray("columns");
        for (Column column : definition.columns()) {
            ObjectNode c = columns.addObject();
            c.put("name", column.name());
            c.put("kind", column.kind().name());
            c.put("type", column.typeText());
            putTrue(c, "unsigned", column.unsigned());
            putTrue(c, "nullable", column.nullable());
            if (column.length() != 0) {
                c.put("length", column.length());
            }
            if (column.scale() != 0) {
                c.put("scale", column.scale());
            }
            if (!column.charset().equals("binary")) {
                c.put("charset", column.charset());
                c.put("collation", column.collation());
            }
            if (!column.elements().isEmpty()) {
                ArrayNode elements = c.putArray("elements");
                column.elements().forEach(elements::add);
            }
            if (column.generated() != Column.Generated.NONE) {
                c.put("generated", column.generated().name());
            }
            putTrue(c, "invisible", column.invisible());
            column.defaultValue().ifPresent(d -> c.put("default", d));
        }
        ArrayNode keys = out.putArray("keys");
        for (KeyDefinition key : definition.keys()) {
            ObjectNode k = keys.addObject();
            k.put("name", key.name());
            k.put("kind", key.kind().name());
            putTrue(k, "generated", key.generated());
            ArrayNode parts = k.putArray("parts");
            for (KeyDefinition.Part part : key.parts()) {
                ObjectNode p = parts.addObject();
                p.put("column", part.column());
                if (part.prefix() != 0) {
                    p.put("prefix", part.prefix());
                }
            }
        }
    }

    private static void putTrue(ObjectNode out, String name, boolean value) {
        if (value) {
            out.put(name, true);
        }
    }

    /**
     * @throws MillraceException INTERNAL when the text is not an entry of this class
     */
    static Document read(String text) {
        try {
            JsonNode in = JSON.readTree(text);
            return switch (in.path("is").asText()) {
                case "table" ->
                        new Document.Table(
                                name(in),
                                in.required("id").asLong(),
                                in.required("version").asLong(),
                                in.has("columns")
                                        ? Optional.of(definition(name(in), in))
                                        : Optional.empty(),
                                optional(in, "doubt"),
                                optional(in, "pendingUntil"),
                                in.has("assumed")
                                        ? Optional.of(assumed(in.get("assumed")))
                                        : Optional.empty(),
                                in.has("alternative")
                                        ? Optional.of(definition(name(in), in.get("alternative")))
                                        : Optional.empty());
                case "sequence" -> new Document.Sequence(name(in));
                case "dropped" -> new Document.Dropped(name(in));
                case "schema" ->
                        new Document.Schema(
                                in.required("schema").asText(),
                                in.required("charset").asText(),
                                in.required("collation").asText(),
                                optional(in, "pendingUntil"));
                case "schemaDropped" -> new Document.SchemaDropped(in.required("schema").asText());
                case "filter" ->
                        new Document.Filter(
                                in.required("fingerprint").asText(), optional(in, "pendingUntil"));
                case "distrusted" -> new Document.Distrusted(in.required("transaction").asText());
                default -> throw new IllegalArgumentException("unknown entry");
            };
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new MillraceException(
                    ErrorCode.INTERNAL,
                    "the job's schema history holds an entry that cannot be read: "
                            + text.substring(0, Math.min(200, text.length())),
                    e);
        }
    }

    private static Optional<String> optional(JsonNode in, String field) {
        return in.has(field) ? Optional.of(in.get(field).asText()) : Optional.empty();
    }

    private static TableName name(JsonNode in) {
        return new TableName(in.required("schema").asText(), in.required("table").asText());
    }

    private static Document.Assumed assumed(JsonNode in) {
        List<String> columns = new ArrayList<>();
        in.required("columns").forEach(c -> columns.add(c.asText()));
        return new Document.Assumed(in.required("until").asText(), columns);
    }

    private static TableDefinition definition(TableName name, JsonNode in) {
        List<Column> columns = new ArrayList<>();
        for (JsonNode c : in.required("columns")) {
            List<String> elements = new ArrayList<>();
            c.path("elements").forEach(e -> elements.add(e.asText()));
            columns.add(
                    new Column(
                            c.required("name").asText(),
                            ColumnKind.valueOf(c.required("kind").asText()),
                            c.required("type").asText(),
                            c.path("unsigned").asBoolean(false),
                            c.path("nullable").asBoolean(false),
                            c.path("length").asInt(0),
                            c.path("scale").asInt(0),
                            c.path("charset").asText("binary"),
                            c.path("collation").asText("binary"),
                            elements,
                            Column.Generated.valueOf(c.path("generated").asText("NONE")),
                            c.path("invisible").asBoolean(false),
                            optional(c, "default")));
        }
        List<KeyDefinition> keys = new ArrayList<>();
        for (JsonNode k : in.required("keys")) {
            List<KeyDefinition.Part> parts = new ArrayList<>();
            for (JsonNode p : k.required("parts")) {
                parts.add(
                        new KeyDefinition.Part(
                                p.required("column").asText(), p.path("prefix").asInt(0)));
            }
            keys.add(
                    new KeyDefinition(
                            k.required("name").asText(),
                            KeyDefinition.Kind.valueOf(k.required("kind").asText()),
                            parts,
                            k.path("generated").asBoolean(false)));
        }
        return new TableDefinition(
                name,
                in.required("charset").asText(),
                in.required("collation").asText(),
                columns,
                keys);
    }
}
