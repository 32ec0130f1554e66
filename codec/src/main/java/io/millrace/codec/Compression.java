package io.millrace.codec;

import io.millrace.core.bytes.ByteSink;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import net.jpountz.lz4.LZ4FrameInputStream;
import net.jpountz.lz4.LZ4FrameOutputStream;
import org.xerial.snappy.Snappy;

/**
 * How the values of messages are compressed, each on its own; the broker's compression of whole
 * batches has nothing to do with it.
 */
public enum Compression {
    NONE {
        @Override
        public void append(byte[] source, int from, int count, ByteSink out) {
            out.put(source, from, count);
        }

        @Override
        public byte[] expand(byte[] compressed) {
            return compressed;
        }
    },

    /** Snappy's block format, without a frame. */
    SNAPPY {
        @Override
        public void append(byte[] source, int from, int count, ByteSink out) {
            byte[] to = out.ensure(Snappy.maxCompressedLength(count));
            try {
                out.length(out.length() + Snappy.compress(source, from, count, to, out.length()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public byte[] expand(byte[] compressed) throws IOException {
            return Snappy.uncompress(compressed);
        }
    },

    /** An LZ4 frame. Allocates while it compresses. */
    LZ4 {
        @Override
        public void append(byte[] source, int from, int count, ByteSink out) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(count / 2 + 64);
            try (LZ4FrameOutputStream frame =
                    new LZ4FrameOutputStream(bytes, LZ4FrameOutputStream.BLOCKSIZE.SIZE_64KB)) {
                frame.write(source, from, count);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            out.put(bytes.toByteArray());
        }

        @Override
        public byte[] expand(byte[] compressed) throws IOException {
            try (LZ4FrameInputStream frame =
                    new LZ4FrameInputStream(new ByteArrayInputStream(compressed))) {
                return frame.readAllBytes();
            }
        }
    };

    /** Appends the compressed form of some bytes; the source must not be the sink's own array. */
    public abstract void append(byte[] source, int from, int count, ByteSink out);

    /**
     * The bytes that were compressed.
     *
     * @throws IOException when they were not compressed this way
     */
    public abstract byte[] expand(byte[] compressed) throws IOException;
}
