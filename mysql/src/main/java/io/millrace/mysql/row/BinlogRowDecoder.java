package io.millrace.mysql.row;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.mysql.wire.RowDecoder;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.WireRowBatch;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds the cells of rows events (MySQL {@code libbinlogevents/include/rows_event.h}): one pass
 * over the bytes that notes where each value starts, and looks at none. Belongs to the capture's
 * thread.
 *
 * <p>Three kinds of values are not in the event as a reader wants them: fixed-length binary values
 * without their trailing zeros, values of MariaDB's COMPRESSED columns, and partial JSON updates.
 * Those alone are rewritten, behind the end of the event in the same buffer.
 */
public final class BinlogRowDecoder implements RowDecoder {
    static final int WRITE_ROWS_V1 = 23;
    static final int UPDATE_ROWS_V1 = 24;
    static final int DELETE_ROWS_V1 = 25;
    static final int WRITE_ROWS = 30;
    static final int UPDATE_ROWS = 31;
    static final int DELETE_ROWS = 32;
    static final int PARTIAL_UPDATE_ROWS = 39;

    /** Compiled column programs kept; a server opens tables anew now and then. */
    private static final int MAX_PROGRAMS = 4096;

    /** Table number and flags. */
    private static final int POST_HEADER = 8;

    /** Where the flags are, behind the table number. */
    private static final int FLAGS = 6;

    /** Flag: the session had {@code foreign_key_checks} off. */
    private static final int NO_FOREIGN_KEY_CHECKS = 2;

    /** Bit of a partial update's options: some JSON values are differences. */
    private static final int PARTIAL_JSON = 1;

    private static final int[] EMPTY = {};

    private final BufferPool buffers;
    private final BatchPool batches;
    private final Map<TableMap, ColumnProgram> programs = new IdentityHashMap<>();
    private @Nullable ColumnProgram lastProgram;

    /** Where rewritten values go. */
    private final TailWriter tail;

    /** Column ordinals of each image, ascending; valid for one event. */
    private int[] beforeColumns = EMPTY;

    private int[] afterColumns = EMPTY;

    /**
     * @param buffers that the events' buffers come from and go back to
     * @param zone that TIMESTAMP values are shown in
     */
    public BinlogRowDecoder(BufferPool buffers, ZoneId zone) {
        this.buffers = buffers;
        this.tail = new TailWriter(buffers);
        this.batches = new BatchPool(buffers, new ZoneOffsets(zone));
    }

    @Override
    public WireRowBatch decode(
            byte[] buffer,
            int bodyStart,
            int bodyEnd,
            int eventType,
            TableMap map,
            TableSchema schema,
            long commitTso,
            int eventIndex) {
        ColumnProgram program = program(map, schema);
        int op =
                switch (eventType) {
                    case WRITE_ROWS_V1, WRITE_ROWS -> RowBatch.INSERT;
                    case UPDATE_ROWS_V1, UPDATE_ROWS, PARTIAL_UPDATE_ROWS -> RowBatch.UPDATE;
                    case DELETE_ROWS_V1, DELETE_ROWS -> RowBatch.DELETE;
                    default ->
                            throw RowErrors.unsupported(
                                    map.name(), "rows event type " + eventType + " is not known");
                };
        BinlogRowBatch batch = batches.take();
        batch.open(program, op, commitTso, eventIndex);
        boolean done = false;
        tail.open(buffer, bodyEnd);
        try {
            int at = columnsStart(buffer, bodyStart, bodyEnd, eventType, map);
            int flags = WireBytes.u16(buffer, bodyStart + FLAGS);
            int width = program.columns;
            at = width(buffer, at, bodyEnd, width, map);
            int bitmapBytes = width + 7 >> 3;
            int afterCount = 0;
            int beforeCount = 0;
            if (op != RowBatch.INSERT) {
                beforeColumns = room(beforeColumns, width);
                beforeCount = present(buffer, at, bodyEnd, width, beforeColumns, map);
                at += bitmapBytes;
            }
            if (op != RowBatch.DELETE) {
                afterColumns = room(afterColumns, width);
                afterCount = present(buffer, at, bodyEnd, width, afterColumns, map);
                at += bitmapBytes;
            }
            boolean partial = eventType == PARTIAL_UPDATE_ROWS;
            int rows = 0;
            if (program.anySpecial || partial) {
                rows =
                        specialRows(
                                buffer,
                                at,
                                bodyEnd,
                                program,
                                batch,
                                op,
                                beforeCount,
                                afterCount,
                                partial);
            } else {
                int cell = 0;
                while (at < bodyEnd) {
                    int rowStart = at;
                    batch.start(rows, at);
                    if (op != RowBatch.INSERT) {
                        cell = claim(batch, cell, width);
                        at =
                                image(
                                        buffer,
                                        at,
                                        bodyEnd,
                                        program,
                                        beforeColumns,
                                        beforeCount,
                                        batch.cells,
                                        cell - width);
                    }
                    if (op != RowBatch.DELETE) {
                        cell = claim(batch, cell, width);
                        at =
                                image(
                                        buffer,
                                        at,
                                        bodyEnd,
                                        program,
                                        afterColumns,
                                        afterCount,
                                        batch.cells,
                                        cell - width);
                    }
                    if (at == rowStart) {
                        throw RowErrors.corrupt(map, "a row without columns");
                    }
                    rows++;
                }
            }
            if (rows == 0) {
                throw RowErrors.corrupt(map, "it holds no row");
            }
            if (tail.bytes() != buffer) {
                buffers.give(buffer);
                buffer = tail.bytes();
            }
            batch.start(rows, bodyEnd);
            batch.fill(
                    buffer,
                    rows,
                    !partial
                            && !program.anyCompressed
                            && (op == RowBatch.INSERT || beforeCount == width)
                            && (op == RowBatch.DELETE || afterCount == width),
                    (flags & NO_FOREIGN_KEY_CHECKS) == 0);
            done = true;
            return batch;
        } catch (IndexOutOfBoundsException e) {
            throw RowErrors.corrupt(map, "it ends inside a row", e);
        } finally {
            if (!done) {
                if (tail.bytes() != buffer) {
                    buffers.give(tail.bytes());
                }
                batch.release();
            }
            tail.close();
        }
    }

