package io.millrace.core.control;

import java.util.Optional;

/**
 * A job as the cluster knows it.
 *
 * @param error the latest error; dialects show it only in states where it matters
 * @param generation grows whenever a user makes the job start or stop; reports of runs of an older
 *     generation are void
 * @param revision store revision of the latest write to spec or state
 */
public record Job(
        JobSpec spec, JobState state, Optional<JobError> error, long generation, long revision) {
    public JobId id() {
        return spec.id();
    }
}
