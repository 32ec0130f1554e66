package io.millrace.codec.canal;

import io.millrace.codec.CodecOptions;
import io.millrace.codec.Message;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.json.PlainDecimal;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.DdlType;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.model.Tso;

/**
 * Writes canal as TiCDC does: one Packet of Canal's protobuf protocol, whose body is a Messages
 * with one Entry for each row, and in each a RowChange with one RowData. The bytes are written
 * without objects in between: what a table version and a transaction decide is rendered once, and a
 * row is put together from the inside, so that each length is known before it is written.
 *
 * <p>Values, types and event types are those of canal-json; NULL is an empty value with {@code
 * isNull}. Minimal row images are treated as there: the new row takes unchanged columns from the
 * old one. There are no watermarks.
 *
 * <p>Field numbers are those of Canal 1.1.4's {@code EntryProtocol.proto} and {@code
 * CanalProtocol.proto}.
 */
final class CanalEncoder implements RowEncoder {
    private static final int OPS = RowBatch.DELETE + 1;

    // Fields of Packet.
    static final int PACKET_VERSION = 2;
    static final int PACKET_TYPE = 3;
    static final int PACKET_BODY = 5;

    /** Packet type MESSAGES. */
    static final int TYPE_MESSAGES = 7;

    /** Field of Messages. */
    static final int MESSAGES_ENTRY = 2;

    // Fields of Entry.
    static final int ENTRY_HEADER = 1;
    static final int ENTRY_TYPE = 2;
    static final int ENTRY_STORE_VALUE = 3;

    /** Entry type ROWDATA. */
    static final int TYPE_ROWDATA = 2;

    // Fields of Header.
    static final int HEADER_VERSION = 1;
    static final int HEADER_ENCODING = 5;
    static final int HEADER_EXECUTE_TIME = 6;
    static final int HEADER_SOURCE_TYPE = 7;
    static final int HEADER_SCHEMA = 8;
    static final int HEADER_TABLE = 9;
    static final int HEADER_EVENT_TYPE = 11;
    static final int HEADER_PROPS = 12;

    /** Source type MYSQL. */
    private static final int SOURCE_MYSQL = 2;

    private static final byte[] HEADER_START = headerStart();

    // Fields of RowChange.
    static final int CHANGE_EVENT_TYPE = 2;
    static final int CHANGE_IS_DDL = 10;
    static final int CHANGE_SQL = 11;
    static final int CHANGE_ROW_DATAS = 12;
    static final int CHANGE_DDL_SCHEMA = 14;

    // Fields of RowData.
    static final int ROW_BEFORE = 1;
    static final int ROW_AFTER = 2;

    /** Packet's version and type, and the tag and length of its body. */
    private static final int PACKET_FRAMING = 5 + Wire.MAX_LENGTH_BYTES;

    private final CodecOptions options;
    private final TableCache<Table> tables;

    /** Header and type of an Entry, by operation. */
    private final ByteSink[] heads = new ByteSink[OPS];

    private final boolean[] headIsFresh = new boolean[OPS];
    private final ByteSink rowData = new ByteSink(1024);
    private final ByteSink value = new ByteSink(256);
    private long commitTso;

    private static final class Table {
        final CanalColumns all;
        final CanalColumns deleted;

        /** Fields of the Header behind the time, by operation. */
        final byte[][] headers = new byte[OPS][];

        Table(TableSchema schema, boolean deleteOnlyHandleKeys) {
            for (int op = RowBatch.INSERT; op <= RowBatch.DELETE; op++) {
                headers[op] = headerBehindTime(schema.name(), op, true);
            }
            all = new CanalColumns(schema, false, true);
            deleted =
                    new CanalColumns(schema, deleteOnlyHandleKeys && schema.hasHandleKey(), false);
        }
    }

    CanalEncoder(CodecOptions options) {
        this.options = options;
        tables = new TableCache<>(schema -> new Table(schema, options.deleteOnlyHandleKeys()));
        for (int i = 0; i < OPS; i++) {
            heads[i] = new ByteSink(256);
        }
    }

