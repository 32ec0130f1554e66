package io.millrace.codec.json;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.bytes.WireBytes;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class JsonEscaperTest {
    private static final String[] SPICE = {
        "\"", "\\", "<", ">", "&", "\n", "\t", "\r", "\u0000", "\u001f", "\u007f", "é", "漢", "“",
        "\u2027", "\u2028", "\u2029", "\u202a", "😀", "a", "!", "'", "=", "?", "[", "]", " "
    };

    @Test
    void escapesWhatGoEscapes() {
        assertThat(escaped("a\"b\\c<d>e&f\tg\rh\ni\bj\u001fk\u2028l\u2029m/'é😀\u007f"))
                .isEqualTo(
                        "a\\\"b\\\\c\\u003cd\\u003ee\\u0026f\\tg\\rh\\ni\\u0008j\\u001fk"
                                + "\\u2028l\\u2029m/'é😀\u007f");
    }

    @Test
    void marksEachByteValueInEachLane() {
        for (int lane = 0; lane < 8; lane++) {
            for (int value = 0; value < 256; value++) {
                byte[] bytes = "aaaaaaaa".getBytes(StandardCharsets.US_ASCII);
                bytes[lane] = (byte) value;
                boolean special = value < 0x20 || value == 0xE2 || "\"\\<>&".indexOf(value) >= 0;
                long mark = JsonEscaper.mark(WireBytes.i64(bytes, 0));
                assertThat(Long.numberOfTrailingZeros(mark) >>> 3)
                        .as("byte %d in lane %d", value, lane)
                        .isEqualTo(special ? lane : 8);
            }
        }
    }

    @Test
    void theFirstMarkIsExactInRandomWords() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] bytes = new byte[8];
        for (int i = 0; i < 200_000; i++) {
            random.nextBytes(bytes);
            int expected = 8;
            for (int lane = 7; lane >= 0; lane--) {
                int c = bytes[lane] & 0xFF;
                if (c < 0x20 || c == 0xE2 || "\"\\<>&".indexOf(c) >= 0) {
                    expected = lane;
                }
            }
            int first = Long.numberOfTrailingZeros(JsonEscaper.mark(WireBytes.i64(bytes, 0))) >>> 3;
            assertThat(first).as("seed %d, round %d", seed, i).isEqualTo(expected);
        }
    }

    @Test
    void agreesWithTheByteTableTwinOnRandomText() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        ByteSink out = new ByteSink(0);
        for (int round = 0; round < 30_000; round++) {
            StringBuilder text = new StringBuilder();
            int parts = random.nextInt(65);
            int spice = 1 + random.nextInt(12);
            for (int i = 0; i < parts; i++) {
                text.append(
                        random.nextInt(spice) == 0
                                ? SPICE[random.nextInt(SPICE.length)]
                                : String.valueOf((char) (' ' + random.nextInt(95))));
            }
            byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
            // At the very end of an array and in the middle of one, behind other output.
            for (int behind : new int[] {0, 3, 16}) {
                int before = random.nextInt(9);
                byte[] array = new byte[before + bytes.length + behind];
                random.nextBytes(array);
                System.arraycopy(bytes, 0, array, before, bytes.length);
                out.clear();
                out.put('x');
                JsonEscaper.appendUtf8(array, before, bytes.length, out);
                assertThat(out.toString())
                        .as("seed %d, round %d", seed, round)
                        .isEqualTo("x" + twin(text.toString()));
            }
        }
    }

    @Test
    void latin1AgreesWithDecodingAndEscaping() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        ByteSink out = new ByteSink(0);
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = new byte[random.nextInt(65)];
            int high = random.nextInt(3);
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) (high == 0 ? random.nextInt(256) : random.nextInt(128));
            }
            out.clear();
            JsonEscaper.appendLatin1(bytes, 0, bytes.length, out);
            assertThat(out.toString())
                    .as("seed %d, round %d", seed, round)
                    .isEqualTo(twin(new String(bytes, StandardCharsets.ISO_8859_1)));
        }
    }

    private static String escaped(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        ByteSink out = new ByteSink(0);
        JsonEscaper.appendUtf8(bytes, 0, bytes.length, out);
        return out.toString();
    }

    /** The plain way: one character at a time. */
    private static String twin(String text) {
        StringBuilder out = new StringBuilder();
        text.chars()
                .forEach(c -> {
                    switch (c) {
                        case '\t' -> out.append("\\t");
                        case '\n' -> out.append("\\n");
                        case '\r' -> out.append("\\r");
                        case '"' -> out.append("\\\"");
                        case '\\' -> out.append("\\\\");
                        case '<', '>', '&', '\u2028', '\u2029' ->
                                out.append(String.format("\\u%04x", c));
                        default -> {
                            if (c < 0x20) {
                                out.append(String.format("\\u%04x", c));
                            } else {
                                out.append((char) c);
                            }
                        }
                    }
                });
        return out.toString();
    }
}
