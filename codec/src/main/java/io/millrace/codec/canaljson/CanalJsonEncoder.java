package io.millrace.codec.canaljson;

import io.millrace.codec.Compression;
import io.millrace.codec.Message;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.json.JsonEscaper;
import io.millrace.codec.json.JsonValues;
import io.millrace.codec.json.PlainDecimal;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.DdlType;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Writes canal-json as TiCDC does: one JSON object per row with the members {@code id, database,
 * table, pkNames, isDdl, type, es, ts, sql, sqlType, mysqlType, old, data} in this order and, with
 * the TiDB extension, {@code _tidb}. Every value is a string or null: floats without exponent,
 * ENUM, SET and BIT as numbers, binary bytes as ISO-8859-1.
 *
 * <p>Everything that is the same for all rows of a batch is rendered once per batch; a row appends
 * that, its values, and nothing is allocated. Columns that a minimal row image leaves out are left
 * out here, but that {@code data} of an update takes from the old image what the new one leaves out
 * as unchanged: the key, above all. Virtual generated columns are always left out.
 */
public final class CanalJsonEncoder implements RowEncoder {
    private static final int OPS = RowBatch.DELETE + 1;
    private static final String[] TYPE_NAMES = {"", "INSERT", "UPDATE", "DELETE"};

    private static final byte[] NULL = ascii("null");
    private static final byte[] DATA_AFTER_OLD = ascii("],\"data\":[");
    private static final byte[] NO_OLD_DATA = ascii(",\"old\":null,\"data\":[");
    private static final byte[] OLD = ascii(",\"old\":[");
    private static final byte[] ENCODED_AT = ascii(",\"ts\":");
    private static final byte[] NO_SQL = ascii(",\"sql\":\"\",");
    private static final byte[] SQL_TYPE = ascii("\"sqlType\":");
    private static final byte[] MYSQL_TYPE = ascii(",\"mysqlType\":");

    private final CanalJsonConfig config;
    private final Clock clock;
    private final TableCache<Table> tables;

    /** Members up to the types, or up to the values where types are the same for all rows. */
    private final ByteSink[] heads = new ByteSink[OPS];

    private final boolean[] headIsFresh = new boolean[OPS];
    private final ByteSink tail = new ByteSink(64);
    private final JsonValues values = new JsonValues();
    private final ByteSink uncompressed = new ByteSink(1024);
    private long commitTso;

    /** The text before {@code es} and the programs of one table version. */
    private static final class Table {
        final TableSchema schema;
        final byte[][] openings = new byte[OPS][];
        final ColumnProgram all;
        final ColumnProgram deleted;
        final ColumnProgram handleKey;

        Table(TableSchema schema, CanalJsonConfig config) {
            this.schema = schema;
            all = new ColumnProgram(schema, false, config.contentCompatible());
            handleKey =
                    schema.hasHandleKey()
                            ? new ColumnProgram(schema, true, config.contentCompatible())
                            : all;
            deleted = config.deleteOnlyHandleKeys() ? handleKey : all;
            ByteSink text = new ByteSink(256);
            for (int op = RowBatch.INSERT; op <= RowBatch.DELETE; op++) {
                text.clear();
                appendOpening(schema.name(), text);
                appendPrimaryKey(schema, text);
                text.putUtf8(",\"isDdl\":false,\"type\":\"" + TYPE_NAMES[op] + "\",\"es\":");
                openings[op] = text.toByteArray();
            }
        }

        ColumnProgram program(int op) {
            return op == RowBatch.DELETE ? deleted : all;
        }
    }

    /**
     * @param clock gives {@code ts}, the time of encoding
     */
    public CanalJsonEncoder(CanalJsonConfig config, Clock clock) {
        this.config = config;
        this.clock = clock;
        tables = new TableCache<>(schema -> new Table(schema, config));
        for (int i = 0; i < OPS; i++) {
            heads[i] = new ByteSink(512);
        }
    }

    @Override
    public void begin(TableSchema schema, long newCommitTso, String topic) {
        begin(schema, newCommitTso);
    }

    /** As {@link RowEncoder#begin}: the format does not care for topics. */
    public void begin(TableSchema schema, long newCommitTso) {
        tables.select(schema);
        commitTso = newCommitTso;
        for (int op = 0; op < OPS; op++) {
            headIsFresh[op] = false;
        }
        tail.clear();
        tail.put(']');
        if (config.tidbExtension()) {
            tail.putUtf8(",\"_tidb\":{\"commitTs\":");
            tail.putUnsigned(newCommitTso);
            tail.put('}');
        }
        tail.put('}');
    }

    @Override
    public void append(RowView row, int op, Message out) {
        append(row, op, beginValue(out));
        endValue(out);
        out.addRow();
    }

    /** Where the JSON of a message is written. */
    private ByteSink beginValue(Message out) {
        if (config.large().compression() == Compression.NONE) {
            return out.value();
        }
        uncompressed.clear();
        return uncompressed;
    }

