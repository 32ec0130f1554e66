package io.millrace.mysql.schema;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.mysql.row.TableMapMetadata;
import io.millrace.mysql.row.WireTypes;
import io.millrace.mysql.wire.TableMap;
import java.util.List;
import java.util.Optional;

/**
 * Whether a definition can be the one behind a TABLE_MAP event. A fit is necessary, not sufficient:
 * without FULL metadata two columns of one type can change places unseen.
 */
final class WireFit {
    /** MariaDB versions that brought types which look like another on the wire. */
    private static final int INET6_SINCE = 100500;

    private static final int INET4_SINCE = 101000;

    private static final int VECTOR_SINCE = 110700;

    private final ServerTraits traits;

    WireFit(ServerTraits traits) {
        this.traits = traits;
    }

    /** The first difference in words; empty when the definition fits. */
    Optional<String> difference(
            TableDefinition definition, TableMap map, TableMapMetadata metadata) {
        List<Column> columns = definition.columns();
        if (columns.size() != map.columnCount()) {
            return Optional.of(
                    "the row events have "
                            + map.columnCount()
                            + " columns, the known definition has "
                            + columns.size());
        }
        for (int i = 0; i < columns.size(); i++) {
            Column column = columns.get(i);
            Optional<String> difference = difference(column, i, map, metadata);
            if (difference.isPresent()) {
                return Optional.of(
                        "column "
                                + (i + 1)
                                + ", known as "
                                + column.name()
                                + " "
                                + column.typeText()
                                + ", "
                                + difference.get());
            }
        }
        if (metadata.hasNames() && !samePrimaryKey(definition, metadata)) {
            return Optional.of("the primary key is another one");
        }
        return Optional.empty();
    }

    /** Whether one column of a definition can be the one at an ordinal of the event. */
    boolean columnFits(Column column, int i, TableMap map, TableMapMetadata metadata) {
        return difference(column, i, map, metadata).isEmpty();
    }

    /**
     * Whether a column may be of one of several kinds that the event cannot tell apart: MariaDB
     * writes UUID, INET6 and INET4 as BINARY, and VECTOR as VARBINARY.
     */
    boolean isAmbiguous(int i, TableMap map, TableMapMetadata metadata) {
        if (!map.mariaDb() || !metadata.charset(i).equals("binary")) {
            return false;
        }
        int meta = map.columnMeta()[i];
        return switch (WireTypes.realType(map.columnType(i), meta)) {
            case WireTypes.STRING -> {
                int length = WireTypes.stringLength(meta);
                yield length == 16 && traits.version() >= INET6_SINCE
                        || length == 4 && traits.version() >= INET4_SINCE;
            }
            case WireTypes.VARCHAR ->
                    traits.version() >= VECTOR_SINCE && meta > 0 && meta % Float.BYTES == 0;
            default -> false;
        };
    }

    private Optional<String> difference(
            Column column, int i, TableMap map, TableMapMetadata metadata) {
        int meta = map.columnMeta()[i];
        int type = WireTypes.realType(map.columnType(i), meta);
        if (!fits(column, type, meta)) {
            return Optional.of("has wire type " + type + " with metadata " + meta);
        }
        if (metadata.signednessKnown()
                && isNumber(column.kind())
                && metadata.isUnsigned(i) != column.unsigned()) {
            return Optional.of("is " + (column.unsigned() ? "signed" : "unsigned"));
        }
        boolean choice = column.kind() == ColumnKind.ENUM || column.kind() == ColumnKind.SET;
        if (metadata.collation(i) >= 0
                && (choice || isString(column.kind()))
                && !metadata.charset(i).equals(column.charset())) {
            return Optional.of("has character set " + metadata.charset(i));
        }
        if (metadata.hasNames()) {
            if (!metadata.names().get(i).equals(column.name())) {
                return Optional.of("is " + metadata.names().get(i));
            }
            if (choice && !metadata.elements(i).equals(column.elements())) {
                return Optional.of("has the elements " + metadata.elements(i));
            }
        }
        return Optional.empty();
    }

    static boolean samePrimaryKey(TableDefinition definition, TableMapMetadata metadata) {
        Optional<KeyDefinition> primary =
                definition.keys().stream()
                        .filter(k -> k.kind() == KeyDefinition.Kind.PRIMARY)
                        .findFirst();
        List<Integer> known =
                primary.map(k ->
                                k.parts().stream()
                                        .map(p -> definition.ordinalOf(p.column()))
                                        .toList())
                        .orElse(List.of());
        List<Integer> seen =
                metadata.primaryKey().stream().map(TableMapMetadata.KeyPart::column).toList();
        return known.equals(seen);
    }

