package io.millrace.core.filter.expression;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** {@code INTERVAL amount unit}. */
record Interval(Node amount, Unit unit) {
    enum Unit {
        MICROSECOND,
        SECOND,
        MINUTE,
        HOUR,
        DAY,
        WEEK,
        MONTH,
        QUARTER,
        YEAR;

        static @Nullable Unit of(String word) {
            String upper = word.toUpperCase(Locale.ROOT);
            for (Unit unit : values()) {
                if (unit.name().equals(upper)) {
                    return unit;
                }
            }
            return null;
        }

        boolean ofDays() {
            return compareTo(DAY) >= 0;
        }
    }

    /** A date with the interval added, or taken away when the sign is negative. */
    Node addTo(Node date, int sign) {
        return row -> {
            Moment moment = Values.date(date.eval(row));
            Object by = amount.eval(row);
            LocalDateTime from = moment == null ? null : moment.calendar();
            if (moment == null || from == null || by == null) {
                return null;
            }
            double exact = Values.toDouble(by) * sign;
            if (Math.abs(exact) > 1e12) {
                return null;
            }
            long whole = Math.round(exact);
            int scale = moment.scale();
            LocalDateTime to;
            try {
                to =
                        switch (unit) {
                            case MICROSECOND -> from.plusNanos(Math.multiplyExact(whole, 1000L));
                            case SECOND -> from.plusNanos(Math.round(exact * 1e6) * 1000);
                            case MINUTE -> from.plusMinutes(whole);
                            case HOUR -> from.plusHours(whole);
                            case DAY -> from.plusDays(whole);
                            case WEEK -> from.plusWeeks(whole);
                            case MONTH -> from.plusMonths(whole);
                            case QUARTER -> from.plusMonths(whole * 3);
                            case YEAR -> from.plusYears(whole);
                        };
            } catch (DateTimeException | ArithmeticException e) {
                return null;
            }
            if (to.getYear() < 0 || to.getYear() > 9999) {
                return null;
            }
            boolean date0 = moment.kind() == Moment.Kind.DATE && unit.ofDays();
            if (unit == Unit.MICROSECOND || exact != whole && unit == Unit.SECOND) {
                scale = 6;
            }
            return Moment.of(to, date0 ? Moment.Kind.DATE : Moment.Kind.DATETIME, scale);
        };
    }
}
