package io.millrace.core.control;

import io.millrace.core.model.SourcePosition;
import java.util.Optional;

/**
 * Everything that can be asked of the controller. Closed: a new command is a new case here, and the
 * compiler lists the places to think about.
 */
public sealed interface Command {
    /**
     * Adds a job in state normal; JOB_ALREADY_EXISTS when the id is taken.
     *
     * @param streamEnd end of the upstream's stream, looked up after the start was chosen
     */
    record CreateJob(JobSpec spec, Optional<SourcePosition> streamEnd) implements Command {}

    /**
     * Replaces the spec of a stopped or failed job, or the labels of any.
     *
     * @param spec keeps id, start, creation time of the old one
     * @param basedOn revision of the job that the change was computed from; METASTORE_CONFLICT if
     *     it has changed since
     */
    record UpdateJob(JobSpec spec, long basedOn) implements Command {}

    /**
     * Replaces the spec of a job in any state; one that is active begins a new run with it, from
     * where it stands, and is never stopped in between.
     *
     * @param spec as for {@link UpdateJob}
     * @param basedOn as for {@link UpdateJob}
     */
    record ReplaceJob(JobSpec spec, long basedOn) implements Command {}

    /** Stops an active job; nothing happens in other states. */
    record PauseJob(JobId id) implements Command {}

    /**
     * Starts a stopped, failed or finished job; nothing happens in other states.
     *
     * @param overwriteTso start again from here instead of the checkpoint; 0 keeps the checkpoint
     * @param streamEnd as for {@link CreateJob}; without meaning when the checkpoint is kept
     */
    record ResumeJob(JobId id, long overwriteTso, Optional<SourcePosition> streamEnd)
            implements Command {}

    /** Removes a job with all its records; nothing happens when there is none. */
    record RemoveJob(JobId id) implements Command {}

    /**
     * Forgets an upstream; UPSTREAM_NOT_FOUND when there is none, UPSTREAM_IN_USE while a job names
     * it or the server was started with it.
     */
    record RemoveUpstream(String name) implements Command {}

    /** The owner gives up its office; an election follows. */
    record ResignOwner() implements Command {}

    /**
     * A run tells how it goes. Void when the job is not active or of another generation.
     *
     * @param state RETRYING or FAILED with an error, NORMAL or FINISHED without
     */
    record ReportRun(JobId id, long generation, JobState state, Optional<JobError> error)
            implements Command {}

    /**
     * The upstream no longer holds what a stopped job would go on with: it becomes FAILED. Void
     * when the job is not stopped or of another generation.
     */
    record LoseJob(JobId id, long generation, JobError error) implements Command {}
}
