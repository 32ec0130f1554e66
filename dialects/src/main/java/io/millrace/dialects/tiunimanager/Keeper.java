package io.millrace.dialects.tiunimanager;

import java.time.Instant;
import java.util.Map;

/** What the {@link Gate} asks and tells while it lets requests in. */
interface Keeper {
    /** The state of the system in which requests are served. */
    String RUNNING = "Running";

    /** What a token is good for. */
    sealed interface Admission {
        /**
         * The token is valid.
         *
         * @param passwordExpired the user has to set a new password before anything else
         */
        record Admitted(String userId, String userName, String tenantId, boolean passwordExpired)
                implements Admission {}

        /** The token was valid once. */
        record Expired() implements Admission {}

        /** Nobody knows the token, or its user is gone. */
        record Unknown() implements Admission {}
    }

    /**
     * One request, for the audit log. Holds no secret.
     *
     * @param action verb and path as registered
     * @param target the path's parameters
     * @param subject what it was about, when the path does not say it; may be empty
     * @param status of HTTP
     * @param code of the answer
     */
    record Event(
            Instant time,
            String traceId,
            Caller caller,
            String action,
            Map<String, String> target,
            String subject,
            int status,
            int code) {}

    /** {@link #RUNNING}, or why requests are refused at the moment. */
    String systemState();

    /** Looks up a token. */
    Admission admit(String token);

    /** Whether one of the user's roles has the permission. */
    boolean permits(String userId, Permission permission);

    /** Writes a line of the audit log. */
    void record(Event event);
}
