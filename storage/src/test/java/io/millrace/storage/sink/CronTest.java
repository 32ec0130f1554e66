package io.millrace.storage.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.MillraceException;
import java.time.ZonedDateTime;
import java.util.List;
import org.junit.jupiter.api.Test;

final class CronTest {
    private static String next(String cron, String after) {
        return Cron.parse(cron)
                .next(ZonedDateTime.parse(after + "Z"))
                .map(time -> time.toLocalDateTime().toString())
                .orElse("never");
    }

    @Test
    void findsTheNextTime() {
        assertThat(next("0 0 2 * * *", "2026-11-21T02:00:00")).isEqualTo("2026-11-22T02:00");
        assertThat(next("0 0 2 * * *", "2026-11-21T01:59:59.5")).isEqualTo("2026-11-21T02:00");
        assertThat(next("*/10 * * * * *", "2026-12-31T23:59:55")).isEqualTo("2027-01-01T00:00");
        assertThat(next("5 30 9-17/4 * * 1-5", "2026-11-21T00:00:00"))
                .isEqualTo("2026-11-23T09:30:05");
        assertThat(next("0 0 0 29 2 *", "2026-11-21T00:00:00")).isEqualTo("2028-02-29T00:00");
        assertThat(next("0 0 0 1 * 7", "2026-11-21T00:00:00")).isEqualTo("2026-11-22T00:00");
        assertThat(next("0 0 0 31 2 *", "2026-11-21T00:00:00")).isEqualTo("never");
        assertThat(next("0,30 0 0 * * *", "2026-11-21T00:00:01")).isEqualTo("2026-11-21T00:00:30");
    }

    @Test
    void knowsTheWordsOfOtherCrons() {
        assertThat(next("0 0 2 ? * MON-fri", "2026-11-21T00:00:00")).isEqualTo("2026-11-23T02:00");
        assertThat(next("0 0 2 1 Feb,DEC ?", "2026-11-21T00:00:00")).isEqualTo("2026-12-01T02:00");
        assertThat(next("0 0 0 * * sun", "2026-11-21T00:00:00")).isEqualTo("2026-11-22T00:00");
        assertThat(next("@daily", "2026-11-21T12:00:00")).isEqualTo("2026-11-22T00:00");
        assertThat(next("@hourly", "2026-11-21T12:00:00")).isEqualTo("2026-11-21T13:00");
        assertThat(next("@weekly", "2026-11-21T12:00:00")).isEqualTo("2026-11-22T00:00");
        assertThat(next("@Monthly", "2026-11-21T12:00:00")).isEqualTo("2026-12-01T00:00");
        assertThat(next("@yearly", "2026-11-21T12:00:00")).isEqualTo("2027-01-01T00:00");
    }

    @Test
    void refusesWhatIsNone() {
        for (String bad :
                List.of(
                        "",
                        "* * * * *",
                        "60 * * * * *",
                        "a * * * * *",
                        "* * * 0 * *",
                        "5-1 * * * * *",
                        "*/0 * * * * *",
                        "* * * * * 8",
                        "mon * * * * *",
                        "* * * * * day",
                        "@sometimes")) {
            assertThatThrownBy(() -> Cron.parse(bad))
                    .as(bad)
                    .isInstanceOf(MillraceException.class)
                    .hasMessageContaining("file-cleanup-cron-spec '" + bad + "'");
        }
    }
}
