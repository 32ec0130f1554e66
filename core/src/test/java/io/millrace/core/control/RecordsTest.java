package io.millrace.core.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.control.Records.StateRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The text forms of stored records, those of earlier versions too. */
final class RecordsTest {
    private static final JobSpec SPEC =
            new JobSpec(
                    new JobId("default", "job"),
                    "shop",
                    7,
                    "mysql://u:p@h/",
                    Map.of("a", "b=c\nd"),
                    List.of(),
                    List.of(),
                    true,
                    false,
                    false,
                    FilterSpec.ALL,
                    1,
                    0,
                    1L << 30,
                    Duration.ofMinutes(30),
                    "UTC",
                    "tiunimanager",
                    "{}",
                    Instant.EPOCH,
                    "1",
                    Map.of("tiunimanager.name", "a = b\nc\\"));

    @Test
    void labelsSurvive() {
        assertThat(Records.decodeSpec(Records.encode(SPEC))).isEqualTo(SPEC);
    }

    @Test
    void jobsOfEarlierVersionsHaveNoLabels() {
        String old =
                Records.encode(SPEC)
                        .lines()
                        .filter(line -> !line.startsWith("label-"))
                        .collect(Collectors.joining("\n"));
        assertThat(Records.decodeSpec(old)).isEqualTo(SPEC.withLabels(Map.of()));
    }

    @Test
    void statesOfEarlierVersionsHaveNoTime() {
        Instant time = Instant.parse("2026-11-22T07:00:00.123456Z");
        StateRecord state = new StateRecord(JobState.STOPPED, Optional.empty(), 3, time);
        String text = Records.encode(state);
        assertThat(Records.decodeState(text)).isEqualTo(state);
        String old =
                text.lines()
                        .filter(line -> !line.startsWith("changed"))
                        .collect(Collectors.joining("\n"));
        assertThat(Records.decodeState(old).changed()).isEqualTo(Instant.EPOCH);
    }
}
