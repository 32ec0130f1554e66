package io.millrace.server;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.ColumnKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.mysql.sink.DdlReplay;
import io.millrace.storage.reader.StorageReader;
import io.millrace.storage.reader.StoredDdl;
import io.millrace.storage.reader.StoredRow;
import io.millrace.storage.reader.StoredRows;
import io.millrace.storage.reader.StoredTable;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Replays the files of a storage sink into a MySQL or MariaDB server: for each DDL, first the rows
 * of all older table versions, then the statement; what lies behind the checkpoint is left out.
 * Rows are replaced and deleted by key, so that a second replay from the start ends in the same
 * state; only tables without a key get their rows twice. TIMESTAMP texts, which are in the
 * changefeed's time zone, are written as the same instant.
 */
final class StorageApply implements AutoCloseable {
    /** Results of a repeated DDL: exists already, or gone already. */
    private static final Set<Integer> DONE_ALREADY =
            Set.of(1007, 1008, 1050, 1051, 1060, 1061, 1068, 1091, 1146, 1054, 1049, 4092, 4093);

    /** What information_schema answers to a DDL: access denied, unknown table. */
    private static final Set<Integer> REFUSED_THERE = Set.of(1044, 1109);

    /** Not a creation: without its database, the object is gone already. */
    private static final Pattern CREATES =
            Pattern.compile("(?is)\\s*(?:/\\*.*?\\*/\\s*)*CREATE\\b.*");

    private static final DateTimeFormatter TIMESTAMP =
            new DateTimeFormatterBuilder()
                    .appendPattern("uuuu-MM-dd HH:mm:ss")
                    .appendFraction(ChronoField.NANO_OF_SECOND, 0, 6, true)
                    .toFormatter(Locale.ROOT);

    private static final int NO_DATABASE = 1049;
    private static final int DUPLICATE = 1062;
    private static final int ROWS_PER_COMMIT = 5000;

    private final StorageReader files;
    private final Connection target;
    private final boolean strict;
    private final ZoneId zone;
    private final DdlReplay ddlReplay;
    private final Map<String, PreparedStatement> statements = new HashMap<>();
    private long rows;
    private long ddls;
    private long left;
    private long missed;

    /** A table as the target has it. */
    private record Target(List<String> key, Set<String> generated, Set<String> json) {}

    /**
     * @param strict a row or an object that is there already, or not there when it should go, is an
     *     error: for an empty target, it shows that no change is missing and none comes twice
     * @param zone that TIMESTAMP texts are in
     */
    StorageApply(StorageReader files, Connection target, boolean strict, ZoneId zone)
            throws SQLException {
        this.files = files;
        this.target = target;
        this.strict = strict;
        this.zone = zone;
        try (Statement settings = target.createStatement()) {
            settings.execute(
                    "SET SESSION foreign_key_checks=0, time_zone='+00:00',"
                            + " sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'");
        }
        ddlReplay = new DdlReplay(target);
        target.setAutoCommit(false);
    }

    /** Rows applied. */
    long rows() {
        return rows;
    }

    /** DDL statements applied. */
    long ddls() {
        return ddls;
    }

    /** Changes behind the checkpoint that were left out. */
    long left() {
        return left;
    }

    /** Deletes, also of the old rows of updates, that found no row. */
    long missed() {
        return missed;
    }

    /** Replays everything up to the checkpoint. */
    void run() throws IOException, SQLException {
        try {
            replay();
        } catch (SQLException e) {
            throwIfTargetFails(e, "a look at its tables, or a commit");
            throw e;
        }
    }

    private void replay() throws IOException, SQLException {
        long end = files.checkpoint().orElse(0L);
        List<StoredTable> waiting = new ArrayList<>(files.tables());
        for (StoredDdl ddl : files.ddls()) {
            if (Long.compareUnsigned(ddl.tso(), end) > 0) {
                left++;
                continue;
            }
            applyTables(waiting, ddl.tso(), end);
            apply(ddl);
        }
        applyTables(waiting, -1, end);
        target.commit();
    }

