package io.millrace.storage.store;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;

/** What an HTTP status of a bucket's service means for a job. */
final class HttpFailures {
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    private static final int TIMED_OUT = 408;
    private static final int TOO_MANY = 429;
    private static final int SERVER_ERRORS = 500;

    private HttpFailures() {}

    /**
     * The error for an answer.
     *
     * @param where what was tried, up to a colon
     * @param code the service's own word
     * @param noBucket whether the bucket itself is missing
     */
    static MillraceException of(
            String where, int status, String code, boolean noBucket, Throwable cause) {
        String told = where + "status " + status + (code.isEmpty() ? "" : " " + code);
        if (noBucket || status == NOT_FOUND) {
            return new MillraceException(
                    ErrorCode.STORAGE_INVALID_CONFIG,
                    told + "; there is no such bucket: make it, or correct its name",
                    cause);
        }
        if (status == UNAUTHORIZED || status == FORBIDDEN) {
            return new MillraceException(
                    ErrorCode.SINK_ACCESS_DENIED,
                    told + "; check the credentials and their rights to read, write and list",
                    cause);
        }
        if (status == TIMED_OUT || status == TOO_MANY || status >= SERVER_ERRORS) {
            return new MillraceException(ErrorCode.SINK_TRANSIENT, told, cause);
        }
        return new MillraceException(ErrorCode.STORAGE_INVALID_CONFIG, told, cause);
    }
}
