package io.millrace.core.identity;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("NullAway.Init") // the folder is set before each test
final class AuditLogTest {
    @TempDir Path dir;

    @Test
    void eachEventIsOneLineThatOnlyTheOwnerReads() throws Exception {
        try (AuditLog log = AuditLog.open(dir)) {
            log.add(
                    new TreeMap<>(
                            Map.of(
                                    "a",
                                    "x\"\\\n\u0007\u202e{\u00e4",
                                    "b",
                                    7,
                                    "c",
                                    Map.of("k", "v"))));
        }
        Path file = dir.resolve("audit.log");
        assertThat(Files.readString(file))
                .isEqualTo(
                        "{\"a\":\"x\\\"\\\\\\u000a\\u0007\\u202e{\\u00e4\",\"b\":7,\"c\":{\"k\":\"v\"}}\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
    }

    @Test
    void pagesBeginWithTheNewestAndReachOverFilesAndRestarts() {
        try (AuditLog log = AuditLog.open(dir, 60)) {
            for (int i = 0; i < 6; i++) {
                log.add(Map.of("number", "line " + i));
            }
        }
        try (AuditLog log = AuditLog.open(dir, 60)) {
            log.add(Map.of("number", "line 6"));
            assertThat(log.newest(0, 3).lines())
                    .containsExactly(
                            "{\"number\":\"line 6\"}",
                            "{\"number\":\"line 5\"}",
                            "{\"number\":\"line 4\"}");
            assertThat(log.newest(5, 10).lines())
                    .containsExactly("{\"number\":\"line 1\"}", "{\"number\":\"line 0\"}");
            assertThat(log.newest(5, 10).total()).isEqualTo(7);
            assertThat(log.newest(99, 10).lines()).isEmpty();
        }
    }

    @Test
    void theOldestFileGoes() throws Exception {
        try (AuditLog log = AuditLog.open(dir, 100)) {
            for (int i = 0; i < 200; i++) {
                log.add(Map.of("number", i));
            }
            assertThat(log.newest(0, 1).lines()).containsExactly("{\"number\":199}");
            assertThat(log.newest(0, 1).total()).isLessThan(40);
        }
        try (var files = Files.list(dir)) {
            assertThat(files)
                    .hasSize(AuditLog.FILES)
                    .allSatisfy(file -> assertThat(Files.size(file)).isLessThanOrEqualTo(100));
        }
    }
}
