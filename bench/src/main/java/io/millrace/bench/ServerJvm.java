package io.millrace.bench;

import io.millrace.server.Main;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Options of the JVM that users run the server in. */
final class ServerJvm {
    private ServerJvm() {}

    /** What the launcher passes, and then more. */
    static List<String> options(List<String> more) {
        return Stream.concat(own().stream(), more.stream()).toList();
    }

    private static List<String> own() {
        try (InputStream in =
                Objects.requireNonNull(Main.class.getResourceAsStream("jvm.options"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
