package io.millrace.core.bytes;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A growable byte buffer that encoders append to. Belongs to one thread; cleared and reused, so
 * that it allocates only while it grows. {@link #array} may be longer than {@link #length} and
 * always has {@link #SLACK} bytes behind it.
 */
public final class ByteSink {
    /** Bytes that are always free behind the end, so that writers may store eight at a time. */
    public static final int SLACK = 16;

    private static final byte[] DIGIT_TENS = new byte[100];
    private static final byte[] DIGIT_ONES = new byte[100];

    static {
        for (int i = 0; i < 100; i++) {
            DIGIT_TENS[i] = (byte) ('0' + i / 10);
            DIGIT_ONES[i] = (byte) ('0' + i % 10);
        }
    }

    private byte[] array;
    private int length;

    public ByteSink(int capacity) {
        array = new byte[Math.max(capacity, 16) + SLACK];
    }

    /**
     * The bytes so far, from 0 to {@link #length}. Replaced when the buffer grows: fetch it anew
     * after an append.
     */
    public byte[] array() {
        return array;
    }

    public int length() {
        return length;
    }

    /**
     * Cuts back to, or claims up to, {@code newLength}; the caller wrote the bytes after {@link
     * #ensure}.
     */
    public void length(int newLength) {
        length = newLength;
    }

    public void clear() {
        length = 0;
    }

    /** Clears, and gives the array up when it has grown beyond {@code keep} bytes. */
    public void clearKeeping(int keep) {
        length = 0;
        if (array.length > keep + SLACK) {
            array = new byte[keep + SLACK];
        }
    }

    /** Makes room for {@code more} bytes behind the end and returns the array. */
    public byte[] ensure(int more) {
        int need = Math.addExact(length, more) + SLACK;
        if (need > array.length) {
            array =
                    Arrays.copyOf(
                            array,
                            Math.max(
                                    need,
                                    (int) Math.min(array.length * 2L, Integer.MAX_VALUE - 16)));
        }
        return array;
    }

    public void put(int b) {
        ensure(1)[length++] = (byte) b;
    }

    public void put(byte[] source) {
        put(source, 0, source.length);
    }

    public void put(byte[] source, int from, int count) {
        System.arraycopy(source, from, ensure(count), length, count);
        length += count;
    }

    /** Appends UTF-8 text; for control-rate use, it encodes through a temporary array. */
    public void putUtf8(String text) {
        put(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Appends a signed decimal number. */
    public void putLong(long value) {
        if (value < 0) {
            put('-');
            value = -value;
            if (value < 0) {
                // Long.MIN_VALUE is its own negative, and right as an unsigned number.
                putUnsigned(value);
                return;
            }
        }
        putPositive(value);
    }

    /** Appends the 64 bits as an unsigned decimal number. */
    public void putUnsigned(long value) {
        if (value < 0) {
            long quotient = Long.divideUnsigned(value, 10);
            putPositive(quotient);
            put((int) ('0' + (value - quotient * 10)));
        } else {
            putPositive(value);
        }
    }

    /** Appends exactly {@code digits} digits, leading zeros included. */
    public void putFixed(long value, int digits) {
        byte[] out = ensure(digits);
        for (int at = length + digits - 1; at >= length; at--) {
            out[at] = (byte) ('0' + value % 10);
            value /= 10;
        }
        length += digits;
    }

    private void putPositive(long value) {
        int digits = digitsOf(value);
        byte[] out = ensure(digits);
        int at = length + digits;
        length = at;
        while (value >= 100) {
            long quotient = value / 100;
            int pair = (int) (value - quotient * 100);
            value = quotient;
            out[--at] = DIGIT_ONES[pair];
            out[--at] = DIGIT_TENS[pair];
        }
        if (value >= 10) {
            out[--at] = DIGIT_ONES[(int) value];
            out[--at] = DIGIT_TENS[(int) value];
        } else {
            out[--at] = (byte) ('0' + value);
        }
    }

    private static int digitsOf(long value) {
        int digits = 1;
        for (long limit = 10; digits < 19 && value >= limit; limit *= 10) {
            digits++;
        }
        return digits;
    }

    /** A copy of the bytes so far. */
    public byte[] toByteArray() {
        return Arrays.copyOf(array, length);
    }

    @Override
    public String toString() {
        return new String(array, 0, length, StandardCharsets.UTF_8);
    }
}
