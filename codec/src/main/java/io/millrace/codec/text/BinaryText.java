package io.millrace.codec.text;

import io.millrace.core.bytes.ByteSink;
import java.nio.charset.StandardCharsets;

/** Writes bytes as Base64 or hexadecimal digits, without allocating. */
public final class BinaryText {
    private static final byte[] BASE64 =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                    .getBytes(StandardCharsets.US_ASCII);
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private BinaryText() {}

    /** Appends standard Base64 with padding. */
    public static void appendBase64(byte[] source, int from, int count, ByteSink out) {
        int groups = count / 3;
        byte[] to = out.ensure(Math.multiplyExact(groups + 1, 4));
        int at = out.length();
        int i = from;
        for (int end = from + groups * 3; i < end; i += 3) {
            int bits =
                    (source[i] & 0xFF) << 16 | (source[i + 1] & 0xFF) << 8 | (source[i + 2] & 0xFF);
            to[at] = BASE64[bits >> 18];
            to[at + 1] = BASE64[bits >> 12 & 63];
            to[at + 2] = BASE64[bits >> 6 & 63];
            to[at + 3] = BASE64[bits & 63];
            at += 4;
        }
        int rest = count - groups * 3;
        if (rest > 0) {
            int bits = (source[i] & 0xFF) << 16 | (rest == 2 ? (source[i + 1] & 0xFF) << 8 : 0);
            to[at] = BASE64[bits >> 18];
            to[at + 1] = BASE64[bits >> 12 & 63];
            to[at + 2] = rest == 2 ? BASE64[bits >> 6 & 63] : (byte) '=';
            to[at + 3] = '=';
            at += 4;
        }
        out.length(at);
    }

    /** Appends two lower-case digits per byte. */
    public static void appendHex(byte[] source, int from, int count, ByteSink out) {
        byte[] to = out.ensure(Math.multiplyExact(count, 2));
        int at = out.length();
        for (int i = from; i < from + count; i++) {
            to[at++] = HEX[source[i] >> 4 & 15];
            to[at++] = HEX[source[i] & 15];
        }
        out.length(at);
    }
}
