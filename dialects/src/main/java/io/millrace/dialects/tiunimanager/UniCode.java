package io.millrace.dialects.tiunimanager;

/**
 * The result codes of the TiUniManager API that this server knows: number, HTTP status and the
 * fixed text of the number. 10004 has the status 400 here, because it only arises while a request
 * is read.
 */
public enum UniCode {
    PANIC(-1, 500, "panic"),
    SUCCESS(0, 200, "OK"),
    SYSTEM_STATE_CONFLICT(9897, 500, "system state conflict"),
    SERVER_CALL_ERROR(9999, 500, "call cluster-Server failed"),
    UNRECOGNIZED_ERROR(10000, 500, "unrecognized error"),
    PARAMETER_INVALID(10001, 400, "parameter is invalid"),
    SQL_ERROR(10002, 500, "failed to execute SQL"),
    CLUSTER_NOT_FOUND(10003, 404, "cluster not found"),
    MARSHAL_ERROR(10004, 400, "marshal error"),
    UNMARSHAL_ERROR(10005, 500, "marshal error"),
    DUPLICATED_NAME(20101, 400, "duplicated cluster name"),
    INVALID_TOPOLOGY(20102, 400, "invalid cluster topology"),
    TAKEOVER_SFTP_ERROR(20110, 500, "sftp failed"),
    CLUSTER_MAINTENANCE_CONFLICT(20114, 409, "maintenance status conflict"),
    TAKEOVER_SSH_CONNECT_ERROR(20201, 500, "ssh connect failed"),
    CHANGE_FEED_NOT_FOUND(21201, 404, "Change feed task is not found"),
    CHANGE_FEED_DUPLICATE_ID(21202, 500, "Duplicate id"),
    CHANGE_FEED_STATUS_CONFLICT(21203, 409, "Task status conflict"),
    CHANGE_FEED_LOCK_EXPIRED(21204, 409, "Task status lock expired"),
    CHANGE_FEED_UNSUPPORTED_DOWNSTREAM(21205, 500, "Task downstream type not supported"),
    CHANGE_FEED_EXECUTE_ERROR(21206, 500, "Failed to execute task command"),
    WORKFLOW_DEFINE_NOT_FOUND(40104, 404, "workflow define not found"),
    UNAUTHORIZED_USER(70600, 401, "unauthorized"),
    ACCESS_TOKEN_EXPIRED(70602, 401, "access token has been expired"),
    LOGIN_FAILED(70603, 400, "incorrect username or password"),
    TENANT_NOT_EXIST(70607, 401, "tenant not exist"),
    /**
     * Not an HTTP error: TiUniManager's table has no status for it, so clients look at the code.
     */
    USER_NOT_EXIST(70612, 200, ""),
    USER_PASSWORD_EXPIRED(70615, 400, "password expired"),
    RBAC_PERMISSION_CHECK_FAILED(70650, 403, "rbac permission check failed"),
    /** Not a code of TiUniManager, which has no limit of logins. */
    LOGIN_RATE_LIMITED(70699, 429, "too many failed logins");

    private final int number;
    private final int status;
    private final String explanation;

    UniCode(int number, int status, String explanation) {
        this.number = number;
        this.status = status;
        this.explanation = explanation;
    }

    /** The member {@code code} of an answer. */
    public int number() {
        return number;
    }

    /** The HTTP status of an answer with it. */
    public int status() {
        return status;
    }

    /** What a message says behind the number. */
    public String explanation() {
        return explanation;
    }

    /** Whether its messages are the bare detail, without number and explanation. */
    boolean isBare() {
        return this == PANIC || this == SERVER_CALL_ERROR || this == UNRECOGNIZED_ERROR;
    }

    /**
     * The member {@code message} of a failure.
     *
     * @param detail what is known of this failure; empty for nothing
     * @param cause text of the error behind it; empty for none
     */
    String message(String detail, String cause) {
        if (isBare()) {
            return detail.isEmpty() ? (cause.isEmpty() ? explanation : cause) : detail;
        }
        return "["
                + number
                + "]"
                + explanation
                + (detail.isEmpty() ? "" : "\t" + detail)
                + (cause.isEmpty() ? "" : "\tcause: " + cause);
    }
}
