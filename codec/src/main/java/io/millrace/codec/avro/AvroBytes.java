package io.millrace.codec.avro;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;

/** Avro's binary encoding of primitive values, as its specification defines it. */
public final class AvroBytes {
    private static final int MAX_VARINT_BYTES = 10;

    /** Digits that a 64-bit number takes without a look. */
    private static final int LONG_DIGITS = 18;

    private AvroBytes() {}

    /** An int or long: zigzag, then seven bits at a time, the low ones first. */
    public static void putLong(long value, ByteSink out) {
        long rest = value << 1 ^ value >> 63;
        byte[] to = out.ensure(MAX_VARINT_BYTES);
        int at = out.length();
        while ((rest & ~0x7FL) != 0) {
            to[at++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        to[at++] = (byte) rest;
        out.length(at);
    }

    /** A boolean. */
    public static void putBoolean(boolean value, ByteSink out) {
        out.put(value ? 1 : 0);
    }

    /** A float: four bytes, little-endian. */
    public static void putFloat(float value, ByteSink out) {
        byte[] to = out.ensure(Long.BYTES);
        WireBytes.putI64(to, out.length(), Float.floatToRawIntBits(value) & 0xFFFF_FFFFL);
        out.length(out.length() + Float.BYTES);
    }

    /** A double: eight bytes, little-endian. */
    public static void putDouble(double value, ByteSink out) {
        byte[] to = out.ensure(Double.BYTES);
        WireBytes.putI64(to, out.length(), Double.doubleToRawLongBits(value));
        out.length(out.length() + Double.BYTES);
    }

    /** Bytes, or the UTF-8 of a string: the length, then the bytes. */
    public static void putBytes(byte[] source, int from, int count, ByteSink out) {
        putLong(count, out);
        out.put(source, from, count);
    }

    /** Bytes, or the UTF-8 of a string. */
    public static void putBytes(byte[] source, ByteSink out) {
        putBytes(source, 0, source.length, out);
    }

    /** A string; for control-rate use. */
    public static void putString(String text, ByteSink out) {
        putBytes(text.getBytes(StandardCharsets.UTF_8), out);
    }

    /** The bytes of an unsigned number, big-endian, as few as possible but at least one. */
    public static void putBits(long value, ByteSink out) {
        int bytes = Math.max(1, (Long.SIZE - Long.numberOfLeadingZeros(value) + 7) / 8);
        putLong(bytes, out);
        putBigEndian(value, bytes, out);
    }

    private static void putBigEndian(long value, int bytes, ByteSink out) {
        byte[] to = out.ensure(Long.BYTES);
        WireBytes.putI64Be(to, out.length(), value << Long.SIZE - bytes * 8);
        out.length(out.length() + bytes);
    }

    /**
     * A decimal: the bytes of its unscaled value, two's complement, big-endian, as few as possible.
     * Allocates nothing up to eighteen digits.
     *
     * @param text sign, digits and point, ASCII, at {@code from}
     * @param scale digits behind the point that the reader expects
     */
    public static void putDecimal(byte[] text, int from, int count, int scale, ByteSink out) {
        long unscaled = 0;
        int digits = 0;
        int fraction = -1;
        boolean negative = false;
        for (int i = from; i < from + count; i++) {
            byte c = text[i];
            if (c >= '0' && c <= '9') {
                unscaled = unscaled * 10 + (c - '0');
                if (unscaled != 0) {
                    digits++;
                }
                if (fraction >= 0) {
                    fraction++;
                }
            } else if (c == '.') {
                fraction = 0;
            } else if (c == '-') {
                negative = true;
            } else if (c != '+') {
                digits = Integer.MAX_VALUE / 2; // an exponent: not a server's text, but a number
            }
            if (digits > LONG_DIGITS) {
                putLargeDecimal(text, from, count, scale, out);
                return;
            }
        }
        for (int missing = scale - Math.max(0, fraction); missing > 0; missing--) {
            if (unscaled != 0 && ++digits > LONG_DIGITS) {
                putLargeDecimal(text, from, count, scale, out);
                return;
            }
            unscaled *= 10;
        }
        if (Math.max(0, fraction) > scale) {
            putLargeDecimal(text, from, count, scale, out);
            return;
        }
        if (negative) {
            unscaled = -unscaled;
        }
        // One bit more than the magnitude for the sign.
        long magnitude = unscaled < 0 ? ~unscaled : unscaled;
        int bytes = (Long.SIZE - Long.numberOfLeadingZeros(magnitude)) / 8 + 1;
        putLong(bytes, out);
        putBigEndian(unscaled, bytes, out);
    }

    private static void putLargeDecimal(byte[] text, int from, int count, int scale, ByteSink out) {
        BigDecimal value = new BigDecimal(new String(text, from, count, StandardCharsets.US_ASCII));
        BigInteger unscaled = value.setScale(scale, RoundingMode.HALF_UP).unscaledValue();
        putBytes(unscaled.toByteArray(), out);
    }
}
