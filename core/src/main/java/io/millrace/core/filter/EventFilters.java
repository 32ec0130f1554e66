package io.millrace.core.filter;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.expression.RowExpression;
import io.millrace.core.model.DdlKind;
import io.millrace.core.model.RowBatch;
import io.millrace.core.model.RowView;
import io.millrace.core.model.SchemaChange;
import io.millrace.core.model.TableName;
import io.millrace.core.model.TableSchema;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Which changes of replicated tables are left out: by kind, by a DDL's text, by a condition on the
 * row, or whole transactions by their commit TSO. A change is left out if any rule says so.
 * Immutable and thread-safe.
 */
public final class EventFilters {
    /** Nothing is left out. */
    public static final EventFilters NONE = new EventFilters(List.of(), Set.of());

    private static final Map<String, Integer> DML =
            Map.of(
                    "insert", 1 << RowBatch.INSERT,
                    "update", 1 << RowBatch.UPDATE,
                    "delete", 1 << RowBatch.DELETE,
                    "all dml", 1 << RowBatch.INSERT | 1 << RowBatch.UPDATE | 1 << RowBatch.DELETE);

    private static final Map<String, Set<DdlKind>> DDL = ddlNames();

    private final List<Compiled> rules;
    private final Set<Long> ignoredTsos;

    private record Compiled(
            TableFilter tables,
            int dml,
            Set<DdlKind> ddl,
            List<TextPattern> sql,
            @Nullable RowExpression insert,
            @Nullable RowExpression updateNew,
            @Nullable RowExpression updateOld,
            @Nullable RowExpression delete) {}

    private EventFilters(List<Compiled> rules, Set<Long> ignoredTsos) {
        this.rules = rules;
        this.ignoredTsos = ignoredTsos;
    }

    private static Map<String, Set<DdlKind>> ddlNames() {
        Map<String, Set<DdlKind>> names = new HashMap<>();
        Set<DdlKind> alter = EnumSet.allOf(DdlKind.class);
        alter.removeAll(
                EnumSet.of(
                        DdlKind.CREATE_SCHEMA,
                        DdlKind.DROP_SCHEMA,
                        DdlKind.SCHEMA_CHARSET,
                        DdlKind.CREATE_TABLE,
                        DdlKind.DROP_TABLE,
                        DdlKind.TRUNCATE_TABLE,
                        DdlKind.RENAME_TABLE,
                        DdlKind.CREATE_VIEW,
                        DdlKind.DROP_VIEW));
        for (DdlKind kind : DdlKind.values()) {
            names.put(kind.filterName(), EnumSet.of(kind));
        }
        names.put(DdlKind.ALTER_TABLE.filterName(), alter);
        names.put("all ddl", EnumSet.allOf(DdlKind.class));
        names.put("create database", EnumSet.of(DdlKind.CREATE_SCHEMA));
        names.put("drop database", EnumSet.of(DdlKind.DROP_SCHEMA));
        // Of TiDB alone; known so that a configuration for TiDB is taken.
        names.put("recover table", EnumSet.noneOf(DdlKind.class));
        names.put("alter ttl info", EnumSet.noneOf(DdlKind.class));
        names.put("alter ttl remove", EnumSet.noneOf(DdlKind.class));
        return Map.copyOf(names);
    }

    /**
     * Compiles rules.
     *
     * @param ignoredTsos commit TSOs of transactions that are left out
     * @throws MillraceException INVALID_FILTER (a matcher or regex), INVALID_EVENT_TYPE or
     *     INVALID_EXPRESSION, naming what is wrong
     */
    public static EventFilters compile(List<EventRule> rules, Collection<Long> ignoredTsos) {
        List<Compiled> compiled = new ArrayList<>();
        for (EventRule rule : rules) {
            compiled.add(compile(rule));
        }
        return new EventFilters(List.copyOf(compiled), Set.copyOf(new HashSet<>(ignoredTsos)));
    }

