package io.millrace.mysql.schema;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.testkit.servers.DbServer;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A capture that starts in the past knows definitions of a later place only: no row may be read by
 * one that did not hold yet.
 */
class DefinitionsAheadIT {
    private static final String SWAP = "ALTER TABLE late.t CHANGE a x INT, CHANGE b a INT";

    private static DbServer start(DbServer.Flavor flavor, String metadata, boolean compressed) {
        DbServer.Builder builder = DbServer.of(flavor).rowMetadata(metadata);
        return (compressed ? builder.compressedBinlog() : builder).start();
    }

    private static void expect(DbServer server, long startTso, String... rows)
            throws InterruptedException {
        try (DdlLagIT.Reader reader = new DdlLagIT.Reader(server, startTso, false, 1)) {
            assertThat(reader.await(rows.length))
                    .as("%s", reader.failure.get())
                    .isEqualTo(List.of(rows));
        }
    }

    private static void refuses(
            DbServer server, long startTso, ErrorCode code, List<String> words, String... rows)
            throws InterruptedException {
        try (DdlLagIT.Reader reader = new DdlLagIT.Reader(server, startTso, false, 1)) {
            assertThat(reader.await(rows.length + 1))
                    .as("%s", reader.failure.get())
                    .isEqualTo(List.of(rows));
            assertThat(reader.failure.get())
                    .isInstanceOfSatisfying(
                            MillraceException.class, e -> assertThat(e.code()).isEqualTo(code))
                    .hasMessageContainingAll(words.toArray(String[]::new));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "MYSQL,MINIMAL,false",
        "MYSQL,MINIMAL,true",
        "MYSQL,FULL,false",
        "MARIADB,NO_LOG,false",
        "MARIADB,MINIMAL,true",
        "MARIADB,FULL,false"
    })
    void readsNoRowByLaterColumns(DbServer.Flavor flavor, String metadata, boolean compressed)
            throws Exception {
        boolean full = metadata.equals("FULL");
        try (DbServer server = start(flavor, metadata, compressed)) {
            long beforeAll = StartTimes.newFile(server);
            server.execute(
                    "CREATE DATABASE late",
                    "CREATE TABLE late.t (id INT PRIMARY KEY, a INT, b INT)",
                    "CREATE TABLE late.o (a INT)");
            long beforeRows = StartTimes.newFile(server);
            server.execute(
                    "INSERT INTO late.o VALUES (1)",
                    "INSERT INTO late.t VALUES (1, 10, 20)",
                    "FLUSH BINARY LOGS",
                    "INSERT INTO late.t VALUES (2, 11, 21)",
                    SWAP + " /* " + "a comment that makes it long enough ".repeat(20) + "*/");
            long behind = StartTimes.now(server);
            server.execute(
                    "INSERT INTO late.t (id, x, a) VALUES (3, 12, 22)",
                    "ALTER TABLE late.o ADD INDEX (a)",
                    "INSERT INTO late.o VALUES (2)");
            String[] all = {
                "late.o a=1",
                "late.t id=1 a=10 b=20",
                "late.t id=2 a=11 b=21",
                "late.t id=3 x=12 a=22",
                "late.o a=2"
            };
            expect(server, beforeAll, all);
            if (full) {
                expect(server, beforeRows, all);
            } else {
                refuses(
                        server,
                        beforeRows,
                        ErrorCode.SCHEMA_MISMATCH,
                        List.of("late.t", SWAP),
                        all[0]);
            }
            expect(server, behind, all[3], all[4]);
        }
    }

    @ParameterizedTest
    @CsvSource({"MYSQL,MINIMAL", "MARIADB,NO_LOG"})
    void seesTablesThatTookTheirNameLater(DbServer.Flavor flavor, String metadata)
            throws Exception {
        try (DbServer server = start(flavor, metadata, false)) {
            server.execute(
                    "CREATE DATABASE late",
                    "CREATE DATABASE other",
                    "CREATE TABLE late.moved (a INT, b INT)",
                    "CREATE TABLE other.moved (b INT, a INT)",
                    "CREATE TABLE late.was (b INT, a INT)");
            long rename = StartTimes.newFile(server);
            server.execute(
                    "INSERT INTO late.moved VALUES (1, 2)",
                    "RENAME TABLE late.moved TO other.gone, other.moved TO late.moved",
                    "INSERT INTO late.moved VALUES (3, 4)");
            refuses(
                    server,
                    rename,
                    ErrorCode.SCHEMA_MISMATCH,
                    List.of("late.moved", "RENAME TABLE"));
            long exists = StartTimes.newFile(server);
            server.execute(
                    "CREATE TABLE IF NOT EXISTS late.was (a INT, b INT)",
                    "INSERT INTO late.was VALUES (5, 6)",
                    "DROP TABLE late.was");
            // MariaDB does not log the statement when the table is there.
            refuses(
                    server,
                    exists,
                    flavor == DbServer.Flavor.MYSQL
                            ? ErrorCode.DDL_UNPARSABLE
                            : ErrorCode.SCHEMA_MISMATCH,
                    List.of("late.was"));
            server.execute("CREATE TABLE late.gone (b INT, a INT)");
            long drop = StartTimes.newFile(server);
            server.execute(
                    "INSERT INTO late.gone VALUES (7, 8)",
                    "DROP DATABASE late",
                    "CREATE DATABASE late",
                    "CREATE TABLE late.gone (a INT, b INT)");
            refuses(server, drop, ErrorCode.SCHEMA_MISMATCH, List.of("late.gone", "DROP DATABASE"));
        }
    }

    @ParameterizedTest
    @CsvSource({"MYSQL,MINIMAL", "MARIADB,NO_LOG"})
    void knowsTheDefaultCharsetOfTheTime(DbServer.Flavor flavor, String metadata) throws Exception {
        try (DbServer server = start(flavor, metadata, false)) {
            server.execute("CREATE DATABASE late CHARACTER SET latin1");
            long start = StartTimes.newFile(server);
            server.execute(
                    "CREATE TABLE late.n (a INT) CHARACTER SET utf8mb4",
                    "INSERT INTO late.n VALUES (1)",
                    "CREATE TABLE late.t (a TEXT)",
                    "INSERT INTO late.t VALUES (CONVERT(x'C3A9' USING utf8mb4))");
            expect(server, start, "late.n a=1", "late.t a=é");
            server.execute("ALTER DATABASE late CHARACTER SET utf8mb4");
            refuses(
                    server,
                    start,
                    ErrorCode.DDL_UNPARSABLE,
                    List.of("late.t", "default character set"),
                    "late.n a=1");
        }
    }
}
