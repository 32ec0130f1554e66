package io.millrace.core.filter;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;

/** The ways in which a filter is wrong; all name the rule. */
final class FilterErrors {
    private FilterErrors() {}

    static MillraceException invalid(String rule, int at, String what) {
        return new MillraceException(
                ErrorCode.INVALID_FILTER,
                "filter rule is invalid: '" + rule + "', at character " + (at + 1) + ": " + what);
    }

    static MillraceException invalidName(String list, String name, String what) {
        return new MillraceException(
                ErrorCode.INVALID_FILTER,
                "filter list " + list + " has an invalid entry: '" + name + "': " + what);
    }

    static MillraceException tooSlow(String pattern, CharSequence name) {
        return new MillraceException(
                ErrorCode.INVALID_FILTER,
                "filter regex /"
                        + pattern
                        + "/ takes too many steps on '"
                        + (name.length() > 100 ? name.subSequence(0, 100) + "..." : name)
                        + "': write it without nested repetition");
    }
}
