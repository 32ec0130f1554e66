package io.millrace.mysql.row;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.TableMap;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The optional metadata of a TABLE_MAP event: what {@code binlog_row_metadata} MINIMAL (signedness,
 * character sets, geometry types) or FULL (names, elements, primary key, visibility too) says about
 * the columns. MySQL and MariaDB share the format (MySQL {@code rows_event.h},
 * Table_map_event::Optional_metadata_fields).
 *
 * <p>Immutable; parsing allocates, so it is done once per table map.
 */
public final class TableMapMetadata {
    private static final int SIGNEDNESS = 1;
    private static final int DEFAULT_CHARSET = 2;
    private static final int COLUMN_CHARSET = 3;
    private static final int COLUMN_NAME = 4;
    private static final int SET_STR_VALUE = 5;
    private static final int ENUM_STR_VALUE = 6;
    private static final int GEOMETRY_TYPE = 7;
    private static final int SIMPLE_PRIMARY_KEY = 8;
    private static final int PRIMARY_KEY_WITH_PREFIX = 9;
    private static final int ENUM_AND_SET_DEFAULT_CHARSET = 10;
    private static final int ENUM_AND_SET_COLUMN_CHARSET = 11;
    private static final int COLUMN_VISIBILITY = 12;
    private static final int VECTOR_DIMENSIONALITY = 13;

    private static final int BINARY_COLLATION = 63;

    private static final String[] GEOMETRIES = {
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geomcollection"
    };

    /**
     * A part of the primary key.
     *
     * @param column ordinal
     * @param prefixLength characters of a key on a prefix, 0 for the whole column
     */
    public record KeyPart(int column, int prefixLength) {}

    private final TableMap map;
    private final boolean[] unsigned;
    private boolean signednessKnown;
    private final int[] collations;
    private List<String> names = List.of();
    private final List<List<String>> elements;
    private final int[] geometryTypes;
    private final int[] dimensions;
    private List<KeyPart> primaryKey = List.of();
    private final boolean[] invisible;

    private TableMapMetadata(TableMap map) {
        this.map = map;
        int columns = map.columnCount();
        unsigned = new boolean[columns];
        collations = new int[columns];
        Arrays.fill(collations, -1);
        elements = new ArrayList<>();
        for (int i = 0; i < columns; i++) {
            elements.add(List.of());
        }
        geometryTypes = new int[columns];
        dimensions = new int[columns];
        invisible = new boolean[columns];
    }

    /**
     * Parses a table map's optional metadata.
     *
     * @throws io.millrace.core.error.MillraceException UPSTREAM_CORRUPT
     */
    public static TableMapMetadata parse(TableMap map) {
        TableMapMetadata result = new TableMapMetadata(map);
        try {
            result.read(map.optionalMetadata());
        } catch (IndexOutOfBoundsException e) {
            throw RowErrors.corrupt(map, "its table map's metadata ends early", e);
        }
        return result;
    }

    /** Whether names and therefore whole columns are known: {@code binlog_row_metadata=FULL}. */
    public boolean hasNames() {
        return names.size() == map.columnCount();
    }

    /** Column names; empty without FULL metadata. */
    public List<String> names() {
        return names;
    }

    /** Whether signedness was given; servers write it unless no column is numeric. */
    public boolean signednessKnown() {
        return signednessKnown;
    }

    /** Whether an integer, float or decimal is unsigned; false for others and when unknown. */
    public boolean isUnsigned(int column) {
        return unsigned[column];
    }

    /** Collation number of a text, ENUM or SET column; -1 when it has none or it is unknown. */
    public int collation(int column) {
        return collations[column];
    }

    /** Elements of an ENUM or SET column; empty for others and without FULL metadata. */
    public List<String> elements(int column) {
        return elements.get(column);
    }

    /** Number of the geometry type, 0 is any; 0 when unknown. */
    public int geometryType(int column) {
        return geometryTypes[column];
    }

    /** Primary key parts in key order; empty when there is none or without FULL metadata. */
    public List<KeyPart> primaryKey() {
        return primaryKey;
    }

    /** Whether the column is declared INVISIBLE, as MySQL tells with FULL metadata. */
    public boolean isInvisible(int column) {
        return invisible[column];
    }

    /**
     * The primary key, if it is known and covers whole columns: a key on prefixes does not identify
     * rows by column values.
     */
    public Optional<TableSchema.Key> key() {
        if (primaryKey.isEmpty() || primaryKey.stream().anyMatch(part -> part.prefixLength > 0)) {
            return Optional.empty();
        }
        return Optional.of(
                new TableSchema.Key(
                        "PRIMARY", true, primaryKey.stream().map(KeyPart::column).toList()));
    }

