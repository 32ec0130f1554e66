package io.millrace.codec.openprotocol;

import io.millrace.codec.CodecOptions;
import io.millrace.codec.LargeMessages;
import io.millrace.core.error.ErrorCode;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;

/**
 * How open-protocol messages are written.
 *
 * @param onlyUpdatedColumns the old image of an update holds only the columns that changed
 * @param deleteOnlyHandleKeys a delete holds only the columns of the handle key
 * @param outputOldValue updates have an old image at all
 * @param maxBatchSize rows in one message
 * @param large what happens to rows that are too large, and compression of values
 */
public record OpenProtocolConfig(
        boolean onlyUpdatedColumns,
        boolean deleteOnlyHandleKeys,
        boolean outputOldValue,
        int maxBatchSize,
        LargeMessages large) {

    /**
     * Reads and checks.
     *
     * @throws io.millrace.core.error.MillraceException a USER error that names the option
     */
    public static OpenProtocolConfig of(SinkSpec spec) {
        CodecOptions common = CodecOptions.of(spec);
        return new OpenProtocolConfig(
                common.onlyUpdatedColumns(),
                common.deleteOnlyHandleKeys(),
                new SinkOptions(spec, ErrorCode.CODEC_INVALID_CONFIG)
                        .flag("open-output-old-value", true),
                common.maxBatchSize(),
                LargeMessages.of(spec));
    }
}