    private void applyTables(List<StoredTable> waiting, long before, long end)
            throws IOException, SQLException {
        while (!waiting.isEmpty()
                && Long.compareUnsigned(waiting.getFirst().version(), before) < 0) {
            StoredTable table = waiting.removeFirst();
            Target known = target(table.schema());
            for (String file : table.files()) {
                applyFile(table, known, file, end);
            }
        }
    }

    private void applyFile(StoredTable table, Target known, String file, long end)
            throws IOException, SQLException {
        try (StoredRows stored = files.rows(table, file)) {
            while (stored.hasNext()) {
                StoredRow row = stored.next();
                if (Long.compareUnsigned(row.commitTso(), end) > 0
                        || Long.compareUnsigned(table.version(), end) > 0) {
                    left++;
                } else {
                    apply(row, table.schema(), known, file);
                    if (++rows % ROWS_PER_COMMIT == 0) {
                        target.commit();
                    }
                }
            }
        }
    }

    private void apply(StoredDdl ddl) throws SQLException {
        target.commit();
        closeStatements();
        boolean homeless = false;
        try (Statement statement = target.createStatement()) {
            try {
                statement.execute("USE " + quoted(ddl.defaultSchema()));
            } catch (SQLException e) {
                if (e.getErrorCode() != NO_DATABASE) {
                    throw e;
                }
                // Names without a database must not mean those of the DDL before.
                homeless = true;
                statement.execute("USE information_schema");
            }
            ddlReplay.execute(ddl.session(), ddl.query());
        } catch (SQLException e) {
            boolean refused = homeless && REFUSED_THERE.contains(e.getErrorCode());
            if (!refused) {
                throwIfTargetFails(e, "the DDL at " + Long.toUnsignedString(ddl.tso()));
            }
            boolean done =
                    refused
                            ? !CREATES.matcher(ddl.query()).matches()
                            : DONE_ALREADY.contains(e.getErrorCode());
            if (strict || !done) {
                throw new MillraceException(
                        ErrorCode.SINK_DDL,
                        "DDL at "
                                + Long.toUnsignedString(ddl.tso())
                                + " failed: "
                                + (refused
                                        ? "the target has no database " + ddl.defaultSchema()
                                        : e.getMessage())
                                + ": "
                                + ddl.query(),
                        e);
            }
        }
        ddls++;
    }

    private Target target(TableSchema schema) throws SQLException {
        Set<String> generated = new HashSet<>();
        Set<String> json = new HashSet<>();
        try (PreparedStatement query =
                target.prepareStatement(
                        "SELECT column_name, data_type, generation_expression FROM"
                                + " information_schema.columns WHERE table_schema=? AND"
                                + " table_name=?")) {
            query.setString(1, schema.name().schema());
            query.setString(2, schema.name().table());
            try (ResultSet found = query.executeQuery()) {
                while (found.next()) {
                    String expression = found.getString(3);
                    if (expression != null && !expression.isEmpty()) {
                        generated.add(folded(found.getString(1)));
                    }
                    if ("json".equalsIgnoreCase(found.getString(2))) {
                        json.add(folded(found.getString(1)));
                    }
                }
            }
        }
        return new Target(key(schema), generated, json);
    }

    /** Names of columns do not depend on case. */
    private static String folded(String column) {
        return column.toLowerCase(Locale.ROOT);
    }

