package io.millrace.dialects.ticdc;

import static io.millrace.dialects.ticdc.Shape.BOOL;
import static io.millrace.dialects.ticdc.Shape.DURATION;
import static io.millrace.dialects.ticdc.Shape.EXPRESSION;
import static io.millrace.dialects.ticdc.Shape.INT16;
import static io.millrace.dialects.ticdc.Shape.INT32;
import static io.millrace.dialects.ticdc.Shape.INT64;
import static io.millrace.dialects.ticdc.Shape.TEXT;
import static io.millrace.dialects.ticdc.Shape.TEXTS;
import static io.millrace.dialects.ticdc.Shape.UINT64;
import static io.millrace.dialects.ticdc.Shape.field;
import static io.millrace.dialects.ticdc.Shape.struct;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.millrace.core.control.FilterSpec;
import io.millrace.core.control.Secrets;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.filter.EventRule;
import io.millrace.core.model.TableName;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.SinkSpec.ColumnSelector;
import io.millrace.core.spi.SinkSpec.DispatchRule;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The {@code replica_config} document: its shape, defaults, rules, and what of it the engine is
 * told. The document itself is a JSON tree that is kept and answered as it is.
 *
 * <p>Where the v2 document and later servers differ in a default, the document wins: {@code
 * case_sensitive} true, {@code encoder_concurrency} 16, {@code date_separator} none.
 */
final class ReplicaConfig {
    static final long DEFAULT_MEMORY_QUOTA = 1L << 30;
    private static final Duration MIN_SYNC_POINT_INTERVAL = Duration.ofSeconds(30);
    private static final Duration MIN_SYNC_POINT_RETENTION = Duration.ofHours(1);
    private static final Duration MIN_STUCK = Duration.ofMinutes(30);
    private static final int MIN_REDO_INTERVAL_MS = 50;
    private static final int DEFAULT_REDO_MEMORY_PERCENTAGE = 50;
    private static final int MOST_REDO_MEMORY_PERCENTAGE = 75;

    private static final String FILTER = "filter";

    /** Numbers of {@code consistent} for which 0 is another word for their default. */
    private static final List<String> ZERO_MEANS_DEFAULT =
            List.of(
                    "max_log_size",
                    "flush_interval",
                    "meta_flush_interval",
                    "encoding_worker_num",
                    "flush_worker_num");

    /** In v1, {@code partition} of a dispatch rule. */
    private static final String DISPATCHER = "dispatcher";

    /** In v1, what a dispatch rule had before it had a matcher. */
    private static final List<String> OLD_RULE = List.of("db-name", "tbl-name", "rule");

    private static final Shape TABLE =
            struct(field("database_name", TEXT), field("table_name", TEXT));

    static final Shape.Struct SHAPE =
            struct(
                    field("memory_quota", UINT64),
                    field("case_sensitive", BOOL),
                    field("force_replicate", BOOL),
                    field("ignore_ineligible_table", BOOL),
                    field("check_gc_safe_point", BOOL),
                    field("enable_old_value", BOOL),
                    field("enable_sync_point", BOOL),
                    field("enable_table_monitor", BOOL),
                    field("bdr_mode", BOOL),
                    field("sync_point_interval", DURATION),
                    field("sync_point_retention", DURATION),
                    field("changefeed_error_stuck_duration", DURATION),
                    field("sql_mode", TEXT),
                    field(
                            "filter",
                            struct(
                                    field("rules", TEXTS),
                                    field("do_dbs", TEXTS),
                                    field("do_tables", new Shape.Array(TABLE)),
                                    field("ignore_dbs", TEXTS),
                                    field("ignore_tables", new Shape.Array(TABLE)),
                                    field("ignore_txn_start_ts", new Shape.Array(UINT64)),
                                    field("event_filters", new Shape.Array(eventFilter())))),
                    field("mounter", struct(field("worker_num", INT64))),
                    field("sink", sink(dispatcher())),
                    field(
                            "consistent",
                            struct(
                                    field("level", TEXT),
                                    field("max_log_size", INT64),
                                    field("flush_interval", INT64),
                                    field("meta_flush_interval", INT64),
                                    field("encoding_worker_num", INT64),
                                    field("flush_worker_num", INT64),
                                    field("storage", TEXT),
                                    field("use_file_backend", BOOL),
                                    field("compression", TEXT),
                                    field("flush_concurrency", INT64),
                                    field(
                                            "memory_usage",
                                            struct(field("memory_quota_percentage", UINT64))))),
                    field(
                            "scheduler",
                            struct(
                                    field("enable_table_across_nodes", BOOL),
                                    field("region_threshold", INT64),
                                    field("write_key_threshold", INT64))),
                    field(
                            "integrity",
                            struct(
                                    field("integrity_check_level", TEXT),
                                    field("corruption_handle_level", TEXT))),
                    field(
                            "synced_status",
                            struct(
                                    field("synced_check_interval", INT64),
                                    field("checkpoint_interval", INT64))));

    /** {@code sink_config} of v1: the sink's fields under their names in TiCDC's own files. */
    static final Shape.Struct V1_SINK = sink(v1Dispatcher()).withAliases(ReplicaConfig::v1Names);

