package io.millrace.codec.openprotocol;

import io.millrace.codec.Compression;
import io.millrace.codec.Message;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.json.JsonEscaper;
import io.millrace.codec.json.JsonValues;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.SortedColumns;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Writes open-protocol as TiCDC does. A message's key is a version number and the records of its
 * rows' places, its value the records of their columns; a record is its length as 64 bits, high
 * byte first, and that much JSON. Columns are sorted by name; each tells its MySQL type code, its
 * flags and its value.
 *
 * <p>Appending a row allocates nothing, unless values are compressed with LZ4. Columns that a
 * minimal row image leaves out are left out, but that the new image of an update takes from the old
 * one what it leaves out as unchanged.
 */
public final class OpenProtocolEncoder implements RowEncoder {
    static final long VERSION = 1;

    /** What {@code t} of a key says. */
    static final int ROW = 1;

    static final int DDL = 2;
    static final int RESOLVED = 3;

    private static final byte[] NEW = ascii("{\"u\":{");
    private static final byte[] OLD = ascii(",\"p\":{");
    private static final byte[] DELETED = ascii("{\"d\":{");
    private static final byte[] NULL = ascii("null");

    private final OpenProtocolConfig config;
    private final TableCache<Table> tables = new TableCache<>(Table::new);
    private final JsonValues values = new JsonValues();

    /** The key record of the rows to come, with its length. */
    private final ByteSink keyRecord = new ByteSink(256);

    private final ByteSink uncompressed = new ByteSink(1024);
    private long commitTso;

    /** The columns of a table version that a row writes, in their order. */
    private static final class Columns {
        final int[] ordinals;
        final int[] actions;

        /** {@code "name":{"t":3,"f":11,"v":}. */
        final byte[][] openings;

        Columns(TableSchema schema, boolean onlyHandleKey) {
            ordinals = SortedColumns.written(schema, onlyHandleKey);
            actions = new int[ordinals.length];
            openings = new byte[ordinals.length][];
            ByteSink text = new ByteSink(64);
            for (int i = 0; i < ordinals.length; i++) {
                Column column = schema.column(ordinals[i]);
                actions[i] = MysqlTypes.action(column);
                text.clear();
                JsonEscaper.appendString(column.name(), text);
                text.putUtf8(":{\"t\":");
                text.putLong(MysqlTypes.typeCode(column.kind()));
                if (Cells.isHandleKey(schema, ordinals[i])) {
                    text.putUtf8(",\"h\":true");
                }
                text.putUtf8(",\"f\":");
                text.putLong(MysqlTypes.flags(schema, ordinals[i]));
                text.putUtf8(",\"v\":");
                openings[i] = text.toByteArray();
            }
        }
    }

    private static final class Table {
        final TableSchema schema;
        final Columns all;
        final Columns handleKey;

        Table(TableSchema schema) {
            this.schema = schema;
            all = new Columns(schema, false);
            handleKey = new Columns(schema, true);
        }
    }

    public OpenProtocolEncoder(OpenProtocolConfig config) {
        this.config = config;
    }

    @Override
    public void begin(TableSchema schema, long newCommitTso, String topic) {
        tables.select(schema);
        commitTso = newCommitTso;
        keyRecord.clear();
        appendKeyRecord(schema.name(), ROW, newCommitTso, "", keyRecord);
    }

    @Override
    public int maxRowsPerMessage() {
        return config.maxBatchSize();
    }

    @Override
    public void append(RowView row, int op, Message out) {
        Table current = tables.current();
        boolean keysOnly =
                op == RowBatch.DELETE
                        && config.deleteOnlyHandleKeys()
                        && current.schema.hasHandleKey();
        beginKey(out);
        out.key().put(keyRecord.array(), 0, keyRecord.length());
        appendRow(keysOnly ? current.handleKey : current.all, row, op, out.value());
        out.addRow();
    }

    private static void beginKey(Message out) {
        if (!out.isKeyed()) {
            out.setKeyed();
            putLength(VERSION, out.key());
        }
    }

    private static void putLength(long length, ByteSink out) {
        byte[] to = out.ensure(Long.BYTES);
        WireBytes.putI64Be(to, out.length(), length);
        out.length(out.length() + Long.BYTES);
    }

