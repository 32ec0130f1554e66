package io.millrace.core.filter.expression;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A date, a date with time, or a time. Dates may have zero months and days, which the calendar does
 * not have.
 *
 * @param kind what it is
 * @param year 0..9999; of TIME 0
 * @param month 0..12
 * @param day 0..31
 * @param micros of the day; of TIME the whole value, with sign
 * @param scale digits of the fraction
 */
record Moment(Kind kind, int year, int month, int day, long micros, int scale) {
    enum Kind {
        DATE,
        DATETIME,
        TIME
    }

    private static final long SECOND = 1_000_000L;
    private static final long MINUTE = 60 * SECOND;
    private static final long HOUR = 60 * MINUTE;
    private static final long DAY = 24 * HOUR;

    private static final Pattern DATE_TIME =
            Pattern.compile(
                    "\\s*(\\d{1,4})[^\\d\\s](\\d{1,2})[^\\d\\s](\\d{1,2})"
                            + "(?:(?:T|\\s+)(\\d{1,2})(?:[^\\d\\s](\\d{1,2})"
                            + "(?:[^\\d\\s](\\d{1,2})(?:\\.(\\d*))?)?)?)?\\s*");
    private static final Pattern DIGITS =
            Pattern.compile("\\s*(\\d{6}|\\d{8}|\\d{12}|\\d{14})(?:\\.(\\d*))?\\s*");
    private static final Pattern TIME =
            Pattern.compile(
                    "\\s*(-)?(?:(\\d{1,2}) )?(\\d{1,3}):(\\d{1,2})(?::(\\d{1,2})(?:\\.(\\d*))?)?\\s*");
    private static final Pattern TIME_DIGITS =
            Pattern.compile("\\s*(-)?(\\d{1,7})(?:\\.(\\d*))?\\s*");

    static Moment date(int year, int month, int day) {
        return new Moment(Kind.DATE, year, month, day, 0, 0);
    }

    static Moment time(long micros, int scale) {
        return new Moment(Kind.TIME, 0, 0, 0, micros, scale);
    }

    static Moment of(LocalDateTime time, Kind kind, int scale) {
        return new Moment(
                kind,
                time.getYear(),
                time.getMonthValue(),
                time.getDayOfMonth(),
                kind == Kind.DATE ? 0 : time.toLocalTime().toNanoOfDay() / 1000,
                scale);
    }

    /** Reads a date, with or without time; null when it is none. */
    static @Nullable Moment parseDate(String text) {
        Matcher m = DATE_TIME.matcher(text);
        if (m.matches()) {
            int year = shortYear(m.group(1));
            boolean timed = m.group(4) != null;
            return checked(
                    timed ? Kind.DATETIME : Kind.DATE,
                    year,
                    number(m.group(2)),
                    number(m.group(3)),
                    number(m.group(4)),
                    number(m.group(5)),
                    number(m.group(6)),
                    m.group(7));
        }
        m = DIGITS.matcher(text);
        if (!m.matches()) {
            return null;
        }
        String digits = m.group(1);
        boolean longYear = digits.length() == 8 || digits.length() == 14;
        int at = longYear ? 4 : 2;
        boolean timed = digits.length() >= 12;
        return checked(
                timed ? Kind.DATETIME : Kind.DATE,
                shortYear(digits.substring(0, at)),
                number(digits.substring(at, at + 2)),
                number(digits.substring(at + 2, at + 4)),
                timed ? number(digits.substring(at + 4, at + 6)) : 0,
                timed ? number(digits.substring(at + 6, at + 8)) : 0,
                timed ? number(digits.substring(at + 8, at + 10)) : 0,
                m.group(2));
    }

    private static int shortYear(String digits) {
        int year = number(digits);
        return digits.length() > 2 ? year : year < 70 ? 2000 + year : 1900 + year;
    }

    private static int number(@Nullable String digits) {
        return digits == null ? 0 : Integer.parseInt(digits);
    }

    private static @Nullable Moment checked(
            Kind kind,
            int year,
            int month,
            int day,
            int hour,
            int minute,
            int second,
            @Nullable String fraction) {
        boolean date = month <= 12 && day <= daysOf(year, month);
        if (!date || hour > 23 || minute > 59 || second > 59) {
            return null;
        }
        long micros = hour * HOUR + minute * MINUTE + second * SECOND + micros(fraction);
        return new Moment(kind, year, month, day, micros, scale(fraction));
    }

