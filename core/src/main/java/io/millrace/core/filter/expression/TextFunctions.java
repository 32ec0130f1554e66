package io.millrace.core.filter.expression;

import static io.millrace.core.filter.expression.Functions.limited;
import static io.millrace.core.filter.expression.Functions.of;
import static io.millrace.core.filter.expression.Functions.ofAll;
import static io.millrace.core.filter.expression.Functions.ofText;
import static io.millrace.core.filter.expression.Functions.toInt;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** Functions of texts. */
final class TextFunctions {
    private TextFunctions() {}

    /** The call of a function; null when there is none of this name and so many arguments. */
    static @Nullable Node node(String name, List<Node> args) {
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
            case "ord" -> toInt(a, TextFunctions::ord);
            case "hex" -> of(a, TextFunctions::hex);
            case "unhex" -> of(a, TextFunctions::unhex);
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
            case "find_in_set" -> of(a, b, TextFunctions::findInSet);
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
        return (long) times * text.value().length() > Functions.MAX_TEXT
                ? null
                : text.with(text.value().repeat(times));
    }

    static Text cut(Text text, int from, int to) {
        String value = text.value();
        int all = value.codePointCount(0, value.length());
        int start = value.offsetByCodePoints(0, Math.min(from, all));
        int end = value.offsetByCodePoints(0, Math.max(Math.min(from, all), Math.min(to, all)));
        return text.with(value.substring(start, end));
    }

    static BigDecimal find(Object wanted, Object in, int from) {
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
            case "substring_index" -> n != 3 ? null : ofAll(args, TextFunctions::substringIndex);
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
        return out.length() > Functions.MAX_TEXT
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
        if (length < 0 || length > Functions.MAX_TEXT) {
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

    static String trimmed(String text, String part, boolean left, boolean right) {
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
}
