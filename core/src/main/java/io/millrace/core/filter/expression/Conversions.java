package io.millrace.core.filter.expression;

import static io.millrace.core.filter.expression.Functions.of;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;

/** {@code CAST} and {@code CONVERT}, behind their opening parenthesis. */
final class Conversions {
    private final Parser parser;

    Conversions(Parser parser) {
        this.parser = parser;
    }

    Node convert() {
        Node value = parser.or();
        if (parser.accept("using")) {
            parser.skipName();
            parser.expect(")");
            return of(value, Values::text);
        }
        parser.expect(",");
        return type(value);
    }

    Node cast() {
        Node value = parser.or();
        parser.expect("as");
        return type(value);
    }

    private Node type(Node value) {
        int place = parser.place();
        String type = Lexer.key(parser.peek().text());
        parser.skipName();
        List<Integer> sizes = sizes();
        while (parser.accept("integer") || parser.accept("int")) {
            continue;
        }
        if (parser.accept("character")) {
            parser.expect("set");
            parser.skipName();
        }
        parser.expect(")");
        Node cast =
                switch (type) {
                    case "signed", "unsigned" ->
                            of(value, v -> integer(v, type.equals("unsigned")));
                    case "char", "nchar" ->
                            of(
                                    value,
                                    v -> {
                                        Text text = Values.text(v);
                                        return sizes.isEmpty()
                                                ? text
                                                : TextFunctions.cut(text, 0, sizes.get(0));
                                    });
                    case "binary" -> Parser.collated(value, Collation.BINARY);
                    case "decimal" ->
                            of(value, v -> decimal(v, sizes.size() > 1 ? sizes.get(1) : 0));
                    case "double", "float", "real" -> of(value, v -> (Object) Values.toDouble(v));
                    case "date" ->
                            of(
                                    value,
                                    v -> {
                                        Moment date = Values.date(v);
                                        return date == null ? null : date.asDate();
                                    });
                    case "datetime" ->
                            of(
                                    value,
                                    v -> {
                                        Moment date = Values.date(v);
                                        return date == null
                                                ? null
                                                : fraction(date.asDateTime(), sizes);
                                    });
                    case "time" ->
                            of(
                                    value,
                                    v -> {
                                        Moment time = Values.time(v);
                                        return time == null ? null : fraction(time, sizes);
                                    });
                    default -> null;
                };
        if (cast == null) {
            throw parser.error(place, "cannot convert to " + type);
        }
        return cast;
    }

    private List<Integer> sizes() {
        List<Integer> sizes = new ArrayList<>();
        if (parser.accept("(")) {
            do {
                int place = parser.place();
                if (!(parser.constant(parser.or()) instanceof BigDecimal size)
                        || size.signum() < 0
                        || size.compareTo(BigDecimal.valueOf(Functions.MAX_TEXT)) > 0) {
                    throw parser.error(place, "a size must be here");
                }
                sizes.add(size.intValue());
            } while (parser.accept(","));
            parser.expect(")");
        }
        return sizes;
    }

    /** Fractions of seconds are rounded away, but for as many digits as the type has. */
    private static Moment fraction(Moment moment, List<Integer> sizes) {
        int digits = sizes.isEmpty() ? 0 : Math.min(6, sizes.get(0));
        long unit = (long) Math.pow(10, 6 - digits);
        long micros = Math.floorDiv(moment.micros() + unit / 2, unit) * unit;
        LocalDateTime calendar = moment.calendar();
        if (calendar != null) {
            long more = (micros - moment.micros()) * 1000;
            return Moment.of(calendar.plusNanos(more), moment.kind(), digits);
        }
        return new Moment(
                moment.kind(), moment.year(), moment.month(), moment.day(), micros, digits);
    }

    private static BigDecimal integer(Object value, boolean unsigned) {
        BigInteger whole;
        if (value instanceof Text text && text.number() == null) {
            whole = Values.prefix(text.value()).setScale(0, RoundingMode.DOWN).toBigInteger();
        } else {
            Object number = Values.number(value);
            BigDecimal exact =
                    number instanceof BigDecimal known ? known : new BigDecimal((Double) number);
            whole = exact.setScale(0, RoundingMode.HALF_UP).toBigInteger();
        }
        BigInteger high =
                unsigned
                        ? BigInteger.TWO.pow(Long.SIZE).subtract(BigInteger.ONE)
                        : whole.compareTo(BigInteger.valueOf(Long.MAX_VALUE)) > 0
                                        && value instanceof BigDecimal
                                ? whole
                                : BigInteger.valueOf(Long.MAX_VALUE);
        BigInteger cut = whole.min(high).max(BigInteger.valueOf(Long.MIN_VALUE));
        return unsigned ? Values.unsigned(cut.longValue()) : BigDecimal.valueOf(cut.longValue());
    }

    private static BigDecimal decimal(Object value, int scale) {
        Object number = Values.number(value);
        BigDecimal exact =
                value instanceof Text text && text.number() == null
                        ? Values.prefix(text.value())
                        : number instanceof BigDecimal known
                                ? known
                                : BigDecimal.valueOf((Double) number);
        return exact.setScale(Math.min(Functions.MAX_SCALE, scale), RoundingMode.HALF_UP);
    }
}
