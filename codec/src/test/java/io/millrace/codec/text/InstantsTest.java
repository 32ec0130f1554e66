package io.millrace.codec.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.ByteSink;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InstantsTest {
    private static final DateTimeFormatter TEXT =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss");

    private static ByteSink sink(String text) {
        ByteSink out = new ByteSink(32);
        out.putUtf8(text);
        return out;
    }

    @Test
    void daysAreThoseOfTheJdk() {
        Instants instants = new Instants();
        for (LocalDate day = LocalDate.of(0, 1, 1);
                day.getYear() < 10_000;
                day = day.plusDays(13)) {
            assertThat(instants.read(sink(day.toString()))).isTrue();
            assertThat(instants.epochDay()).as("%s", day).isEqualTo(day.toEpochDay());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0000-00-00",
                "2024-00-10",
                "2024-13-01",
                "2024-01-00",
                "2023-02-29",
                "1900-02-29",
                "2024-04-31",
                "0000-00-00 00:00:00",
                "2021-02-31 10:00:00.5"
            })
    void daysThatNoCalendarHasAreTold(String text) {
        assertThat(new Instants().read(sink(text))).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "0000-02-29,2000-02-29",
        "0018-05-06,2018-05-06",
        "0069-01-01,2069-01-01",
        "0070-01-01,1970-01-01",
        "0096-02-29,1996-02-29",
        "0099-12-31,1999-12-31",
        "0100-01-01,0100-01-01"
    })
    void yearsOfTwoDigitsAreOfOurTime(String text, String means) {
        Instants instants = new Instants();
        assertThat(instants.readShortYears(sink(text))).isTrue();
        assertThat(instants.epochDay()).isEqualTo(LocalDate.parse(means).toEpochDay());
    }

    @ParameterizedTest
    @CsvSource({
        "1970-01-01 00:00:00,0",
        "1969-12-31 23:59:59.999999,-1",
        "2024-02-29 01:02:03.456,1709168523456000",
        "9999-12-31 23:59:59.5,253402300799500000"
    })
    void timesAreMicroseconds(String text, long micros) {
        Instants instants = new Instants();
        assertThat(instants.read(sink(text))).isTrue();
        assertThat(instants.epochMicros()).isEqualTo(micros);
    }

    @ParameterizedTest
    @CsvSource({
        "00:00:00,0",
        "-838:59:59,-3020399000000",
        "838:59:59.000001,3020399000001",
        "-00:00:00.5,-500000",
        "12:34:56.78,45296780000"
    })
    void durationsAreMicroseconds(String text, long micros) {
        assertThat(new Instants().duration(sink(text))).isEqualTo(micros);
    }

    @Test
    void timesAreWrittenAsTheJdkWritesThem() {
        Instants instants = new Instants();
        Random random = new Random(7);
        ByteSink out = new ByteSink(32);
        for (int i = 0; i < 20_000; i++) {
            Instant instant = Instant.ofEpochSecond(100_000 + random.nextLong(4_000_000_000L));
            out.clear();
            instants.appendUtc(sink(TEXT.format(instant.atOffset(ZoneOffset.UTC))), 0, out);
            assertThat(out).hasToString(instant.toString());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2023-02-27 15:46:52.888,3,2023-02-27T15:46:52.888Z",
        "2023-02-27 15:46:52,6,2023-02-27T15:46:52.000000Z",
        "2038-01-19 03:14:07.999999,6,2038-01-19T03:14:07.999999Z",
        "2106-02-07 06:28:15,0,2106-02-07T06:28:15Z",
        "1970-01-01 00:00:01,0,1970-01-01T00:00:01Z",
        "1970-01-01 00:00:00,0,1970-01-01T00:00:00Z",
        "0000-00-00 00:00:00.000,3,1970-01-01T00:00:00Z"
    })
    void fractionsHaveTheDigitsOfTheColumn(String text, int digits, String utc) {
        ByteSink out = new ByteSink(32);
        new Instants().appendUtc(sink(text), digits, out);
        assertThat(out).hasToString(utc);
    }
}
