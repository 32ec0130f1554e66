package io.millrace.mysql.sink;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies one DDL to the target, once.
 *
 * <p>The journal in the target says before each step of the statement which one is begun, and what
 * the tables looked like then. A statement that was split for the filter has a step per part; a set
 * of renames is one step and one statement, which the server carries out as a whole. So after a
 * crash only one step is in doubt, and the target tells: when its tables look as before, it did not
 * happen. What leaves no trace in a definition (exchanged partitions, tables or columns that look
 * alike) cannot be told, and is left to the operator. A DDL that is not in the journal was not
 * begun here, for the journal is written first.
 *
 * <p>What a server answers to a DDL whose effect is there already counts as done, if it is the
 * statement's only effect, or the target shows all of them.
 */
final class DdlApplier {
    private static final Logger log = LoggerFactory.getLogger(DdlApplier.class);

    /** State of a DDL whose last step the target has refused: so that did not happen. */
    private static final String REFUSED = "refused";

    private static final int TABLE_EXISTS = 1050;
    private static final int NO_SUCH_TABLE = 1146;
    private static final long STILL_RUNNING_POLL_MS = 200;

    private static final Pattern OLD_STEP = Pattern.compile("(\\d+)/(\\d+) ([0-9a-f]*)");
    private static final String NAME = "(`(?:[^`]|``)+`|[\\w$]+)";
    private static final Pattern RENAMED_COLUMN =
            Pattern.compile(
                    "(?:\\bCHANGE\\s+(?:COLUMN\\s+)?(?:IF\\s+EXISTS\\s+)?"
                            + NAME
                            + "\\s+|\\bRENAME\\s+COLUMN\\s+(?:IF\\s+EXISTS\\s+)?"
                            + NAME
                            + "\\s+TO\\s+)"
                            + NAME,
                    Pattern.CASE_INSENSITIVE);
    private static final Pattern PARTITION_LIST =
            Pattern.compile("\\bDROP\\s+PARTITION\\b[^,]*$", Pattern.CASE_INSENSITIVE);
    private static final Pattern PARTITION =
            Pattern.compile("\\bPARTITION\\b", Pattern.CASE_INSENSITIVE);
    private static final Pattern OR_REPLACE =
            Pattern.compile("^\\s*CREATE\\s+OR\\s+REPLACE\\b", Pattern.CASE_INSENSITIVE);
    private static final Pattern IF_NOT_EXISTS =
            Pattern.compile("^[^(]*\\bIF\\s+NOT\\s+EXISTS\\b", Pattern.CASE_INSENSITIVE);

    private final ProgressStore progress;
    private final String address;

    DdlApplier(ProgressStore progress, String address) {
        this.progress = progress;
        this.address = address;
    }

    /** What is executed at once. */
    private record Step(String query, List<SchemaChange.Change> parts) {
        /** The tables that it can change. */
        List<TableName> tables() {
            Set<TableName> out = new LinkedHashSet<>();
            for (SchemaChange.Change part : parts) {
                if (!part.name().table().isEmpty()) {
                    out.add(part.name());
                    part.newName().ifPresent(out::add);
                }
            }
            return List.copyOf(out);
        }

        boolean isRename() {
            return parts.stream().allMatch(p -> p.kind() == DdlKind.RENAME_TABLE);
        }

        SchemaChange.Change first() {
            return parts.getFirst();
        }
    }

