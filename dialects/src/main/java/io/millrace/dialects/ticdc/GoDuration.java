package io.millrace.dialects.ticdc;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads durations in Go's notation, such as {@code 1h30m}, {@code 500ms} or {@code 1.5s}. Grammar:
 * the documentation of Go's {@code time.ParseDuration}.
 */
final class GoDuration {
    private static final Pattern WHOLE =
            Pattern.compile("[+-]?(0|((\\d+(\\.\\d*)?|\\.\\d+)(ns|us|µs|μs|ms|s|m|h))+)");
    private static final Pattern PART =
            Pattern.compile("(\\d+(?:\\.\\d*)?|\\.\\d+)(ns|us|µs|μs|ms|s|m|h)");
    private static final Map<String, Long> NANOS =
            Map.of(
                    "ns", 1L,
                    "us", 1_000L,
                    "µs", 1_000L,
                    "μs", 1_000L,
                    "ms", 1_000_000L,
                    "s", 1_000_000_000L,
                    "m", 60_000_000_000L,
                    "h", 3_600_000_000_000L);

    private GoDuration() {}

    /** Nanoseconds; empty when the text is not a duration or does not fit 64 bits. */
    static Optional<Long> parse(String text) {
        if (!WHOLE.matcher(text).matches()) {
            return Optional.empty();
        }
        BigInteger sum = BigInteger.ZERO;
        Matcher part = PART.matcher(text);
        while (part.find()) {
            String number = part.group(1);
            BigDecimal amount = new BigDecimal(number.endsWith(".") ? number + "0" : number);
            Long unit = NANOS.get(part.group(2));
            if (unit == null) {
                return Optional.empty();
            }
            sum = sum.add(amount.multiply(BigDecimal.valueOf(unit)).toBigInteger());
        }
        if (text.startsWith("-")) {
            sum = sum.negate();
        }
        return sum.bitLength() < Long.SIZE ? Optional.of(sum.longValue()) : Optional.empty();
    }
}
