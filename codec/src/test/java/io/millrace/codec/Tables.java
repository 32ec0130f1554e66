package io.millrace.codec;

import static io.millrace.testkit.rows.TestRowBatch.row;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.testkit.rows.TestRowBatch;
import java.util.List;
import java.util.Optional;

/** Tables and rows that the tests of several wire formats use. */
public final class Tables {
    private static final int ROWS = 256;

    private Tables() {}

    /** {@code test.t1}, with a primary key over these ordinals. */
    public static TableSchema table(List<Column> columns, Integer... primaryKey) {
        return new TableSchema(
                1,
                1,
                new TableName("test", "t1"),
                columns,
                primaryKey.length == 0
                        ? List.of()
                        : List.of(new TableSchema.Key("PRIMARY", true, List.of(primaryKey))));
    }

    /** A nullable column of a type. */
    public static Column typed(String name, ColumnKind kind, String type, boolean unsigned) {
        return column(name, kind, type, unsigned, 0, 0, List.of());
    }

    /** An ENUM or SET. */
    public static Column elements(String name, ColumnKind kind, String... elements) {
        return column(
                name,
                kind,
                kind.name().toLowerCase(java.util.Locale.ROOT)
                        + "('"
                        + String.join("','", elements)
                        + "')",
                false,
                0,
                0,
                List.of(elements));
    }

    /** A nullable column with all that has a meaning. */
    public static Column column(
            String name,
            ColumnKind kind,
            String type,
            boolean unsigned,
            int length,
            int scale,
            List<String> elements) {
        boolean text =
                kind.access() == ColumnKind.Access.TEXT && kind != ColumnKind.JSON
                        || kind == ColumnKind.ENUM
                        || kind == ColumnKind.SET;
        return new Column(
                name,
                kind,
                type,
                unsigned,
                true,
                length,
                scale,
                text ? "utf8mb4" : "binary",
                "",
                elements,
                Column.Generated.NONE,
                false,
                Optional.empty());
    }

    /** A column with a default, as the server shows it. */
    public static Column withDefault(Column c, String sql) {
        return new Column(
                c.name(),
                c.kind(),
                c.typeText(),
                c.unsigned(),
                c.nullable(),
                c.length(),
                c.scale(),
                c.charset(),
                c.collation(),
                c.elements(),
                c.generated(),
                c.invisible(),
                Optional.of(sql));
    }

    /** A table with one column of each way to write values. */
    public static TableSchema wide() {
        return table(
                List.of(
                        Column.of("id", ColumnKind.BIGINT),
                        typed("u", ColumnKind.INT, "int unsigned", true),
                        Column.of("d", ColumnKind.DOUBLE),
                        Column.of("f", ColumnKind.FLOAT),
                        Column.of("amount", ColumnKind.DECIMAL),
                        Column.of("name", ColumnKind.VARCHAR),
                        Column.of("at", ColumnKind.DATETIME),
                        Column.of("raw", ColumnKind.VARBINARY),
                        Column.of("doc", ColumnKind.JSON),
                        elements("e", ColumnKind.ENUM, "a", "b"),
                        elements("s", ColumnKind.SET, "x", "y"),
                        Column.of("text", ColumnKind.TEXT),
                        Column.of("blob", ColumnKind.BLOB)),
                0);
    }

    /** A row of {@link #wide}; numbers that differ make rows that do. */
    public static Object[] wideRow(int i) {
        return row(
                (long) i,
                (1L << 31) + i,
                i * 1.1e6,
                i * 0.3f,
                i + ".25",
                "name \"" + i + "\" <ä>",
                "2024-01-01 00:00:00",
                new byte[] {(byte) i, 0, (byte) 200},
                "{\"k\": " + i + "}",
                1 + (i & 1),
                3,
                "text\n" + i,
                new byte[] {(byte) i, 1});
    }

    /** 256 rows of {@link #wide} inserted, updated and deleted. */
    public static List<RowBatch> wideBatches(TableSchema schema, long tso) {
        Object[][] rows = new Object[ROWS][];
        Object[][] images = new Object[2 * ROWS][];
        for (int i = 0; i < ROWS; i++) {
            rows[i] = wideRow(i);
            images[2 * i] = wideRow(i);
            images[2 * i + 1] = wideRow(i + 1);
        }
        return List.of(
                TestRowBatch.insert(schema, tso, 0, true, rows),
                TestRowBatch.update(schema, tso, 0, true, images),
                TestRowBatch.delete(schema, tso, 0, true, rows));
    }
}
