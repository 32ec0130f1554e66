package io.millrace.connect.host;

import io.millrace.core.error.ErrorCode;
import io.millrace.core.error.MillraceException;

/**
 * How much the broker in this process keeps, and how much of the disk it may use.
 *
 * @param retentionHours records older than this are deleted, 1 to 876000 (100 years); topics with
 *     settings of their own go by these
 * @param retentionBytes of each partition older records are deleted beyond this; 0 is no limit
 * @param diskLimit when the data folder has grown to this, in bytes, the broker refuses further
 *     records; 0 is no limit
 * @param diskReserve when less than this is free on the disk, in bytes, the broker refuses further
 *     records; 0 lets it fill the disk, which ends the process
 */
public record BrokerLimits(
        int retentionHours, long retentionBytes, long diskLimit, long diskReserve) {
    private static final int MAX_HOURS = 876_000;

    /** Below this, segments would be too small to be deleted one by one. */
    private static final long MIN_BYTES = 1L << 20;

    /** A week, 50 GiB in all, 1 GiB of the disk left free. */
    public static final BrokerLimits DEFAULT = new BrokerLimits(168, 0, 50L << 30, 1L << 30);

    public BrokerLimits {
        if (retentionHours < 1 || retentionHours > MAX_HOURS) {
            throw invalid("retention-hours", "must be 1.." + MAX_HOURS + ", not " + retentionHours);
        }
        atLeast("retention-bytes", retentionBytes, MIN_BYTES);
        atLeast("disk-limit", diskLimit, MIN_BYTES);
        atLeast("disk-reserve", diskReserve, 0);
    }

    private static void atLeast(String key, long value, long least) {
        if (value != 0 && value < least) {
            throw invalid(key, "must be 0 (none) or at least " + least + " bytes, not " + value);
        }
    }

    private static MillraceException invalid(String key, String why) {
        return new MillraceException(ErrorCode.INVALID_CONFIG, "connect." + key + " - " + why);
    }
}
