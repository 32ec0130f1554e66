package io.millrace.storage.parquet;

import com.github.luben.zstd.Zstd;
import java.io.IOException;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.xerial.snappy.Snappy;

/**
 * Compresses and expands pages with the libraries' own calls; Parquet's own factory needs Hadoop's
 * classes. Snappy in its block format, zstd frames, as the Parquet format has them.
 */
record PageCompression(CompressionCodecName codec)
        implements CompressionCodecFactory.BytesInputCompressor {
    private static final int ZSTD_LEVEL = 3;

    @Override
    public BytesInput compress(BytesInput bytes) throws IOException {
        return switch (codec) {
            case UNCOMPRESSED -> bytes;
            case SNAPPY -> {
                byte[] plain = bytes.toByteArray();
                byte[] out = new byte[Snappy.maxCompressedLength(plain.length)];
                yield BytesInput.from(out, 0, Snappy.compress(plain, 0, plain.length, out, 0));
            }
            case ZSTD -> BytesInput.from(Zstd.compress(bytes.toByteArray(), ZSTD_LEVEL));
            default -> throw unknown(codec);
        };
    }

    /**
     * A page as it was before.
     *
     * @throws IOException when it was not compressed this way, or had another size
     */
    static byte[] expand(CompressionCodecName codec, byte[] compressed, int size)
            throws IOException {
        if (codec == CompressionCodecName.UNCOMPRESSED) {
            return compressed;
        }
        byte[] out = new byte[size];
        long length =
                switch (codec) {
                    case SNAPPY ->
                            Snappy.uncompressedLength(compressed) == size
                                    ? Snappy.uncompress(compressed, 0, compressed.length, out, 0)
                                    : -1;
                    case ZSTD -> Zstd.decompress(out, compressed);
                    default -> throw unknown(codec);
                };
        if (length != size) {
            throw new IOException("a page does not have the length that its header tells");
        }
        return out;
    }

    @Override
    public CompressionCodecName getCodecName() {
        return codec;
    }

    @Override
    public void release() {}

    private static IOException unknown(CompressionCodecName codec) {
        return new IOException(
                "pages are compressed with " + codec + "; only snappy, zstd and none can be read");
    }
}
