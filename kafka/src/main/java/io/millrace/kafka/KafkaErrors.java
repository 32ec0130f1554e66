package io.millrace.kafka;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InvalidPidMappingException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.InvalidTxnStateException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TransactionAbortedException;
import org.apache.kafka.common.errors.UnknownServerException;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/** Turns Kafka's exceptions into ours: whose fault, and whether a new try may help. */
final class KafkaErrors {
    private KafkaErrors() {}

    /** A record that the broker did not take. */
    static MillraceException delivery(String what, Throwable thrown) {
        Throwable cause = unwrap(thrown);
        ErrorCode code =
                switch (cause) {
                    case RecordTooLargeException e -> ErrorCode.MESSAGE_TOO_LARGE;
                    case AuthenticationException e -> ErrorCode.SINK_ACCESS_DENIED;
                    case AuthorizationException e -> ErrorCode.SINK_ACCESS_DENIED;
                    // A new producer starts with a new id and sequence.
                    case OutOfOrderSequenceException e -> ErrorCode.SINK_TRANSIENT;
                    case InvalidProducerEpochException e -> ErrorCode.SINK_TRANSIENT;
                    case ProducerFencedException e -> ErrorCode.SINK_TRANSIENT;
                    case TransactionAbortedException e -> ErrorCode.SINK_TRANSIENT;
                    case InvalidTxnStateException e -> ErrorCode.SINK_TRANSIENT;
                    case InvalidPidMappingException e -> ErrorCode.SINK_TRANSIENT;
                    case RetriableException e -> ErrorCode.SINK_TRANSIENT;
                    // A full disk, answered by the broker of this process. Kafka itself answers
                    // no message so.
                    case PolicyViolationException e -> ErrorCode.SINK_TRANSIENT;
                    // Any fault inside the broker; it says nothing of the record.
                    case UnknownServerException e -> ErrorCode.SINK_TRANSIENT;
                    case ApiException e -> ErrorCode.SINK_DATA;
                    case KafkaException e -> ErrorCode.SINK_TRANSIENT;
                    default -> ErrorCode.INTERNAL;
                };
        return new MillraceException(
                code, "Kafka did not take a message of " + what + ": " + text(cause), cause);
    }

    /** A question or order to the cluster that failed. */
    static MillraceException admin(String brokers, String what, Throwable thrown) {
        Throwable cause = unwrap(thrown);
        if (cause instanceof MillraceException ours) {
            return ours;
        }
        ErrorCode code =
                switch (cause) {
                    case TimeoutException e -> ErrorCode.SINK_CONNECTION;
                    case AuthenticationException e -> ErrorCode.SINK_ACCESS_DENIED;
                    case AuthorizationException e -> ErrorCode.SINK_ACCESS_DENIED;
                    case InvalidReplicationFactorException e -> ErrorCode.KAFKA_INVALID_CONFIG;
                    case InvalidTopicException e -> ErrorCode.KAFKA_INVALID_CONFIG;
                    case PolicyViolationException e -> ErrorCode.KAFKA_INVALID_CONFIG;
                    case UnsupportedVersionException e -> ErrorCode.KAFKA_INVALID_CONFIG;
                    case RetriableException e -> ErrorCode.SINK_CONNECTION;
                    default -> ErrorCode.SINK_CONNECTION;
                };
        return new MillraceException(
                code, "Kafka at " + brokers + ": " + what + " failed: " + text(cause), cause);
    }

    static Throwable unwrap(Throwable thrown) {
        Throwable cause = thrown;
        while ((cause instanceof ExecutionException || cause instanceof CompletionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        // "Failed to construct ..." and "Failed create new ..." hide the reason.
        while (cause.getClass() == KafkaException.class && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static String text(Throwable cause) {
        String message = cause.getMessage();
        return message == null ? cause.getClass().getSimpleName() : message;
    }
}
