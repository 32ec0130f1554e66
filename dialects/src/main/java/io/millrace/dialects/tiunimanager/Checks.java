package io.millrace.dialects.tiunimanager;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The rules of a request's fields, told as Go's validator tells them: one line for each field that
 * breaks a rule, in the order of the calls, with the first rule that it breaks. {@link #done}
 * throws if there is a line.
 */
public final class Checks {
    private static final Pattern EMAIL =
            Pattern.compile("[^\\s@\\p{Cntrl}]{1,64}@[\\p{L}\\p{N}.-]{1,190}");
    private static final Pattern IPV4 =
            Pattern.compile("((25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(?!$)|$)){4}");
    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    /**
     * A rule for a text.
     *
     * @param tag its name
     */
    public record Rule(String tag, Predicate<String> holds) {}

    /** Not empty. */
    public static final Rule REQUIRED = new Rule("required", text -> !text.isEmpty());

    /** A mail address. */
    public static final Rule VALID_EMAIL = new Rule("email", text -> EMAIL.matcher(text).matches());

    /** An IPv4 or IPv6 address. */
    public static final Rule VALID_IP = new Rule("ip", Checks::isIp);

    private final String struct;
    private final List<String> lines = new ArrayList<>();

    /**
     * @param struct the Go name of the request
     */
    public Checks(String struct) {
        this.struct = struct;
    }

    /** At least so many characters. */
    public static Rule min(int characters) {
        return new Rule("min", text -> text.codePointCount(0, text.length()) >= characters);
    }

    /** At most so many characters. */
    public static Rule max(int characters) {
        return new Rule("max", text -> text.codePointCount(0, text.length()) <= characters);
    }

    /** One of these, exactly. */
    public static Rule oneOf(String... values) {
        return new Rule("oneof", text -> Arrays.asList(values).contains(text));
    }

    /** Checks a field. */
    public Checks text(String field, String value, Rule... rules) {
        for (Rule rule : rules) {
            if (!rule.holds().test(value)) {
                return fail(field, rule.tag());
            }
        }
        return this;
    }

    /** Checks a field that may be empty. */
    public Checks optional(String field, String value, Rule... rules) {
        return value.isEmpty() ? this : text(field, value, rules);
    }

    /** Tells that a field breaks the rule unless {@code holds}. */
    public Checks require(String field, boolean holds, String tag) {
        return holds ? this : fail(field, tag);
    }

    private Checks fail(String field, String tag) {
        lines.add(
                "Key: '"
                        + struct
                        + "."
                        + field
                        + "' Error:Field validation for '"
                        + field
                        + "' failed on the '"
                        + tag
                        + "' tag");
        return this;
    }

    /**
     * Ends the checks.
     *
     * @throws UniException 10001 when a field broke a rule
     */
    public void done() {
        if (!lines.isEmpty()) {
            throw new UniException(UniCode.PARAMETER_INVALID, String.join("\n", lines));
        }
    }

    private static boolean isIp(String text) {
        if (IPV4.matcher(text).matches()) {
            return true;
        }
        try {
            // Text with a colon and without letters beyond f is never looked up as a name.
            return IPV6.matcher(text).matches() && InetAddress.ofLiteral(text) != null;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
