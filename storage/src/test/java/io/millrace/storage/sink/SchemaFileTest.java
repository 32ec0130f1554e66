package io.millrace.storage.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Schema files against TiCDC's own checksums and shapes. */
final class SchemaFileTest {
    private static SchemaFile.FileColumn column(String name, String type, String precision) {
        return new SchemaFile.FileColumn(
                OptionalInt.empty(), name, type, Optional.empty(), precision, "", true, false);
    }

    private static Column typed(String name, ColumnKind kind, String type, int length, int scale) {
        return new Column(
                name,
                kind,
                type,
                type.contains("unsigned"),
                false,
                length,
                scale,
                "utf8mb4",
                "",
                List.of(),
                Column.Generated.NONE,
                false,
                Optional.empty());
    }

    @Test
    void checksumsAreTiCdcs() {
        SchemaFile database =
                new SchemaFile("schema1", "", 100, "", 0, Optional.empty(), List.of());
        assertThat(database.path()).isEqualTo("schema1/meta/schema_100_3233644819.json");
        SchemaFile table =
                new SchemaFile(
                        "test",
                        "table1",
                        5,
                        "CREATE …",
                        3,
                        Optional.of(
                                List.of(
                                        column("col1", "INT", "11"),
                                        column("col2", "VARCHAR", "5"))),
                        List.of());
        assertThat(table.checksum()).isEqualTo(4192708364L);
        SchemaFile turned =
                new SchemaFile(
                        "test",
                        "table1",
                        6,
                        "",
                        0,
                        Optional.of(
                                List.of(
                                        column("col2", "VARCHAR", "5"),
                                        column("col1", "INT", "11"))),
                        List.of());
        assertThat(turned.path()).isEqualTo("test/table1/meta/schema_6_4192708364.json");
        assertThat(SchemaFile.versionOf(turned.path(), 4192708364L)).hasValue(6);
        assertThat(SchemaFile.versionOf(turned.path(), 1)).isEmpty();
    }

    @Test
    void contentIsIndentedByFour() {
        SchemaFile file =
                new SchemaFile(
                        "test",
                        "t",
                        437752935075545091L,
                        "create table t (id int primary key) comment '<a&b>'",
                        3,
                        Optional.of(
                                List.of(
                                        new SchemaFile.FileColumn(
                                                OptionalInt.of(1),
                                                "id",
                                                "INT",
                                                Optional.of("0"),
                                                "11",
                                                "",
                                                false,
                                                true))),
                        List.of(new SchemaFile.Member("Part", "1")));
        assertThat(new String(file.content(), UTF_8))
                .isEqualTo(
                        """
                        {
                            "Table": "t",
                            "Schema": "test",
                            "Version": 1,
                            "TableVersion": 437752935075545091,
                            "Query": "create table t (id int primary key) comment '\\u003ca\\u0026b\\u003e'",
                            "Type": 3,
                            "TableColumns": [
                                {
                                    "ColumnId": "1",
                                    "ColumnName": "id",
                                    "ColumnType": "INT",
                                    "ColumnDefault": "0",
                                    "ColumnPrecision": "11",
                                    "ColumnNullable": "false",
                                    "ColumnIsPk": "true"
                                }
                            ],
                            "TableColumnsTotal": 1,
                            "Part": 1
                        }\
                        """);
        assertThat(
                        new String(
                                new SchemaFile("s", "", 1, "q", 1, Optional.empty(), List.of())
                                        .content(),
                                UTF_8))
                .contains("\"Table\": \"\"", "\"TableColumns\": null", "\"TableColumnsTotal\": 0");
    }

    @Test
    void columnTypes() {
        TableSchema schema =
                new TableSchema(
                        1,
                        1,
                        new TableName("s", "t"),
                        List.of(
                                typed("a", ColumnKind.INT, "int unsigned", 0, 0),
                                typed("b", ColumnKind.BIGINT, "bigint", 0, 0),
                                typed("c", ColumnKind.DECIMAL, "decimal(10,2)", 10, 2),
                                typed("d", ColumnKind.VARCHAR, "varchar(32)", 32, 0),
                                typed("e", ColumnKind.DATETIME, "datetime(3)", 0, 3),
                                typed("f", ColumnKind.TIMESTAMP, "timestamp", 0, 0),
                                typed("g", ColumnKind.JSON, "json", 0, 0),
                                typed("h", ColumnKind.TEXT, "text", 0, 0),
                                typed("i", ColumnKind.TINYINT, "tinyint(1)", 0, 0),
                                typed("j", ColumnKind.FLOAT, "float(7,3)", 0, 0),
                                typed("k", ColumnKind.BIT, "bit(5)", 5, 0),
                                typed("l", ColumnKind.YEAR, "year", 0, 0)),
                        List.of(new TableSchema.Key("PRIMARY", true, List.of(1))));
        assertThat(
                        SchemaFile.columnsOf(schema, true).stream()
                                .map(c ->
                                        c.id().orElse(0)
                                                + " "
                                                + c.type()
                                                + " "
                                                + c.precision()
                                                + "/"
                                                + c.scale()
                                                + (c.primaryKey() ? " pk" : "")))
                .containsExactly(
                        "1 INT UNSIGNED 10/",
                        "2 BIGINT 20/ pk",
                        "3 DECIMAL 10/2",
                        "4 VARCHAR 32/",
                        "5 DATETIME /3",
                        "6 TIMESTAMP /",
                        "7 JSON /",
                        "8 TEXT 65535/",
                        "9 TINYINT 1/",
                        "10 FLOAT 7/3",
                        "11 BIT UNSIGNED 5/",
                        "12 YEAR UNSIGNED 4/");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'x' | x",
                "\"x\" | x",
                "_utf8mb4'x' | x",
                "'it\\'s' | it's",
                "'it''s' | it's",
                "TRUE | 1",
                "b'101' | 5",
                "-1.5 | -1.5",
                "CURRENT_TIMESTAMP(3) | CURRENT_TIMESTAMP(3)"
            })
    void defaultsAreValues(String sql, String value) {
        assertThat(SchemaFile.columnsOf(withDefault(sql), false).getFirst().defaultValue())
                .contains(value);
    }

    @Test
    void theDefaultNullIsNoDefault() {
        assertThat(SchemaFile.columnsOf(withDefault("null"), false).getFirst().defaultValue())
                .isEmpty();
    }

    private static TableSchema withDefault(String sql) {
        Column column =
                new Column(
                        "a",
                        ColumnKind.VARCHAR,
                        "varchar(9)",
                        false,
                        true,
                        9,
                        0,
                        "utf8mb4",
                        "",
                        List.of(),
                        Column.Generated.NONE,
                        false,
                        Optional.of(sql));
        return new TableSchema(1, 1, new TableName("s", "t"), List.of(column), List.of());
    }
}
