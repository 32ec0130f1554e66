package io.millrace.codec.text;

import io.millrace.core.bytes.ByteSink;

/**
 * Reads the texts of dates and times into numbers, without objects. Holds the fields of the text
 * read last, so it belongs to one thread.
 */
public final class Instants {
    private static final int SECONDS_PER_DAY = 86_400;
    private static final int MICROS = 6;
    private static final byte[] EPOCH = ascii("1970-01-01T00:00:00Z");

    private int year;
    private int month;
    private int day;

    /** Microseconds of the day. */
    private long time;

    /** Where the fraction's digits begin, and how many there are. */
    private int fraction;

    private int fractionDigits;

    /**
     * Reads {@code yyyy-MM-dd}, with {@code HH:mm:ss[.ffffff]} or without.
     *
     * @return false when there is no such day, as in {@code 0000-00-00}
     */
    public boolean read(ByteSink text) {
        byte[] in = text.array();
        readDay(in);
        time = 0;
        fractionDigits = 0;
        if (text.length() > 10) {
            time = timeOfDay(in, 11, text.length());
        }
        return month >= 1 && month <= 12 && day >= 1 && day <= daysOfMonth();
    }

    /**
     * As {@link #read}, but years 0 to 69 become 2000 to 2069, years 70 to 99 1970 to 1999.
     *
     * @return false when there is no such day, as in {@code 0000-00-00}
     */
    public boolean readShortYears(ByteSink text) {
        if (!read(text)) {
            return false;
        }
        if (year < 70) {
            year += 2000;
        } else if (year < 100) {
            year += 1900;
        }
        return true;
    }

    private void readDay(byte[] in) {
        year = digits(in, 0, 4);
        month = digits(in, 5, 2);
        day = digits(in, 8, 2);
    }

    private static int digits(byte[] in, int from, int count) {
        int value = 0;
        for (int i = from; i < from + count; i++) {
            value = value * 10 + in[i] - '0';
        }
        return value;
    }

    /** Microseconds of {@code h…h:mm:ss[.f…f]}. */
    private long timeOfDay(byte[] in, int from, int end) {
        int at = from;
        long hours = 0;
        while (in[at] != ':') {
            hours = hours * 10 + in[at++] - '0';
        }
        long seconds = (hours * 60 + digits(in, at + 1, 2)) * 60 + digits(in, at + 4, 2);
        at += 6;
        fractionDigits = 0;
        long micros = 0;
        if (at < end) {
            fraction = at + 1;
            fractionDigits = end - fraction;
            micros = digits(in, fraction, fractionDigits);
            for (int i = fractionDigits; i < MICROS; i++) {
                micros *= 10;
            }
        }
        return seconds * 1_000_000 + micros;
    }

    private int daysOfMonth() {
        return switch (month) {
            case 2 -> year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
            case 4, 6, 9, 11 -> 30;
            default -> 31;
        };
    }

    /** Days since 1970-01-01 of the date read last. */
    public long epochDay() {
        // Years begin with March here, so that the leap day is the last of its year.
        int shifted = month > 2 ? year : year - 1;
        long century = Math.floorDiv(shifted, 100);
        long dayOfYear = (153L * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        return 365L * shifted
                + Math.floorDiv(shifted, 4)
                - century
                + Math.floorDiv(century, 4)
                + dayOfYear
                - 719_468;
    }

    /** Microseconds since 1970 of the text read last, taken for UTC. */
    public long epochMicros() {
        return epochDay() * SECONDS_PER_DAY * 1_000_000 + time;
    }

    /** Microseconds of {@code [-]h…h:mm:ss[.f…f]}. */
    public long duration(ByteSink text) {
        byte[] in = text.array();
        boolean negative = in[0] == '-';
        long micros = timeOfDay(in, negative ? 1 : 0, text.length());
        return negative ? -micros : micros;
    }

    /**
     * Appends a date and time that is in UTC as ISO 8601 has it, such as {@code
     * 2023-02-27T15:46:52.888Z}; what is no date, or not later than the epoch, as the epoch.
     *
     * @param digits of the fraction
     */
    public void appendUtc(ByteSink text, int digits, ByteSink out) {
        if (!readShortYears(text)) {
            out.put(EPOCH);
            return;
        }
        long utc = Math.floorDiv(epochMicros(), 1_000_000);
        if (utc < 1) {
            out.put(EPOCH);
            return;
        }
        appendDay(Math.floorDiv(utc, SECONDS_PER_DAY), out);
        int second = (int) Math.floorMod(utc, (long) SECONDS_PER_DAY);
        out.put('T');
        out.putFixed(second / 3600, 2);
        out.put(':');
        out.putFixed(second / 60 % 60, 2);
        out.put(':');
        out.putFixed(second % 60, 2);
        if (digits > 0) {
            out.put('.');
            for (int i = 0; i < digits; i++) {
                out.put(i < fractionDigits ? text.array()[fraction + i] : '0');
            }
        }
        out.put('Z');
    }

    /** The inverse of {@link #epochDay}, as {@code yyyy-MM-dd}. */
    private static void appendDay(long epochDay, ByteSink out) {
        long days = epochDay + 719_468; // since 0000-03-01
        long cycle = Math.floorDiv(days, 146_097);
        long inCycle = days - cycle * 146_097;
        long yearOfCycle = (inCycle - inCycle / 1_460 + inCycle / 36_524 - inCycle / 146_096) / 365;
        long inYear = inCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100);
        long fromMarch = (5 * inYear + 2) / 153;
        long month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
        out.putFixed(cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0), 4);
        out.put('-');
        out.putFixed(month, 2);
        out.put('-');
        out.putFixed(inYear - (153 * fromMarch + 2) / 5 + 1, 2);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    }
}
