package io.millrace.storage.redo;

import io.millrace.core.bytes.ByteSink;
import java.nio.charset.StandardCharsets;

/**
 * Writes MessagePack into a {@link ByteSink} without making objects. Formats as in the MessagePack
 * specification; always the shortest one, except for what {@link #open} begins.
 */
final class MessagePackOut {
    private final ByteSink out;

    MessagePackOut(ByteSink out) {
        this.out = out;
    }

    void nil() {
        out.put(0xC0);
    }

    void flag(boolean value) {
        out.put(value ? 0xC3 : 0xC2);
    }

    void map(int entries) {
        header(entries, 0x80, 0xDE);
    }

    void array(int elements) {
        header(elements, 0x90, 0xDC);
    }

    private void header(int count, int fix, int wide) {
        if (count < 16) {
            out.put(fix | count);
        } else if (count <= 0xFFFF) {
            out.put(wide);
            big(count, 2);
        } else {
            out.put(wide + 1);
            big(count, 4);
        }
    }

    /** A signed number. */
    void number(long value) {
        if (value >= 0) {
            unsigned(value);
        } else if (value >= -32) {
            out.put((int) value);
        } else if (value >= Byte.MIN_VALUE) {
            out.put(0xD0);
            out.put((int) value);
        } else if (value >= Short.MIN_VALUE) {
            out.put(0xD1);
            big(value, 2);
        } else if (value >= Integer.MIN_VALUE) {
            out.put(0xD2);
            big(value, 4);
        } else {
            out.put(0xD3);
            big(value, 8);
        }
    }

    /** The 64 bits as an unsigned number. */
    void unsigned(long value) {
        if (value >>> 7 == 0) {
            out.put((int) value);
        } else if (value >>> 8 == 0) {
            out.put(0xCC);
            out.put((int) value);
        } else if (value >>> 16 == 0) {
            out.put(0xCD);
            big(value, 2);
        } else if (value >>> 32 == 0) {
            out.put(0xCE);
            big(value, 4);
        } else {
            out.put(0xCF);
            big(value, 8);
        }
    }

    void real(double value) {
        out.put(0xCB);
        big(Double.doubleToRawLongBits(value), 8);
    }

    void text(String value) {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        textHeader(utf8.length);
        out.put(utf8);
    }

    private void textHeader(int length) {
        if (length < 32) {
            out.put(0xA0 | length);
        } else if (length < 256) {
            out.put(0xD9);
            out.put(length);
        } else if (length <= 0xFFFF) {
            out.put(0xDA);
            big(length, 2);
        } else {
            out.put(0xDB);
            big(length, 4);
        }
    }

    /** An extension without data. */
    void emptyExtension(int type) {
        out.put(0xC7);
        out.put(0);
        out.put(type);
    }

    /**
     * Begins a text or binary value whose length is not known yet; the caller appends its bytes to
     * the sink and then calls {@link #close}.
     *
     * @return what {@link #close} wants
     */
    int open(boolean text) {
        out.put(text ? 0xDB : 0xC6);
        int at = out.length();
        big(0, 4);
        return at;
    }

    /** Ends what {@link #open} began: the length is put in its place. */
    void close(int at) {
        int length = out.length() - at - 4;
        byte[] array = out.array();
        for (int i = 0; i < 4; i++) {
            array[at + i] = (byte) (length >>> (24 - 8 * i));
        }
    }

    private void big(long value, int bytes) {
        byte[] array = out.ensure(bytes);
        int at = out.length();
        for (int i = 0; i < bytes; i++) {
            array[at + i] = (byte) (value >>> (8 * (bytes - 1 - i)));
        }
        out.length(at + bytes);
    }
}
