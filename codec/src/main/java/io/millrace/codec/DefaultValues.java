package io.millrace.codec;

import io.millrace.core.model.Column;
import java.math.BigInteger;
import java.util.Locale;
import java.util.Optional;

/**
 * The value of a column's default, read from its SQL text. Defaults that are expressions, such as
 * {@code CURRENT_TIMESTAMP}, have no value that a schema could tell.
 */
public final class DefaultValues {
    private DefaultValues() {}

    /**
     * The default as text: a string without its quotes, a number as written, {@code b'101'} and
     * {@code x'0A'} as decimal number for numeric columns. Empty when there is no default, when it
     * is NULL, or an expression.
     */
    public static Optional<String> literal(Column column) {
        return column.defaultValue().map(String::strip).flatMap(DefaultValues::literal);
    }

    /** Whether the default is an expression that the server evaluates row by row. */
    public static boolean isExpression(Column column) {
        Optional<String> text =
                column.defaultValue()
                        .map(String::strip)
                        .filter(sql -> !sql.equalsIgnoreCase("null"));
        return text.isPresent() && literal(text.get()).isEmpty();
    }

    static Optional<String> literal(String sql) {
        if (sql.isEmpty() || sql.equalsIgnoreCase("null")) {
            return Optional.empty();
        }
        if (sql.equalsIgnoreCase("true")) {
            return Optional.of("1");
        }
        if (sql.equalsIgnoreCase("false")) {
            return Optional.of("0");
        }
        char first = sql.charAt(0);
        if (first == '\'' || first == '"') {
            return quoted(sql, 0);
        }
        if (first == '_') {
            // A character set introducer: _utf8mb4'text'
            int quote = sql.indexOf('\'');
            return quote > 0 && isWord(sql.substring(0, quote).strip())
                    ? quoted(sql, quote)
                    : Optional.empty();
        }
        String lower = sql.toLowerCase(Locale.ROOT);
        if (lower.startsWith("b'") && lower.endsWith("'")) {
            return number(lower.substring(2, lower.length() - 1), 2);
        }
        if (lower.startsWith("0b")) {
            return number(lower.substring(2), 2);
        }
        if (lower.startsWith("x'") && lower.endsWith("'")) {
            return number(lower.substring(2, lower.length() - 1), 16);
        }
        if (lower.startsWith("0x")) {
            return number(lower.substring(2), 16);
        }
        return isNumber(sql) ? Optional.of(sql) : Optional.empty();
    }

    private static Optional<String> number(String digits, int radix) {
        try {
            return Optional.of(new BigInteger(digits, radix).toString());
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static boolean isNumber(String text) {
        boolean digit = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= '0' && c <= '9') {
                digit = true;
            } else if ("+-.eE".indexOf(c) < 0 || (c == 'e' || c == 'E') && !digit) {
                return false;
            }
        }
        return digit;
    }

    private static boolean isWord(String text) {
        return text.chars().allMatch(c -> c == '_' || Character.isLetterOrDigit(c));
    }

    /** A quoted string that ends the text, or is followed by PostgreSQL's {@code ::type}. */
    private static Optional<String> quoted(String sql, int start) {
        char quote = sql.charAt(start);
        StringBuilder out = new StringBuilder();
        for (int i = start + 1; i < sql.length(); i++) {
            char c = sql.charAt(i);
            if (c == '\\' && i + 1 < sql.length()) {
                out.append(unescaped(sql.charAt(++i)));
            } else if (c != quote) {
                out.append(c);
            } else if (i + 1 < sql.length() && sql.charAt(i + 1) == quote) {
                out.append(quote);
                i++;
            } else {
                String rest = sql.substring(i + 1).strip();
                return rest.isEmpty() || rest.startsWith("::")
                        ? Optional.of(out.toString())
                        : Optional.empty();
            }
        }
        return Optional.empty();
    }

    private static char unescaped(char c) {
        return switch (c) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'b' -> '\b';
            case '0' -> '\0';
            case 'Z' -> '\u001a';
            default -> c;
        };
    }
}
