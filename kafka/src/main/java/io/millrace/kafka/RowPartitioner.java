package io.millrace.kafka;

import io.millrace.codec.json.PlainDecimal;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * Picks the partition of each row of one table version, as TiCDC does: the CRC-32 of schema and
 * table name, XOR-ed with the CRC-32 of name and value of each key column, modulo the number of
 * partitions. Belongs to one thread and allocates nothing per row.
 */
final class RowPartitioner {
    private static final byte[] NULL = {'n', 'u', 'l', 'l'};

    private final TableSchema schema;
    private final DispatchRules.By by;
    private final int[] ordinals;
    private final byte[][] names;
    private final long tableHash;
    private final CRC32 crc = new CRC32();
    private final ByteSink value = new ByteSink(64);

    /**
     * @param ordinals columns whose names and values are hashed, in any order
     */
    RowPartitioner(TableSchema schema, DispatchRules.By by, int[] ordinals) {
        this.schema = schema;
        this.by = by;
        this.ordinals = ordinals.clone();
        names = new byte[ordinals.length][];
        for (int i = 0; i < ordinals.length; i++) {
            names[i] = schema.column(ordinals[i]).name().getBytes(StandardCharsets.UTF_8);
        }
        crc.update(schema.name().schema().getBytes(StandardCharsets.UTF_8));
        crc.update(schema.name().table().getBytes(StandardCharsets.UTF_8));
        tableHash = crc.getValue();
    }

    /**
     * The partition of the cursor's row.
     *
     * @param image the image that is sent: the old one of a delete, else the new one
     * @param count number of partitions
     */
    int partition(RowView row, int image, boolean update, long commitTso, int count) {
        return switch (by) {
            case TABLE -> (int) (tableHash % count);
            case TS -> (int) Long.remainderUnsigned(commitTso, count);
            case INDEX_VALUE, COLUMNS -> (int) (hash(row, image, update) % count);
        };
    }

    /** An unsigned 32-bit number. */
    long hash(RowView row, int image, boolean update) {
        long hash = tableHash;
        for (int i = 0; i < ordinals.length; i++) {
            int column = ordinals[i];
            int from = image;
            if (!row.isPresent(image, column)) {
                // A minimal new image leaves out what did not change: the old one has it.
                from = RowView.BEFORE + RowView.AFTER - image;
                if (!update || !row.isPresent(from, column)) {
                    throw missing(schema.column(column));
                }
            }
            crc.reset();
            crc.update(names[i], 0, names[i].length);
            value.clear();
            appendValue(row, from, column);
            crc.update(value.array(), 0, value.length());
            hash ^= crc.getValue();
        }
        return hash;
    }

    private void appendValue(RowView row, int image, int column) {
        if (row.isNull(image, column)) {
            value.put(NULL);
            return;
        }
        Column definition = schema.column(column);
        switch (definition.kind().access()) {
            case LONG -> {
                long number = row.longValue(image, column);
                ColumnKind kind = definition.kind();
                boolean unsigned =
                        definition.unsigned()
                                || kind == ColumnKind.BIT
                                || kind == ColumnKind.ENUM
                                || kind == ColumnKind.SET;
                if (unsigned) {
                    value.putUnsigned(number);
                } else {
                    value.putLong(number);
                }
            }
            case FLOAT -> PlainDecimal.append((float) row.doubleValue(image, column), value);
            case DOUBLE -> PlainDecimal.append(row.doubleValue(image, column), value);
            case ASCII, TEXT -> row.appendText(image, column, value);
            case BYTES -> row.appendBytes(image, column, value);
        }
    }

    private MillraceException missing(Column column) {
        return new MillraceException(
                ErrorCode.SINK_DATA,
                "a row of "
                        + schema.name()
                        + " does not hold column "
                        + column.name()
                        + ", which its partition depends on: set binlog_row_image=FULL upstream, or"
                        + " use another partition rule");
    }
}
