package io.millrace.codec.debezium;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The members of a DDL's payload behind its time. What a table version does not tell is null: the
 * table's character set, comments; whether a column counts up is false.
 */
final class SchemaChanges {
    private static final int VARIABLE = 12;
    private static final int BINARY = -2;
    private static final int VARBINARY = -3;
    private static final int BLOB = 2004;
    private static final int JSON = 1111;
    private static final int TIMESTAMP_WITH_ZONE = 2014;

    private static final Pattern SIZES = Pattern.compile("\\((\\d+)(?:,(\\d+))?\\)");
    private static final Pattern BIT_TEXT = Pattern.compile("(?i)b'([01]*)'");
    private static final Pattern NOW =
            Pattern.compile("(?i)(current_timestamp|now|localtime|localtimestamp)\\b.*");

    private SchemaChanges() {}

    /** From the comma behind the time on. */
    static String members(SchemaChange.Change part, TableName name) {
        return ",\"databaseName\":"
                + Schemas.quoted(name.schema())
                + ",\"schemaName\":null,\"ddl\":"
                + Schemas.quoted(part.query())
                + ",\"tableChanges\":["
                + change(part, name)
                + "]";
    }

    private static String change(SchemaChange.Change part, TableName name) {
        String type =
                switch (part.kind()) {
                    case CREATE_SCHEMA, DROP_SCHEMA, SCHEMA_CHARSET, TRUNCATE_TABLE -> "";
                    case CREATE_TABLE, CREATE_VIEW -> "CREATE";
                    case DROP_TABLE, DROP_VIEW -> "DROP";
                    default -> "ALTER";
                };
        if (type.isEmpty() || name.table().isEmpty()) {
            return "";
        }
        String id = Schemas.id(name);
        if (part.newName().isPresent()) {
            id = Schemas.id(part.name()) + "," + id;
        }
        Optional<TableSchema> after = type.equals("DROP") ? Optional.empty() : part.after();
        return "{\"type\":\""
                + type
                + "\",\"id\":"
                + Schemas.quoted(id)
                + ",\"table\":"
                + after.map(SchemaChanges::table).orElse("null")
                + "}";
    }

    private static String table(TableSchema schema) {
        StringBuilder out = new StringBuilder("{\"defaultCharsetName\":null");
        out.append(",\"primaryKeyColumnNames\":");
        out.append(
                texts(
                        schema.keys().stream()
                                .filter(TableSchema.Key::primary)
                                .flatMap(key -> key.columns().stream())
                                .map(ordinal -> schema.column(ordinal).name())
                                .toList()));
        out.append(",\"columns\":[");
        for (int i = 0; i < schema.columns().size(); i++) {
            if (i > 0) {
                out.append(',');
            }
            append(schema.column(i), i + 1, out);
        }
        return out.append("],\"comment\":null}").toString();
    }

    private static void append(Column column, int position, StringBuilder out) {
        ColumnKind kind = column.kind();
        out.append("{\"name\":").append(Schemas.quoted(column.name()));
        out.append(",\"jdbcType\":").append(jdbcType(kind));
        out.append(",\"nativeType\":null,\"comment\":null,\"defaultValueExpression\":");
        out.append(column.defaultValue().map(SchemaChanges::defaultValue).orElse("null"));
        out.append(",\"enumValues\":");
        out.append(
                column.elements().isEmpty()
                        ? "null"
                        : texts(
                                column.elements().stream()
                                        .map(element -> "'" + element + "'")
                                        .toList()));
        String type = typeName(column);
        out.append(",\"typeName\":").append(Schemas.quoted(type));
        out.append(",\"typeExpression\":").append(Schemas.quoted(type));
        boolean text =
                kind == ColumnKind.ENUM
                        || kind == ColumnKind.SET
                        || kind.access() == ColumnKind.Access.TEXT && kind != ColumnKind.JSON;
        out.append(",\"charsetName\":");
        out.append(text && !isBinary(column) ? Schemas.quoted(column.charset()) : "null");
        out.append(",\"length\":").append(length(column));
        out.append(",\"scale\":").append(scale(column));
        out.append(",\"position\":").append(position);
        out.append(",\"optional\":").append(column.nullable());
        out.append(",\"autoIncremented\":false,\"generated\":")
                .append(column.generated() != Column.Generated.NONE)
                .append('}');
    }