    /**
     * Columns as far as the metadata tells: no defaults, no generated columns, no names of
     * collations; MariaDB's UUID, INET4 and INET6 look like BINARY, its JSON like LONGTEXT, and a
     * DECIMAL's ZEROFILL is not seen. Requires {@link #hasNames}.
     */
    public List<Column> columns() {
        if (!hasNames()) {
            throw new IllegalStateException("the table map of " + map + " holds no names");
        }
        List<Column> columns = new ArrayList<>();
        for (int i = 0; i < map.columnCount(); i++) {
            columns.add(column(i, names.get(i)));
        }
        return columns;
    }

    /** Character set name of a column, {@code binary} when it has none, utf8mb4 when unknown. */
    public String charset(int column) {
        int collation = collations[column];
        if (collation < 0) {
            boolean hasCharset = isText(column) && type(column) != WireTypes.GEOMETRY;
            return hasCharset || isElements(column) ? "utf8mb4" : "binary";
        }
        return CharsetMap.ofCollation(collation).orElse("collation " + collation);
    }

    private Column column(int i, String name) {
        int meta = map.columnMeta()[i];
        int type = type(i);
        String charset = charset(i);
        boolean binary = charset.equals("binary");
        ColumnKind kind;
        String text;
        int length = 0;
        int scale = 0;
        switch (type) {
            case WireTypes.TINY -> {
                kind = ColumnKind.TINYINT;
                text = "tinyint";
            }
            case WireTypes.SHORT -> {
                kind = ColumnKind.SMALLINT;
                text = "smallint";
            }
            case WireTypes.INT24 -> {
                kind = ColumnKind.MEDIUMINT;
                text = "mediumint";
            }
            case WireTypes.LONG -> {
                kind = ColumnKind.INT;
                text = "int";
            }
            case WireTypes.LONGLONG -> {
                kind = ColumnKind.BIGINT;
                text = "bigint";
            }
            case WireTypes.YEAR -> {
                kind = ColumnKind.YEAR;
                text = "year";
            }
            case WireTypes.FLOAT -> {
                kind = ColumnKind.FLOAT;
                text = "float";
            }
            case WireTypes.DOUBLE -> {
                kind = ColumnKind.DOUBLE;
                text = "double";
            }
            case WireTypes.NEWDECIMAL -> {
                kind = ColumnKind.DECIMAL;
                length = meta >> 8 & 0xFF;
                scale = meta & 0xFF;
                text = "decimal(" + length + "," + scale + ")";
            }
            case WireTypes.BIT -> {
                kind = ColumnKind.BIT;
                length = (meta >> 8 & 0xFF) * 8 + (meta & 0xFF);
                text = "bit(" + length + ")";
            }
            case WireTypes.ENUM -> {
                kind = ColumnKind.ENUM;
                text = "enum" + quoted(elements.get(i));
            }
            case WireTypes.SET -> {
                kind = ColumnKind.SET;
                text = "set" + quoted(elements.get(i));
            }
            case WireTypes.DATE, WireTypes.NEWDATE -> {
                kind = ColumnKind.DATE;
                text = "date";
            }
            case WireTypes.TIME, WireTypes.TIME2 -> {
                kind = ColumnKind.TIME;
                scale = meta;
                text = "time" + digits(meta);
            }
            case WireTypes.DATETIME, WireTypes.DATETIME2 -> {
                kind = ColumnKind.DATETIME;
                scale = meta;
                text = "datetime" + digits(meta);
            }
            case WireTypes.TIMESTAMP, WireTypes.TIMESTAMP2 -> {
                kind = ColumnKind.TIMESTAMP;
                scale = meta;
                text = "timestamp" + digits(meta);
            }
            case WireTypes.VARCHAR, WireTypes.VAR_STRING, WireTypes.VARCHAR_COMPRESSED -> {
                kind = binary ? ColumnKind.VARBINARY : ColumnKind.VARCHAR;
                // MariaDB counts the header byte of a compressed value in.
                int bytes = type == WireTypes.VARCHAR_COMPRESSED ? meta - 1 : meta;
                length = bytes / CharsetMap.maxBytes(charset);
                text = (binary ? "varbinary(" : "varchar(") + length + ")";
            }
            case WireTypes.STRING -> {
                kind = binary ? ColumnKind.BINARY : ColumnKind.CHAR;
                length = WireTypes.stringLength(meta) / CharsetMap.maxBytes(charset);
                text = (binary ? "binary(" : "char(") + length + ")";
            }
            case WireTypes.TINY_BLOB,
                    WireTypes.BLOB,
                    WireTypes.MEDIUM_BLOB,
                    WireTypes.LONG_BLOB,
                    WireTypes.BLOB_COMPRESSED -> {
                kind =
                        switch (meta) {
                            case 1 -> binary ? ColumnKind.TINYBLOB : ColumnKind.TINYTEXT;
                            case 2 -> binary ? ColumnKind.BLOB : ColumnKind.TEXT;
                            case 3 -> binary ? ColumnKind.MEDIUMBLOB : ColumnKind.MEDIUMTEXT;
                            default -> binary ? ColumnKind.LONGBLOB : ColumnKind.LONGTEXT;
                        };
                text = kind.name().toLowerCase(java.util.Locale.ROOT);
            }
            case WireTypes.JSON -> {
                kind = ColumnKind.JSON;
                text = "json";
            }
            case WireTypes.GEOMETRY -> {
                kind = ColumnKind.GEOMETRY;
                int number = geometryTypes[i];
                text = number < GEOMETRIES.length ? GEOMETRIES[number] : "geometry";
            }
            case WireTypes.VECTOR -> {
                kind = ColumnKind.VECTOR;
                length = dimensions[i];
                text = "vector(" + length + ")";
            }
            default ->
                    throw RowErrors.unsupported(
                            map.name(), "column " + name + " has wire type " + type);
        }
        return new Column(
                name,
                kind,
                unsigned[i] ? text + " unsigned" : text,
                unsigned[i],
                map.isNullable(i),
                length,
                scale,
                charset,
                "",
                elements.get(i),
                Column.Generated.NONE,
                invisible[i],
                Optional.empty());
    }