    private static List<String> v1Names(String name) {
        String kebab = name.replace('_', '-');
        return switch (name) {
            case "protocol" -> List.of("protocal"); // as the document spells it
            case "file_index_width" -> List.of(kebab, "file-index-digit");
            case "advance_timeout" -> List.of(kebab, "advance-timeout-in-sec");
            case "max_multi_update_row_count" -> List.of(kebab, "max-multi-update-row");
            default -> List.of(kebab);
        };
    }

    private static Shape.Struct eventFilter() {
        JsonNode none = NullNode.getInstance();
        JsonNode empty = TextNode.valueOf("");
        return struct(
                field("matcher", TEXTS, none),
                field("ignore_event", TEXTS, none),
                field("ignore_sql", TEXTS, none),
                field("ignore_insert_value_expr", EXPRESSION, empty),
                field("ignore_update_new_value_expr", EXPRESSION, empty),
                field("ignore_update_old_value_expr", EXPRESSION, empty),
                field("ignore_delete_value_expr", EXPRESSION, empty));
    }

    private static Shape.Struct dispatcher() {
        return struct(
                field("matcher", TEXTS, NullNode.getInstance()),
                field("partition", TEXT, TextNode.valueOf("")),
                field("index", TEXT),
                field("columns", TEXTS),
                field("topic", TEXT, TextNode.valueOf("")));
    }

    /** Also an older name of a member, and a rule of one table as the first servers had it. */
    private static Shape.Struct v1Dispatcher() {
        List<Shape.Field> fields = new ArrayList<>(dispatcher().fields());
        fields.add(field(DISPATCHER, TEXT));
        OLD_RULE.forEach(name -> fields.add(field(name, TEXT)));
        return new Shape.Struct(fields);
    }

    /**
     * Gives the dispatch rules of a v1 request their members of today, in place.
     *
     * @throws MillraceException SINK_INVALID_CONFIG when a rule says one thing in two ways
     */
    static void upgradeDispatchers(ObjectNode v1Sink) {
        for (JsonNode element : v1Sink.path("dispatchers")) {
            ObjectNode rule = (ObjectNode) element;
            String partition = rule.path("partition").asText("");
            String dispatcher = text(rule, DISPATCHER);
            if (OLD_RULE.stream().anyMatch(rule::has)) {
                if (!partition.isEmpty()
                        || !dispatcher.isEmpty()
                        || !rule.path("matcher").isEmpty()) {
                    throw new MillraceException(
                            ErrorCode.SINK_INVALID_CONFIG,
                            "a dispatcher has db-name, tbl-name or rule beside matcher, dispatcher"
                                    + " or partition: use one form");
                }
                String schema = text(rule, "db-name");
                String table = text(rule, "tbl-name");
                if (schema.isEmpty() || table.isEmpty()) {
                    throw new MillraceException(
                            ErrorCode.SINK_INVALID_CONFIG,
                            "a dispatcher of the form db-name, tbl-name, rule needs both names;"
                                    + " better: matcher [\"schema.table\"] and partition");
                }
                rule.putArray("matcher").add(quoted(schema) + "." + quoted(table));
                rule.put("partition", text(rule, "rule"));
            } else if (!dispatcher.isEmpty()) {
                if (!partition.isEmpty()) {
                    throw new MillraceException(
                            ErrorCode.SINK_INVALID_CONFIG,
                            "dispatcher and partition cannot be configured both, they are two names"
                                    + " of one thing");
                }
                rule.put("partition", dispatcher);
            }
            rule.remove(DISPATCHER);
            rule.remove(OLD_RULE);
        }
    }

    /** A name in a rule's grammar that stands for itself. */
    private static String quoted(String name) {
        return "`" + name.replace("`", "``") + "`";
    }

    private static String text(JsonNode object, String name) {
        return object.path(name).asText("");
    }

