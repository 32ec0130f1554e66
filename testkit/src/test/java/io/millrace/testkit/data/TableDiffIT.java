package io.millrace.testkit.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.testkit.servers.DbServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TableDiffIT {
    private static final String TYPES =
            "(id BIGINT UNSIGNED, k VARCHAR(20) COLLATE utf8mb4_bin, i INT, f FLOAT,"
                    + " d DOUBLE, n DECIMAL(65,30), b BIT(64), t TIME(6), dt DATETIME(6), ts TIMESTAMP(6) NULL, y YEAR,"
                    + " l VARCHAR(50) CHARACTER SET latin1, x LONGBLOB, e ENUM('a','ü'), s SET('p','q'), j JSON, g GEOMETRY,";
    private static final String ROW_1 =
            "(18446744073709551615, 'ä', -1, 0.1, 1e-300,"
                    + " 12345678901234567890123456789012345.123456789012345678901234567890, b'1111', '-838:59:58.999999',"
                    + " '2026-01-02 03:04:05.123456', '2026-01-02 03:04:05.5', 1999, 'é', X'00FF00', 'ü', 'p,q',"
                    + " '{\"a\": [1, 2, \"x  y\"]}', ST_GeomFromText('POINT(1 2)'))";
    private static final String ROW_2 =
            "(2, 'Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
                    + " NULL, NULL, NULL, NULL)";

    private static DbServer mysql;
    private static DbServer mariadb;

    @BeforeAll
    static void start() {
        mysql = DbServer.mysql().start();
        mariadb = DbServer.mariadb().start();
    }

    @AfterAll
    static void stop() {
        mysql.close();
        mariadb.close();
    }

    @BeforeEach
    void fill() {
        for (DbServer server : List.of(mysql, mariadb)) {
            server.execute(
                    "CREATE DATABASE d",
                    "SET time_zone = '+00:00'",
                    "CREATE TABLE d.keyed " + TYPES + " PRIMARY KEY (k, id))",
                    "CREATE TABLE d.keyless " + TYPES + " KEY (i))",
                    "INSERT INTO d.keyed VALUES " + ROW_1 + ", " + ROW_2,
                    "INSERT INTO d.keyless VALUES " + ROW_1 + ", " + ROW_2 + ", " + ROW_2);
        }
    }

    @AfterEach
    void drop() {
        mysql.execute("DROP DATABASE d");
        mariadb.execute("DROP DATABASE d");
    }

    @Test
    void equalAcrossProductsForEveryType() throws SQLException {
        TableDiff.Report report = compare();
        assertThat(report.differences()).isEmpty();
        assertThat(report.rows()).isEqualTo(5);
        assertThat(report.tables())
                .allSatisfy(table -> {
                    assertThat(table.equal()).isTrue();
                    assertThat(table.leftChecksums()).isEqualTo(table.rightChecksums()).hasSize(17);
                });
        assertThat(report).hasToString("2 tables, 5 rows equal");
    }

    @Test
    void namesTheColumnThatDiffers() throws SQLException {
        for (String change :
                List.of(
                        "i = 5",
                        "f = 0.10000001",
                        "d = 1.0000000000000002e-300",
                        "n = n + 0.000000000000000000000000000001",
                        "b = b'111'",
                        "t = '-838:59:58.999998'",
                        "dt = '2026-01-02 03:04:05.123457'",
                        "y = 2000",
                        "ts = '2026-01-02 03:04:05.6'",
                        "l = 'e'",
                        "x = X'00FF'",
                        "e = 'a'",
                        "s = 'p'",
                        "j = '{\"a\": [1, 2, \"x y\"]}'",
                        "g = ST_GeomFromText('POINT(1 3)')",
                        "i = NULL")) {
            mariadb.execute("UPDATE d.keyed SET " + change + " WHERE k = 'ä'");
            String column = change.substring(0, change.indexOf(' '));
            assertThat(compare().differences())
                    .as(change)
                    .singleElement()
                    .asString()
                    .startsWith(
                            "d.keyed: row (k=C3A4, id=18446744073709551615): " + column + " is ");
            mariadb.execute(
                    "TRUNCATE TABLE d.keyed", "INSERT INTO d.keyed VALUES " + ROW_1 + ", " + ROW_2);
        }
    }

    @Test
    void findsMissingAndExtraRows() throws SQLException {
        mariadb.execute(
                "DELETE FROM d.keyed WHERE k = 'Z'", "INSERT INTO d.keyed (k, id) VALUES ('a', 7)");
        mariadb.execute("DELETE FROM d.keyless WHERE id = 2 LIMIT 1");
        mariadb.execute("CREATE TABLE d.more (a INT)");
        assertThat(compare().differences())
                .hasSize(4)
                .anySatisfy(line -> assertThat(line).isEqualTo("d.more: only on the right"))
                .anySatisfy(line ->
                        assertThat(line)
                                .isEqualTo("d.keyed: missing on the right: row (k=5A, id=2)"))
                .anySatisfy(line ->
                        assertThat(line).isEqualTo("d.keyed: only on the right: row (k=61, id=7)"))
                .anySatisfy(line ->
                        assertThat(line).startsWith("d.keyless: missing on the right: row (id=2,"));
    }

    @Test
    void reportsDifferentColumns() throws SQLException {
        mysql.execute("ALTER TABLE d.keyed ADD COLUMN extra INT");
        assertThat(compare().differences())
                .singleElement()
                .asString()
                .startsWith("d.keyed: columns [id, ")
                .contains("extra");
    }

    private static TableDiff.Report compare() throws SQLException {
        try (Connection left = mysql.connect();
                Connection right = mariadb.connect()) {
            return new TableDiff(left, right).compareSchemas("d");
        }
    }
}