    private static String digits(int fsp) {
        return fsp == 0 ? "" : "(" + fsp + ")";
    }

    private static String quoted(List<String> elements) {
        StringBuilder text = new StringBuilder("(");
        for (String element : elements) {
            text.append(text.length() > 1 ? ",'" : "'")
                    .append(element.replace("\\", "\\\\").replace("'", "''"))
                    .append('\'');
        }
        return text.append(')').toString();
    }

    private int type(int column) {
        return WireTypes.realType(map.columnType(column), map.columnMeta()[column]);
    }

    /** Columns that the signedness bitmap has a bit for. */
    private boolean isNumeric(int column) {
        return switch (type(column)) {
            case WireTypes.TINY,
                    WireTypes.SHORT,
                    WireTypes.INT24,
                    WireTypes.LONG,
                    WireTypes.LONGLONG,
                    WireTypes.FLOAT,
                    WireTypes.DOUBLE,
                    WireTypes.NEWDECIMAL,
                    // A year counts, as an unsigned number.
                    WireTypes.YEAR ->
                    true;
            default -> false;
        };
    }

    /** Columns that the character set fields count. */
    private boolean isText(int column) {
        return switch (type(column)) {
            case WireTypes.STRING,
                    WireTypes.VAR_STRING,
                    WireTypes.VARCHAR,
                    WireTypes.VARCHAR_COMPRESSED,
                    WireTypes.TINY_BLOB,
                    WireTypes.BLOB,
                    WireTypes.MEDIUM_BLOB,
                    WireTypes.LONG_BLOB,
                    WireTypes.BLOB_COMPRESSED ->
                    true;
            // To MariaDB a geometry is a blob, with a character set of its own.
            case WireTypes.GEOMETRY -> map.mariaDb();
            default -> false;
        };
    }

    private boolean isElements(int column) {
        int type = type(column);
        return type == WireTypes.ENUM || type == WireTypes.SET;
    }

