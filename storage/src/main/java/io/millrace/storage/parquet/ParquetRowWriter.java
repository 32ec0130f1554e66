package io.millrace.storage.parquet;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.millrace.codec.text.Cells;
import io.millrace.codec.text.Instants;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.ColumnWriteStore;
import org.apache.parquet.column.ColumnWriter;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.hadoop.ColumnChunkPageWriteStore;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.io.api.Binary;

/**
 * Writes rows of one table version as one Parquet file. Values go from the row's source form
 * straight to the column writers; Parquet's library holds them encoded in memory until {@link
 * #finish}. Belongs to one thread at a time.
 */
public final class ParquetRowWriter {
    /** Encoded bytes at which a row group ends. */
    private static final long ROW_GROUP_BYTES = 128L << 20;

    /** A column's dictionary at most; its map takes more memory than what it counts. */
    private static final int DICTIONARY_BYTES = 64 << 10;

    /** Memory of dictionaries, by what they count. */
    private static final long DICTIONARY_OVERHEAD = 2;

    /** The ids of each column's dictionary begin with an array of 4 096 of them, not counted. */
    private static final long SLAB_BYTES = 16L << 10;

    private static final int MAX_PADDING = 0;
    private static final int SCRATCH_BYTES = 256;
    private static final Binary EMPTY = Binary.fromConstantByteArray(new byte[0]);
    private static final Binary[] OPS = new Binary[4];

    static {
        OPS[RowBatch.INSERT] = Binary.fromString("I");
        OPS[RowBatch.UPDATE] = Binary.fromString("U");
        OPS[RowBatch.DELETE] = Binary.fromString("D");
    }

    private final TableSchema schema;
    private final ParquetColumns columns;
    private final ParquetConfig config;
    private final ParquetProperties properties;
    private final ByteSink out;
    private final ParquetFileWriter file;
    private final Instants instants;
    private final Binary[][] elements;
    private final byte[][] quotedNames;

    /** Definition levels of the file's columns. */
    private final int[] levels;

    private final ByteSink scratch = new ByteSink(SCRATCH_BYTES);
    private final ByteSink invalid = new ByteSink(SCRATCH_BYTES);

    private ColumnChunkPageWriteStore pages;
    private ColumnWriteStore store;
    private final ColumnWriter[] writers;
    private long rowsOfGroup;
    private long commitTso;

    /**
     * @param schema the columns that rows have
     * @param out empty; takes the file when it is finished, and row groups before
     */
    public ParquetRowWriter(TableSchema schema, ParquetConfig config, ByteSink out) {
        this.schema = schema;
        this.config = config;
        this.out = out;
        columns = ParquetColumns.of(schema, config.outputOldValue());
        properties =
                ParquetProperties.builder()
                        .withWriterVersion(ParquetProperties.WriterVersion.PARQUET_1_0)
                        .withDictionaryPageSize(DICTIONARY_BYTES)
                        .build();
        instants = new Instants();
        elements = new Binary[columns.ordinals.length][];
        quotedNames = new byte[columns.ordinals.length][];
        for (int i = 0; i < columns.ordinals.length; i++) {
            var column = schema.column(columns.ordinals[i]);
            elements[i] =
                    column.elements().stream()
                            .map(name -> Binary.fromConstantByteArray(utf8(name)))
                            .toArray(Binary[]::new);
            quotedNames[i] =
                    utf8(
                            "\""
                                    + new String(
                                            JsonStringEncoder.getInstance()
                                                    .quoteAsString(column.name()))
                                    + "\": ");
        }
        List<ColumnDescriptor> all = columns.type.getColumns();
        writers = new ColumnWriter[all.size()];
        levels = all.stream().mapToInt(ColumnDescriptor::getMaxDefinitionLevel).toArray();
        try {
            file =
                    new ParquetFileWriter(
                            new MemoryOutput(out),
                            columns.type,
                            ParquetFileWriter.Mode.CREATE,
                            ROW_GROUP_BYTES,
                            MAX_PADDING);
            file.start();
        } catch (IOException e) {
            throw inMemory(e);
        }
        pages = newPages();
        store = newStore();
    }

    private ColumnChunkPageWriteStore newPages() {
        PageCompression compressor = new PageCompression(config.compression());
        return ColumnChunkPageWriteStore.builder()
                .withCompressorProvider(column -> compressor)
                .withSchema(columns.type)
                .withAllocator(properties.getAllocator())
                .build();
    }

