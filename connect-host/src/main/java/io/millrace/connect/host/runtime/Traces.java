package io.millrace.connect.host.runtime;

import io.millrace.core.control.Secrets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Makes one line of a stack trace. */
final class Traces {
    private static final int MAX_LENGTH = 400;

    /** Masking takes time with the square of a word's length, and a trace may have a MiB. */
    private static final int MAX_MASKED = 4 * MAX_LENGTH;

    private static final Pattern CAUSE = Pattern.compile("(?m)^Caused by: (.*)$");
    private static final Pattern CLASS =
            Pattern.compile("^(?:[a-z][\\w]*\\.)+([A-Z][\\w$]*)(?::\\s*|$)");

    private Traces() {}

    /** The first line, and the deepest cause unless the first line has it already. */
    static String line(@Nullable String trace) {
        if (trace == null || trace.isBlank()) {
            return "";
        }
        String first = said(trace.strip().lines().findFirst().orElse(""));
        String cause = "";
        for (Matcher matcher = CAUSE.matcher(trace); matcher.find(); ) {
            cause = said(matcher.group(1));
        }
        String line = cause.isEmpty() || first.contains(cause) ? first : first + " Cause: " + cause;
        if (line.length() > MAX_MASKED) {
            line = line.substring(0, MAX_MASKED);
        }
        // What MySQL says of a refused login tells only whether a password was given.
        String masked =
                Secrets.maskText(
                        line.replace("(using password: YES)", "(using password)")
                                .replace("(using password: NO)", "(without password)"));
        return masked.length() <= MAX_LENGTH ? masked : masked.substring(0, MAX_LENGTH) + "…";
    }

    /** The message; the exception's name only where there is none. */
    private static String said(String line) {
        Matcher matcher = CLASS.matcher(line.strip());
        if (!matcher.find()) {
            return line.strip();
        }
        String message = line.strip().substring(matcher.end());
        return message.isEmpty() ? matcher.group(1) : message;
    }
}
