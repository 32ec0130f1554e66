package io.millrace.codec.simple;

import io.millrace.codec.RowChecksum;
import io.millrace.codec.avro.AvroBytes;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.DdlType;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Messages in Avro's binary encoding by one fixed schema, which both sides know: there is no
 * registry and no header.
 */
final class SimpleAvro implements SimpleFormat {
    // Message.type and Message.payload count alike.
    private static final int WATERMARK = 0;
    private static final int BOOTSTRAP = 1;
    private static final int DDL = 2;
    private static final int DML = 3;

    // Places of the union of values, as encoded bytes.
    private static final int NULL = 0;
    private static final int LONG = 2;
    private static final int FLOAT = 4;
    private static final int DOUBLE = 6;
    private static final int STRING = 8;
    private static final int BYTES = 10;
    private static final int TIMESTAMP = 12;
    private static final int UNSIGNED_BIGINT = 14;

    /** Optional fields are unions of null and something else. */
    private static final int ABSENT = 0;

    private static final int PRESENT = 2;

    private final byte[] timeZone;
    private final TableCache<Table> tables;
    private final ByteSink scratch = new ByteSink(1024);
    private long commitTso;

    private static final class Table {
        final TableSchema schema;
        final TableColumns columns;

        /** Up to the commit TSO, by operation. */
        final byte[][] openings = new byte[RowBatch.DELETE + 1][];

        Table(TableSchema schema, boolean deleteOnlyHandleKeys) {
            this.schema = schema;
            columns = new TableColumns(schema, deleteOnlyHandleKeys);
            ByteSink text = new ByteSink(256);
            for (int op = RowBatch.INSERT; op <= RowBatch.DELETE; op++) {
                text.clear();
                open(DML, text);
                AvroBytes.putString(schema.name().schema(), text);
                AvroBytes.putString(schema.name().table(), text);
                AvroBytes.putLong(schema.tableId(), text);
                AvroBytes.putLong(op - RowBatch.INSERT, text);
                openings[op] = text.toByteArray();
            }
        }
    }

    SimpleAvro(SimpleConfig config) {
        tables = new TableCache<>(schema -> new Table(schema, config.deleteOnlyHandleKeys()));
        timeZone = config.timeZone().getBytes(StandardCharsets.UTF_8);
    }

