package io.millrace.mysql.row;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.TableMap;

/**
 * How to read the rows of one table version, compiled once: per column an operation code, its
 * parameter, and how far a value reaches. Immutable, shared by all batches of the version.
 */
final class ColumnProgram {
    static final int I8 = 0;
    static final int U8 = 1;
    static final int I16 = 2;
    static final int U16 = 3;
    static final int I24 = 4;
    static final int U24 = 5;
    static final int I32 = 6;
    static final int U32 = 7;
    static final int I64 = 8;
    static final int U64 = 9;
    static final int YEAR = 10;

    /** Big-endian bits; the parameter is the number of bytes. */
    static final int BITS = 11;

    /** ENUM index or SET mask, little-endian; the parameter is the number of bytes. */
    static final int ELEMENTS = 12;

    static final int FLOAT = 13;
    static final int DOUBLE = 14;

    /** The parameter is {@code precision << 8 | scale}. */
    static final int DECIMAL = 15;

    static final int DATE = 16;
    static final int OLD_TIME = 17;
    static final int OLD_DATETIME = 18;
    static final int OLD_TIMESTAMP = 19;

    /** The parameter of the three is the number of fraction digits. */
    static final int TIME2 = 20;

    static final int DATETIME2 = 21;
    static final int TIMESTAMP2 = 22;
    static final int TEXT = 23;
    static final int BYTES = 24;
    static final int JSON = 25;
    static final int UUID = 26;
    static final int INET4 = 27;
    static final int INET6 = 28;

    /** No special treatment in the event: see {@link #special}. */
    static final int PLAIN = 0;

    /** A fixed-length binary value whose trailing zeros the server strips; parameter in pad. */
    static final int PADDED = 1;

    /** A value of a MariaDB COMPRESSED column. */
    static final int COMPRESSED = 2;

    /** Longest value whose length fits one byte. */
    private static final int ONE_BYTE_LENGTH = 255;

    final TableSchema schema;
    final TableMap map;
    final int columns;

    /** Operation code per column. */
    final int[] ops;

    /** Parameter of the operation per column. */
    final int[] params;

    /**
     * Reach of a value in the event: the bytes of a fixed-size value, or the negative number of
     * bytes of its length prefix.
     */
    final int[] widths;

    /** Bytes of the length prefix of a cell in a batch; 0 for fixed-size values. */
    final int[] prefixes;

    final int[] special;

    /** Bytes of a {@link #PADDED} value. */
    final int[] pads;

    /** Converters of {@link #TEXT} columns. */
    final TextDecoder[] decoders;

    final boolean[] utf8;

    final boolean anySpecial;

    /** Some columns are COMPRESSED ones of MariaDB. */
    final boolean anyCompressed;

    /** JSON columns: a partial update has a bit for each, whether it is in the image or not. */
    final int jsonColumns;

    private ColumnProgram(TableMap map, TableSchema schema) {
        this.map = map;
        this.schema = schema;
        this.columns = map.columnCount();
        if (schema.columns().size() != columns) {
            throw RowErrors.mismatch(
                    map.name(),
                    "the event has "
                            + columns
                            + " columns, the table version "
                            + schema.columns().size());
        }
        ops = new int[columns];
        params = new int[columns];
        widths = new int[columns];
        prefixes = new int[columns];
        special = new int[columns];
        pads = new int[columns];
        decoders = new TextDecoder[columns];
        utf8 = new boolean[columns];
        boolean specials = false;
        boolean compressed = false;
        int jsons = 0;
        for (int i = 0; i < columns; i++) {
            decoders[i] = CharsetMap.decoder("utf8mb4");
            compile(i, schema.column(i));
            specials |= special[i] != PLAIN;
            compressed |= special[i] == COMPRESSED;
            jsons += ops[i] == JSON ? 1 : 0;
        }
        anySpecial = specials;
        anyCompressed = compressed;
        jsonColumns = jsons;
    }

    static ColumnProgram compile(TableMap map, TableSchema schema) {
        return new ColumnProgram(map, schema);
    }

