package io.millrace.server;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import io.millrace.storage.reader.StorageReader;
import io.millrace.storage.reader.StoredDdl;
import io.millrace.storage.reader.StoredRow;
import io.millrace.storage.reader.StoredTable;
import java.io.IOException;
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
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Replays the files of a storage sink into a MySQL or MariaDB server: for each DDL, first the rows
 * of all older table versions, then the statement; what lies behind the checkpoint is left out.
 * Rows are replaced and deleted by key, so that a second replay from the start ends in the same
 * state; only tables without a key get their rows twice.
 */
final class StorageApply implements AutoCloseable {
    /** Results of a repeated DDL: exists already, or gone already. */
    private static final Set<Integer> DONE_ALREADY =
            Set.of(
                    1007, 1008, 1050, 1051, 1060, 1061, 1062, 1068, 1091, 1146, 1054, 1049, 4092,
                    4093);

    private static final int NO_DATABASE = 1049;
    private static final int DUPLICATE = 1062;
    private static final int ROWS_PER_COMMIT = 5000;

    private final StorageReader files;
    private final Connection target;
    private final boolean strict;
    private final Map<String, PreparedStatement> statements = new HashMap<>();
    private long rows;
    private long ddls;
    private long left;

    /**
     * @param strict a row that is there already, or not there when it should go, is an error: for
     *     an empty target, it shows that no change is missing and none comes twice
     */
    StorageApply(StorageReader files, Connection target, boolean strict) throws SQLException {
        this.files = files;
        this.target = target;
        this.strict = strict;
        try (Statement settings = target.createStatement()) {
            settings.execute(
                    "SET SESSION foreign_key_checks=0, time_zone='+00:00',"
                            + " sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'");
        }
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

    /** Replays everything up to the checkpoint. */
    void run() throws IOException, SQLException {
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
            List<String> key = key(table.schema());
            for (String file : table.files()) {
                for (StoredRow row : files.rows(table, file)) {
                    if (Long.compareUnsigned(row.commitTso(), end) > 0
                            || Long.compareUnsigned(table.version(), end) > 0) {
                        left++;
                    } else {
                        apply(row, key, file);
                        if (++rows % ROWS_PER_COMMIT == 0) {
                            target.commit();
                        }
                    }
                }
            }
        }
    }

    private void apply(StoredDdl ddl) throws SQLException {
        target.commit();
        closeStatements();
        try (Statement statement = target.createStatement()) {
            try {
                statement.execute("USE " + quoted(ddl.defaultSchema()));
            } catch (SQLException e) {
                if (e.getErrorCode() != NO_DATABASE) {
                    throw e;
                }
            }
            statement.execute(ddl.query());
        } catch (SQLException e) {
            if (!DONE_ALREADY.contains(e.getErrorCode())) {
                throw new MillraceException(
                        ErrorCode.SINK_DDL,
                        "DDL at "
                                + Long.toUnsignedString(ddl.tso())
                                + " failed: "
                                + e.getMessage()
                                + ": "
                                + ddl.query(),
                        e);
            }
        }
        ddls++;
    }

    /** The target's own key of a table: the primary one, else one that is unique and not null. */
    private List<String> key(TableSchema schema) throws SQLException {
        TableName name = schema.name();
        Map<String, List<String>> keys = new LinkedHashMap<>();
        Set<String> nullable = new java.util.HashSet<>();
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
                    if ("YES".equals(found.getString(3)) || found.getString(4) != null) {
                        nullable.add(key);
                    }
                }
            }
        }
        for (Map.Entry<String, List<String>> key : keys.entrySet()) {
            if (!nullable.contains(key.getKey())) {
                return key.getValue();
            }
        }
        return List.of();
    }

    private void apply(StoredRow row, List<String> key, String file) throws SQLException {
        try {
            switch (row.op()) {
                case RowBatch.INSERT -> write(strict ? "INSERT" : "REPLACE", row);
                case RowBatch.DELETE -> delete(row, row.before(), key, file);
                default -> {
                    if (!row.before().isEmpty()) {
                        delete(row, row.before(), key, file);
                    } else if (key.isEmpty()) {
                        throw new MillraceException(
                                ErrorCode.SINK_DATA,
                                "table "
                                        + row.table()
                                        + " has no key, and the csv file "
                                        + file
                                        + " does not tell the old row of an update: write such"
                                        + " tables with csv.output_old_value=true, or as"
                                        + " canal-json");
                    } else if (strict) {
                        delete(row, row.after(), key, file);
                    }
                    write("REPLACE", row);
                }
            }
        } catch (SQLException e) {
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

    private void write(String verb, StoredRow row) throws SQLException {
        StringBuilder sql = new StringBuilder(verb).append(" INTO ").append(quoted(row.table()));
        StringBuilder marks = new StringBuilder();
        for (String column : row.after().keySet()) {
            sql.append(marks.isEmpty() ? " (" : ",").append(quoted(column));
            marks.append(marks.isEmpty() ? "?" : ",?");
        }
        PreparedStatement statement = prepared(sql + ") VALUES (" + marks + ")");
        int at = 1;
        for (@Nullable Object value : row.after().values()) {
            statement.setObject(at++, value);
        }
        statement.executeUpdate();
    }

    private void delete(
            StoredRow row, Map<String, @Nullable Object> old, List<String> key, String file)
            throws SQLException {
        List<String> columns = key.isEmpty() ? List.copyOf(old.keySet()) : key;
        StringBuilder sql =
                new StringBuilder("DELETE FROM ").append(quoted(row.table())).append(" WHERE ");
        for (int i = 0; i < columns.size(); i++) {
            sql.append(i > 0 ? " AND " : "").append(quoted(columns.get(i))).append("<=>?");
        }
        PreparedStatement statement = prepared(sql + " LIMIT 1");
        for (int i = 0; i < columns.size(); i++) {
            statement.setObject(i + 1, old.get(columns.get(i)));
        }
        if (statement.executeUpdate() == 0 && strict) {
            throw new MillraceException(
                    ErrorCode.SINK_DATA,
                    "a row is missing: table " + row.table() + ", file " + file);
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
