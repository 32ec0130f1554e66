package io.millrace.codec.openprotocol;

import io.millrace.codec.json.JsonValues;
import io.millrace.codec.text.Cells;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;

/** What open-protocol tells of a column: MySQL's type code, flag bits, and how values look. */
final class MysqlTypes {
    static final int FLAG_BINARY = 1;
    static final int FLAG_HANDLE_KEY = 2;
    static final int FLAG_GENERATED = 4;
    static final int FLAG_PRIMARY_KEY = 8;
    static final int FLAG_UNIQUE_KEY = 16;
    static final int FLAG_MULTIPLE_KEY = 32;
    static final int FLAG_NULLABLE = 64;
    static final int FLAG_UNSIGNED = 128;

    static final int TINY = 1;
    static final int SHORT = 2;
    static final int LONG = 3;
    static final int FLOAT = 4;
    static final int DOUBLE = 5;
    static final int TIMESTAMP = 7;
    static final int LONGLONG = 8;
    static final int INT24 = 9;
    static final int DATE = 10;
    static final int DURATION = 11;
    static final int DATETIME = 12;
    static final int YEAR = 13;
    static final int VARCHAR = 15;
    static final int BIT = 16;
    static final int VECTOR = 225;
    static final int JSON = 245;
    static final int NEW_DECIMAL = 246;
    static final int ENUM = 247;
    static final int SET = 248;
    static final int TINY_BLOB = 249;
    static final int MEDIUM_BLOB = 250;
    static final int LONG_BLOB = 251;
    static final int BLOB = 252;
    static final int VAR_STRING = 253;
    static final int STRING = 254;
    static final int GEOMETRY = 255;

    private MysqlTypes() {}

    static int typeCode(ColumnKind kind) {
        return switch (kind) {
            case TINYINT -> TINY;
            case SMALLINT -> SHORT;
            case MEDIUMINT -> INT24;
            case INT -> LONG;
            case BIGINT -> LONGLONG;
            case YEAR -> YEAR;
            case BIT -> BIT;
            case ENUM -> ENUM;
            case SET -> SET;
            case FLOAT -> FLOAT;
            case DOUBLE -> DOUBLE;
            case DECIMAL -> NEW_DECIMAL;
            case DATE -> DATE;
            case TIME -> DURATION;
            case DATETIME -> DATETIME;
            case TIMESTAMP -> TIMESTAMP;
            case CHAR, BINARY -> STRING;
            case VARCHAR, VARBINARY -> VARCHAR;
            case TINYTEXT, TINYBLOB -> TINY_BLOB;
            case TEXT, BLOB -> BLOB;
            case MEDIUMTEXT, MEDIUMBLOB -> MEDIUM_BLOB;
            case LONGTEXT, LONGBLOB -> LONG_BLOB;
            case JSON -> JSON;
            case GEOMETRY -> GEOMETRY;
            case VECTOR -> VECTOR;
            // MariaDB's own types, which TiDB does not have: as the text they are.
            case UUID, INET4, INET6 -> STRING;
        };
    }

    /**
     * The flag bits. Only text, ENUM and SET columns are not binary; BIT and YEAR are unsigned, as
     * in TiDB. Every column of a key has the key's flag, and that of a key of several columns if it
     * is one. Of indexes that are not unique nothing is known: they set no bit.
     */
    static int flags(TableSchema schema, int ordinal) {
        Column column = schema.column(ordinal);
        ColumnKind kind = column.kind();
        int flags =
                switch (kind) {
                    case CHAR,
                            VARCHAR,
                            TINYTEXT,
                            TEXT,
                            MEDIUMTEXT,
                            LONGTEXT,
                            ENUM,
                            SET,
                            UUID,
                            INET4,
                            INET6 ->
                            0;
                    default -> FLAG_BINARY;
                };
        if (Cells.isHandleKey(schema, ordinal)) {
            flags |= FLAG_HANDLE_KEY;
        }
        if (column.generated() != Column.Generated.NONE) {
            flags |= FLAG_GENERATED;
        }
        for (TableSchema.Key key : schema.keys()) {
            if (key.columns().contains(ordinal)) {
                flags |= key.primary() ? FLAG_PRIMARY_KEY : FLAG_UNIQUE_KEY;
                flags |= key.columns().size() > 1 ? FLAG_MULTIPLE_KEY : 0;
            }
        }
        if (column.nullable() && (flags & FLAG_PRIMARY_KEY) == 0) {
            flags |= FLAG_NULLABLE;
        }
        if (Cells.isUnsigned(column)) {
            flags |= FLAG_UNSIGNED;
        }
        return flags;
    }

    /** How values are written: one of the numbers in {@link JsonValues}. */
    static int action(Column column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT ->
                    column.unsigned() ? JsonValues.UNSIGNED : JsonValues.SIGNED;
            case YEAR -> JsonValues.SIGNED;
            case BIT, ENUM, SET -> JsonValues.UNSIGNED;
            case FLOAT -> JsonValues.FLOAT;
            case DOUBLE -> JsonValues.DOUBLE;
            case DECIMAL, DATE, TIME, DATETIME, TIMESTAMP, UUID, INET4, INET6 -> JsonValues.ASCII;
            case CHAR, VARCHAR, JSON -> JsonValues.TEXT;
            case TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT -> JsonValues.TEXT_BASE64;
            case TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> JsonValues.BYTES_BASE64;
            case BINARY, VARBINARY -> JsonValues.BYTES_QUOTED;
            case VECTOR -> JsonValues.VECTOR;
        };
    }
}
