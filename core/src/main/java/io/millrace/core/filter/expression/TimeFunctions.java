package io.millrace.core.filter.expression;

import static io.millrace.core.filter.expression.Functions.of;

import java.math.BigDecimal;
import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Functions of dates and times. */
final class TimeFunctions {
    private TimeFunctions() {}

    /** The call of a function; null when there is none of this name and so many arguments. */
    static @Nullable Node node(String name, List<Node> args) {
        int n = args.size();
        if (n == 2) {
            Node a = args.get(0);
            Node b = args.get(1);
            return switch (name) {
                case "datediff" -> of(a, b, TimeFunctions::dateDiff);
                case "date_format" -> of(a, b, TimeFunctions::dateFormat);
                default -> null;
            };
        }
        if (n != 1) {
            return null;
        }
        Node a = args.get(0);
        return switch (name) {
            case "date" -> ofDate(a, Moment::asDate);
            case "time" -> row -> Values.time(a.eval(row));
            case "timestamp" -> ofDate(a, Moment::asDateTime);
            case "year" -> ofDate(a, m -> BigDecimal.valueOf(m.year()));
            case "month" -> ofDate(a, m -> BigDecimal.valueOf(m.month()));
            case "quarter" -> ofDate(a, m -> BigDecimal.valueOf((m.month() + 2) / 3));
            case "day", "dayofmonth" -> ofDate(a, m -> BigDecimal.valueOf(m.day()));
            case "hour" -> ofTime(a, m -> BigDecimal.valueOf(m.hour()));
            case "minute" -> ofTime(a, m -> BigDecimal.valueOf(m.minute()));
            case "second" -> ofTime(a, m -> BigDecimal.valueOf(m.second()));
            case "microsecond" -> ofTime(a, m -> BigDecimal.valueOf(m.microsecond()));
            case "time_to_sec" -> ofTime(a, m -> BigDecimal.valueOf(m.micros() / 1_000_000));
            case "dayofweek" ->
                    ofCalendar(a, c -> BigDecimal.valueOf(c.getDayOfWeek().getValue() % 7 + 1));
            case "weekday" ->
                    ofCalendar(a, c -> BigDecimal.valueOf(c.getDayOfWeek().getValue() - 1));
            case "dayofyear" -> ofCalendar(a, c -> BigDecimal.valueOf(c.getDayOfYear()));
            case "to_days" ->
                    ofCalendar(a, c -> BigDecimal.valueOf(c.toLocalDate().toEpochDay() + 719_528));
            case "dayname" ->
                    ofCalendar(
                            a,
                            c ->
                                    Text.literal(
                                            c.getDayOfWeek()
                                                    .getDisplayName(
                                                            TextStyle.FULL, Locale.ENGLISH)));
            case "monthname" ->
                    ofCalendar(
                            a,
                            c ->
                                    Text.literal(
                                            c.getMonth()
                                                    .getDisplayName(
                                                            TextStyle.FULL, Locale.ENGLISH)));
            case "last_day" ->
                    ofCalendar(
                            a,
                            c ->
                                    Moment.of(
                                            c.withDayOfMonth(c.toLocalDate().lengthOfMonth()),
                                            Moment.Kind.DATE,
                                            0));
            default -> null;
        };
    }

    private static Node ofDate(Node a, Function<Moment, @Nullable Object> function) {
        return row -> {
            Moment date = Values.date(a.eval(row));
            return date == null ? null : function.apply(date);
        };
    }

    /** Of a date without time it is midnight. */
    private static Node ofTime(Node a, Function<Moment, @Nullable Object> function) {
        return row -> {
            Object value = a.eval(row);
            Moment time = Values.time(value);
            if (time == null && Values.date(value) != null) {
                time = Moment.time(0, 0);
            }
            return time == null ? null : function.apply(time);
        };
    }

    private static Node ofCalendar(Node a, Function<LocalDateTime, @Nullable Object> function) {
        return row -> {
            Moment date = Values.date(a.eval(row));
            LocalDateTime calendar = date == null ? null : date.calendar();
            return calendar == null ? null : function.apply(calendar);
        };
    }

    private static @Nullable Object dateDiff(Object a, Object b) {
        LocalDateTime x = calendar(a);
        LocalDateTime y = calendar(b);
        return x == null || y == null
                ? null
                : BigDecimal.valueOf(x.toLocalDate().toEpochDay() - y.toLocalDate().toEpochDay());
    }

    static @Nullable LocalDateTime calendar(Object value) {
        Moment date = Values.date(value);
        return date == null ? null : date.calendar();
    }

    private static @Nullable Object dateFormat(Object value, Object format) {
        Moment date = Values.date(value);
        if (date == null) {
            return null;
        }
        String pattern = Values.text(format).value();
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            if (c != '%' || i + 1 == pattern.length()) {
                out.append(c);
                continue;
            }
            char kind = pattern.charAt(++i);
            String part = formatted(date, kind);
            if (part == null) {
                return null;
            }
            out.append(part);
        }
        return Text.literal(out.toString());
    }

    private static @Nullable String formatted(Moment date, char kind) {
        LocalDateTime calendar = date.calendar();
        int twelve = (date.hour() + 11) % 12 + 1;
        return switch (kind) {
            case 'Y' -> two("%04d", date.year());
            case 'y' -> two("%02d", date.year() % 100);
            case 'm' -> two("%02d", date.month());
            case 'c' -> Integer.toString(date.month());
            case 'd' -> two("%02d", date.day());
            case 'e' -> Integer.toString(date.day());
            case 'H' -> two("%02d", date.hour());
            case 'k' -> Integer.toString(date.hour());
            case 'h', 'I' -> two("%02d", twelve);
            case 'l' -> Integer.toString(twelve);
            case 'i' -> two("%02d", date.minute());
            case 's', 'S' -> two("%02d", date.second());
            case 'f' -> two("%06d", date.microsecond());
            case 'p' -> date.hour() < 12 ? "AM" : "PM";
            case 'T' -> String.format("%02d:%02d:%02d", date.hour(), date.minute(), date.second());
            case 'j' -> calendar == null ? null : two("%03d", calendar.getDayOfYear());
            case 'w' ->
                    calendar == null
                            ? null
                            : Integer.toString(calendar.getDayOfWeek().getValue() % 7);
            case 'a' -> calendar == null ? null : name(calendar, TextStyle.SHORT, true);
            case 'W' -> calendar == null ? null : name(calendar, TextStyle.FULL, true);
            case 'b' -> calendar == null ? null : name(calendar, TextStyle.SHORT, false);
            case 'M' -> calendar == null ? null : name(calendar, TextStyle.FULL, false);
            default -> Character.toString(kind);
        };
    }

    private static String two(String format, int value) {
        return String.format(format, value);
    }

    private static String name(LocalDateTime date, TextStyle style, boolean day) {
        return day
                ? date.getDayOfWeek().getDisplayName(style, Locale.ENGLISH)
                : date.getMonth().getDisplayName(style, Locale.ENGLISH);
    }
}
