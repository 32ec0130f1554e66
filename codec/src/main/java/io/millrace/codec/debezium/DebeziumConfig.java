package io.millrace.codec.debezium;

import io.millrace.codec.CodecOptions;
import io.millrace.codec.EncoderContext;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;

/**
 * Options of the debezium format.
 *
 * @param tidbExtension watermarks, and TiDB's type in each column's schema
 * @param disableSchema messages without the member {@code schema}
 * @param outputOldValue an update has its old row
 * @param clusterId name of the cluster, the first part of schema names
 */
record DebeziumConfig(
        boolean tidbExtension, boolean disableSchema, boolean outputOldValue, String clusterId) {

    /**
     * Reads and checks.
     *
     * @throws MillraceException CODEC_INVALID_CONFIG that names the option
     */
    static DebeziumConfig of(SinkSpec spec, EncoderContext context) {
        SinkOptions options = new SinkOptions(spec, ErrorCode.CODEC_INVALID_CONFIG);
        return new DebeziumConfig(
                CodecOptions.of(spec).tidbExtension(),
                options.flag("debezium-disable-schema", false),
                options.flag("debezium-output-old-value", true),
                context.clusterId());
    }
}
