package io.millrace.core.filter;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.util.List;

/** The last rule that matches decides. Only the rule {@code *.*} is understood so far. */
final class RuleListFilter implements TableFilter {
    RuleListFilter(List<String> rules, boolean caseSensitive) {
        for (String rule : rules) {
            if (!rule.trim().equals("*.*")) {
                throw new MillraceException(
                        ErrorCode.INVALID_FILTER, "filter rule is invalid: " + rule);
            }
        }
    }

    @Override
    public boolean matches(String schema, String table) {
        return !TableFilters.isSystemSchema(schema);
    }

    @Override
    public boolean matchesSchema(String schema) {
        return !TableFilters.isSystemSchema(schema);
    }
}
