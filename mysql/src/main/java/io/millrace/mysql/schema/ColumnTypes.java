package io.millrace.mysql.schema;

import io.millrace.core.model.Column;
import io.millrace.core.model.ColumnKind;
import io.millrace.mysql.schema.DdlStatement.ColumnSpec;
import io.millrace.mysql.schema.DdlStatement.TypeSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a column as written becomes in a table with given defaults on a given server. */
final class ColumnTypes {
    /**
     * Most bytes of a VARCHAR or VARBINARY; longer ones become TEXT or BLOB outside strict mode.
     */
    private static final long MAX_VARCHAR_BYTES = 65535;

    private static final List<ColumnKind> TEXTS =
            List.of(
                    ColumnKind.TINYTEXT,
                    ColumnKind.TEXT,
                    ColumnKind.MEDIUMTEXT,
                    ColumnKind.LONGTEXT);
    private static final List<ColumnKind> BLOBS =
            List.of(
                    ColumnKind.TINYBLOB,
                    ColumnKind.BLOB,
                    ColumnKind.MEDIUMBLOB,
                    ColumnKind.LONGBLOB);

    /**
     * What {@code GENERATED ALWAYS AS} says of a row's times; kept in the place of the default,
     * which a generated column has none of.
     */
    static final String ROW_START = "ROW START";

    static final String ROW_END = "ROW END";

    private static final long[] BLOB_SIZES = {255, 65535, 16777215, 4294967295L};

    private ColumnTypes() {}

    static Column resolve(
            ColumnSpec spec, String tableCharset, String tableCollation, ServerTraits traits) {
        Column column =
                build(
                        spec.name(),
                        spec.type(),
                        tableCharset,
                        tableCollation,
                        spec.generated(),
                        spec.invisible(),
                        spec.defaultValue(),
                        traits);
        boolean nullable =
                switch (spec.nullness()) {
                    case NULL -> true;
                    case NOT_NULL -> false;
                    case DEFAULT ->
                            column.kind() != ColumnKind.TIMESTAMP
                                    || traits.explicitTimestampDefaults()
                                    || spec.generated() != Column.Generated.NONE;
                };
        return withNullable(column, nullable);
    }

    static Column build(
            String name,
            TypeSpec type,
            String tableCharset,
            String tableCollation,
            Column.Generated generated,
            boolean invisible,
            Optional<String> defaultValue,
            ServerTraits traits) {
        ColumnKind kind = type.kind();
        String charset = "binary";
        String collation = "binary";
        boolean choice = kind == ColumnKind.ENUM || kind == ColumnKind.SET;
        if (choice || isCharacter(kind)) {
            Optional<String> givenCharset =
                    type.charset()
                            .map(ServerTraits::normalCharset)
                            .filter(c -> !c.equals("default"));
            Optional<String> givenCollation =
                    type.collation()
                            .map(ServerTraits::normalCollation)
                            .filter(c -> !c.equals("default"));
            if (givenCollation.isPresent()) {
                charset =
                        givenCharset.orElseGet(
                                () -> traits.charsetOf(givenCollation.get(), tableCharset));
                collation = traits.fullCollation(givenCollation.get(), charset);
            } else {
                charset = givenCharset.orElse(tableCharset);
                collation =
                        type.binaryCollation() && !charset.equals("binary")
                                ? charset + "_bin"
                                : givenCharset.isPresent()
                                        ? traits.defaultCollation(charset)
                                        : tableCollation;
            }
        }
        int length = type.length();
        if (charset.equals("binary") && isCharacter(kind)) {
            kind = binaryTwin(kind);
        }
        // A length turns TEXT and BLOB into the smallest type that holds it, and an overlong
        // VARCHAR into a TEXT.
        long bytes = (long) length * (kind == ColumnKind.BLOB ? 1 : traits.width(charset));
        if (kind == ColumnKind.TEXT && length > 0) {
            kind = sized(TEXTS, bytes);
        } else if (kind == ColumnKind.BLOB && length > 0) {
            kind = sized(BLOBS, length);
        } else if (kind == ColumnKind.VARCHAR && bytes > MAX_VARCHAR_BYTES) {
            kind = sized(TEXTS, bytes);
        } else if (kind == ColumnKind.VARBINARY && length > MAX_VARCHAR_BYTES) {
            kind = sized(BLOBS, length);
        }
        String word = kind == type.kind() ? type.word() : TableDefinition.fold(kind.name());
        int modelLength =
                switch (kind) {
                    case CHAR, VARCHAR, BINARY, VARBINARY, BIT, DECIMAL, VECTOR ->
                            Math.max(length, 0);
                    default -> 0;
                };
        int scale =
                switch (kind) {
                    case DECIMAL, TIME, DATETIME, TIMESTAMP -> Math.max(type.scale(), 0);
                    default -> 0;
                };
        return new Column(
                name,
                kind,
                typeText(kind, word, type, traits),
                type.unsigned(),
                true,
                modelLength,
                scale,
                charset,
                collation,
                type.elements(),
                generated,
                invisible,
                defaultValue);
    }

