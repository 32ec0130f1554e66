package io.millrace.core.bytes;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Integers in byte arrays. Little-endian unless the name says {@code Be}; {@code u} is unsigned,
 * {@code i} signed.
 */
public final class WireBytes {
    private static final VarHandle I16 =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle I32 =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle I64 =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle I16_BE =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle I32_BE =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle I64_BE =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private WireBytes() {}

    public static int u8(byte[] b, int at) {
        return b[at] & 0xFF;
    }

    public static int i16(byte[] b, int at) {
        return (short) I16.get(b, at);
    }

    public static int u16(byte[] b, int at) {
        return (short) I16.get(b, at) & 0xFFFF;
    }

    public static int u24(byte[] b, int at) {
        return u16(b, at) | u8(b, at + 2) << 16;
    }

    public static int i24(byte[] b, int at) {
        return u16(b, at) | b[at + 2] << 16;
    }

    public static int i32(byte[] b, int at) {
        return (int) I32.get(b, at);
    }

    public static long u32(byte[] b, int at) {
        return (int) I32.get(b, at) & 0xFFFF_FFFFL;
    }

    public static long u48(byte[] b, int at) {
        return u32(b, at) | (long) u16(b, at + 4) << 32;
    }

    public static long i64(byte[] b, int at) {
        return (long) I64.get(b, at);
    }

    public static int u16Be(byte[] b, int at) {
        return (short) I16_BE.get(b, at) & 0xFFFF;
    }

    public static int u24Be(byte[] b, int at) {
        return u8(b, at) << 16 | u16Be(b, at + 1);
    }

    public static long u32Be(byte[] b, int at) {
        return (int) I32_BE.get(b, at) & 0xFFFF_FFFFL;
    }

    public static long u40Be(byte[] b, int at) {
        return (long) u8(b, at) << 32 | u32Be(b, at + 1);
    }

    public static long u48Be(byte[] b, int at) {
        return (long) u16Be(b, at) << 32 | u32Be(b, at + 2);
    }

    public static long i64Be(byte[] b, int at) {
        return (long) I64_BE.get(b, at);
    }

    /** A little-endian unsigned integer of 1 to 8 bytes. */
    public static long uN(byte[] b, int at, int bytes) {
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) {
            value = value << 8 | u8(b, at + i);
        }
        return value;
    }

    /** A big-endian unsigned integer of 1 to 8 bytes. */
    public static long uNBe(byte[] b, int at, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value = value << 8 | u8(b, at + i);
        }
        return value;
    }

    public static void putI64(byte[] b, int at, long value) {
        I64.set(b, at, value);
    }

    public static void putI64Be(byte[] b, int at, long value) {
        I64_BE.set(b, at, value);
    }

    public static void putI32Be(byte[] b, int at, int value) {
        I32_BE.set(b, at, value);
    }
}