    private static Shape.Struct sink(Shape.Struct dispatcher) {
        JsonNode none = NullNode.getInstance();
        return struct(
                field("protocol", TEXT),
                field("schema_registry", TEXT),
                field(
                        "csv",
                        struct(
                                field("delimiter", TEXT),
                                field("quote", TEXT),
                                field("null", TEXT),
                                field("include_commit_ts", BOOL),
                                field("binary_encoding_method", TEXT),
                                field("output_old_value", BOOL),
                                field("output_handle_key", BOOL),
                                field("output_field_header", BOOL))),
                field("dispatchers", new Shape.Array(dispatcher)),
                field(
                        "column_selectors",
                        new Shape.Array(
                                struct(
                                        field("matcher", TEXTS, none),
                                        field("columns", TEXTS, none)))),
                field("transaction_atomicity", TEXT),
                field("encoder_concurrency", INT64),
                field("terminator", TEXT),
                field("date_separator", TEXT),
                field("enable_partition_separator", BOOL),
                field("file_index_width", INT64),
                field("enable_kafka_sink_v2", BOOL),
                field("only_output_updated_columns", BOOL),
                field("delete_only_output_handle_key_columns", BOOL),
                field("content_compatible", BOOL),
                field("safe_mode", BOOL),
                field("kafka_config", kafka()),
                field("pulsar_config", pulsar()),
                field(
                        "mysql_config",
                        struct(
                                field("worker_count", INT64),
                                field("max_txn_row", INT64),
                                field("max_multi_update_row_size", INT64),
                                field("max_multi_update_row_count", INT64),
                                field("tidb_txn_mode", TEXT),
                                field("ssl_ca", TEXT),
                                field("ssl_cert", TEXT),
                                field("ssl_key", TEXT),
                                field("time_zone", TEXT),
                                field("write_timeout", TEXT),
                                field("read_timeout", TEXT),
                                field("timeout", TEXT),
                                field("enable_batch_dml", BOOL),
                                field("enable_multi_statement", BOOL),
                                field("enable_cache_prepared_statement", BOOL))),
                field(
                        "cloud_storage_config",
                        struct(
                                field("worker_count", INT64),
                                field("flush_interval", TEXT),
                                field("file_size", INT64),
                                field("output_column_id", BOOL),
                                field("file_expiration_days", INT64),
                                field("file_cleanup_cron_spec", TEXT),
                                field("flush_concurrency", INT64),
                                field("output_raw_change_event", BOOL))),
                field("advance_timeout", UINT64),
                field("send_bootstrap_interval_in_sec", INT64),
                field("send_bootstrap_in_msg_count", INT32),
                field("send_bootstrap_to_all_partition", BOOL),
                field("send-all-bootstrap-at-start", BOOL),
                field("debezium_disable_schema", BOOL),
                field("debezium", struct(field("output_old_value", BOOL))),
                field("open", struct(field("output_old_value", BOOL))));
    }

    private static Shape.Struct kafka() {
        return struct(
                field("partition_num", INT32),
                field("replication_factor", INT16),
                field("kafka_version", TEXT),
                field("max_message_bytes", INT64),
                field("compression", TEXT),
                field("kafka_client_id", TEXT),
                field("auto_create_topic", BOOL),
                field("dial_timeout", TEXT),
                field("write_timeout", TEXT),
                field("read_timeout", TEXT),
                field("required_acks", INT64),
                field("sasl_user", TEXT),
                field("sasl_password", TEXT),
                field("sasl_mechanism", TEXT),
                field("sasl_gssapi_auth_type", TEXT),
                field("sasl_gssapi_keytab_path", TEXT),
                field("sasl_gssapi_kerberos_config_path", TEXT),
                field("sasl_gssapi_service_name", TEXT),
                field("sasl_gssapi_user", TEXT),
                field("sasl_gssapi_password", TEXT),
                field("sasl_gssapi_realm", TEXT),
                field("sasl_gssapi_disable_pafxfast", BOOL),
                field("sasl_oauth_client_id", TEXT),
                field("sasl_oauth_client_secret", TEXT),
                field("sasl_oauth_token_url", TEXT),
                field("sasl_oauth_scopes", TEXTS),
                field("sasl_oauth_grant_type", TEXT),
                field("sasl_oauth_audience", TEXT),
                field("enable_tls", BOOL),
                field("ca", TEXT),
                field("cert", TEXT),
                field("key", TEXT),
                field("insecure_skip_verify", BOOL),
                field(
                        "codec_config",
                        struct(
                                field("enable_tidb_extension", BOOL),
                                field("max_batch_size", INT64),
                                field("avro_enable_watermark", BOOL),
                                field("avro_decimal_handling_mode", TEXT),
                                field("avro_bigint_unsigned_handling_mode", TEXT),
                                field("encoding_format", TEXT))),
                field(
                        "large_message_handle",
                        struct(
                                field("large_message_handle_option", TEXT),
                                field("large_message_handle_compression", TEXT),
                                field("claim_check_storage_uri", TEXT),
                                field("claim_check_raw_value", BOOL))),
                field(
                        "glue_schema_registry_config",
                        struct(
                                field("registry_name", TEXT),
                                field("region", TEXT),
                                field("access_key", TEXT),
                                field("secret_access_key", TEXT),
                                field("token", TEXT))),
                field("output_raw_change_event", BOOL));
    }

    private static Shape.Struct pulsar() {
        return struct(
                field("tls-certificate-path", TEXT),
                field("tls-private-key-path", TEXT),
                field("tls-trust-certs-file-path", TEXT),
                field("pulsar-producer-cache-size", INT32),
                field("pulsar-version", TEXT),
                field("compression-type", TEXT),
                field("authentication-token", TEXT),
                field("connection-timeout", INT64),
                field("operation-timeout", INT64),
                field("batching-max-messages", UINT64),
                field("batching-max-publish-delay", INT64),
                field("send-timeout", INT64),
                field("token-from-file", TEXT),
                field("basic-user-name", TEXT),
                field("basic-password", TEXT),
                field("auth-tls-certificate-path", TEXT),
                field("auth-tls-private-key-path", TEXT),
                field(
                        "oauth2",
                        struct(
                                field("oauth2-issuer-url", TEXT),
                                field("oauth2-audience", TEXT),
                                field("oauth2-private-key", TEXT),
                                field("oauth2-client-id", TEXT),
                                field("oauth2-scope", TEXT))),
                field("output-raw-change-event", BOOL));
    }

