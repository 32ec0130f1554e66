package io.millrace.core.filter.expression;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** Function calls. A function of NULL is NULL where nothing else is said. */
final class Calls {
    /** Longest text that a function makes, in characters. */
    private static final int MAX_TEXT = 1 << 20;

    private static final int MAX_SCALE = 30;

    /** Their value depends on when or where they are asked. */
    private static final Set<String> UNSTABLE =
            Set.of(
                    "now",
                    "sysdate",
                    "curdate",
                    "curtime",
                    "current_date",
                    "current_time",
                    "current_timestamp",
                    "localtime",
                    "localtimestamp",
                    "utc_date",
                    "utc_time",
                    "utc_timestamp",
                    "rand",
                    "uuid",
                    "uuid_short",
                    "user",
                    "current_user",
                    "session_user",
                    "system_user",
                    "database",
                    "schema",
                    "version",
                    "connection_id",
                    "last_insert_id",
                    "found_rows",
                    "row_count",
                    "sleep",
                    "get_lock",
                    "benchmark",
                    "load_file");

    private final Parser parser;

    Calls(Parser parser) {
        this.parser = parser;
    }

    /** Behind the opening parenthesis; reads up to and with the closing one. */
    Node call(String name, int place) {
        return switch (name) {
            case "cast" -> cast("as");
            case "convert" -> convert();
            case "substring", "substr", "mid" -> substring(place);
            case "trim" -> trim();
            case "position" -> position();
            case "extract" -> extract();
            case "date_add", "adddate", "date_sub", "subdate" -> dateAdd(name);
            case "timestampdiff" -> timestampDiff();
            case "timestampadd" -> timestampAdd();
            default -> plain(name, arguments(), place);
        };
    }

    private List<Node> arguments() {
        List<Node> arguments = new ArrayList<>();
        if (!parser.accept(")")) {
            do {
                arguments.add(parser.or());
            } while (parser.accept(","));
            parser.expect(")");
        }
        return arguments;
    }

    private Node plain(String name, List<Node> args, int place) {
        if (UNSTABLE.contains(name)) {
            throw parser.error(
                    place,
                    "the function "
                            + name
                            + " has another value at each time; a filter must decide alike after a"
                            + " restart");
        }
        int n = args.size();
        Node made = make(name, args);
        if (made == null) {
            throw parser.error(place, "there is no function " + name + " of " + n + " arguments");
        }
        return made;
    }

    private static @Nullable Node make(String name, List<Node> args) {
        Node made = conditional(name, args);
        if (made == null) {
            made = numeric(name, args);
        }
        if (made == null) {
            made = textual(name, args);
        }
        return made == null ? temporal(name, args) : made;
    }

    // helpers

    private static Node of(Node a, Function<Object, @Nullable Object> function) {
        return row -> {
            Object value = a.eval(row);
            return value == null ? null : function.apply(value);
        };
    }

    private static Node of(Node a, Node b, BiFunction<Object, Object, @Nullable Object> function) {
        return row -> {
            Object x = a.eval(row);
            Object y = b.eval(row);
            return x == null || y == null ? null : function.apply(x, y);
        };
    }

    /** A function of values none of which may be NULL. */
    private static Node ofAll(List<Node> args, Function<List<Object>, @Nullable Object> function) {
        return row -> {
            List<Object> values = new ArrayList<>(args.size());
            for (Node arg : args) {
                Object value = arg.eval(row);
                if (value == null) {
                    return null;
                }
                values.add(value);
            }
            return function.apply(values);
        };
    }

    private static Node ofText(Node a, Function<String, String> function) {
        return of(
                a,
                value -> {
                    Text text = Values.text(value);
                    return text.with(function.apply(text.value()));
                });
    }

    private static Node toInt(Node a, Function<Text, Integer> function) {
        return of(a, value -> BigDecimal.valueOf(function.apply(Values.text(value))));
    }

    private static Node ofDouble(Node a, Function<Double, Double> function) {
        return of(
                a,
                value -> {
                    double result = function.apply(Values.toDouble(value));
                    return Double.isFinite(result) ? result : null;
                });
    }

    private static @Nullable Text limited(Text model, String text) {
        return text.length() > MAX_TEXT ? null : model.with(text);
    }

    // conditions

