package io.millrace.core.filter;

import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.NamePattern.Wildcard;
import io.millrace.core.filter.NamePattern.Wildcard.OneOf;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.PatternSyntaxException;

/**
 * Reads one rule of the table filter language of TiDB's tools: {@code schema.table}, each half a
 * wildcard, a quoted name or a {@code /regex/}; {@code !} in front excludes, {@code #} comments.
 */
final class RuleParser {
    /** Longest rule, in characters. */
    static final int MAX_LENGTH = 1024;

    private final String text;
    private final boolean caseSensitive;
    private int at;

    RuleParser(String text, boolean caseSensitive) {
        this.text = text.strip();
        this.caseSensitive = caseSensitive;
    }

    Optional<Rule> rule() {
        if (isBlank()) {
            return Optional.empty();
        }
        if (text.charAt(0) == '@') {
            throw error(0, "importing rules from a file is not allowed here");
        }
        boolean exclude = text.charAt(0) == '!';
        if (exclude) {
            at++;
        }
        NamePattern schema = pattern("schema");
        if (at >= text.length() || text.charAt(at) != '.') {
            throw error(at, "a dot and a table pattern must follow the schema pattern");
        }
        at++;
        NamePattern table = pattern("table");
        if (at < text.length()) {
            throw error(at, "nothing may follow the table pattern");
        }
        return Optional.of(new Rule(exclude, schema, table));
    }

    /** A pattern of a column's name: half a rule. */
    Optional<ColumnPatterns.ColumnPattern> column() {
        if (isBlank()) {
            return Optional.empty();
        }
        boolean exclude = text.charAt(0) == '!';
        if (exclude) {
            at++;
        }
        NamePattern name = pattern("column");
        if (at < text.length()) {
            throw error(at, "nothing may follow the column pattern");
        }
        return Optional.of(new ColumnPatterns.ColumnPattern(exclude, name));
    }

    private boolean isBlank() {
        if (text.length() > MAX_LENGTH) {
            throw error(MAX_LENGTH, "it is longer than " + MAX_LENGTH + " characters");
        }
        return text.isEmpty() || text.charAt(0) == '#';
    }

    private NamePattern pattern(String what) {
        if (at >= text.length()) {
            throw error(at, "the " + what + " pattern is missing");
        }
        char first = text.charAt(at);
        return switch (first) {
            case '"', '`' -> quoted(first);
            case '/' -> regex();
            case '.' -> throw error(at, "the " + what + " pattern is missing");
            default -> wildcard();
        };
    }

    private NamePattern quoted(char quote) {
        int start = at++;
        StringBuilder name = new StringBuilder();
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c != quote) {
                name.append(c);
            } else if (at < text.length() && text.charAt(at) == quote) {
                name.append(quote);
                at++;
            } else {
                return new NamePattern.Literal(fold(name.toString()));
            }
        }
        throw error(start, "the quote is not closed");
    }

    private NamePattern regex() {
        int start = at++;
        StringBuilder source = new StringBuilder();
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '/') {
                return compile(source.toString(), start);
            }
            if (c == '\\' && at < text.length()) {
                char escaped = text.charAt(at++);
                if (escaped != '/') {
                    source.append('\\');
                }
                source.append(escaped);
            } else {
                source.append(c);
            }
        }
        throw error(start, "the regex is not closed by a slash");
    }

    private NamePattern compile(String source, int start) {
        try {
            return NamePattern.Regex.compile(source, caseSensitive);
        } catch (PatternSyntaxException e) {
            throw error(start, "bad regex: " + e.getDescription());
        }
    }

    private NamePattern wildcard() {
        List<OneOf> parts = new ArrayList<>();
        while (at < text.length()) {
            int c = text.codePointAt(at);
            if (c == '.') {
                break;
            }
            int start = at;
            at += Character.charCount(c);
            switch (c) {
                case '*' -> parts.add(Wildcard.STAR);
                case '?' -> parts.add(Wildcard.ANY);
                case '[' -> parts.add(characterClass(start));
                case '\\' -> parts.add(one(escaped(start)));
                default -> {
                    if (!isPlain(c)) {
                        throw error(
                                start,
                                "'"
                                        + Character.toString(c)
                                        + "' needs a backslash in front, or quotes around the"
                                        + " name");
                    }
                    parts.add(one(c));
                }
            }
        }
        return new Wildcard(parts.toArray(OneOf[]::new));
    }

    /** The literal after a backslash. */
    private int escaped(int start) {
        if (at >= text.length()) {
            throw error(start, "nothing follows the backslash");
        }
        int c = text.codePointAt(at);
        if (c >= 0x80 || isAsciiLetterOrDigit(c)) {
            throw error(
                    start,
                    "a backslash may only precede an ASCII character that is no letter or digit");
        }
        at++;
        return c;
    }

    private OneOf characterClass(int start) {
        boolean negated = at < text.length() && text.charAt(at) == '!';
        if (negated) {
            at++;
        }
        List<Integer> ranges = new ArrayList<>();
        while (true) {
            int c = classMember(start);
            if (c < 0) {
                break;
            }
            int last = c;
            if (at + 1 < text.length() && text.charAt(at) == '-' && text.charAt(at + 1) != ']') {
                at++;
                last = classMember(start);
                if (last < c) {
                    throw error(start, "the class has a range from high to low");
                }
            }
            addRange(ranges, c, last);
        }
        if (ranges.isEmpty()) {
            throw error(start, "the class is empty");
        }
        return new OneOf(negated, ranges.stream().mapToInt(Integer::intValue).toArray());
    }

    /** Next character of a class, -1 at its end. */
    private int classMember(int start) {
        if (at >= text.length()) {
            throw error(start, "the class is not closed");
        }
        int at0 = at;
        int c = text.codePointAt(at);
        at += Character.charCount(c);
        if (c == ']') {
            return -1;
        }
        return c == '\\' ? escaped(at0) : c;
    }

    private void addRange(List<Integer> ranges, int first, int last) {
        ranges.add(first);
        ranges.add(last);
        if (caseSensitive) {
            return;
        }
        // Names come in lower case; so must letters in the class.
        int from = Math.max(first, 'A');
        int to = Math.min(last, 'Z');
        if (from <= to) {
            ranges.add(from + ('a' - 'A'));
            ranges.add(to + ('a' - 'A'));
        }
        if (first == last && first >= 0x80) {
            ranges.add(Character.toLowerCase(first));
            ranges.add(Character.toLowerCase(first));
        }
    }

    private OneOf one(int codePoint) {
        int folded = caseSensitive ? codePoint : Character.toLowerCase(codePoint);
        return new OneOf(false, new int[] {folded, folded});
    }

    private String fold(String name) {
        return caseSensitive ? name : name.toLowerCase(Locale.ROOT);
    }

    private static boolean isPlain(int c) {
        return c >= 0x80 || isAsciiLetterOrDigit(c) || c == '_' || c == '$';
    }

    private static boolean isAsciiLetterOrDigit(int c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }

    private MillraceException error(int place, String what) {
        return FilterErrors.invalid(text, place, what);
    }
}
