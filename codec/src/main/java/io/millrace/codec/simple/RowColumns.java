package io.millrace.codec.simple;

import io.millrace.codec.json.JsonEscaper;
import io.millrace.codec.text.Cells;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.nio.charset.StandardCharsets;

/** The columns that a row message has, and how each is written. Immutable. */
final class RowColumns {
    static final int SIGNED = 0;
    static final int UNSIGNED = 1;
    static final int FLOAT = 2;
    static final int DOUBLE = 3;
    static final int ASCII = 4;
    static final int TIMESTAMP = 5;
    static final int TEXT = 6;
    static final int JSON = 7;
    static final int BYTES = 8;
    static final int VECTOR = 9;
    static final int UNSIGNED_BIGINT = 10;

    final int[] ordinals;
    final int[] actions;

    /** {@code "name":} */
    final byte[][] jsonNames;

    /** The name in UTF-8. */
    final byte[][] names;

    RowColumns(TableSchema schema, boolean onlyHandleKey) {
        ordinals = Cells.written(schema, onlyHandleKey);
        actions = new int[ordinals.length];
        jsonNames = new byte[ordinals.length][];
        names = new byte[ordinals.length][];
        ByteSink text = new ByteSink(64);
        for (int i = 0; i < ordinals.length; i++) {
            Column column = schema.column(ordinals[i]);
            actions[i] = action(column);
            text.clear();
            JsonEscaper.appendString(column.name(), text);
            text.put(':');
            jsonNames[i] = text.toByteArray();
            names[i] = column.name().getBytes(StandardCharsets.UTF_8);
        }
    }

    /** As {@link Cells#source}, but only an update has two images to take a value from. */
    static int source(RowView row, int op, int wanted, int column) {
        return op == RowBatch.UPDATE
                ? Cells.source(row, wanted, column)
                : row.isPresent(wanted, column) ? wanted : Cells.NOWHERE;
    }

    private static int action(Column column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT -> column.unsigned() ? UNSIGNED : SIGNED;
            case BIGINT -> column.unsigned() ? UNSIGNED_BIGINT : SIGNED;
            case YEAR -> SIGNED;
            case BIT, ENUM, SET -> UNSIGNED;
            case FLOAT -> FLOAT;
            case DOUBLE -> DOUBLE;
            case DECIMAL, DATE, TIME, DATETIME, UUID, INET4, INET6 -> ASCII;
            case TIMESTAMP -> TIMESTAMP;
            case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT -> TEXT;
            case JSON -> JSON;
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> BYTES;
            case VECTOR -> VECTOR;
        };
    }
}
