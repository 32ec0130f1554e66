package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.Column;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies one DDL to the target, once. The journal in the target says {@code applying} before and
 * {@code applied} after; between the two a crash leaves a doubt, which is settled by looking at the
 * target: whether the table, column or schema is there or gone already. What the server answers to
 * a DDL that has already happened counts as done.
 */
final class DdlApplier {
    private static final Logger log = LoggerFactory.getLogger(DdlApplier.class);

    private final ProgressStore progress;
    private final String address;

    DdlApplier(ProgressStore progress, String address) {
        this.progress = progress;
        this.address = address;
    }

    /** Applies the change; throws SINK_DDL when the target refuses it. */
    void apply(TargetSession session, SchemaChange change, boolean replayed) {
        try {
            String state = progress.ddlState(session, change.commitTso());
            if (state.equals("applied")) {
                log.info("ddl commit_ts={} already_applied", unsigned(change.commitTso()));
                return;
            }
            boolean doubtful = replayed || state.equals("applying");
            progress.saveDdl(session, change.commitTso(), "applying", change.query());
            use(session, change.defaultSchema());
            Set<String> queries = new LinkedHashSet<>();
            List<SchemaChange.Change> parts = new ArrayList<>();
            for (SchemaChange.Change part : change.changes()) {
                // A statement that was not split comes once, however many objects it touches.
                if (queries.add(part.query())) {
                    parts.add(part);
                }
            }
            for (SchemaChange.Change part : parts) {
                applyPart(session, change, part, doubtful);
            }
            progress.saveDdl(session, change.commitTso(), "applied", change.query());
        } catch (SQLException e) {
            throw SqlErrors.of(
                    e,
                    ErrorCode.SINK_DDL,
                    "cannot apply a DDL to " + address + ": " + change.query());
        }
    }

    private static String unsigned(long tso) {
        return Long.toUnsignedString(tso);
    }

    private void use(TargetSession session, String schema) throws SQLException {
        if (schema.isEmpty()) {
            return;
        }
        try {
            session.execute("USE " + SqlText.quoted(schema));
        } catch (SQLException e) {
            // The session upstream may have stood in a schema that is not replicated, or that this
            // very statement creates; a qualified statement does not need it.
            if (e.getErrorCode() != SqlErrors.UNKNOWN_DATABASE
                    && !SqlErrors.isAccessDenied(e.getErrorCode())) {
                throw e;
            }
        }
    }

    private void applyPart(
            TargetSession session, SchemaChange change, SchemaChange.Change part, boolean doubtful)
            throws SQLException {
        if (doubtful) {
            if (part.kind() == DdlKind.EXCHANGE_PARTITION) {
                throw new MillraceException(
                        ErrorCode.SINK_DDL,
                        "an EXCHANGE PARTITION was begun on "
                                + address
                                + " and its outcome cannot be told from the target: check the"
                                + " table, run the statement by hand if needed, then set state to"
                                + " 'applied' in "
                                + progress.ddlTable()
                                + " for commit_tso "
                                + unsigned(change.commitTso())
                                + " and resume: "
                                + part.query());
            }
            if (isDone(session, part)) {
                log.info(
                        "ddl commit_ts={} found_in_target query={}",
                        unsigned(change.commitTso()),
                        part.query());
                return;
            }
        }
        try {
            session.execute(part.query());
            log.info(
                    "ddl commit_ts={} applied query={}",
                    unsigned(change.commitTso()),
                    part.query());
        } catch (SQLException e) {
            if (isAlreadyThere(e.getErrorCode()) || (doubtful && isReplayOnly(e.getErrorCode()))) {
                log.warn(
                        "ddl commit_ts={} counts_as_done error={} query={}",
                        unsigned(change.commitTso()),
                        SqlErrors.describe(e),
                        part.query());
                return;
            }
            throw SqlErrors.of(
                    e,
                    ErrorCode.SINK_DDL,
                    "the target "
                            + address
                            + advice(session, e.getErrorCode())
                            + " refuses a DDL ("
                            + change.query()
                            + ")");
        }
    }

    private static String advice(TargetSession session, int number) {
        String flavour = session.isTiDb() ? "TiDB" : session.isMariaDb() ? "MariaDB" : "MySQL";
        return switch (number) {
            case 1064, 1115, 1193, 1235, 1273, 1286, 4161 ->
                    " ("
                            + flavour
                            + ", which lacks this syntax, character set, collation or engine; run an"
                            + " equivalent statement by hand and leave this DDL out by a filter"
                            + " rule)";
            default -> " (" + flavour + ")";
        };
    }

    /**
     * Answers that mean the target is already as the DDL wants it: database, table, column, key or
     * partition exists, or is missing on a drop.
     */
    static boolean isAlreadyThere(int number) {
        return switch (number) {
            case 1007, 1008, 1050, 1051, 1060, 1061, 1068, 1091, 1507, 1508, 1517 -> true;
            default -> false;
        };
    }

    /** The same for a DDL that may have run already: key to rename gone, foreign key name taken. */
    static boolean isReplayOnly(int number) {
        return switch (number) {
            case 1176, 1826, 1505 -> true;
            default -> false;
        };
    }

    private static boolean isDone(TargetSession session, SchemaChange.Change part)
            throws SQLException {
        TableName name = part.name();
        return switch (part.kind()) {
            case CREATE_SCHEMA -> schemaExists(session, name.schema());
            case DROP_SCHEMA -> !schemaExists(session, name.schema());
            case CREATE_TABLE, CREATE_VIEW ->
                    // CREATE OR REPLACE runs again: it ends in the same state.
                    !part.query().toUpperCase(Locale.ROOT).contains("OR REPLACE")
                            && exists(session, name);
            case DROP_TABLE, DROP_VIEW -> !exists(session, name);
            case RENAME_TABLE ->
                    part.newName().isPresent()
                            && !exists(session, name)
                            && exists(session, part.newName().get());
            default ->
                    part.before().isPresent()
                            && part.after().isPresent()
                            && columnsDone(session, part.before().get(), part.after().get());
        };
    }

    /** True when columns were added or dropped, and the target shows exactly that. */
    private static boolean columnsDone(TargetSession session, TableSchema before, TableSchema after)
            throws SQLException {
        Set<String> old = columnNames(before);
        Set<String> now = columnNames(after);
        Set<String> added = new TreeSet<>(now);
        added.removeAll(old);
        Set<String> dropped = new TreeSet<>(old);
        dropped.removeAll(now);
        if (added.isEmpty() && dropped.isEmpty()) {
            return false;
        }
        Set<String> there = new TreeSet<>();
        TargetTable.load(session, after.name())
                .ifPresent(table -> there.addAll(table.columns().keySet()));
        return there.containsAll(added) && dropped.stream().noneMatch(there::contains);
    }

    private static Set<String> columnNames(TableSchema schema) {
        Set<String> names = new TreeSet<>();
        for (Column column : schema.columns()) {
            names.add(column.name().toLowerCase(Locale.ROOT));
        }
        return names;
    }

    private static boolean schemaExists(TargetSession session, String schema) throws SQLException {
        return any(
                session,
                "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME="
                        + SqlText.literal(schema));
    }

    private static boolean exists(TargetSession session, TableName name) throws SQLException {
        return any(
                session,
                "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA="
                        + SqlText.literal(name.schema())
                        + " AND TABLE_NAME="
                        + SqlText.literal(name.table()));
    }

    private static boolean any(TargetSession session, String sql) throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next();
        }
    }
}