    /** Applies the change; throws SINK_DDL when the target refuses it. */
    void apply(TargetSession session, SchemaChange change, boolean replayed) {
        try {
            ProgressStore.DdlEntry entry = progress.ddlEntry(session, change.commitTso());
            if (entry.state().equals("applied")) {
                log.info("ddl commit_ts={} already_applied", unsigned(change.commitTso()));
                return;
            }
            List<Step> steps = steps(change);
            boolean begun = !entry.state().isEmpty();
            if (replayed && !begun) {
                log.info("ddl commit_ts={} was_not_begun", unsigned(change.commitTso()));
            }
            int first = begun ? inDoubt(change, entry.step(), steps.size()) : 0;
            for (int i = first; i < steps.size(); i++) {
                Step step = steps.get(i);
                if (begun && i == first) {
                    awaitStillRunning(session, change, step);
                    if (entry.state().equals(REFUSED)
                            ? isDoneByHand(session, step, entry.step())
                            : isDone(session, change, step, entry.step())) {
                        log.info(
                                "ddl commit_ts={} found_in_target query={}",
                                unsigned(change.commitTso()),
                                step.query());
                        continue;
                    }
                }
                begin(session, change, step, i, steps.size());
                use(session, change.defaultSchema());
                execute(session, change, step);
            }
            progress.saveDdl(
                    session,
                    change.commitTso(),
                    "applied",
                    progress.ddlEntry(session, change.commitTso()).step(),
                    change.query());
        } catch (SQLException e) {
            throw SqlErrors.of(
                    e,
                    ErrorCode.SINK_DDL,
                    "cannot apply a DDL to " + address + ": " + change.query());
        }
    }

    private static List<Step> steps(SchemaChange change) {
        List<SchemaChange.Change> parts = change.changes();
        if (parts.size() > 1
                && parts.stream()
                        .allMatch(
                                p -> p.kind() == DdlKind.RENAME_TABLE && p.newName().isPresent())) {
            StringBuilder sql = new StringBuilder("RENAME TABLE ");
            for (SchemaChange.Change part : parts) {
                sql.append(sql.length() > 13 ? ", " : "")
                        .append(SqlText.quoted(part.name()))
                        .append(" TO ")
                        .append(SqlText.quoted(part.newName().orElseThrow()));
            }
            return List.of(new Step(sql.toString(), parts));
        }
        // A statement that was not split comes once, however many objects it touches.
        Map<String, List<SchemaChange.Change>> byQuery = new LinkedHashMap<>();
        for (SchemaChange.Change part : parts) {
            byQuery.computeIfAbsent(part.query(), q -> new ArrayList<>()).add(part);
        }
        List<Step> steps = new ArrayList<>();
        byQuery.forEach((query, touched) -> steps.add(new Step(query, touched)));
        return steps;
    }

    /** Index of the step that was begun last. */
    private int inDoubt(SchemaChange change, String step, int count) {
        Matcher matcher = OLD_STEP.matcher(step);
        if (matcher.matches() && Integer.parseInt(matcher.group(2)) == count) {
            return Integer.parseInt(matcher.group(1)) - 1;
        }
        throw unknownOutcome(
                change,
                "its steps are others than those that were begun"
                        + " (was the job's filter changed meanwhile?)");
    }

