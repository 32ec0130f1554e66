package io.millrace.core.filter.expression;

import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.expression.Lexer.Kind;
import io.millrace.core.filter.expression.Lexer.Token;
import io.millrace.core.filter.expression.Node.Constant;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Reads an expression by MySQL's grammar and precedences. */
final class Parser {
    /** Deepest nesting. */
    private static final int MAX_DEPTH = 200;

    /** Most operators that join operands: a chain of them is as deep as it is long. */
    private static final int MAX_OPERATORS = 2_000;

    /** Words that are no column, unless in backticks. */
    private static final Set<String> RESERVED =
            Set.of(
                    "and",
                    "or",
                    "xor",
                    "not",
                    "in",
                    "is",
                    "like",
                    "rlike",
                    "regexp",
                    "between",
                    "case",
                    "when",
                    "then",
                    "else",
                    "div",
                    "mod",
                    "null",
                    "true",
                    "false",
                    "interval",
                    "binary",
                    "collate",
                    "select",
                    "from",
                    "where",
                    "exists",
                    "as",
                    "order",
                    "group",
                    "by",
                    "having",
                    "limit",
                    "union",
                    "distinct",
                    "set",
                    "table",
                    "escape",
                    "cast",
                    "convert");

    private final String source;
    private final List<Token> tokens;
    private final List<Name> columns = new ArrayList<>();
    private int at;
    private int depth;
    private int operators;

    /**
     * A column as it is named.
     *
     * @param qualifiers schema and table, as far as they were written
     * @param place in the text
     */
    record Name(List<String> qualifiers, String column, int place) {}

    /** What has been read. */
    record Parsed(Node root, List<Name> columns) {}

    private Parser(String source) {
        this.source = source;
        this.tokens = Lexer.tokens(source);
    }

    static Parsed parse(String source) {
        Parser parser = new Parser(source);
        Node root = parser.or();
        if (parser.peek().kind() != Kind.END) {
            throw parser.unexpected();
        }
        return new Parsed(root, List.copyOf(parser.columns));
    }

    // tokens

    Token peek() {
        return tokens.get(at);
    }

    private Token peekSecond() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    boolean accept(String word) {
        Token token = peek();
        if (token.is(word) || token.isSymbol(word)) {
            at++;
            return true;
        }
        return false;
    }

    /** As {@link #accept}, for what makes the expression deeper. */
    private boolean operator(String word) {
        if (!accept(word)) {
            return false;
        }
        countOperator();
        return true;
    }

    private void countOperator() {
        if (++operators > MAX_OPERATORS) {
            throw error(
                    peek().at(),
                    "it has more than "
                            + MAX_OPERATORS
                            + " operators; compare with many values by IN (...)");
        }
    }

    void expect(String word) {
        if (!accept(word)) {
            throw error(peek().at(), "'" + word + "' is missing before " + shown(peek()));
        }
    }

    private MillraceException unexpected() {
        return error(peek().at(), "unexpected " + shown(peek()));
    }

    private static String shown(Token token) {
        return token.kind() == Kind.END ? "the end" : "'" + token.text() + "'";
    }

    MillraceException error(int place, String what) {
        return Lexer.error(source, place, what);
    }

    // operators, the loosest first

    Node or() {
        if (++depth > MAX_DEPTH) {
            throw error(peek().at(), "it is nested more than " + MAX_DEPTH + " levels deep");
        }
        Node left = xor();
        while (operator("or") || operator("||")) {
            left = or(left, xor());
        }
        depth--;
        return left;
    }

    private static Node or(Node left, Node right) {
        return row -> {
            Boolean a = Values.truth(left.eval(row));
            if (a != null && a) {
                return Values.TRUE;
            }
            Boolean b = Values.truth(right.eval(row));
            if (b != null && b) {
                return Values.TRUE;
            }
            return a == null || b == null ? null : Values.FALSE;
        };
    }

    private Node xor() {
        Node left = and();
        while (operator("xor")) {
            Node first = left;
            Node second = and();
            left =
                    row -> {
                        Boolean a = Values.truth(first.eval(row));
                        Boolean b = Values.truth(second.eval(row));
                        return a == null || b == null ? null : Values.bool(!a.equals(b));
                    };
        }
        return left;
    }

    private Node and() {
        Node left = not();
        while (operator("and") || operator("&&")) {
            left = and(left, not());
        }
        return left;
    }

    private static Node and(Node left, Node right) {
        return row -> {
            Boolean a = Values.truth(left.eval(row));
            if (a != null && !a) {
                return Values.FALSE;
            }
            Boolean b = Values.truth(right.eval(row));
            if (b != null && !b) {
                return Values.FALSE;
            }
            return a == null || b == null ? null : Values.TRUE;
        };
    }

