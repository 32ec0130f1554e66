package io.millrace.mysql.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.bytes.ByteSink;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The small readers, one by one. */
final class ValueTextTest {
    private static String doubleText(double value) {
        ByteSink out = new ByteSink(40);
        DoubleText.append(value, out);
        return out.toString();
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0.0",
        "1, 1.0",
        "-1.5, -1.5",
        "4.35, 4.35",
        "0.1, 0.1",
        "1e14, 100000000000000.0",
        "1e15, 1e15",
        "1.5e-7, 0.00000015",
        "1e-15, 0.000000000000001",
        "1e-16, 1e-16",
        "5e-324, 5e-324",
        "2e23, 2e23",
        "1.7976931348623157e308, 1.7976931348623157e308",
        "123456789012345.6, 123456789012345.6",
        "9007199254740993, 9.007199254740992e15",
        "100, 100.0",
        "0.30000000000000004, 0.30000000000000004"
    })
    void doublesReadAsTheServerPrintsThem(double value, String expected) {
        assertThat(doubleText(value)).isEqualTo(expected);
    }

    @Test
    void doublesReadBackTheSameWithTheFewestDigits() {
        Random random = new Random(1);
        for (int i = 0; i < 100_000; i++) {
            double value =
                    switch (i % 4) {
                        case 0 -> Double.longBitsToDouble(random.nextLong());
                        case 1 -> random.nextInt(1_000_000) / 100.0;
                        case 2 -> random.nextGaussian();
                        default -> random.nextLong() / 1e6;
                    };
            if (!Double.isFinite(value)) {
                continue;
            }
            String text = doubleText(value);
            assertThat(Double.parseDouble(text)).as(text).isEqualTo(value);
            int digits = new BigDecimal(text).stripTrailingZeros().precision();
            int java = new BigDecimal(Double.toString(value)).stripTrailingZeros().precision();
            assertThat(digits).as(text).isLessThanOrEqualTo(java);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UTC",
                "+05:30",
                "Europe/Berlin",
                "America/Sao_Paulo",
                "Asia/Kathmandu",
                "Australia/Lord_Howe",
                "Africa/Monrovia"
            })
    void zoneOffsetsAgreeWithJavaTime(String name) {
        ZoneId zone = ZoneId.of(name);
        ZoneOffsets offsets = new ZoneOffsets(zone);
        Random random = new Random(2);
        int hint = 0;
        for (int i = 0; i < 50_000; i++) {
            long second =
                    i % 3 == 0 ? random.nextLong() & 0xFFFF_FFFFL : 1_000_000_000L + i * 1_800L;
            hint = offsets.period(second, hint);
            assertThat(offsets.offset(hint))
                    .isEqualTo(
                            zone.getRules()
                                    .getOffset(Instant.ofEpochSecond(second))
                                    .getTotalSeconds());
        }
    }

    private static String json(String hex) {
        byte[] b = HexFormat.of().parseHex(hex.replace(" ", ""));
        ByteSink out = new ByteSink(40);
        JsonText.append(b, 0, b.length, out);
        return out.toString();
    }

    @Test
    void readsBinaryJson() {
        assertThat(json("")).isEqualTo("null");
        assertThat(json("04 01")).isEqualTo("true");
        assertThat(json("05 ffff")).isEqualTo("-1");
        assertThat(json("0c 03 61220a")).isEqualTo("\"a\\\"\\n\"");
        // {"a": 1, "bb": [null, 70000]}
        assertThat(
                        json(
                                "00 0200 2700 1200 0100 1300 0200 05 0100 02 1500 61 6262"
                                        + " 0200 1200 04 0000 07 0a00 70110100 00000000"))
                .isEqualTo("{\"a\": 1, \"bb\": [null, 70000]}");
    }

    @Test
    void damagedJsonNeverReadsOutsideItsBounds() {
        byte[] good =
                HexFormat.of()
                        .parseHex(
                                "000200270012000100130002000501000215006162620200120004000007"
                                        + "0a007011010000000000");
        Random random = new Random(4);
        for (int i = 0; i < 50_000; i++) {
            byte[] b = java.util.Arrays.copyOf(good, random.nextInt(good.length + 1));
            for (int k = random.nextInt(4); k > 0 && b.length > 0; k--) {
                b[random.nextInt(b.length)] = (byte) random.nextInt(256);
            }
            ByteSink out = new ByteSink(100);
            try {
                JsonText.append(b, 0, b.length, out);
            } catch (IndexOutOfBoundsException _) {
                // refused
            }
            assertThat(out.length()).isLessThan(1 << 20);
        }
    }

    @Test
    void cyclicJsonIsRefused() {
        // An array whose only element is itself.
        assertThatThrownBy(() -> json("02 0100 0700 02 0000"))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "8, latin1",
        "28, gbk",
        "33, utf8mb3",
        "45, utf8mb4",
        "63, binary",
        "255, utf8mb4",
        "248, gb18030",
        "1069, utf8mb4",
        "2048, utf8mb3",
        "2304, utf8mb4",
        "3072, utf32",
        "576, utf8mb3"
    })
    void collationsNameTheirCharacterSet(int collation, String charset) {
        assertThat(CharsetMap.ofCollation(collation)).contains(charset);
    }

    @Test
    void unknownCollationsAreEmpty() {
        assertThat(CharsetMap.ofCollation(100)).isEmpty();
        assertThat(CharsetMap.ofCollation(0)).isEmpty();
        assertThat(CharsetMap.ofCollation(1_000_000)).isEmpty();
        assertThat(CharsetMap.ofCollation(-1)).isEmpty();
        assertThatThrownBy(() -> CharsetMap.decoder("klingon")).hasMessageContaining("klingon");
    }

    @ParameterizedTest
    @CsvSource({
        "latin1, 80e9, €é", "gbk, d6d0ce c4, 中文", "sjis, 93fa967b b1, 日本ｱ",
                "ujis, c6fcb9f5 8eb1, 日黒ｱ",
        "utf16, d83dde00 0041, 😀A", "utf16le, 3dd800de, 😀", "utf32, 0001f600, 😀",
                "ucs2, 65e5, 日",
        "koi8r, f0d2c9, При", "gb18030, 9439fc36 8130 8130 d6d0, 😀\u0080中"
    })
    void textDecodes(String charset, String hex, String expected) {
        byte[] b = HexFormat.of().parseHex(hex.replace(" ", ""));
        assertThat(CharsetMap.decode(charset, b, 0, b.length)).isEqualTo(expected);
    }

    @Test
    void arbitraryBytesInAnyCharacterSetGiveValidUtf8() {
        Random random = new Random(6);
        for (String charset :
                new String[] {
                    "gbk", "gb18030", "big5", "sjis", "cp932", "ujis", "eucjpms", "euckr", "gb2312",
                    "utf16", "utf16le", "ucs2", "utf32", "latin1", "swe7"
                }) {
            for (int i = 0; i < 2000; i++) {
                byte[] b = new byte[random.nextInt(12)];
                random.nextBytes(b);
                ByteSink out = new ByteSink(16);
                CharsetMap.decoder(charset).append(b, 0, b.length, out);
                assertThat(out.toString().getBytes(StandardCharsets.UTF_8))
                        .isEqualTo(out.toByteArray());
            }
        }
    }
}
