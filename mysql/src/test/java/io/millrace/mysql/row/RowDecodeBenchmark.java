package io.millrace.mysql.row;

import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.mysql.wire.TableMap;
import io.millrace.mysql.wire.WireRowBatch;
import java.lang.management.ManagementFactory;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Prints nanoseconds and allocated bytes per row for decoding events of 8-column rows, and for
 * reading all their cells. Not a test: run it by hand, {@code RowDecodeBenchmark [seconds]}.
 */
public final class RowDecodeBenchmark {
    private static final int ROWS = 70;

    /** Metadata of the source's VARCHAR of up to 60 characters. */
    private static final int SHORT_TEXT = 255;

    /** Families of {@link RandomRows#type(int)}. */
    private static final int[] COLUMNS = {4, 15, 15, 10, 13, 14, 3, 9};

    private RowDecodeBenchmark() {}

    public static void main(String[] args) {
        long seconds = args.length > 0 ? Long.parseLong(args[0]) : 3;
        RandomRows source = new RandomRows(new Random(1), ZoneId.of("Europe/Berlin"));
        List<RandomRows.Type> types = new ArrayList<>();
        for (int column : COLUMNS) {
            RandomRows.Type type = source.type(column);
            while (type.kind() == ColumnKind.VARCHAR && type.meta() != SHORT_TEXT
                    || type.kind() == ColumnKind.CHAR
                    || type.kind() == ColumnKind.LONGTEXT) {
                type = source.type(column);
            }
            types.add(type);
        }
        RandomRows.Event event = source.event(types, 30, ROWS, false);
        System.out.printf(
                "columns %s, %d rows and %d bytes an event%n",
                types.stream().map(t -> t.kind().name()).toList(), ROWS, event.body().length);
        for (int round = 0; round < 3; round++) {
            run("decode", seconds, types, event, false);
            run("decode and read all cells", seconds, types, event, true);
        }
    }

    private static void run(
            String name,
            long seconds,
            List<RandomRows.Type> types,
            RandomRows.Event event,
            boolean read) {
        BufferPool pool = new BufferPool();
        BinlogRowDecoder decoder = new BinlogRowDecoder(pool, ZoneId.of("Europe/Berlin"));
        TableSchema schema = RandomRows.schema(types);
        TableMap map = RandomRows.map(types);
        ByteSink out = new ByteSink(1 << 16);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long end = System.nanoTime() + seconds * 1_000_000_000;
        long rows = 0;
        long start = System.nanoTime();
        long bytes = threads.getCurrentThreadAllocatedBytes();
        while (System.nanoTime() < end) {
            for (int i = 0; i < 100; i++) {
                byte[] buffer = pool.take(event.body().length + 4);
                System.arraycopy(event.body(), 0, buffer, 0, event.body().length);
                WireRowBatch batch =
                        decoder.decode(buffer, 0, event.body().length, 30, map, schema, 1, 0);
                if (read) {
                    for (RowView row = batch.rows(); row.next(); ) {
                        BinlogRowDecoderTest.walk(row, schema, batch.op(), out);
                    }
                    out.clear();
                }
                rows += batch.rowCount();
                batch.release();
            }
        }
        double ns = (System.nanoTime() - start) / (double) rows;
        double perRow = (threads.getCurrentThreadAllocatedBytes() - bytes) / (double) rows;
        System.out.printf(
                "%-28s %7.1f ns/row %8.3f B/row %6.2f M rows/s%n", name, ns, perRow, 1e3 / ns);
    }
}
