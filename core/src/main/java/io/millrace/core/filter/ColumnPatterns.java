package io.millrace.core.filter;

import java.util.ArrayList;
import java.util.List;

/**
 * A list of column patterns: each is a wildcard, a quoted name or a {@code /regex/} as in a table
 * rule, without a dot; {@code !} in front excludes. The last that matches decides; a column that
 * none matches is out. Names are always compared without case. Immutable.
 */
public final class ColumnPatterns {
    private final List<ColumnPattern> patterns;

    /**
     * One pattern.
     *
     * @param exclude written with a leading {@code !}
     */
    record ColumnPattern(boolean exclude, NamePattern name) {}

    private ColumnPatterns(List<ColumnPattern> patterns) {
        this.patterns = patterns;
    }

    /**
     * Compiles patterns; blank ones and comments are left out.
     *
     * @throws io.millrace.core.error.MillraceException INVALID_FILTER that names the pattern
     */
    public static ColumnPatterns parse(List<String> texts) {
        List<ColumnPattern> patterns = new ArrayList<>();
        for (String text : texts) {
            new RuleParser(text, false).column().ifPresent(patterns::add);
        }
        return new ColumnPatterns(List.copyOf(patterns));
    }

    /** Whether the column is in. */
    public boolean matches(String column) {
        String folded = column.toLowerCase(java.util.Locale.ROOT);
        for (int i = patterns.size() - 1; i >= 0; i--) {
            if (patterns.get(i).name().matches(folded)) {
                return !patterns.get(i).exclude();
            }
        }
        return false;
    }
}
