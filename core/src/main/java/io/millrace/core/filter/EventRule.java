package io.millrace.core.filter;

import java.util.List;

/**
 * Changes of some tables that are left out.
 *
 * @param matcher table rules, always with case; when empty the rule never applies
 * @param ignoredEvents names of kinds of changes, such as {@code insert} or {@code add column}
 * @param ignoredSql regexes in RE2 syntax, found anywhere in a DDL's text, without case
 * @param insertExpression SQL condition; an inserted row for which it is true is left out. Empty is
 *     none, as for the others
 * @param updateNewExpression the same for an update's new row
 * @param updateOldExpression the same for an update's old row
 * @param deleteExpression the same for a deleted row
 */
public record EventRule(
        List<String> matcher,
        List<String> ignoredEvents,
        List<String> ignoredSql,
        String insertExpression,
        String updateNewExpression,
        String updateOldExpression,
        String deleteExpression) {
    public EventRule {
        matcher = List.copyOf(matcher);
        ignoredEvents = List.copyOf(ignoredEvents);
        ignoredSql = List.copyOf(ignoredSql);
    }
}