    private Node not() {
        int nots = 0;
        while (operator("not")) {
            nots++;
        }
        Node inner = is();
        for (int i = 0; i < nots; i++) {
            inner = not(inner);
        }
        return inner;
    }

    private static Node not(Node inner) {
        return row -> {
            Boolean value = Values.truth(inner.eval(row));
            return value == null ? null : Values.bool(!value);
        };
    }

    private Node is() {
        Node left = comparison();
        while (operator("is")) {
            boolean not = accept("not");
            Node tested = left;
            if (accept("null") || accept("unknown")) {
                left = row -> Values.bool((tested.eval(row) == null) != not);
            } else if (accept("true")) {
                left = row -> Values.bool(Values.isTrue(tested.eval(row)) != not);
            } else if (accept("false")) {
                left =
                        row -> {
                            Boolean value = Values.truth(tested.eval(row));
                            return Values.bool((value != null && !value) != not);
                        };
            } else {
                throw error(peek().at(), "NULL, TRUE or FALSE must follow IS");
            }
            left = comparisons(left);
        }
        return left;
    }

    private Node comparison() {
        return comparisons(predicate());
    }

    private Node comparisons(Node first) {
        Node left = first;
        while (true) {
            Token token = peek();
            if (token.kind() != Kind.SYMBOL) {
                return left;
            }
            IntPredicate test;
            switch (token.text()) {
                case "=" -> test = c -> c == 0;
                case "<>", "!=" -> test = c -> c != 0;
                case "<" -> test = c -> c < 0;
                case "<=" -> test = c -> c <= 0;
                case ">" -> test = c -> c > 0;
                case ">=" -> test = c -> c >= 0;
                case "<=>" -> {
                    at++;
                    countOperator();
                    Node a = left;
                    Node b = predicate();
                    left =
                            row -> {
                                Object x = a.eval(row);
                                Object y = b.eval(row);
                                if (x == null || y == null) {
                                    return Values.bool(x == y);
                                }
                                Integer order = Values.compare(x, y);
                                return Values.bool(order != null && order == 0);
                            };
                    continue;
                }
                default -> {
                    return left;
                }
            }
            at++;
            countOperator();
            left = compare(left, predicate(), test);
        }
    }

    private static Node compare(Node a, Node b, IntPredicate test) {
        return row -> {
            Integer order = Values.compare(a.eval(row), b.eval(row));
            return order == null ? null : Values.bool(test.test(order));
        };
    }

    private Node predicate() {
        Node left = bitOr();
        int start = at;
        boolean not = accept("not");
        Node result;
        if (accept("in")) {
            expect("(");
            List<Node> list = list();
            result = in(left, list);
        } else if (accept("between")) {
            Node low = bitOr();
            expect("and");
            result = and(compare(left, low, c -> c >= 0), compare(left, predicate(), c -> c <= 0));
        } else if (accept("like")) {
            Node pattern = simple();
            result =
                    Matching.like(
                            left,
                            pattern,
                            accept("escape") ? simple() : new Constant(Text.literal("\\")));
        } else if (accept("regexp") || accept("rlike")) {
            int place = peek().at();
            Node pattern = bitOr();
            result = Matching.regexp(left, pattern, what -> error(place, what));
        } else {
            at = start;
            return left;
        }
        return not ? not(result) : result;
    }

    /** Up to and with the closing parenthesis. */
    private List<Node> list() {
        List<Node> list = new ArrayList<>();
        do {
            list.add(or());
        } while (accept(","));
        expect(")");
        return list;
    }

    private static Node in(Node tested, List<Node> list) {
        return row -> {
            Object value = tested.eval(row);
            if (value == null) {
                return null;
            }
            boolean unknown = false;
            for (Node node : list) {
                Integer order = Values.compare(value, node.eval(row));
                if (order == null) {
                    unknown = true;
                } else if (order == 0) {
                    return Values.TRUE;
                }
            }
            return unknown ? null : Values.FALSE;
        };
    }

    private Node bitOr() {
        Node left = bitAnd();
        while (operator("|")) {
            left = bits('|', left, bitAnd());
        }
        return left;
    }

    private Node bitAnd() {
        Node left = shift();
        while (operator("&")) {
            left = bits('&', left, shift());
        }
        return left;
    }

    private Node shift() {
        Node left = sum();
        while (true) {
            if (operator("<<")) {
                left = bits('<', left, sum());
            } else if (operator(">>")) {
                left = bits('>', left, sum());
            } else {
                return left;
            }
        }
    }

