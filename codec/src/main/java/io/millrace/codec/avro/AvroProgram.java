package io.millrace.codec.avro;

import io.millrace.codec.DefaultValues;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How the columns of one record are written: which, in what order, by what action and, for nullable
 * ones, at which place of the union the value stands. Immutable.
 */
final class AvroProgram {
    static final int LONG = 0;
    static final int UNSIGNED_TEXT = 1;
    static final int FLOAT = 2;
    static final int DOUBLE = 3;
    static final int BITS = 4;
    static final int DECIMAL = 5;
    static final int SHORT_TEXT = 6;
    static final int TEXT = 7;
    static final int BYTES = 8;
    static final int ENUM = 9;
    static final int SET = 10;
    static final int VECTOR = 11;

    /** Precision of a DECIMAL whose definition is not known. */
    private static final int DEFAULT_PRECISION = 10;

    final int[] ordinals;
    final int[] actions;
    final int[] scales;

    /** Union index of the value, as one encoded byte; -1 when there is no union. */
    final int[] valueBranches;

    /** Union index of null. */
    final int[] nullBranches;

    /** Names of the elements of ENUM and SET columns, in UTF-8. */
    final byte[][][] elements;

    /** The encoded default of a column that a row image may leave out; empty without one. */
    final byte[][] defaults;

    final Column[] columns;

    /** The default as Avro wants it in the schema; empty without. */
    private final List<Optional<Object>> schemaDefaults;

    /** The name of each field. */
    final String[] names;

    /**
     * @param ordinals the columns of the record, ascending
     */
    AvroProgram(TableSchema schema, int[] ordinals, AvroConfig config) {
        this.ordinals = ordinals;
        int count = ordinals.length;
        actions = new int[count];
        scales = new int[count];
        valueBranches = new int[count];
        nullBranches = new int[count];
        elements = new byte[count][][];
        defaults = new byte[count][];
        columns = new Column[count];
        names = new String[count];
        Map<String, String> taken = new HashMap<>();
        List<Optional<Object>> foundDefaults = new java.util.ArrayList<>();
        ByteSink text = new ByteSink(64);
        for (int i = 0; i < count; i++) {
            Column column = schema.column(ordinals[i]);
            columns[i] = column;
            names[i] = AvroNames.sanitise(column.name());
            String other = taken.put(names[i], column.name());
            if (other != null) {
                throw new MillraceException(
                        ErrorCode.UNSUPPORTED_EVENT,
                        "table "
                                + schema.name()
                                + ": the columns "
                                + other
                                + " and "
                                + column.name()
                                + " would have the same name "
                                + names[i]
                                + " in Avro; leave one out with a column selector, or rename it");
            }
            actions[i] = action(column, config);
            scales[i] = column.scale();
            elements[i] =
                    column.elements().stream()
                            .map(each -> each.getBytes(StandardCharsets.UTF_8))
                            .toArray(byte[][]::new);
            Optional<Object> value =
                    actions[i] == DECIMAL ? Optional.empty() : defaultValue(column, actions[i]);
            foundDefaults.add(value);
            if (!column.nullable()) {
                valueBranches[i] = -1;
            } else {
                // The default must be of the union's first type. Avro's union index is an int.
                valueBranches[i] = value.isPresent() ? 0 : 2;
                nullBranches[i] = value.isPresent() ? 2 : 0;
            }
            Optional<String> literal = DefaultValues.literal(column);
            text.clear();
            if (literal.isPresent() && appendDefault(i, literal.get(), value, text)) {
                defaults[i] = text.toByteArray();
            } else if (column.nullable() && !DefaultValues.isExpression(column)) {
                defaults[i] = new byte[] {(byte) nullBranches[i]};
            } else {
                defaults[i] = new byte[0];
            }
        }
        schemaDefaults = List.copyOf(foundDefaults);
    }

    /** The default of a column in the words of Avro's JSON. */
    Optional<Object> schemaDefault(int i) {
        return schemaDefaults.get(i);
    }

    int precision(int i) {
        int length = columns[i].length();
        return Math.max(length == 0 ? DEFAULT_PRECISION : length, columns[i].scale());
    }

