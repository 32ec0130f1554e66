package io.millrace.testkit.replay;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Replays changes into a database, as a consumer of their format would: rows in order, applied so
 * that a repeated one changes nothing, DDL executed. A subclass reads the changes, with code that
 * shares nothing with the encoder.
 *
 * <p>Values of rows are Java objects: null, {@code byte[]} for binary columns, {@link Number} where
 * a text would be taken for something else (ENUM, SET, BIT), else texts or numbers. The session is
 * in UTC.
 */
public abstract class Replay implements AutoCloseable {
    /** Results of a repeated DDL: exists already, or gone already. */
    private static final List<Integer> DONE_ALREADY =
            List.of(
                    1007, 1008, 1050, 1051, 1060, 1061, 1062, 1068, 1091, 1146, 1054, 1049, 4092,
                    4093);

    private static final int UNKNOWN_DATABASE = 1049;

    private final Connection target;
    private final Statement ddl;
    private final Map<String, PreparedStatement> statements = new HashMap<>();
    private final Map<String, Map<String, ColumnType>> types = new HashMap<>();
    private final Map<String, List<String>> keys = new HashMap<>();
    private long rows;
    private long ddls;

    /**
     * A column of the target.
     *
     * @param name data type such as {@code varchar}, lower case
     * @param unsigned of numbers
     */
    protected record ColumnType(String name, boolean unsigned) {
        /** Whether values are bytes. */
        boolean isBinary() {
            return name.endsWith("blob") || name.endsWith("binary") || name.equals("geometry");
        }
    }

    protected Replay(Connection target) throws SQLException {
        this.target = target;
        this.ddl = target.createStatement();
        ddl.execute(
                "SET SESSION foreign_key_checks=0, time_zone='+00:00', sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'");
        target.setAutoCommit(false);
    }

    /** Rows applied. */
    public long rows() {
        return rows;
    }

    /** Makes what was applied durable. */
    protected final void commit() throws SQLException {
        target.commit();
    }

    /** DDL statements applied. */
    public long ddls() {
        return ddls;
    }

    /**
     * Executes a statement; what was done before is not an error.
     *
     * @param database the current one for names without database; empty for none
     */
    protected final void executeDdl(String database, String sql) throws SQLException {
        target.commit();
        closeStatements();
        types.clear();
        keys.clear();
        if (!database.isEmpty()) {
            try {
                ddl.execute("USE " + quoted(database));
            } catch (SQLException e) {
                if (e.getErrorCode() != UNKNOWN_DATABASE) {
                    throw e;
                }
            }
        }
        try {
            ddl.execute(sql);
        } catch (SQLException e) {
            if (!DONE_ALREADY.contains(e.getErrorCode())) {
                throw new SQLException("replaying DDL failed: " + sql, e);
            }
        }
        ddls++;
    }

    /** Writes a new row, or the same again. */
    protected final void insert(
            String schema, String table, Map<String, ? extends @Nullable Object> row)
            throws SQLException {
        replace(schema, table, row);
        rows++;
    }

    /**
     * Replaces a row.
     *
     * @param keys columns that identify the old row; if empty, all its columns
     */
    protected final void update(
            String schema,
            String table,
            Collection<String> keys,
            Map<String, ? extends @Nullable Object> before,
            Map<String, ? extends @Nullable Object> after)
            throws SQLException {
        remove(schema, table, keys, before);
        replace(schema, table, after);
        rows++;
    }

    /**
     * Deletes a row.
     *
     * @param keys columns that identify it; if empty, all
     */
    protected final void delete(
            String schema,
            String table,
            Collection<String> keys,
            Map<String, ? extends @Nullable Object> row)
            throws SQLException {
        remove(schema, table, keys, row);
        rows++;
    }

    private void replace(String schema, String table, Map<String, ? extends @Nullable Object> row)
            throws SQLException {
        StringBuilder sql =
                new StringBuilder("REPLACE INTO ")
                        .append(quoted(schema))
                        .append('.')
                        .append(quoted(table))
                        .append(" (");
        StringBuilder marks = new StringBuilder();
        String separator = "";
        for (String name : row.keySet()) {
            sql.append(separator).append(quoted(name));
            marks.append(separator).append('?');
            separator = ",";
        }
        PreparedStatement statement = prepared(sql + ") VALUES (" + marks + ")");
        int at = 1;
        for (Object value : row.values()) {
            bind(statement, at++, value);
        }
        statement.executeUpdate();
    }

