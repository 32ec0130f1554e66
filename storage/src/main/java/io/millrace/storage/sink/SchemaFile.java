package io.millrace.storage.sink;

import io.millrace.codec.DefaultValues;
import io.millrace.codec.text.Cells;
import io.millrace.core.model.Column;
import io.millrace.core.model.SessionState;
import io.millrace.core.model.TableSchema;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * A file that tells a table's columns, or a database's DDL: indented JSON, as TiCDC writes it.
 *
 * @param schema database
 * @param table empty for a database's own DDL
 * @param version table version: the TSO from which on it holds
 * @param query the DDL that made it; empty for a version found at the start
 * @param type TiDB's action code of the DDL, 0 without one
 * @param columns null for a database
 * @param more members behind TiCDC's own; they do not count in the checksum
 */
record SchemaFile(
        String schema,
        String table,
        long version,
        String query,
        int type,
        Optional<List<FileColumn>> columns,
        List<Member> more) {
    private static final Pattern NAME = Pattern.compile("schema_([0-9]+)_([0-9]{10,})\\.json");
    private static final Pattern WIDTH = Pattern.compile("^[a-z]+\\(([0-9]+)(?:,([0-9]+))?\\)");
    private static final int CHECKSUM_DIGITS = 10;

    /** A member of the JSON object: its value is JSON. */
    record Member(String name, String json) {}

    /** The settings that a DDL ran with, if anything is known of them; one line of JSON. */
    static Optional<Member> session(SessionState state) {
        if (state.equals(SessionState.UNKNOWN)) {
            return Optional.empty();
        }
        List<String> known = new ArrayList<>();
        if (state.executedAtMicros() > 0) {
            known.add("\"ExecutedAtMicros\": " + state.executedAtMicros());
        }
        addText("TimeZone", state.timeZone(), known);
        state.sqlModes()
                .ifPresent(modes ->
                        known.add(
                                "\"SqlModes\": "
                                        + modes.stream()
                                                .sorted()
                                                .map(SchemaFile::quoted)
                                                .toList()));
        addText("ConnectionCollation", state.connectionCollation(), known);
        addText("ServerCollation", state.serverCollation(), known);
        addText("Utf8mb4Collation", state.utf8mb4Collation(), known);
        state.explicitTimestampDefaults()
                .ifPresent(flag -> known.add("\"ExplicitTimestampDefaults\": " + flag));
        return Optional.of(new Member("Session", "{" + String.join(", ", known) + "}"));
    }

    private static void addText(String name, String value, List<String> to) {
        if (!value.isEmpty()) {
            to.add(quoted(name) + ": " + quoted(value));
        }
    }

    /** A column as the file shows it; empty texts are left out. */
    record FileColumn(
            OptionalInt id,
            String name,
            String type,
            Optional<String> defaultValue,
            String precision,
            String scale,
            boolean nullable,
            boolean primaryKey) {}

    /** The columns of a table version that rows have: virtual ones never. */
    static List<FileColumn> columnsOf(TableSchema schema, boolean ids) {
        Set<Integer> primary = new HashSet<>();
        schema.keys().stream()
                .filter(TableSchema.Key::primary)
                .forEach(key -> primary.addAll(key.columns()));
        List<FileColumn> columns = new ArrayList<>();
        for (int i = 0; i < schema.columns().size(); i++) {
            Column column = schema.column(i);
            if (column.generated() != Column.Generated.VIRTUAL) {
                columns.add(
                        new FileColumn(
                                ids ? OptionalInt.of(i + 1) : OptionalInt.empty(),
                                column.name(),
                                column.kind().name()
                                        + (Cells.isUnsigned(column) ? " UNSIGNED" : ""),
                                defaultOf(column),
                                precision(column),
                                scale(column),
                                column.nullable(),
                                primary.contains(i)));
            }
        }
        return columns;
    }

    /** The value; of an expression its text; absent if it is NULL. */
    private static Optional<String> defaultOf(Column column) {
        return DefaultValues.literal(column)
                .or(() -> column.defaultValue().filter(sql -> !sql.equalsIgnoreCase("null")));
    }

    private static String precision(Column column) {
        Matcher declared = WIDTH.matcher(column.typeText().toLowerCase(Locale.ROOT));
        boolean hasWidth = declared.find();
        int fewer = column.unsigned() ? 1 : 0;
        return switch (column.kind()) {
            case TINYINT -> hasWidth ? declared.group(1) : text(4 - fewer);
            case SMALLINT -> hasWidth ? declared.group(1) : text(6 - fewer);
            case MEDIUMINT -> hasWidth ? declared.group(1) : text(9 - fewer);
            case INT -> hasWidth ? declared.group(1) : text(11 - fewer);
            case BIGINT -> hasWidth ? declared.group(1) : "20";
            case YEAR -> "4";
            case FLOAT -> hasWidth ? declared.group(1) : "12";
            case DOUBLE -> hasWidth ? declared.group(1) : "22";
            case DECIMAL, CHAR, VARCHAR, BINARY, VARBINARY, BIT -> text(column.length());
            case TINYTEXT, TINYBLOB -> "255";
            case TEXT, BLOB -> "65535";
            case MEDIUMTEXT, MEDIUMBLOB -> "16777215";
            case LONGTEXT, LONGBLOB -> "4294967295";
            default -> "";
        };
    }

    private static String text(int number) {
        return number == 0 ? "" : Integer.toString(number);
    }

    private static String scale(Column column) {
        return switch (column.kind()) {
            case DECIMAL -> Integer.toString(column.scale());
            case DATETIME, TIMESTAMP, TIME ->
                    column.scale() > 0 ? Integer.toString(column.scale()) : "";
            case FLOAT, DOUBLE -> {
                Matcher declared = WIDTH.matcher(column.typeText().toLowerCase(Locale.ROOT));
                String digits = declared.find() ? declared.group(2) : null;
                yield digits == null ? "" : digits;
            }
            default -> "";
        };
    }

    /** The whole file. */
    byte[] content() {
        StringBuilder out = new StringBuilder(256);
        out.append("{\n    \"Table\": ").append(quoted(table));
        out.append(",\n    \"Schema\": ").append(quoted(schema));
        out.append(",\n    \"Version\": 1");
        out.append(",\n    \"TableVersion\": ").append(Long.toUnsignedString(version));
        out.append(",\n    \"Query\": ").append(quoted(query));
        out.append(",\n    \"Type\": ").append(type);
        out.append(",\n    \"TableColumns\": ");
        columns.ifPresentOrElse(list -> appendColumns(list, out), () -> out.append("null"));
        out.append(",\n    \"TableColumnsTotal\": ").append(columns.map(List::size).orElse(0));
        for (Member member : more) {
            out.append(",\n    ").append(quoted(member.name())).append(": ").append(member.json());
        }
        return out.append("\n}").toString().getBytes(StandardCharsets.UTF_8);
    }

    /** CRC-32 of the columns in the order of their names, in a fixed frame without the version. */
    long checksum() {
        List<FileColumn> sorted = new ArrayList<>(columns.orElse(List.of()));
        sorted.sort(Comparator.comparing(FileColumn::name));
        StringBuilder out = new StringBuilder(256);
        out.append("{\n    \"Table\": ").append(quoted(table));
        out.append(",\n    \"Schema\": ").append(quoted(schema));
        out.append(",\n    \"Version\": 0,\n    \"TableColumns\": ");
        appendColumns(sorted, out);
        out.append(",\n    \"TableColumnsTotal\": ").append(sorted.size()).append("\n}");
        CRC32 crc = new CRC32();
        crc.update(out.toString().getBytes(StandardCharsets.UTF_8));
        return crc.getValue();
    }

    private static void appendColumns(List<FileColumn> columns, StringBuilder out) {
        if (columns.isEmpty()) {
            out.append("[]");
            return;
        }
        String separator = "[\n";
        for (FileColumn column : columns) {
            List<Member> members = new ArrayList<>();
            column.id().ifPresent(id -> members.add(new Member("ColumnId", quoted("" + id))));
            members.add(new Member("ColumnName", quoted(column.name())));
            members.add(new Member("ColumnType", quoted(column.type())));
            column.defaultValue()
                    .ifPresent(text -> members.add(new Member("ColumnDefault", quoted(text))));
            if (!column.precision().isEmpty()) {
                members.add(new Member("ColumnPrecision", quoted(column.precision())));
            }
            if (!column.scale().isEmpty()) {
                members.add(new Member("ColumnScale", quoted(column.scale())));
            }
            if (!column.nullable()) {
                members.add(new Member("ColumnNullable", "\"false\""));
            }
            if (column.primaryKey()) {
                members.add(new Member("ColumnIsPk", "\"true\""));
            }
            out.append(separator).append("        {\n");
            for (int i = 0; i < members.size(); i++) {
                out.append("            ")
                        .append(quoted(members.get(i).name()))
                        .append(": ")
                        .append(members.get(i).json())
                        .append(i + 1 < members.size() ? ",\n" : "\n");
            }
            out.append("        }");
            separator = ",\n";
        }
        out.append("\n    ]");
    }

    /** As Go's encoder quotes: it also escapes what means something in HTML. */
    static String quoted(String text) {
        StringBuilder out = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                case '<', '>', '&', '\u2028', '\u2029' ->
                        out.append(String.format("\\u%04x", (int) c));
                default -> {
                    if (c < ' ') {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        return out.append('"').toString();
    }

    /** Where it lies below the root. */
    String path() {
        return folder(schema, table) + fileName(version, checksum());
    }

    /** The folder of a table's schema files, or of a database's when the table is empty. */
    static String folder(String schema, String table) {
        return Paths.part(schema)
                + "/"
                + (table.isEmpty() ? "" : Paths.part(table) + "/")
                + "meta/";
    }

    private static String fileName(long version, long checksum) {
        return "schema_" + Long.toUnsignedString(version) + "_" + digits(checksum) + ".json";
    }

    private static String digits(long checksum) {
        String text = Long.toString(checksum);
        return "0".repeat(Math.max(0, CHECKSUM_DIGITS - text.length())) + text;
    }

    /** The version in a schema file's name, if it is one with this checksum. */
    static OptionalLong versionOf(String path, long checksum) {
        Matcher name = NAME.matcher(path.substring(path.lastIndexOf('/') + 1));
        return name.matches() && Long.parseLong(name.group(2)) == checksum
                ? OptionalLong.of(Long.parseUnsignedLong(name.group(1)))
                : OptionalLong.empty();
    }

    /** The version in a schema file's name, whatever its checksum. */
    static OptionalLong versionOf(String path) {
        Matcher name = NAME.matcher(path.substring(path.lastIndexOf('/') + 1));
        return name.matches()
                ? OptionalLong.of(Long.parseUnsignedLong(name.group(1)))
                : OptionalLong.empty();
    }
}
