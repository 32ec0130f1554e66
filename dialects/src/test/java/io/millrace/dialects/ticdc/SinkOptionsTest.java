package io.millrace.dialects.ticdc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkSpec;
import io.millrace.core.spi.SinkSpec.ColumnSelector;
import io.millrace.core.spi.SinkSpec.DispatchRule;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The config's fields reach the sinks under the names of the URI parameters. */
final class SinkOptionsTest {
    /** Every field that a sink reads, with another value than its default. */
    private static final ObjectNode FULL =
            GoJson.readStored(
                    """
                    {"memory_quota": 1000,
                     "enable_table_monitor": true,
                     "integrity": {"integrity_check_level": "correctness"},
                     "bdr_mode": true,
                     "enable_sync_point": true,
                     "sync_point_interval": 60000000000,
                     "sync_point_retention": 7200000000000,
                     "consistent": {
                       "level": "eventual", "storage": "s3://redo/x", "max_log_size": 3,
                       "flush_interval": 61, "meta_flush_interval": 62, "compression": "lz4",
                       "use_file_backend": true, "encoding_worker_num": 9, "flush_worker_num": 9,
                       "flush_concurrency": 9, "memory_usage": {"memory_quota_percentage": 30}},
                     "sink": {
                       "protocol": "p", "schema_registry": "http://r:8081",
                       "transaction_atomicity": "table", "safe_mode": true,
                       "terminator": "\\n", "date_separator": "day", "file_index_width": 7,
                       "only_output_updated_columns": true,
                       "delete_only_output_handle_key_columns": true, "content_compatible": true,
                       "send_bootstrap_interval_in_sec": 7, "send_bootstrap_in_msg_count": 8,
                       "send_bootstrap_to_all_partition": false,
                       "send-all-bootstrap-at-start": true,
                       "debezium_disable_schema": true,
                       "debezium": {"output_old_value": false},
                       "open": {"output_old_value": false},
                       "dispatchers": [
                         {"matcher": ["a.*"], "partition": "index-value", "index": "uk",
                          "topic": "t"},
                         {"matcher": ["b.*"], "partition": "columns", "columns": ["c", "d"]}],
                       "column_selectors": [{"matcher": ["a.*"], "columns": ["c*"]}],
                       "csv": {
                         "delimiter": ";", "quote": "", "null": "nil", "include_commit_ts": true,
                         "binary_encoding_method": "hex", "output_old_value": true,
                         "output_handle_key": true, "output_field_header": true},
                       "cloud_storage_config": {
                         "worker_count": 3, "flush_interval": "4s", "file_size": 5,
                         "output_column_id": true, "file_expiration_days": 6,
                         "file_cleanup_cron_spec": "0 0 3 * * *", "flush_concurrency": 7,
                         "output_raw_change_event": true},
                       "mysql_config": {
                         "worker_count": 2, "max_txn_row": 3, "max_multi_update_row_size": 4,
                         "max_multi_update_row_count": 5, "tidb_txn_mode": "pessimistic",
                         "ssl_ca": "/ca", "ssl_cert": "/cert", "ssl_key": "/key", "time_zone": "",
                         "write_timeout": "6s", "read_timeout": "7s", "timeout": "8s",
                         "enable_batch_dml": false, "enable_multi_statement": false,
                         "enable_cache_prepared_statement": false},
                       "kafka_config": {
                         "partition_num": 2, "replication_factor": 3, "kafka_version": "2.6.0",
                         "max_message_bytes": 4, "compression": "lz4", "kafka_client_id": "me",
                         "auto_create_topic": false, "dial_timeout": "5s", "write_timeout": "6s",
                         "read_timeout": "7s", "required_acks": 1, "sasl_user": "u",
                         "sasl_password": "p", "sasl_mechanism": "m",
                         "sasl_gssapi_auth_type": "g1", "sasl_gssapi_keytab_path": "g2",
                         "sasl_gssapi_kerberos_config_path": "g3",
                         "sasl_gssapi_service_name": "g4", "sasl_gssapi_user": "g5",
                         "sasl_gssapi_password": "g6", "sasl_gssapi_realm": "g7",
                         "sasl_gssapi_disable_pafxfast": true, "sasl_oauth_client_id": "o1",
                         "sasl_oauth_client_secret": "o2", "sasl_oauth_token_url": "o3",
                         "sasl_oauth_scopes": ["o4", "o5"], "sasl_oauth_grant_type": "o6",
                         "sasl_oauth_audience": "o7", "enable_tls": true, "ca": "c1",
                         "cert": "c2", "key": "c3", "insecure_skip_verify": true,
                         "output_raw_change_event": true,
                         "codec_config": {
                           "max_batch_size": 5, "enable_tidb_extension": true,
                           "avro_enable_watermark": true, "avro_decimal_handling_mode": "string",
                           "avro_bigint_unsigned_handling_mode": "string",
                           "encoding_format": "avro"},
                         "large_message_handle": {
                           "large_message_handle_option": "claim-check",
                           "large_message_handle_compression": "lz4",
                           "claim_check_storage_uri": "file:///c",
                           "claim_check_raw_value": true},
                         "glue_schema_registry_config": {
                           "registry_name": "l1", "region": "l2", "access_key": "l3",
                           "secret_access_key": "l4", "token": "l5"}}}}
                    """);

