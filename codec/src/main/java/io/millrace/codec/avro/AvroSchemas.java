package io.millrace.codec.avro;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.TableSchema;
import java.util.Optional;

/** Avro schemas of tables, as JSON. */
final class AvroSchemas {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private AvroSchemas() {}

    /**
     * The record of a table's key or value.
     *
     * @param extended whether the fields of the TiDB extension follow the columns
     * @param checksums whether those of the row's checksum follow them
     */
    static String record(
            TableSchema schema,
            AvroProgram program,
            String namespace,
            boolean extended,
            boolean checksums) {
        ObjectNode record = JSON.objectNode();
        record.put("type", "record");
        record.put("name", AvroNames.sanitise(schema.name().table()));
        record.put("namespace", AvroNames.namespace(namespace, schema.name().schema()));
        ArrayNode fields = record.putArray("fields");
        for (int i = 0; i < program.ordinals.length; i++) {
            fields.add(field(program, i));
        }
        if (extended) {
            fields.addObject().put("name", "_tidb_op").put("type", "string");
            fields.addObject().put("name", "_tidb_commit_ts").put("type", "long");
            fields.addObject().put("name", "_tidb_commit_physical_time").put("type", "long");
        }
        if (checksums) {
            fields.addObject().put("name", "_tidb_row_level_checksum").put("type", "string");
            fields.addObject().put("name", "_tidb_corrupted").put("type", "boolean");
            fields.addObject().put("name", "_tidb_checksum_version").put("type", "int");
        }
        return record.toString();
    }

    private static ObjectNode field(AvroProgram program, int i) {
        Column column = program.columns[i];
        ObjectNode field = JSON.objectNode().put("name", program.names[i]);
        ObjectNode type = type(program, i);
        Optional<Object> value = program.schemaDefault(i);
        if (!column.nullable()) {
            field.set("type", type);
        } else if (value.isPresent()) {
            field.putArray("type").add(type).add("null");
        } else {
            field.putArray("type").add("null").add(type);
            field.putNull("default");
        }
        if (value.isPresent()) {
            switch (value.get()) {
                case Long number -> field.put("default", number);
                case Double number -> field.put("default", number);
                default -> field.put("default", value.get().toString());
            }
        }
        return field;
    }

    private static ObjectNode type(AvroProgram program, int i) {
        Column column = program.columns[i];
        ObjectNode type = JSON.objectNode().put("type", avroType(column, program.actions[i]));
        ObjectNode parameters = type.putObject("connect.parameters");
        parameters.put("tidb_type", tidbType(column));
        switch (column.kind()) {
            case BIT -> parameters.put("length", Integer.toString(Math.max(1, column.length())));
            case ENUM, SET -> parameters.put("allowed", allowed(column));
            default -> {}
        }
        if (program.actions[i] == AvroProgram.DECIMAL) {
            type.put("logicalType", "decimal");
            type.put("precision", program.precision(i));
            type.put("scale", program.scales[i]);
        }
        return type;
    }

    private static String avroType(Column column, int action) {
        return switch (action) {
            case AvroProgram.LONG ->
                    column.kind() == ColumnKind.BIGINT
                                    || column.kind() == ColumnKind.INT && column.unsigned()
                            ? "long"
                            : "int";
            case AvroProgram.FLOAT -> "float";
            case AvroProgram.DOUBLE -> "double";
            case AvroProgram.BITS, AvroProgram.DECIMAL, AvroProgram.BYTES -> "bytes";
            default -> "string";
        };
    }

    private static String tidbType(Column column) {
        return switch (column.kind()) {
            case TINYINT, SMALLINT, MEDIUMINT, INT -> column.unsigned() ? "INT UNSIGNED" : "INT";
            case BIGINT -> column.unsigned() ? "BIGINT UNSIGNED" : "BIGINT";
            case FLOAT -> "FLOAT";
            case DOUBLE -> "DOUBLE";
            case BIT -> "BIT";
            case DECIMAL -> "DECIMAL";
            case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT, UUID, INET4, INET6 -> "TEXT";
            case BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB, GEOMETRY -> "BLOB";
            case ENUM -> "ENUM";
            case SET -> "SET";
            case JSON -> "JSON";
            case DATE -> "DATE";
            case DATETIME -> "DATETIME";
            case TIMESTAMP -> "TIMESTAMP";
            case TIME -> "TIME";
            case YEAR -> "YEAR";
            case VECTOR -> "TiDBVECTORFloat32";
        };
    }

    /** Element names joined by commas; a comma of a name has a backslash before it. */
    private static String allowed(Column column) {
        return String.join(
                ",", column.elements().stream().map(each -> each.replace(",", "\\,")).toList());
    }
}
