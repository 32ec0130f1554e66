package io.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BootstrapsTest {
    private static final Topics.Topic TOPIC = new Topics.Topic("t");
    private static final TableSchema ONE = table(1, 1);
    private static final TableSchema TWO = table(2, 1);

    @Test
    void hasTheDocumentedDefaults() {
        assertThat(settings("")).isEqualTo(new Bootstraps.Settings(120, 10_000, true));
        assertThat(settings("").enabled()).isTrue();
        assertThat(
                        settings(
                                "&send-bootstrap-interval-in-sec=5&send-bootstrap-in-msg-count=7"
                                        + "&send-bootstrap-to-all-partition=false"))
                .isEqualTo(new Bootstraps.Settings(5, 7, false));
        assertThat(settings("&send-bootstrap-interval-in-sec=0").enabled()).isFalse();
        assertThat(settings("&send-bootstrap-in-msg-count=-1").enabled()).isFalse();
    }

    @Test
    void aTablesFirstRowsWait() {
        Bootstraps bootstraps = new Bootstraps(new Bootstraps.Settings(120, 10, true));
        assertThat(bootstraps.beforeRows(ONE, TOPIC, 1, 0)).isTrue();
        assertThat(bootstraps.beforeRows(ONE, TOPIC, 1, 1)).isFalse();
        assertThat(bootstraps.beforeRows(TWO, TOPIC, 1, 2)).isTrue();
        assertThat(bootstraps.beforeRows(ONE, new Topics.Topic("other"), 1, 3)).isTrue();
    }

    @Test
    void thenRowsAndTimeCount() {
        Bootstraps bootstraps = new Bootstraps(new Bootstraps.Settings(120, 10, true));
        bootstraps.beforeRows(ONE, TOPIC, 9, 0);
        assertThat(bootstraps.beforeRows(ONE, TOPIC, 5, 1)).isFalse();
        assertThat(bootstraps.beforeRows(ONE, TOPIC, 5, 2)).isTrue();
        assertThat(bootstraps.beforeRows(ONE, TOPIC, 3, seconds(100))).isFalse();
        assertThat(bootstraps.due(seconds(119))).isEmpty();
        TableSchema newer = table(1, 2);
        assertThat(bootstraps.beforeRows(newer, TOPIC, 1, seconds(119))).isFalse();
        assertThat(bootstraps.due(seconds(121))).as("looked just now").isEmpty();
        assertThat(bootstraps.due(seconds(125)))
                .singleElement()
                .satisfies(due -> assertThat(due.schema()).isSameAs(newer));
        assertThat(bootstraps.due(seconds(240))).isEmpty();
        assertThat(bootstraps.due(seconds(246))).hasSize(1);
    }

    @Test
    void idleTablesAreForgotten() {
        Bootstraps bootstraps = new Bootstraps(new Bootstraps.Settings(120, 10, true));
        bootstraps.beforeRows(ONE, TOPIC, 1, 0);
        assertThat(bootstraps.due(Bootstraps.IDLE_NANOS)).hasSize(1);
        assertThat(bootstraps.due(Bootstraps.IDLE_NANOS + seconds(130))).isEmpty();
        assertThat(bootstraps.beforeRows(ONE, TOPIC, 1, Bootstraps.IDLE_NANOS + seconds(131)))
                .isTrue();
    }

    private static long seconds(int count) {
        return TimeUnit.SECONDS.toNanos(count);
    }

    private static Bootstraps.Settings settings(String parameters) {
        return Bootstraps.Settings.of(SinkSpec.of("kafka://h/t?protocol=simple" + parameters));
    }

    private static TableSchema table(long id, long version) {
        return new TableSchema(
                id,
                version,
                new TableName("test", "t" + id),
                List.of(Column.of("a", ColumnKind.INT)),
                List.of());
    }
}
