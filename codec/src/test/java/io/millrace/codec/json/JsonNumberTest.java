package io.millrace.codec.json;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.ByteSink;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonNumberTest {
    @ParameterizedTest
    @CsvSource({
        "0,0",
        "-0.0,-0",
        "1,1",
        "-12.5,-12.5",
        "1e-6,0.000001",
        "9.99e-7,9.99e-7",
        "1e-7,1e-7",
        "-1.25e-10,-1.25e-10",
        "5e-324,5e-324",
        "999999999999999900000,999999999999999900000",
        "1e21,1e+21",
        "-1.5e21,-1.5e+21",
        "1.7976931348623157e308,1.7976931348623157e+308",
        "123456789012345680000000,1.2345678901234569e+23",
        "NaN,0",
        "Infinity,0"
    })
    void doublesAreWrittenAsInGo(double value, String text) {
        ByteSink out = new ByteSink(16);
        out.put('x');
        JsonNumber.append(value, out);
        assertThat(out).hasToString("x" + text);
    }

    @ParameterizedTest
    @CsvSource({
        "3.14,3.14",
        "1e-6,0.000001",
        "1e-7,1e-7",
        "1e21,1e+21",
        "3.4028235e38,3.4028235e+38",
        "1.4e-45,1e-45",
        "Infinity,0"
    })
    void floatsAreWrittenAsInGo(float value, String text) {
        ByteSink out = new ByteSink(16);
        JsonNumber.append(value, out);
        assertThat(out).hasToString(text);
    }

    @Test
    void everyDoubleReadsBackAsItself() {
        Random random = new Random(4);
        ByteSink out = new ByteSink(16);
        for (int i = 0; i < 100_000; i++) {
            double value = Double.longBitsToDouble(random.nextLong());
            if (Double.isFinite(value)) {
                out.clear();
                JsonNumber.append(value, out);
                assertThat(Double.parseDouble(out.toString())).isEqualTo(value);
            }
        }
    }
}
