package io.millrace.storage.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.time.DateTimeException;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.BitSet;
import java.util.Optional;

/**
 * Times by six fields: second, minute, hour, day of month, month, day of week (0 or 7 is Sunday). A
 * field is {@code *}, a number, {@code a-b}, either with {@code /step}, or several with commas.
 * When both days are restricted, either one will do.
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

    /**
     * Reads an expression.
     *
     * @throws MillraceException STORAGE_INVALID_CONFIG that shows it
     */
    static Cron parse(String text) {
        String[] fields = text.trim().split("\\s+");
        try {
            if (fields.length != FIELDS) {
                throw new IllegalArgumentException(fields.length + " fields instead of " + FIELDS);
            }
            BitSet weekdays = field(fields[5], 0, 7);
            if (weekdays.get(7)) {
                weekdays.set(0);
            }
            return new Cron(
                    field(fields[0], 0, 59),
                    field(fields[1], 0, 59),
                    field(fields[2], 0, 23),
                    field(fields[3], 1, 31),
                    field(fields[4], 1, 12),
                    weekdays,
                    fields[3].startsWith("*"),
                    fields[5].startsWith("*"));
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

    private static BitSet field(String text, int least, int most) {
        BitSet set = new BitSet(most + 1);
        for (String part : text.split(",", -1)) {
            int slash = part.indexOf('/');
            int step = slash < 0 ? 1 : Integer.parseInt(part.substring(slash + 1));
            String range = slash < 0 ? part : part.substring(0, slash);
            int from = least;
            int to = most;
            if (!range.equals("*")) {
                int dash = range.indexOf('-');
                from = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
                to =
                        dash >= 0
                                ? Integer.parseInt(range.substring(dash + 1))
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
