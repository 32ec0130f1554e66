package io.millrace.core.filter;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A regex in the syntax of RE2, looked for anywhere in a text. It gives up on texts where Java's
 * matcher would go back and forth without end. Immutable.
 */
public final class TextPattern {
    /** Reads of a character before a match is given up, per character of the text. */
    private static final int READS_PER_CHARACTER = 1_000;

    private final Pattern pattern;

    private TextPattern(Pattern pattern) {
        this.pattern = pattern;
    }

    /**
     * Compiles a regex.
     *
     * @throws PatternSyntaxException if it is malformed or not RE2
     */
    public static TextPattern compile(String re2, boolean caseSensitive) {
        // RE2 knows one line end, the newline.
        int flags =
                Pattern.UNIX_LINES
                        | (caseSensitive ? 0 : Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);
        return new TextPattern(Pattern.compile(Re2Syntax.toJava(re2), flags));
    }

    /**
     * Whether the text has it.
     *
     * @throws io.millrace.core.error.MillraceException INVALID_FILTER when it takes too many steps
     */
    public boolean isIn(CharSequence text) {
        int limit =
                (int)
                        Math.max(
                                NamePattern.Regex.READ_LIMIT,
                                Math.min(
                                        Integer.MAX_VALUE,
                                        (long) READS_PER_CHARACTER * text.length()));
        return pattern.matcher(new NamePattern.Metered(text, pattern.pattern(), limit)).find();
    }
}
