package io.millrace.core.control;

import io.millrace.core.filter.EventFilters;
import io.millrace.core.filter.EventRule;
import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.TableName;
import java.util.List;

/**
 * Which tables a job replicates, and which of their changes.
 *
 * @param rules table rules, last match wins; never empty ({@code *.*} is everything)
 * @param doDbs when not empty, only these schemas
 * @param doTables when not empty, only these tables (and those of {@code doDbs})
 * @param ignoreDbs never these schemas
 * @param ignoreTables never these tables
 * @param eventRules changes that are left out
 * @param ignoredTsos commit TSOs of transactions that are left out
 */
public record FilterSpec(
        List<String> rules,
        List<String> doDbs,
        List<TableName> doTables,
        List<String> ignoreDbs,
        List<TableName> ignoreTables,
        List<EventRule> eventRules,
        List<Long> ignoredTsos) {
    /** Everything but system schemas. */
    public static final FilterSpec ALL =
            new FilterSpec(List.of("*.*"), List.of(), List.of(), List.of(), List.of());

    public FilterSpec {
        rules = List.copyOf(rules);
        doDbs = List.copyOf(doDbs);
        doTables = List.copyOf(doTables);
        ignoreDbs = List.copyOf(ignoreDbs);
        ignoreTables = List.copyOf(ignoreTables);
        eventRules = List.copyOf(eventRules);
        ignoredTsos = List.copyOf(ignoredTsos);
    }

    /** Which tables alone. */
    public FilterSpec(
            List<String> rules,
            List<String> doDbs,
            List<TableName> doTables,
            List<String> ignoreDbs,
            List<TableName> ignoreTables) {
        this(rules, doDbs, doTables, ignoreDbs, ignoreTables, List.of(), List.of());
    }

    /**
     * The filter.
     *
     * @throws io.millrace.core.error.MillraceException INVALID_FILTER that names the rule
     */
    public TableFilter compile(boolean caseSensitive) {
        return TableFilters.parse(
                rules,
                caseSensitive,
                new TableFilters.NameLists(doDbs, doTables, ignoreDbs, ignoreTables));
    }

    /**
     * Which changes of the tables are left out.
     *
     * @throws io.millrace.core.error.MillraceException INVALID_FILTER, INVALID_EVENT_TYPE or
     *     INVALID_EXPRESSION
     */
    public EventFilters compileEvents() {
        return EventFilters.compile(eventRules, ignoredTsos);
    }
}
