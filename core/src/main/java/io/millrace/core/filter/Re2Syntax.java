package io.millrace.core.filter;

import java.util.Map;
import java.util.regex.PatternSyntaxException;

/**
 * Turns a regex in the syntax of RE2 (https://github.com/google/re2/wiki/Syntax) into Java's, and
 * refuses what RE2 does not have: back references, look-around, atomic groups, possessive
 * quantifiers. Most of the two languages is the same; what differs in meaning is rewritten.
 */
final class Re2Syntax {
    private static final Map<String, String> POSIX_CLASSES =
            Map.ofEntries(
                    Map.entry("alnum", "\\p{Alnum}"),
                    Map.entry("alpha", "\\p{Alpha}"),
                    Map.entry("ascii", "\\p{ASCII}"),
                    Map.entry("blank", "\\p{Blank}"),
                    Map.entry("cntrl", "\\p{Cntrl}"),
                    Map.entry("digit", "\\p{Digit}"),
                    Map.entry("graph", "\\p{Graph}"),
                    Map.entry("lower", "\\p{Lower}"),
                    Map.entry("print", "\\p{Print}"),
                    Map.entry("punct", "\\p{Punct}"),
                    Map.entry("space", "\\s"),
                    Map.entry("upper", "\\p{Upper}"),
                    Map.entry("word", "\\w"),
                    Map.entry("xdigit", "\\p{XDigit}"));

    /** Letters and digits that may follow a backslash in both languages. */
    private static final String ESCAPES = "aftnrvxpPdDsSwWbBAz01234567QE";

    private final String source;
    private final StringBuilder out = new StringBuilder();
    private int at;

    private Re2Syntax(String source) {
        this.source = source;
    }

    static String toJava(String source) {
        return new Re2Syntax(source).translate();
    }

    private String translate() {
        boolean afterQuantifier = false;
        while (at < source.length()) {
            char c = source.charAt(at);
            boolean quantifier = false;
            switch (c) {
                case '\\' -> escape();
                case '[' -> characterClass();
                case '(' -> group();
                case '$' -> {
                    // In RE2 only the very end, unless (?m); Java also stops before a newline.
                    out.append(source.contains("(?m") ? "$" : "\\z");
                    at++;
                }
                case '*', '+', '?', '{' -> {
                    if (c == '+' && afterQuantifier) {
                        throw error("possessive quantifiers are not supported");
                    }
                    quantifier = !(c == '?' && afterQuantifier);
                    quantifier(c);
                }
                default -> {
                    out.append(c);
                    at++;
                }
            }
            afterQuantifier = quantifier;
        }
        return out.toString();
    }

    private void quantifier(char c) {
        if (c != '{') {
            out.append(c);
            at++;
            return;
        }
        int close = source.indexOf('}', at);
        String inside = close < 0 ? "" : source.substring(at + 1, close);
        if (inside.matches("\\d{1,4}(,\\d{0,4})?")) {
            out.append(source, at, close + 1);
            at = close + 1;
        } else {
            out.append("\\{"); // RE2 takes a brace that is no repetition literally
            at++;
        }
    }

    private void escape() {
        if (at + 1 >= source.length()) {
            throw error("nothing follows the backslash");
        }
        char next = source.charAt(at + 1);
        boolean letterOrDigit = next < 0x80 && Character.isLetterOrDigit(next);
        if (letterOrDigit && ESCAPES.indexOf(next) < 0) {
            throw error("\\" + next + " is not supported");
        }
        if (next == 'Q') {
            int end = source.indexOf("\\E", at);
            int to = end < 0 ? source.length() : end + 2;
            out.append(source, at, to);
            at = to;
            return;
        }
        if (next >= '0' && next <= '7') {
            if (next != '0') {
                throw error("back references are not supported");
            }
            int end = at + 2;
            while (end < at + 4 && end < source.length() && isOctal(source.charAt(end))) {
                end++;
            }
            int value = end == at + 2 ? 0 : Integer.parseInt(source.substring(at + 2, end), 8);
            out.append(String.format("\\x{%x}", value));
            at = end;
            return;
        }
        if ((next == 'p' || next == 'P') && source.startsWith("{", at + 2)) {
            unicodeClass(next);
            return;
        }
        if (next == 'v') {
            out.append("\\x0B"); // one character in RE2, a class in Java
        } else {
            out.append('\\').append(next);
        }
        at += 2;
    }

    /** A general category has one or two letters, everything longer is a script. */
    private void unicodeClass(char letter) {
        int close = source.indexOf('}', at);
        if (close < 0) {
            throw error("the class name is not closed");
        }
        String name = source.substring(at + 3, close);
        boolean inverted = name.startsWith("^");
        String plain = inverted ? name.substring(1) : name;
        out.append('\\')
                .append(!inverted ? letter : letter == 'p' ? 'P' : 'p')
                .append(plain.length() <= 2 ? "{" : "{Is")
                .append(plain)
                .append('}');
        at = close + 1;
    }

    private static boolean isOctal(char c) {
        return c >= '0' && c <= '7';
    }

    private void group() {
        boolean named = source.startsWith("(?<", at) && !source.startsWith("(?<=", at);
        if (source.startsWith("(?P<", at) || (named && !source.startsWith("(?<!", at))) {
            // A name has no use without back references, and Java takes fewer of them.
            int open = source.indexOf('<', at);
            int close = source.indexOf('>', open);
            if (close < 0 || !source.substring(open + 1, close).matches("\\w+")) {
                throw error("the group's name is malformed");
            }
            out.append('(');
            at = close + 1;
            return;
        }
        for (String refused : new String[] {"(?=", "(?!", "(?<=", "(?<!", "(?>"}) {
            if (source.startsWith(refused, at)) {
                throw error("the group " + refused + "…) is not supported");
            }
        }
        if (source.startsWith("(?", at)) {
            int end = at + 2;
            while (end < source.length()
                    && source.charAt(end) != ':'
                    && source.charAt(end) != ')') {
                if ("ims-".indexOf(source.charAt(end)) < 0) {
                    throw error("the flag '" + source.charAt(end) + "' is not supported");
                }
                end++;
            }
            out.append(source, at, end);
            at = end;
            return;
        }
        out.append('(');
        at++;
    }

    private void characterClass() {
        out.append('[');
        at++;
        if (at < source.length() && source.charAt(at) == '^') {
            out.append('^');
            at++;
        }
        if (at < source.length() && source.charAt(at) == ']') {
            out.append("\\]"); // first in a class it is itself
            at++;
        }
        while (at < source.length()) {
            char c = source.charAt(at);
            if (c == ']') {
                out.append(']');
                at++;
                return;
            }
            if (c == '[' && source.startsWith("[:", at)) {
                posixClass();
            } else if (c == '\\') {
                escape();
            } else {
                if (c == '[' || c == '&' || c == '^') {
                    out.append('\\'); // union, intersection: only Java has them
                }
                out.append(c);
                at++;
            }
        }
        throw error("the class is not closed");
    }

    private void posixClass() {
        int end = source.indexOf(":]", at);
        if (end < 0) {
            throw error("the class name is not closed");
        }
        String name = source.substring(at + 2, end);
        boolean negated = name.startsWith("^");
        String known = POSIX_CLASSES.get(negated ? name.substring(1) : name);
        if (known == null) {
            throw error("there is no class [:" + name + ":]");
        }
        out.append(negated ? "[^" + known + "]" : known);
        at = end + 2;
    }

    private PatternSyntaxException error(String what) {
        return new PatternSyntaxException(what, source, at);
    }
}