    private static final String DATABASE =
            """
            batch-dml-enable=false
            bdr-mode=true
            cache-prep-stmts=false
            enable-table-monitor=true
            max-multi-update-row=5
            max-multi-update-row-size=4
            max-txn-row=3
            multi-stmt-enable=false
            read-timeout=7s
            redo-compression=lz4
            redo-flush-interval=61
            redo-hold-bytes=300
            redo-max-log-size=3
            redo-meta-flush-interval=62
            redo-storage=s3://redo/x
            redo-use-file-backend=true
            safe-mode=true
            ssl-ca=/ca
            ssl-cert=/cert
            ssl-key=/key
            sync-point-interval=60000
            sync-point-retention=7200000
            tidb-txn-mode=pessimistic
            time-zone=
            timeout=8s
            transaction-atomicity=table
            worker-count=2
            write-timeout=6s
            """;

    private static final String STORAGE =
            """
            content-compatible=true
            csv-binary-encoding-method=hex
            csv-delimiter=;
            csv-include-commit-ts=true
            csv-null=nil
            csv-output-field-header=true
            csv-output-handle-key=true
            csv-output-old-value=true
            csv-quote=
            date-separator=day
            delete-only-output-handle-key-columns=true
            enable-table-monitor=true
            file-cleanup-cron-spec=0 0 3 * * *
            file-expiration-days=6
            file-index-width=7
            file-size=5
            flush-concurrency=7
            flush-interval=4s
            only-output-updated-columns=true
            output-column-id=true
            output-raw-change-event=true
            protocol=p
            terminator=\\n
            transaction-atomicity=table
            worker-count=3
            """;

    private static final String QUEUE =
            """
            auto-create-topic=false
            avro-bigint-unsigned-handling-mode=string
            avro-decimal-handling-mode=string
            avro-enable-watermark=true
            ca=c1
            cert=c2
            claim-check-raw-value=true
            claim-check-storage-uri=file:///c
            compression=lz4
            content-compatible=true
            debezium-disable-schema=true
            debezium-output-old-value=false
            delete-only-output-handle-key-columns=true
            dial-timeout=5s
            enable-table-monitor=true
            enable-tidb-extension=true
            enable-tls=true
            encoding-format=avro
            glue-access-key=l3
            glue-region=l2
            glue-registry-name=l1
            glue-secret-access-key=l4
            glue-token=l5
            insecure-skip-verify=true
            integrity-check-level=correctness
            kafka-client-id=me
            kafka-version=2.6.0
            key=c3
            large-message-handle-compression=lz4
            large-message-handle-option=claim-check
            max-batch-size=5
            max-message-bytes=4
            only-output-updated-columns=true
            open-output-old-value=false
            output-raw-change-event=true
            partition-num=2
            protocol=p
            read-timeout=7s
            replication-factor=3
            required-acks=1
            sasl-gssapi-auth-type=g1
            sasl-gssapi-disable-pafxfast=true
            sasl-gssapi-kerberos-config-path=g3
            sasl-gssapi-keytab-path=g2
            sasl-gssapi-password=g6
            sasl-gssapi-realm=g7
            sasl-gssapi-service-name=g4
            sasl-gssapi-user=g5
            sasl-mechanism=m
            sasl-oauth-audience=o7
            sasl-oauth-client-id=o1
            sasl-oauth-client-secret=o2
            sasl-oauth-grant-type=o6
            sasl-oauth-scopes=o4,o5
            sasl-oauth-token-url=o3
            sasl-password=p
            sasl-user=u
            schema-registry=http://r:8081
            send-all-bootstrap-at-start=true
            send-bootstrap-in-msg-count=8
            send-bootstrap-interval-in-sec=7
            send-bootstrap-to-all-partition=false
            transaction-atomicity=table
            write-timeout=6s
            """;

    private static String options(ObjectNode config, String scheme) {
        StringBuilder text = new StringBuilder();
        new TreeMap<>(ReplicaConfig.sinkOptions(config, scheme))
                .forEach((name, value) ->
                        text.append(name)
                                .append('=')
                                .append(value.replace("\n", "\\n").replace("\r", "\\r"))
                                .append('\n'));
        return text.toString();
    }

