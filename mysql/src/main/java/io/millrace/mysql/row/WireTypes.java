package io.millrace.mysql.row;

/**
 * Protocol type numbers of columns, as in a TABLE_MAP event (MySQL {@code include/field_types.h},
 * MariaDB {@code include/mysql_com.h}).
 */
public final class WireTypes {
    public static final int DECIMAL = 0;
    public static final int TINY = 1;
    public static final int SHORT = 2;
    public static final int LONG = 3;
    public static final int FLOAT = 4;
    public static final int DOUBLE = 5;
    public static final int NULL = 6;
    public static final int TIMESTAMP = 7;
    public static final int LONGLONG = 8;
    public static final int INT24 = 9;
    public static final int DATE = 10;
    public static final int TIME = 11;
    public static final int DATETIME = 12;
    public static final int YEAR = 13;
    public static final int NEWDATE = 14;
    public static final int VARCHAR = 15;
    public static final int BIT = 16;
    public static final int TIMESTAMP2 = 17;
    public static final int DATETIME2 = 18;
    public static final int TIME2 = 19;

    /** MariaDB: {@code BLOB COMPRESSED} and {@code TEXT COMPRESSED}. */
    public static final int BLOB_COMPRESSED = 140;

    /** MariaDB: {@code VARCHAR COMPRESSED} and {@code VARBINARY COMPRESSED}. */
    public static final int VARCHAR_COMPRESSED = 141;

    public static final int VECTOR = 242;
    public static final int JSON = 245;
    public static final int NEWDECIMAL = 246;
    public static final int ENUM = 247;
    public static final int SET = 248;
    public static final int TINY_BLOB = 249;
    public static final int MEDIUM_BLOB = 250;
    public static final int LONG_BLOB = 251;
    public static final int BLOB = 252;
    public static final int VAR_STRING = 253;
    public static final int STRING = 254;
    public static final int GEOMETRY = 255;

    private WireTypes() {}

    /**
     * The type behind STRING: CHAR, ENUM and SET share one wire type and hide the real one in the
     * metadata's high byte, whose bits 4 and 5 are flipped by the length's bits 8 and 9.
     */
    public static int realType(int type, int meta) {
        if (type == STRING && meta > 0xFF) {
            return meta >> 8 | 0x30;
        }
        return type;
    }

    /** Bytes of a CHAR column, or of an ENUM or SET value, out of STRING metadata. */
    public static int stringLength(int meta) {
        return meta & 0xFF | (meta >> 4 & 0x300 ^ 0x300);
    }

    /** Bytes of a packed DECIMAL: nine digits in four bytes, the rest by {@link #DIGIT_BYTES}. */
    public static int decimalBytes(int precision, int scale) {
        int whole = precision - scale;
        return whole / 9 * 4 + DIGIT_BYTES[whole % 9] + scale / 9 * 4 + DIGIT_BYTES[scale % 9];
    }

    /** Bytes that hold 0 to 9 decimal digits. */
    static final int[] DIGIT_BYTES = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
}
