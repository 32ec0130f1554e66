package io.millrace.bench;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A process that is measured from outside through {@code /proc}, and never outlives this JVM. */
final class ChildProcess implements AutoCloseable {
    /**
     * Clock ticks per second of {@code /proc/PID/stat}; 100 on every Linux that runs a JVM here.
     */
    private static final double TICKS_PER_SECOND = 100;

    private static final long CLOSE_SECONDS = 10;

    private final Process process;
    private final long startedNanos = System.nanoTime();
    private final Thread killer;
    private double cpuSeconds;
    private double peakRssMb;

    private ChildProcess(Process process) {
        this.process = process;
        this.killer = new Thread(process::destroyForcibly);
        Runtime.getRuntime().addShutdownHook(killer);
    }

    /** Starts a command; its output goes to {@code output}. */
    static ChildProcess start(
            List<String> command, Map<String, String> environment, File output, File errors) {
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        // Both may be one file: neither may write over what the other wrote.
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(output))
                        .redirectError(ProcessBuilder.Redirect.appendTo(errors));
        builder.environment().putAll(environment);
        try {
            return new ChildProcess(builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + command.getFirst(), e);
        }
    }

    /** Starts a main class on this JVM's own class path. */
    static ChildProcess java(
            Class<?> main,
            List<String> jvmOptions,
            List<String> arguments,
            File output,
            File errors) {
        List<String> command = new java.util.ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvmOptions);
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(main.getName());
        command.addAll(arguments);
        return start(command, Map.of(), output, errors);
    }

    long startedNanos() {
        return startedNanos;
    }

    /** Lets a child go on that waits for a line on its standard input. */
    void goOn() throws IOException {
        process.getOutputStream().write('\n');
        process.getOutputStream().flush();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    long pid() {
        return process.pid();
    }

    /**
     * Reads CPU time and peak memory while the process still lives; keeps the last values
     * afterwards.
     */
    void sample() {
        Path proc = Path.of("/proc", Long.toString(process.pid()));
        try {
            String stat = Files.readString(proc.resolve("stat"));
            // The command name stands in brackets and may hold blanks: count fields behind it.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            cpuSeconds =
                    (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
            for (String line : Files.readAllLines(proc.resolve("status"))) {
                if (line.startsWith("VmHWM:")) {
                    peakRssMb = Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
                }
            }
        } catch (IOException | IndexOutOfBoundsException e) {
            // It has ended meanwhile: the last sample stands.
            return;
        }
    }

    double cpuSeconds() {
        return cpuSeconds;
    }

    double peakRssMb() {
        return peakRssMb;
    }

    /**
     * Waits for the end, sampling every few milliseconds; fails with the tail of {@code log} on an
     * error code.
     */
    void await(long timeoutSeconds, File log) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeoutSeconds);
        while (!process.waitFor(5, TimeUnit.MILLISECONDS)) {
            sample();
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(
                        "did not end within " + timeoutSeconds + " s" + tail(log));
            }
        }
        if (process.exitValue() != 0) {
            throw new IllegalStateException("ended with code " + process.exitValue() + tail(log));
        }
    }

    static String tail(File log) {
        try {
            List<String> lines = Files.readAllLines(log.toPath());
            return String.format(
                    Locale.ROOT,
                    ":%n%s",
                    String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size())));
        } catch (IOException e) {
            return "";
        }
    }

    /** Ends it: politely, then by force. */
    @Override
    public void close() {
        close(CLOSE_SECONDS);
    }

    /** The same for a process that has this many seconds of work to do before it ends. */
    void close(long seconds) {
        sample();
        process.destroy();
        try {
            if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().removeShutdownHook(killer);
    }
}
