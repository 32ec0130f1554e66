package io.millrace.mysql.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.wire.BufferPool;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

class EventStreamTest {
    private static final int MAX_PACKET = 0xFF_FFFF;

    /** An event with a checksum. */
    private static byte[] event(int type, byte[] body) {
        byte[] event = new byte[19 + body.length + 4];
        event[4] = (byte) type;
        put(event, 9, event.length);
        put(event, 13, 77);
        System.arraycopy(body, 0, event, 19, body.length);
        CRC32 crc = new CRC32();
        crc.update(event, 0, event.length - 4);
        put(event, event.length - 4, (int) crc.getValue());
        return event;
    }

    private static void put(byte[] b, int at, int value) {
        for (int i = 0; i < 4; i++) {
            b[at + i] = (byte) (value >> 8 * i);
        }
    }

    /** Status byte and event as the server cuts them into packets. */
    private static byte[] packets(byte[]... events) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] event : events) {
            byte[] payload = new byte[event.length + 1];
            System.arraycopy(event, 0, payload, 1, event.length);
            int at = 0;
            int length;
            do {
                length = Math.min(MAX_PACKET, payload.length - at);
                out.write(length);
                out.write(length >> 8);
                out.write(length >> 16);
                out.write(0);
                out.write(payload, at, length);
                at += length;
            } while (length == MAX_PACKET);
        }
        return out.toByteArray();
    }

    private static byte[] body(int length, long seed) {
        byte[] body = new byte[length];
        new Random(seed).nextBytes(body);
        return body;
    }

    /** Delivers in random small portions, as a socket may. */
    private static InputStream portions(byte[] bytes, long seed) {
        Random random = new Random(seed);
        return new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] b, int off, int len) {
                return super.read(b, off, Math.min(len, 1 + random.nextInt(20_000)));
            }
        };
    }

    @Test
    void everyWayToReadGivesTheBody() throws IOException {
        int[] lengths = {
            8,
            100,
            8000,
            262_110,
            262_144,
            300_000,
            MAX_PACKET - 24,
            MAX_PACKET - 23,
            MAX_PACKET - 22,
            2 * MAX_PACKET + 5
        };
        byte[][] events = new byte[lengths.length][];
        for (int i = 0; i < lengths.length; i++) {
            events[i] = event(30, body(lengths[i], i));
        }
        byte[] wire = packets(events);
        for (int way = 0; way < 5; way++) {
            BufferPool pool = new BufferPool();
            EventStream stream = new EventStream(portions(wire, way), pool, true);
            for (int i = 0; i < lengths.length; i++) {
                assertThat(stream.next()).isTrue();
                assertThat(stream.type()).isEqualTo(30);
                assertThat(stream.endPosition()).isEqualTo(77);
                switch (way) {
                    case 0 -> {} // skipped
                    case 1 -> stream.peekU48();
                    case 2 -> stream.load();
                    case 3 -> pool.give(stream.take());
                    default -> {
                        byte[] read = stream.openBody().readAllBytes();
                        assertThat(Arrays.equals(read, body(lengths[i], i))).isTrue();
                    }
                }
                if (way == 2 || way == 3) {
                    assertThat(
                                    Arrays.equals(
                                            Arrays.copyOfRange(
                                                    stream.bytes(),
                                                    stream.bodyStart(),
                                                    stream.bodyEnd()),
                                            body(lengths[i], i)))
                            .isTrue();
                }
            }
            assertThatThrownBy(stream::next).isInstanceOf(EOFException.class);
        }
    }

    @Test
    void aFlippedBitIsFound() throws IOException {
        byte[] event = event(30, body(500, 1));
        event[200] ^= 1;
        EventStream stream =
                new EventStream(new ByteArrayInputStream(packets(event)), new BufferPool(), true);
        stream.next();
        assertThatThrownBy(stream::load)
                .isInstanceOfSatisfying(
                        MillraceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.UPSTREAM_CORRUPT));
        EventStream streamed =
                new EventStream(new ByteArrayInputStream(packets(event)), new BufferPool(), true);
        streamed.next();
        assertThatThrownBy(() -> streamed.openBody().readAllBytes())
                .isInstanceOf(MillraceException.class);
    }

    @Test
    void serverErrorsAndTheEnd() throws IOException {
        byte[] error = {
            22,
            0,
            0,
            0,
            (byte) 0xFF,
            (byte) 0xD4,
            4,
            '#',
            'H',
            'Y',
            '0',
            '0',
            '0',
            'n',
            'o',
            ' ',
            's',
            'u',
            'c',
            'h',
            ' ',
            'f',
            'i',
            'l',
            'e',
            '!'
        };
        EventStream stream =
                new EventStream(new ByteArrayInputStream(error), new BufferPool(), true);
        assertThatThrownBy(stream::next)
                .isInstanceOfSatisfying(
                        ServerErrorException.class,
                        e -> {
                            assertThat(e.number()).isEqualTo(1236);
                            assertThat(e.state()).isEqualTo("HY000");
                            assertThat(e.text()).isEqualTo("no such file!");
                        });
        byte[] eof = {5, 0, 0, 0, (byte) 0xFE, 0, 0, 2, 0};
        assertThat(new EventStream(new ByteArrayInputStream(eof), new BufferPool(), true).next())
                .isFalse();
        byte[] nonsense = {1, 0, 0, 0, 0};
        assertThatThrownBy(() ->
                        new EventStream(new ByteArrayInputStream(nonsense), new BufferPool(), true)
                                .next())
                .isInstanceOf(MillraceException.class);
    }
}
