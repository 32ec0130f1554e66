package io.millrace.connect.host.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.connect.host.runtime.TaskFigures.Records;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.junit.jupiter.api.Test;

class TaskFiguresTest {
    private final Map<MetricName, Metric> metrics = new HashMap<>();

    private record Value(MetricName metricName, Object metricValue) implements Metric {}

    private void tells(int task, String group, String name, Object value) {
        MetricName full =
                new MetricName(
                        name,
                        group,
                        "",
                        Map.of("connector", "shop", "task", Integer.toString(task)));
        metrics.put(full, new Value(full, value));
    }

    private void sink(int task, double read, double sent, double uncommitted) {
        tells(task, "sink-task-metrics", "sink-record-read-total", read);
        tells(task, "sink-task-metrics", "sink-record-send-total", sent);
        tells(task, "sink-task-metrics", "sink-record-active-count", uncommitted);
    }

    private Records records() {
        return TaskFigures.read(metrics).records("shop");
    }

    @Test
    void tasksOfASourceAreCountedTogether() {
        for (int task = 0; task < 2; task++) {
            tells(task, "source-task-metrics", "source-record-write-total", 10.0);
            tells(task, "source-task-metrics", "source-record-active-count", 3.0);
        }
        assertThat(records()).isEqualTo(new Records(20, 6));
        assertThat(TaskFigures.read(metrics).records("other")).isEqualTo(Records.NONE);
    }

    @Test
    void whatASinkHasReadAndItsTargetHasNotTakenWaits() {
        sink(0, 500, 0, 500);
        sink(1, 70, 70, 0);
        assertThat(records()).isEqualTo(new Records(70, 500));
    }

    @Test
    void whatASinkDroppedOrKeepsForALargerWriteDoesNotWait() {
        sink(0, 500, 300, 0);
        assertThat(records()).as("a transformation dropped 200").isEqualTo(new Records(300, 0));
        sink(0, 500, 500, 500);
        assertThat(records()).as("taken, not yet committed").isEqualTo(new Records(500, 0));
    }

    @Test
    void theStateIsOfTheTaskThatIsHereNow() {
        tells(0, "connector-task-metrics", "status", "unassigned");
        TaskFigures figures = TaskFigures.read(metrics);
        assertThat(figures.state("shop", 0)).contains("unassigned");
        assertThat(figures.state("shop", 1)).isEmpty();
    }
}