    private void read(byte[] b) {
        int at = 0;
        byte[] setValues = {};
        byte[] enumValues = {};
        while (at < b.length) {
            int field = b[at++] & 0xFF;
            Cursor length = new Cursor(b, at, b.length);
            int size = length.number();
            at = length.at;
            JsonText.need(at, size, b.length);
            Cursor in = new Cursor(b, at, at + size);
            switch (field) {
                case SIGNEDNESS -> readSignedness(in);
                case DEFAULT_CHARSET -> readDefaultCharset(in, false);
                case COLUMN_CHARSET -> readColumnCharsets(in, false);
                case COLUMN_NAME -> {
                    List<String> read = new ArrayList<>();
                    while (in.more()) {
                        read.add(in.text("utf8mb4"));
                    }
                    names = List.copyOf(read);
                }
                // Their text is in the columns' character sets, which come in a later field.
                case SET_STR_VALUE -> setValues = Arrays.copyOfRange(b, at, at + size);
                case ENUM_STR_VALUE -> enumValues = Arrays.copyOfRange(b, at, at + size);
                case GEOMETRY_TYPE -> {
                    for (int i = 0; i < map.columnCount() && in.more(); i++) {
                        if (type(i) == WireTypes.GEOMETRY) {
                            geometryTypes[i] = in.number();
                        }
                    }
                }
                case SIMPLE_PRIMARY_KEY -> readPrimaryKey(in, false);
                case PRIMARY_KEY_WITH_PREFIX -> readPrimaryKey(in, true);
                case ENUM_AND_SET_DEFAULT_CHARSET -> readDefaultCharset(in, true);
                case ENUM_AND_SET_COLUMN_CHARSET -> readColumnCharsets(in, true);
                case COLUMN_VISIBILITY -> {
                    for (int i = 0; i < map.columnCount(); i++) {
                        invisible[i] = !in.bitFromTop(i);
                    }
                }
                case VECTOR_DIMENSIONALITY -> {
                    for (int i = 0; i < map.columnCount() && in.more(); i++) {
                        if (type(i) == WireTypes.VECTOR) {
                            dimensions[i] = in.number();
                        }
                    }
                }
                default -> {
                    // Newer servers may say more; nothing here depends on it.
                }
            }
            at += size;
        }
        readElements(new Cursor(setValues, 0, setValues.length), WireTypes.SET);
        readElements(new Cursor(enumValues, 0, enumValues.length), WireTypes.ENUM);
    }

    private void readSignedness(Cursor in) {
        signednessKnown = true;
        int bit = 0;
        for (int i = 0; i < map.columnCount(); i++) {
            if (isNumeric(i)) {
                boolean isUnsigned = in.bitFromTop(bit++);
                unsigned[i] = isUnsigned && type(i) != WireTypes.YEAR;
            }
        }
    }

    private boolean counts(int column, boolean forElements) {
        return forElements ? isElements(column) : isText(column);
    }

    /** One collation for most, then pairs of ordinal among these columns and collation. */
    private void readDefaultCharset(Cursor in, boolean forElements) {
        int standard = in.number();
        List<Integer> ordinals = new ArrayList<>();
        for (int i = 0; i < map.columnCount(); i++) {
            if (counts(i, forElements)) {
                collations[i] = standard;
                ordinals.add(i);
            }
        }
        while (in.more()) {
            int ordinal = in.number();
            collations[ordinals.get(ordinal)] = in.number();
        }
    }

    private void readColumnCharsets(Cursor in, boolean forElements) {
        for (int i = 0; i < map.columnCount(); i++) {
            if (counts(i, forElements)) {
                collations[i] = in.number();
            }
        }
    }

    private void readPrimaryKey(Cursor in, boolean prefixes) {
        List<KeyPart> parts = new ArrayList<>();
        while (in.more()) {
            int column = in.number();
            if (column >= map.columnCount()) {
                throw new IndexOutOfBoundsException("key column " + column);
            }
            parts.add(new KeyPart(column, prefixes ? in.number() : 0));
        }
        primaryKey = List.copyOf(parts);
    }

    private void readElements(Cursor in, int type) {
        for (int i = 0; i < map.columnCount() && in.more(); i++) {
            if (type(i) == type) {
                int count = in.number();
                List<String> values = new ArrayList<>();
                for (int k = 0; k < count; k++) {
                    values.add(in.text(collations[i] == BINARY_COLLATION ? "latin1" : charset(i)));
                }
                elements.set(i, List.copyOf(values));
            }
        }
    }

    /** Reads one field, within its bounds. */
    private static final class Cursor {
        private final byte[] b;
        private final int start;
        private final int end;
        private int at;

        Cursor(byte[] b, int at, int end) {
            this.b = b;
            this.start = at;
            this.at = at;
            this.end = end;
        }

        boolean more() {
            return at < end;
        }

        int number() {
            long value = JsonDiffs.lenenc(b, at, end);
            if (value < 0 || value > Integer.MAX_VALUE) {
                throw new IndexOutOfBoundsException("number " + value);
            }
            at += JsonDiffs.lenencBytes(b[at]);
            return (int) value;
        }

        String text(String charset) {
            int length = number();
            JsonText.need(at, length, end);
            String text =
                    CharsetMap.isUtf8(charset)
                            ? new String(b, at, length, StandardCharsets.UTF_8)
                            : CharsetMap.decode(charset, b, at, length);
            at += length;
            return text;
        }

        /** Bitmaps here begin with the highest bit. */
        boolean bitFromTop(int index) {
            JsonText.need(start + (index >> 3), 1, end);
            return (b[start + (index >> 3)] & 0x80 >> (index & 7)) != 0;
        }
    }
}
