package io.millrace.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * User and password of Basic authentication, from the first of: the options, {@code TICDC_USER} and
 * {@code TICDC_PASSWORD}, the file {@code ~/.ticdc/credentials}.
 */
record Credentials(String user, String password) {
    private static final String USER = "ticdc_user";
    private static final String PASSWORD = "ticdc_password";

    @Override
    public String toString() {
        return "Credentials[" + user + "]";
    }

    /** As Basic authentication wants it. */
    String pair() {
        return user + ":" + password;
    }

    static Path file(Surroundings surroundings) {
        return surroundings.home().resolve(".ticdc").resolve("credentials");
    }

    /** Empty when nothing names a user. */
    static Optional<Credentials> find(
            @Nullable String user, @Nullable String password, Surroundings surroundings) {
        if (user != null && !user.isEmpty()) {
            return Optional.of(
                    new Credentials(
                            user,
                            password != null
                                    ? password
                                    : new Prompt(surroundings.in(), surroundings.err())
                                            .askSecret("Password of " + user + ": ")));
        }
        Optional<String> named = surroundings.variable("TICDC_USER");
        if (named.isPresent()) {
            return Optional.of(
                    new Credentials(
                            named.get(), surroundings.variable("TICDC_PASSWORD").orElse("")));
        }
        return read(file(surroundings));
    }

    static Optional<Credentials> read(Path file) {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            JsonNode content = new TomlMapper().readTree(file.toFile());
            String user = content.path(USER).asText("");
            return user.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new Credentials(user, content.path(PASSWORD).asText("")));
        } catch (IOException e) {
            // The parser's own message quotes the file.
            throw new CliException(
                    "cannot read " + file + "; write it anew with: cdc cli configure-credentials");
        }
    }

    /** Writes the file, for its owner only. */
    void write(Path file) {
        try {
            Path folder = file.toAbsolutePath().getParent();
            if (folder != null && !Files.isDirectory(folder)) {
                Files.createDirectories(folder);
                Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
            }
            var onlyOwner = PosixFilePermissions.fromString("rw-------");
            Files.deleteIfExists(file);
            Files.newByteChannel(
                            file,
                            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                            PosixFilePermissions.asFileAttribute(onlyOwner))
                    .close();
            Files.writeString(
                    file,
                    USER
                            + " = "
                            + quoted(user)
                            + "\n"
                            + PASSWORD
                            + " = "
                            + quoted(password)
                            + "\n");
        } catch (IOException e) {
            throw new CliException("cannot write " + file + ": " + e.getMessage());
        }
    }

    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ' || c == 0x7f) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
