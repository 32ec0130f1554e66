package io.millrace.core.filter;

import java.util.Optional;

/**
 * One table rule.
 *
 * @param exclude written with a leading {@code !}
 */
record Rule(boolean exclude, NamePattern schema, NamePattern table) {
    /**
     * Reads a rule; empty when the text holds none (blank, or a comment).
     *
     * @throws io.millrace.core.error.MillraceException INVALID_FILTER that names the rule, the
     *     place and what is wrong
     */
    static Optional<Rule> parse(String text, boolean caseSensitive) {
        return new RuleParser(text, caseSensitive).rule();
    }
}
