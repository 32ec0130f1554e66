package io.millrace.codec.csv;

import io.millrace.codec.json.PlainDecimal;
import io.millrace.codec.text.BinaryText;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.TableCache;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes rows as lines of a file: operation, table, schema, then, as configured, commit TSO,
 * whether it is half of an update and the handle key, then the columns in the table's order without
 * virtual ones. Strings are quoted and their quotes doubled, or escaped with backslashes; numbers
 * are neither. A column that a minimal row image leaves out is written as NULL, but that a new row
 * takes from the old one what the update left unchanged.
 *
 * <p>Holds the programs of the tables it has seen; belongs to one thread. Appending a row allocates
 * nothing.
 */
public final class CsvRowEncoder {
    private static final byte[] TRUE = ascii("true");
    private static final byte[] FALSE = ascii("false");
    private static final String[] LETTERS = {"", "I", "U", "D"};

    // How a value is written: one number per column, decided once.
    private static final int SIGNED = 0;
    private static final int UNSIGNED = 1;
    private static final int FLOAT = 2;
    private static final int DOUBLE = 3;
    private static final int ASCII = 4;
    private static final int TEXT = 5;
    private static final int BYTES = 6;
    private static final int VECTOR = 7;
    private static final int ENUM = 8;
    private static final int SET = 9;

    private final CsvConfig config;
    private final byte[] delimiter;
    private final byte[] nullText;
    private final byte[] terminator;

    /** The quote, or -1. */
    private final int quote;

    private final TableCache<Program> programs = new TableCache<>(this::compile);
    private final ByteSink scratch = new ByteSink(1024);

    /** What of a table version is the same for all rows. */
    private static final class Program {
        final TableSchema schema;
        final int[] ordinals;
        final int[] actions;
        final int[] keyActions;

        /** Names of the elements, ready for a place between quotes. */
        final byte[][][] elements;

        /** Operation, table and schema, each with its delimiter, by operation. */
        final byte[][] openings = new byte[LETTERS.length][];

        Program(TableSchema schema) {
            this.schema = schema;
            ordinals = Cells.written(schema, false);
            actions = new int[ordinals.length];
            keyActions = new int[schema.handleKey().length];
            elements = new byte[ordinals.length][][];
        }
    }

    public CsvRowEncoder(CsvConfig config) {
        this.config = config;
        delimiter = utf8(config.delimiter());
        nullText = utf8(config.nullText());
        terminator = utf8(config.terminator());
        quote = config.quote().isEmpty() ? -1 : config.quote().charAt(0);
    }

    /** Rows of this table version follow; call it once per batch. */
    public void begin(TableSchema schema) {
        programs.select(schema);
    }

    private Program compile(TableSchema schema) {
        Program made = new Program(schema);
        for (int i = 0; i < made.ordinals.length; i++) {
            Column column = schema.column(made.ordinals[i]);
            made.actions[i] = action(column);
            List<String> names = column.elements();
            made.elements[i] = new byte[names.size()][];
            for (int e = 0; e < names.size(); e++) {
                made.elements[i][e] = escaped(utf8(names.get(e)));
            }
        }
        for (int i = 0; i < made.keyActions.length; i++) {
            made.keyActions[i] = action(schema.column(schema.handleKey()[i]));
        }
        for (int op = RowBatch.INSERT; op <= RowBatch.DELETE; op++) {
            ByteSink opening = new ByteSink(64);
            for (String text :
                    List.of(LETTERS[op], schema.name().table(), schema.name().schema())) {
                quote(opening);
                opening.put(escaped(utf8(text)));
                quote(opening);
                opening.put(delimiter);
            }
            made.openings[op] = opening.toByteArray();
        }
        return made;
    }

