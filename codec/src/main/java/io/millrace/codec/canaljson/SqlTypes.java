package io.millrace.codec.canaljson;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * What Canal calls a column's type, in JSON and in protobuf: a {@link java.sql.Types} number and a
 * MySQL name.
 */
public final class SqlTypes {
    private SqlTypes() {}

    /** The JDBC type number of values that fit the signed type. */
    public static int sqlType(ColumnKind kind) {
        return switch (kind) {
            case TINYINT -> java.sql.Types.TINYINT;
            case SMALLINT -> java.sql.Types.SMALLINT;
            case MEDIUMINT, INT, ENUM -> java.sql.Types.INTEGER;
            case BIGINT -> java.sql.Types.BIGINT;
            case BIT, SET -> java.sql.Types.BIT;
            // FLOAT is 7, which JDBC calls REAL: so does Canal.
            case FLOAT -> java.sql.Types.REAL;
            case DOUBLE -> java.sql.Types.DOUBLE;
            case DECIMAL -> java.sql.Types.DECIMAL;
            case DATE -> java.sql.Types.DATE;
            case TIME -> java.sql.Types.TIME;
            case DATETIME, TIMESTAMP -> java.sql.Types.TIMESTAMP;
            case CHAR, UUID -> java.sql.Types.CHAR;
            case YEAR, VARCHAR, JSON, VECTOR, INET4, INET6 -> java.sql.Types.VARCHAR;
            case TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT -> java.sql.Types.CLOB;
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY ->
                    java.sql.Types.BLOB;
        };
    }

    /** The JDBC type number of unsigned values above {@link #signedMax}; 0 when there is none. */
    public static int promotedSqlType(ColumnKind kind) {
        return switch (kind) {
            case TINYINT -> java.sql.Types.SMALLINT;
            case SMALLINT -> java.sql.Types.INTEGER;
            case INT -> java.sql.Types.BIGINT;
            case BIGINT -> java.sql.Types.DECIMAL;
            // All 24 bits of a MEDIUMINT fit INTEGER.
            default -> 0;
        };
    }

    /** Greatest value of the signed type, for the kinds that have a promoted type. */
    public static long signedMax(ColumnKind kind) {
        return switch (kind) {
            case TINYINT -> Byte.MAX_VALUE;
            case SMALLINT -> Short.MAX_VALUE;
            case INT -> Integer.MAX_VALUE;
            default -> Long.MAX_VALUE;
        };
    }

    /** Lower-case base name, then {@code unsigned} and {@code zerofill} where they apply. */
    public static String mysqlType(Column column) {
        String full = column.typeText().toLowerCase(Locale.ROOT);
        String name = column.kind().name().toLowerCase(Locale.ROOT);
        if (column.kind() == ColumnKind.GEOMETRY) {
            name = baseName(full, name);
        }
        boolean plain = column.kind() == ColumnKind.YEAR;
        if (column.unsigned() && !plain && column.kind() != ColumnKind.BIT) {
            name += " unsigned";
        }
        if (full.endsWith(" zerofill") && !plain) {
            name += " zerofill";
        }
        return name;
    }

    /** The server's spelling of the whole type; the short one when the column has none. */
    public static String fullMysqlType(Column column) {
        return column.typeText().isEmpty() ? mysqlType(column) : column.typeText();
    }

    private static String baseName(String full, String otherwise) {
        int end = 0;
        while (end < full.length() && Character.isLetter(full.charAt(end))) {
            end++;
        }
        return end == 0 ? otherwise : full.substring(0, end);
    }

    /** The value that a text means for a column of these types: the other direction. */
    public static Object parse(int sqlType, String mysqlType, String text) {
        int end = 0;
        while (end < mysqlType.length() && Character.isLetterOrDigit(mysqlType.charAt(end))) {
            end++;
        }
        return switch (mysqlType.substring(0, end)) {
            case "tinyint",
                    "smallint",
                    "mediumint",
                    "int",
                    "bigint",
                    "year",
                    "bit",
                    "enum",
                    "set" -> {
                BigInteger number = new BigInteger(text);
                yield number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
            }
            case "float" -> Float.valueOf(text);
            case "double" -> Double.valueOf(text);
            case "decimal" -> new BigDecimal(text);
            default ->
                    sqlType == java.sql.Types.BLOB
                            ? text.getBytes(StandardCharsets.ISO_8859_1)
                            : text;
        };
    }
}
