package io.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.rows.TestRowBatch;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressTest {
    @Test
    void coversBatchesByTsoAndIndex() {
        Progress progress = new Progress(10, 3);
        assertThat(progress.covers(batch(9, 100))).isTrue();
        assertThat(progress.covers(batch(10, 3))).isTrue();
        assertThat(progress.covers(batch(10, 4))).isFalse();
        assertThat(progress.covers(batch(11, 0))).isFalse();
        assertThat(progress.covers(10)).isTrue();
        assertThat(progress.covers(11)).isFalse();
        assertThat(Progress.NONE.covers(batch(1, 0))).isFalse();
        assertThat(Progress.NONE.covers(1)).isFalse();
    }

    @Test
    void isReadBackAndNothingElseIs() {
        for (Progress progress :
                List.of(Progress.NONE, new Progress(Long.MAX_VALUE, Integer.MAX_VALUE))) {
            assertThat(Progress.decode(progress.encode())).contains(progress);
        }
        for (String foreign :
                List.of("", "12", "millrace 2 1 1", "millrace 1 9999999999999999999 0")) {
            assertThat(Progress.decode(foreign)).as(foreign).isEmpty();
        }
    }

    private static RowBatch batch(long tso, int eventIndex) {
        TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        new TableName("test", "t"),
                        List.of(Column.of("a", ColumnKind.INT)),
                        List.of());
        return TestRowBatch.insert(schema, tso, eventIndex, true, TestRowBatch.row(1));
    }
}
