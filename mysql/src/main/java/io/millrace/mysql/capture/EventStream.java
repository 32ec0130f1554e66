package io.millrace.mysql.capture;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.wire.BufferPool;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * Cuts the answer to a dump command into binlog events. One event at a time: {@link #next} reads
 * its header; then {@link #load} brings its body into memory, or {@link #take} into a buffer of its
 * own, or {@link #openBody} reads it as a stream; what was not read is skipped. Belongs to one
 * thread.
 *
 * <p>Events that fit into the input buffer are parsed in place, without a copy. An event of 16 MB
 * or more arrives in several packets; that is hidden here.
 */
final class EventStream implements EventSource {
    /** Size of the input buffer. */
    static final int BUFFER_SIZE = 256 * 1024;

    /** Longest packet payload; a packet this long is continued by the next. */
    private static final int MAX_PACKET = 0xFF_FFFF;

    /** Largest event: {@code max_allowed_packet} ends at 1 GB, plus headers. */
    private static final long MAX_EVENT = (1L << 30) + (1 << 20);

    private static final int ERROR_PACKET = 0xFF;
    private static final int EOF_PACKET = 0xFE;

    private final InputStream in;
    private final BufferPool pool;
    private final CRC32 crc = new CRC32();
    private byte[] buffer = new byte[BUFFER_SIZE];
    private int position;
    private int limit;

    /** Bytes of the current packet that were not consumed yet. */
    private int packetLeft;

    /** Whether the current packet is continued. */
    private boolean packetContinues;

    /** Bytes of the current event that were not consumed yet. */
    private long eventLeft;

    private boolean checksums;

    private long timestamp;
    private int type;
    private long serverId;
    private int eventLength;
    private long endPosition;
    private int flags;
    private byte[] bytes = buffer;
    private int start;
    private int end;
    private final byte[] header = new byte[EventTypes.HEADER_LENGTH];

    /**
     * @param checksums whether events end with a CRC32 from the beginning; every FORMAT_DESCRIPTION
     *     says it anew
     */
    EventStream(InputStream in, BufferPool pool, boolean checksums) {
        this.in = in;
        this.pool = pool;
        this.checksums = checksums;
    }

    /** Seconds. */
    @Override
    public long timestamp() {
        return timestamp;
    }

    @Override
    public int type() {
        return type;
    }

    /** Length of the event in the file, header and checksum included. */
    int eventLength() {
        return eventLength;
    }

    /** Server id of the event's first writer. */
    long serverId() {
        return serverId;
    }

    /** Low 32 bits of the event's end in its file, 0 for artificial events. */
    long endPosition() {
        return endPosition;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** Array that holds the loaded event. */
    @Override
    public byte[] bytes() {
        return bytes;
    }

    /** First byte behind the header in {@link #bytes}. */
    @Override
    public int bodyStart() {
        return start + EventTypes.HEADER_LENGTH;
    }

    /** End of the body in {@link #bytes}, without the checksum. */
    @Override
    public int bodyEnd() {
        return end;
    }

    void checksums(boolean on) {
        checksums = on;
    }

    boolean checksums() {
        return checksums;
    }

    /** Whether more bytes are already here, so that {@link #next} will hardly wait. */
    boolean hasBuffered() throws IOException {
        return limit - position > eventLeft || in.available() > 0;
    }

    /**
     * Reads the next event's header.
     *
     * @return false at the end of a stream that was asked for without waiting
     * @throws ServerErrorException when the server ends the stream with an error
     */
    boolean next() throws IOException {
        finish();
        need(5);
        int length = WireBytes.u24(buffer, position);
        int status = buffer[position + 4] & 0xFF;
        position += 4;
        if (status == ERROR_PACKET) {
            throw error(length);
        }
        if (status == EOF_PACKET && length < 9) {
            return false;
        }
        if (status != 0 || length <= EventTypes.HEADER_LENGTH) {
            throw corrupt("a packet of " + length + " bytes with status " + status);
        }
        position++;
        packetLeft = length - 1;
        packetContinues = length == MAX_PACKET;
        need(EventTypes.HEADER_LENGTH);
        readHeader(buffer, position);
        if (Integer.toUnsignedLong(eventLength) > MAX_EVENT
                || eventLength < EventTypes.HEADER_LENGTH
                || (packetContinues ? eventLength < packetLeft : eventLength != packetLeft)) {
            throw corrupt(
                    "an event of "
                            + Integer.toUnsignedLong(eventLength)
                            + " bytes in a packet of "
                            + packetLeft);
        }
        eventLeft = eventLength;
        return true;
    }

    private void readHeader(byte[] b, int at) {
        timestamp = WireBytes.u32(b, at);
        type = WireBytes.u8(b, at + 4);
        serverId = WireBytes.u32(b, at + 5);
        eventLength = WireBytes.i32(b, at + 9);
        endPosition = WireBytes.u32(b, at + 13);
        flags = WireBytes.u16(b, at + 17);
    }

    private boolean isSmall() {
        return eventLength <= BUFFER_SIZE && !packetContinues;
    }

    /**
     * The number behind the header, without loading the event: what a rows event's table number is.
     */
    @Override
    public long peekU48() throws IOException {
        if (eventLength < EventTypes.HEADER_LENGTH + 8) {
            throw corrupt("a rows event of " + eventLength + " bytes");
        }
        need(EventTypes.HEADER_LENGTH + 8);
        return WireBytes.u48(buffer, position + EventTypes.HEADER_LENGTH);
    }

    /**
     * Brings the event into {@link #bytes}, where it stays until the next call of {@link #next}.
     */
    @Override
    public void load() throws IOException {
        if (isSmall()) {
            need(eventLength);
            bytes = buffer;
            start = position;
            consume(eventLength);
        } else {
            bytes = new byte[eventLength];
            start = 0;
            readFully(bytes, 0, eventLength);
        }
        strip();
    }

    /**
     * Brings the event into a buffer from the pool that the caller owns; it starts at 0.
     *
     * @return the buffer, also {@link #bytes}
     */
    @Override
    public byte[] take() throws IOException {
        byte[] target = pool.take(eventLength);
        if (isSmall()) {
            need(eventLength);
            System.arraycopy(buffer, position, target, 0, eventLength);
            consume(eventLength);
        } else {
            readFully(target, 0, eventLength);
        }
        bytes = target;
        start = 0;
        strip();
        return target;
    }

    private void strip() {
        end = start + eventLength;
        boolean verify = checksums;
        if (type == EventTypes.FORMAT_DESCRIPTION) {
            // Says itself whether it and what follows is checked; see FormatDescription.
            checksums = FormatDescription.checksums(bytes, start, end);
            verify = checksums;
            if (FormatDescription.hasTrailer(bytes, start)) {
                end -= EventTypes.CHECKSUM_LENGTH;
            }
        } else if (checksums) {
            end -= EventTypes.CHECKSUM_LENGTH;
        }
        if (end < start + EventTypes.HEADER_LENGTH) {
            throw corrupt("an event of " + eventLength + " bytes of type " + type);
        }
        if (verify) {
            verifyChecksum();
        }
    }

    private void verifyChecksum() {
        crc.reset();
        if (type == EventTypes.FORMAT_DESCRIPTION && has(EventTypes.FLAG_IN_USE)) {
            byte[] copy = java.util.Arrays.copyOfRange(bytes, start, end);
            copy[17] &= (byte) ~EventTypes.FLAG_IN_USE;
            crc.update(copy);
        } else {
            crc.update(bytes, start, end - start);
        }
        check(WireBytes.u32(bytes, end));
    }

    private void check(long stored) {
        if (stored != crc.getValue()) {
            throw corrupt(
                    "an event of type "
                            + type
                            + " ending at "
                            + endPosition
                            + " whose CRC32 is "
                            + Long.toHexString(crc.getValue())
                            + " and not "
                            + Long.toHexString(stored));
        }
    }

    /**
     * The event's body as a stream, for bodies that should never be in memory as a whole. Its
     * checksum is verified when the end is reached.
     */
    InputStream openBody() throws IOException {
        readFully(header, 0, EventTypes.HEADER_LENGTH);
        crc.reset();
        crc.update(header);
        return new Body(eventLength - EventTypes.HEADER_LENGTH - (checksums ? 4 : 0));
    }

    private final class Body extends InputStream {
        private long left;
        private boolean checked;
        private final byte[] one = new byte[1];

        Body(long left) {
            this.left = left;
        }

        @Override
        public int read() throws IOException {
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] target, int offset, int count) throws IOException {
            if (left == 0) {
                if (checksums && !checked) {
                    checked = true;
                    byte[] stored = new byte[4];
                    readFully(stored, 0, 4);
                    check(WireBytes.u32(stored, 0));
                }
                return -1;
            }
            int n = (int) Math.min(left, count);
            readFully(target, offset, n);
            crc.update(target, offset, n);
            left -= n;
            return n;
        }
    }

    /** Skips what is left of the event. */
    private void finish() throws IOException {
        while (eventLeft > 0) {
            if (packetLeft == 0) {
                nextPacket();
            }
            int here = (int) Math.min(Math.min(packetLeft, eventLeft), limit - position);
            if (here == 0) {
                fill(1);
                continue;
            }
            consume(here);
        }
        if (packetContinues && packetLeft == 0) {
            // The event ended exactly with a packet of full length: an empty one follows.
            nextPacket();
        }
    }

    private void nextPacket() throws IOException {
        if (!packetContinues) {
            throw corrupt("an event that goes on behind its last packet");
        }
        need(4);
        packetLeft = WireBytes.u24(buffer, position);
        packetContinues = packetLeft == MAX_PACKET;
        position += 4;
    }

    private void consume(int count) {
        position += count;
        packetLeft -= count;
        eventLeft -= count;
    }

    private void readFully(byte[] target, int offset, int count) throws IOException {
        int left = count;
        int at = offset;
        while (left > 0) {
            if (packetLeft == 0) {
                nextPacket();
                continue;
            }
            int n = Math.min(left, packetLeft);
            if (position < limit) {
                n = Math.min(n, limit - position);
                System.arraycopy(buffer, position, target, at, n);
                consume(n);
            } else {
                n = in.read(target, at, n);
                if (n < 0) {
                    throw closed();
                }
                packetLeft -= n;
                eventLeft -= n;
            }
            at += n;
            left -= n;
        }
    }

    /** Makes {@code count} bytes available from {@link #position} on. */
    private void need(int count) throws IOException {
        if (limit - position < count) {
            fill(count);
        }
    }

    private void fill(int count) throws IOException {
        if (position == limit) {
            position = 0;
            limit = 0;
        } else if (position + count > buffer.length) {
            System.arraycopy(buffer, position, buffer, 0, limit - position);
            limit -= position;
            position = 0;
        }
        while (limit - position < count) {
            int n = in.read(buffer, limit, buffer.length - limit);
            if (n < 0) {
                throw closed();
            }
            limit += n;
        }
    }

    private static EOFException closed() {
        return new EOFException("the server closed the connection");
    }

    private ServerErrorException error(int length) throws IOException {
        need(length);
        int code = WireBytes.u16(buffer, position + 1);
        int at = position + 3;
        String state = "";
        if (length > 9 && buffer[at] == '#') {
            state = new String(buffer, at + 1, 5, StandardCharsets.US_ASCII);
            at += 6;
        }
        return new ServerErrorException(
                code,
                state,
                new String(buffer, at, position + length - at, StandardCharsets.UTF_8));
    }

    private static MillraceException corrupt(String what) {
        return new MillraceException(
                ErrorCode.UPSTREAM_CORRUPT,
                "The binlog stream holds "
                        + what
                        + "; check the upstream's binlog file with"
                        + " mysqlbinlog --verify-binlog-checksum.");
    }
}
