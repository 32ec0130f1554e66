package io.millrace.mysql.capture;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.model.TableName;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the operator of tables whose rows change without the binlog: InnoDB carries out foreign
 * keys with {@code CASCADE} and {@code SET NULL} below it.
 */
final class UnloggedChanges {
    private static final Logger log = LoggerFactory.getLogger(UnloggedChanges.class);

    /** Tables that a message names. */
    private static final int NAMED = 10;

    private UnloggedChanges() {}

    /** Logs one warning if a table of the job is one of them. */
    static void warn(Connection control, String job, TableFilter filter) {
        Set<String> found;
        try {
            found = find(control, filter);
        } catch (SQLException e) {
            log.debug("job={} foreign keys cannot be read: {}", job, e.getMessage());
            return;
        }
        if (!found.isEmpty()) {
            log.warn(
                    "job={} tables={} count={}: foreign keys with CASCADE or SET NULL change rows"
                            + " of these tables, which the upstream does not write to its binlog;"
                            + " a MySQL sink whose target has the foreign keys makes the changes"
                            + " again, no other sink sees them",
                    job,
                    String.join(",", found.stream().limit(NAMED).toList()),
                    found.size());
        }
    }

    /** The job's tables whose rows may change without the binlog. */
    static Set<String> find(Connection control, TableFilter filter) throws SQLException {
        Set<String> found = new TreeSet<>();
        try (Statement statement = control.createStatement();
                ResultSet rows =
                        statement.executeQuery(
                                "SELECT CONSTRAINT_SCHEMA, TABLE_NAME FROM"
                                        + " information_schema.REFERENTIAL_CONSTRAINTS WHERE"
                                        + " DELETE_RULE NOT IN ('RESTRICT','NO ACTION') OR UPDATE_RULE"
                                        + " NOT IN ('RESTRICT','NO ACTION')")) {
            while (rows.next()) {
                TableName table = new TableName(rows.getString(1), rows.getString(2));
                if (filter.matches(table.schema(), table.table())) {
                    found.add(table.toString());
                }
            }
        }
        return found;
    }
}
