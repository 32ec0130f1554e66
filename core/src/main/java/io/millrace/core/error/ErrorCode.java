package io.millrace.core.error;

/** Every way in which Millrace fails, product-neutral; dialects map these to their own codes. */
public enum ErrorCode {
    // requests
    INVALID_PARAMETER(Fault.USER),
    INVALID_NAME(Fault.USER),
    INVALID_CONFIG(Fault.USER),
    UNSUPPORTED_OPTION(Fault.USER),
    INVALID_FILTER(Fault.USER),
    /** A name of an event that an event filter is to leave out, which does not exist. */
    INVALID_EVENT_TYPE(Fault.USER),
    /** The text of an expression on rows is wrong. */
    INVALID_EXPRESSION(Fault.USER),
    /** An expression on rows names a column that the table does not have. */
    EXPRESSION_COLUMN_NOT_FOUND(Fault.USER),
    /** A column selector leaves a table without a whole key. */
    COLUMN_SELECTOR_INVALID(Fault.USER),
    SINK_URI_INVALID(Fault.USER),
    SINK_UNKNOWN_PROTOCOL(Fault.USER),
    SINK_INVALID_CONFIG(Fault.USER),
    MYSQL_INVALID_CONFIG(Fault.USER),
    KAFKA_INVALID_CONFIG(Fault.USER),
    KAFKA_INVALID_PARTITION_NUM(Fault.USER),
    KAFKA_INVALID_REQUIRED_ACKS(Fault.USER),
    KAFKA_INVALID_VERSION(Fault.USER),
    KAFKA_INVALID_CLIENT_ID(Fault.USER),
    KAFKA_TOPIC_EXPRESSION_INVALID(Fault.USER),
    STORAGE_INVALID_CONFIG(Fault.USER),
    CODEC_INVALID_CONFIG(Fault.USER),
    /** The URI can't name a redo log's place. */
    REDO_STORAGE_INVALID(Fault.USER),
    /** A redo log's place can't be used. */
    REDO_STORAGE_UNUSABLE(Fault.USER),
    DISPATCHER_INVALID(Fault.USER),
    JOB_NOT_FOUND(Fault.USER),
    JOB_ALREADY_EXISTS(Fault.USER),
    JOB_STATE_CONFLICT(Fault.USER),
    /** Another operation works at the job. */
    JOB_BUSY(Fault.USER),
    UPDATE_REFUSED(Fault.USER),
    NODE_NOT_FOUND(Fault.USER),
    UPSTREAM_NOT_FOUND(Fault.USER),
    UPSTREAM_ALREADY_EXISTS(Fault.USER),
    /** An upstream can't go: jobs name it, or the server was started with it. */
    UPSTREAM_IN_USE(Fault.USER),
    START_AFTER_NOW(Fault.USER),
    /** The start position is older than what the upstream still holds. */
    START_BEFORE_OLDEST(Fault.USER),
    TARGET_BEFORE_START(Fault.USER),
    TABLE_INELIGIBLE(Fault.USER),
    SAME_UPSTREAM_DOWNSTREAM(Fault.USER),
    // upstream
    UPSTREAM_CONNECTION(Fault.TRANSIENT),
    UPSTREAM_ACCESS_DENIED(Fault.UPSTREAM),
    UPSTREAM_MISCONFIGURED(Fault.UPSTREAM),
    /**
     * Changes between the job's position and the upstream's oldest ones are gone; the message names
     * the range.
     */
    UPSTREAM_PURGED(Fault.UPSTREAM),
    UPSTREAM_CORRUPT(Fault.UPSTREAM),
    /** A row event does not fit the table version that is known for its position. */
    SCHEMA_MISMATCH(Fault.DATA),
    DDL_UNPARSABLE(Fault.DATA),
    UNSUPPORTED_EVENT(Fault.DATA),
    /** A table that the filter excludes was renamed to a name that it includes. */
    RENAME_INTO_FILTER(Fault.DATA),
    // downstream
    SINK_CONNECTION(Fault.TRANSIENT),
    SINK_TRANSIENT(Fault.TRANSIENT),
    SINK_ACCESS_DENIED(Fault.DOWNSTREAM),
    /** A redo log's place fails at the moment. */
    REDO_STORAGE_TRANSIENT(Fault.TRANSIENT),
    /** The target refuses a row; the message names table, key and statement. */
    SINK_DATA(Fault.DATA),
    SINK_DDL(Fault.DATA),
    MESSAGE_TOO_LARGE(Fault.DATA),
    /** A schema registry refuses a schema, or is none. */
    SCHEMA_REGISTRY(Fault.DOWNSTREAM),
    // control plane
    METASTORE_UNAVAILABLE(Fault.TRANSIENT),
    METASTORE_CONFLICT(Fault.TRANSIENT),
    FENCED(Fault.INTERNAL),
    CLUSTER_UNHEALTHY(Fault.TRANSIENT),
    /** Trouble that was to pass has lasted too long; the message names the last error. */
    RETRIES_EXHAUSTED(Fault.DOWNSTREAM),
    SCHEDULER_REFUSED(Fault.USER),
    INTERNAL(Fault.INTERNAL);

    private final Fault fault;

    ErrorCode(Fault fault) {
        this.fault = fault;
    }

    /** Whose fault. */
    public Fault fault() {
        return fault;
    }

    /** Whether a retry with back-off may help. */
    public boolean isTransient() {
        return fault == Fault.TRANSIENT;
    }
}