    @Test
    void everyFieldReachesItsSinkAndNoOther() {
        assertThat(options(FULL, "mysql")).isEqualTo(DATABASE);
        assertThat(options(FULL, "tidb+ssl")).isEqualTo(DATABASE);
        assertThat(options(FULL, "file")).isEqualTo(STORAGE);
        assertThat(options(FULL, "s3")).isEqualTo(STORAGE);
        assertThat(options(FULL, "kafka")).isEqualTo(QUEUE);
        assertThat(options(FULL, "blackhole"))
                .isEqualTo("enable-table-monitor=true\ntransaction-atomicity=table\n");
    }

    @Test
    void rulesKeepAllTheirParts() {
        assertThat(ReplicaConfig.dispatchers(FULL))
                .containsExactly(
                        new DispatchRule(List.of("a.*"), "index-value", "uk", List.of(), "t"),
                        new DispatchRule(List.of("b.*"), "columns", "", List.of("c", "d"), ""));
        assertThat(ReplicaConfig.columnSelectors(FULL))
                .containsExactly(new ColumnSelector(List.of("a.*"), List.of("c*")));
    }

    @Test
    void whatIsNotSetSaysNothing() {
        ObjectNode config = ReplicaConfig.defaults();
        assertThat(ReplicaConfig.sinkOptions(config, "mysql")).isEmpty();
        assertThat(options(config, "file"))
                .isEqualTo(
                        """
                        csv-binary-encoding-method=base64
                        csv-delimiter=,
                        csv-null=\\N
                        csv-quote="
                        date-separator=none
                        terminator=\\r\\n
                        """);
        assertThat(options(config, "kafka"))
                .isEqualTo(
                        """
                        debezium-output-old-value=true
                        open-output-old-value=true
                        send-bootstrap-in-msg-count=10000
                        send-bootstrap-interval-in-sec=120
                        send-bootstrap-to-all-partition=true
                        """);
    }

    @Test
    void aRedoLogHoldsAPartOfTheQuotaBack() {
        assertThat(held("{}")).isEqualTo("500");
        assertThat(held("{\"memory_quota_percentage\": 75}")).isEqualTo("750");
        assertThat(held("{\"memory_quota_percentage\": 76}")).isEqualTo("750");
        assertThat(held("{\"memory_quota_percentage\": 0}")).isEqualTo("10");
    }

    private static String held(String usage) {
        ObjectNode config =
                GoJson.readStored(
                        "{\"memory_quota\": 1000, \"consistent\": {\"level\": \"eventual\","
                                + " \"memory_usage\": "
                                + usage
                                + "}}");
        return Map.copyOf(ReplicaConfig.sinkOptions(config, "mysql"))
                .getOrDefault("redo-hold-bytes", "none");
    }

    @Test
    void zerosOfARedoLogAreItsDefaults() {
        ObjectNode config = ReplicaConfig.defaults();
        ObjectNode consistent = (ObjectNode) config.get("consistent");
        consistent
                .put("storage", "noop:///")
                .put("max_log_size", 0)
                .put("flush_interval", 0)
                .put("meta_flush_interval", 0)
                .put("encoding_worker_num", 0)
                .put("flush_worker_num", 0);
        assertThat(check(config, "mysql://h/").at("/consistent/flush_interval").asInt()).isZero();
        consistent.put("level", "eventual");
        assertThat(check(config, "mysql://h/").get("consistent").toString())
                .contains(
                        "\"max_log_size\":64",
                        "\"flush_interval\":2000",
                        "\"meta_flush_interval\":200",
                        "\"encoding_worker_num\":16",
                        "\"flush_worker_num\":8");
    }

    @Test
    void theUriWinsBeforeAnythingIsJudged() {
        ObjectNode config = ReplicaConfig.defaults();
        ((ObjectNode) config.get("sink")).put("transaction_atomicity", "table");
        check(config, "kafka://h/t?protocol=canal-json&transaction-atomicity=none");
        refused(config, "kafka://h/t?protocol=canal-json", "atomicity");
        refused(ReplicaConfig.defaults(), "mysql://h/?protocol=canal-json", "protocol");
        refused(ReplicaConfig.defaults(), "mysql://h/?transaction-atomicity=global", "global");
        ((ObjectNode) config.get("sink")).put("protocol", "csv");
        refused(config, "mysql://h/", "protocol csv");
    }

    private static void refused(ObjectNode config, String uri, String word) {
        assertThatThrownBy(() -> check(config, uri))
                .as(uri)
                .hasMessageContaining(word)
                .extracting(e -> ((MillraceException) e).code())
                .isEqualTo(ErrorCode.SINK_URI_INVALID);
    }

    private static ObjectNode check(ObjectNode config, String uri) {
        ObjectNode own = config.deepCopy();
        URI sink = SinkSpec.parseUri(uri);
        ReplicaConfig.takeOver(own, sink);
        ReplicaConfig.validateAndAdjust(own, String.valueOf(sink.getScheme()));
        return own;
    }
}
