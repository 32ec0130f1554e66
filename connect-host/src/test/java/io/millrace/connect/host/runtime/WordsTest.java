package io.millrace.connect.host.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What people read of positions and of stack traces. */
class WordsTest {
    @Test
    void positionsLookAsInTheirDatabase() {
        assertThat(PositionText.of(Map.of())).isEmpty();
        assertThat(
                        PositionText.of(
                                Map.of(
                                        Map.of("server", "shop"),
                                        Map.of("file", "binlog.000002", "pos", 2124L, "row", 1))))
                .isEqualTo("binlog.000002:2124");
        assertThat(
                        PositionText.of(
                                Map.of(
                                        Map.of("server", "shop"),
                                        Map.of("file", "b.1", "pos", 4, "gtids", "u:1-7"))))
                .isEqualTo("b.1:4 gtids u:1-7");
        assertThat(PositionText.of(Map.of(Map.of("server", "s"), Map.of("lsn", 0x1_016B_3748L))))
                .isEqualTo("lsn 1/16B3748");
        assertThat(PositionText.of(Map.of(Map.of("server", "s"), Map.of("b", 2, "a", 1))))
                .isEqualTo("a=1 b=2");
        Map<Map<String, ?>, Map<String, ?>> sink = new LinkedHashMap<>();
        for (int i = 4; i >= 0; i--) {
            sink.put(
                    Map.of("kafka_topic", "t", "kafka_partition", i),
                    Map.of("kafka_offset", 10 + i));
        }
        assertThat(PositionText.of(sink)).isEqualTo("t[0]:10, t[1]:11, t[2]:12, and 2 more");
    }

    @Test
    void aTraceIsOneLineWithItsCause() {
        assertThat(Traces.line(null)).isEmpty();
        assertThat(
                        Traces.line(
                                """
                                org.apache.kafka.connect.errors.ConnectException: An exception occurred
                                \tat io.debezium.X.y(X.java:1)
                                Caused by: io.debezium.DebeziumException: in between
                                \tat z
                                Caused by: java.sql.SQLException: Access denied, password=hidden1
                                \t... 3 more
                                """))
                .isEqualTo("An exception occurred Cause: Access denied, password=xxxxx");
        assertThat(
                        Traces.line(
                                "a.b.C: the table is gone\n\tat x\nCaused by: d.E: the table is gone"))
                .isEqualTo("the table is gone");
        assertThat(Traces.line("a.B: Access denied for user 'u'@'h' (using password: YES)"))
                .isEqualTo("Access denied for user 'u'@'h' (using password)");
        assertThat(Traces.line("java.lang.NullPointerException\n\tat x"))
                .isEqualTo("NullPointerException");
        assertThat(Traces.line("x.Y: " + "z".repeat(1000))).hasSize(401).endsWith("…");
    }

    @Test
    void aTraceWithAVeryLongWordIsMadeALineAtOnce() {
        String value = "48656c6c6f".repeat(40_000);

        String line =
                assertTimeoutPreemptively(
                        Duration.ofSeconds(5),
                        () ->
                                Traces.line(
                                        "x.Y: password=hidden1 INSERT '"
                                                + value
                                                + "'\n\tat x\nCaused by: a.B: "
                                                + value));

        assertThat(line).startsWith("password=xxxxx INSERT '48656c").hasSize(401);
    }
}
