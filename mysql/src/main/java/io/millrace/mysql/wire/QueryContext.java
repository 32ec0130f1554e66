package io.millrace.mysql.wire;

/**
 * The session state that a QUERY event carries beside its statement.
 *
 * @param defaultSchema current database, empty when none
 * @param sqlMode {@code sql_mode} bits, 0 when the event has none
 * @param characterSetClient collation number of the statement's text, 0 when unknown
 * @param collationServer collation number of {@code collation_server}, 0 when unknown
 * @param threadId connection id at the upstream
 * @param executedAt Unix seconds of the event
 */
public record QueryContext(
        String defaultSchema,
        long sqlMode,
        int characterSetClient,
        int collationServer,
        long threadId,
        long executedAt) {
    /** {@code ANSI_QUOTES} in {@link #sqlMode}: double quotes enclose identifiers. */
    public static final long ANSI_QUOTES = 4;

    /** {@code NO_BACKSLASH_ESCAPES} in {@link #sqlMode}. */
    public static final long NO_BACKSLASH_ESCAPES = 1L << 20;

    public boolean ansiQuotes() {
        return (sqlMode & ANSI_QUOTES) != 0;
    }

    public boolean noBackslashEscapes() {
        return (sqlMode & NO_BACKSLASH_ESCAPES) != 0;
    }
}
