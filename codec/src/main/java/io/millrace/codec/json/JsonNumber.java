package io.millrace.codec.json;

import io.millrace.core.bytes.ByteSink;

/**
 * Writes floating-point numbers as Go's JSON encoders do: the shortest digits that read back as the
 * same number, plain between 1e-6 and 1e21 and with an exponent outside, such as {@code 1e-7} and
 * {@code 1.5e+21}. Allocates nothing. NaN and infinities, which no SQL column can hold, are 0.
 */
public final class JsonNumber {
    private static final double SMALLEST_PLAIN = 1e-6;
    private static final double SMALLEST_WITH_EXPONENT = 1e21;

    private JsonNumber() {}

    /** Appends a double. */
    public static void append(double value, ByteSink out) {
        int start = out.length();
        PlainDecimal.append(value, out);
        if (needsExponent(value)) {
            withExponent(start, out);
        }
    }

    /** Appends a float: the shortest decimal that reads back as the same float. */
    public static void append(float value, ByteSink out) {
        int start = out.length();
        PlainDecimal.append(value, out);
        // Go compares in the number's own precision.
        float size = Math.abs(value);
        if (size != 0
                && size <= Float.MAX_VALUE
                && (size < (float) SMALLEST_PLAIN || size >= (float) SMALLEST_WITH_EXPONENT)) {
            withExponent(start, out);
        }
    }

    private static boolean needsExponent(double value) {
        double size = Math.abs(value);
        return size != 0
                && size <= Double.MAX_VALUE
                && (size < SMALLEST_PLAIN || size >= SMALLEST_WITH_EXPONENT);
    }

    /** Rewrites a plain number without integer part, or without fraction, in place. */
    private static void withExponent(int start, ByteSink out) {
        byte[] text = out.array();
        int first = text[start] == '-' ? start + 1 : start;
        int end = out.length();
        int digits = first;
        int exponent;
        if (text[first] == '0') {
            digits += 2; // "0."
            while (text[digits] == '0') {
                digits++;
            }
            exponent = first + 1 - digits;
        } else {
            exponent = end - first - 1;
            while (text[end - 1] == '0') {
                end--;
            }
        }
        int count = end - digits;
        text[first] = text[digits];
        int at = first + 1;
        if (count > 1) {
            // The digits move by at most one place to the right: from the end.
            System.arraycopy(text, digits + 1, text, first + 2, count - 1);
            text[first + 1] = '.';
            at = first + 1 + count;
        }
        out.length(at);
        out.put('e');
        if (exponent > 0) {
            out.put('+');
        }
        out.putLong(exponent);
    }
}
