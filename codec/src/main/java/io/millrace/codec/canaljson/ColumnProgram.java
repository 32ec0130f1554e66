package io.millrace.codec.canaljson;

import io.millrace.codec.json.JsonEscaper;
import io.millrace.codec.text.Cells;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.TableSchema;

/**
 * What of a table version can be known before its first row: which columns are written and how, and
 * their names and types as JSON text. Immutable.
 */
final class ColumnProgram {
    // How a value is written: one number per column, decided once.
    static final int SIGNED = 0;
    static final int UNSIGNED = 1;
    static final int FLOAT = 2;
    static final int DOUBLE = 3;
    static final int ASCII = 4;
    static final int TEXT = 5;
    static final int ESCAPED_TEXT = 6;
    static final int BYTES = 7;
    static final int VECTOR = 8;

    /** Ordinals of the columns written, ascending. */
    final int[] ordinals;

    /** The way to write each. */
    final int[] actions;

    /** {@code "name":"}, padded for {@link #putPadded}. */
    final byte[][] keys;

    final int[] keyLengths;

    /** {@code "name":null,}. */
    final byte[][] nulls;

    /** {@code "name":} for the type objects. */
    final byte[][] names;

    /** JSON string of each column's MySQL type. */
    final byte[][] mysqlTypes;

    /** Type numbers, and those above {@link #limits} (0: never promoted). */
    final int[] sqlTypes;

    final int[] promotedTypes;
    final long[] limits;

    /** Whether some column's type number depends on its value. */
    final boolean promotes;

    /** The sqlType and mysqlType members of a complete row, when nothing is promoted. */
    final byte[] typeMembers;

    ColumnProgram(TableSchema schema, boolean onlyHandleKey, boolean fullTypes) {
        ordinals = Cells.written(schema, onlyHandleKey);
        int count = ordinals.length;
        actions = new int[count];
        keys = new byte[count][];
        keyLengths = new int[count];
        nulls = new byte[count][];
        names = new byte[count][];
        mysqlTypes = new byte[count][];
        sqlTypes = new int[count];
        promotedTypes = new int[count];
        limits = new long[count];
        boolean anyPromotes = false;
        ByteSink text = new ByteSink(64);
        for (int i = 0; i < count; i++) {
            Column column = schema.column(ordinals[i]);
            actions[i] = action(column);
            text.clear();
            JsonEscaper.appendString(column.name(), text);
            text.put(':');
            names[i] = text.toByteArray();
            text.put('"');
            keyLengths[i] = text.length();
            keys[i] = java.util.Arrays.copyOf(text.toByteArray(), text.length() + 7 & ~7);
            text.length(text.length() - 1);
            text.putUtf8("null,");
            nulls[i] = text.toByteArray();
            text.clear();
            JsonEscaper.appendString(
                    fullTypes ? SqlTypes.fullMysqlType(column) : SqlTypes.mysqlType(column), text);
            mysqlTypes[i] = text.toByteArray();
            sqlTypes[i] = SqlTypes.sqlType(column.kind());
            if (column.unsigned()) {
                promotedTypes[i] = SqlTypes.promotedSqlType(column.kind());
                limits[i] = SqlTypes.signedMax(column.kind());
                anyPromotes |= promotedTypes[i] != 0;
            }
        }
        promotes = anyPromotes;
        text.clear();
        appendTypeMembers(text);
        typeMembers = text.toByteArray();
    }

    private void appendTypeMembers(ByteSink out) {
        out.putUtf8("\"sqlType\":");
        if (ordinals.length == 0) {
            out.putUtf8("null,\"mysqlType\":{}");
            return;
        }
        for (int i = 0; i < ordinals.length; i++) {
            out.put(i == 0 ? '{' : ',');
            out.put(names[i]);
            out.putLong(sqlTypes[i]);
        }
        out.putUtf8("},\"mysqlType\":");
        for (int i = 0; i < ordinals.length; i++) {
            out.put(i == 0 ? '{' : ',');
            out.put(names[i]);
            out.put(mysqlTypes[i]);
        }
        out.put('}');
    }

    private static int action(Column column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT -> column.unsigned() ? UNSIGNED : SIGNED;
            case YEAR -> SIGNED;
            case BIT, ENUM, SET -> UNSIGNED;
            case FLOAT -> FLOAT;
            case DOUBLE -> DOUBLE;
            case DECIMAL, DATE, TIME, DATETIME, TIMESTAMP, UUID, INET4, INET6 -> ASCII;
            case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT -> TEXT;
            case JSON -> ESCAPED_TEXT;
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> BYTES;
            case VECTOR -> VECTOR;
        };
    }
}
