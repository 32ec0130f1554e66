package io.millrace.mysql.schema;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.testkit.servers.DbServer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a capture does where neither the binlog nor the history tells a definition for sure. */
class UnknownDefinitionsIT {
    /** A place whose binlog file holds nothing older, so that older DDL is not seen. */
    private static long between(DbServer server) throws InterruptedException {
        server.execute("FLUSH BINARY LOGS");
        Thread.sleep(1100);
        long tso = System.currentTimeMillis() << 18;
        Thread.sleep(1100);
        return tso;
    }

    private static void expect(
            DbServer server, long startTso, List<String> rows, ErrorCode code, String... words)
            throws InterruptedException {
        try (DdlLagIT.Reader reader = new DdlLagIT.Reader(server, startTso, false, 1)) {
            List<String> seen = reader.await(rows.size() + 1);
            assertThat(seen).as("%s", reader.failure.get()).isEqualTo(rows);
            assertThat(reader.failure.get())
                    .isInstanceOfSatisfying(
                            MillraceException.class, e -> assertThat(e.code()).isEqualTo(code));
            assertThat(reader.failure.get()).hasMessageContainingAll(words);
        }
    }

    private static void expect(DbServer server, long startTso, List<String> rows)
            throws InterruptedException {
        try (DdlLagIT.Reader reader = new DdlLagIT.Reader(server, startTso, false, 1)) {
            List<String> seen = reader.await(rows.size());
            assertThat(seen).as("%s", reader.failure.get()).isEqualTo(rows);
        }
    }