    private static int action(Column column, AvroConfig config) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, YEAR -> LONG;
            case BIGINT ->
                    column.unsigned() && config.unsignedBigintAsText() ? UNSIGNED_TEXT : LONG;
            case BIT -> BITS;
            case ENUM -> ENUM;
            case SET -> SET;
            case FLOAT -> FLOAT;
            case DOUBLE -> DOUBLE;
            case DECIMAL -> config.decimalAsText() ? SHORT_TEXT : DECIMAL;
            case DATE, TIME, DATETIME, TIMESTAMP, UUID, INET4, INET6, JSON -> SHORT_TEXT;
            case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT -> TEXT;
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> BYTES;
            case VECTOR -> VECTOR;
        };
    }

    /**
     * What a schema may give as default: a {@link Long}, {@link Double} or {@link String}, the
     * latter with a character per byte for bytes.
     */
    private static Optional<Object> defaultValue(Column column, int action) {
        Optional<String> literal = DefaultValues.literal(column);
        if (literal.isEmpty()) {
            return Optional.empty();
        }
        String text = literal.get();
        try {
            return switch (action) {
                case LONG -> Optional.of(fit(column, new BigDecimal(text)));
                case FLOAT, DOUBLE -> {
                    double value = Double.parseDouble(text);
                    boolean fits = Double.isFinite(action == FLOAT ? (float) value : value);
                    yield fits ? Optional.of(value) : Optional.empty();
                }
                case BITS -> {
                    ByteSink bytes = new ByteSink(16);
                    AvroBytes.putBits(new BigDecimal(text).toBigIntegerExact().longValue(), bytes);
                    byte[] withLength = bytes.toByteArray();
                    yield Optional.of(
                            new String(
                                    withLength,
                                    1,
                                    withLength.length - 1,
                                    StandardCharsets.ISO_8859_1));
                }
                case SHORT_TEXT ->
                        Optional.of(
                                column.kind() == ColumnKind.DECIMAL
                                        ? new BigDecimal(text)
                                                .setScale(
                                                        column.scale(),
                                                        java.math.RoundingMode.HALF_UP)
                                                .toPlainString()
                                        : text);
                // Avro's JSON has a character of U+0000 to U+00FF for each byte.
                case BYTES ->
                        Optional.of(
                                new String(
                                        text.getBytes(StandardCharsets.UTF_8),
                                        StandardCharsets.ISO_8859_1));
                case VECTOR -> Optional.empty();
                default -> Optional.of(text);
            };
        } catch (ArithmeticException | NumberFormatException e) {
            // Not of the column's type: the server knows what it means, a schema does not.
            return Optional.empty();
        }
    }

    private static Long fit(Column column, BigDecimal value) {
        java.math.BigInteger number = value.toBigIntegerExact();
        boolean asLong =
                column.kind() == ColumnKind.BIGINT
                        || column.kind() == ColumnKind.INT && column.unsigned();
        boolean wraps = column.kind() == ColumnKind.BIGINT && column.unsigned();
        if (asLong && (wraps ? number.bitLength() > Long.SIZE : number.bitLength() >= Long.SIZE)
                || !asLong && number.bitLength() >= Integer.SIZE) {
            throw new ArithmeticException("out of range");
        }
        return number.longValue();
    }

    /** The default as a row would have it, with its union index; false when it has no such form. */
    private boolean appendDefault(int i, String literal, Optional<Object> value, ByteSink out) {
        if (valueBranches[i] >= 0) {
            out.put(valueBranches[i]);
        }
        if (actions[i] == DECIMAL) {
            byte[] text = literal.getBytes(StandardCharsets.UTF_8);
            try {
                AvroBytes.putDecimal(text, 0, text.length, scales[i], out);
                return true;
            } catch (NumberFormatException e) {
                return false;
            }
        }
        if (value.isEmpty()) {
            return false;
        }
        switch (value.get()) {
            case Long number -> AvroBytes.putLong(number, out);
            case Double number when actions[i] == FLOAT ->
                    AvroBytes.putFloat(number.floatValue(), out);
            case Double number -> AvroBytes.putDouble(number, out);
            case String text when actions[i] == BYTES || actions[i] == BITS ->
                    AvroBytes.putBytes(text.getBytes(StandardCharsets.ISO_8859_1), out);
            case String text -> AvroBytes.putString(text, out);
            default -> {
                return false;
            }
        }
        return true;
    }
}
