package io.millrace.dialects.ticdc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The command line's configuration files know the keys that the server knows. */
final class CliKeysTest {
    @Test
    void theListOfTheCommandLineIsComplete() throws IOException {
        assertThat(
                        Files.readAllLines(
                                Path.of(
                                        "../cli/src/main/resources/io/millrace/cli/changefeed-keys.txt")))
                .containsExactlyElementsOf(ReplicaConfig.SHAPE.paths().keySet());
    }
}
