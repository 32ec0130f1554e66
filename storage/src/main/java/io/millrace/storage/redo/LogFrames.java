package io.millrace.storage.redo;

import io.millrace.core.bytes.ByteSink;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * How records lie in a log file: a little-endian 64-bit length word, the data, and zeros up to a
 * multiple of eight bytes. When there are such zeros the word's top byte is {@code 0x80} plus their
 * number. The data begin with {@code FF FF} and a big-endian 16-bit version.
 */
final class LogFrames {
    /** Version of the records. */
    static final int VERSION = 2;

    private static final int WORD = 8;
    private static final int HEAD = 4;

    /** A record of more bytes than an array holds cannot have been written. */
    private static final int LARGEST = Integer.MAX_VALUE - 64;

    private LogFrames() {}

    /** Begins a record; the caller appends its MessagePack and calls {@link #close}. */
    static int open(ByteSink out) {
        int at = out.length();
        out.ensure(WORD + HEAD);
        out.length(at + WORD);
        out.put(0xFF);
        out.put(0xFF);
        out.put(VERSION >>> 8);
        out.put(VERSION);
        return at;
    }

    /** Ends the record that {@link #open} began at this place. */
    static void close(ByteSink out, int at) {
        int length = out.length() - at - WORD;
        int pad = -length & 7;
        for (int i = 0; i < pad; i++) {
            out.put(0);
        }
        long word = length;
        if (pad != 0) {
            word |= (long) (0x80 | pad) << 56;
        }
        byte[] array = out.array();
        for (int i = 0; i < WORD; i++) {
            array[at + i] = (byte) (word >>> (8 * i));
        }
    }

    /**
     * Reads the next record's MessagePack.
     *
     * @return null at the end of the file, also when the last record was cut off
     * @throws IOException the file is no log, or of a version that is not known
     */
    static byte @Nullable [] read(InputStream in) throws IOException {
        byte[] word = in.readNBytes(WORD);
        if (word.length < WORD) {
            return null;
        }
        long bits = 0;
        for (int i = 0; i < WORD; i++) {
            bits |= (word[i] & 0xFFL) << (8 * i);
        }
        int pad = bits < 0 ? (int) (bits >>> 56) & 7 : 0;
        long length = bits & 0x00FF_FFFF_FFFF_FFFFL;
        if (length < HEAD || length > LARGEST) {
            throw new IOException("a record claims to have " + length + " bytes");
        }
        byte[] data;
        try {
            data = in.readNBytes((int) length);
            if (data.length < length) {
                return null;
            }
            in.skipNBytes(pad);
        } catch (EOFException e) {
            return null;
        }
        int version = (data[2] & 0xFF) << 8 | data[3] & 0xFF;
        if (data[0] != -1 || data[1] != -1 || version != VERSION) {
            throw new IOException(
                    "a record is not of version " + VERSION + " of the redo log's format");
        }
        return java.util.Arrays.copyOfRange(data, HEAD, data.length);
    }

    /** Bytes that a record of this much MessagePack takes in a file. */
    static long size(int messagePackLength) {
        return WORD + ((messagePackLength + HEAD + 7L) & -8L);
    }
}
