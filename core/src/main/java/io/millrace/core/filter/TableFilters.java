package io.millrace.core.filter;

import java.util.List;
import java.util.Locale;
import java.util.Set;

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
        return new RuleListFilter(rules, caseSensitive);
    }
}
