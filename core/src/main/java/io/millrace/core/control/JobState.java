package io.millrace.core.control;

/** Where a job is in its life. Dialects have their own words for these. */
public enum JobState {
    /** Replicating. */
    NORMAL,
    /** A passing error happened: waiting for the next try, or running again but not yet past it. */
    RETRYING,
    /** Paused by a user. */
    STOPPED,
    /** Ended by an error that does not pass by itself, or retried for too long. */
    FAILED,
    /** Reached its target TSO. */
    FINISHED;

    /** Whether the job should be running, now or after a wait. */
    public boolean isActive() {
        return this == NORMAL || this == RETRYING;
    }
}
