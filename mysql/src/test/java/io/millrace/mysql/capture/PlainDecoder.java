package io.millrace.mysql.capture;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.mysql.wire.RowDecoder;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.WireRowBatch;
import java.util.ArrayList;
import java.util.List;

/**
 * A row decoder for tests of the stream alone, written independently of the real one: NOT NULL
 * columns of type INT and LONGBLOB with full row images. A row prints as its values joined by
 * commas, a blob as its length; an update as before and after image joined by {@code >}.
 */
final class PlainDecoder implements RowDecoder {
    private final BufferPool pool;

    PlainDecoder(BufferPool pool) {
        this.pool = pool;
    }

    /** The rows as text. */
    static final class Batch extends WireRowBatch {
        private final TableSchema schema;
        private final int op;
        private final long tso;
        private final int index;
        private final int size;
        private final byte[] buffer;
        private final BufferPool pool;
        final List<String> lines;

        Batch(
                TableSchema schema,
                int op,
                long tso,
                int index,
                int size,
                byte[] buffer,
                BufferPool pool,
                List<String> lines) {
            this.schema = schema;
            this.op = op;
            this.tso = tso;
            this.index = index;
            this.size = size;
            this.buffer = buffer;
            this.pool = pool;
            this.lines = lines;
        }

        @Override
        public TableSchema schema() {
            return schema;
        }

        @Override
        public int op() {
            return op;
        }

        @Override
        public int rowCount() {
            return lines.size();
        }

        @Override
        public int sizeBytes() {
            return size;
        }

        @Override
        public int eventIndex() {
            return index;
        }

        @Override
        public long commitTso() {
            return tso;
        }

        @Override
        public RowView rows() {
            throw new UnsupportedOperationException();
        }

        @Override
        protected void recycle() {
            pool.give(buffer);
        }
    }

    @Override
    public WireRowBatch decode(
            byte[] b,
            int bodyStart,
            int bodyEnd,
            int eventType,
            TableMap map,
            TableSchema schema,
            long commitTso,
            int eventIndex) {
        int at = bodyStart + 8;
        if (eventType >= 30) {
            at += WireBytes.u16(b, at);
        }
        int columns = b[at++];
        int bitmap = (columns + 7) / 8;
        boolean update = eventType == 24 || eventType == 31;
        at += update ? 2 * bitmap : bitmap;
        int op =
                switch (eventType) {
                    case 23, 30 -> RowBatch.INSERT;
                    case 24, 31 -> RowBatch.UPDATE;
                    default -> RowBatch.DELETE;
                };
        List<String> lines = new ArrayList<>();
        while (at < bodyEnd) {
            StringBuilder line = new StringBuilder();
            for (int image = 0; image < (update ? 2 : 1); image++) {
                line.append(image == 0 ? "" : ">");
                at += bitmap;
                for (int c = 0; c < columns; c++) {
                    line.append(c == 0 ? "" : ",");
                    if (map.columnType(c) == 3) {
                        line.append(WireBytes.i32(b, at));
                        at += 4;
                    } else if (map.columnType(c) == 252 && map.columnMeta()[c] == 4) {
                        int length = WireBytes.i32(b, at);
                        line.append(length);
                        at += 4 + length;
                    } else {
                        throw new IllegalArgumentException("column type " + map.columnType(c));
                    }
                }
            }
            lines.add(line.toString());
        }
        if (at != bodyEnd) {
            throw new IllegalStateException("rows end at " + at + " and not at " + bodyEnd);
        }
        return new Batch(schema, op, commitTso, eventIndex, bodyEnd, b, pool, lines);
    }
}
