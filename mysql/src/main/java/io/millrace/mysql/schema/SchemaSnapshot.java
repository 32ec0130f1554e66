package io.millrace.mysql.schema;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.Column;
import io.millrace.core.model.TableName;
import io.millrace.mysql.position.BinlogPosition;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Table definitions as {@code information_schema} tells them, at some moment.
 *
 * @param schemas databases and the defaults of their new tables
 * @param tables definitions of the wanted tables
 * @param sequences MariaDB's sequences, which look like tables in the binlog
 */
public record SchemaSnapshot(
        Map<String, Defaults> schemas,
        Map<TableName, TableDefinition> tables,
        Set<TableName> sequences) {
    /** Databases of the server's own. */
    private static final String SYSTEM =
            "('mysql','information_schema','performance_schema','sys')";

    /** Rows of {@code information_schema} asked for at once. */
    private static final int SCHEMAS_PER_QUERY = 50;

    /** Default character set and collation of a database. */
    public record Defaults(String charset, String collation) {}

    public SchemaSnapshot {
        schemas = Map.copyOf(schemas);
        tables = Map.copyOf(tables);
        sequences = Set.copyOf(sequences);
    }

    /**
     * Reads the definitions of all base tables that pass the filter. Not atomic: DDL that runs
     * meanwhile may be seen or not, table by table.
     *
     * @throws MillraceException UPSTREAM_CONNECTION
     */
    public static SchemaSnapshot read(Connection connection, TableFilter filter) {
        try {
            return read(connection, traits(connection), filter);
        } catch (SQLException e) {
            throw failed("reading table definitions", e);
        }
    }

    /** One table as it is now, if it is there. */
    static Optional<TableDefinition> readTable(
            Connection connection, ServerTraits traits, TableName wanted) throws SQLException {
        TableFilter only =
                new TableFilter() {
                    @Override
                    public boolean matches(String schema, String table) {
                        return schema.equals(wanted.schema()) && table.equals(wanted.table());
                    }

                    @Override
                    public boolean matchesSchema(String schema) {
                        return schema.equals(wanted.schema());
                    }
                };
        return Optional.ofNullable(read(connection, traits, only).tables().get(wanted));
    }

    static SchemaSnapshot read(Connection connection, ServerTraits traits, TableFilter filter)
            throws SQLException {
        Map<String, Defaults> schemas = new HashMap<>();
        Map<TableName, String> collations = new LinkedHashMap<>();
        TreeSet<String> wantedSchemas = new TreeSet<>();
        Set<TableName> sequences = new java.util.HashSet<>();
        Set<TableName> versioned = new java.util.HashSet<>();
        try (Statement statement = connection.createStatement()) {
            try (ResultSet row =
                    statement.executeQuery(
                            "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME,"
                                    + " DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA")) {
                while (row.next()) {
                    schemas.put(
                            row.getString(1),
                            new Defaults(
                                    ServerTraits.normalCharset(row.getString(2)),
                                    ServerTraits.normalCollation(row.getString(3))));
                }
            }
            try (ResultSet row =
                    statement.executeQuery(
                            "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_COLLATION FROM"
                                    + " information_schema.TABLES WHERE TABLE_SCHEMA NOT IN "
                                    + SYSTEM)) {
                while (row.next()) {
                    TableName name = new TableName(row.getString(1), row.getString(2));
                    if (!filter.matches(name)) {
                        continue;
                    }
                    switch (row.getString(3)) {
                        case "BASE TABLE", "SYSTEM VERSIONED" -> {
                            String collation = row.getString(4);
                            collations.put(
                                    name,
                                    collation == null
                                            ? traits.serverCollation()
                                            : ServerTraits.normalCollation(collation));
                            wantedSchemas.add(name.schema());
                            if (row.getString(3).equals("SYSTEM VERSIONED")) {
                                versioned.add(name);
                            }
                        }
                        case "SEQUENCE" -> sequences.add(name);
                        default -> {}
                    }
                }
            }
        }
        Map<TableName, List<Column>> columns = new HashMap<>();
        Map<TableName, Map<String, KeyParts>> keys = new HashMap<>();
        List<String> names = List.copyOf(wantedSchemas);
        for (int i = 0; i < names.size(); i += SCHEMAS_PER_QUERY) {
            List<String> some = names.subList(i, Math.min(names.size(), i + SCHEMAS_PER_QUERY));
            readColumns(connection, some, collations.keySet(), traits, columns);
            readKeys(connection, some, collations.keySet(), traits, keys);
        }
        Map<TableName, TableDefinition> tables = new HashMap<>();
        collations.forEach((name, collation) -> {
            List<Column> found = columns.get(name);
            if (found != null) {
                if (versioned.contains(name) && found.stream().noneMatch(ColumnTypes::isRowTime)) {
                    found.addAll(ColumnTypes.rowTimes());
                }
                List<KeyDefinition> indexes = new ArrayList<>();
                keys.getOrDefault(name, Map.of())
                        .forEach((index, parts) -> indexes.add(parts.toKey(index, found)));
                tables.put(
                        name,
                        new TableDefinition(
                                name,
                                traits.charsetOf(collation, traits.serverCharset()),
                                collation,
                                found,
                                indexes));
            }
        });
        return new SchemaSnapshot(schemas, tables, sequences);
    }

    private static PreparedStatement ofSchemas(
            Connection connection, String select, List<String> schemas, String order)
            throws SQLException {
        String marks = "?,".repeat(schemas.size());
        PreparedStatement statement =
                connection.prepareStatement(
                        select
                                + " WHERE TABLE_SCHEMA IN ("
                                + marks.substring(0, marks.length() - 1)
                                + ")"
                                + order);
        for (int i = 0; i < schemas.size(); i++) {
            statement.setString(i + 1, schemas.get(i));
        }
        return statement;
    }

    private static void readColumns(
            Connection connection,
            List<String> schemas,
            Set<TableName> wanted,
            ServerTraits traits,
            Map<TableName, List<Column>> out)
            throws SQLException {
        try (PreparedStatement statement =
                        ofSchemas(
                                connection,
                                "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE,"
                                        + " IS_NULLABLE, CHARACTER_SET_NAME, COLLATION_NAME,"
                                        + " COLUMN_DEFAULT, EXTRA, GENERATION_EXPRESSION FROM"
                                        + " information_schema.COLUMNS",
                                schemas,
                                " ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION");
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                TableName name = new TableName(row.getString(1), row.getString(2));
                if (wanted.contains(name)) {
                    out.computeIfAbsent(name, n -> new ArrayList<>())
                            .add(column(row, name, traits));
                }
            }
        }
    }

    private static Column column(ResultSet row, TableName table, ServerTraits traits)
            throws SQLException {
        String name = row.getString(3);
        String columnType = row.getString(4);
        String charset = row.getString(6);
        String collation = row.getString(7);
        String extra = row.getString(9).toUpperCase(java.util.Locale.ROOT);
        DdlStatement.TypeSpec type;
        try {
            type = DdlParser.parseType(columnType, traits.mariaDb(), traits.version());
        } catch (RuntimeException e) {
            throw new MillraceException(
                    ErrorCode.SCHEMA_MISMATCH,
                    "column "
                            + table
                            + "."
                            + name
                            + " has a type that is not supported: "
                            + columnType
                            + "; exclude the table with a filter rule",
                    e);
        }
        Column.Generated generated =
                extra.contains("VIRTUAL GENERATED")
                        ? Column.Generated.VIRTUAL
                        : extra.contains("STORED GENERATED") || extra.contains("PERSISTENT")
                                ? Column.Generated.STORED
                                : Column.Generated.NONE;
        Column built =
                ColumnTypes.build(
                        name,
                        type,
                        charset == null ? "binary" : ServerTraits.normalCharset(charset),
                        collation == null ? "binary" : ServerTraits.normalCollation(collation),
                        generated,
                        extra.contains("INVISIBLE"),
                        Optional.empty(),
                        traits);
        Optional<String> defaultValue = defaultValue(row.getString(8), built, extra, traits);
        if (traits.mariaDb() && generated == Column.Generated.STORED) {
            // Expressions are shown in parentheses or with operators, never as these words.
            defaultValue =
                    Optional.ofNullable(row.getString(10))
                            .filter(e ->
                                    e.equals(ColumnTypes.ROW_START)
                                            || e.equals(ColumnTypes.ROW_END));
        }
        Column withDefault = ColumnTypes.withDefault(built, defaultValue);
        return ColumnTypes.withNullable(withDefault, row.getString(5).equals("YES"));
    }

    /** The default as SQL text, whichever way the server shows it. */
    private static Optional<String> defaultValue(
            @Nullable String shown, Column column, String extra, ServerTraits traits) {
        if (shown == null
                || column.generated() != Column.Generated.NONE
                || traits.mariaDb() && shown.equals("NULL")) {
            return Optional.empty();
        }
        if (traits.mariaDb() || extra.contains("DEFAULT_GENERATED")) {
            return Optional.of(shown);
        }
        boolean bare =
                switch (column.kind()) {
                    case TINYINT,
                            SMALLINT,
                            MEDIUMINT,
                            INT,
                            BIGINT,
                            DECIMAL,
                            FLOAT,
                            DOUBLE,
                            YEAR,
                            BIT ->
                            true;
                    case TIMESTAMP, DATETIME -> shown.startsWith("CURRENT_TIMESTAMP");
                    default -> false;
                };
        return Optional.of(
                bare ? shown : "'" + shown.replace("\\", "\\\\").replace("'", "''") + "'");
    }

    private static final class KeyParts {
        final List<KeyDefinition.Part> parts = new ArrayList<>();
        boolean unique;

        KeyDefinition toKey(String name, List<Column> columns) {
            parts.replaceAll(part -> wholeWhereFull(part, columns));
            KeyDefinition.Kind kind =
                    name.equals("PRIMARY")
                            ? KeyDefinition.Kind.PRIMARY
                            : unique ? KeyDefinition.Kind.UNIQUE : KeyDefinition.Kind.PLAIN;
            return new KeyDefinition(name, kind, parts, false);
        }
    }

    private static KeyDefinition.Part wholeWhereFull(
            KeyDefinition.Part part, List<Column> columns) {
        for (Column column : columns) {
            if (part.prefix() > 0
                    && column.name().equalsIgnoreCase(part.column())
                    && DefinitionChanges.fullLength(column, part.prefix())) {
                return new KeyDefinition.Part(part.column(), 0);
            }
        }
        return part;
    }

    private static void readKeys(
            Connection connection,
            List<String> schemas,
            Set<TableName> wanted,
            ServerTraits traits,
            Map<TableName, Map<String, KeyParts>> out)
            throws SQLException {
        try (PreparedStatement statement =
                        ofSchemas(
                                connection,
                                "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, NON_UNIQUE,"
                                        + " COLUMN_NAME, SUB_PART FROM"
                                        + " information_schema.STATISTICS",
                                schemas,
                                " ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX");
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                TableName name = new TableName(row.getString(1), row.getString(2));
                if (!wanted.contains(name)) {
                    continue;
                }
                KeyParts key =
                        out.computeIfAbsent(name, n -> new LinkedHashMap<>())
                                .computeIfAbsent(row.getString(3), n -> new KeyParts());
                key.unique = row.getInt(4) == 0;
                String column = row.getString(5);
                key.parts.add(new KeyDefinition.Part(column == null ? "" : column, row.getInt(6)));
            }
        }
    }

    /** Where the binlog ends now. */
    static BinlogPosition binlogEnd(Connection connection, ServerTraits traits)
            throws SQLException {
        String query =
                !traits.mariaDb() && traits.version() >= 80200
                        ? "SHOW BINARY LOG STATUS"
                        : "SHOW MASTER STATUS";
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            if (!row.next()) {
                throw new MillraceException(
                        ErrorCode.UPSTREAM_MISCONFIGURED,
                        "the upstream writes no binlog: start it with log_bin");
            }
            return BinlogPosition.at(row.getString(1), row.getLong(2), 0);
        }
    }

    /** Offset of the server's own zone at a time, as {@code time_zone} takes it. */
    static String systemZone(Connection connection, long epochSecond) throws SQLException {
        String utc = "DATE_ADD('1970-01-01', INTERVAL " + epochSecond + " SECOND)";
        try (Statement statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT TIMESTAMPDIFF(MINUTE, "
                                        + utc
                                        + ", CONVERT_TZ("
                                        + utc
                                        + ", '+00:00', 'SYSTEM'))")) {
            row.next();
            int minutes = row.getInt(1);
            int size = Math.abs(minutes);
            return "%s%02d:%02d".formatted(minutes < 0 ? "-" : "+", size / 60, size % 60);
        }
    }

    static ServerTraits traits(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            String versionText;
            int lowerCase;
            boolean explicitTimestamps;
            String charset;
            String collation;
            try (ResultSet row =
                    statement.executeQuery(
                            "SELECT VERSION(), @@GLOBAL.lower_case_table_names,"
                                    + " @@GLOBAL.explicit_defaults_for_timestamp,"
                                    + " @@GLOBAL.character_set_server, @@GLOBAL.collation_server")) {
                row.next();
                versionText = row.getString(1);
                lowerCase = row.getInt(2);
                explicitTimestamps = row.getInt(3) != 0;
                charset = ServerTraits.normalCharset(row.getString(4));
                collation = ServerTraits.normalCollation(row.getString(5));
            }
            boolean mariaDb = versionText.contains("MariaDB");
            Map<String, String> defaults = new HashMap<>();
            Map<String, Integer> widths = new HashMap<>();
            try (ResultSet row =
                    statement.executeQuery(
                            "SELECT CHARACTER_SET_NAME, DEFAULT_COLLATE_NAME, MAXLEN FROM"
                                    + " information_schema.CHARACTER_SETS")) {
                while (row.next()) {
                    String name = ServerTraits.normalCharset(row.getString(1));
                    defaults.put(name, ServerTraits.normalCollation(row.getString(2)));
                    widths.put(name, row.getInt(3));
                }
            }
            Map<Integer, String> numbers = new HashMap<>();
            try (ResultSet row =
                    statement.executeQuery(
                            mariaDb && versionNumber(versionText) >= 101000
                                    ? "SELECT ID, FULL_COLLATION_NAME FROM information_schema."
                                            + "COLLATION_CHARACTER_SET_APPLICABILITY"
                                    : "SELECT ID, COLLATION_NAME FROM"
                                            + " information_schema.COLLATIONS")) {
                while (row.next()) {
                    numbers.put(row.getInt(1), ServerTraits.normalCollation(row.getString(2)));
                }
            }
            if (mariaDb) {
                try (ResultSet row =
                        statement.executeQuery(
                                "SHOW GLOBAL VARIABLES LIKE 'character_set_collations'")) {
                    if (row.next()) {
                        for (String pair : row.getString(2).split(",")) {
                            int equals = pair.indexOf('=');
                            if (equals > 0) {
                                defaults.put(
                                        ServerTraits.normalCharset(pair.substring(0, equals)),
                                        ServerTraits.normalCollation(pair.substring(equals + 1)));
                            }
                        }
                    }
                }
            }
            return new ServerTraits(
                    mariaDb,
                    versionNumber(versionText),
                    lowerCase,
                    explicitTimestamps,
                    charset,
                    collation,
                    defaults,
                    widths,
                    numbers);
        }
    }

    /** {@code 8.0.33-log} as 80033. */
    static int versionNumber(String version) {
        int number = 0;
        int part = 0;
        int parts = 0;
        for (int i = 0; i <= version.length() && parts < 3; i++) {
            char c = i < version.length() ? version.charAt(i) : '.';
            if (c >= '0' && c <= '9') {
                part = part * 10 + (c - '0');
            } else {
                number = number * 100 + part;
                part = 0;
                parts++;
                if (c != '.') {
                    break;
                }
            }
        }
        while (parts++ < 3) {
            number *= 100;
        }
        return number;
    }

    static MillraceException failed(String what, SQLException e) {
        return new MillraceException(
                ErrorCode.UPSTREAM_CONNECTION, what + " failed: " + e.getMessage(), e);
    }
}
