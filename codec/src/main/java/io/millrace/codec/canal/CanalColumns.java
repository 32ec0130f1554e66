package io.millrace.codec.canal;

import io.millrace.codec.canaljson.SqlTypes;
import io.millrace.codec.text.Cells;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.TableSchema;
import java.util.List;

/**
 * The Column messages of a table version as far as they are known before the first row: which
 * columns are written, and all their fields but the value. Immutable.
 */
final class CanalColumns {
    // How a value is written: one number per column, decided once.
    static final int SIGNED = 0;
    static final int UNSIGNED = 1;
    static final int FLOAT = 2;
    static final int DOUBLE = 3;
    static final int TEXT = 4;
    static final int BYTES = 5;
    static final int VECTOR = 6;

    // Fields of Column.
    static final int SQL_TYPE = 2;
    static final int NAME = 3;
    static final int IS_KEY = 4;
    static final int UPDATED = 5;
    static final int IS_NULL = 6;
    static final int VALUE = 8;
    static final int MYSQL_TYPE = 10;

    /** Ordinals of the columns written, ascending. */
    final int[] ordinals;

    /** The way to write each. */
    final int[] actions;

    /** Fields before the value. */
    final byte[][] prefixes;

    /** Fields before a value above {@link #limits}; empty when the type has none. */
    final byte[][] promoted;

    final long[] limits;

    /** Fields behind the value. */
    final byte[][] suffixes;

    /** Whole messages of NULLs. */
    final byte[][] nulls;

    /**
     * @param updated what the field of that name says
     */
    CanalColumns(TableSchema schema, boolean onlyHandleKey, boolean updated) {
        ordinals = Cells.written(schema, onlyHandleKey);
        List<Integer> primary =
                schema.keys().stream()
                        .filter(TableSchema.Key::primary)
                        .flatMap(key -> key.columns().stream())
                        .toList();
        int count = ordinals.length;
        actions = new int[count];
        prefixes = new byte[count][];
        promoted = new byte[count][];
        limits = new long[count];
        suffixes = new byte[count][];
        nulls = new byte[count][];
        for (int i = 0; i < count; i++) {
            Column column = schema.column(ordinals[i]);
            boolean key = primary.contains(ordinals[i]);
            actions[i] = action(column);
            int sqlType = SqlTypes.sqlType(column.kind());
            prefixes[i] = prefix(column, sqlType, key, updated, false);
            int greater = column.unsigned() ? SqlTypes.promotedSqlType(column.kind()) : 0;
            promoted[i] = greater == 0 ? new byte[0] : prefix(column, greater, key, updated, false);
            limits[i] = SqlTypes.signedMax(column.kind());
            ByteSink text = new ByteSink(64);
            Wire.putText(MYSQL_TYPE, SqlTypes.mysqlType(column), text);
            suffixes[i] = text.toByteArray();
            text.clear();
            text.put(prefix(column, sqlType, key, updated, true));
            text.put(suffixes[i]);
            nulls[i] = text.toByteArray();
        }
    }

    private static byte[] prefix(
            Column column, int sqlType, boolean key, boolean updated, boolean isNull) {
        ByteSink out = new ByteSink(64);
        Wire.putNumber(SQL_TYPE, sqlType, out);
        Wire.putText(NAME, column.name(), out);
        if (key) {
            Wire.putNumber(IS_KEY, 1, out);
        }
        if (updated) {
            Wire.putNumber(UPDATED, 1, out);
        }
        // In a oneof of its own, so that it is written when false, too.
        Wire.putNumber(IS_NULL, isNull ? 1 : 0, out);
        return out.toByteArray();
    }

    private static int action(Column column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT -> column.unsigned() ? UNSIGNED : SIGNED;
            case YEAR -> SIGNED;
            case BIT, ENUM, SET -> UNSIGNED;
            case FLOAT -> FLOAT;
            case DOUBLE -> DOUBLE;
            case DECIMAL,
                    DATE,
                    TIME,
                    DATETIME,
                    TIMESTAMP,
                    UUID,
                    INET4,
                    INET6,
                    CHAR,
                    VARCHAR,
                    TINYTEXT,
                    TEXT,
                    MEDIUMTEXT,
                    LONGTEXT,
                    JSON ->
                    TEXT;
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> BYTES;
            case VECTOR -> VECTOR;
        };
    }
}