    private ColumnWriteStore newStore() {
        ColumnWriteStore made = properties.newColumnWriteStore(columns.type, pages, pages);
        for (int i = 0; i < writers.length; i++) {
            writers[i] = made.getColumnWriter(columns.type.getColumns().get(i));
        }
        return made;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static UncheckedIOException inMemory(IOException e) {
        return new UncheckedIOException("memory is no file, and fails as one", e);
    }

    /** Rows of this transaction follow. */
    public void begin(long tso) {
        commitTso = tso;
        if (store.getBufferedSize() >= ROW_GROUP_BYTES) {
            endGroup();
            pages = newPages();
            store = newStore();
        }
    }

    /**
     * Appends the cursor's row.
     *
     * @param op {@link RowBatch#INSERT}, UPDATE or DELETE; a sink that splits an update asks for a
     *     DELETE and an INSERT of the same row
     */
    public void append(RowView row, int op) {
        writers[0].write(OPS[op], 0, 0);
        writers[1].write(commitTso, 0, 0);
        int at = appendImage(row, op == RowBatch.DELETE ? RowView.BEFORE : RowView.AFTER, 2);
        if (config.outputOldValue()) {
            if (op == RowBatch.UPDATE) {
                appendImage(row, RowView.BEFORE, at);
            } else {
                for (int i = at; i < writers.length; i++) {
                    writers[i].writeNull(0, 0);
                }
            }
        }
        store.endRecord();
        rowsOfGroup++;
    }

    /** Writes all columns from one on; returns the one behind them. */
    private int appendImage(RowView row, int image, int first) {
        int dates = first;
        int at = columns.hasDates ? first + 1 : first;
        invalid.clear();
        for (int i = 0; i < columns.ordinals.length; i++) {
            int column = columns.ordinals[i];
            int from = Cells.source(row, image, column);
            if (from == Cells.NOWHERE || row.isNull(from, column)) {
                writers[at].writeNull(0, levels[at] - 1);
            } else {
                appendValue(i, row, from, column, writers[at], levels[at]);
            }
            at++;
        }
        if (columns.hasDates) {
            if (invalid.length() == 0) {
                writers[dates].writeNull(0, levels[dates] - 1);
            } else {
                invalid.put('}');
                writers[dates].write(reused(invalid), 0, levels[dates]);
            }
        }
        return at;
    }

    private void appendValue(
            int index, RowView row, int image, int column, ColumnWriter to, int level) {
        switch (columns.actions[index]) {
            case INT32 -> to.write((int) row.longValue(image, column), 0, level);
            case INT64 -> to.write(row.longValue(image, column), 0, level);
            case UNSIGNED -> to.write(unsigned(row.longValue(image, column)), 0, level);
            case FLOAT -> to.write((float) row.doubleValue(image, column), 0, level);
            case DOUBLE -> to.write(row.doubleValue(image, column), 0, level);
            case DECIMAL32 -> to.write((int) unscaled(index, row, image, column), 0, level);
            case DECIMAL64 -> to.write(unscaled(index, row, image, column), 0, level);
            case DECIMAL_BYTES -> to.write(bigUnscaled(index, row, image, column), 0, level);
            case DATE -> {
                if (isDay(index, row, image, column)) {
                    to.write((int) instants.epochDay(), 0, level);
                } else {
                    to.writeNull(0, level - 1);
                }
            }
            case DATETIME -> {
                if (isDay(index, row, image, column)) {
                    to.write(instants.epochMicros(), 0, level);
                } else {
                    to.writeNull(0, level - 1);
                }
            }
            case TIMESTAMP -> {
                if (isDay(index, row, image, column)) {
                    to.write(instants.epochMicros(), 0, level);
                } else {
                    to.writeNull(0, level - 1);
                }
            }
            case TIME -> to.write(instants.duration(text(row, image, column)), 0, level);
            case TEXT -> {
                if (row.isUtf8(column)) {
                    to.write(raw(row, image, column), 0, level);
                } else {
                    to.write(reused(text(row, image, column)), 0, level);
                }
            }
            case ENUM -> to.write(element(index, row.longValue(image, column)), 0, level);
            case SET -> to.write(set(index, row.longValue(image, column)), 0, level);
            case BYTES -> to.write(raw(row, image, column), 0, level);
            case VECTOR -> {
                scratch.clear();
                Cells.appendVector(
                        row.array(), row.offset(image, column), row.length(image, column), scratch);
                to.write(reused(scratch), 0, level);
            }
        }
    }

    private ByteSink text(RowView row, int image, int column) {
        scratch.clear();
        row.appendText(image, column, scratch);
        return scratch;
    }

    private static Binary reused(ByteSink bytes) {
        return Binary.fromReusedByteArray(bytes.array(), 0, bytes.length());
    }

    private static Binary raw(RowView row, int image, int column) {
        return Binary.fromReusedByteArray(
                row.array(), row.offset(image, column), row.length(image, column));
    }

    /** Reads a day, which may have a time; remembers what is none. */
    private boolean isDay(int index, RowView row, int image, int column) {
        if (instants.read(text(row, image, column))) {
            return true;
        }
        invalid.put(invalid.length() == 0 ? '{' : ',');
        invalid.put(quotedNames[index]);
        invalid.put('"');
        invalid.put(scratch.array(), 0, scratch.length());
        invalid.put('"');
        return false;
    }

    private Binary unsigned(long bits) {
        byte[] bytes = scratch.ensure(Long.BYTES + 1);
        bytes[0] = 0;
        for (int i = Long.BYTES; i > 0; i--) {
            bytes[i] = (byte) bits;
            bits >>>= Byte.SIZE;
        }
        return Binary.fromReusedByteArray(bytes, 0, Long.BYTES + 1);
    }

    /** A decimal's digits without the point. */
    private long unscaled(int index, RowView row, int image, int column) {
        ByteSink text = text(row, image, column);
        byte[] bytes = text.array();
        long value = 0;
        for (int i = 0; i < text.length(); i++) {
            if (bytes[i] >= '0') {
                value = value * 10 + bytes[i] - '0';
            }
        }
        checkScale(index, text);
        return bytes[0] == '-' ? -value : value;
    }

    private Binary bigUnscaled(int index, RowView row, int image, int column) {
        ByteSink text = text(row, image, column);
        checkScale(index, text);
        byte[] value = new BigInteger(text.toString().replace(".", "")).toByteArray();
        int length = ParquetColumns.decimalBytes(schema.column(columns.ordinals[index]).length());
        byte[] out = new byte[length];
        java.util.Arrays.fill(out, (byte) (value[0] < 0 ? -1 : 0));
        System.arraycopy(value, 0, out, length - value.length, value.length);
        return Binary.fromConstantByteArray(out);
    }

    /** The number of digits behind the point is the column's, or the value would be another. */
    private void checkScale(int index, ByteSink text) {
        int digits = 0;
        for (int i = text.length() - 1; i >= 0 && text.array()[i] != '.'; i--) {
            digits++;
        }
        int scale = schema.column(columns.ordinals[index]).scale();
        if ((digits == text.length() ? 0 : digits) != scale) {
            throw new MillraceException(
                    ErrorCode.SINK_DATA,
                    "table "
                            + schema.name()
                            + ": the decimal "
                            + text
                            + " of column "
                            + schema.column(columns.ordinals[index]).name()
                            + " does not have the "
                            + scale
                            + " digits behind the point that its column has");
        }
    }

    /** The name of an element; the empty text for 0, the digits when names are unknown. */
    private Binary element(int index, long number) {
        Binary[] names = elements[index];
        if (number > 0 && number <= names.length) {
            return names[(int) number - 1];
        }
        return number == 0 ? EMPTY : Binary.fromString(Long.toUnsignedString(number));
    }

    private Binary set(int index, long mask) {
        Binary[] names = elements[index];
        scratch.clear();
        if (mask != 0 && Long.SIZE - Long.numberOfLeadingZeros(mask) > names.length) {
            scratch.putUnsigned(mask);
        } else {
            for (long rest = mask; rest != 0; rest &= rest - 1) {
                if (scratch.length() > 0) {
                    scratch.put(',');
                }
                scratch.put(names[Long.numberOfTrailingZeros(rest)].getBytesUnsafe());
            }
        }
        return reused(scratch);
    }

    /** Bytes that the rows so far will make, before the last of them are compressed. */
    public long size() {
        return out.length() + store.getBufferedSize();
    }

    /** Bytes of memory that are held. */
    public long memory() {
        return out.length()
                + DICTIONARY_OVERHEAD * store.getAllocatedSize()
                + writers.length * SLAB_BYTES;
    }

    private void endGroup() {
        try {
            if (rowsOfGroup > 0) {
                file.startBlock(rowsOfGroup);
                store.flush();
                pages.flushToFileWriter(file);
                file.endBlock();
                rowsOfGroup = 0;
            }
        } catch (IOException e) {
            throw inMemory(e);
        } finally {
            store.close();
            pages.close();
        }
    }

    /** Completes the file. Nothing else may be called after it. */
    public void finish() {
        endGroup();
        try {
            file.end(Map.of(ParquetColumns.LAYOUT_KEY, ParquetColumns.LAYOUT));
            file.close();
        } catch (IOException e) {
            throw inMemory(e);
        }
    }
}
