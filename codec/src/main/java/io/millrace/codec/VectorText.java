package io.millrace.codec;

import io.millrace.codec.json.PlainDecimal;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;

/** The text of a VECTOR: numbers between brackets, separated by commas. */
public final class VectorText {
    private VectorText() {}

    /** Appends the text of a value, which servers store as 32-bit little-endian floats. */
    public static void append(byte[] bytes, int from, int count, ByteSink out) {
        out.put('[');
        for (int at = 0; at + Float.BYTES <= count; at += Float.BYTES) {
            if (at > 0) {
                out.put(',');
            }
            PlainDecimal.append(Float.intBitsToFloat(WireBytes.i32(bytes, from + at)), out);
        }
        out.put(']');
    }
}
