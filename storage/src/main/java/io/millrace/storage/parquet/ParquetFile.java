package io.millrace.storage.parquet;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.page.DataPage;
import org.apache.parquet.column.page.DataPageV1;
import org.apache.parquet.column.page.DictionaryPage;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.column.page.PageReader;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.PageType;
import org.apache.parquet.format.Util;
import org.apache.parquet.format.converter.ParquetMetadataConverter;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.jspecify.annotations.Nullable;

/**
 * The pages of a Parquet file as {@link ParquetRowWriter} writes it: flat but for groups, data
 * pages of the first version. Parquet's own file reader needs Hadoop's classes to be made. Holds
 * one page of each column at a time.
 */
final class ParquetFile implements Closeable {
    private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);
    private static final int TAIL_BYTES = Integer.BYTES + 4;
    private static final int BUFFER_BYTES = 1 << 15;

    private final FileChannel channel;
    private final ParquetMetadataConverter converter = new ParquetMetadataConverter();
    private final ParquetMetadata footer;

    /**
     * Reads the footer.
     *
     * @throws IOException when this is no Parquet file, or a part of one
     */
    ParquetFile(Path path) throws IOException {
        channel = FileChannel.open(path, StandardOpenOption.READ);
        boolean opened = false;
        try {
            footer = readFooter();
            opened = true;
        } finally {
            if (!opened) {
                channel.close();
            }
        }
    }

    private ParquetMetadata readFooter() throws IOException {
        long size = channel.size();
        if (size < MAGIC.length + TAIL_BYTES) {
            throw new IOException("too short for a parquet file");
        }
        byte[] tail = read(size - TAIL_BYTES, TAIL_BYTES);
        int length = ByteBuffer.wrap(tail).order(ByteOrder.LITTLE_ENDIAN).getInt();
        boolean ends = Arrays.equals(tail, Integer.BYTES, TAIL_BYTES, MAGIC, 0, MAGIC.length);
        if (!ends || length <= 0 || length > size - MAGIC.length - TAIL_BYTES) {
            throw new IOException("no parquet file, or not all of it: it does not end as one");
        }
        byte[] bytes = read(size - TAIL_BYTES - length, length);
        try {
            return converter.readParquetMetadata(
                    new ByteArrayInputStream(bytes), ParquetMetadataConverter.NO_FILTER);
        } catch (RuntimeException e) {
            throw new IOException("the footer cannot be read: " + e.getMessage(), e);
        }
    }

    private byte[] read(long position, int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(count);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, position + buffer.position()) < 0) {
                throw new IOException("the file ends too early");
            }
        }
        return buffer.array();
    }

    ParquetMetadata footer() {
        return footer;
    }

    /** The rows of one group. */
    PageReadStore rows(BlockMetaData group) {
        Map<List<String>, Pages> pages = new HashMap<>();
        for (ColumnChunkMetaData column : group.getColumns()) {
            pages.put(Arrays.asList(column.getPath().toArray()), new Pages(column));
        }
        return new PageReadStore() {
            @Override
            public PageReader getPageReader(ColumnDescriptor column) {
                Pages found = pages.get(Arrays.asList(column.getPath()));
                if (found == null) {
                    throw new IllegalArgumentException("no column " + column);
                }
                return found;
            }

            @Override
            public long getRowCount() {
                return group.getRowCount();
            }
        };
    }

    /** One column of one row group. */
    private final class Pages implements PageReader {
        private final ColumnChunkMetaData column;
        private final InputStream in;
        private long valuesLeft;
        private @Nullable PageHeader next;

        Pages(ColumnChunkMetaData column) {
            this.column = column;
            valuesLeft = column.getValueCount();
            in = new BufferedInputStream(new Part(column.getStartingPos()), BUFFER_BYTES);
        }

        private PageHeader header() {
            PageHeader header = next;
            if (header == null) {
                try {
                    header = Util.readPageHeader(in);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                next = header;
            }
            return header;
        }

        private BytesInput content(PageHeader header) {
            next = null;
            try {
                byte[] bytes = in.readNBytes(header.getCompressed_page_size());
                if (bytes.length < header.getCompressed_page_size()) {
                    throw new IOException("the file ends in a page");
                }
                return BytesInput.from(
                        PageCompression.expand(
                                column.getCodec(), bytes, header.getUncompressed_page_size()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public @Nullable DictionaryPage readDictionaryPage() {
            PageHeader header = header();
            if (header.getType() != PageType.DICTIONARY_PAGE) {
                return null;
            }
            var dictionary = header.getDictionary_page_header();
            return new DictionaryPage(
                    content(header),
                    dictionary.getNum_values(),
                    converter.getEncoding(dictionary.getEncoding()));
        }

        @Override
        public long getTotalValueCount() {
            return column.getValueCount();
        }

        @Override
        public @Nullable DataPage readPage() {
            if (valuesLeft <= 0) {
                return null;
            }
            PageHeader header = header();
            if (header.getType() != PageType.DATA_PAGE) {
                throw new IllegalArgumentException("foreign page of type " + header.getType());
            }
            var data = header.getData_page_header();
            valuesLeft -= data.getNum_values();
            return new DataPageV1(
                    content(header),
                    data.getNum_values(),
                    header.getUncompressed_page_size(),
                    Objects.requireNonNull(Statistics.createStats(column.getPrimitiveType())),
                    converter.getEncoding(data.getRepetition_level_encoding()),
                    converter.getEncoding(data.getDefinition_level_encoding()),
                    converter.getEncoding(data.getEncoding()));
        }
    }

    /** The file from a position on. */
    private final class Part extends InputStream {
        private long position;

        Part(long position) {
            this.position = position;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] to, int from, int count) throws IOException {
            int read = channel.read(ByteBuffer.wrap(to, from, count), position);
            position += Math.max(read, 0);
            return read;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
