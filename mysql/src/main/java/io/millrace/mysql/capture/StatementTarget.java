package io.millrace.mysql.capture;

import io.millrace.core.model.TableName;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Recognises row changes that were logged as statements. */
final class StatementTarget {
    private static final Set<String> ROW_CHANGES =
            Set.of("INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "WITH", "CALL");

    private static final String NAME = "(`(?:[^`]|``)+`|[\\w$\\x{80}-\\x{FFFF}]+)";

    private static final Pattern SIMPLE =
            Pattern.compile(
                    "^\\s*(?:(?:INSERT|REPLACE)(?:\\s+(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE))*"
                            + "(?:\\s+INTO)?|DELETE(?:\\s+(?:LOW_PRIORITY|QUICK|IGNORE))*\\s+FROM)\\s+"
                            + NAME
                            + "(?:\\s*\\.\\s*"
                            + NAME
                            + ")?(?=[\\s(]|$)",
                    Pattern.CASE_INSENSITIVE);

    private StatementTarget() {}

    static boolean isRowChange(String verb) {
        return ROW_CHANGES.contains(verb);
    }

    /** The table that is changed, where it can be told for sure. */
    static Optional<TableName> of(String sql, String defaultSchema) {
        Matcher matcher = SIMPLE.matcher(sql);
        if (!matcher.find()) {
            return Optional.empty();
        }
        String first = unquote(matcher.group(1));
        String second = matcher.group(2);
        return Optional.of(
                second == null
                        ? new TableName(defaultSchema, first)
                        : new TableName(first, unquote(second)));
    }

    private static String unquote(String name) {
        return name.startsWith("`")
                ? name.substring(1, name.length() - 1).replace("``", "`")
                : name;
    }
}
