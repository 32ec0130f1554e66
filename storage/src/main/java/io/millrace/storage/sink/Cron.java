package io.millrace.storage.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.time.DateTimeException;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Times by six fields: second, minute, hour, day of month, month, day of week (0 or 7 is Sunday). A
 * field is {@code *} or {@code ?}, a number, {@code a-b}, either with {@code /step}, or several
 * with commas; months and days of the week have names too ({@code JAN}, {@code mon}). When both
 * days are restricted, either one will do. {@code @daily} and its like stand for whole expressions.
 */
record Cron(
        BitSet seconds,
        BitSet minutes,
        BitSet hours,
        BitSet days,
        BitSet months,
        BitSet weekdays,
        boolean anyDay,
        boolean anyWeekday) {
    private static final int FIELDS = 6;
    private static final int MAX_YEARS = 8;
    private static final List<String> MONTHS =
            List.of(
                    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov",
                    "dec");
    private static final List<String> WEEKDAYS =
            List.of("sun", "mon", "tue", "wed", "thu", "fri", "sat");
    private static final Map<String, String> WORDS =
            Map.of(
                    "@yearly", "0 0 0 1 1 *",
                    "@annually", "0 0 0 1 1 *",
                    "@monthly", "0 0 0 1 * *",
                    "@weekly", "0 0 0 * * 0",
                    "@daily", "0 0 0 * * *",
                    "@midnight", "0 0 0 * * *",
                    "@hourly", "0 0 * * * *");

    /**
     * Reads an expression.
     *
     * @throws MillraceException STORAGE_INVALID_CONFIG that shows it
     */
    static Cron parse(String text) {
        String whole = text.trim();
        String[] fields = WORDS.getOrDefault(whole.toLowerCase(Locale.ROOT), whole).split("\\s+");
        try {
            if (fields.length != FIELDS) {
                throw new IllegalArgumentException(fields.length + " fields instead of " + FIELDS);
            }
            BitSet weekdays = field(fields[5], 0, 7, WEEKDAYS);
            if (weekdays.get(7)) {
                weekdays.set(0);
            }
            return new Cron(
                    field(fields[0], 0, 59, List.of()),
                    field(fields[1], 0, 59, List.of()),
                    field(fields[2], 0, 23, List.of()),
                    field(fields[3], 1, 31, List.of()),
                    field(fields[4], 1, 12, MONTHS),
                    weekdays,
                    isAny(fields[3]),
                    isAny(fields[5]));
        } catch (IllegalArgumentException e) {
            throw new MillraceException(
                    ErrorCode.STORAGE_INVALID_CONFIG,
                    "file-cleanup-cron-spec '"
                            + text
                            + "' is no cron expression of six fields, seconds first: "
                            + e.getMessage(),
                    e);
        }
    }

    private static boolean isAny(String field) {
        return field.startsWith("*") || field.startsWith("?");
    }

    /**
     * @param names of the numbers from {@code least} on
     */
    private static BitSet field(String text, int least, int most, List<String> names) {
        BitSet set = new BitSet(most + 1);
        for (String part : text.split(",", -1)) {
            int slash = part.indexOf('/');
            int step = slash < 0 ? 1 : Integer.parseInt(part.substring(slash + 1));
            String range = slash < 0 ? part : part.substring(0, slash);
            int from = least;
            int to = most;
            if (!range.equals("*") && !range.equals("?")) {
                int dash = range.indexOf('-');
                from = number(dash < 0 ? range : range.substring(0, dash), least, names);
                to =
                        dash >= 0
                                ? number(range.substring(dash + 1), least, names)
                                : slash < 0 ? from : most;
            }
            if (from < least || to > most || from > to || step < 1) {
                throw new IllegalArgumentException(
                        "'" + part + "' is not within " + least + ".." + most);
            }
            for (int i = from; i <= to; i += step) {
                set.set(i);
            }
        }
        return set;
    }

    private static int number(String text, int least, List<String> names) {
        int name = names.indexOf(text.toLowerCase(Locale.ROOT));
        return name >= 0 ? least + name : Integer.parseInt(text);
    }

    /** The first time after the given one; empty when none comes within eight years. */
    Optional<ZonedDateTime> next(ZonedDateTime after) {
        ZonedDateTime at = after.truncatedTo(ChronoUnit.SECONDS).plusSeconds(1);
        ZonedDateTime end = after.plusYears(MAX_YEARS);
        while (at.isBefore(end)) {
            if (!months.get(at.getMonthValue())) {
                at = at.truncatedTo(ChronoUnit.DAYS).withDayOfMonth(1).plusMonths(1);
            } else if (!isDay(at)) {
                at = at.truncatedTo(ChronoUnit.DAYS).plusDays(1);
            } else if (!hours.get(at.getHour())) {
                at = at.truncatedTo(ChronoUnit.HOURS).plusHours(1);
            } else if (!minutes.get(at.getMinute())) {
                at = at.truncatedTo(ChronoUnit.MINUTES).plusMinutes(1);
            } else if (!seconds.get(at.getSecond())) {
                at = at.plusSeconds(1);
            } else {
                return Optional.of(at);
            }
        }
        return Optional.empty();
    }

    private boolean isDay(ZonedDateTime at) throws DateTimeException {
        boolean day = days.get(at.getDayOfMonth());
        boolean weekday = weekdays.get(at.getDayOfWeek().getValue() % 7);
        return anyDay || anyWeekday ? day && weekday : day || weekday;
    }
}
