package io.millrace.core.control;

import io.millrace.core.error.ErrorCode;
import java.time.Instant;

/**
 * The error that a job stopped or retries with, or the warning that it is held up by.
 *
 * @param node advertised address of the node where it happened
 * @param message for people; holds no secrets
 * @param warning the run goes on, and tries what it is about again and again
 */
public record JobError(String node, ErrorCode code, String message, Instant time, boolean warning) {
    /** An error. */
    public JobError(String node, ErrorCode code, String message, Instant time) {
        this(node, code, message, time, false);
    }
}