    private void endValue(Message out) {
        if (config.large().compression() != Compression.NONE) {
            config.large()
                    .compression()
                    .append(uncompressed.array(), 0, uncompressed.length(), out.value());
        }
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
        ByteSink json = beginValue(out);
        appendIncomplete(
                current,
                current.handleKey,
                row,
                op,
                op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER,
                json);
        json.putUtf8("],\"_tidb\":{\"commitTs\":");
        json.putUnsigned(commitTso);
        if (claimCheck.isPresent()) {
            json.putUtf8(",\"claimCheckLocation\":");
            JsonEscaper.appendString(claimCheck.get(), json);
        } else {
            json.putUtf8(",\"onlyHandleKey\":true");
        }
        json.putUtf8("}}");
        endValue(out);
        out.addRow();
    }

    /** Appends the JSON object of a row. */
    public void append(RowView row, int op, ByteSink out) {
        Table current = tables.current();
        ColumnProgram program = current.program(op);
        if (!headIsFresh[op]) {
            renderHead(current, op);
        }
        int image = op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER;
        int start = out.length();
        out.put(heads[op].array(), 0, heads[op].length());
        if (program.promotes) {
            appendTypes(program, row, image, out);
            appendOldOpening(op, out);
        }
        if (!appendImages(program, row, op, image, true, out)) {
            // Columns are missing in this image: its types are not those of the head.
            out.length(start);
            appendIncomplete(current, program, row, op, image, out);
        }
        out.put(tail.array(), 0, tail.length());
    }

    /** A row up to its tail, with the types of just the columns that it has. */
    private void appendIncomplete(
            Table current, ColumnProgram program, RowView row, int op, int image, ByteSink out) {
        appendOpeningMembers(current, op, out);
        appendTypes(program, row, image, out);
        appendOldOpening(op, out);
        appendImages(program, row, op, image, false, out);
    }

    private void renderHead(Table current, int op) {
        ByteSink head = heads[op];
        head.clear();
        appendOpeningMembers(current, op, head);
        ColumnProgram program = current.program(op);
        if (!program.promotes) {
            head.put(program.typeMembers);
            appendOldOpening(op, head);
        }
        headIsFresh[op] = true;
    }

    private void appendOpeningMembers(Table current, int op, ByteSink out) {
        out.put(current.openings[op]);
        appendTimes(commitTso, out);
        out.put(NO_SQL);
    }

    private static void appendOldOpening(int op, ByteSink out) {
        out.put(op == RowBatch.UPDATE ? OLD : NO_OLD_DATA);
    }

    /** The sqlType and mysqlType members, by the values of this very row. */
    private static void appendTypes(ColumnProgram program, RowView row, int image, ByteSink out) {
        out.put(SQL_TYPE);
        boolean first = true;
        for (int i = 0; i < program.ordinals.length; i++) {
            int column = program.ordinals[i];
            int from = Cells.source(row, image, column);
            if (from < 0) {
                continue;
            }
            out.put(first ? '{' : ',');
            first = false;
            out.put(program.names[i]);
            boolean promote =
                    program.promotedTypes[i] != 0
                            && !row.isNull(from, column)
                            && Long.compareUnsigned(row.longValue(from, column), program.limits[i])
                                    > 0;
            out.putLong(promote ? program.promotedTypes[i] : program.sqlTypes[i]);
        }
        if (first) {
            out.put(NULL);
        } else {
            out.put('}');
        }
        out.put(MYSQL_TYPE);
        out.put('{');
        first = true;
        for (int i = 0; i < program.ordinals.length; i++) {
            if (Cells.source(row, image, program.ordinals[i]) < 0) {
                continue;
            }
            if (!first) {
                out.put(',');
            }
            first = false;
            out.put(program.names[i]);
            out.put(program.mysqlTypes[i]);
        }
        out.put('}');
    }

    /** The objects of {@code old} (for an update) and {@code data}. */
    private boolean appendImages(
            ColumnProgram program, RowView row, int op, int image, boolean complete, ByteSink out) {
        if (op == RowBatch.UPDATE) {
            // The types describe the new image; an incomplete old one needs no second try.
            appendImage(program, row, RowView.BEFORE, config.onlyUpdatedColumns(), false, out);
            out.put(DATA_AFTER_OLD);
        }
        return appendImage(program, row, image, false, complete, out);
    }

    /** One object of values; false, midway, when a column is missing and all were expected. */
    private boolean appendImage(
            ColumnProgram program,
            RowView row,
            int wanted,
            boolean onlyChanged,
            boolean complete,
            ByteSink out) {
        out.put('{');
        int start = out.length();
        int[] ordinals = program.ordinals;
        for (int i = 0; i < ordinals.length; i++) {
            int column = ordinals[i];
            int image = wanted;
            if (!row.isPresent(image, column)) {
                if (complete) {
                    return false;
                }
                image = Cells.source(row, wanted, column);
                if (image < 0) {
                    continue;
                }
            }
            if (onlyChanged && row.isUnchanged(column)) {
                continue;
            }
            if (row.isNull(image, column)) {
                out.put(program.nulls[i]);
                continue;
            }
            putPadded(program.keys[i], program.keyLengths[i], out);
            appendValue(program.actions[i], row, image, column, out);
            byte[] to = out.ensure(2);
            int at = out.length();
            to[at] = '"';
            to[at + 1] = ',';
            out.length(at + 2);
        }
        // Each member ends with a comma: the last one becomes the closing brace.
        if (out.length() > start) {
            out.array()[out.length() - 1] = '}';
        } else {
            out.put('}');
        }
        return true;
    }