    private static Node bits(char op, Node a, Node b) {
        return row -> {
            Object x = a.eval(row);
            Object y = b.eval(row);
            if (x == null || y == null) {
                return null;
            }
            long left = Values.bits(x);
            long right = Values.bits(y);
            boolean out = right < 0 || right >= Long.SIZE;
            return Values.unsigned(
                    switch (op) {
                        case '|' -> left | right;
                        case '&' -> left & right;
                        case '^' -> left ^ right;
                        case '<' -> out ? 0 : left << right;
                        default -> out ? 0 : left >>> right;
                    });
        };
    }

    private Node sum() {
        Node left = product();
        while (true) {
            boolean plus = peek().isSymbol("+");
            if (!plus && !peek().isSymbol("-")) {
                return left;
            }
            at++;
            countOperator();
            if (peek().is("interval")) {
                Interval interval = interval();
                left = interval.addTo(left, plus ? 1 : -1);
            } else {
                left = arithmetic(plus ? '+' : '-', left, product());
            }
        }
    }

    /** {@code INTERVAL value unit}. */
    Interval interval() {
        expect("interval");
        Node amount = or();
        return new Interval(amount, unit());
    }

    /** The unit of an interval. */
    Interval.Unit unit() {
        Token unit = peek();
        Interval.Unit known = unit.kind() == Kind.WORD ? Interval.Unit.of(unit.text()) : null;
        if (known == null) {
            throw error(unit.at(), "a unit such as DAY must be here");
        }
        at++;
        return known;
    }

    private Node product() {
        Node left = power();
        while (true) {
            char op;
            if (operator("*")) {
                op = '*';
            } else if (operator("/")) {
                op = '/';
            } else if (operator("div")) {
                op = 'd';
            } else if (operator("%") || operator("mod")) {
                op = '%';
            } else {
                return left;
            }
            left = arithmetic(op, left, power());
        }
    }

    private static Node arithmetic(char op, Node a, Node b) {
        return row -> Values.arithmetic(op, a.eval(row), b.eval(row));
    }

    private Node power() {
        Node left = unary();
        while (operator("^")) {
            left = bits('^', left, unary());
        }
        return left;
    }

    private Node unary() {
        if (++depth > MAX_DEPTH) {
            throw error(peek().at(), "it is nested more than " + MAX_DEPTH + " levels deep");
        }
        try {
            if (accept("-")) {
                Node inner = unary();
                return row -> {
                    Object value = inner.eval(row);
                    if (value == null) {
                        return null;
                    }
                    Object number = Values.number(value);
                    return number instanceof BigDecimal exact
                            ? exact.negate()
                            : (Object) (-(Double) number);
                };
            }
            if (accept("+")) {
                return unary();
            }
            if (accept("~")) {
                Node inner = unary();
                return row -> {
                    Object value = inner.eval(row);
                    return value == null ? null : Values.unsigned(~Values.bits(value));
                };
            }
            if (accept("!")) {
                return not(unary());
            }
            return simple();
        } finally {
            depth--;
        }
    }

    /** An operand with what may follow it. */
    private Node simple() {
        Node node = operand();
        while (operator("collate")) {
            Token name = peek();
            if (name.kind() != Kind.WORD
                    && name.kind() != Kind.QUOTED
                    && name.kind() != Kind.TEXT) {
                throw error(name.at(), "the name of a collation must follow COLLATE");
            }
            at++;
            node = collated(node, Collation.named(name.text(), charsetOf(name.text())));
        }
        return node;
    }

    private static String charsetOf(String collation) {
        int end = collation.indexOf('_');
        return Lexer.key(end < 0 ? collation : collation.substring(0, end));
    }

    static Node collated(Node inner, Collation collation) {
        return row -> {
            Object value = inner.eval(row);
            if (value == null) {
                return null;
            }
            Text text = Values.text(value);
            return new Text(text.in(collation), collation, Text.EXPLICIT, null);
        };
    }

