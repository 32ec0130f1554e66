package io.millrace.codec.maxwell;

import io.millrace.codec.Message;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.json.JsonEscaper;
import io.millrace.codec.json.JsonValues;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.SortedColumns;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Writes the maxwell format as TiCDC does. A message's key is the number 1 as eight bytes, its
 * value the JSON objects of its rows, one behind the other with nothing between. A row has the
 * members {@code database, table, type, ts} (commit time in seconds), {@code data} with the new
 * image and {@code old} with the columns that an update changed; a deleted row is in {@code old},
 * where Maxwell itself would have it in {@code data}. Columns are sorted by name.
 *
 * <p>Appending a row allocates nothing.
 */
public final class MaxwellEncoder implements RowEncoder {
    private static final long VERSION = 1;
    private static final int OPS = RowBatch.DELETE + 1;
    private static final String[] TYPES = {"", "insert", "update", "delete"};

    private static final byte[] DATA = ascii(",\"data\":{");
    private static final byte[] OLD = ascii(",\"old\":{");
    private static final byte[] NULL = ascii("null");

    private final int maxBatchSize;
    private final TableCache<Table> tables;
    private final JsonValues values = new JsonValues();
    private long commitSeconds;

    private static final class Columns {
        final int[] ordinals;
        final int[] actions;

        /** {@code "name":}. */
        final byte[][] names;

        Columns(TableSchema schema, boolean onlyHandleKey) {
            ordinals = SortedColumns.written(schema, onlyHandleKey);
            actions = new int[ordinals.length];
            names = new byte[ordinals.length][];
            ByteSink text = new ByteSink(64);
            for (int i = 0; i < ordinals.length; i++) {
                Column column = schema.column(ordinals[i]);
                actions[i] = action(column);
                text.clear();
                JsonEscaper.appendString(column.name(), text);
                text.put(':');
                names[i] = text.toByteArray();
            }
        }

        private static int action(Column column) {
            return switch (column.kind()) {
                case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT ->
                        column.unsigned() ? JsonValues.UNSIGNED : JsonValues.SIGNED;
                case YEAR -> JsonValues.SIGNED;
                case BIT, ENUM, SET -> JsonValues.UNSIGNED;
                case FLOAT -> JsonValues.FLOAT;
                case DOUBLE -> JsonValues.DOUBLE;
                case DECIMAL, DATE, TIME, DATETIME, TIMESTAMP, UUID, INET4, INET6 ->
                        JsonValues.ASCII;
                case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT, JSON -> JsonValues.TEXT;
                case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY ->
                        JsonValues.BYTES_BASE64;
                case VECTOR -> JsonValues.VECTOR;
            };
        }
    }

    private static final class Table {
        final Columns all;
        final Columns deleted;

        /** The members up to the value of {@code ts}, by operation. */
        final byte[][] openings = new byte[OPS][];

        Table(TableSchema schema, boolean deleteOnlyHandleKeys) {
            all = new Columns(schema, false);
            deleted =
                    deleteOnlyHandleKeys && schema.hasHandleKey() ? new Columns(schema, true) : all;
            ByteSink text = new ByteSink(128);
            for (int op = RowBatch.INSERT; op <= RowBatch.DELETE; op++) {
                text.clear();
                text.putUtf8("{\"database\":");
                JsonEscaper.appendString(schema.name().schema(), text);
                text.putUtf8(",\"table\":");
                JsonEscaper.appendString(schema.name().table(), text);
                text.putUtf8(",\"type\":\"" + TYPES[op] + "\",\"ts\":");
                openings[op] = text.toByteArray();
            }
        }
    }

    /**
     * @param deleteOnlyHandleKeys a delete holds only the columns of the handle key
     * @param maxBatchSize rows in one message
     */
    public MaxwellEncoder(boolean deleteOnlyHandleKeys, int maxBatchSize) {
        tables = new TableCache<>(schema -> new Table(schema, deleteOnlyHandleKeys));
        this.maxBatchSize = maxBatchSize;
    }

    @Override
    public void begin(TableSchema schema, long commitTso, String topic) {
        tables.select(schema);
        commitSeconds = Tso.physicalMs(commitTso) / 1000;
    }

    @Override
    public int maxRowsPerMessage() {
        return maxBatchSize;
    }

    @Override
    public void append(RowView row, int op, Message out) {
        Table current = tables.current();
        if (!out.isKeyed()) {
            out.setKeyed();
            byte[] to = out.key().ensure(Long.BYTES);
            WireBytes.putI64Be(to, out.key().length(), VERSION);
            out.key().length(out.key().length() + Long.BYTES);
        }
        ByteSink value = out.value();
        value.put(current.openings[op]);
        value.putLong(commitSeconds);
        if (op == RowBatch.DELETE) {
            appendColumns(OLD, current.deleted, row, RowView.BEFORE, false, value);
        } else {
            appendColumns(DATA, current.all, row, RowView.AFTER, false, value);
            if (op == RowBatch.UPDATE) {
                appendColumns(OLD, current.all, row, RowView.BEFORE, true, value);
            }
        }
        value.put('}');
        out.addRow();
    }