    private static @Nullable Node conditional(String name, List<Node> args) {
        int n = args.size();
        switch (name) {
            case "if" -> {
                if (n == 3) {
                    return row ->
                            Values.isTrue(args.get(0).eval(row))
                                    ? args.get(1).eval(row)
                                    : args.get(2).eval(row);
                }
            }
            case "ifnull", "nvl" -> {
                return n == 2 ? coalesce(args) : null;
            }
            case "coalesce" -> {
                return n > 0 ? coalesce(args) : null;
            }
            case "isnull" -> {
                if (n == 1) {
                    return row -> Values.bool(args.get(0).eval(row) == null);
                }
            }
            case "nullif" -> {
                if (n == 2) {
                    return row -> {
                        Object value = args.get(0).eval(row);
                        Integer order = Values.compare(value, args.get(1).eval(row));
                        return order != null && order == 0 ? null : value;
                    };
                }
            }
            case "greatest", "least" -> {
                int sign = name.equals("greatest") ? 1 : -1;
                return n < 2 ? null : ofAll(args, values -> extreme(values, sign));
            }
            default -> {}
        }
        return null;
    }

    private static Node coalesce(List<Node> args) {
        return row -> {
            for (Node arg : args) {
                Object value = arg.eval(row);
                if (value != null) {
                    return value instanceof Text text ? asOf(args, text, row) : value;
                }
            }
            return null;
        };
    }

    /** A literal in the place of a column is compared as the column is. */
    private static Text asOf(List<Node> args, Text text, Node.Cells row) {
        if (text.strength() > Text.COLUMN && !text.collation().binary()) {
            for (Node arg : args) {
                if (arg instanceof Node.ColumnCell cell && !row.collation(cell.slot()).binary()) {
                    Collation collation = row.collation(cell.slot());
                    return new Text(text.value(), collation, Text.COLUMN, text.number());
                }
            }
        }
        return text;
    }

    private static @Nullable Object extreme(List<Object> values, int sign) {
        Object best = values.get(0);
        for (Object value : values) {
            Integer order = Values.compare(value, best);
            if (order == null) {
                return null;
            }
            best = order * sign > 0 ? value : best;
        }
        return best;
    }

    // numbers

    private static @Nullable Node numeric(String name, List<Node> args) {
        int n = args.size();
        if (n == 1) {
            Node a = args.get(0);
            return switch (name) {
                case "abs" -> rounded(a, BigDecimal::abs, Math::abs);
                case "sign" ->
                        of(a, v -> BigDecimal.valueOf((long) Math.signum(Values.toDouble(v))));
                case "floor" -> rounded(a, v -> v.setScale(0, RoundingMode.FLOOR), Math::floor);
                case "ceil", "ceiling" ->
                        rounded(a, v -> v.setScale(0, RoundingMode.CEILING), Math::ceil);
                case "round" -> rounded(a, v -> v.setScale(0, RoundingMode.HALF_UP), Math::rint);
                case "sqrt" -> ofDouble(a, Math::sqrt);
                case "exp" -> ofDouble(a, Math::exp);
                case "ln", "log" -> ofDouble(a, Math::log);
                case "log2" -> ofDouble(a, v -> Math.log(v) / Math.log(2));
                case "log10" -> ofDouble(a, Math::log10);
                case "bit_count" -> of(a, v -> BigDecimal.valueOf(Long.bitCount(Values.bits(v))));
                default -> null;
            };
        }
        if (n != 2) {
            return null;
        }
        Node a = args.get(0);
        Node b = args.get(1);
        return switch (name) {
            case "mod" -> row -> Values.arithmetic('%', a.eval(row), b.eval(row));
            case "pow", "power" ->
                    of(
                            a,
                            b,
                            (x, y) -> {
                                double v = Math.pow(Values.toDouble(x), Values.toDouble(y));
                                return Double.isFinite(v) ? v : null;
                            });
            case "log" ->
                    of(
                            a,
                            b,
                            (x, y) -> {
                                double v =
                                        Math.log(Values.toDouble(y)) / Math.log(Values.toDouble(x));
                                return Double.isFinite(v) ? v : null;
                            });
            case "round" -> of(a, b, (x, y) -> scaled(x, Values.index(y), true));
            case "truncate" -> of(a, b, (x, y) -> scaled(x, Values.index(y), false));
            default -> null;
        };
    }

    private static Node rounded(
            Node a, Function<BigDecimal, BigDecimal> exact, Function<Double, Double> floating) {
        return of(
                a,
                value -> {
                    Object number = Values.number(value);
                    return number instanceof BigDecimal known
                            ? exact.apply(known)
                            : (Object) floating.apply((Double) number);
                });
    }

    private static Object scaled(Object value, int digits, boolean round) {
        int scale = Math.max(-65, Math.min(MAX_SCALE, digits));
        Object number = Values.number(value);
        if (number instanceof BigDecimal exact) {
            if (scale >= exact.scale()) {
                return exact;
            }
            return exact.setScale(scale, round ? RoundingMode.HALF_UP : RoundingMode.DOWN)
                    .setScale(Math.max(0, scale));
        }
        double floating = (Double) number;
        double factor = Math.pow(10, scale);
        double moved = floating * factor;
        return (round ? Math.rint(moved) : moved < 0 ? Math.ceil(moved) : Math.floor(moved))
                / factor;
    }

