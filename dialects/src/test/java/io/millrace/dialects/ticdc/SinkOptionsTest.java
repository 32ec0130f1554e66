package io.millrace.dialects.ticdc;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

/** The config's fields reach the sinks under the names of the URI parameters. */
class SinkOptionsTest {
    private static final ObjectNode CONFIG =
            GoJson.readStored(
                    """
                    {"integrity": {"integrity_check_level": "correctness"},
                     "sink": {
                      "open": {"output_old_value": false},
                      "schema_registry": "http://r:8081",
                      "debezium_disable_schema": true,
                      "debezium": {"output_old_value": false},
                      "send_bootstrap_interval_in_sec": 7,
                      "send_bootstrap_in_msg_count": 8,
                      "send_bootstrap_to_all_partition": false,
                      "kafka_config": {"codec_config": {
                        "max_batch_size": 5,
                        "enable_tidb_extension": true,
                        "avro_enable_watermark": true,
                        "avro_decimal_handling_mode": "string",
                        "avro_bigint_unsigned_handling_mode": "string",
                        "encoding_format": "avro"}}}}
                    """);

    @Test
    void optionsOfFormatsReachQueues() {
        assertThat(ReplicaConfig.sinkOptions(CONFIG, "kafka"))
                .containsEntry("integrity-check-level", "correctness")
                .containsEntry("schema-registry", "http://r:8081")
                .containsEntry("open-output-old-value", "false")
                .containsEntry("max-batch-size", "5")
                .containsEntry("debezium-disable-schema", "true")
                .containsEntry("debezium-output-old-value", "false")
                .containsEntry("send-bootstrap-interval-in-sec", "7")
                .containsEntry("send-bootstrap-in-msg-count", "8")
                .containsEntry("send-bootstrap-to-all-partition", "false")
                .containsEntry("enable-tidb-extension", "true")
                .containsEntry("avro-enable-watermark", "true")
                .containsEntry("avro-decimal-handling-mode", "string")
                .containsEntry("avro-bigint-unsigned-handling-mode", "string")
                .containsEntry("encoding-format", "avro");
        assertThat(ReplicaConfig.sinkOptions(CONFIG, "mysql")).isEmpty();
    }
}
