package io.millrace.mysql.sink;

import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.Acks;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts down what was accepted and is not acked yet.
 *
 * @param unacked counted up by who accepts
 */
record CountedAcks(Acks acks, AtomicLong unacked) implements Acks {
    @Override
    public void ack(long seq) {
        unacked.decrementAndGet();
        acks.ack(seq);
    }

    @Override
    public void fail(MillraceException error) {
        acks.fail(error);
    }

    @Override
    public void troubled(MillraceException why) {
        acks.troubled(why);
    }

    @Override
    public void goingOn() {
        acks.goingOn();
    }
}
