package io.millrace.core.blackhole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.SourcePosition;
import io.millrace.core.model.TableName;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BlackholePipelineTest {
    private record Start() implements SourcePosition {
        @Override
        public boolean covers(SourcePosition other) {
            return true;
        }

        @Override
        public long floorTso() {
            return 0;
        }

        @Override
        public String encode() {
            return "";
        }
    }

    private final List<Long> acked = new ArrayList<>();
    private final SinkContext context =
            new SinkContext(
                    "default/test",
                    "127.0.0.1:1",
                    new Acks() {
                        @Override
                        public void ack(long seq) {
                            acked.add(seq);
                        }

                        @Override
                        public void fail(MillraceException error) {
                            throw error;
                        }
                    },
                    1,
                    Optional.empty(),
                    false);

    @Test
    void acksAndCountsDdl() {
        BlackholeSink sink =
                (BlackholeSink)
                        new BlackholeSinkFactory().open(SinkSpec.of("blackhole://"), context);
        SchemaChange change =
                new SchemaChange(
                        7,
                        new Start(),
                        "DROP TABLE t",
                        "s",
                        List.of(
                                new SchemaChange.Change(
                                        DdlKind.DROP_TABLE,
                                        new TableName("s", "t"),
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        "DROP TABLE t")));
        assertThat(sink.offer(3, change, false)).isTrue();
        assertThat(acked).containsExactly(3L);
        assertThat(sink.ddls()).isEqualTo(1);
        assertThat(sink.rows()).isZero();
    }

    @Test
    void otherSchemesAreRefused() {
        assertThatThrownBy(() -> new BlackholeSinkFactory().validate(SinkSpec.of("mysql://h/")))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.SINK_URI_INVALID));
    }
}
