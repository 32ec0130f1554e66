package io.millrace.mysql.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.bytes.WireBytes;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.mysql.position.BinlogPosition;
import io.millrace.testkit.servers.DbServer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A MariaDB server that died while it wrote a transaction to its binlog. */
class BinlogCutIT {
    private static List<Path> files(DbServer server) {
        return server.binlogs().stream().filter(p -> !p.toString().endsWith(".idx")).toList();
    }

    /** Ends of the row events of the newest file, in order. */
    private static List<Integer> rowEvents(DbServer server) throws IOException {
        byte[] b = Files.readAllBytes(files(server).getLast());
        List<Integer> out = new ArrayList<>();
        for (int at = 4; at + EventTypes.HEADER_LENGTH <= b.length; ) {
            int end = at + WireBytes.i32(b, at + 9);
            if ((b[at + 4] & 0xFF) == EventTypes.WRITE_ROWS_V1) {
                out.add(end);
            }
            at = end;
        }
        return out;
    }

    private static void cut(DbServer server, long length) throws Exception {
        Path last = files(server).getLast();
        try (RandomAccessFile file = new RandomAccessFile(last.toFile(), "rw")) {
            assertThat(file.length()).isGreaterThan(length);
            file.setLength(length);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gtid=auto", "gtid=off"})
    void aTransactionWithoutEndIsRolledBack(String gtid) throws Exception {
        try (DbServer server =
                DbServer.mariadb().option("binlog_row_event_max_size", "256").start()) {
            server.execute(
                    "CREATE DATABASE d",
                    "CREATE TABLE d.t (id INT NOT NULL PRIMARY KEY, v INT NOT NULL,"
                            + " s LONGBLOB NOT NULL)",
                    "FLUSH BINARY LOGS");
            String file = server.query("SHOW MASTER STATUS").orElseThrow();
            CaptureRig.Seen before;
            List<CaptureRig.Seen> whole;
            try (CaptureRig rig = CaptureRig.now(server)) {
                rig.idle();
                server.execute("INSERT INTO d.t VALUES (1, 1, '')");
                before = rig.awaitText(" 1,1,0");
                server.execute(
                        "INSERT INTO d.t VALUES (2, 2, REPEAT('x', 200)),"
                                + " (3, 3, REPEAT('y', 200)), (4, 4, REPEAT('z', 200))");
                rig.awaitText(" 4,4,200");
                whole = rig.changes();
            }
            BinlogPosition start = before.position();
            BinlogPosition inside = whole.get(whole.size() - 3).position();
            assertThat(inside.eventIndex()).isEqualTo(1);
            List<Integer> ends = rowEvents(server);
            assertThat(ends).hasSize(4);
            server.kill9();
            cut(server, ends.get(2));
            server.start();
            server.execute("INSERT INTO d.t VALUES (5, 5, '')");
            // Three of its four row events are there; the first is delivered when the second comes.
            // By GTID the server leaves them out.
            if (gtid.equals("gtid=off")) {
                refused(CaptureRig.from(server, start, gtid), file);
            } else {
                try (CaptureRig rig = CaptureRig.from(server, start, gtid)) {
                    rig.awaitText(" 5,5,0");
                    assertThat(rig.texts()).containsExactly("I d.t 5,5,0");
                }
            }
            refused(CaptureRig.from(server, inside, gtid), file);
            server.kill9();
            List<Path> files = files(server);
            Path older = files.get(files.size() - 2);
            assertThat(older.getFileName()).hasToString(file);
            try (RandomAccessFile first = new RandomAccessFile(older.toFile(), "rw")) {
                first.setLength(ends.get(1));
            }
            server.start();
            server.execute("INSERT INTO d.t VALUES (6, 6, '')");
            try (CaptureRig rig = CaptureRig.from(server, start, gtid)) {
                rig.awaitText(" 6,6,0");
                assertThat(rig.texts()).containsExactly("I d.t 5,5,0", "I d.t 6,6,0");
                BinlogPosition next = rig.changes().getFirst().position();
                try (CaptureRig again = CaptureRig.from(server, next, gtid)) {
                    again.awaitText(" 6,6,0");
                    assertThat(again.texts()).containsExactly("I d.t 6,6,0");
                    assertThat(again.changes().getLast().tso())
                            .isEqualTo(rig.changes().getLast().tso());
                }
            }
        }
    }

    private static void refused(CaptureRig started, String file) {
        try (CaptureRig rig = started) {
            MillraceException e = rig.awaitFailure();
            assertThat(e.code()).as("%s", e).isEqualTo(ErrorCode.UPSTREAM_CORRUPT);
            assertThat(e.text()).contains(file, "rolled it back", "delivered");
            assertThat(rig.texts()).noneMatch(t -> t.contains(" 5,5,0"));
        }
    }
}
