package io.millrace.codec.debezium;

import io.millrace.codec.json.JsonEscaper;
import io.millrace.core.bytes.ByteSink;
import io.millrace.core.model.Column;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;

/**
 * The schemas of messages as Kafka Connect's JsonConverter reads them, rendered once per table
 * version. Their members and those members' order are TiCDC's.
 */
final class Schemas {
    private static final String SOURCE =
            struct(
                            field("string", false, "version"),
                            field("string", false, "connector"),
                            field("string", false, "name"),
                            field("int64", false, "ts_ms"),
                            "{\"type\":\"string\",\"optional\":true,\"name\":\"io.debezium.data.Enum\","
                                    + "\"version\":1,\"parameters\":{\"allowed\":"
                                    + "\"true,last,false,incremental\"},\"default\":\"false\","
                                    + "\"field\":\"snapshot\"}",
                            field("string", false, "db"),
                            field("string", true, "sequence"),
                            field("string", true, "table"),
                            field("int64", false, "server_id"),
                            field("string", true, "gtid"),
                            field("string", false, "file"),
                            field("int64", false, "pos"),
                            field("int32", false, "row"),
                            field("int64", true, "thread"),
                            field("string", true, "query"))
                    + ",\"optional\":false,\"name\":\"io.debezium.connector.mysql.Source\","
                    + "\"field\":\"source\"}";

    /** What follows the rows in an envelope's fields; the same for watermarks. */
    private static final String ENVELOPE_REST =
            SOURCE
                    + ","
                    + field("string", false, "op")
                    + ","
                    + field("int64", true, "ts_ms")
                    + ","
                    + struct(
                            field("string", false, "id"),
                            field("int64", false, "total_order"),
                            field("int64", false, "data_collection_order"))
                    + ",\"optional\":true,\"name\":\"event.block\",\"version\":1,"
                    + "\"field\":\"transaction\"}";

    /** Of the key of a DDL. */
    static final String CHANGE_KEY =
            "{\"type\":\"struct\",\"name\":\"io.debezium.connector.mysql.SchemaChangeKey\","
                    + "\"optional\":false,\"version\":1,\"fields\":["
                    + member("databaseName", false, "\"string\"")
                    + "]}";

    private static final String TEXTS =
            "\"array\",\"items\":{\"type\":\"string\",\"optional\":false}";

    private static final String CHANGED_COLUMN =
            "{\"name\":\"io.debezium.connector.schema.Column\",\"optional\":false,"
                    + "\"type\":\"struct\",\"version\":1,\"fields\":["
                    + String.join(
                            ",",
                            member("name", false, "\"string\""),
                            member("jdbcType", false, "\"int32\""),
                            member("nativeType", true, "\"int32\""),
                            member("typeName", false, "\"string\""),
                            member("typeExpression", true, "\"string\""),
                            member("charsetName", true, "\"string\""),
                            member("length", true, "\"int32\""),
                            member("scale", true, "\"int32\""),
                            member("position", false, "\"int32\""),
                            member("optional", true, "\"boolean\""),
                            member("autoIncremented", true, "\"boolean\""),
                            member("generated", true, "\"boolean\""),
                            member("comment", true, "\"string\""),
                            member("defaultValueExpression", true, "\"string\""),
                            member("enumValues", true, TEXTS))
                    + "]}";

    private static final String CHANGED_TABLE =
            "\"struct\",\"name\":\"io.debezium.connector.schema.Table\",\"version\":1,\"fields\":["
                    + String.join(
                            ",",
                            member("defaultCharsetName", true, "\"string\""),
                            member("primaryKeyColumnNames", true, TEXTS),
                            member("columns", false, "\"array\",\"items\":" + CHANGED_COLUMN),
                            member("comment", true, "\"string\""))
                    + "]";