    /**
     * The target's own key of a table: the primary one, else one that is unique and not null, and
     * whose columns the files have.
     */
    private List<String> key(TableSchema schema) throws SQLException {
        TableName name = schema.name();
        Map<String, List<String>> keys = new LinkedHashMap<>();
        Set<String> unfit = new HashSet<>();
        try (PreparedStatement query =
                target.prepareStatement(
                        "SELECT index_name, column_name, nullable, sub_part FROM"
                                + " information_schema.statistics WHERE table_schema=? AND"
                                + " table_name=? AND non_unique=0 ORDER BY index_name<>'PRIMARY',"
                                + " index_name, seq_in_index")) {
            query.setString(1, name.schema());
            query.setString(2, name.table());
            try (ResultSet found = query.executeQuery()) {
                while (found.next()) {
                    String key = found.getString(1);
                    keys.computeIfAbsent(key, each -> new ArrayList<>()).add(found.getString(2));
                    if ("YES".equals(found.getString(3))
                            || found.getString(4) != null
                            || found.getString(2) == null
                            || schema.ordinalOf(found.getString(2)) < 0) {
                        unfit.add(key);
                    }
                }
            }
        }
        for (Map.Entry<String, List<String>> key : keys.entrySet()) {
            if (!unfit.contains(key.getKey())) {
                return key.getValue();
            }
        }
        return List.of();
    }

    private void apply(StoredRow row, TableSchema schema, Target known, String file)
            throws SQLException {
        try {
            switch (row.op()) {
                case RowBatch.INSERT -> write(strict ? "INSERT" : "REPLACE", row, schema, known);
                case RowBatch.DELETE -> delete(row, row.before(), schema, known, file);
                default -> {
                    if (!row.before().isEmpty()) {
                        delete(row, row.before(), schema, known, file);
                    } else if (known.key().isEmpty()) {
                        throw new MillraceException(
                                ErrorCode.SINK_DATA,
                                "table "
                                        + row.table()
                                        + " has no key, and the file "
                                        + file
                                        + " does not tell the old row of an update: write such"
                                        + " tables with csv.output_old_value=true, which holds for"
                                        + " parquet too, or as canal-json");
                    } else if (strict) {
                        delete(row, row.after(), schema, known, file);
                    }
                    write("REPLACE", row, schema, known);
                }
            }
        } catch (SQLException e) {
            throwIfTargetFails(e, "a row of table " + row.table() + ", file " + file);
            throw new MillraceException(
                    ErrorCode.SINK_DATA,
                    (e.getErrorCode() == DUPLICATE
                                    ? "a row is there twice: "
                                    : "a row cannot be applied: ")
                            + "table "
                            + row.table()
                            + ", file "
                            + file
                            + ": "
                            + e.getMessage(),
                    e);
        }
    }

    /** What is wrong with the target says nothing against what was being written. */
    private static void throwIfTargetFails(SQLException e, String writing) {
        DdlReplay.targetFailure(e, "the target failed at " + writing)
                .ifPresent(failure -> {
                    throw new MillraceException(
                            failure.code(),
                            failure.text()
                                    + ". The files are not to blame: see that the target runs, can"
                                    + " be reached and may be written, then run the command again;"
                                    + " it begins anew and ends in the same state. Empty tables"
                                    + " without a key before, with --strict the whole target",
                            e);
                });
    }

    private void write(String verb, StoredRow row, TableSchema schema, Target known)
            throws SQLException {
        StringBuilder sql = new StringBuilder(verb).append(" INTO ").append(quoted(row.table()));
        StringBuilder marks = new StringBuilder();
        List<String> columns = new ArrayList<>(row.after().keySet());
        columns.removeIf(column -> known.generated().contains(folded(column)));
        for (String column : columns) {
            sql.append(marks.isEmpty() ? " (" : ",").append(quoted(column));
            marks.append(marks.isEmpty() ? "?" : ",?");
        }
        PreparedStatement statement =
                prepared(sql + (marks.isEmpty() ? " (" : "") + ") VALUES (" + marks + ")");
        for (int i = 0; i < columns.size(); i++) {
            statement.setObject(i + 1, value(schema, columns.get(i), row.after()));
        }
        statement.executeUpdate();
    }

