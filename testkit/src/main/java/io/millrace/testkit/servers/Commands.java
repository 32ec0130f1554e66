package io.millrace.testkit.servers;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Runs external commands.
 *
 * <p>Every process starts on one thread that lives as long as the JVM: Linux delivers the
 * parent-death signal when the starting <em>thread</em> ends, so a server started from a
 * short-lived test thread would die with that thread.
 */
final class Commands {
    private static final ExecutorService SPAWNER =
            Executors.newSingleThreadExecutor(task -> {
                Thread thread = new Thread(task, "testkit-spawner");
                thread.setDaemon(true);
                return thread;
            });
    private static final long LIMIT_MINUTES = 10;

    private Commands() {}

    static Process spawn(ProcessBuilder builder) throws IOException {
        try {
            return SPAWNER.submit(builder::start).get();
        } catch (ExecutionException e) {
            throw new IOException("cannot run " + builder.command().getFirst(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while starting " + builder.command().getFirst(), e);
        }
    }

    /** Standard output of a command that must succeed. */
    static String output(List<String> command) {
        return output(command, Map.of(), "");
    }

    /** Standard output and error of a command that must succeed. */
    static String output(List<String> command, Map<String, String> environment, String input) {
        Path captured = null;
        try {
            captured = Files.createTempFile("millrace-command", ".out");
            ProcessBuilder builder =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(captured.toFile());
            builder.environment().putAll(environment);
            builder.directory(new java.io.File("/"));
            Process process = spawn(builder);
            try (OutputStream stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                // The command ended without reading all of its input: its exit code tells below.
            }
            if (!process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new TestServerException(
                        command.getFirst() + " did not end within " + LIMIT_MINUTES + " minutes");
            }
            String output = Files.readString(captured, StandardCharsets.ISO_8859_1);
            if (process.exitValue() != 0) {
                throw new TestServerException(
                        String.join(" ", command)
                                + "\nfailed with exit code "
                                + process.exitValue()
                                + ":\n"
                                + Folders.tail(captured, 40));
            }
            return output;
        } catch (IOException e) {
            throw new TestServerException("cannot run " + String.join(" ", command), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TestServerException("interrupted while waiting for " + command.getFirst(), e);
        } finally {
            if (captured != null) {
                Folders.delete(captured);
            }
        }
    }
}
