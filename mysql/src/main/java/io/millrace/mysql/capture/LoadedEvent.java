package io.millrace.mysql.capture;

import io.millrace.core.bytes.WireBytes;

/** An event that is in memory as a whole, from 0 on. */
record LoadedEvent(byte[] bytes, int bodyEnd) implements EventSource {
    @Override
    public int type() {
        return WireBytes.u8(bytes, 4);
    }

    @Override
    public long timestamp() {
        return WireBytes.u32(bytes, 0);
    }

    @Override
    public long peekU48() {
        return WireBytes.u48(bytes, EventTypes.HEADER_LENGTH);
    }

    @Override
    public void load() {}

    @Override
    public byte[] take() {
        return bytes;
    }

    @Override
    public int bodyStart() {
        return EventTypes.HEADER_LENGTH;
    }
}
