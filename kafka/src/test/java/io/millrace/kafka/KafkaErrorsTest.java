package io.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.error.ErrorCode;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.KafkaStorageException;
import org.apache.kafka.common.errors.NotEnoughReplicasException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownServerException;
import org.junit.jupiter.api.Test;

/** Which faults of a delivery pass by themselves. */
final class KafkaErrorsTest {
    private static ErrorCode delivery(Throwable thrown) {
        return KafkaErrors.delivery("topic t", thrown).code();
    }

    @Test
    void faultsOfTheBrokerAreTriedAgain() {
        for (Throwable fault :
                new Throwable[] {
                    new UnknownServerException("unexpected error"),
                    new ExecutionException(new UnknownServerException()),
                    new KafkaException("wrapped", new UnknownServerException()),
                    new NotEnoughReplicasException("one is down"),
                    new KafkaStorageException("disk"),
                    new PolicyViolationException("the disk limit is reached"),
                    new OutOfOrderSequenceException("lost")
                }) {
            assertThat(delivery(fault)).as("%s", fault).isEqualTo(ErrorCode.SINK_TRANSIENT);
        }
    }

    @Test
    void whatTheRecordIsToBlameForIsNot() {
        assertThat(delivery(new RecordTooLargeException())).isEqualTo(ErrorCode.MESSAGE_TOO_LARGE);
        assertThat(delivery(new InvalidRecordException("no key"))).isEqualTo(ErrorCode.SINK_DATA);
        assertThat(delivery(new InvalidTopicException("t"))).isEqualTo(ErrorCode.SINK_DATA);
        assertThat(delivery(new TopicAuthorizationException("t")))
                .isEqualTo(ErrorCode.SINK_ACCESS_DENIED);
    }
}