    private Node operand() {
        Token token = peek();
        switch (token.kind()) {
            case TEXT -> {
                StringBuilder text = new StringBuilder();
                while (peek().kind() == Kind.TEXT) {
                    text.append(peek().text());
                    at++;
                }
                return new Constant(Text.literal(text.toString()));
            }
            case INTEGER, DECIMAL -> {
                at++;
                return new Constant(new BigDecimal(token.text()));
            }
            case FLOAT -> {
                at++;
                return new Constant(Double.valueOf(token.text()));
            }
            case HEX -> {
                at++;
                return bytes(
                        HexFormat.of().parseHex(token.text()),
                        token.text().isEmpty() ? "0" : token.text(),
                        16);
            }
            case BITS -> {
                at++;
                String bits = token.text().isEmpty() ? "0" : token.text();
                byte[] magnitude = new BigInteger(bits, 2).toByteArray();
                int skip = magnitude.length > 1 && magnitude[0] == 0 ? 1 : 0;
                return bytes(
                        java.util.Arrays.copyOfRange(magnitude, skip, magnitude.length), bits, 2);
            }
            case SYMBOL -> {
                if (accept("(")) {
                    Node inner = or();
                    expect(")");
                    return inner;
                }
                throw unexpected();
            }
            case QUOTED -> {
                return column();
            }
            case WORD -> {
                return word(token);
            }
            default -> throw unexpected();
        }
    }

    private static Node bytes(byte[] bytes, String digits, int radix) {
        return new Constant(
                new Text(
                        new String(bytes, StandardCharsets.ISO_8859_1),
                        Collation.BINARY,
                        Text.LITERAL,
                        new BigDecimal(new BigInteger(digits, radix))));
    }

    private Node word(Token token) {
        String key = Lexer.key(token.text());
        Token next = peekSecond();
        switch (key) {
            case "null" -> {
                at++;
                return new Constant(null);
            }
            case "true", "false" -> {
                at++;
                return new Constant(Values.bool(key.equals("true")));
            }
            case "case" -> {
                at++;
                return caseOf();
            }
            case "binary" -> {
                at++;
                return collated(unary(), Collation.BINARY);
            }
            case "date", "time", "timestamp" -> {
                if (next.kind() == Kind.TEXT) {
                    at += 2;
                    return moment(key, next);
                }
            }
            default -> {
                if (key.startsWith("_") && next.kind() == Kind.TEXT) {
                    at++; // a character set in front of a literal: all texts are Unicode here
                    return operand();
                }
            }
        }
        if (next.isSymbol("(")) {
            at += 2;
            return new Calls(this).call(key, token.at());
        }
        if (RESERVED.contains(key)) {
            throw unexpected();
        }
        return column();
    }

    private Node moment(String kind, Token literal) {
        Moment moment =
                kind.equals("time")
                        ? Moment.parseTime(literal.text())
                        : Moment.parseDate(literal.text());
        if (moment == null) {
            throw error(literal.at(), "'" + literal.text() + "' is no " + kind);
        }
        return new Constant(
                switch (kind) {
                    case "date" -> moment.asDate();
                    case "timestamp" -> moment.asDateTime();
                    default -> moment;
                });
    }

    private Node column() {
        List<String> parts = new ArrayList<>();
        int place = peek().at();
        do {
            Token part = peek();
            if (part.kind() != Kind.WORD && part.kind() != Kind.QUOTED) {
                throw unexpected();
            }
            at++;
            parts.add(part.text());
        } while (accept("."));
        if (parts.size() > 3) {
            throw error(place, "a column's name has at most three parts");
        }
        String column = parts.removeLast();
        int slot = -1;
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).column().equals(column)
                    && columns.get(i).qualifiers().equals(parts)) {
                slot = i;
            }
        }
        if (slot < 0) {
            slot = columns.size();
            columns.add(new Name(List.copyOf(parts), column, place));
        }
        return new Node.ColumnCell(slot);
    }

    private Node caseOf() {
        @Nullable Node subject = peek().is("when") ? null : or();
        List<Node> tests = new ArrayList<>();
        List<Node> results = new ArrayList<>();
        while (accept("when")) {
            Node test = or();
            tests.add(subject == null ? test : compare(subject, test, c -> c == 0));
            expect("then");
            results.add(or());
        }
        if (tests.isEmpty()) {
            throw error(peek().at(), "WHEN is missing in CASE");
        }
        Node otherwise = accept("else") ? or() : new Constant(null);
        expect("end");
        return row -> {
            for (int i = 0; i < tests.size(); i++) {
                if (Values.isTrue(tests.get(i).eval(row))) {
                    return results.get(i).eval(row);
                }
            }
            return otherwise.eval(row);
        };
    }

    /** An operand that ends before an IN. */
    Node operandBeforeIn() {
        return bitOr();
    }

    /** Steps over a word. */
    void skipName() {
        Token token = peek();
        if (token.kind() != Kind.WORD && token.kind() != Kind.QUOTED) {
            throw unexpected();
        }
        at++;
    }

    /** The value of a literal argument; null when it is none. */
    @Nullable Object constant(Node node) {
        return node instanceof Constant constant ? constant.value() : null;
    }

    int place() {
        return peek().at();
    }
}
