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

    /**
     * The sink gets nothing delivered for now, and goes on trying: the job is shown as troubled
     * until {@link #goingOn}. If that takes too long for the sink, it {@link #fail}s.
     */
    default void troubled(MillraceException why) {}

    /** What {@link #troubled} told is over. */
    default void goingOn() {}
}
