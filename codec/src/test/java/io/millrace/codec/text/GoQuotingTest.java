package io.millrace.codec.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.ByteSink;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GoQuotingTest {
    @Test
    void escapesWhatGoEscapes() {
        assertThat(quote(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}))
                .isEqualTo("\\x89PNG\\r\\n\\x1a\\n");
        assertThat(quote(utf8("é漢😀 \u00ad\u2028\u00a0\ufeff")))
                .isEqualTo("é漢😀 \\u00ad\\u2028\\u00a0\\ufeff");
        assertThat(quote(utf8("\"\\\u0007\b\f\u000b\t\0\u007f'")))
                .isEqualTo("\\\"\\\\\\a\\b\\f\\v\\t\\x00\\x7f'");
        assertThat(quote(Character.toString(0xE0001).getBytes(StandardCharsets.UTF_8)))
                .isEqualTo("\\U000e0001");
        // Overlong, cut off, surrogate, beyond the last code point: bytes, each on its own.
        assertThat(quote(new byte[] {(byte) 0xC0, (byte) 0x80})).isEqualTo("\\xc0\\x80");
        assertThat(quote(new byte[] {(byte) 0xE6, (byte) 0xBC})).isEqualTo("\\xe6\\xbc");
        assertThat(quote(new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80}))
                .isEqualTo("\\xed\\xa0\\x80");
        assertThat(quote(new byte[] {(byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80}))
                .isEqualTo("\\xf4\\x90\\x80\\x80");
    }

    @Test
    void anyBytesComeBack() {
        Random random = new Random(11);
        for (int i = 0; i < 2000; i++) {
            byte[] bytes = new byte[random.nextInt(40)];
            random.nextBytes(bytes);
            if ((i & 1) == 0) {
                // Mostly text, so that long sequences occur.
                String text =
                        random.ints(10, 1, 0x2FFFF)
                                .filter(point -> point < 0xD800 || point > 0xDFFF)
                                .collect(
                                        StringBuilder::new,
                                        StringBuilder::appendCodePoint,
                                        StringBuilder::append)
                                .toString();
                bytes = utf8(text);
            }
            assertThat(GoQuoting.parse(quote(bytes))).isEqualTo(bytes);
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String quote(byte[] bytes) {
        ByteSink out = new ByteSink(16);
        GoQuoting.append(bytes, 0, bytes.length, out);
        return out.toString();
    }
}
