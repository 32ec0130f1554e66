package io.millrace.codec.simple;

import io.millrace.codec.DefaultValues;
import io.millrace.codec.text.Cells;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a message tells of a table version. Columns are in the table's own order, which takes the
 * place of TiDB's column ids. Only primary and unique keys are known, so other indexes are not
 * told.
 */
record TableDescription(
        String schema,
        String table,
        long tableId,
        long version,
        List<ColumnDescription> columns,
        List<IndexDescription> indexes) {

    private static final Pattern DISPLAY_WIDTH = Pattern.compile("\\((\\d+)");

    /**
     * A column.
     *
     * @param length characters, bytes, bits, digits or the display width, 0 when it is not known
     * @param decimal digits behind the point
     * @param defaultValue the value as text, or the expression
     */
    record ColumnDescription(
            String name,
            ColumnKind kind,
            String mysqlType,
            String charset,
            String collate,
            long length,
            int decimal,
            List<String> elements,
            boolean unsigned,
            boolean zerofill,
            boolean nullable,
            Optional<String> defaultValue) {}

    record IndexDescription(
            String name, boolean unique, boolean primary, boolean nullable, List<String> columns) {}

    static TableDescription of(TableSchema schema) {
        List<ColumnDescription> columns = new ArrayList<>();
        for (Column column : schema.columns()) {
            columns.add(column(column));
        }
        List<IndexDescription> indexes = new ArrayList<>();
        for (TableSchema.Key key : schema.keys()) {
            boolean nullable = false;
            List<String> names = new ArrayList<>();
            for (int ordinal : key.columns()) {
                Column column = schema.column(ordinal);
                nullable |= column.nullable();
                names.add(column.name());
            }
            indexes.add(
                    new IndexDescription(
                            key.primary() ? "primary" : key.name(),
                            true,
                            key.primary(),
                            nullable,
                            names));
        }
        return new TableDescription(
                schema.name().schema(),
                schema.name().table(),
                schema.tableId(),
                schema.version(),
                columns,
                indexes);
    }

    private static ColumnDescription column(Column c) {
        String full = c.typeText().toLowerCase(Locale.ROOT);
        boolean text =
                switch (c.kind()) {
                    case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT, ENUM, SET -> true;
                    default -> false;
                };
        String charset = text && !c.charset().isEmpty() ? c.charset() : "binary";
        return new ColumnDescription(
                c.name(),
                c.kind(),
                mysqlType(c.kind(), full),
                charset,
                c.collation().isEmpty() && charset.equals("binary") ? "binary" : c.collation(),
                length(c, full),
                c.scale(),
                c.elements(),
                Cells.isUnsigned(c),
                full.endsWith(" zerofill"),
                c.nullable(),
                DefaultValues.literal(c).or(c::defaultValue));
    }

    private static String mysqlType(ColumnKind kind, String full) {
        if (kind == ColumnKind.GEOMETRY) {
            int end = 0;
            while (end < full.length() && Character.isLetter(full.charAt(end))) {
                end++;
            }
            return end == 0 ? "geometry" : full.substring(0, end);
        }
        return kind.name().toLowerCase(Locale.ROOT);
    }

    private static long length(Column c, String full) {
        if (c.length() > 0) {
            return c.length();
        }
        return switch (c.kind()) {
            case TINYINT -> displayWidth(full, c.unsigned() ? 3 : 4);
            case SMALLINT -> displayWidth(full, c.unsigned() ? 5 : 6);
            case MEDIUMINT -> displayWidth(full, c.unsigned() ? 8 : 9);
            case INT -> displayWidth(full, c.unsigned() ? 10 : 11);
            case BIGINT -> displayWidth(full, 20);
            case YEAR -> 4;
            case FLOAT -> displayWidth(full, 12);
            case DOUBLE -> displayWidth(full, 22);
            case DATE -> 10;
            case TIME -> 10 + fraction(c);
            case DATETIME, TIMESTAMP -> 19 + fraction(c);
            case ENUM -> c.elements().stream().mapToInt(String::length).max().orElse(0);
            case SET ->
                    c.elements().stream().mapToInt(String::length).sum()
                            + Math.max(0, c.elements().size() - 1);
            case TINYTEXT, TINYBLOB -> (1L << 8) - 1;
            case TEXT, BLOB -> (1L << 16) - 1;
            case MEDIUMTEXT, MEDIUMBLOB -> (1L << 24) - 1;
            case LONGTEXT, LONGBLOB, JSON -> (1L << 32) - 1;
            default -> 0;
        };
    }

    private static int fraction(Column c) {
        return c.scale() == 0 ? 0 : c.scale() + 1;
    }

    private static long displayWidth(String full, int otherwise) {
        Matcher width = DISPLAY_WIDTH.matcher(full);
        return width.find() ? Long.parseLong(width.group(1)) : otherwise;
    }
}
