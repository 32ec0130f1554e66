package io.millrace.codec.json;

import io.millrace.codec.text.BinaryText;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.GoQuoting;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowView;

/**
 * Writes cells as JSON values, each in one of a few ways that a format chooses once per column.
 * Belongs to one thread; allocates nothing.
 */
public final class JsonValues {
    /** A number. */
    public static final int SIGNED = 0;

    /** A number of up to 64 bits. */
    public static final int UNSIGNED = 1;

    /** A number, as Go's JSON encoder writes floats. */
    public static final int FLOAT = 2;

    /** A number, as Go's JSON encoder writes doubles. */
    public static final int DOUBLE = 3;

    /** A string that needs no escaping. */
    public static final int ASCII = 4;

    /** A string. */
    public static final int TEXT = 5;

    /** A string of Base64 of the text's UTF-8 bytes. */
    public static final int TEXT_BASE64 = 6;

    /** A string of Base64 of the bytes. */
    public static final int BYTES_BASE64 = 7;

    /** A string with the bytes as in a Go string literal. */
    public static final int BYTES_QUOTED = 8;

    /** A string with a vector's elements. */
    public static final int VECTOR = 9;

    private final ByteSink scratch = new ByteSink(1024);

    /** Appends a cell that is neither NULL nor absent. */
    public void append(int action, RowView row, int image, int column, ByteSink out) {
        switch (action) {
            case SIGNED -> out.putLong(row.longValue(image, column));
            case UNSIGNED -> out.putUnsigned(row.longValue(image, column));
            case FLOAT -> PlainDecimal.appendJson((float) row.doubleValue(image, column), out);
            case DOUBLE -> PlainDecimal.appendJson(row.doubleValue(image, column), out);
            default -> {
                out.put('"');
                appendInside(action, row, image, column, out);
                out.put('"');
            }
        }
    }

    private void appendInside(int action, RowView row, int image, int column, ByteSink out) {
        switch (action) {
            case ASCII -> row.appendText(image, column, out);
            case TEXT -> appendText(row, image, column, out);
            case TEXT_BASE64 -> {
                if (row.isUtf8(column)) {
                    BinaryText.appendBase64(
                            row.array(), row.offset(image, column), row.length(image, column), out);
                } else {
                    scratch.clear();
                    row.appendText(image, column, scratch);
                    BinaryText.appendBase64(scratch.array(), 0, scratch.length(), out);
                }
            }
            case BYTES_BASE64 ->
                    BinaryText.appendBase64(
                            row.array(), row.offset(image, column), row.length(image, column), out);
            case BYTES_QUOTED -> {
                scratch.clear();
                GoQuoting.append(
                        row.array(), row.offset(image, column), row.length(image, column), scratch);
                JsonEscaper.appendUtf8(scratch.array(), 0, scratch.length(), out);
            }
            case VECTOR ->
                    Cells.appendVector(
                            row.array(), row.offset(image, column), row.length(image, column), out);
            default -> throw new IllegalStateException("unknown action " + action);
        }
    }

    /** Appends a text as the inside of a string. */
    public void appendText(RowView row, int image, int column, ByteSink out) {
        if (row.isUtf8(column)) {
            JsonEscaper.appendUtf8(
                    row.array(), row.offset(image, column), row.length(image, column), out);
        } else {
            appendConverted(row, image, column, out);
        }
    }

    /**
     * Appends a text as the inside of a string, where its bytes in the row are not the text: it is
     * in another character set, or, as JSON documents are, in binary form.
     */
    public void appendConverted(RowView row, int image, int column, ByteSink out) {
        scratch.clear();
        row.appendText(image, column, scratch);
        JsonEscaper.appendUtf8(scratch.array(), 0, scratch.length(), out);
    }
}
