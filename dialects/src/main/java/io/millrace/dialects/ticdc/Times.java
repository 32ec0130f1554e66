package io.millrace.dialects.ticdc;

import io.millrace.core.model.Tso;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Locale;

/** TiCDC's two ways to write a time. */
final class Times {
    private static final DateTimeFormatter LOCAL =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS", Locale.ROOT);
    private static final DateTimeFormatter RFC3339 =
            new DateTimeFormatterBuilder()
                    .appendPattern("yyyy-MM-dd'T'HH:mm:ss")
                    .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
                    .appendOffset("+HH:MM", "Z")
                    .toFormatter(Locale.ROOT);

    /** What an unknown checkpoint time looks like. */
    static final String ZERO = "0001-01-01 00:00:00.000";

    private Times() {}

    /** A TSO's time in the server's zone, to the millisecond; 0 is {@link #ZERO}. */
    static String local(long tso, ZoneId zone) {
        if (tso == 0) {
            return ZERO;
        }
        return local(Instant.ofEpochMilli(Tso.physicalMs(tso)), zone);
    }

    /** A time in the server's zone, to the millisecond. */
    static String local(Instant time, ZoneId zone) {
        return LOCAL.format(time.atZone(zone));
    }

    /** RFC 3339 with the zone's offset and as many fraction digits as needed. */
    static String rfc3339(Instant time, ZoneId zone) {
        return RFC3339.format(time.atZone(zone));
    }
}