    @Override
    public void begin(TableSchema schema, long newCommitTso, String topic) {
        tables.select(schema);
        commitTso = newCommitTso;
        for (int op = 0; op < OPS; op++) {
            headIsFresh[op] = false;
        }
    }

    @Override
    public int maxRowsPerMessage() {
        return options.maxBatchSize();
    }

    @Override
    public int framingBytes() {
        return PACKET_FRAMING;
    }

    @Override
    public void append(RowView row, int op, Message out) {
        Table current = tables.current();
        if (!headIsFresh[op]) {
            heads[op].clear();
            appendHead(commitTso, current.headers[op], heads[op]);
            headIsFresh[op] = true;
        }
        CanalColumns columns = op == RowBatch.DELETE ? current.deleted : current.all;
        rowData.clear();
        if (op != RowBatch.INSERT) {
            appendImage(columns, row, op, RowView.BEFORE);
        }
        if (op != RowBatch.DELETE) {
            appendImage(columns, row, op, RowView.AFTER);
        }
        ByteSink to = out.value();
        int change = 4 + 1 + Wire.size(rowData.length()) + rowData.length();
        openEntry(heads[op], change, to);
        Wire.putNumber(CHANGE_EVENT_TYPE, op, to);
        Wire.putNumber(CHANGE_IS_DDL, 0, to);
        Wire.putBytes(CHANGE_ROW_DATAS, rowData, to);
        out.addRow();
    }

    /** Everything of a Messages' entry up to the bytes of its RowChange. */
    private static void openEntry(ByteSink head, int changeLength, ByteSink to) {
        int entry = head.length() + 1 + Wire.size(changeLength) + changeLength;
        to.put(Wire.tag(MESSAGES_ENTRY, Wire.BYTES));
        Wire.putVarint(entry, to);
        to.put(head.array(), 0, head.length());
        to.put(Wire.tag(ENTRY_STORE_VALUE, Wire.BYTES));
        Wire.putVarint(changeLength, to);
    }

    private void appendImage(CanalColumns columns, RowView row, int op, int wanted) {
        int tag = Wire.tag(wanted == RowView.BEFORE ? ROW_BEFORE : ROW_AFTER, Wire.BYTES);
        int[] ordinals = columns.ordinals;
        for (int i = 0; i < ordinals.length; i++) {
            int column = ordinals[i];
            int image = wanted;
            if (!row.isPresent(image, column)) {
                boolean inOld = op == RowBatch.UPDATE && row.isPresent(RowView.BEFORE, column);
                if (!inOld) {
                    continue;
                }
                image = RowView.BEFORE;
            }
            rowData.put(tag);
            if (row.isNull(image, column)) {
                Wire.putVarint(columns.nulls[i].length, rowData);
                rowData.put(columns.nulls[i]);
                continue;
            }
            value.clear();
            appendValue(columns.actions[i], row, image, column);
            byte[] prefix = columns.prefixes[i];
            if (columns.promoted[i].length > 0
                    && Long.compareUnsigned(row.longValue(image, column), columns.limits[i]) > 0) {
                prefix = columns.promoted[i];
            }
            int size = value.length();
            int length = prefix.length + columns.suffixes[i].length;
            if (size > 0) {
                length += 1 + Wire.size(size) + size;
            }
            Wire.putVarint(length, rowData);
            rowData.put(prefix);
            if (size > 0) {
                Wire.putBytes(CanalColumns.VALUE, value, rowData);
            }
            rowData.put(columns.suffixes[i]);
        }
    }

    private void appendValue(int action, RowView row, int image, int column) {
        switch (action) {
            case CanalColumns.SIGNED -> value.putLong(row.longValue(image, column));
            case CanalColumns.UNSIGNED -> value.putUnsigned(row.longValue(image, column));
            case CanalColumns.FLOAT ->
                    PlainDecimal.append((float) row.doubleValue(image, column), value);
            case CanalColumns.DOUBLE -> PlainDecimal.append(row.doubleValue(image, column), value);
            case CanalColumns.TEXT -> row.appendText(image, column, value);
            case CanalColumns.BYTES ->
                    appendLatin1(row.array(), row.offset(image, column), row.length(image, column));
            case CanalColumns.VECTOR ->
                    Cells.appendVector(
                            row.array(),
                            row.offset(image, column),
                            row.length(image, column),
                            value);
            default -> throw new IllegalStateException("unknown action " + action);
        }
    }

