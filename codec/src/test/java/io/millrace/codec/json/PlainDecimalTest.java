package io.millrace.codec.json;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.ByteSink;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PlainDecimalTest {
    private final ByteSink out = new ByteSink(512);

    @Test
    void writesShortestDigitsWithoutExponent() {
        assertThat(plain(0.1)).isEqualTo("0.1");
        assertThat(plain(-0.0)).isEqualTo("-0");
        assertThat(plain(0.0)).isEqualTo("0");
        assertThat(plain(1.0)).isEqualTo("1");
        assertThat(plain(-2.5)).isEqualTo("-2.5");
        assertThat(plain(1e21)).isEqualTo("1000000000000000000000");
        assertThat(plain(1e-7)).isEqualTo("0.0000001");
        assertThat(plain(2e23)).isEqualTo("200000000000000000000000");
        assertThat(plain(123456.789)).isEqualTo("123456.789");
        assertThat(plain(9007199254740993.0)).isEqualTo("9007199254740992");
        assertThat(plain(Double.MIN_VALUE)).isEqualTo("0." + "0".repeat(323) + "5");
        assertThat(plain(Double.MAX_VALUE)).isEqualTo("17976931348623157" + "0".repeat(292));
        assertThat(plain(Double.NaN)).isEqualTo("0");
        assertThat(plain(Double.NEGATIVE_INFINITY)).isEqualTo("0");
    }

    @Test
    void floatsHaveTheirOwnShortestDigits() {
        assertThat(plain(0.1f)).isEqualTo("0.1");
        assertThat(plain(3.14f)).isEqualTo("3.14");
        assertThat(plain(16777216f)).isEqualTo("16777216");
        assertThat(plain(Float.MAX_VALUE)).isEqualTo("34028235" + "0".repeat(31));
        assertThat(plain(Float.MIN_VALUE)).isEqualTo("0." + "0".repeat(44) + "1");
        assertThat(plain(1.17549435E-38f)).isEqualTo("0." + "0".repeat(37) + "11754944");
    }

    @Test
    void jsonHasExponentsOnlyFarOut() {
        assertThat(json(1e21)).isEqualTo("1e+21");
        assertThat(json(1e20)).isEqualTo("100000000000000000000");
        assertThat(json(1e-6)).isEqualTo("0.000001");
        assertThat(json(1e-7)).isEqualTo("1e-7");
        assertThat(json(-1.25e-7)).isEqualTo("-1.25e-7");
        assertThat(json(1.5e-10)).isEqualTo("1.5e-10");
        assertThat(json(Double.MAX_VALUE)).isEqualTo("1.7976931348623157e+308");
        assertThat(json(-0.0)).isEqualTo("-0");
        assertThat(json(123456.789)).isEqualTo("123456.789");
        out.clear();
        PlainDecimal.appendJson(Float.MIN_VALUE, out);
        assertThat(out.toString()).isEqualTo("1e-45");
    }

    private String json(double value) {
        out.clear();
        PlainDecimal.appendJson(value, out);
        return out.toString();
    }

    @Test
    void agreesWithTheJdkOnRandomDoubles() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 400_000; i++) {
            double value =
                    switch (i & 3) {
                        case 0 -> Double.longBitsToDouble(random.nextLong());
                        case 1 -> random.nextInt(1_000_000_000) / 1000.0;
                        case 2 -> random.nextGaussian();
                        default ->
                                Math.scalb(
                                        1.0 + (random.nextInt(3) - 1) * Math.ulp(1.0),
                                        random.nextInt(2098) - 1074);
                    };
            check(value, "seed " + seed);
        }
    }

    @Test
    void agreesWithTheJdkOnRandomFloats() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 400_000; i++) {
            float value = Float.intBitsToFloat(random.nextInt());
            if (!Float.isFinite(value) || value == 0) {
                continue;
            }
            String expected = jdk(Float.toString(value));
            String actual = plain(value);
            assertThat(Float.parseFloat(actual)).as("seed " + seed).isEqualTo(value);
            if (significant(expected) > 2) {
                assertThat(actual).as("seed " + seed).isEqualTo(expected);
            }
        }
    }

    @Test
    void agreesWithTheJdkAtPowersOfTwoAndTen() {
        for (int e = -1074; e <= 1023; e++) {
            double power = Math.scalb(1.0, e);
            check(power, "2^" + e);
            check(Math.nextUp(power), "2^" + e + " up");
            check(Math.nextDown(power), "2^" + e + " down");
        }
        for (int e = -323; e <= 308; e++) {
            check(Double.parseDouble("1e" + e), "1e" + e);
        }
    }

    @Test
    void logarithmsAreExact() {
        for (int e = 0; e <= 1100; e++) {
            BigInteger two = BigInteger.ONE.shiftLeft(e);
            assertThat(PlainDecimal.floorLog10Pow2(e)).isEqualTo(two.toString().length() - 1);
            assertThat(PlainDecimal.floorLog10ThreeQuartersPow2(e + 2))
                    .isEqualTo(two.multiply(BigInteger.valueOf(3)).toString().length() - 1);
            if (e <= 330) {
                BigInteger ten = BigInteger.TEN.pow(e);
                assertThat(PlainDecimal.floorLog2Pow10(e)).isEqualTo(ten.bitLength() - 1);
                if (e > 0) {
                    assertThat(PlainDecimal.floorLog2Pow10(-e)).isEqualTo(-ten.bitLength());
                }
            }
        }
    }

    private void check(double value, String what) {
        if (!Double.isFinite(value) || value == 0) {
            return;
        }
        String expected = jdk(Double.toString(value));
        String actual = plain(value);
        assertThat(Double.parseDouble(actual)).as(what).isEqualTo(value);
        // The JDK always writes two digits and picks the closest such; one may be enough.
        if (significant(expected) > 2) {
            assertThat(actual).as(what).isEqualTo(expected);
        }
    }

    private static String jdk(String text) {
        BigDecimal number = new BigDecimal(text);
        return number.stripTrailingZeros().toPlainString();
    }

    private static int significant(String plain) {
        return new BigDecimal(plain).stripTrailingZeros().precision();
    }

    private String plain(double value) {
        out.clear();
        PlainDecimal.append(value, out);
        return out.toString();
    }

    private String plain(float value) {
        out.clear();
        PlainDecimal.append(value, out);
        return out.toString();
    }
}
