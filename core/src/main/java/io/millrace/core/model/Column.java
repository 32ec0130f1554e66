package io.millrace.core.model;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One column of a table version.
 *
 * @param name in the upstream's spelling
 * @param kind type family
 * @param typeText the full SQL type, lower case, such as {@code decimal(10,2) unsigned}; best
 *     effort when only binlog metadata is known
 * @param unsigned of integers, floats and decimals
 * @param nullable whether NULL is allowed
 * @param length characters of CHAR/VARCHAR, bytes of BINARY/VARBINARY, bits of BIT, total digits of
 *     DECIMAL; 0 where it has no meaning
 * @param scale digits after the point of DECIMAL, fractional-second digits (0..6) of temporal
 *     types; else 0
 * @param charset MySQL character set name of text, ENUM and SET columns; {@code binary} otherwise
 * @param collation collation name, empty when unknown
 * @param elements of ENUM and SET, in order; else empty
 * @param generated whether and how the value is computed
 * @param invisible left out of {@code SELECT *}
 * @param defaultValue default as SQL text, when it is known and there is one
 */
public record Column(
        String name,
        ColumnKind kind,
        String typeText,
        boolean unsigned,
        boolean nullable,
        int length,
        int scale,
        String charset,
        String collation,
        List<String> elements,
        Generated generated,
        boolean invisible,
        Optional<String> defaultValue) {

    /** How a column's value comes about. */
    public enum Generated {
        NONE,
        VIRTUAL,
        STORED
    }

    public Column {
        Objects.requireNonNull(name);
        elements = List.copyOf(elements);
    }

    /** A plain nullable column, for tests and simple sources. */
    public static Column of(String name, ColumnKind kind) {
        boolean text = kind.access() == ColumnKind.Access.TEXT;
        return new Column(
                name,
                kind,
                kind.name().toLowerCase(java.util.Locale.ROOT),
                false,
                true,
                0,
                0,
                text ? "utf8mb4" : "binary",
                "",
                List.of(),
                Generated.NONE,
                false,
                Optional.empty());
    }
}