    private static int action(Column column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT -> column.unsigned() ? UNSIGNED : SIGNED;
            case YEAR -> SIGNED;
            case BIT -> UNSIGNED;
            case ENUM -> ENUM;
            case SET -> SET;
            case FLOAT -> FLOAT;
            case DOUBLE -> DOUBLE;
            case DECIMAL, DATE, TIME, DATETIME, TIMESTAMP, UUID, INET4, INET6 -> ASCII;
            case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT, JSON -> TEXT;
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> BYTES;
            case VECTOR -> VECTOR;
        };
    }

    /** Appends the line with the names of the fields, if one is configured. */
    public void appendHeader(TableSchema schema, ByteSink out) {
        if (!config.outputFieldHeader()) {
            return;
        }
        out.putUtf8("ticdc-meta$operation");
        headerField("ticdc-meta$table", out);
        headerField("ticdc-meta$schema", out);
        if (config.includeCommitTs()) {
            headerField("ticdc-meta$commit-ts", out);
        }
        if (config.outputOldValue()) {
            headerField("ticdc-meta$is-update", out);
        }
        if (config.outputHandleKey()) {
            headerField("ticdc-meta$handle-key", out);
        }
        for (int ordinal : Cells.written(schema, false)) {
            headerField(schema.column(ordinal).name(), out);
        }
        out.put(terminator);
    }

    private void headerField(String name, ByteSink out) {
        out.put(delimiter);
        out.putUtf8(name);
    }

    /**
     * Appends the line, or the two lines, of the cursor's current row.
     *
     * @param op {@link RowBatch#INSERT}, UPDATE or DELETE; a sink that splits an update asks for a
     *     DELETE and an INSERT of the same row
     */
    public void append(RowView row, int op, long commitTso, ByteSink out) {
        if (op == RowBatch.UPDATE && config.outputOldValue()) {
            appendLine(row, RowBatch.DELETE, RowView.BEFORE, commitTso, true, out);
            appendLine(row, RowBatch.INSERT, RowView.AFTER, commitTso, true, out);
        } else {
            int image = op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER;
            appendLine(row, op, image, commitTso, false, out);
        }
    }

    private void appendLine(
            RowView row, int op, int image, long commitTso, boolean isUpdate, ByteSink out) {
        Program current = programs.current();
        out.put(current.openings[op]);
        if (config.includeCommitTs()) {
            out.putUnsigned(commitTso);
            out.put(delimiter);
        }
        if (config.outputOldValue()) {
            out.put(isUpdate ? TRUE : FALSE);
            out.put(delimiter);
        }
        if (config.outputHandleKey()) {
            appendHandleKey(current, row, image, out);
            out.put(delimiter);
        }
        for (int i = 0; i < current.ordinals.length; i++) {
            if (i > 0) {
                out.put(delimiter);
            }
            int column = current.ordinals[i];
            int from = Cells.source(row, image, column);
            if (from == Cells.NOWHERE || row.isNull(from, column)) {
                out.put(nullText);
            } else {
                appendValue(current, i, row, from, column, out);
            }
        }
        out.put(terminator);
    }

    private void appendValue(
            Program current, int index, RowView row, int image, int column, ByteSink out) {
        switch (current.actions[index]) {
            case SIGNED -> out.putLong(row.longValue(image, column));
            case UNSIGNED -> out.putUnsigned(row.longValue(image, column));
            case FLOAT -> PlainDecimal.appendGeneral((float) row.doubleValue(image, column), out);
            case DOUBLE -> PlainDecimal.appendGeneral(row.doubleValue(image, column), out);
            case TEXT -> {
                quote(out);
                if (row.isUtf8(column)) {
                    appendEscaped(
                            row.array(), row.offset(image, column), row.length(image, column), out);
                } else {
                    scratch.clear();
                    row.appendText(image, column, scratch);
                    appendEscaped(scratch.array(), 0, scratch.length(), out);
                }
                quote(out);
            }
            case ASCII, BYTES, VECTOR -> {
                scratch.clear();
                appendPlain(current.actions[index], row, image, column, scratch);
                quote(out);
                appendEscaped(scratch.array(), 0, scratch.length(), out);
                quote(out);
            }
            case ENUM -> {
                quote(out);
                appendElement(current.elements[index], row.longValue(image, column), out);
                quote(out);
            }
            case SET -> {
                quote(out);
                appendElements(current.elements[index], row.longValue(image, column), out);
                quote(out);
            }
            default -> throw new IllegalStateException("unknown action");
        }
    }

    /** A value as text without quotes. */
    private void appendPlain(int action, RowView row, int image, int column, ByteSink out) {
        switch (action) {
            case SIGNED, ENUM -> out.putLong(row.longValue(image, column));
            case UNSIGNED, SET -> out.putUnsigned(row.longValue(image, column));
            case FLOAT -> PlainDecimal.appendGeneral((float) row.doubleValue(image, column), out);
            case DOUBLE -> PlainDecimal.appendGeneral(row.doubleValue(image, column), out);
            case ASCII, TEXT -> row.appendText(image, column, out);
            case BYTES -> {
                byte[] bytes = row.array();
                int at = row.offset(image, column);
                int length = row.length(image, column);
                if (config.binaryEncoding() == CsvConfig.BinaryEncoding.HEX) {
                    BinaryText.appendHex(bytes, at, length, out);
                } else {
                    BinaryText.appendBase64(bytes, at, length, out);
                }
            }
            case VECTOR ->
                    Cells.appendVector(
                            row.array(), row.offset(image, column), row.length(image, column), out);
            default -> throw new IllegalStateException("unknown action " + action);
        }
    }

    /** A single value as it is, several as {@code {a, b}}; empty without a handle key. */
    private void appendHandleKey(Program current, RowView row, int image, ByteSink out) {
        int[] key = current.schema.handleKey();
        scratch.clear();
        if (key.length > 1) {
            scratch.put('{');
        }
        for (int i = 0; i < key.length; i++) {
            if (i > 0) {
                scratch.put(',');
                scratch.put(' ');
            }
            int from = Cells.source(row, image, key[i]);
            if (from == Cells.NOWHERE || row.isNull(from, key[i])) {
                scratch.put(nullText);
            } else {
                appendPlain(current.keyActions[i], row, from, key[i], scratch);
            }
        }
        if (key.length > 1) {
            scratch.put('}');
        }
        quote(out);
        appendEscaped(scratch.array(), 0, scratch.length(), out);
        quote(out);
    }

    /** The name of an element; the empty text for 0, the digits when names are unknown. */
    private static void appendElement(byte[][] names, long index, ByteSink out) {
        if (index > 0 && index <= names.length) {
            out.put(names[(int) index - 1]);
        } else if (index != 0) {
            out.putUnsigned(index);
        }
    }

    private static void appendElements(byte[][] names, long mask, ByteSink out) {
        if (mask != 0 && Long.SIZE - Long.numberOfLeadingZeros(mask) > names.length) {
            out.putUnsigned(mask);
            return;
        }
        boolean first = true;
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            if (!first) {
                out.put(',');
            }
            first = false;
            out.put(names[Long.numberOfTrailingZeros(rest)]);
        }
    }

    private void quote(ByteSink out) {
        if (quote >= 0) {
            out.put(quote);
        }
    }

    private byte[] escaped(byte[] text) {
        ByteSink out = new ByteSink(text.length + 16);
        appendEscaped(text, 0, text.length, out);
        return out.toByteArray();
    }

    private void appendEscaped(byte[] text, int from, int count, ByteSink out) {
        if (quote >= 0) {
            appendDoubled(text, from, count, out);
        } else {
            appendBackslashed(text, from, count, out);
        }
    }

    private void appendDoubled(byte[] text, int from, int count, ByteSink out) {
        int end = from + count;
        int copied = from;
        for (int i = from; i < end; i++) {
            if (text[i] == quote) {
                out.put(text, copied, i + 1 - copied);
                out.put(quote);
                copied = i + 1;
            }
        }
        out.put(text, copied, end - copied);
    }

    private void appendBackslashed(byte[] text, int from, int count, ByteSink out) {
        int end = from + count;
        int copied = from;
        for (int i = from; i < end; ) {
            byte b = text[i];
            if (startsWithDelimiter(text, i, end)) {
                out.put(text, copied, i - copied);
                for (byte each : delimiter) {
                    out.put('\\');
                    out.put(each);
                }
                i += delimiter.length;
                copied = i;
            } else if (b == '\r' || b == '\n' || b == '\\') {
                out.put(text, copied, i - copied);
                out.put('\\');
                out.put(b == '\r' ? 'r' : b == '\n' ? 'n' : b);
                copied = ++i;
            } else {
                i++;
            }
        }
        out.put(text, copied, end - copied);
    }

    private boolean startsWithDelimiter(byte[] text, int at, int end) {
        if (text[at] != delimiter[0] || end - at < delimiter.length) {
            return false;
        }
        for (int i = 1; i < delimiter.length; i++) {
            if (text[at + i] != delimiter[i]) {
                return false;
            }
        }
        return true;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
