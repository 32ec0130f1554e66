package io.millrace.core.filter;

import io.millrace.core.model.TableName;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.PatternSyntaxException;

/** Builds {@link TableFilter}s from rule lists. */
public final class TableFilters {
    /** Schemas that are never replicated, whatever the rules say; compared without case. */
    public static final Set<String> SYSTEM_SCHEMAS =
            Set.of(
                    "mysql",
                    "sys",
                    "information_schema",
                    "performance_schema",
                    "metrics_schema",
                    "inspection_schema",
                    "dm_heartbeat",
                    "tidb_cdc",
                    "lightning_task_info",
                    "workload_schema",
                    "millrace");

    private TableFilters() {}

    /** Whether a schema belongs to the server or to a replication tool. */
    public static boolean isSystemSchema(String schema) {
        return SYSTEM_SCHEMAS.contains(schema.toLowerCase(Locale.ROOT));
    }

    /**
     * Compiles a rule list.
     *
     * @throws io.millrace.core.error.MillraceException INVALID_FILTER that names the rule
     */
    public static TableFilter parse(List<String> rules, boolean caseSensitive) {
        return parse(rules, caseSensitive, NameLists.NONE);
    }

    /**
     * Compiles a rule list and name lists; a table must pass both.
     *
     * @throws io.millrace.core.error.MillraceException INVALID_FILTER that names the rule or entry
     */
    public static TableFilter parse(List<String> rules, boolean caseSensitive, NameLists lists) {
        return new RuleListFilter(rules, caseSensitive, lists);
    }

    /**
     * Allow and deny lists in the manner of MySQL's own replication filters. {@code ignore…}
     * excludes; {@code do…}, when not empty, are all that is let through. An entry that begins with
     * {@code ~} is a regex found anywhere in the name, others are exact names.
     *
     * @param doDbs schemas
     * @param doTables tables
     * @param ignoreDbs schemas
     * @param ignoreTables tables
     */
    public record NameLists(
            List<String> doDbs,
            List<TableName> doTables,
            List<String> ignoreDbs,
            List<TableName> ignoreTables) {
        /** No lists: everything passes. */
        public static final NameLists NONE =
                new NameLists(List.of(), List.of(), List.of(), List.of());

        public NameLists {
            doDbs = List.copyOf(doDbs);
            doTables = List.copyOf(doTables);
            ignoreDbs = List.copyOf(ignoreDbs);
            ignoreTables = List.copyOf(ignoreTables);
        }

        Compiled compile(boolean caseSensitive) {
            return new Compiled(
                    schemas("do_dbs", doDbs, caseSensitive),
                    tables("do_tables", doTables, caseSensitive),
                    schemas("ignore_dbs", ignoreDbs, caseSensitive),
                    tables("ignore_tables", ignoreTables, caseSensitive));
        }

        private static List<NamePattern> schemas(
                String list, List<String> names, boolean caseSensitive) {
            return names.stream().map(name -> entry(list, name, caseSensitive)).toList();
        }

        private static List<TablePattern> tables(
                String list, List<TableName> names, boolean caseSensitive) {
            return names.stream()
                    .map(name ->
                            new TablePattern(
                                    entry(list, name.schema(), caseSensitive),
                                    entry(list, name.table(), caseSensitive)))
                    .toList();
        }

        private static NamePattern entry(String list, String name, boolean caseSensitive) {
            if (name.isEmpty()) {
                throw FilterErrors.invalidName(list, name, "the name is empty");
            }
            if (name.length() > RuleParser.MAX_LENGTH) {
                throw FilterErrors.invalidName(
                        list, name, "it is longer than " + RuleParser.MAX_LENGTH + " characters");
            }
            if (!name.startsWith("~")) {
                return new NamePattern.Literal(
                        caseSensitive ? name : name.toLowerCase(Locale.ROOT));
            }
            try {
                return NamePattern.Regex.compile(name.substring(1), caseSensitive);
            } catch (PatternSyntaxException e) {
                throw FilterErrors.invalidName(list, name, "bad regex: " + e.getDescription());
            }
        }

        private record TablePattern(NamePattern schema, NamePattern table) {}

        /** The lists, ready to match. */
        record Compiled(
                List<NamePattern> doDbs,
                List<TablePattern> doTables,
                List<NamePattern> ignoreDbs,
                List<TablePattern> ignoreTables) {
            boolean admits(String schema, String table) {
                return passesDbs(schema)
                        && (doTables.isEmpty() || anyTable(doTables, schema, table))
                        && !anyTable(ignoreTables, schema, table);
            }

            /** A schema as such takes part if one of its tables may. */
            boolean admitsSchema(String schema) {
                return passesDbs(schema)
                        && (doTables.isEmpty()
                                || doTables.stream().anyMatch(t -> t.schema().matches(schema)));
            }

            private boolean passesDbs(String schema) {
                return (doDbs.isEmpty() || any(doDbs, schema)) && !any(ignoreDbs, schema);
            }

            private static boolean any(List<NamePattern> patterns, String name) {
                return patterns.stream().anyMatch(p -> p.matches(name));
            }

            private static boolean anyTable(
                    List<TablePattern> patterns, String schema, String table) {
                return patterns.stream()
                        .anyMatch(p -> p.schema().matches(schema) && p.table().matches(table));
            }
        }
    }
}
