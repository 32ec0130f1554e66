package io.millrace.dialects.ticdc;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
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

    /** Longer texts are no durations: their numbers would take minutes to convert. */
    private static final int MAX_TEXT = 200;

    /** 64 bits have at most 19 digits. */
    private static final int MAX_DIGITS = 19;

    private GoDuration() {}

    /**
     * A JSON number as whole nanoseconds; empty when it does not fit 64 bits, found out before it
     * is written out: {@code 1e999999999} is a short text.
     */
    static OptionalLong nanos(String number) {
        if (number.length() > MAX_TEXT) {
            return OptionalLong.empty();
        }
        BigDecimal value = new BigDecimal(number);
        long wholeDigits = value.signum() == 0 ? 0 : (long) value.precision() - value.scale();
        if (wholeDigits > MAX_DIGITS) {
            return OptionalLong.empty();
        }
        if (wholeDigits <= 0) {
            return OptionalLong.of(0);
        }
        BigInteger whole = value.toBigInteger();
        return whole.bitLength() < Long.SIZE
                ? OptionalLong.of(whole.longValue())
                : OptionalLong.empty();
    }

    /** Nanoseconds; empty when the text is not a duration or does not fit 64 bits. */
    static Optional<Long> parse(String text) {
        if (text.length() > MAX_TEXT || !WHOLE.matcher(text).matches()) {
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
