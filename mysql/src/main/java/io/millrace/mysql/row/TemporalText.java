package io.millrace.mysql.row;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;

/**
 * Dates and times as text, digit by digit from the wire's bit fields. Wire forms: MySQL {@code
 * sql-common/my_time.cc}. Nothing is normalised: zero dates and dates such as 2024-02-31, which
 * ALLOW_INVALID_DATES lets in, come out as they are.
 */
final class TemporalText {
    private static final long SECONDS_PER_DAY = 86_400;
    private static final int DAYS_PER_400_YEARS = 146_097;

    /** Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar. */
    private static final int DAYS_TO_1970 = 719_468;

    private TemporalText() {}

    /** DATE and NEWDATE: 3 bytes little-endian, day 5 bits, month 4 bits, year 15 bits. */
    static void date(byte[] b, int at, ByteSink out) {
        int packed = WireBytes.u24(b, at);
        ymd(packed >> 9, packed >> 5 & 15, packed & 31, out);
    }

    /** TIME before MySQL 5.6.4: 3 bytes little-endian, signed decimal hhmmss. */
    static void oldTime(byte[] b, int at, ByteSink out) {
        int packed = WireBytes.i24(b, at);
        if (packed < 0) {
            out.put('-');
            packed = -packed;
        }
        hms(packed / 10_000, packed / 100 % 100, packed % 100, out);
    }

    /** DATETIME before MySQL 5.6.4: 8 bytes little-endian, decimal yyyymmddhhmmss. */
    static void oldDateTime(byte[] b, int at, ByteSink out) {
        long packed = WireBytes.i64(b, at);
        long day = Long.divideUnsigned(packed, 1_000_000);
        int time = (int) Long.remainderUnsigned(packed, 1_000_000);
        ymd((int) (day / 10_000 % 100_000), (int) (day / 100 % 100), (int) (day % 100), out);
        out.put(' ');
        hms(time / 10_000, time / 100 % 100, time % 100, out);
    }

    /**
     * TIME2: 3 bytes big-endian offset by 0x800000, then the fraction; a negative time is the
     * negated number as a whole, fraction included.
     */
    static void time2(byte[] b, int at, int fsp, ByteSink out) {
        long packed;
        long whole = WireBytes.u24Be(b, at) - 0x80_0000;
        switch (fsp + 1 >> 1) {
            case 0 -> packed = whole << 24;
            case 1 -> {
                int fraction = WireBytes.u8(b, at + 3);
                if (whole < 0 && fraction != 0) {
                    whole++;
                    fraction -= 0x100;
                }
                packed = (whole << 24) + fraction * 10_000L;
            }
            case 2 -> {
                int fraction = WireBytes.u16Be(b, at + 3);
                if (whole < 0 && fraction != 0) {
                    whole++;
                    fraction -= 0x1_0000;
                }
                packed = (whole << 24) + fraction * 100L;
            }
            default -> packed = WireBytes.u48Be(b, at) - 0x8000_0000_0000L;
        }
        packedTime(packed, fsp, out);
    }

    /** A time in the server's packed form: hours above bit 36, minutes, seconds, microseconds. */
    static void packedTime(long packed, int fsp, ByteSink out) {
        if (packed < 0) {
            out.put('-');
            packed = -packed;
        }
        int whole = (int) (packed >> 24);
        hms(whole >> 12 & 0x3FF, whole >> 6 & 63, whole & 63, out);
        fraction((int) (packed & 0xFF_FFFF), fsp, out);
    }

    /** DATETIME2: 5 bytes big-endian offset by 2^39, then the fraction. */
    static void dateTime2(byte[] b, int at, int fsp, ByteSink out) {
        packedWhole(WireBytes.u40Be(b, at) - 0x80_0000_0000L, out);
        fraction(micros(b, at + 5, fsp), fsp, out);
    }

    /** A date and time in the server's packed form, as in JSON. */
    static void packedDateTime(long packed, int fsp, ByteSink out) {
        packed = Math.abs(packed);
        packedWhole(packed >> 24, out);
        fraction((int) (packed & 0xFF_FFFF), fsp, out);
    }

