package io.millrace.core.filter.expression;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import org.jspecify.annotations.Nullable;

/** What MySQL does with values of different types. */
final class Values {
    static final BigDecimal TRUE = BigDecimal.ONE;
    static final BigDecimal FALSE = BigDecimal.ZERO;

    private static final int MAX_SCALE = 30;
    private static final int DIVISION_SCALE = 4;

    /** A number's exponent in a text beyond which it is held as infinite or zero. */
    private static final int MAX_EXPONENT = 400;

    private Values() {}

    static BigDecimal bool(boolean value) {
        return value ? TRUE : FALSE;
    }

    /** Whether the value is true; null when it is NULL. */
    static @Nullable Boolean truth(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case BigDecimal number -> number.signum() != 0;
            case Double number -> number != 0;
            case Text text -> truth(number(text));
            case Moment moment -> !moment.isZero();
            default -> throw new IllegalStateException(value.toString());
        };
    }

    static boolean isTrue(@Nullable Object value) {
        Boolean truth = truth(value);
        return truth != null && truth;
    }

    /** A number: a BigDecimal or a Double. */
    static Object number(Object value) {
        return switch (value) {
            case Text text -> {
                BigDecimal known = text.number();
                yield known != null ? known : (Object) prefix(text.value()).doubleValue();
            }
            case Moment moment -> moment.number();
            default -> value;
        };
    }

    static double toDouble(Object value) {
        return value instanceof Double d ? d : ((BigDecimal) exact(value)).doubleValue();
    }

    /** A BigDecimal where there is an exact one, of texts too; else a Double. */
    private static Object exact(Object value) {
        return switch (value) {
            case Text text -> {
                BigDecimal known = text.number();
                yield known != null ? known : prefix(text.value());
            }
            case Moment moment -> moment.number();
            default -> value;
        };
    }

    /** The number that a text begins with, 0 when there is none. */
    static BigDecimal prefix(String text) {
        int at = 0;
        int n = text.length();
        while (at < n && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        int start = at;
        if (at < n && (text.charAt(at) == '-' || text.charAt(at) == '+')) {
            at++;
        }
        int digits = at;
        while (at < n && isDigit(text.charAt(at))) {
            at++;
        }
        int count = at - digits;
        if (at < n && text.charAt(at) == '.') {
            int dot = at++;
            while (at < n && isDigit(text.charAt(at))) {
                at++;
            }
            count += at - dot - 1;
        }
        if (count == 0) {
            return BigDecimal.ZERO;
        }
        int end = at;
        if (at < n && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
            int exponent = at + 1;
            if (exponent < n && (text.charAt(exponent) == '-' || text.charAt(exponent) == '+')) {
                exponent++;
            }
            int from = exponent;
            while (exponent < n && isDigit(text.charAt(exponent))) {
                exponent++;
            }
            if (exponent > from && exponent - from < 10) {
                if (Math.abs(Long.parseLong(text.substring(from, exponent))) > MAX_EXPONENT) {
                    return text.charAt(at + 1) == '-'
                            ? BigDecimal.ZERO
                            : BigDecimal.valueOf(Double.MAX_VALUE);
                }
                end = exponent;
            }
        }
        return new BigDecimal(text.substring(start, end));
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    static Text text(Object value) {
        return switch (value) {
            case Text text -> text;
            case BigDecimal number -> Text.ofNumber(number.toPlainString());
            case Double number -> Text.ofNumber(plain(number));
            default -> Text.ofNumber(value.toString());
        };
    }

    /** As MySQL prints: without a fraction where there is none, exponents only when far out. */
    private static String plain(double number) {
        if (Double.isNaN(number) || Double.isInfinite(number)) {
            return Double.toString(number);
        }
        BigDecimal exact = new BigDecimal(Double.toString(number)).stripTrailingZeros();
        int magnitude = exact.precision() - exact.scale();
        if (exact.signum() != 0 && (magnitude > 15 || magnitude < -14)) {
            String digits = exact.unscaledValue().abs().toString();
            return (exact.signum() < 0 ? "-" : "")
                    + digits.charAt(0)
                    + (digits.length() > 1 ? "." + digits.substring(1) : "")
                    + "e"
                    + (magnitude - 1);
        }
        return exact.toPlainString();
    }

    /** Null when one is NULL, or when the two cannot be compared. */
    static @Nullable Integer compare(@Nullable Object a, @Nullable Object b) {
        if (a == null || b == null) {
            return null;
        }
        if (a instanceof Text x && b instanceof Text y) {
            Collation collation = x.against(y);
            return collation.compare(x.in(collation), y.in(collation));
        }
        if (a instanceof Moment x) {
            return compareMoment(x, b);
        }
        if (b instanceof Moment y) {
            Integer reversed = compareMoment(y, a);
            return reversed == null ? null : -reversed;
        }
        Object x = exact(a);
        Object y = exact(b);
        if (x instanceof BigDecimal left && y instanceof BigDecimal right) {
            return left.compareTo(right);
        }
        return Double.compare(toDouble(x) + 0.0, toDouble(y) + 0.0);
    }

    private static @Nullable Integer compareMoment(Moment a, Object b) {
        Moment other =
                switch (b) {
                    case Moment moment -> moment;
                    case Text text -> moment(a.kind(), text.value());
                    case BigDecimal number when number.signum() == 0 ->
                            a.kind() == Moment.Kind.TIME ? Moment.time(0, 0) : Moment.date(0, 0, 0);
                    case BigDecimal number -> moment(a.kind(), number.toPlainString());
                    default -> null;
                };
        if (other != null) {
            return a.compare(other);
        }
        return b instanceof Text || b instanceof Moment
                ? null
                : (Integer) Double.compare(a.number().doubleValue(), toDouble(b));
    }

    private static @Nullable Moment moment(Moment.Kind kind, String text) {
        return kind == Moment.Kind.TIME ? Moment.parseTime(text) : Moment.parseDate(text);
    }

    /** A date or a date with time; null when the value is none. */
    static @Nullable Moment date(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case Moment moment -> moment.kind() == Moment.Kind.TIME ? null : moment;
            case Text text -> Moment.parseDate(text.value());
            case BigDecimal number -> Moment.parseDate(number.toPlainString());
            default -> Moment.parseDate(text(value).value());
        };
    }

    /** A time, or that of a date with time; null when the value is none. */
    static @Nullable Moment time(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case Moment moment -> moment.asTime();
            case Text text -> Moment.parseTime(text.value());
            default -> Moment.parseTime(text(value).value());
        };
    }

    /** {@code + - * /} and {@code DIV %}, as {@code d} and {@code %}. */
    static @Nullable Object arithmetic(char op, @Nullable Object a, @Nullable Object b) {
        if (a == null || b == null) {
            return null;
        }
        Object x = op == 'd' ? exact(a) : number(a);
        Object y = op == 'd' ? exact(b) : number(b);
        if (x instanceof BigDecimal left && y instanceof BigDecimal right) {
            return arithmetic(op, left, right);
        }
        double left = toDouble(x);
        double right = toDouble(y);
        return switch (op) {
            case '+' -> finite(left + right);
            case '-' -> finite(left - right);
            case '*' -> finite(left * right);
            case '/' -> right == 0 ? null : finite(left / right);
            case 'd' ->
                    right == 0
                            ? null
                            : BigDecimal.valueOf(left)
                                    .divideToIntegralValue(BigDecimal.valueOf(right))
                                    .setScale(0, RoundingMode.DOWN);
            default -> right == 0 ? null : (Object) (left % right);
        };
    }

    private static @Nullable Object finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    private static @Nullable Object arithmetic(char op, BigDecimal left, BigDecimal right) {
        return switch (op) {
            case '+' -> left.add(right);
            case '-' -> left.subtract(right);
            case '*' -> limited(left.multiply(right));
            case '/' ->
                    right.signum() == 0
                            ? null
                            : left.divide(
                                    right,
                                    Math.min(MAX_SCALE, Math.max(0, left.scale()) + DIVISION_SCALE),
                                    RoundingMode.HALF_UP);
            case 'd' ->
                    right.signum() == 0
                            ? null
                            : left.divideToIntegralValue(right).setScale(0, RoundingMode.DOWN);
            default -> right.signum() == 0 ? null : left.remainder(right);
        };
    }

    private static BigDecimal limited(BigDecimal value) {
        return value.scale() > MAX_SCALE ? value.setScale(MAX_SCALE, RoundingMode.HALF_UP) : value;
    }

    /** Rounded to an integer, of 64 bits. */
    static long bits(Object value) {
        Object number = exact(value);
        BigDecimal exact =
                number instanceof BigDecimal known ? known : new BigDecimal((Double) number);
        BigInteger integer = exact.setScale(0, RoundingMode.HALF_UP).toBigInteger();
        return integer.longValue();
    }

    static BigDecimal unsigned(long bits) {
        return new BigDecimal(Long.toUnsignedString(bits));
    }

    /** As an int, for lengths and places; values outside are cut to its range. */
    static int index(Object value) {
        double number = Math.rint(toDouble(value));
        return (int) Math.max(Integer.MIN_VALUE / 2, Math.min(Integer.MAX_VALUE / 2, number));
    }
}
