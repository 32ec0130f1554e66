package io.millrace.codec.types;

import io.millrace.codec.text.Cells;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One form for the values that differ only in how a decoder hands them out. */
final class Canonical {
    private Canonical() {}

    /** What a decoder should hand out for a value, in comparable form. */
    static @Nullable Object expected(Column column, @Nullable Object value) {
        if (value instanceof byte[] bytes && column.kind() == ColumnKind.VECTOR) {
            ByteSink text = new ByteSink(64);
            Cells.appendVector(bytes, 0, bytes.length, text);
            return text.toString();
        }
        return comparable(value);
    }

    /**
     * What a decoder did hand out: numbers as numbers of the column's type, also when they came as
     * text; decimals as text.
     */
    static @Nullable Object read(Column column, @Nullable Object decoded) {
        if (decoded == null) {
            return null;
        }
        return switch (column.kind().access()) {
            case LONG -> integer(decoded);
            case FLOAT ->
                    decoded instanceof Number number
                            ? (Object) number.floatValue()
                            : Float.valueOf(decoded.toString());
            case DOUBLE ->
                    decoded instanceof Number number
                            ? (Object) number.doubleValue()
                            : Double.valueOf(decoded.toString());
            case ASCII ->
                    decoded instanceof BigDecimal decimal
                            ? decimal.toPlainString()
                            : comparable(decoded);
            case TEXT, BYTES -> comparable(decoded);
        };
    }

    private static Object integer(Object decoded) {
        return switch (decoded) {
            case BigInteger big -> big;
            case Number number -> BigInteger.valueOf(number.longValue());
            case Boolean flag -> flag ? BigInteger.ONE : BigInteger.ZERO;
            default -> new BigInteger(decoded.toString());
        };
    }

    /** Arrays by content. */
    static @Nullable Object comparable(@Nullable Object value) {
        return value instanceof byte[] bytes ? "bytes " + HexFormat.of().formatHex(bytes) : value;
    }

    /** The number of an ENUM's name, or of a SET's names. */
    static BigInteger elementNumber(Column column, String text) {
        List<String> names = column.elements();
        if (column.kind() == ColumnKind.ENUM) {
            return BigInteger.valueOf(text.isEmpty() ? 0 : names.indexOf(text) + 1L);
        }
        BigInteger mask = BigInteger.ZERO;
        if (!text.isEmpty()) {
            for (String name : text.split(",", -1)) {
                mask = mask.setBit(names.indexOf(name));
            }
        }
        return mask;
    }
}