    private void begin(TargetSession session, SchemaChange change, Step step, int i, int count)
            throws SQLException {
        String looks =
                step.tables().isEmpty() ? "" : TableLooks.read(session, step.tables()).hash();
        progress.saveDdl(
                session,
                change.commitTso(),
                "applying",
                (i + 1) + "/" + count + " " + looks,
                change.query());
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

    // ---- doubt

    /**
     * The run that began the step may be gone while the server is still at it: a server looks
     * whether its client is there only when it answers.
     */
    private void awaitStillRunning(TargetSession session, SchemaChange change, Step step)
            throws SQLException {
        boolean told = false;
        while (isRunning(session, step.query())) {
            if (!told) {
                log.info(
                        "ddl commit_ts={} still_runs_in_target, waiting query={}",
                        unsigned(change.commitTso()),
                        step.query());
                told = true;
            }
            try {
                Thread.sleep(STILL_RUNNING_POLL_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new SQLException("interrupted", "08000", e);
            }
        }
    }

    private static boolean isRunning(TargetSession session, String query) throws SQLException {
        String wanted = words(query);
        try (Statement statement = session.connection().createStatement();
                ResultSet rows = statement.executeQuery("SHOW FULL PROCESSLIST")) {
            while (rows.next()) {
                String running = rows.getString("Info");
                if (running != null && words(running).equals(wanted)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static String words(String query) {
        return query.replaceAll("[\\s;]+", " ").strip();
    }

    /** Whether the step that was begun has happened. */
    private boolean isDone(TargetSession session, SchemaChange change, Step step, String begun)
            throws SQLException {
        SchemaChange.Change part = step.first();
        switch (part.kind()) {
            case CREATE_SCHEMA:
                return schemaExists(session, part.name().schema());
            case DROP_SCHEMA:
                return !schemaExists(session, part.name().schema());
            case EXCHANGE_PARTITION:
                throw unknownOutcome(change, "a table shows no trace of EXCHANGE PARTITION");
            default:
                break;
        }
        if (step.tables().isEmpty()) {
            return false;
        }
        TableLooks now = TableLooks.read(session, step.tables());
        if (begun.endsWith(" " + now.hash())) {
            if (leavesNoTrace(step, now)) {
                throw unknownOutcome(
                        change, words(step.tables()) + " would look the same before and after");
            }
            return false;
        }
        Optional<String> different = differentFromAfter(session, step, now);
        if (different.isPresent()) {
            throw unknownOutcome(
                    change,
                    words(step.tables())
                            + " look neither as before nor as it should be: "
                            + different.get());
        }
        return true;
    }

    /**
     * Whether the operator ran a statement that was refused, in one way or another. Where this does
     * not see it, the target's answer to the statement mostly shows it.
     */
    private static boolean isDoneByHand(TargetSession session, Step step, String begun)
            throws SQLException {
        if (step.tables().isEmpty()) {
            return false;
        }
        TableLooks now = TableLooks.read(session, step.tables());
        if (begun.endsWith(" " + now.hash())) {
            return false;
        }
        SchemaChange.Change part = step.first();
        boolean seen =
                step.isRename()
                        || part.kind() == DdlKind.CREATE_TABLE && part.after().isPresent()
                        || part.before().isPresent()
                                && part.after().isPresent()
                                && TargetDifference.isSeen(part.before().get(), part.after().get())
                                && !TargetDifference.isMoreThanSeen(step.query());
        return seen && differentFromAfter(session, step, now).isEmpty();
    }

    private static String words(List<TableName> names) {
        return String.join(", ", names.stream().map(TableName::toString).toList());
    }

    /** Whether the tables, as they look, look the same afterwards, though rows moved. */
    private static boolean leavesNoTrace(Step step, TableLooks now) {
        if (step.isRename()) {
            return step.parts().size() > 1 && now.renamed(step.parts()).equals(now);
        }
        // Columns that change names in a circle, and places so that it can't be seen.
        Set<String> old = new LinkedHashSet<>();
        Set<String> given = new LinkedHashSet<>();
        Matcher matcher = RENAMED_COLUMN.matcher(step.query());
        while (matcher.find()) {
            String from =
                    Optional.ofNullable(matcher.group(1))
                            .or(() -> Optional.ofNullable(matcher.group(2)))
                            .orElse("");
            if (!bare(from).equals(bare(matcher.group(3)))) {
                old.add(bare(from));
                given.add(bare(matcher.group(3)));
            }
        }
        SchemaChange.Change part = step.first();
        return !old.isEmpty()
                && old.equals(given)
                && (part.before().isEmpty()
                        || part.after().isEmpty()
                        || part.before().get().columns().equals(part.after().get().columns()));
    }

    private static String bare(String identifier) {
        String name =
                identifier.startsWith("`")
                        ? identifier.substring(1, identifier.length() - 1).replace("``", "`")
                        : identifier;
        return name.toLowerCase(Locale.ROOT);
    }

    /** What the target lacks of the step's effects, where it has changed since. */
    private static Optional<String> differentFromAfter(
            TargetSession session, Step step, TableLooks now) throws SQLException {
        SchemaChange.Change part = step.first();
        switch (part.kind()) {
            case DROP_TABLE, DROP_VIEW:
                return now.has(part.name())
                        ? Optional.of(part.name() + " is there")
                        : Optional.empty();
            case RENAME_TABLE:
                Map<TableName, Boolean> there = new LinkedHashMap<>();
                for (SchemaChange.Change one : step.parts()) {
                    there.put(one.name(), false);
                    one.newName().ifPresent(name -> there.put(name, true));
                }
                for (Map.Entry<TableName, Boolean> one : there.entrySet()) {
                    if (now.has(one.getKey()) != one.getValue()) {
                        return Optional.of(
                                one.getKey() + (one.getValue() ? " is missing" : " is there"));
                    }
                }
                return Optional.empty();
            case CREATE_TABLE:
                return part.after().isEmpty()
                        ? Optional.empty()
                        : TargetDifference.ofTable(session, part.after().get());
            default:
                return part.before().isEmpty() || part.after().isEmpty()
                        ? Optional.empty()
                        : TargetDifference.ofChange(
                                session, part.before().get(), part.after().get(), false);
        }
    }

    private MillraceException unknownOutcome(SchemaChange change, String reason) {
        return new MillraceException(
                ErrorCode.SINK_DDL,
                "a DDL was begun on "
                        + address
                        + " and its outcome cannot be told from the target, for "
                        + reason
                        + ": look at the tables, run by hand what is missing, then "
                        + settle(change)
                        + ": "
                        + change.query());
    }

    private String settle(SchemaChange change) {
        return "set state to 'applied' in "
                + progress.ddlTable()
                + " for commit_tso "
                + unsigned(change.commitTso())
                + " and resume";
    }

    // ---- execution

    private void execute(TargetSession session, SchemaChange change, Step step)
            throws SQLException {
        try {
            carryOut(session, change, step);
        } catch (MillraceException e) {
            if (e.code() == ErrorCode.SINK_DDL) {
                try {
                    progress.saveDdl(
                            session,
                            change.commitTso(),
                            REFUSED,
                            progress.ddlEntry(session, change.commitTso()).step(),
                            change.query());
                } catch (SQLException second) {
                    e.addSuppressed(second);
                }
            }
            throw e;
        }
    }

    private void carryOut(TargetSession session, SchemaChange change, Step step)
            throws SQLException {
        try {
            new DdlSession(session, change.session()).execute(step.query());
        } catch (SQLException e) {
            Optional<String> missing = missing(session, step, e.getErrorCode());
            if (missing.isEmpty()) {
                log.warn(
                        "ddl commit_ts={} counts_as_done error={} query={}",
                        unsigned(change.commitTso()),
                        SqlErrors.describe(e),
                        step.query());
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
                            + ")"
                            + (missing.get().isEmpty()
                                    ? ""
                                    : "; part of it is there already, but "
                                            + missing.get()
                                            + ": undo that part in the target and resume, or run"
                                            + " the rest by hand, "
                                            + settle(change)));
        }
        SchemaChange.Change part = step.first();
        if (part.kind() == DdlKind.CREATE_TABLE
                && part.before().isEmpty()
                && part.after().isPresent()
                && IF_NOT_EXISTS.matcher(step.query()).find()) {
            // The server only warns when there is another table of that name.
            Optional<String> different = TargetDifference.ofTable(session, part.after().get());
            if (different.isPresent()) {
                throw new MillraceException(
                        ErrorCode.SINK_DDL,
                        "the target "
                                + address
                                + " has another table "
                                + part.name()
                                + " than a DDL makes ("
                                + change.query()
                                + "): "
                                + different.get()
                                + "; remove or change it and resume");
            }
        }
        log.info("ddl commit_ts={} applied query={}", unsigned(change.commitTso()), step.query());
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
            case NO_SUCH_TABLE ->
                    " ("
                            + flavour
                            + "; was the table left out so far, for want of a key? Then make it"
                            + " there, as it was before this DDL and with its rows, and resume)";
            default -> " (" + flavour + ")";
        };
    }

    /**
     * What is missing of the step after the target's refusal: empty when nothing is, for all its
     * effects are there already; an empty text when the refusal says nothing of the kind.
     */
    private static Optional<String> missing(TargetSession session, Step step, int number)
            throws SQLException {
        SchemaChange.Change part = step.first();
        if (!isAlreadyThere(part.kind(), number)) {
            return Optional.of("");
        }
        switch (part.kind()) {
            case CREATE_SCHEMA, DROP_SCHEMA, CREATE_VIEW, DROP_TABLE, DROP_VIEW:
                return Optional.empty();
            case CREATE_TABLE:
                return part.after().isEmpty() || OR_REPLACE.matcher(step.query()).find()
                        ? Optional.empty()
                        : TargetDifference.ofTable(session, part.after().get());
            case RENAME_TABLE:
                if (step.parts().size() > 1 || part.newName().isEmpty()) {
                    return Optional.of("not all of its renames are done");
                }
                TableLooks now = TableLooks.read(session, step.tables());
                if (now.has(part.name()) || !now.has(part.newName().get())) {
                    return Optional.of(
                            now.has(part.name())
                                    ? part.name()
                                            + " and "
                                            + part.newName().get()
                                            + " are both there"
                                    : part.newName().get() + " is missing");
                }
                return part.after().isEmpty()
                        ? Optional.of("what it is cannot be told")
                        : TargetDifference.ofTable(session, part.after().get());
            case DROP_PARTITION:
                return PARTITION_LIST.matcher(step.query()).find()
                        ? Optional.empty()
                        : Optional.of("other partitions of its list may not");
            case ADD_PARTITION:
                return PARTITION.matcher(step.query()).results().count() <= 2
                        ? Optional.empty()
                        : Optional.of("other partitions of its list may not");
            default:
                break;
        }
        boolean several = part.kind() == DdlKind.MULTI_SCHEMA_CHANGE || part.newName().isPresent();
        if (part.before().isEmpty() || part.after().isEmpty()) {
            return several ? Optional.of("its other effects cannot be told") : Optional.empty();
        }
        if (part.newName().isPresent()
                && TableLooks.read(session, List.of(part.name())).has(part.name())) {
            return Optional.of(part.name() + " still has its old name");
        }
        Optional<String> different =
                TargetDifference.ofChange(
                        session, part.before().get(), part.after().get(), several);
        if (different.isEmpty() && several && TargetDifference.isMoreThanSeen(step.query())) {
            return Optional.of("not all its effects can be told from the target");
        }
        return different;
    }

    /**
     * Answers that mean the target is as the DDL wants it, at least in part: database, table,
     * column, key or partition exists, or is missing on a drop.
     */
    static boolean isAlreadyThere(DdlKind kind, int number) {
        return switch (kind) {
            case CREATE_SCHEMA -> number == 1007;
            case DROP_SCHEMA -> number == 1008;
            case CREATE_TABLE, CREATE_VIEW -> number == TABLE_EXISTS;
            case RENAME_TABLE -> number == TABLE_EXISTS || number == NO_SUCH_TABLE;
            case DROP_TABLE, DROP_VIEW -> number == 1051;
            case ADD_PARTITION -> number == 1517;
            case DROP_PARTITION -> number == 1507;
            case EXCHANGE_PARTITION, TRUNCATE_TABLE, TRUNCATE_PARTITION -> false;
            default ->
                    switch (number) {
                        case TABLE_EXISTS, 1060, 1061, 1068, 1091, 1826 -> true;
                        default -> false;
                    };
        };
    }

    private static boolean schemaExists(TargetSession session, String schema) throws SQLException {
        try (Statement statement = session.connection().createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME="
                                        + SqlText.literal(schema))) {
            return row.next();
        }
    }
}