    /** Types whose values are text in a character set, ENUM and SET apart. */
    static boolean isCharacter(ColumnKind kind) {
        return switch (kind) {
            case CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT -> true;
            default -> false;
        };
    }

    private static ColumnKind binaryTwin(ColumnKind kind) {
        return switch (kind) {
            case CHAR -> ColumnKind.BINARY;
            case VARCHAR -> ColumnKind.VARBINARY;
            case TINYTEXT -> ColumnKind.TINYBLOB;
            case TEXT -> ColumnKind.BLOB;
            case MEDIUMTEXT -> ColumnKind.MEDIUMBLOB;
            case LONGTEXT -> ColumnKind.LONGBLOB;
            default -> kind;
        };
    }

    private static ColumnKind sized(List<ColumnKind> kinds, long bytes) {
        for (int i = 0; i < BLOB_SIZES.length; i++) {
            if (bytes <= BLOB_SIZES[i]) {
                return kinds.get(i);
            }
        }
        return kinds.getLast();
    }

    private static String typeText(
            ColumnKind kind, String word, TypeSpec type, ServerTraits traits) {
        String sign = type.unsigned() ? " unsigned" : "";
        String fill = type.zerofill() ? " zerofill" : "";
        return switch (kind) {
            case TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT -> {
                int width = type.length() >= 0 ? type.length() : defaultWidth(kind, type);
                boolean shown =
                        traits.showsIntegerWidth()
                                || type.zerofill()
                                || kind == ColumnKind.TINYINT && width == 1 && !type.unsigned();
                yield word + (shown ? "(" + width + ")" : "") + sign + fill;
            }
            case YEAR -> traits.showsIntegerWidth() ? "year(4)" : "year";
            case DECIMAL -> "decimal(" + type.length() + "," + type.scale() + ")" + sign + fill;
            case FLOAT, DOUBLE ->
                    word
                            + (type.scale() >= 0
                                    ? "(" + type.length() + "," + type.scale() + ")"
                                    : "")
                            + sign
                            + fill;
            case CHAR, VARCHAR, BINARY, VARBINARY, BIT, VECTOR ->
                    type.length() >= 0 ? word + "(" + type.length() + ")" : word;
            case TIME, DATETIME, TIMESTAMP ->
                    type.scale() > 0 ? word + "(" + type.scale() + ")" : word;
            case ENUM, SET -> word + "(" + quoted(type.elements()) + ")";
            default -> word;
        };
    }

    private static int defaultWidth(ColumnKind kind, TypeSpec type) {
        int unsigned = type.unsigned() ? 1 : 0;
        return switch (kind) {
            case TINYINT -> 4 - unsigned;
            case SMALLINT -> 6 - unsigned;
            case MEDIUMINT -> 9 - unsigned;
            case INT -> 11 - unsigned;
            default -> 20;
        };
    }

    private static String quoted(List<String> elements) {
        return elements.stream().map(e -> "'" + escaped(e) + "'").collect(Collectors.joining(","));
    }

