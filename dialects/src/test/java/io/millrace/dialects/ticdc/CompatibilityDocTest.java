package io.millrace.dialects.ticdc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Every field that is accepted is listed for users. */
final class CompatibilityDocTest {
    @Test
    void everyConfigFieldIsListed() throws IOException {
        String page = Files.readString(Path.of("../docs/compatibility.md"));
        assertThat(ReplicaConfig.SHAPE.paths().keySet())
                .hasSizeGreaterThan(100)
                .allSatisfy(path ->
                        assertThat(page)
                                .as(path)
                                .contains("`" + path.replaceFirst("^sink\\.", "") + "`"));
    }
}
