package io.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import io.millrace.testkit.servers.Ports;
import org.junit.jupiter.api.Test;

class InProcessKafkaTest {
    private static final String OPTIONS = "/items?protocol=canal-json&dial-timeout=200ms";

    /** Nobody listens there: as in the seconds, after a crash minutes, before it is up. */
    private final String starting = "127.0.0.1:" + Ports.free();

    private final KafkaSinkFactory factory =
            new KafkaSinkFactory(new MemoryStores(), "default", () -> starting);

    @Test
    void aChangefeedToTheBrokerOfTheProcessIsNotRefusedWhileThatStarts() {
        factory.testOpen(SinkSpec.of("kafka://embedded" + OPTIONS));
        assertThatThrownBy(() -> factory.testOpen(SinkSpec.of("kafka://" + starting + OPTIONS)))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e ->
                                org.assertj.core.api.Assertions.assertThat(e.code())
                                        .isEqualTo(ErrorCode.SINK_CONNECTION));
    }

    @Test
    void whatIsWrongInItsSettingsIsRefusedAllTheSame() {
        assertThatThrownBy(() ->
                        factory.testOpen(
                                SinkSpec.of(
                                        "kafka://embedded" + OPTIONS + "&replication-factor=2")))
                .hasMessageContaining("replication-factor must be 1");
    }
}
