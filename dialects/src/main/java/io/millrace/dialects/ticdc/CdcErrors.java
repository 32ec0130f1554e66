package io.millrace.dialects.ticdc;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.control.Secrets;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import java.util.List;

/** How Millrace's errors look in TiCDC's words: code, text and HTTP status. Pure. */
final class CdcErrors {
    /** The codes that make an answer 400; every other error is 500. */
    static final List<String> BAD_REQUEST =
            List.of(
                    "CDC:ErrAPIInvalidParam",
                    "CDC:ErrSinkURIInvalid",
                    "CDC:ErrStartTsBeforeGC",
                    "CDC:ErrChangeFeedNotExists",
                    "CDC:ErrTargetTsBeforeStartTs",
                    "CDC:ErrTableIneligible",
                    "CDC:ErrFilterRuleInvalid",
                    "CDC:ErrChangefeedUpdateRefused",
                    "CDC:ErrMySQLConnectionError",
                    "CDC:ErrMySQLInvalidConfig",
                    "CDC:ErrCaptureNotExist",
                    "CDC:ErrSchedulerRequestFailed");

    /** TiCDC's for every storage, sink or redo log, in spite of its name. */
    private static final String STORAGE_FAILURE = "CDC:ErrS3StorageAPI";

    private CdcErrors() {}