    private static String escaped(String element) {
        return element.replace("\\", "\\\\")
                .replace("\0", "\\0")
                .replace("\n", "\\n")
                .replace("\r", "\\r")
                .replace("'", "''");
    }

    static Column withNullable(Column c, boolean nullable) {
        return nullable == c.nullable()
                ? c
                : new Column(
                        c.name(),
                        c.kind(),
                        c.typeText(),
                        c.unsigned(),
                        nullable,
                        c.length(),
                        c.scale(),
                        c.charset(),
                        c.collation(),
                        c.elements(),
                        c.generated(),
                        c.invisible(),
                        c.defaultValue());
    }

    static Column renamed(Column c, String name) {
        return new Column(
                name,
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
                c.defaultValue());
    }

    static Column withDefault(Column c, Optional<String> defaultValue) {
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
                defaultValue);
    }

    static Column withInvisible(Column c, boolean invisible) {
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
                invisible,
                c.defaultValue());
    }

    /**
     * The column after CONVERT TO CHARACTER SET. TEXT types grow when as many characters as before
     * need more bytes.
     */
    static Column converted(Column c, String charset, String collation, ServerTraits traits) {
        boolean choice = c.kind() == ColumnKind.ENUM || c.kind() == ColumnKind.SET;
        if (c.charset().equals("binary") || !choice && !isCharacter(c.kind())) {
            return c;
        }
        int text = TEXTS.indexOf(c.kind());
        ColumnKind kind = c.kind();
        if (text >= 0) {
            long characters = BLOB_SIZES[text] / traits.width(c.charset());
            kind = sized(TEXTS, Math.min(characters * traits.width(charset), BLOB_SIZES[3]));
        } else if (kind == ColumnKind.VARCHAR
                && (long) c.length() * traits.width(charset) > MAX_VARCHAR_BYTES) {
            kind = sized(TEXTS, (long) c.length() * traits.width(charset));
        }
        if (charset.equals("binary")) {
            kind = binaryTwin(kind);
        }
        String word = TableDefinition.fold(kind.name());
        boolean sized =
                switch (kind) {
                    case CHAR, VARCHAR, BINARY, VARBINARY -> true;
                    default -> false;
                };
        return new Column(
                c.name(),
                kind,
                choice ? c.typeText() : sized ? word + "(" + c.length() + ")" : word,
                false,
                c.nullable(),
                sized ? c.length() : 0,
                0,
                charset,
                collation,
                c.elements(),
                c.generated(),
                c.invisible(),
                c.defaultValue());
    }

    /** The start or the end of a row's time in a system-versioned table (MariaDB). */
    static boolean isRowTime(Column c) {
        return isRowStart(c) || isRowEnd(c);
    }

    private static boolean isRowStart(Column c) {
        return c.generated() != Column.Generated.NONE
                && c.defaultValue().filter(ROW_START::equals).isPresent();
    }

    static boolean isRowEnd(Column c) {
        return c.generated() != Column.Generated.NONE
                && c.defaultValue().filter(ROW_END::equals).isPresent();
    }

    /** The columns of a system-versioned table that declares none itself. */
    static List<Column> rowTimes() {
        return List.of(rowTime("row_start", ROW_START), rowTime("row_end", ROW_END));
    }

    private static Column rowTime(String name, String what) {
        return withNullable(
                withDefault(
                        hidden(
                                name,
                                ColumnKind.TIMESTAMP,
                                "timestamp(6)",
                                6,
                                Column.Generated.STORED),
                        Optional.of(what)),
                false);
    }

    /** A column of wire-level use only: the server keeps it beside those that were declared. */
    static Column hidden(
            String name, ColumnKind kind, String typeText, int scale, Column.Generated generated) {
        return new Column(
                name,
                kind,
                typeText,
                kind == ColumnKind.BIGINT,
                kind == ColumnKind.BIGINT,
                0,
                scale,
                "binary",
                "binary",
                List.of(),
                generated,
                true,
                Optional.empty());
    }
}