    private static int daysOf(int year, int month) {
        return switch (month) {
            case 4, 6, 9, 11 -> 30;
            case 2 -> year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
            default -> 31;
        };
    }

    private static int scale(@Nullable String fraction) {
        return fraction == null ? 0 : Math.min(6, fraction.length());
    }

    private static long micros(@Nullable String fraction) {
        return fraction == null || fraction.isEmpty()
                ? 0
                : Long.parseLong((fraction + "000000").substring(0, 6));
    }

    /** Reads a time; of a date with time, its time; null when it is none. */
    static @Nullable Moment parseTime(String text) {
        Matcher m = TIME.matcher(text);
        if (m.matches()) {
            int minute = number(m.group(4));
            int second = number(m.group(5));
            if (minute > 59 || second > 59) {
                return null;
            }
            long hours = number(m.group(2)) * 24L + number(m.group(3));
            long micros = hours * HOUR + minute * MINUTE + second * SECOND + micros(m.group(6));
            return time(m.group(1) == null ? micros : -micros, scale(m.group(6)));
        }
        m = TIME_DIGITS.matcher(text);
        if (m.matches()) {
            int digits = number(m.group(2));
            int minute = digits / 100 % 100;
            int second = digits % 100;
            if (minute > 59 || second > 59) {
                return null;
            }
            long micros =
                    digits / 10_000 * HOUR + minute * MINUTE + second * SECOND + micros(m.group(3));
            return time(m.group(1) == null ? micros : -micros, scale(m.group(3)));
        }
        Moment date = parseDate(text);
        return date == null || date.kind != Kind.DATETIME ? null : date.asTime();
    }

    Moment asTime() {
        return kind == Kind.TIME ? this : time(micros, scale);
    }

    Moment asDate() {
        return new Moment(Kind.DATE, year, month, day, 0, 0);
    }

    Moment asDateTime() {
        return new Moment(Kind.DATETIME, year, month, day, micros, scale);
    }

    /** Null for a time, and for a date with a zero. */
    @Nullable LocalDateTime calendar() {
        if (kind == Kind.TIME || month == 0 || day == 0) {
            return null;
        }
        try {
            return LocalDateTime.of(year, month, day, 0, 0).plusNanos(micros * 1000);
        } catch (DateTimeException e) {
            return null;
        }
    }

    /** Dates and dates with time among each other, times among each other; else null. */
    @Nullable Integer compare(Moment other) {
        if ((kind == Kind.TIME) != (other.kind == Kind.TIME)) {
            return null;
        }
        return Long.compare(packed(), other.packed());
    }

    private long packed() {
        return ((year * 13L + month) * 32 + day) * DAY + micros;
    }

    boolean isZero() {
        return year == 0 && month == 0 && day == 0 && micros == 0;
    }

    int hour() {
        return (int) (Math.abs(micros) / HOUR);
    }

    int minute() {
        return (int) (Math.abs(micros) / MINUTE % 60);
    }

    int second() {
        return (int) (Math.abs(micros) / SECOND % 60);
    }

    int microsecond() {
        return (int) (Math.abs(micros) % SECOND);
    }

    /** As in arithmetic: {@code yyyyMMdd}, {@code yyyyMMddHHmmss}, {@code HHmmss}. */
    BigDecimal number() {
        long dateDigits = year * 10_000L + month * 100L + day;
        long timeDigits = hour() * 10_000L + minute() * 100L + second();
        long digits =
                switch (kind) {
                    case DATE -> dateDigits;
                    case DATETIME -> dateDigits * 1_000_000 + timeDigits;
                    case TIME -> timeDigits;
                };
        BigDecimal number = BigDecimal.valueOf(digits);
        if (scale > 0) {
            number =
                    number.add(BigDecimal.valueOf(microsecond(), 6))
                            .setScale(scale, java.math.RoundingMode.DOWN);
        }
        return micros < 0 ? number.negate() : number;
    }

    @Override
    public String toString() {
        String date = String.format("%04d-%02d-%02d", year, month, day);
        String time = String.format("%02d:%02d:%02d", hour(), minute(), second());
        if (scale > 0) {
            time += "." + String.format("%06d", microsecond()).substring(0, scale);
        }
        return switch (kind) {
            case DATE -> date;
            case DATETIME -> date + " " + time;
            case TIME -> (micros < 0 ? "-" : "") + time;
        };
    }
}