    private static boolean isNumber(ColumnKind kind) {
        return switch (kind) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL -> true;
            default -> false;
        };
    }

    /** Kinds whose binary and text variants share a wire type. */
    private static boolean isString(ColumnKind kind) {
        return switch (kind) {
            case CHAR,
                    VARCHAR,
                    TINYTEXT,
                    TEXT,
                    MEDIUMTEXT,
                    LONGTEXT,
                    BINARY,
                    VARBINARY,
                    TINYBLOB,
                    BLOB,
                    MEDIUMBLOB,
                    LONGBLOB ->
                    true;
            default -> false;
        };
    }

    private boolean fits(Column column, int type, int meta) {
        int bytes = column.length() * traits.width(column.charset());
        return switch (column.kind()) {
            case TINYINT -> type == WireTypes.TINY;
            case SMALLINT -> type == WireTypes.SHORT;
            case MEDIUMINT -> type == WireTypes.INT24;
            case INT -> type == WireTypes.LONG;
            case BIGINT -> type == WireTypes.LONGLONG;
            case YEAR -> type == WireTypes.YEAR;
            case FLOAT -> type == WireTypes.FLOAT;
            case DOUBLE -> type == WireTypes.DOUBLE;
            case BIT ->
                    type == WireTypes.BIT
                            && (meta >> 8 & 0xFF) * 8 + (meta & 0xFF) == column.length();
            case DECIMAL ->
                    type == WireTypes.NEWDECIMAL
                            && (meta >> 8 & 0xFF) == column.length()
                            && (meta & 0xFF) == column.scale();
            case ENUM ->
                    type == WireTypes.ENUM
                            && (meta & 0xFF) == (column.elements().size() > 255 ? 2 : 1);
            case SET -> type == WireTypes.SET && (meta & 0xFF) == setBytes(column);
            case DATE -> type == WireTypes.DATE || type == WireTypes.NEWDATE;
            case TIME ->
                    type == WireTypes.TIME2 && meta == column.scale() || type == WireTypes.TIME;
            case DATETIME ->
                    type == WireTypes.DATETIME2 && meta == column.scale()
                            || type == WireTypes.DATETIME;
            case TIMESTAMP ->
                    type == WireTypes.TIMESTAMP2 && meta == column.scale()
                            || type == WireTypes.TIMESTAMP;
            case CHAR -> type == WireTypes.STRING && WireTypes.stringLength(meta) == bytes;
            case BINARY ->
                    type == WireTypes.STRING && WireTypes.stringLength(meta) == column.length();
            case VARCHAR, VARBINARY ->
                    type == WireTypes.VARCHAR && meta == bytes
                            || type == WireTypes.VARCHAR_COMPRESSED && meta == bytes + 1;
            case TINYTEXT, TINYBLOB -> isBlob(type) && meta == 1;
            case TEXT, BLOB -> isBlob(type) && meta == 2;
            case MEDIUMTEXT, MEDIUMBLOB -> isBlob(type) && meta == 3;
            case LONGTEXT, LONGBLOB -> isBlob(type) && meta == 4;
            case JSON -> type == WireTypes.JSON;
            case GEOMETRY -> type == WireTypes.GEOMETRY;
            // MariaDB writes vectors as VARBINARY of four bytes per dimension.
            case VECTOR -> type == WireTypes.VECTOR || type == WireTypes.VARCHAR;
            case UUID, INET6 -> type == WireTypes.STRING && WireTypes.stringLength(meta) == 16;
            case INET4 -> type == WireTypes.STRING && WireTypes.stringLength(meta) == 4;
        };
    }

    private static boolean isBlob(int type) {
        return switch (type) {
            case WireTypes.TINY_BLOB,
                    WireTypes.BLOB,
                    WireTypes.MEDIUM_BLOB,
                    WireTypes.LONG_BLOB,
                    WireTypes.BLOB_COMPRESSED ->
                    true;
            default -> false;
        };
    }

    /** Bytes of a SET value. */
    static int setBytes(Column column) {
        int bytes = (column.elements().size() + 7) / 8;
        return bytes > 4 ? 8 : Math.max(bytes, 1);
    }
}
