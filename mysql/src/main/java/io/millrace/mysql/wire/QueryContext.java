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
 * @param more what only those need who run the statement again
 */
public record QueryContext(
        String defaultSchema,
        long sqlMode,
        int characterSetClient,
        int collationServer,
        long threadId,
        long executedAt,
        More more) {
    /**
     * Session state that decides over a statement's outcome, not over its meaning.
     *
     * @param sqlModeGiven whether the event has a {@code sql_mode} at all
     * @param flags the session's option bits
     * @param micros microseconds of the event's time, 0 when it has none
     * @param timeZone {@code time_zone}, empty when the statement did not depend on it
     * @param collationConnection collation number of {@code collation_connection}, 0 when unknown
     * @param collationUtf8mb4 number of the collation that utf8mb4 alone means, 0 when unknown
     * @param explicitTimestamps {@code explicit_defaults_for_timestamp}: 0 or 1, -1 when unknown
     */
    public record More(
            boolean sqlModeGiven,
            int flags,
            int micros,
            String timeZone,
            int collationConnection,
            int collationUtf8mb4,
            int explicitTimestamps) {
        /** Nothing is known. */
        public static final More UNKNOWN = new More(false, 0, 0, "", 0, 0, -1);

        /**
         * {@code explicit_defaults_for_timestamp} in {@link #flags}, of a MariaDB whose sessions
         * can set it (seen with 11.4.5).
         */
        public static final int MARIADB_EXPLICIT_TIMESTAMPS = 1 << 24;
    }

    /** Without what is needed to run the statement again. */
    public QueryContext(
            String defaultSchema,
            long sqlMode,
            int characterSetClient,
            int collationServer,
            long threadId,
            long executedAt) {
        this(
                defaultSchema,
                sqlMode,
                characterSetClient,
                collationServer,
                threadId,
                executedAt,
                More.UNKNOWN);
    }

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
