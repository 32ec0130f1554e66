package io.millrace.core.error;

/** Whose fault an error is; decides what happens to a job. */
public enum Fault {
    /** The request or configuration: refuse, change nothing. */
    USER,
    /** The upstream's state (purged binlog, missing right): stop the job. */
    UPSTREAM,
    /** The downstream's state: stop the job. */
    DOWNSTREAM,
    /** A row or DDL that cannot be delivered as it is: stop the job. */
    DATA,
    /**
     * Expected to pass (connection lost, server restarting, deadlock): retry with back-off. The
     * only kind that is retried.
     */
    TRANSIENT,
    /** A defect of ours: stop the job and say so. */
    INTERNAL
}
