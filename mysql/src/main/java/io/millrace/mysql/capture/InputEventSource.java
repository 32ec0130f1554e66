package io.millrace.mysql.capture;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.wire.BufferPool;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** Events laid end to end, without checksums: the inside of a compressed transaction. */
final class InputEventSource implements EventSource {
    private static final int PEEK = 6;

    private final InputStream in;
    private final BufferPool pool;
    private final byte[] head = new byte[EventTypes.HEADER_LENGTH + PEEK];
    private int headLength;
    private int type;
    private int length;

    /** Bytes of the event behind {@link #head} that were not read. */
    private int left;

    private byte[] bytes = head;

    InputEventSource(InputStream in, BufferPool pool) {
        this.in = in;
        this.pool = pool;
    }

    /** Goes to the next event; false at the end. */
    boolean next() throws IOException {
        while (left > 0) {
            long skipped = in.skip(left);
            if (skipped <= 0) {
                if (in.read() < 0) {
                    throw cutOff();
                }
                skipped = 1;
            }
            left -= (int) skipped;
        }
        int first = in.read();
        if (first < 0) {
            return false;
        }
        head[0] = (byte) first;
        read(head, 1, EventTypes.HEADER_LENGTH - 1);
        type = WireBytes.u8(head, 4);
        length = WireBytes.i32(head, 9);
        if (length < EventTypes.HEADER_LENGTH) {
            throw new MillraceException(
                    ErrorCode.UPSTREAM_CORRUPT,
                    "A compressed transaction holds an event of "
                            + Integer.toUnsignedString(length)
                            + " bytes.");
        }
        int peek = Math.min(PEEK, length - EventTypes.HEADER_LENGTH);
        read(head, EventTypes.HEADER_LENGTH, peek);
        headLength = EventTypes.HEADER_LENGTH + peek;
        left = length - headLength;
        return true;
    }

    private void read(byte[] target, int offset, int count) throws IOException {
        int at = offset;
        int end = offset + count;
        while (at < end) {
            int n = in.read(target, at, end - at);
            if (n < 0) {
                throw cutOff();
            }
            at += n;
        }
    }

    private static EOFException cutOff() {
        return new EOFException("a stored transaction is cut off");
    }

    @Override
    public int type() {
        return type;
    }

    @Override
    public long timestamp() {
        return WireBytes.u32(head, 0);
    }

    @Override
    public long peekU48() {
        return WireBytes.u48(head, EventTypes.HEADER_LENGTH);
    }

    @Override
    public void load() throws IOException {
        fill(new byte[length]);
    }

    @Override
    public byte[] take() throws IOException {
        byte[] target = pool.take(length);
        fill(target);
        return target;
    }

    private void fill(byte[] target) throws IOException {
        System.arraycopy(head, 0, target, 0, headLength);
        read(target, headLength, left);
        left = 0;
        bytes = target;
    }

    @Override
    public byte[] bytes() {
        return bytes;
    }

    @Override
    public int bodyStart() {
        return EventTypes.HEADER_LENGTH;
    }

    @Override
    public int bodyEnd() {
        return length;
    }
}
