package io.millrace.codec.simple;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.codec.RowChecksum;
import io.millrace.codec.json.JsonEscaper;
import io.millrace.codec.json.JsonValues;
import io.millrace.codec.json.PlainDecimal;
import io.millrace.codec.text.BinaryText;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.DdlType;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Messages as JSON objects. Values are strings or null: numbers without exponent, binary bytes as
 * Base64, BIT, ENUM and SET as numbers; a TIMESTAMP is an object of its text and time zone.
 */
final class SimpleJson implements SimpleFormat {
    private static final String[] TYPES = {"", "INSERT", "UPDATE", "DELETE"};

    private static final byte[] BUILD_TS = ascii(",\"buildTs\":");
    private static final byte[] CLAIM_CHECK = ascii(",\"claimCheckLocation\":");
    private static final byte[] HANDLE_KEY_ONLY = ascii(",\"handleKeyOnly\":true");
    private static final byte[] CHECKSUM =
            ascii(
                    ",\"checksum\":{\"version\":"
                            + RowChecksum.VERSION
                            + ",\"corrupted\":false,\"current\":");
    private static final byte[] PREVIOUS = ascii(",\"previous\":");
    private static final byte[] DATA = ascii(",\"data\":");
    private static final byte[] OLD = ascii(",\"old\":");
    private static final byte[] NULL = ascii("null,");
    private static final byte[] VALUE = ascii("\",\"value\":\"");

    private final byte[] timestampOpening;
    private final TableCache<Table> tables;
    private final JsonValues values = new JsonValues();
    private long commitTso;

    private static final class Table {
        final TableColumns columns;

        /** Up to the commit TSO, by operation. */
        final byte[][] openings = new byte[RowBatch.DELETE + 1][];

        /** Behind the build time. */
        final byte[] schemaVersion;

        Table(TableSchema schema, boolean deleteOnlyHandleKeys) {
            columns = new TableColumns(schema, deleteOnlyHandleKeys);
            ByteSink text = new ByteSink(256);
            for (int op = RowBatch.INSERT; op <= RowBatch.DELETE; op++) {
                text.clear();
                text.putUtf8("{\"version\":" + VERSION + ",\"database\":");
                JsonEscaper.appendString(schema.name().schema(), text);
                text.putUtf8(",\"table\":");
                JsonEscaper.appendString(schema.name().table(), text);
                text.putUtf8(
                        ",\"tableID\":"
                                + schema.tableId()
                                + ",\"type\":\""
                                + TYPES[op]
                                + "\",\"commitTs\":");
                openings[op] = text.toByteArray();
            }
            schemaVersion = ascii(",\"schemaVersion\":" + schema.version());
        }
    }

    SimpleJson(SimpleConfig config) {
        tables = new TableCache<>(schema -> new Table(schema, config.deleteOnlyHandleKeys()));
        ByteSink text = new ByteSink(64);
        text.putUtf8("{\"location\":");
        JsonEscaper.appendString(config.timeZone(), text);
        text.length(text.length() - 1);
        text.put(VALUE);
        timestampOpening = text.toByteArray();
    }

    @Override
    public void begin(TableSchema schema, long newCommitTso) {
        commitTso = newCommitTso;
        tables.select(schema);
    }

    @Override
    public void row(
            RowView row,
            int op,
            boolean shortened,
            Optional<String> claimCheck,
            Optional<Checksums> checksums,
            long buildMs,
            ByteSink out) {
        Table current = tables.current();
        out.put(current.openings[op]);
        out.putUnsigned(commitTso);
        out.put(BUILD_TS);
        out.putLong(buildMs);
        out.put(current.schemaVersion);
        if (shortened) {
            if (claimCheck.isPresent()) {
                out.put(CLAIM_CHECK);
                JsonEscaper.appendString(claimCheck.get(), out);
            }
            out.put(HANDLE_KEY_ONLY);
        }
        if (checksums.isPresent()) {
            out.put(CHECKSUM);
            out.putLong(checksums.get().current);
            out.put(PREVIOUS);
            out.putLong(checksums.get().previous);
            out.put('}');
        }
        if (op != RowBatch.DELETE) {
            out.put(DATA);
            appendImage(current.columns.data(shortened), row, op, RowView.AFTER, out);
        }
        if (op != RowBatch.INSERT) {
            out.put(OLD);
            appendImage(current.columns.old(shortened, op), row, op, RowView.BEFORE, out);
        }
        out.put('}');
    }

    private void appendImage(RowColumns columns, RowView row, int op, int wanted, ByteSink out) {
        out.put('{');
        int start = out.length();
        for (int i = 0; i < columns.ordinals.length; i++) {
            int column = columns.ordinals[i];
            int image = RowColumns.source(row, op, wanted, column);
            if (image == Cells.NOWHERE) {
                continue;
            }
            out.put(columns.jsonNames[i]);
            if (row.isNull(image, column)) {
                out.put(NULL);
                continue;
            }
            int action = columns.actions[i];
            if (action == RowColumns.TIMESTAMP) {
                out.put(timestampOpening);
                row.appendText(image, column, out);
                out.put('"');
                out.put('}');
            } else {
                out.put('"');
                appendValue(action, row, image, column, out);
                out.put('"');
            }
            out.put(',');
        }
        // Each member ends with a comma: the last one becomes the closing brace.
        if (out.length() > start) {
            out.array()[out.length() - 1] = '}';
        } else {
            out.put('}');
        }
    }