    private void compile(int i, Column column) {
        int meta = map.columnMeta()[i];
        int type = WireTypes.realType(map.columnType(i), meta);
        boolean unsigned = column.unsigned();
        switch (type) {
            case WireTypes.TINY -> fixed(i, column, unsigned ? U8 : I8, 0, 1);
            case WireTypes.SHORT -> fixed(i, column, unsigned ? U16 : I16, 0, 2);
            case WireTypes.INT24 -> fixed(i, column, unsigned ? U24 : I24, 0, 3);
            case WireTypes.LONG -> fixed(i, column, unsigned ? U32 : I32, 0, 4);
            case WireTypes.LONGLONG -> fixed(i, column, unsigned ? U64 : I64, 0, 8);
            case WireTypes.YEAR -> fixed(i, column, YEAR, 0, 1);
            case WireTypes.FLOAT -> fixed(i, column, FLOAT, 0, 4);
            case WireTypes.DOUBLE -> fixed(i, column, DOUBLE, 0, 8);
            case WireTypes.NEWDECIMAL ->
                    fixed(
                            i,
                            column,
                            DECIMAL,
                            meta,
                            WireTypes.decimalBytes(meta >> 8 & 0xFF, meta & 0xFF));
            case WireTypes.BIT -> {
                int bytes = (meta >> 8 & 0xFF) + ((meta & 0xFF) > 0 ? 1 : 0);
                fixed(i, column, BITS, bytes, bytes);
            }
            case WireTypes.ENUM, WireTypes.SET -> {
                int bytes = meta & 0xFF;
                fixed(i, column, ELEMENTS, bytes, bytes);
            }
            case WireTypes.DATE, WireTypes.NEWDATE -> fixed(i, column, DATE, 0, 3);
            case WireTypes.TIME -> fixed(i, withoutFraction(column), OLD_TIME, 0, 3);
            case WireTypes.DATETIME -> fixed(i, withoutFraction(column), OLD_DATETIME, 0, 8);
            case WireTypes.TIMESTAMP -> fixed(i, withoutFraction(column), OLD_TIMESTAMP, 0, 4);
            case WireTypes.TIME2 -> fixed(i, column, TIME2, meta, 3 + (meta + 1 >> 1));
            case WireTypes.DATETIME2 -> fixed(i, column, DATETIME2, meta, 5 + (meta + 1 >> 1));
            case WireTypes.TIMESTAMP2 -> fixed(i, column, TIMESTAMP2, meta, 4 + (meta + 1 >> 1));
            case WireTypes.VARCHAR, WireTypes.VAR_STRING ->
                    prefixed(i, column, meta > ONE_BYTE_LENGTH ? 2 : 1);
            case WireTypes.STRING -> {
                int length = WireTypes.stringLength(meta);
                prefixed(i, column, length > ONE_BYTE_LENGTH ? 2 : 1);
                if (ops[i] != TEXT) {
                    special[i] = PADDED;
                    pads[i] = length;
                }
            }
            case WireTypes.TINY_BLOB,
                    WireTypes.BLOB,
                    WireTypes.MEDIUM_BLOB,
                    WireTypes.LONG_BLOB,
                    WireTypes.GEOMETRY,
                    WireTypes.VECTOR ->
                    prefixed(i, column, meta);
            case WireTypes.JSON -> {
                if (column.kind() != ColumnKind.JSON) {
                    throw kindMismatch(i, column);
                }
                prefixed(i, column, meta);
                ops[i] = JSON;
                utf8[i] = false;
            }
            case WireTypes.VARCHAR_COMPRESSED, WireTypes.BLOB_COMPRESSED -> {
                // MariaDB announces VARCHAR COMPRESSED(n) by its bytes, a BLOB by its prefix.
                boolean blob = type == WireTypes.BLOB_COMPRESSED;
                prefixed(i, column, blob ? meta : meta > ONE_BYTE_LENGTH ? 2 : 1);
                special[i] = COMPRESSED;
                prefixes[i] = 4;
            }
            default ->
                    throw RowErrors.unsupported(
                            map.name(),
                            "column "
                                    + column.name()
                                    + " has wire type "
                                    + type
                                    + ", which Millrace does not know");
        }
    }

    /** MariaDB before 10.1 put fractions into the old types without telling how many digits. */
    private Column withoutFraction(Column column) {
        if (column.scale() > 0) {
            throw RowErrors.unsupported(
                    map.name(),
                    "column "
                            + column.name()
                            + " is stored in MariaDB's old temporal format with fractions; run ALTER"
                            + " TABLE … FORCE with mysql56_temporal_format=ON at the upstream");
        }
        return column;
    }

    private void fixed(int i, Column column, int op, int param, int bytes) {
        if (accessOf(op) != column.kind().access() || bytes > 8 && op != DECIMAL) {
            throw kindMismatch(i, column);
        }
        ops[i] = op;
        params[i] = param;
        widths[i] = bytes;
    }

    private void prefixed(int i, Column column, int prefix) {
        if (prefix < 1 || prefix > 4) {
            throw RowErrors.corrupt(
                    map,
                    "column " + column.name() + " has a length prefix of " + prefix + " bytes");
        }
        switch (column.kind().access()) {
            case TEXT -> {
                ops[i] = TEXT;
                utf8[i] = CharsetMap.isUtf8(column.charset());
                try {
                    decoders[i] = CharsetMap.decoder(column.charset());
                } catch (io.millrace.core.error.MillraceException e) {
                    throw RowErrors.unsupported(
                            map.name(), "column " + column.name() + ": " + e.text());
                }
            }
            case BYTES -> ops[i] = BYTES;
            case ASCII -> {
                switch (column.kind()) {
                    case UUID -> ops[i] = UUID;
                    case INET4 -> ops[i] = INET4;
                    case INET6 -> ops[i] = INET6;
                    default -> throw kindMismatch(i, column);
                }
                int meta = map.columnMeta()[i];
                int needed = ops[i] == INET4 ? 4 : 16;
                if (map.columnType(i) != WireTypes.STRING
                        || WireTypes.stringLength(meta) != needed) {
                    throw kindMismatch(i, column);
                }
            }
            default -> throw kindMismatch(i, column);
        }
        widths[i] = -prefix;
        prefixes[i] = prefix;
    }

    private io.millrace.core.error.MillraceException kindMismatch(int i, Column column) {
        return RowErrors.mismatch(
                map.name(),
                "column "
                        + column.name()
                        + " is "
                        + column.typeText()
                        + " there, but has wire type "
                        + WireTypes.realType(map.columnType(i), map.columnMeta()[i]));
    }

    private static ColumnKind.Access accessOf(int op) {
        if (op <= ELEMENTS) {
            return ColumnKind.Access.LONG;
        }
        return switch (op) {
            case FLOAT -> ColumnKind.Access.FLOAT;
            case DOUBLE -> ColumnKind.Access.DOUBLE;
            default -> ColumnKind.Access.ASCII;
        };
    }
}
