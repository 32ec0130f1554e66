package io.millrace.dialects.tiunimanager;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ids, times and pages of tasks. */
final class TasksTest {
    @Test
    void idsHave22DigitsOfBase57() {
        assertThat(Tasks.id(new UUID(0, 0))).isEqualTo("2".repeat(22));
        assertThat(Tasks.id(new UUID(0, 56))).isEqualTo("2".repeat(21) + "z");
        assertThat(Tasks.id(new UUID(0, 57))).isEqualTo("2".repeat(20) + "32");
        assertThat(Tasks.id(new UUID(-1, -1))).hasSize(22).isNotEqualTo(Tasks.id(new UUID(-1, -2)));
        assertThat(Tasks.newId()).matches("[2-9A-HJ-NP-Za-km-z]{22}");
    }

    @Test
    void timesHaveTheZonesOffsetAndNoZerosAtTheirEnd() {
        Instant time = Instant.parse("2022-03-30T06:05:06.659471040Z");
        assertThat(Tasks.time(time, ZoneId.of("Asia/Shanghai")))
                .isEqualTo("2022-03-30T14:05:06.65947104+08:00");
        assertThat(Tasks.time(Instant.parse("2022-03-30T06:05:00Z"), ZoneId.of("UTC")))
                .isEqualTo("2022-03-30T06:05:00Z");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    0 | 0 | 1 2 3 4 5
                    3 | 0 | 1 2 3 4 5
                    0 | 2 | 1 2
                    1 | 2 | 1 2
                    2 | 2 | 3 4
                    3 | 2 | 5
                    4 | 2 | ''
                    2147483647 | 2147483647 | ''
                    1 | 9 | 1 2 3 4 5
                    """)
    void pagesBeginWithOneAndNoSizeMeansAll(int page, int size, String rows) {
        List<Integer> all = List.of(1, 2, 3, 4, 5);
        assertThat(FeedRoutes.page(all, page, size).stream().map(String::valueOf).toList())
                .isEqualTo(rows.isEmpty() ? List.of() : List.of(rows.split(" ")));
    }
}
