package io.millrace.kafka;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;

/**
 * Where {@code kafka://embedded/TOPIC} goes: the broker that a server may run in its own process.
 * It is one broker, without encryption and login, on this machine.
 */
@FunctionalInterface
public interface InProcessKafka {
    /** The authority of a sink URI that stands for the broker of this process. */
    String NAME = "embedded";

    /**
     * {@code host:port} of the broker, which need not answer yet.
     *
     * @throws MillraceException KAFKA_INVALID_CONFIG when this server has none; tells what to do
     */
    String address();

    /** For processes without a broker. */
    static InProcessKafka none() {
        return () -> {
            throw new MillraceException(
                    ErrorCode.KAFKA_INVALID_CONFIG,
                    "sink-uri kafka://embedded/… is for the Kafka broker of this process, and it"
                            + " runs none: name brokers, kafka://host:port/topic");
        };
    }
}