    /** The schema of all messages, as JSON. */
    static String schema() {
        try (InputStream in = SimpleAvro.class.getResourceAsStream("simple.avsc")) {
            return new String(
                    Objects.requireNonNull(in, "simple.avsc").readAllBytes(),
                    StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The kind, twice, and the version, which all kinds begin with. */
    private static void open(int kind, ByteSink out) {
        AvroBytes.putLong(kind, out);
        AvroBytes.putLong(kind, out);
        AvroBytes.putLong(VERSION, out);
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
        AvroBytes.putLong(commitTso, out);
        AvroBytes.putLong(buildMs, out);
        AvroBytes.putLong(current.schema.version(), out);
        if (claimCheck.isPresent()) {
            out.put(PRESENT);
            AvroBytes.putString(claimCheck.get(), out);
        } else {
            out.put(ABSENT);
        }
        if (shortened) {
            out.put(PRESENT);
            AvroBytes.putBoolean(true, out);
        } else {
            out.put(ABSENT);
        }
        if (checksums.isPresent()) {
            out.put(PRESENT);
            AvroBytes.putLong(RowChecksum.VERSION, out);
            AvroBytes.putBoolean(false, out);
            AvroBytes.putLong(checksums.get().current, out);
            AvroBytes.putLong(checksums.get().previous, out);
        } else {
            out.put(ABSENT);
        }
        if (op == RowBatch.DELETE) {
            out.put(ABSENT);
        } else {
            out.put(PRESENT);
            appendImage(current.columns.data(shortened), row, op, RowView.AFTER, out);
        }
        if (op == RowBatch.INSERT) {
            out.put(ABSENT);
        } else {
            out.put(PRESENT);
            appendImage(current.columns.old(shortened, op), row, op, RowView.BEFORE, out);
        }
    }

    /** A map: one block with all entries, then an empty one. */
    private void appendImage(RowColumns columns, RowView row, int op, int wanted, ByteSink out) {
        int count = 0;
        for (int column : columns.ordinals) {
            if (RowColumns.source(row, op, wanted, column) != Cells.NOWHERE) {
                count++;
            }
        }
        if (count > 0) {
            AvroBytes.putLong(count, out);
            for (int i = 0; i < columns.ordinals.length; i++) {
                int column = columns.ordinals[i];
                int image = RowColumns.source(row, op, wanted, column);
                if (image != Cells.NOWHERE) {
                    AvroBytes.putBytes(columns.names[i], out);
                    if (row.isNull(image, column)) {
                        out.put(NULL);
                    } else {
                        appendValue(columns.actions[i], row, image, column, out);
                    }
                }
            }
        }
        out.put(0);
    }

    private void appendValue(int action, RowView row, int image, int column, ByteSink out) {
        switch (action) {
            case RowColumns.SIGNED, RowColumns.UNSIGNED -> {
                out.put(LONG);
                AvroBytes.putLong(row.longValue(image, column), out);
            }
            case RowColumns.UNSIGNED_BIGINT -> {
                out.put(UNSIGNED_BIGINT);
                AvroBytes.putLong(row.longValue(image, column), out);
            }
            case RowColumns.FLOAT -> {
                out.put(FLOAT);
                AvroBytes.putFloat((float) finite(row.doubleValue(image, column)), out);
            }
            case RowColumns.DOUBLE -> {
                out.put(DOUBLE);
                AvroBytes.putDouble(finite(row.doubleValue(image, column)), out);
            }
            case RowColumns.TIMESTAMP -> {
                out.put(TIMESTAMP);
                AvroBytes.putBytes(timeZone, out);
                appendText(row, image, column, out);
            }
            case RowColumns.ASCII, RowColumns.JSON -> {
                out.put(STRING);
                appendText(row, image, column, out);
            }
            case RowColumns.TEXT -> {
                out.put(STRING);
                if (row.isUtf8(column)) {
                    AvroBytes.putBytes(
                            row.array(), row.offset(image, column), row.length(image, column), out);
                } else {
                    appendText(row, image, column, out);
                }
            }
            case RowColumns.BYTES -> {
                out.put(BYTES);
                AvroBytes.putBytes(
                        row.array(), row.offset(image, column), row.length(image, column), out);
            }
            case RowColumns.VECTOR -> {
                out.put(STRING);
                scratch.clear();
                Cells.appendVector(
                        row.array(), row.offset(image, column), row.length(image, column), scratch);
                AvroBytes.putBytes(scratch.array(), 0, scratch.length(), out);
            }
            default -> throw new IllegalStateException("unknown action " + action);
        }
    }

    private void appendText(RowView row, int image, int column, ByteSink out) {
        scratch.clear();
        row.appendText(image, column, scratch);
        AvroBytes.putBytes(scratch.array(), 0, scratch.length(), out);
    }

    private static double finite(double value) {
        return Double.isFinite(value) ? value : 0;
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
        open(DDL, out);
        AvroBytes.putLong(type.ordinal(), out);
        AvroBytes.putString(sql, out);
        AvroBytes.putLong(tso, out);
        AvroBytes.putLong(buildMs, out);
        for (Optional<TableSchema> schema : List.of(after, before)) {
            out.put(schema.isPresent() ? PRESENT : ABSENT);
            schema.ifPresent(each -> describe(each, out));
        }
    }

    @Override
    public void bootstrap(TableSchema schema, long buildMs, ByteSink out) {
        open(BOOTSTRAP, out);
        AvroBytes.putLong(buildMs, out);
        describe(schema, out);
    }

    @Override
    public void watermark(long tso, long buildMs, ByteSink out) {
        open(WATERMARK, out);
        AvroBytes.putLong(tso, out);
        AvroBytes.putLong(buildMs, out);
    }

    private static void describe(TableSchema schema, ByteSink out) {
        TableDescription table = TableDescription.of(schema);
        AvroBytes.putString(table.schema(), out);
        AvroBytes.putString(table.table(), out);
        AvroBytes.putLong(table.tableId(), out);
        AvroBytes.putLong(table.version(), out);
        beginArray(table.columns().size(), out);
        for (TableDescription.ColumnDescription column : table.columns()) {
            AvroBytes.putString(column.name(), out);
            AvroBytes.putString(column.mysqlType(), out);
            AvroBytes.putString(column.charset(), out);
            AvroBytes.putString(column.collate(), out);
            AvroBytes.putLong(column.length(), out);
            boolean decimal =
                    column.kind() == io.millrace.core.model.ColumnKind.DECIMAL
                            || column.decimal() > 0;
            out.put(decimal ? PRESENT : ABSENT);
            if (decimal) {
                AvroBytes.putLong(column.decimal(), out);
            }
            if (column.elements().isEmpty()) {
                out.put(ABSENT);
            } else {
                out.put(PRESENT);
                putStrings(column.elements(), out);
            }
            boolean number = isNumber(column);
            for (boolean flag : new boolean[] {column.unsigned(), column.zerofill()}) {
                out.put(number ? PRESENT : ABSENT);
                if (number) {
                    AvroBytes.putBoolean(flag, out);
                }
            }
            AvroBytes.putBoolean(column.nullable(), out);
            out.put(column.defaultValue().isPresent() ? PRESENT : ABSENT);
            column.defaultValue().ifPresent(text -> AvroBytes.putString(text, out));
        }
        endArray(table.columns().size(), out);
        beginArray(table.indexes().size(), out);
        for (TableDescription.IndexDescription index : table.indexes()) {
            AvroBytes.putString(index.name(), out);
            AvroBytes.putBoolean(index.unique(), out);
            AvroBytes.putBoolean(index.primary(), out);
            AvroBytes.putBoolean(index.nullable(), out);
            putStrings(index.columns(), out);
        }
        endArray(table.indexes().size(), out);
    }

    private static boolean isNumber(TableDescription.ColumnDescription column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT, FLOAT, DOUBLE, BIT, YEAR, DECIMAL ->
                    true;
            default -> false;
        };
    }

    private static void putStrings(List<String> texts, ByteSink out) {
        beginArray(texts.size(), out);
        texts.forEach(text -> AvroBytes.putString(text, out));
        endArray(texts.size(), out);
    }

    private static void beginArray(int size, ByteSink out) {
        AvroBytes.putLong(size, out);
    }

    /** An array ends with an empty block, which an empty array already is. */
    private static void endArray(int size, ByteSink out) {
        if (size > 0) {
            out.put(0);
        }
    }
}