    private static boolean isBinary(Column column) {
        return column.charset().equals("binary") || column.charset().isEmpty();
    }

    private static String texts(List<String> texts) {
        return texts.stream().map(Schemas::quoted).collect(Collectors.joining(",", "[", "]"));
    }

    private static int jdbcType(ColumnKind kind) {
        return switch (kind) {
            case TINYINT, SMALLINT -> java.sql.Types.SMALLINT;
            case MEDIUMINT, INT, YEAR -> java.sql.Types.INTEGER;
            case BIGINT -> java.sql.Types.BIGINT;
            case FLOAT -> java.sql.Types.FLOAT;
            case DOUBLE -> java.sql.Types.DOUBLE;
            case DECIMAL -> java.sql.Types.DECIMAL;
            case TIMESTAMP -> TIMESTAMP_WITH_ZONE;
            case DATETIME -> java.sql.Types.TIMESTAMP;
            case DATE -> java.sql.Types.DATE;
            case TIME -> java.sql.Types.TIME;
            case ENUM, SET, CHAR, UUID -> java.sql.Types.CHAR;
            case TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT, VARCHAR, VECTOR, INET4, INET6 -> VARIABLE;
            case TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> BLOB;
            case VARBINARY -> VARBINARY;
            case BINARY -> BINARY;
            case BIT -> java.sql.Types.BIT;
            case JSON -> JSON;
        };
    }

    /** Upper case, with UNSIGNED and ZEROFILL where TiCDC has them. */
    private static String typeName(Column column) {
        ColumnKind kind = column.kind();
        String full = column.typeText().toUpperCase(Locale.ROOT);
        String name = kind.name();
        return switch (kind) {
            case GEOMETRY -> full.isEmpty() ? name : full;
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT, FLOAT, DOUBLE -> {
                Matcher sizes = SIZES.matcher(full);
                String suffix = kind == ColumnKind.DOUBLE && sizes.find() ? sizes.group() : "";
                yield name
                        + suffix
                        + (column.unsigned() ? " UNSIGNED" : "")
                        + (full.endsWith(" ZEROFILL") ? " ZEROFILL" : "");
            }
            default -> name;
        };
    }

    private static String length(Column column) {
        int unsigned = column.unsigned() ? 1 : 0;
        return switch (column.kind()) {
            case TIMESTAMP, DATETIME, TIME -> String.valueOf(column.scale());
            case YEAR -> "4";
            case ENUM -> "1";
            case SET -> String.valueOf(2 * column.elements().size() - 1);
            case DECIMAL, VARCHAR, VARBINARY -> String.valueOf(column.length());
            case BIT, CHAR, BINARY -> column.length() == 1 ? "null" : column.length() + "";
            case TINYINT -> width(column, 4 - unsigned);
            case SMALLINT -> width(column, 6 - unsigned);
            case MEDIUMINT -> width(column, 9 - unsigned);
            case INT -> width(column, 11 - unsigned);
            case BIGINT -> width(column, 20);
            default -> "null";
        };
    }

    /** The display width, unless it is the usual one. */
    private static String width(Column column, int usual) {
        Matcher sizes = SIZES.matcher(column.typeText());
        return sizes.find() && Integer.parseInt(sizes.group(1)) != usual ? sizes.group(1) : "null";
    }

    private static String scale(Column column) {
        return switch (column.kind()) {
            case DECIMAL -> String.valueOf(column.scale());
            case FLOAT, DOUBLE -> {
                Matcher sizes = SIZES.matcher(column.typeText());
                yield sizes.find() && sizes.group(2) != null ? sizes.group(2) : "null";
            }
            default -> "null";
        };
    }

    /** A literal without its quotation marks; the present time as the epoch, as Debezium has it. */
    private static String defaultValue(String sql) {
        Matcher bits = BIT_TEXT.matcher(sql);
        if (bits.matches()) {
            return Schemas.quoted(bits.group(1));
        }
        if (NOW.matcher(sql).matches()) {
            return "\"1970-01-01 00:00:00\"";
        }
        if (sql.length() >= 2 && sql.startsWith("'") && sql.endsWith("'")) {
            return Schemas.quoted(sql.substring(1, sql.length() - 1).replace("''", "'"));
        }
        return Schemas.quoted(sql);
    }
}