    /** Each byte becomes the character of its number, in UTF-8. */
    private void appendLatin1(byte[] bytes, int from, int count) {
        byte[] to = value.ensure(Math.multiplyExact(count, 2));
        int at = value.length();
        for (int i = from; i < from + count; i++) {
            int b = bytes[i] & 0xFF;
            if (b < 0x80) {
                to[at++] = (byte) b;
            } else {
                to[at++] = (byte) (0xC0 | b >> 6);
                to[at++] = (byte) (0x80 | b & 0x3F);
            }
        }
        value.length(at);
    }

    /** Wraps the entries, which were written as the body of a Packet, into it. */
    @Override
    public void finish(Message out) {
        ByteSink to = out.value();
        int body = to.length();
        int shift = 5 + Wire.size(body);
        byte[] array = to.ensure(shift);
        System.arraycopy(array, 0, array, shift, body);
        to.length(0);
        Wire.putNumber(PACKET_VERSION, 1, to);
        Wire.putNumber(PACKET_TYPE, TYPE_MESSAGES, to);
        to.put(Wire.tag(PACKET_BODY, Wire.BYTES));
        Wire.putVarint(body, to);
        to.length(shift + body);
    }

    /** The Entry's header and type. */
    private static void appendHead(long tso, byte[] behindTime, ByteSink out) {
        long time = Tso.physicalMs(tso);
        out.put(Wire.tag(ENTRY_HEADER, Wire.BYTES));
        Wire.putVarint(HEADER_START.length + 1 + Wire.size(time) + behindTime.length, out);
        out.put(HEADER_START);
        Wire.putNumber(HEADER_EXECUTE_TIME, time, out);
        out.put(behindTime);
        Wire.putNumber(ENTRY_TYPE, TYPE_ROWDATA, out);
    }

    private static byte[] headerStart() {
        ByteSink out = new ByteSink(16);
        Wire.putNumber(HEADER_VERSION, 1, out);
        Wire.putText(HEADER_ENCODING, "UTF-8", out);
        return out.toByteArray();
    }

    private static byte[] headerBehindTime(TableName name, int eventType, boolean rows) {
        ByteSink out = new ByteSink(128);
        Wire.putNumber(HEADER_SOURCE_TYPE, SOURCE_MYSQL, out);
        Wire.putText(HEADER_SCHEMA, name.schema(), out);
        Wire.putText(HEADER_TABLE, name.table(), out);
        Wire.putNumber(HEADER_EVENT_TYPE, eventType, out);
        if (rows) {
            ByteSink pair = new ByteSink(16);
            Wire.putText(1, "rowsCount", pair);
            Wire.putText(2, "1", pair);
            Wire.putBytes(HEADER_PROPS, pair, out);
        }
        return out.toByteArray();
    }

    @Override
    public boolean appendDdl(SchemaChange change, SchemaChange.Change part, Message out) {
        TableName name = part.newName().orElse(part.name());
        int eventType = eventType(part.kind());
        ByteSink head = new ByteSink(256);
        appendHead(change.commitTso(), headerBehindTime(name, eventType, false), head);
        ByteSink body = new ByteSink(256);
        Wire.putNumber(CHANGE_EVENT_TYPE, eventType, body);
        Wire.putNumber(CHANGE_IS_DDL, 1, body);
        Wire.putText(CHANGE_SQL, part.query(), body);
        Wire.putText(CHANGE_DDL_SCHEMA, name.schema(), body);
        openEntry(head, body.length(), out.value());
        out.value().put(body.array(), 0, body.length());
        finish(out);
        return true;
    }

    @Override
    public boolean ddlToAllPartitions() {
        return false;
    }

    /** Canal's EventType of a DDL. */
    private static int eventType(DdlKind kind) {
        return CanalEventType.valueOf(DdlType.of(kind).name()).number();
    }
}