    // texts

    private static @Nullable Node textual(String name, List<Node> args) {
        return switch (args.size()) {
            case 0 -> null;
            case 1 -> {
                Node one = ofOneText(name, args.get(0));
                yield one == null ? ofTexts(name, args) : one;
            }
            case 2 -> {
                Node two = ofTwoTexts(name, args.get(0), args.get(1));
                yield two == null ? ofTexts(name, args) : two;
            }
            default -> ofTexts(name, args);
        };
    }

    private static @Nullable Node ofOneText(String name, Node a) {
        return switch (name) {
            case "length", "octet_length" -> toInt(a, Text::bytes);
            case "bit_length" -> toInt(a, text -> text.bytes() * 8);
            case "char_length", "character_length" ->
                    toInt(a, text -> text.value().codePointCount(0, text.value().length()));
            case "lower", "lcase" -> inCase(a, text -> text.toLowerCase(Locale.ROOT));
            case "upper", "ucase" -> inCase(a, text -> text.toUpperCase(Locale.ROOT));
            case "ltrim" -> ofText(a, text -> trimmed(text, " ", true, false));
            case "rtrim" -> ofText(a, text -> trimmed(text, " ", false, true));
            case "reverse" -> ofText(a, text -> new StringBuilder(text).reverse().toString());
            case "space" -> of(a, v -> repeat(Text.literal(" "), Values.index(v)));
            case "ascii" -> toInt(a, text -> text.bytes() == 0 ? 0 : text.toBytes()[0] & 0xff);
            case "ord" -> toInt(a, Calls::ord);
            case "hex" -> of(a, Calls::hex);
            case "unhex" -> of(a, Calls::unhex);
            case "bin" -> of(a, v -> Text.literal(Long.toBinaryString(Values.bits(v))));
            case "oct" -> of(a, v -> Text.literal(Long.toOctalString(Values.bits(v))));
            case "crc32" ->
                    of(
                            a,
                            v -> {
                                CRC32 crc = new CRC32();
                                crc.update(Values.text(v).toBytes());
                                return BigDecimal.valueOf(crc.getValue());
                            });
            case "md5" -> of(a, v -> digest("MD5", v));
            case "sha", "sha1" -> of(a, v -> digest("SHA-1", v));
            default -> null;
        };
    }

    private static Node inCase(Node a, Function<String, String> function) {
        return of(
                a,
                value -> {
                    Text text = Values.text(value);
                    return text.collation().binary()
                            ? text
                            : text.with(function.apply(text.value()));
                });
    }

    private static int ord(Text text) {
        if (text.value().isEmpty()) {
            return 0;
        }
        int first = text.value().offsetByCodePoints(0, 1);
        int code = 0;
        for (byte b : text.with(text.value().substring(0, first)).toBytes()) {
            code = code << 8 | b & 0xff;
        }
        return code;
    }

    private static Text hex(Object value) {
        if (value instanceof Text text) {
            return Text.literal(HexFormat.of().withUpperCase().formatHex(text.toBytes()));
        }
        Object number = value instanceof Moment ? Values.text(value) : value;
        return number instanceof Text text
                ? hex(text)
                : Text.literal(Long.toHexString(Values.bits(number)).toUpperCase(Locale.ROOT));
    }