    /**
     * TiCDC's code for an error.
     *
     * @param sinkScheme scheme of the sink that the error is about, which decides between the codes
     *     of databases, Kafka and storages; empty when there is none
     */
    static String code(ErrorCode code, String sinkScheme) {
        boolean kafka = sinkScheme.startsWith("kafka");
        boolean storage = ReplicaConfig.isStorage(sinkScheme);
        return switch (code) {
            case INVALID_PARAMETER, INVALID_NAME, UNSUPPORTED_OPTION, JOB_STATE_CONFLICT ->
                    "CDC:ErrAPIInvalidParam";
            case START_AFTER_NOW -> "CDC:ErrAPIInvalidParam";
            case INVALID_CONFIG -> "CDC:ErrInvalidReplicaConfig";
            case INVALID_FILTER -> "CDC:ErrFilterRuleInvalid";
            case INVALID_EVENT_TYPE -> "CDC:ErrInvalidIgnoreEventType";
            case INVALID_EXPRESSION -> "CDC:ErrInvalidFilterExpression";
            case EXPRESSION_COLUMN_NOT_FOUND -> "CDC:ErrExpressionColumnNotFound";
            case COLUMN_SELECTOR_INVALID -> "CDC:ErrColumnSelectorFailed";
            case SINK_URI_INVALID -> "CDC:ErrSinkURIInvalid";
            case SINK_UNKNOWN_PROTOCOL -> "CDC:ErrSinkUnknownProtocol";
            case SINK_INVALID_CONFIG -> "CDC:ErrSinkInvalidConfig";
            case MYSQL_INVALID_CONFIG -> "CDC:ErrMySQLInvalidConfig";
            case KAFKA_INVALID_CONFIG -> "CDC:ErrKafkaInvalidConfig";
            case KAFKA_INVALID_PARTITION_NUM -> "CDC:ErrKafkaInvalidPartitionNum";
            case KAFKA_INVALID_REQUIRED_ACKS -> "CDC:ErrKafkaInvalidRequiredAcks";
            case KAFKA_INVALID_VERSION -> "CDC:ErrKafkaInvalidVersion";
            case KAFKA_INVALID_CLIENT_ID -> "CDC:ErrKafkaInvalidClientID";
            case KAFKA_TOPIC_EXPRESSION_INVALID -> "CDC:ErrKafkaTopicExprInvalid";
            case CODEC_INVALID_CONFIG -> "CDC:ErrCodecInvalidConfig";
            case STORAGE_INVALID_CONFIG -> "CDC:ErrStorageSinkInvalidConfig";
            case REDO_STORAGE_INVALID -> "CDC:ErrConsistentStorage";
            case REDO_STORAGE_UNUSABLE -> "CDC:ErrStorageInitialize";
            case DISPATCHER_INVALID -> "CDC:ErrDispatcherFailed";
            case JOB_NOT_FOUND -> "CDC:ErrChangeFeedNotExists";
            case JOB_ALREADY_EXISTS -> "CDC:ErrChangeFeedAlreadyExists";
            case UPDATE_REFUSED -> "CDC:ErrChangefeedUpdateRefused";
            case NODE_NOT_FOUND -> "CDC:ErrCaptureNotExist";
            case UPSTREAM_NOT_FOUND -> "CDC:ErrUpstreamNotFound";
            case UPSTREAM_ALREADY_EXISTS, UPSTREAM_IN_USE, JOB_BUSY -> "CDC:ErrAPIInvalidParam";
            case START_BEFORE_OLDEST -> "CDC:ErrStartTsBeforeGC";
            case TARGET_BEFORE_START -> "CDC:ErrTargetTsBeforeStartTs";
            case TABLE_INELIGIBLE -> "CDC:ErrTableIneligible";
            case SAME_UPSTREAM_DOWNSTREAM -> "CDC:ErrSameUpstreamDownstream";
            case UPSTREAM_CONNECTION -> "CDC:ErrPDEtcdAPIError";
            case UPSTREAM_ACCESS_DENIED, UPSTREAM_MISCONFIGURED -> "CDC:ErrNewStore";
            case UPSTREAM_PURGED -> "CDC:ErrSnapshotLostByGC";
            case SCHEMA_MISMATCH -> "CDC:ErrSchemaSnapshotNotFound";
            case UPSTREAM_CORRUPT, DDL_UNPARSABLE, UNSUPPORTED_EVENT, RETRIES_EXHAUSTED ->
                    "CDC:ErrChangefeedUnretryable";
            case RENAME_INTO_FILTER -> "CDC:ErrSyncRenameTableFailed";
            case SINK_CONNECTION, SINK_ACCESS_DENIED ->
                    storage
                            ? STORAGE_FAILURE
                            : kafka ? "CDC:ErrKafkaNewProducer" : "CDC:ErrMySQLConnectionError";
            case SINK_TRANSIENT, SINK_DATA ->
                    storage
                            ? STORAGE_FAILURE
                            : kafka ? "CDC:ErrKafkaAsyncSendMessage" : "CDC:ErrMySQLTxnError";
            case REDO_STORAGE_TRANSIENT -> STORAGE_FAILURE;
            case SINK_DDL -> "CDC:ErrExecDDLFailed";
            case MESSAGE_TOO_LARGE -> "CDC:ErrMessageTooLarge";
            case SCHEMA_REGISTRY -> "CDC:ErrAvroSchemaAPIError";
            case METASTORE_UNAVAILABLE, METASTORE_CONFLICT -> "DFLOW:ErrMetaOpFailed";
            case FENCED -> "CDC:ErrNotOwner";
            case SCHEDULER_REFUSED -> "CDC:ErrSchedulerRequestFailed";
            case CLUSTER_UNHEALTHY -> "CDC:ErrClusterIsUnhealthy";
            case INTERNAL -> "CDC:ErrProcessorUnknown";
        };
    }

    /** {@code [code]message}, without secrets. */
    static String text(MillraceException error, String sinkScheme) {
        return "[" + code(error.code(), sinkScheme) + "]" + Secrets.maskText(error.text());
    }

    /** 400 if the code or the text names one of {@link #BAD_REQUEST}, else 500. */
    static int status(String text) {
        for (String code : BAD_REQUEST) {
            if (text.contains(code)) {
                return 400;
            }
        }
        return 500;
    }

    /** The error object. */
    static ObjectNode body(String text, String code) {
        return GoJson.object().put("error_msg", text).put("error_code", code);
    }
}
