package io.millrace.core.filter.expression;

import org.jspecify.annotations.Nullable;

/** A part of an expression. */
@FunctionalInterface
interface Node {
    /** Its value on a row: null, BigDecimal, Double, Text or Moment. */
    @Nullable Object eval(Cells row);

    /** A value that no row changes. */
    record Constant(@Nullable Object value) implements Node {
        @Override
        public @Nullable Object eval(Cells row) {
            return value;
        }
    }

    /**
     * The expression's n-th column.
     *
     * @param slot its number
     */
    record ColumnCell(int slot) implements Node {
        @Override
        public @Nullable Object eval(Cells row) {
            return row.column(slot);
        }
    }

    /** What an expression sees of a row. */
    interface Cells {
        /** The value of the expression's n-th column. */
        @Nullable Object column(int slot);

        /** How texts of the column are compared, whatever its value is. */
        Collation collation(int slot);
    }
}
