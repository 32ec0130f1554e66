package io.millrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the launcher reads of a configuration before it starts the server. */
class LauncherTest {
    /** It offers plug-ins to who is about to run Kafka Connect with the folder that they go to. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 | addr = 'a:1'",
                "0 | connect = { enabled = true }",
                "1 | connect = {enabled=false}",
                "1 | connect = { addr = 'a:1', enabled = false }",
                "1 | connect = { plugin-path = '/p' }",
                "0 | # connect = { enabled = false }",
                "1 | connect.enabled = false",
                "1 | connect.plugin-path = '/p'",
                "0 | [ticdc]~connect.enabled = false",
                "1 | [connect]~enabled = false",
                "1 | [ connect ]~enabled=false",
                "1 | [connect]~addr = 'a:1'~plugin-path = '/p'",
                "0 | [other]~enabled = false~[connect]~addr = 'a:1'"
            },
            quoteCharacter = '^')
    void offersPluginsUnlessTheFileLeavesConnectOut(int exit, String text, @TempDir Path folder)
            throws Exception {
        Path file = Files.writeString(folder.resolve("c.toml"), text.replace('~', '\n') + "\n");
        String launcher = Files.readString(Path.of("../millrace"));
        int start = launcher.indexOf("wants_connect() {");
        String function = launcher.substring(start, launcher.indexOf("\n}\n", start) + 3);
        Process shell =
                new ProcessBuilder(
                                "sh",
                                "-c",
                                function + "wants_connect --config \"$1\"",
                                "sh",
                                file + "")
                        .inheritIO()
                        .start();
        assertThat(shell.waitFor()).as(text).isEqualTo(exit);
    }
}
