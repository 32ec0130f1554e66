package io.millrace.core.filter.expression;

import static io.millrace.core.filter.expression.Functions.of;
import static io.millrace.core.filter.expression.Functions.ofDouble;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Functions of numbers. */
final class NumberFunctions {
    private NumberFunctions() {}

    /** The call of a function; null when there is none of this name and so many arguments. */
    static @Nullable Node node(String name, List<Node> args) {
        int n = args.size();
        if (n == 1) {
            Node a = args.get(0);
            return switch (name) {
                case "abs" -> rounded(a, BigDecimal::abs, Math::abs);
                case "sign" ->
                        of(a, v -> BigDecimal.valueOf((long) Math.signum(Values.toDouble(v))));
                case "floor" -> rounded(a, v -> v.setScale(0, RoundingMode.FLOOR), Math::floor);
                case "ceil", "ceiling" ->
                        rounded(a, v -> v.setScale(0, RoundingMode.CEILING), Math::ceil);
                case "round" -> rounded(a, v -> v.setScale(0, RoundingMode.HALF_UP), Math::rint);
                case "sqrt" -> ofDouble(a, Math::sqrt);
                case "exp" -> ofDouble(a, Math::exp);
                case "ln", "log" -> ofDouble(a, Math::log);
                case "log2" -> ofDouble(a, v -> Math.log(v) / Math.log(2));
                case "log10" -> ofDouble(a, Math::log10);
                case "bit_count" -> of(a, v -> BigDecimal.valueOf(Long.bitCount(Values.bits(v))));
                default -> null;
            };
        }
        if (n != 2) {
            return null;
        }
        Node a = args.get(0);
        Node b = args.get(1);
        return switch (name) {
            case "mod" -> row -> Values.arithmetic('%', a.eval(row), b.eval(row));
            case "pow", "power" ->
                    of(
                            a,
                            b,
                            (x, y) -> {
                                double v = Math.pow(Values.toDouble(x), Values.toDouble(y));
                                return Double.isFinite(v) ? v : null;
                            });
            case "log" ->
                    of(
                            a,
                            b,
                            (x, y) -> {
                                double v =
                                        Math.log(Values.toDouble(y)) / Math.log(Values.toDouble(x));
                                return Double.isFinite(v) ? v : null;
                            });
            case "round" -> of(a, b, (x, y) -> scaled(x, Values.index(y), true));
            case "truncate" -> of(a, b, (x, y) -> scaled(x, Values.index(y), false));
            default -> null;
        };
    }

    private static Node rounded(
            Node a, Function<BigDecimal, BigDecimal> exact, Function<Double, Double> floating) {
        return of(
                a,
                value -> {
                    Object number = Values.number(value);
                    return number instanceof BigDecimal known
                            ? exact.apply(known)
                            : (Object) floating.apply((Double) number);
                });
    }

    private static Object scaled(Object value, int digits, boolean round) {
        int scale = Math.max(-65, Math.min(Functions.MAX_SCALE, digits));
        Object number = Values.number(value);
        if (number instanceof BigDecimal exact) {
            if (scale >= exact.scale()) {
                return exact;
            }
            return exact.setScale(scale, round ? RoundingMode.HALF_UP : RoundingMode.DOWN)
                    .setScale(Math.max(0, scale));
        }
        double floating = (Double) number;
        double factor = Math.pow(10, scale);
        double moved = floating * factor;
        return (round ? Math.rint(moved) : moved < 0 ? Math.ceil(moved) : Math.floor(moved))
                / factor;
    }
}