    private void appendValue(int action, RowView row, int image, int column, ByteSink out) {
        switch (action) {
            case ColumnProgram.SIGNED -> out.putLong(row.longValue(image, column));
            case ColumnProgram.UNSIGNED -> out.putUnsigned(row.longValue(image, column));
            case ColumnProgram.FLOAT ->
                    PlainDecimal.append((float) row.doubleValue(image, column), out);
            case ColumnProgram.DOUBLE -> PlainDecimal.append(row.doubleValue(image, column), out);
            case ColumnProgram.ASCII -> row.appendText(image, column, out);
            case ColumnProgram.TEXT -> values.appendText(row, image, column, out);
            case ColumnProgram.ESCAPED_TEXT -> values.appendConverted(row, image, column, out);
            case ColumnProgram.BYTES ->
                    JsonEscaper.appendLatin1(
                            row.array(), row.offset(image, column), row.length(image, column), out);
            case ColumnProgram.VECTOR ->
                    Cells.appendVector(
                            row.array(), row.offset(image, column), row.length(image, column), out);
            default -> throw new IllegalStateException("unknown action " + action);
        }
    }

    /** Copies a few bytes in steps of eight: the array is padded, the sink has slack. */
    private static void putPadded(byte[] padded, int length, ByteSink out) {
        byte[] to = out.ensure(length);
        int at = out.length();
        for (int i = 0; i < length; i += Long.BYTES) {
            WireBytes.putI64(to, at + i, WireBytes.i64(padded, i));
        }
        out.length(at + length);
    }

    private void appendTimes(long tso, ByteSink out) {
        out.putLong(Tso.physicalMs(tso));
        out.put(ENCODED_AT);
        out.putLong(clock.millis());
    }

    private static void appendOpening(TableName name, ByteSink out) {
        out.putUtf8("{\"id\":0,\"database\":");
        JsonEscaper.appendString(name.schema(), out);
        out.putUtf8(",\"table\":");
        JsonEscaper.appendString(name.table(), out);
        out.putUtf8(",\"pkNames\":");
    }

    /** Names of the primary key's columns, in the table's column order; no other key counts. */
    private static void appendPrimaryKey(TableSchema schema, ByteSink out) {
        List<Integer> ordinals = new ArrayList<>();
        for (TableSchema.Key key : schema.keys()) {
            if (key.primary()) {
                ordinals.addAll(key.columns());
            }
        }
        Collections.sort(ordinals);
        out.put('[');
        for (int i = 0; i < ordinals.size(); i++) {
            if (i > 0) {
                out.put(',');
            }
            JsonEscaper.appendString(schema.column(ordinals.get(i)).name(), out);
        }
        out.put(']');
    }

    @Override
    public boolean appendDdl(SchemaChange change, SchemaChange.Change part, Message out) {
        appendDdl(change, part, beginValue(out));
        endValue(out);
        return true;
    }

    @Override
    public boolean ddlToAllPartitions() {
        return false;
    }

    void appendDdl(SchemaChange change, SchemaChange.Change part, ByteSink out) {
        appendControl(
                part.newName().orElse(part.name()),
                true,
                DdlType.of(part.kind()).name(),
                change.commitTso(),
                part.query(),
                out);
        if (config.tidbExtension()) {
            out.putUtf8(",\"_tidb\":{\"commitTs\":");
            out.putUnsigned(change.commitTso());
            out.put('}');
        }
        out.put('}');
    }

    @Override
    public boolean hasWatermarks() {
        return config.tidbExtension();
    }

    @Override
    public void appendWatermark(long tso, Message out) {
        appendWatermark(tso, beginValue(out));
        endValue(out);
    }

    void appendWatermark(long tso, ByteSink out) {
        appendControl(new TableName("", ""), false, "TIDB_WATERMARK", tso, "", out);
        out.putUtf8(",\"_tidb\":{\"watermarkTs\":");
        out.putUnsigned(tso);
        out.putUtf8("}}");
    }

    private void appendControl(
            TableName name, boolean ddl, String type, long tso, String sql, ByteSink out) {
        appendOpening(name, out);
        out.putUtf8("null,\"isDdl\":" + ddl + ",\"type\":\"" + type + "\",\"es\":");
        appendTimes(tso, out);
        out.putUtf8(",\"sql\":");
        JsonEscaper.appendString(sql, out);
        out.putUtf8(",\"sqlType\":null,\"mysqlType\":null,\"data\":null,\"old\":null");
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
