package io.millrace.mysql.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.wire.BufferPool;
import io.millrace.testkit.servers.DbServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is particular about some events: partial JSON updates, and what table maps tell. */
final class RowEventsIT {
    private static final Map<DbServer.Flavor, DbServer> SERVERS = new LinkedHashMap<>();

    private static DbServer server(DbServer.Flavor flavor) {
        return SERVERS.computeIfAbsent(flavor, f -> DbServer.of(f).start());
    }

    @AfterAll
    static void stop() {
        SERVERS.values().forEach(DbServer::close);
    }

    private static List<BinlogEvents.Rows> events(DbServer server) throws Exception {
        Path file =
                server.binlogs().stream()
                        .filter(path -> !path.toString().endsWith(".idx"))
                        .toList()
                        .getLast();
        return BinlogEvents.read(file, 0, "types", server.flavor() == DbServer.Flavor.MARIADB);
    }

    private static RowBatch decode(BinlogEvents.Rows event, TableSchema schema) {
        BufferPool pool = new BufferPool();
        byte[] buffer = pool.take(event.body().length);
        System.arraycopy(event.body(), 0, buffer, 0, event.body().length);
        return new BinlogRowDecoder(pool, ZoneOffset.UTC)
                .decode(buffer, 0, event.body().length, event.type(), event.map(), schema, 1, 0);
    }

    private static void prepare(Statement sql) throws SQLException {
        sql.execute("SET NAMES utf8mb4");
        sql.execute("CREATE DATABASE IF NOT EXISTS types");
        sql.execute("USE types");
        sql.execute("DROP TABLE IF EXISTS t");
        sql.execute("FLUSH LOGS");
    }

    @Test
    void partialJsonUpdatesGiveTheWholeDocument() throws Exception {
        DbServer server = server(DbServer.Flavor.MYSQL);
        try (Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            prepare(sql);
            sql.execute("SET binlog_row_value_options=PARTIAL_JSON");
            sql.execute("CREATE TABLE t (id INT PRIMARY KEY, a JSON, n INT, b JSON, c JSON)");
            TableSchema schema = TypesIT.schemaOf(sql, "t");
            sql.execute(
                    "INSERT INTO t VALUES (1, JSON_OBJECT('x', 1, 'name', REPEAT('n', 200), 'list', JSON_ARRAY(1, 2, 3, JSON_OBJECT('k', 'v')), 'two words', 1.5,"
                            + " 'd', CAST('2026-01-01 00:00:00' AS DATETIME), 'quote\"d', 7, 'ä', NULL), 5, '[1, [2, 3], \"some longer text to make it worth it\"]', NULL)");
            List<List<String>> expected = new ArrayList<>();
            for (String update :
                    List.of(
                            "a = JSON_SET(a, '$.x', 2)",
                            "a = JSON_REPLACE(a, '$.list[1]', 'two')",
                            "a = JSON_REMOVE(a, '$.name')",
                            "a = JSON_SET(a, '$.list[3].k', CAST(12.30 AS DECIMAL(5,2)), '$.x', 'y')",
                            "a = JSON_SET(a, '$.\"two words\"', JSON_OBJECT('in', TRUE))",
                            "a = JSON_REMOVE(a, '$.list[0]')",
                            "a = JSON_SET(a, '$.neu', JSON_ARRAY(1, 'x'))",
                            "a = JSON_SET(a, '$.\"quote\\\\\"d\"', 8, '$.\"ä\"', 'ö')",
                            "b = JSON_SET(b, '$[1][0]', 70000), n = n + 1",
                            "b = JSON_REMOVE(b, '$[0]'), a = JSON_SET(a, '$.x', 3)",
                            "b = JSON_SET(b, '$[0]', 'again', '$[7]', 'end')",
                            "b = JSON_ARRAY_INSERT(b, '$[1]', 'middle')",
                            "c = '{\"new\": 1}'",
                            "c = JSON_SET(c, '$.new', 2), b = NULL",
                            "a = JSON_SET(a, '$.d', CAST('12:00:00' AS TIME))",
                            "a = a, n = n + 1")) {
                sql.execute("UPDATE t SET " + update);
                try (ResultSet row =
                        sql.executeQuery(
                                "SELECT CAST(a AS CHAR), n, CAST(b AS CHAR), CAST(c AS CHAR) FROM t")) {
                    row.next();
                    List<String> texts = new ArrayList<>();
                    for (int i = 1; i <= 4; i++) {
                        texts.add(row.getString(i) == null ? "NULL" : row.getString(i));
                    }
                    expected.add(texts);
                }
            }
            List<List<String>> read = new ArrayList<>();
            int partial = 0;
            for (BinlogEvents.Rows event : events(server)) {
                RowBatch batch = decode(event, schema);
                for (RowView row = batch.rows(); row.next(); ) {
                    if (batch.op() == RowBatch.UPDATE) {
                        partial += event.type() == 39 ? 1 : 0;
                        List<String> texts = new ArrayList<>();
                        for (int i = 1; i <= 4; i++) {
                            texts.add(CellText.of(row, RowView.AFTER, i, schema.column(i)));
                        }
                        read.add(texts);
                    }
                }
            }
            assertThat(read).isEqualTo(expected);
            assertThat(partial).isGreaterThan(5);
        }
    }

