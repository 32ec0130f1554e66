package io.millrace.core.spi;

import io.millrace.core.error.MillraceException;

/** How a sink tells the engine what is durable downstream. Callable from any thread. */
public interface Acks {
    /** Everything of this event is durable. Exactly once per accepted event; any order. */
    void ack(long seq);

    /**
     * The sink cannot go on. The job stops or retries, depending on the error's fault; nothing
     * later is acked.
     */
    void fail(MillraceException error);
}