    private static final String DEFAULTS =
            """
            {"memory_quota": 1073741824, "case_sensitive": true, "force_replicate": false,
             "ignore_ineligible_table": false, "check_gc_safe_point": true,
             "enable_old_value": true, "enable_sync_point": false, "enable_table_monitor": false,
             "bdr_mode": false, "sync_point_interval": 600000000000,
             "sync_point_retention": 86400000000000,
             "changefeed_error_stuck_duration": 1800000000000,
             "filter": {"rules": ["*.*"]},
             "mounter": {"worker_num": 16},
             "sink": {
               "csv": {"delimiter": ",", "quote": "\\"", "null": "\\\\N",
                       "include_commit_ts": false, "binary_encoding_method": "base64",
                       "output_old_value": false, "output_handle_key": false,
                       "output_field_header": false},
               "encoder_concurrency": 16, "terminator": "\\r\\n", "date_separator": "none",
               "enable_partition_separator": true, "enable_kafka_sink_v2": false,
               "only_output_updated_columns": false,
               "delete_only_output_handle_key_columns": false, "content_compatible": false,
               "advance_timeout": 150, "send_bootstrap_interval_in_sec": 120,
               "send_bootstrap_in_msg_count": 10000, "send_bootstrap_to_all_partition": true,
               "send-all-bootstrap-at-start": false, "debezium_disable_schema": false,
               "debezium": {"output_old_value": true}, "open": {"output_old_value": true}},
             "consistent": {"level": "none", "max_log_size": 64, "flush_interval": 2000,
               "meta_flush_interval": 200, "encoding_worker_num": 16, "flush_worker_num": 8,
               "use_file_backend": false, "memory_usage": {"memory_quota_percentage": 50}},
             "scheduler": {"enable_table_across_nodes": false, "region_threshold": 100000,
               "write_key_threshold": 0},
             "integrity": {"integrity_check_level": "none", "corruption_handle_level": "warn"},
             "synced_status": {"synced_check_interval": 300, "checkpoint_interval": 15}}
            """;

    /** Sub-objects that an update without them sets back to their defaults. */
    private static final List<String> SUB_OBJECTS =
            List.of(
                    "filter",
                    "mounter",
                    "sink",
                    "consistent",
                    "scheduler",
                    "integrity",
                    "synced_status");

    private static final List<String> DURATIONS =
            List.of(
                    "sync_point_interval",
                    "sync_point_retention",
                    "changefeed_error_stuck_duration");

    private ReplicaConfig() {}

    /** A fresh copy of the complete default. */
    static ObjectNode defaults() {
        return GoJson.readStored(DEFAULTS);
    }

    /**
     * Completes the config of an update, which "must be complete": absent flags are false, absent
     * durations and sub-objects take the built-in defaults, a present sub-object is taken as it is.
     */
    static ObjectNode completeUpdate(ObjectNode given) {
        ObjectNode config = given.deepCopy();
        for (String flag :
                List.of(
                        "case_sensitive",
                        "force_replicate",
                        "ignore_ineligible_table",
                        "check_gc_safe_point")) {
            if (!config.has(flag)) {
                config.put(flag, false);
            }
        }
        ObjectNode defaults = defaults();
        DURATIONS.forEach(name -> setIfAbsent(config, name, defaults));
        SUB_OBJECTS.forEach(name -> setIfAbsent(config, name, defaults));
        return config;
    }

    private static void setIfAbsent(ObjectNode config, String name, ObjectNode defaults) {
        if (!config.has(name)) {
            config.set(name, defaults.get(name));
        }
    }

    /** URI parameters that are kept in the config too, by their names there. */
    static final Map<String, String> URI_TO_SINK =
            Map.of("protocol", "protocol", "transaction-atomicity", "transaction_atomicity");

    /** Writes what the URI says about the sink into the config: the URI goes before it. */
    static void takeOver(ObjectNode config, URI uri) {
        URI_TO_SINK.forEach((parameter, field) ->
                SinkSpec.parameter(uri, parameter)
                        .filter(value -> !value.isEmpty())
                        .ifPresent(value -> config.withObjectProperty("sink").put(field, value)));
    }

