package io.millrace.core.control;

import io.millrace.core.filter.TableFilter;
import io.millrace.core.filter.TableFilters;
import io.millrace.core.model.TableName;
import java.util.List;

/**
 * Which tables a job replicates.
 *
 * @param rules table rules, last match wins; never empty ({@code *.*} is everything)
 * @param doDbs when not empty, only these schemas
 * @param doTables when not empty, only these tables (and those of {@code doDbs})
 * @param ignoreDbs never these schemas
 * @param ignoreTables never these tables
 */
public record FilterSpec(
        List<String> rules,
        List<String> doDbs,
        List<TableName> doTables,
        List<String> ignoreDbs,
        List<TableName> ignoreTables) {
    /** Everything but system schemas. */
    public static final FilterSpec ALL =
            new FilterSpec(List.of("*.*"), List.of(), List.of(), List.of(), List.of());

    public FilterSpec {
        rules = List.copyOf(rules);
        doDbs = List.copyOf(doDbs);
        doTables = List.copyOf(doTables);
        ignoreDbs = List.copyOf(ignoreDbs);
        ignoreTables = List.copyOf(ignoreTables);
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
}