    @Test
    void differencesWithoutTheValueBeforeAreRefusedByName() throws Exception {
        DbServer server = server(DbServer.Flavor.MYSQL);
        try (Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            prepare(sql);
            sql.execute("SET binlog_row_value_options=PARTIAL_JSON");
            sql.execute("SET binlog_row_image=MINIMAL");
            sql.execute("CREATE TABLE t (id INT PRIMARY KEY, doc JSON)");
            TableSchema schema = TypesIT.schemaOf(sql, "t");
            sql.execute("INSERT INTO t VALUES (1, JSON_OBJECT('x', 1, 'name', REPEAT('n', 200)))");
            sql.execute("UPDATE t SET doc = JSON_SET(doc, '$.x', 2)");
            BinlogEvents.Rows update = events(server).getLast();
            assertThat(update.type()).isEqualTo(39);
            assertThatThrownBy(() -> decode(update, schema))
                    .isInstanceOfSatisfying(
                            MillraceException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED_EVENT))
                    .hasMessageContaining("doc")
                    .hasMessageContaining("binlog_row_image=FULL");
        }
    }

    @ParameterizedTest
    @EnumSource
    void tableMapsTellKeysElementsCharsetsAndVisibility(DbServer.Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        try (Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            prepare(sql);
            sql.execute(
                    "CREATE TABLE t (a VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin, b TEXT, c INT UNSIGNED, d CHAR(3) CHARACTER SET gbk,"
                            + " e ENUM('x','it''s','ö') CHARACTER SET latin1, s SET('中','文') CHARACTER SET gbk, `spalte ä` INT INVISIBLE,"
                            + " p POINT, f TEXT CHARACTER SET utf8mb3, g BIGINT UNSIGNED, PRIMARY KEY (c, b(10)))");
            sql.execute("INSERT INTO t (a, b, c, s) VALUES ('x', 'y', 1, '中')");
            TableMapMetadata full = TableMapMetadata.parse(events(server).getLast().map());
            assertThat(full.names())
                    .containsExactly("a", "b", "c", "d", "e", "s", "spalte ä", "p", "f", "g");
            assertThat(full.primaryKey())
                    .containsExactly(
                            new TableMapMetadata.KeyPart(2, 0),
                            new TableMapMetadata.KeyPart(1, 10));
            assertThat(full.key()).isEmpty();
            assertThat(full.elements(4)).containsExactly("x", "it's", "ö");
            assertThat(full.elements(5)).containsExactly("中", "文");
            assertThat(full.columns().stream().map(Column::charset))
                    .containsExactly(
                            "latin1", "utf8mb4", "binary", "gbk", "latin1", "gbk", "binary",
                            "binary", "utf8mb3", "binary");
            assertThat(full.columns().stream().map(Column::typeText))
                    .containsExactly(
                            "varchar(20)",
                            "text",
                            "int unsigned",
                            "char(3)",
                            "enum('x','it''s','ö')",
                            "set('中','文')",
                            "int",
                            "point",
                            "text",
                            "bigint unsigned");
            assertThat(full.columns().stream().map(Column::nullable))
                    .containsExactly(true, false, false, true, true, true, true, true, true, true);
            // MariaDB does not tell.
            assertThat(full.isInvisible(6)).isEqualTo(flavor == DbServer.Flavor.MYSQL);
            sql.execute("DROP TABLE t");
            sql.execute("CREATE TABLE t (a INT, b INT, c VARCHAR(3), PRIMARY KEY (c, a))");
            sql.execute("INSERT INTO t VALUES (1, 2, 'x')");
            assertThat(TableMapMetadata.parse(events(server).getLast().map()).key())
                    .contains(new TableSchema.Key("PRIMARY", true, List.of(2, 0)));
        }
    }

    @ParameterizedTest
    @EnumSource
    void generatedColumnsAndManyRowsInOneEvent(DbServer.Flavor flavor) throws Exception {
        DbServer server = server(flavor);
        try (Connection connection = server.connect();
                Statement sql = connection.createStatement()) {
            prepare(sql);
            sql.execute(
                    "CREATE TABLE t (a INT, v INT AS (a * 2) VIRTUAL, s INT AS (a * 3) STORED, x VARCHAR(30))");
            TableSchema schema = TypesIT.schemaOf(sql, "t");
            StringBuilder insert = new StringBuilder("INSERT INTO t (a, x) VALUES (0, 'x')");
            for (int i = 1; i < 3000; i++) {
                insert.append(",(").append(i).append(",'row ").append(i).append("')");
            }
            sql.execute(insert.toString());
            int next = 0;
            for (BinlogEvents.Rows event : events(server)) {
                RowBatch batch = decode(event, schema);
                for (RowView row = batch.rows(); row.next(); next++) {
                    assertThat(row.longValue(RowView.AFTER, 0)).isEqualTo(next);
                    assertThat(row.longValue(RowView.AFTER, 2)).isEqualTo(next * 3L);
                    if (row.isPresent(RowView.AFTER, 1)) {
                        assertThat(row.longValue(RowView.AFTER, 1)).isEqualTo(next * 2L);
                    }
                }
            }
            assertThat(next).isEqualTo(3000);
        }
    }
}