    /**
     * Checks values and fills what validation fills; the order is part of the contract. What the
     * engine cannot do is refused here, by name.
     *
     * @param scheme of the sink URI, lower case
     */
    static void validateAndAdjust(ObjectNode config, String scheme) {
        adjust(config);
        boolean syncPoint = flag(config, "enable_sync_point");
        if (syncPoint) {
            atLeast(config, "sync_point_interval", MIN_SYNC_POINT_INTERVAL);
            atLeast(config, "sync_point_retention", MIN_SYNC_POINT_RETENTION);
        }
        atLeast(config, "changefeed_error_stuck_duration", MIN_STUCK);
        validateConsistent(config.path("consistent"));
        validateScheduler(config.path("scheduler"));
        oneOf(config, "integrity", "integrity_check_level", Set.of("none", "correctness", ""));
        oneOf(config, "integrity", "corruption_handle_level", Set.of("warn", "error", ""));
        validateSink(config.path("sink"), scheme);
        if (isQueue(scheme)
                && checksRows(config)
                && !config.path("sink").path("column_selectors").isEmpty()) {
            throw config(
                    "integrity.integrity_check_level = correctness cannot be used with"
                            + " sink.column_selectors: the checksum is that of the whole row");
        }
        boolean database = isDatabase(scheme);
        if (syncPoint && !database) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink uri invalid 'sync point must be disabled when the sink is not a database'");
        }
        if (flag(config, "bdr_mode") && !database) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink uri invalid 'bdr_mode needs a sink that is a database'");
        }
        refuseWhatIsMissing(config, scheme);
        // Other kinds of sinks have these switched off, and show it.
        JsonNode scheduler = config.path("scheduler");
        if (flag(scheduler, "enable_table_across_nodes")
                && !isQueue(scheme)
                && !scheme.startsWith("blackhole")) {
            ((ObjectNode) scheduler).put("enable_table_across_nodes", false);
        }
        JsonNode integrity = config.path("integrity");
        if (integrity.path("integrity_check_level").asText("").equals("correctness")
                && !isQueue(scheme)) {
            ((ObjectNode) integrity).put("integrity_check_level", "none");
        }
    }

    private static void adjust(ObjectNode config) {
        config.put("enable_old_value", true);
        if (config.path("memory_quota").asLong() == 0
                && !config.path("memory_quota").isBigInteger()) {
            config.put("memory_quota", DEFAULT_MEMORY_QUOTA);
        }
        ObjectNode defaults = defaults();
        DURATIONS.forEach(name -> setIfAbsent(config, name, defaults));
        SUB_OBJECTS.forEach(name -> setIfAbsent(config, name, defaults));
        ObjectNode filter = (ObjectNode) config.get("filter");
        if (filter.path("rules").isEmpty()) {
            filter.set("rules", GoJson.array().add("*.*"));
        }
        ObjectNode sink = (ObjectNode) config.get("sink");
        if (sink.has("advance_timeout") && sink.get("advance_timeout").asLong() == 0) {
            sink.put("advance_timeout", 150);
        }
        if (config.get("consistent") instanceof ObjectNode consistent
                && consistent.path("level").asText("none").equals("eventual")) {
            JsonNode standard = defaults.path("consistent");
            for (String name : ZERO_MEANS_DEFAULT) {
                if (consistent.has(name) && consistent.path(name).asLong() == 0) {
                    consistent.set(name, standard.path(name));
                }
            }
        }
    }

    private static void validateConsistent(JsonNode consistent) {
        if (!consistent.path("level").asText("none").equals("eventual")) {
            return;
        }
        for (String name : List.of("flush_interval", "meta_flush_interval")) {
            long value = consistent.path(name).asLong(0);
            if (value != 0 && value < MIN_REDO_INTERVAL_MS) {
                throw config(
                        "The consistent."
                                + name
                                + ":"
                                + value
                                + " must be equal or greater than "
                                + MIN_REDO_INTERVAL_MS);
            }
        }
    }

    private static void validateScheduler(JsonNode scheduler) {
        if (!flag(scheduler, "enable_table_across_nodes")) {
            return;
        }
        for (String name : List.of("region_threshold", "write_key_threshold")) {
            if (scheduler.path(name).asLong(0) < 0) {
                throw config("scheduler." + name + " must not be negative");
            }
        }
    }

    private static void validateSink(JsonNode sink, String scheme) {
        String protocol = sink.path("protocol").asText("");
        if (isDatabase(scheme) && !protocol.isEmpty()) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink uri invalid 'protocol "
                            + protocol
                            + " is incompatible with the sink scheme "
                            + scheme
                            + "'; leave out the protocol in sink_uri and"
                            + " replica_config.sink.protocol");
        }
        String atomicity = sink.path("transaction_atomicity").asText("");
        if (!Set.of("", "none", "table").contains(atomicity)) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink uri invalid '"
                            + atomicity
                            + " level atomicity is not supported'; use none or table");
        }
        if (atomicity.equals("table") && isQueue(scheme)) {
            throw new MillraceException(
                    ErrorCode.SINK_URI_INVALID,
                    "sink uri invalid 'table level atomicity is not supported by a sink of scheme "
                            + scheme
                            + "'");
        }
        if (!sink.path("schema_registry").asText("").isEmpty()
                && sink.path("kafka_config").has("glue_schema_registry_config")) {
            throw config(
                    "sink.schema_registry and sink.kafka_config.glue_schema_registry_config exclude"
                            + " each other");
        }
        JsonNode glue = sink.path("kafka_config").path("glue_schema_registry_config");
        for (String name : List.of("registry_name", "region")) {
            if (glue.isObject() && glue.path(name).asText("").isEmpty()) {
                throw config("sink.kafka_config.glue_schema_registry_config needs " + name);
            }
        }
        if (sink.path("encoder_concurrency").asLong(0) < 0) {
            throw config("sink.encoder_concurrency must not be negative");
        }
        String separator = sink.path("date_separator").asText("").toLowerCase(Locale.ROOT);
        if (!Set.of("", "none", "year", "month", "day").contains(separator)) {
            throw new MillraceException(
                    ErrorCode.SINK_INVALID_CONFIG,
                    "sink.date_separator must be none, year, month or day, not " + separator);
        }
    }

    /**
     * Options with an effect that Millrace does not have yet. Being told is better than waiting for
     * an effect that never comes.
     */
    private static void refuseWhatIsMissing(ObjectNode config, String scheme) {
        JsonNode sink = config.path("sink");
        if (isDatabase(scheme)) {
            // Being ignored, columns that were to be held back would be in the target.
            refuseArray(sink, "column_selectors", "sink.");
        }
    }

    private static boolean checksRows(JsonNode config) {
        return config.path("integrity")
                .path("integrity_check_level")
                .asText("")
                .equals("correctness");
    }

    private static void refuseArray(JsonNode parent, String name, String prefix) {
        if (!parent.path(name).isEmpty()) {
            throw unsupported(prefix + name, "[...]");
        }
    }

    private static MillraceException unsupported(String option, String value) {
        return new MillraceException(
                ErrorCode.UNSUPPORTED_OPTION,
                "replica_config."
                        + option
                        + " = "
                        + value
                        + " is not supported by this server; leave the option out");
    }

    private static void oneOf(ObjectNode config, String object, String name, Set<String> allowed) {
        String value = config.path(object).path(name).asText("");
        if (!allowed.contains(value)) {
            throw config("unknown value of " + object + "." + name + ": " + value);
        }
    }

    private static void atLeast(ObjectNode config, String name, Duration least) {
        long nanos = config.path(name).asLong();
        if (nanos < least.toNanos()) {
            throw config(
                    "The "
                            + name
                            + ":"
                            + Duration.ofNanos(nanos)
                            + " must be larger than or equal to "
                            + least);
        }
    }

    private static MillraceException config(String message) {
        return new MillraceException(ErrorCode.INVALID_CONFIG, message);
    }

    static boolean flag(JsonNode parent, String name) {
        return parent.path(name).asBoolean(false);
    }

    static boolean isDatabase(String scheme) {
        return scheme.startsWith("mysql")
                || scheme.startsWith("tidb")
                || scheme.startsWith("mariadb");
    }

    static boolean isQueue(String scheme) {
        return scheme.startsWith("kafka") || scheme.startsWith("pulsar");
    }

    static boolean isStorage(String scheme) {
        return Set.of("file", "nfs", "s3", "gcs", "gs", "azblob", "azure", "noop").contains(scheme);
    }

    static FilterSpec filter(JsonNode config) {
        JsonNode filter = config.path("filter");
        return new FilterSpec(
                texts(filter.path("rules")),
                texts(filter.path("do_dbs")),
                tables(filter.path("do_tables")),
                texts(filter.path("ignore_dbs")),
                tables(filter.path("ignore_tables")),
                eventRules(filter.path("event_filters")),
                tsos(filter.path("ignore_txn_start_ts")));
    }

    private static List<EventRule> eventRules(JsonNode array) {
        List<EventRule> out = new ArrayList<>();
        array.forEach(rule ->
                out.add(
                        new EventRule(
                                texts(rule.path("matcher")),
                                texts(rule.path("ignore_event")),
                                texts(rule.path("ignore_sql")),
                                rule.path("ignore_insert_value_expr").asText(""),
                                rule.path("ignore_update_new_value_expr").asText(""),
                                rule.path("ignore_update_old_value_expr").asText(""),
                                rule.path("ignore_delete_value_expr").asText(""))));
        return out;
    }

    private static List<Long> tsos(JsonNode array) {
        List<Long> out = new ArrayList<>();
        array.forEach(tso -> out.add(tso.bigIntegerValue().longValue()));
        return out;
    }

    private static List<TableName> tables(JsonNode array) {
        List<TableName> out = new ArrayList<>();
        array.forEach(table ->
                out.add(
                        new TableName(
                                table.path("database_name").asText(""),
                                table.path("table_name").asText(""))));
        return out;
    }

    static List<DispatchRule> dispatchers(JsonNode config) {
        List<DispatchRule> out = new ArrayList<>();
        config.path("sink")
                .path("dispatchers")
                .forEach(rule ->
                        out.add(
                                new DispatchRule(
                                        texts(rule.path("matcher")),
                                        rule.path("partition").asText(""),
                                        rule.path("index").asText(""),
                                        texts(rule.path("columns")),
                                        rule.path("topic").asText(""))));
        return out;
    }

    static List<ColumnSelector> columnSelectors(JsonNode config) {
        List<ColumnSelector> out = new ArrayList<>();
        config.path("sink")
                .path("column_selectors")
                .forEach(selector ->
                        out.add(
                                new ColumnSelector(
                                        texts(selector.path("matcher")),
                                        texts(selector.path("columns")))));
        return out;
    }

    /**
     * What the config says to a sink of this scheme, under the names of the URI parameters. Only
     * what was set; parts for other kinds of sinks have no meaning and stay away.
     */
    static Map<String, String> sinkOptions(JsonNode config, String scheme) {
        JsonNode sink = config.path("sink");
        Map<String, String> options = new LinkedHashMap<>();
        option(sink, "transaction_atomicity", "transaction-atomicity", options);
        onFlag(config, "enable_table_monitor", "enable-table-monitor", options);
        if (isDatabase(scheme)) {
            onFlag(sink, "safe_mode", "safe-mode", options);
            JsonNode mysql = sink.path("mysql_config");
            Map<String, String> renamed =
                    Map.of(
                            "max_multi_update_row_count", "max-multi-update-row",
                            "enable_batch_dml", "batch-dml-enable",
                            "enable_multi_statement", "multi-stmt-enable",
                            "enable_cache_prepared_statement", "cache-prep-stmts");
            copyAll(mysql, renamed, options);
            // Empty: the session keeps the target's zone.
            text(mysql, "time_zone", "time-zone", options);
            redoOptions(config, options);
            onFlag(config, "bdr_mode", "bdr-mode", options);
            if (flag(config, "enable_sync_point")) {
                for (String name : List.of("sync_point_interval", "sync_point_retention")) {
                    long ms = Duration.ofNanos(config.path(name).asLong()).toMillis();
                    options.put(name.replace('_', '-'), Long.toString(ms));
                }
            }
        }
        if (isStorage(scheme)) {
            option(sink, "protocol", "protocol", options);
            JsonNode csv = sink.path("csv");
            text(csv, "delimiter", "csv-delimiter", options);
            text(csv, "quote", "csv-quote", options);
            text(csv, "null", "csv-null", options);
            option(csv, "binary_encoding_method", "csv-binary-encoding-method", options);
            for (String flag :
                    List.of(
                            "include_commit_ts",
                            "output_old_value",
                            "output_handle_key",
                            "output_field_header")) {
                onFlag(csv, flag, "csv-" + flag.replace('_', '-'), options);
            }
            text(sink, "terminator", "terminator", options);
            option(sink, "date_separator", "date-separator", options);
            option(sink, "file_index_width", "file-index-width", options);
            for (String flag :
                    List.of(
                            "only_output_updated_columns",
                            "delete_only_output_handle_key_columns",
                            "content_compatible")) {
                onFlag(sink, flag, flag.replace('_', '-'), options);
            }
            copyAll(sink.path("cloud_storage_config"), Map.of(), options);
        }
        if (isQueue(scheme)) {
            option(sink, "protocol", "protocol", options);
            option(sink, "schema_registry", "schema-registry", options);
            if (checksRows(config)) {
                options.put("integrity-check-level", "correctness");
            }
            onFlag(sink, "only_output_updated_columns", "only-output-updated-columns", options);
            onFlag(
                    sink,
                    "delete_only_output_handle_key_columns",
                    "delete-only-output-handle-key-columns",
                    options);
            onFlag(sink, "content_compatible", "content-compatible", options);
            onFlag(sink, "debezium_disable_schema", "debezium-disable-schema", options);
            option(sink.path("debezium"), "output_old_value", "debezium-output-old-value", options);
            option(sink.path("open"), "output_old_value", "open-output-old-value", options);
            for (String bootstrap :
                    List.of(
                            "send_bootstrap_interval_in_sec",
                            "send_bootstrap_in_msg_count",
                            "send_bootstrap_to_all_partition")) {
                option(sink, bootstrap, bootstrap.replace('_', '-'), options);
            }
            onFlag(sink, "send-all-bootstrap-at-start", "send-all-bootstrap-at-start", options);
            JsonNode kafka = sink.path("kafka_config");
            copyAll(kafka, Map.of(), options);
            copyAll(kafka.path("codec_config"), Map.of(), options);
            copyAll(kafka.path("large_message_handle"), Map.of(), options);
            copyAll(
                    kafka.path("glue_schema_registry_config"),
                    Map.of(
                            "registry_name", "glue-registry-name",
                            "region", "glue-region",
                            "access_key", "glue-access-key",
                            "secret_access_key", "glue-secret-access-key",
                            "token", "glue-token"),
                    options);
        }
        return options;
    }

    private static void redoOptions(JsonNode config, Map<String, String> options) {
        JsonNode consistent = config.path("consistent");
        if (!consistent.path("level").asText("none").equals("eventual")) {
            return;
        }
        options.put("redo-storage", consistent.path("storage").asText(""));
        for (String name :
                List.of(
                        "max_log_size",
                        "flush_interval",
                        "meta_flush_interval",
                        "compression",
                        "use_file_backend")) {
            option(consistent, name, "redo-" + name.replace('_', '-'), options);
        }
        long percentage =
                consistent
                        .path("memory_usage")
                        .path("memory_quota_percentage")
                        .asLong(DEFAULT_REDO_MEMORY_PERCENTAGE);
        // Rows held back for the log are a part of the quota; the rest has to flow meanwhile.
        long share = Math.clamp(percentage, 1, MOST_REDO_MEMORY_PERCENTAGE);
        options.put("redo-hold-bytes", Long.toString(memoryQuota(config) / 100 * share));
    }

    private static void copyAll(
            JsonNode object, Map<String, String> renamed, Map<String, String> out) {
        Iterator<Map.Entry<String, JsonNode>> fields = object.fields();
        while (fields.hasNext()) {
            Map.Entry<String, JsonNode> field = fields.next();
            if (field.getValue().isObject()) {
                continue;
            }
            String name = renamed.getOrDefault(field.getKey(), field.getKey().replace('_', '-'));
            option(object, field.getKey(), name, out);
        }
    }

    private static void option(
            JsonNode object, String field, String name, Map<String, String> out) {
        JsonNode value = object.path(field);
        if (value.isArray()) {
            out.put(name, String.join(",", texts(value)));
        } else if (value.isTextual() && !value.asText().isEmpty()
                || value.isNumber()
                || value.isBoolean()) {
            out.put(name, value.asText());
        }
    }

    /** As {@link #option}, for texts where the empty one means something. */
    private static void text(JsonNode object, String field, String name, Map<String, String> out) {
        if (object.path(field).isTextual()) {
            out.put(name, object.path(field).asText());
        }
    }

    private static void onFlag(
            JsonNode object, String field, String name, Map<String, String> out) {
        if (flag(object, field)) {
            out.put(name, "true");
        }
    }

    static long memoryQuota(JsonNode config) {
        JsonNode quota = config.path("memory_quota");
        BigInteger value = quota.bigIntegerValue();
        return value.bitLength() < Long.SIZE ? value.longValue() : Long.MAX_VALUE;
    }

    static List<String> texts(JsonNode array) {
        List<String> out = new ArrayList<>();
        array.forEach(element -> out.add(element.asText("")));
        return out;
    }

    /** The document for an answer: fields in the order of the shape, secrets hidden. */
    static ObjectNode shown(ObjectNode config) {
        ObjectNode plain = ordered(config, SHAPE);
        ObjectNode shown = (ObjectNode) masked("", plain);
        // A filter holds no secrets; hidden parts of its texts would come back as conditions.
        if (plain.has(FILTER)) {
            shown.set(FILTER, plain.get(FILTER));
        }
        return shown;
    }

    private static ObjectNode ordered(ObjectNode object, Shape.Struct shape) {
        ObjectNode out = GoJson.object();
        for (Shape.Field field : shape.fields()) {
            JsonNode value = object.get(field.name());
            if (value instanceof ObjectNode child && field.shape() instanceof Shape.Struct struct) {
                out.set(field.name(), ordered(child, struct));
            } else if (value != null) {
                out.set(field.name(), value);
            }
        }
        return out;
    }

    private static JsonNode masked(String name, JsonNode node) {
        return switch (node) {
            case ObjectNode object -> {
                ObjectNode out = GoJson.object();
                object.fields()
                        .forEachRemaining(field ->
                                out.set(field.getKey(), masked(field.getKey(), field.getValue())));
                yield out;
            }
            case ArrayNode array -> {
                ArrayNode out = GoJson.array();
                array.forEach(element -> out.add(masked(name, element)));
                yield out;
            }
            case TextNode text -> TextNode.valueOf(maskedText(name, text.asText()));
            case BooleanNode flag -> flag;
            default -> node;
        };
    }

    private static String maskedText(String name, String value) {
        if (value.isEmpty()) {
            return value;
        }
        if (Secrets.isSecretName(name)) {
            return Secrets.MASK;
        }
        return value.contains("://") ? Secrets.maskUri(value) : value;
    }

    /**
     * Puts back secrets that a client read hidden and sent back hidden, so that get, edit, put does
     * not destroy them.
     *
     * @param sameTarget whether the sink is where it was: a stored secret is for no other address
     * @throws MillraceException UPDATE_REFUSED when a hidden secret has none stored for the same
     *     address
     */
    static void restoreSecrets(ObjectNode fresh, JsonNode old, boolean sameTarget) {
        for (String name : List.of("sink", "consistent")) {
            if (fresh.get(name) instanceof ObjectNode part) {
                restoreSecrets(part, old.path(name), sameTarget, name);
            }
        }
    }

    private static void restoreSecrets(
            ObjectNode fresh, JsonNode old, boolean sameTarget, String path) {
        // An address beside a secret, such as that of a token server, is where it goes.
        boolean same = sameTarget && addresses(fresh).equals(addresses(old));
        fresh.fields()
                .forEachRemaining(field -> {
                    JsonNode before = old.path(field.getKey());
                    String at = path + "." + field.getKey();
                    if (field.getValue() instanceof ObjectNode child) {
                        restoreSecrets(child, before, sameTarget, at);
                    } else if (field.getValue().isTextual()) {
                        field.setValue(
                                TextNode.valueOf(
                                        restored(
                                                field.getKey(),
                                                field.getValue().asText(),
                                                before.asText(""),
                                                same,
                                                at)));
                    }
                });
    }

    private static String restored(
            String name, String given, String stored, boolean same, String at) {
        Optional<String> found = Optional.of(given);
        if (Secrets.isSecretName(name)) {
            if (given.equals(Secrets.MASK)) {
                found = Optional.of(stored).filter(secret -> same && !secret.isEmpty());
            }
        } else if (given.contains("://") && given.contains(Secrets.MASK)) {
            found = Secrets.restoreUri(given, stored);
        }
        return found.orElseThrow(() ->
                new MillraceException(
                        ErrorCode.UPDATE_REFUSED,
                        "replica_config."
                                + at
                                + " is or has the hidden secret ("
                                + Secrets.MASK
                                + "), and the stored one is for another user or address; give the"
                                + " real one"));
    }

    private static Map<String, String> addresses(JsonNode object) {
        Map<String, String> found = new LinkedHashMap<>();
        object.fields()
                .forEachRemaining(field -> {
                    String value = field.getValue().asText("");
                    if (value.contains("://")) {
                        found.put(field.getKey(), Secrets.maskUri(value));
                    }
                });
        return found;
    }
}
