package io.millrace.bench;

import com.sun.management.ThreadMXBean;
import io.millrace.codec.EncoderContext;
import io.millrace.codec.Message;
import io.millrace.codec.Protocols;
import io.millrace.codec.RowEncoder;
import io.millrace.codec.csv.CsvConfig;
import io.millrace.codec.csv.CsvRowEncoder;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import io.millrace.core.spi.SinkSpec;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How fast each wire format is written on one thread: rows of the workload mixed8, as the binlog's
 * decoder hands them out, to messages or lines that are dropped. MB/s counts encoded bytes. Formats
 * that take several rows in a message get as many as they take. Time is the thread's CPU time, so
 * that other work on the machine does not count.
 */
@Command(
        name = "codec",
        mixinStandardHelpOptions = true,
        description = {
            "Binlog rows in memory to each wire format, one thread, no I/O.",
            "Seconds are of CPU time; MB/s are of encoded bytes."
        })
final class CodecBench implements Callable<Integer> {
    private static final String CSV = "csv";
    private static final int LINES_BYTES = 1 << 20;
    private static final int ROWS = 1024;

    /** Passes over the rows between two looks at the clock. */
    private static final int PASSES = 16;

    /** What one format does with all rows of the batch. */
    private interface Pass extends AutoCloseable {
        /** Returns the bytes written. */
        long run(RowView rows);

        @Override
        default void close() {}
    }

    @Option(
            names = "--protocols",
            split = ",",
            description = "Names as in a sink URI. Default: all that need no other server")
    private @Nullable List<String> protocols;

    @Option(
            names = "--params",
            description =
                    "More parameters of the sink URI, such as enable-tidb-extension=true. Default: none",
            defaultValue = "")
    private String params = "";

    @Option(
            names = "--seconds",
            description = "Measured time of each run. Default: ${DEFAULT-VALUE}",
            defaultValue = "2")
    private int seconds;

    @Option(
            names = "--warm-up",
            description = "Seconds before the first run of each format. Default: ${DEFAULT-VALUE}",
            defaultValue = "2")
    private int warmUp;

    @Option(
            names = "--runs",
            description = "Runs, at least 1. Default: ${DEFAULT-VALUE}",
            defaultValue = "3")
    private int runs;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            description = "Appends one JSON object per format and figure.")
    private @Nullable Path json;

    @CommandLine.Spec
    @SuppressWarnings("NullAway.Init") // picocli fills it in
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() {
        TableSchema schema = MixedRows.schema();
        RowBatch batch = MixedRows.batch(schema, ROWS);
        Report report = new Report("codec", "mixed8");
        List<String> names = names();
        for (int run = 0; run <= runs; run++) {
            for (String name : names) {
                try (Pass pass = pass(name, schema)) {
                    boolean warming = run == 0;
                    Figures figures = measure(pass, batch, warming ? warmUp : seconds);
                    if (!warming) {
                        report.add(name, figures);
                    }
                }
            }
        }
        batch.release();
        report.print(System.out);
        Path file = json;
        if (file != null) {
            report.writeJson(file);
        }
        return 0;
    }

    private List<String> names() {
        List<String> known = new ArrayList<>(Protocols.names());
        known.add(CSV);
        List<String> chosen = protocols;
        if (chosen == null) {
            // Avro's schemas go to a registry before the first row.
            known.remove("avro");
            return known;
        }
        for (String name : chosen) {
            if (!known.contains(name)) {
                throw new CommandLine.ParameterException(
                        spec.commandLine(), "no protocol " + name + ": " + known);
            }
        }
        return chosen;
    }

    private Pass pass(String name, TableSchema schema) {
        SinkSpec sink = SinkSpec.of("kafka://none/bench?protocol=" + name + "&" + params);
        if (name.equals(CSV)) {
            CsvRowEncoder encoder = new CsvRowEncoder(CsvConfig.of(sink));
            ByteSink out = new ByteSink(LINES_BYTES);
            return rows -> {
                out.clear();
                encoder.begin(schema);
                while (rows.next()) {
                    encoder.append(rows, RowBatch.INSERT, 1, out);
                }
                return out.length();
            };
        }
        RowEncoder encoder = Protocols.of(sink).encoder(sink, EncoderContext.of(Clock.systemUTC()));
        Message message = new Message();
        return new Pass() {
            @Override
            public long run(RowView rows) {
                long bytes = 0;
                encoder.begin(schema, 1, "bench");
                message.clear();
                while (rows.next()) {
                    encoder.append(rows, RowBatch.INSERT, message);
                    if (message.rows() == encoder.maxRowsPerMessage()) {
                        encoder.finish(message);
                        bytes += message.size();
                        message.clear();
                    }
                }
                if (message.rows() > 0) {
                    encoder.finish(message);
                    bytes += message.size();
                }
                return bytes;
            }

            @Override
            public void close() {
                encoder.close();
            }
        };
    }

    private static Figures measure(Pass pass, RowBatch batch, int forSeconds) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().threadId();
        RowView rows = batch.rows();
        rows.rewind();
        pass.run(rows); // the programs of the table are made here
        long passes = 0;
        long bytes = 0;
        long allocated = threads.getThreadAllocatedBytes(thread);
        long start = threads.getCurrentThreadCpuTime();
        long end = start + TimeUnit.SECONDS.toNanos(forSeconds);
        long now;
        do {
            for (int i = 0; i < PASSES; i++) {
                rows.rewind();
                bytes += pass.run(rows);
            }
            passes += PASSES;
            now = threads.getCurrentThreadCpuTime();
        } while (now < end);
        allocated = threads.getThreadAllocatedBytes(thread) - allocated;
        double elapsed = (now - start) / 1e9;
        double count = (double) passes * batch.rowCount();
        return new Figures.Builder()
                .put("rows_per_s", count / elapsed)
                .put("mb_per_s", bytes / 1e6 / elapsed)
                .put("alloc_bytes_per_row", allocated / count)
                .put("encoded_bytes_per_row", bytes / count)
                .build();
    }
}
