package io.millrace.mysql.wire;

import io.millrace.core.model.TableName;
import java.util.Arrays;

/**
 * The fixed part of a TABLE_MAP event: which table a table number means, and the wire types of its
 * columns. Immutable; callers must not change the arrays.
 *
 * <p>The stream reader hands out the same object for as long as the event's bytes stay the same, so
 * what is derived from it (column programs, schema versions) may be cached by identity. A server
 * gives a table a new number whenever it opens it anew, so objects come and go: cache with a bound.
 */
public final class TableMap {
    private final long tableNumber;
    private final TableName name;
    private final byte[] columnTypes;
    private final int[] columnMeta;
    private final byte[] nullBitmap;
    private final byte[] optionalMetadata;
    private final boolean mariaDb;

    /**
     * @param tableNumber the server's 48-bit number of the opened table, no identity beyond the
     *     binlog file
     * @param name schema and table as the server wrote them
     * @param columnTypes protocol type per column (MYSQL_TYPE_*), as in the event: ENUM, SET and
     *     CHAR appear as STRING with the real type in the metadata
     * @param columnMeta the type's metadata per column, 0 for types without. Two-byte metadata is
     *     read little-endian (VARCHAR length, BIT: low byte bits, high byte bytes), except STRING,
     *     VAR_STRING, ENUM, SET and NEWDECIMAL, where the first byte in the event is the high one
     *     ({@code realType << 8 | length}, {@code precision << 8 | scale})
     * @param nullBitmap bit per column, lowest bit of the first byte first: may be NULL
     * @param optionalMetadata the rest of the event: type-length-value fields of {@code
     *     binlog_row_metadata}, empty when the server writes none
     * @param mariaDb whether a MariaDB server wrote it
     */
    public TableMap(
            long tableNumber,
            TableName name,
            byte[] columnTypes,
            int[] columnMeta,
            byte[] nullBitmap,
            byte[] optionalMetadata,
            boolean mariaDb) {
        this.tableNumber = tableNumber;
        this.name = name;
        this.columnTypes = columnTypes;
        this.columnMeta = columnMeta;
        this.nullBitmap = nullBitmap;
        this.optionalMetadata = optionalMetadata;
        this.mariaDb = mariaDb;
    }

    public long tableNumber() {
        return tableNumber;
    }

    public TableName name() {
        return name;
    }

    public int columnCount() {
        return columnTypes.length;
    }

    /** Protocol type of a column, 0..255. */
    public int columnType(int column) {
        return columnTypes[column] & 0xFF;
    }

    public byte[] columnTypes() {
        return columnTypes;
    }

    public int[] columnMeta() {
        return columnMeta;
    }

    public byte[] nullBitmap() {
        return nullBitmap;
    }

    public boolean isNullable(int column) {
        return (nullBitmap[column >> 3] & 1 << (column & 7)) != 0;
    }

    /** Raw type-length-value fields, possibly empty. */
    public byte[] optionalMetadata() {
        return optionalMetadata;
    }

    public boolean mariaDb() {
        return mariaDb;
    }

    /** Whether rows of both maps have the same layout: all but the table number are equal. */
    public boolean sameLayout(TableMap other) {
        return name.equals(other.name)
                && mariaDb == other.mariaDb
                && Arrays.equals(columnTypes, other.columnTypes)
                && Arrays.equals(columnMeta, other.columnMeta)
                && Arrays.equals(nullBitmap, other.nullBitmap)
                && Arrays.equals(optionalMetadata, other.optionalMetadata);
    }

    @Override
    public String toString() {
        return name + " (table number " + tableNumber + ", " + columnTypes.length + " columns)";
    }
}