    private void remove(
            String schema,
            String table,
            Collection<String> keys,
            Map<String, ? extends @Nullable Object> row)
            throws SQLException {
        List<String> columns = new ArrayList<>(keys.isEmpty() ? row.keySet() : keys);
        StringBuilder sql =
                new StringBuilder("DELETE FROM ")
                        .append(quoted(schema))
                        .append('.')
                        .append(quoted(table))
                        .append(" WHERE ");
        for (int i = 0; i < columns.size(); i++) {
            sql.append(i > 0 ? " AND " : "").append(quoted(columns.get(i))).append("<=>?");
        }
        PreparedStatement statement = prepared(sql + " LIMIT 1");
        for (int i = 0; i < columns.size(); i++) {
            bind(statement, i + 1, row.get(columns.get(i)));
        }
        statement.executeUpdate();
    }

    private static void bind(PreparedStatement statement, int at, @Nullable Object value)
            throws SQLException {
        switch (value) {
            case null -> statement.setString(at, null);
            case byte[] bytes -> statement.setBytes(at, bytes);
            case Float number -> statement.setString(at, number.toString());
            case Double number -> statement.setString(at, number.toString());
            case Number number -> statement.setBigDecimal(at, new BigDecimal(number.toString()));
            default -> statement.setString(at, value.toString());
        }
    }

    /** Types of the target's columns, by name; as they are since the last DDL. */
    protected final Map<String, ColumnType> columnTypes(String schema, String table)
            throws SQLException {
        String name = quoted(schema) + "." + quoted(table);
        Map<String, ColumnType> known = types.get(name);
        if (known == null) {
            known = new LinkedHashMap<>();
            try (PreparedStatement query =
                    target.prepareStatement(
                            "SELECT column_name, data_type, column_type FROM information_schema.columns"
                                    + " WHERE table_schema=? AND table_name=? ORDER BY ordinal_position")) {
                query.setString(1, schema);
                query.setString(2, table);
                try (ResultSet result = query.executeQuery()) {
                    while (result.next()) {
                        known.put(
                                result.getString(1),
                                new ColumnType(
                                        result.getString(2).toLowerCase(Locale.ROOT),
                                        result.getString(3).contains("unsigned")));
                    }
                }
            }
            types.put(name, known);
        }
        return known;
    }

    /**
     * Columns of the target's primary key, else of one not-null unique key; none if it has none.
     */
    protected final List<String> keyColumns(String schema, String table) throws SQLException {
        String name = quoted(schema) + "." + quoted(table);
        List<String> known = keys.get(name);
        if (known == null) {
            Map<String, List<String>> candidates = new TreeMap<>();
            Set<String> unfit = new HashSet<>();
            try (PreparedStatement query =
                    target.prepareStatement(
                            "SELECT index_name, column_name, nullable FROM information_schema.statistics"
                                    + " WHERE table_schema=? AND table_name=? AND non_unique=0"
                                    + " ORDER BY seq_in_index")) {
                query.setString(1, schema);
                query.setString(2, table);
                try (ResultSet result = query.executeQuery()) {
                    while (result.next()) {
                        String index = result.getString(1);
                        candidates
                                .computeIfAbsent(index, any -> new ArrayList<>())
                                .add(result.getString(2));
                        if ("YES".equals(result.getString(3))) {
                            unfit.add(index);
                        }
                    }
                }
            }
            candidates.keySet().removeAll(unfit);
            known =
                    candidates.getOrDefault(
                            "PRIMARY", candidates.values().stream().findFirst().orElse(List.of()));
            keys.put(name, known);
        }
        return known;
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

    private static String quoted(String identifier) {
        return "`" + identifier.replace("`", "``") + "`";
    }

    @Override
    public void close() throws SQLException {
        target.commit();
        closeStatements();
        ddl.close();
    }
}
