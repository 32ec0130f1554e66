package io.millrace.storage.parquet;

import io.millrace.codec.text.Cells;
import io.millrace.core.model.Column;
import io.millrace.core.model.TableSchema;
import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/**
 * The columns of a table's Parquet files, in order: operation, commit TSO, dates that no calendar
 * has (only when the table has columns of dates), the table's columns, and, if it is asked for, a
 * group with the old row: its dates that no calendar has, and the table's columns once more. What
 * is not the table's has a name that begins with an underscore, with more of them when the table
 * has a column of that name. Readers go by place, not by name.
 *
 * <p>The table's columns are all optional: rows may lack them.
 */
final class ParquetColumns {
    /** Key of the file's metadata, with {@link #LAYOUT} as its value. */
    static final String LAYOUT_KEY = "millrace.layout";

    static final String LAYOUT = "1";

    /** Digits that all readers know; decimals with more are texts. */
    private static final int MAX_DECIMAL_DIGITS = 38;

    /** Of an unsigned 64-bit number. */
    static final int UNSIGNED_DIGITS = 20;

    private static final int INT32_DIGITS = 9;
    private static final int INT64_DIGITS = 18;

    /** What a table's column becomes. */
    enum Action {
        INT32,
        INT64,
        /** The 64 bits of an unsigned number as a decimal. */
        UNSIGNED,
        FLOAT,
        DOUBLE,
        DECIMAL32,
        DECIMAL64,
        DECIMAL_BYTES,
        DATE,
        /** Microseconds of a local time. */
        DATETIME,
        /** Microseconds since 1970 in UTC. */
        TIMESTAMP,
        /** Microseconds; may be negative and longer than a day. */
        TIME,
        TEXT,
        ENUM,
        SET,
        BYTES,
        VECTOR
    }

    /** The table's columns that are written, by ordinal. */
    final int[] ordinals;

    final Action[] actions;
    final boolean hasDates;
    final MessageType type;

    private ParquetColumns(int[] ordinals, Action[] actions, boolean hasDates, MessageType type) {
        this.ordinals = ordinals;
        this.actions = actions;
        this.hasDates = hasDates;
        this.type = type;
    }

    static ParquetColumns of(TableSchema schema, boolean withOld) {
        int[] ordinals = Cells.written(schema, false);
        Action[] actions = new Action[ordinals.length];
        boolean hasDates = false;
        List<Type> own = new ArrayList<>();
        for (int i = 0; i < ordinals.length; i++) {
            Column column = schema.column(ordinals[i]);
            actions[i] = action(column);
            hasDates |=
                    actions[i] == Action.DATE
                            || actions[i] == Action.DATETIME
                            || actions[i] == Action.TIMESTAMP;
            own.add(type(column, actions[i]));
        }
        List<Type> fields = new ArrayList<>();
        fields.add(
                Types.required(PrimitiveTypeName.BINARY)
                        .as(LogicalTypeAnnotation.stringType())
                        .named(free("_op", schema)));
        fields.add(Types.required(PrimitiveTypeName.INT64).named(free("_commit_ts", schema)));
        Type dates =
                Types.optional(PrimitiveTypeName.BINARY)
                        .as(LogicalTypeAnnotation.jsonType())
                        .named(free("_invalid_dates", schema));
        if (hasDates) {
            fields.add(dates);
        }
        fields.addAll(own);
        if (withOld) {
            List<Type> old = new ArrayList<>(own);
            if (hasDates) {
                old.addFirst(dates);
            }
            fields.add(new GroupType(Type.Repetition.OPTIONAL, free("_old", schema), old));
        }
        return new ParquetColumns(
                ordinals, actions, hasDates, new MessageType(schema.name().table(), fields));
    }

    /** The name, with as many underscores in front as it takes. */
    private static String free(String name, TableSchema schema) {
        String candidate = name;
        while (isTaken(candidate, schema)) {
            candidate = "_" + candidate;
        }
        return candidate;
    }

    private static boolean isTaken(String name, TableSchema schema) {
        return schema.columns().stream().anyMatch(column -> column.name().equalsIgnoreCase(name));
    }

