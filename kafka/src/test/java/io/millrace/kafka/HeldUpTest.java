package io.millrace.kafka;

import static io.millrace.testkit.rows.TestRowBatch.row;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.Acks;
import io.millrace.core.spi.Sink;
import io.millrace.core.spi.SinkContext;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.rows.TestRowBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a sink tells when those it needs do not answer; no broker is there. */
class HeldUpTest {
    private static final TableSchema TABLE =
            new TableSchema(
                    1,
                    1,
                    new TableName("d", "t"),
                    List.of(Column.of("id", ColumnKind.INT)),
                    List.of(new TableSchema.Key("PRIMARY", true, List.of(0))));

    private final List<MillraceException> troubles = new ArrayList<>();
    private final List<MillraceException> failures = new ArrayList<>();
    private int recoveries;

    private final Acks acks =
            new Acks() {
                @Override
                public void ack(long seq) {}

                @Override
                public void fail(MillraceException error) {
                    failures.add(error);
                }

                @Override
                public void troubled(MillraceException why) {
                    troubles.add(why);
                }

                @Override
                public void goingOn() {
                    recoveries++;
                }
            };

    private SinkContext context() {
        return new SinkContext("default/test", "127.0.0.1:8300", acks, 0, Optional.empty(), false);
    }

    private static void offer(Sink sink) {
        assertThat(sink.offer(0, TestRowBatch.insert(TABLE, 5, 0, true, row(1)))).isTrue();
    }

    @Test
    void aBrokerThatDoesNotAnswerIsToldOnce() {
        SinkSpec spec = SinkSpec.of("kafka://127.0.0.1:1/t?protocol=canal-json");
        try (Sink sink = new KafkaSinkFactory(new MemoryStores()).open(spec, context())) {
            long start = System.nanoTime();
            sink.doWork(start);
            sink.doWork(start + 2 * StallWatch.LIMIT_NANOS);
            assertThat(troubles).as("nothing is to be delivered").isEmpty();
            assertThat(sink.isHeldUp()).isFalse();

            offer(sink);
            long offered = start + 3 * StallWatch.LIMIT_NANOS;
            sink.doWork(offered);
            sink.doWork(offered + StallWatch.LIMIT_NANOS - 1);
            assertThat(troubles).isEmpty();
            sink.doWork(offered + StallWatch.LIMIT_NANOS);
            sink.doWork(offered + 2 * StallWatch.LIMIT_NANOS);
            assertThat(troubles)
                    .singleElement()
                    .satisfies(why -> {
                        assertThat(why.code()).isEqualTo(ErrorCode.SINK_CONNECTION);
                        assertThat(why.text()).contains("127.0.0.1:1").contains("for 5 s");
                    });
            assertThat(sink.isHeldUp()).isTrue();
            assertThat(failures).isEmpty();
        }
    }

    @Test
    void whoWaitsForTheSchemaRegistryIsHeldUpAtOnceAndSaysSoLater() {
        SinkSpec spec = SinkSpec.of("kafka://127.0.0.1:1/t?protocol=canal-json");
        boolean[] prepared = {false};
        TextEncoder encoder =
                new TextEncoder(1) {
                    @Override
                    public boolean prepare(TableSchema schema, String topic) {
                        return prepared[0];
                    }
                };
        try (Sink sink =
                new KafkaSinkFactory(new MemoryStores())
                        .open(spec, context(), KafkaSinkConfig.parse(spec), encoder)) {
            offer(sink);
            assertThat(sink.isHeldUp()).isTrue();
            long start = System.nanoTime();
            sink.doWork(start);
            sink.doWork(start + StallWatch.LIMIT_NANOS);
            assertThat(troubles)
                    .singleElement()
                    .satisfies(why -> assertThat(why.text()).contains("schema registry", "d.t"));
            assertThat(recoveries).isZero();
        }
    }
}
