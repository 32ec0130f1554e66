package io.millrace.core.filter.expression;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Makes nodes of functions of values; of NULL they are NULL, without being asked. */
final class Functions {
    /** Longest text that a function makes, in characters. */
    static final int MAX_TEXT = 1 << 20;

    /** Most digits behind the point. */
    static final int MAX_SCALE = 30;

    private Functions() {}

    static Node of(Node a, Function<Object, @Nullable Object> function) {
        return row -> {
            Object value = a.eval(row);
            return value == null ? null : function.apply(value);
        };
    }

    static Node of(Node a, Node b, BiFunction<Object, Object, @Nullable Object> function) {
        return row -> {
            Object x = a.eval(row);
            Object y = b.eval(row);
            return x == null || y == null ? null : function.apply(x, y);
        };
    }

    /** A function of values none of which may be NULL. */
    static Node ofAll(List<Node> args, Function<List<Object>, @Nullable Object> function) {
        return row -> {
            List<Object> values = new ArrayList<>(args.size());
            for (Node arg : args) {
                Object value = arg.eval(row);
                if (value == null) {
                    return null;
                }
                values.add(value);
            }
            return function.apply(values);
        };
    }

    static Node ofText(Node a, Function<String, String> function) {
        return of(
                a,
                value -> {
                    Text text = Values.text(value);
                    return text.with(function.apply(text.value()));
                });
    }

    static Node toInt(Node a, Function<Text, Integer> function) {
        return of(a, value -> BigDecimal.valueOf(function.apply(Values.text(value))));
    }

    static Node ofDouble(Node a, Function<Double, Double> function) {
        return of(
                a,
                value -> {
                    double result = function.apply(Values.toDouble(value));
                    return Double.isFinite(result) ? result : null;
                });
    }

    static @Nullable Text limited(Text model, String text) {
        return text.length() > MAX_TEXT ? null : model.with(text);
    }
}