    private void appendValue(int action, RowView row, int image, int column, ByteSink out) {
        switch (action) {
            case RowColumns.SIGNED -> out.putLong(row.longValue(image, column));
            case RowColumns.UNSIGNED, RowColumns.UNSIGNED_BIGINT ->
                    out.putUnsigned(row.longValue(image, column));
            case RowColumns.FLOAT ->
                    PlainDecimal.append((float) row.doubleValue(image, column), out);
            case RowColumns.DOUBLE -> PlainDecimal.append(row.doubleValue(image, column), out);
            case RowColumns.ASCII -> row.appendText(image, column, out);
            case RowColumns.TEXT -> values.appendText(row, image, column, out);
            case RowColumns.JSON -> values.appendConverted(row, image, column, out);
            case RowColumns.BYTES ->
                    BinaryText.appendBase64(
                            row.array(), row.offset(image, column), row.length(image, column), out);
            case RowColumns.VECTOR ->
                    Cells.appendVector(
                            row.array(), row.offset(image, column), row.length(image, column), out);
            default -> throw new IllegalStateException("unknown action " + action);
        }
    }

    @Override
    public void ddl(
            DdlType type,
            String sql,
            long tso,
            long buildMs,
            Optional<TableSchema> after,
            Optional<TableSchema> before,
            ByteSink out) {
        ObjectNode message = JsonNodeFactory.instance.objectNode();
        message.put("version", VERSION);
        message.put("type", type.name());
        message.put("sql", sql);
        message.put("commitTs", tso);
        message.put("buildTs", buildMs);
        after.ifPresent(schema -> message.set("tableSchema", describe(schema)));
        before.ifPresent(schema -> message.set("preTableSchema", describe(schema)));
        put(message, out);
    }

    @Override
    public void bootstrap(TableSchema schema, long buildMs, ByteSink out) {
        ObjectNode message = JsonNodeFactory.instance.objectNode();
        message.put("version", VERSION);
        message.put("type", "BOOTSTRAP");
        message.put("commitTs", 0);
        message.put("buildTs", buildMs);
        message.set("tableSchema", describe(schema));
        put(message, out);
    }

    @Override
    public void watermark(long tso, long buildMs, ByteSink out) {
        out.putUtf8("{\"version\":" + VERSION + ",\"type\":\"WATERMARK\",\"commitTs\":");
        out.putUnsigned(tso);
        out.put(BUILD_TS);
        out.putLong(buildMs);
        out.put('}');
    }

    private static void put(ObjectNode message, ByteSink out) {
        out.put(message.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static ObjectNode describe(TableSchema schema) {
        TableDescription table = TableDescription.of(schema);
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.put("schema", table.schema());
        out.put("table", table.table());
        out.put("tableID", table.tableId());
        out.put("version", table.version());
        ArrayNode columns = out.putArray("columns");
        for (TableDescription.ColumnDescription column : table.columns()) {
            ObjectNode each = columns.addObject();
            each.put("name", column.name());
            ObjectNode type = each.putObject("dataType");
            type.put("mysqlType", column.mysqlType());
            type.put("charset", column.charset());
            type.put("collate", column.collate());
            if (column.length() > 0) {
                type.put("length", column.length());
            }
            if (column.decimal() > 0) {
                type.put("decimal", column.decimal());
            }
            if (!column.elements().isEmpty()) {
                column.elements().forEach(type.withArrayProperty("elements")::add);
            }
            if (column.unsigned()) {
                type.put("unsigned", true);
            }
            if (column.zerofill()) {
                type.put("zerofill", true);
            }
            each.put("nullable", column.nullable());
            putDefault(column, each);
        }
        ArrayNode indexes = out.putArray("indexes");
        for (TableDescription.IndexDescription index : table.indexes()) {
            ObjectNode each = indexes.addObject();
            each.put("name", index.name());
            each.put("unique", index.unique());
            each.put("primary", index.primary());
            each.put("nullable", index.nullable());
            ArrayNode names = each.putArray("columns");
            index.columns().forEach(names::add);
        }
        return out;
    }

    private static void putDefault(TableDescription.ColumnDescription column, ObjectNode out) {
        if (column.defaultValue().isEmpty()) {
            out.putNull("default");
            return;
        }
        String value = column.defaultValue().get();
        if (column.kind() == ColumnKind.BIT) {
            try {
                out.put("default", Long.parseUnsignedLong(value));
                return;
            } catch (NumberFormatException e) {
                // An expression: its text says what it is.
            }
        }
        out.put("default", value);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
