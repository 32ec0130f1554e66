package io.millrace.core.model;

import io.millrace.core.bytes.ByteSink;

/**
 * A cursor over the rows of a batch that reads cells straight from their source form. It is moved,
 * never copied: what a getter returns is valid until {@link #next}. Belongs to one thread. Nothing
 * here allocates per row, except where a character set has to be converted.
 *
 * <p>Cells are named by image and column ordinal. An INSERT has only the {@link #AFTER} image, a
 * DELETE only the {@link #BEFORE} image, an UPDATE both. With a minimal row image a column may be
 * absent from an image: {@link #isPresent} tells. Getters of absent or NULL cells throw {@link
 * IllegalStateException}.
 */
public abstract class RowView {
    public static final int BEFORE = 0;
    public static final int AFTER = 1;

    /** Moves to the next row; false after the last. */
    public abstract boolean next();

    /** Back before the first row. */
    public abstract void rewind();

    /**
     * Index of the current row in its batch, from 0; -1 before the first. Where only some rows of a
     * batch take part, they keep the index that they have in the whole batch.
     */
    public abstract int index();

    /** Whether the image holds this column at all. */
    public abstract boolean isPresent(int image, int column);

    /** Whether the cell is SQL NULL; false when absent. */
    public abstract boolean isNull(int image, int column);

    /**
     * Integers, YEAR, BIT, ENUM index, SET mask. Unsigned BIGINT, BIT and SET come as the same 64
     * bits: print them with {@link Long#toUnsignedString} or {@link ByteSink#putUnsigned}.
     */
    public abstract long longValue(int image, int column);

    /** FLOAT and DOUBLE. */
    public abstract double doubleValue(int image, int column);

    /**
     * Appends the canonical text of a value as UTF-8: text columns converted from their character
     * set, DECIMAL, temporal, JSON, UUID and INET as {@link ColumnKind} says. Also takes LONG kinds
     * (decimal digits).
     */
    public abstract void appendText(int image, int column, ByteSink out);

    /** Appends the raw bytes of BYTES and TEXT kinds, unconverted. */
    public abstract void appendBytes(int image, int column, ByteSink out);

    /**
     * Whether the raw bytes of a TEXT cell already are UTF-8, so that {@link #array}, {@link
     * #offset} and {@link #length} may be used instead of {@link #appendText}. Always false for
     * JSON.
     */
    public abstract boolean isUtf8(int column);

    /** Array that holds the cell's raw bytes; read only. */
    public abstract byte[] array();

    /**
     * Start of the raw value bytes of a BYTES or TEXT cell in {@link #array}, behind any length
     * prefix.
     */
    public abstract int offset(int image, int column);

    /** Length of the raw value bytes of a BYTES or TEXT cell. */
    public abstract int length(int image, int column);

    /**
     * Whether an UPDATE left the column as it was: the new image leaves it out, or holds the same
     * bytes.
     */
    public abstract boolean isUnchanged(int column);

    /**
     * A 64-bit hash of the cell's value, equal for equal source bytes; NULL hashes to a constant.
     */
    public abstract long hash(int image, int column);
}
