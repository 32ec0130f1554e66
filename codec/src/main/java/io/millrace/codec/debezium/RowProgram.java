package io.millrace.codec.debezium;

import io.millrace.codec.json.JsonEscaper;
import io.millrace.codec.json.PlainDecimal;
import io.millrace.codec.text.BinaryText;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.Instants;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.nio.charset.StandardCharsets;

/** How the columns of a table version are written as members of a JSON object. Immutable. */
final class RowProgram {
    // How a value is written: one number per column, decided once.
    private static final int INTEGER = 0;
    private static final int BOOLEAN = 1;
    private static final int BITS = 2;
    private static final int FLOAT = 3;
    private static final int DOUBLE = 4;
    private static final int DECIMAL = 5;
    private static final int DATE = 6;
    private static final int MILLIS = 7;
    private static final int MICROS = 8;
    private static final int ZONED = 9;
    private static final int DURATION = 10;
    private static final int ASCII = 11;
    private static final int TEXT = 12;
    private static final int ESCAPED_TEXT = 13;
    private static final int BYTES = 14;
    private static final int ELEMENT = 15;
    private static final int ELEMENTS = 16;
    private static final int VECTOR = 17;

    private static final byte[] NULL = "null".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] TRUE = "true".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] FALSE = "false".getBytes(StandardCharsets.US_ASCII);

    /** Greatest power of ten that is exact as a double. */
    private static final int EXACT_POWER = 22;

    /** Integers below are exact as doubles, and so have up to this many digits. */
    private static final int EXACT_DIGITS = 15;

    private static final double[] POWERS = new double[EXACT_POWER + 1];

    static {
        POWERS[0] = 1;
        for (int i = 1; i < POWERS.length; i++) {
            POWERS[i] = POWERS[i - 1] * 10;
        }
    }

    private final int[] ordinals;
    private final int[] actions;

    /** {@code "name":}. */
    private final byte[][] names;

    /** What a date is that no calendar has: null, or the epoch where there must be a value. */
    private final byte[][] impossible;

    /** Fraction digits of temporal types, bytes of BIT. */
    private final int[] sizes;

    /** The inside of the JSON strings of ENUM and SET. */
    private final byte[][][] elements;

    RowProgram(TableSchema schema, int[] ordinals) {
        this.ordinals = ordinals;
        int count = ordinals.length;
        actions = new int[count];
        names = new byte[count][];
        impossible = new byte[count][];
        sizes = new int[count];
        elements = new byte[count][][];
        ByteSink text = new ByteSink(64);
        for (int i = 0; i < count; i++) {
            Column column = schema.column(ordinals[i]);
            actions[i] = action(column);
            text.clear();
            JsonEscaper.appendString(column.name(), text);
            text.put(':');
            names[i] = text.toByteArray();
            impossible[i] = column.nullable() ? NULL : new byte[] {'0'};
            sizes[i] = actions[i] == BITS ? (column.length() + 7) / 8 : column.scale();
            elements[i] = new byte[column.elements().size()][];
            for (int e = 0; e < elements[i].length; e++) {
                text.clear();
                byte[] name = column.elements().get(e).getBytes(StandardCharsets.UTF_8);
                JsonEscaper.appendUtf8(name, 0, name.length, text);
                elements[i][e] = text.toByteArray();
            }
        }
    }

    private static int action(Column column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT, YEAR -> INTEGER;
            case BIT -> column.length() == 1 ? BOOLEAN : BITS;
            case ENUM -> ELEMENT;
            case SET -> ELEMENTS;
            case FLOAT -> FLOAT;
            case DOUBLE -> DOUBLE;
            case DECIMAL -> DECIMAL;
            case DATE -> DATE;
            case DATETIME -> column.scale() <= 3 ? MILLIS : MICROS;
            case TIMESTAMP -> ZONED;
            case TIME -> DURATION;
            case UUID, INET4, INET6 -> ASCII;
            case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT -> TEXT;
            case JSON -> ESCAPED_TEXT;
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> BYTES;
            case VECTOR -> VECTOR;
        };
    }

    /** Buffers and state of one thread. */
    static final class Scratch {
        final ByteSink text = new ByteSink(256);
        final byte[] bits = new byte[Long.BYTES];
        final Instants instants;

        Scratch(Instants instants) {
            this.instants = instants;
        }
    }

    /**
     * Appends the object of one image; a column that neither it nor, for the new row of an update,
     * the old one holds is left out.
     */
    void append(RowView row, int op, int wanted, Scratch scratch, ByteSink out) {
        out.put('{');
        int start = out.length();
        for (int i = 0; i < ordinals.length; i++) {
            int column = ordinals[i];
            int image = wanted;
            if (!row.isPresent(image, column)) {
                if (op != RowBatch.UPDATE || !row.isPresent(RowView.BEFORE, column)) {
                    continue;
                }
                image = RowView.BEFORE;
            }
            if (out.length() > start) {
                out.put(',');
            }
            out.put(names[i]);
            if (row.isNull(image, column)) {
                out.put(NULL);
            } else {
                appendValue(i, row, image, column, scratch, out);
            }
        }
        out.put('}');
    }

    private void appendValue(
            int i, RowView row, int image, int column, Scratch scratch, ByteSink out) {
        switch (actions[i]) {
            // BIGINT UNSIGNED above the greatest signed number comes out negative, as in TiCDC.
            case INTEGER -> out.putLong(row.longValue(image, column));
            case BOOLEAN -> out.put(row.longValue(image, column) == 0 ? FALSE : TRUE);
            case BITS -> appendBits(row.longValue(image, column), sizes[i], scratch, out);
            case FLOAT -> PlainDecimal.appendJson((float) row.doubleValue(image, column), out);
            case DOUBLE -> PlainDecimal.appendJson(row.doubleValue(image, column), out);
            case DECIMAL -> appendDecimal(text(row, image, column, scratch), out);
            case DATE -> {
                if (scratch.instants.readShortYears(text(row, image, column, scratch))) {
                    out.putLong(scratch.instants.epochDay());
                } else {
                    out.put(impossible[i]);
                }
            }
            case MILLIS, MICROS -> {
                if (scratch.instants.readShortYears(text(row, image, column, scratch))) {
                    long micros = scratch.instants.epochMicros();
                    out.putLong(actions[i] == MICROS ? micros : Math.floorDiv(micros, 1000));
                } else {
                    out.put(impossible[i]);
                }
            }
            case DURATION ->
                    out.putLong(scratch.instants.duration(text(row, image, column, scratch)));
            default -> {
                out.put('"');
                appendQuoted(i, row, image, column, scratch, out);
                out.put('"');
            }
        }
    }

    private void appendQuoted(
            int i, RowView row, int image, int column, Scratch scratch, ByteSink out) {
        switch (actions[i]) {
            case ZONED ->
                    scratch.instants.appendUtc(text(row, image, column, scratch), sizes[i], out);
            case ASCII -> row.appendText(image, column, out);
            case TEXT -> {
                if (row.isUtf8(column)) {
                    JsonEscaper.appendUtf8(
                            row.array(), row.offset(image, column), row.length(image, column), out);
                } else {
                    appendEscaped(text(row, image, column, scratch), out);
                }
            }
            case ESCAPED_TEXT -> appendEscaped(text(row, image, column, scratch), out);
            case BYTES ->
                    BinaryText.appendBase64(
                            row.array(), row.offset(image, column), row.length(image, column), out);
            case ELEMENT -> {
                long index = row.longValue(image, column);
                if (index > 0 && index <= elements[i].length) {
                    out.put(elements[i][(int) index - 1]);
                }
            }
            case ELEMENTS -> appendElements(elements[i], row.longValue(image, column), out);
            case VECTOR ->
                    Cells.appendVector(
                            row.array(), row.offset(image, column), row.length(image, column), out);
            default -> throw new IllegalStateException("unknown action " + actions[i]);
        }
    }

    private static ByteSink text(RowView row, int image, int column, Scratch scratch) {
        scratch.text.clear();
        row.appendText(image, column, scratch.text);
        return scratch.text;
    }

    private static void appendEscaped(ByteSink text, ByteSink out) {
        JsonEscaper.appendUtf8(text.array(), 0, text.length(), out);
    }

    /** Little-endian, as many bytes as the column needs. */
    private static void appendBits(long value, int bytes, Scratch scratch, ByteSink out) {
        for (int i = 0; i < bytes; i++) {
            scratch.bits[i] = (byte) (value >>> 8 * i);
        }
        out.put('"');
        BinaryText.appendBase64(scratch.bits, 0, bytes, out);
        out.put('"');
    }

    private static void appendElements(byte[][] elements, long mask, ByteSink out) {
        boolean first = true;
        for (int e = 0; e < elements.length; e++) {
            if ((mask >>> e & 1) != 0) {
                if (!first) {
                    out.put(',');
                }
                first = false;
                out.put(elements[e]);
            }
        }
    }

    /**
     * The nearest double. Up to 15 digits both the digits and the power of ten are exact, and so
     * their quotient is the nearest; with more digits the JDK's parser decides, which allocates.
     */
    private static void appendDecimal(ByteSink text, ByteSink out) {
        byte[] in = text.array();
        int end = text.length();
        boolean negative = in[0] == '-';
        long digits = 0;
        int count = 0;
        int scale = 0;
        boolean behindPoint = false;
        for (int at = negative ? 1 : 0; at < end; at++) {
            if (in[at] == '.') {
                behindPoint = true;
                continue;
            }
            if (digits != 0 || in[at] != '0') {
                count++;
            }
            if (count > EXACT_DIGITS) {
                break;
            }
            digits = digits * 10 + in[at] - '0';
            if (behindPoint) {
                scale++;
            }
        }
        double value =
                count > EXACT_DIGITS || scale > EXACT_POWER
                        ? Double.parseDouble(new String(in, 0, end, StandardCharsets.US_ASCII))
                        : (negative ? -digits : digits) / POWERS[scale];
        PlainDecimal.appendJson(value, out);
    }
}
