package io.millrace.codec;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;
import io.millrace.core.spi.SinkOptions;
import io.millrace.core.spi.SinkSpec;

/**
 * Options that several wire formats share.
 *
 * @param tidbExtension members beyond the format's own, such as the commit TSO
 * @param onlyUpdatedColumns the old image of an update holds only the columns that changed
 * @param deleteOnlyHandleKeys a delete holds only the columns of the handle key
 * @param rowChecksums every row message tells the checksum of its values, in formats that have a
 *     field for it
 * @param maxBatchSize rows in one message of a format that has such messages
 * @param maxMessageBytes greatest size of a message
 */
public record CodecOptions(
        boolean tidbExtension,
        boolean onlyUpdatedColumns,
        boolean deleteOnlyHandleKeys,
        boolean rowChecksums,
        int maxBatchSize,
        int maxMessageBytes) {
    private static final int DEFAULT_MAX_BATCH_SIZE = 16;
    private static final int DEFAULT_MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

    /**
     * Reads and checks.
     *
     * @throws MillraceException CODEC_INVALID_CONFIG that names the option
     */
    public static CodecOptions of(SinkSpec spec) {
        SinkOptions options = new SinkOptions(spec, ErrorCode.CODEC_INVALID_CONFIG);
        boolean deleteOnlyKeys = options.flag("delete-only-output-handle-key-columns", false);
        if (deleteOnlyKeys && spec.forceReplicate()) {
            throw invalid(
                    "delete-only-output-handle-key-columns cannot be used with force-replicate:"
                            + " tables without a key have no handle key columns");
        }
        return new CodecOptions(
                options.flag("enable-tidb-extension", false),
                options.flag("only-output-updated-columns", false),
                deleteOnlyKeys,
                rowChecksums(spec, options),
                positive(options, "max-batch-size", DEFAULT_MAX_BATCH_SIZE),
                positive(options, "max-message-bytes", DEFAULT_MAX_MESSAGE_BYTES));
    }

    private static boolean rowChecksums(SinkSpec spec, SinkOptions options) {
        String level = options.text("integrity-check-level", "none");
        if (level.equals("none")) {
            return false;
        }
        if (!level.equals("correctness")) {
            throw invalid("integrity-check-level must be none or correctness: " + level);
        }
        if (!spec.columnSelectors().isEmpty()) {
            throw invalid(
                    "integrity-check-level=correctness cannot be used with column selectors: the"
                            + " checksum is that of the whole row");
        }
        return true;
    }

    private static int positive(SinkOptions options, String name, int otherwise) {
        long value = options.longNumber(name).orElse(otherwise);
        if (value <= 0) {
            throw invalid(name + " must be positive: " + value);
        }
        return Math.clamp(value, 1, Integer.MAX_VALUE);
    }

    private static MillraceException invalid(String message) {
        return new MillraceException(ErrorCode.CODEC_INVALID_CONFIG, message);
    }
}
