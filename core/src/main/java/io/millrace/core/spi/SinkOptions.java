package io.millrace.core.spi;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Typed reading of a sink's options; a malformed value is an error that names itself. */
public final class SinkOptions {
    private static final Pattern DURATION =
            Pattern.compile("(?:[0-9]+(?:\\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+");
    private static final Pattern DURATION_PART =
            Pattern.compile("([0-9]+(?:\\.[0-9]*)?)(ns|us|µs|ms|s|m|h)");

    private final SinkSpec spec;
    private final ErrorCode malformed;

    /**
     * @param malformed the code of a value that cannot be read
     */
    public SinkOptions(SinkSpec spec, ErrorCode malformed) {
        this.spec = spec;
        this.malformed = malformed;
    }

    private MillraceException invalid(String message) {
        return new MillraceException(malformed, message);
    }

    /** A value that is set and not empty. */
    public Optional<String> text(String name) {
        return spec.option(name).map(String::trim).filter(value -> !value.isEmpty());
    }

    /** A value, or another when it is not set or empty. */
    public String text(String name, String otherwise) {
        return text(name).orElse(otherwise);
    }

    /** {@code true}, {@code t}, {@code 1} and their opposites, in any case. */
    public boolean flag(String name, boolean otherwise) {
        Optional<String> value = text(name);
        if (value.isEmpty()) {
            return otherwise;
        }
        return switch (value.get().toLowerCase(Locale.ROOT)) {
            case "true", "t", "1" -> true;
            case "false", "f", "0" -> false;
            default -> throw invalid(name + " must be true or false, not '" + value.get() + "'");
        };
    }

    /** A 32-bit number. */
    public OptionalInt number(String name) {
        Optional<String> value = text(name);
        if (value.isEmpty()) {
            return OptionalInt.empty();
        }
        try {
            return OptionalInt.of(Integer.parseInt(value.get()));
        } catch (NumberFormatException e) {
            throw new MillraceException(
                    malformed, name + " must be a 32-bit number, not '" + value.get() + "'", e);
        }
    }

    /** A 64-bit number; one beyond that counts as the greatest or least there is. */
    public OptionalLong longNumber(String name) {
        Optional<String> value = text(name);
        if (value.isEmpty()) {
            return OptionalLong.empty();
        }
        try {
            BigInteger number = new BigInteger(value.get());
            boolean fits = number.bitLength() < Long.SIZE;
            return OptionalLong.of(
                    fits
                            ? number.longValue()
                            : number.signum() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE);
        } catch (NumberFormatException e) {
            throw new MillraceException(
                    malformed, name + " must be a whole number, not '" + value.get() + "'", e);
        }
    }

    /** A Go duration such as {@code 10s} or {@code 1m30s}; must be positive. */
    public Duration duration(String name, Duration otherwise) {
        Optional<String> value = text(name);
        if (value.isEmpty()) {
            return otherwise;
        }
        if (!DURATION.matcher(value.get()).matches()) {
            throw invalid(
                    name
                            + " must be a duration such as 10s, 500ms or 1m30s, not '"
                            + value.get()
                            + "'");
        }
        BigDecimal nanos = BigDecimal.ZERO;
        Matcher part = DURATION_PART.matcher(value.get());
        while (part.find()) {
            nanos = nanos.add(new BigDecimal(part.group(1)).multiply(unitNanos(part.group(2))));
        }
        long millis = nanos.movePointLeft(6).setScale(0, RoundingMode.CEILING).longValue();
        if (millis <= 0 || millis > Integer.MAX_VALUE / 4) {
            throw invalid(name + " must be between 1ms and 149h: '" + value.get() + "'");
        }
        return Duration.ofMillis(millis);
    }

    private static BigDecimal unitNanos(String unit) {
        return BigDecimal.valueOf(
                switch (unit) {
                    case "ns" -> 1L;
                    case "us", "µs" -> 1_000L;
                    case "ms" -> 1_000_000L;
                    case "s" -> 1_000_000_000L;
                    case "m" -> 60_000_000_000L;
                    default -> 3_600_000_000_000L;
                });
    }
}
