package io.millrace.mysql.row;

import io.millrace.core.bytes.ByteSink;

/**
 * Floating-point numbers as the server prints them inside JSON (MySQL {@code strings/dtoa.cc},
 * my_gcvt): the shortest digits that read back the same, plain notation for decimal exponents from
 * -14 to 15, else {@code d.ddde±x}, and always a point or an exponent.
 */
final class DoubleText {
    private static final double[] POWERS = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10};

    /** Decimals of up to 15 digits name at most one double each. */
    private static final double EXACT_LIMIT = 1e15;

    private static final int PLAIN_MIN = -14;
    private static final int PLAIN_MAX = 15;

    private DoubleText() {}

    /** Appends the number; JSON knows no NaN and no infinities, which come out as 0. */
    static void append(double value, ByteSink out) {
        if (!Double.isFinite(value)) {
            out.put('0');
            return;
        }
        if (value < 0 || value == 0 && 1 / value < 0) {
            out.put('-');
            value = -value;
        }
        if (!appendShort(value, out)) {
            appendAny(value, out);
        }
    }

    /** Numbers with few digits, without allocating. */
    private static boolean appendShort(double value, ByteSink out) {
        for (int power = 0; power < POWERS.length; power++) {
            int places = power;
            double scaled = value * POWERS[places];
            if (scaled >= EXACT_LIMIT) {
                return false;
            }
            long digits = (long) scaled;
            // The division is correctly rounded, so equality means that these digits read back.
            if (digits == scaled && digits / POWERS[places] == value) {
                while (places > 0 && digits % 10 == 0) {
                    digits /= 10;
                    places--;
                }
                long unit = (long) POWERS[places];
                out.putLong(digits / unit);
                out.put('.');
                if (places == 0) {
                    out.put('0');
                } else {
                    out.putFixed(digits % unit, places);
                }
                return true;
            }
        }
        return false;
    }

    private static void appendAny(double value, ByteSink out) {
        String text = Double.toString(value);
        int e = text.indexOf('E');
        String mantissa = e < 0 ? text : text.substring(0, e);
        int exponent = e < 0 ? 0 : Integer.parseInt(text.substring(e + 1));
        int point = mantissa.indexOf('.');
        StringBuilder digits =
                new StringBuilder(mantissa.substring(0, point))
                        .append(mantissa, point + 1, mantissa.length());
        // Position of the point relative to the first significant digit.
        int decimalPoint = point + exponent;
        while (digits.length() > 1 && digits.charAt(0) == '0') {
            digits.deleteCharAt(0);
            decimalPoint--;
        }
        while (digits.length() > 1 && digits.charAt(digits.length() - 1) == '0') {
            digits.setLength(digits.length() - 1);
        }
        if (digits.length() == 2) {
            shortenToOneDigit(value, digits, decimalPoint);
        }
        int count = digits.length();
        if (decimalPoint < PLAIN_MIN || decimalPoint > PLAIN_MAX) {
            out.put(digits.charAt(0));
            if (count > 1) {
                out.put('.');
                out.putUtf8(digits.substring(1));
            }
            out.put('e');
            out.putLong(decimalPoint - 1L);
        } else if (decimalPoint <= 0) {
            out.putUtf8("0.");
            for (int i = decimalPoint; i < 0; i++) {
                out.put('0');
            }
            out.putUtf8(digits.toString());
        } else if (count <= decimalPoint) {
            out.putUtf8(digits.toString());
            for (int i = count; i < decimalPoint; i++) {
                out.put('0');
            }
            out.putUtf8(".0");
        } else {
            out.putUtf8(digits.substring(0, decimalPoint));
            out.put('.');
            out.putUtf8(digits.substring(decimalPoint));
        }
    }

    /** Java gives at least two digits where one would read back the same, such as 4.9E-324. */
    private static void shortenToOneDigit(double value, StringBuilder digits, int decimalPoint) {
        int first = digits.charAt(0) - '0';
        int rounded = digits.charAt(1) >= '5' ? first + 1 : first;
        if (rounded <= 9 && Double.parseDouble(rounded + "e" + (decimalPoint - 1)) == value) {
            digits.setLength(0);
            digits.append(rounded);
        }
    }
}