    private ColumnProgram program(TableMap map, TableSchema schema) {
        ColumnProgram last = lastProgram;
        if (last != null && last.map == map && last.schema == schema) {
            return last;
        }
        ColumnProgram known = programs.get(map);
        if (known == null || known.schema != schema) {
            known = ColumnProgram.compile(map, schema);
            if (programs.size() >= MAX_PROGRAMS) {
                programs.clear();
            }
            programs.put(map, known);
        }
        lastProgram = known;
        return known;
    }

    /** First byte behind the post header: version 2 has extra data of a stated length. */
    private static int columnsStart(
            byte[] b, int bodyStart, int bodyEnd, int eventType, TableMap map) {
        int at = bodyStart + POST_HEADER;
        if (eventType >= WRITE_ROWS) {
            need(at, 2, bodyEnd, map);
            int extra = WireBytes.u16(b, at);
            if (extra < 2) {
                throw RowErrors.corrupt(map, "extra data of " + extra + " bytes");
            }
            at += extra;
        }
        return at;
    }

    private static int width(byte[] b, int at, int end, int columns, TableMap map) {
        need(at, 1, end, map);
        int bytes = JsonDiffs.lenencBytes(b[at]);
        need(at, bytes, end, map);
        long width = JsonDiffs.lenenc(b, at, end);
        if (width != columns) {
            throw RowErrors.corrupt(
                    map, "it has " + width + " columns, its table map has " + columns);
        }
        return at + bytes;
    }

    private static int[] room(int[] columns, int width) {
        return columns.length >= width ? columns : new int[width];
    }

    /** Lists the columns of an image from its bitmap; returns how many. */
    private static int present(byte[] b, int at, int end, int width, int[] columns, TableMap map) {
        need(at, width + 7 >> 3, end, map);
        int count = 0;
        for (int i = 0; i < width; i++) {
            if ((b[at + (i >> 3)] & 1 << (i & 7)) != 0) {
                columns[count++] = i;
            }
        }
        return count;
    }

    /** Makes room for one more image and returns the end of its cells. */
    private static int claim(BinlogRowBatch batch, int cell, int width) {
        int end = Math.addExact(cell, width);
        if (end > batch.cells.length) {
            batch.cells =
                    Arrays.copyOf(batch.cells, Math.max(end, (int) Math.min(cell * 2L, 1 << 30)));
        }
        return end;
    }

    /** Notes the cells of one image; returns the end of the image. */
    private static int image(
            byte[] b,
            int at,
            int end,
            ColumnProgram program,
            int[] columns,
            int count,
            int[] cells,
            int base) {
        int[] widths = program.widths;
        int nulls = at;
        at += count + 7 >> 3;
        if (at > end) {
            throw RowErrors.corrupt(program.map, "it ends inside a row");
        }
        boolean all = count == program.columns;
        if (!all) {
            Arrays.fill(cells, base, base + program.columns, BinlogRowBatch.ABSENT);
        }
        for (int i = 0; i < count; i++) {
            int column = columns[i];
            if ((b[nulls + (i >> 3)] >> (i & 7) & 1) != 0) {
                cells[base + column] = BinlogRowBatch.NULL;
                continue;
            }
            cells[base + column] = at;
            int width = widths[column];
            if (width < 0) {
                at = skipPrefixed(b, at, -width, end, program);
            } else {
                at += width;
                if (at > end) {
                    throw RowErrors.corrupt(program.map, "it ends inside a row");
                }
            }
        }
        return at;
    }

