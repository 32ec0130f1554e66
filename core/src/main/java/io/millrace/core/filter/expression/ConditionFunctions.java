package io.millrace.core.filter.expression;

import static io.millrace.core.filter.expression.Functions.ofAll;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Functions that choose one of their arguments. */
final class ConditionFunctions {
    private ConditionFunctions() {}

    /** The call of a function; null when there is none of this name and so many arguments. */
    static @Nullable Node node(String name, List<Node> args) {
        int n = args.size();
        switch (name) {
            case "if" -> {
                if (n == 3) {
                    return row ->
                            Values.isTrue(args.get(0).eval(row))
                                    ? args.get(1).eval(row)
                                    : args.get(2).eval(row);
                }
            }
            case "ifnull", "nvl" -> {
                return n == 2 ? coalesce(args) : null;
            }
            case "coalesce" -> {
                return n > 0 ? coalesce(args) : null;
            }
            case "isnull" -> {
                if (n == 1) {
                    return row -> Values.bool(args.get(0).eval(row) == null);
                }
            }
            case "nullif" -> {
                if (n == 2) {
                    return row -> {
                        Object value = args.get(0).eval(row);
                        Integer order = Values.compare(value, args.get(1).eval(row));
                        return order != null && order == 0 ? null : value;
                    };
                }
            }
            case "greatest", "least" -> {
                int sign = name.equals("greatest") ? 1 : -1;
                return n < 2 ? null : ofAll(args, values -> extreme(values, sign));
            }
            default -> {}
        }
        return null;
    }

    private static Node coalesce(List<Node> args) {
        return row -> {
            for (Node arg : args) {
                Object value = arg.eval(row);
                if (value != null) {
                    return value instanceof Text text ? asOf(args, text, row) : value;
                }
            }
            return null;
        };
    }

    /** A literal in the place of a column is compared as the column is. */
    private static Text asOf(List<Node> args, Text text, Node.Cells row) {
        if (text.strength() > Text.COLUMN && !text.collation().binary()) {
            for (Node arg : args) {
                if (arg instanceof Node.ColumnCell cell && !row.collation(cell.slot()).binary()) {
                    Collation collation = row.collation(cell.slot());
                    return new Text(text.value(), collation, Text.COLUMN, text.number());
                }
            }
        }
        return text;
    }

    private static @Nullable Object extreme(List<Object> values, int sign) {
        Object best = values.get(0);
        for (Object value : values) {
            Integer order = Values.compare(value, best);
            if (order == null) {
                return null;
            }
            best = order * sign > 0 ? value : best;
        }
        return best;
    }
}
