package io.millrace.core.control;

import java.time.Instant;
import java.util.Optional;

/**
 * A job as the cluster knows it.
 *
 * @param error the latest error; dialects show it only in states where it matters
 * @param generation grows whenever a user makes the job start or stop; reports of runs of an older
 *     generation are void
 * @param changed when spec or state was last written; the epoch when a version wrote it that did
 *     not note the time
 * @param revision store revision of the latest write to spec or state
 */
public record Job(
        JobSpec spec,
        JobState state,
        Optional<JobError> error,
        long generation,
        Instant changed,
        long revision) {
    public JobId id() {
        return spec.id();
    }
}
