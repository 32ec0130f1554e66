package io.millrace.codec.json;

import io.millrace.core.bytes.ByteSink;
import java.math.BigInteger;

/**
 * Writes floating-point numbers as the shortest decimal that reads back as the same number, the
 * closest one among those. Allocates nothing. NaN and infinities, which no SQL column can hold, are
 * written as 0. There are three ways to place the point:
 *
 * <ul>
 *   <li>{@link #append(double, ByteSink)} never has an exponent: what Go's {@code strconv} writes
 *       for format {@code f}, precision -1;
 *   <li>{@link #appendJson(double, ByteSink)} has one below 1e-6 and from 1e21 on, without a
 *       leading zero ({@code 1e-7}, {@code 1e+21}): what Go's JSON encoder writes;
 *   <li>{@link #appendGeneral(double, ByteSink)} has one below 1e-4 and from 1e6 on, of at least
 *       two digits ({@code 1e-05}, {@code 1.5e+06}): what Go's {@code %v} writes.
 * </ul>
 *
 * <p>The digits come from the Schubfach method (Raffaello Giulietti, "The Schubfach way to render
 * doubles", 2020): scale the number and the two ends of its rounding interval by a power of ten, so
 * that at most one multiple of ten or, failing that, two neighbouring integers remain to choose
 * from.
 */
public final class PlainDecimal {
    /** Powers of ten 10^-k are needed for k from here ... */
    private static final int K_MIN = -324;

    /** ... to here, over all doubles. */
    private static final int K_MAX = 292;

    /** Longest output: sign, "0.", 323 zeros and 17 digits. */
    private static final int MAX_LENGTH = 344;

    /** High and low half of the 128-bit ceilings of 10^-k, normalised to a set top bit. */
    private static final long[] POWER_HIGH = new long[K_MAX - K_MIN + 1];

    private static final long[] POWER_LOW = new long[K_MAX - K_MIN + 1];

    static {
        for (int k = K_MIN; k <= K_MAX; k++) {
            // floor(10^-k * 2^(127 - floorLog2(10^-k))) + 1
            int shift = 127 - floorLog2Pow10(-k);
            BigInteger power;
            if (k <= 0) {
                power = BigInteger.TEN.pow(-k);
                power = shift >= 0 ? power.shiftLeft(shift) : power.shiftRight(-shift);
            } else {
                power = BigInteger.ONE.shiftLeft(shift).divide(BigInteger.TEN.pow(k));
            }
            power = power.add(BigInteger.ONE);
            POWER_HIGH[k - K_MIN] = power.shiftRight(64).longValue();
            POWER_LOW[k - K_MIN] = power.longValue();
        }
    }

    /** Where a form changes to exponents: the first exponent below and above, and its width. */
    private enum Form {
        PLAIN(Integer.MIN_VALUE, Integer.MAX_VALUE, 0),
        JSON(-7, 21, 1),
        GENERAL(-5, 6, 2);

        final int below;
        final int above;
        final int exponentDigits;

        Form(int below, int above, int exponentDigits) {
            this.below = below;
            this.above = above;
            this.exponentDigits = exponentDigits;
        }
    }

    private PlainDecimal() {}

    /** Appends a double without exponent. */
    public static void append(double value, ByteSink out) {
        append(value, Form.PLAIN, out);
    }

    /** Appends a float without exponent: the shortest decimal that reads back as the same float. */
    public static void append(float value, ByteSink out) {
        append(value, Form.PLAIN, out);
    }

    /** Appends a double as Go's JSON encoder does. */
    public static void appendJson(double value, ByteSink out) {
        append(value, Form.JSON, out);
    }

    /** Appends a float as Go's JSON encoder does. */
    public static void appendJson(float value, ByteSink out) {
        append(value, Form.JSON, out);
    }

    /** Appends a double as Go's {@code %v} does. */
    public static void appendGeneral(double value, ByteSink out) {
        append(value, Form.GENERAL, out);
    }

    /** Appends a float as Go's {@code %v} does. */
    public static void appendGeneral(float value, ByteSink out) {
        append(value, Form.GENERAL, out);
    }

    private static void append(double value, Form form, ByteSink out) {
        long bits = Double.doubleToRawLongBits(value);
        int exponent = (int) (bits >>> 52) & 0x7FF;
        long fraction = bits & (1L << 52) - 1;
        if (exponent == 0x7FF) {
            out.put('0');
        } else if (exponent == 0) {
            append(bits < 0, fraction, -1074, false, form, out);
        } else {
            append(
                    bits < 0,
                    fraction | 1L << 52,
                    exponent - 1075,
                    fraction == 0 && exponent > 1,
                    form,
                    out);
        }
    }

    private static void append(float value, Form form, ByteSink out) {
        int bits = Float.floatToRawIntBits(value);
        int exponent = bits >>> 23 & 0xFF;
        int fraction = bits & (1 << 23) - 1;
        if (exponent == 0xFF) {
            out.put('0');
        } else if (exponent == 0) {
            append(bits < 0, fraction, -149, false, form, out);
        } else {
            append(
                    bits < 0,
                    fraction | 1 << 23,
                    exponent - 150,
                    fraction == 0 && exponent > 1,
                    form,
                    out);
        }
    }