    /** Of the value of a DDL. */
    static final String CHANGE_VALUE =
            "{\"optional\":false,\"type\":\"struct\",\"version\":1,"
                    + "\"name\":\"io.debezium.connector.mysql.SchemaChangeValue\",\"fields\":["
                    + String.join(
                            ",",
                            SOURCE,
                            member("ts_ms", false, "\"int64\""),
                            member("databaseName", true, "\"string\""),
                            member("schemaName", true, "\"string\""),
                            member("ddl", true, "\"string\""),
                            member(
                                    "tableChanges",
                                    false,
                                    "\"array\",\"items\":{\"name\":"
                                            + "\"io.debezium.connector.schema.Change\","
                                            + "\"optional\":false,\"type\":\"struct\","
                                            + "\"version\":1,\"fields\":["
                                            + String.join(
                                                    ",",
                                                    member("type", false, "\"string\""),
                                                    member("id", false, "\"string\""),
                                                    member("table", true, CHANGED_TABLE))
                                            + "]}"))
                    + "]}";

    private Schemas() {}

    private static String field(String type, boolean optional, String name) {
        return "{\"type\":\""
                + type
                + "\",\"optional\":"
                + optional
                + ",\"field\":\""
                + name
                + "\"}";
    }

    /** A field in the order that schemas of DDL have. */
    private static String member(String name, boolean optional, String type) {
        return "{\"field\":\"" + name + "\",\"optional\":" + optional + ",\"type\":" + type + "}";
    }

    /** The beginning of a struct's schema. */
    private static String struct(String... fields) {
        return "{\"type\":\"struct\",\"fields\":[" + String.join(",", fields) + "]";
    }

    /** Of the key of a row. */
    static String key(String clusterId, TableSchema schema, int[] columns, boolean tidbTypes) {
        return "{\"type\":\"struct\",\"name\":"
                + quoted(SchemaNames.of(clusterId, schema.name()) + ".Key")
                + ",\"optional\":false,\"fields\":["
                + fields(schema, columns, tidbTypes)
                + "]}";
    }

    /** Of the value of a row. */
    static String envelope(String clusterId, TableSchema schema, int[] columns, boolean tidbTypes) {
        String name = SchemaNames.of(clusterId, schema.name());
        String fields = fields(schema, columns, tidbTypes);
        return envelope(name, row(name, "before", fields) + row(name, "after", fields));
    }

    private static String row(String name, String field, String fields) {
        return "{\"type\":\"struct\",\"optional\":true,\"name\":"
                + quoted(name + ".Value")
                + ",\"field\":\""
                + field
                + "\",\"fields\":["
                + fields
                + "]},";
    }

    private static String envelope(String name, String rows) {
        return "{\"type\":\"struct\",\"optional\":false,\"name\":"
                + quoted(name + ".Envelope")
                + ",\"version\":1,\"fields\":["
                + rows
                + ENVELOPE_REST
                + "]}";
    }

    /** Of the key of a watermark. */
    static String watermarkKey(String clusterId) {
        return "{\"type\":\"struct\",\"name\":"
                + quoted(SchemaNames.part(clusterId) + ".watermark.Key")
                + ",\"optional\":false,\"fields\":[]}";
    }

    /** Of the value of a watermark. */
    static String watermark(String clusterId) {
        return envelope(SchemaNames.part(clusterId) + ".watermark", "");
    }

    private static String fields(TableSchema schema, int[] columns, boolean tidbTypes) {
        StringBuilder out = new StringBuilder();
        for (int column : columns) {
            if (!out.isEmpty()) {
                out.append(',');
            }
            append(schema.column(column), tidbTypes, out);
        }
        return out.toString();
    }