    private static @Nullable Text unhex(Object value) {
        String digits = Values.text(value).value();
        String even = digits.length() % 2 == 0 ? digits : "0" + digits;
        try {
            byte[] bytes = HexFormat.of().parseHex(even);
            return new Text(
                    new String(bytes, StandardCharsets.ISO_8859_1),
                    Collation.BINARY,
                    Text.LITERAL,
                    null);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static Text digest(String algorithm, Object value) {
        try {
            byte[] digest =
                    MessageDigest.getInstance(algorithm).digest(Values.text(value).toBytes());
            return Text.literal(HexFormat.of().formatHex(digest));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static @Nullable Node ofTwoTexts(String name, Node a, Node b) {
        return switch (name) {
            case "left" ->
                    of(a, b, (text, n) -> cut(Values.text(text), 0, Math.max(0, Values.index(n))));
            case "right" ->
                    of(
                            a,
                            b,
                            (value, n) -> {
                                Text text = Values.text(value);
                                int all = text.value().codePointCount(0, text.value().length());
                                int from = Math.max(0, all - Math.max(0, Values.index(n)));
                                return cut(text, from, all);
                            });
            case "repeat" -> of(a, b, (text, n) -> repeat(Values.text(text), Values.index(n)));
            case "locate" -> of(a, b, (part, text) -> find(part, text, 1));
            case "instr" -> of(a, b, (text, part) -> find(part, text, 1));
            case "strcmp" ->
                    of(
                            a,
                            b,
                            (x, y) -> {
                                Integer order = Values.compare(Values.text(x), Values.text(y));
                                return order == null
                                        ? null
                                        : BigDecimal.valueOf(Integer.signum(order));
                            });
            case "find_in_set" -> of(a, b, Calls::findInSet);
            case "sha2" ->
                    of(
                            a,
                            b,
                            (text, bits) ->
                                    switch (Values.index(bits)) {
                                        case 0, 256 -> digest("SHA-256", text);
                                        case 224 -> digest("SHA-224", text);
                                        case 384 -> digest("SHA-384", text);
                                        case 512 -> digest("SHA-512", text);
                                        default -> null;
                                    });
            default -> null;
        };
    }

    private static BigDecimal findInSet(Object wanted, Object list) {
        Text part = Values.text(wanted);
        Text all = Values.text(list);
        if (all.value().isEmpty()) {
            return BigDecimal.ZERO;
        }
        Collation collation = part.against(all);
        int at = 1;
        for (String element : all.in(collation).split(",", -1)) {
            if (collation.compare(part.in(collation), element) == 0) {
                return BigDecimal.valueOf(at);
            }
            at++;
        }
        return BigDecimal.ZERO;
    }

    private static @Nullable Text repeat(Text text, int times) {
        if (times <= 0 || text.value().isEmpty()) {
            return text.with("");
        }
        return (long) times * text.value().length() > MAX_TEXT
                ? null
                : text.with(text.value().repeat(times));
    }

    private static Text cut(Text text, int from, int to) {
        String value = text.value();
        int all = value.codePointCount(0, value.length());
        int start = value.offsetByCodePoints(0, Math.min(from, all));
        int end = value.offsetByCodePoints(0, Math.max(Math.min(from, all), Math.min(to, all)));
        return text.with(value.substring(start, end));
    }

    private static BigDecimal find(Object wanted, Object in, int from) {
        Text part = Values.text(wanted);
        Text text = Values.text(in);
        Collation collation = part.against(text);
        int[] needle = collation.fold(part.in(collation)).codePoints().toArray();
        int[] hay = collation.fold(text.in(collation)).codePoints().toArray();
        for (int at = Math.max(0, from - 1); from > 0 && at + needle.length <= hay.length; at++) {
            int same = 0;
            while (same < needle.length && hay[at + same] == needle[same]) {
                same++;
            }
            if (same == needle.length) {
                return BigDecimal.valueOf(at + 1);
            }
        }
        return BigDecimal.ZERO;
    }

    private static @Nullable Node ofTexts(String name, List<Node> args) {
        int n = args.size();
        return switch (name) {
            case "concat" -> ofAll(args, values -> joined(values, ""));
            case "concat_ws" -> n < 2 ? null : concatWithSeparator(args);
            case "replace" ->
                    n != 3
                            ? null
                            : ofAll(
                                    args,
                                    v -> {
                                        Text text = Values.text(v.get(0));
                                        String from = Values.text(v.get(1)).value();
                                        String to = Values.text(v.get(2)).value();
                                        return from.isEmpty()
                                                ? text
                                                : limited(text, text.value().replace(from, to));
                                    });
            case "locate" ->
                    n != 3
                            ? null
                            : ofAll(args, v -> find(v.get(0), v.get(1), Values.index(v.get(2))));
            case "substring_index" -> n != 3 ? null : ofAll(args, Calls::substringIndex);
            case "lpad", "rpad" -> n != 3 ? null : ofAll(args, v -> padded(v, name.equals("lpad")));
            case "elt" -> n < 2 ? null : elt(args);
            case "field" -> n < 2 ? null : field(args);
            case "regexp_like" ->
                    n != 2
                            ? null
                            : Matching.regexp(
                                    args.get(0), args.get(1), what -> Lexer.error(name, 0, what));
            default -> null;
        };
    }

    private static @Nullable Text joined(List<Object> values, String separator) {
        Text model = Values.text(values.get(0));
        StringBuilder out = new StringBuilder();
        boolean binary = false;
        for (Object value : values) {
            Text text = Values.text(value);
            binary |= text.collation().binary();
            model = text.strength() < model.strength() ? text : model;
        }
        Collation collation = binary ? Collation.BINARY : model.collation();
        for (Object value : values) {
            if (!separator.isEmpty() && value != values.get(0)) {
                out.append(separator);
            }
            out.append(Values.text(value).in(collation));
        }
        return out.length() > MAX_TEXT
                ? null
                : new Text(out.toString(), collation, model.strength(), null);
    }

    private static Node concatWithSeparator(List<Node> args) {
        return row -> {
            Object separator = args.get(0).eval(row);
            if (separator == null) {
                return null;
            }
            StringBuilder out = new StringBuilder();
            Text model = Values.text(separator);
            boolean first = true;
            for (Node arg : args.subList(1, args.size())) {
                Object value = arg.eval(row);
                if (value != null) {
                    Text text = Values.text(value);
                    model = text.strength() < model.strength() ? text : model;
                    out.append(first ? "" : Values.text(separator).value()).append(text.value());
                    first = false;
                }
            }
            return limited(model, out.toString());
        };
    }

    private static Text substringIndex(List<Object> values) {
        Text text = Values.text(values.get(0));
        String mark = Values.text(values.get(1)).value();
        int count = Values.index(values.get(2));
        String value = text.value();
        if (mark.isEmpty() || count == 0) {
            return text.with("");
        }
        int at = count > 0 ? -mark.length() : value.length();
        for (int i = 0; i < Math.abs(count); i++) {
            at =
                    count > 0
                            ? value.indexOf(mark, at + mark.length())
                            : at == 0 ? -1 : value.lastIndexOf(mark, at - mark.length());
            if (at < 0) {
                return text;
            }
        }
        return text.with(count > 0 ? value.substring(0, at) : value.substring(at + mark.length()));
    }

    private static @Nullable Object padded(List<Object> values, boolean left) {
        Text text = Values.text(values.get(0));
        int length = Values.index(values.get(1));
        String with = Values.text(values.get(2)).value();
        int have = text.value().codePointCount(0, text.value().length());
        if (length < 0 || length > MAX_TEXT) {
            return null;
        }
        if (have >= length) {
            return cut(text, 0, length);
        }
        if (with.isEmpty()) {
            return text.with("");
        }
        String pad = with.repeat((length - have) / with.codePointCount(0, with.length()) + 1);
        pad = pad.substring(0, pad.offsetByCodePoints(0, length - have));
        return text.with(left ? pad + text.value() : text.value() + pad);
    }

    private static Node elt(List<Node> args) {
        return row -> {
            Object which = args.get(0).eval(row);
            int index = which == null ? 0 : Values.index(which);
            return index < 1 || index >= args.size() ? null : args.get(index).eval(row);
        };
    }

    private static Node field(List<Node> args) {
        return row -> {
            Object wanted = args.get(0).eval(row);
            for (int i = 1; i < args.size() && wanted != null; i++) {
                Integer order = Values.compare(wanted, args.get(i).eval(row));
                if (order != null && order == 0) {
                    return BigDecimal.valueOf(i);
                }
            }
            return BigDecimal.ZERO;
        };
    }

    private Node substring(int place) {
        Node text = parser.or();
        Node from;
        @Nullable Node length = null;
        if (parser.accept("from")) {
            from = parser.or();
            length = parser.accept("for") ? parser.or() : null;
            parser.expect(")");
        } else {
            parser.expect(",");
            List<Node> rest = arguments();
            if (rest.isEmpty() || rest.size() > 2) {
                throw parser.error(place, "a substring has two or three arguments");
            }
            from = rest.get(0);
            length = rest.size() == 2 ? rest.get(1) : null;
        }
        Node count = length;
        return row -> {
            Object value = text.eval(row);
            Object at = from.eval(row);
            Object many = count == null ? BigDecimal.valueOf(MAX_TEXT) : count.eval(row);
            if (value == null || at == null || many == null) {
                return null;
            }
            Text whole = Values.text(value);
            int all = whole.value().codePointCount(0, whole.value().length());
            int start = Values.index(at);
            int n = Values.index(many);
            start = start < 0 ? all + start : start - 1;
            if (start < 0 || start >= all || n <= 0) {
                return whole.with("");
            }
            return cut(whole, start, (int) Math.min(all, (long) start + n));
        };
    }

    private Node trim() {
        boolean leading = true;
        boolean trailing = true;
        boolean sided = true;
        if (parser.accept("leading")) {
            trailing = false;
        } else if (parser.accept("trailing")) {
            leading = false;
        } else {
            sided = parser.accept("both");
        }
        Node what = new Node.Constant(Text.literal(" "));
        Node text;
        if (sided && parser.accept("from")) {
            text = parser.or();
        } else {
            text = parser.or();
            if (parser.accept("from")) {
                what = text;
                text = parser.or();
            }
        }
        parser.expect(")");
        boolean left = leading;
        boolean right = trailing;
        return of(
                text,
                what,
                (value, part) -> {
                    Text whole = Values.text(value);
                    return whole.with(
                            trimmed(whole.value(), Values.text(part).value(), left, right));
                });
    }

    private static String trimmed(String text, String part, boolean left, boolean right) {
        int from = 0;
        int to = text.length();
        while (left && !part.isEmpty() && text.startsWith(part, from) && from < to) {
            from += part.length();
        }
        while (right
                && !part.isEmpty()
                && to - part.length() >= from
                && text.startsWith(part, to - part.length())) {
            to -= part.length();
        }
        return text.substring(from, to);
    }

    private Node position() {
        // The operand must not take the IN.
        Node part = parser.operandBeforeIn();
        parser.expect("in");
        Node text = parser.or();
        parser.expect(")");
        return of(part, text, (x, y) -> find(x, y, 1));
    }

    // conversions

    private Node convert() {
        Node value = parser.or();
        if (parser.accept("using")) {
            parser.skipName();
            parser.expect(")");
            return of(value, Values::text);
        }
        parser.expect(",");
        return type(value);
    }

    private Node cast(String word) {
        Node value = parser.or();
        parser.expect(word);
        return type(value);
    }

    private Node type(Node value) {
        int place = parser.place();
        String type = Lexer.key(parser.peek().text());
        parser.skipName();
        List<Integer> sizes = sizes();
        while (parser.accept("integer") || parser.accept("int")) {
            continue;
        }
        if (parser.accept("character")) {
            parser.expect("set");
            parser.skipName();
        }
        parser.expect(")");
        Node cast =
                switch (type) {
                    case "signed", "unsigned" ->
                            of(value, v -> integer(v, type.equals("unsigned")));
                    case "char", "nchar" ->
                            of(
                                    value,
                                    v -> {
                                        Text text = Values.text(v);
                                        return sizes.isEmpty() ? text : cut(text, 0, sizes.get(0));
                                    });
                    case "binary" -> Parser.collated(value, Collation.BINARY);
                    case "decimal" ->
                            of(value, v -> decimal(v, sizes.size() > 1 ? sizes.get(1) : 0));
                    case "double", "float", "real" -> of(value, v -> (Object) Values.toDouble(v));
                    case "date" ->
                            of(
                                    value,
                                    v -> {
                                        Moment date = Values.date(v);
                                        return date == null ? null : date.asDate();
                                    });
                    case "datetime" ->
                            of(
                                    value,
                                    v -> {
                                        Moment date = Values.date(v);
                                        return date == null
                                                ? null
                                                : fraction(date.asDateTime(), sizes);
                                    });
                    case "time" ->
                            of(
                                    value,
                                    v -> {
                                        Moment time = Values.time(v);
                                        return time == null ? null : fraction(time, sizes);
                                    });
                    default -> null;
                };
        if (cast == null) {
            throw parser.error(place, "cannot convert to " + type);
        }
        return cast;
    }

    private List<Integer> sizes() {
        List<Integer> sizes = new ArrayList<>();
        if (parser.accept("(")) {
            do {
                int place = parser.place();
                if (!(parser.constant(parser.or()) instanceof BigDecimal size)
                        || size.signum() < 0
                        || size.compareTo(BigDecimal.valueOf(MAX_TEXT)) > 0) {
                    throw parser.error(place, "a size must be here");
                }
                sizes.add(size.intValue());
            } while (parser.accept(","));
            parser.expect(")");
        }
        return sizes;
    }

    /** Fractions of seconds are rounded away, but for as many digits as the type has. */
    private static Moment fraction(Moment moment, List<Integer> sizes) {
        int digits = sizes.isEmpty() ? 0 : Math.min(6, sizes.get(0));
        long unit = (long) Math.pow(10, 6 - digits);
        long micros = Math.floorDiv(moment.micros() + unit / 2, unit) * unit;
        LocalDateTime calendar = moment.calendar();
        if (calendar != null) {
            long more = (micros - moment.micros()) * 1000;
            return Moment.of(calendar.plusNanos(more), moment.kind(), digits);
        }
        return new Moment(
                moment.kind(), moment.year(), moment.month(), moment.day(), micros, digits);
    }

    private static BigDecimal integer(Object value, boolean unsigned) {
        BigInteger whole;
        if (value instanceof Text text && text.number() == null) {
            whole = Values.prefix(text.value()).setScale(0, RoundingMode.DOWN).toBigInteger();
        } else {
            Object number = Values.number(value);
            BigDecimal exact =
                    number instanceof BigDecimal known ? known : new BigDecimal((Double) number);
            whole = exact.setScale(0, RoundingMode.HALF_UP).toBigInteger();
        }
        BigInteger high =
                unsigned
                        ? BigInteger.TWO.pow(Long.SIZE).subtract(BigInteger.ONE)
                        : whole.compareTo(BigInteger.valueOf(Long.MAX_VALUE)) > 0
                                        && value instanceof BigDecimal
                                ? whole
                                : BigInteger.valueOf(Long.MAX_VALUE);
        BigInteger cut = whole.min(high).max(BigInteger.valueOf(Long.MIN_VALUE));
        return unsigned ? Values.unsigned(cut.longValue()) : BigDecimal.valueOf(cut.longValue());
    }

    private static BigDecimal decimal(Object value, int scale) {
        Object number = Values.number(value);
        BigDecimal exact =
                value instanceof Text text && text.number() == null
                        ? Values.prefix(text.value())
                        : number instanceof BigDecimal known
                                ? known
                                : BigDecimal.valueOf((Double) number);
        return exact.setScale(Math.min(MAX_SCALE, scale), RoundingMode.HALF_UP);
    }

    // dates and times

    private static @Nullable Node temporal(String name, List<Node> args) {
        int n = args.size();
        if (n == 2) {
            Node a = args.get(0);
            Node b = args.get(1);
            return switch (name) {
                case "datediff" -> of(a, b, Calls::dateDiff);
                case "date_format" -> of(a, b, Calls::dateFormat);
                default -> null;
            };
        }
        if (n != 1) {
            return null;
        }
        Node a = args.get(0);
        return switch (name) {
            case "date" -> ofDate(a, Moment::asDate);
            case "time" -> row -> Values.time(a.eval(row));
            case "timestamp" -> ofDate(a, Moment::asDateTime);
            case "year" -> ofDate(a, m -> BigDecimal.valueOf(m.year()));
            case "month" -> ofDate(a, m -> BigDecimal.valueOf(m.month()));
            case "quarter" -> ofDate(a, m -> BigDecimal.valueOf((m.month() + 2) / 3));
            case "day", "dayofmonth" -> ofDate(a, m -> BigDecimal.valueOf(m.day()));
            case "hour" -> ofTime(a, m -> BigDecimal.valueOf(m.hour()));
            case "minute" -> ofTime(a, m -> BigDecimal.valueOf(m.minute()));
            case "second" -> ofTime(a, m -> BigDecimal.valueOf(m.second()));
            case "microsecond" -> ofTime(a, m -> BigDecimal.valueOf(m.microsecond()));
            case "time_to_sec" -> ofTime(a, m -> BigDecimal.valueOf(m.micros() / 1_000_000));
            case "dayofweek" ->
                    ofCalendar(a, c -> BigDecimal.valueOf(c.getDayOfWeek().getValue() % 7 + 1));
            case "weekday" ->
                    ofCalendar(a, c -> BigDecimal.valueOf(c.getDayOfWeek().getValue() - 1));
            case "dayofyear" -> ofCalendar(a, c -> BigDecimal.valueOf(c.getDayOfYear()));
            case "to_days" ->
                    ofCalendar(a, c -> BigDecimal.valueOf(c.toLocalDate().toEpochDay() + 719_528));
            case "dayname" ->
                    ofCalendar(
                            a,
                            c ->
                                    Text.literal(
                                            c.getDayOfWeek()
                                                    .getDisplayName(
                                                            TextStyle.FULL, Locale.ENGLISH)));
            case "monthname" ->
                    ofCalendar(
                            a,
                            c ->
                                    Text.literal(
                                            c.getMonth()
                                                    .getDisplayName(
                                                            TextStyle.FULL, Locale.ENGLISH)));
            case "last_day" ->
                    ofCalendar(
                            a,
                            c ->
                                    Moment.of(
                                            c.withDayOfMonth(c.toLocalDate().lengthOfMonth()),
                                            Moment.Kind.DATE,
                                            0));
            default -> null;
        };
    }

    private static Node ofDate(Node a, Function<Moment, @Nullable Object> function) {
        return row -> {
            Moment date = Values.date(a.eval(row));
            return date == null ? null : function.apply(date);
        };
    }

    /** Of a date without time it is midnight. */
    private static Node ofTime(Node a, Function<Moment, @Nullable Object> function) {
        return row -> {
            Object value = a.eval(row);
            Moment time = Values.time(value);
            if (time == null && Values.date(value) != null) {
                time = Moment.time(0, 0);
            }
            return time == null ? null : function.apply(time);
        };
    }

    private static Node ofCalendar(Node a, Function<LocalDateTime, @Nullable Object> function) {
        return row -> {
            Moment date = Values.date(a.eval(row));
            LocalDateTime calendar = date == null ? null : date.calendar();
            return calendar == null ? null : function.apply(calendar);
        };
    }

    private static @Nullable Object dateDiff(Object a, Object b) {
        LocalDateTime x = calendar(a);
        LocalDateTime y = calendar(b);
        return x == null || y == null
                ? null
                : BigDecimal.valueOf(x.toLocalDate().toEpochDay() - y.toLocalDate().toEpochDay());
    }

    private static @Nullable LocalDateTime calendar(Object value) {
        Moment date = Values.date(value);
        return date == null ? null : date.calendar();
    }

    private static @Nullable Object dateFormat(Object value, Object format) {
        Moment date = Values.date(value);
        if (date == null) {
            return null;
        }
        String pattern = Values.text(format).value();
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            if (c != '%' || i + 1 == pattern.length()) {
                out.append(c);
                continue;
            }
            char kind = pattern.charAt(++i);
            String part = formatted(date, kind);
            if (part == null) {
                return null;
            }
            out.append(part);
        }
        return Text.literal(out.toString());
    }

    private static @Nullable String formatted(Moment date, char kind) {
        LocalDateTime calendar = date.calendar();
        int twelve = (date.hour() + 11) % 12 + 1;
        return switch (kind) {
            case 'Y' -> two("%04d", date.year());
            case 'y' -> two("%02d", date.year() % 100);
            case 'm' -> two("%02d", date.month());
            case 'c' -> Integer.toString(date.month());
            case 'd' -> two("%02d", date.day());
            case 'e' -> Integer.toString(date.day());
            case 'H' -> two("%02d", date.hour());
            case 'k' -> Integer.toString(date.hour());
            case 'h', 'I' -> two("%02d", twelve);
            case 'l' -> Integer.toString(twelve);
            case 'i' -> two("%02d", date.minute());
            case 's', 'S' -> two("%02d", date.second());
            case 'f' -> two("%06d", date.microsecond());
            case 'p' -> date.hour() < 12 ? "AM" : "PM";
            case 'T' -> String.format("%02d:%02d:%02d", date.hour(), date.minute(), date.second());
            case 'j' -> calendar == null ? null : two("%03d", calendar.getDayOfYear());
            case 'w' ->
                    calendar == null
                            ? null
                            : Integer.toString(calendar.getDayOfWeek().getValue() % 7);
            case 'a' -> calendar == null ? null : name(calendar, TextStyle.SHORT, true);
            case 'W' -> calendar == null ? null : name(calendar, TextStyle.FULL, true);
            case 'b' -> calendar == null ? null : name(calendar, TextStyle.SHORT, false);
            case 'M' -> calendar == null ? null : name(calendar, TextStyle.FULL, false);
            default -> Character.toString(kind);
        };
    }

    private static String two(String format, int value) {
        return String.format(format, value);
    }

    private static String name(LocalDateTime date, TextStyle style, boolean day) {
        return day
                ? date.getDayOfWeek().getDisplayName(style, Locale.ENGLISH)
                : date.getMonth().getDisplayName(style, Locale.ENGLISH);
    }

    private Node extract() {
        Interval.Unit unit = parser.unit();
        parser.expect("from");
        Node value = parser.or();
        parser.expect(")");
        String name = Lexer.key(unit.name());
        Node made = temporal(name, List.of(value));
        if (made == null) {
            throw parser.error(parser.place(), "EXTRACT does not know " + unit);
        }
        return made;
    }

    private Node dateAdd(String name) {
        Node date = parser.or();
        parser.expect(",");
        int sign = name.endsWith("sub") || name.startsWith("sub") ? -1 : 1;
        Interval interval =
                parser.peek().is("interval")
                        ? parser.interval()
                        : new Interval(parser.or(), Interval.Unit.DAY);
        parser.expect(")");
        return interval.addTo(date, sign);
    }

    private Node timestampAdd() {
        Interval.Unit unit = parser.unit();
        parser.expect(",");
        Node amount = parser.or();
        parser.expect(",");
        Node date = parser.or();
        parser.expect(")");
        return new Interval(amount, unit).addTo(date, 1);
    }

    private Node timestampDiff() {
        Interval.Unit unit = parser.unit();
        parser.expect(",");
        Node from = parser.or();
        parser.expect(",");
        Node to = parser.or();
        parser.expect(")");
        ChronoUnit java =
                switch (unit) {
                    case MICROSECOND -> ChronoUnit.MICROS;
                    case SECOND -> ChronoUnit.SECONDS;
                    case MINUTE -> ChronoUnit.MINUTES;
                    case HOUR -> ChronoUnit.HOURS;
                    case DAY -> ChronoUnit.DAYS;
                    case WEEK -> ChronoUnit.WEEKS;
                    case MONTH, QUARTER -> ChronoUnit.MONTHS;
                    case YEAR -> ChronoUnit.YEARS;
                };
        return of(
                from,
                to,
                (a, b) -> {
                    LocalDateTime x = calendar(a);
                    LocalDateTime y = calendar(b);
                    if (x == null || y == null) {
                        return null;
                    }
                    long between = java.between(x, y);
                    return BigDecimal.valueOf(
                            unit == Interval.Unit.QUARTER ? between / 3 : between);
                });
    }
}