    private static Action action(Column column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, YEAR -> Action.INT32;
            case INT -> column.unsigned() ? Action.INT64 : Action.INT32;
            case BIGINT -> column.unsigned() ? Action.UNSIGNED : Action.INT64;
            case BIT ->
                    column.length() > 0 && column.length() < Long.SIZE
                            ? Action.INT64
                            : Action.UNSIGNED;
            case ENUM -> Action.ENUM;
            case SET -> Action.SET;
            case FLOAT -> Action.FLOAT;
            case DOUBLE -> Action.DOUBLE;
            case DECIMAL -> {
                int digits = column.length();
                yield digits < 1 || digits > MAX_DECIMAL_DIGITS
                        ? Action.TEXT
                        : digits <= INT32_DIGITS
                                ? Action.DECIMAL32
                                : digits <= INT64_DIGITS ? Action.DECIMAL64 : Action.DECIMAL_BYTES;
            }
            case DATE -> Action.DATE;
            case TIME -> Action.TIME;
            case DATETIME -> Action.DATETIME;
            case TIMESTAMP -> Action.TIMESTAMP;
            case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT, JSON, UUID, INET4, INET6 ->
                    Action.TEXT;
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> Action.BYTES;
            case VECTOR -> Action.VECTOR;
        };
    }

    private static Type type(Column column, Action action) {
        String name = column.name();
        return switch (action) {
            case INT32 -> Types.optional(PrimitiveTypeName.INT32).named(name);
            case INT64, TIME -> Types.optional(PrimitiveTypeName.INT64).named(name);
            case UNSIGNED ->
                    Types.optional(PrimitiveTypeName.FIXED_LEN_BYTE_ARRAY)
                            .length(decimalBytes(UNSIGNED_DIGITS))
                            .as(LogicalTypeAnnotation.decimalType(0, UNSIGNED_DIGITS))
                            .named(name);
            case FLOAT -> Types.optional(PrimitiveTypeName.FLOAT).named(name);
            case DOUBLE -> Types.optional(PrimitiveTypeName.DOUBLE).named(name);
            case DECIMAL32 ->
                    Types.optional(PrimitiveTypeName.INT32).as(decimal(column)).named(name);
            case DECIMAL64 ->
                    Types.optional(PrimitiveTypeName.INT64).as(decimal(column)).named(name);
            case DECIMAL_BYTES ->
                    Types.optional(PrimitiveTypeName.FIXED_LEN_BYTE_ARRAY)
                            .length(decimalBytes(column.length()))
                            .as(decimal(column))
                            .named(name);
            case DATE ->
                    Types.optional(PrimitiveTypeName.INT32)
                            .as(LogicalTypeAnnotation.dateType())
                            .named(name);
            case DATETIME ->
                    Types.optional(PrimitiveTypeName.INT64)
                            .as(LogicalTypeAnnotation.timestampType(false, TimeUnit.MICROS))
                            .named(name);
            case TIMESTAMP ->
                    Types.optional(PrimitiveTypeName.INT64)
                            .as(LogicalTypeAnnotation.timestampType(true, TimeUnit.MICROS))
                            .named(name);
            case TEXT, VECTOR, SET, ENUM ->
                    Types.optional(PrimitiveTypeName.BINARY)
                            .as(
                                    switch (column.kind()) {
                                        case JSON -> LogicalTypeAnnotation.jsonType();
                                        case ENUM -> LogicalTypeAnnotation.enumType();
                                        default -> LogicalTypeAnnotation.stringType();
                                    })
                            .named(name);
            case BYTES -> Types.optional(PrimitiveTypeName.BINARY).named(name);
        };
    }

    private static LogicalTypeAnnotation decimal(Column column) {
        return LogicalTypeAnnotation.decimalType(column.scale(), column.length());
    }

    /** Bytes of the least two's complement that holds all decimals of so many digits. */
    static int decimalBytes(int digits) {
        return java.math.BigInteger.TEN.pow(digits).bitLength() / Byte.SIZE + 1;
    }
}