    private static String hex(String text, int length) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < length; i++) {
            out.append(String.format("%02X", i < text.length() ? (int) text.charAt(i) : 0));
        }
        return out.toString();
    }

    @Test
    void asksTheServerForKindsThatTheEventLeavesOpen() throws Exception {
        try (DbServer server = DbServer.mariadb().start()) {
            server.execute(
                    "CREATE DATABASE other",
                    "CREATE DATABASE late",
                    "CREATE TABLE other.t (u UUID, i4 INET4, i6 INET6, b BINARY(16), c BINARY(4),"
                            + " k TEXT, g INT AS (1), UNIQUE (k))");
            long start = between(server);
            server.execute(
                    "RENAME TABLE other.t TO late.t",
                    "INSERT INTO late.t (u, i4, i6, b, c, k) VALUES"
                            + " ('123e4567-e89b-12d3-a456-426655440000', '10.0.0.1',"
                            + " '2001:db8::1', 'sixteen', 'four', 'x')");
            String row =
                    "late.t u=123e4567-e89b-12d3-a456-426655440000 i4=10.0.0.1 i6=2001:db8::1 b="
                            + hex("sixteen", 16)
                            + " c="
                            + hex("four", 4)
                            + " k=x";
            expect(server, start, List.of(row));
            // Rows before a change are still read right; their kinds are in the tracked columns.
            server.execute(
                    "ALTER TABLE late.t ADD z INT FIRST",
                    "DELETE FROM late.t",
                    "INSERT INTO late.t (z, u) VALUES (1, NULL)");
            expect(
                    server,
                    start,
                    List.of(row, "late.t z=1 u=NULL i4=NULL i6=NULL b=NULL c=NULL k=NULL"));
            server.execute("DROP TABLE late.t");
            expect(
                    server,
                    start,
                    List.of(),
                    ErrorCode.SCHEMA_MISMATCH,
                    "late.t.u",
                    "binary(16)",
                    "UUID");
        }
    }

    @Test
    void refusesAKindThatChangesAhead() throws Exception {
        try (DbServer server = DbServer.mariadb().start()) {
            server.execute(
                    "CREATE DATABASE late",
                    "CREATE TABLE late.t (a INT, b BINARY(16))",
                    "CREATE TABLE late.o (a INT)");
            long start = between(server);
            server.execute(
                    "INSERT INTO late.o VALUES (1)",
                    "ALTER TABLE late.t MODIFY b UUID",
                    "INSERT INTO late.t VALUES (1, '123e4567-e89b-12d3-a456-426655440000')");
            List<String> rows =
                    List.of("late.o a=1", "late.t a=1 b=123e4567-e89b-12d3-a456-426655440000");
            expect(server, start, rows);
            server.execute("CREATE TABLE late.early (a INT, b BINARY(16))");
            long later = between(server);
            server.execute(
                    "INSERT INTO late.early VALUES (1, 'x')",
                    "ALTER TABLE late.early MODIFY b UUID");
            try (DdlLagIT.Reader reader = new DdlLagIT.Reader(server, later, false, 1)) {
                assertThat(reader.await(1)).isEmpty();
                assertThat(reader.failure.get())
                        .hasMessageContaining("late.early")
                        .hasMessageContaining("ALTER TABLE late.early MODIFY b UUID");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(DbServer.Flavor.class)
    void parksOnlyTheTableWhoseDdlIsNotUnderstood(DbServer.Flavor flavor) throws Exception {
        String odd = "CREATE TABLE late.odd (a ENUM(x'C3A9', 'b') CHARACTER SET utf8mb4)";
        try (DbServer server = DbServer.of(flavor).rowMetadata("MINIMAL").start()) {
            long start = between(server);
            server.execute(
                    "CREATE DATABASE late",
                    "CREATE TABLE late.t (a INT)",
                    odd,
                    "INSERT INTO late.t VALUES (1)",
                    "ALTER TABLE late.t ADD b INT",
                    "INSERT INTO late.t VALUES (2, 3)");
            expect(server, start, List.of("late.t a=1", "late.t a=2 b=3"));
            server.execute("INSERT INTO late.odd VALUES ('b')");
            expect(
                    server,
                    start,
                    List.of("late.t a=1", "late.t a=2 b=3"),
                    ErrorCode.DDL_UNPARSABLE,
                    "late.odd",
                    odd);
        }
        try (DbServer server = DbServer.of(flavor).rowMetadata("FULL").start()) {
            long start = between(server);
            server.execute("CREATE DATABASE late", odd, "INSERT INTO late.odd VALUES ('b')");
            expect(server, start, List.of("late.odd a=2"));
        }
    }

    @ParameterizedTest
    @EnumSource(DbServer.Flavor.class)
    void neverGuessesWhetherCreateIfNotExistsMadeTheTable(DbServer.Flavor flavor) throws Exception {
        try (DbServer server = DbServer.of(flavor).rowMetadata("MINIMAL").start()) {
            server.execute(
                    "CREATE DATABASE late",
                    "CREATE TABLE late.was (b INT, a INT)",
                    "CREATE TABLE late.same (a INT)");
            long start = between(server);
            server.execute(
                    "CREATE TABLE IF NOT EXISTS late.was (a INT)",
                    "CREATE TABLE IF NOT EXISTS late.same (a INT)",
                    "CREATE TABLE IF NOT EXISTS late.made (a INT)",
                    "INSERT INTO late.was VALUES (1, 2)",
                    "INSERT INTO late.same VALUES (3)",
                    "INSERT INTO late.made VALUES (4)",
                    "ALTER TABLE late.made ADD b INT FIRST",
                    "INSERT INTO late.made VALUES (5, 6)",
                    "CREATE TABLE IF NOT EXISTS late.swap (a INT, b INT)");
            List<String> rows =
                    List.of(
                            "late.was b=1 a=2",
                            "late.same a=3",
                            "late.made a=4",
                            "late.made b=5 a=6");
            expect(server, start, rows);
            server.execute(
                    "INSERT INTO late.swap VALUES (7, 8)",
                    "ALTER TABLE late.swap MODIFY b INT FIRST");
            expect(
                    server,
                    start,
                    rows,
                    ErrorCode.SCHEMA_MISMATCH,
                    "late.swap",
                    "MODIFY b INT FIRST");
        }
    }
}