    private void delete(
            StoredRow row,
            Map<String, @Nullable Object> old,
            TableSchema schema,
            Target known,
            String file)
            throws SQLException {
        List<String> columns = known.key().isEmpty() ? List.copyOf(old.keySet()) : known.key();
        StringBuilder sql =
                new StringBuilder("DELETE FROM ").append(quoted(row.table())).append(" WHERE ");
        for (int i = 0; i < columns.size(); i++) {
            sql.append(i > 0 ? " AND " : "");
            String column = quoted(columns.get(i));
            if (known.key().isEmpty() && isText(schema, columns.get(i))) {
                // A collation takes different texts for equal, which a key would not let be two
                // rows.
                sql.append("CAST(CONVERT(")
                        .append(column)
                        .append(" USING utf8mb4) AS BINARY)<=>")
                        .append("CAST(CONVERT(? USING utf8mb4) AS BINARY)");
            } else if (known.json().contains(folded(columns.get(i)))) {
                // A text never equals a JSON value.
                sql.append(column).append("<=>CAST(? AS JSON)");
            } else {
                sql.append(column).append("<=>?");
            }
        }
        PreparedStatement statement = prepared(sql + " LIMIT 1");
        for (int i = 0; i < columns.size(); i++) {
            statement.setObject(i + 1, compared(schema, columns.get(i), old));
        }
        if (statement.executeUpdate() == 0) {
            missed++;
            if (strict) {
                throw new MillraceException(
                        ErrorCode.SINK_DATA,
                        "a row is missing: table " + row.table() + ", file " + file);
            }
        }
    }

    private static boolean isText(TableSchema schema, String column) {
        int ordinal = schema.ordinalOf(column);
        if (ordinal < 0) {
            return false;
        }
        ColumnKind kind = schema.column(ordinal).kind();
        return kind.access() == ColumnKind.Access.TEXT && kind != ColumnKind.JSON;
    }

    private @Nullable Object value(
            TableSchema schema, String column, Map<String, @Nullable Object> row) {
        Object value = row.get(column);
        if (value instanceof Instant instant) {
            return TIMESTAMP.format(instant.atOffset(ZoneOffset.UTC));
        }
        int ordinal = schema.ordinalOf(column);
        return value instanceof String text
                        && ordinal >= 0
                        && schema.column(ordinal).kind() == ColumnKind.TIMESTAMP
                ? inUtc(text, zone)
                : value;
    }

    /** A value to compare with: the server compares FLOAT as DOUBLE, so it must be widened. */
    private @Nullable Object compared(
            TableSchema schema, String column, Map<String, @Nullable Object> row) {
        Object value = value(schema, column, row);
        int ordinal = schema.ordinalOf(column);
        return value != null && ordinal >= 0 && schema.column(ordinal).kind() == ColumnKind.FLOAT
                ? (Object) (double) Float.parseFloat(value.toString())
                : value;
    }

    /** A TIMESTAMP's text of a zone in UTC; the zero value has no zone. */
    static String inUtc(String text, ZoneId zone) {
        if (text.startsWith("0000-00-00")) {
            return text;
        }
        try {
            return LocalDateTime.parse(text, TIMESTAMP)
                    .atZone(zone)
                    .withZoneSameInstant(ZoneOffset.UTC)
                    .format(TIMESTAMP);
        } catch (DateTimeException e) {
            throw new MillraceException(
                    ErrorCode.SINK_DATA, "'" + text + "' is no TIMESTAMP: " + e.getMessage(), e);
        }
    }

    private PreparedStatement prepared(String sql) throws SQLException {
        PreparedStatement statement = statements.get(sql);
        if (statement == null) {
            statement = target.prepareStatement(sql);
            statements.put(sql, statement);
        }
        return statement;
    }

    private void closeStatements() throws SQLException {
        for (PreparedStatement statement : statements.values()) {
            statement.close();
        }
        statements.clear();
    }

    private static String quoted(TableName name) {
        return quoted(name.schema()) + "." + quoted(name.table());
    }

    private static String quoted(String identifier) {
        return "`" + identifier.replace("`", "``") + "`";
    }

    @Override
    public void close() throws SQLException {
        closeStatements();
    }
}