    /**
     * @param c significand and
     * @param q exponent: the number is c * 2^q
     * @param narrowBelow the gap to the next smaller number is half of that to the next greater
     */
    private static void append(
            boolean negative, long c, int q, boolean narrowBelow, Form form, ByteSink out) {
        if (negative) {
            out.put('-');
        }
        if (c == 0) {
            out.put('0');
            return;
        }
        if (q <= 0 && q > -53 && (c & (1L << -q) - 1) == 0) {
            long whole = c >>> -q; // an integer below 2^53 is its own shortest form
            if (form == Form.GENERAL && whole >= 1_000_000) {
                write(whole, 0, form, out);
            } else {
                out.putLong(whole);
            }
            return;
        }
        int k = narrowBelow ? floorLog10ThreeQuartersPow2(q) : floorLog10Pow2(q);
        int shift = q + floorLog2Pow10(-k) + 1;
        long high = POWER_HIGH[k - K_MIN];
        long low = POWER_LOW[k - K_MIN];
        // All in units of a quarter of 10^k: the number and the ends of its rounding interval.
        long middle = c << 2;
        long number = scale(high, low, middle << shift);
        long lower = scale(high, low, middle - (narrowBelow ? 1 : 2) << shift);
        long upper = scale(high, low, middle + 2 << shift);
        // The ends themselves round to even, that is to this number if its significand is even.
        long odd = c & 1;
        long below = number >>> 2;
        if (below >= 10) {
            long tensBelow = below / 10;
            boolean belowFits = lower + odd <= tensBelow * 40;
            boolean aboveFits = tensBelow * 40 + 40 + odd <= upper;
            if (belowFits != aboveFits) {
                write(belowFits ? tensBelow : tensBelow + 1, k + 1, form, out);
                return;
            }
        }
        boolean belowFits = lower + odd <= below << 2;
        boolean aboveFits = (below + 1 << 2) + odd <= upper;
        boolean takeBelow;
        if (belowFits != aboveFits) {
            takeBelow = belowFits;
        } else {
            long distance = number - ((below << 2) + 2);
            takeBelow = distance < 0 || distance == 0 && (below & 1) == 0;
        }
        write(takeBelow ? below : below + 1, k, form, out);
    }

    /** The product's top 64 of 192 bits, with the last bit set if anything was cut off. */
    private static long scale(long high, long low, long factor) {
        long carried = Math.unsignedMultiplyHigh(low, factor);
        long middle = high * factor + carried;
        long top = Math.unsignedMultiplyHigh(high, factor);
        if (Long.compareUnsigned(middle, carried) < 0) {
            top++;
        }
        // The table's powers are too great by less than one unit: 0 and 1 count as exact.
        return top | (Long.compareUnsigned(middle, 1) > 0 ? 1 : 0);
    }

    /** Writes digits * 10^exponent. */
    private static void write(long digits, int exponent, Form form, ByteSink out) {
        while (digits % 10 == 0) {
            digits /= 10;
            exponent++;
        }
        if (form != Form.PLAIN) {
            int scientific = digitsOf(digits) - 1 + exponent;
            if (scientific <= form.below || scientific >= form.above) {
                writeScientific(digits, scientific, form.exponentDigits, out);
                return;
            }
        }
        out.ensure(MAX_LENGTH);
        if (exponent >= 0) {
            out.putLong(digits);
            for (int i = 0; i < exponent; i++) {
                out.put('0');
            }
            return;
        }
        int fraction = -exponent;
        if (fraction <= 18 && digits >= pow10(fraction)) {
            long unit = pow10(fraction);
            long whole = digits / unit;
            out.putLong(whole);
            out.put('.');
            out.putFixed(digits - whole * unit, fraction);
            return;
        }
        out.put('0');
        out.put('.');
        int count = digitsOf(digits);
        for (int i = count; i < fraction; i++) {
            out.put('0');
        }
        out.putLong(digits);
    }

    private static void writeScientific(
            long digits, int exponent, int exponentDigits, ByteSink out) {
        int fraction = digitsOf(digits) - 1;
        long unit = pow10(fraction);
        out.put((int) ('0' + digits / unit));
        if (fraction > 0) {
            out.put('.');
            out.putFixed(digits % unit, fraction);
        }
        out.put('e');
        out.put(exponent < 0 ? '-' : '+');
        int magnitude = Math.abs(exponent);
        out.putFixed(magnitude, Math.max(exponentDigits, digitsOf(magnitude)));
    }

    private static final long[] POW10 = new long[19];

    static {
        long power = 1;
        for (int i = 0; i < POW10.length; i++) {
            POW10[i] = power;
            power *= 10;
        }
    }

    private static long pow10(int exponent) {
        return POW10[exponent];
    }

    private static int digitsOf(long value) {
        int digits = 1;
        while (digits < POW10.length && value >= POW10[digits]) {
            digits++;
        }
        return digits;
    }

    /** floor(log10(2^e)), exact for |e| up to 1650. */
    static int floorLog10Pow2(int e) {
        return e * 1_262_611 >> 22;
    }

    /** floor(log10(3/4 * 2^e)), exact for |e| up to 1650. */
    static int floorLog10ThreeQuartersPow2(int e) {
        return e * 1_262_611 - 524_031 >> 22;
    }

    /** floor(log2(10^e)), exact for |e| up to 1233. */
    static int floorLog2Pow10(int e) {
        return e * 1_741_647 >> 19;
    }
}