    private static void append(Column column, boolean tidbType, StringBuilder out) {
        out.append('{');
        if (tidbType) {
            out.append("\"tidb_type\":\"").append(tidbType(column)).append("\",");
        }
        out.append("\"type\":\"").append(type(column)).append("\",\"optional\":");
        out.append(column.nullable());
        String semantic = semantic(column);
        if (!semantic.isEmpty()) {
            out.append(",\"name\":\"").append(semantic).append('"');
        }
        switch (column.kind()) {
            case BIT -> {
                if (column.length() != 1) {
                    out.append(",\"version\":1,\"parameters\":{\"length\":\"");
                    out.append(column.length()).append("\"}");
                }
            }
            case ENUM -> {
                String allowed =
                        String.join(
                                ",",
                                column.elements().stream()
                                        .map(element -> element.replace(",", "\\,"))
                                        .toList());
                out.append(",\"version\":1,\"parameters\":{\"allowed\":");
                out.append(quoted(allowed)).append('}');
            }
            case SET -> {
                out.append(",\"version\":1,\"parameters\":{\"allowed\":");
                out.append(quoted(String.join(",", column.elements()))).append('}');
            }
            default -> {
                if (!semantic.isEmpty() && !semantic.equals(VECTOR)) {
                    out.append(",\"version\":1");
                }
            }
        }
        out.append(",\"field\":").append(quoted(column.name())).append('}');
    }

    /** Kafka Connect's type. */
    private static String type(Column column) {
        return switch (column.kind()) {
            case TINYINT -> "int16";
            case SMALLINT -> column.unsigned() ? "int32" : "int16";
            case MEDIUMINT, DATE, YEAR -> "int32";
            case INT -> column.unsigned() ? "int64" : "int32";
            case BIGINT, DATETIME, TIME -> "int64";
            case FLOAT -> column.typeText().indexOf(',') >= 0 ? "double" : "float";
            case DOUBLE, DECIMAL -> "double";
            case BIT -> column.length() == 1 ? "boolean" : "bytes";
            case ENUM,
                    SET,
                    TIMESTAMP,
                    CHAR,
                    VARCHAR,
                    TINYTEXT,
                    TEXT,
                    MEDIUMTEXT,
                    LONGTEXT,
                    JSON,
                    BINARY,
                    VARBINARY,
                    TINYBLOB,
                    BLOB,
                    MEDIUMBLOB,
                    LONGBLOB,
                    GEOMETRY,
                    VECTOR,
                    UUID,
                    INET4,
                    INET6 ->
                    "string";
        };
    }

    private static final String VECTOR = "io.debezium.data.TiDBVectorFloat32";

    /** The name that says what values mean; empty when the type says it all. */
    private static String semantic(Column column) {
        return switch (column.kind()) {
            case BIT -> column.length() == 1 ? "" : "io.debezium.data.Bits";
            case ENUM -> "io.debezium.data.Enum";
            case SET -> "io.debezium.data.EnumSet";
            case DATE -> "io.debezium.time.Date";
            case DATETIME ->
                    column.scale() <= 3
                            ? "io.debezium.time.Timestamp"
                            : "io.debezium.time.MicroTimestamp";
            case TIMESTAMP -> "io.debezium.time.ZonedTimestamp";
            case TIME -> "io.debezium.time.MicroTime";
            case YEAR -> "io.debezium.time.Year";
            case JSON -> "io.debezium.data.Json";
            case VECTOR -> VECTOR;
            default -> "";
        };
    }

    private static String tidbType(Column column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT -> column.unsigned() ? "INT UNSIGNED" : "INT";
            case BIGINT -> column.unsigned() ? "BIGINT UNSIGNED" : "BIGINT";
            case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT, UUID, INET4, INET6 -> "TEXT";
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> "BLOB";
            case VECTOR -> "TiDBVECTORFloat32";
            case YEAR,
                    BIT,
                    ENUM,
                    SET,
                    FLOAT,
                    DOUBLE,
                    DECIMAL,
                    DATE,
                    TIME,
                    DATETIME,
                    TIMESTAMP,
                    JSON ->
                    column.kind().name();
        };
    }

    /** A JSON string. */
    static String quoted(String text) {
        ByteSink out = new ByteSink(text.length() + 2);
        JsonEscaper.appendString(text, out);
        return out.toString();
    }

    /** A table's identifier in a DDL: its parts in quotation marks. */
    static String id(TableName name) {
        return "\"" + name.schema() + "\".\"" + name.table() + "\"";
    }
}