    /** A date in the server's packed form, as in JSON. */
    static void packedDate(long packed, ByteSink out) {
        int day = (int) (Math.abs(packed) >> 24 + 17);
        int yearMonth = day >> 5;
        ymd(yearMonth / 13, yearMonth % 13, day & 31, out);
    }

    private static void packedWhole(long whole, ByteSink out) {
        int day = (int) (whole >> 17);
        int yearMonth = day >> 5;
        ymd(yearMonth / 13, yearMonth % 13, day & 31, out);
        out.put(' ');
        int time = (int) whole & 0x1_FFFF;
        hms(time >> 12, time >> 6 & 63, time & 63, out);
    }

    /** An instant as local date and time; second 0 is how the server stores the zero date. */
    static void timestamp(long epochSecond, int micros, int fsp, int offsetSeconds, ByteSink out) {
        if (epochSecond == 0) {
            ymd(0, 0, 0, out);
            out.put(' ');
            hms(0, 0, 0, out);
            fraction(0, fsp, out);
            return;
        }
        long local = epochSecond + offsetSeconds;
        long days = Math.floorDiv(local, SECONDS_PER_DAY);
        int second = (int) (local - days * SECONDS_PER_DAY);
        // Civil date from a day count: years begin in March, so that the leap day comes last.
        int shifted = (int) days + DAYS_TO_1970;
        int era = shifted / DAYS_PER_400_YEARS;
        int dayOfEra = shifted - era * DAYS_PER_400_YEARS;
        int yearOfEra =
                (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        int monthFromMarch = (5 * dayOfYear + 2) / 153;
        int day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1;
        int month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        int year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
        ymd(year, month, day, out);
        out.put(' ');
        hms(second / 3_600, second / 60 % 60, second % 60, out);
        fraction(micros, fsp, out);
    }

    /** Microseconds out of the 0 to 3 big-endian bytes that a fraction of {@code fsp} takes. */
    static int micros(byte[] b, int at, int fsp) {
        return switch (fsp + 1 >> 1) {
            case 0 -> 0;
            case 1 -> WireBytes.u8(b, at) * 10_000;
            case 2 -> WireBytes.u16Be(b, at) * 100;
            default -> WireBytes.u24Be(b, at);
        };
    }

    private static void ymd(int year, int month, int day, ByteSink out) {
        int at = out.length();
        byte[] array = out.ensure(10);
        array[at] = (byte) ('0' + year / 1000 % 10);
        array[at + 1] = (byte) ('0' + year / 100 % 10);
        array[at + 2] = (byte) ('0' + year / 10 % 10);
        array[at + 3] = (byte) ('0' + year % 10);
        array[at + 4] = '-';
        array[at + 5] = (byte) ('0' + month / 10);
        array[at + 6] = (byte) ('0' + month % 10);
        array[at + 7] = '-';
        array[at + 8] = (byte) ('0' + day / 10);
        array[at + 9] = (byte) ('0' + day % 10);
        out.length(at + 10);
    }

    private static void hms(int hour, int minute, int second, ByteSink out) {
        if (hour >= 100) {
            out.putLong(hour);
        } else {
            out.put('0' + hour / 10);
            out.put('0' + hour % 10);
        }
        int at = out.length();
        byte[] array = out.ensure(6);
        array[at] = ':';
        array[at + 1] = (byte) ('0' + minute / 10);
        array[at + 2] = (byte) ('0' + minute % 10);
        array[at + 3] = ':';
        array[at + 4] = (byte) ('0' + second / 10);
        array[at + 5] = (byte) ('0' + second % 10);
        out.length(at + 6);
    }

    private static void fraction(int micros, int fsp, ByteSink out) {
        if (fsp == 0) {
            return;
        }
        out.put('.');
        int at = out.length();
        out.putFixed(micros % 1_000_000, 6);
        out.length(at + fsp);
    }
}
