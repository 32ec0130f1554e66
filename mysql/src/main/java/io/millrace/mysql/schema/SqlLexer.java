package io.millrace.mysql.schema;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Cuts one SQL statement into tokens: comments go, executable comments open up where the server
 * executed them, quotes are resolved.
 *
 * <p>Source of the rules: MySQL manual "Lexical structure" and "Comments", MariaDB knowledge base
 * "Comment syntax".
 */
final class SqlLexer {
    enum Kind {
        /** Unquoted word: a keyword or an identifier. */
        WORD,
        /** Quoted identifier, unquoted in {@link Token#text}. */
        NAME,
        /** Text literal, unescaped in {@link Token#text}. */
        STRING,
        NUMBER,
        SYMBOL,
        END
    }

    /**
     * One token.
     *
     * @param text unquoted; symbols are one character each
     * @param upper {@code text} in upper case for words, empty for everything else
     * @param start offset in the statement
     * @param end offset behind it
     */
    record Token(Kind kind, String text, String upper, int start, int end) {
        boolean is(String word) {
            return upper.equals(word);
        }

        boolean isSymbol(char symbol) {
            return kind == Kind.SYMBOL && text.charAt(0) == symbol;
        }
    }

    /**
     * How statements are read.
     *
     * @param ansiQuotes double quotes enclose identifiers
     * @param noBackslashEscapes backslash is an ordinary character in strings
     * @param mariaDb flavour of the server that ran the statement
     * @param version its version as five or six digits, such as 80033 or 110405
     */
    record Rules(boolean ansiQuotes, boolean noBackslashEscapes, boolean mariaDb, int version) {}

    private final String sql;
    private final Rules rules;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int openComments;

    private SqlLexer(String sql, Rules rules) {
        this.sql = sql;
        this.rules = rules;
    }

    /** Tokens of the statement, the last of kind END. */
    static List<Token> tokens(String sql, Rules rules) {
        SqlLexer lexer = new SqlLexer(sql, rules);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        int length = sql.length();
        while (at < length) {
            char c = sql.charAt(at);
            if (c <= ' ') {
                at++;
            } else if (c == '#' || c == '-' && startsLineComment()) {
                skipLine();
            } else if (c == '/' && peek(1) == '*') {
                comment();
            } else if (c == '*' && peek(1) == '/' && openComments > 0) {
                openComments--;
                at += 2;
            } else if (c == '`' || c == '"' && rules.ansiQuotes) {
                int start = at;
                String name = quoted(c, false);
                tokens.add(new Token(Kind.NAME, name, "", start, at));
            } else if (c == '\'' || c == '"') {
                int start = at;
                String text = quoted(c, !rules.noBackslashEscapes);
                tokens.add(new Token(Kind.STRING, text, "", start, at));
            } else if (isWordChar(c)) {
                wordOrNumber();
            } else if (c == '.' && isDigit(peek(1)) && !afterName()) {
                int start = at;
                at++;
                while (at < length && isDigit(sql.charAt(at))) {
                    at++;
                }
                tokens.add(new Token(Kind.NUMBER, sql.substring(start, at), "", start, at));
            } else {
                tokens.add(new Token(Kind.SYMBOL, String.valueOf(c), "", at, at + 1));
                at++;
            }
        }
        tokens.add(new Token(Kind.END, "", "", length, length));
    }

    private char peek(int ahead) {
        return at + ahead < sql.length() ? sql.charAt(at + ahead) : '\0';
    }

    private boolean startsLineComment() {
        return peek(1) == '-' && (at + 2 >= sql.length() || peek(2) <= ' ');
    }

    private void skipLine() {
        while (at < sql.length() && sql.charAt(at) != '\n') {
            at++;
        }
    }

