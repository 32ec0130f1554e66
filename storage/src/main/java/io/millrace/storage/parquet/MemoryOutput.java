package io.millrace.storage.parquet;

import io.millrace.core.bytes.ByteSink;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;

/** A file that is written into memory. */
final class MemoryOutput implements OutputFile {
    private final ByteSink bytes;

    MemoryOutput(ByteSink bytes) {
        this.bytes = bytes;
    }

    @Override
    public PositionOutputStream create(long blockSizeHint) {
        return new PositionOutputStream() {
            @Override
            public long getPos() {
                return bytes.length();
            }

            @Override
            public void write(int b) {
                bytes.put(b);
            }

            @Override
            public void write(byte[] source, int from, int count) {
                bytes.put(source, from, count);
            }
        };
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
        return create(blockSizeHint);
    }

    @Override
    public boolean supportsBlockSize() {
        return false;
    }

    @Override
    public long defaultBlockSize() {
        return 0;
    }
}
