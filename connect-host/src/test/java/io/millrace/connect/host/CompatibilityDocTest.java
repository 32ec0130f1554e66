package io.millrace.connect.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * The compatibility page has a row for every operation, parameter and field of the API document
 * that Debezium's users know, and each row names a check that exists.
 */
class CompatibilityDocTest {
    private static final Path EXAMPLE = Path.of("../docs/examples/connect.sh");
    private static final Path IT =
            Path.of("src/test/java/io/millrace/connect/host/ConnectHostIT.java");

    /** First cell to the other cells. */
    private static Map<String, List<String>> rows() throws IOException {
        String page = Files.readString(Path.of("../docs/compatibility.md"));
        int start = page.indexOf("## Kafka Connect (Debezium) API");
        int end = page.indexOf("\n## ", start + 1);
        Map<String, List<String>> rows = new TreeMap<>();
        page.substring(start, end < 0 ? page.length() : end)
                .lines()
                .filter(line -> line.startsWith("| `"))
                .forEach(line -> {
                    List<String> cells =
                            Arrays.stream(line.substring(2).split(" \\|", -1))
                                    .map(String::strip)
                                    .toList();
                    rows.put(cells.getFirst().replace("`", ""), cells.subList(1, cells.size()));
                });
        return rows;
    }

    private static List<String> documented() throws IOException {
        try (var in =
                Objects.requireNonNull(
                        CompatibilityDocTest.class.getResourceAsStream("api-document.txt"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }

    @Test
    void everyOperationAndFieldHasARowThatNamesItsCheck() throws IOException {
        Map<String, List<String>> rows = rows();
        String example = Files.readString(EXAMPLE);
        String it = Files.readString(IT);
        assertThat(documented())
                .hasSize(67)
                .allSatisfy(what -> {
                    assertThat(rows).as(what).containsKey(what);
                    List<String> cells = Objects.requireNonNull(rows.get(what));
                    assertThat(cells.getFirst()).as(what).startsWith("works");
                    assertThat(cells.get(1).split(", ", -1))
                            .as(what)
                            .allSatisfy(check -> {
                                String name = check.replace("`", "");
                                assertThat(
                                                example.contains("\n" + name + "() {")
                                                        || it.contains(" " + name + "("))
                                        .as("%s is checked by %s", what, name)
                                        .isTrue();
                            });
                });
    }
}
