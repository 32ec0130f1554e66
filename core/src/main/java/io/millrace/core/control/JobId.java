package io.millrace.core.control;

import java.util.Comparator;
import java.util.regex.Pattern;

/**
 * Names a job: a namespace and a name, each 1..128 letters, digits and single inner hyphens (the
 * grammar that TiCDC uses for changefeed ids).
 */
public record JobId(String namespace, String name) implements Comparable<JobId> {
    /** The namespace of jobs that name none. */
    public static final String DEFAULT_NAMESPACE = "default";

    /** Longest namespace or name. */
    public static final int MAX_LENGTH = 128;

    private static final Pattern GRAMMAR = Pattern.compile("[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*");
    private static final Comparator<JobId> ORDER =
            Comparator.comparing(JobId::namespace).thenComparing(JobId::name);

    public JobId {
        if (!isName(namespace) || !isName(name)) {
            throw new IllegalArgumentException("not a job id: " + namespace + "/" + name);
        }
    }

    /** Whether a text is a valid namespace, job name or node id. */
    public static boolean isName(String text) {
        return text.length() <= MAX_LENGTH && GRAMMAR.matcher(text).matches();
    }

    @Override
    public int compareTo(JobId other) {
        return ORDER.compare(this, other);
    }

    /** {@code namespace/name}. */
    @Override
    public String toString() {
        return namespace + "/" + name;
    }
}
