package io.millrace.core.model;

import java.util.Optional;
import java.util.Set;

/**
 * What the outcome of a DDL depends on beside its text: the time and the settings of the session
 * that ran it upstream. A sink that runs the statement again sets them for it. Each part may be
 * unknown: then the sink's own setting holds.
 *
 * @param executedAtMicros Unix microseconds that {@code NOW()} had, whole seconds when the
 *     statement needed no more; 0 when unknown
 * @param timeZone as MySQL's {@code time_zone} takes it, an offset such as {@code +02:00} or a
 *     name; empty when unknown, also when the statement did not depend on it
 * @param sqlModes names of the {@code sql_mode} flags that were on, of MySQL's and MariaDB's
 *     together. Exactly one of {@code TIME_ROUND_FRACTIONAL} and {@code TIME_TRUNCATE_FRACTIONAL}
 *     is among them, for the flavours differ in which one is a flag and which the default
 * @param connectionCollation {@code collation_connection}: that of literals; empty when unknown
 * @param serverCollation {@code collation_server}: that of a new database; empty when unknown
 * @param utf8mb4Collation what {@code CHARACTER SET utf8mb4} alone means; empty when unknown
 * @param explicitTimestampDefaults {@code explicit_defaults_for_timestamp}
 */
public record SessionState(
        long executedAtMicros,
        String timeZone,
        Optional<Set<String>> sqlModes,
        String connectionCollation,
        String serverCollation,
        String utf8mb4Collation,
        Optional<Boolean> explicitTimestampDefaults) {
    /** Nothing is known. */
    public static final SessionState UNKNOWN =
            new SessionState(0, "", Optional.empty(), "", "", "", Optional.empty());

    public SessionState {
        sqlModes = sqlModes.map(Set::copyOf);
    }
}
