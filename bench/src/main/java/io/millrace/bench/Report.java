package io.millrace.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Medians over runs, as a table for people and as JSON lines for programs. */
final class Report {
    private static final List<String> FIGURES =
            List.of(
                    "rows_per_s",
                    "rows_per_s_warm",
                    "rows_per_s_with_start",
                    "mb_per_s",
                    "cpu_s",
                    "peak_rss_mb",
                    "alloc_bytes_per_row",
                    "encoded_bytes_per_row",
                    "p50_ms",
                    "p99_ms",
                    "max_ms",
                    "ready_s",
                    "connect_ready_s",
                    "first_row_s");

    private final String bench;
    private final String workload;
    private final Map<String, List<Figures>> runs = new LinkedHashMap<>();

    Report(String bench, String workload) {
        this.bench = bench;
        this.workload = workload;
    }

    void add(String subject, Figures figures) {
        runs.computeIfAbsent(subject, name -> new ArrayList<>()).add(figures);
    }

    /** Median of a figure, or null when the subject has none. */
    @Nullable Double median(String subject, String figure) {
        double[] sorted = sorted(subject, figure);
        return sorted.length == 0 ? null : sorted[sorted.length / 2];
    }

    private double[] sorted(String subject, String figure) {
        return runs.getOrDefault(subject, List.of()).stream()
                .filter(run -> run.values().containsKey(figure))
                .mapToDouble(run -> run.values().get(figure))
                .sorted()
                .toArray();
    }

    void print(PrintStream out) {
        TreeSet<String> present =
                new TreeSet<>(java.util.Comparator.comparingInt(FIGURES::indexOf));
        runs.values().forEach(list -> list.forEach(run -> present.addAll(run.values().keySet())));
        out.printf(Locale.ROOT, "%n%s, workload %s, medians%n", bench, workload);
        out.printf(Locale.ROOT, "%-34s %4s", "subject", "runs");
        present.forEach(figure -> out.printf(Locale.ROOT, " %21s", figure));
        out.println();
        runs.forEach((subject, list) -> {
            out.printf(Locale.ROOT, "%-34s %4d", subject, list.size());
            for (String figure : present) {
                Double median = median(subject, figure);
                out.printf(Locale.ROOT, " %21s", median == null ? "-" : number(median));
            }
            out.println();
        });
        out.flush();
    }

    private static String number(double value) {
        return value >= 1000
                ? String.format(Locale.ROOT, "%,.0f", value)
                : String.format(Locale.ROOT, "%.2f", value);
    }

    /** Appends one JSON object per subject and figure. */
    void writeJson(Path file) {
        StringBuilder lines = new StringBuilder();
        runs.forEach((subject, list) -> {
            for (String figure : FIGURES) {
                double[] sorted = sorted(subject, figure);
                if (sorted.length > 0) {
                    lines.append(
                            String.format(
                                    Locale.ROOT,
                                    "{\"bench\":\"%s\",\"workload\":\"%s\",\"subject\":\"%s\",\"figure\":\"%s\",\"median\":%.3f,"
                                            + "\"min\":%.3f,\"max\":%.3f,\"runs\":%d}%n",
                                    bench,
                                    workload,
                                    subject,
                                    figure,
                                    sorted[sorted.length / 2],
                                    sorted[0],
                                    sorted[sorted.length - 1],
                                    sorted.length));
                }
            }
        });
        try {
            Files.writeString(file, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