    private static Compiled compile(EventRule rule) {
        int dml = 0;
        Set<DdlKind> ddl = EnumSet.noneOf(DdlKind.class);
        for (String name : rule.ignoredEvents()) {
            Integer ofRows = DML.get(name);
            Set<DdlKind> ofTables = DDL.get(name);
            if (ofRows != null) {
                dml |= ofRows;
            } else if (ofTables != null) {
                ddl.addAll(ofTables);
            } else {
                Set<String> all = new TreeSet<>(DML.keySet());
                all.addAll(DDL.keySet());
                throw new MillraceException(
                        ErrorCode.INVALID_EVENT_TYPE,
                        "invalid ignore event type: '" + name + "'; there are " + all);
            }
        }
        List<TextPattern> sql = new ArrayList<>();
        for (String regex : rule.ignoredSql()) {
            try {
                sql.add(TextPattern.compile(regex, false));
            } catch (PatternSyntaxException e) {
                throw new MillraceException(
                        ErrorCode.INVALID_FILTER,
                        "ignore_sql has a bad regex: '" + regex + "': " + e.getDescription(),
                        e);
            }
        }
        return new Compiled(
                TableFilters.parse(rule.matcher(), true),
                dml,
                ddl,
                sql,
                expression(rule.insertExpression()),
                expression(rule.updateNewExpression()),
                expression(rule.updateOldExpression()),
                expression(rule.deleteExpression()));
    }

    private static @Nullable RowExpression expression(String text) {
        return text.isBlank() ? null : RowExpression.parse(text);
    }

    /** Whether a whole transaction, or DDL, is left out. */
    public boolean ignoresTransaction(long commitTso) {
        return !ignoredTsos.isEmpty() && ignoredTsos.contains(commitTso);
    }

    /**
     * Whether a part of a DDL is left out; a table goes by the name it has before.
     *
     * @param statement what the user wrote, of which the part's own text may be another one
     */
    public boolean ignores(SchemaChange statement, SchemaChange.Change part) {
        for (Compiled rule : rules) {
            if ((rule.ddl().contains(part.kind())
                            || isSql(rule, part.query())
                            || isSql(rule, statement.query()))
                    && names(rule, part)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isSql(Compiled rule, String text) {
        String query = text.strip();
        return rule.sql().stream().anyMatch(pattern -> pattern.isIn(query));
    }

    private static boolean names(Compiled rule, SchemaChange.Change part) {
        TableName name = part.name();
        return name.table().isEmpty()
                ? rule.tables().matchesSchema(name.schema())
                : rule.tables().matches(name);
    }

    /**
     * What is left out of a table version's rows; empty when all rows stay.
     *
     * @throws MillraceException EXPRESSION_COLUMN_NOT_FOUND
     */
    public Optional<OfTable> of(TableSchema schema, RowExpression.Zones zones) {
        OfTable found = null;
        for (Compiled rule : rules) {
            if (rule.tables().matches(schema.name())) {
                found = found == null ? new OfTable() : found;
                found.dropped |= rule.dml();
                found.add(RowBatch.INSERT, RowView.AFTER, rule.insert(), schema, zones);
                found.add(RowBatch.UPDATE, RowView.BEFORE, rule.updateOld(), schema, zones);
                found.add(RowBatch.UPDATE, RowView.AFTER, rule.updateNew(), schema, zones);
                found.add(RowBatch.DELETE, RowView.BEFORE, rule.delete(), schema, zones);
            }
        }
        return found == null || found.isEmpty() ? Optional.empty() : Optional.of(found);
    }

    /** What is left out of one table version's rows. Belongs to one thread. */
    public static final class OfTable {
        private int dropped;
        private int examined;
        private final List<Test> tests = new ArrayList<>();

        private record Test(int op, int image, RowExpression.Bound condition) {}

        private OfTable() {}

        private void add(
                int op,
                int image,
                @Nullable RowExpression expression,
                TableSchema schema,
                RowExpression.Zones zones) {
            if (expression != null) {
                tests.add(new Test(op, image, expression.bind(schema, zones)));
                examined |= 1 << op;
            }
        }

        private boolean isEmpty() {
            return dropped == 0 && tests.isEmpty();
        }

        /** Whether no row of this operation stays. */
        public boolean dropsAll(int op) {
            return (dropped >>> op & 1) != 0;
        }

        /** Whether {@link #drops} has to be asked for rows of this operation. */
        public boolean examines(int op) {
            return (examined >>> op & 1) != 0;
        }

        /** Whether the view's current row is left out. */
        public boolean drops(RowView row, int op) {
            for (int i = 0; i < tests.size(); i++) {
                Test test = tests.get(i);
                if (test.op() == op && test.condition().isTrue(row, test.image())) {
                    return true;
                }
            }
            return false;
        }
    }
}