    /** At {@code /*}: skips a comment, or steps into an executable one. */
    private void comment() {
        int body = at + 2;
        boolean executable = false;
        if (body < sql.length() && sql.charAt(body) == '!') {
            body++;
            executable = true;
        } else if (rules.mariaDb && sql.startsWith("M!", body)) {
            body += 2;
            executable = true;
        }
        if (executable) {
            int digits = 0;
            int version = 0;
            while (digits < 6
                    && body + digits < sql.length()
                    && isDigit(sql.charAt(body + digits))) {
                version = version * 10 + (sql.charAt(body + digits) - '0');
                digits++;
            }
            if (digits < 5) {
                version = 0;
                digits = 0;
            }
            // MariaDB does not run what is meant for MySQL 5.7 and later.
            boolean foreign =
                    rules.mariaDb
                            && sql.charAt(at + 2) == '!'
                            && version >= 50700
                            && version <= 99999;
            if (version <= rules.version && !foreign) {
                openComments++;
                at = body + digits;
                return;
            }
        }
        int end = sql.indexOf("*/", at + 2);
        at = end < 0 ? sql.length() : end + 2;
    }

    private String quoted(char quote, boolean escapes) {
        StringBuilder out = new StringBuilder();
        at++;
        while (at < sql.length()) {
            char c = sql.charAt(at);
            if (c == quote) {
                if (peek(1) == quote) {
                    out.append(quote);
                    at += 2;
                    continue;
                }
                at++;
                return out.toString();
            }
            if (c == '\\' && escapes && at + 1 < sql.length()) {
                char next = sql.charAt(at + 1);
                switch (next) {
                    case 'n' -> out.append('\n');
                    case 't' -> out.append('\t');
                    case 'r' -> out.append('\r');
                    case 'b' -> out.append('\b');
                    case '0' -> out.append('\0');
                    case 'Z' -> out.append('\u001a');
                    default -> out.append(next);
                }
                at += 2;
                continue;
            }
            out.append(c);
            at++;
        }
        return out.toString();
    }

    private void wordOrNumber() {
        int start = at;
        int length = sql.length();
        if (isDigit(sql.charAt(at)) && !afterName()) {
            int p = at;
            while (p < length && isDigit(sql.charAt(p))) {
                p++;
            }
            if (p < length && sql.charAt(p) == '.' && !nameStart(p + 1)) {
                p++;
                while (p < length && isDigit(sql.charAt(p))) {
                    p++;
                }
            }
            int exponent = exponentEnd(p);
            if (exponent > p || p >= length || !isWordChar(sql.charAt(p))) {
                at = Math.max(p, exponent);
                tokens.add(new Token(Kind.NUMBER, sql.substring(start, at), "", start, at));
                return;
            }
        }
        while (at < length && isWordChar(sql.charAt(at))) {
            at++;
        }
        String text = sql.substring(start, at);
        tokens.add(new Token(Kind.WORD, text, text.toUpperCase(Locale.ROOT), start, at));
    }

    /** Behind the exponent that starts at {@code p}, or {@code p} when there is none. */
    private int exponentEnd(int p) {
        int length = sql.length();
        if (p >= length || (sql.charAt(p) | 0x20) != 'e') {
            return p;
        }
        int q = p + 1;
        if (q < length && (sql.charAt(q) == '+' || sql.charAt(q) == '-')) {
            q++;
        }
        int digits = q;
        while (q < length && isDigit(sql.charAt(q))) {
            q++;
        }
        return q > digits && (q >= length || !isWordChar(sql.charAt(q))) ? q : p;
    }

    private boolean nameStart(int p) {
        return p < sql.length()
                && (sql.charAt(p) == '`' || isWordChar(sql.charAt(p)) && !isDigit(sql.charAt(p)));
    }

    /**
     * Whether the last token is a dot, so that an identifier follows even when it begins with a
     * digit.
     */
    private boolean afterName() {
        if (tokens.isEmpty()) {
            return false;
        }
        Token last = tokens.getLast();
        if (at < sql.length() && sql.charAt(at) == '.') {
            return (last.kind == Kind.NAME || last.kind == Kind.WORD) && last.end == at;
        }
        return last.isSymbol('.');
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean isWordChar(char c) {
        return c >= 'a' && c <= 'z'
                || c >= 'A' && c <= 'Z'
                || isDigit(c)
                || c == '_'
                || c == '$'
                || c >= 0x80;
    }
}