    /** A member with the columns of an image; none when there are no columns. */
    private void appendColumns(
            byte[] opening,
            Columns columns,
            RowView row,
            int wanted,
            boolean onlyChanged,
            ByteSink out) {
        int start = out.length();
        out.put(opening);
        boolean first = true;
        for (int i = 0; i < columns.ordinals.length; i++) {
            int column = columns.ordinals[i];
            int image = Cells.source(row, wanted, column);
            if (image == Cells.NOWHERE || onlyChanged && row.isUnchanged(column)) {
                continue;
            }
            if (!first) {
                out.put(',');
            }
            first = false;
            out.put(columns.names[i]);
            if (row.isNull(image, column)) {
                out.put(NULL);
            } else {
                values.append(columns.actions[i], row, image, column, out);
            }
        }
        if (first) {
            out.length(start);
        } else {
            out.put('}');
        }
    }

    @Override
    public boolean appendDdl(SchemaChange change, SchemaChange.Change part, Message out) {
        TableName name = part.newName().orElse(part.name());
        out.setKeyed();
        ByteSink key = out.key();
        key.putUtf8("{\"ts\":");
        key.putUnsigned(change.commitTso());
        key.putUtf8(",\"scm\":");
        JsonEscaper.appendString(name.schema(), key);
        if (!name.table().isEmpty()) {
            key.putUtf8(",\"tbl\":");
            JsonEscaper.appendString(name.table(), key);
        }
        key.putUtf8(",\"t\":2}");
        ByteSink value = out.value();
        value.putUtf8("{\"type\":");
        JsonEscaper.appendString(ddlType(part.kind()), value);
        value.putUtf8(",\"database\":");
        JsonEscaper.appendString(name.schema(), value);
        value.putUtf8(",\"table\":");
        JsonEscaper.appendString(name.table(), value);
        value.putUtf8(",\"old\":");
        appendTable(part.before().map(TableSchema::name), part.before(), value);
        value.putUtf8(",\"def\":");
        appendTable(Optional.of(name), part.after(), value);
        value.putUtf8(",\"ts\":");
        value.putUnsigned(change.commitTso());
        value.putUtf8(",\"sql\":");
        JsonEscaper.appendString(part.query(), value);
        value.put('}');
        return true;
    }

    private static void appendTable(
            Optional<TableName> name, Optional<TableSchema> schema, ByteSink out) {
        out.putUtf8("{\"database\":");
        JsonEscaper.appendString(name.map(TableName::schema).orElse(""), out);
        out.putUtf8(",\"table\":");
        JsonEscaper.appendString(name.map(TableName::table).orElse(""), out);
        out.putUtf8(",\"columns\":");
        if (schema.isEmpty()) {
            out.put(NULL);
        } else {
            char before = '[';
            for (Column column : schema.get().columns()) {
                out.put(before);
                before = ',';
                out.putUtf8("{\"type\":\"" + columnType(column.kind()) + "\",\"name\":");
                JsonEscaper.appendString(column.name(), out);
                out.put('}');
            }
            out.put(']');
        }
        // TiCDC never fills it in; its readers take the key from the rows' table.
        out.putUtf8(",\"primary-key\":null}");
    }

    /** Maxwell's word for a column's type. */
    static String columnType(ColumnKind kind) {
        return switch (kind) {
            case TINYINT, SMALLINT, MEDIUMINT, INT -> "int";
            case BIGINT -> "bigint";
            case DATE -> "date";
            case DATETIME, TIMESTAMP -> "datetime";
            case TIME -> "time";
            case YEAR -> "year";
            case ENUM -> "enum";
            case SET -> "set";
            case BIT -> "bit";
            case JSON -> "json";
            case FLOAT, DOUBLE -> "float";
            case DECIMAL -> "decimal";
            case CHAR,
                    VARCHAR,
                    TINYTEXT,
                    TEXT,
                    MEDIUMTEXT,
                    LONGTEXT,
                    BINARY,
                    VARBINARY,
                    TINYBLOB,
                    BLOB,
                    MEDIUMBLOB,
                    LONGBLOB,
                    GEOMETRY,
                    VECTOR,
                    UUID,
                    INET4,
                    INET6 ->
                    "string";
        };
    }

    /** Maxwell's word for a DDL, or the action's own name where Maxwell has none. */
    static String ddlType(DdlKind kind) {
        return switch (kind) {
            case CREATE_TABLE -> "table-create";
            case DROP_TABLE -> "table-drop";
            case CREATE_SCHEMA -> "database-create";
            case DROP_SCHEMA -> "database-drop";
            case SCHEMA_CHARSET -> "database-alter";
            case CREATE_VIEW, DROP_VIEW -> kind.filterName();
            case ADD_COLUMN,
                    DROP_COLUMN,
                    ADD_INDEX,
                    DROP_INDEX,
                    ADD_FOREIGN_KEY,
                    DROP_FOREIGN_KEY,
                    TRUNCATE_TABLE,
                    MODIFY_COLUMN,
                    REBASE_AUTO_ID,
                    RENAME_TABLE,
                    SET_DEFAULT,
                    TABLE_COMMENT,
                    RENAME_INDEX,
                    ADD_PARTITION,
                    DROP_PARTITION,
                    TRUNCATE_PARTITION,
                    EXCHANGE_PARTITION,
                    TABLE_CHARSET,
                    ADD_PRIMARY_KEY,
                    DROP_PRIMARY_KEY,
                    INDEX_VISIBILITY,
                    MULTI_SCHEMA_CHANGE,
                    REORGANIZE_PARTITION,
                    ALTER_PARTITIONING,
                    REMOVE_PARTITIONING,
                    ALTER_TABLE ->
                    "table-alter";
        };
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
