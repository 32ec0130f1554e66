package io.millrace.core.filter;

import java.util.Arrays;
import java.util.regex.Pattern;

/** One half of a table rule: matches a schema's or a table's whole name. Immutable. */
sealed interface NamePattern {
    /**
     * @param name in lower case already when the filter ignores case
     */
    boolean matches(String name);

    /** Whether it is the wildcard {@code *} and nothing else. */
    default boolean isStar() {
        return false;
    }

    /** A quoted name. */
    record Literal(String name) implements NamePattern {
        @Override
        public boolean matches(String other) {
            return name.equals(other);
        }
    }

    /**
     * A wildcard pattern as a list of things that each match one code point, or {@link #STAR}.
     * Matching needs at most pattern times name steps: on a mismatch only the last star is widened.
     */
    final class Wildcard implements NamePattern {
        /** Stands for any run of characters. */
        static final OneOf STAR = new OneOf(true, new int[0]);

        /** Matches any one character. */
        static final OneOf ANY = new OneOf(true, new int[0]);

        /**
         * A set of code points.
         *
         * @param negated matches what is not in the ranges
         * @param ranges pairs of first and last
         */
        record OneOf(boolean negated, int[] ranges) {
            boolean has(int codePoint) {
                for (int i = 0; i < ranges.length; i += 2) {
                    if (codePoint >= ranges[i] && codePoint <= ranges[i + 1]) {
                        return !negated;
                    }
                }
                return negated;
            }

            @Override
            public boolean equals(Object other) {
                return this == other;
            }

            @Override
            public int hashCode() {
                return Arrays.hashCode(ranges);
            }
        }

        private final OneOf[] parts;

        Wildcard(OneOf[] parts) {
            this.parts = parts.clone();
        }

        @Override
        @SuppressWarnings("ReferenceEquality") // STAR is one object
        public boolean isStar() {
            return parts.length == 1 && parts[0] == STAR;
        }

        @Override
        @SuppressWarnings("ReferenceEquality") // STAR is one object
        public boolean matches(String name) {
            int[] text = name.codePoints().toArray();
            int at = 0;
            int part = 0;
            int starPart = -1;
            int starAt = 0;
            while (at < text.length) {
                if (part < parts.length && parts[part] == STAR) {
                    starPart = part++;
                    starAt = at;
                } else if (part < parts.length && parts[part].has(text[at])) {
                    part++;
                    at++;
                } else if (starPart >= 0) {
                    part = starPart + 1;
                    at = ++starAt;
                } else {
                    return false;
                }
            }
            while (part < parts.length && parts[part] == STAR) {
                part++;
            }
            return part == parts.length;
        }
    }

    /**
     * A regular expression, found anywhere in the name. Java's matcher may backtrack without end
     * where RE2 would not, so it looks at the name through {@link Metered}, which gives up.
     */
    record Regex(Pattern pattern) implements NamePattern {
        /** Character reads before a match is given up; far above what honest patterns need. */
        static final int READ_LIMIT = 1_000_000;

        /**
         * Compiles RE2 syntax.
         *
         * @throws java.util.regex.PatternSyntaxException if it is malformed
         */
        static Regex compile(String re2, boolean caseSensitive) {
            // RE2 knows one line end, the newline.
            int flags =
                    Pattern.UNIX_LINES
                            | (caseSensitive ? 0 : Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);
            return new Regex(Pattern.compile(Re2Syntax.toJava(re2), flags));
        }

        @Override
        public boolean matches(String name) {
            return pattern.matcher(new Metered(name, pattern.pattern(), READ_LIMIT)).find();
        }
    }

    /** A text that can be read only so often. */
    final class Metered implements CharSequence {
        private final CharSequence text;
        private final String pattern;
        private int left;

        Metered(CharSequence text, String pattern, int limit) {
            this.text = text;
            this.pattern = pattern;
            this.left = limit;
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public char charAt(int index) {
            if (--left < 0) {
                throw FilterErrors.tooSlow(pattern, text);
            }
            return text.charAt(index);
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text.toString();
        }
    }
}
