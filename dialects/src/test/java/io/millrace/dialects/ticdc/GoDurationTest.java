package io.millrace.dialects.ticdc;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class GoDurationTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "10m, 600000000000",
        "1h30m, 5400000000000",
        "500ms, 500000000",
        "1.5s, 1500000000",
        "-2s, -2000000000",
        "+2s, 2000000000",
        ".5s, 500000000",
        "1.s, 1000000000",
        "3us, 3000",
        "3µs, 3000",
        "7ns, 7",
        "2562047h47m16.854775807s, 9223372036854775807"
    })
    void readsGoDurations(String text, long nanos) {
        assertThat(GoDuration.parse(text)).contains(nanos);
    }

    /** Numbers that take long to write out are told by their size. */
    @ParameterizedTest
    @CsvSource({
        "7, 7",
        "7.9, 7",
        "-7.9, -7",
        "1e3, 1000",
        "9223372036854775807, 9223372036854775807",
        "0e999999999, 0",
        "1e-500000000, 0",
        "-1e-999999999, 0"
    })
    void readsNumbersAsNanoseconds(String number, long nanos) {
        assertThat(GoDuration.nanos(number)).hasValue(nanos);
    }

    @ParameterizedTest
    @ValueSource(strings = {"9223372036854775808", "1e600000000", "-1e19"})
    void refusesNumbersOfMoreThan64Bits(String number) {
        assertThat(GoDuration.nanos(number)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "10", "m", "1d", "1h 30m", "1m-30s", "-", ".s", "9999999999h"})
    void refusesOthers(String text) {
        assertThat(GoDuration.parse(text)).isEmpty();
    }
}
