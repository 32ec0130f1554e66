package io.millrace.cli;

import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a command sees of the machine it runs on.
 *
 * @param environment variables by name
 * @param in where answers to questions are read
 */
record Surroundings(
        Map<String, String> environment, InputStream in, PrintWriter out, PrintWriter err) {
    static Surroundings ofProcess() {
        return new Surroundings(
                System.getenv(),
                System.in,
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    }

    /** A variable that is set and not empty. */
    Optional<String> variable(String name) {
        return Optional.ofNullable(environment.get(name)).filter(value -> !value.isEmpty());
    }

    /** What an option names, or else a variable. */
    Optional<Path> file(@Nullable String option, String variable) {
        return Optional.ofNullable(option).or(() -> variable(variable)).map(Path::of);
    }

    Path home() {
        return Path.of(variable("HOME").orElse(System.getProperty("user.home", ".")));
    }
}