    private static int skipPrefixed(byte[] b, int at, int prefix, int end, ColumnProgram program) {
        if (prefix > end - at) {
            throw RowErrors.corrupt(program.map, "it ends inside a row");
        }
        int length =
                switch (prefix) {
                    case 1 -> b[at] & 0xFF;
                    case 2 -> WireBytes.u16(b, at);
                    case 3 -> WireBytes.u24(b, at);
                    default -> WireBytes.i32(b, at);
                };
        at += prefix;
        if (length < 0 || length > end - at) {
            throw RowErrors.corrupt(program.map, "it ends inside a row");
        }
        return at + length;
    }

    /** As the plain loop, with values to rewrite and partial updates; returns the row count. */
    private int specialRows(
            byte[] buffer,
            int at,
            int end,
            ColumnProgram program,
            BinlogRowBatch batch,
            int op,
            int beforeCount,
            int afterCount,
            boolean partial) {
        int width = program.columns;
        int cell = 0;
        int rows = 0;
        while (at < end) {
            int rowStart = at;
            batch.start(rows, at);
            if (op != RowBatch.INSERT) {
                cell = claim(batch, cell, width);
                at =
                        image(
                                buffer,
                                at,
                                end,
                                program,
                                beforeColumns,
                                beforeCount,
                                batch.cells,
                                cell - width);
                if (program.anySpecial) {
                    rewrite(buffer, end, program, batch.cells, cell - width);
                }
            }
            if (op != RowBatch.DELETE) {
                int partialBits = 0;
                if (partial) {
                    need(at, 1, end, program.map);
                    long options = JsonDiffs.lenenc(buffer, at, end);
                    at += JsonDiffs.lenencBytes(buffer[at]);
                    if ((options & PARTIAL_JSON) != 0) {
                        partialBits = at;
                        at += program.jsonColumns + 7 >> 3;
                    }
                }
                cell = claim(batch, cell, width);
                at =
                        image(
                                buffer,
                                at,
                                end,
                                program,
                                afterColumns,
                                afterCount,
                                batch.cells,
                                cell - width);
                if (program.anySpecial) {
                    rewrite(buffer, end, program, batch.cells, cell - width);
                }
                if (partialBits > 0) {
                    applyDiffs(buffer, end, program, batch.cells, cell - width, partialBits);
                }
            }
            if (at == rowStart) {
                throw RowErrors.corrupt(program.map, "a row without columns");
            }
            rows++;
        }
        return rows;
    }

    /** Moves the image's values that need it behind the event, in their readable form. */
    private void rewrite(byte[] b, int end, ColumnProgram program, int[] cells, int base) {
        for (int i = 0; i < program.columns; i++) {
            int at = cells[base + i];
            if (program.special[i] == ColumnProgram.PLAIN || at < 0) {
                continue;
            }
            int prefix = -program.widths[i];
            int length = (int) WireBytes.uN(b, at, prefix);
            if (program.special[i] == ColumnProgram.PADDED) {
                int wanted = program.pads[i];
                if (length > wanted) {
                    throw RowErrors.corrupt(
                            program.map,
                            "a value of " + length + " bytes where " + wanted + " fit");
                }
                if (length < wanted) {
                    cells[base + i] = tail.padded(b, at + prefix, length, prefix, wanted);
                }
            } else {
                cells[base + i] = tail.inflated(b, at + prefix, length, program.map);
            }
        }
    }

    private void applyDiffs(
            byte[] b, int end, ColumnProgram program, int[] cells, int base, int partialBits) {
        int json = 0;
        for (int i = 0; i < program.columns; i++) {
            if (program.ops[i] != ColumnProgram.JSON) {
                continue;
            }
            boolean isPartial = (b[partialBits + (json >> 3)] >> (json & 7) & 1) != 0;
            json++;
            int at = cells[base + i];
            if (!isPartial || at < 0) {
                continue;
            }
            int before = cells[base - program.columns + i];
            if (before < 0) {
                throw RowErrors.unsupported(
                        program.map.name(),
                        "column "
                                + program.schema.column(i).name()
                                + " comes as differences without the value before; set"
                                + " binlog_row_value_options='' or binlog_row_image=FULL at the"
                                + " upstream and re-create the job past this transaction");
            }
            int prefix = program.prefixes[i];
            int length = (int) WireBytes.uN(b, at, prefix);
            if (length == 0) {
                cells[base + i] = before;
                continue;
            }
            int beforeLength = (int) WireBytes.uN(b, before, prefix);
            cells[base + i] =
                    tail.patchedJson(b, before + prefix, beforeLength, at + prefix, length, prefix);
        }
    }

    private static void need(int at, int bytes, int end, TableMap map) {
        if (bytes > end - at) {
            throw RowErrors.corrupt(map, "it ends inside its header");
        }
    }
}
