package io.millrace.mysql.row;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;

/**
 * Packed decimals as text. The wire form (MySQL {@code strings/decimal.c}, decimal2bin) is groups
 * of nine digits in four big-endian bytes, with a short group first in the whole part and last in
 * the fraction; the top bit of the first byte is set for positive numbers, and negative ones have
 * all bits flipped.
 */
final class DecimalText {
    /** Most bytes of a DECIMAL(65,30). */
    static final int MAX_BYTES = 32;

    private DecimalText() {}

    /** Appends the number with its full scale and at least one digit before the point. */
    static void append(byte[] b, int at, int precision, int scale, ByteSink out) {
        int whole = precision - scale;
        int lead = whole % 9;
        int groups = whole / 9;
        boolean negative = b[at] >= 0;
        int flip = negative ? -1 : 0;
        // The sign bit is in the very first byte, which belongs to whichever group comes first.
        int signBit = 0x80;
        int start = out.length();
        if (negative) {
            out.put('-');
        }
        boolean started = false;
        boolean zero = true;
        if (lead > 0) {
            int bytes = WireTypes.DIGIT_BYTES[lead];
            int value = group(b, at, bytes, flip, signBit);
            signBit = 0;
            at += bytes;
            if (value != 0) {
                out.putLong(value);
                started = true;
            }
        }
        for (int i = 0; i < groups; i++, at += 4) {
            int value = group(b, at, 4, flip, signBit);
            signBit = 0;
            if (started) {
                out.putFixed(value, 9);
            } else if (value != 0) {
                out.putLong(value);
                started = true;
            }
        }
        zero = !started;
        if (!started) {
            out.put('0');
        }
        if (scale > 0) {
            out.put('.');
            int left = scale;
            for (; left >= 9; left -= 9, at += 4) {
                int value = group(b, at, 4, flip, signBit);
                signBit = 0;
                zero &= value == 0;
                out.putFixed(value, 9);
            }
            if (left > 0) {
                int value = group(b, at, WireTypes.DIGIT_BYTES[left], flip, signBit);
                zero &= value == 0;
                out.putFixed(value, left);
            }
        }
        if (negative && zero) {
            dropSign(out, start);
        }
    }

    private static int group(byte[] b, int at, int bytes, int flip, int signBit) {
        // Flipping a negative number also flips its cleared sign bit, so it is masked off after.
        return switch (bytes) {
            case 1 -> ((b[at] ^ flip) & 0xFF) & ~signBit;
            case 2 -> ((WireBytes.u16Be(b, at) ^ flip) & 0xFFFF) & ~(signBit << 8);
            case 3 -> ((WireBytes.u24Be(b, at) ^ flip) & 0xFF_FFFF) & ~(signBit << 16);
            default -> ((int) WireBytes.u32Be(b, at) ^ flip) & ~(signBit << 24);
        };
    }

    private static void dropSign(ByteSink out, int start) {
        byte[] array = out.array();
        System.arraycopy(array, start + 1, array, start, out.length() - start - 1);
        out.length(out.length() - 1);
    }
}
