package io.millrace.core.control;

import io.millrace.core.error.ErrorCode;
import java.time.Instant;

/**
 * The error that a job stopped or retries with.
 *
 * @param node advertised address of the node where it happened
 * @param message for people; holds no secrets
 */
public record JobError(String node, ErrorCode code, String message, Instant time) {}
