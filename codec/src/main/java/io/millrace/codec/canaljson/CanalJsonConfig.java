package io.millrace.codec.canaljson;

import io.millrace.codec.LargeMessages;

/**
 * How canal-json messages are written.
 *
 * @param tidbExtension a {@code _tidb} object with the commit TSO in each message, and watermarks
 * @param onlyUpdatedColumns {@code old} of an update holds only the columns that changed
 * @param deleteOnlyHandleKeys a delete holds only the columns of the handle key
 * @param contentCompatible {@code mysqlType} is the full column type as the server spells it, as
 *     Canal itself writes it; implies {@code onlyUpdatedColumns}
 */
public record CanalJsonConfig(
        boolean tidbExtension,
        boolean onlyUpdatedColumns,
        boolean deleteOnlyHandleKeys,
        boolean contentCompatible,
        LargeMessages large) {
    public static final CanalJsonConfig DEFAULTS = new CanalJsonConfig(false, false, false, false);

    public CanalJsonConfig {
        onlyUpdatedColumns |= contentCompatible;
    }

    /** Rows that are too large are errors. */
    public CanalJsonConfig(
            boolean tidbExtension,
            boolean onlyUpdatedColumns,
            boolean deleteOnlyHandleKeys,
            boolean contentCompatible) {
        this(
                tidbExtension,
                onlyUpdatedColumns,
                deleteOnlyHandleKeys,
                contentCompatible,
                LargeMessages.NONE);
    }

    /** The defaults with the TiDB extension. */
    public static CanalJsonConfig withTidbExtension() {
        return new CanalJsonConfig(true, false, false, false);
    }
}
