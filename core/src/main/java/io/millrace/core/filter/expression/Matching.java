package io.millrace.core.filter.expression;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.TextPattern;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** LIKE and REGEXP. */
final class Matching {
    private Matching() {}

    static Node like(Node tested, Node pattern, Node escape) {
        return row -> {
            Object value = tested.eval(row);
            Object wanted = pattern.eval(row);
            Object escaped = escape.eval(row);
            if (value == null || wanted == null) {
                return null;
            }
            Text text = Values.text(value);
            Text like = Values.text(wanted);
            Collation collation = text.against(like);
            String mark = escaped == null ? "\\" : Values.text(escaped).in(collation);
            return Values.bool(
                    like(
                            collation.fold(text.in(collation)).codePoints().toArray(),
                            collation.fold(like.in(collation)).codePoints().toArray(),
                            mark.isEmpty() ? -1 : collation.fold(mark).codePointAt(0)));
        };
    }

    /** Needs at most text times pattern steps: on a mismatch only the last % is widened. */
    private static boolean like(int[] text, int[] pattern, int escape) {
        int at = 0;
        int part = 0;
        int starPart = -1;
        int starAt = 0;
        while (at < text.length) {
            boolean literal = part + 1 < pattern.length && pattern[part] == escape && escape != -1;
            int wanted = literal ? pattern[part + 1] : part < pattern.length ? pattern[part] : -1;
            if (!literal && wanted == '%') {
                starPart = part++;
                starAt = at;
            } else if (wanted != -1 && ((!literal && wanted == '_') || wanted == text[at])) {
                part += literal ? 2 : 1;
                at++;
            } else if (starPart >= 0) {
                part = starPart + 1;
                at = ++starAt;
            } else {
                return false;
            }
        }
        while (part < pattern.length && pattern[part] == '%') {
            part++;
        }
        return part == pattern.length;
    }

    /**
     * @param error makes the error of a pattern that is written down and wrong
     */
    static Node regexp(Node tested, Node pattern, Function<String, MillraceException> error) {
        TextPattern[] known = new TextPattern[2];
        boolean constant = pattern instanceof Node.Constant;
        if (pattern instanceof Node.Constant given && given.value() != null) {
            String source = Values.text(given.value()).value();
            for (int i = 0; i < known.length; i++) {
                known[i] = compile(source, i == 0, error);
            }
        }
        return row -> {
            Object value = tested.eval(row);
            Object wanted = pattern.eval(row);
            if (value == null || wanted == null) {
                return null;
            }
            Text text = Values.text(value);
            Text regex = Values.text(wanted);
            Collation collation = text.against(regex);
            boolean caseCounts = !collation.ignoresCase();
            @Nullable TextPattern compiled =
                    constant
                            ? known[caseCounts ? 0 : 1]
                            : compile(
                                    regex.value(),
                                    caseCounts,
                                    what ->
                                            new MillraceException(
                                                    ErrorCode.INVALID_EXPRESSION,
                                                    "REGEXP with '"
                                                            + regex.value()
                                                            + "': "
                                                            + what));
            return compiled == null ? null : Values.bool(compiled.isIn(text.value()));
        };
    }

    private static TextPattern compile(
            String source, boolean caseCounts, Function<String, MillraceException> error) {
        try {
            return TextPattern.compile(source, caseCounts);
        } catch (java.util.regex.PatternSyntaxException e) {
            throw error.apply("bad regex: " + e.getDescription());
        }
    }
}
