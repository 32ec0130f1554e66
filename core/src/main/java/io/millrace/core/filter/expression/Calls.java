package io.millrace.core.filter.expression;

import static io.millrace.core.filter.expression.Functions.of;

import java.math.BigDecimal;
import java.time.LocalDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads function calls, also those with words between their arguments. A function of NULL is NULL
 * where nothing else is said.
 */
final class Calls {
    /** Their value depends on when or where they are asked. */
    private static final Set<String> UNSTABLE =
            Set.of(
                    "now",
                    "sysdate",
                    "curdate",
                    "curtime",
                    "current_date",
                    "current_time",
                    "current_timestamp",
                    "localtime",
                    "localtimestamp",
                    "utc_date",
                    "utc_time",
                    "utc_timestamp",
                    "rand",
                    "uuid",
                    "uuid_short",
                    "user",
                    "current_user",
                    "session_user",
                    "system_user",
                    "database",
                    "schema",
                    "version",
                    "connection_id",
                    "last_insert_id",
                    "found_rows",
                    "row_count",
                    "sleep",
                    "get_lock",
                    "benchmark",
                    "load_file");

    private final Parser parser;

    Calls(Parser parser) {
        this.parser = parser;
    }

    /** Behind the opening parenthesis; reads up to and with the closing one. */
    Node call(String name, int place) {
        return switch (name) {
            case "cast" -> new Conversions(parser).cast();
            case "convert" -> new Conversions(parser).convert();
            case "substring", "substr", "mid" -> substring(place);
            case "trim" -> trim();
            case "position" -> position();
            case "extract" -> extract();
            case "date_add", "adddate", "date_sub", "subdate" -> dateAdd(name);
            case "timestampdiff" -> timestampDiff();
            case "timestampadd" -> timestampAdd();
            default -> plain(name, arguments(), place);
        };
    }

    private List<Node> arguments() {
        List<Node> arguments = new ArrayList<>();
        if (!parser.accept(")")) {
            do {
                arguments.add(parser.or());
            } while (parser.accept(","));
            parser.expect(")");
        }
        return arguments;
    }

    private Node plain(String name, List<Node> args, int place) {
        if (UNSTABLE.contains(name)) {
            throw parser.error(
                    place,
                    "the function "
                            + name
                            + " has another value at each time; a filter must decide alike after a"
                            + " restart");
        }
        int n = args.size();
        Node made = make(name, args);
        if (made == null) {
            throw parser.error(place, "there is no function " + name + " of " + n + " arguments");
        }
        return made;
    }

    private static @Nullable Node make(String name, List<Node> args) {
        Node made = ConditionFunctions.node(name, args);
        if (made == null) {
            made = NumberFunctions.node(name, args);
        }
        if (made == null) {
            made = TextFunctions.node(name, args);
        }
        return made == null ? TimeFunctions.node(name, args) : made;
    }

    private Node substring(int place) {
        Node text = parser.or();
        Node from;
        @Nullable Node length = null;
        if (parser.accept("from")) {
            from = parser.or();
            length = parser.accept("for") ? parser.or() : null;
            parser.expect(")");
        } else {
            parser.expect(",");
            List<Node> rest = arguments();
            if (rest.isEmpty() || rest.size() > 2) {
                throw parser.error(place, "a substring has two or three arguments");
            }
            from = rest.get(0);
            length = rest.size() == 2 ? rest.get(1) : null;
        }
        Node count = length;
        return row -> {
            Object value = text.eval(row);
            Object at = from.eval(row);
            Object many = count == null ? BigDecimal.valueOf(Functions.MAX_TEXT) : count.eval(row);
            if (value == null || at == null || many == null) {
                return null;
            }
            Text whole = Values.text(value);
            int all = whole.value().codePointCount(0, whole.value().length());
            int start = Values.index(at);
            int n = Values.index(many);
            start = start < 0 ? all + start : start - 1;
            if (start < 0 || start >= all || n <= 0) {
                return whole.with("");
            }
            return TextFunctions.cut(whole, start, (int) Math.min(all, (long) start + n));
        };
    }

    private Node trim() {
        boolean leading = true;
        boolean trailing = true;
        boolean sided = true;
        if (parser.accept("leading")) {
            trailing = false;
        } else if (parser.accept("trailing")) {
            leading = false;
        } else {
            sided = parser.accept("both");
        }
        Node what = new Node.Constant(Text.literal(" "));
        Node text;
        if (sided && parser.accept("from")) {
            text = parser.or();
        } else {
            text = parser.or();
            if (parser.accept("from")) {
                what = text;
                text = parser.or();
            }
        }
        parser.expect(")");
        boolean left = leading;
        boolean right = trailing;
        return of(
                text,
                what,
                (value, part) -> {
                    Text whole = Values.text(value);
                    return whole.with(
                            TextFunctions.trimmed(
                                    whole.value(), Values.text(part).value(), left, right));
                });
    }

    private Node position() {
        // The operand must not take the IN.
        Node part = parser.operandBeforeIn();
        parser.expect("in");
        Node text = parser.or();
        parser.expect(")");
        return of(part, text, (x, y) -> TextFunctions.find(x, y, 1));
    }

    private Node extract() {
        Interval.Unit unit = parser.unit();
        parser.expect("from");
        Node value = parser.or();
        parser.expect(")");
        String name = Lexer.key(unit.name());
        Node made = TimeFunctions.node(name, List.of(value));
        if (made == null) {
            throw parser.error(parser.place(), "EXTRACT does not know " + unit);
        }
        return made;
    }

    private Node dateAdd(String name) {
        Node date = parser.or();
        parser.expect(",");
        int sign = name.endsWith("sub") || name.startsWith("sub") ? -1 : 1;
        Interval interval =
                parser.peek().is("interval")
                        ? parser.interval()
                        : new Interval(parser.or(), Interval.Unit.DAY);
        parser.expect(")");
        return interval.addTo(date, sign);
    }

    private Node timestampAdd() {
        Interval.Unit unit = parser.unit();
        parser.expect(",");
        Node amount = parser.or();
        parser.expect(",");
        Node date = parser.or();
        parser.expect(")");
        return new Interval(amount, unit).addTo(date, 1);
    }

    private Node timestampDiff() {
        Interval.Unit unit = parser.unit();
        parser.expect(",");
        Node from = parser.or();
        parser.expect(",");
        Node to = parser.or();
        parser.expect(")");
        ChronoUnit java =
                switch (unit) {
                    case MICROSECOND -> ChronoUnit.MICROS;
                    case SECOND -> ChronoUnit.SECONDS;
                    case MINUTE -> ChronoUnit.MINUTES;
                    case HOUR -> ChronoUnit.HOURS;
                    case DAY -> ChronoUnit.DAYS;
                    case WEEK -> ChronoUnit.WEEKS;
                    case MONTH, QUARTER -> ChronoUnit.MONTHS;
                    case YEAR -> ChronoUnit.YEARS;
                };
        return of(
                from,
                to,
                (a, b) -> {
                    LocalDateTime x = TimeFunctions.calendar(a);
                    LocalDateTime y = TimeFunctions.calendar(b);
                    if (x == null || y == null) {
                        return null;
                    }
                    long between = java.between(x, y);
                    return BigDecimal.valueOf(
                            unit == Interval.Unit.QUARTER ? between / 3 : between);
                });
    }
}
