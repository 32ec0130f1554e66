package io.millrace.bench;

import java.io.File;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Our own capture, engine and sink in a process of its own. */
final class MillraceSubject implements Subject {
    private static final long TIMEOUT_SECONDS = 600;

    private final String name;
    private final String sinkUri;
    private final int repetitions;
    private final Step reset;
    private final Step verify;

    /** One line of {@link MillraceChild}. */
    private record Repetition(
            long firstNanos, long lastNanos, double allocatedBytesPerRow, long encodedBytes) {
        double seconds() {
            return (lastNanos - firstNanos) / 1e9;
        }
    }

    /** Something done while no clock runs. */
    interface Step {
        void accept(Bench bench) throws Exception;
    }

    /**
     * @param sinkUri where the rows go
     * @param repetitions in one process: the first is cold, the last counts as warm
     * @param reset makes the target empty, before each repetition
     * @param verify fails if the target does not hold all rows, after each repetition
     */
    MillraceSubject(String name, String sinkUri, int repetitions, Step reset, Step verify) {
        this.name = name;
        this.sinkUri = sinkUri;
        this.repetitions = repetitions;
        this.reset = reset;
        this.verify = verify;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Figures run(Bench bench) throws Exception {
        reset.accept(bench);
        File output = bench.scratchFile(name);
        File log = bench.scratchFile(name + "-log");
        List<String> arguments =
                List.of(
                        sinkUri,
                        bench.upstreamUri(),
                        Long.toString(bench.startTso()),
                        Long.toString(bench.rows()),
                        Integer.toString(repetitions));
        try (ChildProcess child =
                ChildProcess.java(
                        MillraceChild.class,
                        ServerJvm.options(List.of("-Xmx1g")),
                        arguments,
                        output,
                        log)) {
            List<Repetition> runs = new ArrayList<>();
            double coldCpu = 0;
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(TIMEOUT_SECONDS);
            while (runs.size() < repetitions) {
                if (!child.isAlive() || System.nanoTime() > deadline) {
                    throw new IllegalStateException(
                            name + " did not finish" + ChildProcess.tail(log));
                }
                Thread.sleep(10);
                child.sample();
                List<String> lines =
                        Files.readAllLines(output.toPath()).stream()
                                .filter(line -> line.startsWith("RUN ") && line.endsWith("."))
                                .toList();
                for (int i = runs.size(); i < lines.size(); i++) {
                    String[] fields = lines.get(i).replaceAll("\\.$", "").split(" ");
                    runs.add(
                            new Repetition(
                                    Long.parseLong(fields[1]),
                                    Long.parseLong(fields[2]),
                                    Double.parseDouble(fields[3]),
                                    Long.parseLong(fields[4])));
                    coldCpu = runs.size() == 1 ? child.cpuSeconds() : coldCpu;
                    verify.accept(bench);
                    if (runs.size() < repetitions) {
                        reset.accept(bench);
                        child.goOn();
                    }
                }
            }
            Repetition cold = runs.getFirst();
            Repetition warm = runs.getLast();
            Figures.Builder figures =
                    new Figures.Builder()
                            .put("rows_per_s", bench.rows() / cold.seconds())
                            .put(
                                    "rows_per_s_with_start",
                                    bench.rows() / ((cold.lastNanos - child.startedNanos()) / 1e9))
                            .put("mb_per_s", bench.megabytes() / cold.seconds())
                            .put("cpu_s", coldCpu)
                            .put("peak_rss_mb", child.peakRssMb())
                            .put("alloc_bytes_per_row", warm.allocatedBytesPerRow)
                            .put(
                                    "encoded_bytes_per_row",
                                    (double) cold.encodedBytes / bench.rows());
            if (repetitions > 1) {
                figures.put("rows_per_s_warm", bench.rows() / warm.seconds());
            }
            return figures.build();
        }
    }
}
