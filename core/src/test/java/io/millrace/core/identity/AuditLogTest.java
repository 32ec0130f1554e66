package io.millrace.core.identity;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("NullAway.Init") // the folder is set before each test
final class AuditLogTest {
    @TempDir Path dir;

    @Test
    void eachEventIsOneLineThatOnlyTheOwnerReads() throws Exception {
        try (AuditLog log = AuditLog.open(dir, "audit.log")) {
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
        try (AuditLog log = AuditLog.open(dir, "audit.log", 60)) {
            for (int i = 0; i < 6; i++) {
                log.add(Map.of("number", "line " + i));
            }
        }
        try (AuditLog log = AuditLog.open(dir, "audit.log", 60)) {
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
        try (AuditLog log = AuditLog.open(dir, "audit.log", 100)) {
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

    @Test
    void aRotationThatFailsLosesNoLaterLine() throws Exception {
        Path inTheWay = Files.createDirectories(dir.resolve("audit.log.4").resolve("x"));
        Files.writeString(dir.resolve("audit.log.3"), "");
        try (AuditLog log = AuditLog.open(dir, "audit.log", 60)) {
            for (int i = 0; i < 4; i++) {
                log.add(Map.of("number", "line " + i));
            }
            Files.delete(inTheWay);
            Files.delete(dir.resolve("audit.log.4"));
            log.add(Map.of("number", "line 4"));
            assertThat(log.newest(0, 1).lines()).containsExactly("{\"number\":\"line 4\"}");
        }
    }

    @Test
    void aLineThatWasCutOffTakesNoOtherWithIt() throws Exception {
        Files.writeString(dir.resolve("audit.log"), "{\"a\":1}\n{\"b\":");
        try (AuditLog log = AuditLog.open(dir, "audit.log")) {
            log.add(Map.of("c", 3));
            assertThat(log.newest(0, 9).lines())
                    .containsExactly("{\"c\":3}", "{\"b\":", "{\"a\":1}");
        }
    }

    @Test
    void strangersDoNotPushOutWhatUsersDid() {
        Instant start = Instant.parse("2026-11-22T00:00:00Z");
        try (AuditTrail trail = AuditTrail.open(dir, 200)) {
            trail.add(start, false, Map.of("who", "user"));
            for (int i = 1; i <= 100; i++) {
                trail.add(start.plusMillis(100L * i + 1), true, Map.of("who", "stranger"));
            }
            trail.add(start.plusMillis(5005), false, Map.of("who", "user again"));
            AuditTrail.Events all = trail.newest(0, 1000);
            assertThat(all.lines()).hasSize((int) all.total()).hasSizeLessThan(100);
            assertThat(all.lines().getLast()).contains("\"user\"");
            assertThat(all.lines().getFirst()).contains("stranger", "00:00:10.001Z");
            assertThat(all.lines()).anyMatch(line -> line.contains("user again"));
            assertThat(all.lines()).isSortedAccordingTo(Comparator.reverseOrder());
            assertThat(trail.newest(1, 2).lines()).isEqualTo(all.lines().subList(1, 3));
        }
    }
}
