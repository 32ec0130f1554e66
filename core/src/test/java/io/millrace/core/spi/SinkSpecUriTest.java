package io.millrace.core.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import org.junit.jupiter.api.Test;

class SinkSpecUriTest {
    @Test
    void nothingMayFollowTheSlashes() {
        assertThat(SinkSpec.of("blackhole://").scheme()).isEqualTo("blackhole");
        assertThat(SinkSpec.of("blackhole://?worker-count=4").option("worker-count")).contains("4");
        assertThat(SinkSpec.of("mysql://u:p@h:3306/?a=b").option("a")).contains("b");
    }

    @Test
    void charactersThatEverybodyWritesRawAreFine() {
        assertThat(SinkSpec.of("kafka://h:9092/t?topic={schema}_{table}").option("topic"))
                .contains("{schema}_{table}");
        assertThat(SinkSpec.of("mysql://u:p@h:3306/a b").scheme()).isEqualTo("mysql");
    }

    @Test
    void malformedUriDoesNotLeakItsPassword() {
        assertThatThrownBy(() -> SinkSpec.of("mysql://root:s3cret@h:3306/%zz"))
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo(ErrorCode.SINK_URI_INVALID);
                            assertThat(e.text()).doesNotContain("s3cret");
                        });
    }
}
