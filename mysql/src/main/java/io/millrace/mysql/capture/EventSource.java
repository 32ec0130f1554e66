package io.millrace.mysql.capture;

import java.io.IOException;

/**
 * One event at a time, from the stream, from a compressed transaction or from a held XA
 * transaction. The header is there; the body is loaded on demand, and not at all for events that
 * nobody wants.
 */
interface EventSource {
    int type();

    /** Seconds in the header. */
    long timestamp();

    /** The 48 bits behind the header: a rows event's table number. */
    long peekU48() throws IOException;

    /** Brings the event into {@link #bytes}, valid until the next event. */
    void load() throws IOException;

    /**
     * Brings the event into a buffer from the pool that the caller owns; it starts at 0. Also sets
     * {@link #bytes}.
     */
    byte[] take() throws IOException;

    byte[] bytes();

    /** First byte behind the header in {@link #bytes}. */
    int bodyStart();

    /** End of the body in {@link #bytes}, without a checksum. */
    int bodyEnd();
}
