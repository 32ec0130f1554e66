package io.millrace.testkit.replay;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A database into which rows are put so that a repeated message changes nothing. Values are bytes,
 * numbers for columns that take them ({@link BigDecimal}), or else text.
 */
final class RowTarget implements AutoCloseable {
    /** Results of a repeated DDL: exists already, or gone already. */
    private static final List<Integer> DONE_ALREADY =
            List.of(
                    1007, 1008, 1050, 1051, 1060, 1061, 1062, 1068, 1091, 1146, 1054, 1049, 4092,
                    4093);

    private final Connection target;
    private final Statement ddl;
    private final Map<String, PreparedStatement> statements = new HashMap<>();

    RowTarget(Connection target) throws SQLException {
        this.target = target;
        ddl = target.createStatement();
        ddl.execute(
                "SET SESSION foreign_key_checks=0, time_zone='+00:00',"
                        + " sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'");
        target.setAutoCommit(false);
    }

    void execute(String database, String sql) throws SQLException {
        commit();
        for (PreparedStatement statement : statements.values()) {
            statement.close();
        }
        statements.clear();
        try {
            if (!database.isEmpty()) {
                ddl.execute("USE " + quoted(database));
            }
            ddl.execute(sql);
        } catch (SQLException e) {
            if (!DONE_ALREADY.contains(e.getErrorCode())) {
                throw new SQLException("replaying DDL failed: " + sql, e);
            }
        }
    }

    void replace(String database, String table, Map<String, @Nullable Object> row)
            throws SQLException {
        String columns = String.join(",", row.keySet().stream().map(RowTarget::quoted).toList());
        String marks = String.join(",", row.keySet().stream().map(name -> "?").toList());
        run(
                "REPLACE INTO "
                        + quoted(database)
                        + "."
                        + quoted(table)
                        + " ("
                        + columns
                        + ") VALUES ("
                        + marks
                        + ")",
                row.values());
    }

    void delete(String database, String table, Map<String, @Nullable Object> key)
            throws SQLException {
        String where =
                String.join(
                        " AND ", key.keySet().stream().map(name -> quoted(name) + "<=>?").toList());
        run(
                "DELETE FROM "
                        + quoted(database)
                        + "."
                        + quoted(table)
                        + " WHERE "
                        + where
                        + " LIMIT 1",
                key.values());
    }

    private void run(String sql, Collection<@Nullable Object> values) throws SQLException {
        PreparedStatement statement = statements.get(sql);
        if (statement == null) {
            statement = target.prepareStatement(sql);
            statements.put(sql, statement);
        }
        int at = 1;
        for (Object value : values) {
            switch (value) {
                case null -> statement.setString(at, null);
                case byte[] bytes -> statement.setBytes(at, bytes);
                case BigDecimal number -> statement.setBigDecimal(at, number);
                default -> statement.setString(at, value.toString());
            }
            at++;
        }
        statement.executeUpdate();
    }

    void commit() throws SQLException {
        target.commit();
    }

    private static String quoted(String identifier) {
        return "`" + identifier.replace("`", "``") + "`";
    }

    @Override
    public void close() throws SQLException {
        commit();
        for (PreparedStatement statement : statements.values()) {
            statement.close();
        }
        ddl.close();
    }
}