    /** Sets the length that was left open at a place, now that the record is complete. */
    private static void closeRecord(int start, ByteSink out) {
        WireBytes.putI64Be(out.array(), start, out.length() - start - Long.BYTES);
    }

    private static void appendKeyRecord(
            TableName name, int type, long tso, String more, ByteSink out) {
        int start = out.length();
        putLength(0, out);
        out.putUtf8("{\"ts\":");
        out.putUnsigned(tso);
        if (!name.schema().isEmpty()) {
            out.putUtf8(",\"scm\":");
            JsonEscaper.appendString(name.schema(), out);
        }
        if (!name.table().isEmpty()) {
            out.putUtf8(",\"tbl\":");
            JsonEscaper.appendString(name.table(), out);
        }
        out.putUtf8(",\"t\":" + type + more + "}");
        closeRecord(start, out);
    }

    private void appendRow(Columns columns, RowView row, int op, ByteSink out) {
        int start = out.length();
        putLength(0, out);
        if (config.large().compression() == Compression.NONE) {
            appendRowJson(columns, row, op, out);
        } else {
            uncompressed.clear();
            appendRowJson(columns, row, op, uncompressed);
            config.large()
                    .compression()
                    .append(uncompressed.array(), 0, uncompressed.length(), out);
        }
        closeRecord(start, out);
    }

    private void appendRowJson(Columns columns, RowView row, int op, ByteSink out) {
        if (op == RowBatch.DELETE) {
            out.put(DELETED);
            appendColumns(columns, row, RowView.BEFORE, false, out);
        } else {
            out.put(NEW);
            appendColumns(columns, row, RowView.AFTER, false, out);
            if (op == RowBatch.UPDATE && config.outputOldValue()) {
                int start = out.length();
                out.put(OLD);
                int opened = out.length();
                appendColumns(columns, row, RowView.BEFORE, config.onlyUpdatedColumns(), out);
                if (out.length() == opened + 1) {
                    out.length(start); // nothing but the closing brace
                }
            }
        }
        out.put('}');
    }

    /** The members of an object whose brace is open, and the closing brace. */
    private void appendColumns(
            Columns columns, RowView row, int wanted, boolean onlyChanged, ByteSink out) {
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
            out.put(columns.openings[i]);
            if (row.isNull(image, column)) {
                out.put(NULL);
            } else {
                values.append(columns.actions[i], row, image, column, out);
            }
            out.put('}');
        }
        out.put('}');
    }

    @Override
    public boolean canShorten() {
        return config.large().shortens();
    }

    @Override
    public void appendShortened(RowView row, int op, Optional<String> claimCheck, Message out) {
        Table current = tables.current();
        if (!current.schema.hasHandleKey()) {
            throw new MillraceException(
                    ErrorCode.MESSAGE_TOO_LARGE,
                    "a row of table "
                            + current.schema.name()
                            + " is too large for a message and has no handle key to be shortened"
                            + " to: give the table a primary key, or raise max-message-bytes");
        }
        ByteSink more = new ByteSink(64);
        if (claimCheck.isPresent()) {
            more.putUtf8(",\"ccl\":");
            JsonEscaper.appendString(claimCheck.get(), more);
        } else {
            more.putUtf8(",\"ohk\":true");
        }
        beginKey(out);
        appendKeyRecord(current.schema.name(), ROW, commitTso, more.toString(), out.key());
        appendRow(current.handleKey, row, op, out.value());
        out.addRow();
    }

    @Override
    public boolean appendDdl(SchemaChange change, SchemaChange.Change part, Message out) {
        beginKey(out);
        appendKeyRecord(part.newName().orElse(part.name()), DDL, change.commitTso(), "", out.key());
        uncompressed.clear();
        uncompressed.putUtf8("{\"q\":");
        JsonEscaper.appendString(part.query(), uncompressed);
        uncompressed.putUtf8(",\"t\":" + part.kind().actionCode() + "}");
        int start = out.value().length();
        putLength(0, out.value());
        config.large()
                .compression()
                .append(uncompressed.array(), 0, uncompressed.length(), out.value());
        closeRecord(start, out.value());
        return true;
    }

    @Override
    public boolean hasWatermarks() {
        return true;
    }

    @Override
    public void appendWatermark(long tso, Message out) {
        beginKey(out);
        appendKeyRecord(new TableName("", ""), RESOLVED, tso, "", out.key());
        putLength(0, out.value());
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
