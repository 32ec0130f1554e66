package io.millrace.metastore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.control.MetaStore.Op.Put;
import java.io.BufferedReader;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a commit acknowledged is there after kill -9, and nothing of half a transaction is. */
final class KillNineIT {
    private static final int ROUNDS = 5;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void acknowledgedTransactionsSurviveKillNine() throws Exception {
        long lastSeen = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Process child =
                    new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin", "java")
                                            .toString(),
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    Writer.class.getName(),
                                    dir.toString(),
                                    Long.toString(lastSeen))
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            try (BufferedReader lines = child.inputReader()) {
                for (int i = 0; i < 200; i++) {
                    String line = lines.readLine();
                    assertThat(line).as("the writer died early").isNotNull();
                    lastSeen = Long.parseLong(line);
                }
                assertThatThrownBy(() -> SqliteMetaStore.open(dir))
                        .hasMessageContaining("pid " + child.pid());
                child.toHandle().destroyForcibly(); // the Process method would drop unread output
                String line;
                while ((line = lines.readLine()) != null) {
                    lastSeen = Long.parseLong(line);
                }
            }
            assertThat(child.waitFor(10, TimeUnit.SECONDS)).isTrue();
            try (SqliteMetaStore store = SqliteMetaStore.open(dir)) {
                String left = store.get("/pair/left").orElseThrow().value();
                String right = store.get("/pair/right").orElseThrow().value();
                assertThat(left).isEqualTo(right);
                assertThat(Long.parseLong(left)).isGreaterThanOrEqualTo(lastSeen);
                lastSeen = Long.parseLong(left);
            }
        }
    }

    /** Writes pairs for ever and prints each number after its commit returned. */
    static final class Writer {
        private Writer() {}

        public static void main(String[] args) {
            try (SqliteMetaStore store = SqliteMetaStore.open(Path.of(args[0]))) {
                for (long n = Long.parseLong(args[1]) + 1; ; n++) {
                    String text = Long.toString(n);
                    store.commit(
                            List.of(),
                            List.of(new Put("/pair/left", text), new Put("/pair/right", text)));
                    System.out.println(text);
                    System.out.flush();
                }
            }
        }
    }
}
