package io.millrace.core.filter.expression;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Cuts an expression into tokens. */
final class Lexer {
    enum Kind {
        /** A name or key word as written. */
        WORD,
        /** A name in backticks, without them. */
        QUOTED,
        TEXT,
        INTEGER,
        DECIMAL,
        FLOAT,
        /** Digits of a hexadecimal literal. */
        HEX,
        /** Digits of a bit literal. */
        BITS,
        SYMBOL,
        END
    }

    /**
     * @param at place of its first character
     */
    record Token(Kind kind, String text, int at) {
        boolean is(String word) {
            return kind == Kind.WORD && text.equalsIgnoreCase(word);
        }

        boolean isSymbol(String symbol) {
            return kind == Kind.SYMBOL && text.equals(symbol);
        }
    }

    private static final List<String> SYMBOLS =
            List.of(
                    "<=>", "<=", ">=", "<>", "!=", "<<", ">>", "&&", "||", "=", "<", ">", "+", "-",
                    "*", "/", "%", "(", ")", ",", ".", "!", "~", "&", "|", "^");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String source) {
        return new Lexer(source).run();
    }

    static MillraceException error(String source, int at, String what) {
        return new MillraceException(
                ErrorCode.INVALID_EXPRESSION,
                "invalid filter expression '"
                        + source
                        + "', at character "
                        + (at + 1)
                        + ": "
                        + what);
    }

    private List<Token> run() {
        while (true) {
            while (at < source.length() && Character.isWhitespace(source.charAt(at))) {
                at++;
            }
            if (at == source.length()) {
                tokens.add(new Token(Kind.END, "the end", at));
                return tokens;
            }
            next();
        }
    }

    private void next() {
        int start = at;
        char c = source.charAt(at);
        if (c == '\'' || c == '"') {
            add(Kind.TEXT, quoted(c, true), start);
        } else if (c == '`') {
            add(Kind.QUOTED, quoted(c, false), start);
        } else if ((c == 'x' || c == 'X' || c == 'b' || c == 'B') && follows('\'')) {
            at++;
            String digits = quoted('\'', false);
            boolean hex = c == 'x' || c == 'X';
            if (!digits.matches(hex ? "([0-9a-fA-F]{2})*" : "[01]*")) {
                throw error(source, start, "wrong digits in the literal");
            }
            add(hex ? Kind.HEX : Kind.BITS, digits, start);
        } else if ((c == 'n' || c == 'N') && follows('\'')) {
            at++;
            add(Kind.TEXT, quoted('\'', true), start);
        } else if (isDigit(at) || (c == '.' && isDigit(at + 1) && !afterName())) {
            number();
        } else if (isWordPart(c)) {
            while (at < source.length() && isWordPart(source.charAt(at))) {
                at++;
            }
            add(Kind.WORD, source.substring(start, at), start);
        } else {
            for (String symbol : SYMBOLS) {
                if (source.startsWith(symbol, at)) {
                    at += symbol.length();
                    add(Kind.SYMBOL, symbol, start);
                    return;
                }
            }
            throw error(
                    source, at, "unexpected '" + Character.toString(source.codePointAt(at)) + "'");
        }
    }

    private void add(Kind kind, String text, int start) {
        tokens.add(new Token(kind, text, start));
    }

    private boolean follows(char c) {
        return at + 1 < source.length() && source.charAt(at + 1) == c;
    }

    private boolean afterName() {
        if (tokens.isEmpty() || at == 0 || Character.isWhitespace(source.charAt(at - 1))) {
            return false;
        }
        Kind last = tokens.getLast().kind();
        return last == Kind.WORD || last == Kind.QUOTED;
    }

    private boolean isDigit(int place) {
        return place < source.length()
                && source.charAt(place) >= '0'
                && source.charAt(place) <= '9';
    }

    private static boolean isWordPart(char c) {
        return c == '_'
                || c == '$'
                || c >= 0x80
                || (c >= '0' && c <= '9')
                || (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z');
    }

    private void number() {
        int start = at;
        if (source.startsWith("0x", at) || source.startsWith("0b", at)) {
            boolean hex = source.charAt(at + 1) == 'x';
            int from = at + 2;
            int end = from;
            while (end < source.length() && isWordPart(source.charAt(end))) {
                end++;
            }
            String digits = source.substring(from, end);
            if (!digits.matches(hex ? "[0-9a-fA-F]+" : "[01]+")) {
                throw error(source, start, "wrong digits in the literal");
            }
            at = end;
            add(
                    hex ? Kind.HEX : Kind.BITS,
                    hex && digits.length() % 2 == 1 ? "0" + digits : digits,
                    start);
            return;
        }
        Kind kind = Kind.INTEGER;
        digits();
        if (at < source.length() && source.charAt(at) == '.') {
            kind = Kind.DECIMAL;
            at++;
            digits();
        }
        if (at < source.length() && (source.charAt(at) == 'e' || source.charAt(at) == 'E')) {
            int exponent = at + 1;
            if (exponent < source.length()
                    && (source.charAt(exponent) == '-' || source.charAt(exponent) == '+')) {
                exponent++;
            }
            if (isDigit(exponent)) {
                kind = Kind.FLOAT;
                at = exponent;
                digits();
            }
        }
        if (at < source.length() && isWordPart(source.charAt(at))) {
            throw error(source, at, "a number must not be followed by a letter");
        }
        add(kind, source.substring(start, at), start);
    }

    private void digits() {
        while (isDigit(at)) {
            at++;
        }
    }

    private String quoted(char quote, boolean escapes) {
        int start = at++;
        StringBuilder out = new StringBuilder();
        while (at < source.length()) {
            char c = source.charAt(at++);
            if (c == quote) {
                if (at < source.length() && source.charAt(at) == quote) {
                    out.append(quote);
                    at++;
                    continue;
                }
                return out.toString();
            }
            if (c == '\\' && escapes && at < source.length()) {
                char escaped = source.charAt(at++);
                switch (escaped) {
                    case 'n' -> out.append('\n');
                    case 't' -> out.append('\t');
                    case 'r' -> out.append('\r');
                    case 'b' -> out.append('\b');
                    case '0' -> out.append('\0');
                    case 'Z' -> out.append('\u001a');
                    case '%', '_' -> out.append('\\').append(escaped);
                    default -> out.append(escaped);
                }
            } else {
                out.append(c);
            }
        }
        throw error(source, start, "the quote is not closed");
    }

    /** A word as functions and key words are looked up. */
    static String key(String word) {
        return word.toLowerCase(Locale.ROOT);
    }
}
